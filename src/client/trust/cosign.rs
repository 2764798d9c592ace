//! cosign: signatures and attestations that the registry holds beside the image, saved as an OCI layout.
//!
//! Source: sigstore/cosign, specs/SIGNATURE_SPEC.md (tags `sha256-<hex>.sig` and `.att`); Distribution specification,
//! "Listing referrers" and its fallback tag `sha256-<hex>`.

use serde_json::Value;

use crate::client::layout::{Layers, save_layout};
use crate::client::registry::{Document, Registry};
use crate::client::run::Saver;
use crate::digest::Sha256;
use crate::error::Error;

const PLACE: &str = "trust/cosign";

/// Saves everything that refers to the image.
pub(crate) fn save(saver: &mut Saver<'_>, registry: &Registry<'_>, digest: Sha256) {
    match load(saver, registry, digest) {
        Ok(found) if found.is_empty() => saver.absent(PLACE, "the registry", "nothing there refers to the image"),
        Ok(found) => save_layout(saver, registry, PLACE, &found, Layers::Save),
        Err(error) => saver.fault(PLACE, "the registry", error),
    }
}

fn load(saver: &Saver<'_>, registry: &Registry<'_>, digest: Sha256) -> Result<Vec<(Document, Option<String>)>, Error> {
    let mut found: Vec<(Document, Option<String>)> = Vec::new();
    let fallback = format!("sha256-{}", digest.hex());
    for suffix in [".sig", ".att", ".sbom"] {
        let tag = format!("{fallback}{suffix}");
        found.extend(registry.manifest(&tag)?.map(|document| (document, Some(tag))));
    }
    // Both lists are only ways to the manifests: their order may change from one answer to the next.
    let lists = [registry.referrers(digest)?, registry.manifest(&fallback)?];
    let mut digests: Vec<Sha256> = Vec::new();
    for list in lists.into_iter().flatten() {
        digests.extend(manifests_of(&list)?);
    }
    digests.sort();
    digests.dedup();
    saver.run.limits.trust_files().check(digests.len() as u64, "the image's referrers")?;
    for digest in digests {
        if let Some(document) = registry.manifest(&digest.to_string())?
            && found.iter().all(|(known, _)| known.digest != document.digest)
        {
            found.push((document, None));
        }
    }
    Ok(found)
}

fn manifests_of(list: &Document) -> Result<Vec<Sha256>, Error> {
    let fail = |message: String| Error::malformed("the list of the image's referrers", message);
    let value = crate::strict_json::parse(&list.bytes).map_err(|error| fail(error.to_string()))?;
    let manifests = value.get("manifests").and_then(Value::as_array);
    let manifests = manifests.ok_or_else(|| fail("expected an index with manifests".into()))?;
    let digest = |entry: &Value| entry.get("digest").and_then(Value::as_str).and_then(Sha256::from_prefixed);
    manifests.iter().map(|entry| digest(entry).ok_or_else(|| fail("expected a digest".into()))).collect()
}
