//! Everything that a snapshot proves.

use crate::base::words::counted;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::config::{Settings, read_config};
use super::directory::GitDirectory;
use super::format::{passed_over, promisors, refusals};
use super::hash::Kind;
use super::head::{Head, HeadFault, follow_head};
use super::inflated::Inflated;
use super::object::{Commit, Mode, Tag};
use super::object_id::ObjectId;
use super::objects::{Objects, Record};
use super::objects_proof::ObjectsProof;
use super::reach::measure;
use super::reader::Reader;
use super::references::References;
use super::reflog;
use super::refs::{BRANCHES, Refs};
use super::remote::Remotes;
use super::signed::{SignedObject, split_commit, split_tag};
use super::snapshot::Snapshot;
use super::submodule::unproved_modules;
use super::tree_proof::{Store, SubmoduleState, TreeProof, TreeProver};
use crate::base::budget::Budget;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// The claims that were checked on a snapshot, with the faults found for each claim.
#[derive(Debug, Clone)]
pub struct SourceProof {
    /// The result for objects.
    pub objects: ObjectsProof,
    /// The commit that HEAD resolves to.
    pub head: Result<Head, HeadFault>,
    /// HEAD's commit, decoded strictly; its bytes hash to the id that HEAD resolves to. If `None`, [`Self::head`] or the
    /// faults of [`Self::objects`] state why.
    pub commit: Option<Commit>,
    /// HEAD's tree compared with the work tree. The comparison is empty if there is no commit.
    pub tree: TreeProof,
    /// The full names of refs that point to HEAD's commit, directly or through proved tag objects.
    pub refs_at_head: Vec<String>,
    /// The top repository's remotes.
    pub remotes: Remotes,
    /// Signatures on HEAD's commit and on annotated tags of it.
    pub signed: Vec<SignedObject>,
    held: Held,
}

/// The source of results about objects and files.
#[derive(Debug, Clone)]
enum Held {
    /// Objects and files. A copy of the proof shares these objects and files.
    All(Arc<Stores>),
    /// Only results remain, because the objects and files were dropped.
    Shelved(Box<Shelved>),
}

#[derive(Debug)]
struct Stores {
    of: Vec<Store>,
    limits: Limits,
    budget: Budget,
}

/// Results that were computed before objects and files were dropped.
#[derive(Debug, Clone)]
struct Shelved {
    path: Vec<u8>,
    content: Result<Vec<u8>, FileFault>,
    digits: Option<(String, usize)>,
}

/// The maximum length of a chain of tags.
const TAG_DEPTH: usize = 5;

/// Proves a snapshot: hashes every object, decodes HEAD's commit and trees strictly, and compares the work tree.
///
/// This function reads only from memory: it does not run git, hooks or filters, does not follow includes, and opens no
/// files. It never returns an error, because the faults found are part of the proof. The result does not depend on
/// `threads`.
///
/// The proof does not show who made this commit, or that anyone meant it to be built: signatures are extracted here but
/// not verified.
pub fn prove(snapshot: &Snapshot, threads: usize, limits: &Limits) -> SourceProof {
    prove_within(snapshot, threads, limits, &Budget::of_unknown_input(limits))
}

