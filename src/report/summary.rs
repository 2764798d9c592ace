//! The sentences of page one, shared by all text formats so that their statements are the same.

use super::key_words::grade_words;
pub(super) use super::repeat::command;
use super::{BundleReport, QuestionReport, Report, Scope, outside};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::mask::mask;
use crate::base::time::Timestamp;
use crate::base::words::counted;
use crate::judge::check;
use crate::judge::evidence::{Fact, Known};
use crate::judge::finding::{Finding, Group, Level, Reason, Status, Verdict, is_answered};

/// One statement, with how it is known.
pub(super) struct Found {
    pub(super) sentence: String,
    pub(super) known: Known,
}

/// The fact about a file that the clone's config includes. The file is not read, and could define other remotes.
pub(super) const INCLUDE: &str = "config-include";
pub(super) const HAS_INCLUDES: &str = "includes files that were not read";

/// The fact about another place from which git may fetch.
pub(super) const ELSEWHERE: &str = "remote-elsewhere";
pub(super) const HAS_ELSEWHERE: &str = "git may also fetch from an address that is not among the remotes";

/// A verdict, as text formats print it.
pub(super) fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "ACCEPTED",
        Verdict::AcceptInPart => "ACCEPTED IN PART",
        Verdict::Reject => "REJECTED",
        Verdict::None => "NO VERDICT",
    }
}

/// The verdict and its scope.
pub(super) fn headline(report: &Report, bundle: &BundleReport) -> String {
    let (words, scope) = (verdict_words(bundle.verdict), Scope::of_bundle(report, bundle));
    match bundle.verdict {
        Verdict::Accept => format!("{words}: {}", scope.words(Some(bundle), None)),
        Verdict::AcceptInPart if is_signature_only(report) => format!("{words}: only the signature was checked"),
        Verdict::AcceptInPart => format!("{words}: {}{}", left_out(report, bundle), scope.in_brackets()),
        Verdict::Reject | Verdict::None => words.into(),
    }
}

pub(super) fn is_signature_only(report: &Report) -> bool {
    report.question.as_ref().is_some_and(|question| question.depth == super::Depth::SignatureOnly)
}

/// Number of bundles by verdict: `1 without a verdict, 2 accepted`.
pub(super) fn counts(report: &Report) -> String {
    let words = [
        (Verdict::None, "without a verdict"),
        (Verdict::Reject, "rejected"),
        (Verdict::AcceptInPart, "accepted in part"),
        (Verdict::Accept, "accepted"),
    ];
    let counts = words.map(|(verdict, words)| (report.count(verdict), words));
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
    counts.join(", ")
}

/// The build name, and how it is known: it is signed if the record contains it and no other name refers to a different
/// build.
pub(super) fn build_name(bundle: &BundleReport) -> Option<(&str, Known)> {
    let name = bundle.build_name.as_deref()?;
    let is_recorded = facts(bundle, "build-name").any(|fact| fact.known == Known::Signed && fact.value == name);
    let is_signed = is_recorded && passes(bundle, "manifest-name");
    Some((name, if is_signed { Known::Signed } else { Known::Given }))
}

impl BundleReport {
    /// The build name, marked if it is not signed; or the path if there is no name.
    pub(crate) fn titled(&self) -> String {
        match build_name(self) {
            Some((name, Known::Given)) => format!("{name} (unsigned)"),
            Some((name, _)) => name.to_owned(),
            None => self.path.clone(),
        }
    }

    /// The build name for a list of bundles. Only an accepted build's unsigned name is marked, because readers could take it for a signed one.
    pub(super) fn listed_name(&self) -> String {
        match (self.exit_code(), &self.build_name) {
            (1.., Some(name)) => name.clone(),
            _ => self.titled(),
        }
    }
}

/// Whether this check passed.
pub(super) fn passes(bundle: &BundleReport, check: &str) -> bool {
    bundle.played().any(|finding| finding.check == check && finding.status == Status::Pass)
}

/// The time as of which the audit was made. An acceptance as of a time before the build cannot have been made then.
pub(super) fn judged(report: &Report, bundle: Option<&BundleReport>) -> Option<String> {
    let is_before = |bundle: &&BundleReport| is_judged_before_build(report, bundle);
    let builds = match bundle {
        Some(bundle) => usize::from(is_before(&bundle)),
        None => report.bundles.iter().filter(is_before).count(),
    };
    let before = match (builds, bundle) {
        (0, _) => String::new(),
        (_, Some(_)) => ", before the stated time of the build".into(),
        (count, None) => format!(", before the stated time of {}", counted(count, "build")),
    };
    Some(format!("{}{before}", report.now?))
}

