//! The contents of the signed archive: the server's record, its log and the source snapshot. The archive is read only after its signature is
//! verified.

pub mod build_log;
pub(crate) mod build_record;
pub mod dockerfile;
pub(crate) mod outside;

use std::collections::HashMap;
use std::io::Read;

use crate::archive::{Member, MemberKind, MemberPath, SignedTar, TarReader, decompress};
use crate::base::budget::{Budget, Work};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::gate::verify::{SignedArchive, VerifiedArchive};
use crate::git::{Snapshot, SnapshotBuilder, WorkEntry, WorkFileHasher};
use crate::manifest::build_log::BuildLog;
use crate::manifest::build_record::BuildRecord;

const WHAT: &str = "the signed archive";

/// The contents of the signed archive. Everything in the archive is *signed*: the key holder signed it, which does not make it true.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Manifest {
    /// `data/build.json`
    pub record: BuildRecord,
    /// `data/build.log`, if present.
    pub log: Option<BuildLog>,
    /// The repositories in `git/<repository>/`, one for each name directly below `git/`. A normal build has exactly one repository.
    pub snapshots: Vec<Snapshot>,
    /// Paths of the members below `root_ssh/`; `None` if the archive has no `root_ssh`.
    pub root_ssh: Option<Vec<String>>,
    /// Names of all other members.
    pub other: Vec<String>,
    /// Number of members in the archive, including folders.
    pub member_count: u64,
    /// Total size of all files in bytes.
    pub content_bytes: u64,
}

impl Manifest {
    /// Reads the archive in one pass, from exactly the bytes that were signed. Of work tree files, keeps only the content of `.git` files.
    ///
    /// Does not evaluate the contents: a faulty git folder leads to a finding of a check, not to an error here.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a malformed container, or a missing or malformed `build.json`; [`Error::Truncated`],
    /// [`Error::OverLimit`].
    pub fn read(archive: &VerifiedArchive, limits: &Limits) -> Result<Self, Error> {
        Self::read_within(archive, 1, limits, &Budget::of_unknown_input(limits))
    }

    /// Like [`Self::read`], but on several threads and within a budget. The number of threads does not change the result.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_within(
        archive: &VerifiedArchive,
        threads: usize,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, Error> {
        Self::from_compressed(archive.bytes(), threads, limits, budget)
    }

    /// Like [`Self::read_within`], but frees the archive's bytes while they are read.
    pub(crate) fn take(
        archive: VerifiedArchive,
        threads: usize,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(Self, SignedArchive), Error> {
        let (signed, bytes) = archive.into_reader();
        Ok((Self::from_compressed(bytes, threads, limits, budget)?, signed))
    }

    fn from_compressed(input: impl Read, threads: usize, limits: &Limits, budget: &Budget) -> Result<Self, Error> {
        let expanded = decompress(input, threads, WHAT, limits.expanded_bytes());
        Self::from_tar(budget.reading(expanded, Work::Unpacked, WHAT), limits, budget)
    }

    pub(crate) fn from_tar(input: impl Read, limits: &Limits, budget: &Budget) -> Result<Self, Error> {
        let mut reading = Reading::new(limits, budget);
        let mut tar = SignedTar::new(input, limits);
        while let Some(member) = tar.next_member()? {
            budget.spend(Work::Objects(MEMBER_OBJECTS), WHAT)?;
            let places = tar.place_count();
            let new_places = places.saturating_sub(std::mem::replace(&mut reading.place_count, places));
            let target = match &member.kind {
                MemberKind::Symlink(target) => target.len(),
                _ => 0,
            };
            let names = (member.path.as_bytes().len() as u64).saturating_mul(NAMES_HELD) + target as u64;
            budget.hold(names.saturating_add(new_places.saturating_mul(PLACE_HELD_BYTES)), WHAT)?;
            reading.member_count += 1;
            reading.content_bytes += member.size;
            reading.add(&member, tar.reader())?;
        }
        reading.finish()
    }
}

/// The cost of a member, counted in objects: reading its header and name, and looking up the name among all other names.
const MEMBER_OBJECTS: u64 = 2;
/// Number of copies kept of a member's path: in the archive's names, in its tree and in the snapshot.
const NAMES_HELD: u64 = 3;
/// Bytes kept for each member and for each folder without a separate member.
const PLACE_HELD_BYTES: u64 = 350;

/// Bytes kept for each log line in addition to its text.
const LINE_HELD_BYTES: u64 = 160;

struct Reading<'l> {
    limits: &'l Limits,
    budget: &'l Budget,
    record: Option<BuildRecord>,
    log: Option<BuildLog>,
    snapshots: HashMap<Vec<u8>, SnapshotBuilder>,
    root_ssh: Option<Vec<String>>,
    other: Vec<String>,
    member_count: u64,
    content_bytes: u64,
    work_tree_bytes: u64,
    git_bytes: u64,
    place_count: u64,
}

impl<'l> Reading<'l> {
    fn new(limits: &'l Limits, budget: &'l Budget) -> Self {
        Self {
            limits,
            budget,
            record: None,
            log: None,
            snapshots: HashMap::new(),
            root_ssh: None,
            other: Vec::new(),
            member_count: 0,
            content_bytes: 0,
            work_tree_bytes: 0,
            git_bytes: 0,
            place_count: 0,
        }
    }

