//! Tests with metadata that the tests themselves sign, for cases that no client writes: thresholds, methods, nested delegations. Metadata from real
//! clients is in `fixtures/`.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::Signer as _;
use p256::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};

use super::envelope::{Envelope, Keys, Role};
use super::key::names_repository;
use super::*;
use crate::base::budget::Budget;
use crate::base::digest::Sha256;
use crate::base::strict_json;
use crate::trust::{TrustFile, canonical_json};

/// A signing key, and its entry in a root.
enum TestKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl TestKey {
    fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    fn listed(&self) -> (String, Value) {
        let (kind, public) = match self {
            Self::P256(key) => ("ecdsa", key.verifying_key().to_public_key_der().unwrap().as_bytes().to_vec()),
            Self::P384(key) => ("ecdsa", key.verifying_key().to_public_key_der().unwrap().as_bytes().to_vec()),
            Self::Ed25519(key) => ("ed25519", key.verifying_key().to_bytes().to_vec()),
        };
        let public = Base64::encode_string(&public);
        let id = key_id(kind, &public).unwrap();
        (id, json!({ "keytype": kind, "keyval": { "private": null, "public": public } }))
    }

    fn sign(&self, message: &[u8]) -> (&'static str, Vec<u8>) {
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                ("ecdsa", signature.to_bytes().to_vec())
            }
            Self::P384(key) => {
                use p384::ecdsa::signature::hazmat::PrehashSigner as _;
                let digest = Sha256::of(message);
                let signature: p384::ecdsa::Signature = key.sign_prehash(digest.as_bytes()).unwrap();
                ("ecdsa", signature.to_bytes().to_vec())
            }
            Self::Ed25519(key) => ("eddsa", key.sign(message).to_bytes().to_vec()),
        }
    }
}

/// A metadata file, signed by `keys`.
fn signed(mut body: Value, keys: &[&TestKey]) -> Value {
    body["expires"] = "2030-01-01T00:00:00.123456789Z".into();
    body["version"] = 1.into();
    let message = canonical_json::encode(&body).unwrap();
    let signatures: Vec<Value> = keys
        .iter()
        .map(|key| {
            let (method, bytes) = key.sign(&message);
            json!({ "keyid": key.listed().0, "method": method, "sig": Base64::encode_string(&bytes) })
        })
        .collect();
    json!({ "signed": body, "signatures": signatures })
}

fn budget() -> Budget {
    Budget::of_unknown_input(&Limits::default())
}

fn role(keys: &[&TestKey], threshold: u64) -> Role {
    let listed: serde_json::Map<String, Value> = keys.iter().map(|key| key.listed()).collect();
    let ids: Vec<&String> = listed.keys().collect();
    let entry = json!({ "keyids": ids, "threshold": threshold });
    Role::read("timestamp", entry.as_object().unwrap(), &Keys::new(&listed)).unwrap()
}

fn envelope(document: &Value) -> Envelope {
    Envelope::read("timestamp", "Timestamp", document.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn timestamp() -> Value {
    json!({ "_type": "Timestamp", "meta": {} })
}

#[test]
fn signatures_verify_only_with_the_method_of_the_keys_kind() {
    let keys = [
        TestKey::p256(1),
        TestKey::P384(p384::ecdsa::SigningKey::from_slice(&[2; 48]).unwrap()),
        TestKey::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[3; 32])),
    ];
    for key in &keys {
        let mut document = signed(timestamp(), &[key]);
        assert_eq!(envelope(&document).signers(&role(&[key], 1), &budget()).unwrap(), [key.listed().0]);
        for method in ["rsapss", "rsapkcs1v15", "pycrypto-pkcs#1 pss", ""] {
            document["signatures"][0]["method"] = method.into();
            assert!(envelope(&document).signers(&role(&[key], 1), &budget()).is_err(), "{method}");
        }
    }
    let mut upper = signed(timestamp(), &[&keys[0]]);
    upper["signatures"][0]["method"] = "ECDSA".into();
    assert!(envelope(&upper).signers(&role(&[&keys[0]], 1), &budget()).is_ok());
}

