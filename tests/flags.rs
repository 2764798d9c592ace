//! No flag that restricts is ignored: each one is honoured (the answer differs from that without it) or refused (exit 2). Every flag of every command
//! has a row here, or is listed among those that restrict nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use program::{BUNDLE, Folder, NOW, fixture, run};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Honoured,
    Refused,
}
use Is::{Honoured, Refused};

/// A command line without the flag, and the effect of the flag on it.
type Row = (&'static str, &'static [&'static str], Is);

const ROWS: &[Row] = &[
    ("audit BUNDLE --key key.pem", &["--key", "other.pem"], Honoured),
    ("audit BUNDLE", &["--key", "key.pem"], Honoured),
    ("audit BUNDLE --key key.pem", &["--policy", "strict.toml"], Honoured),
    ("audit BUNDLE --key key.pem", &["--require", "image"], Honoured),
    ("audit BUNDLE --key key.pem", &["--require", "workload"], Refused),
    ("audit BUNDLE --policy policy.toml --now 2026-03-10", &["--now", "2030-01-01T00:00:00Z"], Honoured),
    ("audit BUNDLE --policy policy.toml", &["--approvals", "approvals.csv"], Honoured),
    ("audit BUNDLE --key key.pem", &["--image", "oci-archive:image.tar"], Honoured),
    ("audit BUNDLE --key key.pem", &["--base", "oci-archive:image.tar"], Honoured),
    ("audit BUNDLE --key key.pem", &["--trust", "empty"], Honoured),
    ("audit BUNDLE --key key.pem", &["--builder", "empty"], Refused),
    ("audit BUNDLE --key key.pem", &["--limit", "archive_members=3"], Honoured),
    ("audit BUNDLE --key key.pem", &["--memory", "1"], Honoured),
    ("audit BUNDLE --key key.pem", &["--shard", "0/1000"], Honoured),
    ("audit BUNDLE --key key.pem", &["--seal-key", "ada.pub"], Refused),
    ("audit BUNDLE --key key.pem", &["--tsa-ca", "ada.pub"], Refused),
    ("audit BUNDLE --key key.pem --image docker://localhost:1/a", &["--offline"], Refused),
    ("audit BUNDLE --key key.pem", &["--report", "vsa=v.json"], Refused),
    ("audit BUNDLE --key key.pem", &["--attach", "oci:layout"], Refused),
    // A case, on the reader's terms.
    ("audit case.tar --key key.pem", &["--key", "other.pem"], Honoured),
    ("audit case.tar --key key.pem", &["--policy", "strict.toml"], Honoured),
    ("audit case.tar --key key.pem", &["--require", "image"], Honoured),
    ("audit case.tar --key key.pem", &["--require", "workload"], Refused),
    ("audit case.tar --key key.pem", &["--now", "2030-01-01T00:00:00Z"], Honoured),
    ("audit case.tar --key key.pem", &["--limit", "archive_members=3"], Honoured),
    ("audit case.tar --key key.pem", &["--seal-key", "ada.pub"], Refused),
    ("audit case.tar --key key.pem", &["--tsa-ca", "ada.pub"], Refused),
    ("audit case.tar --key key.pem", &["--image", "oci-archive:image.tar"], Refused),
    ("audit case.tar --key key.pem", &["--base", "oci-archive:image.tar"], Refused),
    ("audit case.tar --key key.pem", &["--trust", "empty"], Refused),
    ("audit case.tar --key key.pem", &["--builder", "empty"], Refused),
    ("audit case.tar --key key.pem", &["--approvals", "approvals.csv"], Refused),
    ("audit case.tar --key key.pem", &["--shard", "0/2"], Refused),
    ("audit case.tar --key key.pem", &["--state", "state"], Refused),
    ("audit case.tar --key key.pem", &["--memory", "100"], Refused),
    // On the sealer's terms.
    ("audit case.tar --seal-key ada.pub", &["--key", "key.pem"], Refused),
    ("audit case.tar --seal-key ada.pub", &["--policy", "policy.toml"], Refused),
    ("audit case.tar --seal-key ada.pub", &["--require", "image"], Refused),
    ("audit case.tar --seal-key ada.pub", &["--now", NOW], Refused),
    ("audit case.tar --seal-key ada.pub", &["--limit", "archive_members=3"], Honoured),
    // On neither's terms.
    ("audit case.tar", &["--now", NOW], Refused),
    ("audit case.tar", &["--require", "image"], Refused),
    ("audit case.tar", &["--seal-key", "ada.pub"], Honoured),
    ("verify BUNDLE --key key.pem", &["--key", "other.pem"], Honoured),
    ("verify BUNDLE --key key.pem --format json", &["--now", NOW], Honoured),
    ("verify BUNDLE --key key.pem", &["--limit", "signature_bytes=3"], Honoured),
    ("inspect BUNDLE", &["--key", "other.pem"], Honoured),
    ("inspect BUNDLE", &["--limit", "signature_bytes=3"], Honoured),
    ("inspect BUNDLE", &["--now", NOW], Refused),
    ("extract BUNDLE --to out --key key.pem", &["--limit", "archive_members=3"], Honoured),
    ("extract BUNDLE --to out", &["--key", "other.pem"], Honoured),
    ("source BUNDLE", &["--key", "other.pem"], Honoured),
    ("source BUNDLE --key key.pem", &["--limit", "archive_members=3"], Honoured),
    ("source BUNDLE --key key.pem", &["--log"], Honoured),
    ("source BUNDLE --key key.pem", &["--tree"], Honoured),
    ("source BUNDLE --key key.pem", &["--file", "Dockerfile"], Honoured),
    ("image oci-archive:image.tar", &["--platform", "linux/arm64"], Refused),
    ("image oci-archive:image.tar", &["--limit", "image_layers=0"], Honoured),
    ("image docker://localhost:1/a", &["--offline"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--platform", "linux/arm64"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--key", "key.pem"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--policy", "policy.toml"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--limit", "image_layers=0"], Honoured),
    ("compare docker://localhost:1/a oci-archive:image.tar", &["--offline"], Refused),
    ("compare plain plain", &["--key", "other.pem"], Honoured),
    ("compare plain plain", &["--policy", "policy.toml"], Honoured),
    ("compare plain plain --key key.pem", &["--platform", "linux/arm64"], Refused),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10",
        &["--now", "2030-01-01T00:00:00Z"],
        Honoured,
    ),
    ("admit compose.yaml --evidence plain", &["--policy", "strict.toml"], Honoured),
    ("admit compose.yaml --policy policy.toml --now 2026-03-10", &["--evidence", "plain"], Honoured),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10",
        &["--approvals", "nothing.csv"],
        Honoured,
    ),
    ("admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10", &["--attestation", "empty"], Refused),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10",
        &["--limit", "archive_members=3"],
        Honoured,
    ),
    ("trust trust-files", &["--policy", "trust.toml"], Honoured),
    ("trust trust-files --now 2026-03-10", &["--now", "2040-01-01T00:00:00Z"], Honoured),
    ("trust trust-files", &["--limit", "trust_bytes=1"], Honoured),
    ("seal BUNDLE --output a.tar --now 2026-03-10", &["--key", "other.pem"], Honoured),
    ("seal BUNDLE --output b.tar --key key.pem --now 2026-03-10", &["--policy", "strict.toml"], Honoured),
    ("seal BUNDLE --output c.tar --key key.pem --now 2026-03-10", &["--require", "image"], Honoured),
    ("seal BUNDLE --output d.tar --key key.pem --now 2026-03-10", &["--require", "workload"], Refused),
    ("seal BUNDLE --output e.tar --policy policy.toml --now 2026-03-10", &["--now", "2030-01-01T00:00:00Z"], Honoured),
    ("seal BUNDLE --output f.tar --key key.pem --now 2026-03-10", &["--approvals", "nothing.csv"], Honoured),
    ("seal BUNDLE --output g.tar --key key.pem --now 2026-03-10", &["--trust", "empty"], Honoured),
    ("seal BUNDLE --output h.tar --key key.pem --now 2026-03-10", &["--builder", "empty"], Refused),
    ("seal BUNDLE --output i.tar --key key.pem --now 2026-03-10", &["--image", "oci-archive:image.tar"], Honoured),
    ("seal BUNDLE --output j.tar --key key.pem --now 2026-03-10", &["--profile", "filing"], Honoured),
    ("seal BUNDLE --output k.tar --key key.pem --now 2026-03-10", &["--retain-until", "2030-01-01"], Honoured),
    ("seal BUNDLE --output l.tar --key key.pem --now 2026-03-10", &["--limit", "archive_members=3"], Honoured),
    ("seal BUNDLE --output m.tar --key key.pem --now 2026-03-10", &["--tsa-ca", "ada.pub"], Refused),
    ("seal case.tar --tsq a.tsq", &["--key", "key.pem"], Refused),
    ("seal case.tar --tsq a.tsq", &["--policy", "policy.toml"], Refused),
    ("seal case.tar --tsq a.tsq", &["--require", "image"], Refused),
    ("seal case.tar --tsq a.tsq", &["--now", NOW], Refused),
    ("seal case.tar --tsq a.tsq", &["--approvals", "approvals.csv"], Refused),
    ("seal case.tar --tsq a.tsq", &["--trust", "empty"], Refused),
    ("seal case.tar --tsq a.tsq", &["--builder", "empty"], Refused),
    ("seal case.tar --tsq a.tsq", &["--image", "oci-archive:image.tar"], Refused),
    ("seal case.tar --tsq a.tsq", &["--profile", "filing"], Refused),
    ("seal case.tar --tsq a.tsq", &["--retain-until", "2030-01-01"], Refused),
    ("seal case.tar --tsq a.tsq", &["--sign-key", "ada.key"], Refused),
    ("seal case.tar --tsq a.tsq", &["--limit", "case_members=1"], Honoured),
    ("report report.json --format vsa", &["--limit", "report_bytes=1"], Honoured),
    ("report report.json --format oscal", &["--controls", "strict.toml"], Honoured),
    ("report report.json --format oscal", &["--oscal-ap", "plan.json"], Honoured),
    ("report report.json --format json", &["--reference", "AZ 1"], Honoured),
    ("report report.json --format text", &["--attach", "oci:layout"], Refused),
    ("verify-statement vsa.jsonl --key ada.pub", &["--key", "other-person.pub"], Honoured),
    ("verify-statement vsa.jsonl --key ada.pub", &["--subject", "key.pem"], Honoured),
    ("verify-statement vsa.jsonl --key ada.pub", &["--limit", "report_bytes=1"], Honoured),
    ("sign-off case.tar --role prepared --sign-key ada.key", &["--limit", "case_members=1"], Honoured),
    ("sign-off other.tar --role prepared --sign-key ada.key", &["--now", NOW], Honoured),
    ("contract images BUNDLE --policy policy.toml --now 2026-03-10", &["--now", "2030-01-01T00:00:00Z"], Honoured),
    ("contract images BUNDLE --key key.pem", &["--policy", "strict.toml"], Honoured),
    ("contract images BUNDLE", &["--key", "other.pem"], Honoured),
    ("contract images BUNDLE --key key.pem", &["--limit", "archive_members=3"], Honoured),
    (
        "reconcile RECONCILE --approvals approvals.csv --inventory images.csv",
        &["--now", "2030-01-01T00:00:00Z"],
        Honoured,
    ),
    ("reconcile RECONCILE --approvals approvals.csv --inventory images.csv", &["--policy", "strict.toml"], Refused),
    ("reconcile RECONCILE --inventory images.csv", &["--approvals", "nothing.csv"], Honoured),
    ("reconcile RECONCILE --approvals approvals.csv", &["--inventory", "images.csv"], Honoured),
    (
        "reconcile --policy policy.toml --period 2026-01-01/2026-12-31 --approvals approvals.csv --inventory images.csv",
        &["--evidence", "plain"],
        Honoured,
    ),
    (
        "reconcile --policy policy.toml --evidence plain --approvals approvals.csv --inventory images.csv",
        &["--period", "2020-01-01/2020-12-31"],
        Honoured,
    ),
    ("reconcile RECONCILE --approvals approvals.csv --inventory images.csv", &["--sample", "1"], Refused),
    (
        "reconcile RECONCILE --approvals approvals.csv --inventory images.csv",
        &["--sample", "1", "--seed", "a"],
        Honoured,
    ),
    (
        "reconcile RECONCILE --approvals approvals.csv --inventory images.csv",
        &["--limit", "archive_members=3"],
        Honoured,
    ),
];

