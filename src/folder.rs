//! The edge to the file system: finds bundles and the keys that lie beside them. It returns bytes and names; it never judges.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::key::PublicKey;
use crate::limits::{Bound, Limits};
use crate::server_record::ServerFiles;
use crate::trust::TrustFile;

/// The bundles that `paths` name, in the order of the paths: a file is taken as it is, a folder is searched for `*.sig.tbz` at any
/// depth, sorted by name. Symbolic links to folders are not followed; one that is called like a bundle is taken as one, so that no bundle is
/// passed over for the way it lies there. What cannot be read is in the list too: opening it says why, so that one bad path never hides the
/// others.
///
/// # Errors
/// [`Error::NothingToVerify`] when there is none, [`Error::OverLimit`].
pub fn find_bundles(paths: &[PathBuf], limits: &Limits) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, limits, 0, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    if found.is_empty() {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Error::NothingToVerify { paths: paths.join(", ") });
    }
    Ok(found)
}

fn search(folder: &Path, limits: &Limits, depth: u64, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    limits.folder_depth().check(depth, folder.display())?;
    let Ok(entries) = sorted_entries(folder) else {
        found.push(folder.to_owned());
        return Ok(());
    };
    for path in entries {
        let kind = fs::symlink_metadata(&path).map(|metadata| metadata.file_type());
        if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
            search(&path, limits, depth + 1, found)?;
        } else if kind.is_ok_and(|kind| may_be_bundle(kind, &path)) {
            found.push(path);
            limits.bundles().check(found.len() as u64, folder.display())?;
        }
    }
    Ok(())
}

/// A file by a bundle's name, or a link by one to anything but a folder or a pipe.
fn may_be_bundle(kind: fs::FileType, path: &Path) -> bool {
    let by_link = || fs::metadata(path).map_or(true, |target| target.is_file());
    path.to_string_lossy().ends_with(".sig.tbz") && (kind.is_file() || (kind.is_symlink() && by_link()))
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| unreadable(folder, &error))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The public keys that lie in a bundle's folder (`*.pem`, `*.pub`, `*.key`), by file name. Files that hold no usable key are passed
/// over, and so is everything beyond the bounds: lying there gives a key no standing.
pub fn keys_beside(bundle: &Path, limits: &Limits) -> Vec<(String, PublicKey)> {
    key_files_beside(bundle, limits).into_iter().map(|(name, key, _)| (name, key)).collect()
}

/// The same, with the bytes of their files.
pub(crate) fn key_files_beside(bundle: &Path, limits: &Limits) -> Vec<(String, PublicKey, Vec<u8>)> {
    let folder = folder_of(bundle);
    let is_candidate = |path: &PathBuf| {
        let known =
            path.extension().is_some_and(|extension| ["pem", "pub", "key"].iter().any(|known| extension == *known));
        known && fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
    };
    let paths = sorted_entries(folder).unwrap_or_default();
    let most = usize::try_from(limits.key_files_beside).unwrap_or(usize::MAX);
    paths
        .into_iter()
        .filter(is_candidate)
        .take(most)
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            let bytes = read_file(&path, limits.key_file_bytes()).ok()?;
            let key = PublicKey::from_pem(&name, &bytes, limits).ok()?;
            Some((name, key, bytes))
        })
        .collect()
}

/// The build server's answers that `fetch` saved in a bundle's folder: status.json, image-digest.json, server-build.log. Only if the
/// bundle is the only one there, since the files do not say in their names which build they are about.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::OverLimit`].
pub fn server_files(bundle: &Path, limits: &Limits) -> Result<Option<ServerFiles>, Error> {
    let Some(folder) = only_bundle_of(bundle) else { return Ok(None) };
    let read = |name: &str, bound: Bound| {
        let path = folder.join(name);
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        is_file.then(|| read_file(&path, bound)).transpose()
    };
    let files = ServerFiles {
        status: read("status.json", limits.build_record_bytes())?,
        image_digest: read("image-digest.json", limits.build_record_bytes())?,
        log: read("server-build.log", limits.server_log_bytes())?,
    };
    Ok((files != ServerFiles::default()).then_some(files))
}

