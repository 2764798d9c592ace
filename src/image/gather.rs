//! Collects the facts of an image, starting from the bytes of a manifest or index. This module is used for images in every form.

use super::document::{self, Descriptor, Document, Platform, UnsupportedEntry};
use super::store::{Found, Store};
use super::{Choice, ConfigFacts, DocumentFacts, ImageFacts, LayerFacts, Part, Undecided, layout};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;

/// How a form derives the name of the file that contains a document or a blob.
pub(super) struct Names {
    pub(super) manifest: fn(&Sha256) -> String,
    pub(super) blob: fn(&Sha256) -> String,
}

/// The first index or manifest: its bytes, and the media type and platform stated for it.
pub(super) struct Top<'a> {
    pub(super) bytes: Vec<u8>,
    pub(super) media_type: Option<&'a str>,
    pub(super) platform: Option<document::Platform>,
}

/// Follows indexes to one manifest, and reads its configuration and layers.
pub(super) fn resolve(
    image: &mut ImageFacts,
    store: &Store<'_>,
    names: &Names,
    top: Top<'_>,
    choice: &Choice,
    limits: &Limits,
) -> Result<(), Error> {
    let (mut bytes, mut announced, mut platform) = (top.bytes, top.media_type.map(str::to_owned), top.platform);
    loop {
        let document = match document::read(&bytes, announced.as_deref(), limits) {
            Ok(document) => document,
            Err(message) => {
                image.fault(Part::Manifest, format!("{}: {message}", Sha256::of(&bytes)));
                return Ok(());
            }
        };
        let facts = |media_type| DocumentFacts { media_type, digest: Sha256::of(&bytes), size: bytes.len() as u64 };
        let (manifests, unsupported) = match document {
            Document::Manifest { media_type, config, layers } => {
                image.manifest = Some(facts(media_type));
                return read_parts(image, store, names, &Parts { config, layers, platform }, limits);
            }
            Document::Index { media_type, manifests, unsupported } => {
                image.indexes.push(facts(media_type));
                (manifests, unsupported)
            }
        };
        if image.indexes.len() as u64 > limits.image_index_depth {
            image.fault(Part::Manifest, format!("more than {} nested indexes", limits.image_index_depth()));
            return Ok(());
        }
        let chosen = match choose(&manifests, &unsupported, choice) {
            Ok(chosen) => chosen.cloned(),
            Err(Unclear::Fault(message)) => {
                image.fault(Part::Manifest, message);
                return Ok(());
            }
            Err(Unclear::Unsupported(digest)) => {
                image.unsupported.push((Part::Manifest, unsupported_digest(&digest)));
                return Ok(());
            }
        };
        let others = manifests.iter().filter(|entry| !entry.is_attestation());
        let others = others.filter(|entry| chosen.as_ref().is_none_or(|chosen| chosen.digest != entry.digest));
        others.for_each(|entry| image.others.add(layout::label(entry)));
        unsupported.iter().for_each(|entry| image.others.add(entry.digest.clone()));
        let Some(chosen) = chosen else {
            let message = "the index has several images".into();
            let among = manifests.iter().map(|entry| entry.digest).collect();
            image.undecided = Some(Undecided { message, hint: PLATFORM_HINT.into(), among });
            return Ok(());
        };
        match document_of(image, store, names, &chosen, limits)? {
            Some(next) => bytes = next,
            None => return Ok(()),
        }
        announced = Some(chosen.media_type.clone());
        platform = chosen.platform.or(platform);
    }
}

const PLATFORM_HINT: &str =
    "choose one with expect.platforms in the policy of an audit, or with --platform of `image` or `compare`";

/// The message for a selected entry that cannot be read.
pub(super) fn unsupported_digest(digest: &str) -> String {
    let algorithm = digest.split(':').next().unwrap_or_default();
    format!("the selected entry has the digest {digest}: {algorithm} is not supported, only sha256 is")
}

enum Unclear {
    /// The selected entry has a digest with an unsupported algorithm.
    Unsupported(String),
    /// The requested image is missing, or other programs may select a different entry.
    Fault(String),
}