/// Flags that restrict nothing: they set presentation, output, speed, or what is created.
const NARROW_NOTHING: &[(&str, &str)] = &[
    ("*", "help verbose format"),
    // Presentation of text: tests/text.rs.
    ("audit", "color details quiet"),
    ("verify", "color details quiet"),
    ("admit", "color details quiet"),
    ("report", "color details quiet"),
    ("reconcile", "color details quiet"),
    ("audit", "report report-dir threads state sign-key controls oscal-ap reference"),
    // How a registry is reached, with the feature fetch: a login that is not sent or a name that is not resolved this way causes an error.
    ("audit", "credential-helpers outside-ca plain-http registry-auth resolve"),
    ("image", "credential-helpers outside-ca plain-http registry-auth resolve"),
    ("compare", "credential-helpers outside-ca plain-http registry-auth resolve"),
    ("admit", "report threads workload-password"),
    ("reconcile", "report threads workload-password reference"),
    ("extract", "to"),
    ("seal", "output tsq tsr"),
    ("sign-off", "role sign-key"),
    ("report", "output sign-key"),
    ("self-test", "report"),
    // The content of a key record: nothing is checked.
    (
        "key enroll",
        "bundle challenge-bundle channel limit obtained-at obtained-by second-at second-by second-channel second-copy sign-key to",
    ),
    ("key countersign", "obtained-by second-channel second-copy sign-key"),
];