#[test]
fn the_limits_on_a_metadata_file_are_exact() {
    let document = signed(timestamp(), &[&TestKey::p256(1), &TestKey::p256(2)]).to_string();
    let read = |name: &str, most: usize| {
        let mut limits = Limits::default();
        limits.set(name, most as u64).unwrap();
        Envelope::read("timestamp", "Timestamp", document.as_bytes(), &limits).is_ok()
    };
    for (name, size) in [("trust_file_bytes", document.len()), ("trust_signatures", 2)] {
        assert!(!read(name, size - 1) && read(name, size) && read(name, size + 1), "{name}");
    }
}

#[test]
fn a_threshold_counts_distinct_keys() {
    let (one, two, other) = (TestKey::p256(1), TestKey::p256(2), TestKey::p256(3));
    let both = role(&[&one, &two], 2);
    assert_eq!(envelope(&signed(timestamp(), &[&one, &two])).signers(&both, &budget()).unwrap().len(), 2);
    // There are three cases: the same key twice; one of the role's keys and a different key; no key.
    for keys in [vec![&one, &one], vec![&one, &other], vec![]] {
        assert!(envelope(&signed(timestamp(), &keys)).signers(&both, &budget()).is_err());
    }
    assert!(envelope(&signed(timestamp(), &[&one])).signers(&role(&[&one], 1), &budget()).is_ok());
    // A signature by a key that the role does not list is ignored if enough other signatures are valid.
    assert!(envelope(&signed(timestamp(), &[&other, &two])).signers(&role(&[&one, &two], 1), &budget()).is_ok());
}

/// One key with two ids, because the same point is encoded in two ways, one of them compressed.
#[test]
fn one_key_under_two_ids_counts_once() {
    let key = TestKey::p256(1);
    let (id, listed) = key.listed();
    let TestKey::P256(signing) = &key else { unreachable!() };
    let whole = Base64::decode_vec(listed["keyval"]["public"].as_str().unwrap()).unwrap();
    let point = signing.verifying_key().to_sec1_point(true);
    // The same SubjectPublicKeyInfo, but with a point of 33 bytes, hence the lengths 0x39 and 0x22.
    let mut compressed = whole[..whole.len() - 67].to_vec();
    compressed.extend([0x22, 0x00]);
    compressed.extend(point.as_bytes());
    compressed[1] = 0x39;
    let at = compressed.len() - 36;
    assert_eq!(compressed[at], 0x03, "a bit string");
    let public = Base64::encode_string(&compressed);
    let other_id = key_id("ecdsa", &public).unwrap();
    let other = json!({ "keytype": "ecdsa", "keyval": { "private": null, "public": public } });
    let keys: serde_json::Map<String, Value> = [(id.clone(), listed), (other_id.clone(), other)].into_iter().collect();
    let mut document = signed(timestamp(), &[&key, &key]);
    document["signatures"][1]["keyid"] = other_id.clone().into();
    let read = |threshold| {
        let entry = json!({ "keyids": [id, other_id], "threshold": threshold });
        Role::read("timestamp", entry.as_object().unwrap(), &Keys::new(&keys)).unwrap()
    };
    assert_eq!(envelope(&document).signers(&read(1), &budget()).unwrap().len(), 2, "both signatures are valid");
    assert!(envelope(&document).signers(&read(2), &budget()).is_err());
}

#[test]
fn a_listed_key_must_have_the_id_computed_from_it() {
    let key = TestKey::p256(1);
    let (id, mut listed) = key.listed();
    listed["keyval"]["public"] = TestKey::p256(2).listed().1["keyval"]["public"].clone();
    let keys: serde_json::Map<String, Value> = [(id.clone(), listed)].into_iter().collect();
    let entry = json!({ "keyids": [id], "threshold": 1 });
    let role = Role::read("timestamp", entry.as_object().unwrap(), &Keys::new(&keys)).unwrap();
    let fault = envelope(&signed(timestamp(), &[&key])).signers(&role, &budget()).unwrap_err();
    assert!(matches!(fault, Fault::Refused(message) if message.contains("its id is")));
}

