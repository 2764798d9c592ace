//! The limit on comparisons. A snapshot and all its submodules share one limit, within the audit's budget.

use crate::base::budget::{Budget, Work};
use crate::base::limits::{Bound, Limits};

/// The remaining budget for comparing patterns with paths, and for reading rules, attributes and converted files.
///
/// The archive determines how many rules, attributes, paths and files there are, and each of them can be compared with many others. Therefore, only a
/// limit on the total number of comparisons bounds the work.
#[derive(Debug)]
pub(super) struct Comparisons {
    left: u64,
    bound: Bound,
    budget: Budget,
}

/// Fetching a rule costs about as much as comparing this many bytes. The cost was measured with more rules than fit
/// into the processor's cache.
pub(super) const RULE_UNITS: u64 = 64;
/// The memory for a rule of `.gitattributes` or `.gitignore`, excluding its text.
const RULE_HELD_BYTES: u64 = 450;

impl Comparisons {
    pub(super) fn new(limits: &Limits, budget: &Budget) -> Self {
        Self { left: limits.git_rule_letters, bound: limits.git_rule_letters(), budget: budget.clone() }
    }

    /// Charges `units` to the budget before the work is done. Returns `None` if the budget is spent; every later call
    /// then also returns `None`.
    pub(super) fn spend(&mut self, units: u64) -> Option<()> {
        let within = self.budget.spend(Work::Bytes(units), "the work tree").is_ok();
        self.left = self.left.checked_sub(units).filter(|left| *left > 0 && within).unwrap_or(0);
        (self.left > 0).then_some(())
    }

    /// Charges the cost of a rule file before its rules are parsed, because one blob can be the rule file of any number
    /// of folders. Returns `None` if the budget or the memory is spent.
    pub(super) fn spend_rules(&mut self, content: &[u8]) -> Option<()> {
        let lines = content.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        let bytes = content.len() as u64;
        let held = lines.saturating_mul(RULE_HELD_BYTES).saturating_add(bytes.saturating_mul(2));
        if self.budget.hold(held, "the attribute and ignore rules of the work tree").is_err() {
            self.left = 0;
        }
        self.spend(bytes.saturating_mul(4).saturating_add(lines.saturating_mul(RULE_UNITS)))
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// The message that reports a spent budget.
    pub(super) fn over(&self) -> String {
        format!("over the limit {}", self.bound)
    }
}
