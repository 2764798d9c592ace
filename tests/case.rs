//! Tests `seal`, `audit` of a case and `sign-off` with the real program. openssl makes keys and verifies signatures; GNU tar writes cases and
//! python3 reads them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use program::{Answer, BUNDLE, Folder, NOW, run};
use serde_json::{Value, json};

fn tool_output(name: &str, arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new(name).args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|error| panic!("{name} is needed: {error}"))
}

fn tool(name: &str, arguments: &[&str], folder: &Path) -> Vec<u8> {
    let output = tool_output(name, arguments, folder);
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const POLICY: &str = "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"A\"\nfile = \"key.pem\"\n\
    [[signers]]\nname = \"Ada\"\npem = \"ada.pub\"\n[[signers]]\nname = \"Bob\"\npem = \"bob.pub\"\n";

/// The fixture's bundle and key, a policy, and keys of three people.
fn folder() -> Folder {
    let folder = Folder::with_fixture("good-rsa-2048");
    let path = folder.path();
    for (name, algorithm) in
        [("ada", &["ed25519"][..]), ("bob", &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("eve", &["ed25519"])]
    {
        let secret = format!("{name}.key");
        tool("openssl", &[&["genpkey", "-out", &secret, "-algorithm"], algorithm].concat(), path);
        tool("openssl", &["pkey", "-in", &secret, "-pubout", "-out", &format!("{name}.pub")], path);
    }
    folder.write("policy.toml", POLICY);
    folder
}

fn seal(folder: &Folder, more: &[&str]) -> Answer {
    let line = ["seal", BUNDLE, "--policy", "policy.toml", "--output", "case.tar", "--now", NOW];
    run(folder.path(), &[&line, more].concat())
}

fn sealed(folder: &Folder, more: &[&str]) -> Vec<u8> {
    let answer = seal(folder, more);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    fs::read(folder.path().join("case.tar")).unwrap()
}

/// Audits `case.tar` with `--format json`.
fn audit(folder: &Folder, more: &[&str]) -> (i32, Value) {
    let answer = run(folder.path(), &[&["audit", "case.tar", "--format", "json"], more].concat());
    (answer.code, serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{e}: {} {}", answer.out, answer.err)))
}

fn message(report: &Value) -> &str {
    report["error"]["message"].as_str().unwrap_or_default()
}

#[test]
fn a_case_is_reproducible_byte_for_byte_by_gnu_tar_too() {
    let folder = folder();
    let case = sealed(&folder, &["--sign-key", "ada.key", "--retain-until", "2036-12-31"]);
    let path = folder.path();
    let again = seal(&folder, &["--sign-key", "ada.key", "--retain-until", "2036-12-31"]);
    assert_eq!(again.code, 3, "it must not be replaced: {}", again.out);
    assert!(again.err.contains("already exists"), "{}", again.err);
    fs::rename(path.join("case.tar"), path.join("first.tar")).unwrap();
    assert_eq!(sealed(&folder, &["--sign-key", "ada.key", "--retain-until", "2036-12-31"]), case);

    let names = String::from_utf8(tool("tar", &["tf", "case.tar"], path)).unwrap();
    let names: Vec<&str> = names.lines().collect();
    assert_eq!(
        names,
        [
            "case.json",
            "bundles/1/bundle.sig.tbz",
            "bundles/1/keys/1.pem",
            "bundles/1/keys/2.pem",
            "policy/files/1",
            "policy/files/2",
            "policy/files/3",
            "policy/policy.toml",
            "report.json",
            "attached/seal.dsse.json"
        ]
    );
    fs::create_dir(path.join("out")).unwrap();
    tool("tar", &["xf", "case.tar", "-C", "out"], path);
    let mut pack =
        vec!["cf", "../packed.tar", "-b1", "--format=ustar", "--mode=0644", "--mtime=@0", "--owner=0", "--group=0"];
    pack.push("--numeric-owner");
    pack.extend(&names);
    tool("tar", &pack, &path.join("out"));
    assert_eq!(fs::read(path.join("packed.tar")).unwrap(), case);
    // A different program recomputes the digests that a case lists.
    let check = "import hashlib, json, tarfile\nt = tarfile.open('case.tar')\nr = json.load(t.extractfile('case.json'))\n\
        for m in r['members']:\n    b = t.extractfile(m['name']).read()\n    assert (len(b), hashlib.sha256(b).hexdigest()) == (m['size'], m['sha256'])\n\
        print(len(r['members']))";
    assert_eq!(tool("python3", &["-c", check], path), b"8\n");
}

/// A reader who supplies only the sealer's key has specified neither a build server's key nor a policy.
#[test]
fn a_key_that_only_the_sealer_specified_is_not_attributed_to_the_reader() {
    let folder = folder();
    let sealing = ["seal", BUNDLE, "--key", "key.pem", "--now", NOW, "--output", "keys.tar", "--sign-key", "ada.key"];
    assert_eq!(run(folder.path(), &sealing).code, 0);
    let text = run(folder.path(), &["audit", "keys.tar", "--seal-key", "ada.pub"]).out;
    for line in ["named on the sealer's command line (given)", "evaluated with the case's keys, without a policy"] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(line), "{line}: {text}");
    }
    let own = run(folder.path(), &["audit", "keys.tar", "--key", "key.pem"]).out;
    assert!(own.contains("named on the command line (given)"), "{own}");
}

#[test]
fn a_case_supplies_evidence_but_never_trust() {
    let folder = folder();
    sealed(&folder, &["--sign-key", "ada.key"]);
    let (code, report) = audit(&folder, &[]);
    assert_eq!((code, report["verdict"].as_str()), (2, Some("none")));
    assert_eq!(report["case"]["repeated"], "same-report");
    assert_eq!(report["case"]["vouched_by"], "nobody");
    assert_eq!(report["reports"], json!([]), "the case's own verdict is not passed on");
    assert!(message(&report).contains("gives the sealed verdict, accept;"), "{report}");

    for (more, by, verdict) in [
        // A key alone is not a policy: the case's own policy decides the verdict only with --seal-key.
        (&["--key", "key.pem"][..], "reader", "accept-in-part"),
        (&["--policy", "policy.toml"], "reader", "accept"),
        (&["--seal-key", "ada.pub"], "seal", "accept"),
    ] {
        let (code, report) = audit(&folder, more);
        assert_eq!((code, report["verdict"].as_str()), (0, Some(verdict)), "{more:?}");
        assert_eq!(report["case"]["vouched_by"], by);
        let text = run(folder.path(), &[&["audit", "case.tar"], more].concat()).out;
        let own = text.contains("you; evaluated with your key, on the evidence in the case");
        assert_eq!(own, more[0] == "--key", "{text}");
    }
    let other = Folder::with_fixture("good-p256");
    fs::copy(other.path().join("key.pem"), folder.path().join("other.pem")).unwrap();
    let (code, report) = audit(&folder, &["--key", "other.pem"]);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("reject")), "the reader's key decides");
    assert_eq!(report["case"]["repeated"], "same-report");
    let (code, report) = audit(&folder, &["--seal-key", "eve.pub"]);
    assert_eq!(code, 3);
    assert!(message(&report).contains("attached/seal.dsse.json"), "{report}");
    for flag in [["--image", "oci:x"], ["--base", "oci:x"], ["--trust", "x"]] {
        assert_eq!(audit(&folder, &flag).0, 2, "{flag:?}");
    }
    assert_eq!(run(folder.path(), &["audit", "case.tar", BUNDLE, "--key", "key.pem"]).code, 2);
    assert_eq!(run(folder.path(), &["audit", BUNDLE, "--key", "key.pem", "--seal-key", "ada.pub"]).code, 2);
}

