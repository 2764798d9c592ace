//! `oci:` and `oci-archive:`: the OCI image layout (image specification 1.1, "Image Layout").

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{self, Descriptor, Document, REFERENCE_NAME};
use super::gather::{Names, Top, differs, resolve};
use super::store::{Found, Store};
use super::{Choice, ImageFacts, Part, Undecided};
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
    let chosen = chosen(&manifests, reference, choice)
        .map_err(|message| Error::Usage { message: format!("{}: {message}", image.source), hint: HINT.into() })?;
    let mut seen = BTreeSet::from_iter(chosen.map(|entry| entry.digest));
    let others = manifests.iter().filter(|entry| !entry.is_attestation() && seen.insert(entry.digest));
    others.for_each(|entry| image.others.add(label(entry)));
    let Some(entry) = chosen.cloned() else {
        image.undecided =
            Some(Undecided { message: format!("it has {} images", image.others.count), hint: HINT.into() });
        return Ok(());
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

const HINT: &str =
    "name one behind the path, by its name or digest: oci:PATH:REF, oci:PATH:sha256:DIGEST; oci-archive: likewise";

/// The entry that is meant: by its name or digest, where a reference is given; or else by a digest that the signed log names, or by platform,
/// or the only one. `None` where several are left.
fn chosen<'d>(
    manifests: &'d [Descriptor],
    reference: Option<&str>,
    choice: &Choice,
) -> Result<Option<&'d Descriptor>, String> {
    let is_called = |entry: &&Descriptor, reference: &str| {
        name_of(entry) == Some(reference) || Sha256::from_prefixed(reference) == Some(entry.digest)
    };
    let mut named: Vec<&Descriptor> = match reference {
        Some(reference) => manifests.iter().filter(|entry| is_called(entry, reference)).collect(),
        None => manifests.iter().filter(|entry| !entry.is_attestation()).collect(),
    };
    // `docker save` lists an image once for each of its tags.
    let mut seen = BTreeSet::new();
    named.retain(|entry| seen.insert(entry.digest));
    let fits = |entry: &&&Descriptor| {
        let expected = &choice.platforms;
        entry.platform.as_ref().is_some_and(|platform| expected.iter().any(|expected| platform.is(expected)))
    };
    let by_platform: Vec<&Descriptor> = named.iter().filter(fits).copied().collect();
    // Of several with one name, another program may take another one.
    let wanted = named.iter().find(|entry| reference.is_none() && choice.digests.contains(&entry.digest));
    match (named.as_slice(), wanted, by_platform.as_slice()) {
        ([one], ..) | (_, Some(one), _) | (_, None, [one]) => Ok(Some(one)),
        ([], None, _) => match reference {
            Some(reference) => Err(format!("it has no image called {reference:?}; it has {}", labels(manifests))),
            None => Err("it has no image".into()),
        },
        (_, None, _) => Ok(None),
    }
}

fn name_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REFERENCE_NAME).map(String::as_str)
}

/// The name, where there is one, and the digest; the platform, where the source says it.
pub(super) fn label(entry: &Descriptor) -> String {
    let name = name_of(entry).map(|name| format!("{name} ")).unwrap_or_default();
    let platform = entry.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
    format!("{name}{}{platform}", entry.digest)
}

fn labels(manifests: &[Descriptor]) -> String {
    manifests.iter().take(20).map(label).collect::<Vec<_>>().join(", ")
}
