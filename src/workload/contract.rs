//! Contracts of IBM Hyper Protect Virtual Servers and Container Runtime (ibm-cloud-docs/vpc, about-contract.md): whole user-data or one section.

use serde_json::Value;

use super::image_keys::{self, ImageKeyEntry};
use super::reference::is_plain_action;
use super::sections::{Content, Section, is_section, section};
use super::{Images, Password, contract_archive, contract_table, kind_of, kubernetes};
use crate::base::limits::Limits;

/// The contents of a contract, except its images.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    pub(crate) workload: Option<Section>,
    pub(crate) env: Option<Section>,
    /// `envWorkloadSignature` as written.
    pub(crate) signature: Option<String>,
    pub(crate) image_keys: Vec<ImageKeyEntry>,
    /// Faults in the table of keys, as messages.
    pub(crate) key_faults: Vec<String>,
}

impl Contract {
    pub(super) fn read(
        document: &Value,
        bytes: &[u8],
        passwords: &[Password],
        images: &mut Images,
        limits: &Limits,
    ) -> Result<Self, String> {
        let text = |name: &str| match document.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(format!("{name}: expected a string, found {}", kind_of(other))),
        };
        let mut contract = Self {
            workload: section(document, "workload", bytes, passwords, limits)?,
            env: section(document, "env", bytes, passwords, limits)?,
            signature: text("envWorkloadSignature")?,
            image_keys: Vec::new(),
            key_faults: Vec::new(),
        };
        if !is_section(document) && document.is_object() {
            contract_table::WHOLE.read(document, "", images);
        }
        match contract.env.as_ref().map(|section| &section.content) {
            None => {}
            // The deployer writes this section, and a variable in it can change what docker compose starts.
            Some(Content::Closed(why)) => {
                images.unknown("env", format!("its variables may change what starts, and {why}"))
            }
            Some(Content::Plain(env) | Content::Opened(env)) => contract_table::ENV.read(env, "env", images),
        }
        match contract.workload.as_ref().map(|section| &section.content) {
            None => images.unknown("workload", "the contract has no workload section, so it is not known what it runs"),
            Some(Content::Closed(why)) => images.unknown("workload", why.clone()),
            Some(Content::Plain(value) | Content::Opened(value)) => {
                (contract.image_keys, contract.key_faults) = image_keys::read(value);
                read_workload(value, images, limits);
            }
        }
        Ok(contract)
    }
}

/// A template is plain text until it is rendered into a resource. A template action that is not a plain value can remove the text around it or insert
/// other text.
fn plain_actions(value: &Value, place: &str, images: &mut Images) {
    let mut check = |text: &str| {
        let mut rest = text;
        while let Some(at) = rest.find("{{").or_else(|| rest.find("}}")) {
            let tail = rest.get(at..).unwrap_or_default();
            let length = tail.find("}}").map_or(tail.len(), |end| end + 2);
            let (action, after) = tail.split_at(length);
            if !is_plain_action(action) {
                images.unknown(place, format!("the template action {action} is not supported (only {{{{ .Env.NAME }}}} is): replace the template with its rendered text"));
                return;
            }
            rest = after;
        }
    };
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().for_each(|item| plain_actions(item, place, images)),
        Value::Object(fields) => {
            fields.keys().for_each(|key| check(key));
            fields.values().for_each(|field| plain_actions(field, place, images));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Reads the images of a workload section: the images in `compose` and `play`, and the images that the table finds.
fn read_workload(workload: &Value, images: &mut Images, limits: &Limits) {
    let before = images.found.len();
    contract_table::WORKLOAD.read(workload, "workload", images);
    if let Some(part) = workload.get("compose").and_then(Value::as_object) {
        contract_archive::compose(part, images, limits);
    }
    if let Some(part) = workload.get("play").and_then(Value::as_object) {
        let given = |key: &str| part.get(key).filter(|value| !value.is_null());
        for list in ["resources", "templates"] {
            match given(list) {
                None => {}
                Some(Value::Array(items)) => {
                    for (at, item) in items.iter().enumerate() {
                        let place = format!("workload.play.{list}[{at}]");
                        kubernetes::read(item, &place, images);
                        if list == "templates" {
                            plain_actions(item, &place, images);
                        }
                    }
                }
                Some(other) => images
                    .unknown(format!("workload.play.{list}"), format!("expected a list, found {}", kind_of(other))),
            }
        }
        if given("archive").is_some() || (given("resources").is_none() && given("templates").is_none()) {
            contract_archive::play(part, images, limits);
        }
    }
    if images.found.len() == before {
        images.unknown("workload", "the section has no compose, play or confidential-containers mapping with an image");
    }
}
