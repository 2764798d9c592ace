//! Where evidence is stored: on disk, or in memory, as in a browser. The same rules apply to both.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::base::set_aside::is_set_aside;
use crate::base::system::{MISSING, slashed};
use crate::disk::folder;
use crate::given::approvals::Approvals;
use crate::given::attestation::Attestation;
use crate::image::{self, Choice, Held, ImageFacts, Source};
use crate::judge::policy::Policy;
use crate::trust::TrustFile;

/// Where files are stored.
#[derive(Debug, Clone, Copy)]
pub enum Storage<'a> {
    /// On disk.
    Disk,
    /// In memory, by path, with `/` between folders.
    Memory(&'a BTreeMap<String, Vec<u8>>),
}

/// The kind of a folder entry. Links are not followed, except to detect whether a link leads to a file or has no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    LinkToFile,
    Other,
}

/// What is below a folder. Paths are relative to it, with `/`.
#[derive(Debug, Default)]
struct Below {
    /// Every file that is read, with its full path.
    files: Vec<(String, PathBuf)>,
    left_out: Vec<LeftOut>,
}

/// What a folder contains but is not read: its relative path, and the reason. Folders are not listed.
pub(crate) type LeftOut = (String, &'static str);

impl<'a> Storage<'a> {
    /// Finds the bundles in `paths`, in the order of the paths: a file is used directly; a folder is searched for `*.sig.tbz` at any depth, sorted
    /// by name. In it, symbolic links to folders are not followed, but a link to a file named like a bundle counts as a bundle. Unreadable paths are
    /// also listed, and cause an error when they are opened, so that one bad path does not hide the others.
    ///
    /// A bundle that is listed twice, even under different paths, counts once if both paths lead to the same file in the same folder. A link
    /// next to its target file also counts as that file. A link in a different folder is kept, because there may be other evidence next to it,
    /// which is then audited as well.
    ///
    /// # Errors
    /// [`Error::NothingToVerify`] if there is no bundle, [`Error::OverLimit`] if there are too many.
    pub fn find_bundles(self, paths: &[PathBuf], limits: &Limits) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        for path in paths {
            if self.is_folder(path) {
                self.search(path, limits, 0, &mut found)?;
            } else {
                found.push(path.clone());
            }
        }
        if found.is_empty() {
            let paths: Vec<String> = paths.iter().map(|path| slashed(path)).collect();
            return Err(Error::NothingToVerify { paths: paths.join(", ") });
        }
        Ok(self.each_once(found))
    }

    /// Removes duplicate bundles and keeps the order.
    fn each_once(self, found: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut first_at: BTreeMap<(PathBuf, PathBuf), usize> = BTreeMap::new();
        let mut once: Vec<PathBuf> = Vec::new();
        for path in found {
            let (folder, file) = self.place(&path);
            // The file's name states which build the file should contain, whereas a link next to the file may have any name.
            let is_own_name = path.file_name() == file.file_name();
            match first_at.entry((folder, file)) {
                Entry::Vacant(free) => {
                    free.insert(once.len());
                    once.push(path);
                }
                Entry::Occupied(known) => {
                    let first = once.get_mut(*known.get());
                    if let Some(first) = first.filter(|first| is_own_name && first.file_name() != path.file_name()) {
                        *first = path;
                    }
                }
            }
        }
        once
    }

    /// The bundle's folder and the bundle's file, both in canonical form (links resolved) if possible.
    fn place(self, path: &Path) -> (PathBuf, PathBuf) {
        let whole = |path: &Path| match self {
            Self::Disk => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            Self::Memory(_) => PathBuf::from(name_of(path)),
        };
        (whole(folder::folder_of(path)), whole(path))
    }

    fn search(self, folder: &Path, limits: &Limits, depth: u64, found: &mut Vec<PathBuf>) -> Result<(), Error> {
        limits.folder_depth().check(depth, slashed(folder))?;
        let Ok(entries) = self.entries(folder) else {
            found.push(folder.to_owned());
            return Ok(());
        };
        for (path, kind) in entries {
            match kind {
                Kind::Folder => self.search(&path, limits, depth + 1, found)?,
                Kind::File | Kind::LinkToFile if is_bundle(&path) => {
                    found.push(path);
                    limits.bundles().check(found.len() as u64, slashed(folder))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The only bundle at or below `path`.
    ///
    /// # Errors
    /// [`Error::Usage`] for several bundles, with `command` in the message; otherwise the errors of [`Self::find_bundles`].
    pub fn one_bundle(self, path: &Path, command: &str, limits: &Limits) -> Result<PathBuf, Error> {
        let found = self.find_bundles(&[path.to_owned()], limits)?;
        let count = found.len();
        found.into_iter().next().filter(|_| count == 1).ok_or_else(|| Error::Usage {
            message: format!("`{command}` accepts one bundle, but {} contains {count}", slashed(path)),
            hint: "specify one file, or use `hpsb-audit audit` for a folder".into(),
        })
    }

    /// Whether the path is a folder or a link to one.
    pub(crate) fn is_folder(self, path: &Path) -> bool {
        match self {
            Self::Disk => path.is_dir(),
            Self::Memory(files) => below(files, path).next().is_some(),
        }
    }

    /// Whether the path is a regular file or a link to one.
    pub(crate) fn is_file(self, path: &Path) -> bool {
        match self {
            Self::Disk => path.is_file(),
            Self::Memory(files) => files.contains_key(&name_of(path)),
        }
    }

    pub(super) fn kind(self, path: &Path) -> Kind {
        match self {
            Self::Disk => kind_on_disk(path),
            Self::Memory(files) if files.contains_key(&name_of(path)) => Kind::File,
            Self::Memory(_) if self.is_folder(path) => Kind::Folder,
            Self::Memory(_) => Kind::Other,
        }
    }

    /// The entries of a folder, sorted by name.
    pub(super) fn entries(self, folder: &Path) -> Result<Vec<(PathBuf, Kind)>, Error> {
        self.entries_named(folder, |_| true)
    }

    /// The entries of a folder whose names satisfy `wanted`, sorted by name. To save time, the metadata of other entries is not read: a folder is
    /// searched for keys once for each of its bundles.
    pub(super) fn entries_named(
        self,
        folder: &Path,
        wanted: impl Fn(&Path) -> bool,
    ) -> Result<Vec<(PathBuf, Kind)>, Error> {
        match self {
            Self::Disk => Ok(folder::sorted_entries(folder, wanted)?
                .into_iter()
                .map(|path| (path.clone(), kind_on_disk(&path)))
                .collect()),
            Self::Memory(files) => {
                let mut entries: BTreeMap<PathBuf, Kind> = BTreeMap::new();
                for (path, _) in below(files, folder) {
                    let (own, kind) = path.split_once('/').map_or((path, Kind::File), |(own, _)| (own, Kind::Folder));
                    let known = entries.insert(folder.join(own), kind);
                    // This fault cannot occur on disk. In memory, a search would treat the path as a folder, but a read would find a file.
                    if known.is_some_and(|known| known != kind) {
                        return Err(Error::malformed(slashed(folder), format!("{own:?} is both a file and a folder")));
                    }
                }
                Ok(entries.into_iter().filter(|(path, _)| wanted(path)).collect())
            }
        }
    }

    /// The folder of a bundle, if it contains no other bundle.
    pub(super) fn only_bundle_of(self, bundle: &Path) -> Option<&Path> {
        let folder = folder::folder_of(bundle);
        let is_alone = match self {
            Self::Disk => folder::has_at_most_one(folder, is_bundle).ok()?,
            Self::Memory(_) => self.entries_named(folder, is_bundle).ok()?.len() <= 1,
        };
        is_alone.then_some(folder)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if it cannot be opened.
    pub fn open(self, path: &Path) -> Result<Box<dyn Read + 'a>, Error> {
        match self {
            Self::Disk => Ok(Box::new(folder::open(path)?)),
            Self::Memory(files) => Ok(Box::new(held(files, path)?)),
        }
    }

    /// The size of a file, or 0 if not known.
    pub(crate) fn size(self, path: &Path) -> u64 {
        match self {
            Self::Disk => fs::metadata(path).map_or(0, |metadata| metadata.len()),
            Self::Memory(files) => held(files, path).map_or(0, |bytes| bytes.len() as u64),
        }
    }

    /// Reads a file up to the size that `bound` allows.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::OverLimit`].
    pub fn read(self, path: &Path, bound: Bound) -> Result<Vec<u8>, Error> {
        match self {
            Self::Disk => folder::read_file(path, bound),
            Self::Memory(files) => {
                let bytes = held(files, path)?;
                bound.check(bytes.len() as u64, slashed(path))?;
                Ok(bytes.to_vec())
            }
        }
    }

    /// Every regular file below a folder: its path relative to the folder, with `/`, and its full path. Symbolic links are not followed, and what
    /// `fetch` set aside is left out.
    ///
    /// # Errors
    /// [`Error::Unreadable`]; [`Error::OverLimit`] beyond `folder_depth`, or for more files than `bound` allows.
    pub(crate) fn files_below(
        self,
        top: &Path,
        bound: Bound,
        limits: &Limits,
    ) -> Result<Vec<(String, PathBuf)>, Error> {
        Ok(self.walk_below(top, bound, limits)?.files)
    }

    fn walk_below(self, top: &Path, bound: Bound, limits: &Limits) -> Result<Below, Error> {
        let mut found = Below::default();
        let mut folders = vec![(top.to_owned(), String::new(), 0)];
        while let Some((folder, name, depth)) = folders.pop() {
            limits.folder_depth().check(depth, slashed(&folder))?;
            for (path, kind) in self.entries(&folder)? {
                let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let is_aside = is_set_aside(&own);
                let own = if name.is_empty() { own } else { format!("{name}/{own}") };
                match kind {
                    _ if is_aside => found.left_out.push((own, "set aside by fetch")),
                    Kind::Folder => folders.push((path, own, depth + 1)),
                    Kind::File => found.files.push((own, path)),
                    Kind::LinkToFile | Kind::Other => found.left_out.push((own, "not a file, or a link")),
                }
                bound.check((found.files.len() + found.left_out.len()) as u64, slashed(&folder))?;
            }
        }
        found.files.sort();
        found.left_out.sort();
        Ok(found)
    }

    /// Reads the files of an image's signatures or of an attestation record: one file, or all files in a folder, by relative path. Symbolic links
    /// in the folder are not followed.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::OverLimit`].
    pub fn read_trust(self, path: &Path, limits: &Limits) -> Result<Vec<TrustFile>, Error> {
        self.read_trust_and_left_out(path, limits).map(|(files, _)| files)
    }

    /// Like [`Self::read_trust`], but also returns what was not read.
    pub(crate) fn read_trust_and_left_out(
        self,
        path: &Path,
        limits: &Limits,
    ) -> Result<(Vec<TrustFile>, Vec<LeftOut>), Error> {
        let mut left = limits.trust_bytes;
        let read = |(name, file): (String, PathBuf)| {
            let bytes = self.read(&file, limits.trust_file_bytes())?;
            left = limits.trust_bytes().take(left, bytes.len() as u64, slashed(path))?;
            Ok(TrustFile { path: name, bytes })
        };
        let below = if self.is_folder(path) {
            self.walk_below(path, limits.trust_files(), limits)?
        } else {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Below { files: vec![(name, path.to_owned())], left_out: Vec::new() }
        };
        let files: Result<Vec<TrustFile>, Error> = below.files.into_iter().map(read).collect();
        Ok((files?, below.left_out))
    }

    /// Reads the folder of an attestation record.
    ///
    /// # Errors
    /// [`Error::Usage`] if the folder has no record; otherwise the errors of [`Self::read_trust`].
    pub fn read_attestation(self, path: &Path, limits: &Limits) -> Result<Attestation, Error> {
        self.read_attestation_and_files(path, limits).map(|(record, _)| record)
    }

    /// Like [`Self::read_attestation`], but also returns the files, so that exactly the audited files can be stored.
    pub(crate) fn read_attestation_and_files(
        self,
        path: &Path,
        limits: &Limits,
    ) -> Result<(Attestation, Vec<TrustFile>), Error> {
        let files = self.read_trust(path, limits)?;
        let record = Attestation::read(&files).ok_or_else(|| Error::Usage {
            message: format!("{} does not contain an attestation record", slashed(path)),
            hint:
                "a record consists of se-checksums.txt, se-signature.bin and the certificates next to them; see docs/admission.md"
                    .into(),
        })?;
        Ok((record, files))
    }

    /// Reads a policy. Paths in the policy are relative to the policy's folder.
    ///
    /// # Errors
    /// The errors of [`Policy::from_toml`] and [`Self::read`].
    pub fn read_policy(self, path: &Path, limits: &Limits) -> Result<Policy, Error> {
        let bytes = self.read(path, limits.policy_bytes())?;
        let base = path.parent().unwrap_or(Path::new(""));
        Policy::from_toml(&slashed(path), &bytes, limits, |file| self.read(&base.join(file), limits.key_file_bytes()))
    }

    /// Reads a list of approvals, and the signature next to it, if any.
    ///
    /// # Errors
    /// The errors of [`Approvals::read`] and [`Self::read`].
    pub fn read_approvals(self, path: &Path, limits: &Limits) -> Result<Approvals, Error> {
        let bytes = self.read(path, limits.approvals_bytes())?;
        Approvals::read(&slashed(path), bytes, self.approvals_signature(path, limits)?, limits)
    }

    /// The signature next to a list of approvals, if any.
    pub(crate) fn approvals_signature(self, path: &Path, limits: &Limits) -> Result<Option<Vec<u8>>, Error> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".sig");
        let beside = PathBuf::from(beside);
        let is_there = match self {
            Self::Disk => fs::symlink_metadata(&beside).is_ok(),
            Self::Memory(files) => files.contains_key(&name_of(&beside)),
        };
        is_there.then(|| self.read(&beside, limits.key_file_bytes())).transpose()
    }

    /// Reads an image from this storage. Registries are not contacted.
    ///
    /// # Errors
    /// The errors of [`image::read`].
    pub fn read_image(
        self,
        source: &Source,
        choice: &Choice,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<ImageFacts, Error> {
        let Self::Memory(files) = self else { return image::read_within(source, choice, limits, budget) };
        let held = source.place().and_then(|(path, _, _)| match files.get(&name_of(path)) {
            Some(archive) => Some(Held::File(archive)),
            None => self.is_folder(path).then(|| Held::Folder(below(files, path).collect())),
        });
        image::read_from_memory(source, held.as_ref(), choice, limits, budget)
    }
}

fn is_bundle(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".sig.tbz")
}

fn kind_on_disk(path: &Path) -> Kind {
    let by_link = || fs::metadata(path).map_or(true, |target| target.is_file());
    match fs::symlink_metadata(path) {
        Ok(seen) if seen.is_dir() => Kind::Folder,
        Ok(seen) if seen.is_file() => Kind::File,
        Ok(seen) if seen.is_symlink() && by_link() => Kind::LinkToFile,
        _ => Kind::Other,
    }
}

/// The in-memory name for a path.
fn name_of(path: &Path) -> String {
    slashed(path).trim_start_matches("./").trim_end_matches('/').to_owned()
}

fn held<'a>(files: &'a BTreeMap<String, Vec<u8>>, path: &Path) -> Result<&'a [u8], Error> {
    let found = files.get(&name_of(path)).map(Vec::as_slice);
    found.ok_or_else(|| Error::Unreadable { what: slashed(path), message: MISSING.into() })
}

/// The files below a folder, by relative path.
fn below<'a>(
    files: &'a BTreeMap<String, Vec<u8>>,
    folder: &Path,
) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
    let name = name_of(folder);
    let prefix = if name.is_empty() || name == "." { String::new() } else { format!("{name}/") };
    let from = files.range(prefix.clone()..);
    let own = from.map_while(move |(path, bytes)| Some((path.strip_prefix(prefix.as_str())?, bytes.as_slice())));
    own.filter(|(path, _)| !path.is_empty())
}

#[cfg(test)]
mod tests;
