//! Signatures on the image, recorded with the real programs (`fixtures/inputs/trust`), and altered ones.

use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use super::super::FIXTURES;
use super::super::case::{Case, build_name, image_tag};
use super::super::inputs::{IMAGE_DIGEST, STAMP, log_key_id, log_public_key};
use super::super::keys::Named;

/// The time at which the notary metadata was recorded, which is the build's time in these cases.
const RECORDED: &str = "2026-11-23_20-06-00.000000";
const NOW: &str = "2026-11-30T00:00:00Z";

pub fn cases() -> Vec<Case> {
    [good_content_trust(), content_trust(), metadata(), simple_signing(), good_simple_signing(), cosign()]
        .into_iter()
        .flatten()
        .collect()
}

/// Every file below a recorded folder, by path.
fn recorded(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(below) = waiting.pop() {
        for entry in fs::read_dir(Path::new(FIXTURES).join("inputs/trust").join(folder).join(&below)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                waiting.push(format!("{name}/"));
            } else {
                files.push((name, fs::read(entry.path()).unwrap()));
            }
        }
    }
    files.sort();
    files
}

pub(super) fn file(path: &str) -> Vec<u8> {
    fs::read(Path::new(FIXTURES).join("inputs/trust").join(path)).unwrap()
}

/// The id and public key of the recorded repository's first root key.
fn root_key() -> (String, String) {
    let root: Value = serde_json::from_slice(&file("notary/first/1.root.json")).unwrap();
    let id = root["signed"]["roles"]["root"]["keyids"][0].as_str().unwrap();
    (id.into(), root["signed"]["keys"][id]["keyval"]["public"].as_str().unwrap().into())
}

/// A build at `stamp` whose log records the recorded root key.
fn built(case: Case, stamp: &str) -> Case {
    let name = build_name(&image_tag(), stamp);
    let (id, public) = root_key();
    let old = build_name(&image_tag(), STAMP);
    case.build_name(name.clone())
        .record(move |text| text.replace(&old, &name))
        .log(move |text| text.replace(&log_key_id(), &id).replace(&log_public_key(), &public))
        .now(NOW)
}

/// A build with recorded metadata next to it.
fn with_notary(case: Case, folder: &str) -> Case {
    let case = built(case, RECORDED);
    recorded(&format!("notary/{folder}"))
        .into_iter()
        .fold(case, |case, (name, bytes)| case.file(format!("trust/notary/{name}"), bytes))
}

fn good_content_trust() -> Vec<Case> {
    let good = |name: &str, about, folder: &str| {
        with_notary(Case::good(name, about), folder).expect("image-signature", "pass").expect("image-key", "pass")
    };
    vec![
        good(
            "good-trust-notary",
            "Content trust metadata as notary-server serves it; the signed log records its root key.",
            "first",
        )
        .expect("trust-freshness", "pass"),
        good("good-trust-notary-client", "A copy from notary's own client, without numbered roots.", "client-copy"),
        good("good-trust-notary-given", "A copy from notary's own client, given with --trust.", "first")
            .arguments(&["--key", "key.pem", "--trust", "trust"]),
        good(
            "good-trust-notary-delegated",
            "The tag is signed in targets/releases, which docker reads first.",
            "delegated",
        ),
        good(
            "good-trust-notary-other-role",
            "Another delegation has a different target for the tag: docker does not read it.",
            "other-role",
        ),
        good("good-trust-notary-rotated", "The root key was replaced later; the chain of roots proves it.", "rotated"),
        good(
            "good-trust-notary-years-later",
            "Everything but the root has expired by now: a warning, as for any archive.",
            "first",
        )
        .now("2035-01-01T00:00:00Z")
        .expect("trust-freshness", "fail"),
        good("good-trust-notary-by-policy", "The root key is pinned by the policy.", "first")
            .file("key.pem", Named::Server.public_pem())
            .policy(super::policy::with(&format!(
                "[[trust.signers]]\nname = \"wallet\"\nroot-key = \"{}\"\n",
                root_key().0
            ))),
    ]
}

