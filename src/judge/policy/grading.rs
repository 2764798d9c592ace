//! The grade of a key, according to the policy's key records and signers.

use super::{Policy, Signer, SignerKey};
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::memo::Memo;
use crate::crypto::person_key::PersonKey;
use crate::given::key_record::{Grading, KeyRecord};

/// A key record that the policy refers to.
#[derive(Debug, Clone)]
pub struct KeyRecordFile {
    /// The record's path in the policy.
    pub path: String,
    /// The record, or the reason why it cannot be read.
    pub(super) record: Result<KeyRecord, String>,
    /// The stored grade of the key for which the record is listed. The grade was computed for the signers and limits
    /// stored with it.
    graded: Memo<(Sha256, Vec<Signer>, Limits), Grading>,
}

impl KeyRecordFile {
    pub(super) fn new(path: String, record: Result<KeyRecord, String>) -> Self {
        Self { path, record, graded: Memo::default() }
    }
}

impl Policy {
    /// The grade of the key with this fingerprint.
    pub fn grading(&self, fingerprint: Sha256, limits: &Limits) -> Grading {
        let Some(file) = self.key_records.get(&fingerprint) else { return Grading::NoRecord };
        file.graded.answer(
            |(key, signers, bounds)| *key == fingerprint && *signers == self.signers && bounds == limits,
            || (fingerprint, self.signers.clone(), limits.clone()),
            || self.grading_by(file, fingerprint, limits),
        )
    }

    fn grading_by(&self, file: &KeyRecordFile, fingerprint: Sha256, limits: &Limits) -> Grading {
        let (signers, unusable) = self.key_record_signers();
        let graded = file.record.clone().and_then(|record| record.grade(fingerprint, &signers, limits));
        match graded {
            Ok(graded) => Grading::Counts(Box::new(graded)),
            Err(reason) if unusable.is_empty() => Grading::DoesNotCount { path: file.path.clone(), reason },
            Err(reason) => {
                let reason = format!("{reason}; not usable for key records: {}", unusable.join("; "));
                Grading::DoesNotCount { path: file.path.clone(), reason }
            }
        }
    }

    /// The signers whose keys can sign statements: P-256 and Ed25519.
    pub fn person_signers(&self) -> Vec<(String, PersonKey)> {
        self.key_record_signers().0
    }

    /// The signers whose keys can sign key records, and the reasons why the other signers' keys cannot.
    fn key_record_signers(&self) -> (Vec<(String, PersonKey)>, Vec<String>) {
        let (mut usable, mut unusable) = (Vec::new(), Vec::new());
        for signer in &self.signers {
            let key = match &signer.key {
                SignerKey::Ssh(line) => PersonKey::from_ssh(line),
                SignerKey::Pem(text) => PersonKey::from_pem(text),
                SignerKey::OpenPgp(_) => {
                    Err("OpenPGP signatures on key records are not supported; use ssh or pem".into())
                }
            };
            match key {
                Ok(key) => usable.push((signer.name.clone(), key)),
                Err(reason) => unusable.push(format!("signer {:?}: {reason}", signer.name)),
            }
        }
        (usable, unusable)
    }
}
