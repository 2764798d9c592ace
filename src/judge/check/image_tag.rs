//! `image-tag`: the registry's tag still refers to what was pushed.

use super::image_evidence::{image_of, pushed};
use super::outcome::Outcome;
use super::{Check, Expected, Run};
use crate::base::image_name::repository_of;
use crate::base::mask::keep_name;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::manifest::build_log::LogEvent;

pub(super) static CHECK: Check = Check {
    name: "image-tag",
    group: Group::Image,
    level: Level::Warn,
    says: "the registry reported that the tag refers to the pushed digest",
    explanation: "Examines a registry's response about a tag (--image docker://NAME:TAG): it should be the digest that the signed log recorded for a \
push of this repository and tag. Anyone with push access can move a tag, so a tag is given, never signed; deploy by digest. Names in a layout, or \
in RepoTags of a docker-archive, are not a registry's response and are not examined.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    let Some(asked) = &image.tag else {
        return Outcome::not_run(Reason::NoEvidence, "no tag was requested from a registry");
    };
    let Some(log) = evidence.log() else { return Outcome::unknown("there is no log that states what was pushed") };
    let mut repositories = log.push_events().filter_map(LogEvent::image_name).map(repository_of);
    let name = keep_name(&format!("{}:{}", asked.repository, asked.tag));
    if !repositories.any(|repository| repository == asked.repository) {
        return Outcome::unknown("the log does not show a push to this repository")
            .sides("a repository in the log", name);
    }
    match log.pushed().find(|(tag, ..)| *tag == asked.tag) {
        Some((_, digest, _)) if digest == asked.digest => {
            Outcome::pass(format!("the registry reported that {name} refers to the pushed digest"))
                .sides(digest, asked.digest)
        }
        Some((_, digest, _)) => {
            Outcome::fail(format!("the registry reported that {name} refers to a different digest"))
                .sides(digest, asked.digest)
        }
        None if pushed(log).iter().any(|(digest, _)| *digest == asked.digest) => Outcome::unknown(format!(
            "the log records no push of the tag {}, but the registry reported that the tag refers to a digest that was pushed according to the log",
            asked.tag
        )),
        None => Outcome::unknown(format!("the log records no push of the tag {}", asked.tag))
            .sides("a tag in the log", name),
    }
}
