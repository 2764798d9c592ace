//! Tests that no flag that restricts the audit is ignored: each such flag is honoured (the answer differs from that without the flag) or refused
//! (exit code 2). Every flag of every command has a row here, or is listed as restricting nothing or as tested elsewhere.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use program::{Answer, BUNDLE, Folder, NOW, fixture, has_feature, run};

/// The effect of a flag on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// The output with the flag contains this text, and the output without it does not. If the text
    /// is empty, it is enough that the two outputs differ.
    Honoured(&'static str),
    Refused,
}
use Is::{Honoured, Refused};

/// A command line, a flag to add to it (replacing the same flag if present), and the effect.
type Row = (&'static str, &'static [&'static str], Is);

/// The digest in the fixture's signed log.
const DIGEST: &str = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";

const ROWS: &[Row] = &[
    ("audit BUNDLE --key key.pem", &["--key", "other.pem"], Honoured("REJECTED")),
    ("audit BUNDLE --key other.pem", &["--key", "key.pem"], Honoured("ACCEPTED IN PART")),
    ("audit BUNDLE --key key.pem", &["--policy", "strict.toml"], Honoured("source-commit:")),
    ("audit BUNDLE --key key.pem", &["--require", "image"], Honoured("image-digest:")),
    ("audit BUNDLE --key key.pem", &["--require", "workload"], Refused),
    ("audit BUNDLE --policy policy.toml --now 2026-03-10", &["--now", "2030-01-01T00:00:00Z"], Honoured("build-age:")),
    (
        "audit BUNDLE --policy policy.toml --now 2026-03-10 --format json",
        &["--approvals", "approvals.csv"],
        Honoured("\"witness\": \"approvals\""),
    ),
    ("audit BUNDLE --key key.pem", &["--image", "oci-archive:image.tar"], Honoured("image-digest:")),
    ("audit BUNDLE --key key.pem", &["--base", "oci-archive:image.tar"], Honoured("base-image:")),
    ("audit BUNDLE --key key.pem", &["--trust", "empty"], Honoured("image-signature:")),
    ("audit BUNDLE --key key.pem", &["--builder", "record"], Honoured("builder-record:")),
    ("audit BUNDLE --key key.pem", &["--limit", "archive_members=3"], Honoured("archive_members=3")),
    ("audit BUNDLE --key key.pem", &["--memory", "1"], Honoured("memory=1")),
    ("audit BUNDLE --key key.pem", &["--shard", "0/1000"], Honoured("exit 4 ")),
    ("audit BUNDLE --key key.pem", &["--seal-key", "ada.pub"], Refused),
    ("audit BUNDLE --key key.pem", &["--tsa-ca", "ada.pub"], Refused),
    ("audit BUNDLE --key key.pem --image docker://localhost:1/a", &["--offline"], Refused),
    ("audit BUNDLE --key key.pem", &["--report", "vsa=v.json"], Refused),
    ("audit BUNDLE --key key.pem", &["--attach", "oci:layout"], Refused),
    // The case is evaluated with the reader's policy and keys.
    ("audit case.tar --key key.pem", &["--key", "other.pem"], Honoured("REJECTED")),
    ("audit case.tar --key key.pem", &["--policy", "strict.toml"], Honoured("source-commit:")),
    ("audit case.tar --key key.pem", &["--require", "image"], Honoured("image-digest:")),
    ("audit case.tar --key key.pem", &["--require", "workload"], Refused),
    ("audit case.tar --key key.pem", &["--now", "2030-01-01T00:00:00Z"], Honoured("as of 2030-01-01T00:00:00Z")),
    ("audit case.tar --key key.pem", &["--limit", "archive_members=3"], Honoured("archive_members=3")),
    ("audit case.tar --key key.pem", &["--seal-key", "ada.pub"], Refused),
    ("audit case.tar --key key.pem", &["--tsa-ca", "ada.pub"], Refused),
    ("audit case.tar --key key.pem", &["--image", "oci-archive:image.tar"], Refused),
    ("audit case.tar --key key.pem", &["--base", "oci-archive:image.tar"], Refused),
    ("audit case.tar --key key.pem", &["--trust", "empty"], Refused),
    ("audit case.tar --key key.pem", &["--builder", "empty"], Refused),
    (
        "audit case.tar --key key.pem --format json",
        &["--approvals", "approvals.csv"],
        Honoured("\"witness\": \"approvals\""),
    ),
    ("audit case.tar --seal-key ada.pub", &["--approvals", "approvals.csv"], Refused),
    ("audit case.tar --key key.pem", &["--shard", "0/2"], Refused),
    ("audit case.tar --key key.pem", &["--state", "state"], Refused),
    ("audit case.tar --key key.pem", &["--memory", "100"], Refused),
    // The case is evaluated with its own policy and keys, because its seal is trusted.
    ("audit case.tar --seal-key ada.pub", &["--key", "key.pem"], Refused),
    ("audit case.tar --seal-key ada.pub", &["--policy", "policy.toml"], Refused),
    ("audit case.tar --seal-key ada.pub", &["--require", "image"], Refused),
    ("audit case.tar --seal-key ada.pub", &["--now", NOW], Refused),
    ("audit case.tar --seal-key ada.pub", &["--limit", "archive_members=3"], Honoured("archive_members=3")),
    // Without a policy, key or trusted seal; and with a different seal key.
    ("audit case.tar", &["--now", NOW], Refused),
    ("audit case.tar", &["--require", "image"], Refused),
    ("audit case.tar --seal-key other-person.pub", &["--seal-key", "ada.pub"], Honoured("ACCEPTED")),
    ("verify BUNDLE --key key.pem", &["--key", "other.pem"], Honoured("exit 1 ")),
    ("verify BUNDLE --key key.pem --format json", &["--now", NOW], Honoured("\"now\": \"2026-03-10T00:00:00Z\"")),
    ("verify BUNDLE --key key.pem", &["--limit", "signature_bytes=3"], Honoured("signature_bytes=3")),
    ("inspect BUNDLE --key key.pem", &["--key", "other.pem"], Honoured("exit 1 ")),
    ("inspect BUNDLE", &["--limit", "signature_bytes=3"], Honoured("signature_bytes=3")),
    ("inspect BUNDLE", &["--now", NOW], Refused),
    ("extract BUNDLE --to out --key key.pem", &["--limit", "archive_members=3"], Honoured("archive_members=3")),
    ("extract BUNDLE --to out --key key.pem", &["--key", "other.pem"], Honoured("exit 1 ")),
    ("source BUNDLE --key key.pem", &["--key", "other.pem"], Honoured("exit 1 ")),
    ("source BUNDLE --key key.pem", &["--limit", "archive_members=3"], Honoured("archive_members=3")),
    ("source BUNDLE --key key.pem", &["--log"], Honoured("Merge branch 'release/1.x'")),
    ("source BUNDLE --key key.pem", &["--tree"], Honoured("100644 blob")),
    ("source BUNDLE --key key.pem", &["--file", "Dockerfile"], Honoured("FROM golang")),
    ("image oci-archive:image.tar", &["--platform", "linux/arm64"], Refused),
    ("image oci-archive:image.tar", &["--limit", "image_layers=0"], Honoured("exit 1 ")),
    ("image docker://localhost:1/a", &["--offline"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--platform", "linux/arm64"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--key", "key.pem"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--policy", "policy.toml"], Refused),
    ("compare oci-archive:image.tar oci-archive:image.tar", &["--limit", "image_layers=0"], Honoured("exit 1 ")),
    ("compare docker://localhost:1/a oci-archive:image.tar", &["--offline"], Refused),
    ("compare plain plain --key key.pem", &["--key", "other.pem"], Honoured("exit 1 ")),
    ("compare plain plain --policy policy.toml", &["--policy", "other-key.toml"], Honoured("exit 1 ")),
    ("compare plain plain --key key.pem", &["--platform", "linux/arm64"], Refused),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10",
        &["--now", "2030-01-01T00:00:00Z"],
        Honoured("build-age:"),
    ),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10",
        &["--policy", "strict.toml"],
        Honoured("source-commit:"),
    ),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10",
        &["--evidence", "empty"],
        Honoured("exit 4 "),
    ),
    (
        "admit compose.yaml --evidence plain --policy approved.toml --now 2026-03-10",
        &["--approvals", "approvals.csv"],
        Honoured("ADMITTED"),
    ),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10 --details",
        &["--attestation", "record"],
        Honoured(""),
    ),
    (
        "admit compose.yaml --evidence plain --policy policy.toml --now 2026-03-10",
        &["--limit", "archive_members=3"],
        Honoured("without a verified manifest"),
    ),
    ("trust trust-files", &["--policy", "trust.toml"], Honoured("exit 1 ")),
    ("trust trust-files --now 2026-03-10", &["--now", "2040-01-01T00:00:00Z"], Honoured("(expired)")),
    ("trust trust-files", &["--limit", "trust_bytes=1"], Honoured("trust_bytes=1")),
    ("seal BUNDLE --output a.tar --key key.pem --now 2026-03-10", &["--key", "other.pem"], Honoured("verdict reject")),
    (
        "seal BUNDLE --output b.tar --key key.pem --now 2026-03-10",
        &["--policy", "strict.toml"],
        Honoured("source-commit:"),
    ),
    ("seal BUNDLE --output c.tar --key key.pem --now 2026-03-10", &["--require", "image"], Honoured("image-digest:")),
    ("seal BUNDLE --output d.tar --key key.pem --now 2026-03-10", &["--require", "workload"], Refused),
    (
        "seal BUNDLE --output e.tar --policy policy.toml --now 2026-03-10",
        &["--now", "2030-01-01T00:00:00Z"],
        Honoured("build-age:"),
    ),
    (
        "seal BUNDLE --output f.tar --policy approved.toml --now 2026-03-10",
        &["--approvals", "approvals.csv"],
        Honoured("exit 0 "),
    ),
    ("seal BUNDLE --output g.tar --key key.pem --now 2026-03-10", &["--trust", "empty"], Honoured("image-signature:")),
    (
        "seal BUNDLE --output h.tar --key key.pem --now 2026-03-10",
        &["--builder", "record"],
        Honoured("builder-record:"),
    ),
    (
        "seal BUNDLE --output i.tar --key key.pem --now 2026-03-10",
        &["--image", "oci-archive:image.tar"],
        Honoured("image-digest:"),
    ),
    ("seal BUNDLE --output j.tar --key key.pem --now 2026-03-10", &["--profile", "filing"], Honoured("left out")),
    ("seal BUNDLE --output k.tar --key key.pem --now 2026-03-10", &["--retain-until", "2030-01-01"], Honoured("")),
    ("seal BUNDLE --output k.tar --key key.pem --now 2026-03-10", &["--retain-until", "2026-03-09"], Refused),
    (
        "seal BUNDLE --output l.tar --key key.pem --now 2026-03-10",
        &["--limit", "archive_members=3"],
        Honoured("archive_members=3"),
    ),
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
    ("seal case.tar --tsq a.tsq", &["--limit", "case_members=1"], Honoured("case_members=1")),
    ("report report.json --format text", &["--limit", "report_bytes=1"], Honoured("report_bytes=1")),
    ("report report.json --format oscal", &["--controls", "controls.toml"], Honoured("\"control-id\": \"xx-1\"")),
    ("report report.json --format oscal", &["--oscal-ap", "plan.json"], Honoured("plan.json")),
    ("report report.json --format json", &["--reference", "AZ 1"], Honoured("AZ 1")),
    ("report report.json --format text", &["--attach", "oci:layout"], Refused),
    ("verify-statement vsa.jsonl --key ada.pub", &["--key", "other-person.pub"], Honoured("exit 1 ")),
    ("verify-statement vsa.jsonl --key ada.pub", &["--subject", "key.pem"], Honoured("exit 1 ")),
    ("verify-statement vsa.jsonl --key ada.pub", &["--limit", "report_bytes=1"], Honoured("report_bytes=1")),
    (
        "sign-off case.tar --role prepared --sign-key ada.key",
        &["--limit", "case_members=1"],
        Honoured("case_members=1"),
    ),
    ("sign-off other.tar --role prepared --sign-key ada.key", &["--now", NOW], Honoured(" at 2026-03-10T00:00:00Z")),
    (
        "contract images BUNDLE --policy policy.toml --now 2026-03-10",
        &["--now", "2030-01-01T00:00:00Z"],
        Honoured("build-age:"),
    ),
    ("contract images BUNDLE --key key.pem", &["--policy", "strict.toml"], Honoured("source-commit:")),
    ("contract images BUNDLE --key key.pem", &["--key", "other.pem"], Honoured("manifest-signature:")),
    ("contract images BUNDLE --key key.pem", &["--limit", "archive_members=3"], Honoured("archive_members=3")),
    ("reconcile RECONCILE", &["--now", "2030-01-01T00:00:00Z"], Honoured("\"bundle-not-accepted\": 1")),
    ("reconcile RECONCILE", &["--policy", "strict.toml"], Honoured("\"bundle-not-accepted\": 1")),
    ("reconcile RECONCILE", &["--approvals", "nothing.csv"], Honoured("\"approvals_in_period\": 0")),
    ("reconcile RECONCILE", &["--inventory", "digests.csv"], Honoured("\"running-without-accepted-build\": 0")),
    ("reconcile RECONCILE", &["--evidence", "empty"], Honoured("exit 4 ")),
    ("reconcile RECONCILE", &["--period", "2020-01-01/2020-12-31"], Honoured("\"builds_in_period\": 0")),
    ("reconcile RECONCILE", &["--sample", "1"], Refused),
    ("reconcile RECONCILE", &["--sample", "1", "--seed", "a"], Honoured("\"seed\": \"a\"")),
    ("reconcile RECONCILE", &["--limit", "archive_members=3"], Honoured("\"bundle-not-accepted\": 1")),
    ("fetch --env sbs-config.json --plan", &["--env", "other-config.json"], Honoured("https://other.example.com")),
    ("fetch --env sbs-config.json --plan", &["--build-name", BUNDLE], Honoured("BUILD_NAME")),
    ("fetch --env sbs-config.json --plan", &["--image"], Honoured("layers of each build's image")),
    ("fetch --env sbs-config.json --plan --image", &["--no-layers"], Honoured("no layers")),
    ("fetch --env sbs-config.json --plan --image", &["--image-name", "docker.io/a/b:c"], Honoured("docker.io/a/b:c")),
    ("fetch --env sbs-config.json --plan", &["--trust"], Honoured("content trust metadata")),
    ("fetch --env sbs-config.json --plan --trust", &["--trust-server", "https://n.example"], Honoured("n.example")),
    ("fetch --env sbs-config.json --plan --trust", &["--lookaside", "https://l.example"], Honoured("l.example")),
    ("fetch --env sbs-config.json --plan", &["--builder-cert", "https://c.example/c"], Honoured("c.example")),
    ("fetch --env sbs-config.json --plan", &["--to", "elsewhere"], Honoured("elsewhere")),
    ("fetch s3://a/b --endpoint https://s.example --plan", &["--endpoint", "https://t.example"], Honoured("t.example")),
    ("fetch --env sbs-config.json --plan", &["--endpoint", "https://t.example"], Refused),
];

