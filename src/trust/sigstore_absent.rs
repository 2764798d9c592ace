//! Replaces `sigstore` in a build without the feature `sigstore`: keyless signatures and log entries are neither checked nor accepted.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use super::public_key::ImageKey;
use super::{AcceptedSigner, Answer, TrustPolicy};
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::time::Timestamp;

const NOT_BUILT_IN: &str = "this build has no sigstore support (feature `sigstore`)";

/// A trusted root of which only the JSON syntax is checked.
#[derive(Debug, Clone)]
pub(crate) struct SigstoreRoot;

impl SigstoreRoot {
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, String> {
        strict_json::parse(bytes).map(|_| Self).map_err(|error| error.to_string())
    }
}

#[derive(Debug)]
pub(super) struct Signed {
    pub(super) signer: AcceptedSigner,
    pub(super) details: Vec<String>,
}

pub(super) struct Identities<'a>(PhantomData<&'a ()>);

impl<'a> Identities<'a> {
    pub(super) fn of(_: &'a TrustPolicy, _: Timestamp, _: &'a Limits) -> Self {
        Self(PhantomData)
    }

    pub(super) fn find_signer(&self, _: &[u8], _: &Sha256) -> Result<Signed, Answer> {
        Err(Answer::NotBuiltIn(NOT_BUILT_IN.into()))
    }
}

pub(super) fn verify_log(
    _: &SigstoreRoot,
    _: &ImageKey,
    _: &[u8],
    _: &Sha256,
    _: Timestamp,
    _: &Limits,
) -> Result<Vec<String>, Answer> {
    Err(Answer::NotBuiltIn(NOT_BUILT_IN.into()))
}

pub(super) fn bundle_of_layer(_: &Map<String, Value>, _: &Sha256, _: &[u8]) -> Result<Vec<u8>, Answer> {
    Err(Answer::NotBuiltIn(NOT_BUILT_IN.into()))
}
