//! The content of `git/<repository>/` in a signed archive: everything below `.git`, and the work tree's entries.

use std::collections::BTreeMap;

use super::work_file::WorkFile;
use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};

/// The repository as the signed archive contains it. The snapshot is signed, but not yet proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder's name below `git/`, as bytes.
    pub repository: Vec<u8>,
    /// Regular files below `.git`, by their path relative to it.
    pub git: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Every other entry, by its path relative to the top of the repository.
    pub work_tree: BTreeMap<Vec<u8>, WorkEntry>,
    /// Messages about entries that an ordinary clone does not contain, such as a link below `.git` or a `.git` that is
    /// not a folder.
    pub faults: Vec<String>,
}

/// One entry of the work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkEntry {
    /// A directory.
    Directory,
    /// A regular file, hashed while the archive is read.
    File(WorkFile),
    /// A symbolic link.
    Symlink {
        /// The link's target, exactly as written.
        target: Vec<u8>,
    },
}

impl Snapshot {
    /// Drops everything except the repository's name.
    pub(crate) fn shelve(&mut self) {
        (self.git, self.work_tree) = (BTreeMap::new(), BTreeMap::new());
    }
}

/// Collects a [`Snapshot`] while the archive is read.
#[derive(Debug)]
pub(crate) struct SnapshotBuilder {
    snapshot: Snapshot,
    git_bytes_left: u64,
    git_bound: Bound,
    budget: Budget,
}

impl SnapshotBuilder {
    pub(crate) fn new(repository: &[u8], limits: &Limits, budget: &Budget) -> Self {
        let snapshot = Snapshot {
            repository: repository.to_vec(),
            git: BTreeMap::new(),
            work_tree: BTreeMap::new(),
            faults: Vec::new(),
        };
        Self { snapshot, git_bytes_left: limits.git_bytes, git_bound: limits.git_bytes(), budget: budget.clone() }
    }

    /// Reserves memory for a file before it is read or copied.
    pub(crate) fn hold(&self, bytes: u64) -> Result<(), Error> {
        self.budget.hold(bytes, "the source repository")
    }

    pub(crate) fn add_git_file(&mut self, path: &[u8], content: Vec<u8>) -> Result<(), Error> {
        self.git_bytes_left = self.git_bound.take(self.git_bytes_left, content.len() as u64, "the folder .git")?;
        self.snapshot.git.insert(path.to_vec(), content);
        Ok(())
    }

    /// Bytes held below `.git`; content with several hard links counts once per link.
    pub(crate) fn git_bytes(&self) -> u64 {
        self.git_bound.allowed - self.git_bytes_left
    }

    pub(crate) fn add_work_entry(&mut self, path: &[u8], entry: WorkEntry) {
        self.snapshot.work_tree.insert(path.to_vec(), entry);
    }

    /// Adds a further name for an earlier regular file, with the same content and mode. Both paths are relative
    /// to the top of the repository. A link across the boundary of `.git`, or to a missing file, is a fault.
    pub(crate) fn add_hard_link(&mut self, path: &[u8], target: &[u8]) -> Result<(), Error> {
        let inside = |path: &[u8]| path.strip_prefix(b".git/").map(<[u8]>::to_vec);
        match (inside(path), inside(target)) {
            (Some(path), Some(target)) => {
                if let Some(content) = self.snapshot.git.get(&target) {
                    self.hold(content.len() as u64)?;
                    let content = content.clone();
                    return self.add_git_file(&path, content);
                }
            }
            (None, None) => {
                if let Some(WorkEntry::File(file)) = self.snapshot.work_tree.get(target) {
                    self.hold(file.git_link.as_ref().map_or(0, Vec::len) as u64)?;
                    let entry = WorkEntry::File(file.clone());
                    self.add_work_entry(path, entry);
                    return Ok(());
                }
            }
            _ => {}
        }
        let [path, target] = [path, target].map(String::from_utf8_lossy);
        self.add_fault(format!(
            "{path} is a hard link to {target}, but its target must be an earlier regular file, and both must be inside .git or both outside it"
        ));
        Ok(())
    }

    pub(crate) fn add_fault(&mut self, fault: String) {
        self.snapshot.faults.push(fault);
    }

    pub(crate) fn finish(self) -> Snapshot {
        self.snapshot
    }
}
