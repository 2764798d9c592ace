//! `source-objects`: every object of the top repository hashes to its id, and no object of HEAD is missing.

use super::outcome::Outcome;
use super::{ChainLink, Check, Expected, Run};
use crate::base::words::counted;
use crate::git::ObjectsProof;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "source-objects",
    group: Group::Source,
    level: Level::Require,
    says: "every git object of the top repository hashes to its id, and its HEAD's commit, trees, blobs and history are complete, apart from what .git/shallow cuts off",
    explanation: "Reads every object of every pack and every loose object of the top repository from the archive's bytes and hashes it, using \
SHA-1 with git's detection of collision attacks. Compares packs and indexes with their checksums and with each other. Reads HEAD's commit and trees strictly. Follows HEAD and \
all refs of this repository: no object may be missing, except the parents of commits that .git/shallow lists. git is not run, and the repository's configuration has no \
effect. Files and refs that make git read different objects (alternates, grafts, replace refs) are refused by name, as are SHA-256 objects and \
reftable. A partial clone passes if no object is missing. Objects of a submodule belong to source-tree and are read only if its folder has files; HEAD and refs \
of additional work trees (.git/worktrees) are not followed.\n\nAn object elsewhere in the history that `git fsck --strict` calls malformed is listed, \
but does not fail the check: public repositories have such objects. The check does not show who made the commit (source-signature) or whether anyone \
approved it (source-approved).\n\nWhen it fails: fetch the bundle again. If it still fails, the clone on the build server was damaged or \
manipulated, or has a form that is not supported: do not use the image.",
    known: Known::Recomputed,
    expected: Expected::Nothing,
    links: &[ChainLink::Commit, ChainLink::WorkTree],
    controls: &["SI-7", "SA-10"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

/// The maximum number of faults that are listed, and of details of each kind.
const LISTED: usize = 20;

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let proof = match evidence.source() {
        Ok(proof) => proof,
        Err(fault) => return Outcome::fail(fault),
    };
    let objects = &proof.objects;
    let fault = match (&proof.head, objects.faults.first()) {
        (_, Some(fault)) => Some(fault.clone()),
        (Err(fault), None) => Some(fault.to_string()),
        (Ok(_), None) => None,
    };
    let mut outcome = match fault {
        Some(fault) => Outcome::fail(fault),
        None => {
            let count = counted(objects.object_count, "object");
            let hash = if objects.object_count == 1 { "hashes to its id" } else { "hash to their ids" };
            let missing = match objects.shallow.is_empty() {
                true => "none that its HEAD or refs need is missing",
                false => "none that its HEAD or refs need is missing, except those that .git/shallow cuts off",
            };
            Outcome::pass(format!("{count} of the top repository {hash}, and {missing}"))
        }
    };
    for fault in objects.faults.iter().skip(1).take(LISTED) {
        outcome = outcome.detail(fault);
    }
    if let Some(more @ 1..) = objects.faults.len().checked_sub(LISTED + 1) {
        outcome = outcome.detail(format!("further faults: {more}"));
    }
    describe(objects).into_iter().fold(outcome, Outcome::detail)
}

fn describe(objects: &ObjectsProof) -> Vec<String> {
    let mut lines = vec![format!(
        "{}, {}; objects reached from HEAD and the refs: {}, others: {}",
        counted(objects.pack_count, "pack"),
        counted(objects.loose_count, "loose object"),
        objects.reachable,
        objects.unreachable
    )];
    if !objects.shallow.is_empty() {
        lines.push(format!("history {}", objects.history()));
    }
    for (id, fault) in objects.malformed.iter().take(LISTED) {
        lines.push(format!("{id} is malformed by the rules of git fsck: {fault}"));
    }
    if let Some(more @ 1..) = objects.malformed.len().checked_sub(LISTED) {
        lines.push(format!("further objects that are malformed by the rules of git fsck: {more}"));
    }
    lines.extend(objects.notes.iter().take(LISTED).cloned());
    if let Some(more @ 1..) = objects.notes.len().checked_sub(LISTED) {
        lines.push(format!("further remarks: {more}"));
    }
    if !objects.passed_over.is_empty() {
        lines.push(format!("not examined, because nothing needs them: {}", objects.passed_over.join(", ")));
    }
    lines
}
