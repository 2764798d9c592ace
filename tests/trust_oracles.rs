//! Compares answers about image signatures with those of skopeo and gpg, and reads the repositories of notary's own tests.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod case_file;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use case_file::CaseFile;
use program::{Folder, answer, command, fixture, has_feature};

/// The image name in the recorded messages.
const NAME: &str = "docker.io/acme/wallet:v1-b0398d3";

/// Cases that skopeo with gpg 2.2 accepts and this program does not, each with the reason.
const STRICTER: &[(&str, &str)] = &[
    (
        "trust-gpg-clear-signed_fail",
        "skopeo 1.9 leaves the format to gpg; containers-signature(5) does not allow clear-signed text",
    ),
    (
        "trust-gpg-exact-name_fail",
        "the policy requires a different name; standalone-verify uses no policy, and with one skopeo refuses too",
    ),
    (REVOKED_BY_ANOTHER, "gpg does not have the revoking key, and accepts the signature"),
    ("trust-gpg-sha1_fail", "gpg 2.2 accepts SHA-1 in data signatures"),
    ("trust-gpg-short-key_fail", "gpg 2.2 accepts RSA keys of 1024 bits"),
    ("trust-gpg-version-3_fail", "gpg 2.2 accepts version 3 signatures"),
];

const REVOKED_BY_ANOTHER: &str = "trust-gpg-key-revoked-by-another_fail";

/// Cases that this program accepts and skopeo with gpg 2.2 does not, each with the reason.
const LENIENT: &[(&str, &str)] = &[
    ("good-trust-gpg-expired-since", "gpg checks the key today, this program at the time of the signature"),
    (
        "good-trust-gpg-key-replaced-later",
        "gpg checks today whether the key was replaced; this program accepts its earlier signatures",
    ),
    ("good-trust-gpg-subkey", "skopeo 1.9 compares the subkey's fingerprint, later versions the primary key's"),
];

/// The value of `name = "…"` in a policy.
fn field(policy: &str, name: &str) -> String {
    let line = policy.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap_or_else(|| panic!("{name}"));
    line.split('"').nth(1).unwrap().to_owned()
}

/// Whether `skopeo standalone-verify` accepts the fixture's message, as of the fixture's time.
fn skopeo_accepts(folder: &Path, home: &Path) -> bool {
    let policy = fs::read_to_string(folder.join("policy.toml")).unwrap();
    let now = CaseFile::read(folder).now();
    let moment: String = now.trim_end_matches('Z').chars().filter(|c| !"-:".contains(*c)).collect();
    fs::write(home.join("gpg.conf"), format!("faked-system-time {moment}\n")).unwrap();
    let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
        let output = Command::new(program).args(arguments).env("GNUPGHOME", home).output();
        output.unwrap_or_else(|error| panic!("{program} is needed: {error}")).status.success()
    };
    let certificate = folder.join(field(&policy, "openpgp"));
    assert!(run("gpg", &["--batch".as_ref(), "--import".as_ref(), certificate.as_os_str()]), "{}", folder.display());
    let manifest = fixture("inputs/trust/simple-signing/manifest.json");
    let fingerprint = field(&policy, "fingerprint").to_uppercase();
    let message = folder.join("trust/simple-signing/signature-1");
    run(
        "skopeo",
        &["standalone-verify".as_ref(), manifest.as_ref(), NAME.as_ref(), fingerprint.as_ref(), message.as_ref()],
    )
}

