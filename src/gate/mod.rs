//! Parsing and verification of untrusted bytes: the outer archive, its signature, the keys, and the
//! only constructor of a verified archive.

pub(crate) mod bundle;
pub(crate) mod extract;
pub(crate) mod key;
pub(crate) mod signature;
pub(crate) mod verify;
mod windows_names;
