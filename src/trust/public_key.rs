//! Public keys for image signatures, identified by their SubjectPublicKeyInfo.

use spki::der::pem;

use crate::base::budget::Work;
use crate::base::digest::Sha256;
use crate::crypto::{Hash, Kind, Protocol, Scheme, VerifyingKey};

/// A public key for image signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageKey {
    key: VerifyingKey,
    identity: Sha256,
}

/// A signed message, whose SHA-256 is computed only once, even if many signatures are tried.
pub(crate) struct Message<'m> {
    /// `None` if only the digest is known.
    bytes: Option<&'m [u8]>,
    digest: Sha256,
}

impl<'m> Message<'m> {
    /// Hashes `bytes`.
    pub(crate) fn new(bytes: &'m [u8]) -> Self {
        Self { bytes: Some(bytes), digest: Sha256::of(bytes) }
    }

    /// Like [`Self::new`], but for bytes whose SHA-256 is already known.
    pub(super) fn with_digest(bytes: &'m [u8], digest: Sha256) -> Self {
        Self { bytes: Some(bytes), digest }
    }

    /// A message of which only the SHA-256 is known. Ed25519 signatures on such a message cannot be verified.
    pub(super) fn of_digest(digest: Sha256) -> Self {
        Self { bytes: None, digest }
    }

    /// The cost of trying one signature with `key`. Ed25519 hashes the message each time.
    pub(super) fn cost(&self, key: &ImageKey) -> [Work; 2] {
        let hashed = self.bytes.filter(|_| key.key.kind() == Kind::Ed25519);
        [Work::Signatures(1), Work::Bytes(hashed.map_or(0, |bytes| bytes.len() as u64))]
    }
}

impl ImageKey {
    /// Reads a SubjectPublicKeyInfo: RSA (2048 to 8192 bits, as for build servers), EC P-256 or P-384, or Ed25519.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, String> {
        Self::of(VerifyingKey::from_spki(der)?)
    }

    /// Reads the 32 bytes of an Ed25519 key.
    pub(crate) fn from_ed25519(raw: &[u8]) -> Result<Self, String> {
        Self::of(VerifyingKey::from_ed25519(raw)?)
    }

    pub(crate) fn of(key: VerifyingKey) -> Result<Self, String> {
        // Re-encode the key, so that compressed and uncompressed points result in the same key.
        let spki = key.spki()?;
        let identity = match (key.kind(), spki.last_chunk::<32>()) {
            (Kind::Ed25519, Some(raw)) => Sha256::of(raw),
            _ => Sha256::of(&spki),
        };
        Ok(Self { key, identity })
    }

    /// Reads one PEM block with the label `PUBLIC KEY`.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let (label, der) =
            pem::decode_vec(text.trim_ascii()).map_err(|error| format!("not exactly one PEM block: {error}"))?;
        if label != "PUBLIC KEY" {
            return Err(format!("expected a PUBLIC KEY, found {label}"));
        }
        Self::from_spki(&der)
    }

    /// The key as SubjectPublicKeyInfo.
    #[cfg(feature = "sigstore")]
    pub(super) fn spki(&self) -> Result<Vec<u8>, String> {
        self.key.spki()
    }

    /// The key's identity, which is the same for different ids or certificates of one key.
    pub(crate) fn identity(&self) -> Sha256 {
        self.identity
    }

    /// Notary's name for the algorithm family: `rsa`, `ecdsa` or `ed25519`.
    pub(crate) fn family(&self) -> &'static str {
        match self.key.kind() {
            Kind::Rsa => "rsa",
            Kind::P256 | Kind::P384 => "ecdsa",
            Kind::Ed25519 => "ed25519",
        }
    }

    /// The scheme to use if only the key determines it.
    pub(crate) fn usual_scheme(&self) -> Scheme {
        self.key.kind().usual_scheme()
    }

    /// Whether `signature` is this key's signature on `message` under the rules of `protocol`. A scheme that does not
    /// match the key is refused.
    pub(crate) fn accepts(&self, protocol: Protocol, scheme: Scheme, message: &Message<'_>, signature: &[u8]) -> bool {
        let verified = match (scheme.hash(), message.bytes) {
            (Some(Hash::Sha256), _) => self.key.verify_digest(protocol, scheme, message.digest.as_bytes(), signature),
            (_, Some(bytes)) => self.key.verify(protocol, scheme, bytes, signature),
            (_, None) => return false,
        };
        verified.is_ok()
    }
}
