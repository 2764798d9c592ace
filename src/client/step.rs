//! The sources of evidence. Each source is a separate step with its own outcome; a failed step does not affect the
//! others.

use serde::{Deserialize, Serialize};

/// A source of evidence for one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Source {
    /// The build server's status record.
    Status,
    /// The build server's bundle.
    Bundle,
    /// The build server's key for the bundle.
    Key,
    /// The image digest from the build server.
    ImageDigest,
    /// The image key from the build server.
    ImageKey,
    /// The build log from the build server.
    BuildLog,
    /// The bundle in the object store.
    ObjectStore,
    /// The image at its registry.
    Image,
    /// The trust server (Notary).
    ContentTrust,
    /// The lookaside for simple signing.
    Lookaside,
    /// The registry's API for simple signing.
    RegistrySignatures,
    /// The registry's tags for signatures.
    CosignTags,
    /// The registry's list of manifests that refer to the image.
    Referrers,
    /// Certificates and revocation lists of builders.
    BuilderFiles,
}

impl Source {
    /// The step's name in evidence.json and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Bundle => "bundle",
            Self::Key => "key",
            Self::ImageDigest => "image-digest",
            Self::ImageKey => "image-key",
            Self::BuildLog => "build-log",
            Self::ObjectStore => "object-store",
            Self::Image => "image",
            Self::ContentTrust => "content-trust",
            Self::Lookaside => "lookaside",
            Self::RegistrySignatures => "registry-signatures",
            Self::CosignTags => "cosign-tags",
            Self::Referrers => "referrers",
            Self::BuilderFiles => "builder-files",
        }
    }
}

/// The outcome for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything that the source has is in the folder.
    Saved,
    /// The source sent no file, but no error occurred; usually, the source does not have the evidence.
    Note,
    /// Something that the source has, or may have, is not in the folder.
    Fault,
}

impl Outcome {
    /// The outcome's name in evidence.json and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Note => "note",
            Self::Fault => "fault",
        }
    }
}

/// The outcome of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceReport {
    /// The source.
    pub source: Source,
    /// The outcome for the source.
    pub outcome: Outcome,
    /// The number of files from this source that are in the folder.
    pub files: u64,
}
