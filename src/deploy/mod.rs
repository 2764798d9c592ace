//! The other questions: may this run, and does what runs match what was built.

pub(crate) mod admission;
pub(crate) mod reconcile;
