//! Responds to admission requests.

use crate::base::words::counted_as;
use std::time::Instant;

use serde_json::{Value, json};

use super::Service;
use super::metrics::{Decision, add};
use super::state::{Standing, Unchanged};
use crate::base::error::Error;
use crate::deploy::admission::AdmissionQuestion;
use crate::report::{ImageReport, hints};
use crate::workload::review::{Review, shortened};
use crate::workload::{KindsWithoutImages, UsedImage};

/// The maximum number of evaluations of a request, which is evaluated again if the index was replaced in the meantime.
const AGAIN: usize = 5;

/// The maximum number of images that a response and the log list; further images are only counted.
const NAMED: usize = 20;
/// The maximum length of a response's line about one image.
const LINE_BYTES: usize = 1_000;
/// The maximum length of the text that describes where a workload uses an image.
const PLACE_BYTES: usize = 300;
/// The maximum length of an image name: in a registry a name has at most 255 characters, a tag 128 and a digest 71.
const NAME_BYTES: usize = 1_024;

/// The response: an HTTP status and a document.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// The result for a request, before the rules of its namespace are applied.
#[derive(Default)]
struct Found {
    /// The first images, for the log.
    images: Vec<Value>,
    /// The reasons for a denial: one line for each of the first refused images, and a count of the others. Empty if
    /// there is no objection.
    lines: Vec<String>,
    /// The number of refused images.
    refused: usize,
}

impl Service {
    /// Responds to a request. A body that is not an AdmissionReview never gets a response that admits anything.
    ///
    /// The request is evaluated with the current index, and again if that index was replaced in the meantime, so a
    /// response never depends on terms or evidence whose removal was already noticed. The index is not replaced until
    /// the decision is in the log, so in the log, the decision precedes the event that replaced its terms.
    pub(super) fn decide(&self, bytes: &[u8]) -> Answer {
        let began = Instant::now();
        let mut again = AGAIN;
        loop {
            let standing = self.standing();
            let none = KindsWithoutImages::default();
            let kinds = match &*standing {
                Standing::Ready(ready) => &ready.terms.policy.workload.kinds_without_images,
                Standing::Absent(_) => &none,
            };
            let review = match Review::read(bytes, kinds, &self.limits) {
                Ok(review) => review,
                Err(error @ Error::OverLimit { .. }) => return self.refuse(413, &error),
                Err(error) => return self.refuse(400, &error),
            };
            let found = self.judge(&standing, &review);
            if let Some(unchanged) = self.unchanged(&standing) {
                return self.answer(&review, &found, began, Some(unchanged));
            }
            again -= 1;
            if again == 0 {
                let found = Found::not("no image can be evaluated now: the index changes too often".into());
                return self.answer(&review, &found, began, None);
            }
        }
    }

    fn answer(&self, review: &Review, found: &Found, began: Instant, unchanged: Option<Unchanged<'_>>) -> Answer {
        let warn = self.warn.contains(&review.namespace);
        let decision = match (found.lines.is_empty(), review.same_images && !review.workload.images.is_empty(), warn) {
            (true, ..) => Decision::Allowed,
            (false, true, _) => Decision::Unchanged,
            (false, false, true) => Decision::Warned,
            (false, false, false) => Decision::Denied,
        };
        let took = began.elapsed();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let written = self.write("decision", self.line(review, found, decision, micros));
        drop(unchanged);
        if let Err(error) = written {
            // A decision that is not in the log must not admit anything.
            self.metrics.decided(Decision::Denied, took);
            let lines = [format!("the decision could not be logged: {error}")];
            return Answer { status: 200, body: Review::deny(&review.uid, &lines) };
        }
        self.metrics.decided(decision, took);
        let body = match decision {
            Decision::Denied => Review::deny(&review.uid, &found.lines),
            Decision::Allowed | Decision::Unchanged | Decision::Warned => Review::allow(&review.uid, &found.lines),
        };
        Answer { status: 200, body }
    }