/// Selects an entry of an index: among the entries for an accepted platform, the first with an expected digest, otherwise the only one. `None` if
/// several entries remain.
fn choose<'d>(
    manifests: &'d [Descriptor],
    unsupported: &[UnsupportedEntry],
    choice: &Choice,
) -> Result<Option<&'d Descriptor>, Unclear> {
    let images: Vec<&Descriptor> = manifests.iter().filter(|entry| !entry.is_attestation()).collect();
    let fits = |platform: &Option<Platform>| {
        choice.platforms.is_empty()
            || platform.as_ref().is_none_or(|platform| choice.platforms.iter().any(|expected| platform.is(expected)))
    };
    let fitting: Vec<&Descriptor> = images.iter().filter(|entry| fits(&entry.platform)).copied().collect();
    let unread: Vec<&UnsupportedEntry> = unsupported.iter().filter(|entry| fits(&entry.platform)).collect();
    let wanted = fitting.iter().find(|entry| choice.digests.contains(&entry.digest));
    let rival = |one: &Descriptor| {
        let takes_its_place = |other: &Option<Platform>| match (other, &one.platform) {
            (Some(other), Some(one)) => other.normal() == one.normal(),
            _ => true,
        };
        // All entries are compared, even those that do not fit: other programs may compare platforms differently.
        let other = images.iter().find(|other| other.digest != one.digest && takes_its_place(&other.platform));
        let unread = || unsupported.iter().find(|other| takes_its_place(&other.platform));
        other.map(|other| other.digest.to_string()).or_else(|| unread().map(|other| other.digest.clone()))
    };
    if let Some((one, other)) = wanted.and_then(|one| Some((one, rival(one)?))) {
        return Err(Unclear::Fault(format!(
            "the index has two images for the same platform, and other programs may use the other one: {} and {other}",
            one.digest
        )));
    }
    match (wanted, fitting.as_slice(), unread.as_slice()) {
        (None, [], [one]) => return Err(Unclear::Unsupported(one.digest.clone())),
        (None, _, [_, ..]) => return Ok(None),
        _ => {}
    }
    match (wanted, fitting.as_slice()) {
        (Some(wanted), _) => Ok(Some(wanted)),
        (None, [one]) => Ok(Some(one)),
        (None, []) if images.is_empty() => Err(Unclear::Fault("the index has no image".into())),
        (None, []) => Err(Unclear::Fault(format!(
            "the index has no image for {}; it has {}",
            choice.platforms.join(" or "),
            platforms(&images)
        ))),
        (None, _) => Ok(None),
    }
}

fn platforms(entries: &[&Descriptor]) -> String {
    let one = |entry: &&Descriptor| match &entry.platform {
        Some(platform) => platform.to_string(),
        None => entry.digest.to_string(),
    };
    entries.iter().take(20).map(one).collect::<Vec<_>>().join(", ")
}

/// Reads the bytes of an index entry, and reports a mismatch with the entry.
fn document_of(
    image: &mut ImageFacts,
    store: &Store<'_>,
    names: &Names,
    entry: &Descriptor,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, Error> {
    let name = (names.manifest)(&entry.digest);
    let bytes = match store.document(&name, limits.registry_document_bytes())? {
        Found::Bytes(bytes) => bytes,
        Found::Missing => {
            image.fault(Part::Manifest, format!("the index lists {}, which is missing", entry.digest));
            return Ok(None);
        }
        Found::Faulty(message) => {
            image.fault(Part::Manifest, message);
            return Ok(None);
        }
    };
    if let Some(message) = differs(entry, Sha256::of(&bytes), bytes.len() as u64) {
        image.fault(Part::Manifest, message);
    }
    Ok(Some(bytes))
}

/// Describes how bytes differ from their descriptor.
pub(super) fn differs(said: &Descriptor, digest: Sha256, size: u64) -> Option<String> {
    if said.digest != digest {
        return Some(format!("the blob named {} has the digest {digest}", said.digest));
    }
    (said.size != size).then(|| format!("{digest} should have {} bytes but has {size}", said.size))
}

struct Parts {
    config: Descriptor,
    layers: Vec<Descriptor>,
    platform: Option<document::Platform>,
}

fn read_parts(
    image: &mut ImageFacts,
    store: &Store<'_>,
    names: &Names,
    parts: &Parts,
    limits: &Limits,
) -> Result<(), Error> {
    image.config_descriptor = Some(parts.config.clone());
    read_config(image, store, &(names.blob)(&parts.config.digest), limits)?;
    if let (Some(said), Some(config)) = (&parts.platform, &image.config)
        && !config.platform.agrees_with(said)
        && !said.os.is_empty()
    {
        let message = format!(
            "according to the index, the image is for {said}, but its configuration is for {}",
            config.platform
        );
        image.fault(Part::Config, message);
    }
    for descriptor in &parts.layers {
        let name = (names.blob)(&descriptor.digest);
        let measured = store.measure_named(&name, descriptor, limits)?;
        image.layers.push(LayerFacts { descriptor: Some(descriptor.clone()), measured, name: store.resolved(&name) });
    }
    Ok(())
}

/// Reads the configuration from the file `name`.
pub(super) fn read_config(image: &mut ImageFacts, store: &Store<'_>, name: &str, limits: &Limits) -> Result<(), Error> {
    let bytes = match store.document(name, limits.image_config_bytes())? {
        Found::Bytes(bytes) => bytes,
        Found::Missing => {
            image.fault(Part::Config, format!("the configuration {name} is missing"));
            return Ok(());
        }
        Found::Faulty(message) => {
            image.fault(Part::Config, message);
            return Ok(());
        }
    };
    let (digest, size) = (Sha256::of(&bytes), bytes.len() as u64);
    match document::read_config(&bytes, limits) {
        Ok(config) => {
            image.config = Some(ConfigFacts {
                digest,
                size,
                platform: config.platform,
                created: config.created,
                settings: config.settings,
                labels: config.labels,
                history: config.history,
                diff_ids: config.diff_ids,
            });
        }
        Err(message) => image.fault(Part::Config, format!("the configuration {digest}: {message}")),
    }
    Ok(())
}
