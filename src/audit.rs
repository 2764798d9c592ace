//! The audit turns a bundle's bytes into a report.

mod facts;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io::Read;

pub use self::facts::Facts;
use crate::base::budget::Budget;
use crate::base::build_name::BuildName;
use crate::base::digest::{HashingReader, Sha256};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::dossier::{Dossier, Question};
use crate::gate::bundle::Bundle;
use crate::gate::key::{Fingerprint, PublicKey};
use crate::gate::verify::{Refusal, Seal, SignedArchive, VerifiedArchive};
use crate::git::{self, SourceProof};
use crate::given::attestation::Attestation;
use crate::given::key_record::Grading;
use crate::given::server_record::ServerRecord;
use crate::image::{Choice, ImageFacts};
use crate::judge::builds::BuiltImage;
use crate::judge::check::{self, Gate};
use crate::judge::evidence::{Evidence, Fact, Known};
use crate::judge::finding::{self, Finding, Group, Level, Verdict};
use crate::judge::policy::Policy;
use crate::manifest::Manifest;
use crate::manifest::build_log::BuildLog;
use crate::manifest::outside;
use crate::report::{BundleReport, Depth, InputReport, KeyReport, Outside};
use crate::trust::TrustFile;

/// Audits one bundle. The audit never fails: an error that stops it is in the report.
///
/// The crate's documentation explains what a verdict means.
pub fn audit(dossier: Dossier<'_>, question: &Question<'_>) -> BundleReport {
    audit_and_read(dossier, question).0
}

/// Like [`audit()`], but also returns the facts that were read, so that the bundle can be evaluated under a different question without being read
/// again. The facts are `None` if an error stopped the audit.
pub fn audit_and_keep(dossier: Dossier<'_>, question: &Question<'_>) -> (BundleReport, Option<Facts>) {
    let (file_name, keys_beside) = (dossier.file_name.clone(), dossier.keys_beside.clone());
    let (report, read) = audit_and_read(dossier, question);
    let facts = read.and_then(|read| Facts::of(&report, file_name, keys_beside, read, question));
    (report, facts)
}

/// The data that an audit read from a bundle.
struct Looked<'a> {
    build_name: BuildName,
    beside: Vec<Group>,
    content: Option<Content<'a>>,
}

/// The checks' answers, and the evidence that the checks examined.
#[derive(Default)]
struct Judged<'a> {
    in_play: Vec<Group>,
    findings: Vec<Finding>,
    built: Option<BuiltImage>,
    remotes: Vec<String>,
    evidence: Vec<Fact>,
    outside_the_commit: Outside,
    inputs: Vec<InputReport>,
    content: Option<Content<'a>>,
}

/// Why evidence in a folder next to the bundle was not read.
const SHARED: &str = ", because its folder has another bundle, or cannot be listed";

fn audit_and_read<'a>(mut dossier: Dossier<'a>, question: &Question<'_>) -> (BundleReport, Option<Looked<'a>>) {
    let limits = question.limits;
    let beside = dossier.groups();
    let in_play = check::in_play(question.policy, &question.handed.groups(), &beside);
    let approvals = question.handed.approvals.as_ref().map_or(0, |list| list.bytes.len() as u64);
    let given = dossier.size_beside().saturating_add(approvals);
    let budget = Budget::of_audit(dossier.size.saturating_add(given), limits);
    let (bundle, file) = take_apart(&mut dossier, question, &budget);
    let seal = bundle.as_ref().ok().map(|bundle| (bundle.archive_digest(), bundle.signature().clone()));
    let build_name = bundle.as_ref().ok().map(|bundle| bundle.build_name().clone());
    let path = std::mem::take(&mut dossier.path);
    let shared = std::mem::take(&mut dossier.shared);

    let mut key = None;
    let judged = bundle.and_then(|bundle| judge_bundle(bundle, dossier, question, &in_play, &budget, &mut key));
    let (judged, error) = match judged {
        Ok(judged) => (judged, None),
        Err(error) => {
            let gate = Gate::NoVerdict { signed: key.is_some() };
            (Judged { findings: run_all(&gate, question, &in_play), in_play, ..Judged::default() }, Some(error))
        }
    };
    let Judged { in_play, mut findings, built, remotes, evidence, outside_the_commit, mut inputs, content } = judged;
    for finding in &mut findings {
        if shared.contains(&finding.group) && !in_play.contains(&finding.group) && finding.level != Level::Off {
            finding.message.push_str(SHARED);
        }
    }
    inputs.extend(policy_inputs(question.policy));
    let mut report = BundleReport {
        path,
        file,
        build_name: build_name.as_ref().map(ToString::to_string),
        verdict: Verdict::None,
        error,
        in_play,
        key,
        findings,
        evidence,
        outside_the_commit,
        inputs,
        seal,
        built,
        remotes,
    };
    if report.error.is_some() {
        return (report.finished(limits), None);
    }
    settle(&mut report, question);
    let looked = build_name.map(|build_name| Looked { build_name, beside, content });
    (report.finished(limits), looked)
}