/// Like [`prove`], but within a budget. If the budget is exceeded, the proof is incomplete and shows only that something is wrong. Call
/// [`Budget::check`] before relying on any part of the proof.
pub fn prove_within(snapshot: &Snapshot, threads: usize, limits: &Limits, budget: &Budget) -> SourceProof {
    let directory = GitDirectory::top(snapshot);
    let mut faults: Vec<String> = snapshot.faults.clone();
    faults.extend(refusals(&directory, limits));
    let settings = Settings::read(&directory, limits);
    // This setting is refused even where git would not read it. `refusals` reports a config that cannot be read.
    let files = ["config", "config.worktree"].into_iter().filter_map(|file| directory.file(file.as_bytes()));
    let moved =
        files.filter_map(|file| read_config(file, limits).ok()).flatten().any(|setting| setting.moves_work_tree());
    faults.extend(moved.then(|| "core.worktree in config sets a different work tree".to_owned()));
    let head = follow_head(&directory);
    let inflated = Inflated::new(limits, budget);
    let refs = Refs::read(&directory, &inflated);
    let objects = Objects::prove(&directory, threads, limits, &inflated);
    let mut store = Store { module: None, prefix: Vec::new(), objects };
    let mut stores = Vec::new();

    let mut proof = SourceProof {
        objects: ObjectsProof::default(),
        commit: None,
        tree: TreeProof::default(),
        refs_at_head: Vec::new(),
        remotes: Remotes::read(&directory, &settings, budget),
        signed: Vec::new(),
        held: Held::All(Arc::new(Stores { of: Vec::new(), limits: limits.clone(), budget: budget.clone() })),
        head,
    };
    let mut reader = Reader::new(&directory, &store.objects, limits, &inflated);
    if let Ok(head) = &proof.head {
        match read_commit(&mut reader, head.commit) {
            Ok((commit, signed)) => {
                proof.commit = Some(commit);
                proof.signed.extend(signed);
            }
            Err(fault) => faults.push(fault),
        }
        let tags = refs_at(&mut reader, &refs, head.commit, &mut proof.refs_at_head);
        faults.extend(read_signed_tags(&mut reader, tags, &mut proof.signed, limits));
    }
    faults.extend(refs.odd_branches(|id| store.objects.find(id).map(|record| record.kind)));
    if let Ok(Head { reference: Some(reference), .. }) = &proof.head
        && !reference.starts_with(BRANCHES)
    {
        faults.push(format!("HEAD points to {reference}, which is not a branch"));
    }
    let mut notes = refs.notes(|id| store.objects.find(id).map(|record| record.kind));
    let tips: Vec<ObjectId> =
        refs.named.values().copied().chain(proof.head.as_ref().ok().map(|head| head.commit)).collect();
    let reach = measure(&mut reader, &tips);
    if let Some(commit) = &proof.commit {
        let mut prover = TreeProver::new(snapshot, threads, limits, &inflated);
        prover.walk(&store, commit.tree, 0);
        (proof.tree, stores) = prover.finish();
    }
    // The references between objects are no longer needed.
    store.objects.references = References::default();
    faults.extend(store.objects.faults.iter().cloned());
    faults.extend(refs.faults);
    let missing = reach.holes.len() as u64 + reach.more_holes;
    faults.extend(reach.holes);
    if reach.more_holes > 0 {
        faults.push(format!("further missing objects: {}", reach.more_holes));
    }
    let promisors = promisors(&directory, &settings.all);
    notes.extend(reflog::notes(&directory, &store.objects, proof.head.as_ref().ok()));
    notes.append(&mut proof.tree.notes);
    let modules: HashSet<&[u8]> = stores.iter().filter_map(|store| store.module.as_deref()).collect();
    notes.extend(unproved_modules(&directory, &modules).map(|module| {
        format!("not proved: the objects of .git/{}, which no proved submodule uses", String::from_utf8_lossy(&module))
    }));
    if directory.has_below("worktrees/") {
        notes.push("not followed: HEAD and refs of other work trees (.git/worktrees)".into());
    }
    if !promisors.is_empty() {
        let promisors = promisors.join(", ");
        if missing > 0 {
            faults.insert(
                0,
                format!(
                    "a partial clone with missing objects that a server promised ({promisors}); clone without --filter"
                ),
            );
        } else {
            notes.push(format!(
                "a partial clone ({promisors}): every object reachable from HEAD and the refs is present"
            ));
        }
    }
    faults.extend(proof.tree.faults.iter().cloned());
    faults.dedup();
    proof.objects = ObjectsProof {
        reachable: reach.reachable,
        unreachable: reach.unreachable,
        missing,
        faults,
        notes,
        passed_over: passed_over(&directory),
        ..count(&mut store.objects)
    };
    stores.push(store);
    proof.held = Held::All(Arc::new(Stores { of: stores, limits: limits.clone(), budget: budget.clone() }));
    proof
}

