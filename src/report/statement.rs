//! in-toto statements (Statement v1): a SLSA verification summary for each bundle that this run accepted in full, one per line. With a signing key,
//! each statement is in a DSSE envelope. No SLSA level is claimed.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::scope::Scope;
use super::{BundleReport, Options, Origin, Report, Voucher, summary};
use crate::base::digest::Sha256;
use crate::base::escape::in_json;
use crate::base::image_name::ImageName;
use crate::crypto::dsse::{Envelope, IN_TOTO};
use crate::crypto::in_toto::STATEMENT;
use crate::crypto::person_key::PersonSecret;
use crate::judge::check;
use crate::judge::evidence::Known;
use crate::judge::finding::{Group, Verdict};

/// The predicate type is defined in SLSA 1.0, Verification Summary Attestation.
pub(super) const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";

/// Extension fields, identified by URIs as the specification requires: the moment as of which the audit was made, and the checks that the
/// policy sets below their default level, with what was not checked within the groups. The optional `timeVerified` is left out, because a report does not read the clock.
const JUDGED_FOR: &str = "urn:hpsb-audit:judged-for";
const WEAKENED: &str = "urn:hpsb-audit:weakened";

impl Report {
    /// Whether a verification summary can be written for a bundle.
    pub fn has_summary(&self) -> bool {
        self.bundles.iter().any(|bundle| verification_summary(self, bundle).is_some())
    }
}

/// A verification summary for each bundle that this run accepted in full. No summary is written for a bundle accepted in part.
pub(super) fn write_summaries(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let statements = report.bundles.iter().filter_map(|bundle| verification_summary(report, bundle));
    write(statements, options, out)
}

fn write(statements: impl Iterator<Item = Value>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    for statement in statements {
        match &options.sign_key {
            Some(key) => writeln!(out, "{}", sealed(&statement, key)?)?,
            None => writeln!(out, "{}", line(&statement)?)?,
        }
    }
    Ok(())
}

fn line(statement: &Value) -> io::Result<String> {
    Ok(in_json(&serde_json::to_string(statement)?))
}

/// The statement in an envelope, on one line.
pub(super) fn sealed(statement: &Value, key: &PersonSecret) -> io::Result<String> {
    let mut envelope = Envelope::new(IN_TOTO, line(statement)?.into_bytes());
    envelope.sign(key).map_err(io::Error::other)?;
    envelope.to_line().map_err(io::Error::other)
}

pub(super) fn verification_summary(report: &Report, bundle: &BundleReport) -> Option<Value> {
    let (policy, question, now) = (report.policy.as_ref()?, report.question.as_ref()?, report.now?);
    // A summary states that its verifier verified the bundle by its own policy, so none is made from a saved report or for a sealer's policy.
    let is_sealers = report.case.as_ref().is_some_and(|case| case.vouched_by != Voucher::Reader);
    if bundle.verdict != Verdict::Accept || report.origin == Origin::Converted || is_sealers {
        return None;
    }
    let (digest, _) = bundle.file?;
    let mut weakened = Scope::of_bundle(report, bundle).weakened;
    // An index's other images are not among the subjects.
    let gaps = bundle.gaps(summary::examined_manifest(bundle));
    // Most verifiers of summaries read only the levels, so a level's name states whether its group was checked in full.
    let mut weak: Vec<Group> = gaps.iter().map(|(group, _)| *group).collect();
    weak.extend(weakened.iter().filter_map(|one| check::find(one.split(' ').next()?)).map(|check| check.group));
    weakened.extend(gaps.iter().map(|(_, words)| format!("not checked: {words}")));
    let level = |group: &Group| match weak.contains(group) {
        true => format!("HPSB_AUDIT_{}_WEAKENED", group.word().to_uppercase()),
        false => format!("HPSB_AUDIT_{}", group.word().to_uppercase()),
    };
    let mut levels: Vec<String> = question.require.iter().map(level).collect();
    let grade = bundle.key.as_ref()?.grade.word().to_uppercase().replace('-', "_");
    levels.push(format!("HPSB_AUDIT_KEY_{grade}"));
    let predicate = json!({
        "verifier": { "id": "pkg:cargo/hpsb-audit", "version": { (report.tool.name.clone()): report.tool.version } },
        "resourceUri": resource_uri(bundle),
        "policy": { "uri": super::sarif::uri(&policy.path), "digest": { "sha256": policy.sha256.hex() } },
        "inputAttestations": inputs(bundle, digest),
        "verificationResult": "PASSED",
        "verifiedLevels": levels,
        JUDGED_FOR: now.to_string(),
        WEAKENED: weakened,
    });
    Some(statement(bundle, SUMMARY, predicate))
}

