//! Runs the program on every fixture in `fixtures/`. Compares the result with `[expect]` of `case.toml`, and the whole report with
//! `expected.json` if that file exists (`HPSB_UPDATE=1` rewrites existing ones).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use self::case_file::{CaseFile, directories};

mod case_file;

/// The program; if it is built for a different machine, it runs in the emulator that `HPSB_RUNNER`
/// specifies (`tests/architectures`).
fn program() -> Command {
    let program = env!("CARGO_BIN_EXE_hpsb-audit");
    let runner = std::env::var("HPSB_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace().chain([program]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

fn run(directory: &Path, case: &CaseFile, format: &str) -> Output {
    let mut bundles: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sig.tbz"))
        .collect();
    bundles.sort();
    if bundles.is_empty() {
        bundles.push(".".into());
    }
    program()
        .current_dir(directory)
        .arg("audit")
        .args(bundles)
        .args(case.args())
        .args(["--now", &case.now(), "--format", format])
        .output()
        .unwrap()
}

/// The differences between the result and `[expect]`, one per line.
fn compare(directory: &Path) -> Vec<String> {
    let case = CaseFile::read(directory);
    let expect = case.expect();
    if let Some(feature) = case.features().iter().find(|name| !hpsb_audit::features().contains(&name.as_str())) {
        // Without the feature, a fixture that needs it may be accepted in part (if the group is not required), but not accepted.
        let report: Value = serde_json::from_slice(&run(directory, &case, "json").stdout).unwrap();
        let accepted = report["verdict"] == "accept";
        return accepted.then(|| format!("accepted without the feature {feature}")).into_iter().collect();
    }
    let output = run(directory, &case, "json");
    let report: Value = match serde_json::from_slice(&output.stdout) {
        Ok(report) => report,
        Err(error) => return vec![format!("not JSON: {error}; {}", String::from_utf8_lossy(&output.stderr))],
    };
    let mut faults = Vec::new();
    let mut differ = |what: &str, expected: String, found: String| {
        if expected != found {
            faults.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    differ("exit code", expect["exit"].to_string(), output.status.code().unwrap_or(101).to_string());
    differ("exit code in the report", expect["exit"].to_string(), report["exit_code"].to_string());
    differ("verdict", expect["verdict"].as_str().unwrap().into(), report["verdict"].as_str().unwrap().into());
    if let Some(code) = expect.get("error") {
        let codes = report["reports"].as_array().unwrap().iter().map(|bundle| &bundle["error"]["code"]);
        let found: Vec<&str> = codes.chain([&report["error"]["code"]]).filter_map(Value::as_str).collect();
        differ(
            "error",
            code.as_str().unwrap().into(),
            found.first().map_or_else(|| "none".into(), |code| (*code).to_owned()),
        );
    }
    for (check, expected) in case.checks() {
        let statuses: Vec<String> = report["reports"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|bundle| bundle["findings"].as_array().unwrap())
            .filter(|finding| finding["check"] == check.as_str())
            .map(|finding| match finding["reason"].as_str() {
                Some(reason) => format!("not-run: {reason}"),
                None => finding["status"].as_str().unwrap().to_owned(),
            })
            .collect();
        let short = |found: &String| found == expected || (expected == "not-run" && found.starts_with("not-run"));
        if statuses.is_empty() || !statuses.iter().any(short) {
            differ(check, expected.into(), statuses.join(", "));
        }
    }
    faults.extend(report["reports"].as_array().unwrap().iter().flat_map(repeated_causes));
    faults.extend(hostile_text(directory, &case, &output));
    faults.extend(whole_report(directory, report));
    faults
}

/// Root causes that one bundle's report lists twice: two checks that reject the bundle with the same message, or for the same object. Consequences
/// (`caused_by`) are left out: several of them may reject the bundle for one cause.
fn repeated_causes(bundle: &Value) -> Vec<String> {
    let findings = bundle["findings"].as_array().unwrap();
    let causes: Vec<&Value> =
        findings.iter().filter(|one| one["rejects"] == true && one["caused_by"].is_null()).collect();
    let mut faults = Vec::new();
    for (at, one) in causes.iter().enumerate() {
        for other in &causes[at + 1..] {
            let said = |finding: &Value| finding["message"].as_str().unwrap().to_owned();
            let (one_says, other_says) = (said(one), said(other));
            if one_says == other_says || ids(&one_says).iter().any(|id| ids(&other_says).contains(id)) {
                faults.push(format!("{} and {} reject for one cause: {one_says}", one["check"], other["check"]));
            }
        }
    }
    faults
}

/// The ids and digests in a message. The path of a loose object is the object's id with one `/`.
fn ids(message: &str) -> Vec<String> {
    let text = message.replace('/', "");
    text.split(|c: char| !c.is_ascii_hexdigit()).filter(|run| run.len() >= 40).map(ToOwned::to_owned).collect()
}

/// `absent`: secrets that no format may show. `inert`: text whose control and format characters must not reach a terminal.
fn hostile_text(directory: &Path, case: &CaseFile, json: &Output) -> Vec<String> {
    let text = run(directory, case, "text");
    let pages = [
        String::from_utf8_lossy(&text.stdout),
        String::from_utf8_lossy(&text.stderr),
        String::from_utf8_lossy(&json.stdout),
        String::from_utf8_lossy(&json.stderr),
    ];
    let mut faults = Vec::new();
    for secret in case.expected_texts("absent") {
        if pages.iter().any(|page| page.contains(&secret)) {
            faults.push(format!("the secret {secret} is shown"));
        }
    }
    for hostile in case.expected_texts("inert") {
        if pages[0].contains(&hostile) {
            faults.push(format!("the text {hostile} reaches the terminal unescaped"));
        }
    }
    if pages[0].contains(|character: char| character.is_control() && character != '\n') {
        faults.push("a control character reaches the terminal".into());
    }
    faults
}

fn whole_report(directory: &Path, mut report: Value) -> Option<String> {
    let path = directory.join("expected.json");
    let expected = fs::read_to_string(&path).ok()?;
    // Version and features depend on the build, not on the audit.
    report.as_object_mut().unwrap().remove("tool");
    let found = format!("{report:#}\n");
    if std::env::var_os("HPSB_UPDATE").is_some() {
        fs::write(&path, &found).unwrap();
        return None;
    }
    (expected != found).then(|| "the report differs from expected.json (HPSB_UPDATE=1 rewrites it)".to_owned())
}

#[test]
fn every_fixture_has_its_expected_answer() {
    let directories = directories();
    assert!(directories.len() > 300, "only {} fixtures were found", directories.len());
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(directory) = directories.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = directory.file_name().unwrap().to_string_lossy().into_owned();
                    let found = compare(directory).into_iter().map(|fault| format!("{name}: {fault}"));
                    faults.lock().unwrap().extend(found);
                }
            });
        }
    });
    let mut faults = faults.into_inner().unwrap();
    faults.sort();
    assert!(faults.is_empty(), "{} answers are wrong:\n{}", faults.len(), faults.join("\n"));
}