/// Whether skopeo copies the image under a policy that requires the fixture's name and certificate.
/// The gpg that skopeo runs always uses today's time.
fn skopeo_policy_accepts(folder: &Path, scratch: &Path) -> bool {
    let policy = fs::read_to_string(folder.join("policy.toml")).unwrap();
    let name = if policy.contains("signed-as = ") { field(&policy, "signed-as") } else { NAME.to_owned() };
    let image = scratch.join("image");
    fs::create_dir(&image).unwrap();
    let config = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    fs::write(image.join(config), "{}").unwrap();
    fs::write(image.join("version"), "Directory Transport Version: 1.1\n").unwrap();
    fs::copy(fixture("inputs/trust/simple-signing/manifest.json"), image.join("manifest.json")).unwrap();
    fs::copy(folder.join("trust/simple-signing/signature-1"), image.join("signature-1")).unwrap();
    let wanted = serde_json::json!([{
        "type": "signedBy", "keyType": "GPGKeys", "keyPath": folder.join(field(&policy, "openpgp")),
        "signedIdentity": { "type": "exactReference", "dockerReference": name },
    }]);
    let policy = serde_json::json!({ "default": [{ "type": "reject" }], "transports": { "dir": { "": wanted } } });
    fs::write(scratch.join("policy.json"), policy.to_string()).unwrap();
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--policy", "policy.json", "copy", "dir:image", "dir:copy"]).current_dir(scratch);
    let output = skopeo.output().unwrap_or_else(|error| panic!("skopeo is needed: {error}"));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || talk.contains("Source image rejected"), "{}: {talk}", folder.display());
    output.status.success()
}

fn we_accept(folder: &Path) -> bool {
    let case = CaseFile::read(folder);
    let mut program = command(folder);
    let answer =
        answer(program.arg("audit").arg(".").args(case.args()).args(["--now", &case.now(), "--format", "json"]));
    let report: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    // If the policy is refused, the report has no findings.
    let findings = report["reports"][0]["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().any(|finding| finding["check"] == "image-signature" && finding["status"] == "pass")
}

/// Every fixture with one message and a key for it, by name.
fn messages() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| {
        let messages = folder.join("trust/simple-signing");
        let one = messages.join("signature-1").exists() && !messages.join("signature-2").exists();
        one && fs::read_to_string(folder.join("policy.toml")).unwrap_or_default().contains("fingerprint = ")
    });
    folders.sort();
    folders
}

/// Compares this program's answers with those of a different program: they differ only as listed.
fn compare(theirs: impl Fn(&Path, &Path) -> bool, stricter: &[(&str, &str)], lenient: &[(&str, &str)]) {
    let (mut only_theirs, mut only_ours) = (Vec::new(), Vec::new());
    let (mut good, mut bad) = (0, 0);
    for folder in messages() {
        let scratch = Folder::new();
        let (theirs, ours) = (theirs(&folder, scratch.path()), we_accept(&folder));
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if ours {
            good += 1
        } else {
            bad += 1
        }
        match (theirs, ours) {
            (true, false) => only_theirs.push(name),
            (false, true) => only_ours.push(name),
            _ => {}
        }
    }
    assert!(good > 5 && bad > 15, "{good} and {bad} fixtures");
    let names = |list: &[(&str, &str)]| list.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!((only_theirs, only_ours), (names(stricter), names(lenient)));
}

#[test]
fn skopeo_and_gpg_give_the_same_answers() {
    if !has_feature("openpgp") {
        return;
    }
    let theirs = |folder: &Path, home: &Path| {
        let accepts = skopeo_accepts(folder, home);
        Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home).status().unwrap();
        accepts
    };
    compare(theirs, STRICTER, LENIENT);
}

#[test]
fn skopeo_gives_the_same_answers_under_a_policy() {
    if !has_feature("openpgp") {
        return;
    }
    let by_form = ["trust-gpg-clear-signed_fail", "trust-gpg-exact-name_fail"];
    let stricter: Vec<_> = STRICTER.iter().filter(|(name, _)| !by_form.contains(name)).copied().collect();
    let expired = (
        "good-trust-gpg-expires",
        "gpg checks whether the signature is expired today, the fixture whether it was then",
    );
    let mut lenient = [LENIENT, &[expired]].concat();
    lenient.sort_unstable();
    compare(skopeo_policy_accepts, &stricter, &lenient);
}

