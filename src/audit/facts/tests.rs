//! Tests that facts are small, and that they contain the results of the keys that were tried.

use std::path::Path;

use super::*;
use crate::audit::audit_and_keep;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::dossier::Dossier;
use crate::gate::verify::TrustedKey;

const NAME: &str = "manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz";

fn fixture(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)).unwrap()
}

fn public(file: &str) -> PublicKey {
    PublicKey::from_pem(file, &fixture(file), &Limits::default()).unwrap()
}

/// A good bundle and its key.
fn good() -> (Vec<u8>, PublicKey) {
    (fixture(&format!("good-approved/{NAME}")), public("good-approved/key.pem"))
}

fn ring(keys: &[&PublicKey]) -> crate::gate::verify::KeyRing {
    let mut ring = crate::gate::verify::KeyRing::default();
    keys.iter().for_each(|key| ring.add(TrustedKey::named(key.fingerprint(), Some((*key).clone()))));
    ring
}

fn now() -> Timestamp {
    Timestamp::from_rfc3339("2026-03-09T00:00:00Z").unwrap()
}

#[test]
fn results_of_tried_keys_are_stored_and_new_keys_are_tried() {
    let (bytes, key) = good();
    let other = public("good-p256/key.pem");
    let (policy, limits) = (Policy::default(), Limits::default());
    let facts = |keys: &[&PublicKey], beside: &[(String, PublicKey)]| {
        let ring = ring(keys);
        let dossier = Dossier { keys_beside: beside.to_vec(), ..Dossier::new("a", bytes.as_slice()) };
        audit_and_keep(dossier, &Question::new(&policy, &ring, now(), &limits)).1.unwrap()
    };
    // The results up to the key that verifies the signature are stored; for a refused bundle, all results are stored.
    assert_eq!(facts(&[&other, &key], &[]).seal.known_keys(), [other.fingerprint(), key.fingerprint()]);
    assert_eq!(facts(&[&key, &other], &[]).seal.known_keys(), [key.fingerprint()]);
    let beside = [("a.pem".to_owned(), key.clone())];
    assert_eq!(facts(&[&other], &beside).seal.known_keys(), [other.fingerprint(), key.fingerprint()]);
    // A key that was not tried before is tried now.
    let known = facts(&[&key], &[]);
    for (keys, is_accepted) in [(vec![&key], true), (vec![&other], false), (vec![&other, &key], true)] {
        let judged = known.judge(&Question::new(&policy, &ring(&keys), now(), &limits)).unwrap();
        assert_eq!(judged.key.is_some(), is_accepted);
        assert_eq!(judged.key.map(|key| key.fingerprint), is_accepted.then(|| key.fingerprint()));
    }
}

#[test]
fn facts_are_small_and_a_clone_is_identical() {
    let (bytes, key) = good();
    let (policy, limits, ring) = (Policy::default(), Limits::default(), ring(&[&key]));
    let question = Question::new(&policy, &ring, now(), &limits);
    let (_, facts) = audit_and_keep(Dossier::new("a", bytes.as_slice()), &question);
    let facts = facts.unwrap();
    let copy = facts.clone();
    assert_eq!(format!("{facts:?}"), format!("{copy:?}"));
    assert!(facts.weight() < 8_000, "{} bytes: {facts:#?}", facts.weight());
}