fn count(objects: &mut Objects) -> ObjectsProof {
    let mut shallow: Vec<ObjectId> = objects.shallow.iter().copied().filter(|id| objects.find(id).is_some()).collect();
    shallow.sort_unstable();
    ObjectsProof {
        object_count: objects.table.len() as u64,
        pack_count: objects.packs.len() as u64,
        loose_count: objects.loose.len() as u64,
        shallow,
        malformed: std::mem::take(&mut objects.malformed),
        ..ObjectsProof::default()
    }
}

/// Memory for the headers of a commit, as a multiple of their size.
const HEADER_HELD_FACTOR: u64 = 32;

fn read_commit(reader: &mut Reader<'_>, id: ObjectId) -> Result<(Commit, Option<SignedObject>), String> {
    let content = reader.read(&id, Kind::Commit).map_err(|fault| format!("HEAD: {fault}"))?;
    if !reader.inflated().hold((content.len() as u64).saturating_mul(HEADER_HELD_FACTOR)) {
        return Err(format!("HEAD's commit {id} is too large to read"));
    }
    let commit = Commit::read(&content).map_err(|fault| format!("HEAD's commit {id} is malformed: {fault}"))?;
    let signed = split_commit(id, &content, &commit);
    Ok((commit, signed))
}

/// An annotated tag of HEAD's commit: the first ref that points to the tag, and the number of further refs.
struct TagAtHead {
    id: ObjectId,
    name: String,
    more: usize,
}

/// Finds the refs that point to `commit`, directly or through at most [`TAG_DEPTH`] annotated tags, and these tags, each only once. Each tag object
/// is read once, regardless of the number of refs that point to it.
fn refs_at(reader: &mut Reader<'_>, refs: &Refs, commit: ObjectId, found: &mut Vec<String>) -> Vec<TagAtHead> {
    let mut targets: HashMap<ObjectId, Option<ObjectId>> = HashMap::new();
    let mut tags: Vec<TagAtHead> = Vec::new();
    let mut places: HashMap<ObjectId, usize> = HashMap::new();
    for (name, id) in &refs.named {
        let mut target = *id;
        let mut way = Vec::new();
        for _ in 0..TAG_DEPTH {
            if reader.objects().find(&target).map(|record| record.kind) != Some(Kind::Tag) {
                break;
            }
            let next = *targets.entry(target).or_insert_with(|| {
                let content = reader.read(&target, Kind::Tag).ok()?;
                Tag::read(&content).ok().map(|tag| tag.object)
            });
            let Some(next) = next else { break };
            way.push(target);
            target = next;
        }
        if target == commit {
            found.push(name.clone());
            for id in way {
                let place = *places.entry(id).or_insert(tags.len());
                match tags.get_mut(place) {
                    Some(tag) => tag.more += 1,
                    None => tags.push(TagAtHead { id, name: name.clone(), more: 0 }),
                }
            }
        }
    }
    tags
}

/// Extracts the signatures of tags at HEAD. One limit applies to the total size of these copies and of the commit's.
fn read_signed_tags(
    reader: &mut Reader<'_>,
    tags: Vec<TagAtHead>,
    signed: &mut Vec<SignedObject>,
    limits: &Limits,
) -> Option<String> {
    let bound = limits.git_signed_bytes();
    let allowed = bound.allowed;
    let over = || Some(format!("signed commits and tags at HEAD are over the limit {bound}"));
    let held: usize = signed.iter().map(|object| object.payload.len() + object.signature.len()).sum();
    let Some(mut left) = allowed.checked_sub(held as u64) else {
        signed.clear();
        return over();
    };
    for TagAtHead { id, name, more } in tags {
        let Ok(content) = reader.read(&id, Kind::Tag) else { continue };
        let Ok(tag) = Tag::read(&content) else { continue };
        let short = name.strip_prefix("refs/tags/").unwrap_or(&name);
        // The signature covers the tag's own name, but not the ref's name.
        let mut called = match tag.name == short {
            true => short.to_owned(),
            false => format!("{short} (named {} in the tag object)", tag.name),
        };
        if more > 0 {
            called.push_str(&format!(" (and {})", counted(more, "more ref")));
        }
        let Some(rest) = left.checked_sub(content.len() as u64) else { return over() };
        if let Some(object) = split_tag(&called, &content, &tag) {
            left = rest;
            signed.push(object);
        }
    }
    None
}

