//! Draws a sample of builds for manual review in a way that anyone can repeat: each build's rank is the SHA-256 of the
//! seed, a line feed and the digest of the signed archive in hexadecimal. The builds with the lowest ranks are drawn. The order of files does not matter.

use std::collections::BTreeMap;

use super::{Audited, distinct};
use crate::base::digest::Sha256;
use crate::base::mask::mask;
use crate::report::{Sample, SampledBuild};

/// The number of builds to draw, and the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSize {
    /// The number of builds.
    pub count: usize,
    /// Any text. An auditor chooses the seed after receiving the evidence.
    pub seed: String,
}

/// Draws from the verified builds in the period.
pub(super) fn draw(audited: &[Audited<'_>], running: &BTreeMap<Sha256, usize>, size: &SampleSize) -> Sample {
    let mut ranked: Vec<SampledBuild> = Vec::new();
    for one in distinct(audited.iter().filter(|one| one.is_verified() && one.asked)) {
        let (Some(sha256), Some(archive)) = (one.build.sha256, one.build.archive) else { continue };
        ranked.push(SampledBuild {
            rank: Sha256::of(format!("{}\n{}", size.seed, archive.hex()).as_bytes()),
            bundle: one.build.path.clone(),
            sha256,
            archive,
            commit: one.commit().cloned(),
            approval: mask(one.approval.unwrap_or_else(|why| why)),
            places: one.places(running),
        });
    }
    let population = ranked.len();
    ranked.sort_by_key(|build| build.rank);
    ranked.truncate(size.count);
    Sample { seed: size.seed.clone(), population, builds: ranked }
}
