//! The JSON report, version 1: structs of its own, so that the program can change inside while this stays.
//! docs/report.schema.json is generated from them by a test.

use std::io::{self, Write};

use serde::Serialize;

use super::{BundleReport, Report};
use crate::error::Error;
use crate::escape::in_json;
use crate::finding::{Finding, Group, Verdict};
use crate::mask::mask;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields, title = "hpsb-audit report"))]
struct Document {
    /// 1. Another number: other fields.
    schema_version: u32,
    tool: Tool,
    /// The moment that the audit is for, RFC 3339.
    now: Option<String>,
    /// The worst verdict of all bundles: `accept`, `accept-in-part`, `reject` or `none`.
    verdict: &'static str,
    /// The program's exit code, which goes with the verdict.
    exit_code: u8,
    totals: Totals,
    policy: Option<Policy>,
    /// Why nothing could be judged.
    error: Option<Fault>,
    /// One per bundle, in the order of their paths.
    reports: Vec<Bundle>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Tool {
    name: &'static str,
    version: &'static str,
    /// Cargo features of the build.
    features: Vec<&'static str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields, rename_all = "kebab-case"))]
#[serde(rename_all = "kebab-case")]
struct Totals {
    bundles: usize,
    accept: usize,
    accept_in_part: usize,
    reject: usize,
    none: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Policy {
    path: String,
    /// 64 hexadecimal digits.
    sha256: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Fault {
    /// A stable word, for example `over-limit`.
    code: &'static str,
    message: String,
    hint: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Bundle {
    bundle: File,
    /// As the bundle's members have it.
    build_name: Option<String>,
    verdict: &'static str,
    error: Option<Fault>,
    /// Groups that were looked at.
    in_play: Vec<&'static str>,
    not_in_play: Vec<&'static str>,
    /// The key that accepted the signature.
    key: Option<Key>,
    /// One per check, in the order of docs/checks.md.
    findings: Vec<Row>,
    /// What each witness says.
    evidence: Vec<Statement>,
    /// Inputs of the build that the commit does not pin.
    outside_the_commit: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct File {
    path: String,
    /// 64 hexadecimal digits; null when the file could not be read to its end.
    sha256: Option<String>,
    /// Bytes.
    size: Option<u64>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Key {
    /// `sha256:` and 64 hexadecimal digits, over the SubjectPublicKeyInfo.
    fingerprint: String,
    kind: &'static str,
    bits: u32,
    /// Who named it.
    source: String,
    /// `command-line`, `recorded`, `witnessed` or `challenged`.
    grade: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Row {
    check: &'static str,
    group: &'static str,
    /// `require`, `warn` or `off`.
    level: &'static str,
    /// `pass`, `fail`, `unknown` or `not-run`.
    status: &'static str,
    /// Why it was not run: `refused`, `no-evidence`, `no-expectation`, `off` or `not-built-in`.
    reason: Option<&'static str>,
    message: String,
    expected: Option<String>,
    found: Option<String>,
    details: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Statement {
    fact: String,
    witness: &'static str,
    value: String,
    /// `signed`, `recomputed`, `timestamped` or `given`.
    known: &'static str,
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = serde_json::to_string_pretty(&document(report))?;
    writeln!(out, "{}", in_json(&document))
}

fn document(report: &Report) -> Document {
    Document {
        schema_version: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), features: crate::features() },
        now: report.now.map(|now| now.to_string()),
        verdict: report.verdict().word(),
        exit_code: report.exit_code(),
        totals: Totals {
            bundles: report.bundles.len(),
            accept: report.count(Verdict::Accept),
            accept_in_part: report.count(Verdict::AcceptInPart),
            reject: report.count(Verdict::Reject),
            none: report.count(Verdict::None),
        },
        policy: report.policy.as_ref().map(|policy| Policy { path: policy.path.clone(), sha256: policy.sha256.hex() }),
        error: report.error.as_ref().map(fault),
        reports: report.bundles.iter().map(bundle).collect(),
    }
}

fn fault(error: &Error) -> Fault {
    Fault { code: error.code(), message: mask(&error.to_string()), hint: mask(&error.hint()) }
}

fn bundle(report: &BundleReport) -> Bundle {
    let words = |groups: &[Group]| groups.iter().map(|group| group.word()).collect();
    Bundle {
        bundle: File {
            path: report.path.clone(),
            sha256: report.file.map(|(digest, _)| digest.hex()),
            size: report.file.map(|(_, size)| size),
        },
        build_name: report.build_name.clone(),
        verdict: report.verdict.word(),
        error: report.error.as_ref().map(fault),
        in_play: words(&report.in_play),
        not_in_play: words(&report.not_in_play()),
        key: report.key.as_ref().map(|key| Key {
            fingerprint: key.fingerprint.to_string(),
            kind: key.kind,
            bits: key.bits,
            source: key.source.clone(),
            grade: key.grade.word(),
        }),
        findings: report.findings.iter().map(row).collect(),
        evidence: report
            .evidence
            .iter()
            .map(|fact| Statement {
                fact: fact.fact.clone(),
                witness: fact.witness,
                value: fact.value.clone(),
                known: fact.known.word(),
            })
            .collect(),
        outside_the_commit: report.outside_the_commit.clone(),
    }
}

fn row(finding: &Finding) -> Row {
    Row {
        check: finding.check,
        group: finding.group.word(),
        level: finding.level.word(),
        status: finding.status.word(),
        reason: finding.status.reason(),
        message: finding.message.clone(),
        expected: finding.expected.clone(),
        found: finding.found.clone(),
        details: finding.details.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HPSB_UPDATE=1 cargo test` writes the file anew.
    #[test]
    fn the_schema_in_docs_is_the_one_of_this_code() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Document)).unwrap() + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
        if std::env::var_os("HPSB_UPDATE").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == schema,
            "docs/report.schema.json is out of date: run with HPSB_UPDATE=1"
        );
    }
}
