//! The policy: what the auditor trusts, expects and insists on. One TOML file, read strictly.
//!
//! To add a field: a line in `wire.rs`, a field here, and its check's name in `Expect::EXPECTED_BY`.

mod grading;
mod trust;
mod waivers;
mod wire;
mod workload;

use std::collections::BTreeMap;

pub use self::grading::KeyRecordFile;
pub use self::waivers::PolicyWaiver;
use crate::attestation::BuilderPolicy;
use crate::check::{CHECKS, Check};
use crate::digest::Sha256;
use crate::error::Error;
use crate::finding::{Demand, Group, Level, MissingEvidence};
use crate::git::ObjectId;
use crate::limits::Limits;
use crate::time::{DAY_SECONDS, Timestamp};
use crate::trust::TrustPolicy;
use crate::trust::public_key::ImageKey;
use crate::verify::{Grade, KeyRing, KeySource, TrustedKey};
use crate::workload::KindsWithoutImages;

/// A policy. The default has no keys, expects nothing and requires nothing beyond each check's own level.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Where it came from; `None` for the default.
    pub source: Option<PolicySource>,
    /// Groups that must have an answer.
    pub require: Vec<Group>,
    /// The keys it trusts.
    pub keys: KeyRing,
    /// Key records by the fingerprint of their key.
    pub key_records: BTreeMap<Sha256, KeyRecordFile>,
    /// What it expects of a build.
    pub expect: Expect,
    /// Levels that differ from a check's own, by check.
    pub levels: BTreeMap<&'static str, Level>,
    /// Who signs commits, tags, key records and sign-offs.
    pub signers: Vec<Signer>,
    /// Whose signatures on the image count.
    pub trust: TrustPolicy,
    /// Whose contracts count.
    pub workload: WorkloadPolicy,
    /// What the build server itself may have booted.
    pub builder: BuilderPolicy,
    /// Answers that shall not reject one bundle.
    pub waivers: Vec<PolicyWaiver>,
}

/// `[workload]`.
#[derive(Debug, Clone, Default)]
pub struct WorkloadPolicy {
    /// Keys that sign contracts, each with the file that it was read from.
    pub(crate) contract_keys: Vec<(String, ImageKey)>,
    /// Kinds of custom resources that run nothing.
    pub(crate) kinds_without_images: KindsWithoutImages,
}

/// The file that a policy was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// As it was named.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// The files that it names, each with the SHA-256 of its bytes; in a saved report they stand among the inputs only.
    pub files: Vec<(String, Sha256)>,
}

/// `[expect]`: a field that is not set expects nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expect {
    /// Image repositories, any of which the build may push to.
    pub images: Vec<String>,
    /// Source repositories, any of which the build may be made from.
    pub repositories: Vec<String>,
    /// The branch that HEAD is on.
    pub branch: Option<String>,
    /// The commit, all forty digits.
    pub commit: Option<ObjectId>,
    /// Platforms, as `os/architecture[/variant]`.
    pub platforms: Vec<String>,
    /// The lowest version of the build server.
    pub min_server_version: Option<String>,
    /// The greatest age of a build, in seconds.
    pub max_age_seconds: Option<i64>,
    /// The lowest grade of the key.
    pub minimum_grade: Option<Grade>,
    /// The Dockerfile, relative to the top of the repository.
    pub dockerfile: Option<String>,
    /// Base images by digest.
    pub base_images: Vec<String>,
    /// Patterns of untracked files that are allowed. An empty list allows none, as no list does.
    pub untracked: Vec<String>,
    /// Names of the checks that a field of this table asks for.
    pub(crate) asked: Vec<&'static str>,
}

/// One of `[[signers]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Whose key it is.
    pub name: String,
    /// The key.
    pub key: SignerKey,
}

/// A signer's key, as the policy gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerKey {
    /// One line of an OpenSSH public key.
    Ssh(String),
    /// An armoured OpenPGP key, read from the file that is named.
    OpenPgp(Vec<u8>),
    /// A PEM public key, read from the file that is named.
    Pem(Vec<u8>),
}

