//! The story: from a bundle's bytes to a report.

mod facts;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io::Read;

pub use self::facts::Facts;
use crate::approvals::Approvals;
use crate::attestation::Attestation;
use crate::budget::Budget;
use crate::build_log::BuildLog;
use crate::build_name::BuildName;
use crate::bundle::Bundle;
use crate::check::{self, Gate};
use crate::digest::{HashingReader, Sha256};
use crate::error::Error;
use crate::evidence::{Evidence, Fact, Known};
use crate::finding::{self, Finding, Group, Verdict};
use crate::git::{self, SourceProof};
use crate::image::{Choice, ImageFacts};
use crate::key::{Fingerprint, PublicKey};
use crate::key_record::Grading;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::outside;
use crate::policy::Policy;
pub use crate::report::Depth;
use crate::report::{BundleReport, InputReport, KeyReport};
use crate::server_record::{ServerFiles, ServerRecord};
use crate::time::Timestamp;
use crate::trust::TrustFile;
use crate::verify::{KeyRing, Refusal, Seal, SignedArchive, VerifiedArchive};

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
    /// Base images that the image should stand on.
    pub bases: &'a [ImageFacts],
    /// The moment that the audit is for.
    pub now: Timestamp,
    /// When an authority that the auditor named had seen the bundle, by a verified time-stamp.
    pub existed_by: Option<Timestamp>,
    /// The bounds.
    pub limits: &'a Limits,
    /// How far to look.
    pub depth: Depth,
}

impl<'a> Question<'a> {
    /// Everything that these four answer, on one thread, with nothing handed over.
    pub fn new(policy: &'a Policy, keys: &'a KeyRing, now: Timestamp, limits: &'a Limits) -> Self {
        Self {
            policy,
            keys,
            handed: &[],
            approvals: None,
            bases: &[],
            threads: 1,
            now,
            existed_by: None,
            limits,
            depth: Depth::Everything,
        }
    }
}

/// Reads the image that belongs to a bundle. It is called once it is known that the bundle is signed, with what is known of the image that is
/// meant, and within the budget of the audit.
pub type LoadImage<'a> = dyn Fn(&Choice, &Budget) -> Result<ImageFacts, Error> + 'a;

/// A bundle as the caller has it.
pub struct Input<'a, R> {
    /// Where it is, as the report shall name it.
    pub path: String,
    /// The name of its file, compared with the names inside.
    pub file_name: Option<String>,
    /// Its bytes.
    pub bytes: R,
    /// How many they are, as far as that is known before they are read: what may be spent on them grows with it. 0: not known.
    pub size: u64,
    /// Keys that lie beside it, by file name. A pin may pick one of them; none is trusted for lying there.
    pub keys_beside: &'a [(String, PublicKey)],
    /// What was saved of the build server's answers about this build.
    pub server: Option<ServerFiles>,
    /// The files of its image's signatures, where they were given or lie beside it.
    pub trust: Option<&'a [TrustFile]>,
    /// The build server's own attestation record.
    pub builder: Option<&'a Attestation>,
    /// Its image, where there is one.
    pub image: Option<&'a LoadImage<'a>>,
}

impl<R> Input<'_, R> {
    /// A bundle with nothing beside it.
    pub fn new(path: impl Into<String>, bytes: R) -> Self {
        Self {
            path: path.into(),
            file_name: None,
            bytes,
            size: 0,
            keys_beside: &[],
            server: None,
            trust: None,
            builder: None,
            image: None,
        }
    }
}

/// Audits one bundle. It never fails: what stops it stands in the report.
///
/// It says what the report says and no more: see the crate's documentation for what a verdict means.
pub fn audit<R: Read>(input: Input<'_, R>, question: &Question<'_>) -> BundleReport {
    audit_and_read(input, question).0
}

