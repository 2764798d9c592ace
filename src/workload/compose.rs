//! docker-compose files (the Compose Specification): images of services, jobs, hooks, image volumes and models. [`super::compose_table`] has
//! every key; here are the rules for what has several forms.

use serde_json::{Map, Value};

use super::compose_table::{EXTENDS, FILE, MODEL, MOUNT, NAMED_VOLUME, SERVICE};
use super::{Images, below, kind_of};

/// Services that extend each other in a row. Compose files have two or three.
const EXTENDS_MAX: usize = 100;
/// Annotations that an OCI runtime may take an image or a program from: crun, Kata Containers, CRI-O, containerd, podman.
const RUNTIME_ANNOTATIONS: [&str; 6] = [
    "run.oci.",
    "module.wasm.image/",
    "io.katacontainers.",
    "io.kubernetes.cri-o.",
    "io.kubernetes.cri.",
    "io.podman.annotations.",
];
/// Arguments of `podman pod create` that bring in nothing; `--infra-image` does.
const POD_ARGUMENTS: [&str; 5] = ["--infra=", "--share=", "--share-parent=", "--userns=", "--exit-policy="];

/// Does the document look like a compose file?
pub(super) fn is_compose(document: &Value) -> bool {
    document.get("services").is_some_and(Value::is_object)
}

/// Is the file one that compose starts without being told? What stands in it is read, whatever it looks like.
pub(super) fn is_named_so(path: &str) -> bool {
    let name = path.rsplit(['/', ' ']).next().unwrap_or_default();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| matches!(stem.strip_suffix(".override").unwrap_or(stem), "compose" | "docker-compose"))
}

pub(super) fn read(document: &Value, place: &str, images: &mut Images) {
    let Value::Object(fields) = document else {
        images.unknown(place, format!("expected a compose file, found {}", kind_of(document)));
        return;
    };
    let before = images.found.len();
    FILE.read_fields(fields, place, images);
    unread_of_podman(fields, place, images);
    let has = |key: &str| given(fields, key).is_some();
    if !has("services") && !has("jobs") && images.found.len() == before {
        images.unknown(below(place, "services"), "expected a mapping of services, found nothing");
    }
}

/// A key that is there and not null.
fn given<'v>(fields: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    fields.get(key).filter(|value| !value.is_null())
}

/// podman-compose reads keys that begin with `x-podman`: those that the table does not have are not notes of the owner.
fn unread_of_podman(fields: &Map<String, Value>, place: &str, images: &mut Images) {
    for key in fields.keys().filter(|key| key.starts_with("x-podman") && SERVICE.meaning(key).is_none()) {
        images.unknown(below(place, key), format!("`{key}` is for podman-compose, and not known here: remove it"));
    }
}

pub(super) fn include(value: &Value, place: &str, images: &mut Images) {
    if value.as_array().is_none_or(|files| !files.is_empty()) {
        images.unknown(
            place,
            "`include` is not read, and neither are its files: name what `docker compose config` prints",
        );
    }
}

pub(super) fn services(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(services) = value else {
        images.unknown(place, format!("expected a mapping of services, found {}", kind_of(value)));
        return;
    };
    for (name, service) in services {
        let place = below(place, name);
        match service {
            Value::Object(fields) => self::service(fields, services, &place, images),
            Value::Null => images.unknown(place, NO_IMAGE),
            other => images.unknown(place, format!("expected a mapping, found {}", kind_of(other))),
        }
    }
}

const NO_IMAGE: &str = "it names no image: add `image` with its digest";

fn service(fields: &Map<String, Value>, services: &Map<String, Value>, place: &str, images: &mut Images) {
    SERVICE.read_fields(fields, place, images);
    unread_of_podman(fields, place, images);
    if ["image", "build", "provider"].iter().any(|key| given(fields, key).is_some()) {
        return;
    }
    match inherited(fields, services) {
        Ok(image) => images.name(place, image),
        Err(why) => images.unknown(place, why),
    }
}

