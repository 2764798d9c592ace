//! The index of verified builds: what each accepted or rejected manifest says of its image, found by the image's digest. Whoever asks
//! whether something may run, or what ran, asks here.
//!
//! It holds what stood behind the gate and no more: a bundle whose signature no trusted key accepts has an entry without an image, so that a
//! refusal can name it, and no digest leads to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::judge::finding::{Group, Verdict};

/// What a verified manifest says of the image that was pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltImage {
    /// Tags and digests as the signed log has them: sorted, each pair once, so that a tag is found without looking at all of them.
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

/// Every build of an evidence folder, found by what a question has: a digest, a repository, a name.
#[derive(Debug, Clone, Default)]
pub struct Builds {
    builds: Vec<Arc<Build>>,
    by_digest: BTreeMap<Sha256, Vec<usize>>,
    /// Newest first, once [`Builds::of`] has sorted them.
    by_repository: BTreeMap<String, Vec<usize>>,
    /// Builds without a verified manifest, by their names.
    unverified: BTreeMap<String, Vec<usize>>,
    without_image: usize,
}

impl BuiltImage {
    /// What was pushed under `tag`, or under any.
    fn pushed_as(&self, tag: Option<&str>) -> &[(String, Sha256)] {
        let Some(tag) = tag else { return &self.pushed };
        let start = self.pushed.partition_point(|(pushed, _)| pushed.as_str() < tag);
        let rest = self.pushed.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|(pushed, _)| pushed == tag)).unwrap_or_default()
    }
}

impl Build {
    /// Is it accepted at this moment, by an audit that was made before?
    pub fn is_accepted_at(&self, now: Timestamp) -> bool {
        self.accepted && self.until.is_none_or(|until| now < until)
    }
}

impl Builds {
    /// These builds, in their order.
    pub fn of(builds: Vec<Arc<Build>>) -> Self {
        let mut all = Self::default();
        for (at, build) in builds.iter().enumerate() {
            all.find_by(at, build);
        }
        let built = |at: &usize| builds.get(*at)?.image.as_ref()?.built;
        for found in all.by_repository.values_mut() {
            found.sort_by_key(|at| std::cmp::Reverse(built(at)));
        }
        Self { builds, ..all }
    }

    fn find_by(&mut self, at: usize, build: &Build) {
        let Some(image) = &build.image else {
            self.without_image += 1;
            if let Some(name) = &build.build_name {
                self.unverified.entry(name.clone()).or_default().push(at);
            }
            return;
        };
        for (_, digest) in &image.pushed {
            let known = self.by_digest.entry(*digest).or_default();
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
        for repository in &image.repositories {
            match self.by_repository.get_mut(repository) {
                Some(known) => known.push(at),
                None => drop(self.by_repository.insert(repository.clone(), vec![at])),
            }
        }
    }

    /// Every build, in its order.
    pub fn all(&self) -> impl Iterator<Item = &Build> {
        self.builds.iter().map(|build| &**build)
    }

    /// How many of them have no verified manifest.
    pub fn without_image(&self) -> usize {
        self.without_image
    }

    fn at(&self, places: Option<&Vec<usize>>) -> impl Iterator<Item = &Build> {
        places.into_iter().flatten().filter_map(|at| self.builds.get(*at)).map(|build| &**build)
    }

    /// The builds whose manifest names this digest.
    pub fn of_digest(&self, digest: &Sha256) -> impl Iterator<Item = &Build> {
        self.at(self.by_digest.get(digest))
    }

    /// The build that a digest leads to: one that is accepted at this moment before others.
    pub fn best_of_digest(&self, digest: &Sha256, now: Timestamp) -> Option<&Build> {
        let mut accepted = self.of_digest(digest).filter(|build| build.is_accepted_at(now));
        accepted.next().or_else(|| self.of_digest(digest).next())
    }

    /// The builds that pushed to a repository, newest first, each with the digests that it pushed under `tag`, or under any.
    pub fn of_tag(&self, repository: &str, tag: Option<&str>) -> impl Iterator<Item = (&Build, Sha256)> {
        self.at(self.by_repository.get(repository)).flat_map(move |build| {
            let pushed = build.image.as_ref().map_or(&[][..], |image| image.pushed_as(tag));
            let mut last = None;
            let new =
                pushed.iter().map(|(_, digest)| *digest).filter(move |digest| last.replace(*digest) != Some(*digest));
            new.map(move |digest| (build, digest))
        })
    }

    /// Bundles without a verified manifest whose names say that they may be of this repository. Names are not signed: this helps a reader
    /// to find them and no more.
    pub fn unverified_named(&self, repository: &str) -> impl Iterator<Item = &Build> {
        let prefix = format!("{}.", repository.replace('/', "."));
        let from = self.unverified.range(prefix.clone()..);
        let named = from.take_while(move |(name, _)| name.starts_with(&prefix));
        named.flat_map(|(_, places)| self.at(Some(places)))
    }
}