/// Reads a bundle to its end. Returns its parts, and the digest and size of its file.
fn take_apart(
    dossier: &mut Dossier<'_>,
    question: &Question<'_>,
    budget: &Budget,
) -> (Result<Bundle, Error>, Option<(Sha256, u64)>) {
    let bytes = match std::mem::replace(&mut dossier.bytes, Ok(Box::new(std::io::empty()))) {
        Ok(bytes) => bytes,
        Err(error) => return (Err(error), None),
    };
    let mut bytes = HashingReader::new(bytes);
    let bundle = Bundle::from_reader_within(&mut bytes, question.threads, question.limits, budget);
    let file = finish(bytes, question.limits);
    budget.add_input(file.map_or(0, |(_, found)| found.saturating_sub(dossier.size)));
    (bundle, file)
}

/// Verifies the signature, then evaluates the content. Sets `key` once the signature verifies, even if an error is returned later.
fn judge_bundle<'a>(
    bundle: Bundle,
    dossier: Dossier<'a>,
    question: &Question<'_>,
    in_play: &[Group],
    budget: &Budget,
    key: &mut Option<KeyReport>,
) -> Result<Judged<'a>, Error> {
    let keys = question.keys.with_candidates(dossier.keys_beside.iter().map(|(_, key)| key));
    if keys.keys().is_empty() {
        let beside = dossier.keys_beside.iter().map(|(name, key)| (name.clone(), key.fingerprint())).collect();
        return Err(Error::NoKey { beside });
    }
    let seal = Seal::new(bundle.archive_digest(), bundle.signature().clone());
    let archive = match bundle.verify(&keys) {
        Ok(archive) => archive,
        Err(refusal) => return Ok(refuse(&refusal, &seal, &dossier.keys_beside, question, in_play)),
    };
    let grading = question.policy.grading(archive.key().fingerprint, question.limits);
    *key = KeyReport::of(archive.key(), grading.grade());
    match question.depth {
        Depth::SignatureOnly => {
            let findings = run_all(&Gate::SignatureOnly, question, in_play);
            Ok(Judged { in_play: vec![Group::Manifest], findings, ..Judged::default() })
        }
        Depth::Everything => judge(archive, dossier, grading, question, in_play, budget),
    }
}

/// The answers if no trusted key verifies the signature.
fn refuse<'a>(
    refusal: &Refusal,
    seal: &Seal,
    keys_beside: &[(String, PublicKey)],
    question: &Question<'_>,
    in_play: &[Group],
) -> Judged<'a> {
    let beside = verified_by_a_key_beside(seal, keys_beside);
    let findings = run_all(&Gate::Refused { refusal, beside }, question, in_play);
    let inputs = keys_tried(question, keys_beside);
    Judged { in_play: in_play.to_vec(), findings, inputs, ..Judged::default() }
}

/// Sets each finding's effect and the verdict.
fn settle(report: &mut BundleReport, question: &Question<'_>) {
    let file = report.file.map(|(digest, _)| digest);
    let waiver = |check: &str| question.policy.waiver(check, file?, question.now);
    finding::settle(&mut report.findings, &report.in_play, waiver);
    let required = question.policy.required_of_bundles();
    report.verdict = Verdict::of(&report.findings, &report.in_play, required.as_deref());
}

/// The maximum number of trusted keys that a refused bundle's report lists. The findings state how many more keys there are.
const KEYS_SHOWN: usize = 100;

/// The maximum number of keys next to a bundle that are tried on a signature that no trusted key verifies.
const KEYS_BESIDE_TRIED: usize = 8;

/// The first key next to the bundle that verifies the bundle's signature. This key is not trusted: it only helps to distinguish a wrong key from
/// changed bytes.
fn verified_by_a_key_beside<'k>(seal: &Seal, keys_beside: &'k [(String, PublicKey)]) -> Option<(&'k str, Fingerprint)> {
    let mut tried = keys_beside.iter().take(KEYS_BESIDE_TRIED);
    tried.find(|(_, key)| seal.verify(key).is_ok()).map(|(name, key)| (name.as_str(), key.fingerprint()))
}

fn run_all(gate: &Gate<'_>, question: &Question<'_>, in_play: &[Group]) -> Vec<Finding> {
    check::run_all(gate, question.policy, &question.handed.groups(), in_play)
}

