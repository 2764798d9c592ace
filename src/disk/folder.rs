//! Access to the file system: bytes and names. This module does not evaluate evidence.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::error::Error;
use crate::base::limits::Bound;
#[cfg(feature = "serve")]
use crate::base::limits::Limits;
use crate::base::system::{reason, slashed};

/// The entries of a folder whose names satisfy `wanted`, sorted by name.
pub(crate) fn sorted_entries(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for name in names(folder)? {
        let name = name?;
        if wanted(&name) {
            paths.push(folder.join(name));
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether at most one entry of a folder has a name that satisfies `wanted`. Stops at the second match.
pub(crate) fn has_at_most_one(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<bool, Error> {
    let mut found = 0;
    for name in names(folder)? {
        found += usize::from(wanted(&name?));
        if found > 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn names(folder: &Path) -> Result<impl Iterator<Item = Result<PathBuf, Error>>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    Ok(entries.map(|entry| entry.map(|entry| entry.file_name().into()).map_err(|error| unreadable(folder, &error))))
}

/// A string that changes if a file read by the audits of this folder's bundles changes. Of the bundles themselves, only their number and
/// their order among the other names affect the string. It has a line for each other file in the folder, and for each file below `trust`, `builder`
/// and `image`; the line changes if the file is written, replaced or removed. File contents are not read. Links are followed, as in an audit, so the
/// line also describes the link's target.
///
/// # Errors
/// [`Error::OverLimit`] if there are too many files. An unreadable folder gets a line with the error.
#[cfg(feature = "serve")]
pub(crate) fn look_of_folder(folder: &Path, limits: &Limits) -> Result<String, Error> {
    let mut text = String::new();
    let mut left = limits.listed_objects;
    // Visit each folder or link only once, because links can be circular.
    let mut met = std::collections::BTreeSet::new();
    let mut folders = vec![(folder.to_owned(), true)];
    while let Some((folder, is_top)) = folders.pop() {
        let entries = match sorted_entries(&folder, |_| true) {
            Ok(entries) => entries,
            Err(error) => {
                text.push_str(&format!("{}: {error}\n", slashed(&folder)));
                continue;
            }
        };
        for path in entries {
            let over = || limits.listed_objects().exceeded(slashed(&folder));
            left = left.checked_sub(1).ok_or_else(over)?;
            let (place, is_folder) = place_of(&path);
            let name = path.file_name().unwrap_or_default();
            let is_bundle = path.to_string_lossy().ends_with(".sig.tbz");
            let is_read = !is_top || ["trust", "builder", "image"].iter().any(|known| name == *known);
            if is_folder && is_read && met.insert(place.clone()) {
                folders.push((path.clone(), false));
            }
            // The number of bundles determines which files belong to a bundle. The names and metadata of bundles do not affect other bundles.
            match (is_bundle && is_top, is_folder && is_top && !is_read) {
                (true, _) => text.push_str("a bundle\n"),
                (_, true) => {}
                _ => text.push_str(&format!("{name:?} {place}\n")),
            }
        }
    }
    Ok(text)
}

/// The path's own inode, and the device, inode, size and times of change of the file or, for a link, of its target. `true` if this is a folder;
/// size and times are not included in that case.
#[cfg(feature = "serve")]
pub(crate) fn place_of(path: &Path) -> (String, bool) {
    use std::os::unix::fs::MetadataExt as _;
    let link = fs::symlink_metadata(path).map_or(0, |seen| seen.ino());
    match fs::metadata(path) {
        Ok(seen) if seen.is_dir() => (format!("{link} {} {}", seen.dev(), seen.ino()), true),
        Ok(seen) => {
            let (changed, modified) = ((seen.ctime(), seen.ctime_nsec()), (seen.mtime(), seen.mtime_nsec()));
            let (size, place) = (seen.len(), (seen.dev(), seen.ino()));
            (format!("{link} {size} {place:?} {changed:?} {modified:?}"), false)
        }
        Err(error) => (format!("{link} {}", error.kind()), false),
    }
}

/// The folder of a bundle.
pub(crate) fn folder_of(bundle: &Path) -> &Path {
    match bundle.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Reads a file up to the size that `bound` allows.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::OverLimit`].
pub fn read_file(path: &Path, bound: Bound) -> Result<Vec<u8>, Error> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(bound.allowed.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    bound.check(bytes.len() as u64, slashed(path))?;
    Ok(bytes)
}

/// Opens a file for reading.
///
/// # Errors
/// [`Error::Unreadable`] if it cannot be opened or is a folder.
pub fn open(path: &Path) -> Result<File, Error> {
    let file = File::open(path);
    // On Windows, opening a folder fails.
    if file.as_ref().map_or_else(|_| path.is_dir(), |file| file.metadata().is_ok_and(|metadata| metadata.is_dir())) {
        let why = fs::read_dir(path)
            .err()
            .map_or_else(|| "expected a file, found a folder".to_owned(), |error| reason(&error));
        return Err(Error::Unreadable { what: slashed(path), message: why });
    }
    file.map_err(|error| unreadable(path, &error))
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::unreadable(slashed(path), error)
}
