//! The evidence folder: every file is either complete or absent, no evidence is ever replaced, and a record states the origin of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use crate::base::build_name::BuildName;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::base::set_aside::is_set_aside;
use crate::base::system::slashed;
use crate::client::disk::{
    Draft, Place, blocked, content_of, flush_parent, make_folder, passing_path, remove_passing, remove_passing_files,
    unwritable,
};
use crate::client::evidence_record::{Entry, EvidenceRecord, Missing, Origin, Step};
use crate::client::http::Sink;

/// The result of storing bytes in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The bytes have been added to the folder.
    New,
    /// The folder already contained the same bytes.
    Same,
    /// The folder contains different content under that name. The old content is kept, and the received bytes are next to it under the name in this
    /// variant, from this run or an earlier one.
    Beside(String),
}

/// The folder that the user specified. If the system can lock folders, only one run at a time can use the folder.
#[derive(Debug)]
pub struct EvidenceFolder {
    root: PathBuf,
    limits: Limits,
    _lock: Option<File>,
}

impl EvidenceFolder {
    /// Opens the folder, creating it if necessary, and locks it until this value is dropped.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the folder cannot be created or another run is using it.
    pub fn open(root: &Path, limits: &Limits) -> Result<Self, Error> {
        fs::create_dir_all(root).map_err(|error| unwritable(root, &error))?;
        // On some systems and network file systems, a folder cannot be opened or locked; simultaneous runs are then not prevented.
        let lock = File::open(root).ok();
        if let Some(Err(fs::TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock) {
            return Err(blocked(root, "another `fetch` run is using this folder"));
        }
        remove_passing_files(root)?;
        Ok(Self { root: root.to_path_buf(), limits: limits.clone(), _lock: lock })
    }

    /// Creates a file for a build whose name is not yet known.
    pub(crate) fn draft(&self) -> Result<Draft, Error> {
        Draft::begin(&self.root)
    }

    /// Opens the folder of one build. The same folder must not be opened twice at the same time.
    ///
    /// # Errors
    /// [`Error::Unwritable`], including for a link in place of a folder; [`Error::Malformed`] for a name that cannot be
    /// a folder name, or an evidence.json that this program did not write.
    pub fn build(&self, name: &BuildName) -> Result<BuildFolder, Error> {
        if name.as_str().len() > 200 {
            return Err(Error::malformed(
                "the build's name",
                "it is longer than 200 characters and cannot be a folder name",
            ));
        }
        let path = self.root.join(name.as_str());
        make_folder(&path)?;
        remove_passing(&path)?;
        let record = EvidenceRecord::read(&path, name, &self.limits)?;
        let measured = Mutex::default();
        Ok(BuildFolder { path, record: Mutex::new(record), measured, limits: self.limits.clone() })
    }
}

impl EvidenceFolder {
    /// Builds with a saved bundle but no key, from this run or an earlier one, sorted by name.
    pub(crate) fn without_key(&self) -> Result<Vec<BuildName>, Error> {
        let unreadable = |error| Error::from_read(&slashed(&self.root), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name().to_str().and_then(BuildName::parse);
            names.extend(name.filter(|name| self.holds_bundle(name) && !self.holds_key(name)));
            self.limits.bundles().check(names.len() as u64, slashed(&self.root))?;
        }
        names.sort();
        Ok(names)
    }

    /// Whether the build's folder has a bundle.
    pub(crate) fn holds_bundle(&self, name: &BuildName) -> bool {
        self.root.join(name.as_str()).join(format!("manifest.{name}.sig.tbz")).is_file()
    }

    /// Whether the build's folder has a key, under the name that IBM's client uses or the name that older clients use.
    pub(crate) fn holds_key(&self, name: &BuildName) -> bool {
        let folder = self.root.join(name.as_str());
        folder.join(format!("manifest.{name}-public.pem")).is_file()
            || folder.join(format!("{name}-public.pem")).is_file()
    }
}

/// The folder of one build. Several threads may add files to the folder at the same time.
#[derive(Debug)]
pub struct BuildFolder {
    path: PathBuf,
    record: Mutex<EvidenceRecord>,
    /// Digests and sizes of files hashed in this run. They are used again, because other programs should not write to
    /// the folder during a run.
    measured: Mutex<BTreeMap<PathBuf, (Sha256, u64)>>,
    limits: Limits,
}

/// Files that belong together and are being written to a temporary folder.
#[derive(Debug)]
pub(crate) struct FileSet {
    passing: PathBuf,
    files: Vec<SetFile>,
}

#[derive(Debug)]
struct SetFile {
    place: Place,
    sha256: Sha256,
    size: u64,
    origin: Origin,
}

impl FileSet {
    /// The paths of the files, relative to the set.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.place.as_str())
    }

