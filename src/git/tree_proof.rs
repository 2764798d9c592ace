//! Compares HEAD's tree with the work tree, including submodules.

use super::attributes::Attributes;
use super::compare::{Change, Comparer, Conversion, Difference};
use super::comparisons::Comparisons;
use super::config::Settings;
use super::directory::GitDirectory;
use super::format::{is_sparse, refusals};
use super::hash::Kind;
use super::head::follow_head;
use super::ignore::IgnoreRules;
use super::inflated::Inflated;
use super::listing::{TreeFile, list_tree};
use super::malformed::Malformed;
use super::object::{Commit, Mode, is_git_attributes, is_git_modules};
use super::object_id::ObjectId;
use super::objects::Objects;
use super::reader::Reader;
use super::references::References;
use super::remote::Remotes;
use super::snapshot::{Snapshot, WorkEntry};
use super::submodule::{Place, locate};
use super::tracked::{check_git_attributes, check_git_modules};
use crate::base::limits::Limits;
use crate::base::words::{counted, counted_as};

/// The result of comparing HEAD's tree with the work tree.
#[derive(Debug, Default, Clone)]
pub struct TreeProof {
    /// The files, links and submodules in the readable trees of HEAD and of proved submodules, sorted by path.
    pub files: Vec<TreeFile>,
    /// Messages about missing or malformed trees and blobs of HEAD.
    pub faults: Vec<String>,
    /// The paths in [`Self::faults`], sorted: files, and folders with `/` at the end (empty for the top folder). The tree's
    /// content at these paths is unknown.
    pub(super) unproved: Vec<Vec<u8>>,
    /// The number of files and links in HEAD's tree.
    pub file_count: usize,
    /// The number of files and links in the trees of proved submodules.
    pub submodule_file_count: usize,
    /// Differences between the work tree and HEAD's tree, sorted by path. Submodules that are not proved are not compared.
    pub differences: Vec<Difference>,
    /// Files that are equal after a conversion, with that conversion.
    pub converted: Vec<(Vec<u8>, Conversion)>,
    /// Every submodule in [`Self::files`], sorted by path.
    pub submodules: Vec<Submodule>,
    /// Empty folders, which git does not record. The empty folder of a submodule that was not cloned is omitted.
    pub empty_folders: Vec<Vec<u8>>,
    /// Whether the config of the top repository or of a submodule leaves files out of the work tree.
    pub is_sparse: bool,
    /// Messages about details that are not faults.
    pub(super) notes: Vec<String>,
}

impl TreeProof {
    /// Whether this difference results from a missing or malformed object of HEAD. The tree's content at the difference's
    /// path is then unknown.
    pub(crate) fn is_unproved(&self, difference: &Difference) -> bool {
        let path = difference.path.as_slice();
        self.is_below_unproved(path) || (difference.change == Change::Modified && self.is_listed_unproved(path))
    }

    /// Whether the tree of one of the path's folders is missing or malformed. It is then unknown whether HEAD's tree contains the path.
    pub(super) fn is_below_unproved(&self, path: &[u8]) -> bool {
        is_below(path, &self.unproved)
    }

    /// What was compared, as text that follows the number of files.
    pub(crate) fn compared_words(&self) -> String {
        let inner = match self.submodule_file_count {
            0 => String::new(),
            count => format!(", {count} in submodules"),
        };
        let absent = match self.submodules.iter().filter(|module| module.state.not_compared().is_some()).count() {
            0 => String::new(),
            count => format!("; not compared: {}", counted(count, "submodule")),
        };
        format!("{inner}, {}{}{absent}", counted(self.differences.len(), "difference"), self.converted_counts())
    }

    /// The numbers of files that are equal only after a conversion, as text that follows the number of files.
    pub(crate) fn converted_counts(&self) -> String {
        // A pointer needs no attribute, so HEAD need not specify this conversion.
        let objects = self.converted.iter().filter(|(_, by)| *by == Conversion::LargeFile).count();
        let mut text = String::new();
        for (count, words) in [
            (self.converted.len() - objects, "files equal only after a conversion that .gitattributes specifies"),
            (objects, "objects in place of Git LFS pointers"),
        ] {
            if count > 0 {
                text.push_str(&format!("; {words}: {count}"));
            }
        }
        text
    }

