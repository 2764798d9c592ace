//! Describes signers, signed images and expiry times without comparing them with a bundle: the output of `trust
//! SOURCE`.

use super::notary::{Fault, Pins, Repository, Trusted};
use super::{
    Answer, ImageSigner, ImageSignerKey, Kind, SignatureReport, TrustFile, TrustPolicy, cosign, simple_signing,
    spend_files,
};
use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// One repository's metadata, or one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The kind of signature.
    pub kind: Kind,
    /// The file or folder from which this data was read.
    pub file: String,
    /// Whether the signature is trusted.
    pub standing: Standing,
    /// Pairs of label and value.
    pub rows: Vec<(String, String)>,
}

/// Whether a signature is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The signature was made by one of the policy's signers.
    Trusted,
    /// The signature is consistent, but the policy pins no key that could verify it.
    Unpinned,
    /// The signature is wrong.
    Refused(String),
    /// Undecided.
    Undecided(String),
}

/// Describes every signature in `files`, verified with the policy's signers if there are any. Signatures are not
/// compared with an image.
///
/// # Errors
/// [`Error::OverLimit`] if checking all signatures takes more work or memory than is allowed for files of this size.
pub fn describe(
    files: &[TrustFile],
    policy: &TrustPolicy,
    now: Timestamp,
    limits: &Limits,
) -> Result<Vec<Description>, Error> {
    let bytes = files.iter().map(|file| file.bytes.len() as u64).fold(0, u64::saturating_add);
    let budget = Budget::of_audit(bytes, limits);
    spend_files(files, &budget)?;
    let mut descriptions: Vec<Description> =
        Repository::all(files, &budget).iter().map(|repository| metadata(repository, policy, now, limits)).collect();
    descriptions.extend(signatures(files, policy, now, limits, &budget));
    budget.check("the image's signatures")?;
    Ok(descriptions)
}

fn metadata(repository: &Repository<'_>, policy: &TrustPolicy, now: Timestamp, limits: &Limits) -> Description {
    let pins: Vec<String> = policy
        .signers
        .iter()
        .filter_map(|signer| match &signer.key {
            ImageSignerKey::ContentTrust(id) => Some(id.clone()),
            _ => None,
        })
        .collect();
    let (walked, good) = if pins.is_empty() {
        (repository.walk(Pins::Unpinned, None, limits), Standing::Unpinned)
    } else {
        (repository.walk(Pins::Keys(&pins), None, limits), Standing::Trusted)
    };
    let (standing, rows) = match walked {
        Ok(walked) => (good, metadata_rows(&walked, policy, now)),
        Err(Fault::Refused(message)) => (Standing::Refused(message), Vec::new()),
        Err(Fault::Missing(message)) => (Standing::Undecided(message), Vec::new()),
    };
    Description { kind: Kind::ContentTrust, file: repository.folder.clone(), standing, rows }
}

fn metadata_rows(walked: &Trusted, policy: &TrustPolicy, now: Timestamp) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |label: &str, value: String| rows.push((label.to_owned(), value));
    for key in &walked.anchor_keys {
        let is_theirs = |signer: &&ImageSigner| matches!(&signer.key, ImageSignerKey::ContentTrust(id) if id == key);
        let name = policy.signers.iter().find(is_theirs).map(|signer| signer.name.as_str());
        row("root key", name.map_or_else(|| key.clone(), |name| format!("{name} ({key})")));
    }
    // A later root may have the same certificate.
    let later = walked.later_certificates.iter().filter(|leaf| !walked.anchor_certificates.contains(leaf));
    for leaf in walked.anchor_certificates.iter().chain(later) {
        let name = leaf.common_name.clone().unwrap_or_default();
        row("root certificate", format!("{name}, from {} {}", leaf.not_before, until(leaf.not_after, now)));
    }
    for role in &walked.roles {
        let (version, until, signers) = (role.version, until(role.expires, now), role.signers.join(", "));
        row(&role.name, format!("version {version}, {until}, signed by {signers}"));
    }
    for (role, tag, target) in walked.targets().all() {
        row(&format!("{role} {tag}"), format!("{} ({} bytes)", target.sha256, target.length));
    }
    for (role, Fault::Refused(message) | Fault::Missing(message)) in walked.targets().faults() {
        row(&format!("{role} was not accepted"), message.clone());
    }
    rows
}

fn until(end: Timestamp, now: Timestamp) -> String {
    if end <= now { format!("until {end} (expired)") } else { format!("until {end}") }
}

/// Describes simple-signing and cosign signatures without comparing them with an image.
fn signatures(
    files: &[TrustFile],
    policy: &TrustPolicy,
    now: Timestamp,
    limits: &Limits,
    budget: &Budget,
) -> Vec<Description> {
    let mut reports = simple_signing::judge(files, None, now, policy, limits, budget);
    reports.extend(cosign::judge(files, None, now, policy, limits, budget));
    let describe = |report: SignatureReport| {
        let mut rows = Vec::new();
        let standing = match report.answer {
            Answer::Accepted(signer) => {
                rows.push(("signer".to_owned(), format!("{} ({})", signer.name.unwrap_or_default(), signer.key)));
                Standing::Trusted
            }
            Answer::Refused(message) => Standing::Refused(message),
            Answer::Undecided(message) | Answer::NotBuiltIn(message) => Standing::Undecided(message),
        };
        rows.extend(report.expiries.into_iter().map(|(what, moment)| (what, until(moment, now))));
        rows.extend(report.details.into_iter().map(|line| ("note".to_owned(), line)));
        Description { kind: report.kind, file: report.file, standing, rows }
    };
    reports.into_iter().map(describe).collect()
}