/// Evaluates a bundle whose signature was verified.
fn judge<'a>(
    archive: VerifiedArchive,
    dossier: Dossier<'a>,
    grading: Grading,
    question: &Question<'_>,
    in_play: &[Group],
    budget: &Budget,
) -> Result<Judged<'a>, Error> {
    let (manifest, signed) = Manifest::take(archive, question.threads, question.limits, budget)?;
    let source = match manifest.snapshots.as_slice() {
        [snapshot] => Some(git::prove_within(snapshot, question.threads, question.limits, budget)),
        _ => None,
    };
    budget.check("the source")?;
    let image = dossier.image.map(|load| load(&choice(&manifest, question.policy), budget)).transpose()?;
    let server = dossier.server.map(|files| ServerRecord::read(files, question.limits));
    let content = Content { manifest, source, server, trust: dossier.trust, builder: dossier.builder, image };
    let evidence = content.evidence(&signed, dossier.file_name.as_deref(), grading, question, budget);
    let answers = conclude(&evidence, question, in_play);
    let mut facts = evidence.facts();
    facts.extend(expected_facts(question.policy));
    facts.extend(check::trust_facts(&evidence, question.policy));
    let inputs = inputs(&evidence);
    let outside_the_commit = outside_the_commit(&evidence, question.policy);
    budget.check("the checks")?;
    Ok(Judged { evidence: facts, inputs, outside_the_commit, content: Some(content), ..answers })
}

/// The data read from the signed archive and from the evidence next to the bundle. Of the policy, only the platforms affect this data: they
/// select an image.
#[derive(Debug, Clone)]
struct Content<'a> {
    manifest: Manifest,
    source: Option<SourceProof>,
    server: Option<ServerRecord>,
    trust: Option<Cow<'a, [TrustFile]>>,
    builder: Option<Cow<'a, Attestation>>,
    image: Option<ImageFacts>,
}

impl Content<'_> {
    fn evidence<'e>(
        &'e self,
        archive: &'e SignedArchive,
        file_name: Option<&'e str>,
        grading: Grading,
        question: &'e Question<'_>,
        budget: &'e Budget,
    ) -> Evidence<'e> {
        Evidence {
            file_name,
            archive,
            manifest: &self.manifest,
            source: self.source.as_ref(),
            approvals: question.handed.approvals.as_ref(),
            grading,
            server: self.server.as_ref(),
            trust: self.trust.as_deref(),
            builder: self.builder.as_deref(),
            image: self.image.as_ref(),
            bases: &question.handed.bases,
            limits: question.limits,
            budget,
            signatures: OnceCell::new(),
            now: question.now,
            existed_by: question.existed_by,
        }
    }
}

/// Runs the checks.
fn conclude<'a>(evidence: &Evidence<'_>, question: &Question<'_>, in_play: &[Group]) -> Judged<'a> {
    let findings = run_all(&Gate::Open(evidence), question, in_play);
    // A file or folder next to the bundle that turns out not to be evidence (an empty folder `trust/`) does not put its group in play. Evidence does,
    // even if the checks of its group are off.
    let asked = check::in_play(question.policy, &question.handed.groups(), &[]);
    let is_played = |group: &Group| asked.contains(group) || check::has_evidence(*group, evidence, question.policy);
    let in_play = in_play.iter().copied().filter(is_played).collect();
    let remotes = evidence.source.iter().flat_map(|proof| &proof.remotes.listed);
    let remotes = remotes.filter_map(|remote| Some(remote.repository.as_ref()?.to_string())).collect();
    Judged { in_play, findings, built: Some(evidence.built_image()), remotes, ..Judged::default() }
}

/// A fact with the commit that the policy expects; it is shown next to the commits that other witnesses state.
fn expected_facts(policy: &Policy) -> Option<Fact> {
    let commit = policy.expect.commit.as_ref()?.to_string();
    Some(Fact::new("commit", "policy", commit, Known::Given))
}

/// The digests of the evidence that was examined, except the bundle.
fn inputs(evidence: &Evidence<'_>) -> Vec<InputReport> {
    let input = |kind, name: &str, sha256| InputReport { kind, name: name.into(), sha256 };
    let image = |kinds: [&'static str; 2], facts: &ImageFacts| match (&facts.manifest, &facts.config) {
        (Some(manifest), _) => Some(input(kinds[0], &facts.source, manifest.digest)),
        (None, Some(config)) => Some(input(kinds[1], &facts.source, config.digest)),
        (None, None) => None,
    };
    let mut inputs: Vec<InputReport> = Vec::new();
    inputs.extend(evidence.image.and_then(|facts| image(["image", "image-config"], facts)));
    inputs.extend(evidence.bases.iter().filter_map(|facts| image(["base-image", "base-image-config"], facts)));
    let trust = evidence.trust.unwrap_or_default();
    inputs.extend(trust.iter().map(|file| input("trust", &file.path, Sha256::of(&file.bytes))));
    if let Some(approvals) = evidence.approvals {
        inputs.push(input("approvals", &approvals.name, approvals.sha256));
        let signature = approvals.signature.as_deref().map(Sha256::of);
        inputs.extend(signature.map(|digest| input("approvals", &format!("{}.sig", approvals.name), digest)));
    }
    let server = evidence.server.iter().flat_map(|record| &record.files);
    inputs.extend(server.map(|(name, digest)| input("server", name, *digest)));
    let builder = evidence.builder.iter().flat_map(|attestation| &attestation.files);
    inputs.extend(builder.map(|(name, digest)| input("builder", name, *digest)));
    inputs
}