/// Whoever made a case may have invented its list of approvals.
#[test]
fn approvals_in_a_case_count_under_the_readers_policy_only_if_its_signer_signed_them() {
    for is_signed in [true, false] {
        let folder = Folder::with_fixture("good-approved-signed");
        let (key, public) = (folder.path().join("ada.key"), folder.path().join("ada.pub"));
        let (key, public) = (key.to_str().unwrap(), public.to_str().unwrap());
        tool("openssl", &["genpkey", "-out", key, "-algorithm", "ed25519"], folder.path());
        tool("openssl", &["pkey", "-in", key, "-pubout", "-out", public], folder.path());
        let policy = fs::read_to_string(folder.path().join("policy.toml")).unwrap();
        folder.write("own.toml", policy.replace("[levels]", "[levels]\nsource-approved = \"require\""));
        if !is_signed {
            fs::remove_file(folder.path().join("approvals.csv.sig")).unwrap();
        }
        let answer = seal(&folder, &["--approvals", "approvals.csv", "--sign-key", key]);
        assert_eq!((answer.code, answer.out.contains("approvals  not signed: ")), (0, !is_signed), "{}", answer.out);
        let of_check = |report: &Value| {
            let findings = report["reports"][0]["findings"].as_array().unwrap();
            findings.iter().find(|one| one["check"] == "source-approved").unwrap().clone()
        };
        let (code, report) = audit(&folder, &["--policy", "own.toml", "--now", NOW]);
        let own = of_check(&report);
        let status = if is_signed { "pass" } else { "not-run" };
        assert_eq!((code, &own["status"]), (i32::from(!is_signed), &status.into()), "{own:#}");
        let ends = own["message"].as_str().unwrap().ends_with("according to the list in the case");
        assert_eq!(ends, is_signed, "{own:#}");
        let (code, report) = audit(&folder, &["--policy", "own.toml", "--approvals", "approvals.csv", "--now", NOW]);
        let own = of_check(&report);
        assert_eq!((code, &own["status"]), (0, &"pass".into()), "{own:#}");
        assert!(own["message"].as_str().unwrap().ends_with("according to the supplied list"), "{own:#}");
        let (code, report) = audit(&folder, &["--seal-key", public]);
        assert_eq!((code, &of_check(&report)["status"]), (0, &"pass".into()), "{report:#}");
    }
}

