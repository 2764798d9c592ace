//! The TOML format of a policy. Unrecognised field names are errors.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::value::Datetime;

use super::expect::ExpectTable;
use super::trust::{self, TrustTable};
use super::waivers::{self, WaiverEntry};
use super::workload::{self, BuilderTable, WorkloadTable};
use super::{KeyRecordFile, Policy, Signer, SignerKey};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::base::words::{any_of, did_you_mean, meant_field};
use crate::gate::key::PublicKey;
use crate::gate::verify::{KeySource, Revocation, RevocationReason, TrustedKey};
use crate::git::SshKey;
use crate::given::key_record::KeyRecord;
use crate::judge::check;
use crate::judge::finding::{Group, Level};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PolicyFile {
    version: u64,
    require: Vec<String>,
    keys: Option<Vec<KeyEntry>>,
    #[serde(default)]
    expect: ExpectTable,
    #[serde(default)]
    levels: BTreeMap<String, String>,
    signers: Option<Vec<SignerEntry>>,
    trust: Option<TrustTable>,
    workload: Option<WorkloadTable>,
    builder: Option<BuilderTable>,
    waivers: Option<Vec<WaiverEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeyEntry {
    name: String,
    sha256: Option<String>,
    file: Option<String>,
    not_before: Option<Datetime>,
    not_after: Option<Datetime>,
    revoked: Option<RevokedEntry>,
    record: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RevokedEntry {
    at: Datetime,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SignerEntry {
    name: String,
    ssh: Option<String>,
    openpgp: Option<String>,
    pem: Option<String>,
}

pub(super) type Answer<T> = Result<T, String>;

pub(super) fn read(
    path: &str,
    bytes: &[u8],
    limits: &Limits,
    mut load: impl FnMut(&str) -> Result<Vec<u8>, Error>,
) -> Result<Policy, Error> {
    let fail = |message: String| Error::Policy { path: path.into(), message };
    let text = std::str::from_utf8(bytes).map_err(|_| fail("not UTF-8 text".into()))?;
    let file: PolicyFile = toml::from_str(text).map_err(|error| fail(located(text, &error)))?;
    if file.version != 1 {
        return Err(fail(format!("version: expected 1, found {}", file.version)));
    }
    let mut policy = Policy {
        require: groups(&file.require).map_err(fail)?,
        expect: file.expect.read().map_err(fail)?,
        levels: levels(&file.levels).map_err(fail)?,
        builder: file.builder.map(workload::read_builder).transpose().map_err(fail)?.unwrap_or_default(),
        waivers: list("waivers", file.waivers).and_then(waivers::read).map_err(fail)?,
        ..Policy::default()
    };
    for entry in list("keys", file.keys).map_err(fail)? {
        let key = trusted_key(&entry, limits, &mut load, &fail)?;
        if policy.keys.get(&key.fingerprint).is_some() {
            return Err(fail(format!("keys: the key of {:?} is already listed ({})", entry.name, key.fingerprint)));
        }
        if let Some(record) = entry.record {
            let read = KeyRecord::from_json(&load(&record)?, limits).map_err(|error| error.to_string());
            policy.key_records.insert(key.fingerprint, KeyRecordFile::new(record, read));
        }
        policy.keys.add(key);
    }
    if let Some(table) = file.trust {
        policy.trust = trust::read(table, &mut load, &fail)?;
    }
    if let Some(table) = file.workload {
        policy.workload = workload::read_workload(table, &mut load, &fail)?;
    }
    // The signer of a commit must have one name, and one copy of an OpenPGP key can be revoked, and another not.
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for entry in list("signers", file.signers).map_err(fail)? {
        let signer = signer(entry, &mut load, &fail)?;
        if let Some(fingerprint) = fingerprint(&signer.key)
            && let Some(other) = known.insert(fingerprint.clone(), signer.name.clone())
        {
            return Err(fail(format!("signers: {:?} and {other:?} have the same key ({fingerprint})", signer.name)));
        }
        policy.signers.push(signer);
    }
    Ok(policy)
}

/// The parser's message on one line, with its line number.
fn located(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', ", ");
    let message = format!("{message}{}", meant_field(&message));
    match error.span() {
        Some(span) => {
            let line = text.get(..span.start).unwrap_or_default().matches('\n').count() + 1;
            format!("line {line}: {message}")
        }
        None => message,
    }
}

fn groups(words: &[String]) -> Answer<Vec<Group>> {
    if words.is_empty() {
        return Err("require: nothing is required; list at least one group".into());
    }
    let all = Group::ALL.map(Group::word).join(", ");
    let mut groups = Vec::new();
    for word in words {
        let group = Group::from_word(word).ok_or_else(|| {
            format!(
                "require: there is no group {word:?}{}; the groups are {all}",
                did_you_mean(word, Group::ALL.map(Group::word))
            )
        })?;
        if groups.contains(&group) {
            return Err(format!("require: duplicate group {word:?}"));
        }
        groups.push(group);
    }
    Ok(groups)
}

fn levels(table: &BTreeMap<String, String>) -> Answer<BTreeMap<&'static str, Level>> {
    let mut levels = BTreeMap::new();
    for (name, word) in table {
        let check = check::find(name).ok_or_else(|| {
            format!("levels: there is no check {name:?}{}; `hpsb-audit checks` lists all checks", check::near(name))
        })?;
        let level = Level::from_word(word).ok_or_else(|| {
            format!("levels.{name}: expected {}, found {word:?}", any_of(&Level::ALL.map(Level::word)))
        })?;
        if check.name == check::MANIFEST_SIGNATURE && level != Level::Require {
            return Err(format!("levels.{name}: the level of this check is always require"));
        }
        levels.insert(check.name, level);
    }
    Ok(levels)
}

/// An empty list is an error, because it could mean "none" or "any".
pub(super) fn list<T>(field: &str, values: Option<Vec<T>>) -> Answer<Vec<T>> {
    match values {
        Some(values) if values.is_empty() => {
            Err(format!("{field}: the list is empty; add an entry or leave the field out"))
        }
        values => Ok(values.unwrap_or_default()),
    }
}

/// A date and time with an offset, or a date, which means the start of that day in UTC.
pub(super) fn moment(value: Datetime) -> Option<Timestamp> {
    Timestamp::from_date_or_rfc3339(&value.to_string())
}

fn trusted_key(
    entry: &KeyEntry,
    limits: &Limits,
    load: &mut impl FnMut(&str) -> Result<Vec<u8>, Error>,
    fail: &impl Fn(String) -> Error,
) -> Result<TrustedKey, Error> {
    let at = |field: &str, message: &str| fail(format!("keys {:?}: {field}: {message}", entry.name));
    let pin = match &entry.sha256 {
        Some(text) => {
            Some(Sha256::from_hex(text).ok_or_else(|| at("sha256", "expected 64 lower-case hexadecimal digits"))?)
        }
        None => None,
    };
    let key = match &entry.file {
        Some(file) => Some(PublicKey::from_pem(file, &load(file)?, limits)?),
        None => None,
    };
    let fingerprint = match (pin, key.as_ref().map(PublicKey::fingerprint)) {
        (Some(pin), Some(found)) if pin != found => {
            return Err(at("file", &format!("expected the key {pin}, found {found}")));
        }
        (Some(fingerprint), _) | (None, Some(fingerprint)) => fingerprint,
        (None, None) => return Err(at("sha256", "a key needs sha256, file or both")),
    };
    let moment = |field: &str, value: Option<Datetime>| match value {
        Some(value) => self::moment(value).map(Some).ok_or_else(|| {
            at(field, "expected a date, or a date and time with an offset, for example 2026-01-31T00:00:00Z")
        }),
        None => Ok(None),
    };
    let (not_before, not_after) = (moment("not-before", entry.not_before)?, moment("not-after", entry.not_after)?);
    if let (Some(from), Some(to)) = (not_before, not_after)
        && from > to
    {
        return Err(at("not-after", "the time is before not-before"));
    }
    let revoked = match &entry.revoked {
        Some(revoked) => {
            let reason = RevocationReason::from_word(&revoked.reason).ok_or_else(|| {
                let known = any_of(&RevocationReason::ALL.map(RevocationReason::word));
                at("revoked.reason", &format!("expected {known}, found {:?}", revoked.reason))
            })?;
            moment("revoked.at", Some(revoked.at))?.map(|at| Revocation { at, reason })
        }
        None => None,
    };
    let (name, source) = (Some(entry.name.clone()), KeySource::Policy);
    Ok(TrustedKey { fingerprint, key, source, name, not_before, not_after, revoked })
}

fn signer(
    entry: SignerEntry,
    load: &mut impl FnMut(&str) -> Result<Vec<u8>, Error>,
    fail: &impl Fn(String) -> Error,
) -> Result<Signer, Error> {
    let key = match (entry.ssh, entry.openpgp, entry.pem) {
        (Some(line), None, None) => {
            SshKey::from_line(&line).map_err(|fault| fail(format!("signers {:?}: ssh: {fault}", entry.name)))?;
            SignerKey::Ssh(line)
        }
        (None, Some(file), None) => {
            let bytes = load(&file)?;
            check_openpgp(&bytes).map_err(|message| Error::Key { name: file, message })?;
            SignerKey::OpenPgp(bytes)
        }
        // Where the key is needed, a fault in it is reported.
        (None, None, Some(file)) => SignerKey::Pem(load(&file)?),
        _ => return Err(fail(format!("signers {:?}: expected exactly one of ssh, openpgp and pem", entry.name))),
    };
    Ok(Signer { name: entry.name, key })
}

/// The fingerprint of a key that signs commits. A PEM key signs statements, and counts once there, whatever its names are.
fn fingerprint(key: &SignerKey) -> Option<String> {
    match key {
        SignerKey::Ssh(line) => SshKey::from_line(line).ok().map(|key| key.fingerprint()),
        #[cfg(feature = "openpgp")]
        SignerKey::OpenPgp(bytes) => crate::crypto::openpgp::Certificate::read(bytes).ok().map(|key| key.fingerprint()),
        #[cfg(not(feature = "openpgp"))]
        SignerKey::OpenPgp(_) => None,
        SignerKey::Pem(_) => None,
    }
}

#[cfg(feature = "openpgp")]
fn check_openpgp(certificate: &[u8]) -> Answer<()> {
    crate::crypto::openpgp::Certificate::read(certificate).map(|_| ())
}

/// A build without OpenPGP support cannot verify OpenPGP signatures. The checks report this limitation.
#[cfg(not(feature = "openpgp"))]
fn check_openpgp(_: &[u8]) -> Answer<()> {
    Ok(())
}
