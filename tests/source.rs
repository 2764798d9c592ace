//! Tests `hpsb-audit source`, which shows the proved commit without unpacking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::process::{Command, Output};

fn run(fixture: &str, more: &[&str]) -> Output {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
    let bundle = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".sig.tbz"))
        .unwrap();
    let key = folder.join("key.pem");
    Command::new(env!("CARGO_BIN_EXE_hpsb-audit"))
        .arg("source")
        .arg(bundle)
        .arg("--key")
        .arg(key)
        .args(more)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The output of git 2.47 for the recorded repository with `git ls-tree -r HEAD`.
const TREE: &str = "\
100644 blob 1b1cd4e4fd0dceb7f564605bfecdd148a45717cc	Dockerfile
100644 blob 07cb36c5a036157eb9fd8426ce2ec5fd9795c4ef	README.md
100644 blob 9af8bace875a397cad6cc6db4a8cb669f8a49255	docs/rules.md
100644 blob 6f78bca0c681c1d6e77b1c412234b02d4f38986b	go.mod
100644 blob b668f6dd84b3581b48f66a554b7fe0287a84391f	main.go
100755 blob 5132765651ab637289078a94d92a95dd1610c410	scripts/build.sh
100644 blob 79e7e27d8b3fb4a4185c14fd3c949dd6ba0516fe	web/app.js
100644 blob 652b5f17cc616838f6742f467821465355366aed	web/index.html
120000 blob 64233a9e9589b022576fca2cc18396d3744173c4	web/start.html
";

#[test]
fn the_tree_equals_gits_listing() {
    let output = run("good-rsa-2048", &["--tree"]);
    assert_eq!((out(&output).as_str(), output.status.code()), (TREE, Some(0)));
}

