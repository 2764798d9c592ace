//! AdmissionReview v1 (Kubernetes, `admission.k8s.io/v1`): the request that an API server sends before it stores a pod, and the response.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::limits::{Bound, Limits};
use crate::base::strict_json::{self, Bounds};
use crate::workload::{KindsWithoutImages, Workload, is_read_by_runtimes};

const VERSION: &str = "admission.k8s.io/v1";
/// Kubernetes truncates warnings at 256 characters.
const WARNING_LETTERS: usize = 250;
/// Maximum length of the message shown by `kubectl`. As JSON, the message is at most twice as long, so a response stays below 64
/// KiB.
const MESSAGE_BYTES: usize = 24 << 10;
/// Maximum length of a request's UID, which the response repeats. A Kubernetes UID has 36 characters.
const UID_BYTES: usize = 128;
/// Maximum length, in the log, of the name of a namespace, object, kind or user.
const NAME_BYTES: usize = 256;
/// Memory that may be used to answer a request: a fixed amount, and an amount for each byte of the request. The request's bytes and the strings of
/// its JSON use three times the request's size.
const MEMORY: (u64, u64) = (1 << 20, 20);
/// The share of [`MEMORY`] for JSON values, apart from their strings.
const VALUES: (u64, u64) = (768 << 10, 14);
/// The share of [`MEMORY`] for positions and names of images.
const IMAGES: (u64, u64) = (256 << 10, 3);

/// An API server's request.
#[derive(Debug, Clone)]
pub struct Review {
    /// The request's own id, which the response must repeat.
    pub uid: String,
    /// The requested operation.
    pub operation: Operation,
    /// The namespace as the API server states it; empty for an object without one.
    pub namespace: String,
    /// The object's kind as the API server states it.
    pub kind: String,
    /// The object's name; empty if the API server will choose one.
    pub name: String,
    /// The user that sent the request.
    pub user: String,
    /// The images of the object to be stored.
    pub workload: Workload,
    /// Whether the stored object has exactly the same images at the same positions.
    pub same_images: bool,
}

/// The operation on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The object is new.
    Create,
    /// The object changes.
    Update,
}

impl Operation {
    /// The operation's name in Kubernetes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
        }
    }
}

impl Review {
    /// Reads a request strictly. The namespace, kind and name are those that the API server states, not those in the object. `kinds` is the policy's
    /// list of kinds that run nothing.
    ///
    /// # Errors
    /// [`Error::Malformed`] for JSON that is not an AdmissionReview v1 with a CREATE or an UPDATE; [`Error::OverLimit`] if a limit is exceeded.
    pub fn read(bytes: &[u8], kinds: &KindsWithoutImages, limits: &Limits) -> Result<Self, Error> {
        limits.review_bytes().check(bytes.len() as u64, "the review")?;
        let malformed = |message: String| Error::malformed("the review", message);
        let document = document(bytes, limits)?;
        let text = |place: &str| document.pointer(place).and_then(Value::as_str).unwrap_or_default();
        for (place, expected) in [("/apiVersion", VERSION), ("/kind", "AdmissionReview")] {
            let found = text(place);
            if found != expected {
                return Err(malformed(format!("{place}: expected {expected}, found {found:?}")));
            }
        }
        let uid = text("/request/uid");
        if uid.is_empty() || uid.len() > UID_BYTES {
            return Err(malformed(format!("/request/uid: expected a string of 1 to {UID_BYTES} bytes")));
        }
        let operation = match text("/request/operation") {
            "CREATE" => Operation::Create,
            "UPDATE" => Operation::Update,
            other => return Err(malformed(format!("/request/operation: expected CREATE or UPDATE, found {other:?}"))),
        };
        let object = document
            .pointer("/request/object")
            .filter(|object| object.is_object())
            .ok_or_else(|| malformed("/request/object: expected an object".into()))?;
        let limits = &within(bytes.len() as u64, limits);
        // A review has a separate limit, which is reported under a separate name.
        let named = |error| match error {
            Error::OverLimit { limit, .. } if limit == limits.workload_images().name => {
                limits.review_images().exceeded("the review")
            }
            other => other,
        };
        // One budget covers both the stored object and the new one.
        let budget = Budget::of_request(bytes.len() as u64, limits);
        let read = |object| Workload::of_resource("request", object, bytes, kinds, limits, &budget).map_err(named);
        let workload = read(object)?;
        let same_images = match (operation, document.pointer("/request/oldObject")) {
            (Operation::Update, Some(stored)) if stored.is_object() => {
                let before = read(stored)?;
                // Comparing images is not enough for a contract, which contains more than images.
                let all_known = workload.contract.is_none() && workload.images.iter().all(|used| used.image.is_ok());
                // Two images that are unknown for the same reason may be different images.
                before.images == workload.images && (all_known || are_same_but_for_notes(stored, object))
            }
            _ => false,
        };
        Ok(Self {
            uid: uid.to_owned(),
            operation,
            namespace: shortened(text("/request/namespace"), NAME_BYTES),
            kind: shortened(text("/request/kind/kind"), NAME_BYTES),
            name: shortened(text("/request/name"), NAME_BYTES),
            user: shortened(text("/request/userInfo/username"), NAME_BYTES),
            same_images,
            workload,
        })
    }

