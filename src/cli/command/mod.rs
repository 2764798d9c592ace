//! One file per command: each function reads its files, calls the library and prints the result.

pub(super) mod admit;
pub(super) mod attach;
pub(super) mod audit;
pub(super) mod case;
pub(super) mod compare;
pub(super) mod contract;
#[cfg(feature = "fetch")]
pub(super) mod fetch;
pub(super) mod image;
pub(super) mod inspect;
pub(super) mod key_record;
pub(super) mod lists;
pub(super) mod reconcile;
pub(super) mod seal;
pub(super) mod self_test;
#[cfg(feature = "serve")]
pub(super) mod serve;
pub(super) mod source;
pub(super) mod statement;
pub(super) mod trust;
