//! Writes files so that each is either complete or absent. Nothing is written outside the evidence folder, and evidence is never overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::digest::{HashingReader, Sha256, Sha256Hasher};
use crate::base::error::Error;
use crate::base::set_aside::set_aside;
use crate::base::system::slashed;
use crate::client::http::Sink;

/// The name prefix of a file or folder that is still being written. An interrupted run leaves files and folders with this prefix; the next run
/// removes them.
pub(crate) const PASSING_PREFIX: &str = ".hpsb-audit-passing-";

/// A [`Place`] has fewer segments than this. The longest paths are those of nested delegations,
/// such as `trust/notary/targets/a/b.json`.
const DEPTH: usize = 16;

/// A path below a build's folder: segments of `[A-Za-z0-9._:-]`, none beginning with a dot. The path consists of fixed words and checked names; no
/// other string from a server becomes part of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(String);

impl Place {
    pub(crate) fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.split('/').count() < DEPTH && text.split('/').all(is_safe_name) {
            return Ok(Self(text));
        }
        let shown = crate::base::escape::for_terminal(&text);
        Err(Error::malformed("a file name for the evidence folder", format!("{shown} is not an allowed path")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The alternative name for the `n`th file with different content.
    pub(crate) fn beside(&self, n: u64) -> Self {
        Self(set_aside(&self.0, n))
    }

    /// The path's parent folders, outermost first.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').filter_map(|(at, _)| self.0.get(..at))
    }
}

/// Whether this text can be a file name in an evidence folder.
pub(crate) fn is_safe_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-');
    (1..=240).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed)
}

/// A file that is being written under a temporary name. Dropping this value removes the file.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    path: PathBuf,
    digest: Sha256Hasher,
    size: u64,
}

impl Draft {
    /// Creates a file in `folder`, which must exist.
    pub(crate) fn begin(folder: &Path) -> Result<Self, Error> {
        let path = passing_path(folder);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.map_err(|error| unwritable(&path, &error))?;
        Ok(Self { file, path, digest: Sha256Hasher::default(), size: 0 })
    }

    /// Digest and size of the file's content.
    pub(crate) fn content(&self) -> (Sha256, u64) {
        (self.digest.clone().finish(), self.size)
    }

    /// Opens the file's content for reading from the start.
    pub(crate) fn read(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(|error| unwritable(&self.path, &error))
    }

    /// Flushes the file to disk.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(|error| unwritable(&self.path, &error))
    }

    /// Renames the file to `target`, or returns `false` if that name is already used.
    pub(crate) fn name_if_free(&self, target: &Path) -> Result<bool, Error> {
        match link_new(&self.path, target) {
            Ok(()) => {
                flush_parent(target);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(unwritable(target, &error)),
        }
    }
}

impl Sink for Draft {
    fn held(&self) -> u64 {
        self.size
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| unwritable(&self.path, &error))?;
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        if self.size > 0 {
            let folder = self.path.parent().unwrap_or(Path::new("")).to_path_buf();
            *self = Self::begin(&folder)?;
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // If the file cannot be removed now, the next run removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Links the file to `to` if that name is unused. On file systems without hard links, this function checks the name and then renames the file; the
/// folder's lock prevents interference between runs.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
        Ok(()) => Ok(()),
    }
}

/// A temporary name in `folder` that this process has not used yet.
pub(crate) fn passing_path(folder: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    folder.join(format!("{PASSING_PREFIX}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Writes a new file, or replaces a file that this program wrote earlier, completely or not at all.
pub(crate) fn replace(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut draft = Draft::begin(target.parent().unwrap_or(Path::new("")))?;
    draft.take(bytes)?;
    draft.flush()?;
    fs::rename(&draft.path, target).map_err(|error| unwritable(target, &error))?;
    flush_parent(target);
    Ok(())
}

/// Creates a folder unless it exists. A link to a folder is refused, because it could lead outside.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    if let Err(error) = fs::create_dir(path)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(unwritable(path, &error));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(blocked(path, "expected a folder, found a file or a link")),
        Err(error) => Err(unwritable(path, &error)),
    }
}

/// Removes what interrupted runs left below `folder`.
pub(crate) fn remove_passing(folder: &Path) -> Result<(), Error> {
    let mut left = vec![(folder.to_path_buf(), DEPTH)];
    while let Some((folder, depth)) = left.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unwritable(&folder, &error))? {
            let entry = entry.map_err(|error| unwritable(&folder, &error))?;
            let kind = entry.file_type().map_err(|error| unwritable(&entry.path(), &error))?;
            let passing = entry.file_name().to_str().is_some_and(|name| name.starts_with(PASSING_PREFIX));
            let removed = match (passing, kind.is_dir()) {
                (true, true) => fs::remove_dir_all(entry.path()),
                (true, false) => fs::remove_file(entry.path()),
                (false, _) => Ok(()),
            };
            removed.map_err(|error| unwritable(&entry.path(), &error))?;
            if kind.is_dir() && !passing && depth > 0 {
                left.push((entry.path(), depth - 1));
            }
        }
    }
    Ok(())
}

/// Removes the files that interrupted runs left in `folder` itself.
pub(crate) fn remove_passing_files(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(|error| unwritable(folder, &error))? {
        let entry = entry.map_err(|error| unwritable(folder, &error))?;
        let passing = entry.file_name().to_str().is_some_and(|name| name.starts_with(PASSING_PREFIX));
        if passing && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            fs::remove_file(entry.path()).map_err(|error| unwritable(&entry.path(), &error))?;
        }
    }
    Ok(())
}

/// Digest and size of the file at `path`; `None` if there is no such file.
///
/// # Errors
/// [`Error::Unwritable`] if this path is not a regular file.
pub(crate) fn content_of(path: &Path) -> Result<Option<(Sha256, u64)>, Error> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unwritable(path, &error)),
        Ok(found) if !found.is_file() => return Err(blocked(path, "expected a file, found a folder or a link")),
        Ok(_) => {}
    }
    let unreadable = |error| Error::from_read(&slashed(path), error);
    let mut reader = HashingReader::new(File::open(path).map_err(unreadable)?);
    io::copy(&mut reader, &mut io::sink()).map_err(unreadable)?;
    Ok(Some(reader.finish()))
}

/// Flushes the parent folder, because a new name is on disk only after its folder has been flushed. Some systems do not allow a program to flush a
/// folder; they flush it later themselves.
pub(crate) fn flush_parent(path: &Path) {
    if let Some(folder) = path.parent().and_then(|parent| File::open(parent).ok()) {
        let _ = folder.sync_all();
    }
}

pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::unwritable(slashed(path), error)
}

/// Like [`unwritable`], but for a reason that did not come from the system.
pub(crate) fn blocked(path: &Path, why: &str) -> Error {
    Error::Unwritable { path: slashed(path), message: why.into() }
}
