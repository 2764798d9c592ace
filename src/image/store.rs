//! The source of an image's parts: a folder on disk or in memory, a tar file that is read once, or a registry.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::document::Descriptor;
use super::layer::{Compression, Measured, START, XZ_UNSUPPORTED, measure, with_content};
use crate::archive::{MemberKind, MemberPath, TarReader};
use crate::base::budget::{Budget, Work};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::base::system::slashed;
use crate::disk::folder;

/// The parts of an image by name: a path relative to the top of a folder or archive. Each blob is measured only once, even if referenced several times.
pub(super) struct Store<'a> {
    parts: Parts<'a>,
    budget: Budget,
    measured: RefCell<BTreeMap<String, Option<Measured>>>,
}

/// The location of the parts.
#[cfg_attr(not(feature = "fetch"), allow(dead_code))]
enum Parts<'a> {
    Folder(PathBuf),
    Archive(Archive),
    /// Files in memory, with their paths in a folder.
    Held(BTreeMap<&'a str, &'a [u8]>),
    Remote(Remote<'a>),
    /// An unsupported file, with a message.
    Unsupported(&'static str),
}

/// Functions that query a registry. The network code provides these functions, so that this module does not use the network.
#[derive(Clone, Copy)]
pub(crate) struct Remote<'a> {
    /// Reads a document by its path below the repository, up to the specified limit.
    pub(crate) document: &'a Document<'a>,
    /// Reads a layer by its digest and size, and measures it as it arrives.
    pub(crate) layer: &'a Layer<'a>,
}

type Document<'a> = dyn Fn(&str, Bound) -> Result<Option<Vec<u8>>, Error> + 'a;
type Layer<'a> = dyn Fn(Sha256, u64) -> Result<Option<Measured>, Error> + 'a;

/// A tar file, read once: every file is measured, and JSON documents up to a limit are kept.
pub(super) struct Archive {
    files: BTreeMap<MemberPath, Entry>,
}

enum Entry {
    File {
        measured: Measured,
        document: Option<Vec<u8>>,
    },
    /// A link to a path inside the archive. `None` if the link leads elsewhere.
    Link(Option<MemberPath>),
}

/// The cost of a member, counted in objects.
const MEMBER_OBJECTS: u64 = 2;
/// The number of copies of a member's path that are kept.
const NAMES_HELD: u64 = 2;
/// Estimated bytes kept for each member, in addition to its path.
const MEMBER_HELD_BYTES: u64 = 350;

/// The result of looking up a document.
pub(super) enum Found {
    Bytes(Vec<u8>),
    Missing,
    /// The file exists but cannot be a document, with a message.
    Faulty(String),
}

impl<'a> Store<'a> {
    /// Opens a folder or a tar file. The tar file as a whole may be compressed.
    pub(super) fn open(path: &Path, limits: &Limits, budget: &Budget) -> Result<Self, Error> {
        let metadata = fs::metadata(path).map_err(|error| Error::unreadable(slashed(path), &error))?;
        if metadata.is_dir() {
            return Ok(Self::of(Parts::Folder(path.to_owned()), budget));
        }
        if compression(folder::open(path)?, path)? == Compression::Xz {
            return Ok(Self::of(Parts::Unsupported(XZ_UNSUPPORTED), budget));
        }
        budget.add_input(metadata.len());
        let what = slashed(path);
        let files = read_tar(path, limits, budget, |input| scan(input, &what, limits, budget))?;
        Ok(Self::of(Parts::Archive(Archive { files }), budget))
    }

    /// Reads a tar file in memory. The file as a whole may be compressed.
    pub(super) fn of_archive(what: &str, bytes: &[u8], limits: &Limits, budget: &Budget) -> Result<Self, Error> {
        if Compression::of(bytes.get(..START).unwrap_or(bytes)) == Compression::Xz {
            return Ok(Self::of(Parts::Unsupported(XZ_UNSUPPORTED), budget));
        }
        budget.add_input(bytes.len() as u64);
        let files = with_content(bytes, limits, budget, |input| scan(input, what, limits, budget))?;
        Ok(Self::of(Parts::Archive(Archive { files }), budget))
    }