/// `git log --format='%H %cI %an <%ae>: %s'` lists these commits in this order.
#[test]
fn the_log_is_in_the_order_of_git_log() {
    let output = run("good-rsa-2048", &["--log"]);
    let subjects: Vec<String> = out(&output).lines().map(|line| line.split(">: ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(subjects, ["Ask twice", "Merge branch 'release/1.x'", "Say the rules", "Add a step", "Add the wallet"]);
    let first =
        "b0398d3eeb1921c4b063ea213713c42e0c584a70 2026-02-20T10:00:00Z Ben Example <ben@example.com>: Ask twice\n";
    assert!(out(&output).starts_with(first), "{}", out(&output));
    // A shallow clone ends at its boundary.
    let output = run("good-shallow", &["--log"]);
    assert_eq!((out(&output).lines().count(), output.status.code()), (1, Some(0)));
    let ends = "the history ends at b0398d3eeb1921c4b063ea213713c42e0c584a70, whose parents .git/shallow omits\n";
    assert_eq!(err(&output), ends);
}

#[test]
fn a_file_is_printed_byte_for_byte() {
    let output = run("good-rsa-2048", &["--file", "go.mod"]);
    assert_eq!((out(&output).as_str(), output.status.code()), ("module example.com/wallet\n\ngo 1.24\n", Some(0)));
    // The file comes from the commit, not from the work tree.
    let output = run("tree-file-changed_fail", &["--file", "scripts/build.sh"]);
    assert!(!out(&output).contains("evil"), "{}", out(&output));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(err(&output), "not proved: modified: scripts/build.sh\n");
    for (path, message) in [
        ("none", "HEAD's tree has no file"),
        ("../../etc/passwd", "HEAD's tree has no file"),
        ("web", "HEAD's tree has no file"),
    ] {
        let output = run("good-rsa-2048", &["--file", path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(err(&output).contains(message), "{}", err(&output));
    }
}

#[test]
fn the_summary_names_what_is_recomputed() {
    let output = run("good-rsa-2048", &[]);
    let page = out(&output);
    for line in [
        "commit       b0398d3eeb1921c4b063ea213713c42e0c584a70 (recomputed)",
        "tree         a877cfd7e2377b45485ba681ab8651947591f9e4",
        "author       Ben Example <ben@example.com> 2026-02-20T10:00:00Z +0100 (stated by the commit)",
        "remote       origin: github.com:acme/wallet.git",
        "objects      28: 28 reachable, 0 unreachable",
        "history      complete",
        "files        9, 0 differences",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
    assert_eq!(output.status.code(), Some(0));
    let page = out(&run("good-shallow", &[]));
    let boundary = "shallow: the parents of 1 commit are omitted (b0398d3eeb1921c4b063ea213713c42e0c584a70)";
    assert!(page.contains(boundary), "{page}");
    let page = out(&run("history-missing_fail", &[]));
    assert!(page.contains("history      not complete: "), "{page}");
    let output = run("object-missing-commit_fail", &[]);
    assert!(out(&output).contains("(NOT PROVED)"), "{}", out(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nothing_is_shown_without_a_valid_signature() {
    for view in [&[][..], &["--tree"], &["--log"], &["--file", "go.mod"]] {
        let output = run("archive-byte-flipped_fail", view);
        assert!(out(&output).starts_with("SIGNATURE NOT VALID: nothing is shown\n"), "{}", out(&output));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn conversions_and_submodules_without_files_are_listed() {
    for (fixture, files, remark) in [
        (
            "good-lfs",
            "1, 0 differences; objects in place of Git LFS pointers: 1",
            "1 file is equal as the object that its Git LFS pointer identifies: a.bin\n",
        ),
        (
            "good-submodule-not-cloned",
            "1, 0 differences; not compared: 1 submodule",
            "not compared: submodule lib, which was not cloned\n",
        ),
    ] {
        let page = out(&run(fixture, &[]));
        assert!(page.lines().any(|line| line == format!("files        {files}")), "{page}");
        for view in [&[][..], &["--tree"], &["--log"], &["--file", if fixture == "good-lfs" { "a.bin" } else { "a" }]] {
            let output = run(fixture, view);
            assert_eq!((err(&output).as_str(), output.status.code()), (remark, Some(0)), "{fixture} {view:?}");
        }
    }
    let output = run("good-submodule-not-cloned", &["--file", "lib/Dockerfile"]);
    assert!(err(&output).contains("\"lib/Dockerfile\": the submodule lib was not cloned\n"), "{}", err(&output));
    assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(1)));
}

#[test]
fn nothing_is_stated_of_a_submodule_that_is_not_proved() {
    let output = run("tree-submodule-without-objects_fail", &[]);
    assert!(!err(&output).contains("untracked: lib/"), "{}", err(&output));
    let page = out(&output);
    assert!(page.contains("\nfiles        0, 9 differences; not compared: 1 submodule\n"), "{page}");
    let output = run("tree-submodule-without-objects_fail", &["--file", "lib/code.c"]);
    assert!(err(&output).contains("\"lib/code.c\": the submodule lib is not proved\n"), "{}", err(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nothing_is_stated_without_a_commit() {
    let page = out(&run("head-no-such-ref_fail", &[]));
    for row in ["history", "files"] {
        let line = format!("{row:<12} not known: HEAD's commit is not proved");
        assert!(page.lines().any(|found| found == line), "{page}");
    }
}

#[test]
fn nothing_is_stated_of_a_tree_that_is_missing() {
    let output = run("object-missing-tree_fail", &[]);
    assert!(out(&output).contains("\nfiles        not known: objects of HEAD's tree are missing or malformed\n"));
    assert!(!err(&output).contains("untracked"), "{}", err(&output));
    let output = run("object-missing-tree_fail", &["--file", "Dockerfile"]);
    let not_known = "not proved: it is not known whether HEAD's tree has the file \"Dockerfile\"";
    assert!(err(&output).starts_with(not_known), "{}", err(&output));
    assert_eq!((out(&output).as_str(), output.status.code()), ("", Some(1)));
}

#[test]
fn text_from_commits_is_escaped_and_masked() {
    let output = run("good-repository-with-token", &[]);
    assert!(!out(&output).contains("ghs_verySecret123"));
    let steering = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
    for (fixture, view) in
        [("text-in-author", &[][..]), ("text-in-author", &["--log"]), ("text-in-file-name_fail", &["--file", "go.mod"])]
    {
        let output = run(fixture, view);
        let page = out(&output) + &err(&output);
        assert!(page.contains("=cmd|") && !page.contains(steering), "{fixture} {view:?}: {page:?}");
    }
}

/// Hostile snapshots list files to run or open; `strace` shows that none is run or opened.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_run_and_nothing_outside_the_archive_is_opened() {
    for fixture in [
        "good-hooks-and-filters",
        "git-alternates_fail",
        "git-commondir_fail",
        "git-is-a-file_fail",
        "git-link-below_fail",
        "git-work-tree-elsewhere_fail",
        "tree-link-elsewhere_fail",
        "tree-link-for-file_fail",
        "tree-submodule-elsewhere_fail",
    ] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
        let bundles = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let bundle = bundles.into_iter().find(|path| path.to_string_lossy().ends_with(".sig.tbz")).unwrap();
        let trace = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("strace-{fixture}"));
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-e", "trace=%file,execve,execveat", "-o"]).arg(&trace);
        strace.arg(env!("CARGO_BIN_EXE_hpsb-audit")).arg("audit").arg(&bundle).arg("--key").arg(folder.join("key.pem"));
        let output = strace.output().expect("strace runs; tests/run installs what tests need");
        assert!(output.status.code().is_some_and(|code| code < 2), "{fixture}: {}", err(&output));
        let trace = std::fs::read_to_string(&trace).unwrap();
        assert_eq!(trace.matches("execve").count(), 1, "{fixture}: the program itself and nothing else\n{trace}");
        for path in ["/srv/git", "passwd", "monitor", "post-checkout", "/other", ".git/"] {
            assert!(!trace.contains(path), "{fixture}: {path}\n{trace}");
        }
    }
}
