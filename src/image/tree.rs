//! The files of a layer (OCI image specification, "Image Layer Filesystem Changeset"), for comparing two layers.

use std::collections::BTreeMap;
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

/// The contents of a layer, by path. Owners, times and the order of members are ignored.
pub type Tree = BTreeMap<Vec<u8>, Entry>;

/// One entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kind of entry.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
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
    /// A hard link: a second name for a file.
    HardLink(Vec<u8>),
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
    let mut tree = Tree::new();
    while let Some(member) = changeset.next_member()? {
        let kind = match member.kind {
            changeset::Kind::Directory => Kind::Directory,
            changeset::Kind::File => {
                let mut hasher = Sha256Hasher::new();
                changeset.content(|piece| hasher.update(piece))?;
                Kind::File(member.size, hasher.finish())
            }
            changeset::Kind::Symlink(target) => Kind::Symlink(target),
            changeset::Kind::HardLink(target) => Kind::HardLink(target),
            changeset::Kind::Special(what, major, minor) => Kind::Special(what, major, minor),
        };
        // If two entries have the same path, the later one counts, as it does when container engines unpack a layer.
        tree.insert(member.path, Entry { kind, mode: member.mode });
    }
    Ok(tree)
}

/// The differences between two layers, by path.
pub fn differences(first: &Tree, second: &Tree) -> Vec<(Vec<u8>, Difference)> {
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
