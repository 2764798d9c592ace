//! How much may still be compared: one budget for a snapshot with all its submodules.

use crate::limits::{Bound, Limits};

/// Letters of patterns and paths, rules, attributes and bytes of converted files that may still be looked at.
///
/// Rules, attributes, paths and files are all the archive's own, and each is looked at for each of the others: only their
/// product is a bound.
#[derive(Debug)]
pub(super) struct Comparisons {
    left: u64,
    bound: Bound,
}

/// Coming to a rule costs about as much as comparing so many letters; measured, with rules that no cache holds.
pub(super) const RULE_UNITS: u64 = 64;

impl Comparisons {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { left: limits.git_rule_letters, bound: limits.git_rule_letters() }
    }

    /// Takes `units` before the work is done. `None`: nothing is left, now and from now on.
    pub(super) fn spend(&mut self, units: u64) -> Option<()> {
        self.left = self.left.checked_sub(units).filter(|left| *left > 0).unwrap_or(0);
        (self.left > 0).then_some(())
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// What to say of it.
    pub(super) fn over(&self) -> String {
        format!("over the limit {}", self.bound)
    }
}
