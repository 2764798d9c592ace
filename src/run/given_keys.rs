//! Key files next to bundles: *given*, because anyone can put a file there. This module only states how many bundles such a key verifies.
//!
//! IBM's documentation does not state whether a build server creates a new key for each build or
//! reuses one key. The counts in the report indicate which of the two it does.

use crate::base::words::counted;
use std::collections::BTreeMap;

use crate::base::limits::Limits;
use crate::gate::key::{Fingerprint, PublicKey};
use crate::judge::evidence::{Fact, Known};
use crate::report::BundleReport;

/// For each key file that has the build's name and is next to a bundle with a verified signature, adds a fact to the bundle's report: the
/// fingerprint, and how many bundles of this run the key verifies. `beside` contains the keys next to each bundle, in the order of the reports.
///
/// Beyond `given_key_tries`, each key is tried only on its own bundle. No verdict changes.
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
        // Nothing is reported for a bundle whose signature verifies under no trusted key.
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

/// Whether the file is named `manifest.<build_name>-public.pem`, or `<build_name>-public.pem`, the name that older clients use.
fn is_fetched_name(file_name: &str, build_name: Option<&str>) -> bool {
    let bare = file_name.strip_suffix("-public.pem");
    let bare = bare.map(|bare| bare.strip_prefix("manifest.").unwrap_or(bare));
    bare.is_some() && bare == build_name
}

fn verifies(key: &PublicKey, report: &BundleReport) -> bool {
    report.seal.as_ref().is_some_and(|(digest, signature)| key.verify(digest, signature).is_ok())
}
