//! Targets: signed image names, and the roles that may sign them.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::envelope::{Envelope, Keys, Role, object};
use super::files::Repository;
use super::hashes::Described;
use super::{Fault, RoleReport, described};
use crate::base::limits::Limits;

/// The delegation that docker uses for signing and searches first.
const RELEASES: &str = "targets/releases";
const NAME_BYTES_MAX: usize = 255;

/// The image to which a signed name points: the length and digest of its manifest.
pub(crate) type Target = Described;

/// Targets by name, or an error for a target that cannot be read.
type NamedTargets = BTreeMap<String, Result<Target, String>>;

/// All roles that have targets.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    /// The roles' targets, in the order in which they were read.
    roles: Vec<(String, NamedTargets)>,
    /// Delegations that were not accepted.
    faults: Vec<(String, Fault)>,
}

impl Targets {
    pub(super) fn look_up(&self, tag: &str) -> Result<Option<(&str, &Target)>, Fault> {
        if let Some((_, fault)) = self.faults.iter().find(|(role, _)| role == RELEASES) {
            return Err(fault.clone());
        }
        for name in [RELEASES, "targets"] {
            let role = self.roles.iter().find(|(role, _)| role == name);
            match role.and_then(|(role, targets)| Some((role, targets.get(tag)?))) {
                Some((role, Ok(target))) => return Ok(Some((role, target))),
                Some((role, Err(message))) => {
                    return Err(Fault::refused(format!("{role}.json, target {tag:?}: {message}")));
                }
                None => {}
            }
        }
        Ok(None)
    }

    /// Every readable signed target with its role and name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str, &Target)> {
        self.roles.iter().flat_map(|(role, targets)| {
            let sound = targets.iter().filter_map(|(name, target)| Some((name, target.as_ref().ok()?)));
            sound.map(move |(name, target)| (role.as_str(), name.as_str(), target))
        })
    }

    /// Delegations that were not accepted, and why.
    pub(crate) fn faults(&self) -> &[(String, Fault)] {
        &self.faults
    }
}

/// A role that may sign names with certain prefixes on behalf of another role.
struct Delegation {
    name: String,
    role: Result<Role, Fault>,
    paths: Beginnings,
}

/// Reads the targets in `targets.json` and in every delegation below it that the snapshot lists.
pub(super) fn walk(
    repository: &Repository<'_>,
    top: Envelope,
    snapshot: &Envelope,
    limits: &Limits,
    reports: &mut Vec<RoleReport>,
) -> Result<Targets, Fault> {
    let mut targets = Targets::default();
    let everything = Beginnings::of(vec![String::new()]);
    targets.roles.push(("targets".into(), read_targets(&top, &everything)?));
    let mut waiting = delegations(&top, &everything)?;
    let mut seen: u64 = 0;
    while let Some(delegation) = waiting.pop() {
        seen += 1;
        if seen > limits.trust_delegations {
            return Err(Fault::refused(format!("more than {} delegations", limits.trust_delegations)));
        }
        if targets.roles.iter().any(|(name, _)| *name == delegation.name) {
            return Err(Fault::refused(format!("duplicate delegation {}", delegation.name)));
        }
        // A delegation that was never used has no file, and the snapshot does not list it.
        let meta = object(&snapshot.signed, "meta");
        if !meta.is_some_and(|meta| meta.contains_key(&delegation.name)) {
            continue;
        }
        match read_delegation(repository, &delegation, snapshot, limits) {
            Ok((report, own, below)) => {
                reports.push(report);
                targets.roles.push((delegation.name, own));
                waiting.extend(below);
            }
            Err(fault) => targets.faults.push((delegation.name, fault)),
        }
    }
    Ok(targets)
}

type Read = (RoleReport, NamedTargets, Vec<Delegation>);

fn read_delegation(
    repository: &Repository<'_>,
    delegation: &Delegation,
    snapshot: &Envelope,
    limits: &Limits,
) -> Result<Read, Fault> {
    let role = delegation.role.as_ref().map_err(Fault::clone)?;
    let bytes = repository.file(&delegation.name, Some(&described(snapshot, &delegation.name)?))?;
    let envelope = Envelope::read(&delegation.name, "Targets", bytes, limits)?;
    let signers = envelope.signers(role, &repository.budget)?;
    let report =
        RoleReport { name: delegation.name.clone(), version: envelope.version, expires: envelope.expires, signers };
    let own = read_targets(&envelope, &delegation.paths)?;
    Ok((report, own, delegations(&envelope, &delegation.paths)?))
}

