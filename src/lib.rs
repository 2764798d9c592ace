//! Offline verification and audit of manifests made by IBM Hyper Protect Secure Build.
//!
//! # Overview
//!
//! The gate verifies the signature; then the audit examines the content. Data flows one way. The function [`audit()`] performs the steps up to the
//! [`BundleReport`].
//!
//! ```text
//! bytes ─────Bundle::from_reader──▶ Bundle            untrusted: parsed within bounds
//! Bundle ────Bundle::verify(keys)─▶ VerifiedArchive   by move; or Refusal ─▶ every check still answers ──┐
//! &VerifiedArchive ─Manifest::read▶ Manifest          from exactly the bytes that were signed            │
//! both, file name, now ───────────▶ Evidence          facts: signed | recomputed | given | …             │
//! &Evidence, &Policy ──checks─────▶ Vec<Finding>      one per check of a bundle, in the table's order ◀──┘
//! &[Finding], groups in play ─────▶ Verdict           accept | accept-in-part | reject
//! all of it ──────────────────────▶ BundleReport ─▶ Report ─▶ text | json | html | …, and the exit code
//! ```
//!
//! - [`Bundle`] is the parsed outer archive. Its names are not signed, and nothing in it is trusted.
//! - [`VerifiedArchive`] has one constructor, [`Bundle::verify`]. Everything after the gate requires a `VerifiedArchive`. If no trusted key
//!   verifies the signature, there is a [`Refusal`], which contains no archive.
//! - [`Manifest`] is read from exactly the bytes that were signed: the server's [`BuildRecord`], its [`build_log`], the source in [`git`].
//! - A [`check`] examines [`Evidence`] under a [`Policy`] and returns one [`Finding`]. One rule for all checks decides whether
//!   an answer makes the [`Verdict`] a rejection: [`Finding::rejects`] returns its result.
//! - An [`Error`] states why there is no verdict. An invalid signature is not an error: it is a finding, and the verdict is a rejection.
//!
//! The library does not read the clock, the network or the environment. Bytes and the time of the audit are arguments, so the same bytes, policy and
//! time give the same report. The exceptions are the command line, the modules `client` and `serve`, which use the network and the clock, and the
//! parts that touch files: [`Storage`], [`folder`], [`image`], [`compare`], [`State`] and [`extract()`]. The bounds on untrusted input that users can
//! change are the fields of [`Limits`].
//!
//! # What a verdict means
//!
//! An acceptance states that the archive has not been altered since the holder of a trusted key signed it, and what the checks found in it. It does not
//! state who holds that key, that the key is in an enclave, when the build ran, that the log is true, or that the image was built from this source.
//! [`Verdict::AcceptInPart`] means that something is missing, for example a policy or an examination; the report states what.
//!
//! # Example: auditing a bundle
//!
//! ```
//! use std::path::Path;
//!
//! use hpsb_audit::{
//!     Dossier, Group, Handed, Limits, NamedKey, Policy, Storage, Terms, Timestamp, Verdict, audit, read_keys,
//! };
//!
//! let folder = Path::new("src/self_test/data");
//! let limits = Limits::default();
//! let key = NamedKey::File(folder.join("key.pem"));
//! let terms = Terms::new(Policy::default(), read_keys(&[key], Storage::Disk, &limits)?, Handed::default())?;
//!
//! let now = Timestamp::from_rfc3339("2026-03-10T00:00:00Z").ok_or("not a time")?;
//! let question = terms.question(now, 1, &limits);
//! let path = folder.join("image-good.sig.tbz");
//! let mut dossier = Dossier::new(path.display().to_string(), Storage::Disk.open(&path)?);
//! dossier.file_name = Some("manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz".into());
//! let report = audit(dossier, &question);
//! // Without a policy, no bundle is accepted in full.
//! assert_eq!(report.verdict, Verdict::AcceptInPart);
//! assert_eq!(report.rejecting().count(), 0);
//! // No image was supplied; the report shows that.
//! assert!(report.not_in_play().contains(&Group::Image));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/` has more examples: a policy and a bundle in memory, reports, images, admission, comparison.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

