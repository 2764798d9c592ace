//! Which other objects an object names.

use super::commit::check_commit;
use super::lines::{read_id, take_line};
use super::tag::{Tag, check_tag};
use super::tree::{TreeEntries, check_tree};
use crate::git::hash::Kind;
use crate::git::malformed::Malformed;
use crate::git::object_id::ObjectId;

/// An object that another names, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::git) struct Link {
    pub(in crate::git) id: ObjectId,
    pub(in crate::git) kind: Kind,
    /// A commit's parent, which a shallow clone may leave out.
    pub(in crate::git) is_parent: bool,
}

/// Hands every object that `content` names to `each`. Submodules' commits are not in this repository and left out.
///
/// It takes what can be taken from a malformed object too, as git does: [`check`] is what judges.
pub(in crate::git) fn for_each_link(kind: Kind, content: &[u8], mut each: impl FnMut(Link)) {
    match kind {
        Kind::Blob => {}
        Kind::Tree => {
            for entry in TreeEntries::new(content).flatten() {
                if let Some(kind) = entry.kind() {
                    each(Link { id: entry.id, kind, is_parent: false });
                }
            }
        }
        Kind::Commit => {
            let mut rest = content;
            if let Some(id) = take_line(&mut rest, "tree").and_then(read_id) {
                each(Link { id, kind: Kind::Tree, is_parent: false });
            }
            while let Some(parent) = take_line(&mut rest, "parent") {
                if let Some(id) = read_id(parent) {
                    each(Link { id, kind: Kind::Commit, is_parent: true });
                }
            }
        }
        Kind::Tag => {
            if let Ok(tag) = Tag::read(content) {
                each(Link { id: tag.object, kind: tag.kind, is_parent: false });
            }
        }
    }
}

/// What `git fsck --strict` says of an object.
pub(in crate::git) fn check(kind: Kind, content: &[u8]) -> Result<(), Malformed> {
    match kind {
        Kind::Blob => Ok(()),
        Kind::Tree => check_tree(content),
        Kind::Commit => check_commit(content),
        Kind::Tag => check_tag(content),
    }
}
