//! Finds the objects reachable from the refs, and the reachable objects that are missing.

use std::collections::{HashMap, HashSet};

use super::hash::Kind;
use super::object::read_links;
use super::object_id::ObjectId;
use super::objects::{Objects, Record};
use super::reader::{ReadFault, Reader};
use super::references::{Kinds, Named};

/// Reachability from HEAD and the refs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) reachable: u64,
    pub(super) unreachable: u64,
    /// Messages about reachable objects that are missing or of the wrong kind.
    pub(super) holes: Vec<String>,
    /// The number of further missing or mismatched objects, which are not listed.
    pub(super) more_holes: u64,
}

/// The maximum number of missing or mismatched objects listed individually; the others are only counted.
const HOLES_NAMED: usize = 20;

/// The memory for an object on the stack.
const STEP_HELD_BYTES: u64 = 40;

/// The memory for the count of references from unreachable objects to one object.
const TAKEN_HELD_BYTES: u64 = 64;

/// Determines which objects are reachable from `tips`. Parents that a shallow clone omits do not count as missing.
///
/// Objects reference each other by hash, so there are no cycles. An object that is not a tip and that no other object
/// references is therefore unreachable, and so is an object that only unreachable objects reference. Only these
/// unreachable objects are read again. The graph is walked from the tips if any other object is missing, unreadable or
/// of the wrong kind.
pub(super) fn measure(reader: &mut Reader<'_>, tips: &[ObjectId]) -> Reach {
    match count_unreachable(reader, &tips.iter().copied().collect()) {
        Some(unreachable) => {
            let all = reader.objects().table.len() as u64;
            Reach { reachable: all.saturating_sub(unreachable), unreachable, ..Reach::default() }
        }
        None => walk(reader, tips),
    }
}

/// The number of unreachable objects. Returns `None` if a reachable object is missing or is referenced as a different
/// kind, if an object cannot be read, or if there is not enough memory.
fn count_unreachable(reader: &mut Reader<'_>, tips: &HashSet<ObjectId>) -> Option<u64> {
    let objects = reader.objects();
    if !tips.iter().all(|tip| objects.find(tip).is_some()) {
        return None;
    }
    let unnamed = |record: &&Record| objects.references.get(&record.id).is_none() && !tips.contains(&record.id);
    let mut stack: Vec<Record> = objects.table.iter().filter(unnamed).copied().collect();
    let mut taken: HashMap<ObjectId, u32> = HashMap::new();
    let mut unreachable = 0;
    while let Some(record) = stack.pop() {
        unreachable += 1;
        if record.kind == Kind::Blob {
            continue;
        }
        // Each copy was read, and the references in each copy were counted.
        let copies = objects.copies.get(&record.id).copied().unwrap_or(1);
        let without_parents = objects.shallow.contains(&record.id);
        let content = reader.read(&record.id, record.kind).ok()?;
        // A malformed object was reported when it was hashed.
        let _ = read_links(record.kind, &content, |link| {
            if without_parents && link.is_parent {
                return;
            }
            let taken = taken.entry(link.id).or_default();
            *taken = taken.saturating_add(copies);
            if is_all(*taken, objects, &link.id) && !tips.contains(&link.id) {
                stack.extend(objects.find(&link.id));
            }
        });
        let held = stack.len() as u64 * STEP_HELD_BYTES + taken.len() as u64 * TAKEN_HELD_BYTES;
        if !reader.inflated().has_room_for(held) {
            return None;
        }
    }
    let is_sound = |(id, named): (&ObjectId, Named)| {
        taken.get(id).is_some_and(|taken| is_all(*taken, objects, id))
            || objects.find(id).is_some_and(|record| Kinds::of(record.kind) == named.kinds)
    };
    objects.references.iter().all(is_sound).then_some(unreachable)
}

/// Whether `times` is exactly the number of references to the object.
fn is_all(times: u32, objects: &Objects, id: &ObjectId) -> bool {
    times < u32::MAX && objects.references.get(id).is_some_and(|named| named.times == times)
}

fn walk(reader: &mut Reader<'_>, tips: &[ObjectId]) -> Reach {
    let objects = reader.objects();
    let mut reach = Reach::default();
    let mut seen = vec![false; objects.table.len()];
    // A ref may point to an object of any kind.
    let mut stack: Vec<(ObjectId, Kind)> = Vec::new();
    for tip in tips {
        match objects.find(tip) {
            Some(record) => stack.push((*tip, record.kind)),
            None => reach.add_hole(&format!("{tip}, which a ref points to, is missing")),
        }
    }
    let mut missing = HashSet::new();
    while let Some((id, kind)) = stack.pop() {
        let Some(number) = objects.number(&id) else {
            if missing.insert(id) {
                reach.add_hole(&ReadFault::Missing { id, kind }.to_string());
            }
            continue;
        };
        if seen.get(number).copied().unwrap_or(true) {
            if objects.find(&id).is_some_and(|record| record.kind != kind) && missing.insert(id) {
                reach.add_hole(&format!("{id} is referenced as a {kind}, but is not one"));
            }
            continue;
        }
        if let Some(seen) = seen.get_mut(number) {
            *seen = true;
        }
        if kind == Kind::Blob && objects.find(&id).is_some_and(|record| record.kind == Kind::Blob) {
            continue;
        }
        match reader.read(&id, kind) {
            Ok(content) => {
                let without_parents = objects.shallow.contains(&id);
                // A malformed object was reported when it was hashed.
                let _ = read_links(kind, &content, |link| {
                    if !(without_parents && link.is_parent) {
                        stack.push((link.id, link.kind));
                    }
                });
                if !reader.inflated().has_room_for(stack.len() as u64 * STEP_HELD_BYTES) {
                    break;
                }
            }
            Err(fault) => {
                reach.add_hole(&fault.to_string());
                if matches!(fault, ReadFault::OverLimit(_)) {
                    break;
                }
            }
        }
    }
    reach.reachable = seen.iter().filter(|seen| **seen).count() as u64;
    reach.unreachable = objects.table.len() as u64 - reach.reachable;
    reach
}

impl Reach {
    fn add_hole(&mut self, hole: &str) {
        if self.holes.len() < HOLES_NAMED {
            self.holes.push(hole.to_owned());
        } else {
            self.more_holes += 1;
        }
    }
}