/// Flags that restrict nothing: they affect presentation, output, speed, what can be read, or what is created.
const NARROW_NOTHING: &[(&str, &str)] = &[
    ("*", "help verbose format"),
    // Presentation of text, tested in tests/text.rs.
    ("audit", "color details quiet"),
    ("verify", "color details quiet"),
    ("admit", "color details quiet"),
    ("report", "color details quiet"),
    ("reconcile", "color details quiet"),
    ("audit", "report report-dir threads state sign-key controls oscal-ap reference"),
    // Flags for reaching a registry, with the feature `fetch`: if one of them were ignored, the registry could not be reached, which is an
    // error.
    ("audit", "credential-helpers outside-ca plain-http registry-auth resolve"),
    ("image", "credential-helpers outside-ca plain-http registry-auth resolve"),
    ("compare", "credential-helpers outside-ca plain-http registry-auth resolve"),
    ("admit", "report threads workload-password"),
    ("reconcile", "report threads workload-password reference"),
    ("extract", "to"),
    // Flags for connections, limits and plans of `fetch`: no check depends on them.
    (
        "fetch",
        "ca cert credential-helpers idle-timeout key-file limit outside-ca parallel plain-http plan region registry-auth resolve timeout tries",
    ),
    ("seal", "output tsq tsr"),
    ("sign-off", "role sign-key"),
    ("report", "output sign-key"),
    ("self-test", "report"),
    // Flags for making a key record, which restrict no check.
    (
        "key enroll",
        "bundle challenge-bundle channel limit obtained-at obtained-by second-at second-by second-channel second-copy sign-key to",
    ),
    ("key countersign", "obtained-by second-channel second-copy sign-key"),
];