/// The same, and what was read of the bundle, so that it can be judged by another question without being read again. `None`: too little of
/// it could be read for that.
pub fn audit_and_keep<R: Read>(input: Input<'_, R>, question: &Question<'_>) -> (BundleReport, Option<Facts>) {
    let file_name = input.file_name.clone();
    let keys_beside = input.keys_beside.to_vec();
    let (report, read) = audit_and_read(input, question);
    let facts = read.and_then(|read| Facts::of(&report, file_name, keys_beside, read, question));
    (report, facts)
}

/// What was read of a bundle on the way to its report.
struct Looked<'a> {
    build_name: BuildName,
    beside: Vec<Group>,
    content: Option<Content<'a>>,
}

fn audit_and_read<'a, R: Read>(input: Input<'a, R>, question: &Question<'_>) -> (BundleReport, Option<Looked<'a>>) {
    let Input { path, file_name, bytes, size, keys_beside, server, trust, builder, image } = input;
    let given = Given { file_name, server, trust, builder, image };
    let budget = Budget::of_audit(size.saturating_add(given.size(question)), question.limits);
    let present = [
        (given.image.is_some(), Group::Image),
        (given.trust.is_some(), Group::Trust),
        (given.builder.is_some(), Group::Builder),
    ];
    let beside: Vec<Group> = present.into_iter().filter(|(is, _)| *is).map(|(_, group)| group).collect();
    let mut report = BundleReport::of_nothing(path, check::in_play(question.policy, question.handed, &beside));
    let mut bytes = HashingReader::new(bytes);
    let bundle = Bundle::from_reader_within(&mut bytes, question.threads, question.limits, &budget);
    report.file = finish(bytes, question.limits);
    budget.add_input(report.file.map_or(0, |(_, found)| found.saturating_sub(size)));
    report.seal = bundle.as_ref().ok().map(|bundle| (bundle.archive_digest(), bundle.signature().clone()));
    report.build_name = bundle.as_ref().ok().map(|bundle| bundle.build_name().to_string());

    let keys = question.keys.with_candidates(keys_beside.iter().map(|(_, key)| key));
    let judged = bundle.and_then(|bundle| {
        if keys.keys().is_empty() {
            let beside = keys_beside.iter().map(|(name, key)| (name.clone(), key.fingerprint())).collect();
            return Err(Error::NoKey { beside });
        }
        let build_name = bundle.build_name().clone();
        let seal = Seal::new(bundle.archive_digest(), bundle.signature().clone());
        let content = match bundle.verify(&keys) {
            Ok(archive) => judge(&archive, given, question, &budget, &mut report)?,
            Err(refusal) => {
                refuse(&refusal, &seal, keys_beside, question, &mut report);
                None
            }
        };
        Ok(Looked { build_name, beside, content })
    });
    match judged {
        Ok(read) => {
            settle(&mut report, question);
            (report.finished(question.limits), Some(read))
        }
        Err(error) => {
            let gate = Gate::NoVerdict { signed: report.key.is_some() };
            report.findings = run_all(&gate, question, &report.in_play);
            // What was cut short is not shown.
            (report.evidence, report.outside_the_commit, report.built) = (Vec::new(), Vec::new(), None);
            report.error = Some(error);
            (report.finished(question.limits), None)
        }
    }
}

/// No trusted key accepts the signature.
fn refuse(
    refusal: &Refusal,
    seal: &Seal,
    keys_beside: &[(String, PublicKey)],
    question: &Question<'_>,
    report: &mut BundleReport,
) {
    let beside = verified_by_a_key_beside(seal, keys_beside);
    report.findings = run_all(&Gate::Refused { refusal, beside }, question, &report.in_play);
}

/// What the findings do, and the verdict.
fn settle(report: &mut BundleReport, question: &Question<'_>) {
    let file = report.file.map(|(digest, _)| digest);
    let waiver = |check: &str| question.policy.waiver(check, file?, question.now);
    finding::settle(&mut report.findings, &report.in_play, waiver);
    let required = question.policy.required_of_bundles();
    report.verdict = Verdict::of(&report.findings, &report.in_play, required.as_deref());
}