    /// Writes one file of the set.
    pub(crate) fn add(&mut self, place: Place, bytes: &[u8], origin: Origin) -> Result<(), Error> {
        make_folders(&self.passing, &place)?;
        let path = self.passing.join(place.as_str());
        let mut draft = Draft::begin(path.parent().unwrap_or(&self.passing))?;
        draft.take(bytes)?;
        draft.flush()?;
        draft.name_if_free(&path)?;
        let (sha256, size) = draft.content();
        self.files.push(SetFile { place, sha256, size, origin });
        Ok(())
    }
}

impl Drop for FileSet {
    fn drop(&mut self) {
        // If the folder cannot be removed now, the next run removes it. If the set was already renamed, there is
        // nothing to remove.
        let _ = fs::remove_dir_all(&self.passing);
    }
}

impl BuildFolder {
    /// Stores `bytes` at `place` and records their origin in evidence.json.
    pub(crate) fn keep(&self, place: &Place, bytes: &[u8], origin: Origin) -> Result<Kept, Error> {
        let mut draft = self.draft(place)?;
        draft.take(bytes)?;
        self.keep_draft(place, draft, origin)
    }

    /// Creates a file for `place`.
    pub(crate) fn draft(&self, place: &Place) -> Result<Draft, Error> {
        make_folders(&self.path, place)?;
        Draft::begin(self.at(place).parent().unwrap_or(&self.path))
    }

    /// Renames a draft to its final name. If a file with different bytes has that name, the draft is stored next to that file.
    pub(crate) fn keep_draft(&self, place: &Place, draft: Draft, origin: Origin) -> Result<Kept, Error> {
        make_folders(&self.path, place)?;
        draft.flush()?;
        let content = draft.content();
        // Only one thread may rename drafts at a time: if two drafts have the same final name, the second must find the first.
        let mut record = self.record()?;
        let (target, kept) = self.settle(place, &|path| {
            if draft.name_if_free(path)? {
                return Ok(Some(Kept::New));
            }
            Ok((self.content_of(path)? == Some(content)).then_some(Kept::Same))
        })?;
        drop(draft);
        if let Ok(mut measured) = self.measured.lock() {
            measured.insert(self.at(&target), content);
        }
        record.add(Entry::new(target.as_str(), content.0, content.1, origin));
        Ok(kept)
    }

    /// Starts a set of files for `place`.
    pub(crate) fn file_set(&self, place: &Place) -> Result<FileSet, Error> {
        make_folders(&self.path, place)?;
        let passing = passing_path(self.at(place).parent().unwrap_or(&self.path));
        make_folder(&passing)?;
        Ok(FileSet { passing, files: Vec::new() })
    }

    /// Stores a set, completely or not at all. If the folder contains a different set, this set is stored next to it.
    pub(crate) fn keep_set(&self, place: &Place, set: &FileSet) -> Result<Kept, Error> {
        let (passing, files) = (&set.passing, &set.files);
        let mut record = self.record()?;
        let (target, kept) = self.settle(place, &|path| match fs::rename(passing, path) {
            Ok(()) => Ok(Some(Kept::New)),
            // A folder is never renamed to the name of a folder that is not empty.
            Err(_) if path.is_dir() => Ok(holds_set(path, files)?.then_some(Kept::Same)),
            Err(error) => Err(unwritable(path, &error)),
        })?;
        flush_parent(&self.at(&target));
        for file in files {
            let path = format!("{}/{}", target.as_str(), file.place.as_str());
            record.add(Entry::new(&path, file.sha256, file.size, file.origin.clone()));
        }
        Ok(kept)
    }

    /// Records the origin of a file left by a run that was interrupted before recording it.
    pub(crate) fn found(&self, place: &Place, (sha256, size): (Sha256, u64), origin: Origin) -> Result<(), Error> {
        self.record()?.add(Entry::new(place.as_str(), sha256, size, origin));
        Ok(())
    }

    fn content_of(&self, path: &Path) -> Result<Option<(Sha256, u64)>, Error> {
        if let Some(known) = self.measured.lock().ok().and_then(|measured| measured.get(path).copied()) {
            return Ok(Some(known));
        }
        let content = content_of(path)?;
        if let (Some(content), Ok(mut measured)) = (content, self.measured.lock()) {
            measured.insert(path.to_path_buf(), content);
        }
        Ok(content)
    }

    /// The files in the folder at `place` with their digests, sorted by path, except those that were set aside.
    pub(crate) fn contents_below(&self, place: &Place) -> Result<Vec<(Sha256, Place)>, Error> {
        let folder = self.at(place);
        let mut found = Vec::new();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(unwritable(&folder, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| unwritable(&folder, &error))?;
            let name = entry.file_name();
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            let Some(name) = name.to_str().filter(|name| is_file && !is_set_aside(name)) else { continue };
            let file = Place::new(format!("{}/{name}", place.as_str()))?;
            if let Some((sha256, _)) = self.content_of(&self.at(&file))? {
                found.push((sha256, file));
            }
        }
        found.sort_by(|(_, a), (_, b)| a.cmp(b));
        Ok(found)
    }

