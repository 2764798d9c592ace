//! cosign: saves, as an OCI layout, signatures and attestations that the registry stores with the image.
//!
//! Source: sigstore/cosign, specs/SIGNATURE_SPEC.md (tags `sha256-<hex>.sig` and `.att`); Distribution specification,
//! "Listing referrers" and its fallback tag `sha256-<hex>`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::client::answers::Asked;
use crate::client::json::read_json;
use crate::client::layout::{Layers, Layout};
use crate::client::registry::{Document, Found, Registry};
use crate::client::run::Saver;
use crate::client::step::Source;

const PLACE: &str = "trust/cosign";

/// Saves everything that refers to the image: first the manifests found by tag, then those found in lists. A failure in one step does not affect the
/// other.
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
    for suffix in ["sig", "att", "sbom"] {
        let tag = format!("sha256-{}.{suffix}", digest.hex());
        match layout.registry.manifest(Asked::CosignTag, &tag) {
            Ok(Some(document)) => {
                layout.save_tree(saver, document.clone());
                top.push((document, Some(tag)));
            }
            Ok(None) => {}
            Err(error) => saver.fault(&format!("{PLACE}/{tag}"), from, error),
        }
    }
    if top.is_empty() && saver.report.faults.len() == faults {
        saver.absent(
            &format!("{PLACE}/tags"),
            from,
            "the repository has no tag for this image that ends in .sig, .att or .sbom",
        );
    }
}

fn save_referrers(saver: &mut Saver<'_>, layout: &mut Layout<'_>, from: &str, digest: Sha256, top: &mut Top) {
    let faults = saver.report.faults.len();
    let (mut digests, mut why) = (BTreeSet::new(), String::new());
    if let Err(error) = listed(saver.run.limits, layout.registry, digest, &mut digests, &mut why) {
        saver.fault(&format!("{PLACE}/referrers"), from, error);
    }
    // Some registries do not provide a list of referrers, and some clients do not rely on it; the list is then stored under a tag.
    let tag = format!("sha256-{}", digest.hex());
    let by_tag = layout.registry.manifest(Asked::CosignTag, &tag);
    let by_tag = by_tag.and_then(|list| list.map_or(Ok(()), |list| add(saver.run.limits, &list, &mut digests)));
    if let Err(error) = by_tag {
        saver.fault(&format!("{PLACE}/{tag}"), from, error);
    }
    if digests.is_empty() && saver.report.faults.len() == faults {
        let why = if why.is_empty() { "its list of referrers is empty" } else { &why };
        return saver.absent(&format!("{PLACE}/referrers"), from, &format!("{why}, and no tag contains such a list"));
    }
    for named in digests {
        if top.iter().any(|(known, _)| known.digest == named) {
            continue;
        }
        let place = format!("{PLACE}/blobs/sha256/{}", named.hex());
        match layout.registry.manifest(Asked::Referrer, &named.to_string()) {
            Ok(Some(document)) => {
                layout.save_tree(saver, document.clone());
                top.push((document, None));
            }
            Ok(None) => {}
            Err(error) => saver.fault(&place, from, error),
        }
    }
}

/// Adds the manifests on every page of the registry's list. If the registry has no such list, sets `why` to the reason.
fn listed(
    limits: &Limits,
    registry: &Registry<'_>,
    digest: Sha256,
    digests: &mut BTreeSet<Sha256>,
    why: &mut String,
) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let mut at = None;
    loop {
        match registry.referrers(digest, at.as_ref())? {
            Found::Absent(words) if at.is_none() => *why = format!("{words} to the request for referrers"),
            Found::Absent(words) => {
                return Err(Error::malformed("the list of the image's referrers", format!("the next page: {words}")));
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
        return Ok(());
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
