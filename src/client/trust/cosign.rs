//! cosign: saves, as an OCI layout, signatures and attestations that the registry stores with the image.
//!
//! Source: sigstore/cosign, specs/SIGNATURE_SPEC.md (tags `sha256-<hex>.sig` and `.att`); Distribution specification,
//! "Listing referrers" and its fallback tag `sha256-<hex>`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::client::answers::{Absence, Asked};
use crate::client::json::read_json;
use crate::client::layout::{Layers, Layout};
use crate::client::registry::{Document, Found, Registry};
use crate::client::run::Saver;
use crate::client::step::Source;

const PLACE: &str = "trust/cosign";

/// Saves the manifests that refer to the image: first those found by tag, then those found in lists. A failure in one step does not stop the
/// other, but then no index is saved.
pub(crate) fn save(saver: &mut Saver<'_>, registry: &Registry<'_>, from: &str, digest: Sha256) {
    let left = saver.run.limits.trust_source_bytes();
    let mut layout = Layout { registry, folder: PLACE, layers: Layers::Save, left };
    let mut top = Vec::new();
    let faults = saver.report.faults.len();
    saver.step(Source::CosignTags, from, |saver| save_tags(saver, &mut layout, from, digest, &mut top));
    saver.step(Source::Referrers, from, |saver| {
        save_referrers(saver, &mut layout, from, digest, &mut top);
        if saver.report.faults.len() == faults {
            layout.save_index(saver, &top);
        }
    });
}

type Top = Vec<(Document, Option<String>)>;

fn save_tags(saver: &mut Saver<'_>, layout: &mut Layout<'_>, from: &str, digest: Sha256, top: &mut Top) {
    let faults = saver.report.faults.len();
    let mut statuses = BTreeSet::new();
    for suffix in ["sig", "att", "sbom"] {
        let tag = format!("sha256-{}.{suffix}", digest.hex());
        match layout.registry.manifest(Asked::CosignTag, &tag) {
            Ok(Ok(document)) => {
                if layout.save_tree(saver, document.clone()) {
                    saver.received(&format!("{PLACE}/{tag}"));
                }
                saver.received(&format!("{PLACE}/tags"));
                top.push((document, Some(tag)));
            }
            Ok(Err(absence)) => statuses.extend(absence.status),
            Err(error) => saver.fault(&format!("{PLACE}/{tag}"), from, error),
        }
    }
    if top.is_empty() && saver.report.faults.len() == faults {
        let absence = Absence::of("the registry", &statuses);
        let absence = absence.and("for this image's tags that end in .sig, .att and .sbom");
        saver.absent(&format!("{PLACE}/tags"), from, absence);
    }
}

fn save_referrers(saver: &mut Saver<'_>, layout: &mut Layout<'_>, from: &str, digest: Sha256, top: &mut Top) {
    let faults = saver.report.faults.len();
    let mut digests = BTreeSet::new();
    let mut absence = Absence::from("the registry's list of referrers is empty");
    let list = listed(saver.run.limits, layout.registry, digest, &mut digests);
    let is_answered = list.is_ok();
    match list {
        Ok(Some(absent)) => absence = absent.and("to the request for referrers"),
        Ok(None) => {}
        Err(error) => saver.fault(&format!("{PLACE}/referrers"), from, error),
    }
    // Some registries do not provide a list of referrers, and some clients do not rely on it; the list is then stored under a tag.
    let tag = format!("sha256-{}", digest.hex());
    let by_tag = layout.registry.manifest(Asked::CosignTag, &tag);
    let of_tag = by_tag.and_then(|list| match list {
        Ok(list) => add(saver.run.limits, &list, &mut digests).map(|()| {
            saver.received(&format!("{PLACE}/{tag}"));
            "and the list under the referrers tag is empty".into()
        }),
        Err(absent) => Ok(format!("and {} to the request for the referrers tag", absent.why)),
    });
    let of_tag = of_tag.unwrap_or_else(|error| {
        saver.fault(&format!("{PLACE}/{tag}"), from, error);
        String::new()
    });
    if digests.is_empty() && saver.report.faults.len() == faults {
        return saver.absent(&format!("{PLACE}/referrers"), from, absence.and(&of_tag));
    }
    if is_answered {
        saver.received(&format!("{PLACE}/referrers"));
    }
    for named in digests {
        let place = format!("{PLACE}/blobs/sha256/{}", named.hex());
        if top.iter().any(|(known, _)| known.digest == named) {
            saver.has(&place);
            continue;
        }
        match layout.registry.manifest(Asked::Referrer, &named.to_string()) {
            Ok(Ok(document)) => {
                layout.save_tree(saver, document.clone());
                top.push((document, None));
            }
            Ok(Err(absence)) => saver.absent(&place, from, absence),
            Err(error) => saver.fault(&place, from, error),
        }
    }
}

/// Adds the manifests on every page of the registry's list. If the registry sends no such list, returns the reason.
fn listed(
    limits: &Limits,
    registry: &Registry<'_>,
    digest: Sha256,
    digests: &mut BTreeSet<Sha256>,
) -> Result<Option<Absence>, Error> {
    let mut seen = BTreeSet::new();
    let mut at = None;
    loop {
        match registry.referrers(digest, at.as_ref())? {
            Found::Absent(absence) if at.is_none() => return Ok(Some(absence)),
            Found::Absent(absence) => {
                let message = format!("the next page: {}", absence.why);
                return Err(Error::malformed("the list of the image's referrers", message));
            }
            Found::Here(page, next) => {
                add(limits, &page, digests)?;
                if let Some(next) = next {
                    limits.listing_pages().check(seen.len() as u64 + 1, "the list of the image's referrers")?;
                    if !seen.insert(next.to_string()) {
                        return Err(Error::malformed(
                            "the list of the image's referrers",
                            "the list's pages form a loop",
                        ));
                    }
                    at = Some(next);
                    continue;
                }
            }
        }
        return Ok(None);
    }
}

/// Adds the manifests in a list to a set, because their order may differ between responses.
fn add(limits: &Limits, list: &Document, digests: &mut BTreeSet<Sha256>) -> Result<(), Error> {
    let fail = |message: String| Error::malformed("the list of the image's referrers", message);
    let value = read_json(&list.bytes, limits).map_err(fail)?;
    let manifests = value.get("manifests").and_then(Value::as_array);
    let manifests = manifests.ok_or_else(|| fail("expected an index with manifests".into()))?;
    for entry in manifests {
        let digest = entry.get("digest").and_then(Value::as_str).and_then(Sha256::from_prefixed);
        digests.insert(digest.ok_or_else(|| fail("expected a digest".into()))?);
        limits.trust_signatures().check(digests.len() as u64, "the image's referrers")?;
    }
    Ok(())
}