/// The recorded metadata is valid, but not for this build.
fn content_trust() -> Vec<Case> {
    let fails = |name: &str, about, folder: &str| with_notary(Case::fails(name, "image-signature", about), folder);
    let other = "12".repeat(32);
    vec![
        fails("trust-notary-tag-removed", "The tag was removed from the signed targets.", "removed"),
        fails(
            "trust-notary-conflict",
            "targets/releases has a different digest than targets; docker uses the former.",
            "conflict",
        ),
        fails("trust-notary-other-digest", "The digest pushed in the log is not that of the signed target.", "first")
            .log(move |text| text.replace(&IMAGE_DIGEST[7..], &other)),
        fails("trust-notary-other-length", "The signed target's length is not the one in the log.", "first")
            .log(|text| text.replace("size: 1157", "size: 1158")),
        fails("trust-notary-other-repository", "Metadata of a repository other than the log's.", "first")
            .build_name(build_name(&image_tag(), RECORDED).replace("wallet", "purse"))
            .record(|text| text.replace("acme.wallet", "acme.purse"))
            .log(|text| text.replace("docker.io/acme/wallet", "docker.io/acme/purse")),
        with_notary(
            Case::fails("trust-notary-other-root-key", "image-signature", "The log records a different root key."),
            "first",
        )
        .log(|text| text.replace(&root_key().0, &log_key_id()).replace(&root_key().1, &log_public_key())),
        Case::rejected("trust-notary-no-key", "Neither the log nor a policy names a root key.")
            .expect("image-signature", "unknown")
            .expect("image-key", "not-run: refused")
            .also(|case| with_notary(case, "first"))
            .log(|text| super::without(&text, &["keyid=", "publickey="])),
        Case::rejected(
            "trust-notary-half-a-key",
            "The log has a certificate without its key id: it records a key but does not identify it.",
        )
        .also(|case| with_notary(case, "first"))
        .log(|text| super::without(&text, &["keyid="]))
        .file("key.pem", Named::Server.public_pem())
        .policy(super::policy::with(&format!(
            "[[trust.signers]]\nname = \"wallet\"\nroot-key = \"{}\"\n",
            root_key().0
        )))
        .expect("image-signature", "pass")
        .expect("image-key", "unknown"),
        fails(
            "trust-notary-expired-at-build",
            "The build is from 2032: targets.json had expired when it was made.",
            "first",
        )
        .also(|case| built(case, "2032-01-01_00-00-00.000000"))
        .record(|text| text.replace(RECORDED, "2032-01-01_00-00-00.000000"))
        .now("2032-01-02T00:00:00Z"),
        fails("trust-notary-before-certificate", "The build is older than the root key's certificate.", "first")
            .build_name(build_name(&image_tag(), STAMP))
            .record(|text| text.replace(RECORDED, STAMP)),
        Case::fails(
            "trust-notary-logged-other-key",
            "image-key",
            "The root key that the policy pins signed the image; the log records a different one.",
        )
        .also(|case| with_notary(case, "first"))
        .log(|text| text.replace(&root_key().0, &log_key_id()).replace(&root_key().1, &log_public_key()))
        .file("key.pem", Named::Server.public_pem())
        .policy(super::policy::with(&format!(
            "[[trust.signers]]\nname = \"wallet\"\nroot-key = \"{}\"\n",
            root_key().0
        )))
        .expect("image-signature", "pass"),
        Case::fails("trust-notary-policy-other-key", "image-signature", "The policy pins a different root key.")
            .also(|case| with_notary(case, "first"))
            .file("key.pem", Named::Server.public_pem())
            .policy(super::policy::with(&format!(
                "[[trust.signers]]\nname = \"wallet\"\nroot-key = \"{}\"\n",
                "0".repeat(64)
            ))),
    ]
}

