//! How much may still be inflated: one bound for a snapshot with all its packs, loose objects and submodules, within the audit's budget.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::budget::{Budget, Work};
use crate::base::limits::{Bound, Limits};

/// Bytes that were inflated, or made from deltas, by all threads. A few bytes can hold a gigabyte, and the archive says how often.
#[derive(Debug)]
pub(super) struct Inflated {
    used: AtomicU64,
    bound: Bound,
    budget: Budget,
}

/// Memory for an object besides its bytes: its entry, its place in tables, and what names it.
const OBJECT_HELD_BYTES: u64 = 160;

impl Inflated {
    pub(super) fn new(limits: &Limits, budget: &Budget) -> Self {
        Self { used: AtomicU64::new(0), bound: limits.git_inflated_bytes(), budget: budget.clone() }
    }

    /// Counts bytes before they are made. `false`: over the limit, or nothing is left of the budget; stop.
    pub(super) fn spend(&self, bytes: u64) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        // They are inflated, and hashed.
        self.spend_work(Work::Bytes(bytes.saturating_mul(2))) && before.saturating_add(bytes) <= self.bound.allowed
    }

    /// Counts objects before they are made, and holds memory for what will be known of them. `false` as above.
    pub(super) fn spend_objects(&self, count: u64) -> bool {
        self.spend_work(Work::Objects(count)) && self.hold(count.saturating_mul(OBJECT_HELD_BYTES))
    }

    pub(super) fn spend_work(&self, work: Work) -> bool {
        self.budget.spend(work, "the objects of git").is_ok()
    }

    /// Holds memory as long as the audit goes on. `false`: there is not so much.
    pub(super) fn hold(&self, bytes: u64) -> bool {
        self.budget.hold(bytes, "the objects of git").is_ok()
    }

    /// Could so much memory be held for a while? Does not count what other threads hold likewise: whoever asks holds one object at a time.
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