/// Reads targets with nested delegations but without a root.
fn delegated(
    child_paths: &[&str],
    grandchild: &str,
    grandchild_paths: &[&str],
) -> Result<Vec<(String, String)>, Fault> {
    delegated_within(&Limits::default(), child_paths, grandchild, grandchild_paths)
}

fn delegated_within(
    limits: &Limits,
    child_paths: &[&str],
    grandchild: &str,
    grandchild_paths: &[&str],
) -> Result<Vec<(String, String)>, Fault> {
    let (top, child, below) = (TestKey::p256(1), TestKey::p256(2), TestKey::p256(3));
    let target = json!({ "hashes": { "sha256": Base64::encode_string(&[7; 32]) }, "length": 5 });
    let delegation = |name: &str, key: &TestKey, paths: &[&str]| {
        let (id, listed) = key.listed();
        json!({ "keys": { id.clone(): listed }, "roles": [{ "name": name, "keyids": [id], "threshold": 1, "paths": paths }] })
    };
    let targets = json!({ "v1": target, "v1-a": target, "v2": target });
    let files: BTreeMap<&str, Value> = [
        ("targets", signed(json!({ "_type": "Targets", "targets": {}, "delegations": delegation("targets/a", &child, child_paths) }), &[&top])),
        (
            "targets/a",
            signed(
                json!({ "_type": "Targets", "targets": targets, "delegations": delegation(grandchild, &below, grandchild_paths) }),
                &[&child],
            ),
        ),
        (grandchild, signed(json!({ "_type": "Targets", "targets": targets, "delegations": {} }), &[&below])),
    ]
    .into_iter()
    .collect();
    let trust: Vec<TrustFile> = files
        .iter()
        .map(|(name, file)| TrustFile { path: format!("{name}.json"), bytes: file.to_string().into_bytes() })
        .chain([TrustFile { path: "root.json".into(), bytes: b"{}".to_vec() }])
        .collect();
    let meta: serde_json::Map<String, Value> = files
        .iter()
        .map(|(name, file)| {
            let bytes = file.to_string().into_bytes();
            let digest = Base64::encode_string(Sha256::of(&bytes).as_bytes());
            ((*name).to_owned(), json!({ "hashes": { "sha256": digest }, "length": bytes.len() }))
        })
        .collect();
    let snapshot = signed(json!({ "_type": "Snapshot", "meta": meta }), &[&top]);
    let snapshot = Envelope::read("snapshot", "Snapshot", snapshot.to_string().as_bytes(), limits)?;
    let repository = Repository::all(&trust, &budget()).remove(0);
    let top = Envelope::read("targets", "Targets", repository.file("targets", None)?, limits)?;
    let walked = targets::walk(&repository, top, &snapshot, limits, &mut Vec::new())?;
    if let Some((_, fault)) = walked.faults().first() {
        return Err(fault.clone());
    }
    Ok(walked.all().map(|(role, name, _)| (role.to_owned(), name.to_owned())).collect())
}

#[test]
fn delegations_sign_only_prefixes_within_their_parents() {
    let names = |found: Vec<(String, String)>, role: &str| -> Vec<String> {
        found.into_iter().filter(|(known, _)| known == role).map(|(_, name)| name).collect()
    };
    let found = delegated(&["v1"], "targets/a/b", &["v1-", "v2"]).unwrap();
    assert_eq!(names(found.clone(), "targets/a"), ["v1", "v1-a"]);
    assert_eq!(names(found, "targets/a/b"), ["v1-a"], "the parent may not delegate v2");
    assert_eq!(delegated(&[], "targets/a/b", &[""]).unwrap(), [], "without paths, nothing is signed");
    assert_eq!(names(delegated(&[""], "targets/a/b", &[""]).unwrap(), "targets/a/b").len(), 3);
    for name in ["targets/b", "targets/a/b/c", "targets/a/", "targets/a/B", "targets/a/../b", "b"] {
        assert!(matches!(delegated(&[""], name, &[""]), Err(Fault::Refused(_))), "{name}");
    }
}

