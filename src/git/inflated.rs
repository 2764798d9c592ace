//! How much may still be inflated: one budget for a snapshot with all its packs, loose objects and submodules.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{Bound, Limits};

/// Bytes that were inflated, or made from deltas, by all threads. A few bytes can hold a gigabyte, and the archive says how often.
#[derive(Debug)]
pub(super) struct Inflated {
    used: AtomicU64,
    bound: Bound,
}

impl Inflated {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { used: AtomicU64::new(0), bound: limits.git_inflated_bytes() }
    }

    /// Counts bytes before they are made. `false`: over the limit, stop.
    pub(super) fn spend(&self, bytes: u64) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) <= self.bound.allowed
    }

    pub(super) fn is_over(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.bound.allowed
    }

    pub(super) fn left(&self) -> u64 {
        self.bound.allowed.saturating_sub(self.used.load(Ordering::Relaxed))
    }

    pub(super) fn bound(&self) -> Bound {
        self.bound
    }
}