/// With --seal-key, the reader's formats state whose policy and keys decided, and no summary states them as the reader's.
#[test]
fn the_sealers_terms_are_never_stated_as_the_readers() {
    let folder = folder();
    sealed(&folder, &["--sign-key", "ada.key"]);
    let line = ["audit", "case.tar", "--seal-key", "ada.pub"];
    let refused = run(folder.path(), &[&line[..], &["--report", "vsa=vsa.jsonl"]].concat());
    assert!(refused.code == 2 && refused.out.contains("policy and keys are the sealer's"), "{}", refused.out);
    assert!(!folder.path().join("vsa.jsonl").exists());
    assert_eq!(run(folder.path(), &[&line[..], &["--report-dir", "all"]].concat()).code, 0);
    let all = folder.path().join("all");
    for (file, words) in [
        ("report.sarif", "names its sealer"),
        ("report.junit.xml", "names its sealer"),
        ("report.oscal.json", "names its sealer"),
        ("report.html", "the sealer (--seal-key)"),
        ("report.md", "the sealer"),
        ("report.json", "\"vouched_by\": \"seal\""),
    ] {
        assert!(fs::read_to_string(all.join(file)).unwrap().contains(words), "{file}");
    }
    assert!(fs::read_dir(all).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().contains("vsa")));
}

/// The sealer may have allowed more, so the reader's limits apply when the case is opened.
#[test]
fn the_readers_limits_apply_to_a_case() {
    let folder = folder();
    sealed(&folder, &["--limit", "archive_members=3000000"]);
    assert_eq!(audit(&folder, &["--key", "key.pem"]).0, 0);
    let (code, report) = audit(&folder, &["--key", "key.pem", "--limit", "archive_members=5"]);
    let errors = [&report["error"]["code"], &report["reports"][0]["error"]["code"]];
    assert!(code == 3 && errors.contains(&&Value::from("over-limit")), "{report:#}");
}

#[test]
fn a_rejected_build_can_be_sealed_but_not_one_without_a_verdict() {
    let folder = folder();
    folder.write(
        "policy.toml",
        POLICY.replace("[[signers]]\nname = \"Ada\"", "[expect]\nbranch = \"other\"\n[[signers]]\nname = \"Ada\""),
    );
    let answer = seal(&folder, &["--sign-key", "ada.key"]);
    assert_eq!(answer.code, 1, "{}", answer.err);
    let (code, report) = audit(&folder, &["--seal-key", "ada.pub"]);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("reject")));
    fs::remove_file(folder.path().join("case.tar")).unwrap();
    let bytes = fs::read(folder.path().join(BUNDLE)).unwrap();
    folder.write(BUNDLE, &bytes[..bytes.len() / 2]);
    assert_eq!(seal(&folder, &[]).code, 3);
    assert!(!folder.path().join("case.tar").exists());
}

/// A member: name and content.
type Member = (String, Vec<u8>);

fn members(case: &[u8]) -> Vec<Member> {
    let (mut members, mut at) = (Vec::new(), 0);
    while case[at] != 0 {
        let header = &case[at..at + 512];
        let end = header.iter().position(|byte| *byte == 0).unwrap();
        let name = String::from_utf8(header[..end].to_vec()).unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&header[124..135]).unwrap(), 8).unwrap();
        members.push((name, case[at + 512..at + 512 + size].to_vec()));
        at += 512 + size.div_ceil(512) * 512;
    }
    members
}

