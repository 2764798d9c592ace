//! `build-status`: the record says that the image was pushed.

use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "build-status",
    group: Group::Manifest,
    level: Level::Require,
    says: "the record says that the push happened",
    explanation: "Looks at the field status of build.json: `image pushed` or `success`. Which of the two a server writes is not documented; \
both are taken. It is the server's own statement; the image itself is compared by image-digest.",
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
        Outcome::pass("the record says that the image was pushed")
    } else {
        Outcome::fail("the record does not say that the image was pushed")
    };
    outcome
        .sides("image pushed, or success", if record.status().is_empty() { "an empty status" } else { record.status() })
}
