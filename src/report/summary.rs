//! What page one says, in words: shared by every format for people, so that all say the same.

use super::{BundleReport, Report};
use crate::check;
use crate::evidence::{Fact, Known};
use crate::finding::{Finding, Group, Level, Reason, Status, Verdict};

/// One line of what was found.
pub(super) struct Found {
    pub(super) sentence: String,
    pub(super) known: Known,
}

/// The verdict in the words that a reader must not miss.
pub(super) fn headline(bundle: &BundleReport) -> String {
    match bundle.verdict {
        Verdict::Accept => "ACCEPTED".into(),
        Verdict::AcceptInPart => format!("ACCEPTED IN PART: {}", left_out(bundle)),
        Verdict::Reject => "REJECTED".into(),
        Verdict::None => "NO VERDICT".into(),
    }
}

/// What an acceptance in part does not say: groups and checks that were not looked at, and answers that are waived.
pub(super) fn left_out(bundle: &BundleReport) -> String {
    let not_checked = bundle.not_checked();
    let waived: Vec<&str> = bundle.waived().map(|finding| finding.check).collect();
    let mut parts = Vec::new();
    if !not_checked.is_empty() {
        parts.push(format!("{} not checked", not_checked.join(", ")));
    }
    if !waived.is_empty() {
        parts.push(format!("{} waived", waived.join(", ")));
    }
    parts.join("; ")
}

/// Why there is no acceptance: a line for each check that rejects, or the error.
pub(super) fn because(bundle: &BundleReport) -> Vec<String> {
    if let Some(error) = &bundle.error {
        return vec![error.to_string(), format!("What to do: {}", error.hint())];
    }
    bundle.rejecting().map(sentence).collect()
}

fn sentence(finding: &Finding) -> String {
    match (&finding.expected, &finding.found) {
        (Some(expected), Some(found)) => {
            format!("{}: {}; expected {expected}, found {found}", finding.check, finding.message)
        }
        _ => format!("{}: {}", finding.check, finding.message),
    }
}

/// What was asked, in words.
pub(super) fn question(report: &Report) -> Vec<String> {
    let Some(question) = &report.question else {
        return vec!["the run ended before it was known what is asked".into()];
    };
    let mut lines = vec![match question.depth {
        super::Depth::Everything => "Is this bundle unaltered since a trusted key signed it, and do record, log and source in it agree with each other and with what is expected?".to_owned(),
        super::Depth::SignatureOnly => "Is this bundle unaltered since a trusted key signed it? Nothing in it was looked at.".to_owned(),
    }];
    let groups = |groups: &[Group]| groups.iter().map(|group| group.word()).collect::<Vec<_>>().join(", ");
    if !question.require.is_empty() {
        lines.push(format!("Groups that had to have an answer: {}", groups(&question.require)));
    }
    if !question.handed.is_empty() {
        lines.push(format!("Groups whose evidence was handed over: {}", groups(&question.handed)));
    }
    if !question.expect.is_empty() {
        let expected: Vec<String> = question.expect.iter().map(|(field, value)| format!("{field} {value}")).collect();
        lines.push(format!("Expected: {}", expected.join("; ")));
    }
    lines
}

/// The facts that say what the subject is, each once, as its first witness has it.
pub(super) fn subject(bundle: &BundleReport) -> Vec<&Fact> {
    ["image", "image-digest", "repository", "commit", "tree", "branch", "built-at", "server-version"]
        .into_iter()
        .filter_map(|name| {
            let facts = || bundle.evidence.iter().filter(move |fact| fact.fact == name);
            facts().find(|fact| fact.known == Known::Recomputed).or_else(|| facts().find(|f| f.known == Known::Signed))
        })
        .collect()
}

/// Every check in play that passed, with how that is known.
pub(super) fn found(bundle: &BundleReport) -> Vec<Found> {
    let passed = bundle.played().filter(|finding| finding.status == Status::Pass);
    passed
        .map(|finding| Found {
            sentence: check::find(finding.check).map_or_else(|| finding.message.clone(), |check| check.says.to_owned()),
            known: known(finding.check),
        })
        .collect()
}

/// How the answer of a check is known: by its weakest witness.
pub(super) fn known(check: &str) -> Known {
    const RECOMPUTED: [&str; 13] = [
        "manifest-signature",
        "log-key",
        "source-objects",
        "source-tree",
        "source-signature",
        "image-digest",
        "image-config",
        "image-layers",
        "image-platform",
        "image-signature",
        "image-key",
        "builder-record",
        "contract-signature",
    ];
    const SIGNED: [&str; 11] = [
        "manifest-name",
        "build-status",
        "build-server",
        "build-age",
        "root-ssh",
        "log-image",
        "log-order",
        "source-commit",
        "source-repository",
        "source-dockerfile",
        "base-image",
    ];
    if RECOMPUTED.contains(&check) {
        Known::Recomputed
    } else if SIGNED.contains(&check) {
        Known::Signed
    } else {
        Known::Given
    }
}

