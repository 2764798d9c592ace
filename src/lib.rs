//! Offline verification and audit of manifests made by IBM Hyper Protect Secure Build.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod archive;
mod audit;
pub mod build_log;
mod build_name;
mod build_record;
mod bundle;
pub mod check;
pub mod cli;
mod digest;
mod error;
mod escape;
mod evidence;
mod extract;
mod finding;
pub mod folder;
pub mod git;
pub mod image;
mod image_name;
mod key;
mod limits;
mod manifest;
mod mask;
mod outside;
pub mod policy;
pub mod report;
mod signature;
mod strict_json;
mod time;
mod verify;

pub use crate::audit::{Depth, Input, LoadImage, Question, audit};
pub use crate::build_name::BuildName;
pub use crate::build_record::BuildRecord;
pub use crate::bundle::Bundle;
pub use crate::digest::{HashingReader, Sha256};
pub use crate::error::Error;
pub use crate::evidence::{Evidence, Fact, Known};
pub use crate::extract::{Extracted, extract};
pub use crate::finding::{Demand, Finding, Group, Level, MissingEvidence, Reason, Status, Verdict};
pub use crate::key::{Fingerprint, PublicKey};
pub use crate::limits::Limits;
pub use crate::manifest::Manifest;
pub use crate::policy::Policy;
pub use crate::report::{BundleReport, Format, Report};
pub use crate::signature::{Signature, SignatureFault};
pub use crate::time::Timestamp;
pub use crate::verify::{
    Grade, KeyRing, KeySource, Refusal, Revocation, RevocationReason, TrustedKey, VerifiedArchive,
};

/// The cargo features that this build has.
pub fn features() -> Vec<&'static str> {
    let known = [("full", cfg!(feature = "full"))];
    known.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}
