//! SARIF 2.1.0 (OASIS): one run, with a result for each problem or for every answer. GitHub code scanning shows each result as
//! an alert, so the format for GitHub (`sarif`) has results only for problems and for a missing verdict.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{BundleReport, Report, Scope, summary};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::escape::{for_terminal, in_json};
use crate::judge::check::{CHECKS, Check};
use crate::judge::finding::{Finding, Level, Status};

/// Selects the answers that become results.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Results {
    /// Answers that reject, fail or are waived.
    Problems,
    /// Every answer of every check.
    All,
}

/// The rule for a bundle or a run with no verdict, which must not look like a bundle or run with no problems.
const NO_VERDICT: &str = "no-verdict";

pub(super) fn write(report: &Report, results: Results, out: &mut dyn Write) -> io::Result<()> {
    let document = serde_json::to_string_pretty(&log(report, results))?;
    writeln!(out, "{}", in_json(&document))
}

fn log(report: &Report, wanted: Results) -> Value {
    let errors = report.error.iter().map(|error| notification(error, None));
    let faults = report.bundles.iter().filter_map(|b| b.error.as_ref().map(|error| notification(error, Some(b))));
    let notifications: Vec<Value> = errors.chain(faults).collect();
    let is_wanted = |finding: &&Finding| {
        wanted == Results::All || finding.rejects() || finding.is_waived() || finding.status == Status::Fail
    };
    let of_bundle = |(at, bundle): (usize, &BundleReport)| {
        let fault = bundle.error.as_ref().map(|error| no_verdict(report, error, Some((at, bundle))));
        let findings = bundle.findings.iter().filter(is_wanted).map(|finding| result(at, bundle, finding));
        findings.chain(fault).collect::<Vec<Value>>()
    };
    let of_run = report.error.iter().map(|error| no_verdict(report, error, None));
    let results = of_run.chain(report.bundles.iter().enumerate().flat_map(of_bundle));
    let invocation = json!({
        "executionSuccessful": notifications.is_empty() && report.exit_code() <= 1,
        "exitCode": report.exit_code(),
        "toolExecutionNotifications": notifications,
    });
    let remarks: Vec<String> = super::remarks::with_voucher(report).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": CHECKS.iter().map(|check| rule(check)).chain([no_verdict_rule()]).collect::<Vec<_>>(),
            }},
            "invocations": [invocation],
            "artifacts": report.bundles.iter().map(artifact).collect::<Vec<_>>(),
            "results": results.collect::<Vec<_>>(),
            "properties": {
                "verdict": report.verdict().word(),
                "exitCode": report.exit_code(),
                "judgedAsOf": report.now.map(|now| now.to_string()),
                "scope": Scope::of_report(report),
                "remarks": remarks,
                "bundles": report.bundles.iter().map(|b| json!({
                    "path": b.path, "buildName": b.build_name, "verdict": b.verdict.word(), "exitCode": b.exit_code(),
                })).collect::<Vec<_>>(),
            },
        }],
    })
}

fn rule(check: &Check) -> Value {
    let level = if check.level == Level::Require { "error" } else { "warning" };
    described(check.name, &format!("A pass means: {}", check.says), check.explanation, level, check.group.word())
}

fn no_verdict_rule() -> Value {
    let explanation = "The audit of this bundle, or the whole run, ended without a verdict: wrong usage, an invalid policy, no key, or evidence that \
cannot be read, is malformed or over a limit. Nothing was accepted. The message says why and what to do.";
    described(NO_VERDICT, "A pass means: the audit reached a verdict", explanation, "error", "verdict")
}

/// GitHub shows the first 1,024 characters of a description.
fn described(id: &str, says: &str, explanation: &str, level: &str, group: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": { "text": message(says) },
        "fullDescription": { "text": message(&shortened(explanation)) },
        "help": { "text": message(explanation) },
        "helpUri": format!("pkg:cargo/{}@{}#docs/generated/checks.md", env!("CARGO_PKG_NAME"), uri(env!("CARGO_PKG_VERSION"))),
        "defaultConfiguration": { "level": level },
        "properties": { "group": group, "tags": ["security"] },
    })
}

