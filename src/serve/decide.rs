//! A question and its answer.

use std::time::Instant;

use serde_json::{Value, json};

use super::Service;
use super::metrics::{Decision, add};
use super::state::Standing;
use crate::admission::AdmissionQuestion;
use crate::error::Error;
use crate::report::{ImageReport, hints};
use crate::review::Review;
use crate::workload::KindsWithoutImages;

/// What goes back: an HTTP status and a document.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// What was found, before it is known what that means in this namespace.
struct Found {
    images: Vec<ImageReport>,
    /// Why not, a line for each image; empty: nothing objects.
    lines: Vec<String>,
}

impl Service {
    /// Answers a question. What is no question gets no answer that could let something in.
    pub(super) fn decide(&self, bytes: &[u8]) -> Answer {
        let began = Instant::now();
        let standing = self.standing();
        let none = KindsWithoutImages::default();
        let kinds = match &*standing {
            Standing::Ready(ready) => &ready.terms.policy.workload.kinds_without_images,
            Standing::Absent(_) => &none,
        };
        let review = match Review::read(bytes, kinds, &self.limits) {
            Ok(review) => review,
            Err(error) => return self.refuse(400, &error),
        };
        let found = self.look(&review, &standing);
        let warn = self.warn.contains(&review.namespace);
        let decision = match (found.lines.is_empty(), review.same_images && !review.workload.images.is_empty(), warn) {
            (true, ..) => Decision::Allowed,
            (false, true, _) => Decision::Unchanged,
            (false, false, true) => Decision::Warned,
            (false, false, false) => Decision::Denied,
        };
        let took = began.elapsed();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Err(error) = self.write("decision", line(&review, &found, decision, micros)) {
            // What nobody can read later was never allowed.
            self.metrics.decided(Decision::Denied, took);
            let lines = [format!("the decision could not be written down: {error}")];
            return Answer { status: 200, body: Review::deny(&review.uid, &lines) };
        }
        self.metrics.decided(decision, took);
        let body = match decision {
            Decision::Denied => Review::deny(&review.uid, &found.lines),
            Decision::Allowed | Decision::Unchanged | Decision::Warned => Review::allow(&review.uid, &found.lines),
        };
        Answer { status: 200, body }
    }

    /// What is no question.
    pub(super) fn refuse(&self, status: u16, error: &Error) -> Answer {
        add(&self.metrics.refused, 1);
        self.say("refused", json!({ "status": status, "error": error.code(), "message": error.to_string() }));
        let body = json!({ "error": { "code": error.code(), "message": error.to_string(), "hint": error.hint() } });
        Answer { status, body: body.to_string().into_bytes() }
    }

    fn look(&self, review: &Review, standing: &Standing) -> Found {
        let no = |line: String| Found { images: Vec::new(), lines: vec![line] };
        let ready = match standing {
            Standing::Ready(ready) => ready,
            Standing::Absent(why) => return no(format!("no image can be judged now: {why}")),
        };
        if review.workload.images.is_empty() {
            return no(format!("nothing in this {} names an image: this webhook is for pods", review.kind));
        }
        let now = match (self.edges.now)() {
            Ok(now) => now,
            Err(error) => return no(format!("no image can be judged: {error}")),
        };
        let question = AdmissionQuestion { policy: &ready.terms.policy, attestation: None, now };
        let images = ready.index.answers(&review.workload, &question);
        let lines = images.iter().filter(|image| image.exit_code() != 0).map(objection).collect();
        Found { images, lines }
    }
}

/// Why an image is not let in, and what its owner can do.
fn objection(image: &ImageReport) -> String {
    let because: Vec<String> =
        image.rejecting().map(|finding| format!("{}: {}", finding.check, finding.message)).collect();
    let name = image.image.as_deref().unwrap_or("an image that is not known");
    let hint = hints(image).into_iter().next().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    format!("{name} at {}: {}{hint}", image.place, because.join(", "))
}

fn line(review: &Review, found: &Found, decision: Decision, micros: u64) -> Value {
    let images: Vec<Value> = found
        .images
        .iter()
        .map(|image| {
            json!({
                "place": image.place,
                "image": image.image,
                "verdict": image.verdict.word(),
                "bundle": image.bundle,
            })
        })
        .collect();
    json!({
        "decision": decision.word(),
        "uid": review.uid,
        "operation": review.operation.word(),
        "namespace": review.namespace,
        "kind": review.kind,
        "name": review.name,
        "user": review.user,
        "images": images,
        "because": found.lines,
        "micros": micros,
    })
}
