//! Cryptography for every protocol: keys, certificates, and who may sign with what.
//!
//! A signature is judged in one place, [`VerifyingKey`], and only by what [`Protocol`] lists for whoever asks.

pub(crate) mod certificate;
pub(crate) mod ibm;
mod protocol;
mod public_key;
mod verify;

pub(crate) use self::protocol::{Hash, Protocol, Scheme, signature_scheme};
pub(crate) use self::public_key::{Kind, VerifyingKey};
pub(crate) use self::verify::Refused;
