//! Signatures on the image: content trust (Notary v1), simple signing (OpenPGP) and cosign.
//!
//! Bytes and a moment come in, answers go out: nothing here reads a clock, a network or a folder. What is signed is always one
//! digest of an image's manifest; which digest that must be comes from the signed log, see `ImageTarget`.
//!
//! To add a kind of signature: one file with `judge(…) -> Vec<SignatureReport>`, one line in `judge`, one variant of [`Kind`].

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
#[cfg_attr(not(feature = "openpgp"), allow(dead_code, reason = "only simple signing names images"))]
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
    /// Its path below the folder that was given, parted by `/`.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The image that must be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageTarget {
    /// Its repository in full, as `docker.io/acme/wallet`.
    pub(crate) repository: String,
    /// The tag that belongs to this build alone.
    pub(crate) tag: Option<String>,
    /// Every tag it was pushed under.
    pub(crate) tags: Vec<String>,
    /// Digest of its manifest.
    pub(crate) digest: Sha256,
    /// Bytes of its manifest, where the log has them.
    pub(crate) size: Option<u64>,
    /// When it was built.
    pub(crate) built: Timestamp,
    /// The moment that the audit is for.
    pub(crate) now: Timestamp,
}

/// A way to sign images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Notary v1.
    ContentTrust,
    /// An OpenPGP message.
    SimpleSigning,
    /// cosign, with a key of one's own or keyless.
    Cosign,
}

impl Kind {
    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::ContentTrust => "content trust",
            Self::SimpleSigning => "simple signing",
            Self::Cosign => "cosign",
        }
    }
}

/// What is to be said of one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A trusted key signed this image.
    Accepted(AcceptedSigner),
    /// It is wrong, or of something else.
    Refused(String),
    /// It cannot be told: nobody trusts the key, a part is missing, or the form is not supported.
    Undecided(String),
    /// This build does not judge signatures of this form.
    #[cfg_attr(
        all(feature = "openpgp", feature = "sigstore"),
        allow(dead_code, reason = "this build judges every form")
    )]
    NotBuiltIn(String),
}

/// Whose signature was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AcceptedSigner {
    /// The key: a root key's id, a fingerprint, a key's digest.
    pub(crate) key: String,
    /// The policy's name for it; `None` when only the signed log names the key.
    pub(crate) name: Option<String>,
}

/// One signature, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureReport {
    pub(crate) kind: Kind,
    /// The file or folder it came from.
    pub(crate) file: String,
    pub(crate) answer: Answer,
    /// What runs out, and when.
    pub(crate) expiries: Vec<(String, Timestamp)>,
    /// More, a line each.
    pub(crate) details: Vec<String>,
}

impl SignatureReport {
    /// Notes what a good signature says of an image.
    #[cfg(feature = "openpgp")]
    fn says(&mut self, digest: &Sha256, reference: &str) {
        self.details.push(format!("it says: {digest} is {reference:?}"));
    }

    fn new(kind: Kind, file: impl Into<String>, answer: Answer) -> Self {
        Self { kind, file: file.into(), answer, expiries: Vec::new(), details: Vec::new() }
    }
}

/// Is a signed digest the image's? Without an image to compare with, whatever is signed will do.
fn compare_digest(found: &Sha256, image: Option<&ImageTarget>) -> Result<(), Answer> {
    match image {
        Some(image) if image.digest != *found => {
            Err(Answer::Refused(format!("it signs {found}, the signed log has {}", image.digest)))
        }
        _ => Ok(()),
    }
}

/// Judges every signature in `files` against the image. `recorded_key` is the content-trust key id of the signed log.
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

/// Units of one byte of JSON: it is read by each kind of signature, into values and back.
const JSON_UNITS: u64 = 30;
/// How much larger JSON grows when it is read, as a rule.
const JSON_HELD_FACTOR: u64 = 10;

/// What reading all files costs.
fn spend_files(files: &[TrustFile], budget: &Budget) -> Result<(), Error> {
    let bytes = files.iter().map(|file| file.bytes.len() as u64).fold(0, u64::saturating_add);
    let what = "the image's signatures";
    budget.spend(Work::Bytes(bytes.saturating_mul(JSON_UNITS)), what)?;
    budget.hold(bytes.saturating_mul(JSON_HELD_FACTOR), what)
}
