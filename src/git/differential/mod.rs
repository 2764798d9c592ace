//! Compares the repository reader with `git fsck --full --strict` and `git status` on repositories of which many are broken on purpose, like those in
//! git's own tests t1450, t5303, t7415 and t7450.
//!
//! The regular test suite checks 60 of the repositories; `tests/git-differential` checks all of them. Every disagreement is in [`DISAGREEMENTS`] with
//! its reason, and a test also fails if a listed disagreement no longer exists.

mod disagreements;
mod files;
mod objects;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use self::disagreements::DISAGREEMENTS;
use super::test_repository::TestRepository;
use super::{SourceProof, SubmoduleState, prove};
use crate::base::limits::Limits;

/// A recipe: its name, and a change to a sound repository.
type Recipe = (&'static str, fn(&TestRepository));

/// Sound repositories: one with loose objects, a packed clone and a shallow clone.
const BASES: [&str; 3] = ["loose", "packed", "shallow"];

fn base(kind: &str) -> TestRepository {
    let repository = TestRepository::new();
    for number in 0..5 {
        repository
            .write("README", format!("hello {number}\n"))
            .write("src/main.c", format!("int main;\n{}// {number}\n", "// a line\n".repeat(40)))
            .write("src/deep/x", "x");
        if number == 0 {
            repository.write("run.sh", "#!/bin/sh\n").write(".gitignore", "*.o\n");
            files::make_executable(&repository, "run.sh");
            std::os::unix::fs::symlink("README", repository.path.join("link")).unwrap();
        }
        repository.commit(&format!("change {number}"));
    }
    repository.git(&["tag", "--annotate", "--message", "one", "v1", "HEAD~1"]);
    match kind {
        "loose" => repository,
        "packed" => repository.clone_with(&[]),
        _ => repository.clone_with(&["--depth=2"]),
    }
}

/// Whether `git fsck` reports a fault, whether `git status` lists anything (`None` if it fails), and the text that both print.
fn by_git(repository: &TestRepository) -> (bool, Option<bool>, String) {
    let fsck = repository.try_git(&["fsck", "--full", "--strict", "--no-dangling", "--no-progress"]);
    let status = repository.try_git(&["status", "--porcelain", "--untracked-files=all", "--ignored"]);
    let said =
        [&fsck.stdout, &fsck.stderr, &status.stdout].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    (!fsck.status.success(), status.status.success().then_some(!status.stdout.is_empty()), said)
}

/// Whether this program's checks `source-objects` and `source-tree` would fail.
fn by_us(proof: &SourceProof) -> (bool, bool) {
    let is_wrong = proof.head.is_err() || !proof.objects.faults.is_empty();
    let is_faulty = |state: &SubmoduleState| matches!(state, SubmoduleState::Faulty(_));
    let differs = !proof.tree.differences.is_empty()
        || !proof.tree.faults.is_empty()
        || proof.tree.submodules.iter().any(|module| is_faulty(&module.state));
    (is_wrong, differs)
}

fn recipes() -> Vec<Recipe> {
    objects::RECIPES.iter().chain(files::RECIPES).copied().collect()
}

/// Checks each repository with both programs. Returns the differences from [`DISAGREEMENTS`], and the number of
/// accepted repositories.
fn judge(repositories: &[(Recipe, &'static str)]) -> (String, usize) {
    let mut wrong = String::new();
    let reasons: BTreeMap<&str, &str> = DISAGREEMENTS.iter().map(|(name, reason)| (*name, *reason)).collect();
    let mut accepted = 0;
    for ((name, change), kind) in repositories {
        let repository = base(kind);
        change(&repository);
        let (fsck, status, said) = by_git(&repository);
        let proof = prove(&repository.snapshot(), 2, &Limits::default());
        let (is_wrong, differs) = by_us(&proof);
        accepted += usize::from(!is_wrong && !differs);
        // In a broken repository, git may be unable to compare the work tree.
        let agrees = is_wrong == fsck && (fsck || status.is_none_or(|status| status == differs));
        if agrees == reasons.contains_key(name) {
            let ours =
                (&proof.objects.faults, &proof.objects.malformed, &proof.tree.differences, &proof.tree.submodules);
            writeln!(
                wrong,
                "{name} on {kind}: fault: git fsck {fsck}, this program {is_wrong}; difference: git status {status:?}, this program {differs}"
            )
            .unwrap();
            writeln!(wrong, "{said}\n{:?} {ours:?}\n", proof.head.is_ok()).unwrap();
        }
    }
    (wrong, accepted)
}

#[test]
fn sixty_repositories_give_the_same_results_as_git() {
    const CHOSEN: usize = 60;
    let recipes = recipes();
    let chosen: Vec<(Recipe, &str)> =
        (0..CHOSEN).map(|number| (recipes[number * recipes.len() / CHOSEN], BASES[number % BASES.len()])).collect();
    let (wrong, accepted) = judge(&chosen);
    assert!(wrong.is_empty(), "{wrong}");
    assert!(accepted > 20, "{accepted}");
}

/// Run by `tests/git-differential`.
#[test]
#[ignore = "takes minutes"]
fn three_hundred_repositories_give_the_same_results_as_git() {
    let all: Vec<(Recipe, &str)> = recipes().into_iter().flat_map(|recipe| BASES.map(|kind| (recipe, kind))).collect();
    assert!(all.len() >= 300, "{}", all.len());
    let (wrong, accepted) = judge(&all);
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(accepted, 204);
}

#[test]
fn every_disagreement_with_git_has_a_test_repository_and_a_reason() {
    let names: Vec<&str> = recipes().iter().map(|(name, _)| *name).collect();
    for (name, reason) in DISAGREEMENTS {
        assert!(names.contains(name) && !reason.is_empty(), "{name}");
    }
    let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
}
