//! Decodes commits, trees and tags (stored as in gitformat-pack(5); made by git-mktree(1), git-commit-tree(1) and
//! git-mktag(1)). Decoding is strict: everything that `git fsck --strict` reports as an error is an error here.

mod commit;
mod identity;
mod lines;
mod links;
mod special;
mod tag;
mod tree;

pub use self::commit::Commit;
pub use self::identity::Identity;
pub(super) use self::links::{Link, read_links};
#[cfg(test)]
pub(super) use self::special::SPECIAL_NAMES;
pub(super) use self::special::{is_git_attributes, is_git_modules};
pub use self::tag::Tag;
pub use self::tree::Mode;
pub(super) use self::tree::check_tree;