/// Recorded metadata that was altered.
fn metadata() -> Vec<Case> {
    let fails = |name: &str, about, folder: &str| with_notary(Case::fails(name, "image-signature", about), folder);
    let changed = |name: &str, about, role: &str, from: &str, to: &str| {
        let path = format!("notary/first/{role}.json");
        let text = String::from_utf8(file(&path)).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        fails(name, about, "first").file(format!("trust/{path}").replace("first/", ""), text.replacen(from, to, 1))
    };
    let mixed = |name: &str, about, role: &str| {
        fails(name, about, "first")
            .file(format!("trust/notary/{role}.json"), file(&format!("notary/delegated/{role}.json")))
    };
    vec![
        changed("trust-notary-altered-target", "A target's length is changed.", "targets", "1157", "1158"),
        changed(
            "trust-notary-altered-blank",
            "A space was added to targets.json: the hash covers the file as stored.",
            "targets",
            "{",
            "{ ",
        ),
        changed(
            "trust-notary-duplicate-key",
            "timestamp.json has a version twice.",
            "timestamp",
            "\"version\":",
            "\"version\":9,\"version\":",
        ),
        changed(
            "trust-notary-fraction",
            "A version is a fraction.",
            "timestamp",
            "\"version\":",
            "\"x\":1.5,\"version\":",
        ),
        changed(
            "trust-notary-large-integer",
            "A number beyond 2^53.",
            "timestamp",
            "\"version\":",
            "\"x\":9007199254740993,\"version\":",
        ),
        changed("trust-notary-version-zero", "A version of zero.", "timestamp", "\"version\":4", "\"version\":0"),
        changed(
            "trust-notary-wrong-type",
            "timestamp.json has the type of a snapshot.",
            "timestamp",
            "\"_type\":\"Timestamp\"",
            "\"_type\":\"Snapshot\"",
        ),
        changed(
            "trust-notary-no-signatures",
            "timestamp.json has no signature.",
            "timestamp",
            "\"signatures\":[",
            "\"signatures\":[],\"x\":[",
        ),
        changed(
            "trust-notary-threshold-zero",
            "The root requires no signature on timestamp.json.",
            "root",
            "\"threshold\":1",
            "\"threshold\":0",
        ),
        mixed("trust-notary-mixed-targets", "targets.json is later than the snapshot.", "targets"),
        mixed("trust-notary-mixed-snapshot", "snapshot.json is later than the timestamp.", "snapshot"),
        fails("trust-notary-rollback", "root.json is an older root than the numbered ones.", "rotated")
            .file("trust/notary/root.json", file("notary/rotated/2.root.json")),
        fails("trust-notary-two-roots", "root.json and 2.root.json are different roots of one version.", "first")
            .file("trust/notary/2.root.json", [file("notary/first/2.root.json"), b"\n".to_vec()].concat()),
        fails("trust-notary-numbered-wrong", "2.root.json is the first root.", "first")
            .file("trust/notary/2.root.json", file("notary/first/1.root.json")),
        Case::fails(
            "trust-notary-rotated-no-chain",
            "image-signature",
            "The root key was replaced, and the earlier roots are missing.",
        )
        .also(|case| built(case, RECORDED))
        .also(|case| {
            let files = recorded("notary/rotated").into_iter().filter(|(name, _)| !name.ends_with(".root.json"));
            files.fold(case, |case, (name, bytes)| case.file(format!("trust/notary/{name}"), bytes))
        }),
        Case::rejected("trust-notary-no-timestamp", "timestamp.json is missing: nothing can be concluded.")
            .expect("image-signature", "unknown")
            .also(|case| built(case, RECORDED))
            .also(|case| {
                let files = recorded("notary/first").into_iter().filter(|(name, _)| name != "timestamp.json");
                files.fold(case, |case, (name, bytes)| case.file(format!("trust/notary/{name}"), bytes))
            }),
        fails(
            "trust-notary-releases-altered",
            "targets/releases is changed: what docker would see there is unknown.",
            "delegated",
        )
        .file("trust/notary/targets/releases.json", {
            let text = String::from_utf8(file("notary/delegated/targets/releases.json")).unwrap();
            text.replacen("1157", "1158", 1)
        }),
        Case::rejected("trust-required-missing", "The policy requires the group, and there are no signatures.")
            .expect("image-signature", "not-run")
            .arguments(&["--key", "key.pem", "--require", "trust"]),
        Case::rejected("trust-nothing-known", "The given file is not a signature of an image.")
            .expect("image-signature", "not-run")
            .file("trust/notes.txt", "nothing to see")
            .arguments(&["--key", "key.pem", "--trust", "trust"]),
    ]
}

/// A build whose log contains the digest of the recorded manifest, and no content-trust key.
pub(super) fn signed_image(case: Case, trust: &str) -> Case {
    let manifest = file("simple-signing/manifest.json");
    let digest = hpsb_audit::Sha256::of(&manifest).to_string();
    let size = format!("size: {}", manifest.len());
    let case = case
        .log(move |text| {
            let text = text.replace(IMAGE_DIGEST, &digest).replace("size: 1157", &size);
            super::without(&text, &["keyid=", "publickey=", "signed"])
        })
        .file("key.pem", Named::Server.public_pem());
    case.policy(super::policy::with(trust))
}