fn packed(members: &[Member]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members {
        let mut header = [0; 512];
        let size = format!("{:011o}", content.len());
        for (at, field) in [
            (0, name.as_bytes()),
            (100, b"0000644\x000000000\x000000000\0"),
            (124, size.as_bytes()),
            (136, b"00000000000\0        0"),
            (257, b"ustar\x0000"),
            (329, b"0000000\x000000000\0"),
        ] {
            header[at..at + field.len()].copy_from_slice(field);
        }
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(header);
        bytes.extend(content);
        bytes.resize(bytes.len().div_ceil(512) * 512, 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// `case.json` with the current digests of the other members, as an attacker would write it for a changed case.
fn relisted(mut members: Vec<Member>) -> Vec<Member> {
    let record = String::from_utf8(members[0].1.clone()).unwrap();
    let mut record: Value = serde_json::from_str(&record).unwrap();
    for entry in record["members"].as_array_mut().unwrap() {
        let name = entry["name"].as_str().unwrap().to_owned();
        let content = &members.iter().find(|(one, _)| *one == name).unwrap().1;
        entry["size"] = content.len().into();
        let digest = hpsb_audit::Sha256::of(content).hex();
        entry["sha256"] = digest.into();
    }
    members[0].1 = format!("{record:#}\n").into_bytes();
    members
}

/// Evidence supplied on the command line and evidence next to a bundle are treated differently, so a case must not be readable in both ways.
#[test]
fn supplied_evidence_must_be_listed_exactly_once() {
    let folder = folder();
    fs::create_dir(folder.path().join("signatures")).unwrap();
    folder.write("signatures/note", "no signature");
    // The bundle is rejected because the folder contains no signature, but the case is sealed.
    assert_eq!(seal(&folder, &["--trust", "signatures"]).code, 1);
    let given = members(&fs::read(folder.path().join("case.tar")).unwrap());
    fs::remove_file(folder.path().join("case.tar")).unwrap();
    let nothing = members(&sealed(&folder, &[]));
    let changed = |members: &[Member], change: &dyn Fn(&mut Value)| {
        let mut members = members.to_vec();
        let mut record: Value = serde_json::from_slice(&members[0].1).unwrap();
        change(&mut record);
        members[0].1 = format!("{record:#}\n").into_bytes();
        members
    };
    let code = |members: &[Member]| {
        folder.write("case.tar", packed(members));
        let (code, report) = audit(&folder, &["--key", "key.pem"]);
        (code, message(&report).contains("question.handed"))
    };
    assert_eq!(code(&changed(&given, &|_| {})), (1, false));
    assert_eq!(code(&changed(&nothing, &|_| {})), (0, false));
    let handed = |words: Value| move |record: &mut Value| record["question"]["handed"] = words.clone();
    // Each of these is refused: supplied evidence is not listed, is listed twice, or has the path of evidence next to the bundle;
    // or evidence is listed that was not supplied.
    for words in [json!([]), json!(["trust", "trust"]), json!(["builder"]), json!(["image", "trust"])] {
        assert_eq!(code(&changed(&given, &handed(words.clone()))), (3, true), "{words}");
    }
    let elsewhere = |record: &mut Value| record["bundles"][0]["trust"] = "bundles/1/trust".into();
    assert_eq!(code(&changed(&given, &elsewhere)), (3, true));
    for word in ["trust", "builder", "image"] {
        assert_eq!(code(&changed(&nothing, &handed(json!([word])))), (3, true), "{word}");
    }
}

#[test]
fn every_kind_of_tampering_with_a_case_is_refused_and_described() {
    let folder = folder();
    let case = sealed(&folder, &["--sign-key", "ada.key"]);
    let good = members(&case);
    assert_eq!(packed(&good), case);
    let position = |name: &str| good.iter().position(|(one, _)| one == name).unwrap();
    let (bundle, policy, report, seal) = (
        position("bundles/1/bundle.sig.tbz"),
        position("policy/policy.toml"),
        position("report.json"),
        position("attached/seal.dsse.json"),
    );
    let refused = |members: &[Member], more: &[&str], expected: &str| {
        folder.write("case.tar", packed(members));
        let (code, report) = audit(&folder, more);
        assert_eq!(code, 3, "{expected}: {report}");
        assert!(message(&report).contains(expected), "expected {expected:?}: {}", message(&report));
    };
    let change = |at: usize, with: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = good.clone();
        with(&mut changed[at].1);
        changed
    };
    let replace = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| *bytes = String::from_utf8(bytes.clone()).unwrap().replace(from, to).into_bytes()
    };
    let key = &["--key", "key.pem"][..];
    // Each member except case.json and the seal is changed in turn.
    for (at, (name, _)) in good.iter().enumerate().filter(|(at, _)| *at != seal && *at != 0) {
        refused(&change(at, &|bytes| bytes[20] ^= 1), key, &format!("the member {name:?} was changed"));
    }
    // Members are added, removed, duplicated, renamed or reordered.
    let mut added = good.clone();
    added.insert(2, ("bundles/1/extra".into(), b"x".to_vec()));
    refused(&added, key, "case.json does not list the member \"bundles/1/extra\"");
    let mut attached = good.clone();
    attached.insert(seal, ("attached/note.txt".into(), b"x".to_vec()));
    refused(&attached, key, "\"attached/note.txt\" cannot be added to a case");
    for (at, (name, _)) in good.iter().enumerate().filter(|(at, _)| *at != seal && *at != 0) {
        let mut removed = good.clone();
        removed.remove(at);
        refused(&removed, key, &format!("the member {name:?}, which case.json lists, is missing"));
    }
    let mut twice = good.clone();
    twice.insert(bundle, good[bundle].clone());
    refused(&twice, key, "two members are named \"bundles/1/bundle.sig.tbz\"");
    let mut renamed = good.clone();
    renamed[report].0 = "report.jsoN".into();
    refused(&renamed, key, "\"report.jsoN\"");
    let mut moved = good.clone();
    moved.swap(bundle, report);
    refused(&moved, key, "the order of members was changed");
    let mut first = good.clone();
    first.swap(0, 1);
    // A file that does not begin like a case is read as a bundle, and reported as malformed.
    for members in [first.as_slice(), &good[1..]] {
        folder.write("case.tar", packed(members));
        let (code, report) = audit(&folder, key);
        assert_eq!((code, report["reports"][0]["error"]["code"].as_str()), (3, Some("malformed")), "{report}");
    }
    // The report, the verdict or the policy is edited, and the digests are updated to match.
    let edited = relisted(change(
        report,
        &replace("a trusted key signed exactly the bytes of the archive in the bundle", "all is well"),
    ));
    refused(&edited, key, "the seal is for a different case");
    let edited = relisted(change(policy, &|bytes| bytes.extend(b"# another policy\n")));
    refused(&edited, key, "the seal is for a different case");
    let edited = change(0, &replace("\"verdict\": \"accept\"", "\"verdict\": \"accept-in-part\""));
    refused(&edited, key, "the seal is for a different case");
    refused(&change(0, &|bytes| bytes.insert(1, b' ')), key, "unexpected formatting");
    // The seal is truncated or removed; a seal by a different person has a separate test.
    refused(&change(seal, &|bytes| bytes.truncate(100)), key, "attached/seal.dsse.json");
    let unsealed: Vec<Member> = good.iter().filter(|(name, _)| name != "attached/seal.dsse.json").cloned().collect();
    refused(&unsealed, &["--seal-key", "ada.pub"], "it has no seal");
}

#[test]
fn a_changed_case_with_corrected_digests_fails_its_seal_and_the_repeated_audit() {
    let folder = folder();
    let good = members(&sealed(&folder, &[]));
    let report = good.iter().position(|(name, _)| name == "report.json").unwrap();
    let policy = good.iter().position(|(name, _)| name == "policy/policy.toml").unwrap();
    // Even without a seal, the repeated audit detects the change.
    for (at, from, to, expected) in [
        (report, "a trusted key signed exactly the bytes of the archive in the bundle", "all is well", "report.json"),
        (report, "\"status\": \"not-run\"", "\"status\": \"pass\"", "report.json"),
        (policy, "[\"manifest\", \"source\"]", "[\"manifest\"]", "report.json"),
        (
            0,
            "\"verdict\": \"accept\"",
            "\"verdict\": \"accept-in-part\"",
            "its verdict is accept-in-part, but its report's verdict is accept",
        ),
        (0, "\"now\": \"2026-03-10T00:00:00Z\"", "\"now\": \"2026-03-11T00:00:00Z\"", "report.json"),
    ] {
        let mut edited = good.clone();
        edited[at].1 = String::from_utf8(edited[at].1.clone()).unwrap().replace(from, to).into_bytes();
        folder.write("case.tar", packed(&relisted(edited)));
        let (code, answer) = audit(&folder, &["--key", "key.pem"]);
        assert_eq!(code, 3, "{answer}");
        assert!(message(&answer).contains(expected), "{}", message(&answer));
    }
    // A case's entry for a signed archive is shown even if the case lacks the bundle. If the case has the bundle, the entry must match it.
    for field in ["archive_sha256", "signature", "build_name"] {
        let mut edited = good.clone();
        let mut record: Value = serde_json::from_slice(&edited[0].1).unwrap();
        let listed = &mut record["bundles"][0][field];
        let other = listed.as_str().unwrap().replace(['0', '1', '2', '3'], "4");
        assert_ne!(*listed, other.as_str(), "{field}");
        *listed = other.into();
        edited[0].1 = format!("{record:#}\n").into_bytes();
        folder.write("case.tar", packed(&edited));
        let (code, answer) = audit(&folder, &["--key", "key.pem"]);
        assert_eq!(code, 3, "{field}: {answer}");
        assert!(
            message(&answer).contains("the listed name, digest or signature differs from the bundle's"),
            "{}",
            message(&answer)
        );
    }
    // If the case was sealed, its seal does not match the changed case.
    fs::remove_file(folder.path().join("case.tar")).unwrap();
    let mut signed = members(&sealed(&folder, &["--sign-key", "ada.key"]));
    signed[policy].1.extend(b"\n# another policy\n");
    folder.write("case.tar", packed(&relisted(signed)));
    let (code, answer) = audit(&folder, &["--seal-key", "ada.pub"]);
    assert_eq!(code, 3);
    assert!(message(&answer).contains("the seal is for a different case"), "{}", message(&answer));
}

#[test]
fn a_case_for_filing_has_digests_and_no_evidence() {
    let folder = folder();
    folder.write("server-build.log", b"docker login --password hunter2\n");
    folder.write("status.json", b"{\"status\": \"image pushed\"}");
    folder.write(
        "image-digest.json",
        b"\"docker.io/acme/wallet@sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1\"",
    );
    let case = sealed(&folder, &["--profile", "filing", "--sign-key", "ada.key"]);
    let answer = run(folder.path(), &["audit", "case.tar", "--seal-key", "ada.pub"]);
    assert_eq!(answer.code, 2, "{}", answer.out);
    assert!(answer.out.contains("not repeated") && answer.out.contains("what looks like a secret"), "{}", answer.out);
    for more in [&["--seal-key", "ada.pub"][..], &["--key", "key.pem"], &["--policy", "policy.toml"], &[]] {
        let (code, report) = audit(&folder, more);
        assert_eq!((code, report["case"]["vouched_by"].as_str()), (2, Some("nobody")), "{more:?}: {report}");
        let text = run(folder.path(), &[&["audit", "case.tar"], more].concat()).out;
        assert!(text.contains("vouched by no key: there is no verdict\n"), "{text}");
    }
    let members = members(&case);
    assert!(members.iter().all(|(name, content)| {
        name != "bundles/1/bundle.sig.tbz" && !content.windows(7).any(|window| window == b"hunter2")
    }));
    let record: Value = serde_json::from_slice(&members[0].1).unwrap();
    let left_out = record["left_out"].as_array().unwrap();
    let digest = hpsb_audit::Sha256::of(&fs::read(folder.path().join(BUNDLE)).unwrap()).hex();
    assert_eq!(left_out[0]["sha256"], digest.as_str());
    assert_eq!(left_out.len(), 4, "{left_out:?}");
    assert_eq!(record["secrets_seen"], json!(["bundles/1/server/server-build.log"]));
}

#[test]
fn sign_offs_of_two_people_are_verified_and_named() {
    let folder = folder();
    sealed(&folder, &["--sign-key", "ada.key"]);
    let sign_off = |role: &str, key: &str| {
        run(
            folder.path(),
            &["sign-off", "case.tar", "--role", role, "--sign-key", key, "--now", "2026-03-11T00:00:00Z"],
        )
    };
    let before = fs::read(folder.path().join("case.tar")).unwrap();
    assert_eq!(sign_off("prepared", "ada.key").code, 0);
    assert_eq!(sign_off("prepared", "bob.key").code, 2, "the role is taken");
    assert_eq!(sign_off("reviewed", "ada.key").code, 2, "one person cannot do both");
    let one = fs::read(folder.path().join("case.tar")).unwrap();
    assert_eq!(sign_off("reviewed", "bob.key").code, 0);
    let (code, report) = audit(&folder, &["--policy", "policy.toml", "--report", "html=page.html"]);
    assert_eq!(code, 0);
    let names: Vec<_> = report["case"]["sign_offs"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["Ada", "Bob"]);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(
        page.contains("Prepared by</th><td>Ada</td><td>2026-03-11T00:00:00Z by the signer&#39;s clock or choice</td>"),
        "the page has the names"
    );
    // If the policy gives two keys the same name, nothing shows that two people signed.
    let policy = fs::read_to_string(folder.path().join("policy.toml")).unwrap();
    folder.write("same.toml", policy.replace("\"Bob\"", "\"Ada\""));
    let (_, report) = audit(&folder, &["--policy", "same.toml"]);
    let remark = "the policy gives both keys the name \"Ada\": the sign-offs do not show that two people signed";
    assert_eq!(report["case"]["remarks"], json!([remark]), "{report}");
    // A key that the policy does not list is shown as unknown.
    fs::write(folder.path().join("case.tar"), &one).unwrap();
    assert_eq!(sign_off("reviewed", "eve.key").code, 0);
    let (_, report) = audit(&folder, &["--policy", "policy.toml"]);
    assert_eq!(report["case"]["sign_offs"][1]["name"], Value::Null);
    assert!(report["case"]["remarks"].to_string().contains("UNKNOWN"), "{report}");
    // openssl verifies the signature, which is over DSSE's encoding of the payload.
    let envelope =
        members(&one).into_iter().find(|(name, _)| name == "attached/sign-off.prepared.dsse.json").unwrap().1;
    folder.write("envelope.json", envelope);
    let split = "import base64, json\ne = json.load(open('envelope.json'))\np = base64.b64decode(e['payload'])\n\
        t = e['payloadType'].encode()\nopen('pae', 'wb').write(b'DSSEv1 %d %s %d %s' % (len(t), t, len(p), p))\n\
        open('sig', 'wb').write(base64.b64decode(e['signatures'][0]['sig']))";
    tool("python3", &["-c", split], folder.path());
    tool(
        "openssl",
        &["pkeyutl", "-verify", "-pubin", "-inkey", "ada.pub", "-rawin", "-in", "pae", "-sigfile", "sig"],
        folder.path(),
    );
    // A sign-off with a different role is refused.
    let reviewed = members(&fs::read(folder.path().join("case.tar")).unwrap());
    let mut swapped = reviewed.clone();
    let at = |name: &str| reviewed.iter().position(|(one, _)| one == name).unwrap();
    let (prepared, other) = (at("attached/sign-off.prepared.dsse.json"), at("attached/sign-off.reviewed.dsse.json"));
    swapped[prepared].1.clone_from(&reviewed[other].1);
    folder.write("case.tar", packed(&swapped));
    let (code, answer) = audit(&folder, &["--policy", "policy.toml"]);
    assert_eq!(code, 3);
    assert!(message(&answer).contains("attached/sign-off.prepared.dsse.json"), "{}", message(&answer));
    // Removing a sign-off leaves no trace in the case, but cannot add anything to the signed content.
    folder.write("case.tar", before);
    assert_eq!(audit(&folder, &["--policy", "policy.toml"]).1["case"]["sign_offs"], json!([]));
}

/// The reader's own policy is applied as of today, because the sealer, who chose the case's reference time, must not choose the time for the
/// reader's `max-age` and waivers.
#[test]
fn the_readers_policy_is_applied_as_of_today_and_the_hint_uses_the_cases_time() {
    let folder = folder();
    sealed(&folder, &["--sign-key", "ada.key"]);
    let young =
        POLICY.replace("[[signers]]\nname = \"Ada\"", "[expect]\nmax-age = \"20d\"\n[[signers]]\nname = \"Ada\"");
    folder.write("young.toml", &young);
    let (code, report) = audit(&folder, &["--policy", "young.toml"]);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("reject")), "{report:#}");
    let case = &report["case"];
    assert_eq!((&case["sealed_for"], &case["judged_for"]), (&Value::from(NOW), &report["now"]));
    assert!(report["now"].as_str().unwrap() > NOW);
    let screen = run(folder.path(), &["audit", "case.tar", "--policy", "young.toml"]).out.replace('\n', " ");
    assert!(screen.contains("run the command in its remark.") && !screen.contains("who alone"), "{screen}");
    // The hint is a command that can be run as printed.
    let remark =
        case["remarks"].as_array().unwrap().iter().filter_map(Value::as_str).find(|one| one.contains("--now")).unwrap();
    let command = remark.split_once("hpsb-audit ").unwrap().1;
    let words: Vec<&str> = command.split(' ').collect();
    let answer = run(folder.path(), &words);
    assert_eq!(answer.code, 0, "{command}: {}{}", answer.out, answer.err);
    assert!(answer.out.contains(&format!("judged     as of {NOW}")), "{}", answer.out);
    // The case's time can also be specified on the command line. If the rejection is unrelated to time, there is no such hint.
    assert_eq!(audit(&folder, &["--policy", "young.toml", "--now", NOW]).0, 0);
    folder.write("other.toml", young.replace("[expect]\n", "[expect]\nbranch = \"other\"\n"));
    let (code, report) = audit(&folder, &["--policy", "other.toml"]);
    assert!(code == 1 && !report["case"]["remarks"].to_string().contains("--now"), "{report:#}");
    // No time has passed since the sealing if the chosen time is earlier.
    let (code, report) = audit(&folder, &["--policy", "young.toml", "--now", "2025-01-01T00:00:00Z"]);
    assert!(code == 1 && !report["case"]["remarks"].to_string().contains("since sealing"), "{report:#}");
    // The hint also appears for a waiver that has expired since the case was sealed.
    let bundle = hpsb_audit::Sha256::of(&fs::read(folder.path().join(BUNDLE)).unwrap()).hex();
    let waiver = format!(
        "[[waivers]]\ncheck = \"source-commit\"\nbundle = \"{bundle}\"\nowner = \"Ada\"\nreason = \"known\"\nexpires = 2026-03-20T00:00:00Z\n"
    );
    let branch =
        POLICY.replace("[[signers]]\nname = \"Ada\"", "[expect]\nbranch = \"other\"\n[[signers]]\nname = \"Ada\"");
    folder.write("waived.toml", format!("{branch}{waiver}"));
    let (code, report) = audit(&folder, &["--policy", "waived.toml"]);
    assert!(code == 1 && report["case"]["remarks"].to_string().contains(&format!("--now {NOW}")), "{report:#}");
    assert_eq!(audit(&folder, &["--policy", "waived.toml", "--now", NOW]).1["verdict"], "accept-in-part");
}