    /// Files in memory, with their paths in a folder.
    pub(super) fn of_files(files: BTreeMap<&'a str, &'a [u8]>, budget: &Budget) -> Self {
        Self::of(Parts::Held(files), budget)
    }

    /// A registry.
    #[cfg(feature = "fetch")]
    pub(super) fn of_registry(remote: Remote<'a>, budget: &Budget) -> Self {
        Self::of(Parts::Remote(remote), budget)
    }

    fn of(parts: Parts<'a>, budget: &Budget) -> Self {
        Self { parts, budget: budget.clone(), measured: RefCell::default() }
    }

    /// The reason why the file cannot be read, if its format is not supported.
    pub(super) fn unsupported(&self) -> Option<&'static str> {
        match self.parts {
            Parts::Unsupported(why) => Some(why),
            _ => None,
        }
    }

    /// Whether this is a folder on disk.
    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self.parts, Parts::Folder(_))
    }

    /// Whether the parts are files of a folder, on disk or in memory.
    pub(super) fn is_folder(&self) -> bool {
        matches!(self.parts, Parts::Folder(_) | Parts::Held(_))
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        match &self.parts {
            Parts::Folder(top) => regular_file(&top.join(name)),
            Parts::Archive(archive) => archive.holds(name),
            Parts::Held(files) => files.contains_key(name),
            Parts::Remote(_) | Parts::Unsupported(_) => false,
        }
    }

    /// Reads a document of at most `bound` bytes.
    pub(super) fn document(&self, name: &str, bound: Bound) -> Result<Found, Error> {
        match &self.parts {
            Parts::Folder(top) => {
                let path = top.join(name);
                if path.is_symlink() {
                    let message =
                        format!("{name} is a symbolic link, which is not followed: copy its target with cp -RL");
                    return Ok(Found::Faulty(message));
                }
                if !regular_file(&path) {
                    return Ok(Found::Missing);
                }
                folder::read_file(&path, bound).map(Found::Bytes)
            }
            Parts::Remote(remote) => Ok((remote.document)(name, bound)?.map_or(Found::Missing, Found::Bytes)),
            Parts::Unsupported(why) => Ok(Found::Faulty((*why).to_owned())),
            Parts::Held(files) => match files.get(name) {
                None => Ok(Found::Missing),
                Some(bytes) => bound.check(bytes.len() as u64, name).map(|()| Found::Bytes(bytes.to_vec())),
            },
            Parts::Archive(archive) => Ok(match archive.file(name) {
                None if archive.holds(name) => Found::Faulty(format!(
                    "{name} is a link that does not lead to a file of the archive by plain names"
                )),
                None => Found::Missing,
                Some((Some(bytes), _)) => {
                    bound.check(bytes.len() as u64, name)?;
                    Found::Bytes(bytes.clone())
                }
                Some((None, _)) => Found::Faulty(format!("{name} is not a JSON document")),
            }),
        }
    }

    /// Measures a layer of a manifest; `None` if its bytes are not available.
    pub(super) fn measure_named(
        &self,
        name: &str,
        said: &Descriptor,
        limits: &Limits,
    ) -> Result<Option<Measured>, Error> {
        match &self.parts {
            // Foreign layers are stored outside the registry and are not requested.
            Parts::Remote(_) if said.is_foreign() => Ok(None),
            Parts::Remote(remote) => self.once(name, || (remote.layer)(said.digest, said.size)),
            Parts::Folder(_) | Parts::Archive(_) | Parts::Held(_) | Parts::Unsupported(_) => self.measure(name, limits),
        }
    }

    /// The known measurements of the blob, or else the result of calling `measure`.
    fn once(
        &self,
        name: &str,
        measure: impl FnOnce() -> Result<Option<Measured>, Error>,
    ) -> Result<Option<Measured>, Error> {
        if let Some(known) = self.measured.borrow().get(name) {
            return Ok(known.clone());
        }
        let measured = measure()?;
        self.measured.borrow_mut().insert(name.to_owned(), measured.clone());
        Ok(measured)
    }

    /// Measures a blob; `None` if its bytes are not available.
    pub(super) fn measure(&self, name: &str, limits: &Limits) -> Result<Option<Measured>, Error> {
        self.once(name, || match &self.parts {
            Parts::Folder(top) => {
                let path = top.join(name);
                if !regular_file(&path) {
                    return Ok(None);
                }
                let what = slashed(&path);
                let blob = self.budget.reading_input(folder::open(&path)?, &what);
                measure(blob, &what, limits, &self.budget).map(Some)
            }
            Parts::Archive(archive) => Ok(archive.file(name).map(|(_, measured)| measured.clone())),
            Parts::Held(files) => {
                let blob = files.get(name).map(|bytes| self.budget.reading_input(*bytes, name));
                blob.map(|blob| measure(blob, name, limits, &self.budget)).transpose()
            }
            Parts::Remote(_) | Parts::Unsupported(_) => Ok(None),
        })
    }

    /// The name of the file to which `name` leads, possibly through a link, for [`with_layer`].
    pub(super) fn resolved(&self, name: &str) -> String {
        match &self.parts {
            Parts::Folder(_) | Parts::Held(_) | Parts::Remote(_) | Parts::Unsupported(_) => name.to_owned(),
            Parts::Archive(archive) => archive.resolve(name).map_or(name.to_owned(), |path| path.to_string()),
        }
    }
}

