//! The trusted root of a sigstore instance: certificate authorities, logs and timestamp authorities, with their
//! validity periods.

use sigstore_verify::Verifier;
use sigstore_verify::trust_root::TrustedRoot;

use crate::base::strict_json;

/// A trusted root from the policy. Trusted roots are never fetched, and none is built in.
#[derive(Debug, Clone)]
pub(crate) struct SigstoreRoot(TrustedRoot);

impl SigstoreRoot {
    /// Reads a `trusted_root.json` (sigstore/protobuf-specs, sigstore_trustroot.proto), including every key and
    /// certificate in it.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, String> {
        strict_json::parse(bytes).map_err(|error| error.to_string())?;
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
        let root = Self(TrustedRoot::from_json(text).map_err(|error| error.to_string())?);
        root.verifier()?;
        Ok(root)
    }

    pub(super) fn verifier(&self) -> Result<Verifier, String> {
        super::crypto::install();
        Verifier::new(&self.0).map_err(|error| format!("the trusted root: {error}"))
    }
}