/// A flag that restricts the audit is applied or refused.
#[test]
fn no_restricting_flag_is_ignored_with_a_case() {
    let folder = folder();
    sealed(&folder, &["--sign-key", "ada.key"]);
    for flag in [["--now", NOW], ["--require", "trust"], ["--key", "key.pem"], ["--policy", "policy.toml"]] {
        let (code, report) = audit(&folder, &[&["--seal-key", "ada.pub"][..], &flag].concat());
        assert_eq!((code, &report["error"]["code"]), (2, &Value::from("usage")), "{flag:?}");
        assert!(message(&report).contains(flag[0]) && message(&report).contains("--seal-key"), "{report:#}");
    }
    for flag in [["--now", NOW], ["--require", "trust"]] {
        let (code, report) = audit(&folder, &flag);
        assert!(code == 2 && message(&report).contains(flag[0]), "{report:#}");
    }
    // With the reader's own key, the flags are applied.
    let (code, report) = audit(&folder, &["--key", "key.pem", "--require", "trust"]);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("reject")));
    assert_eq!(audit(&folder, &["--key", "key.pem", "--now", NOW]).1["now"], NOW);
    assert_eq!(audit(&folder, &["--key", "key.pem", "--require", "workload"]).0, 2);
}

/// Cases sealed by version 0.1.0, with their reports. None of the three cases has a signed seal.
#[test]
fn cases_of_version_0_1_are_read_and_compared() {
    for (name, own, sealed, today) in [
        ("own-policy", &["--policy", "good-policy/policy.toml"][..], "accept-in-part", "accept"),
        ("no-policy", &["--key", "good-rsa-2048/key.pem"], "accept-in-part", "accept-in-part"),
        ("rejected", &["--key", "other-key_fail/key.pem"], "reject", "reject"),
    ] {
        let top = program::fixture("");
        let case = format!("inputs/cases-0.1/{name}.tar");
        let line = [&["audit", &case, "--format", "json", "--now", NOW][..], own].concat();
        let answer = run(&top, &line);
        let report: Value = serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{e}: {}", answer.out));
        assert_eq!(
            (report["case"]["sealed_verdict"].as_str(), report["verdict"].as_str()),
            (Some(sealed), Some(today))
        );
        assert_eq!(answer.code, i32::from(today == "reject"), "{name}");
        assert_eq!(report["case"]["repeated"], "same-statuses", "{name}: {:#}", report["case"]);
        assert!(report["case"]["remarks"].to_string().contains("sealed under the verdict rules of 0.1"), "{name}");
        // Page one states what was compared and, if the verdict differs, both verdicts.
        let folder = Folder::new();
        let page = folder.path().join("page.html");
        let html = format!("html={}", page.display());
        run(&top, &[&["audit", &case, "--report", &html, "--now", NOW][..], own].concat());
        let page = fs::read_to_string(page).unwrap();
        let repeated = page.lines().find(|line| line.contains(">Repeated<")).unwrap();
        assert!(repeated.contains("the same statuses in all checks that both reports have; levels,"), "{repeated}");
        let own_verdict = if name == "own-policy" { "accept" } else { sealed };
        let differs = format!("verdict: sealed {sealed} under the rules of 0.1, today {own_verdict} under");
        assert_eq!(repeated.contains(&differs), own_verdict != sealed, "{repeated}");

        // The case's report has schema version 1. It is compared by that version's rules, and is reproduced byte for byte.
        let folder = Folder::new();
        let bytes = fs::read(top.join(&case)).unwrap();
        let saved = members(&bytes).into_iter().find(|(name, _)| name == "report.json").unwrap().1;
        folder.write("report.json", &saved);
        let again = run(folder.path(), &["report", "report.json", "--format", "json"]);
        assert_eq!((again.code, again.out.as_bytes()), (i32::from(sealed == "reject"), saved.as_slice()), "{name}");
        let text = run(folder.path(), &["report", "report.json", "--format", "text"]);
        assert!(text.out.contains("Evaluated by the rules of version 0.1"), "{}", text.out);
        let other =
            String::from_utf8(saved).unwrap().replace(&format!("\"verdict\": \"{sealed}\""), "\"verdict\": \"accept\"");
        folder.write("report.json", other);
        assert_eq!(run(folder.path(), &["report", "report.json", "--format", "json"]).code, 3, "{name}");
    }
}

