//! What the checks on the image share.

use std::collections::HashSet;

use super::outcome::Outcome;
use crate::build_log::{BuildLog, LogEvent};
use crate::digest::Sha256;
use crate::evidence::Evidence;
use crate::finding::Reason;
use crate::image::{ImageFacts, Part};

/// The image, or the answer of a check that has none to look at.
pub(super) fn image_of<'e>(evidence: &'e Evidence<'_>) -> Result<&'e ImageFacts, Outcome> {
    evidence.image.ok_or_else(|| Outcome::not_run(Reason::NoEvidence, "no image was handed over"))
}

/// A failure if documents contradict bytes or each other in this part of the image.
pub(super) fn contradiction(image: &ImageFacts, part: Part) -> Option<Outcome> {
    let faults: Vec<&str> = image.faults_of(part).collect();
    let mut outcome = Outcome::fail((*faults.first()?).to_owned());
    outcome.details = faults.into_iter().skip(1).map(str::to_owned).collect();
    Some(outcome)
}

/// The image id that the builder printed last, as far as it was printed: twelve digits or all sixty-four. Earlier lines of the same
/// shape may be a RUN step's output.
pub(crate) fn built_image(log: &BuildLog) -> Option<&str> {
    log.image_id().filter(|id| id.len() >= 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Each digest that the push recorded, with its size, once.
pub(super) fn pushed(log: &BuildLog) -> Vec<(Sha256, u64)> {
    let mut seen: HashSet<(Sha256, u64)> = HashSet::new();
    log.pushed().map(|(_, digest, size)| (digest, size)).filter(|image| seen.insert(*image)).collect()
}

/// The instructions of the Dockerfile as the classic builder and podman print them.
///
/// # Errors
/// In words, when the steps are not numbered from one to the last, each once: a RUN step can print lines of the same shape.
pub(super) fn steps(log: &BuildLog) -> Result<Vec<&str>, String> {
    let mut instructions = Vec::new();
    for event in log.events() {
        let LogEvent::Step { number, total, instruction } = event else { continue };
        if u64::from(*number) != instructions.len() as u64 + 1 || number > total {
            return Err(format!(
                "step {number} of {total} follows step {}: a RUN step may have printed a line that looks like a step",
                instructions.len()
            ));
        }
        instructions.push(instruction.as_str());
    }
    Ok(instructions)
}
