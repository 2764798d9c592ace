//! Collects the objects that other objects reference.

use std::collections::{HashMap, HashSet};

use super::hash::Kind;
use super::malformed::Malformed;
use super::object::{Link, read_links};
use super::object_id::ObjectId;

/// Every referenced object, once, with the kinds that references state for it.
#[derive(Debug, Default)]
pub(super) struct References {
    named: HashMap<ObjectId, Kinds>,
    /// A cache of recent references: most entries of a tree are the same as in the previous tree.
    recent: Vec<(ObjectId, Kinds)>,
    /// The maximum number of objects. One more is added, but no further ones, so that the caller sees that the limit is
    /// exceeded.
    most: Option<usize>,
    /// Objects that `git fsck` would report.
    pub(super) malformed: Vec<(ObjectId, Malformed)>,
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) fn of(kind: Kind) -> Self {
        Self(match kind {
            Kind::Commit => 1,
            Kind::Tree => 2,
            Kind::Blob => 4,
            Kind::Tag => 8,
        })
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// A power of two that fits into a processor's cache.
const RECENT: usize = 1 << 13;

impl References {
    /// An empty set. It collects at most one object more than `most`.
    pub(super) fn within(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// The number of referenced objects.
    pub(super) fn count(&self) -> usize {
        self.named.len()
    }

    /// Records the objects that one object references. Parents of the commits in `shallow` are omitted.
    pub(super) fn note(&mut self, kind: Kind, id: ObjectId, content: &[u8], shallow: &HashSet<ObjectId>) {
        if kind == Kind::Blob {
            return;
        }
        let without_parents = kind == Kind::Commit && shallow.contains(&id);
        let checked = read_links(kind, content, |link| {
            if !(without_parents && link.is_parent) {
                self.add(link);
            }
        });
        self.malformed.extend(checked.err().map(|fault| (id, fault)));
    }

    fn add(&mut self, link: Link) {
        let kinds = Kinds::of(link.kind);
        let [.., high, low] = link.id.as_bytes();
        let slot = (usize::from(*high) << 8 | usize::from(*low)) & (RECENT - 1);
        if self.recent.is_empty() {
            self.recent = vec![(ObjectId::from_bytes([0; 20]), Kinds::default()); RECENT];
        }
        if let Some(recent) = self.recent.get_mut(slot) {
            if *recent == (link.id, kinds) {
                return;
            }
            *recent = (link.id, kinds);
        }
        if self.most.is_none_or(|most| self.named.len() <= most) {
            self.named.entry(link.id).or_default().add(kinds);
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.malformed.extend(other.malformed);
        if self.named.is_empty() {
            self.named = other.named;
            return;
        }
        for (id, kinds) in other.named {
            self.named.entry(id).or_default().add(kinds);
        }
    }

    /// The kinds that references state for this object; `None` if no object references it.
    pub(super) fn kinds(&self, id: &ObjectId) -> Option<Kinds> {
        self.named.get(id).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectId, Kinds)> {
        self.named.iter().map(|(id, kinds)| (id, *kinds))
    }
}
