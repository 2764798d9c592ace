//! Public keys of build servers: read strictly, and named by their fingerprint.

use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use spki::der::asn1::BitStringRef;
use spki::der::{Decode, Encode, pem};
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
    /// is refused, and so is a key in another encoding than the usual one. RSA needs 2048 to 8192 bits and an odd exponent
    /// of at least 65,537; EC needs P-256.
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
                let spki = spki_around(&der).map_err(|error| fail(format!("not an RSA public key: {error}")))?;
                Self::from_spki_der(&spki).map_err(fail)
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
            rsa::pkcs1::ALGORITHM_OID => KeyMaterial::Rsa(Box::new(read_rsa(&info, der)?)),
            p256::elliptic_curve::ALGORITHM_OID => {
                let key = p256::PublicKey::from_public_key_der(der)
                    .map_err(|error| format!("not a P-256 public key: {error}"))?;
                KeyMaterial::P256(Box::new(key.into()))
            }
            other => return Err(format!("keys of the kind {other} are not supported; RSA and EC P-256 are")),
        };
        let encoded = match &material {
            KeyMaterial::Rsa(key) => key.to_public_key_der(),
            KeyMaterial::P256(key) => key.to_public_key_der(),
        };
        // A key in two encodings would have two fingerprints: a compressed point, for one.
        let encoded = encoded.map_err(|error| error.to_string())?;
        if encoded.as_bytes() != der {
            return Err("not in the usual encoding (an EC point is uncompressed)".into());
        }
        Ok(Self { material, fingerprint: Sha256::of(der), spki: der.to_vec() })
    }

    /// The key's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Every word of [`PublicKey::kind`].
    pub const KINDS: [&'static str; 2] = ["rsa", "ecdsa-p256"];

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

/// The SubjectPublicKeyInfo of a PKCS#1 key, so that both forms have one fingerprint and one set of rules.
fn spki_around(pkcs1: &[u8]) -> spki::der::Result<Vec<u8>> {
    let subject_public_key = BitStringRef::new(0, pkcs1)?;
    SubjectPublicKeyInfoRef { algorithm: rsa::pkcs1::ALGORITHM_ID, subject_public_key }.to_der()
}

/// The rules are looked at before the crate looks at its own, so that the answer names the rule.
pub(crate) fn read_rsa(info: &SubjectPublicKeyInfoRef<'_>, der: &[u8]) -> Result<rsa::PublicKey, String> {
    check_rsa(info.subject_public_key.raw_bytes())?;
    rsa::PublicKey::from_public_key_der(der).map_err(|error| format!("not a usable RSA public key: {error}"))
}

/// Are modulus and exponent of an RSA public key (PKCS#1) strong enough, and not too large?
pub(crate) fn check_rsa(pkcs1: &[u8]) -> Result<(), String> {
    let parts = RsaPublicKeyRef::from_der(pkcs1).map_err(|error| format!("not an RSA public key: {error}"))?;
    let bits = bit_width(parts.modulus.as_bytes());
    if !(u64::from(RSA_BITS_MIN)..=u64::from(RSA_BITS_MAX)).contains(&bits) {
        return Err(format!("an RSA modulus of {bits} bits; {RSA_BITS_MIN} to {RSA_BITS_MAX} are accepted"));
    }
    if is_even(parts.modulus.as_bytes()) {
        return Err("an even RSA modulus".into());
    }
    let exponent = parts.public_exponent.as_bytes();
    // 33 bits are what the crate takes; nobody uses more, and larger ones only cost time.
    if bit_width(exponent) > 33 {
        return Err("an RSA exponent of more than 33 bits".into());
    }
    let value = exponent.iter().fold(0, |number: u64, &byte| number << 8 | u64::from(byte));
    if value < RSA_EXPONENT_MIN || is_even(exponent) {
        return Err(format!("an RSA exponent of {value}; an odd one of at least {RSA_EXPONENT_MIN} is accepted"));
    }
    Ok(())
}

/// Bits of a big-endian number.
fn bit_width(number: &[u8]) -> u64 {
    let mut digits = number.iter().skip_while(|&&byte| byte == 0);
    let first = digits.next().map_or(0, |byte| 8 - byte.leading_zeros());
    u64::from(first) + 8 * digits.count() as u64
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|byte| byte.is_multiple_of(2))
}

fn rsa_bits(key: &rsa::PublicKey) -> u32 {
    key.n().bit_width()
}

#[cfg(test)]
mod tests {
    use rsa::pkcs1::UintRef;
    use rsa::pkcs1::der::Encode;

    use super::*;

    #[test]
    fn the_edges_of_rsa_keys_are_exact() {
        let check = |modulus: &[u8], exponent: u64| {
            let exponent = exponent.to_be_bytes();
            let key = RsaPublicKeyRef {
                modulus: UintRef::new(modulus).unwrap(),
                public_exponent: UintRef::new(&exponent).unwrap(),
            };
            check_rsa(&key.to_der().unwrap()).is_ok()
        };
        let modulus = |first: u8, bytes: usize| [&[first], vec![0xff; bytes - 1].as_slice()].concat();
        let good = modulus(0x80, 256);
        for (exponent, taken) in [
            (3, false),
            (65_535, false),
            (65_537, true),
            (65_538, false),
            (0xffff_ffff, true),
            // 33 bits: the most.
            (0x1_0000_0001, true),
            (0x1_ffff_ffff, true),
            (0x2_0000_0001, false),
        ] {
            assert_eq!(check(&good, exponent), taken, "{exponent}");
        }
        for (modulus, taken) in [
            (modulus(0x7f, 256), false),
            (modulus(0xff, 1024), true),
            (modulus(0x01, 1025), false),
            ([&good[..255], &[0xfe]].concat(), false),
        ] {
            assert_eq!(check(&modulus, 65_537), taken, "{} bytes", modulus.len());
        }
    }
}
