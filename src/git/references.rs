//! Which objects are named by others, gathered while objects pass.

use std::collections::{HashMap, HashSet};

use super::hash::Kind;
use super::malformed::Malformed;
use super::object::{Link, read_links};
use super::object_id::ObjectId;

/// Every object that some object names, once, with the kinds that it is said to have.
#[derive(Debug, Default)]
pub(super) struct References {
    named: HashMap<ObjectId, Kinds>,
    /// Names that came lately: most entries of a tree are those of the tree before it.
    recent: Vec<(ObjectId, Kinds)>,
    /// How many may be held; beyond them nothing is added, and whoever counts them finds one too many.
    most: Option<usize>,
    /// Objects that `git fsck` would complain about.
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

/// A power of two, small enough for a processor's cache.
const RECENT: usize = 1 << 13;

impl References {
    /// None yet, and never more than `most` and one.
    pub(super) fn within(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// How many objects are named.
    pub(super) fn count(&self) -> usize {
        self.named.len()
    }

    /// Looks at one object. Parents of the commits in `shallow` are left out.
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

    /// The kinds that an object is said to have, when some object names it.
    pub(super) fn kinds(&self, id: &ObjectId) -> Option<Kinds> {
        self.named.get(id).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectId, Kinds)> {
        self.named.iter().map(|(id, kinds)| (id, *kinds))
    }
}
