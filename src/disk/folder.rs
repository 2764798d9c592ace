//! The edge to the file system: bytes and names. It never judges.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::error::Error;
use crate::base::limits::Bound;
#[cfg(feature = "serve")]
use crate::base::limits::Limits;

/// What is in a folder, sorted by name.
pub(crate) fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| unreadable(folder, &error))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// What a folder looks like to the audits of the bundles in it, without the bundles: a line for each file in it, and for each file below
/// `trust`, `builder` and `image`, which is another one when the file was written, replaced or taken away. Bytes are not read. Links are
/// followed, as the audit follows them: the line is about what they lead to.
///
/// # Errors
/// [`Error::OverLimit`]. What cannot be looked at has a line that says so.
#[cfg(feature = "serve")]
pub(crate) fn look_of_folder(folder: &Path, limits: &Limits) -> Result<String, Error> {
    let mut text = String::new();
    let mut left = limits.listed_objects;
    // A folder is looked at once, so that links in a circle have an end.
    let mut met = std::collections::BTreeSet::new();
    let mut folders = vec![(folder.to_owned(), true)];
    while let Some((folder, is_top)) = folders.pop() {
        let entries = match sorted_entries(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                text.push_str(&format!("{}: {error}\n", folder.display()));
                continue;
            }
        };
        for path in entries {
            let over = || limits.listed_objects().exceeded(folder.display().to_string());
            left = left.checked_sub(1).ok_or_else(over)?;
            let (place, is_folder) = place_of(&path);
            let name = path.file_name().unwrap_or_default();
            let is_bundle = path.to_string_lossy().ends_with(".sig.tbz");
            let is_read = !is_top || ["trust", "builder", "image"].iter().any(|known| name == *known);
            if is_folder && is_read && met.insert(place.clone()) {
                folders.push((path.clone(), false));
            }
            // How many bundles there are decides what belongs to each; which, and how they look, is nothing to the others.
            match (is_bundle && is_top, is_folder && is_top && !is_read) {
                (true, _) => text.push_str("a bundle\n"),
                (_, true) => {}
                _ => text.push_str(&format!("{name:?} {place}\n")),
            }
        }
    }
    Ok(text)
}

/// What a file looks like, through links: its size, its place on the disk, its times of change. `true`: it is a folder, which has no size
/// and no times here.
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

/// The folder that a bundle lies in.
pub(crate) fn folder_of(bundle: &Path) -> &Path {
    match bundle.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Reads a file of at most as many bytes as `bound` allows.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::OverLimit`].
pub fn read_file(path: &Path, bound: Bound) -> Result<Vec<u8>, Error> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(bound.allowed.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    bound.check(bytes.len() as u64, path.display())?;
    Ok(bytes)
}

/// Opens a file for reading.
///
/// # Errors
/// [`Error::Unreadable`].
pub fn open(path: &Path) -> Result<File, Error> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let why = fs::read_dir(path)
                .err()
                .map_or_else(|| "it is a folder, and a file is asked for".to_owned(), |error| error.to_string());
            Err(Error::Unreadable { what: path.display().to_string(), message: why })
        }
        _ => Ok(file),
    }
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Unreadable { what: path.display().to_string(), message: error.to_string() }
}