/// Each field of `[expect]` and the check that it belongs to.
pub(crate) const EXPECTED_BY: [(&str, &str); 11] = [
    ("images", "log-image"),
    ("repositories", "source-repository"),
    ("branch", "source-commit"),
    ("commit", "source-commit"),
    ("platforms", "image-platform"),
    ("min-server-version", "build-server"),
    ("max-age", "build-age"),
    ("minimum-grade", "key-record"),
    ("dockerfile", "source-dockerfile"),
    ("base-images", "base-image"),
    ("untracked", "source-tree"),
];

/// Checks that answer nothing where the policy does not say what to expect.
const NOTHING_WITHOUT_EXPECTATION: [&str; 2] = ["source-repository", "image-platform"];

/// Checks that are at `require` as soon as the policy says what to expect.
const REQUIRED_WHEN_EXPECTED: [&str; 4] = ["build-age", "build-server", "key-record", "base-image"];

/// Does a field of `[expect]` put this check at `require`? `expects` says whether the field called so is set.
pub(crate) fn is_required_when_expected(check: &str, expects: impl Fn(&str) -> bool) -> bool {
    let is_set = EXPECTED_BY.iter().any(|(field, by)| *by == check && expects(field));
    REQUIRED_WHEN_EXPECTED.contains(&check) && is_set
}

impl Policy {
    /// Reads a policy. `path` names it in errors and reports; `load` gives the bytes of files that the policy names, by the path
    /// as the policy has it (the caller decides what that is relative to).
    ///
    /// # Errors
    /// [`Error::Policy`] for unknown fields, unknown checks, duplicate keys, wrong types, empty lists, or when nothing is
    /// required; [`Error::Key`] for a key file that holds no usable key; whatever `load` answers.
    pub fn from_toml(
        path: &str,
        bytes: &[u8],
        limits: &Limits,
        mut load: impl FnMut(&str) -> Result<Vec<u8>, Error>,
    ) -> Result<Self, Error> {
        if bytes.len() as u64 > limits.policy_bytes {
            return Err(Error::OverLimit { what: path.into(), limit: "policy_bytes", allowed: limits.policy_bytes });
        }
        let mut files: Vec<(String, Sha256)> = Vec::new();
        let mut policy = wire::read(path, bytes, limits, |name: &str| {
            let content = load(name)?;
            files.push((name.to_owned(), Sha256::of(&content)));
            Ok(content)
        })?;
        policy.must_decide().map_err(|message| Error::Policy { path: path.into(), message })?;
        files.sort();
        files.dedup();
        policy.source = Some(PolicySource { path: path.into(), sha256: Sha256::of(bytes), files });
        Ok(policy)
    }

    /// The keys to verify with: those named on the command line, or else the policy's. A named key keeps what the policy says of
    /// it (window, revocation).
    ///
    /// # Errors
    /// [`Error::Usage`] when the policy lists keys and `named` is not one of them.
    pub fn keys_for(&self, named: Vec<TrustedKey>) -> Result<KeyRing, Error> {
        if named.is_empty() {
            return Ok(self.keys.clone());
        }
        let mut ring = KeyRing::default();
        for key in named {
            let known = self.keys.get(&key.fingerprint);
            if known.is_none() && !self.keys.keys().is_empty() {
                return Err(Error::Usage {
                    message: format!("the key {} is not one of the policy's keys", key.fingerprint),
                    hint: "add it to the policy's [[keys]], or leave --key out to use the policy's".into(),
                });
            }
            let mut trusted = known.cloned().unwrap_or_else(|| key.clone());
            trusted.key = key.key.or(trusted.key);
            trusted.source = KeySource::CommandLine;
            ring.add(trusted);
        }
        Ok(ring)
    }

    /// Requires more groups, as `--require` does.
    ///
    /// # Errors
    /// [`Error::Usage`] where `[levels]` leaves no check of such a group to decide.
    pub fn require_also(&mut self, groups: &[Group]) -> Result<(), Error> {
        for group in groups {
            if !self.require.contains(group) {
                self.require.push(*group);
            }
        }
        self.must_decide().map_err(|message| Error::Usage {
            message,
            hint: "raise a check of the group to require in the policy's [levels], or do not require the group".into(),
        })
    }