/// Flags whose effect is tested in a different file, with a real server on loopback.
const ELSEWHERE: &[(&str, &str, &str)] = &[(
    "serve",
    "tests/serve.rs",
    "approvals drain evidence limit listen look-every now policy threads tls-cert tls-key warn-namespace",
)];

const RECONCILE: &str = "--policy policy.toml --evidence plain --period 2026-01-01/2026-12-31 --now 2026-03-10 \
    --approvals approvals.csv --inventory images.csv --format json";

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
    let levels = "[levels]\n\"source-approved\" = \"require\"";
    folder.write("approved.toml", policy.replace("[levels]", levels));
    folder.write("other-key.toml", policy.replace("key.pem", "other.pem"));
    folder.write("nothing.csv", "repository,commit,change,approver,time\n");
    folder.write("images.csv", "place,image\na,docker.io/acme/wallet:v1\n");
    folder.write("digests.csv", format!("place,image\na,docker.io/acme/wallet@{DIGEST}\n"));
    let control = "version = 1\n[[control]]\nframework = \"X\"\nid = \"XX-1\"\ntitle = \"x\"\nchecks = [\"manifest-signature\"]\n";
    folder.write("controls.toml", control);
    for made in ["empty", "plain", "record", "trust-files"] {
        fs::create_dir(path.join(made)).unwrap();
    }
    folder.write("record/se-checksums.txt", "no record\n");
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
    let certificate = "req -x509 -newkey ed25519 -nodes -subj /CN=a -keyout client.key -out client.crt";
    assert!(Command::new("openssl").args(certificate.split(' ')).current_dir(path).output().unwrap().status.success());
    let client = ["client.crt", "client.key"].map(|name| fs::read_to_string(path.join(name)).unwrap()).concat();
    folder.write("client.pem", client);
    for (name, host) in [("sbs-config.json", "sbs.example.com"), ("other-config.json", "other.example.com")] {
        let files = "\"CLIENT_CRT_KEY\": \"client.pem\", \"CAPATH\": \"client.crt\"";
        let image = "\"DOCKER_PUSH_SERVER\": \"docker.io\", \"DOCKER_REPO\": \"acme/wallet\"";
        folder.write(name, format!("{{\"HOSTNAME\": \"{host}\", \"CICD_PORT\": \"443\", {files}, {image}}}"));
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
    // A date without a time means midnight here.
    line.split(' ').map(|word| if word == "2026-03-10" { NOW.into() } else { word.to_owned() }).collect()
}

