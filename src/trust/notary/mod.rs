//! Content trust: metadata of Notary v1 (an early form of The Update Framework), as stored by the server or Notary's
//! client.
//!
//! The steps, in order:
//! 1. [`root`]: the newest root that a pinned key signed, and from there one version at a time to `root.json`. Each new root must be signed by the
//!    old root's keys and by its own. The leaf certificates of root keys must match the repository's name (identical, or a prefix followed by `*`).
//! 2. `timestamp.json` and `snapshot.json`, signed by the keys that the root lists for them. Lengths and hashes in
//!    metadata are compared with the files as stored.
//! 3. [`targets`]: `targets.json` and the delegations below it. A tag is looked up in the order that docker uses.
//!
//! Sources: notary, tuf/ and client/ at 9d2b3b3; docker/cli, cli/command/trust. Unlike Notary, this code refuses
//! duplicate JSON keys, fractions and large integers, and counts several ids of one key only once.
//!
//! No clock is used here: expiry times are returned, and the checks compare them with the relevant time.

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

use std::collections::BTreeSet;

use self::envelope::Envelope;
use self::root::Roots;
use self::targets::Targets;
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// The reason why metadata is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The metadata is wrong: modified, mixed up, or signed by other keys.
    Refused(String),
    /// Undecided, because a part is missing.
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

/// The root keys that are trusted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pins<'a> {
    /// Keys by id.
    Keys(&'a [String]),
    /// No key is trusted: the roots are only checked for consistency with each other, which is never enough for a check
    /// to pass.
    Unpinned,
}

/// One metadata file that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleReport {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) expires: Timestamp,
    pub(crate) signers: Vec<String>,
}

/// Metadata whose signatures, hashes and root versions were verified, starting at a pinned root (if there are pins).
#[derive(Debug)]
pub(crate) struct Trusted {
    /// The pinned keys that signed the first root of the chain.
    pub(crate) anchor_keys: Vec<String>,
    /// The certificates of the root keys that signed that root.
    pub(crate) anchor_certificates: Vec<Leaf>,
    /// The certificates of the last root, if the last root is not also the first.
    pub(crate) later_certificates: Vec<Leaf>,
    /// Every file that was verified along the chain.
    pub(crate) roles: Vec<RoleReport>,
    targets: Targets,
}

impl Trusted {
    /// Looks up `tag` as docker does: in `targets/releases`, then in `targets`. `Ok(None)` if there is no signed target
    /// with that name.
    pub(crate) fn look_up(&self, tag: &str) -> Result<Option<(&str, &Target)>, Fault> {
        self.targets.look_up(tag)
    }

    /// Every readable signed target with its role, and the faults of delegations that were not accepted.
    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }
}

/// A repository's metadata from the pinned root to the snapshot.
pub(crate) struct Begun<'a> {
    roots: Roots<'a>,
    timestamp: (RoleReport, Envelope),
    snapshot: Result<(RoleReport, Envelope), Fault>,
}

impl Begun<'_> {
    pub(crate) fn state(&self) -> State {
        let of = |envelope: &Envelope| (envelope.version, envelope.digest);
        let names = self.roots.anchor_certificates.iter().filter_map(|leaf| leaf.common_name.clone()).collect();
        let snapshot = self.snapshot.as_ref().ok().map(|(_, envelope)| of(envelope));
        State { names, timestamp: of(&self.timestamp.1), snapshot }
    }

    pub(crate) fn finish(self, repository: &Repository<'_>, limits: &Limits) -> Result<Trusted, Fault> {
        let Roots { last, anchor_keys, anchor_certificates, later_certificates, mut roles } = self.roots;
        let snapshot = self.snapshot?;
        let root_hash = described(&snapshot.1, "root")?;
        root_hash
            .compare(last.bytes)
            .map_err(|message| Fault::refused(format!("root.json, compared with snapshot.json: {message}")))?;
        let targets_hash = described(&snapshot.1, "targets")?;
        let targets = repository.signed_file("targets", "Targets", &last, Some(&targets_hash), limits)?;
        roles.extend([self.timestamp.0, snapshot.0, targets.0]);
        let targets = targets::walk(repository, targets.1, &snapshot.1, limits, &mut roles)?;
        Ok(Trusted { anchor_keys, anchor_certificates, later_certificates, roles, targets })
    }
}

