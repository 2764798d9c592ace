//! Reads and hashes every object of a pack once, on all threads.
//!
//! A whole object and all deltas based on it form a family. A thread picks a family, reads its root, and walks the
//! family depth first, with children directly after their parents, so that a base is held only while it is needed.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use flate2::Crc;

use super::delta::{DeltaFault, apply, result_size};
use super::index::Row;
use super::layout::{Base, Entry, Layout, PackFault, index};
use crate::base::limits::Limits;
use crate::git::hash::{Collision, Kind, Sha1, object_id};
use crate::git::inflate::{InflateFault, Inflater};
use crate::git::inflated::Inflated;
use crate::git::object_id::ObjectId;
use crate::git::objects::{LARGE_BYTES, most_references};
use crate::git::references::References;

/// A fault of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum EntryFault {
    #[error(transparent)]
    Inflate(#[from] InflateFault),
    #[error("it does not end where the next entry begins")]
    End,
    #[error(transparent)]
    Delta(#[from] DeltaFault),
    #[error("{}", Collision)]
    Collision,
    #[error("it is larger than the limit git_object_bytes")]
    TooLarge,
    #[error("resolving its deltas needs more memory than the limit git_delta_bytes")]
    TooMuchHeld,
    #[error("its delta chain is deeper than the limit git_delta_depth")]
    TooDeep,
    #[error("the index records a different id for it")]
    IndexName,
    #[error("the index records a different CRC-32 for it")]
    IndexCrc,
    #[error("a base in its delta chain is missing from the pack or damaged, or the chain leads into a loop")]
    NoBase,
}

/// An object that was read and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proved {
    pub(super) entry: u32,
    pub(super) id: ObjectId,
    pub(super) kind: Kind,
}

/// The result of one sweep over a pack.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// In pack order.
    pub(super) proved: Vec<Proved>,
    /// Faulty entries, in pack order. An entry with the fault `IndexName`, `IndexCrc` or `TooMuchHeld` is nevertheless
    /// proved.
    pub(super) faults: Vec<(u32, EntryFault)>,
    pub(super) references: References,
    pub(super) checksum: Option<PackFault>,
}

/// Reads and hashes all objects of `pack`. The result does not depend on the number of threads.
pub(super) fn sweep(
    pack: &[u8],
    layout: &Layout,
    rows: Option<&[Row]>,
    shallow: &HashSet<ObjectId>,
    threads: usize,
    limits: &Limits,
    inflated: &Inflated,
) -> Result<Swept, PackFault> {
    let job = Job::new(pack, layout, rows, shallow, limits, inflated);
    let mut swept = Swept::default();
    let workers: Vec<Swept> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| Worker::new(&job).run())).collect();
        let own = Worker::new(&job).run();
        // No worker should panic. If a worker panics, the program ends as with any other panic.
        [own]
            .into_iter()
            .chain(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))))
            .collect()
    });
    for worker in workers {
        swept.proved.extend(worker.proved);
        swept.faults.extend(worker.faults);
        swept.references.absorb(worker.references);
        swept.checksum = swept.checksum.or(worker.checksum);
    }
    if inflated.is_over() {
        return Err(PackFault::OverLimit(inflated.bound()));
    }
    swept.proved.sort_unstable_by_key(|proved| proved.entry);
    add_missing(layout, &mut swept);
    swept.faults.sort_unstable();
    Ok(swept)
}

/// Adds the entries that no family reached: their base is faulty, is not in the pack, or depends on them.
fn add_missing(layout: &Layout, swept: &mut Swept) {
    let faulty: HashSet<u32> = swept.faults.iter().map(|(entry, _)| *entry).collect();
    let mut proved = swept.proved.iter().map(|proved| proved.entry).peekable();
    for number in (0u32..).zip(&layout.entries).map(|(number, _)| number) {
        if proved.next_if_eq(&number).is_none() && !faulty.contains(&number) {
            swept.faults.push((number, EntryFault::NoBase));
        }
    }
}

