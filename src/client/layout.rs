//! Saves an image as an OCI layout, blob by blob with the original bytes, so that every digest stays the same.
//!
//! Source: OCI image layout specification. Docker manifests are stored unchanged, because converting one would change
//! the digest that the build log states.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::client::answers::{Absence, Asked};
use crate::client::disk::Place;
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::folder::Kept;
use crate::client::json::read_json;
use crate::client::parallel::in_parallel;
use crate::client::registry::{Document, Registry};
use crate::client::run::{Listening, Saver};

/// The number of blobs that are downloaded in parallel.
const PARALLEL: usize = 4;
/// The maximum depth of nested indexes.
const DEPTH: usize = 3;

const BROKEN: &str = "run the command again; if the error persists, the registry or a proxy in front of it is broken";

/// Whether an image's layers are saved with its manifest and configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layers {
    /// All layers.
    Save,
    /// No layers: digests, configuration and history can still be compared, but not the layers' bytes.
    Leave,
}

/// A blob that a manifest lists.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blob {
    digest: Sha256,
    size: u64,
    bound: Bound,
    /// Whether the manifest lists other addresses for the blob, in which case the registry need not have it.
    elsewhere: bool,
    is_layer: bool,
}

/// A layout that is being written to a build's folder (`image` or `trust/cosign`).
pub(crate) struct Layout<'a> {
    pub(crate) registry: &'a Registry<'a>,
    pub(crate) folder: &'static str,
    pub(crate) layers: Layers,
    /// The remaining number of bytes allowed for blobs.
    pub(crate) left: Bound,
}

impl Layout<'_> {
    /// Writes the index last, so that a layout with an index lacks only what was not requested or what the registry does not have.
    pub(crate) fn save_index(&self, saver: &mut Saver<'_>, top: &[(Document, Option<String>)]) {
        let manifests: Vec<Value> = top.iter().map(|(document, name)| descriptor(document, name.as_deref())).collect();
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        });
        if top.is_empty() {
            return;
        }
        let folder = self.folder;
        saver.keep_own(&format!("{folder}/oci-layout"), b"{\"imageLayoutVersion\":\"1.0.0\"}");
        saver.keep_own(&format!("{folder}/index.json"), index.to_string().as_bytes());
    }

    /// Saves a document and everything below it. Returns whether there was no error; a manifest that the registry does not have, or a blob with other
    /// addresses, is only noted.
    pub(crate) fn save_tree(&mut self, saver: &mut Saver<'_>, top: Document) -> bool {
        let faults = saver.report.faults.len();
        let (folder, what) = (self.folder, top.origin.from.clone());
        let mut left = vec![(top, 0)];
        let mut documents = Vec::new();
        let mut blobs: BTreeMap<(Sha256, u64), Blob> = BTreeMap::new();
        let mut left_out: BTreeSet<Sha256> = BTreeSet::new();
        while let Some((document, depth)) = left.pop() {
            let (children, own_blobs) = match parts(&document, saver.run.limits) {
                Ok(parts) => parts,
                Err(error) => {
                    saver.fault(&blob_place(folder, document.digest), &document.origin.from.clone(), error);
                    continue;
                }
            };
            let bound = saver.run.limits.image_manifests();
            if depth > DEPTH || (documents.len() + left.len() + children.len()) as u64 > bound.allowed {
                saver.fault(&blob_place(folder, document.digest), &what, bound.exceeded("the image's index"));
                documents.push(document);
                break;
            }
            for child in children {
                match self.registry.manifest(Asked::Platform, &child.to_string()) {
                    Ok(Ok(found)) => left.push((found, depth + 1)),
                    Ok(Err(absence)) => saver.absent(&blob_place(folder, child), &document.origin.from, absence),
                    Err(error) => saver.fault(&blob_place(folder, child), &document.origin.from, error),
                }
            }
            for blob in own_blobs {
                if blob.is_layer && self.layers == Layers::Leave {
                    left_out.insert(blob.digest);
                } else {
                    blobs.insert((blob.digest, blob.size), blob);
                }
            }
            documents.push(document);
        }
        let wanted = self.within_bounds(saver, blobs.into_values().collect());
        save_blobs(saver, self.registry, folder, &wanted);
        for layer in left_out {
            saver.lacks(&blob_place(folder, layer), "the registry", "it was not requested (--no-layers)".into());
        }
        for document in documents {
            saver.keep(&blob_place(folder, document.digest), &document.bytes, document.origin);
        }
        saver.report.faults.len() == faults
    }

    /// The blobs that are within the limits. The other blobs are reported as errors.
    fn within_bounds(&mut self, saver: &mut Saver<'_>, blobs: Vec<Blob>) -> Vec<Blob> {
        let mut wanted = Vec::new();
        for blob in blobs {
            match self.left.take(self.left.allowed, blob.size, format_args!("the blobs of {}", self.folder)) {
                Ok(left) => {
                    self.left.allowed = left;
                    wanted.push(blob);
                }
                Err(error) => saver.fault(&blob_place(self.folder, blob.digest), "the registry", error),
            }
        }
        wanted
    }
}

fn descriptor(document: &Document, name: Option<&str>) -> Value {
    let mut descriptor = json!({
        "mediaType": media_type(document),
        "digest": document.digest.to_string(),
        "size": document.bytes.len(),
    });
    if let (Some(name), Some(fields)) = (name, descriptor.as_object_mut()) {
        fields.insert("annotations".into(), json!({"org.opencontainers.image.ref.name": name}));
    }
    descriptor
}

