use super::*;
use base64ct::{Base64, Encoding};
use p256::ecdsa;
use p256::ecdsa::signature::Signer;

/// An EC P-256 manifest key with a fixed scalar, so that the tests are deterministic.
fn manifest_key(seed: u8) -> (ecdsa::SigningKey, String) {
    use p256::pkcs8::EncodePublicKey;
    let key = ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
    let pem = key.verifying_key().to_public_key_pem(Default::default()).unwrap();
    (key, pem)
}

fn public(pem: &str) -> PublicKey {
    PublicKey::from_pem("key", pem.as_bytes(), &Limits::default()).unwrap()
}

fn person(seed: u8) -> PersonSecret {
    // RFC 8410: PKCS#8 with the 32 bytes of an Ed25519 key.
    let head = decode_hex(b"302e020100300506032b657004220420").unwrap();
    let der = [head, vec![seed; 32]].concat();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", Base64::encode_string(&der));
    PersonSecret::from_pem(pem.as_bytes()).unwrap()
}

fn retrieval(pem: &str, by: &str) -> Retrieval {
    Retrieval {
        by: by.into(),
        at: "2026-11-23T08:00:00Z".into(),
        channel: Channel::ServerApi,
        file_sha256: Sha256::of(pem.as_bytes()).hex(),
        key_sha256: public(pem).fingerprint().hex(),
    }
}

fn bundle() -> VerifiedBundle {
    let name = "docker.io.acme.wallet.latest-b3416d8.2020-06-23_08-39-48.301849";
    let digest = |text: &[u8]| Sha256::of(text).hex();
    VerifiedBundle { build_name: name.into(), sha256: digest(b"bundle"), archive_sha256: digest(b"archive") }
}

fn statement(retrievals: usize) -> (KeyStatement, Sha256) {
    let (_, pem) = manifest_key(7);
    let fingerprint = public(&pem).fingerprint();
    let names = ["Ada", "Bob"];
    let retrievals = names.iter().take(retrievals).map(|by| retrieval(&pem, by)).collect();
    (KeyStatement { key_pem: pem, retrievals, bundles: vec![bundle()], challenge: None }, fingerprint)
}

fn challenge(seed: u8) -> Challenge {
    let (key, _) = manifest_key(seed);
    // The message is the archive's digest, as for every manifest.
    let signature: ecdsa::Signature = key.sign(Sha256::of(b"archive").as_bytes());
    let hex = encode_hex(signature.to_der().as_bytes());
    let signature = Signature::from_member(hex.as_bytes(), &Limits::default()).unwrap();
    Challenge::new(bundle(), &signature, "b3416d8".repeat(6)[..40].to_owned())
}

fn record(statement: KeyStatement, signers: &[u8]) -> KeyRecord {
    let limits = Limits::default();
    let (first, rest) = signers.split_first().unwrap();
    let mut record = KeyRecord::new(statement, &person(*first), &limits).unwrap();
    rest.iter().for_each(|signer| record.sign(&person(*signer)).unwrap());
    KeyRecord::from_json(&record.to_json(&limits).unwrap(), &limits).unwrap()
}

fn signers(list: &[(&str, u8)]) -> Vec<(String, PersonKey)> {
    list.iter().map(|(name, seed)| ((*name).to_owned(), person(*seed).public().unwrap())).collect()
}

fn grade(record: &KeyRecord, fingerprint: Sha256, list: &[(&str, u8)]) -> Result<Grade, String> {
    record.grade(fingerprint, &signers(list), &Limits::default()).map(|graded| graded.grade)
}

#[test]
fn grades_depend_on_signers_and_retrievals() {
    let (one, fingerprint) = statement(1);
    let (two, _) = statement(2);
    // One person retrieved the key twice, and a second person countersigned.
    let again = |name: &str| {
        let retrievals = vec![two.retrievals[0].clone(), retrieval(&two.key_pem, name)];
        KeyStatement { retrievals, ..two.clone() }
    };
    let both = [("Ada", 1), ("Bob", 2)];
    for name in ["Ada", " ada "] {
        assert_eq!(grade(&record(again(name), &[1, 2]), fingerprint, &both), Ok(Grade::Recorded), "{name:?}");
    }
    for (statement, signed_by, list, expected) in [
        (&one, &[1][..], &both[..], Grade::Recorded),
        (&one, &[1, 2], &both, Grade::Recorded),
        (&two, &[1], &both, Grade::Recorded),
        (&two, &[1, 2], &both, Grade::Witnessed),
        // Only signatures by the policy's signers count.
        (&two, &[1, 9], &both, Grade::Recorded),
        (&two, &[9, 1, 8, 2], &both, Grade::Witnessed),
        // One key under two names counts as one signer, and so do two keys under one name.
        (&two, &[1, 2], &[("Ada", 1), ("Bob", 1)], Grade::Recorded),
        (&two, &[1, 2], &[("Ada", 1), ("Ada", 2)], Grade::Recorded),
    ] {
        let record = record(statement.clone(), signed_by);
        assert_eq!(grade(&record, fingerprint, list), Ok(expected), "{signed_by:?} {list:?}");
    }
    let challenged = KeyStatement { challenge: Some(challenge(7)), ..one };
    assert_eq!(grade(&record(challenged, &[1]), fingerprint, &both), Ok(Grade::Challenged));
}

