//! Pods as printed by kubectl: the images that the nodes report as running (Kubernetes, ContainerStatus `imageID`)
//! or, if the nodes report no digest, those that the Pod's spec requests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::workload::{ImageReference, UsedImage};

/// The lists of containers in a Pod and the corresponding lists of container statuses.
const CONTAINERS: [(&str, &str); 3] = [
    ("containers", "containerStatuses"),
    ("initContainers", "initContainerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
];

/// The resources in a Kubernetes file.
#[derive(Default)]
pub(super) struct Found<'v> {
    /// Every Pod, wherever it appears in the file.
    pods: Vec<&'v Value>,
    /// All other resources, except lists without other fields.
    pub(super) others: Vec<&'v Value>,
}

/// The images of Pods.
#[derive(Default)]
pub(super) struct Running {
    pub(super) images: Vec<UsedImage>,
    pub(super) pods: usize,
    /// The number of Pods that have a container for which the status lists no digest.
    pub(super) judged_by_spec: usize,
}

impl<'v> Found<'v> {
    /// Collects Pods and other resources from documents and lists: `kubectl get pods`, `kubectl get all`, joined
    /// documents, nested lists.
    ///
    /// # Errors
    /// A message if a list continues on another page, or if a document among the Pods is not a resource.
    pub(super) fn of(documents: &'v [Value]) -> Result<Self, String> {
        let mut found = Self::default();
        documents.iter().try_for_each(|document| found.add(document, ""))?;
        let is_resource =
            |other: &&Value| ["apiVersion", "kind"].iter().all(|field| !text(other.get(*field)).is_empty());
        match found.others.iter().find(|other| !found.pods.is_empty() && !is_resource(other)) {
            Some(_) => Err("it contains Pods, and also a document without apiVersion or kind".into()),
            None => Ok(found),
        }
    }

    fn add(&mut self, document: &'v Value, list: &str) -> Result<(), String> {
        const OF_LISTS: [&str; 4] = ["apiVersion", "kind", "metadata", "items"];
        let kind = kind(document);
        // Items of a typed list may omit apiVersion and kind.
        if kind == "Pod" || (kind.is_empty() && list == "PodList") {
            self.pods.push(document);
            return Ok(());
        }
        let items = document.get("items").and_then(Value::as_array);
        let Some(items) = items.filter(|_| kind.is_empty() || kind.ends_with("List")) else {
            self.others.push(document);
            return Ok(());
        };
        if !text(document.pointer("/metadata/continue")).is_empty() {
            return Err(
                "it is only one page of a longer list (metadata.continue): supply the complete list, as kubectl prints it".into()
            );
        }
        // A custom resource's kind may end in `List` although it has more fields than a list.
        if document.as_object().is_some_and(|fields| fields.keys().any(|key| !OF_LISTS.contains(&key.as_str()))) {
            self.others.push(document);
        }
        items.iter().try_for_each(|item| self.add(item, kind))
    }

    /// Whether there is a Pod, or only empty lists.
    pub(super) fn is_of_pods(&self) -> bool {
        !self.pods.is_empty() || self.others.is_empty()
    }

    /// The Pods, each completed with apiVersion and kind, which items of a typed list may omit.
    pub(super) fn whole_pods(&self) -> impl Iterator<Item = Cow<'v, Value>> {
        self.pods.iter().map(|pod| match pod.as_object() {
            Some(fields) if !fields.contains_key("apiVersion") || !fields.contains_key("kind") => {
                let mut fields = fields.clone();
                fields.insert("apiVersion".into(), "v1".into());
                fields.insert("kind".into(), "Pod".into());
                Cow::Owned(Value::Object(fields))
            }
            _ => Cow::Borrowed(*pod),
        })
    }

    /// The images of every Pod's containers and image volumes: from the Pod's status, or from its spec if the status states no digest.
    pub(super) fn running(&self) -> Running {
        let mut running = Running::default();
        self.pods.iter().for_each(|pod| running.add(pod));
        running
    }
}

fn kind(document: &Value) -> &str {
    text(document.get("kind"))
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

impl Running {
    fn add(&mut self, pod: &Value) {
        let meta = |field: &str| text(pod.pointer(&format!("/metadata/{field}"))).to_owned();
        let place = format!("Pod {}/{}", meta("namespace"), meta("name"));
        let before = self.images.len();
        let mut by_spec = false;
        for (list, statuses) in CONTAINERS {
            let mut states: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for state in self.entries(pod, "status", statuses, &place) {
                states.entry(text(state.get("name"))).or_default().push(text(state.get("imageID")));
            }
            for container in self.entries(pod, "spec", list, &place) {
                let name = text(container.get("name"));
                let asked = text(container.get("image"));
                let ids = states.remove(name).unwrap_or_default();
                by_spec = by_spec || !ids.iter().any(|id| id.contains('@'));
                let image = match ids.as_slice() {
                    [] | [""] => named(asked, "the pod does not specify the container's image"),
                    [id] => running(id, asked),
                    _ => Err("the status contains more than one state for the container".into()),
                };
                self.push(format!("{place} {list} {name}"), image);
            }
            for (name, ids) in states {
                ids.into_iter().for_each(|id| self.push(format!("{place} {statuses} {name}"), running(id, "")));
            }
        }
        for volume in self.entries(pod, "spec", "volumes", &place) {
            if let Some(image) = volume.get("image") {
                let reference = text(image.get("reference"));
                let name = text(volume.get("name"));
                self.push(format!("{place} volumes {name}"), named(reference, "the image volume has no reference"));
            }
        }
        if self.images.len() == before {
            self.push(place, Err("the pod has no containers".into()));
        }
        self.pods += 1;
        self.judged_by_spec += usize::from(by_spec);
    }

    /// The entries of a list. If the value is not a list, its content is unknown: an unknown image is added.
    fn entries<'v>(&mut self, pod: &'v Value, part: &str, list: &str, place: &str) -> &'v [Value] {
        match pod.get(part).and_then(|part| part.get(list)) {
            Some(Value::Array(entries)) => entries,
            None | Some(Value::Null) => &[],
            Some(_) => {
                self.push(format!("{place} {part}.{list}"), Err("expected a list, found something else".into()));
                &[]
            }
        }
    }

    fn push(&mut self, place: String, image: Result<ImageReference, String>) {
        self.images.push(UsedImage { place, image });
    }
}

/// The image that a node reports: `REPOSITORY@DIGEST`, with or without the prefix of older container engines. A bare
/// digest is an image ID, not a manifest digest.
fn running(id: &str, asked: &str) -> Result<ImageReference, String> {
    let plain = id.strip_prefix("docker-pullable://").or_else(|| id.strip_prefix("docker://")).unwrap_or(id);
    if plain.contains('@') {
        return named(plain, "");
    }
    let asked = named(asked, "")?;
    match asked.digest() {
        Some(_) => Ok(asked),
        None => Err(format!(
            "the node reports only an image ID ({plain}), which is not a manifest digest, and the pod requested {}",
            asked.text
        )),
    }
}

fn named(image: &str, unnamed: &str) -> Result<ImageReference, String> {
    if image.trim().is_empty() {
        let words = if unnamed.is_empty() { "neither the node nor the pod identifies the image" } else { unnamed };
        return Err(words.into());
    }
    ImageReference::parse(image)
}
