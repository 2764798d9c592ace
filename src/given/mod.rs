//! Statements by people and servers about a bundle: key records, approvals, the build server's responses, and
//! attestation records of machines.

pub(crate) mod approvals;
pub(crate) mod attestation;
pub(crate) mod key_record;
pub(crate) mod server_record;