/// HEAD's commit and its ancestors.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The commits, newest first by committer time, as in `git log`.
    pub commits: Vec<(ObjectId, Commit)>,
    /// Listed commits whose parents `.git/shallow` omits.
    pub boundary: Vec<ObjectId>,
    /// Whether there are more commits than were requested.
    pub is_cut: bool,
}

/// A sort key: newest first; commits with equal times keep the order in which they were found.
type Age = (Reverse<Option<Timestamp>>, usize);

/// Why a file of the proved tree cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// The tree does not contain this file.
    #[error("HEAD's tree has no file {0:?}")]
    NoSuchFile(String),
    /// It is unknown whether the tree contains this file.
    #[error(
        "it is not known whether HEAD's tree has the file {0:?}, because the tree of one of its folders is missing or malformed"
    )]
    NotKnown(String),
    /// The path is in a submodule whose tree was not read.
    #[error("it is not known whether HEAD's tree has the file {file:?}: the submodule {submodule} {why}")]
    InSubmodule {
        /// The file's path.
        file: String,
        /// The submodule's path.
        submodule: String,
        /// Why its tree was not read, as a verb phrase.
        why: &'static str,
        /// Whether the submodule has a fault.
        is_faulty: bool,
    },
    /// The path is in the tree but is not a file.
    #[error("{0:?} is not a file in HEAD's tree")]
    NoFile(String),
    /// The file's blob is not among the proved objects.
    #[error("the blob of {0:?} is missing")]
    Missing(String),
}

impl SourceProof {
    /// Drops objects and files, but keeps the file at `path` and the number of commits whose ids begin with `digits`.
    pub(crate) fn shelve(&mut self, snapshot: &Snapshot, path: &[u8], digits: Option<&str>) {
        self.held = Held::Shelved(Box::new(Shelved {
            path: path.to_owned(),
            content: self.read_file(snapshot, path),
            digits: digits.map(|digits| (digits.to_owned(), self.commits_beginning_with(digits))),
        }));
        self.tree.files = Vec::new();
    }

    /// The completeness of the history, as text.
    pub fn history_words(&self) -> String {
        match self.commit {
            // If objects are missing, the history is certainly incomplete.
            None if self.objects.missing == 0 => "not known: HEAD's commit is not proved".into(),
            _ => self.objects.history(),
        }
    }

    /// The content of a file in HEAD's tree, from its proved blob. For a symbolic link, the content is its target.
    ///
    /// `snapshot` must be the snapshot that was proved.
    ///
    /// # Errors
    /// [`FileFault`].
    pub fn read_file(&self, snapshot: &Snapshot, path: &[u8]) -> Result<Vec<u8>, FileFault> {
        let shown = || String::from_utf8_lossy(path).into_owned();
        let Stores { of: stores, limits, budget } = match &self.held {
            Held::All(stores) => &**stores,
            Held::Shelved(shelved) if shelved.path == path => return shelved.content.clone(),
            Held::Shelved(_) => return Err(FileFault::Missing(shown())),
        };
        let files = &self.tree.files;
        let at = files.binary_search_by(|file| file.path.as_slice().cmp(path));
        let file = at.ok().and_then(|at| files.get(at)).ok_or_else(|| match self.tree.is_below_unproved(path) {
            true => FileFault::NotKnown(shown()),
            false => self.missing_file(path),
        })?;
        if file.mode == Mode::Submodule {
            return Err(FileFault::NoFile(shown()));
        }
        let stores = stores.iter().filter(|store| path.starts_with(&store.prefix));
        let store = stores.max_by_key(|store| store.prefix.len()).ok_or_else(|| FileFault::Missing(shown()))?;
        let directory = store.directory(snapshot);
        let inflated = Inflated::new(limits, budget);
        let content = Reader::new(&directory, &store.objects, limits, &inflated).read(&file.id, Kind::Blob);
        content.map(|content| content.to_vec()).map_err(|_| FileFault::Missing(shown()))
    }

