//! Reads the supplied image. The result is the same set of facts for every form of image.
//!
//! | form | manifest's bytes kept | layers' bytes kept |
//! | --- | --- | --- |
//! | registry, `dir:` | yes | yes |
//! | OCI layout (`oci:`, `oci-archive:`) | if it was copied blob by blob; skopeo converts what docker pushed | same |
//! | docker-archive | no, unless the engine also wrote a layout | mostly decompressed |
//!
//! Reading an image proves nothing by itself: digests are recomputed from the bytes, and contradictions with the documents are recorded. The
//! checks decide whether the image is the one in the signed log.
//!
//! To add a form, add a variant of [`Source`] and [`Form`], a file here that reads the form, and one arm in `resolve`.

mod changeset;
mod contradictions;
mod directory;
mod docker_archive;
mod document;
mod gather;
mod layer;
mod layout;
mod source;
mod store;
pub mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::budget::Budget;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::{MISSING, slashed};

pub use self::document::{Descriptor, History, Platform};
#[cfg(feature = "fetch")]
pub(crate) use self::layer::measure;
pub use self::layer::{Compression, Measured, XZ_UNSUPPORTED};
pub use self::source::Source;
#[cfg(feature = "fetch")]
pub(crate) use self::store::Remote;
use self::store::Store;

/// The form in which an image was supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A registry's responses.
    Registry,
    /// An OCI image layout in a folder or a tar file.
    Layout,
    /// The output of `docker save`.
    DockerArchive,
    /// skopeo's `dir:`.
    Directory,
}

impl Form {
    /// The witness's name, as in the JSON report.
    pub fn witness(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Layout | Self::Directory => "layout",
            Self::DockerArchive => "docker-archive",
        }
    }
}

/// The part of an image that a contradiction concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The manifest, or an index that leads to it.
    Manifest,
    /// The configuration.
    Config,
    /// The layers.
    Layers,
}

/// Everything that was read about one image. Digests and sizes of documents and layers are recomputed from their bytes; descriptors and other values
/// are as the documents state them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageFacts {
    /// The source as specified.
    pub source: String,
    /// The form.
    pub form: Form,
    /// The indexes on the path to the manifest, outermost first.
    pub indexes: Vec<DocumentFacts>,
    /// The manifest; `None` if none was read.
    pub manifest: Option<DocumentFacts>,
    /// The manifest's descriptor of the configuration.
    pub config_descriptor: Option<Descriptor>,
    /// The configuration; `None` if none was read.
    pub config: Option<ConfigFacts>,
    /// The layers, lowest first: all layers in the manifest or the archive's list.
    pub layers: Vec<LayerFacts>,
    /// Names for the image in the source. The names are not signed.
    pub names: Vec<String>,
    /// Other images in the source, which were not read.
    pub others: Others,
    /// Why none of several images was selected; `None` if one was selected or there were not several.
    pub undecided: Option<Undecided>,
    /// What the tag resolved to, if the image was requested from a registry by tag.
    pub tag: Option<RegistryTag>,
    /// Contradictions between documents and bytes, or among documents.
    pub faults: Vec<(Part, String)>,
    /// Unsupported parts, which were not examined.
    pub unsupported: Vec<(Part, String)>,
    /// The location of the parts, so that layers can be read again for comparison.
    pub(crate) place: Place,
}

/// The file or folder with the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Disk(std::path::PathBuf),
    /// The parts are in memory or in a registry and are not read again.
    Elsewhere,
}

/// Facts about a document's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentFacts {
    /// The media type; empty if not stated.
    pub media_type: String,
    /// SHA-256 of the bytes.
    pub digest: Sha256,
    /// Size in bytes.
    pub size: u64,
}

