//! Sign-offs: two people sign a case. Each sign-off is an in-toto statement about the case, the report and the policy,
//! in a DSSE envelope.

use serde_json::{Value, json};

use super::attached::sign_off_name;
use super::{Case, REPORT, record};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::strict_json;
use crate::base::time::Timestamp;
use crate::crypto::dsse::{Envelope, IN_TOTO};
use crate::crypto::person_key::{PersonKey, PersonSecret};

const PREDICATE_TYPE: &str = "urn:hpsb-audit:sign-off:v1";

/// What a person did with a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Performed the audit and created the case.
    Prepared,
    /// Reviewed the case afterwards.
    Reviewed,
}

/// A sign-off with a valid signature. The identity of the key's owner has not been checked.
#[derive(Debug, Clone)]
pub struct SignOff {
    /// What the signer did.
    pub role: Role,
    /// The signer's key.
    pub key: PersonKey,
    /// The time of signing, as stated by the signer.
    pub at: Timestamp,
}

impl Role {
    /// Both roles.
    pub const ALL: [Self; 2] = [Self::Prepared, Self::Reviewed];

    /// The name used in statements and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Reviewed => "reviewed",
        }
    }
}

impl Case {
    /// Adds a sign-off.
    ///
    /// # Errors
    /// [`Error::Usage`] if the role is already filled or this key has already signed; [`Error::Malformed`] if an
    /// existing sign-off is invalid; [`Error::SigningKey`].
    pub fn sign_off(&mut self, role: Role, secret: &PersonSecret, at: Timestamp) -> Result<SignOff, Error> {
        let refuse = |message: String| Error::SigningKey { name: "--sign-key".into(), message };
        let key = secret.public().map_err(refuse)?;
        let usage = |message: String| Error::Usage {
            message,
            hint: "two people sign off a case: a preparer and a reviewer, each with their own key".into(),
        };
        for there in self.sign_offs()? {
            if there.role == role {
                return Err(usage(format!(
                    "the case is already signed off as {}, by {}",
                    role.word(),
                    there.key.fingerprint()
                )));
            }
            if there.key.fingerprint() == key.fingerprint() {
                return Err(usage(format!("this key has already signed off the case as {}", there.role.word())));
            }
        }
        let pem = key.to_pem().map_err(refuse)?;
        let mut envelope = Envelope::new(IN_TOTO, self.statement(role.word(), &at.to_string(), &pem)?);
        envelope.sign(secret).map_err(refuse)?;
        self.attached.insert(sign_off_name(role), envelope.to_json()?);
        Ok(SignOff { role, key, at })
    }

    /// The sign-offs, by role. Each sign-off has a valid signature by the key that it lists.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a sign-off is for a different case or its signature is invalid, or if both are by one
    /// key.
    pub fn sign_offs(&self) -> Result<Vec<SignOff>, Error> {
        let there = Role::ALL.into_iter().filter_map(|role| Some((role, self.attached.get(&sign_off_name(role))?)));
        let read = there.map(|(role, bytes)| {
            let what = sign_off_name(role);
            self.read_sign_off(role, &what, bytes).map_err(|message| Error::malformed(what, message))
        });
        let read: Vec<SignOff> = read.collect::<Result<_, _>>()?;
        match read.as_slice() {
            [one, other] if one.key.fingerprint() == other.key.fingerprint() => Err(Error::malformed(
                "the case",
                format!("both sign-offs are by the key {}: expected two people", one.key.fingerprint()),
            )),
            _ => Ok(read),
        }
    }

    fn read_sign_off(&self, role: Role, what: &str, bytes: &[u8]) -> Result<SignOff, String> {
        let text = |error: Error| error.to_string();
        let envelope = Envelope::from_json(what, bytes).map_err(text)?;
        let statement = strict_json::parse(&envelope.payload).map_err(|error| error.to_string())?;
        let word = |name: &str| {
            let found = statement.pointer(&format!("/predicate/{name}")).and_then(Value::as_str);
            found.ok_or_else(|| format!("its predicate has no {name}"))
        };
        let (at, pem) = (word("at")?, word("key")?);
        let moment = Timestamp::from_rfc3339(at).filter(|moment| moment.to_string() == at);
        let moment = moment.ok_or_else(|| format!("at: expected a time in UTC, found {at:?}"))?;
        // Comparing the statement with one rebuilt from its fields shows that it is for this case and contains
        // nothing else.
        if envelope.payload_type != IN_TOTO || envelope.payload != self.statement(role.word(), at, pem).map_err(text)? {
            return Err(format!("it is not a statement that someone {} this case", role.word()));
        }
        let key = PersonKey::from_pem(pem.as_bytes())?;
        match envelope.is_signed_by(&key) && envelope.signature_count() == 1 {
            true => Ok(SignOff { role, key, at: moment }),
            false => Err(format!("its signature is not by the key that it states, {}", key.fingerprint())),
        }
    }

    /// The statement, in its only valid encoding.
    fn statement(&self, role: &str, at: &str, pem: &str) -> Result<Vec<u8>, Error> {
        let subject = |name: &str, digest: Sha256| json!({ "name": name, "digest": { "sha256": digest.hex() } });
        let mut subjects =
            vec![subject(record::NAME, self.digest()), subject(REPORT, Sha256::of(self.member(REPORT)?))];
        if let Some(policy) = &self.record.question.policy {
            subjects.push(subject(policy, Sha256::of(self.member(policy)?)));
        }
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": subjects,
            "predicateType": PREDICATE_TYPE,
            "predicate": { "role": role, "at": at, "key": pem },
        });
        serde_json::to_vec(&statement).map_err(|error| Error::malformed("the sign-off", error.to_string()))
    }
}
