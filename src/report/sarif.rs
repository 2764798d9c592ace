//! SARIF 2.1.0 (OASIS): one run, a result for each check of each bundle, passes included.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{BundleReport, Report};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::escape::{for_terminal, in_json};
use crate::judge::check::CHECKS;
use crate::judge::finding::{Finding, Level, Status};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = serde_json::to_string_pretty(&log(report))?;
    writeln!(out, "{}", in_json(&document))
}

fn log(report: &Report) -> Value {
    let errors = report.error.iter().map(|error| notification(error, None));
    let faults = report.bundles.iter().filter_map(|b| b.error.as_ref().map(|error| notification(error, Some(b))));
    let notifications: Vec<Value> = errors.chain(faults).collect();
    let results = report.bundles.iter().flat_map(|b| b.findings.iter().map(|finding| result(b, finding)));
    let mut invocation = json!({
        "executionSuccessful": notifications.is_empty() && report.exit_code() <= 1,
        "exitCode": report.exit_code(),
        "toolExecutionNotifications": notifications,
    });
    if let (Some(now), Some(fields)) = (report.now, invocation.as_object_mut()) {
        // The moment that the audit is for: the same report has the same time.
        fields.insert("endTimeUtc".into(), now.to_string().into());
    }
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": CHECKS.iter().map(|check| json!({
                    "id": check.name,
                    "shortDescription": { "text": message(check.says) },
                    "fullDescription": { "text": message(check.explanation) },
                    "defaultConfiguration": { "level": if check.level == Level::Require { "error" } else { "warning" } },
                    "properties": { "group": check.group.word() },
                })).collect::<Vec<_>>(),
            }},
            "invocations": [invocation],
            "artifacts": report.bundles.iter().map(artifact).collect::<Vec<_>>(),
            "results": results.collect::<Vec<_>>(),
            "properties": {
                "verdict": report.verdict().word(),
                "exitCode": report.exit_code(),
                "bundles": report.bundles.iter().map(|b| json!({
                    "path": b.path, "buildName": b.build_name, "verdict": b.verdict.word(), "exitCode": b.exit_code(),
                })).collect::<Vec<_>>(),
            },
        }],
    })
}

fn artifact(bundle: &BundleReport) -> Value {
    let mut artifact = json!({ "location": { "uri": uri(&bundle.path) } });
    if let (Some((digest, size)), Some(fields)) = (bundle.file, artifact.as_object_mut()) {
        fields.insert("hashes".into(), json!({ "sha-256": digest.hex() }));
        fields.insert("length".into(), size.into());
    }
    artifact
}

fn result(bundle: &BundleReport, finding: &Finding) -> Value {
    let rejects = finding.rejects();
    let (kind, level) = match (finding.status, finding.level) {
        _ if rejects => ("fail", "error"),
        (Status::Pass, _) => ("pass", "none"),
        (Status::Fail, Level::Require) if finding.is_waived() => ("fail", "error"),
        (Status::Fail, _) => ("fail", "warning"),
        // Not looked at because another check failed: the result of that one is the problem.
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
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&bundle.path) } } }],
        "partialFingerprints": { "checkOfBundle/v1": fingerprint(bundle, finding) },
        "properties": {
            "status": finding.status.word(),
            "reason": finding.status.reason(),
            "causedBy": finding.caused_by,
            "checkLevel": finding.level.word(),
            "group": finding.group.word(),
            "rejects": rejects,
            "details": finding.details,
        },
    });
    if let (Some(waiver), Some(fields)) = (&finding.waiver, result.as_object_mut()) {
        // An expired waiver suppresses nothing (SARIF 2.1.0, 3.35).
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
        "message": { "text": message(&format!("{error}. What to do: {}", error.hint())) },
    });
    if let (Some(bundle), Some(fields)) = (bundle, notification.as_object_mut()) {
        let location = json!([{ "physicalLocation": { "artifactLocation": { "uri": uri(&bundle.path) } } }]);
        fields.insert("locations".into(), location);
    }
    notification
}

/// The same for the same check of the same bytes, wherever the file lies.
fn fingerprint(bundle: &BundleReport, finding: &Finding) -> String {
    let subject = bundle.file.map_or_else(|| bundle.path.clone(), |(digest, _)| digest.to_string());
    Sha256::of(format!("{subject}\n{}", finding.check).as_bytes()).hex()
}

/// Plain text in which nothing is a link or a placeholder (SARIF 2.1.0, 3.11.5 and 3.11.6).
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

/// A relative reference or an absolute path as a URI (RFC 3986): everything but unreserved characters and `/` is percent-encoded.
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
    // Two slashes in front would be a host.
    let absolute = out.starts_with("//");
    if absolute { format!("/.{out}") } else { out }
}
