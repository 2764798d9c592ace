//! The JSON report, version 2. The format has separate structs, from which a test generates docs/report.schema.json.

mod finding;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::finding::row;
pub(super) use self::finding::{Row, SaidRow, WaiverRow};
use super::{
    Admission, BundleReport, CaseReport, ImageReport, OutsideCounts, QuestionReport, Report, Rules, Scope, chain,
};
use crate::base::error::Error;
use crate::base::escape::in_json;
use crate::judge::finding::{Group, Verdict};
use crate::workload::SkippedKinds;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields, title = "hpsb-audit report"))]
pub(super) struct Document {
    /// 2. The version changes when fields change.
    pub(super) schema_version: u32,
    pub(super) tool: Tool,
    /// The time as of which the audit was made, RFC 3339.
    pub(super) now: Option<String>,
    /// The auditor's own file number or name for this audit, if specified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    /// The worst verdict of all bundles (for workloads, of all images): `accept`, `accept-in-part`, `reject` or `none`; `none` if there is an
    /// `error`. `scope` states what the verdict covers.
    pub(super) verdict: String,
    /// The program's exit code for the verdict.
    pub(super) exit_code: u8,
    pub(super) totals: Totals,
    pub(super) policy: Option<Policy>,
    /// What the verdict covers. This field is not in version 1.
    #[serde(default)]
    pub(super) scope: Option<Scope>,
    /// The question of the audit; null if the run ended before the question was determined.
    pub(super) question: Option<Asked>,
    /// The case that contained the bundles, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) case: Option<CaseReport>,
    /// Why there is no verdict.
    pub(super) error: Option<Fault>,
    /// The evidence that `admit` used; null for an audit.
    pub(super) admission: Option<AdmissionRow>,
    /// One entry per image and position, if the question was whether workloads may be deployed.
    pub(super) images: Vec<Image>,
    /// One report per bundle, in the order in which the bundles were found; for workloads, the bundles found by the digests of the images.
    pub(super) reports: Vec<Bundle>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct AdmissionRow {
    /// Folders and files with the evidence.
    pub(super) evidence: Vec<String>,
    /// Number of bundles in the evidence, by verdict.
    pub(super) bundles: Totals,
    /// Objects that run nothing only according to the policy's `kinds-without-images`.
    #[serde(default)]
    pub(super) skipped: Vec<SkippedRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct SkippedRow {
    /// `GROUP/Kind`.
    pub(super) kind: String,
    pub(super) objects: usize,
}

impl SkippedRow {
    pub(super) fn all(skipped: &SkippedKinds) -> Vec<Self> {
        skipped.iter().map(|(kind, objects)| Self { kind: kind.clone(), objects: *objects }).collect()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Image {
    pub(super) workload: WorkloadRow,
    /// The position in the workload.
    pub(super) place: String,
    /// The image as written; null if not known.
    pub(super) image: Option<String>,
    /// The digest that pins the image, `sha256:` and 64 hexadecimal digits.
    pub(super) digest: Option<String>,
    pub(super) verdict: String,
    /// Path of the bundle found by the digest: one of `reports`.
    pub(super) bundle: Option<String>,
    /// One finding per check of the group `workload`, in the order of docs/generated/checks.md.
    pub(super) findings: Vec<Row>,
    /// The links from the trusted key to what is deployed.
    pub(super) chain: Vec<LinkRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct WorkloadRow {
    pub(super) path: String,
    /// 64 hexadecimal digits.
    pub(super) sha256: String,
    /// Bytes.
    pub(super) size: u64,
    #[cfg_attr(test, schemars(description = tests::forms()))]
    pub(super) form: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct LinkRow {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) how: String,
    /// The checks that decide the link's standing.
    pub(super) checks: Vec<String>,
    /// `proved`, `stated`, `not examined`, `undecided` or `does not hold`.
    pub(super) standing: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) version: String,
    /// Cargo features of the build.
    pub(super) features: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields, rename_all = "kebab-case"))]
pub(super) struct Totals {
    pub(super) bundles: usize,
    pub(super) accept: usize,
    pub(super) accept_in_part: usize,
    pub(super) reject: usize,
    pub(super) none: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Policy {
    pub(super) path: String,
    /// 64 hexadecimal digits.
    pub(super) sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Asked {
    #[cfg_attr(test, schemars(description = tests::depths()))]
    pub(super) depth: String,
    /// Groups that must have an answer.
    pub(super) require: Vec<String>,
    /// The policy's requirements for workloads. An audit of bundles ignores them. This field is not in version 1.
    #[serde(default)]
    pub(super) passed_over: Vec<String>,
    /// Groups for which evidence was supplied.
    pub(super) handed: Vec<String>,
    /// Arguments of the command line: flag and value; `path` for arguments without a flag.
    pub(super) given: Vec<Setting>,
    /// Fingerprints of the trusted keys.
    pub(super) keys: Vec<String>,
    /// The values that the policy expects.
    pub(super) expect: Vec<Setting>,
    /// The levels that the policy changes.
    pub(super) levels: Vec<Setting>,
    /// The limits that differ from the defaults.
    pub(super) limits: Vec<Setting>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Fault {
    /// A stable word, for example `over-limit`.
    pub(super) code: String,
    pub(super) message: String,
    pub(super) hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Bundle {
    pub(super) bundle: File,
    /// The build name, from the names of the bundle's members.
    pub(super) build_name: Option<String>,
    pub(super) verdict: String,
    pub(super) error: Option<Fault>,
    /// Groups in play: evidence for them was read, or the policy or --require requires them. Not every check of such a group has an answer: see `scope`.
    pub(super) in_play: Vec<String>,
    /// All other groups of a bundle: none of their checks ran.
    pub(super) not_in_play: Vec<String>,
    /// The key under which the signature verified.
    pub(super) key: Option<Key>,
    /// One finding per check of an audit (all checks except the group `workload`), in the order of docs/generated/checks.md.
    pub(super) findings: Vec<Row>,
    /// What each witness states.
    pub(super) evidence: Vec<Statement>,
    /// Inputs of the build that the commit does not pin, as found in instructions; programs and scripts can fetch more. This list is also empty if
    /// nothing in the signed archive was read; `evidence` is then empty as well.
    pub(super) outside_the_commit: Vec<String>,
    /// The numbers of these inputs and of notes about the list, including those that the list does not show. The notes are the first lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outside_counts: Option<OutsideCounts>,
    /// Other files that were read for the audit.
    pub(super) inputs: Vec<Looked>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Looked {
    #[cfg_attr(test, schemars(description = tests::inputs()))]
    pub(super) kind: String,
    /// The name as specified by the user, or as found next to the bundle.
    pub(super) name: String,
    /// 64 hexadecimal digits.
    pub(super) sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct File {
    pub(super) path: String,
    /// 64 hexadecimal digits; null if the file could not be read completely.
    pub(super) sha256: Option<String>,
    /// Bytes.
    pub(super) size: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Key {
    /// `sha256:` and 64 hexadecimal digits, over the SubjectPublicKeyInfo.
    pub(super) fingerprint: String,
    pub(super) kind: String,
    pub(super) bits: u32,
    /// The source of the key.
    pub(super) source: String,
    #[cfg_attr(test, schemars(description = tests::grades()))]
    pub(super) grade: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub(super) struct Statement {
    pub(super) fact: String,
    pub(super) witness: String,
    /// The value as text.
    pub(super) value: String,
    /// The value in a form for programs, if it contains numbers or several fields. This field is not in version 1.
    #[serde(default)]
    pub(super) data: Option<Value>,
    #[cfg_attr(test, schemars(description = tests::known()))]
    pub(super) known: String,
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let document = serde_json::to_string_pretty(&value(report)?)?;
    writeln!(out, "{}", in_json(&document))
}

/// One line per bundle: what [`write`] writes for this bundle, without the arguments that select bundles. Lines of several runs with the same
/// question can be concatenated. A run that failed before any bundle was read is also written as a line, because an empty file would report nothing.
pub(super) fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |one: &Report| writeln!(out, "{}", in_json(&serde_json::to_string(&value(one)?)?));
    if report.bundles.is_empty() && report.error.is_some() {
        line(report)?;
    }
    let run = report.without_bundles();
    for bundle in &report.bundles {
        line(&Report { bundles: vec![bundle.clone()], ..run.clone() })?;
    }
    Ok(())
}

/// The JSON document. A report under the rules of version 1 is written in the form of version 1.
pub(super) fn value(report: &Report) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(document(report))?;
    if report.rules == Rules::Version1 {
        without_fields(&mut value, &["scope", "passed_over", "caused_by", "data"]);
    }
    Ok(value)
}

/// Removes these fields everywhere. Version 1 has no fields with these names.
fn without_fields(value: &mut Value, names: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| without_fields(item, names)),
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|field| without_fields(field, names));
        }
        _ => {}
    }
}

fn document(report: &Report) -> Document {
    Document {
        schema_version: if report.rules == Rules::Version1 { 1 } else { 2 },
        tool: Tool {
            name: report.tool.name.clone(),
            version: report.tool.version.clone(),
            features: report.tool.features.clone(),
        },
        now: report.now.map(|now| now.to_string()),
        reference: report.reference.clone(),
        verdict: report.verdict().word().into(),
        exit_code: report.exit_code(),
        totals: Totals {
            bundles: report.bundles.len(),
            accept: report.count(Verdict::Accept),
            accept_in_part: report.count(Verdict::AcceptInPart),
            reject: report.count(Verdict::Reject),
            none: report.count(Verdict::None),
        },
        policy: report.policy.as_ref().map(|policy| Policy { path: policy.path.clone(), sha256: policy.sha256.hex() }),
        scope: (report.rules == Rules::Current).then(|| Scope::of_report(report)),
        question: report.question.as_ref().map(asked),
        case: report.case.clone(),
        error: report.error.as_ref().map(fault),
        admission: report.admission.as_ref().map(admission),
        images: report.admission.iter().flat_map(|a| &a.images).map(|one| image(report, one)).collect(),
        reports: report.bundles.iter().map(|one| bundle(one, report.rules)).collect(),
    }
}

fn admission(admission: &Admission) -> AdmissionRow {
    let [accept, accept_in_part, reject, none] = admission.counts;
    let bundles = admission.counts.iter().sum();
    AdmissionRow {
        evidence: admission.evidence.clone(),
        bundles: Totals { bundles, accept, accept_in_part, reject, none },
        skipped: SkippedRow::all(&admission.skipped),
    }
}

fn image(report: &Report, image: &ImageReport) -> Image {
    let link = |link: chain::Link| LinkRow {
        from: link.from.into(),
        to: link.to.into(),
        how: link.how.into(),
        checks: link.checks.into_iter().map(str::to_owned).collect(),
        standing: link.strength.words().into(),
    };
    Image {
        workload: WorkloadRow {
            path: image.workload.path.clone(),
            sha256: image.workload.sha256.hex(),
            size: image.workload.size,
            form: image.workload.form.word().into(),
        },
        place: image.place.clone(),
        image: image.image.clone(),
        digest: image.digest.map(|digest| digest.to_string()),
        verdict: image.verdict.word().into(),
        bundle: image.bundle.clone(),
        findings: image.findings.iter().map(row).collect(),
        chain: chain::chain_of_image(image, report.bundle_of(image)).into_iter().map(link).collect(),
    }
}

fn asked(question: &QuestionReport) -> Asked {
    let words = |groups: &[Group]| groups.iter().map(|group| group.word().to_owned()).collect();
    let settings = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| Setting { name: name.clone(), value: value.clone() }).collect()
    };
    Asked {
        depth: question.depth.word().into(),
        require: words(&question.require),
        passed_over: question.passed_over.clone(),
        handed: words(&question.handed),
        given: settings(&question.given),
        keys: question.keys.iter().map(ToString::to_string).collect(),
        expect: settings(&question.expect),
        levels: settings(&question.levels),
        limits: settings(&question.limits),
    }
}

fn fault(error: &Error) -> Fault {
    Fault { code: error.code().into(), message: super::summary::fault(error), hint: super::summary::hint(error) }
}

fn bundle(report: &BundleReport, rules: Rules) -> Bundle {
    let words = |groups: &[Group]| groups.iter().map(|group| group.word().to_owned()).collect();
    Bundle {
        bundle: File {
            path: report.path.clone(),
            sha256: report.file.map(|(digest, _)| digest.hex()),
            size: report.file.map(|(_, size)| size),
        },
        build_name: report.build_name.clone(),
        verdict: report.verdict.word().into(),
        error: report.error.as_ref().map(fault),
        in_play: words(&report.in_play),
        not_in_play: words(&match rules {
            Rules::Current => report.not_in_play(),
            Rules::Version1 => Group::ALL.into_iter().filter(|group| !report.in_play.contains(group)).collect(),
        }),
        key: report.key.as_ref().map(|key| Key {
            fingerprint: key.fingerprint.to_string(),
            kind: key.kind.into(),
            bits: key.bits,
            source: key.source.clone(),
            grade: key.grade.word().into(),
        }),
        findings: report.findings.iter().map(row).collect(),
        evidence: report
            .evidence
            .iter()
            .map(|fact| Statement {
                fact: fact.fact.clone(),
                witness: fact.witness.into(),
                value: fact.value.clone(),
                data: fact.data.clone(),
                known: fact.known.word().into(),
            })
            .collect(),
        outside_the_commit: report.outside_the_commit.lines.clone(),
        outside_counts: report.outside_the_commit.counts,
        inputs: (report.inputs.iter())
            .map(|input| Looked { kind: input.kind.into(), name: input.name.clone(), sha256: input.sha256.hex() })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::words::any_of;
    use crate::gate::verify::Grade;
    use crate::judge::evidence::Known;
    use crate::judge::finding::{Level, Reason};
    use crate::report::{Depth, InputReport};
    use crate::workload::Form;

    pub(super) fn forms() -> String {
        one_of(&Form::ALL.map(Form::word))
    }

    pub(super) fn depths() -> String {
        one_of(&Depth::ALL.map(Depth::word))
    }

    pub(super) fn levels() -> String {
        one_of(&Level::ALL.map(Level::word))
    }

    pub(super) fn grades() -> String {
        one_of(&Grade::ALL.map(Grade::word))
    }

    pub(super) fn known() -> String {
        one_of(&Known::ALL.map(Known::word))
    }

    pub(super) fn reasons() -> String {
        one_of(&Reason::ALL.map(Reason::word))
    }

    pub(super) fn inputs() -> String {
        one_of(&InputReport::KINDS)
    }

    /// The values of a table as strings, for the schema.
    fn one_of(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        format!("{}.", any_of(&words.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// `HPSB_UPDATE=1 cargo test` rewrites the file.
    #[test]
    fn the_schema_in_docs_matches_the_code() {
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