#[test]
fn a_record_without_a_known_signer_does_not_count() {
    let (statement, fingerprint) = statement(2);
    let record = record(statement, &[1, 2]);
    for list in [&[][..], &[("Eve", 9)]] {
        let reason = grade(&record, fingerprint, list).unwrap_err();
        assert!(reason.contains("none of its signatures (2)"), "{reason}");
    }
    let other = public(&manifest_key(8).1).fingerprint();
    assert!(grade(&record, other, &[("Ada", 1)]).unwrap_err().contains("different key"));
}

#[test]
fn changed_bytes_of_the_payload_invalidate_the_signature() {
    let (statement, fingerprint) = statement(1);
    let good = record(statement, &[1]);
    for at in (0..good.0.payload.len()).step_by(31) {
        let mut changed = good.clone();
        changed.0.payload[at] ^= 1;
        assert!(grade(&changed, fingerprint, &[("Ada", 1)]).unwrap_err().contains("none of its"), "{at}");
    }
    let mut other_type = good;
    other_type.0.payload_type.push('x');
    assert!(grade(&other_type, fingerprint, &[("Ada", 1)]).is_err());
}

#[test]
fn contradictory_statements_are_neither_created_nor_accepted() {
    let (good, fingerprint) = statement(2);
    let (_, other) = manifest_key(8);
    let with = |edit: &dyn Fn(&mut KeyStatement)| {
        let mut statement = good.clone();
        edit(&mut statement);
        statement
    };
    for (bad, says) in [
        (with(&|s| s.retrievals.clear()), "does not state how"),
        (with(&|s| s.retrievals[1] = retrieval(&other, "Bob")), "different key"),
        (with(&|s| s.key_pem = other.clone()), "different key"),
        (with(&|s| s.retrievals[0].by = " ".into()), "name is empty"),
        (with(&|s| s.retrievals[0].at = "today".into()), "its time is not RFC 3339"),
        (with(&|s| s.retrievals[0].file_sha256 = "x".into()), "SHA-256 of a retrieval's file"),
        (with(&|s| s.bundles[0].build_name = "../x".into()), "is malformed"),
        (with(&|s| s.bundles[0].archive_sha256 = "AA".into()), "is malformed"),
        (with(&|s| s.challenge = Some(challenge(8))), "not by the key"),
        (with(&|s| s.challenge = Some(Challenge { commit: "b3416d8".into(), ..challenge(7) })), "without the commit"),
        (with(&|s| s.key_pem = "x".into()), "PEM"),
    ] {
        let limits = Limits::default();
        let error = KeyRecord::new(bad.clone(), &person(1), &limits).unwrap_err().to_string();
        assert!(error.contains(says), "expected {says}, found {error}");
        // An identical statement, signed by a known signer.
        let forged = forge(&serde_json::to_value(&bad).unwrap(), PREDICATE_TYPE, &fingerprint.hex());
        let reason = grade(&forged, fingerprint, &[("Ada", 1)]).unwrap_err();
        assert!(reason.contains(says), "expected {says}, found {reason}");
    }
}

/// A signed record that this program would not have created.
fn forge(predicate: &serde_json::Value, predicate_type: &str, subject: &str) -> KeyRecord {
    let statement = serde_json::json!({
        "_type": STATEMENT_TYPE, "predicateType": predicate_type, "predicate": predicate,
        "subject": [{"name": "x", "digest": {"sha256": subject}}],
    });
    let mut envelope = Envelope::new(IN_TOTO, statement.to_string().into_bytes());
    envelope.sign(&person(1)).unwrap();
    KeyRecord(envelope)
}

#[test]
fn statements_of_a_different_type_are_not_accepted() {
    let (good, fingerprint) = statement(1);
    let predicate = serde_json::to_value(&good).unwrap();
    let ada = [("Ada", 1)];
    assert_eq!(grade(&forge(&predicate, PREDICATE_TYPE, &fingerprint.hex()), fingerprint, &ada), Ok(Grade::Recorded));
    let mut unknown = predicate.clone();
    unknown["more"] = true.into();
    for (forged, says) in [
        (forge(&predicate, "https://slsa.dev/provenance/v1", &fingerprint.hex()), "predicateType"),
        (forge(&predicate, PREDICATE_TYPE, &"0".repeat(64)), "subject"),
        (forge(&unknown, PREDICATE_TYPE, &fingerprint.hex()), "unknown field"),
    ] {
        let reason = grade(&forged, fingerprint, &ada).unwrap_err();
        assert!(reason.contains(says), "expected {says}, found {reason}");
    }
}

#[test]
fn a_key_can_sign_only_once() {
    let (statement, _) = statement(1);
    let mut record = record(statement, &[1]);
    assert_eq!(record.sign(&person(1)).unwrap_err().code(), "usage");
    record.sign(&person(2)).unwrap();
    assert_eq!(record.signature_count(), 2);
}
