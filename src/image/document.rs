//! The JSON documents of an image: index, manifest, configuration. Sources: Docker's image manifest version 2, schema 2, and the OCI image
//! specification 1.1 ("Image Manifest", "Image Index", "Image Configuration", "Descriptors").

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::strict_json;

/// The annotation of an entry in `index.json` that contains the entry's reference (OCI image layout).
pub(super) const REFERENCE_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with which BuildKit marks every manifest that is a statement about a different manifest.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// A reference to a document or blob: type, digest and size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The media type; empty if not stated.
    pub media_type: String,
    /// The digest.
    pub digest: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// Addresses outside the registry for a foreign layer. The addresses are shown but never requested.
    pub urls: Vec<String>,
    /// The platform, for an entry of an index.
    pub platform: Option<Platform>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// `os/architecture[/variant]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// For example `linux`.
    pub os: String,
    /// For example `s390x`.
    pub architecture: String,
    /// For example `v8`.
    pub variant: Option<String>,
}

impl Platform {
    /// Whether this is the platform that `expected` specifies. Both platforms are compared in normal form; the variant is compared only if
    /// `expected` has one. An arm image without a variant matches any variant, because old images do not state one.
    pub fn is(&self, expected: &str) -> bool {
        let mut words = expected.splitn(4, '/').map(str::to_owned);
        let (Some(os), Some(architecture), variant, None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return false;
        };
        if variant.as_deref() == Some("") {
            return false;
        }
        let expected = Self { os, architecture, variant };
        let is_open = expected.variant.is_none() || (self.stated_variant().is_none() && self.normal().1 == "arm");
        match is_open {
            true => (self.normal().0, self.normal().1) == (expected.normal().0, expected.normal().1),
            false => self.normal() == expected.normal(),
        }
    }

    /// Whether both platforms can describe the same image. A missing variant does not contradict anything.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let (one, two) = (self.normal(), other.normal());
        let both_state = self.stated_variant().is_some() && other.stated_variant().is_some();
        (one.0, one.1) == (two.0, two.1) && (!both_state || one.2 == two.2)
    }

    /// The variant, if it is stated separately or as part of the architecture's name.
    fn stated_variant(&self) -> Option<&str> {
        match self.architecture.to_lowercase().as_str() {
            "armhf" => Some("v7"),
            "armel" => Some("v6"),
            _ => self.variant.as_deref().filter(|variant| !variant.is_empty()),
        }
    }

    /// The platform in the form that containerd-based engines compare (containerd/platforms, `Normalize`): in lower case, with one name for each
    /// architecture. If no operating system is stated, `linux` is assumed.
    pub(super) fn normal(&self) -> (String, String, String) {
        let lower = |text: &str| text.to_lowercase();
        let (os, architecture) = (lower(&self.os), lower(&self.architecture));
        let variant = lower(self.variant.as_deref().unwrap_or_default());
        let os = match os.as_str() {
            "" => "linux",
            "macos" => "darwin",
            other => other,
        };
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386", _) => ("386", ""),
            ("amd64" | "x86_64" | "x86-64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("arm64" | "aarch64", "8" | "v8") => ("arm64", ""),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        [os, architecture, variant].map(str::to_owned).into()
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// An index or a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Document {
    Index { media_type: String, manifests: Vec<Descriptor>, unsupported: Vec<UnsupportedEntry> },
    Manifest { media_type: String, config: Descriptor, layers: Vec<Descriptor> },
}

/// An index entry whose digest is not SHA-256. The entry is not read, but the other entries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnsupportedEntry {
    pub(super) digest: String,
    pub(super) platform: Option<Platform>,
    /// The entry's reference.
    pub(super) name: Option<String>,
}

/// An image's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) platform: Platform,
    pub(super) created: Option<String>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) history: Vec<History>,
    pub(super) diff_ids: Vec<Sha256>,
}

/// One step of an image's history, as recorded by its builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The instruction, as the builder writes it.
    pub created_by: String,
    /// The time, as written.
    pub created: Option<String>,
    /// Whether the step created a layer.
    pub makes_layer: bool,
}

type Answer<T> = Result<T, String>;

