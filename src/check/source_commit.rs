//! `source-commit`: the snapshot is the commit that the tag and the policy name.

use super::outcome::{Comparison, Outcome};
use super::{Check, Run};
use crate::build_name::commit_digits;
use crate::evidence::Evidence;
use crate::finding::{Group, Level, MissingEvidence, Reason};
use crate::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "source-commit",
    group: Group::Source,
    level: Level::Require,
    says: "HEAD is the commit that the tag's seven digits and the policy name",
    explanation: "Follows HEAD through the snapshot's refs and compares the commit id with the seven digits that end the image's tag, with \
expect.commit and with expect.branch. Seven digits are 28 bits: a link, not a proof. That the archived objects hash to that id is what \
source-objects proves, and that the work tree is that commit's, source-tree.",
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let snapshot = match evidence.snapshot() {
        Ok(snapshot) => snapshot,
        Err(fault) => return Outcome::fail(fault),
    };
    if let Some(fault) = snapshot.faults.first() {
        return Outcome::fail(format!("the snapshot is not what a clone makes: {fault}"));
    }
    let head = match snapshot.head() {
        Ok(head) => head,
        Err(fault) => return Outcome::fail(fault.to_string()),
    };
    let id = head.commit.to_string();
    let mut commit = Comparison::default();
    let tag = evidence.image_tag();
    let digits = tag.as_deref().and_then(commit_digits).or_else(|| evidence.archive.build_name().commit_digits());
    if let Some(digits) = digits {
        commit.compare("the tag's seven digits", digits, id.get(..7).unwrap_or_default());
    }
    if let Some(expected) = policy.expect.commit {
        commit.compare("the policy's commit", &expected.to_string(), &id);
    }
    let branch = policy.expect.branch.as_ref().map(|branch| format!("refs/heads/{branch}"));
    if let (Some(branch), Some(found)) = (&branch, &head.reference) {
        commit.compare("the policy's branch", branch, found);
    }
    if let (Some(branch), None, true) = (&branch, &head.reference, commit.agrees()) {
        return Outcome::unknown("HEAD is detached: no branch stands for it").sides(branch, "a detached HEAD");
    }
    if commit.is_empty() {
        return Outcome::not_run(
            Reason::NoExpectation,
            format!("the tag names no commit and the policy neither; HEAD is {id}"),
        );
    }
    commit.outcome("HEAD is the commit that was named").detail(format!("commit {id}, read from the snapshot's refs"))
}
