//! Signatures on the image: content trust (Notary v1), simple signing (OpenPGP) and cosign.
//!
//! The code here computes answers from bytes and a time. It uses neither the network nor the file system, and only the crate called by `sigstore/`
//! uses a clock. A signature always covers the digest of an image's manifest. The signed log states the expected digest: see `ImageTarget`.
//!
//! To add a kind of signature, add a file with `judge(…) -> Vec<SignatureReport>`, a line in `judge` and a variant of
//! [`Kind`].

mod bundle;
mod canonical_json;
#[cfg(all(test, feature = "openpgp"))]
mod containers_tests;
mod content_trust;
mod cosign;
mod describe;
mod encoded;
pub(crate) mod notary;
mod payload;
pub(crate) mod public_key;
#[cfg_attr(not(feature = "openpgp"), allow(dead_code, reason = "used by simple signing only"))]
mod reference;
#[cfg(feature = "sigstore")]
mod sigstore;
#[cfg(not(feature = "sigstore"))]
#[path = "sigstore_absent.rs"]
mod sigstore;
mod simple_signing;
mod trusted;

pub use self::describe::{Description, Standing, describe};
pub(crate) use self::reference::ReferenceRule;
pub use self::trusted::{ImageSigner, ImageSignerKey, SigstoreIdentity, TrustPolicy};
pub(crate) use self::trusted::{check_openpgp, cosign_key, sigstore_root};

use crate::base::budget::{Budget, Work};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// One file of image signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustFile {
    /// The file's path below the supplied folder, with `/` as separator.
    pub path: String,
    /// The file's content.
    pub bytes: Vec<u8>,
}

/// The image that must be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageTarget {
    /// The image's full repository name, such as `docker.io/acme/wallet`.
    pub(crate) repository: String,
    /// The tag that only this build has.
    pub(crate) tag: Option<String>,
    /// Every tag under which the image was pushed.
    pub(crate) tags: Vec<String>,
    /// The digest of the image's manifest.
    pub(crate) digest: Sha256,
    /// The size of the manifest in bytes, if the log states it.
    pub(crate) size: Option<u64>,
    /// The time at which the image was built.
    pub(crate) built: Timestamp,
    /// The time as of which the audit is performed.
    pub(crate) now: Timestamp,
}

/// A method of signing images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Notary v1.
    ContentTrust,
    /// An OpenPGP message.
    SimpleSigning,
    /// cosign, with a managed key or keyless.
    Cosign,
}

impl Kind {
    /// The kind's name.
    pub fn words(self) -> &'static str {
        match self {
            Self::ContentTrust => "content trust",
            Self::SimpleSigning => "simple signing",
            Self::Cosign => "cosign",
        }
    }
}

/// The result for one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A trusted key signed this image.
    Accepted(AcceptedSigner),
    /// The signature is wrong or covers different content.
    Refused(String),
    /// Undecided: the key is not trusted, a part is missing, or the format is not supported.
    Undecided(String),
    /// This build cannot check signatures of this form.
    #[cfg_attr(
        all(feature = "openpgp", feature = "sigstore"),
        allow(dead_code, reason = "this build supports every form")
    )]
    NotBuiltIn(String),
}

/// The signer of an accepted signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AcceptedSigner {
    /// The key: the id of a root key, a fingerprint, or a key digest.
    pub(crate) key: String,
    /// The policy's name for the key; `None` if only the signed log specifies the key.
    pub(crate) name: Option<String>,
    /// For content trust, the role and the keys that signed the digest: the root key signs only the list of keys.
    pub(crate) below: Option<String>,
}

impl AcceptedSigner {
    /// The key that signed the digest, and the key or identity on which its trust rests.
    pub(crate) fn words(&self) -> String {
        let known = self.name.as_ref().map_or("recorded in the signed log".into(), |name| format!("policy: {name}"));
        match &self.below {
            None => format!("{} ({known})", self.key),
            Some(below) => format!("{below}, under the root key {} ({known})", self.key),
        }
    }
}

/// The report on one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureReport {
    pub(crate) kind: Kind,
    /// The file or folder from which the signature was read.
    pub(crate) file: String,
    pub(crate) answer: Answer,
    /// Expiry times, each with a description of what expires.
    pub(crate) expiries: Vec<(String, Timestamp)>,
    /// Further details, one line each.
    pub(crate) details: Vec<String>,
}

impl SignatureReport {
    /// Records what a valid signature states about an image.
    #[cfg(feature = "openpgp")]
    fn says(&mut self, digest: &Sha256, reference: &str) {
        self.details.push(format!("it states that {digest} has the name {reference:?}"));
    }

    fn new(kind: Kind, file: impl Into<String>, answer: Answer) -> Self {
        Self { kind, file: file.into(), answer, expiries: Vec::new(), details: Vec::new() }
    }
}

/// Checks that a signed digest is the image's digest. Without an image for comparison, any digest is accepted.
fn compare_digest(found: &Sha256, image: Option<&ImageTarget>) -> Result<(), Answer> {
    match image {
        Some(image) if image.digest != *found => {
            Err(Answer::Refused(format!("it signs {found}, but the signed log states {}", image.digest)))
        }
        _ => Ok(()),
    }
}

/// Checks every signature in `files` against the image. `recorded_key` is the content-trust key id from the signed log.
pub(crate) fn judge(
    files: &[TrustFile],
    image: &ImageTarget,
    trusted: &TrustPolicy,
    recorded_key: Option<&str>,
    limits: &Limits,
    budget: &Budget,
) -> Vec<SignatureReport> {
    if spend_files(files, budget).is_err() {
        return Vec::new();
    }
    let mut reports = content_trust::judge(files, image, trusted, recorded_key, limits, budget);
    reports.extend(simple_signing::judge(files, Some(image), image.now, trusted, limits, budget));
    reports.extend(cosign::judge(files, Some(image), image.now, trusted, limits, budget));
    reports
}

/// The cost of one byte of JSON, which the code for each kind of signature parses and may re-encode.
const JSON_UNITS: u64 = 30;
/// The factor by which JSON usually grows in memory.
const JSON_HELD_FACTOR: u64 = 10;

/// Charges the cost of reading all files to the budget.
fn spend_files(files: &[TrustFile], budget: &Budget) -> Result<(), Error> {
    let bytes = files.iter().map(|file| file.bytes.len() as u64).fold(0, u64::saturating_add);
    let what = "the image's signatures";
    budget.spend(Work::Bytes(bytes.saturating_mul(JSON_UNITS)), what)?;
    budget.hold(bytes.saturating_mul(JSON_HELD_FACTOR), what)
}