const COMMANDS: &[&str] = &[
    "audit",
    "verify",
    "inspect",
    "extract",
    "source",
    "image",
    "compare",
    "admit",
    "trust",
    "seal",
    "sign-off",
    "report",
    "verify-statement",
    "key show",
    "key enroll",
    "key countersign",
    "policy init",
    "policy check",
    "checks",
    "explain",
    "reconcile",
    "self-test",
    "contract images",
    "completions",
    "man",
];

const RECONCILE: &str = "--policy policy.toml --evidence plain --period 2026-01-01/2026-12-31 --now 2026-03-10";

fn folder() -> Folder {
    let folder = Folder::with_fixture("good-policy");
    let path = folder.path();
    let copy = |from: &str, to: &str| fs::copy(fixture(from), path.join(to)).unwrap_or_else(|e| panic!("{from}: {e}"));
    copy("good-p256/key.pem", "other.pem");
    copy("image-good/image.tar", "image.tar");
    copy("good-approved/approvals.csv", "approvals.csv");
    copy("inputs/admission/compose.yaml", "compose.yaml");
    let policy = fs::read_to_string(path.join("policy.toml")).unwrap();
    folder.write("strict.toml", policy.replace("branch = \"main\"", "branch = \"other\""));
    let signer = format!("[[trust.signers]]\nname = \"other\"\nroot-key = \"{}\"\n", "0".repeat(64));
    folder.write("trust.toml", policy.replacen("[[keys]]", &format!("{signer}\n[[keys]]"), 1));
    folder.write("nothing.csv", "commit,repository,approver,time,change\n");
    folder.write("images.csv", "place,image\na,docker.io/acme/wallet:v1\n");
    for made in ["empty", "plain", "trust-files"] {
        fs::create_dir(path.join(made)).unwrap();
    }
    copy(&format!("good-policy/{BUNDLE}"), &format!("plain/{BUNDLE}"));
    for (name, bytes) in program::listing(&fixture("good-trust-notary/trust")) {
        if bytes != b"folder" {
            folder.write(&format!("trust-files/{name}"), bytes);
        }
    }
    for name in ["ada", "other-person"] {
        let openssl = |arguments: &[&str]| {
            assert!(Command::new("openssl").args(arguments).current_dir(path).status().unwrap().success());
        };
        openssl(&["genpkey", "-quiet", "-algorithm", "ed25519", "-out", &format!("{name}.key")]);
        openssl(&["pkey", "-in", &format!("{name}.key"), "-pubout", "-out", &format!("{name}.pub")]);
    }
    for case in ["case.tar", "other.tar"] {
        let line = ["seal", BUNDLE, "--policy", "policy.toml", "--output", case, "--sign-key", "ada.key", "--now", NOW];
        assert_eq!(run(path, &line).code, 0);
    }
    let reports = ["--report", "json=report.json", "--report", "vsa=vsa.jsonl", "--sign-key", "ada.key", "--now", NOW];
    let made = run(path, &[&["audit", BUNDLE, "--policy", "policy.toml"][..], &reports].concat());
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    folder
}

