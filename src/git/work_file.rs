//! A file of the work tree, hashed while the archive is read and not kept.

use super::hash::{Kind, Sha1};
use super::object_id::ObjectId;
use crate::base::digest::{Sha256, Sha256Hasher};

/// The maximum number of bytes to keep of a submodule's `.git` file: `gitdir: ` and one path (gitrepository-layout(5)).
const GIT_LINK_BYTES_MAX: usize = 8 << 10;

/// The facts about a regular file of the work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkFile {
    /// Whether the owner's execute bit is set. git records no other permission bit.
    pub executable: bool,
    /// Whether a set-user-id or set-group-id bit is set. git never sets such a bit, but container images preserve it.
    pub privileged: bool,
    /// Size of the content in bytes.
    pub size: u64,
    /// The id of this content as a blob. `None` if SHA-1 collision detection found an attack, or if the length was
    /// wrong.
    pub blob: Option<ObjectId>,
    /// SHA-256 of the content, as in a Git LFS pointer.
    pub sha256: Sha256,
    /// The content of a file called `.git`, which points to a submodule's objects; at most 8 KiB of it.
    pub git_link: Option<Vec<u8>>,
}

fn is_git_link(path: &[u8]) -> bool {
    path.rsplit(|&byte| byte == b'/').next() == Some(b".git")
}

/// Hashes one file of the work tree, piece by piece.
///
/// The caller supplies path, mode and size from the archive's header, passes every piece of content in order, and calls
/// [`Self::finish`]. Content whose length is not the announced size has no blob id.
#[derive(Debug)]
pub struct WorkFileHasher {
    executable: bool,
    privileged: bool,
    announced: u64,
    seen: u64,
    blob: Sha1,
    sha256: Sha256Hasher,
    git_link: Option<Vec<u8>>,
}

impl WorkFileHasher {
    /// `path` is relative to the top of the repository; `mode` contains the permission bits of the archive's header.
    pub fn new(path: &[u8], mode: u32, size: u64) -> Self {
        Self {
            executable: mode & 0o100 != 0,
            privileged: mode & 0o6000 != 0,
            announced: size,
            seen: 0,
            blob: Sha1::of_object(Kind::Blob, size),
            sha256: Sha256Hasher::new(),
            git_link: is_git_link(path).then(Vec::new),
        }
    }

    /// The number of content bytes that are kept for a file called `.git`.
    pub(crate) fn held_bytes(path: &[u8], size: u64) -> u64 {
        if is_git_link(path) { size.min(GIT_LINK_BYTES_MAX as u64) } else { 0 }
    }

    /// Adds the next piece of content.
    pub fn update(&mut self, piece: &[u8]) {
        self.seen = self.seen.saturating_add(piece.len() as u64);
        self.blob.update(piece);
        self.sha256.update(piece);
        if let Some(held) = &mut self.git_link {
            let room = GIT_LINK_BYTES_MAX.saturating_sub(held.len()).min(piece.len());
            held.extend_from_slice(piece.get(..room).unwrap_or_default());
        }
    }

    /// The facts about the file, after its last piece.
    pub fn finish(self) -> WorkFile {
        let blob = self.blob.finish().ok().filter(|_| self.seen == self.announced);
        WorkFile {
            executable: self.executable,
            privileged: self.privileged,
            size: self.seen,
            blob,
            sha256: self.sha256.finish(),
            git_link: self.git_link,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_match_git_and_sha256sum_however_the_content_is_split() {
        let whole = b"hello\nworld\n";
        for cut in 0..whole.len() {
            let mut hasher = WorkFileHasher::new(b"a/b", 0o755, whole.len() as u64);
            hasher.update(&whole[..cut]);
            hasher.update(&whole[cut..]);
            let file = hasher.finish();
            // This is the id that `printf 'hello\nworld\n' | git hash-object --stdin` prints.
            assert_eq!(file.blob.map(|id| id.to_string()).as_deref(), Some("94954abda49de8615a048f8d2e64b5de848e27a1"));
            assert_eq!(file.sha256, Sha256::of(whole));
            assert!(file.executable && file.git_link.is_none());
        }
    }

    #[test]
    fn content_of_the_wrong_length_has_no_blob_id_and_only_git_files_are_kept() {
        let mut short = WorkFileHasher::new(b"x", 0o644, 5);
        short.update(b"1234");
        assert_eq!(short.finish().blob, None);
        let mut link = WorkFileHasher::new(b"sub/.git", 0o644, 12);
        link.update(b"gitdir: ../x");
        let link = link.finish();
        assert_eq!(link.git_link.as_deref(), Some(&b"gitdir: ../x"[..]));
        assert!(!link.executable);
    }
}
