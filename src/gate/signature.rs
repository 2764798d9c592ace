//! Signatures of manifests: hex text in the `.sig` member, over the SHA-256 digest of the signed archive.
//!
//! The scheme hashes twice. The server uses the archive's 32-byte SHA-256 digest as its *message*, and signs that message with RSA PKCS#1 v1.5 and
//! SHA-256 (RFC 8017, 8.2). The signature is therefore over the digest of a digest (`verify_manifest` in IBM's secure-build-cli does the same). ECDSA
//! P-256 (FIPS 186-5) follows the same rule, with a signature in DER (RFC 3279, 2.2.3). IBM does not yet document a server that uses ECDSA.

use crate::base::digest::{Sha256, decode_hex};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::crypto::{Protocol, Refused};
use crate::gate::key::PublicKey;

/// The bytes of a signature. A signature proves nothing until [`PublicKey::verify`] succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

/// Why a signature does not verify under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// RSA signatures are exactly as long as the modulus (RFC 8017, 8.2.2, step 1).
    #[error("expected a signature of {expected} bytes for this key, found {found}")]
    Length {
        /// Size of the key's modulus in bytes.
        expected: usize,
        /// Size of the signature in bytes.
        found: usize,
    },
    /// An ECDSA signature is one DER `ECDSA-Sig-Value`, with `r` and `s` at least 1 and below the group's order.
    #[error("the signature is not exactly one DER ECDSA-Sig-Value")]
    NotDer,
    /// The signature covers different bytes or was made with a different key.
    #[error("not a signature by this key over this archive")]
    Mismatch,
}

impl Signature {
    /// Reads the `.sig` member: an even number of hexadecimal digits of either case, and at most one newline at the end.
    ///
    /// # Errors
    /// [`Error::Malformed`] for any other text, [`Error::OverLimit`] beyond `signature_bytes`.
    pub fn from_member(text: &[u8], limits: &Limits) -> Result<Self, Error> {
        const WHAT: &str = "the signature member";
        limits.signature_bytes().check(text.len() as u64, WHAT)?;
        let digits = text.strip_suffix(b"\n").unwrap_or(text);
        if digits.is_empty() {
            return Err(Error::malformed(WHAT, "the signature is empty"));
        }
        match decode_hex(digits) {
            Some(bytes) => Ok(Self(bytes)),
            None => Err(Error::malformed(WHAT, "expected an even number of hexadecimal digits and nothing else")),
        }
    }

    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The signature's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PublicKey {
    /// Verifies that the holder of this key made `signature` over `digest`, the SHA-256 of the signed archive.
    ///
    /// The scheme hashes the digest once more: see the module's documentation. ECDSA signatures with a high `s` are accepted: they are valid under
    /// FIPS 186-5, and nothing here is identified by a signature's bytes.
    ///
    /// Dates, revocation and the identity of the key's holder are not checked.
    ///
    /// # Errors
    /// [`SignatureFault`] if the signature does not verify under the key.
    pub fn verify(&self, digest: &Sha256, signature: &Signature) -> Result<(), SignatureFault> {
        self.accepts_message(digest.as_bytes(), signature)
    }

    /// Verifies a signature over any message.
    pub(crate) fn accepts_message(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureFault> {
        let scheme = self.key.kind().usual_scheme();
        let verified = self.key.verify(Protocol::Manifest, scheme, message, &signature.0);
        verified.map_err(|refused| match (refused, self.key.modulus_size()) {
            (Refused::Form, Some(expected)) => SignatureFault::Length { expected, found: signature.0.len() },
            (Refused::Form, None) => SignatureFault::NotDer,
            _ => SignatureFault::Mismatch,
        })
    }
}
