//! One audit, every format: all say the same, a saved report gives the same bytes, and hostile text is inert in each.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{NOW, fixture, run};

/// Formats of which one file holds everything.
const FORMATS: [&str; 2] = ["text", "json"];

/// One fixture for each kind of answer, and every one with hostile text.
fn fixtures() -> Vec<String> {
    let kinds = [
        "good-policy-and-key",
        "other-key_fail",
        "bundle-gzip_fail",
        "nothing-to-verify_fail",
        "policy-empty_fail",
        "good-two-bundles",
        "two-bundles-one-rejected_fail",
        "two-bundles-one-cut_fail",
        "secret-in-status_fail",
    ];
    let hostile = fs::read_dir(fixture(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("text-"));
    let mut all: Vec<String> = kinds.into_iter().map(str::to_owned).chain(hostile).collect();
    all.sort();
    all
}

/// Audits a fixture once with every format, into a folder of its own.
fn audit(name: &str) -> (PathBuf, i32) {
    let directory = fixture(name);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut bundles: Vec<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sig.tbz"))
        .collect();
    bundles.sort();
    if bundles.is_empty() {
        bundles.push(".".into());
    }
    let read = fs::read_to_string(directory.join("args")).unwrap();
    let mut arguments: Vec<String> = vec!["audit".into()];
    arguments.extend(bundles);
    arguments.extend(read.lines().map(str::to_owned));
    arguments.extend(["--now".into(), NOW.into()]);
    for format in FORMATS {
        arguments.extend(["--report".into(), format!("{format}={}", folder.join(format).display())]);
    }
    let answer = run(&directory, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    (folder, answer.code)
}

#[test]
fn a_saved_report_gives_the_same_bytes_as_the_audit() {
    for name in fixtures() {
        let (folder, code) = audit(&name);
        for format in FORMATS {
            let expected =
                fs::read_to_string(folder.join(format)).unwrap_or_else(|error| panic!("{name} {format}: {error}"));
            let again = run(&folder, &["report", "json", "--format", format]);
            assert_eq!(again.code, code, "{name} {format}: {}", again.err);
            assert!(again.out == expected, "{name}: {format} differs");
        }
    }
}