/// The data that all workers share.
struct Job<'a> {
    pack: &'a [u8],
    layout: &'a Layout,
    rows: Option<&'a [Row]>,
    shallow: &'a HashSet<ObjectId>,
    limits: &'a Limits,
    /// Roots of families, heaviest first.
    roots: Vec<u32>,
    next: AtomicUsize,
    inflated: &'a Inflated,
    /// The maximum number of bytes that one family may hold.
    room: u64,
    /// Locked while a large family is processed, so that only one large family is in progress.
    large: Mutex<()>,
    most_references: usize,
    /// For each reference delta, whether a base was found. If two entries have the id of the base, only one of them is
    /// used as the base.
    claimed: Vec<AtomicBool>,
}

impl<'a> Job<'a> {
    fn new(
        pack: &'a [u8],
        layout: &'a Layout,
        rows: Option<&'a [Row]>,
        shallow: &'a HashSet<ObjectId>,
        limits: &'a Limits,
        inflated: &'a Inflated,
    ) -> Self {
        let is_root = |(_, entry): &(u32, &Entry)| matches!(entry.base, Base::Nothing(_));
        let mut roots: Vec<u32> = (0..).zip(&layout.entries).filter(is_root).map(|(number, _)| number).collect();
        let weight = |root: &u32| layout.weights.get(index(*root)).copied().unwrap_or(0);
        roots.sort_by_key(|root| std::cmp::Reverse(weight(root)));
        let claimed = layout.references.iter().map(|_| AtomicBool::new(false)).collect();
        let next = AtomicUsize::new(0);
        // Half of the remaining memory is for the ids that the objects reference.
        let room = inflated.budget().memory_left() / 2;
        let (large, most_references) = (Mutex::new(()), most_references(inflated));
        Self { pack, layout, rows, shallow, limits, roots, next, inflated, room, large, most_references, claimed }
    }
}

/// A base that is held while objects are made from it.
struct Held {
    content: Vec<u8>,
    depth: u64,
    /// Deltas of this base that remain to be processed.
    offset_deltas: std::vec::IntoIter<u32>,
    reference_deltas: Vec<u32>,
}

impl Held {
    fn next(&mut self) -> Option<u32> {
        self.reference_deltas.pop().or_else(|| self.offset_deltas.next())
    }

    fn is_done(&self) -> bool {
        self.reference_deltas.is_empty() && self.offset_deltas.as_slice().is_empty()
    }
}

struct Worker<'j, 'a> {
    job: &'j Job<'a>,
    inflater: Inflater,
    swept: Swept,
    /// The total size of all bases held now.
    held: u64,
    delta: Vec<u8>,
    content: Vec<u8>,
    /// The lock on [`Job::large`], while this worker processes a large family.
    alone: Option<MutexGuard<'j, ()>>,
}

impl<'j, 'a> Worker<'j, 'a> {
    fn new(job: &'j Job<'a>) -> Self {
        let inflater = Inflater::new();
        let swept = Swept { references: References::within(job.most_references), ..Swept::default() };
        Self { job, inflater, swept, held: 0, delta: Vec::new(), content: Vec::new(), alone: None }
    }

    fn run(mut self) -> Swept {
        loop {
            // The checksum of the whole pack is computed first, because it takes longest.
            let Some(turn) = self.job.next.fetch_add(1, Ordering::Relaxed).checked_sub(1) else {
                self.swept.checksum = check_trailer(self.job.pack).err();
                continue;
            };
            let Some(&root) = self.job.roots.get(turn) else { break };
            let goes_on = self.walk_family(root);
            if self.alone.is_some() {
                (self.delta, self.content) = (Vec::new(), Vec::new());
                self.alone = None;
            }
            if !goes_on {
                break;
            }
        }
        self.swept
    }

    /// Whether there is memory for `more` bytes in addition to the bases. A family needs the same amount of memory
    /// regardless of the number of threads.
    fn has_room_for(&mut self, more: u64) -> bool {
        let needed = self.held.saturating_add(more);
        if needed > self.job.room {
            self.job.inflated.budget().refuse_memory();
            return false;
        }
        if needed > LARGE_BYTES && self.alone.is_none() {
            self.alone = self.job.large.lock().ok();
        }
        true
    }

