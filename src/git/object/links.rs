//! Which other objects an object names.

use super::commit::check_commit;
use super::lines::{read_id, take_line};
use super::tag::{Tag, check_tag};
use super::tree::check_tree;
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

/// Hands every object that `content` names to `each`, and answers what `git fsck --strict` says of it. Submodules'
/// commits are not in this repository and left out.
///
/// It takes what can be taken from a malformed object too, as git does.
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
