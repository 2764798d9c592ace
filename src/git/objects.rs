//! Reads, hashes and lists the objects of one repository: all packs and loose objects.

use crate::base::words::counted;
use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::directory::GitDirectory;
use super::hash::Kind;
use super::inflate::Inflater;
use super::inflated::Inflated;
use super::loose;
use super::malformed::Malformed;
use super::object_id::ObjectId;
use super::pack::{Pack, verify};
use super::references::References;
use crate::base::limits::Limits;

/// Every object whose content matches its id, with its storage position.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// The table is sorted by id, without duplicates.
    pub(super) table: Vec<Record>,
    /// For each two-byte prefix of an id, the first index in the table with this prefix or a greater prefix. The last
    /// entry is the length of the table. For a small table, `starts` is empty.
    starts: Vec<u32>,
    pub(super) packs: Vec<PackFile>,
    /// Paths of loose objects.
    pub(super) loose: Vec<Vec<u8>>,
    /// Faults of packs, indexes, loose objects and `.git/shallow`.
    pub(super) faults: Vec<String>,
    /// Objects that match their ids but that `git fsck` reports.
    pub(super) malformed: Vec<(ObjectId, Malformed)>,
    pub(super) references: References,
    /// The number of copies of each object that is stored several times. All copies were read, and all of them count in
    /// `references`.
    pub(super) copies: HashMap<ObjectId, u32>,
    /// Commits whose parents are omitted, according to `.git/shallow`.
    pub(super) shallow: HashSet<ObjectId>,
}

/// A pack: its path in the snapshot, and its entries.
#[derive(Debug)]
pub(super) struct PackFile {
    /// The path, relative to the git directory.
    pub(super) path: Vec<u8>,
    pub(super) pack: Pack,
}

/// One object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) id: ObjectId,
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// The position where an object is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The pack's number and the entry's number.
    Pack(u32, u32),
    /// File number.
    Loose(u32),
}

/// The first two bytes of an id. Ids are evenly distributed, so few ids share a prefix.
fn prefix(id: &ObjectId) -> usize {
    let [first, second, ..] = *id.as_bytes();
    usize::from(first) << 8 | usize::from(second)
}

fn starts(table: &[Record]) -> Vec<u32> {
    let mut starts = vec![0u32; (1 << 16) + 1];
    for record in table {
        if let Some(count) = starts.get_mut(prefix(&record.id) + 1) {
            *count += 1;
        }
    }
    let mut before = 0;
    for start in &mut starts {
        before += *start;
        *start = before;
    }
    starts
}

/// The fixed cost of a pack, expressed as a number of objects, because threads are started for each pack.
const PACK_OBJECTS: u64 = 40;
/// The memory for an object that another object references.
const REFERENCE_HELD_BYTES: u64 = 64;
/// A small table is searched without an index.
const SMALL_TABLE: usize = 4_096;

/// The maximum number of faulty loose objects listed individually; the others are only counted.
const FAULTS_NAMED: usize = 20;

/// Larger objects are read one at a time, so that memory use does not depend on the number of threads.
pub(super) const LARGE_BYTES: u64 = 16 << 20;

/// The maximum number of referenced objects that the remaining memory allows. The limit applies to each thread and to
/// all threads together.
pub(super) fn most_references(inflated: &Inflated) -> usize {
    usize::try_from(inflated.budget().memory_left() / REFERENCE_HELD_BYTES).unwrap_or(usize::MAX)
}

impl Objects {
    /// Reads and hashes every packed and loose object.
    ///
    /// This function does not check that referenced objects exist: see [`super::reach`].
    pub(super) fn prove(directory: &GitDirectory<'_>, threads: usize, limits: &Limits, inflated: &Inflated) -> Self {
        let mut objects = Self::default();
        objects.read_shallow(directory);
        objects.prove_packs(directory, threads, limits, inflated);
        objects.prove_loose(directory, threads, limits, inflated);
        objects.malformed = std::mem::take(&mut objects.references.malformed);
        objects.malformed.sort_unstable();
        objects.malformed.dedup();
        objects.table.sort_unstable_by_key(|record| (record.id, record.place));
        let copies = &mut objects.copies;
        objects.table.dedup_by(|record, first| {
            let again = record.id == first.id;
            if again {
                *copies.entry(record.id).or_insert(1) += 1;
            }
            again
        });
        if objects.table.len() > SMALL_TABLE {
            objects.starts = starts(&objects.table);
        }
        objects
    }

    /// The entry of an object.
    pub(super) fn find(&self, id: &ObjectId) -> Option<&Record> {
        self.table.get(self.number(id)?)
    }

    /// The index of an object in the table.
    pub(super) fn number(&self, id: &ObjectId) -> Option<usize> {
        if self.starts.is_empty() {
            return self.table.binary_search_by_key(id, |record| record.id).ok();
        }
        let place = |prefix| self.starts.get(prefix).and_then(|&start| usize::try_from(start).ok());
        let start = place(prefix(id))?;
        let candidates = self.table.get(start..place(prefix(id) + 1)?)?;
        Some(start + candidates.binary_search_by_key(id, |record| record.id).ok()?)
    }

    fn absorb(&mut self, references: References, inflated: &Inflated) {
        let before = self.references.count();
        self.references.absorb(references);
        let more = self.references.count().saturating_sub(before) as u64;
        inflated.hold(more.saturating_mul(REFERENCE_HELD_BYTES));
    }

