//! Admission decides whether something may run, and reconciliation compares what runs with what was built.

pub(crate) mod admission;
pub(crate) mod reconcile;