pub(super) fn is_judged_before_build(report: &Report, bundle: &BundleReport) -> bool {
    let built = fact(bundle, "built-at").and_then(|fact| Timestamp::from_rfc3339(&fact.value));
    built.zip(report.now).is_some_and(|(built, now)| now < built)
}

/// The facts with this name, in the order of their witnesses.
pub(super) fn facts<'b>(bundle: &'b BundleReport, name: &'b str) -> impl Iterator<Item = &'b Fact> {
    bundle.evidence.iter().filter(move |fact| fact.fact == name)
}

/// The bundle's own value for a fact: proved by its source, or else stated by its signer. A separately supplied image is not consulted.
pub(super) fn fact<'b>(bundle: &'b BundleReport, name: &'b str) -> Option<&'b Fact> {
    let is_own = |fact: &&Fact| fact.witness == "git-objects";
    let proved = facts(bundle, name).filter(is_own).find(|fact| fact.known == Known::Recomputed);
    proved.or_else(|| facts(bundle, name).find(|fact| fact.known == Known::Signed))
}

/// The gaps of an acceptance in part: no policy or no requirements, and [`BundleReport::left_out`].
fn left_out(report: &Report, bundle: &BundleReport) -> String {
    let mut parts = Vec::new();
    if report.policy.is_none() {
        parts.push("no policy".to_owned());
    } else if report.question.as_ref().is_some_and(|question| question.require.is_empty()) {
        parts.push("the policy requires no checks of the build".to_owned());
    }
    parts.extend(bundle.left_out(None));
    parts.join("; ")
}

/// An error, without what looks like a secret: it may quote text from a bundle.
pub(super) fn fault(error: &Error) -> String {
    mask(&error.to_string())
}

/// What to do about an error, likewise.
pub(super) fn hint(error: &Error) -> String {
    mask(&error.hint())
}

/// Why there is no acceptance: each rejecting check with the number of its consequences, or the error.
pub(super) fn because(report: &Report, bundle: &BundleReport) -> Vec<String> {
    if let Some(error) = &bundle.error {
        return vec![fault(error), format!("What to do: {}", hint(error))];
    }
    let causes = bundle.rejecting();
    causes
        .flat_map(|cause| std::iter::once(sentence(cause)).chain(not_looked_at(report, bundle.consequences_of(cause))))
        .collect()
}

/// The number of checks without an answer because of a cause, in one line.
///
/// `verify` checks only the signature, so nothing is without an answer because of it.
pub(super) fn not_looked_at(report: &Report, count: usize) -> Option<String> {
    let is_partial = is_signature_only(report);
    match count {
        _ if is_partial => None,
        0 => None,
        1 => Some("because of this, 1 check has no answer".into()),
        count => Some(format!("because of this, {count} checks have no answer")),
    }
}

fn sentence(finding: &Finding) -> String {
    match (&finding.expected, &finding.found) {
        (Some(expected), Some(found)) => {
            format!("{}: {}; expected {expected}, found {found}", finding.check, finding.message)
        }
        _ => format!("{}: {}", finding.check, finding.message),
    }
}

/// The question that this run answers, as text.
///
/// The question may concern evidence next to only one bundle; `bundle`, if present, determines which groups were checked.
pub(super) fn question(report: &Report, bundle: Option<&BundleReport>) -> Vec<String> {
    let Some(question) = &report.question else {
        return vec!["the run ended before its question was determined".into()];
    };
    let mut lines = vec![match question.depth {
        super::Depth::Everything => format!(
            "Is the signed archive in this bundle unaltered since a trusted key signed it, and do these agree with each other and with the expected values: {}?",
            compared(report, bundle).join(", ")
        ),
        super::Depth::SignatureOnly => "Is the signed archive in this bundle unaltered since a trusted key signed it? Its contents were not checked.".to_owned(),
    }];
    if question.depth == super::Depth::Everything && bundle.is_some_and(compares_image) {
        lines.push("Is the supplied image the one whose digest is in the signed log?".into());
    }
    if question.depth == super::Depth::Everything && bundle.is_some_and(compares_signatures) {
        lines.push("Did a key in the policy, or a key recorded in the log, sign the image's digest?".into());
    }
    let groups = |groups: &[Group]| groups.iter().map(|group| group.word()).collect::<Vec<_>>().join(", ");
    if !question.require.is_empty() {
        lines.push(format!("Groups that must have an answer: {}", groups(&question.require)));
    }
    lines.extend(question.ignored().map(|ignored| format!("Fields of the policy {ignored}")));
    if !question.handed.is_empty() {
        lines.push(format!("Groups whose evidence was supplied: {}", groups(&question.handed)));
    }
    if !question.expect.is_empty() {
        lines.push(format!("Expected: {}", expected(question)));
    }
    lines
}

/// Whether the audit compared the digest of a supplied image.
pub(super) fn compares_image(bundle: &BundleReport) -> bool {
    compares(bundle, check::IMAGE_DIGEST.name)
}

