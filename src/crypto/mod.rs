//! Cryptography for signed evidence: keys, certificates, envelopes and time-stamps.
//!
//! Signatures on evidence are verified in one place, the module `verify`, and only with the schemes that [`Protocol`] lists for the caller's
//! protocol. The exception is OpenPGP signatures, which are packets that rPGP verifies (`openpgp`).

pub(crate) mod armoured_key;
pub(crate) mod certificate;
pub(crate) mod dsse;
pub(crate) mod ibm;
pub(crate) mod in_toto;
#[cfg(feature = "openpgp")]
pub(crate) mod openpgp;
pub(crate) mod person_key;
mod protocol;
mod public_key;
pub(crate) mod ssh;
pub(crate) mod timestamp;
mod verify;

pub(crate) use self::protocol::{Hash, Protocol, Scheme, signature_scheme};
pub(crate) use self::public_key::{Kind, VerifyingKey};
pub(crate) use self::verify::Refused;