/// A directory's name states whether the fixture fails, so that a changed exit code is noticed.
#[test]
fn the_names_of_fixtures_that_exit_with_an_error_end_in_fail() {
    for directory in directories() {
        let case = CaseFile::read(&directory);
        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(name.ends_with("_fail"), case.expect()["exit"].as_integer() != Some(0), "{name}");
    }
}

/// Checks that neither pass nor fail in any fixture, with the file that tests them.
const ELSEWHERE: [(&str, &str); 10] = [
    ("image-tag", "tests/registry.rs"),
    ("builder-record", "tests/admit.rs"),
    ("builder-workload", "tests/admit.rs"),
    ("builder-image", "tests/admit.rs"),
    ("builder-key-binding", "tests/admit.rs"),
    ("workload-image", "tests/admit.rs"),
    ("workload-pinned", "tests/admit.rs"),
    ("workload-key", "tests/admit.rs"),
    ("contract-signature", "tests/admit.rs"),
    ("attestation-record", "tests/admit.rs"),
];

/// Without a fixture in which a check fails, nothing shows that the check can fail; without a
/// fixture in which it passes, nothing shows that it can pass.
#[test]
fn every_check_fails_in_one_fixture_and_passes_in_another_or_is_tested_elsewhere() {
    let mut shown = std::collections::BTreeSet::new();
    for directory in directories() {
        shown.extend(CaseFile::read(&directory).checks().map(|(check, status)| (check.clone(), status.to_owned())));
    }
    for check in hpsb_audit::check::CHECKS {
        let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == check.name);
        for status in ["fail", "pass"] {
            let is_shown = shown.contains(&(check.name.to_owned(), status.to_owned()));
            match elsewhere {
                Some((name, file)) => {
                    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
                    assert!(text.contains(&format!("\"{name}\"")), "{file} does not name {name}");
                    assert!(!is_shown, "{name} has a fixture: remove its line in ELSEWHERE");
                }
                None => assert!(is_shown, "{}: {status} in no fixture: add one in tests/support/cases/", check.name),
            }
        }
    }
}
