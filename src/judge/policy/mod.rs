//! The policy: what the auditor trusts, expects and requires. The policy is one TOML file, which is read strictly.
//!
//! To add a field of `[expect]`, see `expect.rs`. To add any other field, follow these steps:
//!
//! 1. Add a line to its table in `wire.rs`, `trust.rs`, `workload.rs` or `waivers.rs`, and extend the code that reads that table.
//!
//! 2. Add a field to the structs in this file.
//!
//! 3. Add a line to `template.toml`.
//!
//! 4. Add a row to `docs/policy.md`.

mod expect;
mod grading;
mod trust;
mod waivers;
mod wire;
mod workload;

use std::collections::BTreeMap;

pub use self::expect::Expect;
pub use self::grading::KeyRecordFile;
pub use self::waivers::PolicyWaiver;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::gate::verify::{KeyRing, KeySource, RevocationReason, TrustedKey};
use crate::given::attestation::BuilderPolicy;
use crate::judge::check::{CHECKS, Check, MANIFEST_KEY};
use crate::judge::finding::{Demand, Group, Level};
use crate::trust::TrustPolicy;
use crate::trust::public_key::ImageKey;
use crate::workload::KindsWithoutImages;

/// A policy. The default policy has no keys, expects nothing, and requires nothing beyond each check's own level.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The file that the policy was read from; `None` for the default policy.
    pub source: Option<PolicySource>,
    /// Groups that must have an answer.
    pub require: Vec<Group>,
    /// The keys that the policy trusts.
    pub keys: KeyRing,
    /// Key records by the fingerprint of their key.
    pub key_records: BTreeMap<Sha256, KeyRecordFile>,
    /// The values that the policy expects of a build.
    pub expect: Expect,
    /// The levels that the policy sets, by check.
    pub levels: BTreeMap<&'static str, Level>,
    /// The signers of commits, tags, key records and sign-offs.
    pub signers: Vec<Signer>,
    /// The signers whose signatures on the image are accepted.
    pub trust: TrustPolicy,
    /// The keys that sign contracts, and the kinds of resources that run nothing.
    pub workload: WorkloadPolicy,
    /// What the build server itself may have booted.
    pub builder: BuilderPolicy,
    /// Waivers, each of which prevents an answer from rejecting one specific bundle.
    pub waivers: Vec<PolicyWaiver>,
}

/// `[workload]`.
#[derive(Debug, Clone, Default)]
pub struct WorkloadPolicy {
    /// Keys that sign contracts, each with the file from which it was read.
    pub(crate) contract_keys: Vec<(String, ImageKey)>,
    /// Kinds of custom resources that run nothing.
    pub kinds_without_images: KindsWithoutImages,
}

/// The file that a policy was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// The policy's path, as specified by the user.
    pub path: String,
    /// SHA-256 of the policy file's bytes.
    pub sha256: Sha256,
    /// The files that the policy refers to, each with the SHA-256 of its bytes. A saved report lists these files only among the
    /// inputs.
    pub files: Vec<(String, Sha256)>,
}

/// One of `[[signers]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The signer's name.
    pub name: String,
    /// The key.
    pub key: SignerKey,
}

/// A signer's key, in the form that the policy uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerKey {
    /// One line of an OpenSSH public key.
    Ssh(String),
    /// An armoured OpenPGP key: the content of its file.
    OpenPgp(Vec<u8>),
    /// A PEM public key: the content of its file.
    Pem(Vec<u8>),
}

impl Policy {
    /// Reads a policy. `path` identifies the policy in errors and reports. `load` returns the bytes of a file that the policy refers to, by
    /// its path in the policy (the caller decides which folder the path is relative to).
    ///
    /// # Errors
    /// [`Error::Policy`] for unrecognised fields or checks, duplicate keys, wrong types, empty lists, or if nothing is
    /// required; [`Error::Key`] for a key file without a usable key; [`Error::OverLimit`]; errors of `load`.
    pub fn from_toml(
        path: &str,
        bytes: &[u8],
        limits: &Limits,
        mut load: impl FnMut(&str) -> Result<Vec<u8>, Error>,
    ) -> Result<Self, Error> {
        limits.policy_bytes().check(bytes.len() as u64, path)?;
        let mut files: Vec<(String, Sha256)> = Vec::new();
        let mut policy = wire::read(path, bytes, limits, |name: &str| {
            let content = load(name)?;
            files.push((name.to_owned(), Sha256::of(&content)));
            Ok(content)
        })?;
        let refuse = |message| Error::Policy { path: path.into(), message };
        policy.must_decide().map_err(refuse)?;
        policy.must_reject_compromised_keys().map_err(refuse)?;
        files.sort();
        files.dedup();
        policy.source = Some(PolicySource { path: path.into(), sha256: Sha256::of(bytes), files });
        Ok(policy)
    }