#[cfg(all(feature = "serve", not(unix)))]
compile_error!("the feature `serve` is only for Unix; on other systems, use --features fetch,openpgp,sigstore");

mod archive;
mod audit;
mod base;
mod case;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "fetch")]
pub mod client;
pub mod compare;
mod crypto;
mod deploy;
mod disk;
mod dossier;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gate;
pub mod git;
mod given;
pub mod image;
mod judge;
mod manifest;
pub mod report;
mod request;
mod run;
#[cfg(feature = "self-test")]
mod self_test;
#[cfg(feature = "serve")]
pub mod serve;
pub mod trust;
mod workload;
#[cfg(test)]
mod wycheproof_tests;

pub use crate::audit::{Facts, audit, audit_and_keep};
pub use crate::base::budget::{Budget, Work};
pub use crate::base::build_name::BuildName;
pub use crate::base::digest::{HashingReader, Sha256};
pub use crate::base::error::Error;
pub use crate::base::escape::{for_lines, for_terminal};
pub use crate::base::features::features;
pub use crate::base::limits::{Bound, Limits};
pub use crate::base::time::Timestamp;
pub use crate::case::{Case, Contents, Own, Profile, Reader, Role, Sealing, SignOff, gather, is_day, repeat};
pub use crate::crypto::in_toto::{Statement, Subject};
pub use crate::crypto::person_key::{PersonKey, PersonSecret};
pub use crate::crypto::timestamp::Authorities;
pub use crate::deploy::admission::{AdmissionQuestion, Index, admit, index};
pub use crate::deploy::reconcile::{Books, Inventory, SampleSize, reconcile};
pub use crate::disk::folder;
pub use crate::dossier::{Dossier, Handed, LoadImage, NamedKey, Question, ReadImage, Storage, Terms, read_keys};
pub use crate::gate::bundle::Bundle;
pub use crate::gate::extract::{Extracted, extract, extract_within};
pub use crate::gate::key::{Fingerprint, PublicKey};
pub use crate::gate::signature::{Signature, SignatureFault};
pub use crate::gate::verify::{
    Grade, KeyRing, KeySource, Refusal, Revocation, RevocationReason, SignedArchive, TrustedKey, VerifiedArchive,
};
pub use crate::given::approvals::Approvals;
pub use crate::given::attestation::{Attestation, BuilderPolicy, Record};
pub use crate::given::key_record::{
    Challenge, Channel, Graded, Grading, KeyRecord, KeyStatement, PREDICATE_TYPE, Retrieval, VerifiedBundle,
};
pub use crate::given::server_record::{ServerFiles, ServerRecord};
pub use crate::judge::builds::{Build, Builds, BuiltImage};
pub use crate::judge::deployment::Deployment;
pub use crate::judge::evidence::{Evidence, Fact, Known, image_facts};
pub use crate::judge::finding::{
    Demand, Effect, Finding, Group, Level, MissingEvidence, Reason, Status, Verdict, Waiver, WaiverStanding,
};
pub use crate::judge::policy::Policy;
pub use crate::judge::{check, policy};
pub use crate::manifest::Manifest;
pub use crate::manifest::build_record::BuildRecord;
pub use crate::manifest::{build_log, dockerfile};
pub use crate::report::{BundleReport, Depth, Format, Period, QuestionReport, Reconciliation, Report, Scope};
pub use crate::request::{AuditBundles, Means, Request};
pub use crate::run::{Queue, Shard, State, audit_all, audit_piece, put_together};
#[cfg(feature = "self-test")]
pub use crate::self_test::{SelfTest, self_test};
pub use crate::workload::review::{Operation, Review};
pub use crate::workload::{
    Form, ImageReference, KindsWithoutImages, Password, Pin, SkippedKinds, UsedImage, Workload, password_candidates,
};
