//! Searches values that are not in the tables, and reports those whose key or text suggests an image or containers.

use serde_json::Value;

use super::super::table::folded;
use super::super::{Images, below};
use super::annotations::annotation;

/// Strings that Ray reads as a runtime environment (docs.ray.io, "Environment Dependencies"), and the keys in them that start or fetch something.
const RAY: [&str; 2] = ["runtimeEnvYAML", "serveConfigV2"];
const FETCHES: [&str; 4] = ["image_uri", "container", "working_dir", "py_modules"];

/// Searches a value below a key, and reports as unknown every value whose key or text suggests an image or containers. `why` contains the advice.
pub(super) fn through(key: &str, value: &Value, place: &str, why: &str, images: &mut Images) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) if key != "image" => {}
        Value::Null => {}
        _ if looks_like_an_image(key) => {
            images.unknown(place, format!("`{key}` may specify an image that runs: {why}"));
        }
        Value::Array(_) | Value::Object(_) if holds_containers(key) && has_mappings(value) => {
            images.unknown(place, format!("`{key}` may define containers: {why}"));
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                through("", item, &format!("{place}[{at}]"), why, images);
            }
        }
        // A controller copies annotations to the pods that it creates.
        Value::Object(notes) if folded(key) == "annotations" => {
            notes.iter().for_each(|(note, value)| annotation(note, value, &below(place, note), images));
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                through(key, value, &below(place, key), why, images);
            }
        }
        Value::String(text) if RAY.contains(&key) && FETCHES.iter().any(|word| text.contains(word)) => {
            images.unknown(place, format!("`{key}` may make Ray start an image or fetch code: {why}"));
        }
        Value::String(text) if is_pinned(text) => {
            // An item of a list has no key; `place` has its number.
            let named = if key.is_empty() { "an item of the list".to_owned() } else { format!("`{key}`") };
            images.unknown(place, format!("{named} refers to an image or an OCI artifact: {why}"));
        }
        _ => {}
    }
}

/// Whether operators in the tables use keys of this form for images: `image`, `dockerImage`, `imageName`, `images`.
pub(super) fn looks_like_an_image(key: &str) -> bool {
    const ENDS: [&str; 9] = [
        "image",
        "images",
        "imagename",
        "imageref",
        "imagereference",
        "imagerepository",
        "imagetag",
        "imagedigest",
        "imageversion",
    ];
    let key: String = folded(key).chars().filter(|c| !matches!(c, '-' | '_' | '.')).collect();
    ENDS.iter().any(|end| key.ends_with(end))
}

fn holds_containers(key: &str) -> bool {
    let key = folded(key);
    ["containers", "container", "sidecars", "sidecar"].iter().any(|end| key.ends_with(end))
}

fn has_mappings(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(Value::is_object),
        other => other.is_object(),
    }
}

/// Whether the string is unmistakably an image: a name with a digest, or the address of an OCI artifact.
fn is_pinned(text: &str) -> bool {
    text.contains("@sha256:") || ["oci://", "docker://"].iter().any(|scheme| text.starts_with(scheme))
}

/// Whether the string is an image name with a digest or a registry host.
pub(super) fn names_an_image(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty()
        || text.contains(char::is_whitespace)
        || text.starts_with("http://")
        || text.starts_with("https://")
    {
        return false;
    }
    let plain = text.split_once("://").map_or(text, |(_, plain)| plain);
    let host = plain.split_once('/').map(|(host, _)| host);
    is_pinned(text) || host.is_some_and(|host| host == "localhost" || host.contains(['.', ':']))
}
