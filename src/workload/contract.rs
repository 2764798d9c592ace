//! Contracts of IBM Hyper Protect Virtual Servers and Container Runtime (ibm-cloud-docs/vpc, about-contract.md): user-data whole, or one section.

use serde_json::Value;

use super::image_keys::{self, ImageKeyEntry};
use super::sections::{Content, Section, section};
use super::{Images, archive, below, compose, kind_of, kubernetes, nodes};
use crate::budget::Work;
use crate::limits::Limits;
use crate::strict_yaml;

/// What a contract says beside its images.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    pub(crate) workload: Option<Section>,
    pub(crate) env: Option<Section>,
    /// `envWorkloadSignature`, as it is written.
    pub(crate) signature: Option<String>,
    pub(crate) image_keys: Vec<ImageKeyEntry>,
    /// What is wrong with the table of keys, in words.
    pub(crate) key_faults: Vec<String>,
}

impl Contract {
    pub(super) fn read(
        document: &Value,
        bytes: &[u8],
        passwords: &[Vec<u8>],
        images: &mut Images,
        limits: &Limits,
    ) -> Result<Self, String> {
        let text = |name: &str| match document.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(format!("{name}: expected text, found {}", kind_of(other))),
        };
        let mut contract = Self {
            workload: section(document, "workload", bytes, passwords, limits)?,
            env: section(document, "env", bytes, &[], limits)?,
            signature: text("envWorkloadSignature")?,
            image_keys: Vec::new(),
            key_faults: Vec::new(),
        };
        match contract.workload.as_ref().map(|section| &section.content) {
            None => images.unknown("workload", "the contract has no workload section: what it runs is not known"),
            Some(Content::Closed(why)) => images.unknown("workload", why.clone()),
            Some(Content::Plain(value) | Content::Opened(value)) => {
                (contract.image_keys, contract.key_faults) = image_keys::read(value);
                read_workload(value, images, limits);
            }
        }
        Ok(contract)
    }
}

/// The images of `compose`, `play` and cosign's table in a workload section.
fn read_workload(workload: &Value, images: &mut Images, limits: &Limits) {
    let before = images.found.len();
    if let Some(part) = workload.get("compose") {
        read_archive(part, "workload.compose", images, limits, |name, documents, images| {
            let is_it = compose::is_named_so(name) || documents.iter().any(compose::is_compose);
            match documents {
                [one] if is_it => compose::read(one, name, images),
                // One tool merges them, another takes the first.
                _ if is_it => images.unknown(name, format!("expected one document, found {}", documents.len())),
                _ => {}
            }
            is_it
        });
    }
    if let Some(part) = workload.get("play") {
        for list in ["resources", "templates"] {
            match part.get(list) {
                None => {}
                Some(Value::Array(items)) => {
                    for (at, item) in items.iter().enumerate() {
                        kubernetes::read(item, &format!("workload.play.{list}[{at}]"), images);
                    }
                }
                Some(other) => images
                    .unknown(format!("workload.play.{list}"), format!("expected a list, found {}", kind_of(other))),
            }
        }
        if part.get("archive").is_some() || (part.get("resources").is_none() && part.get("templates").is_none()) {
            read_archive(part, "workload.play", images, limits, |name, documents, images| {
                let top = !name.trim_start_matches("workload.play.archive: ").contains('/');
                // podman starts what it knows and passes over the rest, and does not ask for an apiVersion.
                let resources = top && documents.iter().any(|document| document.get("kind").is_some());
                if resources {
                    documents.iter().for_each(|document| kubernetes::read(document, name, images));
                }
                resources
            });
        }
    }
    let cosign = workload.pointer("/confidential-containers/config/cosign").and_then(Value::as_object);
    for name in cosign.into_iter().flatten().map(|(name, _)| name) {
        images.name(format!("workload.confidential-containers.config.cosign.{name}"), name);
    }
    if images.found.len() == before {
        images.unknown("workload", "the section names no image: it has no compose, play or cosign table that does");
    }
}

/// Hands every YAML file of `part.archive` to `take`, which says whether it is what the machine starts; others are data of the workload.
fn read_archive(
    part: &Value,
    place: &str,
    images: &mut Images,
    limits: &Limits,
    take: impl Fn(&str, &[Value], &mut Images) -> bool,
) {
    let place = below(place, "archive");
    let Some(Value::String(text)) = part.get("archive") else {
        images.unknown(place, "expected an archive in base64");
        return;
    };
    let files = match archive::files(text, limits) {
        Ok(files) => files,
        Err(why) => {
            images.unknown(place, why);
            return;
        }
    };
    let mut taken = false;
    for (path, bytes) in files {
        images.spend(Work::Bytes(bytes.len() as u64), "the archive of the contract");
        let lower = path.to_ascii_lowercase();
        if !(lower.ends_with(".yaml") || lower.ends_with(".yml")) {
            continue;
        }
        let name = format!("{place}: {path}");
        match strict_yaml::documents(&bytes, limits) {
            Ok(documents) => {
                images.spend(Work::Nodes(documents.iter().map(nodes).sum()), "the archive of the contract");
                taken |= take(&name, &documents, images);
            }
            // It may be what the machine starts: another reader may read it.
            Err(why) => images.unknown(name, why),
        }
    }
    if !taken {
        images.unknown(place, "no file in it says what to run");
    }
}
