//! Bundles with nothing wrong.

use super::super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![Case::good("good-rsa-2048", "The plain good build: RSA-2048, HEAD on a branch, one pack and loose objects.")]
}
