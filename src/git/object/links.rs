//! The objects that an object references.

use super::commit::check_commit;
use super::lines::{read_id, take_line};
use super::tag::{Tag, check_tag};
use super::tree::check_tree;
use crate::git::hash::Kind;
use crate::git::malformed::Malformed;
use crate::git::object_id::ObjectId;

/// A referenced object, and the kind that it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::git) struct Link {
    pub(in crate::git) id: ObjectId,
    pub(in crate::git) kind: Kind,
    /// Whether the object is a commit's parent, which a shallow clone may omit.
    pub(in crate::git) is_parent: bool,
}

/// Calls `each` for every object that `content` references, and checks `content` as `git fsck --strict` does. Commits
/// of submodules are omitted, because they are not in this repository.
///
/// Like git, this function reads as much of a malformed object as it can.
pub(in crate::git) fn read_links(kind: Kind, content: &[u8], mut each: impl FnMut(Link)) -> Result<(), Malformed> {
    match kind {
        Kind::Blob => Ok(()),
        Kind::Tree => check_tree(content, |entry| {
            if let Some(kind) = entry.kind() {
                each(Link { id: entry.id, kind, is_parent: false });
            }
        }),
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
            check_commit(content)
        }
        Kind::Tag => {
            if let Ok(tag) = Tag::read(content) {
                each(Link { id: tag.object, kind: tag.kind, is_parent: false });
            }
            check_tag(content)
        }
    }
}