    /// The files that are equal only after a conversion: one text for each conversion, each with at most `most` paths.
    pub(crate) fn converted_words(&self, most: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for (conversion, words) in [
            (Conversion::LineEnds, "with the line endings that the commit's .gitattributes specifies"),
            (Conversion::Ident, "with their ids in $Id$, as the commit's .gitattributes specifies"),
            (Conversion::Encoding, "in the encoding that the commit's .gitattributes specifies"),
            (Conversion::LargeFile, "as the object that its Git LFS pointer identifies"),
        ] {
            let paths = || self.converted.iter().filter(|(_, by)| *by == conversion);
            let shown: Vec<_> = paths().take(most).map(|(path, _)| String::from_utf8_lossy(path)).collect();
            let count = paths().count();
            let more = if count > shown.len() { ", …" } else { "" };
            if count > 0 {
                let equal = counted_as(count, "file is equal", "files are equal");
                lines.push(format!("{equal} {words}: {}{more}", shown.join(", ")));
            }
        }
        lines
    }

    fn is_listed_unproved(&self, place: &[u8]) -> bool {
        self.unproved.binary_search_by(|one| one.as_slice().cmp(place)).is_ok()
    }
}

/// Whether `path` is below one of these folders, which are sorted and end with `/` (the top folder is an empty string).
fn is_below(path: &[u8], folders: &[Vec<u8>]) -> bool {
    let mut ends = (0..path.len()).filter(|&at| at.checked_sub(1).is_none_or(|at| path.get(at) == Some(&b'/')));
    ends.any(|end| {
        path.get(..end).is_some_and(|folder| folders.binary_search_by(|one| one.as_slice().cmp(folder)).is_ok())
    })
}

/// A submodule in HEAD's tree or in a submodule's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// The path, relative to the top of the repository.
    pub path: Vec<u8>,
    /// The commit that the tree records.
    pub commit: ObjectId,
    /// The result for the submodule.
    pub state: SubmoduleState,
    /// The remotes in the config of the submodule's repository, which no check compares.
    pub remotes: Remotes,
}

/// The result for a submodule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmoduleState {
    /// The submodule was not cloned: its folder is empty or missing, and `.git/modules` has no files. Nothing is proved, and
    /// the submodule had no files to build.
    Empty,
    /// As in [`Self::Empty`], but `.git/modules` has files, which may be the submodule's objects. They are not read.
    NotCheckedOut,
    /// The submodule's objects are proved, including the commit that the tree records. Differences in its HEAD and its
    /// files are listed with all other differences.
    Proved {
        /// The number of objects in the submodule's repository.
        object_count: u64,
    },
    /// The submodule cannot be proved, for these reasons.
    Faulty(Vec<String>),
}

impl SubmoduleState {
    /// Why the submodule's files were not compared, as a verb phrase; `None` if they were.
    pub fn not_compared(&self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("was not cloned"),
            Self::NotCheckedOut => Some("has no .git in its folder"),
            Self::Faulty(_) => Some("is not proved"),
            Self::Proved { .. } => None,
        }
    }
}

/// A repository whose objects were proved and whose files can be read again.
#[derive(Debug)]
pub(super) struct Store {
    /// `None` for the top repository, otherwise the folder below `.git`.
    pub(super) module: Option<Vec<u8>>,
    /// The submodule's path with a final `/`, or an empty string for the top repository.
    pub(super) prefix: Vec<u8>,
    pub(super) objects: Objects,
}

impl Store {
    pub(super) fn directory<'a>(&self, snapshot: &'a Snapshot) -> GitDirectory<'a> {
        match &self.module {
            None => GitDirectory::top(snapshot),
            Some(module) => GitDirectory::at(snapshot, module),
        }
    }
}

/// Compares all trees, and collects the object stores of submodules.
pub(super) struct TreeProver<'a> {
    snapshot: &'a Snapshot,
    limits: &'a Limits,
    threads: usize,
    pub(super) proof: TreeProof,
    pub(super) submodule_stores: Vec<Store>,
    attributes: Attributes,
    ignored: IgnoreRules,
    inflated: &'a Inflated,
    budget: Comparisons,
}

/// The fixed cost of a submodule, expressed as a number of objects.
const SUBMODULE_OBJECTS: u64 = 20;