    /// Maximum memory for answering a request of this many bytes.
    pub fn memory(bytes: u64) -> u64 {
        of_size(MEMORY, bytes)
    }

    /// The response that allows the request, with warnings.
    pub fn allow(uid: &str, warnings: &[String]) -> Vec<u8> {
        if warnings.is_empty() {
            return answer(&json!({ "uid": uid, "allowed": true }));
        }
        let inert = warnings.iter().map(|line| match for_terminal(line).char_indices().nth(WARNING_LETTERS) {
            Some((at, _)) => shortened(&for_terminal(line), at),
            None => for_terminal(line),
        });
        let inert: Vec<String> = inert.collect();
        answer(&json!({ "uid": uid, "allowed": true, "warnings": inert }))
    }

    /// The response that denies the request, with reasons.
    pub fn deny(uid: &str, reasons: &[String]) -> Vec<u8> {
        let message = shortened(&for_terminal(&reasons.join("; ")), MESSAGE_BYTES);
        let status = json!({ "status": "Failure", "code": 403, "reason": "Forbidden", "message": message });
        answer(&json!({ "uid": uid, "allowed": false, "status": status }))
    }
}

/// Parses the document within its budget.
fn document(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let size = bytes.len() as u64;
    let (nodes, key) = (limits.review_nodes, limits.review_key_bytes);
    let memory = of_size(VALUES, size);
    let bounds = Bounds { nodes: Cell::new(nodes), memory: Cell::new(memory), key, passed: Cell::new(None) };
    let document = strict_json::parse_within(bytes, &bounds).map_err(|error| match bounds.passed.get() {
        Some("key") => limits.review_key_bytes().exceeded("a key of the review"),
        Some("nodes") => limits.review_nodes().exceeded("the review"),
        Some(_) => {
            let what = format!("the number of values in a review of {size} bytes");
            Bound { allowed: nodes - bounds.nodes.get(), ..limits.review_nodes() }.exceeded(what)
        }
        None => Error::malformed("the review", error.to_string()),
    })?;
    if cost_of_images("", &document, 0) > of_size(IMAGES, size) {
        return Err(limits.review_images().exceeded("the size of the image names and paths in the review"));
    }
    Ok(document)
}

fn of_size((any, each): (u64, u64), bytes: u64) -> u64 {
    any.saturating_add(each.saturating_mul(bytes))
}

/// Approximate memory for the positions and names of the images below a value. `place` is the length of the value's own position. Each image stores
/// its full position, which contains all keys above it.
fn cost_of_images(key: &str, value: &Value, place: u64) -> u64 {
    let is_name = matches!(key, "image" | "reference");
    let own = if is_name || key.to_ascii_lowercase().ends_with("containers") { place + 64 } else { 0 };
    let below = match value {
        Value::Array(items) => {
            let costs = items.iter().map(|item| cost_of_images(key, item, place + 6));
            return costs.fold(0, u64::saturating_add);
        }
        Value::Object(fields) => {
            let costs = fields.iter().map(|(key, value)| cost_of_images(key, value, place + 1 + key.len() as u64));
            costs.fold(0, u64::saturating_add)
        }
        // The components of a name are stored separately, and so is each variable.
        Value::String(text) if is_name => {
            let variables = text.bytes().filter(|byte| matches!(byte, b'$' | b'{')).count();
            2 * text.len() as u64 + 64 * variables as u64
        }
        _ => 0,
    };
    own.saturating_add(below)
}

