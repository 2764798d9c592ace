//! The limit on inflated bytes. A snapshot with all its packs, loose objects and submodules has one limit, within the
//! audit's budget.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::budget::{Budget, Work};
use crate::base::limits::{Bound, Limits};

/// Bytes that all threads have inflated or made from deltas. A few bytes can expand to a gigabyte, and the archive
/// determines how often this happens.
#[derive(Debug)]
pub(super) struct Inflated {
    used: AtomicU64,
    bound: Bound,
    budget: Budget,
}

/// The memory for an object in addition to its content: its entry, its table slots, and its references.
const OBJECT_HELD_BYTES: u64 = 160;

impl Inflated {
    pub(super) fn new(limits: &Limits, budget: &Budget) -> Self {
        Self { used: AtomicU64::new(0), bound: limits.git_inflated_bytes(), budget: budget.clone() }
    }

    /// Counts bytes before they are produced. `false` if the limit or the budget is exceeded; the caller must then
    /// stop.
    pub(super) fn spend(&self, bytes: u64) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        // Each byte counts twice, because it is inflated and then hashed.
        self.spend_work(Work::Bytes(bytes.saturating_mul(2))) && before.saturating_add(bytes) <= self.bound.allowed
    }

    /// Counts objects before they are produced, and reserves memory for their metadata. Returns `false` in the same
    /// cases as [`Self::spend`].
    pub(super) fn spend_objects(&self, count: u64) -> bool {
        self.spend_work(Work::Objects(count)) && self.hold(count.saturating_mul(OBJECT_HELD_BYTES))
    }

    pub(super) fn spend_work(&self, work: Work) -> bool {
        self.budget.spend(work, "git objects").is_ok()
    }

    /// Reserves memory until the audit ends. Returns `false` if there is not enough memory.
    pub(super) fn hold(&self, bytes: u64) -> bool {
        self.budget.hold(bytes, "git objects").is_ok()
    }

    /// Whether there is enough memory for this much temporary data. The temporary memory of other threads is not
    /// counted, because each caller holds one object at a time.
    pub(super) fn has_room_for(&self, bytes: u64) -> bool {
        let has = bytes <= self.budget.memory_left();
        if !has {
            self.budget.refuse_memory();
        }
        has
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn is_over(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.bound.allowed || self.budget.check("").is_err()
    }

    pub(super) fn bound(&self) -> Bound {
        self.bound
    }
}