    /// Why a file that is not in the trees cannot be read.
    fn missing_file(&self, path: &[u8]) -> FileFault {
        let file = String::from_utf8_lossy(path).into_owned();
        let is_inside = |module: &[u8]| path.strip_prefix(module).is_some_and(|rest| rest.starts_with(b"/"));
        let mut around = self.tree.submodules.iter().filter(|module| is_inside(&module.path));
        let unread = around.find_map(|module| Some((module, module.state.not_compared()?)));
        let Some((module, why)) = unread else { return FileFault::NoSuchFile(file) };
        let submodule = String::from_utf8_lossy(&module.path).into_owned();
        FileFault::InSubmodule { file, submodule, why, is_faulty: matches!(module.state, SubmoduleState::Faulty(_)) }
    }

    /// The number of proved commits in the top repository whose ids begin with `digits`: hexadecimal, at least one
    /// digit.
    pub fn commits_beginning_with(&self, digits: &str) -> usize {
        let stores = match &self.held {
            Held::All(stores) => &stores.of,
            Held::Shelved(shelved) => {
                // Only the number for the stored digits is known. `usize::MAX` never counts as exactly one commit.
                let known = shelved.digits.as_ref().filter(|(known, _)| known == digits);
                return known.map_or(usize::MAX, |(_, count)| *count);
            }
        };
        let top = stores.iter().find(|store| store.module.is_none());
        let table = top.map(|store| store.objects.table.as_slice()).unwrap_or_default();
        let text = |record: &Record| record.id.to_string();
        let start = table.partition_point(|record| text(record).as_str() < digits);
        let matching =
            table.get(start..).unwrap_or_default().iter().take_while(|record| text(record).starts_with(digits));
        matching.filter(|record| record.kind == Kind::Commit).count()
    }

    /// HEAD's commit and its ancestors, newest first by committer time, as in `git log`; at most `count` commits.
    ///
    /// The ancestors of a commit that cannot be read are omitted: see the faults of [`Self::objects`].
    pub fn history(&self, snapshot: &Snapshot, count: usize) -> History {
        let mut history = History::default();
        let Held::All(stores) = &self.held else { return history };
        let (Ok(head), Some(store)) = (&self.head, stores.of.iter().find(|store| store.module.is_none())) else {
            return history;
        };
        let directory = store.directory(snapshot);
        let inflated = Inflated::new(&stores.limits, &stores.budget);
        let mut reader = Reader::new(&directory, &store.objects, &stores.limits, &inflated);
        let mut seen = HashSet::from([head.commit]);
        let mut waiting: BTreeMap<Age, (ObjectId, Commit)> = BTreeMap::new();
        let mut found = vec![head.commit];
        loop {
            for id in found.drain(..) {
                let content = reader.read(&id, Kind::Commit).ok();
                if let Some(commit) = content.and_then(|content| Commit::read(&content).ok()) {
                    waiting.insert((Reverse(commit.committer.time), seen.len()), (id, commit));
                }
            }
            let Some((_, (id, commit))) = waiting.pop_first() else { return history };
            if history.commits.len() >= count {
                history.is_cut = true;
                return history;
            }
            if store.objects.shallow.contains(&id) {
                history.boundary.extend((!commit.parents.is_empty()).then_some(id));
            } else {
                found.extend(commit.parents.iter().copied().filter(|parent| seen.insert(*parent)));
            }
            history.commits.push((id, commit));
        }
    }
}