/// The repositories that notary's own tests read (Debian's golang-github-docker-notary-dev, unpacked by `tests/run`).
fn notary_repositories() -> PathBuf {
    let top = "usr/share/gocode/src/github.com/theupdateframework/notary/fixtures/compatibility";
    let places = [Path::new(env!("CARGO_MANIFEST_DIR")).join("target/go-dev"), PathBuf::from("/")];
    let found = places.iter().map(|place| place.join(top)).find(|folder| folder.exists());
    found.expect("golang-github-docker-notary-dev is needed: tests/run unpacks it below target/")
}

fn show(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let answer = answer(command(Path::new(".")).arg("trust").arg(folder).args(arguments));
    (answer.code, answer.out)
}

#[test]
fn the_repositories_of_notarys_own_tests_are_read() {
    // The version, name, root key and targets of each repository, as listed in that package's README.md.
    let old = "4ff57dc987163053a12c066f2dd36b1ae6037a92f5416d381fe311a3db1868d8";
    let license = "LICENSE sha256:9395bac6fccb26bcb55efb083d1b4b0fe72a1c25f959f056c016120b3bb56a62 (11309 bytes)";
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 (0 bytes)";
    let new = "354e203ba09dbe17807b6a9d191bff887167c06d121e738d849446a9c76c2866";
    let cases = [
        ("notary0.1", "docker.com/notary0.1/samplerepo", old, vec![format!("targets {license}")]),
        (
            "notary0.3",
            "docker.com/notary0.3/tst",
            new,
            vec![
                format!("targets {license}"),
                format!("targets change {empty}"),
                format!("targets/releases hello {empty}"),
            ],
        ),
    ];
    for (version, name, root, targets) in cases {
        let folder = notary_repositories().join(version).join("tuf").join(name).join("metadata");
        let scratch = Folder::new();
        let policy = scratch.path().join("policy.toml");
        let pinned = |key: &str| {
            let signer =
                format!("version = 1\nrequire = [\"trust\"]\n[[trust.signers]]\nname = \"a\"\nroot-key = \"{key}\"\n");
            fs::write(&policy, signer).unwrap();
            show(&folder, &["--policy", policy.to_str().unwrap()])
        };
        let (code, text) = pinned(root);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code, 0, "{text}");
        assert!(words.contains("content trust : trusted"), "{text}");
        assert!(words.contains(&format!("root certificate {name}, from ")), "{text}");
        for target in &targets {
            assert!(words.contains(target), "{target}: {text}");
        }
        assert_eq!(words.matches(" bytes)").count(), targets.len(), "{text}");
        let (_, text) = pinned(&"0".repeat(64));
        assert!(!text.contains(": trusted") && !text.contains(" bytes)"), "{text}");
        altered(&folder, &policy, root, scratch.path());
    }
}

/// Changes one digit of the first signature in each file, one file at a time.
fn altered(folder: &Path, policy: &Path, root: &str, scratch: &Path) {
    fs::write(
        policy,
        format!("version = 1\nrequire = [\"trust\"]\n[[trust.signers]]\nname = \"a\"\nroot-key = \"{root}\"\n"),
    )
    .unwrap();
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let copy = scratch.join(role);
        fs::create_dir(&copy).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
            }
        }
        let file = copy.join(format!("{role}.json"));
        let text = fs::read_to_string(&file).unwrap();
        let at = text.find("\"sig\":\"").unwrap() + 20;
        let digit = if &text[at..=at] == "A" { "B" } else { "A" };
        fs::write(&file, format!("{}{digit}{}", &text[..at], &text[at + 1..])).unwrap();
        let (_, text) = show(&copy, &["--policy", policy.to_str().unwrap()]);
        assert!(!text.contains(": trusted"), "{role}: {text}");
    }
}

/// A fixture's files, except its signatures, which are copied from these folders, each to `trust/NAME`.
fn with_signatures(name: &str, signatures: &[(&str, PathBuf)]) -> Folder {
    let folder = Folder::new();
    for file in fs::read_dir(fixture(name)).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        folder.write(file.file_name().unwrap().to_str().unwrap(), fs::read(&file).unwrap());
    }
    fs::create_dir(folder.path().join("trust")).unwrap();
    for (name, from) in signatures {
        let copied = Command::new("cp").arg("-r").arg(from).arg(folder.path().join("trust").join(name)).status();
        assert!(copied.unwrap().success());
    }
    folder
}

