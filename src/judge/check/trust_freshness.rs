//! `trust-freshness`: the accepted trust metadata is not expired at the time of the audit.

use super::outcome::Outcome;
use super::trust_reports::signature_reports;
use super::{Check, Expected, Run, image_signature};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::trust::Answer;

pub(super) static CHECK: Check = Check {
    name: "trust-freshness",
    group: Group::Trust,
    level: Level::Warn,
    says: "no expiry time of accepted content-trust metadata or OpenPGP keys has passed at --now",
    explanation: "Compares the expiry times of accepted content-trust metadata, of its root's certificates, and of OpenPGP keys and signatures \
(simple signing) with --now. A cosign key has no expiry time, and that of a keyless certificate is not compared: it usually ends minutes after the \
signature. If nothing has an expiry time, there is no evidence. Content trust's timestamp.json is valid for two weeks, so archived metadata soon \
becomes stale; for that reason, the check's default level is warn. A pass does not mean that no newer metadata exists; it limits how long newer \
metadata can have been withheld. Stale metadata still shows who signed what.",
    known: Known::Given,
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
    let accepted: Vec<_> = reports.iter().filter(|report| matches!(report.answer, Answer::Accepted(_))).collect();
    if accepted.is_empty() {
        return Outcome::caused_by(&image_signature::CHECK, "no signature of the image was accepted");
    }
    let expiries = || accepted.iter().flat_map(|report| &report.expiries);
    let Some((what, first)) = expiries().min_by_key(|(_, moment)| *moment) else {
        return Outcome::not_run(
            Reason::NoEvidence,
            "none of the accepted metadata and keys has an expiry time that this check compares",
        );
    };
    let stale: Vec<String> = expiries()
        .filter(|(_, moment)| *moment <= evidence.now)
        .map(|(what, moment)| format!("{what} expired at {moment}"))
        .collect();
    let mut outcome = if stale.is_empty() {
        Outcome::pass(format!("no accepted metadata or key is expired; {what} expires first"))
    } else {
        Outcome::fail(format!("{what} is expired"))
    };
    outcome.details = stale;
    outcome.sides(format!("after {}", evidence.now), first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Kind;

    /// Each kind of signature has its own rules for what is compared and when it must be valid.
    #[test]
    fn both_explanations_distinguish_the_kinds_of_signatures() {
        for check in [&CHECK, &image_signature::CHECK] {
            let text = check.explanation.to_lowercase();
            for kind in
                [Kind::ContentTrust, Kind::SimpleSigning, Kind::Cosign].map(Kind::words).iter().chain(&["keyless"])
            {
                let own = |sentence: &str| {
                    sentence.contains(&kind.to_lowercase()) && !sentence.contains("verifies every signature")
                };
                let is_explained = text.split(['.', ':', ';']).any(own);
                assert!(is_explained, "{}: {kind}", check.name);
            }
        }
    }
}