const INDEXES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// Reads an index or a manifest. `announced` is the media type that a descriptor or a registry stated for these bytes. A document may omit its own
/// media type, but must not contradict the announced one.
pub(super) fn read(bytes: &[u8], announced: Option<&str>, limits: &Limits) -> Answer<Document> {
    let fields = object(bytes)?;
    spelled(&fields, &["schemaVersion", "mediaType", "manifests", "config", "layers", "fsLayers"])?;
    match fields.get("schemaVersion").and_then(Value::as_u64) {
        Some(2) => {}
        Some(1) => {
            return Err("Docker manifest schema 1 is not supported: it has no digests of layer content".into());
        }
        _ => return Err("expected schemaVersion 2".into()),
    }
    let stated = optional_text(&fields, "mediaType")?;
    let announced = announced.filter(|announced| !announced.is_empty());
    if let (Some(stated), Some(announced)) = (stated, announced)
        && stated != announced
    {
        return Err(format!("its mediaType is {stated:?}, but the reference to it states {announced:?}"));
    }
    let has = |names: &[&str]| names.iter().any(|name| fields.contains_key(*name));
    let (index, manifest) = (has(&["manifests"]), has(&["config", "layers", "fsLayers"]));
    if index && manifest {
        return Err("it is both an index and a manifest, so two programs could read different images".into());
    }
    let media_type = stated.or(announced).unwrap_or_default().to_owned();
    let kind_fits = |known: &[&str; 2]| media_type.is_empty() || known.contains(&media_type.as_str());
    if index && kind_fits(&INDEXES) {
        let (mut manifests, mut unsupported) = (Vec::new(), Vec::new());
        for entry in list(&fields, "manifests", limits.image_manifests)? {
            match entry.get("digest").and_then(Value::as_str).filter(|digest| is_other_algorithm(digest)) {
                Some(digest) => unsupported.push(unsupported_entry(entry, digest)?),
                None => manifests.push(descriptor(entry)?),
            }
        }
        return Ok(Document::Index { media_type, manifests, unsupported });
    }
    if manifest && kind_fits(&MANIFESTS) {
        let config = descriptor(fields.get("config").ok_or("missing config")?)?;
        if !CONFIGS.contains(&config.media_type.as_str()) {
            return Err(format!("its config has the type {:?}: it is not a container image", config.media_type));
        }
        return Ok(Document::Manifest {
            media_type,
            config,
            layers: descriptors(&fields, "layers", limits.image_layers)?,
        });
    }
    Err(match media_type.as_str() {
        "" => "it is neither an index nor a manifest".into(),
        other => {
            format!("its content does not match the media type {other:?}, or that type is not an image media type")
        }
    })
}

/// Reads an image's configuration.
pub(super) fn read_config(bytes: &[u8], limits: &Limits) -> Answer<Config> {
    let fields = object(bytes)?;
    spelled(&fields, &["os", "architecture", "variant", "rootfs", "config", "history", "created"])?;
    let text = |name: &str| optional_text(&fields, name)?.ok_or(format!("missing field {name:?}"));
    let platform = Platform {
        os: text("os")?.to_owned(),
        architecture: text("architecture")?.to_owned(),
        variant: optional_text(&fields, "variant")?.filter(|variant| !variant.is_empty()).map(str::to_owned),
    };
    let rootfs = fields.get("rootfs").and_then(Value::as_object).ok_or("missing object \"rootfs\"")?;
    spelled(rootfs, &["type", "diff_ids"])?;
    if rootfs.get("type").and_then(Value::as_str) != Some("layers") {
        return Err("its rootfs does not have the type \"layers\"".into());
    }
    let diff_ids = list(rootfs, "diff_ids", limits.image_layers)?.iter().map(digest).collect::<Answer<_>>()?;
    let (settings, labels) = match fields.get("config") {
        Some(Value::Object(config)) => (settings(config), texts(config, "Labels")?),
        Some(Value::Null) | None => Default::default(),
        Some(_) => return Err("field \"config\" is not an object".into()),
    };
    let history =
        list(&fields, "history", limits.image_layers.saturating_mul(10))?.iter().map(history).collect::<Answer<_>>()?;
    let created = optional_text(&fields, "created")?.map(str::to_owned);
    Ok(Config { platform, created, settings, labels, history, diff_ids })
}

/// All fields of `config` except the labels. Empty values are dropped, because builders treat an empty value and a missing one alike.
fn settings(config: &Map<String, Value>) -> BTreeMap<String, String> {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let set = config.iter().filter(|(name, value)| *name != "Labels" && !is_empty(value));
    set.map(|(name, value)| (name.clone(), value.to_string())).collect()
}

