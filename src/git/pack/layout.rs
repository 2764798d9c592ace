//! The positions of a pack's entries, and the base of each delta.

use std::collections::HashMap;

use super::entry::{Stored, read_header};
use super::index::Row;
use crate::base::limits::{Bound, Limits};
use crate::git::hash::Kind;
use crate::git::inflate::{InflateFault, Inflater};
use crate::git::inflated::Inflated;
use crate::git::object_id::ObjectId;

/// Size of the header before the first entry: `PACK`, version, number of entries.
pub(super) const PACK_HEADER: usize = 12;
/// Size of the trailer after the last entry: SHA-1 of all bytes before it.
pub(super) const PACK_TRAILER: usize = 20;

/// A fault that concerns the whole pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PackFault {
    #[error("it is truncated")]
    CutOff,
    #[error("it is not a version 2 pack")]
    Version,
    #[error("it has more objects than the limit {0}")]
    TooMany(Bound),
    #[error("the entry at offset {0} has a malformed header")]
    Header(usize),
    #[error("the entry at offset {offset} cannot be read: {fault}")]
    Entry { offset: usize, fault: InflateFault },
    #[error("there are {0} bytes between the last entry and the checksum")]
    Rest(usize),
    #[error("its inflated objects are over the limit {0}")]
    OverLimit(Bound),
    #[error("its checksum is wrong: expected {expected}, found {found}")]
    Checksum { expected: ObjectId, found: ObjectId },
    #[error("it was made by a SHA-1 collision attack")]
    Collision,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The position where the entry's header starts.
    pub(super) start: usize,
    /// The position where the entry's zlib stream starts.
    pub(super) data: usize,
    /// The position where the entry ends, which is the start of the next entry or of the trailer.
    pub(super) end: usize,
    /// The inflated size of the stream.
    pub(super) size: u64,
    pub(super) base: Base,
}

/// The base of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// The entry has no base, because the object is stored whole.
    Nothing(Kind),
    /// The base is the earlier entry with this number.
    Entry(u32),
    /// The base is the object whose id is at this index of [`Layout::references`].
    Object(u32),
}

/// All entries in pack order, with the deltas that are based on each entry.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) entries: Vec<Entry>,
    /// The base ids that reference deltas specify.
    pub(super) references: Vec<ObjectId>,
    /// For each base id, the entries that are deltas to the object with this id.
    pub(super) waiting: HashMap<ObjectId, Vec<u32>>,
    /// For each entry, the size of its family: the entry and all objects made from it through offset deltas.
    pub(super) weights: Vec<u32>,
    children: Vec<u32>,
    first_child: Vec<u32>,
}

/// The number of entries that the pack's header states.
pub(super) fn read_pack_header(pack: &[u8], limits: &Limits) -> Result<u32, PackFault> {
    let rest = pack.strip_prefix(b"PACK").ok_or(PackFault::Version)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(PackFault::CutOff)?;
    if u32::from_be_bytes(*version) != 2 {
        return Err(PackFault::Version);
    }
    let (count, rest) = rest.split_first_chunk::<4>().ok_or(PackFault::CutOff)?;
    if rest.len() < PACK_TRAILER {
        return Err(PackFault::CutOff);
    }
    let count = u32::from_be_bytes(*count);
    if u64::from(count) > limits.git_objects {
        return Err(PackFault::TooMany(limits.git_objects()));
    }
    Ok(count)
}

impl Layout {
    /// Uses the entry positions that an index states. Whether an entry really ends where the next one begins is checked
    /// later, when the entry is inflated. Returns `None` if these positions cannot be the starts of `count` entries; in
    /// that case, the pack must be scanned.
    pub(super) fn from_index(pack: &[u8], count: u32, rows: &[Row]) -> Option<Self> {
        let trailer = pack.len().checked_sub(PACK_TRAILER)?;
        if rows.len() != usize::try_from(count).ok()? || rows.first().map_or(trailer, |row| row.start) != PACK_HEADER {
            return None;
        }
        let mut entries = Vec::with_capacity(rows.len());
        let mut references = Vec::new();
        let ends = rows.iter().skip(1).map(|row| row.start).chain([trailer]);
        for (row, end) in rows.iter().zip(ends) {
            let entry = read_entry(pack, row.start, end, &entries, &mut references).ok()?;
            entries.push(entry);
        }
        Some(Self::new(entries, references))
    }

