//! Packs (gitformat-pack(5)): reads and hashes every entry and compares the result with the index.

mod delta;
mod entry;
mod index;
mod layout;
mod sweep;
#[cfg(all(test, unix))]
mod tests;

use crate::base::words::counted;
use std::collections::HashSet;

use self::delta::apply;
use self::index::{Index, Row};
use self::layout::{Base, Entry, Layout, PackFault, index as place, read_pack_header};
use self::sweep::{EntryFault, Swept, sweep};
use super::hash::Kind;
use super::inflate::Inflater;
use super::inflated::Inflated;
use super::object_id::ObjectId;
use super::references::References;
use crate::base::limits::Limits;

/// The data needed to read an object of a pack again.
#[derive(Debug, Default)]
pub(super) struct Pack {
    entries: Vec<Entry>,
    references: Vec<ObjectId>,
}

/// The result of verifying a pack.
#[derive(Debug, Default)]
pub(super) struct Verified {
    pub(super) pack: Pack,
    /// Entry number, id and kind of every object that was read and hashed.
    pub(super) proved: Vec<(u32, ObjectId, Kind)>,
    pub(super) references: References,
    pub(super) faults: Vec<String>,
}

/// The maximum number of faulty entries listed individually; the others are only counted.
const FAULTS_NAMED: usize = 20;

/// Reads and hashes every object of a pack, and checks the pack's checksum and its index. Without an index, this
/// function finds the entries by scanning the pack, which takes longer.
///
/// Malformed objects are listed in the references, not in the faults. This function does not check that referenced
/// objects exist.
pub(super) fn verify(
    pack: &[u8],
    index: Option<&[u8]>,
    shallow: &HashSet<ObjectId>,
    threads: usize,
    limits: &Limits,
    inflated: &Inflated,
) -> Verified {
    let count = match read_pack_header(pack, limits) {
        Ok(count) => count,
        Err(fault) => return Verified { faults: vec![fault.to_string()], ..Verified::default() },
    };
    // An entry has at least nine bytes: a header and the shortest possible stream.
    let entries = u64::from(count).min(pack.len() as u64 / 9);
    if !inflated.spend_objects(entries) || !inflated.has_room_for(index.map_or(0, <[u8]>::len) as u64 * 2) {
        return Verified { faults: vec![PackFault::OverLimit(inflated.bound()).to_string()], ..Verified::default() };
    }
    let mut faults = Vec::new();
    let index = index.map(Index::read).and_then(|index| index.map_err(|fault| faults.push(bad_index(fault))).ok());
    let rows = index.as_ref().map(|index| index.rows.as_slice());
    if let (Some(index), Some((_, trailer))) = (&index, pack.split_last_chunk::<20>())
        && index.pack_checksum.as_bytes() != trailer
    {
        faults.push(bad_index(format!("it belongs to the pack with the checksum {}", index.pack_checksum)));
    }
    let (layout, swept) = match locate(pack, count, rows, shallow, threads, limits, inflated) {
        Ok((layout, swept)) => (layout, swept),
        Err(fault) => {
            faults.push(fault.to_string());
            return Verified { faults, ..Verified::default() };
        }
    };
    if rows.is_some_and(|rows| !starts_agree(&layout, rows)) {
        faults.push(bad_index("its offsets do not match the pack's entries"));
    }
    faults.extend(swept.checksum.as_ref().map(PackFault::to_string));
    name_faults(&layout, &swept.faults, &mut faults);
    Verified {
        pack: Pack { entries: layout.entries, references: layout.references },
        proved: swept.proved.iter().map(|proved| (proved.entry, proved.id, proved.kind)).collect(),
        references: swept.references,
        faults,
    }
}

fn bad_index(fault: impl std::fmt::Display) -> String {
    format!("its index: {fault}")
}

fn starts_agree(layout: &Layout, rows: &[Row]) -> bool {
    layout.entries.iter().map(|entry| entry.start).eq(rows.iter().map(|row| row.start))
}

/// Reads the pack with the offsets in the index. If there is no index or its offsets are wrong, the pack is scanned for
/// the entries.
fn locate(
    pack: &[u8],
    count: u32,
    rows: Option<&[Row]>,
    shallow: &HashSet<ObjectId>,
    threads: usize,
    limits: &Limits,
    inflated: &Inflated,
) -> Result<(Layout, Swept), PackFault> {
    let mut hinted = None;
    if let Some(layout) = rows.and_then(|rows| Layout::from_index(pack, count, rows)) {
        let swept = sweep(pack, &layout, rows, shallow, threads, limits, inflated)?;
        let about_index = |fault: &EntryFault| matches!(fault, EntryFault::IndexName | EntryFault::IndexCrc);
        if swept.faults.iter().all(|(_, fault)| about_index(fault)) {
            return Ok((layout, swept));
        }
        hinted = Some((layout, swept));
    }
    let scanned = Layout::from_scan(pack, count, inflated);
    match (scanned, hinted) {
        // The index's offsets are right or are at least the better guess, so the faults are in the entries.
        (Err(_), Some(hinted)) => Ok(hinted),
        (Ok(layout), Some(hinted)) if layout.entries == hinted.0.entries => Ok(hinted),
        (Ok(layout), _) => {
            let swept = sweep(pack, &layout, None, shallow, threads, limits, inflated)?;
            Ok((layout, swept))
        }
        (Err(fault), None) => Err(fault),
    }
}

fn name_faults(layout: &Layout, found: &[(u32, EntryFault)], faults: &mut Vec<String>) {
    for (number, fault) in found.iter().take(FAULTS_NAMED) {
        let start = layout.entry(*number).map_or(0, |entry| entry.start);
        faults.push(format!("the entry at offset {start}: {fault}"));
    }
    if let Some(more @ 1..) = found.len().checked_sub(FAULTS_NAMED) {
        faults.push(format!("and {} with faults", counted(more, "more entry")));
    }
}

/// The base of an entry.
pub(super) enum Step {
    /// The entry contains the object itself.
    Whole,
    /// The entry is a delta to this entry of the same pack.
    Entry(u32),
    /// The entry is a delta to the object with this id.
    Object(ObjectId),
}

impl Pack {
    /// The base of entry `number`.
    pub(super) fn step(&self, number: u32) -> Option<Step> {
        match self.entries.get(place(number))?.base {
            Base::Nothing(_) => Some(Step::Whole),
            Base::Entry(base) => Some(Step::Entry(base)),
            Base::Object(reference) => self.references.get(place(reference)).copied().map(Step::Object),
        }
    }

    /// Reads entry `number` from the pack's bytes and applies it to `base` if it is a delta. The entry must have been
    /// verified before.
    pub(super) fn read(
        &self,
        bytes: &[u8],
        number: u32,
        base: Option<&[u8]>,
        inflater: &mut Inflater,
        limits: &Limits,
        inflated: &Inflated,
    ) -> Option<Vec<u8>> {
        let entry = self.entries.get(place(number))?;
        let size = usize::try_from(entry.size).ok().filter(|_| entry.size <= limits.git_object_bytes)?;
        if !inflated.has_room_for(entry.size) {
            return None;
        }
        let mut content = Vec::new();
        inflater.inflate(bytes.get(entry.data..entry.end)?, size, &mut content).ok()?;
        let Some(base) = base else { return Some(content) };
        let mut object = Vec::new();
        apply(base, &content, limits.git_object_bytes, &mut object).ok()?;
        Some(object)
    }
}
