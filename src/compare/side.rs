//! One side of a comparison.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::budget::Budget;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::dossier::{ReadImage, Storage};
use crate::gate::bundle::Bundle;
use crate::gate::verify::{KeyRing, RevocationReason};
use crate::git::{Snapshot, SourceProof, prove};
use crate::image::tree::Tree;
use crate::image::{Choice, ImageFacts, Source};
use crate::manifest::Manifest;

/// One side of a comparison: the statements of a bundle, an image, or both.
#[derive(Debug)]
pub struct Side {
    /// The name as specified by the user.
    pub name: String,
    /// The contents of a verified bundle.
    pub build: Option<Build>,
    /// The image.
    pub image: Option<ImageFacts>,
    /// The source of the image.
    pub source: Source,
}

/// A signed archive, and what its snapshot proves.
#[derive(Debug)]
pub struct Build {
    /// The contents of the signed archive.
    pub manifest: Manifest,
    /// What the archive's snapshot proves, if there is exactly one snapshot.
    pub source: Option<SourceProof>,
}

/// What the log of a bundle says about the image next to the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    /// The log has one digest, which is that of the image or of an index that leads to the image; or the side is not a bundle with an image.
    Equal,
    /// The log has no digest.
    NoDigest,
    /// The log has several digests, one of which is that of the image or of an index that leads to the image.
    OneOfSeveral,
    /// The log has digests, but none is that of the image or of an index that leads to the image.
    Contradicted,
    /// The image has no manifest to compare with the log's digest.
    NoManifest,
}

impl Tie {
    /// A sentence about the side with this letter; `None` if there is nothing to state.
    pub(super) fn words(self, letter: &str) -> Option<String> {
        match self {
            Self::Equal => None,
            Self::NoDigest => Some(format!(
                "The log of {letter} has no digest: it is not shown that the image next to {letter} is the one that was pushed."
            )),
            Self::OneOfSeveral => {
                Some(format!("The log of {letter} has several digests; the image next to {letter} has one of them."))
            }
            Self::Contradicted => {
                Some(format!("The image next to {letter} is not the one in its log: {letter} contradicts itself."))
            }
            Self::NoManifest => Some(format!(
                "The image next to {letter} has no manifest, so it cannot be compared with the digest in the log."
            )),
        }
    }
}

/// Reads the files of an image's layer number `at`, counted from 0; `None` if the layer's bytes are not available.
pub type ReadLayer<'a> = dyn Fn(&Source, &ImageFacts, usize, &Limits) -> Result<Option<Tree>, Error> + 'a;

/// How to read the two sides.
pub struct Comparing<'a> {
    /// The keys under which bundles are verified.
    pub keys: &'a KeyRing,
    /// The platform to use if an image has several platforms.
    pub platform: Option<&'a str>,
    /// Reads an image.
    pub read_image: &'a ReadImage<'a>,
    /// Reads a layer that differs.
    pub read_layer: &'a ReadLayer<'a>,
    /// Number of threads. The number of threads does not change the result.
    pub threads: usize,
    /// The limits.
    pub limits: &'a Limits,
}

