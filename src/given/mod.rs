//! Statements of people and servers about a bundle: key records, approvals, the build server's answers, attestations of
//! the machine.

pub(crate) mod approvals;
pub(crate) mod attestation;
pub(crate) mod key_record;
pub(crate) mod server_record;