/// What no reader may take as proved. Five lines are always there.
pub(super) fn not_proved(bundle: &BundleReport) -> Vec<String> {
    let grade = match &bundle.key {
        Some(key) => format!("Its grade is {}: {}.", key.grade.word(), grade_text(key.grade.word())),
        None => "No trusted key accepted the signature.".into(),
    };
    let mut lines = vec![
        format!("Who holds the key. {grade}"),
        "That the image was built from this source. The build server states it in its log; only an independent rebuild could corroborate it.".into(),
        format!("What the build server is. {}", builder_text(bundle)),
        match bundle.outside_the_commit.len() {
            0 => "Inputs outside the commit. None is listed; a script that ran in the build may still have fetched some.".into(),
            count => format!("Inputs outside the commit: {count} listed below; the commit does not pin them."),
        },
        "What runs now. Nothing here was compared with a running system, and the build's time is the server's own statement.".into(),
    ];
    let groups: Vec<&str> = bundle.not_in_play().into_iter().map(Group::word).collect();
    if !groups.is_empty() {
        lines.push(format!("Not looked at, for no evidence was given: {}.", groups.join(", ")));
    }
    let checks: Vec<&str> = bundle.unanswered().filter(|f| f.is_not_built_in()).map(|f| f.check).collect();
    if !checks.is_empty() {
        lines.push(format!("Not checked, for this build of the program cannot: {}.", checks.join(", ")));
    }
    lines
}

fn grade_text(grade: &str) -> &'static str {
    match grade {
        "recorded" => "a signed record says who obtained it, when and over which channel",
        "witnessed" => "two people obtained equal bytes in two retrievals",
        "challenged" => "a build of the auditor's own random commit verifies under it",
        _ => "the person who ran this, or the policy they named, chose it",
    }
}

fn builder_text(bundle: &BundleReport) -> &'static str {
    let passed = |name: &str| bundle.findings.iter().any(|f| f.check == name && f.status == Status::Pass);
    if passed("builder-record") {
        "Its attestation record was checked; no public record binds the manifest's key to the attested server."
    } else {
        "Its attestation was not checked, and its state, keys included, can be exported and restored."
    }
}

/// Deviations that a reviewer has to accept or refuse: answers that do not decide, checks switched off, limits raised.
pub(super) fn exceptions(report: &Report, bundle: &BundleReport) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for finding in bundle.played() {
        if let Some(waiver) = &finding.waiver {
            lines.push(format!(
                "{} ({}): {}; {}",
                finding.check,
                finding.status.word(),
                waiver.words(),
                finding.message
            ));
            continue;
        }
        match (finding.level, finding.status) {
            (Level::Off, _) => lines.push(format!("{}: switched off", finding.check)),
            (Level::Warn, Status::Fail) => {
                lines.push(format!("{} says no, at level warn: {}", finding.check, finding.message))
            }
            (Level::Warn, Status::Unknown) => {
                lines.push(format!("{} could not decide, at level warn: {}", finding.check, finding.message));
            }
            (Level::Require, Status::NotRun(Reason::NoEvidence)) if !finding.rejects() => {
                lines.push(format!("{}: no evidence: {}", finding.check, finding.message));
            }
            _ => {}
        }
    }
    if let Some(question) = &report.question {
        lines.extend(question.levels.iter().map(|(check, level)| format!("the policy sets {check} to {level}")));
        lines.extend(question.limits.iter().map(|(name, value)| format!("the limit {name} was set to {value}")));
    }
    lines
}

/// The command that repeats the audit. Values are quoted for a POSIX shell.
pub(super) fn command(report: &Report, bundle: &BundleReport) -> String {
    let mut words = vec!["hpsb-audit".to_owned(), "audit".into(), quoted(&bundle.path)];
    if let Some(policy) = &report.policy {
        words.extend(["--policy".into(), quoted(&policy.path)]);
    }
    if let Some(question) = &report.question {
        if question.depth == super::Depth::SignatureOnly {
            words.splice(1..2, ["verify".into()]);
        }
        let named = bundle.key.as_ref().is_some_and(|key| key.source.starts_with("command line"));
        if report.policy.is_none() || named {
            words.extend(question.keys.iter().map(|key| format!("--key {key}")));
        }
        let require: Vec<&str> = question.require.iter().map(|group| group.word()).collect();
        if !require.is_empty() {
            words.push(format!("--require {}", require.join(",")));
        }
        words.extend(
            question.limits.iter().map(|(name, value)| format!("--limit {}", quoted(&format!("{name}={value}")))),
        );
    }
    words.extend(report.now.map(|now| format!("--now {now}")));
    words.join(" ")
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CHECKS;

    #[test]
    fn every_check_that_is_known_by_more_than_hearsay_exists() {
        let recomputed = CHECKS.iter().filter(|check| known(check.name) == Known::Recomputed).count();
        let signed = CHECKS.iter().filter(|check| known(check.name) == Known::Signed).count();
        assert_eq!((recomputed, signed), (13, 11));
    }

    #[test]
    fn the_command_cannot_be_left_by_a_quote() {
        assert_eq!(quoted("a/b.sig.tbz"), "a/b.sig.tbz");
        assert_eq!(quoted("a b'; rm x"), r"'a b'\''; rm x'");
        assert_eq!(quoted(""), "''");
    }
}