fn words(line: &str) -> Vec<String> {
    let line = line.replace("RECONCILE", RECONCILE).replace("BUNDLE", BUNDLE);
    // A date alone means midnight here.
    line.split(' ').map(|word| if word == "2026-03-10" { NOW.into() } else { word.to_owned() }).collect()
}

/// `line` with the flag: an occurrence already present is removed, unless the flag may be repeated.
fn with(line: &[String], flag: &[&str]) -> Vec<String> {
    let mut line = line.to_vec();
    if ["--now", "--key"].contains(&flag[0])
        && let Some(at) = line.iter().position(|word| word == flag[0])
    {
        line.drain(at..at + 2);
    }
    line.extend(flag.iter().map(|word| (*word).to_owned()));
    line
}

#[test]
fn every_flag_that_restricts_is_honoured_or_refused() {
    let mut faults = Vec::new();
    let kept = folder();
    for (line, flag, is) in ROWS {
        // Commands that write start in their own folder.
        let writes = ["seal", "sign-off", "extract", "report"].iter().any(|command| line.starts_with(command));
        let (first, second) = if writes { (copy_of(&kept), copy_of(&kept)) } else { (copy_of(&kept), Folder::new()) };
        let base = words(line);
        let run_in = |folder: &Folder, line: &[String]| {
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            run(folder.path(), &line)
        };
        let without = run_in(&first, &base);
        let given = run_in(if writes { &second } else { &first }, &with(&base, flag));
        let fault = match is {
            Refused => given.code != 2,
            Honoured => (without.code, &without.out, &without.err) == (given.code, &given.out, &given.err),
        };
        if fault {
            faults.push(format!(
                "{line} {flag:?}: {is:?}, found exit {}: {}{}",
                given.code,
                given.out.lines().next().unwrap_or_default(),
                given.err
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn copy_of(folder: &Folder) -> Folder {
    let copy = Folder::new();
    for (name, bytes) in folder.listing() {
        match bytes.as_slice() {
            b"folder" => fs::create_dir_all(copy.path().join(&name)).unwrap(),
            _ => copy.write(&name, bytes),
        }
    }
    copy
}

#[test]
fn every_flag_of_every_command_has_its_row() {
    let folder = Folder::new();
    let mut lost = BTreeSet::new();
    for command in COMMANDS {
        let help = run(folder.path(), &command.split(' ').chain(["--help"]).collect::<Vec<_>>());
        assert_eq!(help.code, 0, "{command}");
        let flags = help.out.lines().filter_map(|line| {
            let line = line.trim_start();
            let line = line.strip_prefix("-h, ").or(line.strip_prefix("-V, ")).unwrap_or(line);
            let name = line.strip_prefix("--")?;
            Some(name.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next()?.to_owned())
        });
        for flag in flags {
            let long = format!("--{flag}");
            let narrows = ROWS
                .iter()
                .any(|(line, row, _)| line.starts_with(&format!("{command} ")) && row.contains(&long.as_str()));
            let neutral = NARROW_NOTHING
                .iter()
                .any(|(of, names)| (*of == "*" || of == command) && names.split(' ').any(|name| name == flag));
            if !narrows && !neutral && !flag.is_empty() {
                lost.insert(format!("{command} --{flag}"));
            }
        }
    }
    assert!(lost.is_empty(), "no row for {lost:?}");
}
