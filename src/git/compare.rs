//! The work tree against a tree: what `git status` would list, and why (git-status(1)).

use super::attributes::Attributes;
use super::convert::{LFS_POINTER_BYTES_MAX, LfsPointer, LineEnds, with_crlf};
use super::hash::{Kind, object_id};
use super::listing::TreeFile;
use super::object::Mode;
use super::object_id::ObjectId;
use super::reader::Reader;
use super::snapshot::{Snapshot, WorkEntry};
use super::work_file::WorkFile;

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Its bytes are others.
    Modified,
    /// Its execute bit is another, or it runs as its owner.
    ModeChanged,
    /// It is a link instead of a file, or the other way round.
    TypeChanged,
    /// It is not there.
    Deleted,
    /// The tree does not have it.
    Untracked,
}

impl Change {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Modified => "modified",
            Self::ModeChanged => "mode changed",
            Self::TypeChanged => "type changed",
            Self::Deleted => "deleted",
            Self::Untracked => "untracked",
        }
    }
}

/// A path at which the work tree is not what the tree says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the top of the repository.
    pub path: Vec<u8>,
    /// What became of it.
    pub change: Change,
    /// Why, where that is known. It excuses nothing.
    pub reason: Option<String>,
}

/// Why a file is equal although its bytes are not those of its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversion {
    /// HEAD's own `.gitattributes` order CR LF, and that is the only difference.
    LineEnds,
    /// The proved blob is a Git LFS pointer that names these bytes by SHA-256 and size.
    LargeFile,
}

/// What comparing gives.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) differences: Vec<Difference>,
    pub(super) converted: Vec<(Vec<u8>, Conversion)>,
}

/// One level: the top repository, or a submodule.
pub(super) struct Comparer<'r, 'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) reader: &'r mut Reader<'a>,
    pub(super) attributes: &'r mut Attributes,
    /// Empty, or the submodule's path with `/` at its end: attributes are relative to it.
    pub(super) prefix: &'r [u8],
}

impl Comparer<'_, '_> {
    /// Compares files and links of the tree with the work tree. Submodules are the caller's work.
    pub(super) fn compare(&mut self, files: &[TreeFile]) -> Compared {
        let mut compared = Compared::default();
        for file in files.iter().filter(|file| file.mode != Mode::Submodule) {
            let change = match self.snapshot.work_tree.get(&file.path) {
                // A folder in a file's place: git calls the file deleted and what is in the folder untracked.
                None | Some(WorkEntry::Directory) => Some((Change::Deleted, None)),
                Some(WorkEntry::Symlink { target }) => compare_link(file, target),
                Some(WorkEntry::File(_)) if file.mode == Mode::Symlink => Some((Change::TypeChanged, None)),
                Some(WorkEntry::File(found)) => self.compare_file(file, found, &mut compared),
            };
            if let Some((change, reason)) = change {
                compared.differences.push(Difference { path: file.path.clone(), change, reason });
            }
        }
        compared
    }

    fn compare_file(
        &mut self,
        file: &TreeFile,
        found: &WorkFile,
        compared: &mut Compared,
    ) -> Option<(Change, Option<String>)> {
        if found.blob != Some(file.id) {
            match self.convert(file, found) {
                Ok(conversion) => compared.converted.push((file.path.clone(), conversion)),
                Err(reason) => return Some((Change::Modified, reason)),
            }
        }
        if found.privileged {
            return Some((
                Change::ModeChanged,
                Some("it has a set-user-id or set-group-id bit, which git never sets".into()),
            ));
        }
        let executable = file.mode == Mode::Executable;
        (executable != found.executable).then(|| {
            let [is, was] = [found.executable, executable].map(|bit| if bit { "executable" } else { "not executable" });
            (Change::ModeChanged, Some(format!("it is {is}; the tree has it {was}")))
        })
    }

    /// Which conversion by HEAD's order makes the blob into what was found, or else why none does.
    fn convert(&mut self, file: &TreeFile, found: &WorkFile) -> Result<Conversion, Option<String>> {
        if found.blob.is_none() {
            return Err(Some("its bytes were made by a SHA-1 collision attack".into()));
        }
        let Ok(blob) = self.reader.read(&file.id, Kind::Blob) else {
            return Err(Some("its blob is missing".into()));
        };
        if blob.len() < LFS_POINTER_BYTES_MAX
            && let Some(pointer) = LfsPointer::read(&blob)
        {
            let named = (pointer.sha256, pointer.size) == (found.sha256, found.size);
            return if named {
                Ok(Conversion::LargeFile)
            } else {
                Err(Some(format!("its Git LFS pointer names {} of {} bytes", pointer.sha256, pointer.size)))
            };
        }
        let states = self.attributes.of(file.path.strip_prefix(self.prefix).unwrap_or(&file.path));
        let line_ends = LineEnds::of(&states);
        let is = |content: &[u8]| object_id(Kind::Blob, content).ok() == found.blob;
        // A CR LF file is at most twice its blob: anything longer need not be made.
        let may_be_crlf = found.size > blob.len() as u64 && found.size <= 2 * blob.len() as u64;
        let other_filter = [&b"filter"[..], b"ident", b"working-tree-encoding"]
            .into_iter()
            .find(|name| states.get(*name).is_some_and(super::attributes::State::is_on));
        if let Some(name) = other_filter {
            let name = String::from_utf8_lossy(name);
            return Err(Some(format!("its attribute {name} orders a conversion that is not made here")));
        }
        if may_be_crlf && line_ends.apply(&blob).is_some_and(|content| is(&content)) {
            return Ok(Conversion::LineEnds);
        }
        if may_be_crlf && is(&with_crlf(&blob)) {
            return Err(Some("only its line ends are others, and no .gitattributes of HEAD orders that".into()));
        }
        Err(None)
    }
}

fn compare_link(file: &TreeFile, target: &[u8]) -> Option<(Change, Option<String>)> {
    if file.mode != Mode::Symlink {
        return Some((Change::TypeChanged, Some(format!("it is a link to {:?}", String::from_utf8_lossy(target)))));
    }
    let same = object_id(Kind::Blob, target).is_ok_and(|id: ObjectId| id == file.id);
    (!same).then(|| (Change::Modified, Some(format!("it leads to {:?}", String::from_utf8_lossy(target)))))
}