    /// Reads and hashes all objects of a family. Returns `false` if a limit on bytes or memory is exceeded; the sweep then
    /// stops.
    fn walk_family(&mut self, root: u32) -> bool {
        let Some(&Entry { base: Base::Nothing(kind), .. }) = self.job.layout.entry(root) else { return true };
        self.held = 0;
        let mut stack: Vec<Held> = Vec::new();
        match self.make_root(root, kind) {
            Made::OverLimit => return false,
            Made::Nothing => {}
            Made::Base(base) => stack.push(base),
        }
        while let Some(base) = stack.last_mut() {
            let Some(child) = base.next() else {
                self.release(stack.pop());
                continue;
            };
            let made = self.make_delta(child, kind, &base.content, base.depth + 1);
            if base.is_done() {
                self.release(stack.pop());
            }
            match made {
                Made::OverLimit => return false,
                Made::Nothing => {}
                Made::Base(base) => stack.push(base),
            }
        }
        true
    }

    /// Reads an object that is stored whole.
    fn make_root(&mut self, number: u32, kind: Kind) -> Made {
        let Some(entry) = self.job.layout.entry(number) else { return Made::Nothing };
        if entry.size > self.job.limits.git_object_bytes {
            return self.fault(number, EntryFault::TooLarge);
        }
        if !self.job.inflated.spend(entry.size) {
            return Made::OverLimit;
        }
        let alone = self.job.layout.children(number).is_empty() && self.job.layout.waiting.is_empty();
        if kind == Kind::Blob && alone {
            let hashed = self.hash_blob(entry);
            return match hashed {
                Ok(id) => self.note(number, kind, id, None),
                Err(fault) => self.fault(number, fault),
            };
        }
        if !self.has_room_for(entry.size) {
            return Made::OverLimit;
        }
        let mut content = std::mem::take(&mut self.content);
        match self.inflate(entry, &mut content) {
            Ok(()) => self.finish(number, kind, content, 0),
            Err(fault) => self.fault(number, fault),
        }
    }

    fn make_delta(&mut self, number: u32, kind: Kind, base: &[u8], depth: u64) -> Made {
        let Some(entry) = self.job.layout.entry(number) else { return Made::Nothing };
        if depth > self.job.limits.git_delta_depth {
            return self.fault(number, EntryFault::TooDeep);
        }
        if entry.size > self.job.limits.git_object_bytes {
            return self.fault(number, EntryFault::TooLarge);
        }
        if !self.job.inflated.spend(entry.size) {
            return Made::OverLimit;
        }
        if !self.has_room_for(entry.size) {
            return Made::OverLimit;
        }
        let mut delta = std::mem::take(&mut self.delta);
        let mut content = std::mem::take(&mut self.content);
        let inflated = self.inflate(entry, &mut delta);
        let result = result_size(&delta).filter(|size| *size <= self.job.limits.git_object_bytes).unwrap_or(0);
        if inflated.is_ok() && !self.has_room_for(entry.size.saturating_add(result)) {
            return Made::OverLimit;
        }
        let applied = inflated.and_then(|()| {
            apply(base, &delta, self.job.limits.git_object_bytes, &mut content).map_err(EntryFault::from)
        });
        self.delta = delta;
        match applied {
            Ok(()) if !self.job.inflated.spend(content.len() as u64) => Made::OverLimit,
            Ok(()) => self.finish(number, kind, content, depth),
            Err(fault) => self.fault(number, fault),
        }
    }

    /// Hashes an object, and keeps the object if other objects are based on it.
    fn finish(&mut self, number: u32, kind: Kind, content: Vec<u8>, depth: u64) -> Made {
        let Ok(id) = object_id(kind, &content) else {
            return self.fault(number, EntryFault::Collision);
        };
        self.note(number, kind, id, Some(&content));
        let offset_deltas = self.job.layout.children(number).to_vec().into_iter();
        let base = Held { content, depth, offset_deltas, reference_deltas: self.claim(&id) };
        if base.is_done() {
            self.content = base.content;
            return Made::Nothing;
        }
        let held = self.held.saturating_add(base.content.len() as u64);
        if held > self.job.limits.git_delta_bytes {
            return self.fault(number, EntryFault::TooMuchHeld);
        }
        self.held = held;
        Made::Base(base)
    }

