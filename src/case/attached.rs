//! Files added to a case after sealing: the seal's signature, sign-offs and time-stamps. The case's digest does not
//! cover these files; instead, each of them covers `case.json`. Anyone with the case file can remove them again.

use std::collections::BTreeMap;

use super::name::ATTACHED;
use super::{Case, Role};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::crypto::dsse::Envelope;
use crate::crypto::person_key::{PersonKey, PersonSecret};

const SEAL: &str = "attached/seal.dsse.json";
/// The seal's payload is `case.json`, byte for byte.
const PAYLOAD_TYPE: &str = "application/vnd.hpsb-audit.case+json";

/// The maximum number of time-stamps in one case.
const STAMPS_MAX: usize = 9;

pub(super) fn sign_off_name(role: Role) -> String {
    format!("{ATTACHED}sign-off.{}.dsse.json", role.word())
}

pub(super) fn stamp_name(number: usize) -> String {
    format!("{ATTACHED}timestamp.{number}.tsr")
}

/// Whether this name may appear below `attached/`.
pub(super) fn is_known(name: &str) -> bool {
    name == SEAL
        || Role::ALL.iter().any(|role| name == sign_off_name(*role))
        || (1..=STAMPS_MAX).any(|number| name == stamp_name(number))
}

/// Checks names and sizes below `attached/`. Time-stamps are numbered from 1 without a gap.
pub(super) fn check_names(attached: &BTreeMap<String, Vec<u8>>, limits: &Limits) -> Result<(), String> {
    for (name, content) in attached {
        if !is_known(name) {
            return Err(format!(
                "{name:?} cannot be added to a case; only a seal, sign-offs and time-stamps can be added"
            ));
        }
        if content.len() as u64 > limits.attached_bytes {
            return Err(format!("{name:?} is over the limit {}", limits.attached_bytes()));
        }
    }
    let there = |number: &usize| attached.contains_key(&stamp_name(*number));
    match (1..STAMPS_MAX).find(|number| !there(number) && there(&(number + 1))) {
        Some(number) => Err(format!("{:?} is missing, but a later time-stamp is present", stamp_name(number))),
        None => Ok(()),
    }
}

impl Case {
    /// Signs the case.
    ///
    /// # Errors
    /// [`Error::SigningKey`].
    pub fn sign(&mut self, secret: &PersonSecret) -> Result<(), Error> {
        let mut envelope = Envelope::new(PAYLOAD_TYPE, self.record_bytes.clone());
        envelope.sign(secret).map_err(|message| Error::SigningKey { name: "--sign-key".into(), message })?;
        self.attached.insert(SEAL.into(), envelope.to_json()?);
        Ok(())
    }

    /// Reads the seal, if there is one. The seal's payload must be this case's `case.json`; the signature is not verified.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a malformed seal or the seal of a different case.
    pub(crate) fn seal(&self) -> Result<Option<Envelope>, Error> {
        let Some(bytes) = self.attached.get(SEAL) else { return Ok(None) };
        let envelope = Envelope::from_json(SEAL, bytes)?;
        if envelope.payload_type != PAYLOAD_TYPE || envelope.payload != self.record_bytes {
            return Err(Error::malformed(SEAL, "the seal is for a different case: its payload is not this case.json"));
        }
        Ok(Some(envelope))
    }

    /// Checks that the case is sealed by this key.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the case is not sealed by this key.
    pub fn must_be_sealed_by(&self, key: &PersonKey) -> Result<(), Error> {
        match self.seal()? {
            Some(envelope) if envelope.is_signed_by(key) => Ok(()),
            Some(_) => Err(Error::malformed(
                SEAL,
                format!("none of its signatures is by {}, the key of --seal-key", key.fingerprint()),
            )),
            None => Err(Error::malformed("the case", "it has no seal, but --seal-key expects one")),
        }
    }
}
