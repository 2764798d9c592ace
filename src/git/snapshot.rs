//! What `git/<repository>/` of a signed archive holds: everything below `.git`, and the work tree's entries.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::limits::Limits;

/// The repository as it stood when the build ended. Signed, not yet proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder's name below `git/`, as bytes.
    pub repository: Vec<u8>,
    /// Regular files below `.git`, by their path relative to it.
    pub git: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Every other entry, by its path relative to the top of the repository.
    pub work_tree: BTreeMap<Vec<u8>, WorkEntry>,
    /// Entries that no clone makes (a link below `.git`, `.git` that is no folder), in words.
    pub faults: Vec<String>,
}

/// One entry of the work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkEntry {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Does the owner's execute bit stand?
        executable: bool,
        /// Bytes of content.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// Its target as written.
        target: Vec<u8>,
    },
}

/// Collects a [`Snapshot`] while the archive passes.
#[derive(Debug)]
pub(crate) struct SnapshotBuilder {
    snapshot: Snapshot,
    git_bytes_left: u64,
    git_bytes_limit: u64,
}

impl SnapshotBuilder {
    pub(crate) fn new(repository: &[u8], limits: &Limits) -> Self {
        let snapshot = Snapshot {
            repository: repository.to_vec(),
            git: BTreeMap::new(),
            work_tree: BTreeMap::new(),
            faults: Vec::new(),
        };
        Self { snapshot, git_bytes_left: limits.git_bytes, git_bytes_limit: limits.git_bytes }
    }

    pub(crate) fn add_git_file(&mut self, path: &[u8], content: Vec<u8>) -> Result<(), Error> {
        self.git_bytes_left = self.git_bytes_left.checked_sub(content.len() as u64).ok_or(Error::OverLimit {
            what: "the folder .git".into(),
            limit: "git_bytes",
            allowed: self.git_bytes_limit,
        })?;
        self.snapshot.git.insert(path.to_vec(), content);
        Ok(())
    }

    pub(crate) fn add_work_entry(&mut self, path: &[u8], entry: WorkEntry) {
        self.snapshot.work_tree.insert(path.to_vec(), entry);
    }

    pub(crate) fn add_fault(&mut self, fault: String) {
        self.snapshot.faults.push(fault);
    }

    pub(crate) fn finish(self) -> Snapshot {
        self.snapshot
    }
}
