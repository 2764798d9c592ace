//! Admission (may this run?) and reconciliation (does what runs match what was built?).

pub(crate) mod admission;
pub(crate) mod reconcile;