/// The configuration: digest and size of its bytes, and its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigFacts {
    /// SHA-256 of the bytes, which is docker's image id.
    pub digest: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// The platform for which the image was built.
    pub platform: Platform,
    /// The build time, as written.
    pub created: Option<String>,
    /// The settings for the image's containers (`Cmd`, `Entrypoint`, `Env`, `User` …), each as JSON.
    pub settings: BTreeMap<String, String>,
    /// The image's labels.
    pub labels: BTreeMap<String, String>,
    /// The image's history, oldest step first.
    pub history: Vec<History>,
    /// Digests of the layers' decompressed bytes as the configuration states them, lowest first.
    pub diff_ids: Vec<Sha256>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerFacts {
    /// The manifest's descriptor; `None` if there is no manifest.
    pub descriptor: Option<Descriptor>,
    /// The measurements; `None` if the bytes are not available.
    pub measured: Option<Measured>,
    /// The layer's name in the store.
    pub(crate) name: String,
}

/// Images by name and digest: the first twenty, and the total number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Others {
    /// For each image: its name if there is one, its digest, and its platform if stated.
    pub first: Vec<String>,
    /// The total number.
    pub count: usize,
}

/// The source has several images, and none of them was selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The number of images in the source, as a message.
    pub message: String,
    /// How to choose.
    pub hint: String,
    /// The digests of the images, if they are known.
    pub among: Vec<Sha256>,
}

/// A registry's response for a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryTag {
    /// The full repository name.
    pub repository: String,
    /// The requested tag.
    pub tag: String,
    /// The SHA-256 digest to which the tag resolved.
    pub digest: Sha256,
}

/// How to select an image if a source has several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Accepted platforms; if empty, any platform is accepted.
    pub platforms: Vec<String>,
    /// Digests to look for.
    pub digests: Vec<Sha256>,
}

/// Reads an image from files. [`Source::Registry`] is not supported here.
///
/// Recomputes the digests, and unpacks the layers to recompute their `diff_id`s. This function does not evaluate the image: contradictions are
/// recorded in [`ImageFacts::faults`] and in the parts themselves. If the source has several images and none of them is selected, no image is read:
/// [`ImageFacts::undecided`] reports this, and [`ImageFacts::decided`] turns it into an error.
///
/// # Errors
/// [`Error::Usage`] if the source is not an image or has no image of the requested name; [`Error::NotBuiltIn`] for a registry;
/// [`Error::Unreadable`], [`Error::Truncated`] and [`Error::OverLimit`].
pub fn read(source: &Source, choice: &Choice, limits: &Limits) -> Result<ImageFacts, Error> {
    read_within(source, choice, limits, &Budget::of_unknown_input(limits))
}

/// Like [`read`], but within a budget. The sizes of the image's files increase the budget, like those of other input.
///
/// # Errors
/// As [`read`].
pub fn read_within(source: &Source, choice: &Choice, limits: &Limits, budget: &Budget) -> Result<ImageFacts, Error> {
    let Some((path, expected, reference)) = source.place() else {
        return Err(Error::NotBuiltIn { what: "reading images from a registry".into(), feature: "fetch" });
    };
    let image = empty(&source.to_string(), expected.unwrap_or(Form::Layout), Place::Disk(path.to_owned()));
    resolve(image, open(source, path, limits, budget), expected, reference, choice, limits)
}

/// Reads an image from the bytes of a tar file: an OCI layout or the output of `docker save`.
/// Reports refer to the file as `name`.
///
/// # Errors
/// As [`read`].
pub fn read_archive(name: &str, bytes: &[u8], choice: &Choice, limits: &Limits) -> Result<ImageFacts, Error> {
    read_held(name, &Held::File(bytes), (None, None), choice, limits, &Budget::of_unknown_input(limits))
}

/// An image in memory.
pub(crate) enum Held<'a> {
    /// A tar file.
    File(&'a [u8]),
    /// The files of a folder, by their paths below it.
    Folder(BTreeMap<&'a str, &'a [u8]>),
}

impl<'a> Held<'a> {
    fn shape(&self) -> Shape {
        match self {
            Self::File(_) => Shape::File,
            Self::Folder(_) => Shape::Folder,
        }
    }