/// What came with the bundle, beside its bytes and keys.
struct Given<'a> {
    file_name: Option<String>,
    server: Option<ServerFiles>,
    trust: Option<&'a [TrustFile]>,
    builder: Option<&'a Attestation>,
    image: Option<&'a LoadImage<'a>>,
}

impl Given<'_> {
    /// Bytes that were read beside the bundle: more of the input. An image adds its own when it is read.
    fn size(&self, question: &Question<'_>) -> u64 {
        let server = self.server.iter().flat_map(|files| [&files.status, &files.image_digest, &files.log]).flatten();
        let trust = self.trust.into_iter().flatten().map(|file| &file.bytes);
        let approvals = question.approvals.map(|list| &list.bytes);
        server.chain(trust).chain(approvals).map(|bytes| bytes.len() as u64).fold(0, u64::saturating_add)
    }
}

/// Keys next to a bundle that are tried on a signature which no trusted key accepts.
const KEYS_BESIDE_TRIED: usize = 8;

/// The first key next to the bundle that verifies its signature. It gives no trust: it tells a wrong key from changed bytes.
fn verified_by_a_key_beside<'k>(seal: &Seal, keys_beside: &'k [(String, PublicKey)]) -> Option<(&'k str, Fingerprint)> {
    let mut tried = keys_beside.iter().take(KEYS_BESIDE_TRIED);
    tried.find(|(_, key)| seal.verify(key).is_ok()).map(|(name, key)| (name.as_str(), key.fingerprint()))
}

fn run_all(gate: &Gate<'_>, question: &Question<'_>, in_play: &[Group]) -> Vec<Finding> {
    check::run_all(gate, question.policy, question.handed, in_play)
}

/// Everything behind the gate.
fn judge<'a>(
    archive: &VerifiedArchive,
    given: Given<'a>,
    question: &Question<'_>,
    budget: &Budget,
    report: &mut BundleReport,
) -> Result<Option<Content<'a>>, Error> {
    let grading = question.policy.grading(archive.key().fingerprint, question.limits);
    report.key = KeyReport::of(archive.key(), grading.grade());
    if question.depth == Depth::SignatureOnly {
        report.findings = run_all(&Gate::SignatureOnly, question, &report.in_play);
        report.in_play = vec![Group::Manifest];
        return Ok(None);
    }
    let manifest = Manifest::read_within(archive, question.threads, question.limits, budget)?;
    let source = match manifest.snapshots.as_slice() {
        [snapshot] => Some(git::prove_within(snapshot, question.threads, question.limits, budget)),
        _ => None,
    };
    budget.check("the source")?;
    let image = given.image.map(|load| load(&choice(&manifest, question.policy), budget)).transpose()?;
    let server = given.server.map(|files| ServerRecord::read(files, question.limits));
    let (trust, builder) = (given.trust.map(Cow::Borrowed), given.builder.map(Cow::Borrowed));
    let content = Content { manifest, source, server, trust, builder, image };
    let evidence = content.evidence(archive.signed(), given.file_name.as_deref(), grading, question, budget);
    conclude(&evidence, question, report);
    report.evidence = evidence.facts();
    report.evidence.extend(expected_facts(question.policy));
    report.evidence.extend(check::trust_facts(&evidence, question.policy));
    report.inputs = inputs(&evidence, question.policy);
    report.outside_the_commit = outside_the_commit(&evidence, question.policy);
    budget.check("the checks")?;
    Ok(Some(content))
}

/// What was read behind the gate, whatever the question says of it.
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
            approvals: question.approvals,
            grading,
            server: self.server.as_ref(),
            trust: self.trust.as_deref(),
            builder: self.builder.as_deref(),
            image: self.image.as_ref(),
            bases: question.bases,
            limits: question.limits,
            budget,
            signatures: OnceCell::new(),
            now: question.now,
            existed_by: question.existed_by,
        }
    }
}