/// The state of a repository that a client of TUF remembers, to refuse an older one.
#[derive(Debug)]
pub(crate) struct State {
    /// The names of the repositories in the root's certificates.
    names: BTreeSet<String>,
    /// Versions, and digests of the signed content.
    timestamp: (u64, Sha256),
    snapshot: Option<(u64, Sha256)>,
}

impl State {
    /// Whether another state of the same repository is newer, or is a different one with the same version.
    pub(crate) fn is_overtaken_by(&self, other: &Self) -> bool {
        let is_behind =
            |own: &(u64, Sha256), other: &(u64, Sha256)| own.0 < other.0 || (own.0 == other.0 && own.1 != other.1);
        let snapshots = self.snapshot.as_ref().zip(other.snapshot.as_ref());
        self.names == other.names
            && (is_behind(&self.timestamp, &other.timestamp)
                || snapshots.is_some_and(|(own, other)| is_behind(own, other)))
    }
}

impl Repository<'_> {
    /// Verifies the chain from the pinned root to the targets. `repository` is the image's full name, which must match the names in the root
    /// certificates (identical, or a prefix followed by `*`); with `None`, any name is accepted.
    pub(crate) fn walk(&self, pins: Pins<'_>, repository: Option<&str>, limits: &Limits) -> Result<Trusted, Fault> {
        self.begin(pins, repository, limits)?.finish(self, limits)
    }

    /// The first part of [`Self::walk`]: root, timestamp and, if it is there and accepted, snapshot.
    pub(crate) fn begin(&self, pins: Pins<'_>, repository: Option<&str>, limits: &Limits) -> Result<Begun<'_>, Fault> {
        let roots = root::walk(self, pins, repository, limits)?;
        let timestamp = self.signed_file("timestamp", "Timestamp", &roots.last, None, limits)?;
        let snapshot = described(&timestamp.1, "snapshot");
        let snapshot =
            snapshot.and_then(|hash| self.signed_file("snapshot", "Snapshot", &roots.last, Some(&hash), limits));
        Ok(Begun { roots, timestamp, snapshot })
    }

    /// Reads and verifies one of the three roles below the root.
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

/// The description of another file in `envelope`.
fn described(envelope: &Envelope, name: &str) -> Result<Described, Fault> {
    let meta = envelope::object(&envelope.signed, "meta").and_then(|meta| envelope::object(meta, name));
    let meta = meta.ok_or_else(|| Fault::refused(format!("{}.json does not list {name}", envelope.role)))?;
    Described::read(meta).map_err(|message| Fault::refused(format!("{}.json, {name}: {message}", envelope.role)))
}

#[cfg(test)]
mod state_tests {
    use super::*;

    /// Two contents of one version contradict each other.
    #[test]
    fn a_newer_or_different_state_of_one_repository_overtakes() {
        let state = |name: &str, timestamp: (u64, &[u8]), snapshot: Option<(u64, &[u8])>| {
            let of = |(version, content): (u64, &[u8])| (version, Sha256::of(content));
            State { names: [name.to_owned()].into(), timestamp: of(timestamp), snapshot: snapshot.map(of) }
        };
        let own = state("a", (4, b"x"), Some((5, b"y")));
        for (other, expected) in [
            (state("a", (4, b"x"), Some((5, b"y"))), false),
            (state("a", (5, b"x"), None), true),
            (state("a", (4, b"z"), None), true),
            (state("a", (3, b"x"), Some((6, b"y"))), true),
            (state("a", (3, b"x"), Some((5, b"z"))), true),
            (state("a", (3, b"z"), Some((4, b"z"))), false),
            (state("b", (9, b"x"), None), false),
        ] {
            assert_eq!(own.is_overtaken_by(&other), expected, "{other:?}");
        }
    }
}

#[cfg(test)]
mod suite_tests;
#[cfg(test)]
mod tests;