/// The targets whose names begin with one of `paths`; the role may not sign any other targets.
fn read_targets(envelope: &Envelope, paths: &Beginnings) -> Result<NamedTargets, Fault> {
    let empty = Map::new();
    let listed = match envelope.signed.get("targets") {
        Some(Value::Object(listed)) => listed,
        None | Some(Value::Null) => &empty,
        Some(_) => return Err(Fault::refused(format!("{}.json: `targets` is not an object", envelope.role))),
    };
    let own = listed.iter().filter(|(name, _)| paths.fit(name));
    Ok(own
        .map(|(name, target)| {
            let target = target.as_object().ok_or_else(|| "it is not an object".to_owned()).and_then(Described::read);
            (name.clone(), target)
        })
        .collect())
}

/// The roles to which `envelope` delegates. A delegation must be a direct child. Only the delegation's paths that begin with one of the parent's
/// paths are used.
fn delegations(envelope: &Envelope, parent_paths: &Beginnings) -> Result<Vec<Delegation>, Fault> {
    let refuse = |message: String| Fault::refused(format!("{}.json: {message}", envelope.role));
    let empty = Map::new();
    let delegations = match envelope.signed.get("delegations") {
        Some(Value::Object(delegations)) => delegations,
        None | Some(Value::Null) => &empty,
        Some(_) => return Err(refuse("`delegations` is not an object".into())),
    };
    let keys = Keys::new(object(delegations, "keys").unwrap_or(&empty));
    let mut read: Vec<Delegation> = Vec::new();
    let mut names: HashSet<&str> = HashSet::new();
    for entry in delegations.get("roles").and_then(Value::as_array).into_iter().flatten() {
        let entry = entry.as_object().ok_or_else(|| refuse("a delegation is not an object".into()))?;
        let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
        if !is_direct_child(name, &envelope.role) {
            return Err(refuse(format!("{name:?} is not a valid name for a delegation below it")));
        }
        if !names.insert(name) {
            return Err(refuse(format!("duplicate delegation {name}")));
        }
        let paths = entry.get("paths").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let paths = Beginnings::of(paths.filter(|path| parent_paths.fit(path)).map(str::to_owned).collect());
        read.push(Delegation { name: name.into(), role: Role::read(name, entry, &keys), paths });
    }
    Ok(read)
}

/// Sorted prefixes of names. No prefix begins with another prefix, so only the last prefix that is not greater than a
/// name can match that name.
#[derive(Debug)]
pub(super) struct Beginnings(Vec<String>);

impl Beginnings {
    pub(super) fn of(mut paths: Vec<String>) -> Self {
        paths.sort_unstable();
        let mut kept: Vec<String> = Vec::new();
        for path in paths {
            if kept.last().is_none_or(|last| !path.starts_with(last.as_str())) {
                kept.push(path);
            }
        }
        Self(kept)
    }

    /// Whether the name begins with one of the prefixes.
    pub(super) fn fit(&self, name: &str) -> bool {
        let end = self.0.partition_point(|path| path.as_str() <= name);
        let last = end.checked_sub(1).and_then(|at| self.0.get(at));
        last.is_some_and(|path| name.starts_with(path.as_str()))
    }
}

fn is_direct_child(name: &str, parent: &str) -> bool {
    let own = name.strip_prefix(parent).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    !own.is_empty() && own.bytes().all(allowed) && name.len() <= NAME_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If `targets/releases` was not accepted, that delegation may have replaced any tag in `targets`. Other delegations do not affect any tag.
    #[test]
    fn every_tag_fails_if_the_releases_delegation_is_refused() {
        let with_fault = |role: &str| Targets {
            roles: vec![("targets".into(), NamedTargets::new())],
            faults: vec![(role.into(), Fault::refused("not signed"))],
        };
        assert!(with_fault(RELEASES).look_up("v1").is_err());
        assert_eq!(with_fault("targets/qa").look_up("v1"), Ok(None));
    }
}
