//! Facts, the policy, the checks and their answers.

pub(crate) mod builds;
pub mod check;
pub(crate) mod deployment;
pub(crate) mod evidence;
pub(crate) mod finding;
pub mod policy;
pub(crate) mod signer;
