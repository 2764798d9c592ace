//! `oci:` and `oci-archive:`: the OCI image layout (image specification 1.1, "Image Layout").

use serde_json::Value;

use super::document::{self, Descriptor, Document, REFERENCE_NAME};
use super::gather::{Names, Top, differs, resolve};
use super::store::{Found, Store};
use super::{Choice, ImageFacts, Part};
use crate::digest::Sha256;
use crate::error::Error;
use crate::limits::Limits;
use crate::strict_json;

pub(super) const NAMES: Names = Names { manifest: blob, blob };

fn blob(digest: &Sha256) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

pub(super) fn read(
    image: &mut ImageFacts,
    store: &Store<'_>,
    reference: Option<&str>,
    choice: &Choice,
    limits: &Limits,
) -> Result<(), Error> {
    let manifests = match entries(store, limits)? {
        Ok(manifests) => manifests,
        Err(message) => {
            image.fault(Part::Manifest, message);
            return Ok(());
        }
    };
    let entry = match chosen(&manifests, reference, choice) {
        Ok(entry) => entry.clone(),
        Err(message) => {
            return Err(Error::Usage {
                message: format!("{}: {message}", image.source),
                hint: "name one behind the path, as in oci:PATH:REF; an image without a name goes by its platform"
                    .into(),
            });
        }
    };
    image.names.extend(entry.annotations.get(REFERENCE_NAME).cloned());
    let bytes = match store.document(&blob(&entry.digest), limits.registry_document_bytes())? {
        Found::Bytes(bytes) => bytes,
        Found::Missing => {
            image.fault(Part::Manifest, format!("index.json names {}, which is not there", entry.digest));
            return Ok(());
        }
        Found::Faulty(message) => {
            image.fault(Part::Manifest, message);
            return Ok(());
        }
    };
    if let Some(message) = differs(&entry, Sha256::of(&bytes), bytes.len() as u64) {
        image.fault(Part::Manifest, message);
    }
    let top = Top { bytes, media_type: Some(&entry.media_type), platform: entry.platform.clone() };
    resolve(image, store, &NAMES, top, choice, limits)
}

/// Is the file `oci-layout` of the one version that there is?
pub(super) fn read_version(bytes: &[u8]) -> Result<(), String> {
    let version = strict_json::parse(bytes).ok().and_then(|layout| layout.get("imageLayoutVersion").cloned());
    if version == Some(Value::String("1.0.0".into())) {
        Ok(())
    } else {
        Err("its oci-layout is not of version 1.0.0".into())
    }
}

/// The entries of `index.json`, or what is wrong with the layout.
fn entries(store: &Store<'_>, limits: &Limits) -> Result<Result<Vec<Descriptor>, String>, Error> {
    let bound = limits.registry_document_bytes();
    let version = match store.document("oci-layout", bound)? {
        Found::Bytes(bytes) => read_version(&bytes),
        Found::Missing => Err("it has no file oci-layout".into()),
        Found::Faulty(message) => Err(message),
    };
    if let Err(message) = version {
        return Ok(Err(message));
    }
    Ok(match store.document("index.json", bound)? {
        Found::Bytes(bytes) => match document::read(&bytes, None, limits) {
            Ok(Document::Index { manifests, .. }) => Ok(manifests),
            Ok(Document::Manifest { .. }) => Err("its index.json is a manifest".into()),
            Err(message) => Err(format!("index.json: {message}")),
        },
        Found::Missing => Err("it has no file index.json".into()),
        Found::Faulty(message) => Err(message),
    })
}

/// The entry that is meant: by its name, or else by digest, or else by platform, or else the only one.
fn chosen<'d>(manifests: &'d [Descriptor], reference: Option<&str>, choice: &Choice) -> Result<&'d Descriptor, String> {
    let name_of = |entry: &Descriptor| entry.annotations.get(REFERENCE_NAME).cloned();
    let mut named: Vec<&Descriptor> = match reference {
        Some(reference) => manifests.iter().filter(|entry| name_of(entry).as_deref() == Some(reference)).collect(),
        None => manifests.iter().filter(|entry| !entry.is_attestation()).collect(),
    };
    // `docker save` lists an image once for each of its tags.
    let mut seen = std::collections::BTreeSet::new();
    named.retain(|entry| seen.insert(entry.digest));
    let fits = |entry: &&&Descriptor| {
        let expected = &choice.platforms;
        entry.platform.as_ref().is_some_and(|platform| expected.iter().any(|expected| platform.is(expected)))
    };
    let by_platform: Vec<&Descriptor> = named.iter().filter(fits).copied().collect();
    // Of several with one name, another program may take another one.
    let wanted = named.iter().find(|entry| reference.is_none() && choice.digests.contains(&entry.digest));
    match (named.as_slice(), wanted, by_platform.as_slice()) {
        ([one], ..) | (_, Some(one), _) | (_, None, [one]) => Ok(one),
        ([], None, _) => match reference {
            Some(reference) => Err(format!("it has no image called {reference:?}; it has {}", labels(manifests))),
            None => Err("it has no image".into()),
        },
        (several, None, _) => Err(format!("it has {} images: {}", several.len(), labels(manifests))),
    }
}

fn labels(manifests: &[Descriptor]) -> String {
    let label = |entry: &Descriptor| {
        let name = entry.annotations.get(REFERENCE_NAME).cloned().unwrap_or_else(|| entry.digest.to_string());
        entry.platform.as_ref().map_or(name.clone(), |platform| format!("{name} ({platform})"))
    };
    manifests.iter().take(20).map(label).collect::<Vec<_>>().join(", ")
}
