//! Builds to look at by hand, drawn so that anybody can draw them again: each build's rank is the SHA-256 of the seed, a line feed and the
//! digest of its bundle in hexadecimal, and the lowest ranks are drawn. Neither the order of files nor this program has a say in it.

use std::collections::{BTreeMap, BTreeSet};

use super::Audited;
use crate::base::digest::Sha256;
use crate::base::mask::mask;
use crate::report::{Sample, SampledBuild};

/// How many builds are drawn, and by which seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSize {
    /// How many.
    pub count: usize,
    /// Any text. An auditor chooses it after the evidence is handed over.
    pub seed: String,
}

/// Draws from the verified builds of the period; a bundle that lies there twice is one.
pub(super) fn draw(audited: &[Audited<'_>], running: &BTreeMap<Sha256, usize>, size: &SampleSize) -> Sample {
    let mut met = BTreeSet::new();
    let mut ranked: Vec<SampledBuild> = Vec::new();
    for one in audited.iter().filter(|one| one.is_verified() && one.asked) {
        let Some(sha256) = one.build.sha256.filter(|sha256| met.insert(*sha256)) else { continue };
        ranked.push(SampledBuild {
            rank: Sha256::of(format!("{}\n{}", size.seed, sha256.hex()).as_bytes()),
            bundle: one.build.path.clone(),
            sha256,
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