#[test]
fn the_limit_on_delegations_is_exact() {
    for (most, taken) in [(1, false), (2, true), (3, true)] {
        let mut limits = Limits::default();
        limits.set("trust_delegations", most).unwrap();
        assert_eq!(
            delegated_within(&limits, &[""], "targets/a/b", &[""]).is_ok(),
            taken,
            "two delegations, {most} allowed"
        );
    }
}

#[test]
fn a_key_id_needs_a_known_kind_and_base64() {
    assert!(key_id("ecdsa", "AAAA").is_some());
    for (kind, public) in [("dsa", "AAAA"), ("", "AAAA"), ("ecdsa", ""), ("ecdsa", "AA\"AA"), ("dsa", "")] {
        assert_eq!(key_id(kind, public), None, "{kind} {public}");
    }
}

#[test]
fn certificate_names_match_repositories_as_in_notary() {
    for (name, repository, expected) in [
        ("docker.io/acme/wallet", "docker.io/acme/wallet", true),
        ("docker.io/acme/*", "docker.io/acme/wallet", true),
        ("docker.io/acme/wal", "docker.io/acme/wallet", false),
        ("docker.io/acme/wallet2", "docker.io/acme/wallet", false),
        ("", "docker.io/acme/wallet", false),
    ] {
        assert_eq!(names_repository(name, repository), expected, "{name}");
    }
}

/// A delegation with an RSA key, signed by Notary itself: see `fixtures/inputs/trust`.
#[test]
fn a_recorded_delegation_with_an_rsa_certificate_is_valid() {
    let read = |name: &str| {
        let path = format!("{}/fixtures/inputs/trust/notary/other-role/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    let targets = strict_json::parse(&read("targets")).unwrap();
    let delegations = targets["signed"]["delegations"].as_object().unwrap();
    let qa = delegations["roles"].as_array().unwrap().iter().find(|role| role["name"] == "targets/qa").unwrap();
    let keys = Keys::new(delegations["keys"].as_object().unwrap());
    let role = Role::read("targets/qa", qa.as_object().unwrap(), &keys).unwrap();
    let limits = Limits::default();
    let envelope = Envelope::read("targets/qa", "Targets", &read("targets/qa"), &limits).unwrap();
    assert_eq!(envelope.signers(&role, &budget()).unwrap().len(), 1);
    let method = strict_json::parse(&read("targets/qa")).unwrap();
    assert_eq!(method["signatures"][0]["method"], "rsapss");
}

#[test]
fn every_signature_in_a_file_is_charged_to_the_budget() {
    let key = TestKey::p256(1);
    let mut document = signed(timestamp(), &[&key]);
    let good = document["signatures"][0].clone();
    let mut wrong = good.clone();
    wrong["sig"] = Base64::encode_string(&[1; 64]).into();
    document["signatures"] = vec![wrong; 50].into_iter().chain([good]).collect();
    let envelope = envelope(&document);
    let budget = Budget::of_audit(0, &Limits::default());
    assert!(envelope.signers(&role(&[&key], 1), &budget).is_ok());
    assert!(budget.spent() >= 51 * 300_000);
    let few = Limits { work_base_units: 40 * 300_000, ..Limits::default() };
    let budget = Budget::of_audit(0, &few);
    assert!(envelope.signers(&role(&[&key], 1), &budget).is_err());
    assert!(budget.check("x").is_err());
}

#[test]
fn the_matching_prefix_is_found_among_many() {
    use super::targets::Beginnings;
    let paths = |texts: &[&str]| Beginnings::of(texts.iter().map(|text| (*text).to_owned()).collect());
    let (none, all, some) = (paths(&[]), paths(&["b", ""]), paths(&["ab", "abc", "b/", "ab", "z"]));
    for (name, fits) in [
        ("", false),
        ("a", false),
        ("ab", true),
        ("abd", true),
        ("ac", false),
        ("b", false),
        ("b/x", true),
        ("zz", true),
    ] {
        assert_eq!((none.fit(name), all.fit(name), some.fit(name)), (false, true, fits), "{name}");
    }
}