    fn store(&self, name: &str, limits: &Limits, budget: &Budget) -> Result<Store<'a>, Error> {
        match self {
            Self::File(bytes) => Store::of_archive(name, bytes, limits, budget),
            Self::Folder(files) => Ok(Store::of_files(files.clone(), budget)),
        }
    }
}

/// Reads an image held in memory. `form` and `reference` are the fields of the image's [`Source`].
pub(crate) fn read_held(
    name: &str,
    held: &Held<'_>,
    (form, reference): (Option<Form>, Option<&str>),
    choice: &Choice,
    limits: &Limits,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    let image = empty(name, form.unwrap_or(Form::Layout), Place::Elsewhere);
    resolve(image, held.store(name, limits, budget), form, reference, choice, limits)
}

/// Like [`read_within`], for an image in memory. `held` is `None` if nothing exists at the location of `source`.
pub(crate) fn read_from_memory(
    source: &Source,
    held: Option<&Held<'_>>,
    choice: &Choice,
    limits: &Limits,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    let unreadable = |what: String, message: &str| Error::Unreadable { what, message: message.into() };
    let (path, form, reference) =
        source.place().ok_or_else(|| unreadable(source.to_string(), "registries cannot be used here"))?;
    let held = held.ok_or_else(|| unreadable(slashed(path), MISSING))?;
    must_be_as_named(source, path, held.shape())?;
    let image = empty(&source.to_string(), form.unwrap_or(Form::Layout), Place::Elsewhere);
    resolve(image, held.store(&slashed(path), limits, budget), form, reference, choice, limits)
}

fn resolve(
    mut image: ImageFacts,
    store: Result<Store<'_>, Error>,
    expected: Option<Form>,
    reference: Option<&str>,
    choice: &Choice,
    limits: &Limits,
) -> Result<ImageFacts, Error> {
    let store = match store {
        Ok(store) => store,
        // A malformed archive is not an error here: the checks report it.
        Err(Error::Malformed { message, .. }) => {
            for part in [Part::Manifest, Part::Config, Part::Layers] {
                image.faults.push((part, format!("the archive is malformed: {message}")));
            }
            return Ok(image);
        }
        Err(error) => return Err(error),
    };
    if let Some(why) = store.unsupported() {
        for part in [Part::Manifest, Part::Config, Part::Layers] {
            image.unsupported.push((part, why.to_owned()));
        }
        return Ok(image);
    }
    image.form = match expected {
        Some(form) => form,
        None => recognise(&store).ok_or_else(|| not_an_image(&image.source))?,
    };
    match image.form {
        Form::Layout => {
            layout::read(&mut image, &store, reference, choice, limits)?;
            docker_archive::compare_with(&mut image, &store, limits)?;
        }
        Form::DockerArchive => docker_archive::read(&mut image, &store, reference, choice, limits)?,
        Form::Directory | Form::Registry => directory::read(&mut image, &store, choice, limits)?,
    }
    Ok(image)
}

/// Reads an image from a registry. The bytes are the document to which the name resolved; the media type is the one that the registry stated. The
/// digest verifies the bytes, so a media type that is not known is ignored.
#[cfg(feature = "fetch")]
pub(crate) fn read_remote(
    source: &str,
    tag: Option<RegistryTag>,
    (bytes, media_type): (Vec<u8>, &str),
    remote: Remote<'_>,
    choice: &Choice,
    limits: &Limits,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    const NAMES: gather::Names =
        gather::Names { manifest: |digest| format!("manifests/{digest}"), blob: |digest| format!("blobs/{digest}") };
    let mut image = empty(source, Form::Registry, Place::Elsewhere);
    image.tag = tag;
    let top = gather::Top { bytes, media_type: document::known_type(media_type), platform: None };
    gather::resolve(&mut image, &Store::of_registry(remote, budget), &NAMES, top, choice, limits)?;
    Ok(image)
}

