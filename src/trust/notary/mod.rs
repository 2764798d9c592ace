//! Content trust: metadata of Notary v1 (an early form of The Update Framework), as the server or notary's client stores it.
//!
//! The walk, in its order:
//! 1. [`root`]: the newest root that a pinned key signed; from there one version at a time to `root.json`, each step signed by the
//!    old root's keys and by its own. Leaf certificates of root keys name the repository.
//! 2. `timestamp.json` and `snapshot.json`, signed by the root's keys for them; length and hashes over the files as stored.
//! 3. [`targets`]: `targets.json` and the delegations below it; a tag is looked for where docker looks for it.
//!
//! Sources: notary, tuf/ and client/ at 9d2b3b3; docker/cli, cli/command/trust. Unlike notary it refuses duplicate JSON keys, fractions
//! and large integers, and two ids of one key count once.
//! It does not look at clocks: times of expiry are handed out, for the checks to judge at the moment that matters.

mod envelope;
mod files;
mod hashes;
mod key;
mod root;
mod targets;

pub(crate) use self::files::Repository;
pub(crate) use self::hashes::Described;
pub(crate) use self::key::{Leaf, key_id};
pub(crate) use self::targets::Target;

use self::envelope::Envelope;
use self::root::Roots;
use self::targets::Targets;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// Why metadata is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is wrong: altered, mixed, or by other keys.
    Refused(String),
    /// A part is not there, so nothing can be said.
    Missing(String),
}

impl Fault {
    fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    fn missing(message: impl Into<String>) -> Self {
        Self::Missing(message.into())
    }
}

/// Which root keys are trusted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pins<'a> {
    /// Keys by their ids.
    Keys(&'a [String]),
    /// None: the roots are only shown to agree among themselves. Never enough for a check.
    Unpinned,
}

/// One metadata file that was believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleReport {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) expires: Timestamp,
    pub(crate) signers: Vec<String>,
}

/// Metadata whose every signature, hash and version holds, from a pinned root on.
#[derive(Debug)]
pub(crate) struct Trusted {
    /// The pinned keys that signed the root which the walk began with.
    pub(crate) anchor_keys: Vec<String>,
    /// The certificates of the root keys that signed that root.
    pub(crate) anchor_certificates: Vec<Leaf>,
    /// Those of the last root, where it is a later one.
    pub(crate) later_certificates: Vec<Leaf>,
    /// Every file that was walked through.
    pub(crate) roles: Vec<RoleReport>,
    targets: Targets,
}

impl Trusted {
    /// What `tag` leads to, as docker looks it up: `targets/releases`, then `targets`. `Ok(None)`: no signed target of that name.
    pub(crate) fn look_up(&self, tag: &str) -> Result<Option<(&str, &Target)>, Fault> {
        self.targets.look_up(tag)
    }

    /// Every signed target with the role that has it, and what was wrong with other delegations.
    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }
}

impl Repository<'_> {
    /// Walks from the pinned root to the targets. `repository` is the image's name in full, which the root certificates must name;
    /// `None` takes whatever they name.
    pub(crate) fn walk(&self, pins: Pins<'_>, repository: Option<&str>, limits: &Limits) -> Result<Trusted, Fault> {
        let Roots { last, anchor_keys, anchor_certificates, later_certificates, mut roles } =
            root::walk(self, pins, repository, limits)?;
        let timestamp = self.signed_file("timestamp", "Timestamp", &last, None, limits)?;
        let snapshot_hash = described(&timestamp.1, "snapshot")?;
        let snapshot = self.signed_file("snapshot", "Snapshot", &last, Some(&snapshot_hash), limits)?;
        let root_hash = described(&snapshot.1, "root")?;
        root_hash
            .compare(last.bytes)
            .map_err(|message| Fault::refused(format!("root.json, by snapshot.json: {message}")))?;
        let targets_hash = described(&snapshot.1, "targets")?;
        let targets = self.signed_file("targets", "Targets", &last, Some(&targets_hash), limits)?;
        roles.extend([timestamp.0, snapshot.0, targets.0]);
        let targets = targets::walk(self, targets.1, &snapshot.1, limits, &mut roles)?;
        Ok(Trusted { anchor_keys, anchor_certificates, later_certificates, roles, targets })
    }

    /// One of the three roles below root.
    fn signed_file(
        &self,
        role: &str,
        type_name: &str,
        root: &root::Root<'_>,
        described: Option<&Described>,
        limits: &Limits,
    ) -> Result<(RoleReport, Envelope), Fault> {
        let bytes = self.file(role, described)?;
        let envelope = Envelope::read(role, type_name, bytes, limits)?;
        let signers = envelope.signers(root.role(role)?, &self.budget)?;
        let (version, expires) = (envelope.version, envelope.expires);
        Ok((RoleReport { name: role.into(), version, expires, signers }, envelope))
    }
}

/// What `envelope` says of another file.
fn described(envelope: &Envelope, name: &str) -> Result<Described, Fault> {
    let meta = envelope::object(&envelope.signed, "meta").and_then(|meta| envelope::object(meta, name));
    let meta = meta.ok_or_else(|| Fault::refused(format!("{}.json does not name {name}", envelope.role)))?;
    Described::read(meta).map_err(|message| Fault::refused(format!("{}.json, {name}: {message}", envelope.role)))
}

#[cfg(test)]
mod suite_tests;
#[cfg(test)]
mod tests;