/// Passes the decompressed content of the file `name` in the folder or tar file `place` to `with`; `None` if it is missing. A tar file is read again
/// up to that member.
pub(super) fn with_layer<T>(
    place: &Path,
    name: &str,
    limits: &Limits,
    with: impl FnOnce(&mut dyn Read) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let budget = &Budget::of_unknown_input(limits);
    if place.is_dir() {
        let path = place.join(name);
        if !regular_file(&path) {
            return Ok(None);
        }
        return with_content(folder::open(&path)?, limits, budget, with).map(Some);
    }
    let Ok(path) = MemberPath::parse(name.as_bytes()) else { return Ok(None) };
    let what = slashed(place);
    read_tar(place, limits, budget, |input| {
        let mut tar = TarReader::new(input, &what, limits);
        while let Some(member) = tar.next_member()? {
            if member.path == path && member.kind == MemberKind::File {
                return with_content(tar.content(), limits, budget, with).map(Some);
            }
        }
        Ok(None)
    })
}

impl Archive {
    /// The regular file to which a name leads, through at most one link.
    fn resolve(&self, name: &str) -> Option<MemberPath> {
        let path = MemberPath::parse(name.as_bytes()).ok()?;
        match self.files.get(&path)? {
            Entry::File { .. } => Some(path),
            Entry::Link(target) => target.clone(),
        }
    }

    /// Whether there is a file or a link of this name.
    fn holds(&self, name: &str) -> bool {
        MemberPath::parse(name.as_bytes()).is_ok_and(|path| self.files.contains_key(&path))
    }

    fn file(&self, name: &str) -> Option<(Option<&Vec<u8>>, &Measured)> {
        match self.files.get(&self.resolve(name)?)? {
            Entry::File { measured, document } => Some((document.as_ref(), measured)),
            Entry::Link(_) => None,
        }
    }
}

fn regular_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn read_tar<T>(
    path: &Path,
    limits: &Limits,
    budget: &Budget,
    with: impl FnOnce(&mut dyn Read) -> Result<T, Error>,
) -> Result<T, Error> {
    let file: File = folder::open(path)?;
    with_content(BufReader::with_capacity(1 << 16, file), limits, budget, with)
}