    /// The reference deltas based on this object, unless an identical object has already claimed them.
    fn claim(&self, id: &ObjectId) -> Vec<u32> {
        let free = |entry: &u32| match self.job.layout.entry(*entry).map(|entry| entry.base) {
            Some(Base::Object(reference)) => {
                let claimed = self.job.claimed.get(index(reference));
                claimed.is_some_and(|claimed| !claimed.swap(true, Ordering::Relaxed))
            }
            _ => false,
        };
        self.job.layout.waiting.get(id).into_iter().flatten().copied().filter(free).collect()
    }

    fn release(&mut self, base: Option<Held>) {
        let Some(base) = base else { return };
        self.held = self.held.saturating_sub(base.content.len() as u64);
        if self.content.capacity() < base.content.capacity() {
            self.content = base.content;
        }
    }

    fn inflate(&mut self, entry: &Entry, out: &mut Vec<u8>) -> Result<(), EntryFault> {
        let stream = self.job.pack.get(entry.data..entry.end).unwrap_or_default();
        let size = usize::try_from(entry.size).map_err(|_| EntryFault::TooLarge)?;
        let used = self.inflater.inflate(stream, size, out)?;
        if used == stream.len() { Ok(()) } else { Err(EntryFault::End) }
    }

    /// Hashes a blob that is not a base, without holding it in memory.
    fn hash_blob(&mut self, entry: &Entry) -> Result<ObjectId, EntryFault> {
        let stream = self.job.pack.get(entry.data..entry.end).unwrap_or_default();
        let mut hasher = Sha1::of_object(Kind::Blob, entry.size);
        let (used, size) = self.inflater.inflate_through(stream, entry.size, |piece| hasher.update(piece))?;
        if size != entry.size {
            return Err(InflateFault::Size.into());
        }
        if used != stream.len() {
            return Err(EntryFault::End);
        }
        hasher.finish().map_err(|_| EntryFault::Collision)
    }

    fn note(&mut self, number: u32, kind: Kind, id: ObjectId, content: Option<&[u8]>) -> Made {
        self.swept.proved.push(Proved { entry: number, id, kind });
        if let Some(content) = content {
            self.swept.references.note(kind, id, content, self.job.shallow);
        }
        if let Some(row) = self.job.rows.and_then(|rows| rows.get(index(number)))
            && let Some(entry) = self.job.layout.entry(number)
        {
            let mut crc = Crc::new();
            crc.update(self.job.pack.get(entry.start..entry.end).unwrap_or_default());
            if row.id != id {
                self.fault(number, EntryFault::IndexName);
            } else if row.crc32 != crc.sum() {
                self.fault(number, EntryFault::IndexCrc);
            }
        }
        Made::Nothing
    }

    fn fault(&mut self, number: u32, fault: EntryFault) -> Made {
        self.swept.faults.push((number, fault));
        Made::Nothing
    }
}

/// The result for an entry.
enum Made {
    /// The object does not need to be kept.
    Nothing,
    /// An object that other objects are based on.
    Base(Held),
    /// A limit on bytes or memory is exceeded.
    OverLimit,
}

/// Checks that the last 20 bytes are the SHA-1 of all bytes before them.
fn check_trailer(pack: &[u8]) -> Result<(), PackFault> {
    let (body, trailer) = pack.split_last_chunk::<20>().ok_or(PackFault::CutOff)?;
    let mut hasher = Sha1::new();
    hasher.update(body);
    let expected = hasher.finish().map_err(|Collision| PackFault::Collision)?;
    let found = ObjectId::from_bytes(*trailer);
    if expected == found { Ok(()) } else { Err(PackFault::Checksum { expected, found }) }
}
