//! `server-record`: what was saved of the build server's answers is about the same build.

use super::outcome::Outcome;
use super::{Check, Run};
use crate::evidence::Evidence;
use crate::finding::{Group, Level, MissingEvidence, Reason};
use crate::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "server-record",
    group: Group::Manifest,
    level: Level::Require,
    says: "the saved server record names the same build, tags and digest",
    explanation: "Compares the answers of the build server that were saved beside the bundle with the signed archive. This version \
does not read such answers yet, so that there is no evidence: that rejects only where the policy's [levels] names the check.",
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Function(run),
};

fn run(_: &Evidence<'_>, _: &Policy) -> Outcome {
    Outcome::not_run(Reason::NoEvidence, "no saved answer of the build server was given")
}