    /// A required group whose checks are all lowered is an empty requirement.
    fn must_decide(&self) -> Result<(), String> {
        let can_be_met_by_nothing = |check: &Check| {
            check.missing_evidence == MissingEvidence::RejectsByName
                || (NOTHING_WITHOUT_EXPECTATION.contains(&check.name) && !self.expect.asked.contains(&check.name))
        };
        let decides = |group: Group| {
            let mut own = CHECKS.into_iter().filter(|check| check.group == group);
            own.any(|check| self.level(check) == Level::Require && !can_be_met_by_nothing(check))
        };
        match self.require.iter().find(|group| !decides(**group)) {
            Some(group) => Err(format!(
                "require: {:?} is required, and [levels] leaves it no check that decides: each is at warn or off, or says nothing without evidence or an expectation",
                group.word()
            )),
            None => Ok(()),
        }
    }

    /// The groups that it requires of a bundle: all but `workload`, which `admit` and `serve` ask about. `None` without a policy, whatever
    /// `--require` names: an acceptance needs a policy.
    pub(crate) fn required_of_bundles(&self) -> Option<Vec<Group>> {
        self.source.as_ref()?;
        Some(self.require.iter().copied().filter(|group| *group != Group::Workload).collect())
    }

    /// The level at which `check` is judged.
    pub fn level(&self, check: &Check) -> Level {
        if let Some(level) = self.levels.get(check.name) {
            return *level;
        }
        let expected = self.expect.asked.contains(&check.name) && REQUIRED_WHEN_EXPECTED.contains(&check.name);
        if expected { Level::Require } else { check.level }
    }

    /// Who asked for `check`. `handed` are the groups whose evidence was handed over by a flag.
    pub fn demand(&self, check: &Check, handed: &[Group]) -> Demand {
        if self.levels.contains_key(check.name) || self.expect.asked.contains(&check.name) {
            Demand::Check
        } else if self.require.contains(&check.group) || handed.contains(&check.group) {
            Demand::Group
        } else {
            Demand::None
        }
    }
}

impl Expect {
    /// The fields that say something, each with what it says.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let values = [
            self.images.join(", "),
            self.repositories.join(", "),
            text(&self.branch),
            self.commit.map(|commit| commit.to_string()).unwrap_or_default(),
            self.platforms.join(", "),
            text(&self.min_server_version),
            text(&self.max_age()),
            self.minimum_grade.map(|grade| grade.word().to_owned()).unwrap_or_default(),
            text(&self.dockerfile),
            self.base_images.join(", "),
            self.untracked.join(", "),
        ];
        let rows = EXPECTED_BY.iter().zip(values).map(|((field, _), value)| (*field, value));
        rows.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// `max-age` in words: in days where it is whole days.
    pub(crate) fn max_age(&self) -> Option<String> {
        self.max_age_seconds.map(|seconds| match seconds % DAY_SECONDS {
            0 => format!("{} days", seconds / DAY_SECONDS),
            _ => format!("{seconds} seconds"),
        })
    }

    /// The names of the fields that say something.
    pub fn asked_fields(&self) -> Vec<&'static str> {
        self.rows().into_iter().map(|(field, _)| field).collect()
    }

    fn note_asked(&mut self) {
        let fields = self.asked_fields();
        self.asked = EXPECTED_BY.iter().filter(|(field, _)| fields.contains(field)).map(|(_, check)| *check).collect();
    }
}

/// A policy to begin with: every field, the optional ones commented out.
pub const TEMPLATE: &str = include_str!("template.toml");

/// The moment of a build against a key's window.
pub(crate) fn window_text(key: &TrustedKey) -> String {
    let edge = |moment: Option<Timestamp>| moment.map_or("…".to_owned(), |moment| moment.to_string());
    format!("{} to {}", edge(key.not_before), edge(key.not_after))
}

#[cfg(test)]
mod tests;