    fn read_shallow(&mut self, directory: &GitDirectory<'_>) {
        let text = directory.file(b"shallow").unwrap_or_default();
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match std::str::from_utf8(line).ok().and_then(ObjectId::from_hex) {
                Some(id) => drop(self.shallow.insert(id)),
                None => {
                    self.faults.push("shallow: a line is not an object id".into());
                    return;
                }
            }
        }
    }

    fn prove_packs(&mut self, directory: &GitDirectory<'_>, threads: usize, limits: &Limits, inflated: &Inflated) {
        let mut indexes: Vec<&[u8]> = Vec::new();
        for (name, bytes) in directory.files_below("objects/pack/") {
            let Some(stem) = name.strip_suffix(b".pack") else {
                indexes.extend(name.strip_suffix(b".idx"));
                continue;
            };
            let path = [b"objects/pack/", name].concat();
            let index = directory.file(&[b"objects/pack/", stem, b".idx"].concat());
            if !inflated.spend_objects(PACK_OBJECTS) {
                return;
            }
            let verified = verify(bytes, index, &self.shallow, threads, limits, inflated);
            let shown = String::from_utf8_lossy(&path).into_owned();
            self.faults.extend(verified.faults.into_iter().map(|fault| format!("{shown}: {fault}")));
            let number = u32::try_from(self.packs.len()).unwrap_or(u32::MAX);
            let first = self.table.len();
            let place = |entry| Place::Pack(number, entry);
            let records = verified.proved.into_iter();
            self.table.extend(records.map(|(entry, id, kind)| Record { id, kind, place: place(entry) }));
            self.refuse_twice(first, &shown);
            self.absorb(verified.references, inflated);
            self.packs.push(PackFile { path, pack: verified.pack });
        }
        for stem in indexes {
            let pack = [b"objects/pack/", stem, b".pack"].concat();
            if directory.file(&pack).is_none() {
                self.faults.push(format!("objects/pack/{}.idx has no pack", String::from_utf8_lossy(stem)));
            }
        }
    }

    /// git does not make packs with duplicate objects, and readers could disagree about which copy to use.
    fn refuse_twice(&mut self, first: usize, path: &str) {
        let mut ids: Vec<ObjectId> = self.table.iter().skip(first).map(|record| record.id).collect();
        ids.sort_unstable();
        let twice = ids.iter().zip(ids.iter().skip(1)).filter(|(one, other)| one == other).count();
        if twice > 0 {
            self.faults.push(format!("{path}: {}", counted(twice, "duplicate object")));
        }
    }

    fn prove_loose(&mut self, directory: &GitDirectory<'_>, threads: usize, limits: &Limits, inflated: &Inflated) {
        let files: Vec<(ObjectId, Vec<u8>, &[u8])> = directory
            .files_below("objects/")
            .filter_map(|(name, bytes)| Some((loose::id_of_path(name)?, [b"objects/", name].concat(), bytes)))
            .collect();
        // Objects are counted before the first one is inflated, so that the result does not depend on the number of
        // threads.
        let mut inflater = Inflater::new();
        let sizes: Vec<u64> = files.iter().map(|(_, _, bytes)| loose::claimed_size(bytes, &mut inflater)).collect();
        let all = sizes.iter().copied().fold(0, u64::saturating_add);
        if !inflated.spend_objects(files.len() as u64) || !inflated.spend(all) {
            let bound = inflated.bound();
            self.faults.push(format!("inflated loose objects are over the limit {bound}"));
            return;
        }
        let next = AtomicUsize::new(0);
        let shallow = &self.shallow;
        let most = most_references(inflated);
        let large = Mutex::new(());
        let work = || {
            let mut inflater = Inflater::new();
            let mut references = References::within(most);
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((id, _, bytes)) = files.get(number) else { break (references, answers) };
                let size = sizes.get(number).copied().unwrap_or(0);
                if size <= limits.git_object_bytes && !inflated.has_room_for(size) {
                    break (references, answers);
                }
                let _alone = (size > LARGE_BYTES).then(|| large.lock());
                let proved = loose::prove(*id, bytes, &mut inflater, limits).map(|(kind, content)| {
                    references.note(kind, *id, &content, shallow);
                    kind
                });
                answers.push((number, proved));
            }
        };
        let workers: Vec<_> = thread::scope(|scope| {
            let others: Vec<_> = (1..threads.min(files.len())).map(|_| scope.spawn(work)).collect();
            let own = work();
            [own]
                .into_iter()
                .chain(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))))
                .collect()
        });
        let mut bad = Vec::new();
        for (references, answers) in workers {
            self.absorb(references, inflated);
            for (number, answer) in answers {
                let Some((id, path, _)) = files.get(number) else { continue };
                match answer {
                    Ok(kind) => {
                        let place = Place::Loose(u32::try_from(number).unwrap_or(u32::MAX));
                        self.table.push(Record { id: *id, kind, place });
                    }
                    Err(fault) => bad.push(format!("{}: {fault}", String::from_utf8_lossy(path))),
                }
            }
        }
        bad.sort_unstable();
        let more = bad.len().saturating_sub(FAULTS_NAMED);
        self.faults.extend(bad.into_iter().take(FAULTS_NAMED));
        if more > 0 {
            self.faults.push(format!("and {} with faults", counted(more, "more loose object")));
        }
        self.loose = files.into_iter().map(|(_, path, _)| path).collect();
    }
}
