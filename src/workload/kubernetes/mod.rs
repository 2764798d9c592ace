//! Kubernetes resources, read as a closed world: the kind determines what an object runs, and a kind that is not in any
//! table is unknown.
//!
//! | file | content |
//! | --- | --- |
//! | `kinds.rs` | Kubernetes' own kinds, complete |
//! | `templates.rs`, `pod.rs` | where these contain pods, and every key of a pod |
//! | `custom/`, `custom_templates.rs` | kinds of widely used operators, and where these contain pods |
//! | `listed.rs` | kinds that run nothing according to the policy |
//! | `annotations.rs` | annotations that specify an image or run something |
//! | `outline.rs`, `look.rs` | the search for image names under keys in no table |
//! | `podman.rs` | what `podman kube play` runs in addition to resources |
//! | `ibm.rs` | resources of IBM's operator, which contain a contract |

/// The advice for an unrecognised key.
const ADVICE: &str =
    "correct the key's spelling, or remove the key: an unrecognised key may specify something that runs";

/// The table of a resource with a spec.
macro_rules! resource {
    ($name:literal, $spec:expr) => {
        Table {
            name: $name,
            keys: &[
                ("apiVersion", Harmless),
                ("kind", Harmless),
                ("metadata", Special(metadata)),
                ("spec", $spec),
                ("status", Harmless),
            ],
            extensions: &[],
            advice: ADVICE,
        }
    };
}

mod annotations;
mod custom;
mod custom_templates;
pub(super) mod ibm;
mod kinds;
mod listed;
mod look;
mod outline;
mod pod;
pub(super) mod podman;
mod templates;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(crate) use self::annotations::is_read_by_runtimes;
use self::kinds::Role;
pub use self::listed::KindsWithoutImages;
use super::table::folded;
use super::{Images, below, kind_of};

/// Top-level keys whose spelling determines how a resource is read.
const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "items", "spec"];

/// Whether the document looks like a Kubernetes resource.
pub(super) fn is_resource(document: &Value) -> bool {
    ["apiVersion", "kind"].iter().all(|field| document.get(field).is_some_and(Value::is_string))
}

/// Reads a resource, or a list of resources.
pub(super) fn read(document: &Value, place: &str, images: &mut Images) {
    of_kind(document, None, place, images);
}

/// The version and kind that a list implies for items that do not state them.
#[derive(Clone, Copy)]
struct Default<'a> {
    api_version: &'a str,
    kind: &'a str,
}

fn of_kind(document: &Value, default: Option<Default<'_>>, place: &str, images: &mut Images) {
    let Value::Object(fields) = document else {
        images.unknown(place, format!("expected a resource, found {}", kind_of(document)));
        return;
    };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let (mut api_version, mut kind) = (text("apiVersion"), text("kind"));
    // kubectl reads lists in this way: if an item states a kind, the version that the item states also applies.
    if let Some(default) = default.filter(|_| kind.is_empty()) {
        (api_version, kind) = (default.api_version, default.kind);
    }
    if let Some(key) =
        fields.keys().find(|key| TOP.iter().any(|top| top != key && *top.to_ascii_lowercase() == folded(key)))
    {
        let why =
            format!("malformed: `{key}` differs from one of {} only in case: correct the spelling", TOP.join(", "));
        images.unknown(below(place, key), why);
    }
    let is_list = items(fields, api_version, kind, place, images);
    if is_list && fields.keys().all(|key| matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "items")) {
        return;
    }
    let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let place = below(place, &format!("{kind}/{name}"));
    resource(fields, api_version, kind, &place, images);
}

/// Reads the items of a list. kubectl treats every object with `items` as a list, regardless of its kind. Also returns whether the kind is a list
/// kind.
fn items(fields: &Map<String, Value>, api_version: &str, kind: &str, place: &str, images: &mut Images) -> bool {
    let of = kind.strip_suffix("List");
    match fields.get("items") {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) => {
            let default = of.filter(|of| !of.is_empty()).map(|kind| Default { api_version, kind });
            for (at, item) in items.iter().enumerate() {
                of_kind(item, default, &below(place, &format!("items[{at}]")), images);
            }
        }
        Some(other) => {
            images.unknown(below(place, "items"), format!("expected a list of resources, found {}", kind_of(other)));
        }
    }
    let is_known = |of: &str| of.is_empty() || kinds::role(group(api_version, of), of).is_some();
    of.is_some_and(|of| fields.contains_key("items") || is_known(of))
}

/// The group of a kind. Without an `apiVersion`, the kind determines the group, because podman reads only the kind.
fn group<'a>(api_version: &'a str, kind: &str) -> &'a str {
    match api_version.split_once('/') {
        Some((group, _)) => group,
        None if api_version.is_empty() => kinds::group_of(kind).unwrap_or_default(),
        None => "",
    }
}

fn resource(fields: &Map<String, Value>, api_version: &str, kind: &str, place: &str, images: &mut Images) {
    let group = group(api_version, kind);
    let role = match kinds::role(group, kind) {
        None if images.kinds.lists(group, kind) => {
            *images.skipped.entry(format!("{group}/{kind}")).or_default() += 1;
            annotations::metadata(fields.get("metadata").unwrap_or(&Value::Null), &below(place, "metadata"), images);
            listed::look(fields, place, images);
            return;
        }
        None => {
            images.unknown(place, listed::refusal(group, kind));
            return;
        }
        Some(role) => role,
    };
    if let Role::Runs(table) | Role::Contract(table) = role {
        table.read_fields(fields, place, images);
        return;
    }
    annotations::metadata(fields.get("metadata").unwrap_or(&Value::Null), &below(place, "metadata"), images);
    match role {
        Role::Elsewhere(why) => images.unknown(place, format!("an object of the kind {kind} is not read: {why}")),
        Role::NothingOfItsOwn => outline::EMPTY.read_resource(fields, place, images),
        Role::RunsAt(outline) => outline.read_resource(fields, place, images),
        Role::Nothing | Role::Runs(_) | Role::Contract(_) => {}
    }
}
