//! Kubernetes manifests: everything with a pod template, lists of them, and whatever else has a field `image`.
//!
//! Kinds are not told apart: containers are found wherever they stand, so that a kind that nobody here knows hides none. What a custom
//! resource calls otherwise than `image` is not found.

use serde_json::{Map, Value};

use super::{Images, below, kind_of};

/// Lists of containers in a pod (Kubernetes, PodSpec).
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
/// What is no part of what runs: names and notes, and what was seen.
const NOT_RUN: [&str; 2] = ["metadata", "status"];
/// Data of ConfigMaps and Secrets, and of nothing else: a ControllerRevision has a pod template there.
const DATA: [&str; 3] = ["data", "stringData", "binaryData"];
/// Kinds that bring in what is not in the file.
const ELSEWHERE: [&str; 6] =
    ["Kustomization", "HelmRelease", "HelmChart", "HelmChartConfig", "Application", "ApplicationSet"];
/// An image that is given in parts.
const PARTS: [&str; 5] = ["repository", "registry", "tag", "digest", "name"];

/// Does the document look like a Kubernetes resource?
pub(super) fn is_resource(document: &Value) -> bool {
    ["apiVersion", "kind"].iter().all(|field| document.get(field).is_some_and(Value::is_string))
}

pub(super) fn read(document: &Value, place: &str, images: &mut Images) {
    let Value::Object(fields) = document else {
        images.unknown(place, format!("expected a resource, found {}", kind_of(document)));
        return;
    };
    let word = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = word(fields.get("kind"));
    let items = fields.get("items").filter(|_| kind.is_empty() || kind.ends_with("List")).and_then(Value::as_array);
    // A custom resource may be called like a list, and have more in it.
    let is_list = items.is_some();
    if let Some(items) = items {
        for (at, item) in items.iter().enumerate() {
            read(item, &below(place, &format!("items[{at}]")), images);
        }
    }
    let name = word(document.pointer("/metadata/name"));
    let place = below(place, &format!("{kind}/{name}"));
    if ELSEWHERE.contains(&kind.as_str()) {
        images.unknown(&place, format!("a {kind} brings in what is not in this file: name what it renders to"));
    }
    let holds_data = word(fields.get("apiVersion")) == "v1" && matches!(kind.as_str(), "ConfigMap" | "Secret");
    let is_run =
        |key: &str| !(NOT_RUN.contains(&key) || is_list && key == "items" || holds_data && DATA.contains(&key));
    for (key, value) in fields.iter().filter(|(key, _)| is_run(key)) {
        walk(key, value, &below(&place, key), images);
    }
}

fn walk(key: &str, value: &Value, place: &str, images: &mut Images) {
    match value {
        Value::Array(items) if CONTAINERS.contains(&key) => {
            for (at, item) in items.iter().enumerate() {
                container(item, &format!("{place}[{at}]"), images);
            }
        }
        Value::Array(items) => {
            let key = if key == "image" { key } else { "" };
            for (at, item) in items.iter().enumerate() {
                walk(key, item, &format!("{place}[{at}]"), images);
            }
        }
        Value::Object(fields) if key == "image" && in_parts(fields, place, images) => {}
        Value::Object(fields) => {
            let pod_template = fields.contains_key("spec");
            for (key, value) in fields.iter().filter(|(key, _)| !(pod_template && *key == "metadata")) {
                walk(key, value, &below(place, key), images);
            }
        }
        Value::String(text) if key == "image" => images.name(place, text),
        Value::Number(_) | Value::Bool(_) if key == "image" => {
            images.unknown(place, format!("it is {}, expected text", kind_of(value)));
        }
        // Nobody runs it: but a list that is no list hides what it holds.
        _ if CONTAINERS.contains(&key) && !value.is_null() => {
            images.unknown(place, format!("expected a list of containers, found {}", kind_of(value)));
        }
        _ => {}
    }
}

fn container(item: &Value, place: &str, images: &mut Images) {
    let Value::Object(fields) = item else {
        images.unknown(place, format!("expected a container, found {}", kind_of(item)));
        return;
    };
    let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
    let place = format!("{place} {name}");
    match fields.get("image") {
        Some(Value::String(_) | Value::Object(_) | Value::Number(_) | Value::Bool(_)) => {}
        _ => images.unknown(&place, "the container names no image: something else will put one in"),
    }
    for (key, value) in fields {
        let at = if key == "image" { place.clone() } else { below(&place, key) };
        walk(key, value, &at, images);
    }
}

/// An image volume, or an image in parts. `false`: neither, to be looked through as any other mapping.
fn in_parts(fields: &Map<String, Value>, place: &str, images: &mut Images) -> bool {
    match fields.get("reference") {
        Some(Value::String(text)) => images.name(place, text),
        None if fields.contains_key("pullPolicy") && fields.len() == 1 => {
            images.unknown(place, "the image volume has no reference");
        }
        None if PARTS.iter().any(|part| fields.get(*part).is_some_and(Value::is_string)) => {
            images.unknown(
                place,
                "the image is given in parts, which only the resource's own controller can put together",
            );
        }
        Some(other) => images.unknown(place, format!("`reference` is {}, expected text", kind_of(other))),
        None => return false,
    }
    true
}