/// A policy that specifies people's OpenPGP keys.
fn people(names: &[&str]) -> String {
    let signer = |name: &&str| {
        let fingerprint = String::from_utf8(file(&format!("simple-signing/{name}.fingerprint"))).unwrap();
        format!(
            "[[trust.signers]]\nname = \"{name}\"\nopenpgp = \"{name}.asc\"\nfingerprint = \"{}\"\n",
            fingerprint.trim()
        )
    };
    names.iter().map(signer).collect()
}

/// The recorded message `name` next to a build whose policy specifies `who`.
fn message(case: Case, name: &str, who: &str) -> Case {
    signed_image(case, &people(&[who]))
        .file(format!("{who}.asc"), file(&format!("simple-signing/{who}.asc")))
        .file("trust/simple-signing/signature-1", file(&format!("simple-signing/{name}")))
        .feature("openpgp")
}

fn good_simple_signing() -> Vec<Case> {
    let good = |name: &str, about, recorded: &str, who: &str| {
        message(Case::good(name, about), recorded, who).expect("image-signature", "pass").expect("image-key", "pass")
    };
    let extension = |name: &str| {
        let content = super::super::encoding::base64(&file(&format!("simple-signing/{name}")));
        format!(
            "{{\"signatures\":[{{\"schemaVersion\":2,\"name\":\"sha256:00@1\",\"type\":\"atomic\",\"content\":\"{content}\"}}]}}"
        )
    };
    vec![
        good("good-trust-skopeo", "Simple signing as skopeo standalone-sign writes it.", "skopeo", "carol"),
        good("good-trust-gpg-primary", "Signed by the primary key.", "primary", "ada"),
        good("good-trust-gpg-subkey", "Signed by a subkey; the policy names the primary key.", "subkey", "ada"),
        good("good-trust-gpg-uncompressed", "A message that is not compressed.", "uncompressed", "ada"),
        good("good-trust-gpg-expires", "The signature will expire.", "expires", "ada").now("2026-03-02T12:00:00Z"),
        good(
            "good-trust-gpg-subkey-revoked-later",
            "The subkey was revoked later; the primary key signed.",
            "primary",
            "ada",
        )
        .file("ada.asc", file("simple-signing/ada-subkey-revoked.asc")),
        signed_image(
            Case::good("good-trust-signatures-extension", "An answer of a registry with the signatures extension."),
            &people(&["ada"]),
        )
        .file("ada.asc", file("simple-signing/ada.asc"))
        .file("trust/simple-signing/signatures.json", extension("primary"))
        .feature("openpgp")
        .expect("image-signature", "pass"),
        two_signers(Case::good("good-trust-two-of-two", "Both signers signed."), &["primary", "skopeo"])
            .expect("image-signature", "pass"),
    ]
}

fn two_signers(case: Case, messages: &[&str]) -> Case {
    let case = signed_image(case, &format!("[trust]\nminimum = 2\n{}", people(&["ada", "carol"])))
        .file("ada.asc", file("simple-signing/ada.asc"))
        .file("carol.asc", file("simple-signing/carol.asc"))
        .feature("openpgp");
    messages.iter().enumerate().fold(case, |case, (at, name)| {
        case.file(format!("trust/simple-signing/signature-{}", at + 1), file(&format!("simple-signing/{name}")))
    })
}

