//! Law: no byte of a good bundle can be changed so that the bundle is accepted with different facts. Only changes that do not affect the decoded
//! content are accepted: to bytes that bzip2 does not use, to unread permissions, owners and times, and to the case of hex digits.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;
mod support;

use std::fs;
use std::io::Read as _;
use std::sync::LazyLock;

use hpsb_audit::{
    BundleReport, Dossier, KeyRing, KeySource, Limits, Policy, PublicKey, Question, Timestamp, TrustedKey, Verdict,
    audit,
};
use program::{BUNDLE, NOW, fixture};
use support::encoding::bzip2;
use support::tar::{BLOCK, set_checksum};

fn report(bytes: &[u8]) -> BundleReport {
    static KEYS: LazyLock<KeyRing> = LazyLock::new(keys);
    let (policy, limits) = (Policy::default(), Limits::default());
    let question = Question::new(&policy, &KEYS, Timestamp::from_rfc3339(NOW).unwrap(), &limits);
    audit(Dossier { file_name: Some(BUNDLE.into()), ..Dossier::new(BUNDLE, bytes) }, &question)
}

fn keys() -> KeyRing {
    let limits = Limits::default();
    let pem = fs::read(fixture("good-rsa-2048").join("key.pem")).unwrap();
    let key = PublicKey::from_pem("key.pem", &pem, &limits).unwrap();
    let mut keys = KeyRing::default();
    keys.add(TrustedKey {
        fingerprint: key.fingerprint(),
        key: Some(key),
        source: KeySource::CommandLine,
        name: None,
        not_before: None,
        not_after: None,
        revoked: None,
    });
    keys
}

/// The information about the build that a reader gets from the report.
fn facts(report: &BundleReport) -> String {
    format!("{:?} {:?} {:?} {:?}", report.build_name, report.findings, report.evidence, report.outside_the_commit)
}

/// Asserts the law for every changed bundle, and returns how many were accepted.
fn accepted(changed: impl Iterator<Item = (String, Vec<u8>)>) -> usize {
    let good = report(&good_bundle());
    assert_eq!(good.verdict, Verdict::AcceptInPart);
    let mut accepted = 0;
    for (what, bytes) in changed {
        let found = report(&bytes);
        match found.verdict {
            Verdict::Reject => assert!(found.evidence.is_empty() && found.key.is_none(), "{what}"),
            Verdict::None => assert!(found.error.is_some() && found.evidence.is_empty(), "{what}"),
            Verdict::Accept | Verdict::AcceptInPart => {
                assert_eq!(facts(&found), facts(&good), "{what}");
                accepted += 1;
            }
        }
    }
    accepted
}

fn good_bundle() -> Vec<u8> {
    fs::read(fixture("good-rsa-2048").join(BUNDLE)).unwrap()
}

fn good_outer_tar() -> Vec<u8> {
    let mut tar = Vec::new();
    bzip2::read::MultiBzDecoder::new(good_bundle().as_slice()).read_to_end(&mut tar).unwrap();
    tar
}

fn flipped(bytes: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= mask;
    bytes
}

/// Every `step`th position, or every position with HPSB_EVERY_BYTE=1, which takes minutes.
fn stride(step: usize) -> usize {
    if std::env::var_os("HPSB_EVERY_BYTE").is_some() { 1 } else { step }
}

/// Changes the file as downloaded: flips one bit of every fifth byte, at a rotating position, and every bit of the first and last eight bytes.
#[test]
fn no_flipped_bit_of_the_file_changes_accepted_facts() {
    let good = good_bundle();
    let edges = (0..8).chain(good.len() - 8..good.len());
    let all_bits = edges.flat_map(|at| (0..8).map(move |bit| (at, 1 << bit)));
    let one_bit = (0..good.len()).step_by(stride(5)).map(|at| (at, 1 << (at % 8)));
    let flips = one_bit.chain(all_bits).map(|(at, mask)| (format!("byte {at} ^ {mask}"), flipped(&good, at, mask)));
    // The last bits of the last byte are padding.
    assert!(accepted(flips) <= 8);
}

/// Changes headers of the outer archive, with corrected checksums, and the data after them: PAX records, the signature's digits, and the beginning
/// of the signed archive.
#[test]
fn no_flipped_byte_of_a_header_or_the_signature_changes_accepted_facts() {
    let tar = good_outer_tar();
    let blocks = tar.len() / BLOCK;
    let is_header = |block: usize| tar[block * BLOCK + 257..].starts_with(b"ustar");
    let headers: Vec<usize> = (0..blocks).filter(|block| is_header(*block)).collect();
    assert_eq!(headers.len(), 4);
    let mut flips = Vec::new();
    for header in headers {
        let start = header * BLOCK;
        for (at, mask) in (start..start + BLOCK).step_by(stride(3)).map(|at| (at, 1 << (at % 8))) {
            let mut changed = flipped(&tar, at, mask);
            set_checksum(&mut changed[start..start + BLOCK]);
            flips.push((format!("header at {start}, byte {} ^ {mask}", at - start), changed));
        }
        for (at, mask) in (start + BLOCK..start + 2 * BLOCK).step_by(stride(5)).map(|at| (at, 1 << (at % 8))) {
            flips.push((format!("byte {at} ^ {mask}"), flipped(&tar, at, mask)));
        }
    }
    let count = flips.len();
    let accepted = accepted(flips.into_iter().map(|(what, tar)| (what, bzip2(&tar))));
    assert!(accepted > 0 && accepted < count, "{accepted} of {count}");
}

/// Changes the signed archive: the signature does not verify after any change.
#[test]
fn no_flipped_byte_of_the_signed_archive_is_accepted() {
    let tar = good_outer_tar();
    let (first, last) = (3 * BLOCK, 3 * BLOCK + 10_000);
    let places = (first..last).step_by(stride(101)).flat_map(|at| [1, 0x10, 0xff].map(|mask| (at, mask)));
    let flips = places.map(|(at, mask)| (format!("byte {at} ^ {mask}"), bzip2(&flipped(&tar, at, mask))));
    assert_eq!(accepted(flips), 0);
}
