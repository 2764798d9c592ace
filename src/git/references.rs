//! Collects the objects that other objects reference.

use std::collections::{HashMap, HashSet};

use super::hash::Kind;
use super::malformed::Malformed;
use super::object::{Link, read_links};
use super::object_id::ObjectId;

/// Every referenced object, with the kinds that references state for it and the number of references.
#[derive(Debug, Default)]
pub(super) struct References {
    named: HashMap<ObjectId, Named>,
    /// A cache of recent references: most entries of a tree are the same as in the previous tree.
    recent: Vec<Recent>,
    /// The maximum number of referenced objects. `add` stores one object beyond this number, but no more, so that the caller can detect that the
    /// limit is exceeded.
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
}

/// How other objects reference an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Named {
    pub(super) kinds: Kinds,
    /// The number of references from proved objects. [`u32::MAX`] means this number or more.
    pub(super) times: u32,
}

impl Named {
    fn add(&mut self, other: Self) {
        self.kinds.0 |= other.kinds.0;
        self.times = self.times.saturating_add(other.times);
    }
}

/// A reference in the cache. The object's map entry exists, but does not yet include `named.times`.
#[derive(Debug, Clone, Copy)]
struct Recent {
    id: ObjectId,
    named: Named,
}

/// The number of cached references: a power of two, small enough for a processor's cache.
const RECENT: usize = 1 << 13;

impl References {
    /// An empty set. The set collects at most one object more than `most`.
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
            let nothing = Recent { id: ObjectId::from_bytes([0; 20]), named: Named::default() };
            self.recent = vec![nothing; RECENT];
        }
        let Some(recent) = self.recent.get_mut(slot) else { return };
        if (recent.id, recent.named.kinds) == (link.id, kinds) {
            recent.named.times = recent.named.times.saturating_add(1);
            return;
        }
        let before = std::mem::replace(recent, Recent { id: link.id, named: Named { kinds, times: 0 } });
        self.settle(before);
        if self.most.is_none_or(|most| self.named.len() <= most) {
            self.named.entry(link.id).or_default().add(Named { kinds, times: 1 });
        }
    }

    /// Adds the references that the cache counted for an object to the map.
    fn settle(&mut self, recent: Recent) {
        if recent.named.times > 0
            && let Some(named) = self.named.get_mut(&recent.id)
        {
            named.add(recent.named);
        }
    }

    /// Adds everything that `other` collected.
    pub(super) fn absorb(&mut self, mut other: Self) {
        for recent in std::mem::take(&mut other.recent) {
            other.settle(recent);
        }
        self.malformed.extend(other.malformed);
        if self.named.is_empty() {
            self.named = other.named;
            return;
        }
        for (id, named) in other.named {
            self.named.entry(id).or_default().add(named);
        }
    }

    /// How other objects reference this object; `None` if no object references it.
    pub(super) fn get(&self, id: &ObjectId) -> Option<Named> {
        self.named.get(id).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectId, Named)> {
        self.named.iter().map(|(id, named)| (id, *named))
    }
}