/// Reads the `manifest.json` of `docker save`: one object per image.
pub(super) fn read_docker_archive(bytes: &[u8], limits: &Limits) -> Answer<Vec<SavedImage>> {
    let images = match strict_json::parse(bytes).map_err(|error| error.to_string())? {
        Value::Array(images) => images,
        _ => return Err("expected a list of images".into()),
    };
    if images.len() as u64 > limits.image_manifests {
        return Err(format!("{} images, more than the limit {}", images.len(), limits.image_manifests()));
    }
    images
        .iter()
        .map(|image| {
            let fields = image.as_object().ok_or("expected an object for each image")?;
            spelled(fields, &["Config", "RepoTags", "Layers"])?;
            let words = |name: &str| -> Answer<Vec<String>> {
                let list = list(fields, name, limits.image_layers)?;
                list.iter()
                    .map(|word| {
                        word.as_str()
                            .map(str::to_owned)
                            .ok_or(format!("{name:?} contains a value that is not a string"))
                    })
                    .collect()
            };
            Ok(SavedImage {
                config: optional_text(fields, "Config")?.ok_or("an image without \"Config\"")?.to_owned(),
                tags: words("RepoTags")?,
                layers: words("Layers")?,
            })
        })
        .collect()
}

/// One image of a docker-archive, with the names of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SavedImage {
    pub(super) config: String,
    pub(super) tags: Vec<String>,
    pub(super) layers: Vec<String>,
}

impl Descriptor {
    /// Whether this is a statement about a different manifest; BuildKit adds such statements to its indexes. Programs that choose by platform ignore
    /// annotations, so an entry with the annotation and a platform other than `unknown/unknown` counts as an image.
    pub(super) fn is_attestation(&self) -> bool {
        self.annotations.contains_key(REFERENCE_TYPE)
            && self.platform.as_ref().is_some_and(|platform| platform.is("unknown/unknown"))
    }

    /// Whether the layer's bytes are stored outside the registry: Docker's `foreign` and OCI's non-distributable layers.
    pub fn is_foreign(&self) -> bool {
        self.media_type.contains(".foreign.") || self.media_type.contains(".nondistributable.")
    }

    /// Whether the layer is encrypted (OCIcrypt).
    pub fn is_encrypted(&self) -> bool {
        self.media_type.ends_with("+encrypted")
    }
}

fn object(bytes: &[u8]) -> Answer<Map<String, Value>> {
    match strict_json::parse(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("expected a JSON object".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Container engines are written in Go, whose JSON decoder ignores the case of field names and also accepts `ſ` for s and the Kelvin sign for k: if
/// `manifests` and `Manifests` are both present, it uses the one that comes later. A name that differs from one of `known` only in these respects is
/// refused.
fn spelled(fields: &Map<String, Value>, known: &[&str]) -> Answer<()> {
    let folded = |name: &str| name.replace('\u{17f}', "s").replace('\u{212a}', "k").to_ascii_lowercase();
    let is_other =
        |name: &&String| !known.contains(&name.as_str()) && known.iter().any(|known| folded(known) == folded(name));
    match fields.keys().find(is_other) {
        Some(name) => Err(format!(
            "field {name:?} differs from a known field only in case, so two programs could read different documents"
        )),
        None => Ok(()),
    }
}

fn optional_text<'v>(fields: &'v Map<String, Value>, name: &str) -> Answer<Option<&'v str>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("field {name:?} is not a string")),
    }
}

/// `null` and a missing list count as empty, because Go programs write empty lists in both ways.
fn list<'v>(fields: &'v Map<String, Value>, name: &str, allowed: u64) -> Answer<&'v [Value]> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) if values.len() as u64 <= allowed => Ok(values),
        Some(Value::Array(values)) => {
            Err(format!("{} entries in {name:?}, more than the {allowed} allowed", values.len()))
        }
        Some(_) => Err(format!("field {name:?} is not a list")),
    }
}

fn texts(fields: &Map<String, Value>, name: &str) -> Answer<BTreeMap<String, String>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries
            .iter()
            .map(|(key, value)| {
                let value = value.as_str().ok_or(format!("{name:?} contains a value that is not a string"))?;
                Ok((key.clone(), value.to_owned()))
            })
            .collect(),
        Some(_) => Err(format!("field {name:?} is not an object")),
    }
}

fn digest(value: &Value) -> Answer<Sha256> {
    let text = value.as_str().ok_or("a digest that is not a string")?;
    Sha256::from_prefixed(text).ok_or(format!("expected sha256: and 64 lower-case hexadecimal digits, found {text:?}"))
}

