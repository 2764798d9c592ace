//! `server-record`: the build server's saved responses refer to the bundle's build.

use super::outcome::{Comparison, Outcome};
use super::{ChainLink, Check, Expected, Run};
use crate::base::image_name::repository_of;
use crate::given::server_record::ServerRecord;
use crate::judge::evidence::{Evidence, Known};
use crate::judge::finding::{Group, Level, MissingEvidence, Reason, Status};
use crate::judge::policy::Policy;
use crate::manifest::build_log::LogEvent;

pub(super) static CHECK: Check = Check {
    name: "server-record",
    group: Group::Manifest,
    level: Level::Require,
    says: "the saved server record has the build's name, tag or digest, and contradicts nothing that is compared",
    explanation: "Compares the build server's responses that `fetch` saved next to the bundle (status.json, image-digest.json, server-build.log) \
with the signed archive: the build's name, the image's tag, the server's version, the pushed repository and digest. The saved status must mean that \
the push happened. A field that appears on only one side is not a disagreement. If none of the build name, the tag and the digest appears on both \
sides, nothing shows that the responses belong to this build, and there is no evidence. Responses that cannot be read fail the check. Responses are \
read only if the bundle is the only one in its folder. They are not signed: they can contradict the signed archive, but prove nothing. The saved log \
should begin with the signed log, and the last archive digest in it should be this archive's; a difference is stated, but does not fail the check.",
    known: Known::Given,
    expected: Expected::Nothing,
    links: &[ChainLink::ServerAnswers],
    controls: &[],
    missing_evidence: MissingEvidence::RejectsByName,
    run: Run::Function(run),
};

fn run(evidence: &Evidence<'_>, _: &Policy) -> Outcome {
    let Some(saved) = evidence.server else {
        return Outcome::not_run(Reason::NoEvidence, "no saved response from the build server was read");
    };
    if let Some(first) = saved.faults.first() {
        let mut outcome = Outcome::fail("a saved response from the build server cannot be read")
            .sides("responses in the build server's format", first);
        outcome.details = saved.faults.clone();
        return outcome;
    }
    let mut comparison = Comparison::default();
    compare_status(evidence, saved, &mut comparison);
    compare_image(evidence, saved, &mut comparison);
    let shared = shared_name(evidence, saved);
    let mut outcome = if comparison.is_empty() {
        Outcome::not_run(Reason::NoEvidence, "the saved responses and the signed archive have no field in common")
    } else {
        comparison.outcome(&format!(
            "the saved responses next to the bundle have this build's {}, and contradict nothing that was compared",
            shared.unwrap_or("values")
        ))
    };
    if outcome.status == Status::Pass && shared.is_none() {
        // Many builds have the same status, version or repository.
        outcome = Outcome::not_run(
            Reason::NoEvidence,
            "the saved responses contradict nothing that was compared, but do not identify this build by name, tag or digest",
        );
    }
    let (same, different) = compare_log(evidence, saved);
    outcome.details.extend(same.into_iter().map(str::to_owned));
    // The differences and the warning about secrets are part of the message, because the formats for people do not show the details of a pass.
    for remark in different {
        outcome.message.push_str(&format!("; {remark}"));
    }
    if !saved.secrets_in.is_empty() {
        let files = saved.secrets_in.join(" and ");
        let contain = if saved.secrets_in.len() == 1 { "contains" } else { "contain" };
        outcome.message.push_str(&format!("; {files} {contain} what looks like a secret (masked in reports only)"));
    }
    outcome
}

/// The value by which both the archive and the saved responses identify this build: the strongest that they have.
fn shared_name(evidence: &Evidence<'_>, saved: &ServerRecord) -> Option<&'static str> {
    let status = saved.status.as_ref();
    let tags = [evidence.manifest.record.image_tag(), status.and_then(|status| status.image_tag())];
    let has_digest = saved.image.is_some() && evidence.log().is_some_and(|log| log.pushed().next().is_some());
    let has_name = status.is_some_and(|status| status.build_name().is_some());
    let is_signed = evidence.manifest.record.build_name().is_some();
    match (has_name, has_digest, tags.iter().all(Option::is_some)) {
        (true, ..) if is_signed => Some("name"),
        (_, true, _) => Some("digest"),
        (_, _, true) => Some("tag"),
        (true, ..) => Some("name (from the members' names, which are not signed)"),
        _ => None,
    }
}

fn compare_status(evidence: &Evidence<'_>, saved: &ServerRecord, comparison: &mut Comparison) {
    let Some(status) = &saved.status else { return };
    let signed = &evidence.manifest.record;
    let build_name = signed.build_name().unwrap_or(evidence.archive.build_name().as_str());
    let pairs = [
        ("build name", Some(build_name), status.build_name()),
        ("image tag", signed.image_tag(), status.image_tag()),
        ("server version", signed.server_version(), status.server_version()),
    ];
    for (what, signed, saved) in pairs {
        if let (Some(signed), Some(saved)) = (signed, saved) {
            comparison.compare(what, signed, saved);
        }
    }
    if status.says_pushed() {
        comparison.agree(format!("status: {}", status.status()));
    } else {
        comparison.disagree("status", "image pushed, or success", status.status());
    }
}

fn compare_image(evidence: &Evidence<'_>, saved: &ServerRecord, comparison: &mut Comparison) {
    let (Some((name, digest)), Some(log)) = (&saved.image, evidence.log()) else { return };
    let mut pushed: Vec<String> = log.pushed().map(|(_, digest, _)| digest.to_string()).collect();
    pushed.dedup();
    let digest = digest.to_string();
    if pushed.contains(&digest) {
        comparison.agree(format!("image digest: {digest}"));
    } else if !pushed.is_empty() {
        comparison.disagree("image digest", pushed.join(", "), digest);
    }
    let mut repositories: Vec<String> =
        log.push_events().filter_map(LogEvent::pushed_name).map(repository_of).collect();
    repositories.dedup();
    let repository = repository_of(name);
    if repositories.contains(&repository) {
        comparison.agree(format!("repository: {repository}"));
    } else if !repositories.is_empty() {
        comparison.disagree("repository", repositories.join(", "), repository);
    }
}

/// What the saved log has in common with the signed archive, and where they differ. Neither affects the status.
fn compare_log(evidence: &Evidence<'_>, saved: &ServerRecord) -> (Vec<&'static str>, Vec<String>) {
    let (mut same, mut different) = (Vec::new(), Vec::new());
    match evidence.log().and_then(|log| saved.log_begins_with(log.sha256(), log.size())) {
        Some(true) => same.push("the signed log is the beginning of the saved log"),
        Some(false) => different.push("the signed log is not the beginning of the saved log".to_owned()),
        None => {}
    }
    match saved.logged_archive_digest() {
        Some(digest) if digest == evidence.archive.digest() => {
            same.push("the saved log contains the digest of the signed archive");
        }
        Some(digest) => different.push(format!(
            "the saved log's last line that ends with digest=HEX does not have this archive's digest: {digest}"
        )),
        None => {}
    }
    (same, different)
}
