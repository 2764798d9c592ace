//! `source-commit`: HEAD's commit is the one that the tag and the policy specify.

use super::outcome::{Comparison, Outcome};
use super::{ChainLink, Check, Expected, Run, source_objects};
use crate::git::{Head, SourceProof};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "source-commit",
    group: Group::Source,
    level: Level::Require,
    says: "HEAD's commit hashes to its id; the id begins with the seven digits (28 bits) of the tag or of the build's name, if known, and is expect.commit, if set; a ref named expect.branch, if set, points to the commit",
    explanation: "Follows HEAD through the snapshot's refs to a commit that the archive's own objects prove. Compares the commit's id with the seven \
digits at the end of the image's tag and with expect.commit, and HEAD's branch with expect.branch. The digits come from the tag in build.json or the \
signed log, or else from build.json's build_name. If the archive has neither a tag nor a build_name, they come from the names of the bundle's members, \
and the answer states that. A detached HEAD counts as being on expect.branch if a branch of that name in the snapshot points to HEAD's \
commit.\n\nSeven digits are 28 bits: a link, not a proof. If the id of a second commit in the \
repository begins with the same digits and the policy does not specify all forty, the answer is `unknown`. source-objects checks whether all objects \
are present, and source-tree whether the work tree is that commit's tree. The branch is only the name of a ref: anyone with push access can move the \
ref.",
    known: Known::Signed,
    expected: Expected::Optional(&["branch", "commit"]),
    links: &[ChainLink::Specified],
    controls: &["SA-10", "SR-4"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

/// The beginning of a statement about HEAD's id. A pass without such a statement compared only a branch's name.
pub(crate) const HEAD: &str = "HEAD ";

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let proof = match evidence.source() {
        Ok(proof) => proof,
        Err(fault) => return Outcome::caused_by(&source_objects::CHECK, fault),
    };
    let head = match &proof.head {
        Ok(head) => head,
        // The check `source-objects` reports the reason.
        Err(fault) => return Outcome::caused_by(&source_objects::CHECK, fault.to_string()),
    };
    let id = head.commit.to_string();
    let mut commit = Comparison::default();
    // The statements of a pass: expect.commit first, then the digits, then the branch.
    let mut says: Vec<(String, Known)> = Vec::new();
    let named = evidence.commit_digits();
    let digits = named.as_ref().map(|(digits, _)| digits.as_str());
    let what = match named {
        Some((_, Known::Given)) => "the seven digits in the members' names, which are not signed",
        _ => "the tag's seven digits",
    };
    if let Some(expected) = policy.expect.commit {
        commit.compare("the policy's commit", &expected.to_string(), &id);
        says.push((format!("{HEAD}is expect.commit"), Known::Recomputed));
    }
    if let Some(digits) = digits {
        commit.compare(what, digits, id.get(..7).unwrap_or_default());
        let known = named.as_ref().map_or(Known::Given, |(_, known)| *known);
        says.push((format!("{HEAD}begins with {what} (28 bits)"), known));
    }
    let branch = policy.expect.branch.as_ref().map(|branch| compare_branch(branch, head, proof, &mut commit));
    if proof.commit.is_none() {
        return Outcome::caused_by(&source_objects::CHECK, format!("commit {id} is not proved"));
    }
    if branch == Some(Branch::NotKnown) && commit.agrees() {
        let wanted = policy.expect.branch.as_deref().unwrap_or_default();
        return Outcome::unknown(format!("HEAD is detached, and no branch named {wanted} points to its commit"))
            .sides(wanted, "a detached HEAD");
    }
    if commit.is_empty() {
        return Outcome::not_run(
            Reason::NoExpectation,
            format!("neither the tag nor the policy specifies a commit; HEAD is {id}"),
        );
    }
    let same = digits.map_or(1, |digits| proof.commits_beginning_with(digits));
    if same > 1 && policy.expect.commit.is_none() && commit.agrees() {
        return Outcome::unknown(format!("the ids of {same} commits in the repository begin with {what}"))
            .sides("seven digits with which the id of only one commit begins", &id);
    }
    if let Some(branch) = policy.expect.branch.as_ref().filter(|_| branch == Some(Branch::Known)) {
        says.push((format!("the snapshot has a ref named {branch}, as expect.branch specifies"), Known::Signed));
    }
    let mut says = says.into_iter();
    let (first, known) = says.next().unwrap_or_else(|| ("HEAD's commit hashes to its id".into(), Known::Recomputed));
    let outcome = commit.outcome(&first).known(known).detail(format!("commit {id}, recomputed"));
    let outcome = says.fold(outcome, |outcome, (text, known)| outcome.also(text, known));
    describe(proof).into_iter().fold(outcome, Outcome::detail)
}

/// Whether the snapshot shows which branch HEAD is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Known,
    NotKnown,
}

fn compare_branch(branch: &str, head: &Head, proof: &SourceProof, commit: &mut Comparison) -> Branch {
    let wanted = format!("refs/heads/{branch}");
    if let Some(found) = &head.reference {
        commit.compare("the policy's branch", &wanted, found);
        return Branch::Known;
    }
    // A clone of a tag or a commit has a detached HEAD; its origin's branches are under refs/remotes.
    let leads_here = |name: &&String| {
        let remote = name.strip_prefix("refs/remotes/").and_then(|name| name.split_once('/'));
        **name == wanted || remote.is_some_and(|(_, name)| name == branch)
    };
    match proof.refs_at_head.iter().find(leads_here) {
        Some(name) => {
            commit.agree(format!("the policy's branch: HEAD is detached, and {name} points to its commit"));
            Branch::Known
        }
        None => Branch::NotKnown,
    }
}

fn describe(proof: &SourceProof) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(commit) = &proof.commit {
        lines.push(format!("subject: {}, stated by the commit", commit.subject()));
        for (role, who) in [("author", &commit.author), ("committer", &commit.committer)] {
            let time = who.time.map(|time| format!(" at {time}")).unwrap_or_default();
            lines.push(format!("{role}: {} <{}>{time}, stated by the commit", who.name, who.email));
        }
    }
    if !proof.refs_at_head.is_empty() {
        lines.push(format!("refs that point to the commit: {}", proof.refs_at_head.join(", ")));
    }
    lines
}
