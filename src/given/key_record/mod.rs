//! Key records: signed statements by people about who obtained a manifest key, when and over which channel.
//!
//! No public interface ties a manifest key to an enclave. Trust in the key depends on a procedure that people follow,
//! and a key record documents that procedure: an in-toto statement (in-toto/attestation, spec/v1) about the key, in a
//! DSSE envelope, with this project's own predicate. docs/keys.md describes the fields.

use crate::base::words::counted_as;
use serde::{Deserialize, Serialize};

use crate::base::build_name::BuildName;
use crate::base::digest::{Sha256, decode_hex, encode_hex};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::crypto::dsse::{Envelope, IN_TOTO};
use crate::crypto::person_key::{PersonKey, PersonSecret};
use crate::gate::key::PublicKey;
use crate::gate::signature::Signature;
use crate::gate::verify::Grade;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The predicate type is an identifier, not an address: nothing is ever fetched from it.
pub const PREDICATE_TYPE: &str = "https://hpsb-audit.example/key-record/v1";
const SUBJECT_NAME: &str = "SubjectPublicKeyInfo of the manifest key";
const WHAT: &str = "the key record";

/// The channel over which a key was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// `GET /publickey` of the build server.
    ServerApi,
    /// An object store.
    ObjectStore,
    /// A person delivered the key.
    Courier,
    /// A different channel.
    Other,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::ServerApi, Self::ObjectStore, Self::Courier, Self::Other];

    /// The channel's name in key records.
    pub fn word(self) -> &'static str {
        match self {
            Self::ServerApi => "server-api",
            Self::ObjectStore => "object-store",
            Self::Courier => "courier",
            Self::Other => "other",
        }
    }
}

/// One retrieval of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Retrieval {
    /// The person who obtained the key.
    pub by: String,
    /// The time, in RFC 3339 format.
    pub at: String,
    /// The channel.
    pub channel: Channel,
    /// SHA-256 of the file that was obtained.
    pub file_sha256: String,
    /// SHA-256 of the SubjectPublicKeyInfo of the key in that file.
    pub key_sha256: String,
}

/// A bundle that the key verifies, according to the signers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VerifiedBundle {
    /// The build's name, as it appears in the names of the bundle's members.
    pub build_name: String,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// SHA-256 of the signed archive in the bundle.
    pub archive_sha256: String,
}

/// A challenge: the bundle of a build that was requested to see whether the server holds the key. The build's commit
/// should be unpredictable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Challenge {
    /// The bundle.
    pub bundle: VerifiedBundle,
    /// The bundle's signature in hexadecimal digits, so that it can be verified again from the record alone.
    pub signature: String,
    /// The commit that was built.
    pub commit: String,
}

/// The content of a key record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyStatement {
    /// The key as obtained.
    pub key_pem: String,
    /// How the key was obtained, with at least one retrieval.
    pub retrievals: Vec<Retrieval>,
    /// The bundles that the key verifies, according to the signers.
    pub bundles: Vec<VerifiedBundle>,
    /// A challenge to which the key's holder responded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: KeyStatement,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: String,
}

/// A key record: a statement and the signatures over it. A record has no effect until [`KeyRecord::grade`] finds known
/// signers.
#[derive(Debug, Clone)]
pub struct KeyRecord(Envelope);

/// The effect of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded {
    /// The grade that the record gives the key.
    pub grade: Grade,
    /// The signers, in the policy's order.
    pub signers: Vec<String>,
    /// The statement that they signed.
    pub statement: KeyStatement,
}

/// The result of evaluating the record for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grading {
    /// The policy does not list a record.
    NoRecord,
    /// The policy lists a record that does not count.
    DoesNotCount {
        /// The path in the policy.
        path: String,
        /// Why the record does not count and which signers could not be used.
        reason: String,
    },
    /// The policy lists a record that counts.
    Counts(Box<Graded>),
}

impl KeyRecord {
    /// Creates a record and signs it.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a statement that would not count, for example one without a retrieval, with a retrieval
    /// of a different key, or with a challenge whose signature is not by the key.
    pub fn new(statement: KeyStatement, key: &PersonSecret, limits: &Limits) -> Result<Self, Error> {
        let public = statement.consistent(limits).map_err(|message| Error::malformed(WHAT, message))?;
        let digest = SubjectDigest { sha256: public.fingerprint().hex() };
        let statement = Statement {
            kind: STATEMENT_TYPE.into(),
            subject: vec![Subject { name: SUBJECT_NAME.into(), digest }],
            predicate_type: PREDICATE_TYPE.into(),
            predicate: statement,
        };
        let payload = serde_json::to_vec(&statement).map_err(|error| Error::malformed(WHAT, error.to_string()))?;
        let mut record = Self(Envelope::new(IN_TOTO, payload));
        record.sign(key)?;
        Ok(record)
    }

