//! `image-key`: the key that signed the image is the one that the signed log records or, without such a record, one that the policy lists.

use super::outcome::Outcome;
use super::trust_reports::{recorded_key, signature_reports};
use super::{Check, Expected, Run, image_signature, log_key};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Status};
use crate::judge::policy::Policy;
use crate::manifest::build_log::LogEvent;
use crate::trust::{AcceptedSigner, Answer, Kind};

pub(super) static CHECK: Check = Check {
    name: "image-key",
    group: Group::Trust,
    level: Level::Require,
    says: "the image signature's key (for content trust, the root key) is the one in the signed log or, if the log records none, a key or identity in the policy",
    explanation: "If the signed log records a content-trust key, the accepted root must be signed by exactly that key, and its certificate must \
name the repository. If the log records none, as for registries with simple signing, the key must be one that the policy's [trust] lists; otherwise \
the answer is unknown. The key that a server returns for /config-json counts only if the policy lists it.",
    known: Known::Signed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let reports = match signature_reports(evidence, policy) {
        Ok(reports) => reports,
        Err(outcome) => return outcome,
    };
    let accepted: Vec<(Kind, &AcceptedSigner)> = reports
        .iter()
        .filter_map(|report| match &report.answer {
            Answer::Accepted(signer) => Some((report.kind, signer)),
            _ => None,
        })
        .collect();
    let Some((_, first)) = accepted.first() else {
        return Outcome::caused_by(&image_signature::CHECK, "no signature of the image was accepted");
    };
    let recorded = recorded_key(evidence);
    let logged = evidence
        .log()
        .is_some_and(|log| log.events().any(|event| matches!(event, LogEvent::KeyId(_) | LogEvent::PublicKey(_))));
    let by_content_trust = || accepted.iter().filter(|(kind, _)| *kind == Kind::ContentTrust);
    let by_content_trust = by_content_trust()
        .find(|(_, signer)| recorded.as_ref() == Some(&signer.key))
        .or_else(|| by_content_trust().next());
    match (recorded, by_content_trust) {
        (Some(recorded), Some((_, signer))) if signer.key == recorded => {
            Outcome::pass("the root key of the image's content trust is the one that the signed log records")
                .sides(&recorded, &signer.key)
        }
        (Some(recorded), Some((_, signer))) => {
            Outcome::fail("the root key is not the one that the signed log records").sides(recorded, &signer.key)
        }
        (Some(recorded), None) => {
            Outcome::unknown("the signed log records a content-trust key, but no content-trust signature was accepted")
                .sides(recorded, &first.key)
        }
        (None, _) if logged => {
            let outcome = Outcome::unknown("the signed log does not record exactly one key id with its certificate");
            match log_key::run(evidence, policy).status {
                Status::Fail | Status::Unknown => outcome.because_of(&log_key::CHECK),
                Status::Pass | Status::NotRun(_) => outcome,
            }
        }
        (None, _) => match &first.name {
            Some(name) => {
                Outcome::pass(format!("the log records no key; the policy lists this key or identity as {name:?}"))
                    .known(Known::Given)
                    .sides(&first.key, &first.key)
            }
            None => Outcome::unknown("the log records no key, and the policy lists none"),
        },
    }
}