/// Reads a whole tar file.
fn scan(
    input: &mut dyn Read,
    what: &str,
    limits: &Limits,
    budget: &Budget,
) -> Result<BTreeMap<MemberPath, Entry>, Error> {
    let mut documents_left = limits.image_documents_bytes;
    let mut tar = TarReader::new(input, what, limits);
    let mut files = BTreeMap::new();
    while let Some(member) = tar.next_member()? {
        budget.spend(Work::Objects(MEMBER_OBJECTS), what)?;
        let names = (member.path.as_bytes().len() as u64).saturating_mul(NAMES_HELD);
        budget.hold(names.saturating_add(MEMBER_HELD_BYTES), what)?;
        let entry = match &member.kind {
            MemberKind::Directory => continue,
            MemberKind::File => {
                let start = leading_bytes(tar.content()).map_err(|error| Error::from_read(what, error))?;
                let is_document = matches!(start.last(), Some(b'{' | b'[')) && member.size <= limits.image_config_bytes;
                let whole = std::io::Cursor::new(start).chain(tar.content());
                read_file(whole, is_document, &mut documents_left, what, limits, budget)?
            }
            MemberKind::Symlink(target) => Entry::Link(beside(&member.path, target)),
            MemberKind::HardLink(target) => Entry::Link(Some(target.clone())),
        };
        files.insert(member.path, entry);
    }
    check_places(&files).map_err(|message| Error::malformed(what, message))?;
    Ok(files)
}

/// Refuses a member below a file or a link: programs that unpack the archive first would follow the link.
fn check_places(files: &BTreeMap<MemberPath, Entry>) -> Result<(), String> {
    for path in files.keys() {
        let next = files.range(path.beginning_of_members()..).next().map(|(next, _)| next);
        if let Some(next) = next.filter(|next| next.below(path.as_bytes()).is_some()) {
            return Err(format!("{next} is below {path}, which is not a folder"));
        }
    }
    Ok(())
}

/// The JSON white space at the start of a file, and the first byte after it. A file with too much white space does not count as a document.
fn leading_bytes(mut content: impl Read) -> std::io::Result<Vec<u8>> {
    const WHITE_SPACE_MAX: usize = 4096;
    let mut start = Vec::new();
    while start.len() <= WHITE_SPACE_MAX && start.last().is_none_or(|last| b" \t\r\n".contains(last)) {
        let mut byte = [0];
        match content.read(&mut byte)? {
            0 => break,
            _ => start.extend_from_slice(&byte),
        }
    }
    Ok(start)
}

/// How a file is compressed, according to its first bytes.
fn compression(file: File, path: &Path) -> Result<Compression, Error> {
    let mut start = Vec::new();
    let read = file.take(START as u64).read_to_end(&mut start);
    read.map_err(|error| Error::from_read(&slashed(path), error))?;
    Ok(Compression::of(&start))
}

fn read_file(
    mut content: impl Read,
    is_document: bool,
    documents_left: &mut u64,
    what: &str,
    limits: &Limits,
    budget: &Budget,
) -> Result<Entry, Error> {
    if !is_document {
        return Ok(Entry::File { measured: measure(content, what, limits, budget)?, document: None });
    }
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).map_err(|error| Error::from_read(what, error))?;
    *documents_left = limits.image_documents_bytes().take(*documents_left, bytes.len() as u64, what)?;
    Ok(Entry::File { measured: measure(bytes.as_slice(), what, limits, budget)?, document: Some(bytes) })
}

/// The path to which a link leads, from the folder that contains the link; `None` if the link is absolute, leads out of the archive, or has `..` after
/// a name, which may be that of a link.
fn beside(link: &MemberPath, target: &[u8]) -> Option<MemberPath> {
    let mut segments: Vec<&[u8]> = link.as_bytes().split(|&byte| byte == b'/').collect();
    segments.pop();
    if target.starts_with(b"/") {
        return None;
    }
    let mut has_name = false;
    for segment in target.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." if has_name => return None,
            b".." => drop(segments.pop()?),
            _ => {
                has_name = true;
                segments.push(segment);
            }
        }
    }
    MemberPath::parse(&segments.join(&b'/')).ok()
}
