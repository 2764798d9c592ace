//! `source-tree`: the archived work tree is HEAD's tree.

use super::outcome::{DETAILS_SHOWN, Outcome};
use super::{ChainLink, Check, Expected, Run, source_objects};
use crate::base::budget::Work;
use crate::base::words::counted;
use crate::git::{Change, Difference, PathPattern, SubmoduleState, TreeProof};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "source-tree",
    group: Group::Source,
    level: Level::Require,
    says: "the archived work tree is HEAD's tree (names, bytes, execute bits, link targets), apart from listed exceptions",
    explanation: "Hashes every file of the archived work tree as git does and compares it with the proved tree of HEAD, as `git status` would, but \
without git. Submodules are compared in the same way if their folders have files. For submodules without files, the report says \"not \
proved\" and the check does not fail.\n\nSome differences are accepted and listed: line endings, $Id$ and encodings that HEAD's own .gitattributes \
specifies (eol=crlf, ident, working-tree-encoding), and, in place of a Git LFS pointer in HEAD, the object that it specifies (SHA-256 and size; no attribute \
is needed). \
Every other difference fails the check, including ignored files; expect.untracked lists patterns of files that may exist without being in the \
commit.\n\nThe archive shows the work tree as it was when the build ended. A change that a build step made and undid is not visible, and an \
identical work tree does not show that the image was built from it.\n\nWhen it fails: the details list each file and, if known, the reason. Files \
that the build itself writes into its own folder can be allowed by pattern; a changed source file cannot.",
    known: Known::Recomputed,
    expected: Expected::Optional(&["untracked"]),
    links: &[ChainLink::WorkTree],
    controls: &["SI-7", "SA-10"],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

/// The maximum number of paths that are listed.
const LISTED: usize = 50;

/// The clause of a pass about files that the commit does not contain and the policy allows.
pub(crate) const ALLOWED: &str = "not in HEAD, and allowed by expect.untracked: ";

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let proof = match evidence.source() {
        Ok(proof) => proof,
        Err(fault) => return Outcome::caused_by(&source_objects::CHECK, fault),
    };
    if proof.commit.is_none() {
        return Outcome::caused_by(
            &source_objects::CHECK,
            "HEAD's commit is not proved, so there is no tree to compare with",
        );
    }
    let tree = &proof.tree;
    let allowed: Vec<PathPattern> =
        policy.expect.untracked.iter().filter_map(|text| PathPattern::parse(text)).collect();
    let is_allowed = |difference: &&Difference| {
        let cost = || allowed.iter().map(|pattern| pattern.cost(&difference.path)).fold(0, u64::saturating_add);
        difference.change == Change::Untracked
            && evidence.budget.spend(Work::Bytes(cost()), "the policy's untracked files").is_ok()
            && allowed.iter().any(|pattern| pattern.covers(&difference.path))
    };
    let compared = tree.differences.iter().filter(|difference| !tree.is_unproved(difference));
    let (excused, refused): (Vec<&Difference>, Vec<&Difference>) = compared.partition(is_allowed);
    let faults: Vec<String> = faulty_submodules(tree).collect();
    if faults.is_empty() && refused.is_empty() && !tree.faults.is_empty() {
        return Outcome::caused_by(
            &source_objects::CHECK,
            "objects of HEAD's tree are missing or malformed, so the work tree cannot be compared with it",
        );
    }
    let outcome = match (faults.first(), refused.as_slice()) {
        (Some(fault), _) => Outcome::fail(fault),
        (None, []) => {
            let excused = match excused.len() {
                0 => String::new(),
                count => format!("; {ALLOWED}{count}"),
            };
            // A faulty submodule fails the check above.
            let absent = match tree.submodules.iter().filter(|module| module.state.not_compared().is_some()).count() {
                0 => String::new(),
                count => format!("; submodules without files, not compared: {count}"),
            };
            let converted = tree.converted_counts();
            let inner = match tree.submodule_file_count {
                0 => String::new(),
                count => format!("; in submodules: {count}"),
            };
            let compared = tree.file_count;
            Outcome::pass(format!(
                "the archived work tree has the files of HEAD's commit (files and links: {compared}{inner}){converted}{excused}{absent}"
            ))
        }
        (None, [first, ..]) if is_sparse(tree, &refused) => {
            Outcome::fail(format!("the clone is sparse; files of HEAD that it leaves out: {}", refused.len()))
                .sides("the files of HEAD's tree", describe(first))
                .detail("build from a full work tree: `git sparse-checkout disable`, or a clone without --sparse")
        }
        (None, [one]) => Outcome::fail("one path of the work tree differs from HEAD")
            .sides("the files of HEAD's tree", describe(one)),
        (None, [first, ..]) => Outcome::fail(format!("{} paths of the work tree differ from HEAD", refused.len()))
            .sides("the files of HEAD's tree", describe(first)),
    };
    let lines = faults
        .into_iter()
        .chain(listed(&refused, ""))
        .chain(listed(&excused, ", allowed by expect.untracked"))
        .chain(said(tree));
    lines.fold(outcome, Outcome::detail)
}

/// Whether a sparse checkout explains every difference.
fn is_sparse(tree: &TreeProof, refused: &[&Difference]) -> bool {
    tree.is_sparse && refused.iter().all(|difference| difference.change == Change::Deleted)
}

fn faulty_submodules(tree: &TreeProof) -> impl Iterator<Item = String> {
    tree.submodules.iter().filter_map(|module| match &module.state {
        SubmoduleState::Faulty(faults) => {
            Some(format!("submodule {}: {}", String::from_utf8_lossy(&module.path), faults.join("; ")))
        }
        _ => None,
    })
}

fn describe(difference: &Difference) -> String {
    let reason = difference.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{}: {}{reason}", difference.change.word(), String::from_utf8_lossy(&difference.path))
}

fn listed(differences: &[&Difference], note: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        differences.iter().take(LISTED).map(|difference| format!("{}{note}", describe(difference))).collect();
    if let Some(more @ 1..) = differences.len().checked_sub(LISTED) {
        lines.push(format!("further paths{note}: {more}"));
    }
    lines
}

/// Lists the files that are equal after a conversion, the submodules without faults, and the empty folders.
fn said(tree: &TreeProof) -> Vec<String> {
    let mut lines = tree.converted_words(LISTED);
    for module in tree.submodules.iter().take(DETAILS_SHOWN) {
        let path = String::from_utf8_lossy(&module.path);
        match &module.state {
            SubmoduleState::Proved { object_count } => {
                lines.push(format!("submodule {path} is commit {}, {object_count} objects", module.commit));
            }
            SubmoduleState::Faulty(_) => {}
            state => {
                let why = state.not_compared().unwrap_or_default();
                lines.push(format!("submodule {path} is not proved: it {why} (commit {})", module.commit));
            }
        }
    }
    if !tree.empty_folders.is_empty() {
        let shown: Vec<String> =
            tree.empty_folders.iter().take(LISTED).map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        let count = counted(tree.empty_folders.len(), "empty folder");
        lines.push(format!("{count}, which git does not record: {}", shown.join(", ")));
    }
    lines
}