/// The files that the policy refers to. Every bundle's report lists them, even if the bundle was refused.
fn policy_inputs(policy: &Policy) -> impl Iterator<Item = InputReport> {
    let named = policy.source.iter().flat_map(|source| &source.files);
    named.map(|(name, sha256)| InputReport { kind: "policy-file", name: name.clone(), sha256: *sha256 })
}

/// The keys to list for a refused signature: at most [`KEYS_SHOWN`] trusted keys, and at most [`KEYS_BESIDE_TRIED`] keys next to the bundle.
fn keys_tried(question: &Question<'_>, keys_beside: &[(String, PublicKey)]) -> Vec<InputReport> {
    let trusted = question.keys.keys().iter().map(|key| InputReport {
        kind: "key",
        name: key.source_words(),
        sha256: key.fingerprint,
    });
    let beside = keys_beside.iter().take(KEYS_BESIDE_TRIED);
    let beside =
        beside.map(|(name, key)| InputReport { kind: "key-beside", name: name.clone(), sha256: key.fingerprint() });
    trusted.take(KEYS_SHOWN).chain(beside).collect()
}

/// How to select an image from a source that has several images: by the policy's platforms and by the pushed digests in the log.
fn choice(manifest: &Manifest, policy: &Policy) -> Choice {
    let digests = manifest.log.iter().flat_map(|log| log.pushed().map(|(_, digest, _)| digest)).collect();
    Choice { platforms: policy.expect.platforms.clone(), digests }
}

/// Inputs of the build that the commit does not pin. The inputs are read from the log, and from the Dockerfile that the policy specifies. If the
/// policy specifies none, the Dockerfile at docker's default path is read if the log shows no numbered steps, or its steps are ambiguous or incomplete.
fn outside_the_commit(evidence: &Evidence<'_>, policy: &Policy) -> Outside {
    let named = policy.expect.dockerfile.as_deref();
    let log = evidence.log();
    let steps = log.is_some_and(BuildLog::shows_steps);
    // If the log has lines from two builders, or steps out of order, a program in the build may have printed steps: a stage's name in such a step would
    // hide that files come from an image of this name.
    let doubtful = log.is_some_and(|log| check::base_images(log).is_err());
    let file = (named.is_some() || !steps || doubtful).then(|| evidence.whole_dockerfile(named));
    let mut inputs = outside::Inputs::new();
    if doubtful {
        inputs.note("the log's steps are ambiguous or incomplete (see base-image): this list is from all of them, and from the commit's Dockerfile if it was read");
    }
    let no_steps = match log {
        Some(_) => "the log shows no steps",
        None => "the archive has no data/build.log",
    };
    match &file {
        Some(Ok(file)) if !check::log_shows(log, &file.instructions) => inputs.note(if steps {
            "the numbered steps in the log differ from those of the commit's Dockerfile, which may not be the one that was built: this list is from the log and the commit's Dockerfile".to_owned()
        } else {
            format!("{no_steps}: this list is from the commit's Dockerfile, which may not be the one that was built")
        }),
        Some(Err(fault)) if !steps => {
            inputs.note(format!("not known: {no_steps}, and no Dockerfile was read: {}", fault.words()));
        }
        Some(Err(fault)) => inputs.note(format!("not known beyond the steps in the log: {}", fault.words())),
        _ => {}
    }
    if let Some(log) = log {
        inputs.read_log(log);
    }
    if let Some(Ok(file)) = &file {
        inputs.read_file(file);
    }
    let counts = inputs.counts();
    Outside::new(inputs.lines(), counts)
}

/// Digest and size of the whole file. A bundle that was refused halfway is still read to its end, so that its report can identify the file. A
/// file that cannot be read to its end, or is larger than allowed, has no digest.
fn finish<R: Read>(mut bytes: HashingReader<R>, limits: &Limits) -> Option<(Sha256, u64)> {
    let copied = std::io::copy(&mut (&mut bytes).take(limits.bundle_bytes), &mut std::io::sink());
    let (digest, size) = bytes.finish();
    (copied.is_ok() && size <= limits.bundle_bytes).then_some((digest, size))
}
