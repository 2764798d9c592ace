//! Tests the budgets for work and memory, and the limit on the size of a printed report: if one is exceeded, there is no verdict, and the error
//! names the limit.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};
use std::process::Command;

mod case_file;

use case_file::CaseFile;
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Audits a fixture with additional limits, and returns the exit code and the report.
fn audit(name: &str, limits: &[&str]) -> (i32, Value) {
    let folder = fixture(name);
    let arguments = CaseFile::read(&folder).args();
    let bundle = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundle.into_iter().find(|path| path.to_string_lossy().ends_with(".sig.tbz")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
    command.current_dir(&folder).args(["audit", "--format", "json"]).args(arguments).arg(bundle);
    for limit in limits {
        command.args(["--limit", limit]);
    }
    let output = command.args(["--now", "2026-03-10T00:00:00Z"]).output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn says(report: &Value, word: &str) -> bool {
    report["reports"][0]["error"].to_string().contains(word)
}

#[test]
fn exhausted_work_or_memory_gives_no_verdict_and_names_the_limit() {
    for name in ["good-rsa-2048", "good-trust-cosign"] {
        for limit in ["work_base_units", "held_base_bytes"] {
            // These settings keep the limits from growing with the input.
            let none = ["work_per_megabyte_units=0", "held_per_input_bytes=0"];
            let (code, report) = audit(name, &[&format!("{limit}=1"), none[0], none[1]]);
            assert_eq!(code, 3, "{name} {limit}");
            let bundle = &report["reports"][0];
            assert!(says(&report, limit) && says(&report, "--limit"), "{name}: {}", bundle["error"]);
            assert_eq!(bundle["verdict"], "none");
        }
    }
}

#[test]
fn inspect_source_and_extract_have_a_budget() {
    let folder = fixture("good-rsa-2048");
    let to = std::env::temp_dir().join(format!("hpsb-audit-budget-{}", std::process::id()));
    let unpack = ["extract", "--to", to.to_str().unwrap()];
    let bundle = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundle.into_iter().find(|path| path.to_string_lossy().ends_with(".sig.tbz")).unwrap();
    for command in [&["inspect"][..], &["source"], &["source", "--log"], &unpack] {
        for (limit, code) in [("1", 3), ("6000000000", 0)] {
            let mut run = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
            let run = run.current_dir(&folder).args(command).arg(&bundle).args(["--key", "key.pem"]);
            let run =
                run.args(["--limit", &format!("work_base_units={limit}"), "--limit", "work_per_megabyte_units=0"]);
            let output = run.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
            assert!(code == 0 || said.contains("work_base_units") && output.stdout.is_empty(), "{command:?}: {said}");
        }
    }
    std::fs::remove_dir_all(to).unwrap();
}

#[test]
fn a_budget_that_is_one_unit_too_small_stops_the_audit_on_any_number_of_threads() {
    let code = |units: u64, threads: &str| {
        let limit = format!("work_base_units={units}");
        let folder = fixture("good-rsa-2048");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
        command.current_dir(&folder).args(["audit", ".", "--key", "key.pem", "--threads", threads]);
        let command = command.args(["--limit", &limit, "--limit", "work_per_megabyte_units=0"]);
        command.args(["--now", "2026-03-10T00:00:00Z"]).output().unwrap().status.code().unwrap()
    };
    let (mut little, mut enough) = (1_u64, 1_u64 << 36);
    while enough - little > 1 {
        let middle = little.midpoint(enough);
        match code(middle, "2") {
            3 => little = middle,
            _ => enough = middle,
        }
    }
    assert_eq!((code(little, "1"), code(enough, "1")), (3, 0));
}

#[test]
fn a_printed_report_over_its_size_limit_becomes_an_error_without_lists() {
    let (code, report) = audit("good-rsa-2048", &["answer_bytes=1000"]);
    assert_eq!((code, says(&report, "answer_bytes")), (3, true));
    assert_eq!(report["reports"][0]["evidence"], Value::Array(Vec::new()));
}
