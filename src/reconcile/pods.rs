//! `kubectl get pods -A -o json`: what the nodes say that they run (Kubernetes, ContainerStatus `imageID`), where they say it, and what was
//! asked for where they do not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::workload::{ImageReference, UsedImage};

/// Containers of a pod and where their state stands.
const CONTAINERS: [(&str, &str); 3] = [
    ("containers", "containerStatuses"),
    ("initContainers", "initContainerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
];

/// Is it a pod, or a list of nothing but pods?
pub(super) fn are_in(document: &Value) -> bool {
    match (kind(document), document.get("items")) {
        ("Pod", _) => true,
        ("PodList", Some(Value::Array(items))) => items.iter().all(|item| matches!(kind(item), "" | "Pod")),
        ("List", Some(Value::Array(items))) => !items.is_empty() && items.iter().all(|item| kind(item) == "Pod"),
        _ => false,
    }
}

/// Adds every image of every pod.
///
/// # Errors
/// In words: a list that goes on elsewhere is not whole.
pub(super) fn read(document: &Value, images: &mut Vec<UsedImage>) -> Result<(), String> {
    let Some(items) = document.get("items").and_then(Value::as_array).filter(|_| kind(document) != "Pod") else {
        pod(document, images);
        return Ok(());
    };
    if !text(document.pointer("/metadata/continue")).is_empty() {
        return Err("it is one page of a longer list (metadata.continue): ask for all of it, as kubectl does".into());
    }
    items.iter().for_each(|item| pod(item, images));
    Ok(())
}

fn kind(document: &Value) -> &str {
    text(document.get("kind"))
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn pod(pod: &Value, images: &mut Vec<UsedImage>) {
    let meta = |field: &str| text(pod.pointer(&format!("/metadata/{field}"))).to_owned();
    let place = format!("Pod {}/{}", meta("namespace"), meta("name"));
    let before = images.len();
    for (list, statuses) in CONTAINERS {
        let entries = |part: &str, list: &str| {
            let entries = pod.pointer(&format!("/{part}/{list}")).and_then(Value::as_array);
            entries.map(Vec::as_slice).unwrap_or_default()
        };
        let mut states: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for state in entries("status", statuses) {
            states.entry(text(state.get("name"))).or_default().push(text(state.get("imageID")));
        }
        for container in entries("spec", list) {
            let name = text(container.get("name"));
            let place = format!("{place} {list} {name}");
            let asked = text(container.get("image"));
            match states.remove(name).as_deref() {
                None | Some([""]) => images.push(UsedImage { place, image: named(asked, "the pod does not name it") }),
                Some([id]) => images.push(UsedImage { place, image: running(id, asked) }),
                Some(_) => images.push(UsedImage { place, image: Err("its state stands there twice".into()) }),
            }
        }
        for (name, ids) in states {
            let place = format!("{place} {statuses} {name}");
            images.extend(ids.into_iter().map(|id| UsedImage { place: place.clone(), image: running(id, "") }));
        }
    }
    for volume in pod.pointer("/spec/volumes").and_then(Value::as_array).into_iter().flatten() {
        if let Some(image) = volume.get("image") {
            let place = format!("{place} volumes {}", text(volume.get("name")));
            let reference = text(image.get("reference"));
            images.push(UsedImage { place, image: named(reference, "the image volume has no reference") });
        }
    }
    if images.len() == before {
        images.push(UsedImage { place, image: Err("no container is found in the pod".into()) });
    }
}

/// What a node says: `REPOSITORY@DIGEST`, with the prefix of older container engines or not. A bare digest is an image's id, not a manifest's.
fn running(id: &str, asked: &str) -> Result<ImageReference, String> {
    let plain = id.strip_prefix("docker-pullable://").or_else(|| id.strip_prefix("docker://")).unwrap_or(id);
    if plain.contains('@') {
        return named(plain, "");
    }
    let asked = named(asked, "")?;
    match asked.digest() {
        Some(_) => Ok(asked),
        None => Err(format!(
            "the node names an image id only ({plain}), which is no manifest's digest, and the pod asked for {}",
            asked.text
        )),
    }
}

fn named(image: &str, unnamed: &str) -> Result<ImageReference, String> {
    if image.trim().is_empty() {
        let words = if unnamed.is_empty() { "neither the node nor the pod names it" } else { unnamed };
        return Err(words.into());
    }
    ImageReference::parse(image)
}