/// The case's policy was valid in 0.1.0 and is refused by this version. With the reader's policy or key, the case's policy is not needed.
#[test]
fn a_case_whose_policy_is_now_refused_is_evaluated_with_the_readers_policy() {
    let folder = Folder::with_fixture("good-policy");
    let bytes = fs::read(program::fixture("inputs/cases-0.1").join("own-policy.tar")).unwrap();
    let mut edited = members(&bytes);
    let policy = edited.iter_mut().find(|(name, _)| name == "policy/policy.toml").unwrap();
    let text = String::from_utf8(policy.1.clone()).unwrap();
    policy.1 = text.replace("branch = \"main\"", "branch = \"\"").into_bytes();
    folder.write("case.tar", packed(&relisted(edited)));
    for (own, verdict) in [(["--key", "key.pem"], "accept-in-part"), (["--policy", "policy.toml"], "accept")] {
        let (code, report) = audit(&folder, &[&own[..], &["--now", NOW]].concat());
        assert_eq!((code, report["verdict"].as_str()), (0, Some(verdict)), "{report:#}");
        assert_eq!(report["case"]["repeated"], "not-repeated");
        let remarks = report["case"]["remarks"].to_string();
        assert!(
            remarks.contains("this version refuses the case's own policy") && remarks.contains("branch"),
            "{remarks}"
        );
        let text = run(folder.path(), &[&["audit", "case.tar", "--now", NOW, "--details"][..], &own].concat());
        assert!(text.out.contains("not repeated: this version refuses the case's own policy"), "{}", text.out);
    }
    assert_eq!(audit(&folder, &["--policy", "policy.toml", "--require", "image", "--now", NOW]).0, 1);
    let (code, report) = audit(&folder, &[]);
    assert_eq!((code, &report["error"]["code"]), (2, &Value::from("usage")), "{report:#}");
    assert!(message(&report).contains("branch"), "{report:#}");
    let hint = report["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("--policy FILE") && hint.contains("--key"), "{report:#}");
}

/// Answers that differ from the sealed ones are listed, and today's answers count.
#[test]
fn answers_that_differ_from_version_0_1_are_listed() {
    let folder = Folder::new();
    let bytes = fs::read(program::fixture("inputs/cases-0.1").join("no-policy.tar")).unwrap();
    let mut edited = members(&bytes);
    let at = edited.iter().position(|(name, _)| name == "report.json").unwrap();
    let report = String::from_utf8(edited[at].1.clone()).unwrap();
    let at_key = report.find("\"check\": \"log-key\"").unwrap();
    let (before, after) = report.split_at(at_key);
    edited[at].1 = format!(
        "{before}{}",
        after.replacen("\"status\": \"pass\"", "\"status\": \"unknown\"", 1).replacen(
            "\"level\": \"require\"",
            "\"level\": \"warn\"",
            1
        )
    )
    .into_bytes();
    folder.write("case.tar", packed(&relisted(edited)));
    fs::copy(program::fixture("good-rsa-2048").join("key.pem"), folder.path().join("key.pem")).unwrap();
    let (code, report) = audit(&folder, &["--key", "key.pem", "--now", NOW]);
    assert_eq!((code, &report["case"]["repeated"]), (0, &Value::from("other-answers")), "{report:#}");
    assert_eq!(report["case"]["other_answers"], json!(["log-key: sealed unknown, today pass"]));
}