/// Limits for a workload in a request of this many bytes. YAML and archives in the workload may use only the memory for values.
fn within(size: u64, limits: &Limits) -> Limits {
    let memory = of_size(VALUES, size);
    Limits {
        workload_images: limits.review_images,
        yaml_nodes: limits.yaml_nodes.min(memory / 256),
        workload_archive_bytes: limits.workload_archive_bytes.min(memory),
        ..limits.clone()
    }
}

/// Whether the objects are equal, apart from `metadata` and `status`: a label, a finalizer or a status does not change what runs. Annotations that
/// runtimes read are nevertheless compared.
fn are_same_but_for_notes(one: &Value, other: &Value) -> bool {
    let (Value::Object(one_fields), Value::Object(other_fields)) = (one, other) else { return one == other };
    let is_note = |field: &str| matches!(field, "metadata" | "status");
    let count = |fields: &serde_json::Map<String, Value>| fields.keys().filter(|name| !is_note(name)).count();
    let mut fields = one_fields.iter().filter(|(name, _)| !is_note(name));
    count(one_fields) == count(other_fields)
        && fields.all(|(name, value)| other_fields.get(name) == Some(value))
        && annotations(one) == annotations(other)
}

/// The annotations that runtimes read. Returns `Err` with the value if the value is not a mapping.
fn annotations(object: &Value) -> Result<BTreeMap<&str, &Value>, &Value> {
    match object.pointer("/metadata/annotations") {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(all)) => {
            let read = all.iter().filter(|(key, _)| is_read_by_runtimes(key));
            Ok(read.map(|(key, value)| (key.as_str(), value)).collect())
        }
        Some(other) => Err(other),
    }
}

fn answer(response: &Value) -> Vec<u8> {
    json!({ "apiVersion": VERSION, "kind": "AdmissionReview", "response": response }).to_string().into_bytes()
}