/// Returns `line` with the flag, which replaces the same flag if `line` has it.
fn with(line: &[String], flag: &[&str]) -> Vec<String> {
    let mut line = line.to_vec();
    if let Some(at) = line.iter().position(|word| word == flag[0]) {
        line.drain(at..at + 2);
    }
    line.extend(flag.iter().map(|word| (*word).to_owned()));
    line
}

#[test]
fn every_flag_that_restricts_an_audit_is_applied_or_refused() {
    let mut faults = Vec::new();
    let kept = folder();
    let can_fetch = has_feature("fetch");
    for (line, flag, is) in ROWS.iter().filter(|(line, ..)| can_fetch || !line.starts_with("fetch ")) {
        // A command that writes files runs in its own folder, once with and once without the flag.
        let writes = ["seal", "sign-off", "extract", "report"].iter().any(|command| line.starts_with(command));
        let (first, second) = if writes { (copy_of(&kept), copy_of(&kept)) } else { (copy_of(&kept), Folder::new()) };
        let base = words(line);
        let run_in = |folder: &Folder, line: &[String]| {
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            run(folder.path(), &line)
        };
        let without = run_in(&first, &base);
        let given = run_in(if writes { &second } else { &first }, &with(&base, flag));
        let (before, after) = (said(&without), said(&given));
        let fault = match is {
            // If the command without the flag is also refused, the reason must be a different one.
            Refused => given.code != 2 || (without.code == 2 && (!after.contains(flag[0]) || before.contains(flag[0]))),
            Honoured(_) if without.code == 2 || given.code == 2 => true,
            Honoured("") => before == after,
            Honoured(words) => before.contains(words) || !after.contains(words),
        };
        if fault {
            faults.push(format!(
                "{line} {flag:?}: {is:?}\n  without: {}\n  with: {}",
                before.chars().take(300).collect::<String>(),
                after.chars().take(700).collect::<String>()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The exit code and the whole output, without line breaks and columns.
fn said(answer: &Answer) -> String {
    let text = format!("exit {} {}{}", answer.code, answer.out, answer.err);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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

/// The commands and subcommands that the help lists below `Commands:`. The help omits commands that are not built in.
fn commands(folder: &Folder, above: &[&str]) -> Vec<String> {
    let help = run(folder.path(), &[above, &["--help"]].concat()).out;
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return vec![above.join(" ")] };
    let list = list.split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.flat_map(|name| commands(folder, &[above, &[name]].concat())).collect()
}

#[test]
fn every_flag_of_every_command_is_in_the_table() {
    let folder = Folder::new();
    let mut lost = BTreeSet::new();
    let commands = commands(&folder, &[]);
    assert!(commands.len() > 20 && commands.iter().any(|command| command == "key enroll"), "{commands:?}");
    for feature in ["fetch", "serve"] {
        assert_eq!(commands.iter().any(|command| command == feature), has_feature(feature), "{commands:?}");
    }
    for (line, ..) in ROWS.iter().filter(|(line, ..)| has_feature("fetch") || !line.starts_with("fetch ")) {
        assert!(commands.iter().any(|command| line.starts_with(&format!("{command} "))), "{line}");
    }
    for (_, file, flags) in ELSEWHERE {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let unused: Vec<&str> = flags.split(' ').filter(|flag| !text.contains(&format!("\"--{flag}\""))).collect();
        assert_eq!(unused, [""; 0], "{file}");
    }
    for command in &commands {
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
            let elsewhere =
                ELSEWHERE.iter().any(|(of, _, names)| of == command && names.split(' ').any(|name| name == flag));
            if !narrows && !neutral && !elsewhere && !flag.is_empty() {
                lost.insert(format!("{command} --{flag}"));
            }
        }
    }
    assert!(lost.is_empty(), "no row for {lost:?}");
}
