//! Signatures with short-lived certificates ("keyless"), recorded by `fixtures/inputs/trust/record-sigstore.py`. sigstore-python gave the same
//! answers for the recorded bundles.

use serde_json::Value;

use super::super::case::Case;
use super::trust::{file, signed_image};

const IDENTITY: &str = "https://github.com/acme/wallet/.github/workflows/release.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// A policy that specifies an identity, with a trusted root.
fn policy(identity: &str, issuer: &str) -> String {
    format!(
        "[[trust.signers]]\nname = \"release workflow\"\nsigstore-root = \"root.json\"\nidentity = \"{identity}\"\nissuer = \"{issuer}\"\n"
    )
}

fn recorded(name: &str) -> Vec<u8> {
    file(&format!("sigstore/{name}"))
}

/// Recorded files next to a build whose policy specifies the recorded identity.
fn keyless(case: Case, files: &[&str]) -> Case {
    let case =
        signed_image(case, &policy(IDENTITY, ISSUER)).file("root.json", recorded("root.json")).feature("sigstore");
    files.iter().fold(case, |case, name| case.file(format!("trust/cosign/{name}"), recorded(name)))
}

/// The recorded bundle with part of its text replaced.
fn altered(name: &str, from: &str, to: &str) -> String {
    let text = String::from_utf8(recorded(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    text.replacen(from, to, 1)
}

/// The recorded file in the form that other programs write: base64 with line breaks, null fields.
fn in_lines(name: &str) -> String {
    let mut document: Value = serde_json::from_slice(&recorded(name)).unwrap();
    super::trust::break_lines(&mut document);
    for (at, member) in [
        ("/verificationMaterial", "publicKey"),
        ("/verificationMaterial", "timestampVerificationData"),
        ("", "dsseEnvelope"),
    ] {
        if let Some(members) = document.pointer_mut(at).filter(|_| name == "message.json") {
            members[member] = Value::Null;
        }
    }
    document.to_string()
}

pub fn cases() -> Vec<Case> {
    [good(), refused(), undecided(), managed()].into_iter().flatten().collect()
}

fn good() -> Vec<Case> {
    let good = |name: &str, about, files: &[&str]| {
        keyless(Case::good(name, about), files)
            .expect("image-signature", "pass")
            .expect("image-key", "pass")
            .expect("trust-freshness", "not-run: no-evidence")
    };
    vec![
        good("good-trust-sigstore", "A keyless signed statement, as cosign 3 attaches it.", &["statement.json"]),
        good("good-trust-sigstore-message", "A keyless signature of the manifest itself.", &["message.json"]),
        good(
            "good-trust-sigstore-timestamped",
            "Log and timestamp authority both state the time.",
            &["timestamped.json"],
        ),
        good(
            "good-trust-sigstore-layer",
            "A keyless .sig manifest, as cosign 2 attaches it, with its payload.",
            &["manifest.json", "payload.json"],
        ),
        good(
            "good-trust-sigstore-lines",
            "Signature, certificate and log entry have line breaks in their base64, and absent fields are null.",
            &[],
        )
        .file("trust/cosign/message.json", in_lines("message.json")),
        good(
            "good-trust-sigstore-layer-lines",
            "A keyless .sig manifest with line breaks in the base64 of its signature.",
            &["payload.json"],
        )
        .file("trust/cosign/manifest.json", in_lines("manifest.json")),
        good(
            "good-trust-sigstore-years-later",
            "The certificate was valid for ten minutes in 2026; the log states that it was used then.",
            &["statement.json"],
        )
        .now("2035-01-01T00:00:00Z"),
    ]
}

fn refused() -> Vec<Case> {
    let fails = |name: &str, about, files: &[&str]| {
        keyless(Case::fails(&format!("trust-sigstore-{name}"), "image-signature", about), files)
    };
    let changed = |name: &str, about, bundle: &str, from: &str, to: &str| {
        fails(name, about, &[]).file(format!("trust/cosign/{bundle}"), altered(bundle, from, to))
    };
    vec![
        fails("other-identity", "Signed by a workflow other than the policy's.", &["statement.json"])
            .policy(super::policy::with(&policy(&IDENTITY.replace("release", "test"), ISSUER))),
        fails("other-issuer", "The identity is the policy's, but a different issuer attests it.", &["statement.json"])
            .policy(super::policy::with(&policy(IDENTITY, "https://accounts.example.com"))),
        fails("other-root", "The trusted root is that of a different sigstore instance.", &["statement.json"])
            .file("root.json", recorded("other-root.json")),
        fails("other-digest", "The statement is about a different digest.", &["other-digest.json"]),
        fails("late", "According to the log, the signature was made an hour after the certificate.", &["late.json"]),
        fails(
            "backdated",
            "The time in the log entry is changed, but the log's signed timestamp (SET) is not.",
            &["backdated.json"],
        ),
        fails(
            "borrowed-entry",
            "The log entry is for a different signature (CVE-2022-36056).",
            &["borrowed-entry.json"],
        ),
        fails("no-proof", "The log entry has no inclusion proof.", &["no-proof.json"]),
        fails("other-log-proof", "The inclusion proof is of a different log.", &["other-log-proof.json"]),
        fails(
            "other-certificate-log",
            "The certificate's SCT is by a log that the root does not name.",
            &["other-certificate-log.json"],
        ),
        fails("future", "The audit's date is before the signature.", &["statement.json"]).now("2026-02-27T00:00:00Z"),
        changed(
            "altered-signature",
            "The signature is changed.",
            "message.json",
            "\"signature\":\"ME",
            "\"signature\":\"MF",
        ),
        fails("altered-lines", "The signature is changed, and has line breaks.", &[]).file(
            "trust/cosign/message.json",
            in_lines("message.json").replacen("\"signature\":\"ME", "\"signature\":\"MF", 1),
        ),
        changed(
            "altered-promise",
            "The log's signed timestamp (SET) is changed.",
            "message.json",
            "\"signedEntryTimestamp\":\"ME",
            "\"signedEntryTimestamp\":\"MF",
        ),
        changed(
            "altered-index",
            "The index in the inclusion proof is changed.",
            "message.json",
            "\"logIndex\":\"1\"",
            "\"logIndex\":\"2\"",
        ),
        changed(
            "altered-checkpoint",
            "The log's name in the checkpoint is changed.",
            "message.json",
            "- 7\\n3",
            "- 8\\n3",
        ),
        changed(
            "twice",
            "The bundle has a duplicate field.",
            "message.json",
            "{\"mediaType\":",
            "{\"mediaType\":\"\",\"mediaType\":",
        ),
        changed(
            "key-and-certificate",
            "The bundle names a key in addition to the certificate.",
            "statement.json",
            "\"verificationMaterial\":{",
            "\"verificationMaterial\":{\"publicKey\":{\"hint\":\"\"},",
        ),
        fails("relabelled", "The identity's attestation, altered to look like a signature of the image.", &[]).file(
            "trust/cosign/attestation.json",
            {
                let mut bundle: Value = serde_json::from_slice(&recorded("attestation.json")).unwrap();
                let signed: Value = serde_json::from_slice(&recorded("statement.json")).unwrap();
                bundle["dsseEnvelope"]["payload"] = signed["dsseEnvelope"]["payload"].clone();
                bundle.to_string()
            },
        ),
        changed(
            "layer-late",
            "The time in the layer's log entry is changed.",
            "manifest.json",
            "integratedTime\\\": 17",
            "integratedTime\\\": 18",
        )
        .file("trust/cosign/payload.json", recorded("payload.json")),
        changed(
            "layer-altered",
            "The layer's signature is changed.",
            "manifest.json",
            "cosign/signature\":\"ME",
            "cosign/signature\":\"MF",
        )
        .file("trust/cosign/payload.json", recorded("payload.json")),
    ]
}

fn undecided() -> Vec<Case> {
    let unknown = |name: &str, about, files: &[&str]| {
        let case = Case::rejected(&format!("trust-sigstore-{name}"), about).expect("image-signature", "unknown");
        keyless(case, files)
    };
    vec![
        unknown("attestation", "A keyless attestation is not a signature of the image.", &["attestation.json"]),
        unknown("no-policy", "The policy names no identity.", &["statement.json"]).policy(super::policy::with("")),
        unknown(
            "layer-no-entry",
            "A keyless layer without a log entry: nothing states when it was signed.",
            &["payload.json"],
        )
        .file(
            "trust/cosign/manifest.json",
            altered("manifest.json", "dev.sigstore.cosign/bundle", "dev.sigstore.cosign/other"),
        ),
    ]
}

/// A user-managed key, and a log that must contain the key's signatures.
fn managed() -> Vec<Case> {
    let policy = "[[trust.signers]]\nname = \"release\"\ncosign = \"cosign.pub\"\nsigstore-root = \"root.json\"\n";
    let with = |case: Case, name: &str| {
        signed_image(case, policy)
            .file("cosign.pub", recorded("managed.pub"))
            .file("root.json", recorded("root.json"))
            .file("trust/cosign/bundle.json", recorded(name))
            .feature("sigstore")
    };
    vec![
        with(
            Case::good("good-trust-cosign-logged", "A user-managed key; the signature is in the log."),
            "managed.json",
        )
        .expect("image-signature", "pass"),
        with(
            Case::fails(
                "trust-cosign-other-log",
                "image-signature",
                "The signature is good, but the log is not one of the root's.",
            ),
            "managed-other-log.json",
        ),
        with(
            Case::fails(
                "trust-cosign-not-logged",
                "image-signature",
                "The policy requires a log entry, and there is none.",
            ),
            "managed.json",
        )
        .file("trust/cosign/bundle.json", {
            let text = String::from_utf8(recorded("managed.json")).unwrap();
            let begin = text.find("\"tlogEntries\":[").unwrap() + "\"tlogEntries\":[".len();
            let end = text.find("]},\"messageSignature\"").unwrap();
            format!("{}{}", &text[..begin], &text[end..])
        }),
    ]
}