    /// Reads a record's envelope. [`Self::grade`] reads the content only after it has verified a signature.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::OverLimit`] beyond `key_file_bytes`.
    pub fn from_json(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        limits.key_file_bytes().check(bytes.len() as u64, WHAT)?;
        Envelope::from_json(WHAT, bytes).map(Self)
    }

    /// The record as JSON.
    ///
    /// # Errors
    /// [`Error::OverLimit`] if the record is larger than readers accept.
    pub fn to_json(&self, limits: &Limits) -> Result<Vec<u8>, Error> {
        let text = self.0.to_json()?;
        limits.key_file_bytes().check(text.len() as u64, WHAT)?;
        Ok(text)
    }

    /// Adds a signature over the record's payload.
    ///
    /// # Errors
    /// [`Error::Usage`] if this key has already signed, or there are too many signatures.
    pub fn sign(&mut self, key: &PersonSecret) -> Result<(), Error> {
        self.0.sign(key).map_err(|message| Error::Usage {
            message: format!("{WHAT}: {message}"),
            hint: "each person signs once, with their own key".into(),
        })
    }

    /// The number of signatures, valid or not.
    pub fn signature_count(&self) -> usize {
        self.0.signature_count()
    }

    /// The statement, without verifying who signed it. The statement is meant for people who are about to sign it,
    /// and is never a reason to trust a key.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the content is not a statement of this type or contradicts itself.
    pub fn unverified_statement(&self, limits: &Limits) -> Result<KeyStatement, Error> {
        self.statement(limits).map(|(statement, _)| statement).map_err(|message| Error::malformed(WHAT, message))
    }

    /// The grade that this record gives the key with `fingerprint`, based on the signatures of `signers` (name and
    /// key).
    ///
    /// A key counts once even if it is listed under several names, and a name counts once even if it has several keys.
    /// `witnessed` requires two names with two keys, and retrievals of the key by two people. `challenged` requires a
    /// challenge whose signature verifies under the key. The grade does NOT mean that the signers' statements are true.
    ///
    /// # Errors
    /// A message that states why the record does not count.
    pub fn grade(
        &self,
        fingerprint: Sha256,
        signers: &[(String, PersonKey)],
        limits: &Limits,
    ) -> Result<Graded, String> {
        let mut keys: Vec<Sha256> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (name, key) in signers {
            if !keys.contains(&key.fingerprint()) && !names.contains(name) && self.0.is_signed_by(key) {
                keys.push(key.fingerprint());
                names.push(name.clone());
            }
        }
        if names.is_empty() {
            return Err(format!(
                "none of its signatures ({}) is by one of the policy's signers",
                self.0.signature_count()
            ));
        }
        let (statement, key) = self.statement(limits)?;
        if key.fingerprint() != fingerprint {
            return Err(format!("it is for a different key: expected {fingerprint}, found {}", key.fingerprint()));
        }
        let grade = if statement.challenge.is_some() {
            Grade::Challenged
        } else if names.len() >= 2 && statement.was_obtained_by_two() {
            Grade::Witnessed
        } else {
            Grade::Recorded
        };
        Ok(Graded { grade, signers: names, statement })
    }

    fn statement(&self, limits: &Limits) -> Result<(KeyStatement, PublicKey), String> {
        let expect = |what: &str, expected: &str, found: &str| {
            if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found:?}")) }
        };
        expect("payloadType", IN_TOTO, &self.0.payload_type)?;
        let value = crate::base::strict_json::parse(&self.0.payload).map_err(|error| error.to_string())?;
        // Check the type first, because a statement of a different type has different fields.
        expect(
            "predicateType",
            PREDICATE_TYPE,
            value.get("predicateType").and_then(|kind| kind.as_str()).unwrap_or_default(),
        )?;
        let statement: Statement = serde_json::from_value(value).map_err(|error| error.to_string())?;
        expect("_type", STATEMENT_TYPE, &statement.kind)?;
        let [subject] = statement.subject.as_slice() else {
            return Err(format!("expected one subject, found {}", statement.subject.len()));
        };
        let key = statement.predicate.consistent(limits)?;
        expect("subject", &key.fingerprint().hex(), &subject.digest.sha256)?;
        Ok((statement.predicate, key))
    }
}

impl Grading {
    /// The grade. If no record counts, the grade is [`Grade::CommandLine`], which means that someone merely specified the key.
    pub fn grade(&self) -> Grade {
        match self {
            Self::Counts(graded) => graded.grade,
            Self::NoRecord | Self::DoesNotCount { .. } => Grade::CommandLine,
        }
    }

