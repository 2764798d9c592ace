//! `key enroll`, `key countersign`, and the checks `key-record` and `server-record`, tested with the real program. openssl makes the signing keys;
//! openssl and python3 verify the signatures.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use program::{Answer, BUNDLE, Folder, fixture, report, run};
use serde_json::{Value, json};

const NAME: &str = "docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456";

fn tool(name: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(name).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is needed: {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The fixture's bundle and key, and keys of three people: Ada and Eve have Ed25519 keys, and Bob has a P-256 key.
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
    fs::copy(path.join("key.pem"), path.join("copy.pem")).unwrap();
    folder
}

fn enroll(folder: &Folder, more: &[&str]) -> Answer {
    let line = [
        "key",
        "enroll",
        "key.pem",
        "--bundle",
        BUNDLE,
        "--obtained-by",
        "Ada",
        "--obtained-at",
        "2026-03-03T08:00:00Z",
        "--channel",
        "server-api",
        "--sign-key",
        "ada.key",
    ];
    run(folder.path(), &[&line, more].concat())
}

fn countersign(folder: &Folder, key: &str) -> Answer {
    run(folder.path(), &["key", "countersign", "key.record.json", "--sign-key", key])
}

/// The audit's result for the key under this policy: exit code, grade, and the finding of `key-record`.
fn judged(folder: &Folder, minimum: &str, signers: &str) -> (i32, String, Value) {
    let policy = format!(
        "version = 1\nrequire = [\"manifest\"]\n[[keys]]\nname = \"A\"\nfile = \"key.pem\"\nrecord = \"key.record.json\"\n\
         [expect]\ncommit = \"b0398d3eeb1921c4b063ea213713c42e0c584a70\"\n{minimum}\n{signers}"
    );
    fs::write(folder.path().join("policy.toml"), policy).unwrap();
    let (code, report) = report(folder.path(), &[BUNDLE, "--policy", "policy.toml"]);
    let bundle = &report["reports"][0];
    let finding =
        bundle["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "key-record").unwrap();
    (code, bundle["key"]["grade"].as_str().unwrap_or_default().to_owned(), finding.clone())
}

const BOTH: &str = "[[signers]]\nname = \"Ada\"\npem = \"ada.pub\"\n[[signers]]\nname = \"Bob\"\npem = \"bob.pub\"\n";

#[test]
fn more_people_and_retrievals_give_a_higher_grade() {
    let folder = folder();
    let answer = enroll(&folder, &["--second-copy", "copy.pem", "--second-by", "Bob", "--second-channel", "courier"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{}", answer.out);
    for line in [
        "wrote key.record.json",
        "obtained by Ada at 2026-03-03T08:00:00Z over server-api",
        "obtained by Bob at 2026-03-03T08:00:00Z over courier",
        &format!("stated to verify {NAME}"),
    ] {
        assert!(answer.out.contains(line), "{line}\n{}", answer.out);
    }
    let witnessed = "minimum-grade = \"witnessed\"";
    let (code, grade, finding) = judged(&folder, witnessed, BOTH);
    assert_eq!((code, grade.as_str()), (1, "recorded"));
    assert_eq!((&finding["status"], &finding["level"]), (&json!("fail"), &json!("require")));
    assert_eq!((&finding["expected"], &finding["found"]), (&json!("witnessed"), &json!("recorded")));

    let answer = countersign(&folder, "bob.key");
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{}", answer.out);
    let (code, grade, finding) = judged(&folder, witnessed, BOTH);
    assert_eq!((code, grade.as_str(), &finding["status"]), (0, "witnessed", &json!("pass")), "{finding}");
    assert!(finding["details"].to_string().contains("signed by Ada, Bob"), "{finding}");
    let checked = run(folder.path(), &["policy", "check", "policy.toml"]);
    assert!(checked.out.contains("  grade: witnessed\n  signed by Ada, Bob\n"), "{}", checked.out);
    let (code, grade, _) = judged(&folder, "minimum-grade = \"challenged\"", BOTH);
    assert_eq!((code, grade.as_str()), (1, "witnessed"));

    // Without a second person, or with one key under two names, the record has no witness.
    for signers in [
        "[[signers]]\nname = \"Ada\"\npem = \"ada.pub\"\n",
        "[[signers]]\nname = \"Ada\"\npem = \"ada.pub\"\n[[signers]]\nname = \"Bob\"\npem = \"ada.pub\"\n",
        "[[signers]]\nname = \"Ada\"\npem = \"ada.pub\"\n[[signers]]\nname = \"Eve\"\npem = \"eve.pub\"\n",
    ] {
        let (code, grade, _) = judged(&folder, witnessed, signers);
        assert_eq!((code, grade.as_str()), (1, "recorded"), "{signers}");
    }
}

#[test]
fn a_record_counts_only_if_signed_by_the_policys_signers() {
    let folder = folder();
    enroll(&folder, &[]);
    for (minimum, code, status, level) in
        [("minimum-grade = \"recorded\"", 1, "fail", "require"), ("", 0, "fail", "warn")]
    {
        let (found, grade, finding) = judged(&folder, minimum, "[[signers]]\nname = \"Eve\"\npem = \"eve.pub\"\n");
        assert_eq!((found, grade.as_str()), (code, "command-line"));
        assert_eq!((&finding["status"], &finding["level"]), (&json!(status), &json!(level)));
        assert!(finding["found"].to_string().contains("none of its signatures (1) is"), "{finding}");
    }
    let (_, grade, _) = judged(&folder, "minimum-grade = \"recorded\"", "");
    assert_eq!(grade, "command-line");
    // Only signers with an unsuitable type of key are reported.
    let (eve, rita) =
        ("[[signers]]\nname = \"Eve\"\npem = \"eve.pub\"\n", "[[signers]]\nname = \"Rita\"\npem = \"key.pem\"\n");
    for (signers, said) in [(eve.to_owned(), false), (format!("{eve}{rita}"), true)] {
        let found = judged(&folder, "", &signers).2["found"].to_string();
        assert_eq!(found.contains("not usable for key records: signer \\\"Rita\\\""), said, "{found}");
        assert_eq!(found.contains("not usable"), said, "{found}");
    }
    // The signed content has one changed byte.
    let path = folder.path().join("key.record.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let payload = record["payload"].as_str().unwrap().replacen('A', "B", 1);
    record["payload"] = payload.into();
    fs::write(&path, record.to_string()).unwrap();
    assert_eq!(judged(&folder, "minimum-grade = \"recorded\"", BOTH).0, 1);
    // The record is malformed, and then missing.
    fs::write(&path, "{}").unwrap();
    let (code, _, finding) = judged(&folder, "minimum-grade = \"recorded\"", BOTH);
    assert!(code == 1 && finding["found"].to_string().contains("DSSE"), "{finding}");
    fs::remove_file(&path).unwrap();
    let (code, _) = report(folder.path(), &[BUNDLE, "--policy", "policy.toml"]);
    assert_eq!(code, 3);
}

#[test]
fn openssh_forms_of_the_same_keys_count_too() {
    let folder = folder();
    enroll(&folder, &["--second-copy", "copy.pem", "--second-by", "Bob"]);
    countersign(&folder, "bob.key");
    // Keys in OpenSSH's form, which python3 writes from openssl's output.
    let script = "\
import base64, subprocess, sys
def der(name): return subprocess.check_output(['openssl', 'pkey', '-pubin', '-in', name, '-outform', 'DER'])
def s(b): return len(b).to_bytes(4, 'big') + b
def line(*fields): return fields[0].decode() + ' ' + base64.b64encode(b''.join(map(s, fields))).decode()
print(line(b'ssh-ed25519', der('ada.pub')[-32:]))
print(line(b'ecdsa-sha2-nistp256', b'nistp256', der('bob.pub')[-65:]))
";
    let lines = tool("python3", &["-c", script], folder.path());
    let (ada, bob) = lines.trim().split_once('\n').unwrap();
    let signers = format!(
        "[[signers]]\nname = \"Ada\"\nssh = \"{ada} ada@example\"\n[[signers]]\nname = \"Bob\"\nssh = \"{bob}\"\n"
    );
    let (code, grade, finding) = judged(&folder, "minimum-grade = \"witnessed\"", &signers);
    assert_eq!((code, grade.as_str()), (0, "witnessed"), "{finding}");
}

#[test]
fn a_challenge_gives_the_highest_grade() {
    let folder = folder();
    let answer = enroll(&folder, &["--challenge-bundle", BUNDLE]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    assert!(answer.out.contains("challenged with commit b0398d3eeb1921c4b063ea213713c42e0c584a70"), "{}", answer.out);
    let (code, grade, _) = judged(&folder, "minimum-grade = \"challenged\"", BOTH);
    assert_eq!((code, grade.as_str()), (0, "challenged"));
}

#[test]
fn contradictory_statements_are_not_recorded() {
    let folder = folder();
    fs::copy(fixture("good-p256").join("key.pem"), folder.path().join("other.pem")).unwrap();
    fs::copy(fixture("good-p256").join(BUNDLE), folder.path().join("other.sig.tbz")).unwrap();
    fs::copy(fixture("object-missing-commit_fail").join(BUNDLE), folder.path().join("unproved.sig.tbz")).unwrap();
    fs::write(folder.path().join("half.sig.tbz"), b"BZh9").unwrap();
    tool("openssl", &["genpkey", "-algorithm", "RSA", "-out", "rsa.key"], folder.path());
    for (more, code, says) in [
        (&["--bundle", "other.sig.tbz"][..], 1, "does not verify other.sig.tbz"),
        (&["--bundle", "half.sig.tbz"], 3, "truncated"),
        (&["--second-copy", "other.pem"], 1, "the second copy is a different key"),
        (&["--second-copy", "key.pem"], 2, "the same file"),
        (&["--second-copy", "./key.pem"], 2, "the same file"),
        (&["--second-copy", "ada.key"], 2, "private key"),
        (&["--second-by", "Bob"], 2, "--second-copy"),
        (&["--challenge-bundle", "other.sig.tbz"], 1, "does not verify"),
        (&["--challenge-bundle", "unproved.sig.tbz"], 1, "is not proved"),
        (&["--sign-key", "none.key"], 2, "cannot be used multiple times"),
        (&["--to", "key.pem"], 3, "exists"),
    ] {
        let answer = enroll(&folder, more);
        assert_eq!(answer.code, code, "{more:?}: {}{}", answer.out, answer.err);
        assert!(answer.err.contains(says), "{more:?}: {}", answer.err);
        assert!(!folder.path().join("key.record.json").exists(), "{more:?}");
    }
    for (key, says) in [("rsa.key", "P-256 or Ed25519"), ("ada.pub", "PKCS#8")] {
        let line = [
            "key",
            "enroll",
            "key.pem",
            "--bundle",
            BUNDLE,
            "--obtained-by",
            "Ada",
            "--obtained-at",
            "2026-03-03T08:00:00Z",
            "--channel",
            "courier",
            "--sign-key",
            key,
        ];
        let answer = run(folder.path(), &line);
        assert!(answer.code == 2 && answer.err.contains(says), "{key}: {}", answer.err);
    }
    // A new record does not overwrite an existing record, and a key signs a record only once.
    assert_eq!(enroll(&folder, &[]).code, 0);
    assert_eq!(enroll(&folder, &[]).code, 3);
    let before = fs::read(folder.path().join("key.record.json")).unwrap();
    let answer = countersign(&folder, "ada.key");
    assert!(answer.code == 2 && answer.err.contains("already signed it"), "{}", answer.err);
    assert_eq!(fs::read(folder.path().join("key.record.json")).unwrap(), before);
}

/// Runs the program on a new terminal (with `script`) and without a terminal (with `setsid`).
#[test]
fn the_passphrase_is_read_from_the_terminal() {
    let folder = folder();
    enroll(&folder, &[]);
    let record = folder.path().join("key.record.json");
    let unsigned = fs::read(&record).unwrap();
    let lock = |form: &[&str]| {
        let line = ["pkcs8", "-topk8", "-in", "bob.key", "-out", "locked.key", "-passout", "pass:hunter2"];
        tool("openssl", &[&line, form].concat(), folder.path());
    };
    let sign = [env!("CARGO_BIN_EXE_hpsb-audit"), "key", "countersign", "key.record.json", "--sign-key", "locked.key"];
    let typed = |passphrase: &str| {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &sign.join(" "), "/dev/null"]).current_dir(folder.path());
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        script.stdin.take().unwrap().write_all(format!("{passphrase}\n").as_bytes()).unwrap();
        let output = script.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for form in [&["-v2", "aes-256-cbc"][..], &["-v2", "aes-128-cbc"], &["-scrypt"]] {
        lock(form);
        fs::write(&record, &unsigned).unwrap();
        let (code, said) = typed("hunter2");
        assert!(code == Some(0) && said.contains("Passphrase for locked.key: "), "{form:?}: {said}");
        assert_ne!(fs::read(&record).unwrap(), unsigned, "{form:?}");
    }
    fs::write(&record, &unsigned).unwrap();
    let (code, said) = typed("hunter3");
    assert!(code == Some(2) && said.contains("the passphrase does not decrypt the key"), "{said}");
    let alone = Command::new("setsid").arg("--wait").args(sign).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(alone.stderr).unwrap();
    assert!(alone.status.code() == Some(2) && said.contains("no terminal to read it from"), "{said}");
    for old in [["-v2", "des3"], ["-v1", "PBE-SHA1-3DES"]] {
        lock(&old);
        let (code, said) = typed("hunter2");
        assert!(code == Some(2) && said.contains("encryption is not supported"), "{old:?}: {said}");
    }
    assert_eq!(fs::read(&record).unwrap(), unsigned);
}

#[test]
fn openssl_verifies_signed_records() {
    let folder = folder();
    enroll(&folder, &["--second-copy", "copy.pem"]);
    countersign(&folder, "bob.key");
    // DSSE's pre-authentication encoding and the statement's digest, computed independently.
    let script = "\
import base64, hashlib, json, subprocess
envelope = json.load(open('key.record.json'))
kind, payload = envelope['payloadType'].encode(), base64.b64decode(envelope['payload'])
pae = b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(payload), payload)
open('pae', 'wb').write(pae)
for number, signature in enumerate(envelope['signatures']):
    open(f'sig{number}', 'wb').write(base64.b64decode(signature['sig']))
statement = json.loads(payload)
der = subprocess.check_output(['openssl', 'pkey', '-pubin', '-in', 'key.pem', '-outform', 'DER'])
assert statement['_type'] == 'https://in-toto.io/Statement/v1', statement
assert statement['subject'][0]['digest']['sha256'] == hashlib.sha256(der).hexdigest()
bundle = open([b for b in __import__('os').listdir('.') if b.endswith('.sig.tbz')][0], 'rb').read()
assert statement['predicate']['bundles'][0]['sha256'] == hashlib.sha256(bundle).hexdigest()
";
    let path = folder.path();
    tool("python3", &["-c", script], path);
    tool(
        "openssl",
        &["pkeyutl", "-verify", "-pubin", "-inkey", "ada.pub", "-rawin", "-in", "pae", "-sigfile", "sig0"],
        path,
    );
    tool("openssl", &["dgst", "-sha256", "-verify", "bob.pub", "-signature", "sig1", "pae"], path);
}

#[test]
fn the_fixtures_records_equal_those_of_openssl() {
    let (folder, root) = (Folder::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let (key, bundle) = (fixture("good-rsa-2048").join("key.pem"), fixture("good-rsa-2048").join(BUNDLE));
    let program = root.join("tests/tools/make-key-records");
    let arguments = [key.to_str().unwrap(), bundle.to_str().unwrap(), "made"];
    tool(program.to_str().unwrap(), &arguments, folder.path());
    let kept = fixture("inputs").join("key-records");
    let mut count = 0;
    for entry in fs::read_dir(&kept).unwrap() {
        let name = entry.unwrap().file_name();
        assert_eq!(
            fs::read(kept.join(&name)).unwrap(),
            fs::read(folder.path().join("made").join(&name)).unwrap(),
            "{name:?}"
        );
        count += 1;
    }
    assert_eq!(count, fs::read_dir(folder.path().join("made")).unwrap().count());
}

/// A folder as `fetch` leaves it, with these saved responses.
fn saved(status: Option<&str>, digest: Option<&str>, log: Option<&str>) -> Folder {
    let folder = Folder::with_fixture("good-rsa-2048");
    for (name, text) in [("status.json", status), ("image-digest.json", digest), ("server-build.log", log)] {
        text.into_iter().for_each(|text| fs::write(folder.path().join(name), text).unwrap());
    }
    folder
}

fn server_record(folder: &Folder) -> (i32, Value, Vec<Value>) {
    let (code, report) = report(folder.path(), &[".", "--key", "key.pem"]);
    let bundle = &report["reports"][0];
    let finding =
        bundle["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "server-record").unwrap();
    let facts = bundle["evidence"].as_array().unwrap().iter().filter(|fact| fact["witness"] == "server");
    (code, finding.clone(), facts.cloned().collect())
}

/// The digest of the pushed image in the fixture's log.
fn logged_digest() -> String {
    let (_, report) = report(&fixture("good-rsa-2048"), &[BUNDLE, "--key", "key.pem"]);
    let facts = report["reports"][0]["evidence"].as_array().unwrap().clone();
    let fact = facts.iter().find(|fact| fact["fact"] == "image-digest").unwrap()["value"].as_str().unwrap().to_owned();
    fact.split(' ').find(|word| word.starts_with("sha256:")).unwrap().to_owned()
}

#[test]
fn saved_answers_are_compared_with_signed_evidence() {
    let good = json!({"status": "success", "build_name": NAME, "image_tag": "v1-b0398d3"}).to_string();
    let digest = format!("\"docker.io/acme/wallet@{}\"", logged_digest());
    let (code, finding, facts) = server_record(&saved(Some(&good), Some(&digest), None));
    assert_eq!((code, &finding["status"]), (0, &json!("pass")), "{finding}");
    assert!(facts.iter().all(|fact| fact["known"] == "given"));
    let named: Vec<&str> = facts.iter().map(|fact| fact["fact"].as_str().unwrap()).collect();
    assert_eq!(named, ["status", "build-name", "tag", "image-digest"]);

    let other = format!("docker.io/acme/wallet@sha256:{}", "0".repeat(64));
    let other_name = NAME.replace("v1", "v2");
    for (status, digest, says) in [
        (json!({"status": "success", "build_name": other_name}).to_string(), None, "build name"),
        (json!({"status": "success", "image_tag": "v2-b0398d3"}).to_string(), None, "image tag"),
        (json!({"status": "success", "build_image_tag": "0.0.1"}).to_string(), None, "server version"),
        (json!({"status": "cleaned up"}).to_string(), None, "status"),
        (good.clone(), Some(json!(other).to_string()), "image digest"),
        (good.clone(), Some(digest.replace("wallet", "other")), "repository"),
        ("<html>".into(), None, "cannot be read"),
        (good.clone(), Some("{}".into()), "cannot be read"),
    ] {
        let (code, finding, _) = server_record(&saved(Some(&status), digest.as_deref(), None));
        assert_eq!((code, &finding["status"]), (1, &json!("fail")), "{says}: {finding}");
        assert!(finding["message"].as_str().unwrap().contains(says), "{says}: {finding}");
    }
}

#[test]
fn saved_answers_are_read_only_next_to_a_single_bundle() {
    let bad = json!({"status": "cleaned up"}).to_string();
    let folder = saved(Some(&bad), None, None);
    assert_eq!(server_record(&folder).0, 1);
    fs::copy(folder.path().join(BUNDLE), folder.path().join("manifest.other.sig.tbz")).unwrap();
    let (_, finding, facts) = server_record(&folder);
    assert_eq!((&finding["reason"], facts.len()), (&json!("no-evidence"), 0), "{finding}");
}

#[test]
fn secrets_in_saved_answers_are_masked_and_reported() {
    let status = json!({"status": "success", "note": "docker login --password hunter2"}).to_string();
    let folder = saved(Some(&status), None, None);
    for format in [&["--details"][..], &["--format", "json"]] {
        let line = [&["audit", ".", "--key", "key.pem", "--now", program::NOW], format].concat();
        let answer = run(folder.path(), &line);
        assert_eq!(answer.code, 0);
        assert!(
            !answer.out.contains("hunter2") && answer.out.contains("status.json contains what looks like a secret"),
            "{}",
            answer.out
        );
    }
    assert!(fs::read_to_string(folder.path().join("status.json")).unwrap().contains("hunter2"));
}

#[test]
fn a_fetched_key_is_not_trusted_and_the_bundles_that_it_verifies_are_counted() {
    let folder = Folder::new();
    for (build, source) in [("a", "good-rsa-2048"), ("b", "good-p256"), ("c", "good-rsa-2048")] {
        let path = folder.path().join(build);
        fs::create_dir(&path).unwrap();
        fs::copy(fixture(source).join(BUNDLE), path.join(BUNDLE)).unwrap();
        fs::copy(fixture(source).join("key.pem"), path.join(format!("manifest.{NAME}-public.pem"))).unwrap();
    }
    fs::copy(fixture("good-rsa-2048").join("key.pem"), folder.path().join("pinned.pem")).unwrap();
    let (code, report) = report(folder.path(), &[".", "--key", "pinned.pem"]);
    assert_eq!(code, 1);
    let given = |number: usize| {
        let facts = report["reports"][number]["evidence"].as_array().unwrap();
        facts
            .iter()
            .filter(|fact| fact["fact"] == "given-key")
            .map(|fact| fact["value"].to_string())
            .collect::<String>()
    };
    for number in [0, 2] {
        assert!(
            given(number).contains("rsa, 2048 bits") && given(number).contains("verifies 2 of 3 bundles"),
            "{}",
            given(number)
        );
    }
    // Nothing is reported about the key next to the bundle that is not verified.
    assert_eq!(given(1), "");
    assert_eq!(report["reports"][1]["verdict"], "reject");
}