fn bundle_in(folder: &Folder) -> String {
    let mut names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.find(|name| name.ends_with(".sig.tbz")).unwrap()
}

/// A client of TUF that has seen the newer metadata refuses the older as a rollback.
#[test]
fn an_older_state_of_a_repository_does_not_count_beside_a_newer_one() {
    let first = "good-trust-notary";
    let audit = |folder: &Folder| {
        let (mut audit, bundle) = (command(folder.path()), bundle_in(folder));
        audit.args(["audit", &bundle, "--key", "key.pem", "--trust", "trust", "--now", "2026-11-30T00:00:00Z"]);
        answer(audit.arg("--details"))
    };
    for (states, code) in [
        (&[("aa", first)][..], 0),
        (&[("aa", first), ("bb", first)], 0),
        (&[("aa", first), ("bb", "trust-notary-tag-removed_fail")], 1),
        (&[("bb", first), ("aa", "trust-notary-tag-removed_fail")], 1),
        (&[("aa", first), ("bb", "trust-notary-conflict_fail")], 1),
    ] {
        let from: Vec<(&str, PathBuf)> =
            states.iter().map(|(name, state)| (*name, fixture(state).join("trust/notary"))).collect();
        let folder = with_signatures(first, &from);
        let newer =
            states.iter().find(|(_, state)| *state != first).map(|(name, _)| folder.path().join("trust").join(name));
        // Without its last files, the newer state is still the newer one.
        for lost in [None, Some("targets.json"), Some("snapshot.json")] {
            if let (Some(newer), Some(file)) = (&newer, lost) {
                fs::remove_file(newer.join(file)).unwrap();
            }
            let answer = audit(&folder);
            assert_eq!(answer.code, code, "{states:?} {lost:?}: {}", answer.out);
            let is_overtaken = answer.out.contains("has newer or different metadata of the same repository");
            assert_eq!(is_overtaken, code == 1, "{states:?} {lost:?}: {}", answer.out);
        }
    }
}

/// The three are one `oneof` in sigstore's protocol: other programs refuse the file, or use the one that comes last.
#[test]
fn a_bundle_has_exactly_one_kind_of_signer() {
    if !has_feature("sigstore") {
        return;
    }
    let from = fixture("good-trust-sigstore").join("trust/cosign");
    let folder = with_signatures("good-trust-sigstore", &[("cosign", from.clone())]);
    let audit = || {
        let (mut audit, bundle) = (command(folder.path()), bundle_in(&folder));
        audit.args([
            "audit",
            &bundle,
            "--policy",
            "policy.toml",
            "--trust",
            "trust",
            "--now",
            program::NOW,
            "--details",
        ]);
        answer(&mut audit)
    };
    let text = fs::read_to_string(from.join("statement.json")).unwrap();
    let sound = audit();
    assert_eq!(sound.code, 0, "{}", sound.out);
    // Under its other spelling, other programs read the same member.
    let sound: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (place, name) in [("/verificationMaterial", "public_key"), ("", "dsse_envelope")] {
        let mut bundle = sound.clone();
        bundle.pointer_mut(place).unwrap()[name] = serde_json::json!({});
        folder.write("trust/cosign/statement.json", bundle.to_string());
        let undecided = audit();
        assert!(undecided.code == 1 && undecided.out.contains("the bundle has a member"), "{name}: {}", undecided.out);
    }
    let mut bundle = sound;
    bundle["verificationMaterial"]["x509CertificateChain"] = serde_json::json!({"certificates": []});
    folder.write("trust/cosign/statement.json", bundle.to_string());
    let refused = audit();
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.out.contains("exactly one of publicKey, certificate and x509CertificateChain"), "{}", refused.out);
}
