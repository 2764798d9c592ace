//! `oci:` and `oci-archive:`: the OCI image layout (image specification 1.1, "Image Layout").

use serde_json::Value;

use super::document::{self, Descriptor, Document, REFERENCE_NAME, UnsupportedEntry};
use super::gather::{Names, Top, differs, resolve, unsupported_digest};
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
    let (manifests, unsupported) = match entries(store, limits)? {
        Ok(entries) => entries,
        Err(message) => {
            image.fault(Part::Manifest, message);
            return Ok(());
        }
    };
    let manifests = without_artifacts(manifests, reference, store, limits)?;
    let is_meant = |entry: &&UnsupportedEntry| match reference {
        Some(reference) => [entry.name.as_deref(), Some(entry.digest.as_str())].contains(&Some(reference)),
        None => manifests.is_empty() && unsupported.len() == 1,
    };
    if let Some(entry) = unsupported.iter().find(is_meant) {
        image.unsupported.push((Part::Manifest, unsupported_digest(&entry.digest)));
        return Ok(());
    }
    let entry = match chosen(&manifests, reference, choice) {
        Ok(entry) => entry.clone(),
        Err(message) => {
            return Err(Error::Usage {
                message: format!("{}: {message}", image.source),
                hint: "name one behind the path, as in oci:PATH:REF or oci:PATH:sha256:DIGEST; an image without a name goes by its platform".into(),
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

/// Entries that can be read, and those with other digests.
type Entries = (Vec<Descriptor>, Vec<UnsupportedEntry>);

/// Of several entries those that are no artifacts: `cosign save` and registries' tools put signatures, attestations and other referrers beside the
/// image. A name that is given chooses among all.
fn without_artifacts(
    manifests: Vec<Descriptor>,
    reference: Option<&str>,
    store: &Store<'_>,
    limits: &Limits,
) -> Result<Vec<Descriptor>, Error> {
    if manifests.len() < 2 || reference.is_some() {
        return Ok(manifests);
    }
    let mut images = Vec::new();
    for entry in &manifests {
        if !leads_to_artifacts(entry, store, limits)? {
            images.push(entry.clone());
        }
    }
    Ok(if images.is_empty() { manifests } else { images })
}

/// Is the entry an artifact, or an index of nothing else, as registries keep the referrers of an image? What is not there, or cannot be read, may
/// be an image to others.
fn leads_to_artifacts(entry: &Descriptor, store: &Store<'_>, limits: &Limits) -> Result<bool, Error> {
    let read = |entry: &Descriptor| -> Result<Option<Vec<u8>>, Error> {
        match store.document(&blob(&entry.digest), limits.registry_document_bytes())? {
            Found::Bytes(bytes) => Ok(Some(bytes).filter(|bytes| Sha256::of(bytes) == entry.digest)),
            Found::Missing | Found::Faulty(_) => Ok(None),
        }
    };
    let Some(bytes) = read(entry)? else { return Ok(false) };
    let Ok(Document::Index { manifests, unsupported, .. }) = document::read(&bytes, None, limits) else {
        return Ok(document::is_artifact(&bytes));
    };
    for inner in &manifests {
        if !read(inner)?.is_some_and(|bytes| document::is_artifact(&bytes)) {
            return Ok(false);
        }
    }
    Ok(!manifests.is_empty() && unsupported.is_empty())
}

/// Has `index.json` no entries? Docker 25 writes `null` for them.
pub(super) fn is_empty(store: &Store<'_>, limits: &Limits) -> Result<bool, Error> {
    Ok(
        matches!(entries(store, limits)?, Ok((manifests, unsupported)) if manifests.is_empty() && unsupported.is_empty()),
    )
}

/// The digests on the way from `index.json` through an index to the manifest whose configuration is the file `config`; `None` where no index
/// leads to it.
pub(super) fn way_to(config: &str, store: &Store<'_>, limits: &Limits) -> Result<Option<Vec<Sha256>>, Error> {
    let Found::Bytes(config) = store.document(config, limits.image_config_bytes())? else { return Ok(None) };
    let config_digest = Sha256::of(&config);
    let Ok((tops, _)) = entries(store, limits)? else { return Ok(None) };
    let read = |entry: &Descriptor| -> Result<Option<Document>, Error> {
        let Found::Bytes(bytes) = store.document(&blob(&entry.digest), limits.registry_document_bytes())? else {
            return Ok(None);
        };
        Ok(document::read(&bytes, Some(&entry.media_type), limits).ok())
    };
    let has_config = |document: Option<Document>| matches!(document, Some(Document::Manifest { config, .. }) if config.digest == config_digest);
    let mut seen = std::collections::BTreeSet::new();
    for top in tops {
        let Some(Document::Index { manifests, .. }) = read(&top)? else { continue };
        for entry in manifests.iter().filter(|entry| !entry.is_attestation()) {
            if seen.insert(entry.digest) && has_config(read(entry)?) {
                return Ok(Some(vec![top.digest, entry.digest]));
            }
        }
    }
    Ok(None)
}

/// The entries of `index.json`, or what is wrong with the layout.
fn entries(store: &Store<'_>, limits: &Limits) -> Result<Result<Entries, String>, Error> {
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
            Ok(Document::Index { manifests, unsupported, .. }) => Ok((manifests, unsupported)),
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
        Some(reference) => {
            let digest = Sha256::from_prefixed(reference.trim_start_matches('@'));
            let is_meant = |entry: &&Descriptor| {
                name_of(entry).as_deref() == Some(reference) || digest.is_some_and(|digest| digest == entry.digest)
            };
            manifests.iter().filter(is_meant).collect()
        }
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
