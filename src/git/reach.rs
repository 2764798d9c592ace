//! Finds the objects reachable from the refs, and those that are missing.

use std::collections::HashSet;

use super::hash::Kind;
use super::object::read_links;
use super::object_id::ObjectId;
use super::objects::Objects;
use super::reader::{ReadFault, Reader};
use super::references::Kinds;

/// Reachability from HEAD and the refs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) reachable: u64,
    pub(super) unreachable: u64,
    /// Messages about reachable objects that are missing or of the wrong kind.
    pub(super) holes: Vec<String>,
    /// The number of further holes, which are not listed.
    pub(super) more_holes: u64,
}

/// The maximum number of holes listed individually; the others are only counted.
const HOLES_NAMED: usize = 20;

/// Memory for an object on the stack.
const STEP_HELD_BYTES: u64 = 24;

/// Computes what is reachable from `tips`. Missing parents of shallow commits are not holes.
///
/// Objects reference each other by hash, so there are no cycles. If every referenced object exists and every
/// unreferenced object is a tip, then all are reachable. The graph is walked only if that is not the case.
pub(super) fn measure(reader: &mut Reader<'_>, tips: &[ObjectId]) -> Reach {
    let objects = reader.objects();
    if tips.iter().all(|tip| objects.find(tip).is_some()) && is_whole(objects, tips) {
        return Reach { reachable: objects.table.len() as u64, ..Reach::default() };
    }
    walk(reader, tips)
}

fn is_whole(objects: &Objects, tips: &[ObjectId]) -> bool {
    let kept = |(id, kinds): (&ObjectId, Kinds)| objects.find(id).is_some_and(|record| Kinds::of(record.kind) == kinds);
    let tips: HashSet<&ObjectId> = tips.iter().collect();
    let led_to = |id: &ObjectId| objects.references.kinds(id).is_some() || tips.contains(id);
    objects.references.iter().all(kept) && objects.table.iter().all(|record| led_to(&record.id))
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