fn simple_signing() -> Vec<Case> {
    let fails = |name: &str, about, recorded: &str, who: &str| {
        message(Case::fails(&format!("trust-gpg-{name}"), "image-signature", about), recorded, who)
    };
    let unknown = |name: &str, about, recorded: &str, who: &str| {
        let case = Case::rejected(&format!("trust-gpg-{name}"), about).expect("image-signature", "unknown");
        message(case, recorded, who)
    };
    vec![
        fails("other-reference", "The payload is for a different repository.", "other-reference", "ada"),
        fails("no-tag", "The payload's name has neither tag nor digest.", "no-tag", "ada"),
        fails("other-digest", "The payload is for a different digest.", "other-digest", "ada"),
        fails("unknown-member", "The payload has an unknown field.", "unknown-member", "ada"),
        fails("duplicate-member", "The payload has a duplicate field.", "duplicate-member", "ada"),
        fails("expired", "The signature has expired.", "expires", "ada"),
        fails("key-expired", "The key had expired when it signed.", "key-expired", "dave"),
        fails(
            "subkey-revoked",
            "The subkey was lost a week later: anyone with the subkey can backdate a signature.",
            "subkey",
            "ada",
        )
        .file("ada.asc", file("simple-signing/ada-subkey-revoked.asc")),
        fails("sha1", "Signed with SHA-1.", "sha1", "ada"),
        fails("unsigned", "A literal message without a signature.", "unsigned", "ada"),
        fails("encrypted", "An encrypted message.", "encrypted", "ada"),
        fails("clear-signed", "A clear-signed text.", "clear-signed", "ada"),
        fails("detached", "A signature without its payload.", "detached", "ada"),
        fails("two-signatures", "One message with two signatures.", "two-signatures", "ada"),
        fails("altered", "One byte of the message is changed.", "uncompressed", "ada").file(
            "trust/simple-signing/signature-1",
            {
                let mut bytes = file("simple-signing/uncompressed");
                let at = bytes.windows(6).position(|window| window == b"wallet").unwrap();
                bytes[at] = b'W';
                bytes
            },
        ),
        fails("trailing-bytes", "Something follows the message.", "uncompressed", "ada").file(
            "trust/simple-signing/signature-1",
            [file("simple-signing/uncompressed"), file("simple-signing/unsigned")].concat(),
        ),
        unknown("unknown-key", "Signed by a key that the policy does not name.", "eve", "ada"),
        fails(
            "exact-name",
            "The policy requires the exact name, and the payload names a different tag.",
            "primary",
            "ada",
        )
        .policy(super::policy::with(&format!(
            "[trust]\nsigned-as = \"docker.io/acme/wallet:v2\"\n{}",
            people(&["ada"])
        ))),
        two_signers(
            Case::fails("trust-one-of-two", "image-signature", "The policy requires two signers; one signed twice."),
            &["primary", "subkey"],
        ),
    ]
}

/// Adds line breaks to long base64 strings, as in PEM. Log checkpoints and digests stay unchanged.
pub fn break_lines(value: &mut Value) {
    const WIDTH: usize = 64;
    let is_base64 = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    match value {
        Value::Object(members) => members.values_mut().for_each(break_lines),
        Value::Array(values) => values.iter_mut().for_each(break_lines),
        Value::String(text) if text.len() > WIDTH && is_base64(text) => {
            let lines: Vec<&str> =
                text.as_bytes().chunks(WIDTH).map(|line| std::str::from_utf8(line).unwrap()).collect();
            *text = lines.join("\r\n") + "\n";
        }
        _ => {}
    }
}

