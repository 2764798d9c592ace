//! Files, other than the bundle, that an audit read, and the data that each digest covers.

use crate::base::digest::Sha256;

/// A file, other than the bundle, that was read for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputReport {
    /// The file's kind: one of [`InputReport::KINDS`].
    pub kind: &'static str,
    /// The file's name, as specified by the user or as found next to the bundle.
    pub name: String,
    /// SHA-256 of the file's bytes; for an image, of its manifest or configuration; for a key that was tried, of its
    /// SubjectPublicKeyInfo.
    pub sha256: Sha256,
}

impl InputReport {
    /// All kinds.
    pub const KINDS: [&'static str; 13] = [
        "image",
        "image-config",
        "base-image",
        "base-image-config",
        "trust",
        "approvals",
        "server",
        "builder",
        "timestamp",
        "tsa-ca",
        "policy-file",
        "key",
        "key-beside",
    ];

    /// Whether the digest is that of an image's manifest or configuration, and not of the file that contains the image.
    pub(crate) fn is_image(&self) -> bool {
        ["image", "image-config", "base-image", "base-image-config"].contains(&self.kind)
    }

    /// Whether the digest is the fingerprint of a public key, and not the digest of a file.
    pub(crate) fn is_key(&self) -> bool {
        self.kind.starts_with("key")
    }

    /// The kind of the input, and the data that its digest covers.
    pub(crate) fn words(&self) -> String {
        match self.kind {
            "image" | "base-image" => format!("{} (manifest digest)", self.kind),
            "image-config" | "base-image-config" => format!("{} (configuration digest)", self.kind),
            "key" | "key-beside" => format!("{} (fingerprint of the public key)", self.kind),
            kind => kind.to_owned(),
        }
    }
}