/// The text, cut after at most this number of bytes.
pub(crate) fn shortened(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let at = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{} ...", text.get(..at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(operation: &str, object: &str, stored: &str) -> String {
        format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u","operation":"{operation}","namespace":"prod","kind":{{"kind":"Pod"}},"object":{object},"oldObject":{stored}}}}}"#
        )
    }

    fn pod(image: &str, label: &str) -> String {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p","namespace":"other","labels":{{"a":"{label}"}}}},"spec":{{"containers":[{{"name":"c","image":"{image}"}}]}}}}"#
        )
    }

    fn read(text: &str) -> Result<Review, Error> {
        Review::read(text.as_bytes(), &KindsWithoutImages::default(), &Limits::default())
    }

    #[test]
    fn an_update_with_the_same_images_is_recognised() {
        let create = read(&review("CREATE", &pod("a:v1", "x"), "null")).unwrap();
        assert_eq!((create.namespace.as_str(), create.workload.images.len(), create.same_images), ("prod", 1, false));
        assert!(read(&review("UPDATE", &pod("a:v1", "x"), &pod("a:v1", "y"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &pod("a:v1", "x"), &pod("a:v2", "x"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &pod("a:v1", "x"), "null")).unwrap().same_images);
        // The image is unknown, because only the controller knows the name that the components form. The components are compared instead.
        let parts = |tag: &str, label: &str| {
            format!(
                r#"{{"kind":"Box","metadata":{{"labels":{{"a":"{label}"}}}},"spec":{{"image":{{"repository":"a","tag":"{tag}"}}}}}}"#
            )
        };
        assert!(read(&review("UPDATE", &parts("v1", "x"), &parts("v1", "y"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &parts("v2", "x"), &parts("v1", "x"))).unwrap().same_images);
        // The effect of an annotation that runtimes read is also unknown. Other annotations do not matter.
        let noted = |key: &str, value: &str| {
            pod("a:v1", "x").replace("\"labels\"", &format!("\"annotations\":{{\"{key}\":\"{value}\"}},\"labels\""))
        };
        let kata = |value: &str| noted("io.katacontainers.config.hypervisor.image", value);
        assert!(read(&review("UPDATE", &kata("/a"), &kata("/a"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &kata("/a"), &kata("/b"))).unwrap().same_images);
        assert!(read(&review("UPDATE", &noted("note", "a"), &noted("note", "b"))).unwrap().same_images);
        // Kubernetes never sends a CREATE with an old object.
        assert!(!read(&review("CREATE", &pod("a:v1", "x"), &pod("a:v1", "x"))).unwrap().same_images);
    }

    #[test]
    fn the_total_size_of_a_review_is_limited() {
        let containers = |count: usize| {
            let one = |at| format!(r#"{{"name":"c{at}","image":"a:v1"}}"#);
            let all: Vec<String> = (0..count).map(one).collect();
            format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{}]}}}}"#, all.join(","))
        };
        let code = |object: &str| read(&review("CREATE", object, "null")).map_err(|error| error.to_string());
        assert_eq!(code(&containers(1_000)).map(|review| review.workload.images.len()), Ok(1_000));
        assert!(code(&containers(1_001)).unwrap_err().contains("review_images=1000"));
        let many = format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":[{}0]}}"#, "0,".repeat(100_000));
        assert!(code(&many).unwrap_err().contains("review_nodes="));
    }

    #[test]
    fn the_stored_object_is_read_within_the_same_budget() {
        // The limit is enough for one image, but not for two.
        let limits = Limits { work_base_units: 700, work_per_megabyte_units: 0, ..Limits::default() };
        let read = |operation| {
            let text = review(operation, &pod("a:v1", "x"), &pod("a:v1", "x"));
            Review::read(text.as_bytes(), &KindsWithoutImages::default(), &limits).map(|review| review.same_images)
        };
        assert_eq!(read("CREATE"), Ok(false));
        assert!(matches!(read("UPDATE"), Err(Error::OverLimit { limit: "work_base_units", .. })));
    }

    #[test]
    fn malformed_requests_are_refused() {
        let good = review("CREATE", &pod("a:v1", "x"), "null");
        for (from, to) in [
            ("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
            ("AdmissionReview", "Review"),
            ("\"uid\":\"u\"", "\"uid\":\"\""),
            ("\"uid\":\"u\"", "\"uid\":\"u\",\"uid\":\"v\""),
            ("CREATE", "DELETE"),
            ("\"object\":{", "\"object\":3,\"x\":{"),
            ("}}", "}"),
        ] {
            assert!(matches!(read(&good.replacen(from, to, 1)), Err(Error::Malformed { .. })), "{from}");
        }
        for limits in [
            Limits { review_bytes: 10, ..Limits::default() },
            Limits { review_nodes: 10, ..Limits::default() },
            Limits { review_key_bytes: 9, ..Limits::default() },
            Limits { review_images: 0, ..Limits::default() },
        ] {
            assert!(
                matches!(
                    Review::read(good.as_bytes(), &KindsWithoutImages::default(), &limits),
                    Err(Error::OverLimit { .. })
                ),
                "{limits:?}"
            );
        }
        // This text is short but has many values, which use a hundred times as much memory as the text.
        let dense = |list: String| read(&good.replacen("\"c\"", &list, 1)).map(|_| ());
        assert_eq!(dense(format!("[{}0]", "0,".repeat(5_000))), Ok(()));
        // First the positions contain long keys, then the names consist of variables.
        let images = |count: usize, key: &str, name: &str| {
            let containers = vec![json!({ "image": name }); count];
            dense(json!({ key: { key: { "containers": containers } } }).to_string())
        };
        assert_eq!(images(900, "spec", "docker.io/acme/wallet:v1"), Ok(()));
        for (key, name) in [("k".repeat(900), "a".to_owned()), ("k".into(), "$".repeat(500))] {
            let refused = images(900, &key, &name).unwrap_err();
            assert!(matches!(refused, Error::OverLimit { limit: "review_images", .. }), "{refused}");
        }
        let refused = dense(format!("[{}0]", "0,".repeat(90_000))).unwrap_err();
        assert!(matches!(refused, Error::OverLimit { limit: "review_nodes", .. }), "{refused}");
    }

    #[test]
    fn responses_have_kubernetes_form_and_are_escaped() {
        let denied: Value = serde_json::from_slice(&Review::deny("u", &["a\u{1b}[31m".into()])).unwrap();
        assert_eq!((&denied["response"]["uid"], &denied["response"]["allowed"]), (&"u".into(), &false.into()));
        assert_eq!(denied["response"]["status"]["message"], "a\\u{1b}[31m");
        let warned: Value = serde_json::from_slice(&Review::allow("u", &["é".repeat(300)])).unwrap();
        assert_eq!(warned["response"]["warnings"][0].as_str().unwrap().chars().count(), 254);
        assert!(warned["response"].get("status").is_none());
    }
}
