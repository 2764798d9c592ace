//! How git names its objects: SHA-1 over `<kind> <size>\0<content>` (gitglossary(7), "object name").
//!
//! SHA-1 is computed with the detection of collision attacks that git itself uses (Stevens and Shumow, "Speeding up
//! detection of SHA-1 collision attacks using unavoidable attack conditions", 2017). It finds the known attacks,
//! SHAttered and Shambles among them; it cannot prove that there are no others.

use std::fmt;

use gix_hash::{Hasher, Kind as HashKind, hasher};

use super::object_id::ObjectId;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A tree: one folder's names, modes and ids.
    Tree,
    /// A file's bytes, or a symbolic link's target.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// The kind's name in an object's header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag].into_iter().find(|kind| kind.as_str().as_bytes() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The bytes were made by a SHA-1 collision attack: their id names other bytes as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("made by a SHA-1 collision attack: its id names other bytes too")]
pub struct Collision;

/// SHA-1 with collision detection over bytes that arrive in pieces.
pub(super) struct Sha1(Hasher);

impl Sha1 {
    /// Plain SHA-1, as at the end of packs and indexes.
    pub(super) fn new() -> Self {
        Self(hasher(HashKind::Sha1))
    }

    /// SHA-1 of an object whose `size` bytes of content follow.
    pub(super) fn of_object(kind: Kind, size: u64) -> Self {
        let mut hasher = Self::new();
        hasher.update(kind.as_str().as_bytes());
        hasher.update(b" ");
        hasher.update(size.to_string().as_bytes());
        hasher.update(b"\0");
        hasher
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Result<ObjectId, Collision> {
        let digest = self.0.try_finalize().map_err(|_| Collision)?;
        digest.as_slice().try_into().map(ObjectId::from_bytes).map_err(|_| Collision)
    }
}

impl fmt::Debug for Sha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha1")
    }
}

/// The id of an object held in memory.
pub(super) fn object_id(kind: Kind, content: &[u8]) -> Result<ObjectId, Collision> {
    let mut hasher = Sha1::of_object(kind, content.len() as u64);
    hasher.update(content);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git_hash_object() {
        // `git hash-object -t blob --stdin </dev/null` and `git hash-object -t tree /dev/null`.
        let empty_blob = object_id(Kind::Blob, b"").map(|id| id.to_string());
        assert_eq!(empty_blob.as_deref(), Ok("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"));
        let empty_tree = object_id(Kind::Tree, b"").map(|id| id.to_string());
        assert_eq!(empty_tree.as_deref(), Ok("4b825dc642cb6eb9a060e54bf8d69288fbee4904"));
    }
}
