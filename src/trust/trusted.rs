//! `[trust]` of a policy: whose signatures on images count.

use std::fmt;

use super::public_key::ImageKey;
use super::reference::ReferenceRule;
use super::sigstore::SigstoreRoot;

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
    /// cosign with a key of one's own; with a trusted root, its transparency log entry is asked for too.
    #[allow(missing_docs, private_interfaces, reason = "the key's type is not for callers")]
    Cosign { key: ImageKey, log: Option<SigstoreRoot> },
    /// cosign without a key of one's own.
    Sigstore(SigstoreIdentity),
}

/// Somebody to whom a certificate authority of a trusted root certifies keys that live for minutes.
#[derive(Debug, Clone)]
pub struct SigstoreIdentity {
    /// Who: the certificate's one subject alternative name, compared as a whole.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "compared by sigstore only"))]
    pub(crate) identity: String,
    /// Where they signed in, as the certificate says.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "compared by sigstore only"))]
    pub(crate) issuer: String,
    /// The authorities that are believed.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "compared by sigstore only"))]
    pub(crate) root: SigstoreRoot,
}

impl fmt::Display for SigstoreIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.identity, self.issuer)
    }
}

impl ImageSignerKey {
    /// What makes two signers one.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::ContentTrust(id) => id.clone(),
            Self::OpenPgp { fingerprint, .. } => fingerprint.clone(),
            Self::Cosign { key, .. } => key.identity().to_string(),
            Self::Sigstore(identity) => identity.to_string(),
        }
    }
}

/// Reads the PEM file of a key that cosign signs with.
pub(crate) fn cosign_key(text: &[u8]) -> Result<ImageKey, String> {
    ImageKey::from_pem(text)
}

/// Reads the trusted root of a sigstore instance.
pub(crate) fn sigstore_root(json: &[u8]) -> Result<SigstoreRoot, String> {
    SigstoreRoot::from_json(json)
}

/// Does the file hold the OpenPGP certificate with this primary fingerprint? A build without OpenPGP cannot tell.
#[cfg(feature = "openpgp")]
pub(crate) fn check_openpgp(file: &[u8], fingerprint: &str) -> Result<(), String> {
    crate::crypto::openpgp::Certificate::find(file, fingerprint).map(|_| ())
}

/// As above: it cannot tell.
#[cfg(not(feature = "openpgp"))]
pub(crate) fn check_openpgp(_: &[u8], _: &str) -> Result<(), String> {
    Ok(())
}
