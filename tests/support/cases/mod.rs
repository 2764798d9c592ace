//! Every case, one file for each part of a bundle.

use super::case::Case;

mod good;

/// All cases, in the order of their files.
pub fn all() -> Vec<Case> {
    [good::cases()].into_iter().flatten().collect()
}