/// Whether the audit verified supplied signatures of the image.
pub(super) fn compares_signatures(bundle: &BundleReport) -> bool {
    compares(bundle, check::IMAGE_SIGNATURE.name)
}

/// Whether the audit verified a supplied attestation record.
pub(super) fn checks_attestation(bundle: &BundleReport) -> bool {
    compares(bundle, check::BUILDER_RECORD.name)
}

fn compares(bundle: &BundleReport, check: &str) -> bool {
    let is_examined =
        |finding: &Finding| finding.level != Level::Off && finding.status != Status::NotRun(Reason::NoEvidence);
    bundle.played().any(|finding| finding.check == check && is_examined(finding))
}

/// The parts of the archive that the checks compare, of one bundle or of all. The log or the source is left out if all checks of it are off or had no evidence.
pub(super) fn compared(report: &Report, bundle: Option<&BundleReport>) -> Vec<&'static str> {
    let bundles = bundle.map_or(report.bundles.as_slice(), std::slice::from_ref);
    let is_off = |is_own: fn(&Finding) -> bool| {
        let mut own = bundles.iter().flat_map(|bundle| &bundle.findings).filter(|one| is_own(one)).peekable();
        let is_unread = |status| status == Status::NotRun(Reason::NoEvidence);
        own.peek().is_some() && own.all(|finding| finding.level == Level::Off || is_unread(finding.status))
    };
    let mut parts = vec!["record"];
    if !is_off(|one| one.check.starts_with("log-")) {
        parts.push("log");
    }
    if !is_off(|one| one.group == Group::Source) {
        parts.push("source");
    }
    parts
}

/// The expected values. A field with several values allows each of them.
pub(super) fn expected(question: &QuestionReport) -> String {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for (field, value) in &question.expect {
        match fields.iter_mut().find(|(name, _)| *name == field) {
            Some((_, values)) => values.push(value),
            None => fields.push((field, vec![value])),
        }
    }
    let fields: Vec<String> = fields.iter().map(|(name, values)| format!("{name} {}", values.join(" or "))).collect();
    fields.join("; ")
}

/// The facts that identify the subject, each listed once.
pub(super) fn subject(bundle: &BundleReport) -> Vec<&Fact> {
    let names = ["image", "image-digest", "repository", "commit", "tree", "branch", "built-at", "server-version"];
    names.into_iter().filter_map(|name| fact(bundle, name)).collect()
}

/// Every statement of every passed check in the groups that were checked.
pub(super) fn found(bundle: &BundleReport) -> Vec<Found> {
    bundle.played().filter(|finding| finding.status == Status::Pass).flat_map(found_by).collect()
}

/// The statements of a pass, with how each is known. The statements depend on the audit: a check states less if the policy
/// expects less.
pub(super) fn found_by(finding: &Finding) -> Vec<Found> {
    // In reports of earlier versions, a pass has only its message, which is known in the way that the check's table entry states.
    if finding.says.is_empty() {
        return vec![Found { sentence: finding.message.clone(), known: known(finding.check) }];
    }
    finding.says.iter().map(|said| Found { sentence: said.text.clone(), known: said.known }).collect()
}

/// The distinct ways in which the statements of a pass are known.
pub(super) fn known_words(finding: &Finding) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = finding.says.iter().map(|said| said.known.word()).collect();
    if words.is_empty() && finding.status == Status::Pass {
        words.push(known(finding.check).word());
    }
    let mut seen = Vec::new();
    words.retain(|word| {
        !seen.contains(word) && {
            seen.push(*word);
            true
        }
    });
    words
}

/// How a check's answer is known, as determined by its weakest witness. The answer of a check that this program does not recognise
/// counts as `given`.
pub(super) fn known(check: &str) -> Known {
    check::find(check).map_or(Known::Given, |check| check.known)
}

/// The digest of the examined manifest, if the check that compares digests passed.
pub(super) fn examined_manifest(bundle: &BundleReport) -> Option<Sha256> {
    check::IMAGE_DIGEST.answer_in(bundle.played()).filter(|finding| finding.status == Status::Pass)?;
    let is_measured = |fact: &&Fact| fact.witness != "build.log" && fact.known == Known::Recomputed;
    facts(bundle, "image-digest").find(is_measured)?.value.split_whitespace().find_map(Sha256::from_prefixed)
}

