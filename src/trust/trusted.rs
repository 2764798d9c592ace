//! `[trust]` of a policy: whose signatures on images count.

use super::public_key::ImageKey;
use super::reference::ReferenceRule;

/// Whose signatures on images count, and how many are asked for. The default names nobody: then only the content-trust key that the
/// signed log records can be accepted.
#[derive(Debug, Clone, Default)]
pub struct TrustPolicy {
    /// How many of the signers, each counted once, must have signed. `None`: one accepted signature is enough.
    pub(crate) minimum: Option<u64>,
    /// The signers.
    pub(crate) signers: Vec<ImageSigner>,
    /// What a simple-signing payload may call the image.
    #[cfg_attr(not(feature = "openpgp"), allow(dead_code, reason = "only simple signing names images"))]
    pub(crate) reference: ReferenceRule,
}

/// Somebody whose signature on an image counts.
#[derive(Debug, Clone)]
pub struct ImageSigner {
    /// The policy's word for them.
    pub(crate) name: String,
    /// Their key.
    pub(crate) key: ImageSignerKey,
}

/// A key that signs images.
#[derive(Debug, Clone)]
pub enum ImageSignerKey {
    /// Content trust: the id of a repository's root key.
    ContentTrust(String),
    /// Simple signing: fingerprint of a primary key, in lower-case hexadecimal, and the certificates that hold it.
    #[allow(missing_docs, reason = "said in the variant's own line")]
    OpenPgp { fingerprint: String, certificates: Vec<u8> },
    /// cosign with a key of one's own.
    #[allow(private_interfaces, reason = "the key's type is not for callers")]
    Cosign(ImageKey),
}

impl ImageSignerKey {
    /// What makes two signers one.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::ContentTrust(id) => id.clone(),
            Self::OpenPgp { fingerprint, .. } => fingerprint.clone(),
            Self::Cosign(key) => key.identity().to_string(),
        }
    }
}

/// Reads the PEM file of a key that cosign signs with.
pub(crate) fn cosign_key(text: &[u8]) -> Result<ImageKey, String> {
    ImageKey::from_pem(text)
}