    /// The content of the record, line by line.
    pub(crate) fn details(&self) -> Vec<String> {
        let graded = match self {
            Self::NoRecord => return vec!["the policy lists no record for this key".into()],
            Self::DoesNotCount { path, reason } => return vec![format!("record {path}: {reason}")],
            Self::Counts(graded) => graded,
        };
        let mut lines = vec![format!("signed by {}", graded.signers.join(", "))];
        lines.extend(graded.statement.lines());
        lines
    }
}

impl KeyStatement {
    /// The content of the statement, line by line.
    pub fn lines(&self) -> Vec<String> {
        let obtained = |retrieval: &Retrieval| {
            format!("obtained by {} at {} over {}", retrieval.by, retrieval.at, retrieval.channel.word())
        };
        let mut lines: Vec<String> = self.retrievals.iter().map(obtained).collect();
        lines.extend(
            self.bundles.iter().map(|bundle| format!("stated to verify {} (unsigned name)", bundle.build_name)),
        );
        lines.extend(self.challenge.iter().map(|challenge| {
            format!(
                "stated to have been challenged with commit {}, built as {} (unsigned name); the challenge's signature verifies over the archive digest in the record",
                challenge.commit, challenge.bundle.build_name
            )
        }));
        lines
    }

    /// Describes how the key was obtained, according to the statement: the first retrievals, the number of the others, and the
    /// challenge.
    pub(crate) fn told(&self) -> String {
        const SHOWN: usize = 4;
        let obtained = |one: &Retrieval| format!("{} obtained it at {} over {}", one.by, one.at, one.channel.word());
        let mut told: Vec<String> = self.retrievals.iter().take(SHOWN).map(obtained).collect();
        let more = self.retrievals.len().saturating_sub(SHOWN);
        told.extend((more > 0).then(|| format!("it was obtained {}", counted_as(more, "more time", "more times"))));
        told.extend(
            self.challenge.iter().map(|one| format!("commit {} was built to challenge the key's holder", one.commit)),
        );
        told.join(" and ")
    }

    /// Whether at least two people obtained the key, according to the retrievals. A second retrieval by the same person does not count.
    fn was_obtained_by_two(&self) -> bool {
        let mut people = self.retrievals.iter().map(|retrieval| retrieval.by.trim().to_lowercase());
        let first = people.next();
        people.any(|other| Some(other) != first)
    }

    /// Checks that everything in the statement refers to one key, and returns that key.
    fn consistent(&self, limits: &Limits) -> Result<PublicKey, String> {
        let key = PublicKey::from_pem("keyPem", self.key_pem.as_bytes(), limits).map_err(|error| error.to_string())?;
        let fingerprint = key.fingerprint().hex();
        if self.retrievals.is_empty() {
            return Err("it does not state how the key was obtained".into());
        }
        for retrieval in &self.retrievals {
            if retrieval.key_sha256 != fingerprint {
                return Err(format!(
                    "a retrieval of a different key: expected {fingerprint}, found {}",
                    retrieval.key_sha256
                ));
            }
            if retrieval.by.trim().is_empty() || Timestamp::from_rfc3339(&retrieval.at).is_none() {
                return Err("a retrieval's name is empty, or its time is not RFC 3339".into());
            }
            if Sha256::from_hex(&retrieval.file_sha256).is_none() {
                return Err("the SHA-256 of a retrieval's file is malformed".into());
            }
        }
        let challenged = self.challenge.iter().map(|challenge| &challenge.bundle);
        for bundle in self.bundles.iter().chain(challenged) {
            bundle.checked()?;
        }
        if let Some(challenge) = &self.challenge {
            challenge.verified(&key, limits)?;
        }
        Ok(key)
    }
}

impl VerifiedBundle {
    fn checked(&self) -> Result<Sha256, String> {
        let named = BuildName::parse(&self.build_name).is_some() && Sha256::from_hex(&self.sha256).is_some();
        let archive = Sha256::from_hex(&self.archive_sha256).filter(|_| named);
        archive.ok_or_else(|| "a bundle's build name or one of its SHA-256 digests is malformed".into())
    }
}

impl Challenge {
    /// Creates a challenge from a bundle's parts.
    pub fn new(bundle: VerifiedBundle, signature: &Signature, commit: String) -> Self {
        Self { bundle, signature: encode_hex(signature.as_bytes()), commit }
    }

    fn verified(&self, key: &PublicKey, limits: &Limits) -> Result<(), String> {
        let commit = decode_hex(self.commit.as_bytes()).filter(|bytes| matches!(bytes.len(), 20 | 32));
        if commit.is_none() {
            return Err("a challenge without the commit that was built".into());
        }
        let signature = Signature::from_member(self.signature.as_bytes(), limits).map_err(|error| error.to_string())?;
        let verified = key.verify(&self.bundle.checked()?, &signature);
        verified.map_err(|fault| format!("the challenge's signature is not by the key: {fault}"))
    }
}

#[cfg(test)]
mod tests;
