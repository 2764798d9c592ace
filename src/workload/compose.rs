//! docker-compose files (the Compose Specification): images of services, image volumes, and models.

use serde_json::{Map, Value};

use super::{Images, below, kind_of};

/// Does the document look like a compose file?
pub(super) fn is_compose(document: &Value) -> bool {
    document.get("services").is_some() && document.get("kind").is_none()
}

/// Is the file one that compose starts without being told? What stands in it is read, whatever it looks like.
pub(super) fn is_named_so(path: &str) -> bool {
    let name = path.rsplit(['/', ' ']).next().unwrap_or_default();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| matches!(stem.strip_suffix(".override").unwrap_or(stem), "compose" | "docker-compose"))
}

pub(super) fn read(document: &Value, place: &str, images: &mut Images) {
    if document.get("include").is_some() {
        images.unknown(
            below(place, "include"),
            "it includes files that were not read: name what `docker compose config` prints",
        );
    }
    let services = match document.get("services") {
        Some(Value::Object(services)) => services,
        other => {
            let found = other.map_or("nothing", kind_of);
            images.unknown(below(place, "services"), format!("expected a mapping of services, found {found}"));
            return;
        }
    };
    for (name, service) in services {
        let place = below(place, &format!("services.{name}"));
        match service {
            Value::Object(fields) => self::service(fields, services, &place, images),
            other => images.unknown(place, format!("expected a mapping, found {}", kind_of(other))),
        }
    }
    for (name, model) in document.get("models").and_then(Value::as_object).into_iter().flatten() {
        let place = below(place, &format!("models.{name}"));
        match model.get("model") {
            Some(Value::String(text)) => images.name(place, text),
            _ => images.unknown(place, "the model has no name"),
        }
    }
}

fn service(fields: &Map<String, Value>, services: &Map<String, Value>, place: &str, images: &mut Images) {
    if let Some(Value::Array(volumes)) = fields.get("volumes") {
        for (at, volume) in volumes.iter().enumerate() {
            if volume.get("type").and_then(Value::as_str) == Some("image") {
                let place = format!("{place}.volumes[{at}]");
                match volume.get("source") {
                    Some(Value::String(text)) => images.name(place, text),
                    _ => images.unknown(place, "the image volume has no source"),
                }
            }
        }
    }
    if fields.contains_key("build") {
        images.unknown(place, "it has `build`: what runs is built where it runs, and no manifest is about that");
        return;
    }
    if fields.contains_key("provider") {
        images.unknown(place, "it has `provider`: a program that is not looked at brings the service");
        return;
    }
    match fields.get("image") {
        Some(Value::String(text)) => images.name(place, text),
        Some(Value::Null) | None => match base(fields, services) {
            Ok(()) => {}
            Err(why) => images.unknown(place, why),
        },
        Some(other) => images.unknown(place, format!("`image` is {}, expected text", kind_of(other))),
    }
}

/// A service without an image may take it from another of the same file, where it stands in the list by itself.
fn base(fields: &Map<String, Value>, services: &Map<String, Value>) -> Result<(), String> {
    let base = match fields.get("extends") {
        None => return Err("it names no image".into()),
        Some(Value::String(name)) => Some(name.as_str()),
        Some(other) if other.get("file").is_some() => {
            return Err(
                "it extends a service of a file that was not read: name what `docker compose config` prints".into()
            );
        }
        Some(other) => other.get("service").and_then(Value::as_str),
    };
    match base.and_then(|name| services.get(name)) {
        Some(_) => Ok(()),
        None => Err("it extends a service that is not there".into()),
    }
}
