//! The story: from a bundle's bytes to a report.

use std::io::Read;

use crate::approvals::Approvals;
use crate::bundle::Bundle;
use crate::check::{self, Gate};
use crate::digest::{HashingReader, Sha256};
use crate::error::Error;
use crate::evidence::Evidence;
use crate::finding::{Group, Verdict};
use crate::git;
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::outside;
use crate::policy::Policy;
pub use crate::report::Depth;
use crate::report::{BundleReport, KeyReport};
use crate::server_record::{ServerFiles, ServerRecord};
use crate::time::Timestamp;
use crate::verify::{KeyRing, VerifiedArchive};

/// What is asked of every bundle of a run.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// What is trusted, expected and required.
    pub policy: &'a Policy,
    /// The keys to verify with: see [`Policy::keys_for`].
    pub keys: &'a KeyRing,
    /// Groups whose evidence was handed over by a flag.
    pub handed: &'a [Group],
    /// The list of approvals that was given.
    pub approvals: Option<&'a Approvals>,
    /// Threads that one bundle may use. They change no answer.
    pub threads: usize,
    /// The moment that the audit is for.
    pub now: Timestamp,
    /// The bounds.
    pub limits: &'a Limits,
    /// How far to look.
    pub depth: Depth,
}

/// A bundle as the caller has it.
#[derive(Debug)]
pub struct Input<'a, R> {
    /// Where it is, as the report shall name it.
    pub path: String,
    /// The name of its file, compared with the names inside.
    pub file_name: Option<String>,
    /// Its bytes.
    pub bytes: R,
    /// Keys that lie beside it, by file name. A pin may pick one of them; none is trusted for lying there.
    pub keys_beside: &'a [(String, PublicKey)],
    /// What was saved of the build server's answers about this build.
    pub server: Option<ServerFiles>,
}

/// Audits one bundle. It never fails: what stops it stands in the report.
///
/// It says what the report says and no more: see the crate's documentation for what a verdict means.
pub fn audit<R: Read>(input: Input<'_, R>, question: &Question<'_>) -> BundleReport {
    let mut report = BundleReport {
        path: input.path,
        file: None,
        build_name: None,
        verdict: Verdict::None,
        error: None,
        in_play: check::in_play(question.policy, question.handed),
        key: None,
        findings: Vec::new(),
        evidence: Vec::new(),
        outside_the_commit: Vec::new(),
        seal: None,
    };
    let mut bytes = HashingReader::new(input.bytes);
    let bundle = Bundle::from_reader(&mut bytes, question.limits);
    report.file = finish(bytes, question.limits);
    report.seal = bundle.as_ref().ok().map(|bundle| (bundle.archive_digest(), bundle.signature().clone()));
    report.build_name = bundle.as_ref().ok().map(|bundle| bundle.build_name().to_string());

    let keys = question.keys.with_candidates(input.keys_beside.iter().map(|(_, key)| key));
    let judged = bundle.and_then(|bundle| {
        if keys.keys().is_empty() {
            let beside = input.keys_beside.iter().map(|(name, key)| (name.clone(), key.fingerprint())).collect();
            return Err(Error::NoKey { beside });
        }
        match bundle.verify(&keys) {
            Ok(archive) => {
                let server = input.server.map(|files| ServerRecord::read(files, question.limits));
                judge(&archive, input.file_name.as_deref(), server.as_ref(), question, &mut report)
            }
            Err(refusal) => {
                report.findings = check::run_all(&Gate::Refused(&refusal), question.policy, question.handed);
                Ok(())
            }
        }
    });
    match judged {
        Ok(()) => report.verdict = Verdict::of(&report.findings, &report.in_play),
        Err(error) => {
            let gate = Gate::NoVerdict { signed: report.key.is_some() };
            report.findings = check::run_all(&gate, question.policy, question.handed);
            report.error = Some(error);
        }
    }
    report.masked()
}

/// Everything behind the gate.
fn judge(
    archive: &VerifiedArchive,
    file_name: Option<&str>,
    server: Option<&ServerRecord>,
    question: &Question<'_>,
    report: &mut BundleReport,
) -> Result<(), Error> {
    let grading = question.policy.grading(archive.key().fingerprint, question.limits);
    report.key = KeyReport::of(archive.key(), grading.grade());
    if question.depth == Depth::SignatureOnly {
        report.findings = check::run_all(&Gate::SignatureOnly, question.policy, question.handed);
        report.in_play = vec![Group::Manifest];
        return Ok(());
    }
    let manifest = Manifest::read(archive, question.limits)?;
    let source = match manifest.snapshots.as_slice() {
        [snapshot] => Some(git::prove(snapshot, question.threads, question.limits)),
        _ => None,
    };
    let (source, approvals, now) = (source.as_ref(), question.approvals, question.now);
    let evidence = Evidence { file_name, archive, manifest: &manifest, source, approvals, grading, server, now };
    report.findings = check::run_all(&Gate::Open(&evidence), question.policy, question.handed);
    report.evidence = evidence.facts();
    report.outside_the_commit = outside_the_commit(&evidence, question.policy);
    Ok(())
}

/// Inputs of the build that the commit does not pin: as the steps in the log show them, and as the Dockerfile has them that the policy
/// names, or that lies where docker looks for it when the log shows no steps.
fn outside_the_commit(evidence: &Evidence<'_>, policy: &Policy) -> Vec<String> {
    let printed: Vec<&str> = evidence.log().into_iter().flat_map(|log| log.instructions()).collect();
    let named = policy.expect.dockerfile.as_deref();
    let file = if named.is_some() || printed.is_empty() { evidence.dockerfile(named).ok() } else { None };
    let file = file.unwrap_or_default();
    if printed.is_empty() && file.is_empty() {
        return vec!["not known: the log shows no steps of a Dockerfile".into()];
    }
    let mut inputs = Vec::new();
    if printed.is_empty() && named.is_none() {
        inputs.push("the log shows no steps: what follows is read from the commit's Dockerfile, which may not be the one that was built".into());
    }
    let written = file.iter().map(|instruction| instruction.text.as_str());
    inputs.extend(outside::inputs_outside_the_commit(printed.into_iter().chain(written)));
    inputs
}

/// Digest and size of the whole file. A bundle that was refused halfway is read on, so that its report names the file; one that
/// cannot be read to its end, or is larger than allowed, has no digest.
fn finish<R: Read>(mut bytes: HashingReader<R>, limits: &Limits) -> Option<(Sha256, u64)> {
    let copied = std::io::copy(&mut (&mut bytes).take(limits.bundle_bytes), &mut std::io::sink());
    let (digest, size) = bytes.finish();
    (copied.is_ok() && size <= limits.bundle_bytes).then_some((digest, size))
}