impl Comparing<'_> {
    /// Reads a side. The inner error states why a bundle or an image cannot be used for a comparison.
    ///
    /// # Errors
    /// [`Error::NoKey`] for a bundle without a key to verify it; errors from reading.
    pub fn side(&self, source: &Source) -> Result<Result<Side, String>, Error> {
        let mut choice =
            Choice { platforms: self.platform.map(str::to_owned).into_iter().collect(), digests: Vec::new() };
        let mut side = Side { name: source.to_string(), build: None, image: None, source: source.clone() };
        let read = |source: &Source, choice: &Choice| {
            (self.read_image)(source, choice, self.limits, &Budget::of_audit(0, self.limits))?.decided()
        };
        match bundle_path(source) {
            Some(path) => {
                let build = match self.signed(&path)? {
                    Ok(build) => build,
                    Err(why) => return Ok(Err(why)),
                };
                choice.digests = build.pushed();
                if let Some(layout) = Storage::Disk.image_beside(&path) {
                    side.source = layout;
                    side.image = Some(read(&side.source, &choice)?);
                }
                side.build = Some(build);
            }
            None => side.image = Some(read(source, &choice)?),
        }
        side.image.iter().try_for_each(|image| image.must_be_for(self.platform))?;
        if let Some(fault) = side.image.as_ref().and_then(|image| image.contradictions().into_iter().next()) {
            return Ok(Err(format!("the image of {} contradicts itself: {fault}", side.name)));
        }
        if let Some(what) = side.image.as_ref().and_then(|image| image.not_supported().into_iter().next()) {
            return Ok(Err(format!("the image of {} cannot be read: {what}", side.name)));
        }
        Ok(Ok(side))
    }

    fn signed(&self, path: &Path) -> Result<Result<Build, String>, Error> {
        let limits = self.limits;
        let beside = Storage::Disk.keys_beside(path, limits);
        if self.keys.keys().is_empty() {
            let beside = beside.iter().map(|(name, key)| (name.clone(), key.fingerprint())).collect();
            return Err(Error::NoKey { beside });
        }
        let bundle = Bundle::from_reader(Storage::Disk.open(path)?, limits)?;
        match bundle.verify(&self.keys.with_candidates(beside.iter().map(|(_, key)| key))) {
            Ok(archive) if archive.key().revoked.is_some_and(|one| one.reason == RevocationReason::Compromised) => {
                Ok(Err(format!("the policy revokes the key of {} as compromised", slashed(path))))
            }
            Ok(archive) => {
                let mut build = Build { manifest: Manifest::read(&archive, limits)?, source: None };
                build.source = build.snapshot().map(|snapshot| prove(snapshot, self.threads, limits));
                Ok(Ok(build))
            }
            Err(_) => Ok(Err(format!("the signature of {} was not verified with a trusted key", slashed(path)))),
        }
    }
}

impl Side {
    /// How the image next to a bundle relates to the bundle's log.
    pub(super) fn tie(&self) -> Tie {
        let (Some(build), Some(image)) = (&self.build, &self.image) else { return Tie::Equal };
        let stated: BTreeSet<Sha256> = build.pushed().into_iter().collect();
        let mut found = image.indexes.iter().chain(&image.manifest).peekable();
        match stated.len() {
            0 => Tie::NoDigest,
            _ if found.peek().is_none() => Tie::NoManifest,
            count => match found.any(|document| stated.contains(&document.digest)) {
                true if count == 1 => Tie::Equal,
                true => Tie::OneOfSeveral,
                false => Tie::Contradicted,
            },
        }
    }
}

impl Build {
    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.manifest.snapshots.first().filter(|_| self.manifest.snapshots.len() == 1)
    }

    /// The digests of pushed images, as listed in the log.
    pub(super) fn pushed(&self) -> Vec<Sha256> {
        self.manifest.log.iter().flat_map(|log| log.pushed().map(|(_, digest, _)| digest)).collect()
    }
}

/// The path, if the source is a bare path to a file that begins with bzip2's magic bytes, or to a folder with one bundle and no image.
fn bundle_path(source: &Source) -> Option<PathBuf> {
    let Source::Path(path) = source else { return None };
    if path.is_dir() {
        let is_image = ["index.json", "manifest.json"].iter().any(|name| path.join(name).exists());
        let found = Storage::Disk.find_bundles(std::slice::from_ref(path), &Limits::default()).ok()?;
        let one = matches!(found.as_slice(), [_]) && !is_image;
        return found.into_iter().next().filter(|_| one);
    }
    let mut start = [0; 3];
    File::open(path).ok()?.read_exact(&mut start).ok()?;
    (&start == b"BZh").then(|| path.clone())
}
