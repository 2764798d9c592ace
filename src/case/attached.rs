//! What is added to a case after it was sealed: the seal's signature, sign-offs, time-stamps. It is not in the case's digest, so that it can
//! be added; each of these names the digest itself. Whoever has the file can take one away again.

use std::collections::BTreeMap;

use super::Case;
use super::name::ATTACHED;
use crate::dsse::Envelope;
use crate::error::Error;
use crate::limits::Limits;
use crate::person_key::{PersonKey, PersonSecret};

const SEAL: &str = "attached/seal.dsse.json";
/// The payload of the seal is `case.json`, byte for byte.
const PAYLOAD_TYPE: &str = "application/vnd.hpsb-audit.case+json";

/// Names that may stand below `attached/`, and their bound.
pub(super) fn check_names(attached: &BTreeMap<String, Vec<u8>>, limits: &Limits) -> Result<(), String> {
    for (name, content) in attached {
        if name != SEAL {
            return Err(format!("{name:?} is nothing that is added to a case; below {ATTACHED} are seal.dsse.json"));
        }
        if content.len() as u64 > limits.attached_bytes {
            return Err(format!("{name:?} is over the limit attached_bytes={}", limits.attached_bytes));
        }
    }
    Ok(())
}

impl Case {
    /// Signs the case.
    ///
    /// # Errors
    /// [`Error::SigningKey`].
    pub(crate) fn sign(&mut self, secret: &PersonSecret) -> Result<(), Error> {
        let mut envelope = Envelope::new(PAYLOAD_TYPE, self.record_bytes.clone());
        envelope.sign(secret).map_err(|message| Error::SigningKey { name: "--sign-key".into(), message })?;
        self.attached.insert(SEAL.into(), envelope.to_json()?);
        Ok(())
    }

    /// Is there a seal? Its payload must be this case's `case.json`; its signature is not looked at.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a seal of another case.
    pub(crate) fn seal(&self) -> Result<Option<Envelope>, Error> {
        let Some(bytes) = self.attached.get(SEAL) else { return Ok(None) };
        let envelope = Envelope::from_json(SEAL, bytes)?;
        if envelope.payload_type != PAYLOAD_TYPE || envelope.payload != self.record_bytes {
            return Err(Error::malformed(SEAL, "it is the seal of another case: its payload is not this case.json"));
        }
        Ok(Some(envelope))
    }

    /// Is the case sealed by this key?
    ///
    /// # Errors
    /// [`Error::Malformed`] where it is not.
    pub(crate) fn must_be_sealed_by(&self, key: &PersonKey) -> Result<(), Error> {
        match self.seal()? {
            Some(envelope) if envelope.is_signed_by(key) => Ok(()),
            Some(_) => {
                Err(Error::malformed(SEAL, format!("no signature of it is by {}, which --seal-key names", key.fingerprint())))
            }
            None => Err(Error::malformed("the case", "it has no seal, and --seal-key names whose it should be")),
        }
    }
}
