//! `log-image`: the log refers to the image in the record.

use std::collections::HashSet;

use super::outcome::{Comparison, Outcome};
use super::{ChainLink, Check, Expected, Run, manifest_name};
use crate::base::build_name::behind_repository;
use crate::base::image_name::{ImageName, is_tag, repository_of};
use crate::base::words::counted_as;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason};
use crate::judge::policy::Policy;
use crate::manifest::build_log::{BuildLog, LogEvent};

pub(super) static CHECK: Check = Check {
    name: "log-image",
    group: Group::Manifest,
    level: Level::Require,
    says: "the image, tag, directory and pushes in the log agree with build.json and the policy's images",
    explanation: "Compares the signed log's lines about the push (repository, tags, one digest for all tags), the signing (repository and tag) and the \
clone's folder with build.json, git/ and expect.images. A build's name consists of the push server and the repository, with / written as a dot, the \
tag, and the time; if the tag is known, the whole name is compared. The name comes from build.json, which is signed, or, only if build.json has none, \
from the names of the bundle's members, which are not signed. Push lines count only after the last line that the build itself printed, because the \
source's author controls what a RUN step prints. BuildKit pushes as a step of the build; its lines count if no line is from a different builder. A \
missing line is not a disagreement. A log without any such line provides no evidence; if the policy lists images, the answer is then unknown. It is \
also unknown if the log has such lines but none counts, or if BuildKit's push failed and no other line states a push.\n\nWhen \
it fails: the log and build.json may be from different builds, or the server may have been configured to push elsewhere. Fetch the bundle again; if the check still \
fails, do not use the image.",
    known: Known::Signed,
    expected: Expected::Optional(&["images"]),
    links: &[ChainLink::PushedImage],
    controls: &["SR-4"],
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
            Some((first, known)) if first == digest && (known.is_none() || size.is_none() || known == size) => {
                one_digest = Some((digest, known.or(size)));
            }
            Some((first, _)) => image.disagree("the pushed digest", first, format!("{digest} for the tag {tag}")),
        }
    }
    pushed_tags(log, own_tag.as_deref(), &mut image);
    if let Some((digest, size)) = one_digest {
        let bytes = size.map(|size| format!(", {size} bytes")).unwrap_or_default();
        image.agree(format!("pushed: {digest}{bytes}"));
    }
    for repository in &repositories {
        if let Err(why) = ImageName::parse(repository) {
            image.disagree("the image's name", "a well-formed name", format!("{repository} ({why})"));
        }
        name(evidence, repository, own_tag.as_deref(), &mut image);
        if !policy.expect.images.is_empty() {
            let allowed = policy.expect.images.iter().any(|allowed| repository_of(allowed) == *repository);
            match allowed {
                true => image.agree(format!("allowed by the policy: {repository}")),
                false => image.disagree("the image's repository", policy.expect.images.join(" or "), repository),
            }
        }
    }
    directory(evidence, log, &mut image);
    let ignored = log.ignored_pushes();
    if ignored > 0 && !log.shows_a_build() {
        return Outcome::unknown(
            "the log has no line from a recognised builder, so push lines cannot be distinguished from the build's output",
        );
    }
    let failed = log.failed_pushes();
    let is_push = |event: &LogEvent| matches!(event, LogEvent::Pushed { .. } | LogEvent::PushedManifest { .. });
    // A later line about the signing does not show that the image was pushed.
    if !failed.is_empty() && image.agrees() && !log.push_events().any(is_push) {
        return Outcome::unknown("the push failed, according to the log")
            .details(failed.iter().map(|step| format!("BuildKit's step #{step} failed")));
    }
    if ignored > 0 && image.agrees() && repositories.is_empty() && one_digest.is_none() {
        return Outcome::unknown("no line about the push counts: the build may have printed each of them");
    }
    if image.is_empty() {
        return no_lines(policy, "the log has no line about the image");
    }
    if evidence.name().is_none() && !repositories.is_empty() && image.agrees() {
        let message = "build.json's build_name is not a build's name, so the pushed image cannot be compared with it";
        return Outcome::caused_by(&manifest_name::CHECK, message);
    }
    let tagged = if names_tag(log, own_tag.as_deref()) { "; so does the tag" } else { "" };
    let mut outcome = match (repositories.is_empty(), one_digest.is_none(), evidence.signed_name().is_some()) {
        (true, true, _) => {
            image.outcome("the log does not name an image; the clone's folder in the log is the one in the archive")
        }
        (true, false, _) => {
            image.outcome("the log has a pushed digest but no repository, and does not contradict the record")
        }
        (false, _, true) => image.outcome(&format!("the repository in the log matches the build's name{tagged}")),
        // The members' names are not signed.
        (false, _, false) => image
            .outcome(&format!("the repository in the log matches the members' names, which are not signed{tagged}"))
            .known(Known::Given),
    };
    if repositories.is_empty()
        && !policy.expect.images.is_empty()
        && outcome.status == crate::judge::finding::Status::Pass
    {
        outcome = Outcome::unknown("the log does not show the image's repository")
            .sides(policy.expect.images.join(" or "), "no line");
    }
    if ignored > 0 {
        let why = match failed.is_empty() {
            true => "the build may have printed them",
            false => "the build may have printed them, or their step failed",
        };
        let one = "line about a push or its signing does not count";
        let several = "lines about a push or its signing do not count";
        outcome.message.push_str(&format!("; {}: {why}", counted_as(ignored, one, several)));
    }
    outcome
}

