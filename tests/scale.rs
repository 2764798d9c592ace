//! Tests with many bundles: shards, interrupted runs, and memory.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const FIXTURES: [&str; 8] = [
    "good-rsa-2048",
    "good-p256",
    "good-server-answers",
    "good-icr",
    "other-key_fail",
    "tag-disagrees_fail",
    "bundle-cut-in-half_fail",
    "tree-file-changed_fail",
];

/// A folder like an archive of several years: bundles of fixtures in subfolders, under different build names.
fn estate(name: &str) -> PathBuf {
    let top = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("scale").join(name);
    let _ = fs::remove_dir_all(&top);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for (number, fixture) in FIXTURES.iter().cycle().take(24).enumerate() {
        let from = fixtures.join(fixture);
        if !from.exists() {
            panic!("{fixture} is not a fixture");
        }
        let to = top.join("bundles").join(format!("{number:02}"));
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(&from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            let name = entry.file_name().into_string().unwrap();
            // The file name contains a different build name, which changes the verdict: this is intended, and the same in every run.
            let name = name.replace(".v1-", &format!(".v{}-", number + 1));
            if name.ends_with(".sig.tbz") || name.ends_with(".pem") || name.ends_with(".json") {
                fs::copy(entry.path(), to.join(name)).unwrap();
            }
        }
    }
    fs::copy(fixtures.join("good-rsa-2048/key.pem"), top.join("key.pem")).unwrap();
    top
}

fn run(top: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
    command.current_dir(top).args(["audit", "bundles", "--key", "key.pem", "--now", "2026-03-10T00:00:00Z"]).args(more);
    command.output().unwrap()
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn all_shards_together_give_the_same_result_as_one_run() {
    let top = estate("shares");
    run(&top, &["--report", "jsonl=whole.jsonl"]);
    let whole = lines(&top.join("whole.jsonl"));
    assert_eq!(whole.len(), 24);
    let mut together = Vec::new();
    for index in 0..5 {
        let (shard, file) = (format!("{index}/5"), format!("{index}.jsonl"));
        let report = format!("jsonl={file}");
        run(&top, &["--shard", &shard, "--report", &report]);
        together.extend(lines(&top.join(file)));
    }
    // The number of bundles that a fetched key verifies is the only fact about the whole run.
    let comparable = |lines: &[String]| -> Vec<String> {
        let bare = |line: &String| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            for fact in line["reports"][0]["evidence"].as_array_mut().unwrap() {
                if fact["fact"] == "given-key" {
                    fact["value"] = Value::Null;
                }
            }
            line.to_string()
        };
        let mut lines: Vec<String> = lines.iter().map(bare).collect();
        lines.sort();
        lines
    };
    assert_eq!(comparable(&together), comparable(&whole));
    let verdicts: BTreeSet<String> = whole
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["verdict"].as_str().unwrap().to_owned())
        .collect();
    assert!(verdicts.len() >= 3, "{verdicts:?}");
}

#[test]
fn reports_for_people_state_that_the_run_had_only_one_shard() {
    let top = estate("one-share");
    run(&top, &["--shard", "1/5", "--report-dir", "reports"]);
    let stating = ["txt", "html", "md", "sarif", "junit.xml", "oscal.json"];
    for end in stating {
        let page = fs::read_to_string(top.join(format!("reports/report.{end}"))).unwrap();
        let page = page.replace("\n         ", " ");
        assert!(page.contains("Only a part of the bundles was audited: --shard 1/5."), "{end}");
    }
}

