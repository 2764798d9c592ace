//! `key-record`: how well the key's owner is known.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::gate::verify::Grade;
use crate::given::key_record::Grading;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "key-record",
    group: Group::Manifest,
    level: Level::Warn,
    says: "the key's grade is at least the policy's minimum-grade or, if the policy sets none, the key's record counts",
    explanation: "Examines the key record that the policy specifies for the key (`[[keys]] record`) and the signatures on it by the policy's \
`[[signers]]`. Without a record, or with one that does not count, the key's grade stays `command-line`. A record counts if a signer signed it; one \
key under two names is one signer. `recorded`: the record states who obtained the key, when, and over which channel. `witnessed`: the record has two \
signers, and states retrievals of this key by two people with different names. `challenged`: the record contains a signature that verifies under the \
key, over the archive of a build that, according to the signers, an auditor requested. Apart from that signature, the signers state all of this: no \
retrieval is repeated here. A pass does not mean that the signers' statements are true, or that the key is in an enclave: no public record shows \
that. The check's level is `require` if the policy sets minimum-grade.",
    known: Known::Given,
    expected: Expected::Requires(&["minimum-grade"]),
    links: &[ChainLink::KeyHolder],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let wanted = policy.expect.minimum_grade;
    let grade = evidence.grading.grade();
    let outcome = match (&evidence.grading, wanted) {
        (Grading::NoRecord, None) => {
            return Outcome::not_run(
                Reason::NoExpectation,
                "the policy specifies neither a record for the key nor a grade",
            );
        }
        (Grading::DoesNotCount { reason, .. }, _) if wanted.is_none_or(|wanted| grade < wanted) => {
            Outcome::fail("the key record is not accepted")
                .sides("a record that one of the policy's signers signed", reason)
        }
        _ if wanted.is_some_and(|wanted| grade < wanted) => {
            Outcome::fail("the key's grade is too low").sides(wanted.map_or("", Grade::word), grade.word())
        }
        (Grading::Counts(graded), _) => {
            let signers = graded.signers.join(" and ");
            let told = graded.statement.told();
            Outcome::pass(format!(
                "the key's grade is {}: according to signed statements by {signers}, {told}",
                grade.word()
            ))
            .known(Known::Stated)
        }
        _ => Outcome::pass(format!(
            "the key's grade is {}: only the command line or the policy specifies the key",
            grade.word()
        )),
    };
    let mut outcome = outcome;
    outcome.details.extend(evidence.grading.details());
    outcome
}