    fn add<R: Read>(&mut self, member: &Member, tar: &mut TarReader<'_, R>) -> Result<(), Error> {
        match member.path.as_bytes() {
            b"data/build.json" => {
                self.limits.build_record_bytes().check(member.size, &member.path)?;
                self.record = Some(BuildRecord::from_json("data/build.json", &tar.read_content()?, self.limits)?);
            }
            b"data/build.log" => {
                self.limits.build_log_bytes().check(member.size, &member.path)?;
                self.budget.hold(member.size, "data/build.log")?;
                let content = tar.read_content()?;
                let lines = content.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
                // Entries and events each contain one copy of the text.
                let held = member.size.saturating_mul(2).saturating_add(lines.saturating_mul(LINE_HELD_BYTES));
                self.budget.hold(held, "data/build.log")?;
                self.budget.spend(Work::Nodes(lines), "data/build.log")?;
                self.log = Some(BuildLog::from_bytes(&content, self.limits)?);
                self.budget.release(member.size);
            }
            b"root_ssh" if member.kind == MemberKind::Directory => drop(self.root_ssh.get_or_insert_default()),
            b"root_ssh" => self.root_ssh.get_or_insert_default().push("root_ssh, which is not a folder".into()),
            b"" | b"data" | b"git" => {}
            _ => self.add_below(member, tar)?,
        }
        Ok(())
    }

    fn add_below<R: Read>(&mut self, member: &Member, tar: &mut TarReader<'_, R>) -> Result<(), Error> {
        if let Some(path) = member.path.below(b"root_ssh") {
            self.root_ssh.get_or_insert_default().push(String::from_utf8_lossy(path).into_owned());
        } else if let Some(path) = member.path.below(b"git") {
            let (repository, path) = split_first(path);
            let (limits, budget) = (self.limits, self.budget);
            let new = || SnapshotBuilder::new(repository, limits, budget);
            let snapshot = self.snapshots.entry(repository.to_vec()).or_insert_with(new);
            match (path, path.and_then(below_git)) {
                (None, _) => {}
                (Some(_), Some(path)) => {
                    let before = snapshot.git_bytes();
                    add_git_entry(snapshot, path, member, tar, self.limits)?;
                    // Checks the total for all repositories, because an archive may contain any number of repositories.
                    self.git_bytes += snapshot.git_bytes() - before;
                    self.limits.git_bytes().check(self.git_bytes, "the folders .git")?;
                }
                (Some(path), None) => {
                    self.work_tree_bytes += member.size;
                    self.limits.work_tree_bytes().check(self.work_tree_bytes, "the work tree")?;
                    add_work_entry(snapshot, path, member, tar)?;
                }
            }
        } else {
            self.other.push(member.path.to_string());
        }
        Ok(())
    }

    fn finish(self) -> Result<Manifest, Error> {
        let record = self.record.ok_or_else(|| Error::malformed(WHAT, "missing file data/build.json"))?;
        let mut snapshots: Vec<Snapshot> = self.snapshots.into_values().map(SnapshotBuilder::finish).collect();
        snapshots.sort_by(|one, other| one.repository.cmp(&other.repository));
        Ok(Manifest {
            record,
            log: self.log,
            snapshots,
            root_ssh: self.root_ssh,
            other: self.other,
            member_count: self.member_count,
            content_bytes: self.content_bytes,
        })
    }
}

/// Splits `a/b/c` into `a` and `b/c`.
fn split_first(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match path.iter().position(|&byte| byte == b'/') {
        Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..)),
        None => (path, None),
    }
}

/// The path relative to `.git`, empty for `.git` itself.
fn below_git(path: &[u8]) -> Option<&[u8]> {
    match path.strip_prefix(b".git")? {
        b"" => Some(b""),
        rest => rest.strip_prefix(b"/"),
    }
}

fn add_git_entry<R: Read>(
    snapshot: &mut SnapshotBuilder,
    path: &[u8],
    member: &Member,
    tar: &mut TarReader<'_, R>,
    limits: &Limits,
) -> Result<(), Error> {
    match &member.kind {
        MemberKind::Directory => Ok(()),
        MemberKind::File if !path.is_empty() => {
            limits.git_bytes().check(member.size, &member.path)?;
            snapshot.hold(member.size)?;
            snapshot.add_git_file(path, tar.read_content()?)
        }
        MemberKind::HardLink(target) if !path.is_empty() => {
            let path = [b".git/", path].concat();
            add_hard_link(snapshot, &path, member, target)
        }
        _ => {
            snapshot.add_fault(format!("{}: .git must be a folder that contains only files and folders", member.path));
            Ok(())
        }
    }
}

fn add_work_entry<R: Read>(
    snapshot: &mut SnapshotBuilder,
    path: &[u8],
    member: &Member,
    tar: &mut TarReader<'_, R>,
) -> Result<(), Error> {
    let entry = match &member.kind {
        MemberKind::Directory => WorkEntry::Directory,
        MemberKind::File => {
            snapshot.hold(WorkFileHasher::held_bytes(path, member.size))?;
            let mut file = WorkFileHasher::new(path, member.mode, member.size);
            tar.stream_content(|piece| file.update(piece))?;
            WorkEntry::File(file.finish())
        }
        MemberKind::Symlink(target) => WorkEntry::Symlink { target: target.clone() },
        MemberKind::HardLink(target) => return add_hard_link(snapshot, path, member, target),
    };
    snapshot.add_work_entry(path, entry);
    Ok(())
}

/// Adds a hard link, which is a second name for a file. A link to a file outside its repository is a fault.
fn add_hard_link(
    snapshot: &mut SnapshotBuilder,
    path: &[u8],
    member: &Member,
    target: &MemberPath,
) -> Result<(), Error> {
    let (repository, _) = member.path.below(b"git").map(split_first).unwrap_or_default();
    match target.below(b"git").map(split_first) {
        Some((same, Some(target))) if same == repository => snapshot.add_hard_link(path, target),
        _ => {
            snapshot.add_fault(format!("{} is a hard link to {target}, outside its repository", member.path));
            Ok(())
        }
    }
}
