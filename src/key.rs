//! Public keys of build servers: read strictly, and named by their fingerprint.

use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use spki::der::{Encode, pem};
use spki::{EncodePublicKey, SubjectPublicKeyInfoRef};

use crate::digest::Sha256;
use crate::error::Error;
use crate::limits::Limits;

/// Smallest RSA modulus that is accepted (NIST SP 800-131A: below 2048 bits is disallowed).
pub(crate) const RSA_BITS_MIN: u32 = 2048;
/// Largest RSA modulus that is accepted; larger ones only cost time.
pub(crate) const RSA_BITS_MAX: u32 = 8192;
/// Smallest RSA public exponent that is accepted (FIPS 186-5, A.1.1: odd and above 65,536).
pub(crate) const RSA_EXPONENT_MIN: u64 = 65_537;

/// The SHA-256 of a key's SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7): what `--key sha256:HEX` pins.
///
/// `openssl pkey -pubin -in KEY.pem -outform DER | sha256sum` prints the same digits.
pub type Fingerprint = Sha256;

/// A public key that is strong enough to be trusted. Which signature scheme is used follows from it alone, never from
/// what the bundle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub(crate) material: KeyMaterial,
    fingerprint: Fingerprint,
    spki: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyMaterial {
    Rsa(Box<rsa::PublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
}

impl PublicKey {
    /// Reads one PEM block: `PUBLIC KEY` (SubjectPublicKeyInfo, RFC 5280) or `RSA PUBLIC KEY` (PKCS#1, RFC 8017).
    ///
    /// Blanks and line ends around the block are ignored; a second block, a certificate, a private key or any other text
    /// is refused. RSA needs 2048 to 8192 bits and an odd exponent of at least 65,537; EC needs P-256.
    ///
    /// # Errors
    /// [`Error::Key`] with `name` and the reason.
    pub fn from_pem(name: &str, text: &[u8], limits: &Limits) -> Result<Self, Error> {
        let fail = |message: String| Error::Key { name: name.into(), message };
        if text.len() as u64 > limits.key_file_bytes {
            return Err(fail(format!("larger than {} bytes", limits.key_file_bytes)));
        }
        let text = text.trim_ascii();
        let begins = text.windows(11).filter(|window| window == b"-----BEGIN ").count();
        if begins != 1 {
            return Err(fail(format!("expected one PEM block, found {begins}")));
        }
        // The decoder skips what stands before the block, as RFC 7468 allows: it could be read as saying whose key it is.
        if !text.starts_with(b"-----BEGIN ") {
            return Err(fail("expected nothing before the PEM block".into()));
        }
        let (label, der) = pem::decode_vec(text).map_err(|error| fail(format!("not PEM: {error}")))?;
        match label {
            "PUBLIC KEY" => Self::from_spki_der(&der).map_err(fail),
            "RSA PUBLIC KEY" => {
                let key = rsa::PublicKey::from_pkcs1_der(&der)
                    .map_err(|error| fail(format!("not an RSA public key: {error}")))?;
                let spki = key.to_public_key_der().map_err(|error| fail(error.to_string()))?;
                Self::from_spki_der(spki.as_bytes()).map_err(fail)
            }
            _ if label.contains("PRIVATE KEY") => {
                Err(fail(format!("this is a private key ({label}): keep it away from here")))
            }
            _ => Err(fail(format!("expected a public key, found {label}"))),
        }
    }

    fn from_spki_der(der: &[u8]) -> Result<Self, String> {
        let info =
            SubjectPublicKeyInfoRef::try_from(der).map_err(|error| format!("not a SubjectPublicKeyInfo: {error}"))?;
        let material = match info.algorithm.oid {
            rsa::pkcs1::ALGORITHM_OID => KeyMaterial::Rsa(Box::new(read_rsa(der)?)),
            p256::elliptic_curve::ALGORITHM_OID => {
                let key = p256::PublicKey::from_public_key_der(der)
                    .map_err(|error| format!("not a P-256 public key: {error}"))?;
                KeyMaterial::P256(Box::new(key.into()))
            }
            other => return Err(format!("keys of the kind {other} are not supported; RSA and EC P-256 are")),
        };
        // Encoded again, so that the fingerprint is of the one DER form.
        let spki = info.to_der().map_err(|error| error.to_string())?;
        Ok(Self { material, fingerprint: Sha256::of(&spki), spki })
    }

    /// The key's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// `rsa` or `ecdsa-p256`.
    pub fn kind(&self) -> &'static str {
        match self.material {
            KeyMaterial::Rsa(_) => "rsa",
            KeyMaterial::P256(_) => "ecdsa-p256",
        }
    }

    /// Bits of the modulus, or of the curve's field.
    pub fn bits(&self) -> u32 {
        match &self.material {
            KeyMaterial::Rsa(key) => rsa_bits(key),
            KeyMaterial::P256(_) => 256,
        }
    }
}

/// The crate's own limits are at most these; ours are said in words that name the rule.
fn read_rsa(der: &[u8]) -> Result<rsa::PublicKey, String> {
    let key =
        rsa::PublicKey::from_public_key_der(der).map_err(|error| format!("not a usable RSA public key: {error}"))?;
    let bits = rsa_bits(&key);
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(format!("an RSA modulus of {bits} bits; {RSA_BITS_MIN} to {RSA_BITS_MAX} are accepted"));
    }
    // The crate refuses exponents beyond 33 bits, so this fold loses nothing.
    let exponent = key.e_bytes().iter().fold(0, |number: u64, &byte| number << 8 | u64::from(byte));
    if exponent < RSA_EXPONENT_MIN || exponent.is_multiple_of(2) {
        return Err(format!("an RSA exponent of {exponent}; an odd one of at least {RSA_EXPONENT_MIN} is accepted"));
    }
    Ok(key)
}

fn rsa_bits(key: &rsa::PublicKey) -> u32 {
    key.n().bit_width()
}
