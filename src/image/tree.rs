//! The files of a layer (OCI image specification, "Image Layer Filesystem Changeset"), for comparing two layers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::changeset::{self, Changeset};
#[cfg(feature = "fetch")]
use super::layer::{Measured, with_content};
use super::store::with_layer;
use super::{ImageFacts, Place};
#[cfg(feature = "fetch")]
use crate::base::budget::Budget;
#[cfg(feature = "fetch")]
use crate::base::digest::HashingReader;
use crate::base::digest::{Sha256, Sha256Hasher};
use crate::base::error::Error;
use crate::base::limits::Limits;

/// The start of a name that deletes a path of the lower layers.
const WHITEOUT: &[u8] = b".wh.";

/// The last entry of each path in a layer.
pub type Entries = BTreeMap<Vec<u8>, Entry>;

/// The contents of a layer. Owners, times and extended attributes are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The last entry of each path.
    pub entries: Entries,
    /// Paths with an earlier entry that differs from the last one. (Only the last entry of a directory counts.)
    pub replaced: BTreeSet<Vec<u8>>,
    /// Paths at which `entries` does not show what is unpacked, because it depends on the order of the entries or on lower layers.
    pub unsettled: BTreeSet<Vec<u8>>,
    /// The number of bytes after the end of the archive, which container engines do not unpack. If all are zero, they are padding and do not count.
    pub after_end: u64,
    /// A digest of all entries in their order, and of the bytes after the end.
    pub in_order: Sha256,
}

/// One entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kind of entry.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
}

impl Entry {
    /// The size and digest of a file, also of one that a hard link leads to.
    fn content(&self) -> Option<(u64, Sha256)> {
        match &self.kind {
            Kind::File(size, digest) => Some((*size, *digest)),
            Kind::HardLink(_, content) => *content,
            _ => None,
        }
    }
}

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file, with its size and digest.
    File(u64, Sha256),
    /// A symbolic link, with its target.
    Symlink(Vec<u8>),
    /// A hard link: a second name for a file. If the file is in the layer, before the link, the link has its size and digest, because a later entry
    /// may replace the file but not what the link leads to.
    HardLink(Vec<u8>, Option<(u64, Sha256)>),
    /// A device with its numbers, or a pipe; the text states which.
    Special(&'static str, u64, u64),
}

/// A difference between two layers at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The path is only in the first layer.
    OnlyInFirst,
    /// The path is only in the second layer.
    OnlyInSecond,
    /// Files with different content, or links with different targets.
    Content,
    /// Entries of different kinds, for example a file and a folder.
    Kind,
    /// Different permission bits: those of the first and the second layer.
    Mode(u32, u32),
}

/// The entries of layer number `at`, counted from 0; `None` if its bytes are not on disk.
///
/// # Errors
/// [`Error::Malformed`] for sparse files and for a layer that container engines could not unpack; read errors.
pub fn of_layer(image: &ImageFacts, at: usize, limits: &Limits) -> Result<Option<Tree>, Error> {
    let (Some(layer), Place::Disk(place)) = (image.layers.get(at), &image.place) else { return Ok(None) };
    with_layer(place, &layer.name, limits, |content| read(content, limits))
}

/// The entries of the layer in `blob`, whose bytes must be the ones that were measured.
///
/// # Errors
/// The errors of [`of_layer`], and [`Error::Malformed`] if the bytes differ.
#[cfg(feature = "fetch")]
pub(crate) fn of_blob(blob: impl Read, measured: &Measured, limits: &Limits) -> Result<Tree, Error> {
    let what = "a layer";
    // One byte more than expected is enough to detect a longer blob.
    let mut blob = HashingReader::new(blob.take(measured.size.saturating_add(1)));
    let tree = with_content(&mut blob, limits, &Budget::of_unknown_input(limits), |content| read(content, limits))?;
    std::io::copy(&mut blob, &mut std::io::sink()).map_err(|error| Error::from_read(what, error))?;
    match blob.finish() == (measured.digest, measured.size) {
        true => Ok(tree),
        false => Err(Error::malformed(what, "its bytes differ from those that were hashed before")),
    }
}

