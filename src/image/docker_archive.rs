//! `docker-archive:`: the output of `docker save` (Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format").
//!
//! This form preserves the configuration's bytes and therefore the image id. It has no manifest and therefore does not contain the digest that a push
//! logs. Newer engines add an OCI layout to the file. The manifest in that layout is also read; it may be the manifest that was pushed.

use std::collections::BTreeSet;

use super::document::{self, SavedImage};
use super::gather::read_config;
use super::layout::{self, Ways};
use super::store::{Found, Store};
use super::{Choice, ImageFacts, LayerFacts, Part, Undecided};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::image_name::ImageName;
use crate::base::limits::Limits;

pub(super) fn read(
    image: &mut ImageFacts,
    store: &Store<'_>,
    reference: Option<&str>,
    choice: &Choice,
    limits: &Limits,
) -> Result<(), Error> {
    let images = match store.document("manifest.json", limits.registry_document_bytes())? {
        Found::Bytes(bytes) => document::read_docker_archive(&bytes, limits),
        Found::Missing => Err("missing".into()),
        Found::Faulty(message) => Err(message),
    };
    let images = match images {
        Ok(images) => images,
        Err(message) => {
            image.fault(Part::Config, format!("manifest.json: {message}"));
            return Ok(());
        }
    };
    let hint = "add a reference to the path: docker-archive:FILE:NAME:TAG, or docker-archive:FILE:@0 for the first";
    let saved = chosen(&images, reference)
        .map_err(|message| Error::Usage { message: format!("{}: {message}", image.source), hint: hint.into() })?;
    let ways = layout::ways(store, limits)?;
    let (saved, among) = match saved {
        None => by_digest(&images, &ways, store, choice, limits)?,
        one => (one, Vec::new()),
    };
    let others = images.iter().filter(|other| saved.is_none_or(|saved| !std::ptr::eq(saved, *other)));
    others.for_each(|other| image.others.add(label(other)));
    let Some(saved) = saved else {
        let message = format!("the archive has {} images", images.len());
        image.undecided = Some(Undecided { message, hint: hint.into(), among });
        return Ok(());
    };
    if store.has("index.json") && !layout::is_empty(store, limits)? {
        let own = ways_to(saved, &ways, store, limits)?;
        match own.iter().find(|way| is_logged(way, choice)).or(own.first()) {
            // If the index has images for several platforms, engines load the image whose configuration is listed in manifest.json.
            Some(way) => {
                let top = way.first().map(ToString::to_string);
                let choice = Choice { platforms: Vec::new(), digests: way.clone() };
                layout::read(image, store, top.as_deref(), &choice, limits)?;
            }
            None if images.len() == 1 => layout::read(image, store, None, choice, limits)?,
            None => {}
        }
        compare_names(image, saved, own, &[], store, limits)?;
    }
    image.names.clone_from(&saved.tags);
    read_saved(image, store, saved, limits)
}

/// The selected image; `None` if several images remain.
fn chosen<'d>(images: &'d [SavedImage], reference: Option<&str>) -> Result<Option<&'d SavedImage>, String> {
    let Some(reference) = reference else {
        return match images {
            [one] => Ok(Some(one)),
            [] => Err("the archive has no image".into()),
            _ => Ok(None),
        };
    };
    let labels = || images.iter().take(20).map(label).collect::<Vec<_>>().join(", ");
    let wanted = whole_name(reference);
    let mut called = images.iter().filter(|image| image.tags.iter().any(|tag| whole_name(tag) == wanted));
    let found = match reference.strip_prefix('@') {
        Some(number) => number.parse::<usize>().ok().and_then(|number| images.get(number)),
        None => called.next(),
    };
    // `docker load` gives the name to the last of them, skopeo takes the first.
    if called.any(|other| found.is_some_and(|first| !is_same(first, other))) {
        return Err(format!("the archive has several images named {reference:?}; it has {}", labels()));
    }
    found.map(Some).ok_or_else(|| format!("the archive has no image {reference:?}; it has {}", labels()))
}

fn is_same(one: &SavedImage, other: &SavedImage) -> bool {
    one.config == other.config && one.layers == other.layers
}

