//! `log-image`: the log is about the image that the record names.

use std::collections::HashSet;

use super::outcome::{Comparison, Outcome};
use super::{Check, Run};
use crate::build_log::{BuildLog, LogEvent};
use crate::evidence::Evidence;
use crate::finding::{Group, Level, MissingEvidence, Reason};
use crate::image_name::{ImageName, repository_of};
use crate::policy::Policy;

pub(super) static CHECK: Check = Check {
    name: "log-image",
    group: Group::Manifest,
    level: Level::Require,
    says: "image, tag, directory and pushes in the log agree with build.json and the policy's images",
    explanation: "Compares what the signed log says of the push (repository, tags, one digest for all tags), of signing and of the clone's \
folder with the build's name, build.json, git/ and expect.images. Push lines count only behind the last line that the build itself printed: \
what a RUN step prints is the source author's text. A line that is missing is no disagreement; a log without any such line is no evidence, and \
unknown where the policy names images.",
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, policy: &Policy) -> Outcome {
    let Some(log) = evidence.log() else {
        return no_lines(policy, "the archive has no data/build.log");
    };
    let mut image = Comparison::default();
    let repositories = repositories(log);
    let own_tag = evidence.image_tag();
    let mut one_digest = None;
    for (tag, digest, size) in log.pushed() {
        match one_digest {
            None => one_digest = Some((digest, size)),
            Some(first) if first == (digest, size) => {}
            Some((first, _)) => image.disagree("the pushed digest", first, format!("{digest} for the tag {tag}")),
        }
        tags(own_tag.as_deref(), tag, &mut image);
    }
    if let Some((digest, size)) = one_digest {
        image.agree(format!("pushed: {digest}, {size} bytes"));
    }
    for repository in &repositories {
        if let Err(why) = ImageName::parse(repository) {
            image.disagree("the image's name", "a well-formed name", format!("{repository} ({why})"));
        }
        name(evidence, repository, &mut image);
        if !policy.expect.images.is_empty() {
            let allowed = policy.expect.images.iter().any(|allowed| repository_of(allowed) == *repository);
            match allowed {
                true => image.agree(format!("allowed by the policy: {repository}")),
                false => image.disagree("the image's repository", policy.expect.images.join(" or "), repository),
            }
        }
    }
    directory(evidence, log, &mut image);
    let disbelieved = log.disbelieved_pushes();
    if disbelieved > 0 && !log.shows_a_build() {
        return Outcome::unknown(
            "no line of a known builder stands in the log: nothing tells the push from what the build printed",
        );
    }
    if image.is_empty() {
        return no_lines(policy, "the log has no line about the image");
    }
    let mut outcome = image.outcome("what the log says of the image agrees, also with the record");
    if repositories.is_empty() && !policy.expect.images.is_empty() && outcome.status == crate::finding::Status::Pass {
        outcome = Outcome::unknown("the log does not name the image's repository")
            .sides(policy.expect.images.join(" or "), "no line");
    }
    if disbelieved > 0 {
        outcome
            .message
            .push_str(&format!("; {disbelieved} line(s) of a push's look were printed by the build, and not believed"));
    }
    outcome
}

fn no_lines(policy: &Policy, message: &str) -> Outcome {
    match policy.expect.images.is_empty() {
        true => Outcome::not_run(Reason::NoEvidence, message),
        false => Outcome::unknown(message).sides(policy.expect.images.join(" or "), "no line"),
    }
}

/// The repositories that the push and the signing name, each once, without tag or digest.
fn repositories(log: &BuildLog) -> Vec<String> {
    let (mut repositories, mut seen) = (Vec::new(), HashSet::new());
    for event in log.push_events() {
        let name = match event {
            LogEvent::PushTo(name) | LogEvent::Signed(name) => repository_of(name),
            _ => continue,
        };
        if seen.insert(name.clone()) {
            repositories.push(name);
        }
    }
    repositories
}

/// Two tags are pushed: the build's own and `latest`.
fn tags(own: Option<&str>, tag: &str, image: &mut Comparison) {
    match own {
        _ if tag == "latest" => image.agree("pushed tag: latest"),
        Some(own) => image.compare("a pushed tag", own, tag),
        None => image.disagree("a pushed tag", "the tag in the build's name, or latest", tag),
    }
}

/// The build's name begins with the repository, `/` written as `.`.
fn name(evidence: &Evidence<'_>, repository: &str, image: &mut Comparison) {
    let Some(subject) = evidence.archive.build_name().subject() else { return };
    let dotted = format!("{}.", repository.replace('/', "."));
    match subject.starts_with(&dotted) {
        true => image.agree(format!("image: {repository}")),
        false => {
            image.disagree("the image's repository", format!("one that begins the build's name {subject}"), repository)
        }
    }
}

fn directory(evidence: &Evidence<'_>, log: &BuildLog, image: &mut Comparison) {
    let Ok(snapshot) = evidence.snapshot() else { return };
    let folder = String::from_utf8_lossy(&snapshot.repository);
    for event in log.events() {
        if let LogEvent::Directory(name) = event {
            image.compare("the clone's folder", name, &folder);
        }
    }
}
