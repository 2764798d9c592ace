//! AdmissionReview v1 (Kubernetes, `admission.k8s.io/v1`): what an API server asks before it stores a pod, and the answer in its form.

use serde_json::{Value, json};

use crate::error::Error;
use crate::escape::for_terminal;
use crate::limits::Limits;
use crate::strict_json;
use crate::workload::{KindsWithoutImages, Workload, is_read_by_runtimes, nodes};

const VERSION: &str = "admission.k8s.io/v1";
/// Kubernetes cuts warnings off at 256 letters.
const WARNING_LETTERS: usize = 250;
/// What people read in `kubectl`.
const MESSAGE_LETTERS: usize = 4_000;

/// A question of an API server.
#[derive(Debug, Clone)]
pub struct Review {
    /// The question's own id, which the answer must carry.
    pub uid: String,
    /// What shall happen.
    pub operation: Operation,
    /// The namespace, as the API server has it; empty for what is in none.
    pub namespace: String,
    /// The object's kind, as the API server has it.
    pub kind: String,
    /// The object's name; empty where the API server will choose one.
    pub name: String,
    /// Who asks.
    pub user: String,
    /// The images of the object that shall be stored.
    pub workload: Workload,
    /// Does the stored object name the very same images, each in its place?
    pub same_images: bool,
}

/// What shall happen to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is new.
    Create,
    /// It is changed.
    Update,
}

impl Operation {
    /// Kubernetes' word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
        }
    }
}

