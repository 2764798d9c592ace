//! How much may still be compared: one bound for a snapshot with all its submodules, within the audit's budget.

use crate::base::budget::{Budget, Work};
use crate::base::limits::{Bound, Limits};

/// Letters of patterns and paths, rules, attributes and bytes of converted files that may still be looked at.
///
/// Rules, attributes, paths and files are all the archive's own, and each is looked at for each of the others: only their
/// product is a bound.
#[derive(Debug)]
pub(super) struct Comparisons {
    left: u64,
    bound: Bound,
    budget: Budget,
}

/// Coming to a rule costs about as much as comparing so many letters; measured, with rules that no cache holds.
pub(super) const RULE_UNITS: u64 = 64;
/// Memory for a rule of `.gitattributes` or `.gitignore` besides its letters.
const RULE_HELD_BYTES: u64 = 450;

impl Comparisons {
    pub(super) fn new(limits: &Limits, budget: &Budget) -> Self {
        Self { left: limits.git_rule_letters, bound: limits.git_rule_letters(), budget: budget.clone() }
    }

    /// Takes `units` before the work is done. `None`: nothing is left, now and from now on.
    pub(super) fn spend(&mut self, units: u64) -> Option<()> {
        let within = self.budget.spend(Work::Bytes(units), "the work tree").is_ok();
        self.left = self.left.checked_sub(units).filter(|left| *left > 0 && within).unwrap_or(0);
        (self.left > 0).then_some(())
    }

    /// Takes what a file of rules costs, before it is read: one blob may stand in any number of folders. `None` as above.
    pub(super) fn spend_rules(&mut self, content: &[u8]) -> Option<()> {
        let lines = content.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        let bytes = content.len() as u64;
        let held = lines.saturating_mul(RULE_HELD_BYTES).saturating_add(bytes.saturating_mul(2));
        if self.budget.hold(held, "the rules of the work tree").is_err() {
            self.left = 0;
        }
        self.spend(bytes.saturating_mul(4).saturating_add(lines.saturating_mul(RULE_UNITS)))
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// What to say of it.
    pub(super) fn over(&self) -> String {
        format!("over the limit {}", self.bound)
    }
}