fn empty(source: &str, form: Form, place: Place) -> ImageFacts {
    ImageFacts {
        source: source.to_owned(),
        form,
        indexes: Vec::new(),
        manifest: None,
        config_descriptor: None,
        config: None,
        layers: Vec::new(),
        names: Vec::new(),
        others: Others::default(),
        undecided: None,
        tag: None,
        faults: Vec::new(),
        unsupported: Vec::new(),
        place,
    }
}

fn open(source: &Source, path: &Path, limits: &Limits, budget: &Budget) -> Result<Store<'static>, Error> {
    let store = Store::open(path, limits, budget)?;
    must_be_as_named(source, path, if store.is_on_disk() { Shape::Folder } else { Shape::File })?;
    Ok(store)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    File,
    Folder,
}

/// A transport for folders must refer to a folder, and a transport for archives must refer to a file.
fn must_be_as_named(source: &Source, path: &Path, found: Shape) -> Result<(), Error> {
    let wanted = match source {
        Source::Layout(..) | Source::Directory(_) => Shape::Folder,
        Source::LayoutArchive(..) | Source::DockerArchive(..) => Shape::File,
        Source::Path(_) | Source::Registry(_) => found,
    };
    if wanted == found {
        return Ok(());
    }
    let found = if found == Shape::File { "a file" } else { "a folder" };
    Err(Error::Usage {
        message: format!("{source}: {} is {found}", slashed(path)),
        hint:
            "oci: and dir: are folders, oci-archive: and docker-archive: are files; the form of a bare path is detected"
                .into(),
    })
}

/// Recognises the form by the files that exist. Archives of newer docker engines have both documents and are read as docker-archive, a form in which
/// both documents are read.
fn recognise(store: &Store<'_>) -> Option<Form> {
    let is_folder = store.is_folder();
    match (store.has("manifest.json"), store.has("index.json") || store.has("oci-layout")) {
        (true, _) if !is_folder => Some(Form::DockerArchive),
        (_, true) => Some(Form::Layout),
        (true, false) => Some(Form::Directory),
        (false, false) => None,
    }
}

fn not_an_image(name: &str) -> Error {
    Error::Usage {
        message: format!("{name} is not an image: it has neither an index.json nor a manifest.json"),
        hint: "specify an OCI layout, an archive of one, the output of `docker save`, or a folder written by `skopeo copy … dir:`".into(),
    }
}

impl Others {
    fn add(&mut self, label: String) {
        self.count += 1;
        if self.first.len() < 20 {
            self.first.push(label);
        }
    }
}

impl std::fmt::Display for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first.join(", "))?;
        match self.count.saturating_sub(self.first.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl ImageFacts {
    /// The image, if one was read. This function is for callers that do not have a signed log, which could select an image.
    ///
    /// # Errors
    /// [`Error::Usage`] if the source has several images and none was selected.
    pub fn decided(self) -> Result<Self, Error> {
        match self.undecided {
            Some(Undecided { message, hint, .. }) => {
                Err(Error::Usage { message: format!("{}: {message}: {}", self.source, self.others), hint })
            }
            None => Ok(self),
        }
    }

    /// Contradictions about one part.
    pub fn faults_of(&self, part: Part) -> impl Iterator<Item = &str> {
        self.faults.iter().filter(move |(about, _)| *about == part).map(|(_, message)| message.as_str())
    }

    /// Unsupported features of one part.
    pub fn unsupported_of(&self, part: Part) -> impl Iterator<Item = &str> {
        self.unsupported.iter().filter(move |(about, _)| *about == part).map(|(_, message)| message.as_str())
    }

    fn fault(&mut self, part: Part, message: impl Into<String>) {
        self.faults.push((part, message.into()));
    }
}

#[cfg(test)]
mod choice_tests;
#[cfg(test)]
pub(crate) mod spec_tests;
#[cfg(test)]
mod tests;
