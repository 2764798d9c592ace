//! `build-age`: the build is not older than the policy allows.

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "build-age",
    group: Group::Manifest,
    level: Level::Warn,
    says: "at --now, the build is not older than the policy's max-age, by the server's clock",
    explanation: "Compares the build time in the signed archive with --now and expect.max-age. The check's level is require if the policy sets \
max-age. This check and expect.commit are meant to reject a rollback: the signature of an older build of the same image is as valid as that of the \
newest build. A build time more than a day in the future fails the check. The time is from the server's own clock.",
    known: Known::Signed,
    expected: Expected::Requires(&["max-age"]),
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let Some(max_age) = policy.expect.max_age_seconds else {
        return Outcome::not_run(Reason::NoExpectation, "the policy sets no max-age");
    };
    let Some(built) = evidence.build_time() else {
        return Outcome::not_run(Reason::NoEvidence, "the signed archive contains no time for the build");
    };
    let oldest = evidence.now.plus_seconds(-max_age);
    let outcome = if built < oldest {
        Outcome::fail("the build is older than the policy allows, by the server's clock")
    } else if built.is_clearly_after(evidence.now) {
        Outcome::fail("the build's stated time is in the future")
    } else {
        Outcome::pass("the build is not older than the policy allows, by the server's clock")
    };
    outcome.sides(format!("{oldest} to {} (at most one day later)", evidence.now), built)
}