    /// Refuses a request that is not an AdmissionReview or cannot be processed.
    pub(super) fn refuse(&self, status: u16, error: &Error) -> Answer {
        add(&self.metrics.refused, 1);
        let message = shortened(&error.to_string(), LINE_BYTES);
        self.say("refused", json!({ "status": status, "error": error.code(), "message": message }));
        let hint = shortened(&error.hint(), LINE_BYTES);
        let body = json!({ "error": { "code": error.code(), "message": message, "hint": hint } });
        Answer { status, body: body.to_string().into_bytes() }
    }

    fn judge(&self, standing: &Standing, review: &Review) -> Found {
        let ready = match standing {
            Standing::Ready(ready) => ready,
            Standing::Absent(why) => return Found::not(format!("no image can be evaluated now: {why}")),
        };
        if let Some(why) = self.looks.fault() {
            return Found::not(format!("no image can be evaluated now: {why}"));
        }
        if review.workload.images.is_empty() {
            return Found::not(format!("this {} contains no image: this webhook is for pods", review.kind));
        }
        let now = match (self.edges.now)() {
            Ok(now) => now,
            Err(error) => return Found::not(format!("no image can be evaluated: {error}")),
        };
        let question = AdmissionQuestion { policy: &ready.terms.policy, attestation: None, now };
        let mut found = Found::default();
        for image in &review.workload.images {
            // Reports are made one at a time, so that memory never contains a thousand of them.
            found.add(&ready.index.answer(&review.workload, &bounded(image), &question));
        }
        found.count();
        if found.refused > 0 && ready.pending > 0 {
            found.lines.push(format!(
                "{} not been evaluated yet: try again later",
                counted_as(ready.pending, "bundle of the evidence has", "bundles of the evidence have")
            ));
        }
        found
    }
}

impl Found {
    fn not(why: String) -> Self {
        Self { lines: vec![why], ..Self::default() }
    }

    fn add(&mut self, image: &ImageReport) {
        if self.images.len() < NAMED {
            self.images.push(json!({
                "place": image.place,
                "image": image.image,
                "verdict": image.verdict.word(),
                "bundle": image.bundle,
            }));
        }
        if image.exit_code() != 0 {
            self.refused += 1;
            if self.lines.len() < NAMED {
                self.lines.push(shortened(&objection(image), LINE_BYTES));
            }
        }
    }

    fn count(&mut self) {
        let more = self.refused.saturating_sub(self.lines.len());
        if more > 0 {
            self.lines.push(format!("and {} refused", counted_as(more, "more image is", "more images are")));
        }
    }
}

/// The image with its text shortened to what a response shows. An image whose name is too long for any registry is
/// treated as one without a readable name.
fn bounded(used: &UsedImage) -> UsedImage {
    let image = match &used.image {
        Ok(image) if image.text.len() > NAME_BYTES => {
            Err(format!("its name has {} bytes, expected at most {NAME_BYTES}", image.text.len()))
        }
        Ok(image) => Ok(image.clone()),
        Err(why) => Err(shortened(why, LINE_BYTES)),
    };
    UsedImage { place: shortened(&used.place, PLACE_BYTES), image }
}

/// The reason why an image is refused, and what its owner can do.
fn objection(image: &ImageReport) -> String {
    let because: Vec<String> =
        image.rejecting().map(|finding| format!("{}: {}", finding.check, finding.message)).collect();
    let name = image.image.as_deref().unwrap_or("an unknown image");
    let hint = hints(image).into_iter().next().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    format!("{name} at {}: {}{hint}", image.place, because.join(", "))
}

impl Service {
    fn line(&self, review: &Review, found: &Found, decision: Decision, micros: u64) -> Value {
        let ages = self.looks.ages().map(|age| age.map(|age| age.as_secs()));
        json!({
            "decision": decision.word(),
            "uid": review.uid,
            "operation": review.operation.word(),
            "namespace": review.namespace,
            "kind": review.kind,
            "name": review.name,
            "user": review.user,
            "images": found.images,
            "image_count": review.workload.images.len(),
            "refused_count": found.refused,
            "because": found.lines,
            "terms_age": ages[0],
            "evidence_age": ages[1],
            "micros": micros,
        })
    }
}