/// All inputs that the verdict is based on, except the policy file and the keys. If any attestations are listed, the specification requires all of
/// them to be listed.
fn inputs(bundle: &BundleReport, file: Sha256) -> Vec<Value> {
    let input = |kind: &str, name: &str, sha256: Sha256| json!({ "name": kind, "uri": super::sarif::uri(name), "digest": { "sha256": sha256.hex() } });
    // Keys have no file names here, so they are left out. The report on an accepted bundle does not list keys as inputs anyway.
    let files = bundle.inputs.iter().filter(|one| !one.is_key());
    let beside = files.map(|one| match one.is_image() {
        // The digest is not the digest of the file that contains the image, so no address is specified for the image.
        true => json!({ "name": one.kind, "digest": { "sha256": one.sha256.hex() } }),
        false => input(one.kind, &one.name, one.sha256),
    });
    [input("bundle", &bundle.path, file)].into_iter().chain(beside).collect()
}

fn statement(bundle: &BundleReport, kind: &str, predicate: Value) -> Value {
    json!({ "_type": STATEMENT, "subject": subjects(bundle), "predicateType": kind, "predicate": predicate })
}

/// The bundle, and the image if it was available and its digest is in the signed log.
fn subjects(bundle: &BundleReport) -> Vec<Value> {
    let subject = |name: &str, sha256: String| json!({ "name": name, "digest": { "sha256": sha256 } });
    let image = proved_image(bundle).map(|(name, digest)| subject(&name, digest.hex()));
    let file = bundle.file.map(|(digest, _)| subject(signed_name(bundle).unwrap_or(&bundle.path), digest.hex()));
    image.into_iter().chain(file).collect()
}

/// The build name, if it is signed, because verifiers compare it.
fn signed_name(bundle: &BundleReport) -> Option<&str> {
    summary::build_name(bundle).filter(|(_, known)| *known == Known::Signed).map(|(name, _)| name)
}

/// The image's name, and its manifest's digest, if the check that proves the digest passed. The name comes from the signed log, without its tag. If the
/// log has the digest of an index, that digest is not used: the index may lead to images that were not examined.
pub(super) fn proved_image(bundle: &BundleReport) -> Option<(String, Sha256)> {
    let digest = summary::examined_manifest(bundle)?;
    let logged = |name: &'static str| bundle.evidence.iter().find(|f| f.fact == name && f.witness == "build.log");
    let name = ImageName::parse(logged("image")?.value.split_whitespace().next()?).ok()?;
    Some((name.repository(), digest))
}

/// The location of the subject: a package URL for an image (purl-spec, type `oci`), or a name defined by this project for a
/// bundle.
fn resource_uri(bundle: &BundleReport) -> String {
    let Some((repository, digest)) = proved_image(bundle) else {
        let digest = || bundle.file.map(|(digest, _)| digest.to_string()).unwrap_or_default();
        return signed_name(bundle).map_or_else(
            || format!("urn:hpsb-audit:bundle:{}", digest()),
            |name| format!("urn:hpsb-audit:build:{}", super::sarif::uri(name)),
        );
    };
    let name = repository.rsplit_once('/').map_or(repository.as_str(), |(_, name)| name).to_ascii_lowercase();
    let (name, place) = (super::sarif::uri(&name), super::sarif::uri(&repository));
    format!("pkg:oci/{name}@sha256%3A{}?repository_url={place}", digest.hex())
}
