//! From untrusted bytes to a signed archive: the outer archive, its signature, the keys, and the one maker of a verified archive.

pub(crate) mod bundle;
pub(crate) mod extract;
pub(crate) mod key;
pub(crate) mod signature;
pub(crate) mod verify;