/// The image of a service that extends another of the same file, and names none itself.
fn inherited<'v>(fields: &'v Map<String, Value>, services: &'v Map<String, Value>) -> Result<&'v str, String> {
    let mut fields = fields;
    for _ in 0..EXTENDS_MAX {
        let base = match given(fields, "extends") {
            None => return Err(NO_IMAGE.into()),
            Some(Value::String(name)) => Some(name.as_str()),
            Some(other) if other.get("file").is_some_and(|file| !file.is_null()) => {
                return Err(
                    "its image may be in the file that it extends: name what `docker compose config` prints".into()
                );
            }
            Some(other) => other.get("service").and_then(Value::as_str),
        };
        let Some(Value::Object(found)) = base.and_then(|name| services.get(name)) else {
            return Err("it extends a service that is not in this file".into());
        };
        match given(found, "image") {
            Some(Value::String(image)) => return Ok(image),
            Some(_) => return Err("it extends a service whose image is not known".into()),
            None if ["build", "provider"].iter().any(|key| given(found, key).is_some()) => {
                return Err("it extends a service whose image is not known".into());
            }
            None => fields = found,
        }
    }
    Err("it names no image, and neither do the services that it extends: they extend each other".into())
}

pub(super) fn extends(value: &Value, place: &str, images: &mut Images) {
    if !value.is_string() {
        EXTENDS.read(value, place, images);
    }
}

/// Mounts of a service. Those in the short form are of the host, or of volumes.
pub(super) fn mounts(value: &Value, place: &str, images: &mut Images) {
    let Value::Array(mounts) = value else {
        images.unknown(place, format!("expected a list of volumes, found {}", kind_of(value)));
        return;
    };
    for (at, mount) in mounts.iter().enumerate() {
        let place = format!("{place}[{at}]");
        match (mount, mount.get("type").unwrap_or(&Value::Null)) {
            (Value::String(_) | Value::Null, _) => continue,
            (Value::Object(_), Value::Null) => images.unknown(&place, "`type` is missing: it decides what is mounted"),
            (Value::Object(_), Value::String(kind)) if kind == "image" => match mount.get("source") {
                Some(Value::String(text)) => images.name(&place, text),
                _ => images.unknown(&place, "the image volume has no source"),
            },
            _ => {}
        }
        MOUNT.read(mount, &place, images);
    }
}

/// Volumes of the top level. podman has a driver that fills a volume from an image (podman-volume-create(1), `--driver`).
pub(super) fn named_volumes(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(volumes) = value else {
        images.unknown(place, format!("expected a mapping of volumes, found {}", kind_of(value)));
        return;
    };
    for (name, volume) in volumes {
        let place = below(place, name);
        NAMED_VOLUME.read(volume, &place, images);
        if volume.get("driver").is_some_and(|driver| driver == "image") {
            match volume.pointer("/driver_opts/image") {
                Some(Value::String(text)) => images.name(place, text),
                _ => images.unknown(place, "the volume's driver is `image`, and `driver_opts` has no `image`"),
            }
        }
    }
}

pub(super) fn volume_driver(value: &Value, place: &str, images: &mut Images) {
    if !value.as_str().is_some_and(|driver| matches!(driver, "" | "local" | "image")) {
        let why = "what this driver brings into the volume is not known: use `local`, or create the volume beforehand and write `external: true`";
        images.unknown(place, why);
    }
}

pub(super) fn models(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(models) = value else {
        images.unknown(place, format!("expected a mapping of models, found {}", kind_of(value)));
        return;
    };
    for (name, model) in models {
        let place = below(place, name);
        MODEL.read(model, &place, images);
        if model.get("model").is_none_or(Value::is_null) {
            images.unknown(place, "the model has no name: add `model`");
        }
    }
}

/// A mapping, or a list of `KEY=VALUE`.
pub(super) fn annotations(value: &Value, place: &str, images: &mut Images) {
    let mut read = |key: &str| {
        if RUNTIME_ANNOTATIONS.iter().any(|prefix| key.starts_with(prefix)) {
            images.unknown(
                below(place, key),
                "a container runtime reads this annotation, and may run something for it: remove it",
            );
        }
    };
    match value {
        Value::Object(pairs) => pairs.keys().for_each(|key| read(key)),
        Value::Array(pairs) => pairs.iter().filter_map(Value::as_str).for_each(|pair| {
            read(pair.split_once('=').map_or(pair, |(key, _)| key));
        }),
        other => images.unknown(place, format!("expected a mapping or a list, found {}", kind_of(other))),
    }
}

pub(super) fn pod_arguments(value: &Value, place: &str, images: &mut Images) {
    let is_known = |argument: &Value| {
        argument.as_str().is_some_and(|text| POD_ARGUMENTS.iter().any(|known| text.starts_with(known)))
    };
    if !value.as_array().is_some_and(|arguments| arguments.iter().all(is_known)) {
        images.unknown(
            place,
            format!("`podman pod create` may take an image from these: only {} are known", POD_ARGUMENTS.join(" ")),
        );
    }
}
