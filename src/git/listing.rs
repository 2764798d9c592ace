//! All files of a tree, by their paths.

use super::hash::Kind;
use super::object::{Mode, check_tree};
use super::object_id::ObjectId;
use super::reader::Reader;
use crate::base::limits::Limits;

/// A file, symbolic link or submodule of a proved tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Relative to the top of the repository, submodules' files included.
    pub path: Vec<u8>,
    /// What it is; never a directory.
    pub mode: Mode,
    /// The blob, or the commit of a submodule.
    pub id: ObjectId,
}

/// What listing a tree gives: its files, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In the order of their paths, as `git ls-files` has them.
    pub(super) files: Vec<TreeFile>,
    /// The tree's folders, the top left out.
    pub(super) folder_count: u64,
    pub(super) faults: Vec<String>,
    /// See [`TreeProof::unproved`](super::tree_proof::TreeProof).
    pub(super) unproved: Vec<Vec<u8>>,
    /// Modes that git reads and never writes, in words.
    pub(super) notes: Vec<String>,
}

/// Faults that are named one by one.
const FAULTS_NAMED: usize = 20;

/// Memory for a file or folder of a tree besides its path.
const FILE_HELD_BYTES: u64 = 80;

/// Lists the tree `root`, each of its trees decoded strictly, each of its blobs known to be there.
///
/// `prefix` is put before every path and ends with `/` where it is not empty.
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
                    "HEAD's tree gives {} the mode {}, which git never writes and reads as {}",
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
            listing.faults.push("and perhaps more: no further trees were looked at".into());
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
        Some(other) => format!("{id} is a {other} where a blob is due"),
        None => format!("blob {id} is missing"),
    };
    // With more faults than these the whole tree is unproved.
    if listing.faults.len() <= FAULTS_NAMED {
        listing.faults.push(format!("/{}: {fault}", String::from_utf8_lossy(path)));
        listing.unproved.push(path.to_vec());
    }
}