/// The checks' answers, and what they are about.
fn conclude(evidence: &Evidence<'_>, question: &Question<'_>, report: &mut BundleReport) {
    report.findings = run_all(&Gate::Open(evidence), question, &report.in_play);
    leave_out_of_play(report, question);
    report.built = Some(evidence.built_image());
}

/// What lies beside a bundle and turns out to be no evidence (an empty folder `trust/`) does not put its group in play.
fn leave_out_of_play(report: &mut BundleReport, question: &Question<'_>) {
    let asked = check::in_play(question.policy, question.handed, &[]);
    let answered = |group: &Group| report.findings.iter().any(|finding| finding.group == *group && finding.is_answer());
    report.in_play.retain(|group| asked.contains(group) || answered(group));
}

/// What the policy expects of facts that others tell too.
fn expected_facts(policy: &Policy) -> Option<Fact> {
    let commit = policy.expect.commit.as_ref()?.to_string();
    Some(Fact::new("commit", "policy", commit, Known::Given))
}

/// What was looked at beside the bundle and the policy's own file, by its bytes.
fn inputs(evidence: &Evidence<'_>, policy: &Policy) -> Vec<InputReport> {
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
    let named = policy.source.iter().flat_map(|source| &source.files);
    inputs.extend(named.map(|(name, digest)| input("policy-file", name, *digest)));
    inputs
}

/// Which image is meant, where a source has several: the policy's platforms, and what the push recorded.
fn choice(manifest: &Manifest, policy: &Policy) -> Choice {
    let digests = manifest.log.iter().flat_map(|log| log.pushed().map(|(_, digest, _)| digest)).collect();
    Choice { platforms: policy.expect.platforms.clone(), digests }
}

/// Inputs of the build that the commit does not pin: as the lines in the log show them, and as the Dockerfile has them that the policy
/// names, or that is where docker looks for it when the log shows no numbered steps.
fn outside_the_commit(evidence: &Evidence<'_>, policy: &Policy) -> Vec<String> {
    let named = policy.expect.dockerfile.as_deref();
    let log = evidence.log();
    let steps = log.is_some_and(BuildLog::shows_steps);
    // Where lines of two builders are in the log, the steps may be a program's, and hide what the Dockerfile says.
    let doubtful = log.is_some_and(|log| log.builder().is_err());
    let file = (named.is_some() || !steps || doubtful).then(|| evidence.whole_dockerfile(named));
    let mut inputs = outside::Inputs::new();
    if doubtful {
        inputs.note("the log has lines of two builders: what follows is of both, and of the commit's Dockerfile");
    }
    match &file {
        Some(Ok(file)) if !check::log_shows(log, &file.instructions) => inputs.note(if steps {
            "the numbered steps in the log are not those of the commit's Dockerfile, which may not be the one that was built: what follows is of both"
        } else {
            "the log shows no steps: what follows is read from the commit's Dockerfile, which may not be the one that was built"
        }),
        Some(Err(fault)) if !steps => {
            inputs.note(format!(
                "not known: the log shows no steps of a Dockerfile, and none is read: {}",
                fault.words()
            ));
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
    inputs.lines()
}

/// Digest and size of the whole file. A bundle that was refused halfway is read on, so that its report names the file; one that
/// cannot be read to its end, or is larger than allowed, has no digest.
fn finish<R: Read>(mut bytes: HashingReader<R>, limits: &Limits) -> Option<(Sha256, u64)> {
    let copied = std::io::copy(&mut (&mut bytes).take(limits.bundle_bytes), &mut std::io::sink());
    let (digest, size) = bytes.finish();
    (copied.is_ok() && size <= limits.bundle_bytes).then_some((digest, size))
}