/// The only image to which a digest in the signed log leads, unless other programs may take another one by its name; and the digests of all images
/// and of the indexes that lead to them.
fn by_digest<'d>(
    images: &'d [SavedImage],
    ways: &Ways,
    store: &Store<'_>,
    choice: &Choice,
    limits: &Limits,
) -> Result<(Option<&'d SavedImage>, Vec<Sha256>), Error> {
    let (mut found, mut among): (Vec<&SavedImage>, Vec<Sha256>) = Default::default();
    for image in images {
        let own = ways_to(image, ways, store, limits)?;
        let is_logged = own.iter().any(|way| is_logged(way, choice));
        if is_logged && !found.iter().any(|other| is_same(image, other)) {
            found.push(image);
        }
        among.extend(own.iter().flatten());
    }
    let [image] = found.as_slice() else { return Ok((None, among)) };
    Ok((Some(*image).filter(|image| !has_rival(image, images)), among))
}

/// The ways to an image's configuration.
fn ways_to<'w>(
    image: &SavedImage,
    ways: &'w Ways,
    store: &Store<'_>,
    limits: &Limits,
) -> Result<&'w [Vec<Sha256>], Error> {
    let Found::Bytes(config) = store.document(&image.config, limits.image_config_bytes())? else { return Ok(&[]) };
    Ok(ways.get(&Sha256::of(&config)).map_or(&[], Vec::as_slice))
}

fn is_logged(way: &[Sha256], choice: &Choice) -> bool {
    way.iter().any(|digest| choice.digests.contains(digest))
}

/// Whether another image has one of the image's names.
fn has_rival(image: &SavedImage, images: &[SavedImage]) -> bool {
    let own: BTreeSet<String> = image.tags.iter().map(|tag| whole_name(tag)).collect();
    let shares_name = |tag: &String| own.contains(&whole_name(tag));
    images.iter().any(|other| !is_same(image, other) && other.tags.iter().any(shares_name))
}

/// Compares the names in manifest.json and in index.json, because some engines read the one, some the other; and those of `images`.
fn compare_names(
    image: &mut ImageFacts,
    own: &SavedImage,
    ways_to_own: &[Vec<Sha256>],
    images: &[SavedImage],
    store: &Store<'_>,
    limits: &Limits,
) -> Result<(), Error> {
    let tops: BTreeSet<Sha256> = ways_to_own.iter().filter_map(|way| way.first().copied()).collect();
    let names = layout::names(store, limits)?;
    let is_own = |(_, digest): &&(String, Sha256)| tops.contains(digest);
    let tags = |image: &SavedImage| image.tags.iter().map(|tag| whole_name(tag)).collect::<Vec<_>>();
    let own_names: BTreeSet<String> =
        names.iter().filter(is_own).map(|(name, _)| name.clone()).chain(tags(own)).collect();
    let in_index = names.iter().filter(|name| !is_own(name)).map(|(name, _)| name.clone());
    let others = images.iter().filter(|other| !is_same(own, other)).flat_map(tags);
    if let Some(shared) = in_index.chain(others).find(|name| own_names.contains(name)) {
        image.fault(Part::Manifest, format!("manifest.json and index.json call several images {shared:?}"));
    }
    Ok(())
}

/// A layout may contain the `manifest.json` of `docker save` next to its index. `docker load` reads `manifest.json`, so that file must list the same
/// image as the index. Other images that both files list are recorded in [`ImageFacts::others`].
pub(super) fn compare_with(image: &mut ImageFacts, store: &Store<'_>, limits: &Limits) -> Result<(), Error> {
    let Some(config) = image.config.as_ref().map(|config| config.digest) else { return Ok(()) };
    let saved = match store.document("manifest.json", limits.registry_document_bytes())? {
        Found::Missing => return Ok(()),
        Found::Bytes(bytes) => document::read_docker_archive(&bytes, limits),
        Found::Faulty(message) => Err(message),
    };
    let saved = match saved {
        Ok(saved) => saved,
        Err(message) => {
            image.fault(Part::Config, format!("manifest.json next to index.json: {message}"));
            return Ok(());
        }
    };
    let ways = layout::ways(store, limits)?;
    for other in &saved {
        let own = match store.document(&other.config, limits.image_config_bytes())? {
            Found::Bytes(bytes) => Sha256::of(&bytes) == config,
            Found::Missing | Found::Faulty(_) => false,
        };
        if own {
            compare_layers(image, store, other, limits)?;
            compare_names(image, other, ways_to(other, &ways, store, limits)?, &saved, store, limits)?;
        } else if !ways_to(other, &ways, store, limits)?.is_empty() {
            image.others.add(label(other));
        } else {
            let message = format!(
                "manifest.json, which docker load reads, lists a different image from index.json: {}",
                label(other)
            );
            image.fault(Part::Config, message);
        }
    }
    Ok(())
}

