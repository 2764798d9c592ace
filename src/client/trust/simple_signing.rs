//! Simple signing: signatures beside the image, in a lookaside or behind the registry's own interface.
//!
//! Source: containers/image, docs/signature-protocols.md and docker/docker_client.go.

use base64ct::{Base64, Encoding};
use reqwest::Url;
use serde_json::Value;

use crate::client::address::checked_url;
use crate::client::access::Access;
use crate::client::bearer::{Guarded, Redirects};
use crate::client::evidence_record::Origin;
use crate::client::http::shown;
use crate::client::outside::Outside;
use crate::client::reference::ImageReference;
use crate::client::registry::Registry;
use crate::client::run::Saver;
use crate::digest::Sha256;
use crate::error::Error;

const PLACE: &str = "trust/simple-signing";

/// A signature as it came.
struct Found {
    bytes: Vec<u8>,
    origin: Origin,
}

/// Saves `signature-1`, `signature-2`, …: first the lookaside's, then the registry's that are not among them.
pub(crate) fn save(
    saver: &mut Saver<'_>,
    outside: &Outside<'_>,
    registry: &Registry<'_>,
    image: &ImageReference,
    digest: Sha256,
    lookaside: Option<&str>,
) {
    let mut signatures: Vec<Found> = Vec::new();
    let of_lookaside = lookaside.map_or(Ok(Vec::new()), |base| from_lookaside(outside, base, image, digest));
    for found in [of_lookaside, from_registry(registry, digest)] {
        match found {
            Ok(found) => {
                for signature in found {
                    if signatures.iter().all(|known| known.bytes != signature.bytes) {
                        signatures.push(signature);
                    }
                }
            }
            Err(error) => return saver.fault(PLACE, &image.registry, error),
        }
    }
    if signatures.is_empty() {
        let why = match lookaside {
            Some(_) => "neither the lookaside nor the registry has one",
            None => "the registry has none, and no lookaside was named (--lookaside)",
        };
        return saver.absent(PLACE, &image.registry, why);
    }
    for (number, signature) in (1..).zip(signatures) {
        saver.keep(&format!("{PLACE}/signature-{number}"), &signature.bytes, signature.origin);
    }
}

/// `<base>/<repository>@sha256=<hex>/signature-1`, and on until one is missing.
fn from_lookaside(
    outside: &Outside<'_>,
    base: &str,
    image: &ImageReference,
    digest: Sha256,
) -> Result<Vec<Found>, Error> {
    let base = checked_url(base, "the lookaside's address (--lookaside)")?;
    let server = Guarded::new(outside.run, outside.http(&base)?, Access::default());
    let limits = outside.run.limits;
    let mut found = Vec::new();
    for number in 1..=limits.trust_files {
        let mut url: Url = base.clone();
        let folder = base.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{folder}/{}@sha256={}/signature-{number}", image.repository, digest.hex()));
        let bound = limits.trust_file_bytes();
        let answer = server.get(&url, None, bound, Redirects::Answers)?;
        match answer.head.status {
            200 => {}
            404 | 410 => return Ok(found),
            status => return Err(server.refused(&url, status, &answer.body)),
        }
        let origin = server.origin(&url, &answer.head);
        found.push(Found { bytes: answer.whole_body(&shown(&url))?, origin });
    }
    Err(limits.trust_files().exceeded("the lookaside"))
}

/// `{"signatures":[{"schemaVersion":2,"name":…,"type":"atomic","content":"<base64>"}]}`. Other types are for other tools.
fn from_registry(registry: &Registry<'_>, digest: Sha256) -> Result<Vec<Found>, Error> {
    let Some(document) = registry.signatures(digest)? else { return Ok(Vec::new()) };
    let fail = |message: &str| Error::malformed("the registry's list of signatures", message);
    let value = crate::strict_json::parse(&document.bytes).map_err(|error| fail(&error.to_string()))?;
    let list = value.get("signatures").and_then(Value::as_array).ok_or_else(|| fail("expected signatures"))?;
    let mut found = Vec::new();
    for entry in list.iter().filter(|entry| entry.get("type").and_then(Value::as_str) == Some("atomic")) {
        let content = entry.get("content").and_then(Value::as_str).and_then(|text| Base64::decode_vec(text).ok());
        let bytes = content.ok_or_else(|| fail("a signature that is no base64"))?;
        found.push(Found { bytes, origin: document.origin.clone() });
    }
    Ok(found)
}
