//! The reconciliation as JSON for programs, version 1. A test generates docs/reconciliation.schema.json from these structs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::{Kind, Qualified, Reconciliation};
use crate::base::escape::in_json;
use crate::gate::verify::Grade;
use crate::report::json::SkippedRow;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields, title = "hpsb-audit reconciliation"))]
struct Document {
    /// 1. The version changes when fields change.
    schema_version: u32,
    tool: Tool,
    /// The time as of which the reconciliation was made, RFC 3339.
    now: String,
    /// The auditor's own file number or name, if specified.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    period: Period,
    /// Whether every row is `matched` or `outside-period-approval-not-shown`. Read it together with `counts` and `qualified`: a match does not cover
    /// what the audits left open.
    reconciled: bool,
    /// The program's exit code.
    exit_code: u8,
    /// Number of rows, by kind.
    counts: BTreeMap<&'static str, usize>,
    /// Number of verified and readable builds in the period, including those without a known time.
    builds_in_period: usize,
    approvals_in_period: usize,
    rows: Vec<Row>,
    /// Accepted builds, running or of the period, that were accepted in part, under weakened checks, or with warnings.
    qualified: Vec<QualifiedBuild>,
    /// Fields of the policy that only `admit` and `serve` evaluate.
    passed_over: Vec<String>,
    /// Objects in the inventories that run nothing only according to the policy's `kinds-without-images`.
    skipped: Vec<SkippedRow>,
    keys: Vec<Key>,
    /// Null if no sample was requested.
    sample: Option<Sample>,
    /// All files that were read.
    inputs: Vec<Input>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Tool {
    name: String,
    version: String,
    features: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Period {
    /// The first moment of the period.
    from: String,
    /// The first moment after the period.
    before: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Row {
    /// One of the kinds in `counts`.
    kind: String,
    place: Option<String>,
    image: Option<String>,
    /// `sha256:` and 64 hexadecimal digits.
    digest: Option<String>,
    bundle: Option<String>,
    commit: Option<String>,
    message: String,
    details: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct QualifiedBuild {
    bundle: String,
    /// `accept`, or `accept-in-part`.
    verdict: &'static str,
    /// For an acceptance in part: groups and checks that were not checked. Also an image's layers, if none was read.
    not_checked: Vec<String>,
    /// For an acceptance in part: groups with answers, none of which decides.
    undecided: Vec<String>,
    /// Checks at `warn` that failed or are undecided: `CHECK: MESSAGE`.
    warned: Vec<String>,
    /// Checks with an active waiver.
    waived: Vec<String>,
    /// Checks for which the policy sets a level below the default: `CHECK LEVEL`.
    weakened: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Key {
    fingerprint: String,
    name: Option<String>,
    /// The lowest grade of the key in the audits of these bundles, as in audit reports; null if no readable bundle verifies under the key.
    grade: Option<&'static str>,
    /// Number of readable bundles, in all the evidence, whose signatures verify under the key.
    builds: usize,
    builds_in_period: usize,
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Sample {
    seed: String,
    population: usize,
    builds: Vec<SampledBuild>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct SampledBuild {
    /// SHA-256 of the seed, a line feed and `archive_sha256`.
    rank: String,
    bundle: String,
    sha256: String,
    archive_sha256: String,
    commit: Option<String>,
    approval: String,
    places: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
struct Input {
    kind: String,
    path: String,
    /// 64 hexadecimal digits; null if the file could not be read completely.
    sha256: Option<String>,
    size: Option<u64>,
    entries: Option<usize>,
    what: String,
}

pub(super) fn write(answer: &Reconciliation, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&document(answer)).map_err(io::Error::other)?;
    out.write_all(in_json(&text).as_bytes())?;
    out.write_all(b"\n")
}

fn document(answer: &Reconciliation) -> Document {
    let tool = &answer.tool;
    let rows = answer.rows.iter().map(|row| Row {
        kind: row.kind.word().into(),
        place: row.place.clone(),
        image: row.image.clone(),
        digest: row.digest.map(|digest| digest.to_string()),
        bundle: row.bundle.clone(),
        commit: row.commit.clone(),
        message: row.message.clone(),
        details: row.details.clone(),
    });
    let keys = answer.keys.iter().map(|key| Key {
        fingerprint: key.fingerprint.to_string(),
        name: key.name.clone(),
        grade: key.grade.map(Grade::word),
        builds: key.builds,
        builds_in_period: key.builds_in_period,
        first: key.first.map(|moment| moment.to_string()),
        last: key.last.map(|moment| moment.to_string()),
    });
    let inputs = answer.inputs.iter().map(|read| Input {
        kind: read.kind.into(),
        path: read.path.clone(),
        sha256: read.sha256.map(|digest| digest.hex()),
        size: read.size,
        entries: read.entries,
        what: read.what.clone(),
    });
    Document {
        schema_version: 1,
        tool: Tool { name: tool.name.clone(), version: tool.version.clone(), features: tool.features.clone() },
        now: answer.now.to_string(),
        reference: answer.reference.clone(),
        period: Period { from: answer.period.from.to_string(), before: answer.period.before.to_string() },
        reconciled: answer.exit_code() == 0,
        exit_code: answer.exit_code(),
        counts: Kind::ALL.into_iter().map(|kind| (kind.word(), answer.count(kind))).collect(),
        builds_in_period: answer.builds_in_period,
        approvals_in_period: answer.approvals_in_period,
        rows: rows.collect(),
        qualified: answer.qualified.iter().map(qualified).collect(),
        passed_over: answer.passed_over.clone(),
        skipped: SkippedRow::all(&answer.skipped),
        keys: keys.collect(),
        sample: answer.sample.as_ref().map(|sample| Sample {
            seed: sample.seed.clone(),
            population: sample.population,
            builds: sample.builds.iter().map(sampled).collect(),
        }),
        inputs: inputs.collect(),
    }
}

fn qualified(build: &Qualified) -> QualifiedBuild {
    QualifiedBuild {
        bundle: build.bundle.clone(),
        verdict: build.verdict.word(),
        not_checked: build.not_checked.clone(),
        undecided: build.undecided.clone(),
        warned: build.warned.clone(),
        waived: build.waived.clone(),
        weakened: build.weakened.clone(),
    }
}

fn sampled(build: &super::SampledBuild) -> SampledBuild {
    SampledBuild {
        rank: build.rank.hex(),
        bundle: build.bundle.clone(),
        sha256: build.sha256.hex(),
        archive_sha256: build.archive.hex(),
        commit: build.commit.clone(),
        approval: build.approval.clone(),
        places: build.places,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `HPSB_UPDATE=1 cargo test` rewrites the file.
    #[test]
    fn the_schema_in_docs_matches_the_code() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Document)).unwrap() + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reconciliation.schema.json");
        if std::env::var_os("HPSB_UPDATE").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == schema,
            "docs/reconciliation.schema.json is out of date: run with HPSB_UPDATE=1"
        );
    }
}