    /// Tries `place`, then the alternative names, until `attempt` returns a result.
    fn settle(
        &self,
        place: &Place,
        attempt: &dyn Fn(&Path) -> Result<Option<Kept>, Error>,
    ) -> Result<(Place, Kept), Error> {
        let beside = (1..=self.limits.kept_beside).map(|n| place.beside(n));
        for target in std::iter::once(place.clone()).chain(beside) {
            match attempt(&self.at(&target))? {
                // Also if an earlier run stored the same bytes there: the file under the name of `place` is still a different one.
                Some(_) if target != *place => {
                    let kept = Kept::Beside(target.as_str().to_owned());
                    return Ok((target, kept));
                }
                Some(kept) => return Ok((target, kept)),
                None => {}
            }
        }
        Err(self.limits.kept_beside().exceeded(format!("files next to {}", place.as_str())))
    }

    /// Reads the file at `place` and reports whether it has this digest and size.
    pub(crate) fn holds(&self, place: &Place, sha256: Sha256, size: u64) -> Result<bool, Error> {
        Ok(self.content_of(&self.at(place))? == Some((sha256, size)))
    }

    /// The bytes at `place`, if there is a file.
    pub(crate) fn read(&self, place: &Place, bound: Bound) -> Result<Option<Vec<u8>>, Error> {
        let path = self.at(place);
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            return Ok(None);
        }
        super::settings::read_bounded(&path, bound).map(|bytes| Some(bytes.to_vec()))
    }

    /// The file at `place`, opened as a stream.
    pub(crate) fn open(&self, place: &Place) -> Result<Option<fs::File>, Error> {
        let path = self.at(place);
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            return Ok(None);
        }
        let file = fs::File::open(&path).map_err(|error| Error::from_read(&slashed(&path), error))?;
        Ok(Some(file))
    }

    /// Whether evidence.json records that `from` provided this version of the file at `place`, and the file has not changed since then.
    pub(crate) fn holds_version(&self, place: &Place, from: &str, version: &str) -> Result<bool, Error> {
        let content = self.record()?.content_of(place.as_str(), from, version);
        match content {
            Some((sha256, size)) => self.holds(place, sha256, size),
            None => Ok(false),
        }
    }

    /// Writes evidence.json with the outcome of a step, the evidence that it lacks, and the names of evidence that it `received`.
    pub(crate) fn end_step(&self, step: Step, missing: Vec<Missing>, received: &BTreeSet<String>) -> Result<(), Error> {
        let mut record = self.record()?;
        record.end_step(step, missing, received, &|what| self.is_here(what));
        record.write(&self.path)
    }

    /// Whether the evidence that evidence.json lists under this name is in the folder. The contents of files are not read.
    fn is_here(&self, what: &str) -> bool {
        let paths: &[&str] = match what {
            // An image's index is written last.
            "image" => &["image/index.json"],
            "image-key" => &["image-key.pem", "image-key.asc"],
            _ => &[what],
        };
        let is_there = |place: Place| {
            let path = self.at(&place);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()),
                found => found.is_ok_and(|found| found.is_file()),
            }
        };
        paths.iter().any(|path| Place::new(*path).is_ok_and(is_there))
    }

    fn record(&self) -> Result<MutexGuard<'_, EvidenceRecord>, Error> {
        self.record.lock().map_err(|_| blocked(&self.path, "a thread of this run failed"))
    }

    fn at(&self, place: &Place) -> PathBuf {
        self.path.join(place.as_str())
    }
}

fn make_folders(root: &Path, place: &Place) -> Result<(), Error> {
    place.folders().try_for_each(|folder| make_folder(&root.join(folder)))
}

/// Whether exactly these files are present. An additional file in the folder also counts as a difference.
fn holds_set(folder: &Path, files: &[SetFile]) -> Result<bool, Error> {
    for file in files {
        if content_of(&folder.join(file.place.as_str()))? != Some((file.sha256, file.size)) {
            return Ok(false);
        }
    }
    Ok(count_files(folder)? == files.len())
}

fn count_files(folder: &Path) -> Result<usize, Error> {
    let mut count = 0;
    let mut left = vec![folder.to_path_buf()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unwritable(&folder, &error))? {
            let entry = entry.map_err(|error| unwritable(&folder, &error))?;
            // `file_type` does not follow links, so the loop terminates.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(entry.path());
            } else {
                count += 1;
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
