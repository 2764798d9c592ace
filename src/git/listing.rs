//! Lists all files of a tree by path.

use super::hash::Kind;
use super::object::{Mode, check_tree};
use super::object_id::ObjectId;
use super::reader::Reader;
use crate::base::limits::Limits;

/// A file, symbolic link or submodule of a proved tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// The path relative to the top of the repository, even for files of submodules.
    pub path: Vec<u8>,
    /// The entry's mode, which is never that of a directory.
    pub mode: Mode,
    /// The blob's id, or the submodule's commit.
    pub id: ObjectId,
}

/// The files of a tree, and its faults.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The files of the tree, sorted by path, as in `git ls-files`.
    pub(super) files: Vec<TreeFile>,
    /// The number of folders, excluding the top folder.
    pub(super) folder_count: u64,
    pub(super) faults: Vec<String>,
    /// See [`TreeProof::unproved`](super::tree_proof::TreeProof).
    pub(super) unproved: Vec<Vec<u8>>,
    /// Messages about modes that git accepts but never writes.
    pub(super) notes: Vec<String>,
}

/// The listing stops if there are more faults than this, and keeps at most this number of notes.
const FAULTS_NAMED: usize = 20;

/// The memory for a file or folder of a tree, excluding its path.
const FILE_HELD_BYTES: u64 = 80;

/// Lists the tree `root`. This tree and each tree below it are decoded strictly, and each blob must exist.
///
/// `prefix` is prepended to every path; it is empty or ends with `/`.
pub(super) fn list_tree(reader: &mut Reader<'_>, root: ObjectId, prefix: &[u8], limits: &Limits) -> Listing {
    let mut listing = Listing::default();
    let mut stack: Vec<(Vec<u8>, ObjectId, u64)> = vec![(prefix.to_vec(), root, 0)];
    let mut path_bytes = 0u64;
    while let Some((folder, id, depth)) = stack.pop() {
        let shown = || String::from_utf8_lossy(&folder).into_owned();
        let content = match reader.read(&id, Kind::Tree) {
            Ok(content) => content,
            Err(fault) => {
                listing.faults.push(format!("/{}: {fault}", shown()));
                listing.unproved.push(folder);
                continue;
            }
        };
        let mut entries = Vec::new();
        match check_tree(&content, |entry| entries.push(*entry)) {
            Err(fault) if !fault.is_information() => {
                listing.faults.push(format!("/{}: tree {id} is malformed: {fault}", shown()));
                listing.unproved.push(folder.clone());
            }
            _ => {}
        }
        for entry in entries {
            let path = [&folder, entry.name].concat();
            path_bytes = path_bytes.saturating_add(path.len() as u64);
            let count = listing.files.len() as u64 + listing.folder_count;
            if count >= limits.git_tree_entries
                || depth >= limits.git_tree_depth
                || path_bytes > limits.git_listing_bytes
            {
                listing.faults.push(format!(
                    "the tree is over the limit {}, {} or {}",
                    limits.git_tree_entries(),
                    limits.git_tree_depth(),
                    limits.git_listing_bytes()
                ));
                listing.unproved.push(prefix.to_vec());
                return listing;
            }
            if !reader.inflated().hold(path.len() as u64 + FILE_HELD_BYTES) {
                return listing;
            }
            if !entry.is_usual() && listing.notes.len() < FAULTS_NAMED {
                listing.notes.push(format!(
                    "HEAD's tree gives {} the mode {}; git does not write this mode and reads it as {}",
                    String::from_utf8_lossy(&path),
                    String::from_utf8_lossy(entry.digits),
                    entry.mode.as_str()
                ));
            }
            if entry.mode == Mode::Directory {
                listing.folder_count += 1;
                stack.push(([&path, b"/".as_slice()].concat(), entry.id, depth + 1));
                continue;
            }
            if entry.mode != Mode::Submodule {
                check_blob(reader, &path, entry.id, &mut listing);
            }
            listing.files.push(TreeFile { path, mode: entry.mode, id: entry.id });
        }
        if listing.faults.len() > FAULTS_NAMED {
            listing.faults.push("no more trees were read, so there may be more faults".into());
            listing.unproved.push(prefix.to_vec());
            return listing;
        }
    }
    listing.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    listing
}

fn check_blob(reader: &Reader<'_>, path: &[u8], id: ObjectId, listing: &mut Listing) {
    let fault = match reader.objects().find(&id).map(|record| record.kind) {
        Some(Kind::Blob) => return,
        Some(other) => format!("{id} is a {other}, not a blob"),
        None => format!("blob {id} is missing"),
    };
    // If there are more faults than this number, the whole tree counts as not proved.
    if listing.faults.len() <= FAULTS_NAMED {
        listing.faults.push(format!("/{}: {fault}", String::from_utf8_lossy(path)));
        listing.unproved.push(path.to_vec());
    }
}