impl<'a> TreeProver<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, threads: usize, limits: &'a Limits, inflated: &'a Inflated) -> Self {
        let mut ignored = IgnoreRules::new(limits);
        if let Some(exclude) = GitDirectory::top(snapshot).file(b"info/exclude") {
            ignored.add_file(b"", ".git/info/exclude", exclude);
        }
        Self {
            snapshot,
            limits,
            threads,
            proof: TreeProof::default(),
            submodule_stores: Vec::new(),
            attributes: Attributes::new(limits),
            ignored,
            inflated,
            budget: Comparisons::new(limits, inflated.budget()),
        }
    }

    /// Compares the tree of one repository, then the trees of its submodules.
    pub(super) fn walk(&mut self, store: &Store, tree: ObjectId, depth: u64) {
        let directory = store.directory(self.snapshot);
        let mut reader = Reader::new(&directory, &store.objects, self.limits, self.inflated);
        let listing = list_tree(&mut reader, tree, &store.prefix, self.limits);
        self.proof.faults.extend(listing.faults);
        self.proof.unproved.extend(listing.unproved);
        self.proof.notes.extend(listing.notes);
        if (self.proof.files.len() + listing.files.len()) as u64 > self.limits.git_tree_entries {
            let bound = self.limits.git_tree_entries();
            self.proof.faults.push(format!("all trees together are over the limit {bound}"));
            self.proof.unproved.push(store.prefix.clone());
            return;
        }
        self.read_rules(&mut reader, &store.prefix, &listing.files);
        let is_sparse = is_sparse(&Settings::read(&directory, self.limits).all);
        self.proof.is_sparse |= is_sparse;
        let mut comparer = Comparer {
            snapshot: self.snapshot,
            reader: &mut reader,
            attributes: &self.attributes,
            budget: &mut self.budget,
            is_sparse,
            prefix: &store.prefix,
        };
        let compared = comparer.compare(&listing.files);
        self.proof.differences.extend(compared.differences);
        self.proof.converted.extend(compared.converted);
        for file in listing.files.iter().filter(|file| file.mode == Mode::Submodule) {
            let place = match self.inflated.spend_objects(SUBMODULE_OBJECTS) {
                true => locate(self.snapshot, &file.path, self.limits),
                false => Place::Fault("it was not checked".into()),
            };
            let remotes = match &place {
                Place::Module(module) => {
                    let directory = GitDirectory::at(self.snapshot, module);
                    let settings = Settings::read(&directory, self.limits);
                    Remotes::read(&directory, &settings, self.inflated.budget())
                }
                Place::Empty | Place::Deleted | Place::Fault(_) => Remotes::default(),
            };
            let state = self.prove_submodule(file, place, depth);
            self.proof.submodules.push(Submodule { path: file.path.clone(), commit: file.id, state, remotes });
        }
        let file_count = listing.files.iter().filter(|file| file.mode != Mode::Submodule).count();
        match store.module {
            None => self.proof.file_count += file_count,
            Some(_) => self.proof.submodule_file_count += file_count,
        }
        self.proof.files.extend(listing.files);
    }

    /// Reads `.gitattributes`, `.gitignore` and `.gitmodules` of one tree, outer folders first.
    fn read_rules(&mut self, reader: &mut Reader<'_>, prefix: &[u8], files: &[TreeFile]) {
        fn name_of(file: &TreeFile) -> &[u8] {
            file.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
        }
        let is_rule_file = |file: &&TreeFile| {
            let name = name_of(file);
            matches!(file.mode, Mode::File | Mode::Executable)
                && (name == b".gitignore" || is_git_attributes(name) || is_git_modules(name))
        };
        let mut found: Vec<&TreeFile> = files.iter().filter(is_rule_file).collect();
        found.sort_by_key(|file| file.path.iter().filter(|&&byte| byte == b'/').count());
        self.attributes = Attributes::new(self.limits);
        for file in found {
            let Ok(content) = reader.read(&file.id, Kind::Blob) else { continue };
            if self.budget.spend_rules(&content).is_none() {
                return;
            }
            let name = name_of(file);
            if is_git_modules(name) {
                self.judge_rules(file, &check_git_modules(&content, self.limits));
            } else if is_git_attributes(name) {
                self.judge_rules(file, check_git_attributes(&content).as_slice());
            }
            if let Some(folder) = file.path.strip_suffix(b".gitattributes") {
                self.attributes.add_file(folder.strip_prefix(prefix).unwrap_or(folder), &content);
            } else if let Some(folder) = file.path.strip_suffix(b".gitignore") {
                self.ignored.add_file(folder, &String::from_utf8_lossy(&file.path), &content);
            }
        }
    }

    /// Records the faults of a `.gitmodules` or `.gitattributes` file as faults of the tree. A fault that `git fsck` reports only as information
    /// becomes a note, and so does an update command in `.gitmodules`: git has not run such commands since 2.20.2, and
    /// this program never does.
    fn judge_rules(&mut self, file: &TreeFile, faults: &[Malformed]) {
        let path = String::from_utf8_lossy(&file.path);
        for fault in faults {
            match fault {
                Malformed::GitmodulesUpdate => {
                    self.proof
                        .notes
                        .push(format!("/{path} sets a command that updates a submodule (gitmodulesUpdate)"));
                }
                fault if fault.is_information() => {
                    self.proof.notes.push(format!("/{path}: {fault}, which git fsck reports only as information"));
                }
                fault => self
                    .proof
                    .faults
                    .push(format!("/{path}: blob {} is malformed by the rules of git fsck: {fault}", file.id)),
            }
        }
    }

    fn prove_submodule(&mut self, file: &TreeFile, place: Place, depth: u64) -> SubmoduleState {
        let absent = match GitDirectory::top(self.snapshot).has_below("modules/") {
            true => SubmoduleState::NotCheckedOut,
            false => SubmoduleState::Empty,
        };
        let module = match place {
            Place::Empty => return absent,
            Place::Deleted => {
                let path = file.path.clone();
                let reason = Some("a checkout creates its folder even if the submodule is not cloned".to_owned());
                self.proof.differences.push(Difference { path, change: Change::Deleted, reason });
                return absent;
            }
            Place::Fault(fault) => return SubmoduleState::Faulty(vec![fault]),
            Place::Module(module) => module,
        };
        if depth >= self.limits.git_submodule_depth {
            let bound = self.limits.git_submodule_depth();
            return SubmoduleState::Faulty(vec![format!("it is nested more deeply than the limit {bound}")]);
        }
        let directory = GitDirectory::at(self.snapshot, &module);
        let refused = refusals(&directory, self.limits);
        if !refused.is_empty() {
            return SubmoduleState::Faulty(refused);
        }
        let mut objects = Objects::prove(&directory, self.threads, self.limits, self.inflated);
        // References between objects are needed only for the top repository.
        objects.references = References::default();
        let commit = Reader::new(&directory, &objects, self.limits, self.inflated)
            .read(&file.id, Kind::Commit)
            .map_err(|fault| fault.to_string())
            .and_then(|content| Commit::read(&content).map_err(|fault| format!("commit {}: {fault}", file.id)));
        let tree = match commit {
            Ok(commit) if objects.faults.is_empty() => commit.tree,
            Ok(_) => return SubmoduleState::Faulty(objects.faults),
            Err(fault) => return SubmoduleState::Faulty(objects.faults.into_iter().chain([fault]).collect()),
        };
        let reason = match follow_head(&directory) {
            Ok(head) if head.commit == file.id => None,
            Ok(head) => Some(format!("its HEAD is {}; the tree records {}", head.commit, file.id)),
            Err(fault) => Some(fault.to_string()),
        };
        if reason.is_some() {
            self.proof.differences.push(Difference { path: file.path.clone(), change: Change::Modified, reason });
        }
        let prefix = [file.path.as_slice(), b"/"].concat();
        let object_count = objects.table.len() as u64;
        let store = Store { module: Some(module), prefix, objects };
        self.walk(&store, tree, depth + 1);
        self.submodule_stores.push(store);
        SubmoduleState::Proved { object_count }
    }

    /// Lists the files that are not in the trees, and sorts everything by path.
    pub(super) fn finish(mut self) -> (TreeProof, Vec<Store>) {
        let proof = &mut self.proof;
        proof.unproved.sort_unstable();
        proof.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        proof.submodules.sort_by(|one, other| one.path.cmp(&other.path));
        let proved = proof.submodules.iter().filter(|module| matches!(module.state, SubmoduleState::Proved { .. }));
        let mut links: Vec<Vec<u8>> = proved.map(|module| [&module.path, b"/.git".as_slice()].concat()).collect();
        let faulty = proof.submodules.iter().filter(|module| matches!(module.state, SubmoduleState::Faulty(_)));
        let mut faulty: Vec<Vec<u8>> = faulty.map(|module| [&module.path, b"/".as_slice()].concat()).collect();
        faulty.sort_unstable();
        // Files are sorted differently from submodules: `lib-x/.git` comes before `lib/.git`.
        links.sort_unstable();
        let mut expected = proof.files.iter().map(|file| file.path.as_slice()).peekable();
        for (path, entry) in &self.snapshot.work_tree {
            while expected.next_if(|expected| *expected < path.as_slice()).is_some() {}
            let is_expected = expected.peek().is_some_and(|expected| *expected == path);
            if is_expected || links.binary_search(path).is_ok() || is_below(path, &faulty) {
                continue;
            }
            if *entry == WorkEntry::Directory {
                if is_empty_folder(self.snapshot, path) {
                    proof.empty_folders.push(path.clone());
                }
                continue;
            }
            let reason = self.ignored.ignores(path, &mut self.budget).map(|rule| format!("ignored by {rule}"));
            proof.differences.push(Difference { path: path.clone(), change: Change::Untracked, reason });
        }
        proof.differences.sort_by(|one, other| (&one.path, one.change).cmp(&(&other.path, other.change)));
        proof.converted.sort();
        (self.proof, self.submodule_stores)
    }
}

fn is_empty_folder(snapshot: &Snapshot, path: &[u8]) -> bool {
    let below = [path, b"/"].concat();
    let next = snapshot.work_tree.range(below.clone()..).next();
    next.is_none_or(|(entry, _)| !entry.starts_with(&below))
}