/// The files of an image's signatures: one file, or everything in a folder, by their paths below it. Symbolic links are not followed.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::OverLimit`].
pub fn read_trust(path: &Path, limits: &Limits) -> Result<Vec<TrustFile>, Error> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let mut left = limits.trust_bytes;
    let read = |(name, path): (String, PathBuf)| {
        let bytes = read_file(&path, limits.trust_file_bytes())?;
        left = limits.trust_bytes().take(left, bytes.len() as u64, path.display())?;
        Ok(TrustFile { path: name, bytes })
    };
    if metadata.is_dir() {
        return files_below(path, limits.trust_files(), limits)?.into_iter().map(read).collect();
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    [(name, path.to_owned())].into_iter().map(read).collect()
}

/// The folder `trust` in a bundle's folder, where the folder holds no other bundle that it could belong to.
///
/// # Errors
/// As [`read_trust`].
pub fn trust_beside(bundle: &Path, limits: &Limits) -> Result<Option<Vec<TrustFile>>, Error> {
    let Some(folder) = only_bundle_of(bundle).map(|folder| folder.join("trust")) else { return Ok(None) };
    match fs::symlink_metadata(&folder) {
        Ok(metadata) if metadata.is_dir() => read_trust(&folder, limits).map(Some),
        _ => Ok(None),
    }
}

/// The folder `builder` in a bundle's folder, as [`trust_beside`].
///
/// # Errors
/// As [`read_trust`].
pub fn builder_beside(bundle: &Path, limits: &Limits) -> Result<Option<Vec<TrustFile>>, Error> {
    let Some(folder) = only_bundle_of(bundle).map(|folder| folder.join("builder")) else { return Ok(None) };
    match fs::symlink_metadata(&folder) {
        Ok(metadata) if metadata.is_dir() => read_trust(&folder, limits).map(Some),
        _ => Ok(None),
    }
}

/// Every regular file below a folder: its path from there, with `/`, and its place. Symbolic links are not followed.
///
/// # Errors
/// [`Error::Unreadable`]; [`Error::OverLimit`] beyond `folder_depth`, or more files than `bound` allows.
pub(crate) fn files_below(top: &Path, bound: Bound, limits: &Limits) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut files = Vec::new();
    let mut folders = vec![(top.to_owned(), String::new(), 0)];
    while let Some((folder, name, depth)) = folders.pop() {
        limits.folder_depth().check(depth, folder.display())?;
        for path in sorted_entries(&folder)? {
            let kind = fs::symlink_metadata(&path).map_err(|error| unreadable(&path, &error))?.file_type();
            let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let own = if name.is_empty() { own } else { format!("{name}/{own}") };
            if kind.is_dir() {
                folders.push((path, own, depth + 1));
            } else if kind.is_file() {
                files.push((own, path));
                bound.check(files.len() as u64, folder.display())?;
            }
        }
    }
    files.sort();
    Ok(files)
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

/// The OCI layout `image/` in a bundle's folder, where the folder holds no other bundle that it could belong to.
pub fn image_beside(bundle: &Path) -> Option<PathBuf> {
    let image = only_bundle_of(bundle)?.join("image");
    fs::symlink_metadata(image.join("index.json")).is_ok_and(|metadata| metadata.is_file()).then_some(image)
}

/// A bundle's folder, if it is the only bundle there.
fn only_bundle_of(bundle: &Path) -> Option<&Path> {
    let folder = folder_of(bundle);
    let is_bundle = |path: &PathBuf| path.to_string_lossy().ends_with(".sig.tbz");
    (sorted_entries(folder).ok()?.iter().filter(|path| is_bundle(path)).count() <= 1).then_some(folder)
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

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Unreadable { what: path.display().to_string(), message: error.to_string() }
}
