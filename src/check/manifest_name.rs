//! `manifest-name`: every place that names the build names the same one.

use super::outcome::{Comparison, Outcome};
use super::{Check, Run};
use crate::evidence::Evidence;
use crate::finding::{Group, Level, MissingEvidence};
use crate::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "manifest-name",
    group: Group::Manifest,
    level: Level::Require,
    says: "file name, inner names, build.json and tag agree",
    explanation: "Compares the name of the bundle's file, the names of its two members, build.json's build_name and the image tag that \
ends the build's name. The names of files and members are not signed; build.json is. A name that is missing or empty in build.json is no \
disagreement. If it fails: the file was renamed, or it is the bundle of another build.",
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let name = evidence.archive.build_name();
    let record = &evidence.manifest.record;
    let mut names = Comparison::default();
    if let Some(file) = evidence.file_name {
        names.compare("the file's name", &format!("manifest.{name}.sig.tbz"), file);
    }
    names.agree(format!("the members' name: {name}"));
    if let Some(recorded) = record.build_name() {
        names.compare("build.json's build_name", recorded, name.as_str());
    }
    if record.image_tag().is_some() {
        let tag = evidence.image_tag().unwrap_or_default();
        match name.subject() {
            Some(subject) if subject.strip_suffix(tag.as_str()).is_some_and(|rest| rest.ends_with('.')) => {
                names.agree(format!("build.json's image_tag: {tag}"));
            }
            Some(subject) => {
                names.disagree("build.json's image_tag", format!("a build's name with the tag {tag}"), subject)
            }
            None => names.disagree("the build's name", format!("…{tag}.YYYY-MM-DD_HH-MM-SS.ffffff"), name),
        }
    }
    names.outcome("every place names the same build")
}