/// Whether the text is a well-formed digest with an algorithm other than SHA-256 (OCI image specification, "Digests").
fn is_other_algorithm(text: &str) -> bool {
    let Some((algorithm, encoded)) = text.split_once(':') else { return false };
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    algorithm != "sha256"
        && algorithm.split(['+', '.', '_', '-']).all(is_word)
        && !encoded.is_empty()
        && encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte))
        && (algorithm != "sha512"
            || (encoded.len() == 128 && Sha256::from_hex(encoded.get(..64).unwrap_or_default()).is_some()))
}

fn unsupported_entry(entry: &Value, digest: &str) -> Answer<UnsupportedEntry> {
    // All fields except the digest must be valid.
    let mut fields = entry.as_object().cloned().ok_or("a descriptor that is not an object")?;
    fields.insert("digest".into(), Value::String(Sha256::of(digest.as_bytes()).to_string()));
    let read = descriptor(&Value::Object(fields))?;
    let name = read.annotations.get(REFERENCE_NAME).cloned();
    Ok(UnsupportedEntry { digest: digest.to_owned(), platform: read.platform, name })
}

/// The media type that a registry announces, without parameters, if it is a known image type. Any other type is ignored, because the digest verifies
/// the bytes.
#[cfg(feature = "fetch")]
pub(super) fn known_type(announced: &str) -> Option<&'static str> {
    const OLD: [&str; 2] = [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ];
    let announced = announced.split(';').next().unwrap_or_default().trim();
    INDEXES.into_iter().chain(MANIFESTS).chain(OLD).find(|known| known.eq_ignore_ascii_case(announced))
}

/// Prefixes of layer media types, including those of foreign, non-distributable and compressed layers.
const LAYERS: [&str; 2] = ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];

/// Whether this is a manifest of something other than a container image: a signature, an attestation, a bill of materials or another artifact.
/// Engines cannot create a container from it.
pub(super) fn is_artifact(bytes: &[u8]) -> bool {
    let Ok(fields) = object(bytes) else { return false };
    let type_of = |value: &Value| value.get("mediaType").and_then(Value::as_str).map(str::to_owned).unwrap_or_default();
    let Some(config) = fields.get("config").map(type_of) else { return false };
    let layers = fields.get("layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_layer = |layer: &Value| LAYERS.iter().any(|known| type_of(layer).starts_with(known));
    !CONFIGS.contains(&config.as_str()) || (!layers.is_empty() && !layers.iter().any(is_layer))
}

fn descriptors(fields: &Map<String, Value>, name: &str, allowed: u64) -> Answer<Vec<Descriptor>> {
    if !matches!(fields.get(name), Some(Value::Array(_))) {
        return Err(format!("missing list {name:?}"));
    }
    list(fields, name, allowed)?.iter().map(descriptor).collect()
}

fn descriptor(value: &Value) -> Answer<Descriptor> {
    let fields = value.as_object().ok_or("a descriptor that is not an object")?;
    spelled(fields, &["mediaType", "digest", "size", "urls", "platform", "annotations"])?;
    let urls = list(fields, "urls", 100)?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let platform = match fields.get("platform") {
        Some(Value::Object(platform)) => {
            spelled(platform, &["os", "architecture", "variant"])?;
            Some(Platform {
                os: optional_text(platform, "os")?.unwrap_or_default().to_owned(),
                architecture: optional_text(platform, "architecture")?.unwrap_or_default().to_owned(),
                variant: optional_text(platform, "variant")?.filter(|v| !v.is_empty()).map(str::to_owned),
            })
        }
        _ => None,
    };
    Ok(Descriptor {
        media_type: optional_text(fields, "mediaType")?.unwrap_or_default().to_owned(),
        digest: digest(fields.get("digest").unwrap_or(&Value::Null))?,
        size: fields.get("size").and_then(Value::as_u64).ok_or("a descriptor without a size in bytes")?,
        urls,
        platform,
        annotations: texts(fields, "annotations")?,
    })
}

fn history(value: &Value) -> Answer<History> {
    let fields = value.as_object().ok_or("a history entry that is not an object")?;
    Ok(History {
        created_by: optional_text(fields, "created_by")?.unwrap_or_default().to_owned(),
        created: optional_text(fields, "created")?.map(str::to_owned),
        makes_layer: !fields.get("empty_layer").and_then(Value::as_bool).unwrap_or(false),
    })
}
