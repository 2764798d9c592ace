//! Keys next to bundles: *given*, never trusted, for anyone can put one there. What can be said of one is which bundles it verifies.
//!
//! IBM's documents leave open whether a build server makes a key for each build or keeps one; this measures it.

use crate::base::words::counted;
use std::collections::BTreeMap;

use crate::base::limits::Limits;
use crate::gate::key::{Fingerprint, PublicKey};
use crate::judge::evidence::{Fact, Known};
use crate::report::BundleReport;

/// Adds to each accepted bundle's report what is known of the keys next to it that are named after it: fingerprint, and how many bundles of
/// this run it verifies. `beside` has the keys beside each bundle, in the reports' order.
///
/// Beyond `given_key_tries` only the bundle itself is tried. It changes no verdict.
pub(crate) fn add_given_keys(reports: &mut [BundleReport], beside: &[Vec<(String, PublicKey)>], limits: &Limits) {
    let given: Vec<Vec<&(String, PublicKey)>> = reports
        .iter()
        .zip(beside)
        .map(|(report, keys)| {
            keys.iter().filter(|(name, _)| is_fetched_name(name, report.build_name.as_deref())).collect()
        })
        .collect();
    let distinct: BTreeMap<Fingerprint, &PublicKey> =
        given.iter().flatten().map(|(_, key)| (key.fingerprint(), key)).collect();
    let bundles = reports.iter().filter(|report| report.seal.is_some()).count();
    let tries = (distinct.len() as u64).saturating_mul(bundles as u64);
    let counts: Option<BTreeMap<Fingerprint, usize>> = (tries <= limits.given_key_tries).then(|| {
        let count = |key: &PublicKey| reports.iter().filter(|report| verifies(key, report)).count();
        distinct.iter().map(|(fingerprint, key)| (*fingerprint, count(key))).collect()
    });
    for (report, keys) in reports.iter_mut().zip(given) {
        // Behind a closed gate nothing is told.
        if report.key.is_none() {
            continue;
        }
        for (name, key) in keys {
            let fingerprint = key.fingerprint();
            let what = match counts.as_ref().and_then(|counts| counts.get(&fingerprint)) {
                Some(count) => format!("verifies {count} of {}", counted(bundles, "bundle")),
                None if verifies(key, report) => "verifies this bundle".to_owned(),
                None => "does not verify this bundle".to_owned(),
            };
            let value = format!("{fingerprint} ({}, {} bits; {name}) {what}", key.kind(), key.bits());
            report.evidence.push(Fact::new("given-key", "beside-bundle", value, Known::Given));
        }
    }
}

/// `manifest.<build_name>-public.pem`, or `<build_name>-public.pem` as an older client has it.
fn is_fetched_name(file_name: &str, build_name: Option<&str>) -> bool {
    let bare = file_name.strip_suffix("-public.pem");
    let bare = bare.map(|bare| bare.strip_prefix("manifest.").unwrap_or(bare));
    bare.is_some() && bare == build_name
}

fn verifies(key: &PublicKey, report: &BundleReport) -> bool {
    report.seal.as_ref().is_some_and(|(digest, signature)| key.verify(digest, signature).is_ok())
}