fn cosign() -> Vec<Case> {
    let policy = "[[trust.signers]]\nname = \"release\"\ncosign = \"cosign.pub\"\n";
    let with = |case: Case, files: &[&str]| {
        let case = signed_image(case, policy).file("cosign.pub", file("cosign/release.pub"));
        files.iter().fold(case, |case, name| case.file(format!("trust/cosign/{name}"), file(&format!("cosign/{name}"))))
    };
    let good = |name: &str, about, files: &[&str]| {
        with(Case::good(name, about), files).expect("image-signature", "pass").expect("image-key", "pass")
    };
    let fails = |name: &str, about, files: &[&str]| with(Case::fails(name, "image-signature", about), files);
    let unknown = |name: &str, about, files: &[&str]| {
        with(Case::rejected(name, about).expect("image-signature", "unknown"), files)
    };
    let text = |name: &str| String::from_utf8(file(&format!("cosign/{name}"))).unwrap();
    // A cosign signature in the form that skopeo writes into a `dir:` layout.
    let stored = |payload: &str| {
        let manifest: Value = serde_json::from_slice(&file("cosign/manifest.json")).unwrap();
        let (layer, payload) = (&manifest["layers"][0], Base64::encode_string(&file(&format!("cosign/{payload}"))));
        let document = json!({"mimeType": layer["mediaType"], "payload": payload, "annotations": layer["annotations"]});
        format!("\0sigstore-json\n{document}")
    };
    let in_lines = |name: &str| {
        let mut document: Value = serde_json::from_slice(&file(&format!("cosign/{name}"))).unwrap();
        break_lines(&mut document);
        document
    };
    vec![
        good("good-trust-cosign", "A cosign .sig manifest with its payload.", &["manifest.json", "payload.json"]),
        good(
            "good-trust-cosign-lines",
            "The signature in a .sig manifest has line breaks in its base64.",
            &["payload.json"],
        )
        .file("trust/cosign/manifest.json", in_lines("manifest.json").to_string()),
        good("good-trust-cosign-bundle-lines", "A bundle with line breaks in its base64 and null fields.", &[]).file(
            "trust/cosign/bundle.json",
            {
                let mut bundle = in_lines("bundle.json");
                bundle["messageSignature"] = Value::Null;
                bundle["verificationMaterial"]["certificate"] = Value::Null;
                bundle["verificationMaterial"]["tlogEntries"] = Value::Null;
                bundle.to_string()
            },
        ),
        good("good-trust-cosign-stored", "A skopeo signature-N file with a cosign signature.", &[])
            .file("trust/signature-1", stored("payload.json")),
        fails("trust-cosign-stored-payload", "A signature-N file with the payload of a different signature.", &[])
            .file("trust/signature-1", stored("payload-other-digest.json")),
        unknown("trust-cosign-stored-unknown", "A signature-N file in an unknown form.", &[])
            .file("trust/signature-1", stored("payload.json").replace("sigstore-json", "another-json")),
        good(
            "good-trust-cosign-bundle",
            "A sigstore bundle with a signed statement, as cosign 3 attaches it.",
            &["bundle.json"],
        ),
        good(
            "good-trust-cosign-message",
            "A sigstore bundle with a signature of the manifest itself.",
            &["bundle-message.json"],
        ),
        fails(
            "trust-cosign-other-digest",
            "The payload is for a different digest.",
            &["manifest-other-digest.json", "payload-other-digest.json"],
        ),
        fails(
            "trust-cosign-bundle-other-digest",
            "The statement is about a different digest.",
            &["bundle-other-digest.json"],
        ),
        fails("trust-cosign-other-key", "Signed by a key other than the policy's.", &["manifest.json", "payload.json"])
            .file("cosign.pub", file("cosign/other.pub")),
        fails("trust-cosign-bundle-other-key", "The bundle is signed by a different key.", &["bundle.json"])
            .file("cosign.pub", file("cosign/other.pub")),
        fails("trust-cosign-bundle-altered", "The statement's type is changed.", &[]).file(
            "trust/cosign/bundle.json",
            text("bundle.json").replace("application/vnd.in-toto+json", "application/vnd.in-toto.json"),
        ),
        unknown(
            "trust-cosign-attestation",
            "A signed attestation is not a signature of the image.",
            &["bundle-attestation.json"],
        ),
        unknown("trust-cosign-no-payload", "The payload is missing.", &["manifest.json"]),
        fails("trust-cosign-keyless", "The certificate field contains something that is not a certificate.", &[])
            .file(
                "trust/cosign/bundle.json",
                text("bundle.json")
                    .replace("\"publicKey\":{\"hint\":\"release\"}", "\"certificate\":{\"rawBytes\":\"MAA=\"}"),
            )
            .feature("sigstore"),
        fails(
            "trust-cosign-borrowed-signature",
            "The key's signature of a payload is used in place of its signature of the manifest.",
            &[],
        )
        .file("trust/cosign/bundle.json", {
            let manifest: Value = serde_json::from_slice(&file("cosign/manifest.json")).unwrap();
            let payload = &manifest["layers"][0]["annotations"]["dev.cosignproject.cosign/signature"];
            let mut bundle: Value = serde_json::from_slice(&file("cosign/bundle-message.json")).unwrap();
            bundle["messageSignature"]["signature"] = payload.clone();
            bundle.to_string()
        }),
        fails("trust-cosign-two-contents", "A bundle with a signed statement and a signature of the manifest.", &[])
            .file("trust/cosign/bundle.json", {
                let message: Value = serde_json::from_slice(&file("cosign/bundle-message.json")).unwrap();
                let mut bundle: Value = serde_json::from_slice(&file("cosign/bundle.json")).unwrap();
                bundle["messageSignature"] = message["messageSignature"].clone();
                bundle.to_string()
            }),
        fails("trust-cosign-two-signatures", "A signed statement with two good signatures.", &[]).file(
            "trust/cosign/bundle.json",
            {
                let mut bundle: Value = serde_json::from_slice(&file("cosign/bundle.json")).unwrap();
                let signatures = bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
                signatures.push(signatures[0].clone());
                bundle.to_string()
            },
        ),
        unknown("trust-cosign-bundle-unknown", "A bundle of an unknown version.", &[])
            .file("trust/cosign/bundle.json", text("bundle.json").replace("v0.3+json", "v0.9+json")),
        unknown("trust-cosign-no-policy", "The policy names no cosign key.", &["manifest.json", "payload.json"])
            .policy(super::policy::with("")),
    ]
}
