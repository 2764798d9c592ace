//! Public keys of build servers: read strictly, identified by their fingerprint.

use spki::der::asn1::BitStringRef;
use spki::der::{Encode, pem};
use spki::{DecodePublicKey, SubjectPublicKeyInfoRef};

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::crypto::VerifyingKey;

/// The SHA-256 of a key's SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7), as pinned by `--key sha256:HEX`.
///
/// `openssl pkey -pubin -in KEY.pem -outform DER | sha256sum` prints the same digits.
pub type Fingerprint = Sha256;

/// A public key that is strong enough to be trusted. The signature scheme is determined by the key alone, never by the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub(crate) key: VerifyingKey,
    fingerprint: Fingerprint,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads one PEM block: `PUBLIC KEY` (SubjectPublicKeyInfo, RFC 5280) or `RSA PUBLIC KEY` (PKCS#1, RFC 8017).
    ///
    /// Whitespace around the block is ignored. A second block, a certificate, a private key or any other text is refused, and so is a key in
    /// an unusual encoding. RSA keys need 2048 to 8192 bits and an odd exponent of at least 65,537. EC keys must be on P-256.
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
        // The decoder skips text before the block, as RFC 7468 allows. A person could mistake such
        // text for the name of the key's owner.
        if !text.starts_with(b"-----BEGIN ") {
            return Err(fail("expected no text before the PEM block".into()));
        }
        let (label, der) = pem::decode_vec(text).map_err(|error| fail(format!("not PEM: {error}")))?;
        match label {
            "PUBLIC KEY" => Self::from_spki_der(&der).map_err(fail),
            "RSA PUBLIC KEY" => {
                let spki = spki_around(&der).map_err(|error| fail(format!("not an RSA public key: {error}")))?;
                Self::from_spki_der(&spki).map_err(fail)
            }
            _ if label.contains("PRIVATE KEY") => {
                Err(fail(format!("expected a public key, found a private key ({label}): keep it secret")))
            }
            _ => Err(fail(format!("expected a public key, found {label}"))),
        }
    }

    fn from_spki_der(der: &[u8]) -> Result<Self, String> {
        let info =
            SubjectPublicKeyInfoRef::try_from(der).map_err(|error| format!("not a SubjectPublicKeyInfo: {error}"))?;
        let key = match info.algorithm.oid {
            rsa::pkcs1::ALGORITHM_OID => VerifyingKey::from_spki(der)?,
            p256::elliptic_curve::ALGORITHM_OID => {
                let key = p256::PublicKey::from_public_key_der(der)
                    .map_err(|error| format!("not a P-256 public key: {error}"))?;
                p256::ecdsa::VerifyingKey::from(key).into()
            }
            other => return Err(format!("expected an RSA or EC P-256 key, found the algorithm {other}")),
        };
        // If a key had two encodings, for example one with a compressed point, it would have two fingerprints.
        if key.spki()? != der {
            return Err("not in the usual encoding (an EC point must be uncompressed)".into());
        }
        Ok(Self { key, fingerprint: Sha256::of(der), spki: der.to_vec() })
    }

    /// The key's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The possible values of [`PublicKey::kind`].
    pub const KINDS: [&'static str; 2] = ["rsa", "ecdsa-p256"];

    /// `rsa` or `ecdsa-p256`.
    pub fn kind(&self) -> &'static str {
        self.key.kind().word()
    }

    /// Size of the modulus or of the curve's field, in bits.
    pub fn bits(&self) -> u32 {
        self.key.bits()
    }
}

/// The SubjectPublicKeyInfo of a PKCS#1 key, so that both forms have the same fingerprint and the same rules.
fn spki_around(pkcs1: &[u8]) -> spki::der::Result<Vec<u8>> {
    let subject_public_key = BitStringRef::new(0, pkcs1)?;
    SubjectPublicKeyInfoRef { algorithm: rsa::pkcs1::ALGORITHM_ID, subject_public_key }.to_der()
}
