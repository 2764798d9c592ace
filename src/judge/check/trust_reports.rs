//! The code that the checks of the group `trust` share: it determines which image must be signed, and the result for
//! each signature.

use super::image_evidence::pushed;
use super::outcome::Outcome;
use crate::base::image_name::repository_of;
use crate::judge::evidence::{Evidence, Fact, FactList, Known};
use crate::judge::finding::{Reason, Status};
use crate::judge::policy::Policy;
use crate::manifest::build_log::LogEvent;
use crate::trust::notary::key_id;
use crate::trust::{self, Answer, ImageTarget, Kind, SignatureReport};

/// Evaluates every supplied signature against the image in the signed log.
///
/// # Errors
/// The outcome of every check of the group if there are no signatures, if the image is not known, or if this build can check none of the
/// signatures.
pub(super) fn signature_reports<'e>(
    evidence: &'e Evidence<'_>,
    policy: &Policy,
) -> Result<&'e [SignatureReport], Outcome> {
    let reports = all_reports(evidence, policy)?;
    not_built_in(reports).map_or(Ok(reports), Err)
}

/// Whether any of the supplied files is a signature of an image. If it is not known which image must be signed, every file counts.
pub(super) fn has_signatures(evidence: &Evidence<'_>, policy: &Policy) -> bool {
    let none = Status::NotRun(Reason::NoEvidence);
    all_reports(evidence, policy).map_or_else(|outcome| outcome.status != none, |_| true)
}

fn all_reports<'e>(evidence: &'e Evidence<'_>, policy: &Policy) -> Result<&'e [SignatureReport], Outcome> {
    let files = evidence.trust.unwrap_or_default();
    if files.is_empty() {
        return Err(Outcome::not_run(Reason::NoEvidence, "no signatures of the image were read"));
    }
    let image = image_target(evidence)?;
    let reports = evidence.signatures.get_or_init(|| {
        let recorded = recorded_key(evidence);
        trust::judge(files, &image, &policy.trust, recorded.as_deref(), evidence.limits, evidence.budget)
    });
    if reports.is_empty() {
        return Err(Outcome::not_run(Reason::NoEvidence, "none of the supplied files is a signature of an image"));
    }
    Ok(reports)
}

/// The answer of each check of the group if this build can check none of the supplied signatures.
fn not_built_in(reports: &[SignatureReport]) -> Option<Outcome> {
    let is_judged = |report: &SignatureReport| !matches!(report.answer, Answer::NotBuiltIn(_));
    match reports.first() {
        Some(SignatureReport { kind, answer: Answer::NotBuiltIn(why), .. }) if !reports.iter().any(is_judged) => {
            Some(Outcome::not_run(Reason::NotBuiltIn, format!("{}: {why}", kind.words())))
        }
        _ => None,
    }
}

/// Facts from the image's signatures. For an accepted signature, the facts are the digest that it covers and its signer, as signed by the key's
/// holder. For any other signature, the only fact is that it was supplied, with the reason why it was not accepted.
pub(crate) fn trust_facts(evidence: &Evidence<'_>, policy: &Policy) -> Vec<Fact> {
    let (Ok(reports), Ok(image)) = (all_reports(evidence, policy), image_target(evidence)) else {
        return Vec::new();
    };
    let mut facts = FactList::default();
    let mut add = |fact: &str, value, known| facts.add(Fact::new(fact, "trust", value, known));
    for report in reports {
        let kind = report.kind.words();
        match &report.answer {
            Answer::Accepted(signer) => {
                let value = format!("{} signed by {}, {kind}", image.digest, signer.words());
                add("image-digest", value, Known::Signed);
                if report.kind == Kind::ContentTrust {
                    add("key-id", signer.key.clone(), Known::Signed);
                }
            }
            Answer::Refused(message) => {
                add("image-signature", format!("{kind}, {}: refused: {message}", report.file), Known::Given);
            }
            Answer::Undecided(message) | Answer::NotBuiltIn(message) => {
                add("image-signature", format!("{kind}, {}: undecided: {message}", report.file), Known::Given);
            }
        }
    }
    facts.finish()
}

/// The image that must be signed: repository, tags, digest and size from the signed log.
fn image_target(evidence: &Evidence<'_>) -> Result<ImageTarget, Outcome> {
    let undecided = |message: &str| Err(Outcome::unknown(message));
    let Some(log) = evidence.log() else {
        return undecided("the signed archive has no log that names the image");
    };
    let mut repositories: Vec<String> =
        log.push_events().filter_map(LogEvent::pushed_name).map(repository_of).collect();
    repositories.dedup();
    let tags: Vec<String> = log.pushed().map(|(tag, ..)| tag.to_owned()).collect();
    let pushed = pushed(log);
    let ([repository], [(digest, size)]) = (repositories.as_slice(), pushed.as_slice()) else {
        return undecided("the signed log does not record exactly one repository and one digest of the image");
    };
    let Some(built) = evidence.build_time() else {
        return undecided("the signed archive contains no time for the build");
    };
    let own = evidence.image_tag();
    let tag = own.filter(|tag| tags.contains(tag));
    let (repository, digest, size, now) = (repository.clone(), *digest, *size, evidence.now);
    Ok(ImageTarget { repository, tag, tags, digest, size, built, now })
}

/// The id of the content-trust key that the signed log records. The log must contain one id, and one certificate with that id, both after the
/// build's last output. Earlier lines are under the control of the source's author, so a different id or certificate anywhere in the log makes
/// the key unusable.
pub(super) fn recorded_key(evidence: &Evidence<'_>) -> Option<String> {
    let log = evidence.log()?;
    let id_of = |event: &LogEvent| if let LogEvent::KeyId(id) = event { Some(id.clone()) } else { None };
    let key_of = |event: &LogEvent| if let LogEvent::PublicKey(key) = event { Some(key.clone()) } else { None };
    let (id, key) = (log.push_events().find_map(id_of)?, log.push_events().find_map(key_of)?);
    let alone = log.events().filter_map(id_of).all(|other| other == id)
        && log.events().filter_map(key_of).all(|other| other == key);
    (alone && key_id("ecdsa-x509", &key).as_ref() == Some(&id)).then_some(id)
}