    /// Finds the entry positions by inflating all entries in sequence.
    pub(super) fn from_scan(pack: &[u8], count: u32, inflated: &Inflated) -> Result<Self, PackFault> {
        let trailer = pack.len().checked_sub(PACK_TRAILER).ok_or(PackFault::CutOff)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut references = Vec::new();
        let mut inflater = Inflater::new();
        let mut start = PACK_HEADER;
        for _ in 0..count {
            let mut entry = read_entry(pack, start, trailer, &entries, &mut references)?;
            let stream = pack.get(entry.data..trailer).ok_or(PackFault::CutOff)?;
            if !inflated.spend(entry.size) {
                return Err(PackFault::OverLimit(inflated.bound()));
            }
            let (used, _) = inflater
                .inflate_through(stream, entry.size, |_| {})
                .map_err(|fault| PackFault::Entry { offset: start, fault })?;
            entry.end = entry.data.saturating_add(used);
            start = entry.end;
            entries.push(entry);
        }
        match trailer.checked_sub(start) {
            Some(0) => Ok(Self::new(entries, references)),
            Some(rest) => Err(PackFault::Rest(rest)),
            None => Err(PackFault::CutOff),
        }
    }

    fn new(entries: Vec<Entry>, references: Vec<ObjectId>) -> Self {
        let mut waiting: HashMap<ObjectId, Vec<u32>> = HashMap::new();
        let mut weights = vec![1u32; entries.len()];
        let mut counts = vec![0u32; entries.len() + 1];
        // The base of an offset delta comes before it, so a backward pass visits children before their bases.
        let numbers = 0..u32::try_from(entries.len()).unwrap_or(u32::MAX);
        for (number, entry) in numbers.rev().zip(entries.iter().rev()) {
            match entry.base {
                Base::Nothing(_) => {}
                Base::Entry(base) => {
                    let weight = weights.get(index(number)).copied().unwrap_or(1);
                    add(&mut weights, base, weight);
                    add(&mut counts, base, 1);
                }
                Base::Object(reference) => {
                    if let Some(id) = references.get(index(reference)) {
                        waiting.entry(*id).or_default().push(number);
                    }
                }
            }
        }
        let (children, first_child) = group_children(&entries, &counts, &weights);
        Self { entries, references, waiting, weights, children, first_child }
    }

    /// The offset deltas based on an entry, lightest family first.
    pub(super) fn children(&self, entry: u32) -> &[u32] {
        let at = |place: usize| self.first_child.get(place).map_or(0, |&first| index(first));
        self.children.get(at(index(entry))..at(index(entry) + 1)).unwrap_or_default()
    }

    pub(super) fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(index(number))
    }
}

/// Groups deltas by their base, lightest family first. While the last and heaviest family is processed, its base is no
/// longer needed, so at most log2(entries) bases of offset deltas are held at a time.
fn group_children(entries: &[Entry], counts: &[u32], weights: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut first_child = Vec::with_capacity(counts.len());
    let mut sum = 0u32;
    for count in counts {
        first_child.push(sum);
        sum = sum.saturating_add(*count);
    }
    let mut children = vec![0; index(sum)];
    let mut next = first_child.clone();
    for (number, entry) in (0u32..).zip(entries) {
        if let Base::Entry(base) = entry.base
            && let Some(place) = next.get_mut(index(base))
        {
            if let Some(child) = children.get_mut(index(*place)) {
                *child = number;
            }
            *place += 1;
        }
    }
    for (from, to) in first_child.iter().zip(first_child.iter().skip(1)) {
        if let Some(family) = children.get_mut(index(*from)..index(*to)) {
            family.sort_unstable_by_key(|&child| (weights.get(index(child)).copied(), child));
        }
    }
    (children, first_child)
}

fn read_entry(
    pack: &[u8],
    start: usize,
    end: usize,
    before: &[Entry],
    references: &mut Vec<ObjectId>,
) -> Result<Entry, PackFault> {
    let bad = PackFault::Header(start);
    let header = pack.get(start..end).and_then(read_header).ok_or_else(|| bad.clone())?;
    let base = match header.stored {
        Stored::Whole(kind) => Base::Nothing(kind),
        Stored::OffsetDelta(distance) => {
            let base = usize::try_from(distance).ok().and_then(|distance| start.checked_sub(distance));
            let base = base.and_then(|base| before.binary_search_by_key(&base, |entry| entry.start).ok());
            Base::Entry(base.and_then(|number| u32::try_from(number).ok()).ok_or(bad)?)
        }
        Stored::ReferenceDelta(id) => {
            references.push(id);
            Base::Object(u32::try_from(references.len() - 1).map_err(|_| bad)?)
        }
    };
    Ok(Entry { start, data: start + header.length, end, size: header.size, base })
}

fn add(numbers: &mut [u32], place: u32, amount: u32) {
    if let Some(number) = numbers.get_mut(index(place)) {
        *number = number.saturating_add(amount);
    }
}

/// Entry numbers have 32 bits, like the pack's own entry count.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
