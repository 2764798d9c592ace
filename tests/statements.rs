//! Tests verification summaries: which builds have one, what it contains, and that openssl accepts its signature.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod case_file;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use case_file::CaseFile;
use program::{BUNDLE, Folder, NOW, fixture, run};
use serde_json::{Value, json};

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Audits a fixture with a report in this format, and returns the exit code and the report.
fn audit(name: &str, report: &str, more: &[&str]) -> (i32, String) {
    let (directory, folder) = (fixture(name), Folder::new());
    let file = folder.path().join("statement");
    let given = CaseFile::read(&directory).args();
    let report = format!("{report}={}", file.display());
    let mut arguments = vec!["audit", BUNDLE];
    arguments.extend(given.iter().map(String::as_str));
    arguments.extend(["--now", NOW, "--report", &report]);
    arguments.extend(more);
    let answer = run(&directory, &arguments);
    (answer.code, fs::read_to_string(file).unwrap_or_default())
}

fn keys(folder: &Path, kind: &str) -> (PathBuf, PathBuf) {
    let (private, public) = (folder.join(format!("{kind}.key")), folder.join(format!("{kind}.pem")));
    let mut make = vec!["genpkey", "-algorithm"];
    make.extend(if kind == "p256" { vec!["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] } else { vec!["ed25519"] });
    make.extend(["-out", private.to_str().unwrap()]);
    openssl(&make);
    openssl(&["pkey", "-in", private.to_str().unwrap(), "-pubout", "-out", public.to_str().unwrap()]);
    (private, public)
}

#[test]
fn only_builds_accepted_by_a_policy_have_a_summary_and_it_claims_no_slsa_level() {
    let (code, text) = audit("good-policy-and-key", "vsa", &[]);
    assert_eq!(code, 0);
    let statement: Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/verification_summary/v1");
    let predicate = &statement["predicate"];
    assert_eq!(predicate["verificationResult"], "PASSED");
    // The time in --now may differ from that of the verification.
    assert_eq!((&predicate["urn:hpsb-audit:judged-for"], &predicate["timeVerified"]), (&NOW.into(), &Value::Null));
    assert_eq!(predicate["urn:hpsb-audit:weakened"], json!(["server-record off"]));
    let (_, text) = audit("good-levels-warn", "vsa", &[]);
    let weakened: Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(weakened["predicate"]["urn:hpsb-audit:weakened"], json!(["build-status warn", "server-record off"]));
    let levels: Vec<&str> =
        predicate["verifiedLevels"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    // The policy switches off a check of the group.
    assert_eq!(levels, ["HPSB_AUDIT_MANIFEST_WEAKENED", "HPSB_AUDIT_KEY_COMMAND_LINE"]);
    let digest = |path: &str| {
        let output = openssl(&["dgst", "-sha256", "-r", fixture("good-policy-and-key").join(path).to_str().unwrap()]);
        String::from_utf8(output).unwrap()[..64].to_owned()
    };
    // The image was not checked, so the statement's subject is the bundle.
    assert_eq!(statement["subject"].as_array().unwrap().len(), 1);
    assert_eq!(statement["subject"][0]["digest"]["sha256"], digest(BUNDLE));
    assert_eq!(predicate["policy"]["digest"]["sha256"], digest("policy.toml"));
}

/// An index may lead to images that were not examined.
#[test]
fn the_examined_manifest_is_attested_and_recommended_and_not_its_index() {
    for (name, is_index) in [("image-index", true), ("image-index-manifest-pushed", false)] {
        let (code, text) = audit(name, "vsa", &[]);
        assert_eq!(code, 0, "{name}");
        let statement: Value = serde_json::from_str(text.trim_end()).unwrap();
        let (_, report) = audit(name, "json", &[]);
        let report: Value = serde_json::from_str(&report).unwrap();
        let facts = report["reports"][0]["evidence"].as_array().unwrap();
        let of = |name: &str, witness: &str| {
            let fact = facts.iter().find(|fact| fact["fact"] == name && fact["witness"] == witness).unwrap();
            fact["data"]["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned()
        };
        let (logged, examined) = (of("image-digest", "build.log"), of("image-digest", "layout"));
        assert_eq!(logged != examined, is_index, "{name}");
        assert_eq!(statement["subject"][0]["digest"]["sha256"], examined, "{name}");
        assert!(statement["predicate"]["resourceUri"].as_str().unwrap().contains(&examined), "{name}");
        let given = CaseFile::read(&fixture(name)).args();
        let line: Vec<&str> = ["audit", BUNDLE].into_iter().chain(given.iter().map(String::as_str)).collect();
        let screen = run(&fixture(name), &[&line[..], &["--now", NOW]].concat()).out.replace("\n         ", " ");
        let advice = format!("deploy the manifest sha256:{examined}: the digest above is of an index");
        assert_eq!(screen.contains(&advice), is_index, "{screen}");
    }
}

/// If the record has no build name, anyone can rename the bundle and its members, so a verifier must not match the name.
#[test]
fn an_unsigned_build_name_is_not_attested() {
    let folder = Folder::with_fixture("good-names-empty");
    folder.write("policy.toml", "version = 1\nrequire = [\"manifest\"]\n[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n");
    let answer = run(folder.path(), &["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW, "--report", "vsa=vsa"]);
    assert_eq!(answer.code, 0, "{}", answer.out);
    let statement: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("vsa")).unwrap()).unwrap();
    let digest = statement["subject"][0]["digest"]["sha256"].as_str().unwrap();
    assert_eq!(statement["predicate"]["resourceUri"], format!("urn:hpsb-audit:bundle:sha256:{digest}"));
    assert_eq!(statement["subject"][0]["name"], BUNDLE);
}

/// A statement of an earlier run, for example as of an earlier day, must not stand for a run that rejects.
#[test]
fn an_earlier_statement_is_not_left_for_a_build_that_is_not_accepted() {
    let folder = Folder::with_fixture("good-policy-and-key");
    let audit = |more: &[&str]| {
        let line = ["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW, "--report", "vsa=vsa"];
        run(folder.path(), &[&line[..], more].concat())
    };
    let is_there = || folder.path().join("vsa").exists();
    assert_eq!((audit(&[]).code, is_there()), (0, true));
    let refused = audit(&["--require", "trust"]);
    assert_eq!((refused.code, is_there()), (1, false));
    assert!(refused.err.contains("removed vsa, because this run writes no summary"), "{}", refused.err);
    assert_eq!((audit(&[]).code, is_there()), (0, true));
    // Without a policy, nothing is audited.
    assert_eq!(run(folder.path(), &["audit", BUNDLE, "--key", "key.pem", "--report", "vsa=vsa"]).code, 2);
    assert!(!is_there());
    // Only summaries are removed, signed or not.
    folder.write("vsa", "a bundle, for example");
    assert_eq!((audit(&["--require", "trust"]).code, is_there()), (1, true));
    fs::remove_file(folder.path().join("vsa")).unwrap();
    Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out", "own.key"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!((audit(&["--sign-key", "own.key"]).code, is_there()), (0, true));
    assert_eq!((audit(&["--require", "trust", "--sign-key", "own.key"]).code, is_there()), (1, false));
    // If another report cannot be written, or nothing can be attached, there is no verdict.
    fs::create_dir(folder.path().join("folder")).unwrap();
    assert_eq!((audit(&["--sign-key", "own.key"]).code, is_there()), (0, true));
    assert_eq!((audit(&["--sign-key", "own.key", "--report", "html=folder"]).code, is_there()), (3, false));
    assert_eq!((audit(&["--sign-key", "own.key"]).code, is_there()), (0, true));
    let unattached = ["--sign-key", "own.key", "--attach", "oci:layout", "--report", "json=report.json"];
    assert_eq!((audit(&unattached).code, is_there()), (2, false));
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["verdict"], "none");
    // What was not written by an earlier run is left alone, and named.
    fs::create_dir(folder.path().join("vsa")).unwrap();
    let refused = audit(&["--require", "trust"]);
    assert_eq!((refused.code, is_there()), (1, true));
    assert!(refused.err.contains("vsa was left unchanged: it is not of this run"), "{}", refused.err);
}

#[test]
fn a_build_that_is_not_accepted_has_no_statement() {
    // A report that is requested together with the statement is still written.
    let refused = |name, more: &[&str], verdict: &str| {
        let folder = Folder::new();
        let beside = folder.path().join("report.json");
        let report = format!("json={}", beside.display());
        let (code, text) = audit(name, "vsa", &[&["--report", &report][..], more].concat());
        assert_eq!(text, "", "{name} {more:?}");
        let report: Value = serde_json::from_slice(&fs::read(beside).unwrap()).unwrap();
        assert_eq!(report["verdict"], verdict, "{name} {more:?}");
        code
    };
    assert_eq!(refused("tag-disagrees_fail", &["--policy", "../good-policy-and-key/policy.toml"], "reject"), 1);
    // A required group was not checked.
    assert_eq!(refused("good-policy-and-key", &["--require", "image"], "reject"), 1);
    // Without a policy, there is nothing to summarise.
    assert_eq!(refused("text-html-in-branch", &[], "none"), 2);
    // The bundle is accepted in part, and the exit code reports the missing summary.
    assert_eq!(refused("verdict-waived", &[], "accept-in-part"), 1);
}

/// The last line states the exit code of the process, on the screen and in a file.
#[test]
fn the_last_line_states_the_exit_code_if_a_partial_acceptance_has_no_summary() {
    let (directory, folder) = (fixture("verdict-waived"), Folder::new());
    let place = |name: &str| folder.path().join(name).display().to_string();
    let given = CaseFile::read(&directory).args();
    let (vsa, text) = (format!("vsa={}", place("vsa")), format!("text={}", place("text")));
    let mut line = vec!["audit", BUNDLE, "--now", NOW];
    line.extend(given.iter().map(String::as_str));
    let plain = run(&directory, &line);
    assert!(plain.code == 0 && plain.out.lines().last().unwrap().starts_with("ACCEPTED IN PART (exit 0): "));
    for more in [&[][..], &["--details"], &["--quiet"]] {
        let answer = run(&directory, &[&line[..], &["--report", &vsa, "--report", &text], more].concat());
        let last = answer.out.lines().last().unwrap();
        assert_eq!(answer.code, 1);
        assert!(last.starts_with("ACCEPTED IN PART (exit 1): no verification summary; "), "{last}");
        assert!(answer.err.contains("the exit code is 1"), "{}", answer.err);
        let filed = fs::read_to_string(place("text")).unwrap();
        assert!(filed.lines().last().unwrap().contains("(exit 1)"), "{filed}");
    }
}

/// SLSA 1.x: if there are input attestations, all of them are listed, each with its digest; `version` maps components to versions.
#[test]
fn a_summary_names_all_its_inputs() {
    let folder = Folder::with_fixture("image-good");
    let copy = |from: &str, name: &str| {
        fs::copy(fixture(from).join(name), folder.path().join(name)).unwrap();
    };
    copy("good-approved", "approvals.csv");
    folder.write(
        "policy.toml",
        "version = 1\nrequire = [\"source\", \"image\"]\n[[keys]]\nname = \"A\"\nfile = \"key.pem\"\n",
    );
    folder.write("status.json", r#"{"status": "success"}"#);
    let arguments = ["audit", BUNDLE, "--policy", "policy.toml", "--image", "oci-archive:image.tar", "--approvals"];
    let mut arguments = arguments.to_vec();
    arguments.extend(["approvals.csv", "--base", "oci-archive:image.tar", "--now", NOW, "--report", "vsa=vsa.jsonl"]);
    let answer = run(folder.path(), &arguments);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    let text = fs::read_to_string(folder.path().join("vsa.jsonl")).unwrap();
    let statement: Value = serde_json::from_str(text.trim_end()).unwrap();
    let predicate = &statement["predicate"];
    assert_eq!(predicate["verifier"]["version"], serde_json::json!({ "hpsb-audit": env!("CARGO_PKG_VERSION") }));
    let sha256 = |name: &str| {
        let output = openssl(&["dgst", "-sha256", "-r", folder.path().join(name).to_str().unwrap()]);
        String::from_utf8(output).unwrap()[..64].to_owned()
    };
    let subjects = statement["subject"].as_array().unwrap();
    let image = subjects[0]["digest"]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(subjects[0]["name"], "docker.io/acme/wallet");
    assert_eq!(subjects[1]["digest"]["sha256"], sha256(BUNDLE).as_str());
    let uri = format!("pkg:oci/wallet@sha256%3A{image}?repository_url=docker.io/acme/wallet");
    assert_eq!(predicate["resourceUri"], uri.as_str());
    let inputs: Vec<(&str, &str)> = predicate["inputAttestations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| (input["name"].as_str().unwrap(), input["digest"]["sha256"].as_str().unwrap()))
        .collect();
    // An image's digest is not the digest of a file, so the input has no address.
    for input in predicate["inputAttestations"].as_array().unwrap() {
        assert_eq!(input["uri"].is_null(), input["name"].as_str().unwrap().contains("image"), "{input}");
    }
    let (bundle, approvals, key) = (sha256(BUNDLE), sha256("approvals.csv"), sha256("key.pem"));
    let status = sha256("status.json");
    let expected = [
        ("bundle", bundle.as_str()),
        ("image", image.as_str()),
        ("base-image", image.as_str()),
        ("approvals", approvals.as_str()),
        ("server", status.as_str()),
        ("policy-file", key.as_str()),
    ];
    assert_eq!(inputs, expected);
}

#[test]
fn openssl_accepts_our_signatures_and_changed_ones_are_refused() {
    let folder = Folder::new();
    let (_, other) = keys(folder.path(), "ed25519");
    fs::rename(&other, folder.path().join("other.pem")).unwrap();
    for kind in ["p256", "ed25519"] {
        let (private, public) = keys(folder.path(), kind);
        let sign = ["--sign-key", private.to_str().unwrap()];
        let (code, text) = audit("good-policy-and-key", "vsa", &sign);
        assert_eq!(code, 0);
        assert_eq!(text, audit("good-policy-and-key", "vsa", &sign).1, "the same bytes twice");
        let file = folder.path().join("vsa.jsonl");
        fs::write(&file, &text).unwrap();
        independently(folder.path(), kind, &public, &text);

        let verify = |key: &str, more: &[&str]| {
            let mut arguments = vec!["verify-statement", "vsa.jsonl", "--key", key];
            arguments.extend(more);
            run(folder.path(), &arguments)
        };
        let good = verify(public.to_str().unwrap(), &[]);
        assert_eq!(good.code, 0, "{}", good.err);
        assert!(good.out.starts_with("SIGNATURE VALID (signature only"), "{}", good.out);
        let bundle = fixture("good-policy-and-key").join(BUNDLE);
        assert_eq!(verify(public.to_str().unwrap(), &["--subject", bundle.to_str().unwrap()]).code, 0);
        assert_eq!(verify(public.to_str().unwrap(), &["--subject", "other.pem"]).code, 1);
        assert_eq!(verify("other.pem", &[]).code, 1);

        let mut changed: Value = serde_json::from_str(&text).unwrap();
        changed["payload"] = "e30=".into();
        fs::write(&file, changed.to_string()).unwrap();
        assert_eq!(verify(public.to_str().unwrap(), &[]).code, 1);
        fs::write(&file, "").unwrap();
        assert_eq!(verify(public.to_str().unwrap(), &[]).code, 4);
        fs::write(&file, "{}").unwrap();
        assert_eq!(verify(public.to_str().unwrap(), &[]).code, 3);
    }
}

/// Verifies the signature over DSSE's encoding with openssl.
fn independently(folder: &Path, kind: &str, public: &Path, envelope: &str) {
    let envelope: Value = serde_json::from_str(envelope).unwrap();
    let decoded = |text: &Value, to: &str| {
        fs::write(folder.join("base64"), text.as_str().unwrap()).unwrap();
        openssl(&[
            "base64",
            "-d",
            "-A",
            "-in",
            folder.join("base64").to_str().unwrap(),
            "-out",
            folder.join(to).to_str().unwrap(),
        ]);
        fs::read(folder.join(to)).unwrap()
    };
    let payload = decoded(&envelope["payload"], "payload");
    decoded(&envelope["signatures"][0]["sig"], "signature");
    let mut message = format!("DSSEv1 28 application/vnd.in-toto+json {} ", payload.len()).into_bytes();
    message.extend(payload);
    fs::write(folder.join("message"), message).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let mut arguments: Vec<String> =
        vec!["pkeyutl".into(), "-verify".into(), "-pubin".into(), "-inkey".into(), public.display().to_string()];
    arguments.extend(["-rawin".into(), "-in".into(), path("message"), "-sigfile".into(), path("signature")]);
    if kind == "p256" {
        arguments.extend(["-digest".into(), "sha256".into()]);
    }
    openssl(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_saved_report_gives_no_statement() {
    let (directory, folder) = (fixture("good-policy-and-key"), Folder::new());
    let json = format!("json={}", folder.path().join("report.json").display());
    assert_eq!(audit("good-policy-and-key", "vsa", &["--report", &json]).0, 0);
    let saved = folder.path().join("report.json");
    let again = run(&directory, &["report", saved.to_str().unwrap(), "--format", "vsa"]);
    assert_eq!((again.code, again.out.as_str()), (2, ""));
    assert!(again.err.contains("is not written from a saved report"), "{}", again.err);
}
