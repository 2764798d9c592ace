//! Functions that the checks on the image share.

use std::collections::HashSet;

use super::image_digest;
use super::outcome::Outcome;
use crate::base::digest::Sha256;
use crate::image::{ImageFacts, Part};
use crate::judge::evidence::Evidence;
use crate::judge::finding::Reason;
use crate::manifest::build_log::{BuildLog, LogEvent};

/// The image, or the answer of a check if there is no image.
pub(super) fn image_of<'e>(evidence: &'e Evidence<'_>) -> Result<&'e ImageFacts, Outcome> {
    let image = evidence.image.ok_or_else(|| Outcome::not_run(Reason::NoEvidence, "no image was read"))?;
    match &image.undecided {
        // The check `image-digest` lists the images and explains how to select one.
        Some(undecided) => {
            Err(Outcome::caused_by(&image_digest::CHECK, format!("no image was selected: {}", undecided.message)))
        }
        None => Ok(image),
    }
}

/// The answer is `fail` if documents in this part of the image contradict its bytes or each other, and `unknown` if this part contains something that
/// is not supported.
pub(super) fn contradiction(image: &ImageFacts, part: Part) -> Option<Outcome> {
    let (faults, unsupported): (Vec<&str>, Vec<&str>) =
        (image.faults_of(part).collect(), image.unsupported_of(part).collect());
    let mut outcome = match (faults.first(), unsupported.first()) {
        (Some(fault), _) => Outcome::fail((*fault).to_owned()),
        (None, Some(what)) => Outcome::unknown((*what).to_owned()),
        (None, None) => return None,
    };
    outcome.details = faults.iter().chain(&unsupported).skip(1).map(|detail| (*detail).to_owned()).collect();
    Some(outcome)
}

/// The image id that the builder printed last: twelve digits or all sixty-four. Earlier lines of the same form may be a RUN step's
/// output.
pub(crate) fn built_image(log: &BuildLog) -> Option<&str> {
    log.image_id()
}

/// The digests that the push recorded, without duplicates, each with its size if one is printed.
pub(super) fn pushed(log: &BuildLog) -> Vec<(Sha256, Option<u64>)> {
    let sized: HashSet<Sha256> = log.pushed().filter_map(|(_, digest, size)| size.map(|_| digest)).collect();
    let mut seen: HashSet<(Sha256, Option<u64>)> = HashSet::new();
    let images = log.pushed().map(|(_, digest, size)| (digest, size));
    // A digest without a size adds no information to the same digest with a size.
    images
        .filter(|(digest, size)| size.is_some() || !sized.contains(digest))
        .filter(|image| seen.insert(*image))
        .collect()
}

/// The instructions of the Dockerfile as the classic builder and podman print them.
///
/// # Errors
/// Returns a message if the steps are not numbered consecutively from one to their total. Also returns a message if the log contains lines from two
/// builders, because a RUN step can print lines of the same form.
pub(super) fn steps(log: &BuildLog) -> Result<Vec<&str>, String> {
    log.builder().map_err(|fault| fault.to_string())?;
    let mut instructions = Vec::new();
    let mut announced = None;
    for event in log.events() {
        let LogEvent::Step { number, total, instruction, .. } = event else { continue };
        let is_next = u64::from(*number) == instructions.len() as u64 + 1 && *announced.get_or_insert(*total) == *total;
        if !is_next || number > total {
            return Err(format!(
                "step {number} of {total} follows step {}: a RUN step may have printed a line that looks like a step",
                instructions.len()
            ));
        }
        instructions.push(instruction.as_str());
    }
    match announced {
        Some(total) if u64::from(total) != instructions.len() as u64 => {
            Err(format!("the log ends with step {} of {total}", instructions.len()))
        }
        _ => Ok(instructions),
    }
}