fn no_lines(policy: &Policy, message: &str) -> Outcome {
    match policy.expect.images.is_empty() {
        true => Outcome::not_run(Reason::NoEvidence, message),
        false => Outcome::unknown(message).sides(policy.expect.images.join(" or "), "no line"),
    }
}

/// The repositories in the log's push and signing lines, without duplicates, tags or digests.
fn repositories(log: &BuildLog) -> Vec<String> {
    let (mut repositories, mut seen) = (Vec::new(), HashSet::new());
    for name in log.push_events().filter_map(LogEvent::image_name).map(repository_of) {
        if seen.insert(name.clone()) {
            repositories.push(name);
        }
    }
    repositories
}

/// Whether a line about the push or the signing has this tag.
fn names_tag(log: &BuildLog, own: Option<&str>) -> bool {
    let is_own = |tag: Option<&str>| tag.is_some() && tag == own;
    log.push_events().any(|event| match event {
        LogEvent::Pushed { tag, .. } => is_own(Some(tag)),
        LogEvent::PushedManifest { name, .. } | LogEvent::Signed(name) => {
            ImageName::parse(name).is_ok_and(|name| is_own(name.tag()))
        }
        _ => false,
    })
}

/// Compares one tag. A build pushes two tags: the tag in its name, and `latest`.
fn tags(what: &str, own: Option<&str>, tag: &str, image: &mut Comparison) {
    match own {
        _ if tag == "latest" => image.agree(format!("{}: latest", what.trim_start_matches("a "))),
        Some(own) => image.compare(what, own, tag),
        None => image.disagree(what, "the tag in the build's name, or latest", tag),
    }
}

/// Compares the tags of the push and the signing with the build's own tag. The repositories are compared elsewhere.
fn pushed_tags(log: &BuildLog, own: Option<&str>, image: &mut Comparison) {
    for event in log.push_events() {
        let (done, name) = match event {
            LogEvent::Pushed { tag, .. } => {
                tags("a pushed tag", own, tag, image);
                continue;
            }
            LogEvent::PushTo(name) => {
                // docker prints only the repository, without a tag or digest.
                if ImageName::parse(name).is_ok_and(|name| !name.is_repository()) {
                    image.disagree("the push's repository", "a repository without a tag or digest", name);
                }
                continue;
            }
            LogEvent::PushedManifest { name, .. } => ("a pushed tag", name),
            // No signature over a tag was examined.
            LogEvent::Signed(name) => ("a tag that the log reports as signed", name),
            _ => continue,
        };
        match ImageName::parse(name).map(|name| name.tag().map(str::to_owned)) {
            Ok(Some(tag)) if matches!(event, LogEvent::Signed(_)) && (tag == "latest" || own == Some(tag.as_str())) => {
            }
            Ok(Some(tag)) => tags(done, own, &tag, image),
            Ok(None) | Err(_) => image.disagree(&done.replace("tag", "name"), "a repository and a tag", name),
        }
    }
}

/// Compares a repository with the build's name, which consists of the repository (with `/` written as `.`), the tag and the stamp. If the tag is not
/// known, any valid tag may follow the repository.
fn name(evidence: &Evidence<'_>, repository: &str, tag: Option<&str>, image: &mut Comparison) {
    let Some(name) = evidence.name() else { return };
    let Some(subject) = name.subject() else {
        image.disagree("the build's name", "repository, tag and YYYY-MM-DD_HH-MM-SS.ffffff", &name);
        return;
    };
    let rest = behind_repository(subject, repository);
    let (agrees, before) = match tag {
        Some(tag) => (rest == Some(tag), format!(" before the tag {tag}")),
        None => (rest.is_some_and(is_tag), String::new()),
    };
    let port = if repository.contains(':') { " and the colon of a port unchanged" } else { "" };
    match agrees {
        true => image.agree(format!("image: {repository}")),
        false => image.disagree(
            "the image's repository",
            format!("the one in the build's name {subject}{before}, with / written as a dot{port}"),
            repository,
        ),
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
