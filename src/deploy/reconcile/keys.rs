//! The first and the last use of each key.

use std::collections::BTreeMap;

use super::{Audited, distinct};
use crate::judge::policy::Policy;
use crate::report::KeyUse;

/// One entry for each key that the policy lists or that verified a bundle, sorted by fingerprint.
pub(super) fn uses(audited: &[Audited<'_>], policy: &Policy) -> Vec<KeyUse> {
    let unused = |fingerprint, name| KeyUse {
        fingerprint,
        name,
        grade: None,
        builds: 0,
        builds_in_period: 0,
        first: None,
        last: None,
    };
    let named = policy.keys.keys().iter().map(|key| (key.fingerprint, unused(key.fingerprint, key.name.clone())));
    let mut uses: BTreeMap<_, KeyUse> = named.collect();
    let verified = || audited.iter().filter(|one| one.is_verified());
    for key in verified().filter_map(|one| one.report.key.as_ref()) {
        let used = uses.entry(key.fingerprint).or_insert_with(|| unused(key.fingerprint, None));
        used.grade = Some(used.grade.map_or(key.grade, |grade| grade.min(key.grade)));
    }
    for one in distinct(verified()) {
        let Some(used) = one.report.key.as_ref().and_then(|key| uses.get_mut(&key.fingerprint)) else { continue };
        used.builds += 1;
        used.builds_in_period += usize::from(one.asked);
        if let Some(built) = one.build.image.as_ref().and_then(|image| image.built) {
            used.first = Some(used.first.map_or(built, |first| first.min(built)));
            used.last = Some(used.last.map_or(built, |last| last.max(built)));
        }
    }
    uses.into_values().collect()
}