/// Returns as many whole sentences as fit.
fn shortened(text: &str) -> String {
    const CHARACTERS: usize = 900;
    if text.chars().count() <= CHARACTERS {
        return text.to_owned();
    }
    let first: String = text.chars().take(CHARACTERS).collect();
    first.rfind(". ").and_then(|end| first.get(..=end)).unwrap_or(&first).to_owned()
}

fn no_verdict(report: &Report, error: &Error, bundle: Option<(usize, &BundleReport)>) -> Value {
    let subject = bundle.map_or_else(String::new, |(_, bundle)| subject(bundle));
    // A run that ended before any bundle was read has no bundle as its location.
    let place = match (bundle, &report.policy) {
        (Some((at, bundle)), _) => place(&bundle.path, Some(at)),
        (None, Some(policy)) => place(&policy.path, None),
        (None, None) => place(env!("CARGO_PKG_NAME"), None),
    };
    json!({
        "ruleId": NO_VERDICT,
        "ruleIndex": CHECKS.len(),
        "kind": "fail",
        "level": "error",
        "message": { "text": message(&format!("{}. What to do: {}", summary::fault(error), summary::hint(error))) },
        "locations": [place],
        "partialFingerprints": fingerprints(&format!("{subject}\n{NO_VERDICT}")),
        "properties": { "code": error.code() },
    })
}

/// A bundle is not text, so every result is reported on line 1.
fn place(path: &str, at: Option<usize>) -> Value {
    let mut artifact = json!({ "uri": relative_uri(path) });
    if let (Some(at), Some(fields)) = (at, artifact.as_object_mut()) {
        fields.insert("index".into(), at.into());
    }
    json!({ "physicalLocation": { "artifactLocation": artifact, "region": { "startLine": 1 } } })
}

fn artifact(bundle: &BundleReport) -> Value {
    let mut artifact = json!({ "location": { "uri": relative_uri(&bundle.path) } });
    if let (Some((digest, size)), Some(fields)) = (bundle.file, artifact.as_object_mut()) {
        fields.insert("hashes".into(), json!({ "sha-256": digest.hex() }));
        fields.insert("length".into(), size.into());
    }
    artifact
}

fn result(at: usize, bundle: &BundleReport, finding: &Finding) -> Value {
    let rejects = finding.rejects();
    let (kind, level) = match (finding.status, finding.level) {
        _ if rejects => ("fail", "error"),
        (Status::Pass, _) => ("pass", "none"),
        (Status::Fail, Level::Require) if finding.is_waived() => ("fail", "error"),
        (Status::Fail, _) => ("fail", "warning"),
        // This check could not decide because of another check, whose result is the problem.
        (Status::Unknown, _) if finding.is_consequence() => ("notApplicable", "none"),
        (Status::Unknown, _) => ("open", "none"),
        (Status::NotRun(_), _) => ("notApplicable", "none"),
    };
    let mut text = finding.message.clone();
    if let (Some(expected), Some(found)) = (&finding.expected, &finding.found) {
        text = format!("{text}; expected {expected}, found {found}");
    }
    let mut result = json!({
        "ruleId": finding.check,
        "ruleIndex": CHECKS.iter().position(|check| check.name == finding.check),
        "kind": kind,
        "level": level,
        "message": { "text": message(&text) },
        "locations": [place(&bundle.path, Some(at))],
        "partialFingerprints": fingerprints(&format!("{}\n{}", subject(bundle), finding.check)),
        "properties": {
            "status": finding.status.word(),
            "reason": finding.status.reason(),
            "causedBy": finding.caused_by,
            "checkLevel": finding.level.word(),
            "group": finding.group.word(),
            "rejects": rejects,
            "known": summary::known_words(finding),
            "details": finding.details,
        },
    });
    if let (Some(waiver), Some(fields)) = (&finding.waiver, result.as_object_mut()) {
        // An expired waiver does not suppress a result (SARIF 2.1.0, 3.35).
        let status = if finding.is_waived() { "accepted" } else { "rejected" };
        let suppression =
            json!({ "kind": "external", "status": status, "justification": for_terminal(&waiver.words()) });
        fields.insert("suppressions".into(), json!([suppression]));
    }
    result
}

