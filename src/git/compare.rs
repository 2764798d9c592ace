//! Compares the work tree with a tree, and reports differences as `git status` does (git-status(1)), with reasons.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::attributes::{Attributes, State};
use super::comparisons::Comparisons;
use super::convert::{LFS_POINTER_BYTES_MAX, LfsPointer, LineEnds, encoded, with_crlf, with_ident};
use super::hash::{Kind, object_id};
use super::listing::TreeFile;
use super::object::Mode;
use super::object_id::ObjectId;
use super::reader::Reader;
use super::snapshot::{Snapshot, WorkEntry};
use super::work_file::WorkFile;

/// How a path in the work tree differs from the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// The file's content, the link's target or the submodule's commit differs.
    Modified,
    /// The execute bit differs, or the file has a set-user-id or set-group-id bit.
    ModeChanged,
    /// The path is a link instead of a file, or a file instead of a link.
    TypeChanged,
    /// The path is missing, or a folder has replaced it.
    Deleted,
    /// The path is not in the tree.
    Untracked,
}

impl Change {
    /// The difference as it is written in reports.
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

/// A path at which the work tree differs from the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path, relative to the top of the repository.
    pub path: Vec<u8>,
    /// How the path differs.
    pub change: Change,
    /// The reason for the difference, if known. A reason does not excuse the difference.
    pub reason: Option<String>,
}

/// Why a file counts as equal even though its bytes differ from its blob: the last conversion that was needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversion {
    /// HEAD's own `.gitattributes` request CR LF, and the file is the blob with these line endings.
    LineEnds,
    /// HEAD's own `.gitattributes` request `ident`, and the file is the blob with its id in `$Id$`.
    Ident,
    /// HEAD's own `.gitattributes` request this encoding, and the file is the blob in that encoding.
    Encoding,
    /// The proved blob is a Git LFS pointer that identifies these bytes by SHA-256 and size.
    LargeFile,
}

/// The result of a comparison.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) differences: Vec<Difference>,
    pub(super) converted: Vec<(Vec<u8>, Conversion)>,
}

/// One level of the comparison: the top repository, or a submodule.
pub(super) struct Comparer<'r, 'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) reader: &'r mut Reader<'a>,
    pub(super) attributes: &'r Attributes,
    pub(super) budget: &'r mut Comparisons,
    /// Whether the config leaves files out of the work tree.
    pub(super) is_sparse: bool,
    /// The submodule's path with a final `/`, or an empty string for the top repository. The patterns of attributes are
    /// relative to this path.
    pub(super) prefix: &'r [u8],
}

impl Comparer<'_, '_> {
    /// Compares the tree's files and links with the work tree. The caller compares submodules.
    pub(super) fn compare(&mut self, files: &[TreeFile]) -> Compared {
        let mut compared = Compared::default();
        for file in files.iter().filter(|file| file.mode != Mode::Submodule) {
            let change = match self.snapshot.work_tree.get(&file.path) {
                // If a folder has replaced a file, git reports the file as deleted and the folder's content as untracked.
                None | Some(WorkEntry::Directory) => {
                    let reason = self.is_sparse.then(|| "the clone is sparse: core.sparseCheckout is set".to_owned());
                    Some((Change::Deleted, reason))
                }
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
            (Change::ModeChanged, Some(format!("it is {is}; in the tree it is {was}")))
        })
    }

    /// The conversion (Git LFS, or one that HEAD's attributes request) that turns the blob into this file, or the reason
    /// why none does.
    fn convert(&mut self, file: &TreeFile, found: &WorkFile) -> Result<Conversion, Option<String>> {
        if found.blob.is_none() {
            return Err(Some("its bytes were made by a SHA-1 collision attack".into()));
        }
        let over = |budget: &Comparisons| Some(format!("{}: the reason was not determined", budget.over()));
        if self.budget.is_spent() {
            return Err(over(self.budget));
        }
        let Ok(blob) = self.reader.read(&file.id, Kind::Blob) else {
            return Err(Some("its blob is missing".into()));
        };
        // Each conversion reads the blob once.
        if self.budget.spend((blob.len() as u64).saturating_mul(4)).is_none() {
            return Err(over(self.budget));
        }
        if blob.len() < LFS_POINTER_BYTES_MAX
            && let Some(pointer) = LfsPointer::read(&blob)
        {
            let named = (pointer.sha256, pointer.size) == (found.sha256, found.size);
            return if named {
                Ok(Conversion::LargeFile)
            } else {
                Err(Some(format!("its Git LFS pointer specifies {} with {} bytes", pointer.sha256, pointer.size)))
            };
        }
        let path = file.path.strip_prefix(self.prefix).unwrap_or(&file.path);
        let Some(states) = self.attributes.of(path, self.budget) else { return Err(over(self.budget)) };
        if states.get(&b"filter"[..]).is_some_and(State::is_on) {
            return Err(Some("its filter attribute requests a conversion that is not supported".into()));
        }
        let is =
            |content: &[u8]| content.len() as u64 == found.size && object_id(Kind::Blob, content).ok() == found.blob;
        convert_text(&blob, file.id, &LineEnds::of(&states), &states, is)
    }
}

/// The conversions of a checkout in git's order: `ident`, line endings, encoding. Returns the last conversion that was
/// needed.
fn convert_text(
    blob: &[u8],
    id: ObjectId,
    line_ends: &LineEnds,
    states: &BTreeMap<Vec<u8>, State>,
    is: impl Fn(&[u8]) -> bool,
) -> Result<Conversion, Option<String>> {
    let mut text = Cow::Borrowed(blob);
    let mut done = None;
    if states.get(&b"ident"[..]) == Some(&State::Set)
        && let Some(content) = with_ident(&text, &id)
    {
        text = Cow::Owned(content);
        done = Some(Conversion::Ident);
    }
    if let Some(content) = line_ends.apply(&text) {
        text = Cow::Owned(content);
        done = Some(Conversion::LineEnds);
    }
    if let Some(State::Value(encoding)) = states.get(&b"working-tree-encoding"[..]) {
        let forms = encoded(&text, encoding).map_err(|encoding| {
            Some(format!("its working-tree-encoding attribute requests {encoding}, which is not supported"))
        })?;
        // Without the requested encoding, git status reports the file as changed.
        return if forms.iter().any(|form| is(form)) { Ok(Conversion::Encoding) } else { Err(None) };
    }
    match done {
        Some(conversion) if is(&text) => Ok(conversion),
        _ if is(&with_crlf(blob)) => {
            Err(Some("only its line endings differ, and no .gitattributes in HEAD requests this".into()))
        }
        _ => Err(None),
    }
}

fn compare_link(file: &TreeFile, target: &[u8]) -> Option<(Change, Option<String>)> {
    if file.mode != Mode::Symlink {
        return Some((Change::TypeChanged, Some(format!("it is a link to {:?}", String::from_utf8_lossy(target)))));
    }
    let same = object_id(Kind::Blob, target).is_ok_and(|id: ObjectId| id == file.id);
    (!same).then(|| (Change::Modified, Some(format!("it points to {:?}", String::from_utf8_lossy(target)))))
}
