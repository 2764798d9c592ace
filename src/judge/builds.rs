//! The index of verified builds: what each accepted or rejected manifest states about its image, found by the image's digest. Admission and
//! reconciliation look images up here.
//!
//! The index contains only images from verified manifests. A bundle whose signature verifies under no trusted key has
//! an entry with no image, so that a refusal can mention the bundle. That entry cannot be found by digest.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::digest::Sha256;
use crate::base::time::Timestamp;
use crate::judge::finding::{Group, Verdict};

/// The statements of a verified manifest about the pushed image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltImage {
    /// Tags and digests from the signed log, sorted and without duplicates, so that a tag is found by binary search.
    pub pushed: Vec<(String, Sha256)>,
    /// Fully qualified names of the repositories to which the image was pushed.
    pub repositories: Vec<String>,
    /// The repository's content-trust root key from the signed log, as base64 text.
    pub root_key: Option<String>,
    /// The commit that was proved.
    pub commit: Option<String>,
    /// The time when the image was built, according to the server's own clock.
    pub built: Option<Timestamp>,
}

/// One bundle and the result of its audit.
#[derive(Debug, Clone)]
pub struct Build {
    /// The bundle's path.
    pub path: String,
    /// SHA-256 of the bundle's file, if it could be read.
    pub sha256: Option<Sha256>,
    /// SHA-256 of the signed archive, which identifies the build: the rest of the file is not signed, so anyone can make other files from it.
    pub archive: Option<Sha256>,
    /// The build's name in the names of the bundle's members. This name is not signed.
    pub build_name: Option<String>,
    /// The build name for reports, marked if it is not signed; or the path.
    pub title: String,
    /// The audit's verdict.
    pub verdict: Verdict,
    /// Whether the audit results in exit code 0.
    pub accepted: bool,
    /// The time when the build stops being accepted, because it becomes too old or because a waiver on which its acceptance depends expires.
    pub until: Option<Timestamp>,
    /// Why the bundle is not accepted, one line for each reason.
    pub because: Vec<String>,
    /// Groups that were in play.
    pub in_play: Vec<Group>,
    /// The statements of the verified manifest about its image.
    pub image: Option<BuiltImage>,
    /// The image that was examined, if the log has the digest of an index that leads to it.
    pub of_index: Option<OfIndex>,
}

/// An image that was examined, and to which a pushed index leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfIndex {
    /// The digest of the image's manifest.
    pub manifest: Sha256,
    /// Whether the index also leads to images that were not examined.
    pub has_others: bool,
}

impl OfIndex {
    /// The only image that was examined, if this digest is not that of the image and the index also leads to other images.
    pub fn only_examined(self, digest: Sha256) -> Option<Sha256> {
        (self.has_others && self.manifest != digest).then_some(self.manifest)
    }
}

/// All builds of an evidence folder, found by digest, repository or name.
#[derive(Debug, Clone, Default)]
pub struct Builds {
    builds: Vec<Arc<Build>>,
    by_digest: BTreeMap<Sha256, Vec<usize>>,
    /// The builds of each repository, newest first after [`Builds::of`] has sorted them.
    by_repository: BTreeMap<String, Vec<usize>>,
    /// Builds without a verified manifest, by their names.
    unverified: BTreeMap<String, Vec<usize>>,
    without_image: usize,
}

impl BuiltImage {
    /// The digests that were pushed under `tag`, or under any tag if `tag` is `None`.
    fn pushed_as(&self, tag: Option<&str>) -> &[(String, Sha256)] {
        let Some(tag) = tag else { return &self.pushed };
        let start = self.pushed.partition_point(|(pushed, _)| pushed.as_str() < tag);
        let rest = self.pushed.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|(pushed, _)| pushed == tag)).unwrap_or_default()
    }
}

impl Build {
    /// The only image that was examined, if this digest is that of an index which also leads to other images.
    pub fn only_examined(&self, digest: Sha256) -> Option<Sha256> {
        self.of_index?.only_examined(digest)
    }

    /// Whether the build, according to its audit, is accepted at this time.
    pub fn is_accepted_at(&self, now: Timestamp) -> bool {
        self.accepted && self.until.is_none_or(|until| now < until)
    }
}

impl Builds {
    /// Indexes these builds in the order in which they are supplied.
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
        for digest in
            image.pushed.iter().map(|(_, digest)| digest).chain(build.of_index.iter().map(|one| &one.manifest))
        {
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

    /// All builds, in order.
    pub fn all(&self) -> impl Iterator<Item = &Build> {
        self.builds.iter().map(|build| &**build)
    }

    /// The number of builds without a verified manifest.
    pub fn without_image(&self) -> usize {
        self.without_image
    }

    fn at<'b>(&'b self, places: Option<&'b Vec<usize>>) -> impl Iterator<Item = &'b Build> + use<'b> {
        places.into_iter().flatten().filter_map(|at| self.builds.get(*at)).map(|build| &**build)
    }

    /// The builds whose signed log records this digest, or the digest of an index that leads to the examined image with this digest.
    pub fn of_digest<'b>(&'b self, digest: &Sha256) -> impl Iterator<Item = &'b Build> + use<'b> {
        self.at(self.by_digest.get(digest))
    }

    /// The build for a digest. A build that is accepted at this time is preferred.
    pub fn best_of_digest(&self, digest: &Sha256, now: Timestamp) -> Option<&Build> {
        let mut accepted = self.of_digest(digest).filter(|build| build.is_accepted_at(now));
        accepted.next().or_else(|| self.of_digest(digest).next())
    }

    /// The builds that pushed to a repository, newest first, each with the digests that it pushed under `tag`, or under any tag if `tag` is `None`.
    pub fn of_tag(&self, repository: &str, tag: Option<&str>) -> impl Iterator<Item = (&Build, Sha256)> {
        self.at(self.by_repository.get(repository)).flat_map(move |build| {
            let pushed = build.image.as_ref().map_or(&[][..], |image| image.pushed_as(tag));
            let mut last = None;
            let new =
                pushed.iter().map(|(_, digest)| *digest).filter(move |digest| last.replace(*digest) != Some(*digest));
            new.map(move |digest| (build, digest))
        })
    }

    /// Bundles whose names match this repository, but whose manifest is not verified. Names are not signed, so the result only helps a reader to find
    /// the bundles.
    pub fn unverified_named(&self, repository: &str) -> impl Iterator<Item = &Build> {
        let prefix = format!("{}.", repository.replace('/', "."));
        let from = self.unverified.range(prefix.clone()..);
        let named = from.take_while(move |(name, _)| name.starts_with(&prefix));
        named.flat_map(|(_, places)| self.at(Some(places)))
    }
}
