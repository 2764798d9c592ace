//! `[trust]` of a policy: the signers whose image signatures count.

use std::fmt;

use super::public_key::ImageKey;
use super::reference::ReferenceRule;
use super::sigstore::SigstoreRoot;

/// The signers whose image signatures count, and how many of them are required. By default, there are no signers, so
/// only the content-trust key in the signed log can be accepted.
#[derive(Debug, Clone, Default)]
pub struct TrustPolicy {
    /// The number of different signers who must have signed. `None` means that one accepted signature is enough.
    pub(crate) minimum: Option<u64>,
    /// The signers.
    pub(crate) signers: Vec<ImageSigner>,
    /// The names that a simple-signing payload may give the image.
    #[cfg_attr(not(feature = "openpgp"), allow(dead_code, reason = "used by simple signing only"))]
    pub(crate) reference: ReferenceRule,
}

/// A signer whose signature on an image counts.
#[derive(Debug, Clone)]
pub struct ImageSigner {
    /// The policy's name for the signer.
    pub(crate) name: String,
    /// The signer's key.
    pub(crate) key: ImageSignerKey,
}

/// A key that signs images.
#[derive(Debug, Clone)]
pub enum ImageSignerKey {
    /// Content trust: the id of a repository's root key.
    ContentTrust(String),
    /// Simple signing: the fingerprint of a primary key, in lower-case hexadecimal, and the certificates that contain
    /// the key.
    #[allow(missing_docs, reason = "described by the variant's documentation")]
    OpenPgp { fingerprint: String, certificates: Vec<u8> },
    /// cosign with a managed key. If there is a trusted root, a transparency log entry for the signature is also required.
    #[allow(missing_docs, private_interfaces, reason = "the key's type is not public")]
    Cosign { key: ImageKey, log: Option<SigstoreRoot> },
    /// cosign keyless.
    Sigstore(SigstoreIdentity),
}

/// An identity for which a certificate authority in a trusted root certifies short-lived keys.
#[derive(Debug, Clone)]
pub struct SigstoreIdentity {
    /// The identity: the certificate's only subject alternative name, compared in full.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "compared by sigstore only"))]
    pub(crate) identity: String,
    /// The identity provider, as stated in the certificate.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "compared by sigstore only"))]
    pub(crate) issuer: String,
    /// The trusted authorities and logs.
    #[cfg_attr(not(feature = "sigstore"), allow(dead_code, reason = "compared by sigstore only"))]
    pub(crate) root: SigstoreRoot,
}

impl fmt::Display for SigstoreIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.identity, self.issuer)
    }
}

impl ImageSignerKey {
    /// The signer's identity: two signers with the same identity count as one.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::ContentTrust(id) => id.clone(),
            Self::OpenPgp { fingerprint, .. } => fingerprint.clone(),
            Self::Cosign { key, .. } => key.identity().to_string(),
            Self::Sigstore(identity) => identity.to_string(),
        }
    }
}

/// Reads the PEM file of a key used by cosign.
pub(crate) fn cosign_key(text: &[u8]) -> Result<ImageKey, String> {
    ImageKey::from_pem(text)
}

/// Reads the trusted root of a sigstore instance.
pub(crate) fn sigstore_root(json: &[u8]) -> Result<SigstoreRoot, String> {
    SigstoreRoot::from_json(json)
}

/// Checks that the file contains the OpenPGP certificate with this primary fingerprint. A build without OpenPGP support
/// cannot check this.
#[cfg(feature = "openpgp")]
pub(crate) fn check_openpgp(file: &[u8], fingerprint: &str) -> Result<(), String> {
    crate::crypto::openpgp::Certificate::find(file, fingerprint).map(|_| ())
}

/// A build without OpenPGP support cannot check this.
#[cfg(not(feature = "openpgp"))]
pub(crate) fn check_openpgp(_: &[u8], _: &str) -> Result<(), String> {
    Ok(())
}