    /// The keys to verify with: those on the command line, or else those in the policy. For a key on the command line, the validity window and the
    /// revocation in the policy still apply.
    ///
    /// # Errors
    /// [`Error::Usage`] if the policy lists keys and a key on the command line is not one of them.
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
                    hint: "add it to the policy's [[keys]], or leave --key out to use the policy's keys".into(),
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
    /// [`Error::Usage`] if `[levels]` leaves such a group without a deciding check.
    pub fn require_also(&mut self, groups: &[Group]) -> Result<(), Error> {
        for group in groups {
            if !self.require.contains(group) {
                self.require.push(*group);
            }
        }
        self.must_decide().map_err(|message| Error::Usage {
            message,
            hint: "in the policy's [levels], set a check of the group to require, or do not require the group".into(),
        })
    }

    /// Refuses levels and waivers that would accept builds of a compromised key.
    fn must_reject_compromised_keys(&self) -> Result<(), String> {
        let compromised = |key: &TrustedKey| key.revoked.is_some_and(|one| one.reason == RevocationReason::Compromised);
        let Some(key) = self.keys.keys().iter().find(|key| compromised(key)) else { return Ok(()) };
        let name = MANIFEST_KEY.name;
        let what = match self.waivers.iter().any(|waiver| waiver.check == name) {
            true => "cannot be waived",
            false if self.level(MANIFEST_KEY) != Level::Require => "must be at require",
            false => return Ok(()),
        };
        Err(format!("the key {} is revoked as compromised, so {name} {what}", key.fingerprint))
    }

    /// Refuses a required group if no check of the group can decide, because such a requirement would be empty.
    fn must_decide(&self) -> Result<(), String> {
        let decides = |group: Group| {
            let mut own = CHECKS.iter().filter(|check| check.group == group);
            own.any(|check| {
                self.level(check) == Level::Require && !check.may_say_nothing(|field| self.expect.is_set(field))
            })
        };
        match self.require.iter().find(|group| !decides(**group)) {
            Some(group) => Err(format!(
                "{:?} is required, but with these [levels] no check can decide this group: each is at warn or off, may have no evidence, or has no value in [expect]",
                group.word()
            )),
            None => Ok(()),
        }
    }

    /// The groups that the policy requires of a bundle, excluding `workload`, which only `admit` and `serve` check. `None` without a
    /// policy, even with `--require`, because an acceptance needs a policy.
    pub(crate) fn required_of_bundles(&self) -> Option<Vec<Group>> {
        self.source.as_ref()?;
        Some(self.require.iter().copied().filter(|group| *group != Group::Workload).collect())
    }

    /// The level at which `check` is evaluated.
    pub fn level(&self, check: &Check) -> Level {
        let set = self.levels.get(check.name).copied();
        set.unwrap_or_else(|| check.own_level(|field| self.expect.is_set(field)))
    }

    /// What requested `check`. `handed` lists the groups whose evidence a flag supplied.
    pub fn demand(&self, check: &Check, handed: &[Group]) -> Demand {
        if self.levels.contains_key(check.name) || check.is_expected(|field| self.expect.is_set(field)) {
            Demand::Check
        } else if self.require.contains(&check.group) || handed.contains(&check.group) {
            Demand::Group
        } else {
            Demand::None
        }
    }
}

/// A starter policy with every field. Optional fields are commented out.
pub fn template() -> String {
    include_str!("template.toml").replace("[expect]\n", &format!("[expect]\n{}", expect::examples()))
}

/// A key's validity window, as text.
pub(crate) fn window_text(key: &TrustedKey) -> String {
    let edge = |moment: Option<Timestamp>| moment.map_or("…".to_owned(), |moment| moment.to_string());
    format!("{} to {}", edge(key.not_before), edge(key.not_after))
}

#[cfg(test)]
mod tests;
