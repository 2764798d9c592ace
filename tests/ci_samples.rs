//! Tests the samples in deploy/ci/: they match their schemas, and their commands accept and reject the right bundles.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const NAME: &str = "manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz";
const POLICY: &str = "version = 1\nrequire = [\"manifest\"]\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n";

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The commands of each sample, after the tool has validated the samples against their schemas.
fn commands() -> Value {
    let checked = Command::new(top().join("tests/tools/check-ci")).output().unwrap();
    let faults = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "`tests/run tools` installs what is missing\n{faults}");
    serde_json::from_slice(&checked.stdout).unwrap()
}

/// A folder with evidence/ and the auditor's policy. The bundle is that of a fixture.
fn workspace(name: &str, fixture: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ci-samples").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("evidence")).unwrap();
    fs::create_dir_all(folder.join("reports")).unwrap();
    let fixture = top().join("fixtures").join(fixture);
    fs::copy(fixture.join(NAME), folder.join("evidence").join(NAME)).unwrap();
    fs::copy(fixture.join("key.pem"), folder.join("key.pem")).unwrap();
    fs::write(folder.join("policy.toml"), POLICY).unwrap();
    folder
}

fn run(script: &str, folder: &Path) -> i32 {
    let program = Path::new(env!("CARGO_BIN_EXE_hpsb-audit")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(folder).env("PATH", path);
    shell.env("REQUIRE", "manifest,source").env("EVIDENCE", "evidence").env("TRUST", ".");
    shell.env("REPORTS", "reports").env("VERDICT", "verdict");
    shell.output().unwrap().status.code().unwrap()
}

#[test]
fn commands_in_ci_samples_work_as_described() {
    let commands = commands();
    for (sample, written) in [
        ("github", ["audit.sarif", "audit.jsonl", "audit-page"]),
        ("gitlab", ["audit.xml", "audit.jsonl", "audit-page"]),
        ("tekton", ["reports/audit.sarif", "reports/audit.json", "reports/audit-page"]),
    ] {
        let script = commands[sample].as_str().unwrap();
        for (fixture, code, verdict) in [("good-rsa-2048", 0, "accept"), ("tree-file-changed_fail", 1, "reject")] {
            let folder = workspace(&format!("{sample}-{code}"), fixture);
            assert_eq!(run(script, &folder), code, "{sample}: {fixture}");
            assert!(written.iter().all(|file| folder.join(file).exists()), "{sample}: a report is missing");
            if sample == "tekton" {
                assert_eq!(fs::read_to_string(folder.join("verdict")).unwrap(), verdict);
            }
        }
    }
    let folder = workspace("tekton-none", "good-rsa-2048");
    fs::write(folder.join("evidence").join(NAME), "cut").unwrap();
    assert_eq!(run(commands["tekton"].as_str().unwrap(), &folder), 3);
    assert_eq!(fs::read_to_string(folder.join("verdict")).unwrap(), "none");
}
