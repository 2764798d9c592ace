//! `build-status`: the record states that the image was pushed.

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "build-status",
    group: Group::Manifest,
    level: Level::Require,
    says: "the record states that the image was pushed",
    explanation: "Examines the field status of build.json: `image pushed` or `success`. It is not documented which of the two a server writes, so \
both are accepted. The status is the server's own statement; image-digest compares the image itself.",
    known: Known::Signed,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let record = &evidence.manifest.record;
    let outcome = if record.says_pushed() {
        Outcome::pass("the record states that the image was pushed")
    } else {
        Outcome::fail("the record does not state that the image was pushed")
    };
    outcome
        .sides("image pushed, or success", if record.status().is_empty() { "an empty status" } else { record.status() })
}
