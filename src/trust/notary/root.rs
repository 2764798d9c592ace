//! The root file, which lists the keys of the other roles, and the rules by which a new root replaces an old one.

use std::collections::BTreeMap;

use super::envelope::{Envelope, Keys, Role, object};
use super::files::Repository;
use super::key::{Leaf, names_repository};
use super::{Fault, Pins, RoleReport};
use crate::base::budget::Budget;
use crate::base::limits::Limits;

/// The roles that every root lists.
const ROLES: [&str; 4] = ["root", "targets", "snapshot", "timestamp"];

/// A parsed root. [`Self::own_signers`] checks that the root's keys signed the root.
#[derive(Debug)]
pub(super) struct Root<'a> {
    pub(super) bytes: &'a [u8],
    envelope: Envelope,
    roles: BTreeMap<&'static str, Role>,
}

/// The result of following the chain of roots.
#[derive(Debug)]
pub(super) struct Roots<'a> {
    pub(super) last: Root<'a>,
    pub(super) anchor_keys: Vec<String>,
    pub(super) anchor_certificates: Vec<Leaf>,
    pub(super) later_certificates: Vec<Leaf>,
    pub(super) roles: Vec<RoleReport>,
}

impl<'a> Root<'a> {
    fn read(name: &str, bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        let envelope = Envelope::read(name, "Root", bytes, limits)?;
        let lists = (object(&envelope.signed, "keys"), object(&envelope.signed, "roles"));
        let (Some(keys), Some(listed)) = lists else {
            return Err(Fault::refused(format!("{name}.json: keys or roles are missing")));
        };
        let keys = Keys::new(keys);
        let mut roles = BTreeMap::new();
        for role in ROLES {
            let entry = object(listed, role)
                .ok_or_else(|| Fault::refused(format!("{name}.json: the role {role} is missing")))?;
            roles.insert(role, Role::read(role, entry, &keys)?);
        }
        Ok(Self { bytes, envelope, roles })
    }

    pub(super) fn role(&self, name: &str) -> Result<&Role, Fault> {
        self.roles.get(name).ok_or_else(|| Fault::refused(format!("root.json: the role {name} is missing")))
    }

    /// The keys in the root's own list that signed the root. The certificates of those keys must be for `repository`.
    fn own_signers(&self, repository: Option<&str>, budget: &Budget) -> Result<(RoleReport, Vec<Leaf>), Fault> {
        let role = self.role("root")?;
        let signers = self.envelope.signers(role, budget)?;
        let mut certificates = Vec::new();
        for id in &signers {
            let Some(Ok(key)) = role.keys.get(id).map(|key| key.as_ref()) else { continue };
            let Some(leaf) = &key.certificate else {
                return Err(Fault::refused(format!(
                    "{}.json: the root key {id} has no certificate",
                    self.envelope.role
                )));
            };
            if let Some(fault) = leaf.fault {
                return Err(Fault::refused(format!("{}.json: the root key {id}: {fault}", self.envelope.role)));
            }
            let name = leaf.common_name.as_deref().unwrap_or_default();
            if repository.is_some_and(|repository| !names_repository(name, repository)) {
                return Err(Fault::refused(format!(
                    "{}.json: the root key's certificate is for {name:?}, expected {:?}",
                    self.envelope.role,
                    repository.unwrap_or_default()
                )));
            }
            certificates.push(leaf.clone());
        }
        let report = RoleReport {
            name: self.envelope.role.clone(),
            version: self.envelope.version,
            expires: self.envelope.expires,
            signers,
        };
        Ok((report, certificates))
    }
}

/// Follows the chain of roots, one version at a time. The chain begins at the newest root that a pinned key signed, and ends at `root.json`.
pub(super) fn walk<'a>(
    repository: &'a Repository<'a>,
    pins: Pins<'_>,
    name: Option<&str>,
    limits: &Limits,
) -> Result<Roots<'a>, Fault> {
    let mut roots = BTreeMap::new();
    for (version, bytes) in &repository.numbered_roots {
        let root = Root::read(&format!("{version}.root"), bytes, limits)?;
        if root.envelope.version != *version {
            return Err(Fault::refused(format!("{version}.root.json has the version {}", root.envelope.version)));
        }
        roots.insert(*version, root);
    }
    let current = Root::read("root", repository.file("root", None)?, limits)?;
    let newest = current.envelope.version;
    if let Some((version, _)) = roots.range(newest.saturating_add(1)..).next() {
        return Err(Fault::refused(format!("root.json has the version {newest}, but there is a {version}.root.json")));
    }
    if roots.get(&newest).is_some_and(|numbered| numbered.bytes != current.bytes) {
        return Err(Fault::refused(format!(
            "root.json and {newest}.root.json are different roots with the same version"
        )));
    }
    roots.insert(newest, current);

    let (anchor, anchor_keys) = find_anchor(&roots, pins, &repository.budget)?;
    let (mut reports, mut anchor_certificates, mut later_certificates) = (Vec::new(), Vec::new(), Vec::new());
    let mut previous: Option<&Root<'_>> = None;
    for version in anchor..=newest {
        let root = roots.get(&version).ok_or_else(|| {
            Fault::missing(format!("{version}.root.json is missing, so the chain of roots cannot be verified"))
        })?;
        if let Some(previous) = previous {
            root.envelope.signers(previous.role("root")?, &repository.budget).map_err(|fault| match fault {
                Fault::Refused(message) => Fault::refused(format!("not signed by the previous root: {message}")),
                missing @ Fault::Missing(_) => missing,
            })?;
        }
        let (report, leaves) = root.own_signers(name, &repository.budget)?;
        reports.push(report);
        if version == anchor {
            anchor_certificates = leaves;
        } else {
            later_certificates = leaves;
        }
        previous = Some(root);
    }
    let last = roots.remove(&newest).ok_or_else(|| Fault::missing("root.json is missing"))?;
    Ok(Roots { last, anchor_keys, anchor_certificates, later_certificates, roles: reports })
}

/// The newest root that lists a pinned key as a root key and is signed by that key; without pins, the oldest root. The
/// pinned key's holder vouches for the whole root, so the root's own threshold determines who else must have signed.
fn find_anchor(roots: &BTreeMap<u64, Root<'_>>, pins: Pins<'_>, budget: &Budget) -> Result<(u64, Vec<String>), Fault> {
    let Pins::Keys(pins) = pins else {
        let first = roots.first_key_value();
        return first.map(|(version, _)| (*version, Vec::new())).ok_or_else(|| Fault::missing("there is no root"));
    };
    for (version, root) in roots.iter().rev() {
        let role = root.role("root")?;
        let pinned = role.keys.iter().filter(|(id, _)| pins.contains(id));
        let pinned = Role { keys: pinned.map(|(id, key)| (id.clone(), key.clone())).collect(), threshold: 1 };
        if !pinned.keys.is_empty()
            && let Ok(ids) = root.envelope.signers(&pinned, budget)
        {
            return Ok((*version, ids));
        }
    }
    let listed: Vec<&str> = roots
        .values()
        .next_back()
        .and_then(|root| root.roles.get("root"))
        .map(|role| role.keys.keys().map(String::as_str).collect())
        .unwrap_or_default();
    Err(Fault::refused(format!(
        "no root is signed by the pinned key {}; the newest root lists {}",
        pins.join(" or "),
        listed.join(", ")
    )))
}
