//! `image-labels`: labels do not contradict the archived commit.

use super::image_evidence::image_of;
use super::outcome::{Comparison, Outcome};
use super::{Check, Expected, Run, image_config, source_objects};
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason, Status};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "image-labels",
    group: Group::Image,
    level: Level::Warn,
    says: "the image's labels do not contradict the archived commit",
    explanation: "Compares the labels org.opencontainers.image.revision and org.label-schema.vcs-ref, if the image has them, with the commit that \
the snapshot's HEAD refers to: the whole id, or at least its first seven digits. If that commit is not proved from the snapshot's objects, labels \
that agree with it give unknown. The author of the Dockerfile or the caller of the builder sets the labels: a label that agrees proves nothing, and \
a label that contradicts the commit should be explained. The base image's labels are inherited, so a label may come from there.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

const REVISIONS: [&str; 2] = ["org.opencontainers.image.revision", "org.label-schema.vcs-ref"];

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let image = match image_of(evidence) {
        Ok(image) => image,
        Err(outcome) => return outcome,
    };
    let Some(config) = &image.config else {
        return Outcome::caused_by(&image_config::CHECK, "the image's configuration cannot be read");
    };
    let labels: Vec<(&str, &str)> = REVISIONS
        .iter()
        .filter_map(|name| Some((*name, config.labels.get(*name)?.trim())))
        .filter(|(_, v)| !v.is_empty())
        .collect();
    if labels.is_empty() {
        return Outcome::not_run(Reason::NoEvidence, "the image has no label that names a commit");
    }
    let Ok(proof) = evidence.source() else {
        return Outcome::caused_by(
            &source_objects::CHECK,
            "the archive does not have exactly one snapshot to compare the labels with",
        );
    };
    let head = match &proof.head {
        Ok(head) => head.commit.to_string(),
        Err(_) => {
            return Outcome::caused_by(&source_objects::CHECK, "the snapshot has no commit to compare the labels with");
        }
    };
    let is_commit = |value: &str| (7..=40).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut comparison = Comparison::default();
    for (name, value) in labels {
        if !is_commit(value) {
            return Outcome::unknown(format!("the label {name} is not a commit id")).sides(head, value);
        }
        match head.starts_with(&value.to_ascii_lowercase()) {
            true => comparison.agree(format!("{name}: {value}")),
            false => comparison.disagree(&format!("the label {name}"), &head, value),
        }
    }
    let outcome = comparison.outcome("the labels agree with the archived commit");
    match outcome.status {
        _ if proof.commit.is_some() => outcome,
        Status::Pass => Outcome::unknown("the labels agree with HEAD, whose commit is not proved")
            .because_of(&source_objects::CHECK),
        _ => outcome.detail("HEAD refers to that commit, but the commit is not proved"),
    }
}
