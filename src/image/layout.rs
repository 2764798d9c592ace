//! `oci:` and `oci-archive:`: the OCI image layout (image specification 1.1, "Image Layout").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{self, Descriptor, Document, REFERENCE_NAME, UnsupportedEntry};
use super::gather::{Names, Top, differs, resolve, unsupported_digest};
use super::store::{Found, Store};
use super::{Choice, ImageFacts, Part, Undecided, docker_archive};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::strict_json;

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
    let images = without_artifacts(&manifests, store, limits)?;
    let is_meant = |entry: &&UnsupportedEntry| match reference {
        Some(reference) => [entry.name.as_deref(), Some(entry.digest.as_str())].contains(&Some(reference)),
        None => images.is_empty() && unsupported.len() == 1,
    };
    if let Some(entry) = unsupported.iter().find(is_meant) {
        image.unsupported.push((Part::Manifest, unsupported_digest(&entry.digest)));
        return Ok(());
    }
    let among = if reference.is_some() { &manifests } else { &images };
    let chosen = chosen(among, &unsupported, reference, choice)
        .map_err(|message| Error::Usage { message: format!("{}: {message}", image.source), hint: HINT.into() })?;
    let mut seen = BTreeSet::from_iter(chosen.map(|entry| entry.digest));
    let others = images.iter().filter(|entry| !entry.is_attestation() && seen.insert(entry.digest));
    others.for_each(|entry| image.others.add(label(entry)));
    unsupported.iter().for_each(|entry| image.others.add(entry.digest.clone()));
    let Some(entry) = chosen.cloned() else {
        let message = format!("the layout has {} images", image.others.count);
        let mut among: Vec<Sha256> = images.iter().map(|entry| entry.digest).collect();
        for entry in &images {
            if let Found::Bytes(bytes) = store.document(&blob(&entry.digest), limits.registry_document_bytes())?
                && let Ok(Document::Index { manifests, .. }) = document::read(&bytes, Some(&entry.media_type), limits)
            {
                among.extend(manifests.iter().map(|inner| inner.digest));
            }
        }
        image.undecided = Some(Undecided { message, hint: HINT.into(), among });
        return Ok(());
    };
    // An image may have one entry for each of its names. What the entries state about it must agree.
    let same: Vec<&Descriptor> = manifests.iter().filter(|other| other.digest == entry.digest).collect();
    let names: BTreeSet<&str> = same.iter().filter_map(|entry| name_of(entry)).collect();
    image.names.extend(names.into_iter().map(str::to_owned));
    if same.iter().any(|one| same.iter().any(|other| contradict(one, other))) {
        image.fault(Part::Manifest, format!("index.json has several entries for {}, which differ", entry.digest));
    }
    let bytes = match store.document(&blob(&entry.digest), limits.registry_document_bytes())? {
        Found::Bytes(bytes) => bytes,
        Found::Missing => {
            image.fault(Part::Manifest, format!("index.json lists {}, which is missing", entry.digest));
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

/// Checks that the file `oci-layout` states version 1.0.0, the only version that exists.
pub(super) fn read_version(bytes: &[u8]) -> Result<(), String> {
    let version = strict_json::parse(bytes).ok().and_then(|layout| layout.get("imageLayoutVersion").cloned());
    if version == Some(Value::String("1.0.0".into())) {
        Ok(())
    } else {
        Err("oci-layout does not have version 1.0.0".into())
    }
}

/// Readable entries, and entries with unsupported digests.
type Entries = (Vec<Descriptor>, Vec<UnsupportedEntry>);

/// If there are several entries, returns those that are images, because `cosign save` and registry tools put signatures, attestations and other
/// referrers next to the image. If no entry is an image, returns all entries.
fn without_artifacts(manifests: &[Descriptor], store: &Store<'_>, limits: &Limits) -> Result<Vec<Descriptor>, Error> {
    let mut images = Vec::new();
    for entry in manifests {
        if manifests.len() < 2 || !leads_to_artifacts(entry, store, limits)? {
            images.push(entry.clone());
        }
    }
    Ok(if images.is_empty() { manifests.to_vec() } else { images })
}

/// Whether the entry is an artifact, or an index of artifacts only; registries store an image's referrers in such an index. An entry that is missing
/// or cannot be read does not count as an artifact: other programs may read it as an image.
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

/// Whether `index.json` has no entries. Docker 25 writes `null` in that case.
pub(super) fn is_empty(store: &Store<'_>, limits: &Limits) -> Result<bool, Error> {
    Ok(
        matches!(entries(store, limits)?, Ok((manifests, unsupported)) if manifests.is_empty() && unsupported.is_empty()),
    )
}

/// For each configuration: the digests on every path from `index.json`, possibly through an index, to a manifest that refers to it.
pub(super) type Ways = BTreeMap<Sha256, Vec<Vec<Sha256>>>;

/// Reads every manifest to which `index.json` leads once.
pub(super) fn ways(store: &Store<'_>, limits: &Limits) -> Result<Ways, Error> {
    let mut ways = Ways::new();
    let Ok((tops, _)) = entries(store, limits)? else { return Ok(ways) };
    let read = |entry: &Descriptor| -> Result<Option<Document>, Error> {
        let Found::Bytes(bytes) = store.document(&blob(&entry.digest), limits.registry_document_bytes())? else {
            return Ok(None);
        };
        Ok(document::read(&bytes, Some(&entry.media_type), limits).ok())
    };
    let config_of = |document: Option<Document>| match document {
        Some(Document::Manifest { config, .. }) => Some(config.digest),
        _ => None,
    };
    let mut known: BTreeMap<Sha256, Option<Sha256>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for top in tops.iter().filter(|top| seen.insert(top.digest)) {
        let manifests = match read(top)? {
            Some(Document::Index { manifests, .. }) => manifests,
            document => {
                config_of(document)
                    .into_iter()
                    .for_each(|config| ways.entry(config).or_default().push(vec![top.digest]));
                continue;
            }
        };
        let mut below = BTreeSet::new();
        for entry in manifests.iter().filter(|entry| !entry.is_attestation() && below.insert(entry.digest)) {
            let config = match known.get(&entry.digest) {
                Some(config) => *config,
                None => config_of(read(entry)?),
            };
            known.insert(entry.digest, config);
            config.into_iter().for_each(|config| ways.entry(config).or_default().push(vec![top.digest, entry.digest]));
        }
    }
    Ok(ways)
}

/// The whole names in `index.json`, each with its entry's digest. A name without a repository is only a tag.
pub(super) fn names(store: &Store<'_>, limits: &Limits) -> Result<Vec<(String, Sha256)>, Error> {
    let Ok((tops, _)) = entries(store, limits)? else { return Ok(Vec::new()) };
    let named = |entry: &Descriptor| {
        let own = name_of(entry).filter(|name| name.contains('/')).map(docker_archive::whole_name);
        [whole_name_of(entry), own].into_iter().flatten().map(|name| (name, entry.digest)).collect::<Vec<_>>()
    };
    Ok(tops.iter().flat_map(named).collect())
}

/// The entries of `index.json`, or a message that states what is wrong with the layout.
fn entries(store: &Store<'_>, limits: &Limits) -> Result<Result<Entries, String>, Error> {
    let bound = limits.registry_document_bytes();
    let version = match store.document("oci-layout", bound)? {
        Found::Bytes(bytes) => read_version(&bytes),
        Found::Missing => Err("missing file oci-layout".into()),
        Found::Faulty(message) => Err(message),
    };
    if let Err(message) = version {
        return Ok(Err(message));
    }
    Ok(match store.document("index.json", bound)? {
        Found::Bytes(bytes) => match document::read(&bytes, None, limits) {
            Ok(Document::Index { manifests, unsupported, .. }) => Ok((manifests, unsupported)),
            Ok(Document::Manifest { .. }) => Err("index.json is a manifest, not an index".into()),
            Err(message) => Err(format!("index.json: {message}")),
        },
        Found::Missing => Err("missing file index.json".into()),
        Found::Faulty(message) => Err(message),
    })
}

const HINT: &str = "add a reference to the path, by name or digest: oci:PATH:REF or oci:PATH:sha256:DIGEST (oci-archive: has the same syntax)";

/// Selects among the entries with the specified name or digest, or, if there is no reference, among all entries except attestations: the only entry;
/// or else, without a reference, an entry whose digest is in the signed log; or else the only entry for an accepted platform. `None` if several
/// entries remain.
fn chosen<'d>(
    manifests: &'d [Descriptor],
    unsupported: &[UnsupportedEntry],
    reference: Option<&str>,
    choice: &Choice,
) -> Result<Option<&'d Descriptor>, String> {
    let is_called = |entry: &&Descriptor, reference: &str| {
        name_of(entry) == Some(reference)
            || Sha256::from_prefixed(reference.trim_start_matches('@')) == Some(entry.digest)
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
    // Other programs choose by name alone.
    let by_platform = named.iter().filter(fits).filter(|one| !has_rival(one, manifests, unsupported));
    let by_platform: Vec<&Descriptor> = by_platform.copied().collect();
    // If several entries have the same name, other programs may use a different entry, so a digest does not decide between them.
    let wanted = named.iter().find(|entry| reference.is_none() && choice.digests.contains(&entry.digest));
    let wanted = wanted.filter(|one| !has_rival(one, manifests, unsupported));
    match (named.as_slice(), wanted, by_platform.as_slice()) {
        ([one], ..) if reference.is_some() || !has_rival(one, manifests, unsupported) => Ok(Some(one)),
        (_, Some(one), _) | (_, None, [one]) => Ok(Some(one)),
        ([], None, _) => match reference {
            Some(reference) => {
                Err(format!("the layout has no image named {reference:?}; it has {}", labels(manifests)))
            }
            None => Err("the layout has no image".into()),
        },
        (_, None, _) => Ok(None),
    }
}

/// Whether two entries for one image contradict each other. A media type or platform may be stated in only one of them.
fn contradict(one: &Descriptor, other: &Descriptor) -> bool {
    let types = [&one.media_type, &other.media_type];
    let types_differ = types.iter().all(|media_type| !media_type.is_empty()) && one.media_type != other.media_type;
    let platforms_differ =
        one.platform.as_ref().zip(other.platform.as_ref()).is_some_and(|(one, other)| one.normal() != other.normal());
    one.size != other.size || types_differ || platforms_differ
}

/// Whether a program that chooses by name may take another entry for this image. Docker and containerd write the tag as an entry's name, and the
/// whole name into an annotation of their own.
fn has_rival(one: &Descriptor, manifests: &[Descriptor], unsupported: &[UnsupportedEntry]) -> bool {
    let own: Vec<(Option<String>, Option<&str>)> = manifests
        .iter()
        .filter(|entry| entry.digest == one.digest)
        .map(|entry| (whole_name_of(entry), name_of(entry)))
        .collect();
    let shares_name = |other: &Descriptor| {
        let (whole, name) = (whole_name_of(other), name_of(other));
        own.iter().any(|own| match (&own.0, &whole) {
            (Some(own), Some(whole)) => own == whole,
            _ => {
                name.is_some_and(|name| own.1.map(docker_archive::whole_name) == Some(docker_archive::whole_name(name)))
            }
        })
    };
    let is_unread_rival = |other: &UnsupportedEntry| {
        other.name.as_deref().is_some_and(|name| own.iter().any(|(_, own)| *own == Some(name)))
    };
    manifests.iter().any(|other| other.digest != one.digest && shares_name(other))
        || unsupported.iter().any(is_unread_rival)
}

fn whole_name_of(entry: &Descriptor) -> Option<String> {
    entry.annotations.get("io.containerd.image.name").map(|name| docker_archive::whole_name(name))
}

fn name_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REFERENCE_NAME).map(String::as_str)
}

/// The entry's name if there is one, its digest, and its platform if stated.
pub(super) fn label(entry: &Descriptor) -> String {
    let name = name_of(entry).map(|name| format!("{name} ")).unwrap_or_default();
    let platform = entry.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
    format!("{name}{}{platform}", entry.digest)
}

fn labels(manifests: &[Descriptor]) -> String {
    manifests.iter().take(20).map(label).collect::<Vec<_>>().join(", ")
}