impl Review {
    /// Reads a question, strictly. Namespace, kind and name are the API server's, not the object's. `kinds` are the policy's.
    ///
    /// # Errors
    /// [`Error::Malformed`] for other JSON than an AdmissionReview v1 with a CREATE or an UPDATE; [`Error::OverLimit`].
    pub fn read(bytes: &[u8], kinds: &KindsWithoutImages, limits: &Limits) -> Result<Self, Error> {
        limits.review_bytes().check(bytes.len() as u64, "the review")?;
        let malformed = |message: String| Error::malformed("the review", message);
        let document = strict_json::parse(bytes).map_err(|error| malformed(error.to_string()))?;
        limits.review_nodes().check(nodes(&document), "the review")?;
        let text = |place: &str| document.pointer(place).and_then(Value::as_str).unwrap_or_default();
        for (place, expected) in [("/apiVersion", VERSION), ("/kind", "AdmissionReview")] {
            let found = text(place);
            if found != expected {
                return Err(malformed(format!("{place}: expected {expected}, found {found:?}")));
            }
        }
        let uid = text("/request/uid");
        if uid.is_empty() {
            return Err(malformed("/request/uid: expected text, found none".into()));
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
        let workload = Workload::of_resource("request", object, bytes, kinds, limits)?;
        limits.review_images().check(workload.images.len() as u64, "the review")?;
        let same_images = match (operation, document.pointer("/request/oldObject")) {
            (Operation::Update, Some(stored)) if stored.is_object() => {
                let before = Workload::of_resource("request", stored, bytes, kinds, limits)?;
                // A contract says more than its images.
                let all_known = workload.contract.is_none() && workload.images.iter().all(|used| used.image.is_ok());
                // Two images that are not known for one reason are not one image.
                before.images == workload.images && (all_known || without_notes(stored) == without_notes(object))
            }
            _ => false,
        };
        Ok(Self {
            uid: uid.to_owned(),
            operation,
            namespace: text("/request/namespace").to_owned(),
            kind: text("/request/kind/kind").to_owned(),
            name: text("/request/name").to_owned(),
            user: text("/request/userInfo/username").to_owned(),
            same_images,
            workload,
        })
    }

    /// The answer that lets it in, in Kubernetes' form, with warnings.
    pub fn allow(uid: &str, warnings: &[String]) -> Vec<u8> {
        if warnings.is_empty() {
            return answer(&json!({ "uid": uid, "allowed": true }));
        }
        let inert = warnings.iter().map(|line| shortened(&for_terminal(line), WARNING_LETTERS));
        let inert: Vec<String> = inert.collect();
        answer(&json!({ "uid": uid, "allowed": true, "warnings": inert }))
    }

    /// The answer that does not, with the reasons.
    pub fn deny(uid: &str, reasons: &[String]) -> Vec<u8> {
        let message = shortened(&for_terminal(&reasons.join("; ")), MESSAGE_LETTERS);
        let status = json!({ "status": "Failure", "code": 403, "reason": "Forbidden", "message": message });
        answer(&json!({ "uid": uid, "allowed": false, "status": status }))
    }
}

/// The object without what its owner and Kubernetes note on it: a label, a finalizer or a status changes nothing that runs. Annotations that
/// runtimes read stay.
fn without_notes(object: &Value) -> Value {
    let mut object = object.clone();
    if let Value::Object(fields) = &mut object {
        let mut annotations =
            fields.remove("metadata").and_then(|mut metadata| metadata.get_mut("annotations").map(Value::take));
        if let Some(Value::Object(annotations)) = &mut annotations {
            annotations.retain(|key, _| is_read_by_runtimes(key));
        }
        fields.remove("status");
        fields.insert("metadata".into(), annotations.unwrap_or_default());
    }
    object
}

fn answer(response: &Value) -> Vec<u8> {
    json!({ "apiVersion": VERSION, "kind": "AdmissionReview", "response": response }).to_string().into_bytes()
}

fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((at, _)) => format!("{} ...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
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
    fn an_update_of_the_same_images_is_told_from_others() {
        let create = read(&review("CREATE", &pod("a:v1", "x"), "null")).unwrap();
        assert_eq!((create.namespace.as_str(), create.workload.images.len(), create.same_images), ("prod", 1, false));
        assert!(read(&review("UPDATE", &pod("a:v1", "x"), &pod("a:v1", "y"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &pod("a:v1", "x"), &pod("a:v2", "x"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &pod("a:v1", "x"), "null")).unwrap().same_images);
        // The image is not known, and not the same: what its parts make is the controller's.
        let parts = |tag: &str, label: &str| {
            format!(
                r#"{{"kind":"Box","metadata":{{"labels":{{"a":"{label}"}}}},"spec":{{"image":{{"repository":"a","tag":"{tag}"}}}}}}"#
            )
        };
        assert!(read(&review("UPDATE", &parts("v1", "x"), &parts("v1", "y"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &parts("v2", "x"), &parts("v1", "x"))).unwrap().same_images);
        // What a runtime reads of an annotation is not known either; other notes change nothing.
        let noted = |key: &str, value: &str| {
            pod("a:v1", "x").replace("\"labels\"", &format!("\"annotations\":{{\"{key}\":\"{value}\"}},\"labels\""))
        };
        let kata = |value: &str| noted("io.katacontainers.config.hypervisor.image", value);
        assert!(read(&review("UPDATE", &kata("/a"), &kata("/a"))).unwrap().same_images);
        assert!(!read(&review("UPDATE", &kata("/a"), &kata("/b"))).unwrap().same_images);
        assert!(read(&review("UPDATE", &noted("note", "a"), &noted("note", "b"))).unwrap().same_images);
        // Nobody stores an old object with something new.
        assert!(!read(&review("CREATE", &pod("a:v1", "x"), &pod("a:v1", "x"))).unwrap().same_images);
    }

    #[test]
    fn a_review_is_bounded_as_a_whole() {
        let containers = |count: usize| {
            let one = |at| format!(r#"{{"name":"c{at}","image":"a:v1"}}"#);
            let all: Vec<String> = (0..count).map(one).collect();
            format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{}]}}}}"#, all.join(","))
        };
        let code = |object: &str| read(&review("CREATE", object, "null")).map_err(|error| error.to_string());
        assert_eq!(code(&containers(1_000)).map(|review| review.workload.images.len()), Ok(1_000));
        assert!(code(&containers(1_001)).unwrap_err().contains("review_images=1000"));
        let many = format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":[{}0]}}"#, "0,".repeat(100_000));
        assert!(code(&many).unwrap_err().contains("review_nodes=100000"));
    }

    #[test]
    fn what_is_no_question_is_refused() {
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
        let limits = Limits { review_bytes: 10, ..Limits::default() };
        assert!(matches!(
            Review::read(good.as_bytes(), &KindsWithoutImages::default(), &limits),
            Err(Error::OverLimit { .. })
        ));
    }

    #[test]
    fn answers_are_kubernetes_own_and_inert() {
        let denied: Value = serde_json::from_slice(&Review::deny("u", &["a\u{1b}[31m".into()])).unwrap();
        assert_eq!((&denied["response"]["uid"], &denied["response"]["allowed"]), (&"u".into(), &false.into()));
        assert_eq!(denied["response"]["status"]["message"], "a\\u{1b}[31m");
        let warned: Value = serde_json::from_slice(&Review::allow("u", &["é".repeat(300)])).unwrap();
        assert_eq!(warned["response"]["warnings"][0].as_str().unwrap().chars().count(), 254);
        assert!(warned["response"].get("status").is_none());
    }
}