/// The image's names and its configuration file. The file's name is usually its digest.
fn label(image: &SavedImage) -> String {
    let names: Vec<&str> = image.tags.iter().take(20).map(String::as_str).collect();
    [names.join(" "), format!("(configuration {})", image.config)].join(" ").trim_start().to_owned()
}

/// The name with its registry and tag. In `RepoTags`, Docker shortens names of its own registry.
pub(super) fn whole_name(name: &str) -> String {
    match ImageName::parse(name) {
        Ok(name) => format!("{}:{}", name.repository(), name.tag().unwrap_or("latest")),
        Err(_) => name.to_owned(),
    }
}

fn read_saved(image: &mut ImageFacts, store: &Store<'_>, saved: &SavedImage, limits: &Limits) -> Result<(), Error> {
    let from_manifest = image.config.take();
    read_config(image, store, &saved.config, limits)?;
    let found = image.config.as_ref().map(|config| config.digest);
    let named = last_of(&saved.config).and_then(|name| Sha256::from_hex(name.strip_suffix(".json").unwrap_or(name)));
    if let (Some(named), Some(found)) = (named, found)
        && named != found
    {
        image.fault(Part::Config, format!("the configuration is named {named} but has the digest {found}"));
    }
    if let Some(other) = from_manifest
        && found != Some(other.digest)
    {
        image.fault(Part::Config, "manifest.json and the manifest of index.json refer to different configurations");
    }
    if image.manifest.is_some() {
        return compare_layers(image, store, saved, limits);
    }
    for name in &saved.layers {
        let measured = store.measure(name, limits)?;
        image.layers.push(LayerFacts { descriptor: None, measured, name: store.resolved(name) });
    }
    Ok(())
}

/// An engine loads the layers that manifest.json lists, even if the manifest next to it lists different layers. The layers in manifest.json must
/// unpack to the diff_ids of the configuration.
fn compare_layers(image: &mut ImageFacts, store: &Store<'_>, saved: &SavedImage, limits: &Limits) -> Result<(), Error> {
    let Some(config) = &image.config else { return Ok(()) };
    let mut found = Vec::new();
    for name in &saved.layers {
        found.push(store.measure(name, limits)?.and_then(|measured| measured.content.ok()).map(|(diff_id, _)| diff_id));
    }
    let expected: Vec<Option<Sha256>> = config.diff_ids.iter().copied().map(Some).collect();
    if found != expected {
        image.fault(
            Part::Layers,
            "the layers that manifest.json lists do not unpack to the diff_ids of the configuration",
        );
    }
    Ok(())
}

fn last_of(path: &str) -> Option<&str> {
    path.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_two_images_is_refused() {
        let image = |config: &str| SavedImage {
            config: config.into(),
            tags: vec!["acme/wallet:v1".into()],
            layers: Vec::new(),
        };
        let two = [image("a.json"), image("b.json")];
        for named in [&two[..], &[image("a.json"), image("a.json"), image("b.json")]] {
            let refused = chosen(named, Some("docker.io/acme/wallet:v1")).unwrap_err();
            assert!(refused.contains("several images named"), "{refused}");
        }
        assert_eq!(chosen(&two, Some("@1")), Ok(two.get(1)));
        let twice = [image("a.json"), image("a.json")];
        assert_eq!(chosen(&twice, Some("acme/wallet:v1")), Ok(twice.first()));
    }
}
