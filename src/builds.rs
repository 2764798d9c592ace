//! The index of verified builds: what each accepted or rejected manifest says of its image, found by the image's digest. Whoever asks
//! whether something may run, or what ran, asks here.
//!
//! It holds what stood behind the gate and no more: a bundle whose signature no trusted key accepts has an entry without an image, so that a
//! refusal can name it, and no digest leads to it.

use std::collections::BTreeMap;

use crate::digest::Sha256;
use crate::finding::{Group, Verdict};
use crate::time::Timestamp;

/// What a verified manifest says of the image that was pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltImage {
    /// Tags and digests as the signed log has them.
    pub pushed: Vec<(String, Sha256)>,
    /// Repositories that it was pushed to, spelled in full.
    pub repositories: Vec<String>,
    /// The repository's content-trust root key, as the signed log has it: base64 text.
    pub root_key: Option<String>,
    /// The commit that was proved.
    pub commit: Option<String>,
    /// When it was built, by the server's own clock.
    pub built: Option<Timestamp>,
}

/// One bundle and what its audit said.
#[derive(Debug, Clone)]
pub struct Build {
    /// The bundle's path.
    pub path: String,
    /// SHA-256 of the bundle's file, where it could be read.
    pub sha256: Option<Sha256>,
    /// The build's name, which nobody signed.
    pub build_name: Option<String>,
    /// The audit's verdict.
    pub verdict: Verdict,
    /// Does the audit exit with 0?
    pub accepted: bool,
    /// From when on the acceptance holds no more: the build is too old then, or a waiver that it needs is over.
    pub until: Option<Timestamp>,
    /// Why not, a line each.
    pub because: Vec<String>,
    /// Groups that the audit looked at.
    pub in_play: Vec<Group>,
    /// What the verified manifest says of its image.
    pub image: Option<BuiltImage>,
}

/// Every build of an evidence folder.
#[derive(Debug, Clone, Default)]
pub struct Builds {
    builds: Vec<Build>,
    by_digest: BTreeMap<Sha256, Vec<usize>>,
}

impl Build {
    /// Is it accepted at this moment, by an audit that was made before?
    pub fn is_accepted_at(&self, now: Timestamp) -> bool {
        self.accepted && self.until.is_none_or(|until| now < until)
    }
}

impl Builds {
    /// Adds a build.
    pub fn add(&mut self, build: Build) {
        let at = self.builds.len();
        for (_, digest) in build.image.iter().flat_map(|image| &image.pushed) {
            let known = self.by_digest.entry(*digest).or_default();
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
        self.builds.push(build);
    }

    /// Every build, in the order in which they were added.
    pub fn all(&self) -> &[Build] {
        &self.builds
    }

    /// The builds whose manifest names this digest.
    pub fn of_digest(&self, digest: &Sha256) -> impl Iterator<Item = &Build> {
        self.by_digest.get(digest).into_iter().flatten().filter_map(|at| self.builds.get(*at))
    }

    /// The build that a digest leads to: one that is accepted at this moment before others.
    pub fn best_of_digest(&self, digest: &Sha256, now: Timestamp) -> Option<&Build> {
        self.of_digest(digest).min_by_key(|build| !build.is_accepted_at(now))
    }

    /// The builds that pushed to a repository, newest first, each with the digests that it pushed under `tag`, or under any.
    pub fn of_tag<'b>(&'b self, repository: &str, tag: Option<&str>) -> Vec<(&'b Build, Sha256)> {
        let mut found: Vec<(Option<Timestamp>, &Build, Sha256)> = Vec::new();
        for build in &self.builds {
            let Some(image) = build.image.as_ref().filter(|image| image.repositories.iter().any(|r| r == repository))
            else {
                continue;
            };
            let mut digests: Vec<Sha256> = image
                .pushed
                .iter()
                .filter(|(pushed, _)| tag.is_none_or(|tag| tag == pushed))
                .map(|(_, d)| *d)
                .collect();
            digests.dedup();
            found.extend(digests.into_iter().map(|digest| (image.built, build, digest)));
        }
        found.sort_by_key(|(built, ..)| std::cmp::Reverse(*built));
        found.into_iter().map(|(_, build, digest)| (build, digest)).collect()
    }

    /// Bundles without a verified manifest whose names say that they may be of this repository. Names are not signed: this helps a reader
    /// to find them and no more.
    pub fn unverified_named(&self, repository: &str) -> impl Iterator<Item = &Build> {
        let prefix = format!("{}.", repository.replace('/', "."));
        self.builds.iter().filter(move |build| {
            build.image.is_none() && build.build_name.as_ref().is_some_and(|name| name.starts_with(&prefix))
        })
    }
}