/// The document's media type or, if it has none, the media type that the registry states.
fn media_type(document: &Document) -> String {
    let parsed: Option<Value> = crate::base::strict_json::parse(&document.bytes).ok();
    let own = parsed.as_ref().and_then(|value| value.get("mediaType")).and_then(Value::as_str);
    own.unwrap_or(&document.media_type).to_owned()
}

fn save_blobs(saver: &mut Saver<'_>, registry: &Registry<'_>, folder: &str, blobs: &[Blob]) {
    let results = {
        let saver = &*saver;
        in_parallel(blobs, PARALLEL, |blob| save_blob(saver, registry, folder, blob))
    };
    for (blob, result) in blobs.iter().zip(results) {
        let place = blob_place(folder, blob.digest);
        match result {
            Ok(Ok(kept)) => saver.remember(&place, "the registry", Ok(kept)),
            Ok(Err(absence)) => {
                let absence = absence.and("and the image specifies a different address for this layer");
                saver.absent(&place, "the registry", absence);
            }
            Err(error) => saver.fault(&place, "the registry", error),
        }
    }
}

/// Saves a blob, or returns why it is absent. Only a blob with other addresses may be absent.
fn save_blob(
    saver: &Saver<'_>,
    registry: &Registry<'_>,
    folder: &str,
    blob: &Blob,
) -> Result<Result<Kept, Absence>, Error> {
    let place = Place::new(blob_place(folder, blob.digest))?;
    if saver.folder.holds(&place, blob.digest, blob.size)? {
        let origin = Origin::without_request("found in the folder, with the expected digest", (saver.run.clock)());
        saver.folder.found(&place, (blob.digest, blob.size), origin)?;
        return Ok(Ok(Kept::Same));
    }
    blob.bound.check(blob.size, format!("the blob {}", blob.digest))?;
    let mut draft = saver.folder.draft(&place)?;
    let mut listening = Listening::new(saver.run, format!("the blob {}", blob.digest), Some(blob.size), &mut draft);
    // Allow one byte more than expected: receiving it is enough to detect a different blob.
    let bound = Bound { allowed: blob.size.saturating_add(1), ..blob.bound };
    let longer = |error| match error {
        Error::OverLimit { what, .. } => {
            network(&what, "the blob is longer than the image's manifest states and is not kept", BROKEN)
        }
        other => other,
    };
    let origin = match registry.blob_into(blob.digest, bound, &mut listening).map_err(longer)? {
        Ok(origin) => origin,
        Err(absence) if blob.elsewhere => return Ok(Err(absence)),
        Err(absence) => {
            let hint = "push the image again, or use --no-layers";
            return Err(network(&format!("the blob {}", blob.digest), absence.why, hint));
        }
    };
    let (digest, size) = draft.content();
    if (digest, size) != (blob.digest, blob.size) {
        let message = format!(
            "expected {} with {} bytes, found {digest} with {size} bytes, which is not kept",
            blob.digest, blob.size
        );
        return Err(network(&origin.from, message, BROKEN));
    }
    saver.folder.keep_draft(&place, draft, origin).map(Ok)
}

/// The manifests that an index lists, or the blobs that a manifest lists.
fn parts(document: &Document, limits: &Limits) -> Result<(Vec<Sha256>, Vec<Blob>), Error> {
    let what = || format!("the manifest {}", document.digest);
    let fail = |message: &str| Error::malformed(what(), message);
    let value = read_json(&document.bytes, limits).map_err(|error| fail(&error))?;
    let list =
        |name: &str| value.get(name).map(|list| list.as_array().ok_or_else(|| fail("expected a list"))).transpose();
    match (list("manifests")?, value.get("config")) {
        (Some(_), Some(_)) => Err(fail("it is both an index and a manifest")),
        (Some(manifests), None) => {
            let children: Result<Vec<Sha256>, Error> =
                manifests.iter().map(|child| Ok(blob_of(child, &fail, limits.image_config_bytes())?.digest)).collect();
            Ok((children?, Vec::new()))
        }
        (None, Some(config)) => {
            let mut blobs = vec![blob_of(config, &fail, limits.image_config_bytes())?];
            let named = list("layers")?.ok_or_else(|| fail("it lists no layers"))?;
            for layer in named {
                blobs.push(Blob { is_layer: true, ..blob_of(layer, &fail, limits.image_layer_bytes())? });
            }
            Ok((Vec::new(), blobs))
        }
        (None, None) => {
            Err(fail("it is neither an image manifest (schema 2 or OCI) nor an index; older formats are not supported"))
        }
    }
}

fn blob_of(descriptor: &Value, fail: &dyn Fn(&str) -> Error, bound: Bound) -> Result<Blob, Error> {
    let digest = descriptor.get("digest").and_then(Value::as_str).and_then(Sha256::from_prefixed);
    let digest = digest.ok_or_else(|| fail("expected a digest (sha256: and 64 lower-case hexadecimal digits)"))?;
    let size = descriptor.get("size").and_then(Value::as_u64).ok_or_else(|| fail("expected a size"))?;
    let elsewhere = descriptor.get("urls").and_then(Value::as_array).is_some_and(|urls| !urls.is_empty());
    Ok(Blob { digest, size, bound, elsewhere, is_layer: false })
}

fn blob_place(folder: &str, digest: Sha256) -> String {
    format!("{folder}/blobs/sha256/{}", digest.hex())
}
