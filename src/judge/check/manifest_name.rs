//! `manifest-name`: the build's name is the same wherever it appears.

use super::outcome::{Comparison, Outcome};
use super::{ChainLink, Check, Expected, Run};
use crate::base::build_name::behind_repository;
use crate::base::image_name::repository_of;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence};
use crate::judge::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "manifest-name",
    group: Group::Manifest,
    level: Level::Require,
    says: "the file name, member names, build.json and tag agree",
    explanation: "Compares the name of the bundle's file, the names of its two members and build.json's build_name, and compares build.json's \
image_tag with the build's name. The names of the file and its members are not signed; build.json is. The names in build.json are compared first, the \
file's name last. A name that is missing or empty in build.json is not a disagreement. If the check fails, the file may have been renamed, or the \
bundle may be from a different build.",
    known: Known::Signed,
    expected: Expected::Nothing,
    links: &[ChainLink::Record],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsWithGroup,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let name = evidence.archive.build_name();
    let record = &evidence.manifest.record;
    let mut names = Comparison::default();
    // Signed names are compared first. The file's name, which anyone can change, is compared last.
    let signed = record.build_name().unwrap_or(name.as_str());
    let file_name = format!("manifest.{signed}.sig.tbz");
    let renamed = evidence.file_name.filter(|file| *file != file_name);
    if let (Some(file), None) = (evidence.file_name, renamed) {
        names.agree(format!("the file's name: {file}"));
    }
    names.agree(format!("the members' name: {name}"));
    if let Some(recorded) = record.build_name() {
        names.compare("build.json's build_name", recorded, name.as_str());
    }
    if let Some(whole) = record.image_tag() {
        let tag = evidence.image_tag().unwrap_or_default();
        let subject = evidence.name().and_then(|name| Some(name.subject()?.to_owned()));
        match subject {
            Some(subject) if has_repository(whole, &tag, &subject) => {
                names.agree(format!("build.json's image_tag: {tag}"));
            }
            Some(subject) => {
                names.disagree("build.json's image_tag", format!("a build's name with the tag {whole}"), subject);
            }
            None => names.disagree("the build's name", format!("…{tag}.YYYY-MM-DD_HH-MM-SS.ffffff"), signed),
        }
    }
    if let Some(file) = renamed {
        names.disagree("the file's name", file_name, file);
    }
    let places = if evidence.file_name.is_some() { "the file and its members" } else { "the members" };
    let outcome = match (record.build_name(), record.image_tag()) {
        (Some(_), Some(_)) => names.outcome("the build name and the tag in the record agree"),
        (Some(_), None) => names.outcome("the record contains the build's name"),
        (None, _) => {
            return names
                .outcome(&format!("{places} have the same build name; the record has none"))
                .known(Known::Given);
        }
    };
    // Names of files and members are not signed.
    outcome.also(format!("{places} have the build's name"), Known::Given)
}

/// Whether `subject` ends with the tag and, if the record's text contains a repository (`docker.io/acme/wallet:v1`), begins with the repository.
fn has_repository(whole: &str, tag: &str, subject: &str) -> bool {
    match whole.strip_suffix(tag).and_then(|text| text.strip_suffix(':')) {
        Some(written) => behind_repository(subject, &repository_of(written)) == Some(tag),
        None => subject.strip_suffix(tag).is_some_and(|rest| rest.ends_with('.')),
    }
}
