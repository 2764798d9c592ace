//! What objects say: commits, trees and tags (gitformat-pack(5) stores them, git-mktree(1), git-commit-tree(1) and
//! git-mktag(1) make them). Read strictly: what `git fsck --strict` calls an error is an error here.

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
pub(super) use self::special::{is_git_attributes, is_git_modules};
pub use self::tag::Tag;
pub use self::tree::Mode;
pub(super) use self::tree::check_tree;
