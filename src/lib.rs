//! Offline verification and audit of manifests made by IBM Hyper Protect Secure Build.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod archive;
pub mod build_log;
mod build_name;
mod build_record;
mod bundle;
mod digest;
mod error;
pub mod git;
mod key;
mod limits;
mod manifest;
mod signature;
mod strict_json;
mod time;
mod verify;

pub use crate::build_name::BuildName;
pub use crate::build_record::BuildRecord;
pub use crate::bundle::Bundle;
pub use crate::digest::{HashingReader, Sha256};
pub use crate::error::Error;
pub use crate::key::{Fingerprint, PublicKey};
pub use crate::limits::Limits;
pub use crate::manifest::Manifest;
pub use crate::signature::{Signature, SignatureFault};
pub use crate::time::Timestamp;
pub use crate::verify::{
    Grade, KeyRing, KeySource, Refusal, Revocation, RevocationReason, TrustedKey, VerifiedArchive,
};