#[test]
fn each_output_line_is_a_readable_report() {
    let top = estate("lines");
    run(&top, &["--report", "jsonl=all.jsonl"]);
    for line in lines(&top.join("all.jsonl")) {
        fs::write(top.join("one.json"), &line).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
        let output = command.current_dir(&top).args(["report", "one.json", "--format", "json"]).output().unwrap();
        let again: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(&line).unwrap());
    }
    // If a run fails before it audits a bundle, the file has one line, with the error.
    let output = run(&top, &["--key", "missing.pem", "--report", "jsonl=none.jsonl"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(lines(&top.join("none.jsonl"))[0].contains("missing.pem"));
}

#[test]
fn an_interrupted_run_continues_and_gives_the_same_result() {
    let top = estate("resumed");
    let whole = run(&top, &["--format", "json", "--threads", "1"]);
    let first = run(&top, &["--format", "json", "--state", "state"]);
    assert!(whole.stdout == first.stdout, "the state does not change the report");
    let state = fs::read(top.join("state")).unwrap();
    let ends: Vec<usize> = state.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(ends.len(), 25, "a header and a line for each bundle");
    // The file is cut off within the header, after it, within lines and after lines.
    for cut in [0, 5, ends[0], ends[0] + 7, ends[6], ends[6] + 100, ends[23], state.len()] {
        fs::write(top.join("state"), &state[..cut]).unwrap();
        let again = run(&top, &["--format", "json", "--state", "state"]);
        assert!(again.stdout == whole.stdout, "cut at {cut}: {}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(lines(&top.join("state")).len(), 25);
    }
    // Saved reports are reused, not made again: a change made to a saved report appears in the result.
    let marked =
        String::from_utf8(state.clone()).unwrap().replace("a trusted key signed exactly the bytes", "taken over");
    fs::write(top.join("state"), marked).unwrap();
    let taken = run(&top, &["--format", "json", "--state", "state"]);
    assert!(String::from_utf8(taken.stdout).unwrap().contains("taken over"));
    // Without --now, the time of the interrupted run is used.
    fs::write(top.join("state"), &state).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
    command.current_dir(&top).args(["audit", "bundles", "--key", "key.pem", "--format", "json", "--state", "state"]);
    assert!(command.output().unwrap().stdout == whole.stdout);
}

/// The set of specified bundles does not identify a run. No bundle's line lists the other bundles;
/// otherwise, the report would grow with the square of their number.
#[test]
fn a_bundles_line_does_not_name_the_other_bundles() {
    let top = estate("named");
    run(&top, &["--state", "state"]);
    let kept = fs::metadata(top.join("state")).unwrap().len();
    let folders: Vec<String> = (0..24).map(|number| format!("bundles/{number:02}")).collect();
    let mut more: Vec<&str> = folders.iter().map(String::as_str).collect();
    more.extend(["--state", "state", "--shard", "0/1", "--reference", "F-7", "--report", "jsonl=all.jsonl"]);
    assert_eq!(run(&top, &more).status.code(), run(&top, &[]).status.code());
    assert_eq!(fs::metadata(top.join("state")).unwrap().len(), kept, "every bundle was already saved");
    let all = lines(&top.join("all.jsonl"));
    assert_eq!(all.len(), 24);
    for line in all {
        let named = folders.iter().filter(|folder| line.contains(folder.as_str())).count();
        assert_eq!(named, 1, "{line}");
    }
}

#[test]
fn changed_bundles_are_audited_again() {
    let top = estate("changed");
    run(&top, &["--state", "state"]);
    let place = top.join("bundles/00");
    let bundle = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundle.into_iter().find(|path| path.extension().is_some_and(|end| end == "tbz")).unwrap();
    let mut bytes = fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&bundle, &bytes).unwrap();
    // Saved server responses are added next to a different bundle.
    fs::write(top.join("bundles/01/status.json"), b"{\"status\": \"image build failed\"}").unwrap();
    let resumed = run(&top, &["--format", "json", "--state", "state"]);
    assert!(resumed.stdout == run(&top, &["--format", "json"]).stdout);
}

#[test]
fn a_state_file_of_a_different_run_and_other_files_are_refused() {
    let top = estate("other");
    run(&top, &["--state", "state"]);
    for (more, code) in [
        (&["--state", "state", "--require", "source"][..], 2),
        (&["--state", "state", "--key", "bundles/01/key.pem"], 2),
        (&["--state", "state", "--limit", "bundle_bytes=1000000"], 2),
        (&["--state", "key.pem"], 3),
    ] {
        let before = fs::read(top.join("state")).unwrap();
        let output = run(&top, more);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(before == fs::read(top.join("state")).unwrap());
    }
    assert!(fs::read_to_string(top.join("key.pem")).unwrap().starts_with("-----BEGIN"));
    // A run with a different policy, and a run with a different time.
    let key = "[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n";
    fs::write(top.join("policy.toml"), format!("version = 1\nrequire = [\"manifest\"]\n{key}")).unwrap();
    let state = fs::read_to_string(top.join("state")).unwrap();
    assert_eq!(run(&top, &["--state", "state", "--policy", "policy.toml"]).status.code(), Some(2));
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
    command.current_dir(&top).args(["audit", "bundles", "--key", "key.pem", "--state", "state", "--now"]);
    assert_eq!(command.arg("2026-03-11T00:00:00Z").output().unwrap().status.code(), Some(2));
    assert!(state == fs::read_to_string(top.join("state")).unwrap());
    // A line has an unrecognised status.
    let odd = state.replacen("\"status\":\"pass\"", "\"status\":\"passed\"", 1);
    assert!(odd != state);
    fs::write(top.join("state"), &odd).unwrap();
    assert_eq!(run(&top, &["--state", "state"]).status.code(), Some(3));
    assert!(odd == fs::read_to_string(top.join("state")).unwrap());
    // A state file of version 0.1.0 is refused, with a hint.
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inputs/cases-0.1/state.jsonl");
    fs::copy(&old, top.join("old")).unwrap();
    let output = run(&top, &["--state", "old", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["error"]["code"]), (Some(2), &"usage".into()), "{report:#}");
    assert!(report["error"]["message"].as_str().unwrap().contains("saved by version 0.1.0"), "{report:#}");
    assert!(report["error"]["hint"].as_str().unwrap().contains("a new file with --state"), "{report:#}");
    assert!(fs::read(&old).unwrap() == fs::read(top.join("old")).unwrap());
    // A file with one unterminated line is not taken for a truncated state file, and is not overwritten.
    fs::write(top.join("note"), "one line").unwrap();
    assert_eq!(run(&top, &["--state", "note"]).status.code(), Some(3));
    assert_eq!(fs::read_to_string(top.join("note")).unwrap(), "one line");
}

#[test]
fn memory_is_shared_and_a_bundle_that_exceeds_it_is_refused() {
    let top = estate("memory");
    let whole = run(&top, &["--format", "json"]);
    // There is enough memory for only one bundle at a time, and the answers are the same.
    assert!(run(&top, &["--format", "json", "--memory", "150", "--threads", "8"]).stdout == whole.stdout);
    let output = run(&top, &["--format", "json", "--memory", "100"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors = report["reports"].as_array().unwrap().iter().map(|one| &one["error"]);
    for error in errors {
        assert_eq!(error["code"], "over-limit");
        assert!(error["hint"].as_str().unwrap().contains("--memory"), "{error}");
    }
}
