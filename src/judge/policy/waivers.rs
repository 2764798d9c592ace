//! `[[waivers]]`: answers that are known and accepted for one bundle, each with an owner, a reason and an expiry.

use serde::Deserialize;
use toml::value::Datetime;

use super::Policy;
use super::wire::{Answer, moment};
use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::judge::check;
use crate::judge::finding::{Group, MANIFEST_SIGNATURE, Waiver, WaiverStanding};

/// A waiver: this check's answer on this bundle does not reject the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWaiver {
    /// The check's name.
    pub check: &'static str,
    /// SHA-256 of the bundle's file: a waiver applies only to these bytes.
    pub bundle: Sha256,
    /// The name of the person or team that is responsible for the waiver.
    pub owner: String,
    /// The reason.
    pub reason: String,
    /// The time when the waiver ends.
    pub expires: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaiverEntry {
    check: String,
    bundle: String,
    owner: String,
    reason: String,
    expires: Datetime,
}

pub(super) fn read(entries: Vec<WaiverEntry>) -> Answer<Vec<PolicyWaiver>> {
    let mut waivers: Vec<PolicyWaiver> = Vec::new();
    for entry in entries {
        let waiver = waiver(entry)?;
        if waivers.iter().any(|known| (known.check, known.bundle) == (waiver.check, waiver.bundle)) {
            return Err(format!("waivers: duplicate waiver of {} for the bundle {}", waiver.check, waiver.bundle));
        }
        waivers.push(waiver);
    }
    Ok(waivers)
}

fn waiver(entry: WaiverEntry) -> Answer<PolicyWaiver> {
    let at = |field: &str, message: &str| format!("waivers {:?}: {field}: {message}", entry.check);
    let check = check::find(&entry.check).ok_or_else(|| {
        at(
            "check",
            &format!("no check has this name{}; `hpsb-audit checks` lists all checks", check::near(&entry.check)),
        )
    })?;
    if check.name == MANIFEST_SIGNATURE {
        return Err(at("check", "this check cannot be waived: without it, nothing about a bundle is known"));
    }
    if check.group == Group::Workload {
        return Err(at("check", "this check examines a workload, but a waiver applies to a bundle"));
    }
    let bundle = entry.bundle.strip_prefix("sha256:").unwrap_or(&entry.bundle);
    let bundle = Sha256::from_hex(bundle)
        .ok_or_else(|| at("bundle", "expected the SHA-256 of the bundle's file, 64 lower-case hexadecimal digits"))?;
    for (field, text) in [("owner", &entry.owner), ("reason", &entry.reason)] {
        if text.trim().is_empty() {
            return Err(at(field, "it is empty"));
        }
    }
    let expires = moment(entry.expires).ok_or_else(|| {
        at("expires", "expected a date, or a date and time with an offset, for example 2026-01-31T00:00:00Z")
    })?;
    Ok(PolicyWaiver { check: check.name, bundle, owner: entry.owner, reason: entry.reason, expires })
}

impl PolicyWaiver {
    /// The waiver's state at `now`. The waiver expires exactly at its expiry time.
    pub fn at(&self, now: Timestamp) -> Waiver {
        let standing = if now < self.expires { WaiverStanding::Active } else { WaiverStanding::Expired };
        Waiver { owner: self.owner.clone(), reason: self.reason.clone(), expires: self.expires, standing }
    }
}

impl Policy {
    /// The waiver of a check's answer on this bundle. The waiver does not change the answer.
    pub(crate) fn waiver(&self, check: &str, bundle: Sha256, now: Timestamp) -> Option<Waiver> {
        let mut known = self.waivers.iter().filter(|waiver| waiver.check == check && waiver.bundle == bundle);
        known.next().map(|waiver| waiver.at(now))
    }
}
