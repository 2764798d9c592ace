//! Flips single bits of recorded signatures: a signature that is still accepted gives no new result, and nothing panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use hpsb_audit::trust::{Description, Standing, TrustFile, describe};
use hpsb_audit::{Limits, Policy, Timestamp};

fn recorded(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inputs/trust").join(path)
}

fn file(folder: &str, name: &str) -> TrustFile {
    TrustFile { path: name.into(), bytes: fs::read(recorded(&format!("{folder}/{name}"))).unwrap() }
}

fn look(files: &[TrustFile], policy: &Policy) -> Vec<Description> {
    let now = Timestamp::from_rfc3339("2026-03-02T12:00:00Z").unwrap();
    describe(files, &policy.trust, now, &Limits::default()).unwrap()
}

fn policy(signer: &str) -> Policy {
    let text = format!("version = 1\nrequire = [\"trust\"]\n[[trust.signers]]\nname = \"one\"\n{signer}\n");
    let load = |name: &str| Ok(fs::read(recorded(name)).unwrap());
    Policy::from_toml("policy.toml", text.as_bytes(), &Limits::default(), load).unwrap()
}

/// Whether every result was already present before the change. A bundle with both an inclusion proof and a signed promise (SET) loses its time
/// if the SET's field name is changed, because only the SET contains the time.
fn says_no_more(found: &[Description], before: &[Description]) -> bool {
    let rows_are_there = found.iter().zip(before).all(|(found, before)| {
        let is_same = (found.kind, &found.file, &found.standing) == (before.kind, &before.file, &before.standing);
        is_same && found.rows.iter().all(|row| before.rows.contains(row))
    });
    found.len() == before.len() && rows_are_there
}

/// Flips each of three bits in every `step`th byte of the file with the index `at`.
fn flip(files: &[TrustFile], at: usize, step: usize, policy: &Policy) {
    let before = look(files, policy);
    assert!(before.iter().all(|one| one.standing == Standing::Trusted), "{before:?}");
    let mut refused = 0;
    for position in (0..files[at].bytes.len()).step_by(step) {
        for bit in [0x01, 0x20, 0x80] {
            let mut files = files.to_vec();
            files[at].bytes[position] ^= bit;
            let found = look(&files, policy);
            if found.iter().any(|one| one.standing == Standing::Trusted) {
                let place = format!("byte {position} of {} changes what is accepted", files[at].path);
                assert!(says_no_more(&found, &before), "{place}: {found:?} {before:?}");
            } else {
                refused += 1;
            }
        }
    }
    assert!(refused * step > files[at].bytes.len(), "only {refused} flips in {} were refused", files[at].path);
}

#[test]
fn changed_content_trust_has_the_same_result_or_none() {
    let root: serde_json::Value = serde_json::from_slice(&file("notary/first", "root.json").bytes).unwrap();
    let id = root["signed"]["roles"]["root"]["keyids"][0].as_str().unwrap();
    let policy = policy(&format!("root-key = \"{id}\""));
    let files = ["root", "timestamp", "snapshot", "targets"].map(|role| file("notary/first", &format!("{role}.json")));
    for at in 0..files.len() {
        flip(&files, at, 13, &policy);
    }
}

#[test]
fn changed_cosign_signatures_have_the_same_result_or_none() {
    let policy = policy("cosign = \"cosign/release.pub\"");
    flip(&[file("cosign", "bundle.json")], 0, 3, &policy);
    flip(&[file("cosign", "manifest.json"), file("cosign", "payload.json")], 1, 3, &policy);
}

#[cfg(feature = "openpgp")]
#[test]
fn changed_simple_signatures_have_the_same_result_or_none() {
    let fingerprint = fs::read_to_string(recorded("simple-signing/ada.fingerprint")).unwrap();
    let policy = policy(&format!("openpgp = \"simple-signing/ada.asc\"\nfingerprint = \"{}\"", fingerprint.trim()));
    for name in ["primary", "subkey", "uncompressed"] {
        let message = TrustFile { path: "signature-1".into(), ..file("simple-signing", name) };
        flip(&[message], 0, 3, &policy);
    }
}

#[cfg(feature = "sigstore")]
#[test]
fn changed_keyless_signatures_show_nothing_new() {
    let policy = policy(
        "sigstore-root = \"sigstore/root.json\"\nissuer = \"https://token.actions.githubusercontent.com\"\n\
         identity = \"https://github.com/acme/wallet/.github/workflows/release.yml@refs/heads/main\"",
    );
    for bundle in ["message", "statement", "timestamped"] {
        flip(&[file("sigstore", &format!("{bundle}.json"))], 0, 29, &policy);
    }
}