/// The claims that must not be considered proved. Five lines are always present.
pub(super) fn not_proved(bundle: &BundleReport) -> Vec<String> {
    let grade = match &bundle.key {
        Some(key) => format!("Its grade is the {}.", grade_words(key.grade)),
        None => format!("{}.", no_key(bundle)),
    };
    let mut lines = vec![
        format!("Who holds the key. {grade}"),
        format!("That the image was built from this source. {} Only an independent rebuild could corroborate it.", log_text(bundle)),
        format!("What the build server is. {}", builder_text(bundle)),
        outside::sentence(bundle),
        match was_read(bundle) {
            true => "What runs now. Nothing here was compared with a running system, and the build's time is the server's own statement.".into(),
            false => "What runs now. Nothing here was compared with a running system.".into(),
        },
    ];
    if let Some(layers) = unread_layers(bundle) {
        lines.push(format!("The image's layers. {layers}."));
    }
    if let Some(one) = bundle.of_index().filter(|one| one.has_others) {
        lines.push(format!(
            "The other images of the index. The log's digest is that of the index, of which only {} was examined.",
            one.manifest
        ));
    }
    let groups = bundle.not_in_play();
    if !groups.is_empty() {
        let words = if was_read(bundle) { "Not checked" } else { "The content of the archive. Also not checked" };
        // `verify` checks only the signature, whatever evidence there is.
        let why = if groups.contains(&Group::Source) { "" } else { ", because no evidence was read" };
        lines.push(format!("{words}{why}: {}.", words_of(&groups)));
    }
    let idle: Vec<Group> = bundle.in_play.iter().copied().filter(|group| is_idle(bundle, *group)).collect();
    if was_read(bundle) && !idle.is_empty() {
        lines.push(format!("No check at level require has an answer: {}.", words_of(&idle)));
    }
    let checks: Vec<&str> = bundle.not_built_in().collect();
    if !checks.is_empty() {
        lines.push(format!("Not checked, because this build of the program lacks the check: {}.", checks.join(", ")));
    }
    lines
}

/// Whether none of the checks that decide has an answer in this group.
fn is_idle(bundle: &BundleReport, group: Group) -> bool {
    !is_answered(&bundle.findings, group)
}

fn words_of(groups: &[Group]) -> String {
    groups.iter().map(|group| group.word()).collect::<Vec<_>>().join(", ")
}

/// Why no layer was compared, if an image was examined without its layers.
pub(super) fn unread_layers(bundle: &BundleReport) -> Option<&str> {
    let layers = bundle.played().find(|finding| finding.check == "image-layers")?;
    (bundle.has_answer(Group::Image) && layers.status.is_not_run()).then_some(layers.message.as_str())
}

/// Why the report has no key.
pub(super) fn no_key(bundle: &BundleReport) -> &'static str {
    match signature(bundle) {
        Some(Status::Unknown) if super::remedy::keys(bundle).all(|line| !line.starts_with(check::TRIED)) => {
            "The signature was not verified: no file with a trusted key was found"
        }
        Some(Status::Unknown) => "None of the trusted keys whose files were found verifies the signature",
        Some(Status::Fail) => "None of the trusted keys verifies the signature",
        _ => "The signature was not checked",
    }
}

/// The status of the signature check.
pub(super) fn signature(bundle: &BundleReport) -> Option<Status> {
    check::find(check::MANIFEST_SIGNATURE)?.answer_in(&bundle.findings).map(|finding| finding.status)
}

/// Whether anything in the signed archive was read. An archive that was read yields facts, but a report over the size limit has none.
pub(super) fn was_read(bundle: &BundleReport) -> bool {
    !bundle.evidence.is_empty()
}

/// Whether the build log was read. The report states nothing about the contents of a log that was not read.
pub(super) fn log_was_read(bundle: &BundleReport) -> bool {
    bundle.evidence.iter().any(|fact| fact.witness == "build.log")
}

/// Whether the log names a pushed image, by its name or digest. An image ID shows that something was built, not what was pushed.
pub(super) fn log_names_image(bundle: &BundleReport) -> bool {
    let names = |fact: &Fact| fact.witness == "build.log" && ["image", "image-digest"].contains(&fact.fact.as_str());
    bundle.evidence.iter().any(names)
}

fn log_text(bundle: &BundleReport) -> &'static str {
    match (log_was_read(bundle), log_names_image(bundle)) {
        (false, _) => "The log was not read.",
        (true, true) => "The signed log names the image; at most seven digits of a tag link the image to the commit.",
        (true, false) => "No line of the log that counts names an image.",
    }
}

fn builder_text(bundle: &BundleReport) -> &'static str {
    match check::BUILDER_RECORD.answer_in(&bundle.findings).map(|finding| finding.status) {
        Some(Status::Pass) => {
            "An attestation record was checked; nothing in it states that this server made this build, and no public record binds the manifest's key to a server."
        }
        Some(Status::Fail) => "The supplied attestation record was refused.",
        Some(Status::Unknown) => "The supplied attestation record could not be evaluated.",
        _ => "No attestation was checked. A server's state, keys included, can be exported and restored elsewhere.",
    }
}
