//! in-toto statements (Statement v1), one line for each bundle that qualifies: a SLSA verification summary, and what the auditor derives
//! of the build. A signing key puts each into a DSSE envelope.
//!
//! Neither is the builder's provenance, and no SLSA level is claimed.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{BundleReport, Options, Report, summary};
use crate::dsse::{Envelope, IN_TOTO};
use crate::escape::in_json;
use crate::finding::{Group, Status};
use crate::person_key::PersonSecret;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// SLSA 1.0, Verification Summary Attestation.
const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// This project's own: what the auditor derives from the signed manifest.
const DERIVED: &str = "urn:hpsb-audit:derived-provenance:v1";

/// A verification summary for each bundle that is accepted with every group that was required. A report without a policy or without
/// required groups has none.
pub(super) fn write_summaries(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let statements = report.bundles.iter().filter_map(|bundle| verification_summary(report, bundle));
    write(statements, options, out)
}

/// What the auditor derives, for each bundle that is accepted.
pub(super) fn write_derived(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let accepted = report.bundles.iter().filter(|bundle| bundle.exit_code() == 0);
    write(accepted.filter_map(|bundle| derived(report, bundle)), options, out)
}

fn write(statements: impl Iterator<Item = Value>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    for statement in statements {
        let line = in_json(&serde_json::to_string(&statement)?);
        match &options.sign_key {
            Some(key) => writeln!(out, "{}", sealed(line.into_bytes(), key).map_err(io::Error::other)?)?,
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// The statement in an envelope, on one line.
fn sealed(statement: Vec<u8>, key: &PersonSecret) -> Result<String, String> {
    let mut envelope = Envelope::new(IN_TOTO, statement);
    envelope.sign(key)?;
    envelope.to_line().map_err(|error| error.to_string())
}

fn verification_summary(report: &Report, bundle: &BundleReport) -> Option<Value> {
    let (policy, question, now) = (report.policy.as_ref()?, report.question.as_ref()?, report.now?);
    let answered = |group: &Group| {
        // A waived answer is none: the group is accepted by somebody's word, not by what was checked.
        bundle.in_play.contains(group)
            && bundle.findings.iter().any(|f| f.group == *group && f.status == Status::Pass)
            && !bundle.waived().any(|f| f.group == *group)
    };
    if question.require.is_empty() || bundle.exit_code() != 0 || !question.require.iter().all(answered) {
        return None;
    }
    let (digest, _) = bundle.file?;
    let mut levels: Vec<String> =
        question.require.iter().map(|group| format!("HPSB_AUDIT_{}", group.word().to_uppercase())).collect();
    let grade = bundle.key.as_ref()?.grade.word().to_uppercase().replace('-', "_");
    levels.push(format!("HPSB_AUDIT_KEY_{grade}"));
    let predicate = json!({
        "verifier": { "id": "pkg:cargo/hpsb-audit", "version": { (report.tool.name.clone()): report.tool.version } },
        "timeVerified": now.to_string(),
        "resourceUri": resource(bundle),
        "policy": { "uri": super::sarif::uri(&policy.path), "digest": { "sha256": policy.sha256.hex() } },
        "inputAttestations": [{ "uri": super::sarif::uri(&bundle.path), "digest": { "sha256": digest.hex() } }],
        "verificationResult": "PASSED",
        "verifiedLevels": levels,
    });
    Some(statement(bundle, SUMMARY, predicate))
}

fn derived(report: &Report, bundle: &BundleReport) -> Option<Value> {
    let key = bundle.key.as_ref()?;
    bundle.file?;
    let facts: Vec<Value> = bundle
        .evidence
        .iter()
        .map(|fact| json!({ "fact": fact.fact, "witness": fact.witness, "value": fact.value, "known": fact.known.word() }))
        .collect();
    let predicate = json!({
        "derivedBy": { "name": report.tool.name, "version": report.tool.version },
        "meaning": "derived by the auditor from a manifest that the key signed; it is not provenance that a builder made",
        "auditedFor": report.now.map(|now| now.to_string()),
        "buildName": bundle.build_name,
        "verdict": bundle.verdict.word(),
        "notChecked": bundle.not_checked(),
        "waived": bundle.waived().map(|finding| finding.check).collect::<Vec<_>>(),
        "key": { "fingerprint": key.fingerprint.to_string(), "kind": key.kind, "grade": key.grade.word() },
        "facts": facts,
        "outsideTheCommit": bundle.outside_the_commit,
        "notProved": summary::not_proved(bundle),
    });
    Some(statement(bundle, DERIVED, predicate))
}

fn statement(bundle: &BundleReport, kind: &str, predicate: Value) -> Value {
    json!({ "_type": STATEMENT, "subject": subjects(bundle), "predicateType": kind, "predicate": predicate })
}

/// The image, where it was at hand and its digest is the signed log's, and the bundle.
fn subjects(bundle: &BundleReport) -> Vec<Value> {
    let subject = |name: &str, sha256: String| {
        let mut digest = Map::new();
        digest.insert("sha256".into(), sha256.into());
        json!({ "name": name, "digest": digest })
    };
    let image = image_digest(bundle).map(|digest| subject(&resource(bundle), digest));
    let file =
        bundle.file.map(|(digest, _)| subject(bundle.build_name.as_deref().unwrap_or(&bundle.path), digest.hex()));
    image.into_iter().chain(file).collect()
}

/// The hexadecimal digits of the image's digest, if the check that proves it passed.
fn image_digest(bundle: &BundleReport) -> Option<String> {
    let proved = bundle.played().any(|f| f.check == "image-digest" && f.status == Status::Pass);
    let mut pushed = bundle.evidence.iter().filter(|f| proved && f.fact == "image-digest" && f.witness == "build.log");
    let mut words = pushed.next()?.value.split_whitespace();
    words.find_map(crate::digest::Sha256::from_prefixed).map(|digest| digest.hex())
}

fn resource(bundle: &BundleReport) -> String {
    let image = bundle.evidence.iter().find(|fact| fact.fact == "image" && fact.witness == "build.log");
    match (image, image_digest(bundle)) {
        (Some(image), Some(digest)) => format!("{}@sha256:{digest}", image.value),
        _ => bundle.build_name.clone().unwrap_or_default(),
    }
}