fn notification(error: &Error, bundle: Option<&BundleReport>) -> Value {
    let mut notification = json!({
        "level": "error",
        "descriptor": { "id": error.code() },
        "message": { "text": message(&format!("{}. What to do: {}", summary::fault(error), summary::hint(error))) },
    });
    if let (Some(bundle), Some(fields)) = (bundle, notification.as_object_mut()) {
        fields.insert("locations".into(), json!([place(&bundle.path, None)]));
    }
    notification
}

/// The file's digest, which does not depend on where the file is; the path if the file could not be read completely.
fn subject(bundle: &BundleReport) -> String {
    bundle.file.map_or_else(|| bundle.path.clone(), |(digest, _)| digest.to_string())
}

/// A fingerprint that is identical for the same check of the same bytes. GitHub uses only the fingerprint whose name GitHub
/// defines.
fn fingerprints(of: &str) -> Value {
    let digest = Sha256::of(of.as_bytes()).hex();
    let line = digest.get(..16).unwrap_or_default();
    json!({ "checkOfBundle/v1": digest, "primaryLocationLineHash": format!("{line}:1") })
}

/// A location below the folder of the run, or only the file name if the path is absolute or contains `..`. The run's `properties`
/// contain the path.
fn relative_uri(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !["", "."].contains(part)).collect();
    let leaves = path.starts_with('/') || parts.contains(&"..");
    let kept = if leaves { parts.last().copied().unwrap_or_default().to_owned() } else { parts.join("/") };
    if kept.is_empty() || kept == ".." { "_".into() } else { uri(&kept) }
}

/// Plain text without links or placeholders (SARIF 2.1.0, 3.11.5 and 3.11.6).
fn message(text: &str) -> String {
    let mut out = String::new();
    for character in for_terminal(text).chars() {
        match character {
            '{' => out.push_str("{{"),
            '}' => out.push_str("}}"),
            '\\' | '[' | ']' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

/// A relative reference or an absolute path as a URI (RFC 3986): everything except unreserved characters and `/` is percent-encoded.
pub(super) fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    // Two slashes at the start would introduce a host.
    let absolute = out.starts_with("//");
    if absolute { format!("/.{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_relative_and_never_outside_the_folder() {
        for (path, expected) in [
            ("a/b.tbz", "a/b.tbz"),
            ("./a/../b.tbz", "b.tbz"),
            ("/srv/a b.tbz", "a%20b.tbz"),
            ("../b.tbz", "b.tbz"),
            ("//host/b.tbz", "b.tbz"),
            ("a:b/c", "a%3Ab/c"),
            ("..", "_"),
            ("", "_"),
        ] {
            assert_eq!(relative_uri(path), expected, "{path}");
        }
    }

    /// GitHub refuses a rule without descriptions, and shows at most 1,024 characters of a description.
    #[test]
    fn every_rule_has_the_descriptions_that_github_requires() {
        for rule in CHECKS.iter().map(|check| rule(check)).chain([no_verdict_rule()]) {
            for text in ["shortDescription", "fullDescription", "help"] {
                let text = rule[text]["text"].as_str().unwrap();
                assert!(!text.is_empty(), "{}", rule["id"]);
            }
            assert!(rule["fullDescription"]["text"].as_str().unwrap().chars().count() <= 1_024, "{}", rule["id"]);
            assert!(rule["helpUri"].as_str().unwrap().starts_with("pkg:cargo/"));
        }
    }
}
