//! Determines what a case for filing leaves out, and where the evidence seems to contain a secret.

use std::collections::BTreeMap;

use super::record::{BundleRecord, Member};
use super::{Case, CaseTerms};
use crate::archive::{MemberKind, TarReader, decompress};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::gate::bundle::Bundle;
use crate::gate::key::PublicKey;

/// Removes bundles, the server's responses and images, and returns their names, sizes and digests.
pub(super) fn leave_out(members: &mut BTreeMap<String, Vec<u8>>, bundles: &[BundleRecord]) -> Vec<Member> {
    let is_left_out = |name: &str| {
        bundles.iter().any(|bundle| {
            let image = bundle.image.as_ref().map(|image| image.place.as_str());
            let places = [Some(bundle.member.as_str()), bundle.server.as_deref(), image].into_iter().flatten();
            let mut rests = places.filter_map(|place| name.strip_prefix(place));
            rests.any(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let names: Vec<String> = members.keys().filter(|name| is_left_out(name)).cloned().collect();
    let out = names.into_iter().filter_map(|name| members.remove(&name).map(|content| Member::of(&name, &content)));
    out.collect()
}

/// Locations in the evidence that match the pattern of a secret: in the record and log of each signed archive, the
/// git config, and the server's responses. The secret itself is not shown.
pub(super) fn secrets_seen(case: &Case, terms: &CaseTerms, limits: &Limits) -> Result<Vec<String>, Error> {
    let mut places = Vec::new();
    let mut look = |place: String, content: &[u8]| {
        let text = String::from_utf8_lossy(content);
        if mask(&text) != text {
            places.push(place);
        }
    };
    let ring = terms.policy.keys_for(terms.keys.clone())?;
    for bundle in &case.record.bundles {
        for (path, content) in bundle.server.iter().flat_map(|folder| case.below(folder)) {
            look(format!("{}/{path}", bundle.server.as_deref().unwrap_or_default()), content);
        }
        let files = bundle
            .keys_beside
            .iter()
            .filter_map(|file| PublicKey::from_pem(&file.name, case.member(&file.member).ok()?, limits).ok());
        let beside: Vec<PublicKey> = files.collect();
        let Ok(archive) =
            Bundle::from_reader(case.member(&bundle.member)?, limits)?.verify(&ring.with_candidates(&beside))
        else {
            continue;
        };
        let what = "the signed archive";
        let expanded = decompress(archive.bytes(), 1, what, limits.expanded_bytes());
        let mut tar = TarReader::new(expanded, what, limits);
        while let Some(member) = tar.next_member()? {
            let name = member.path.to_string();
            let is_text = name.starts_with("data/") || (name.starts_with("git/") && name.ends_with("/.git/config"));
            if is_text && member.kind == MemberKind::File && member.size <= limits.build_log_bytes {
                look(format!("{}: {name}", bundle.member), &tar.read_content()?);
            }
        }
    }
    Ok(places)
}