fn read(content: &mut dyn Read, limits: &Limits) -> Result<Tree, Error> {
    let mut changeset = Changeset::new(content, limits);
    let mut entries = Entries::new();
    let (mut replaced, mut unsettled, mut in_order) = (BTreeSet::new(), BTreeSet::new(), Sha256Hasher::new());
    while let Some(member) = changeset.next_member()? {
        let kind = match member.kind {
            changeset::Kind::Directory => Kind::Directory,
            changeset::Kind::File => {
                let mut hasher = Sha256Hasher::new();
                changeset.content(|piece| hasher.update(piece))?;
                Kind::File(member.size, hasher.finish())
            }
            changeset::Kind::Symlink(target) => Kind::Symlink(target),
            changeset::Kind::HardLink(target) => {
                let file = entries.get(&target);
                let content = file.and_then(Entry::content);
                // Engines also set the mode of the link on the file itself.
                if content.is_none() || file.is_some_and(|file| file.mode != member.mode) {
                    unsettled.insert(member.path.clone());
                }
                Kind::HardLink(target, content)
            }
            changeset::Kind::Special(what, major, minor) => Kind::Special(what, major, minor),
        };
        let (path, entry) = (member.path, Entry { kind, mode: member.mode });
        in_order.update(&(path.len() as u64).to_le_bytes());
        in_order.update(&path);
        in_order.update(format!("{entry:?}").as_bytes());
        // If two entries have the same path, the later one counts, as it does when container engines unpack a layer.
        match entries.get_mut(&path) {
            None => drop(entries.insert(path, entry)),
            Some(last) => {
                if *last != entry && !(last.kind == Kind::Directory && entry.kind == Kind::Directory) {
                    replaced.insert(path);
                }
                *last = entry;
            }
        }
    }
    let after_end = changeset.after_end()?;
    if let Some((_, digest)) = &after_end {
        in_order.update(digest.as_bytes());
    }
    unsettled.extend(decided_by_order(&entries));
    let after_end = after_end.map_or(0, |(count, _)| count);
    Ok(Tree { entries, replaced, unsettled, after_end, in_order: in_order.finish() })
}

/// The paths at which the order of the entries decides what is unpacked: something other than a directory with entries below it, which may be
/// unpacked where a link leads; and a path that a whiteout of the same layer deletes.
fn decided_by_order(entries: &Entries) -> Vec<Vec<u8>> {
    let has_below = |path: &[u8]| {
        let folder = if path.is_empty() { Vec::new() } else { [path, b"/"].concat() };
        let mut below = entries.range(folder.clone()..).filter(|(below, _)| below.as_slice() != path);
        below.next().is_some_and(|(below, _)| below.starts_with(&folder))
    };
    let decided = entries.iter().filter(|(_, entry)| entry.kind != Kind::Directory).filter_map(|(path, _)| {
        let at = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let (folder, name) = path.split_at(at);
        match name.strip_prefix(WHITEOUT) {
            Some(deleted) => {
                Some([folder, deleted].concat()).filter(|deleted| entries.contains_key(deleted) || has_below(deleted))
            }
            None => Some(path.clone()).filter(|path| has_below(path)),
        }
    });
    decided.collect()
}

/// The differences between the last entries of two layers, by path.
pub fn differences(first: &Entries, second: &Entries) -> Vec<(Vec<u8>, Difference)> {
    let mut differences: Vec<(Vec<u8>, Difference)> = Vec::new();
    for (path, one) in first {
        let difference = match second.get(path) {
            None => Difference::OnlyInFirst,
            Some(other) if one == other => continue,
            Some(other) if std::mem::discriminant(&one.kind) != std::mem::discriminant(&other.kind) => Difference::Kind,
            Some(other) if one.kind != other.kind => Difference::Content,
            Some(other) => Difference::Mode(one.mode, other.mode),
        };
        differences.push((path.clone(), difference));
    }
    let only = second.keys().filter(|path| !first.contains_key(*path));
    differences.extend(only.map(|path| (path.clone(), Difference::OnlyInSecond)));
    differences.sort_by(|one, other| one.0.cmp(&other.0));
    differences
}
