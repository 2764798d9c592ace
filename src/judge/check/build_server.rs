//! `build-server`: the build server's version is at least the version in the policy.

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "build-server",
    group: Group::Manifest,
    level: Level::Warn,
    says: "according to build.json, the server's version is at least the policy's min-server-version",
    explanation: "Compares the field build_image_tag of build.json (for example 1.3.0.16) with expect.min-server-version, number by number. The \
check's level is require if the policy sets that field. The version is the server's own statement.",
    known: Known::Signed,
    expected: Expected::Requires(&["min-server-version"]),
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let found = evidence.manifest.record.server_version();
    let Some(minimum) = &policy.expect.min_server_version else {
        return Outcome::not_run(Reason::NoExpectation, "the policy sets no min-server-version");
    };
    let Some(found) = found else {
        return Outcome::not_run(Reason::NoEvidence, "build.json does not record the server's version");
    };
    let outcome = match (parse_version(found), parse_version(minimum)) {
        (Some(version), Some(least)) if version >= least => {
            Outcome::pass("the version in the record is at least the policy's minimum")
        }
        (Some(_), Some(_)) => Outcome::fail("the version in the record is lower than the policy's minimum"),
        _ => Outcome::unknown("the version in the record does not consist of dot-separated numbers"),
    };
    outcome.sides(format!("at least {minimum}"), found)
}

/// `1.3.0.16` as numbers, without trailing zeros, so that `1.3` and `1.3.0` are equal.
pub(crate) fn parse_version(text: &str) -> Option<Vec<u64>> {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let mut numbers: Vec<u64> = text.split('.').map(number).collect::<Option<_>>()?;
    while numbers.pop_if(|last| *last == 0).is_some() {}
    Some(numbers)
}
