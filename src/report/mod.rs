//! A report: everything that one run found, ready to be written. Text from evidence is masked here, once, for every format.
//!
//! To add a format:
//! 1. one file here with `write(&Report, …)`. Text arrives masked; escape it for the format,
//! 2. here its module, a variant of [`Format`] with its word and its file's name, and its arm in [`Report::write`],
//! 3. its name in `FORMATS` of `tests/reports.rs`, which compares what it says with the other formats,
//! 4. a reader of it in `tests/tools/read-report`, with a parser of another kind,
//! 5. its row in `docs/reports.md`.
//!
//! Then `tests/run update`, which writes its golden files and the messages that list the formats.

mod admission;
mod admission_text;
mod attachment;
mod bounded;
mod case;
mod chain;
mod controls;
mod csv;
mod format;
mod html;
mod json;
mod junit;
mod markdown;
mod matrix;
mod oscal;
mod question;
mod reconciliation;
mod repeat;
mod sarif;
mod saved;
mod scope;
mod statement;
mod summary;
mod text;

use std::io::{self, Write};

use serde_json::Value;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::escape::is_treacherous;
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::base::time::Timestamp;
use crate::crypto::person_key::PersonSecret;
use crate::gate::key::Fingerprint;
use crate::gate::signature::Signature;
use crate::gate::verify::{Grade, TrustedKey};
use crate::judge::builds::BuiltImage;
use crate::judge::evidence::Fact;
use crate::judge::finding::{Finding, Group, Verdict, is_answered};
use crate::judge::policy::PolicySource;

pub use self::admission::{Admission, ImageReport, WorkloadFile};
#[cfg(feature = "serve")]
pub(crate) use self::admission_text::hints;
pub use self::attachment::{Attachment, Documents, tag_of};
pub use self::case::{CaseReport, Repetition, SealReport, SignOffReport, StampReport, Voucher};
pub use self::controls::Controls;
pub use self::format::Format;
pub use self::question::{Depth, QuestionReport};
pub use self::reconciliation::{KeyUse, Kind, Period, Read, Reconciliation, Row, Sample, SampledBuild};
pub use self::scope::Scope;
pub use self::text::{Amount, Colour, Look};

/// What a run found. Same bytes, same policy, same `now`: the same report, byte for byte.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The rules that its verdicts follow.
    pub rules: Rules,
    /// The program that made it.
    pub tool: Tool,
    /// The moment that the audit is for; `None` when it could not be read from the command line.
    pub now: Option<Timestamp>,
    /// The auditor's own file number or name for this audit: at most [`Report::REFERENCE_CHARACTERS`].
    pub reference: Option<String>,
    /// The policy's file, if there was one.
    pub policy: Option<PolicySource>,
    /// What was asked; `None` when the run ended before that was known.
    pub question: Option<QuestionReport>,
    /// The case that the bundles came from.
    pub case: Option<CaseReport>,
    /// Why there is no verdict on anything.
    pub error: Option<Error>,
    /// What was asked of workloads, where that was the question. Then the bundles are those that its images led to.
    pub admission: Option<Admission>,
    /// One report per bundle, in the order of their paths.
    pub bundles: Vec<BundleReport>,
}

/// The rules of verdicts. docs/report.schema.json has the newest form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Those of this version: schema version 2.
    Current,
    /// Those of 0.1.0, for a report that it saved: schema version 1. An acceptance needed every group, and every check that was not looked
    /// at rejected by itself.
    Version1,
}

/// The program that made a report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Cargo features of the build.
    pub features: Vec<String>,
}

/// What was found about one bundle.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BundleReport {
    /// The file as it was named.
    pub path: String,
    /// SHA-256 and size of the file, where it could be read to its end.
    pub file: Option<(Sha256, u64)>,
    /// The build's name, as the bundle's members have it.
    pub build_name: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why there is no verdict.
    pub error: Option<Error>,
    /// Groups that were looked at.
    pub in_play: Vec<Group>,
    /// The key that accepted the signature.
    pub key: Option<KeyReport>,
    /// One per check, in the table's order.
    pub findings: Vec<Finding>,
    /// Facts by witness.
    pub evidence: Vec<Fact>,
    /// Inputs of the build that the commit does not pin.
    pub outside_the_commit: Vec<String>,
    /// What was looked at beside the bundle.
    pub inputs: Vec<InputReport>,
    /// Digest of the archive and the signature over it, where the bundle could be taken apart. It is in no format.
    pub(crate) seal: Option<(Sha256, Signature)>,
    /// What the verified manifest says of its image, for those who ask by digest. It is in no format.
    pub(crate) built: Option<BuiltImage>,
}

/// Something that was looked at beside the bundle, by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputReport {
    /// What it is: one of [`InputReport::KINDS`].
    pub kind: &'static str,
    /// Its name as it was given, or as it lies beside the bundle.
    pub name: String,
    /// SHA-256 of its bytes; of an image, its manifest's or its configuration's; of a key that was tried, its SubjectPublicKeyInfo's.
    pub sha256: Sha256,
}

impl InputReport {
    /// Every kind.
    pub const KINDS: [&'static str; 11] = [
        "image",
        "image-config",
        "base-image",
        "base-image-config",
        "trust",
        "approvals",
        "server",
        "builder",
        "policy-file",
        "key",
        "key-beside",
    ];
}

/// The key that accepted a signature.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyReport {
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fingerprint: Fingerprint,
    /// `rsa` or `ecdsa-p256`.
    pub kind: &'static str,
    /// Its size.
    pub bits: u32,
    /// Who named it, in words.
    pub source: String,
    /// How well it is known whose it is.
    pub grade: Grade,
}

/// A report of several pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// The page that leads to the others.
    pub first: Vec<u8>,
    /// Name and content. Names are this program's own, never a bundle's.
    pub others: Vec<(String, Vec<u8>)>,
}

/// What a format may need beside the report.
#[derive(Debug, Default)]
pub struct Options {
    /// Which checks support which controls.
    pub controls: Controls,
    /// Signs statements.
    pub sign_key: Option<PersonSecret>,
    /// The OSCAL assessment plan that results refer to, as a path.
    pub oscal_plan: Option<String>,
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            features: crate::features().into_iter().map(str::to_owned).collect(),
        }
    }
}

impl Report {
    /// Characters of a reference: it is in the head of every printed page.
    pub const REFERENCE_CHARACTERS: usize = 80;

    /// A reference as `--reference` takes it.
    ///
    /// # Errors
    /// In words, for an empty text, a longer one and one with characters that are not shown as they are.
    pub fn reference(text: &str) -> Result<String, String> {
        let length = text.chars().count();
        if text.trim().is_empty() || length > Self::REFERENCE_CHARACTERS {
            return Err(format!("expected 1 to {} characters, found {length}", Self::REFERENCE_CHARACTERS));
        }
        if text.chars().any(is_treacherous) {
            return Err("expected plain text in one line, without control or invisible characters".into());
        }
        Ok(text.to_owned())
    }

    /// A report that says nothing yet.
    pub fn new(now: Option<Timestamp>) -> Self {
        Self {
            rules: Rules::Current,
            tool: Tool::this(),
            now,
            reference: None,
            policy: None,
            question: None,
            case: None,
            error: None,
            admission: None,
            bundles: Vec::new(),
        }
    }

    /// Reads a saved JSON report, so that it can be written in another format: the same bytes come out as if the audit had written
    /// them. Strict: unknown fields, unknown words and a verdict that does not follow from the findings are refused.
    ///
    /// It does NOT repeat the audit, and a saved report is no evidence: whoever can write the file can write a consistent lie.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::OverLimit`].
    pub fn from_json(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        saved::read(name, bytes, limits)
    }

    /// The verdict on one bundle with its scope, as every format has it first.
    pub fn headline(&self, bundle: &BundleReport) -> String {
        summary::headline(self, bundle)
    }

    /// The command that repeats the audit of one bundle, as page one has it.
    pub fn command(&self, bundle: &BundleReport) -> String {
        summary::command(self, bundle)
    }

    /// Writes the report.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write(&self, format: Format, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Html => html::write(self, options, out),
            Format::Markdown => markdown::write(self, options, out),
            Format::Csv => csv::write(self, out),
            Format::CsvBom => out.write_all(csv::BYTE_ORDER_MARK.as_bytes()).and_then(|()| csv::write(self, out)),
            Format::Junit => junit::write(self, out),
            Format::Sarif => sarif::write(self, sarif::Results::Problems, out),
            Format::SarifAll => sarif::write(self, sarif::Results::All, out),
            Format::Oscal => oscal::write(self, options, out),
            Format::Vsa => statement::write_summaries(self, options, out),
            Format::Text(look) => text::write(self, look, out),
            Format::Json => json::write(self, out),
            Format::JsonLines => json::write_lines(self, out),
        }
    }

    /// What is said of a signature that was verified alone: `words` is the verdict, and `means` says what it means.
    #[cfg(feature = "cli")]
    pub(crate) fn signature_text(&self, look: Look, words: &str, means: &str) -> String {
        text::signature_text(self, look, words, means)
    }

    /// Has this report, in this format, more than one page? Then [`Report::pages`] has them.
    pub fn has_pages(&self, format: Format) -> bool {
        format == Format::Html && self.bundles.len() > 1
    }

    /// The first page in HTML, and those that it names below `folder`.
    pub fn pages(&self, options: &Options, folder: &str) -> Pages {
        html::pages(self, options, folder)
    }

    /// The verdict on all of it: the one that goes with [`Report::exit_code`].
    pub fn verdict(&self) -> Verdict {
        match self.exit_code() {
            0 if self.verdicts().all(|verdict| verdict == Verdict::Accept) => Verdict::Accept,
            0 => Verdict::AcceptInPart,
            1 => Verdict::Reject,
            _ => Verdict::None,
        }
    }

    /// The verdicts on what was asked about: images that are to be deployed, or else bundles.
    fn verdicts(&self) -> Box<dyn Iterator<Item = Verdict> + '_> {
        match &self.admission {
            Some(admission) => Box::new(admission.images.iter().map(|image| image.verdict)),
            None => Box::new(self.bundles.iter().map(|bundle| bundle.verdict)),
        }
    }

    /// The worst of all that was asked about, in the contract's order: 0, 1, 4, 3, 2. A bundle without a verdict is no evidence for an image,
    /// and no reason for another code.
    pub fn exit_code(&self) -> u8 {
        let own = self.error.iter().map(Error::exit_code);
        let asked: Vec<u8> = match &self.admission {
            Some(admission) => admission.images.iter().map(ImageReport::exit_code).collect(),
            None => self.bundles.iter().map(BundleReport::exit_code).collect(),
        };
        // A report about nothing is never a success.
        own.chain(asked).max_by_key(|code| [0, 1, 4, 3, 2].iter().position(|known| known == code)).unwrap_or(4)
    }

    /// What it says of the run, and of no bundle: which were named, and which share of them was looked at, changes nothing that is said of one.
    pub(crate) fn without_bundles(&self) -> Self {
        let mut question = self.question.clone();
        let selects = |flag: &str| ["path", "shard"].contains(&flag);
        question.iter_mut().for_each(|question| question.given.retain(|(flag, _)| !selects(flag)));
        Self {
            rules: self.rules,
            tool: self.tool.clone(),
            now: self.now,
            reference: self.reference.clone(),
            policy: self.policy.clone(),
            question,
            case: self.case.clone(),
            error: self.error.clone(),
            admission: self.admission.clone(),
            bundles: Vec::new(),
        }
    }

    /// How many bundles got each verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.bundles.iter().filter(|bundle| bundle.verdict == verdict).count()
    }
}

impl BundleReport {
    /// A report on the bundle at `path` that says nothing yet.
    pub(crate) fn of_nothing(path: impl Into<String>, in_play: Vec<Group>) -> Self {
        Self {
            path: path.into(),
            file: None,
            build_name: None,
            verdict: Verdict::None,
            error: None,
            in_play,
            key: None,
            findings: Vec::new(),
            evidence: Vec::new(),
            outside_the_commit: Vec::new(),
            inputs: Vec::new(),
            seal: None,
            built: None,
        }
    }

    /// 0 to 4, by the contract.
    pub fn exit_code(&self) -> u8 {
        match (&self.error, self.verdict) {
            (Some(error), _) => error.exit_code(),
            (None, Verdict::Accept | Verdict::AcceptInPart) => 0,
            (None, Verdict::Reject) => 1,
            (None, Verdict::None) => 3,
        }
    }

    /// Findings of the groups that were looked at.
    pub(crate) fn played(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| self.in_play.contains(&finding.group))
    }

    /// Findings that would reject and are waived.
    pub fn waived(&self) -> impl Iterator<Item = &Finding> {
        self.played().filter(|finding| finding.is_waived())
    }

    /// What an acceptance in part leaves out: groups in which no check that decides answered, and required checks in play that this build
    /// does not have.
    pub(crate) fn not_checked(&self) -> Vec<&'static str> {
        let is_open = |group: &Group| !self.in_play.contains(group) || !is_answered(&self.findings, *group);
        let groups = Group::OF_BUNDLES.into_iter().filter(is_open);
        let checks = self.unanswered().filter(|finding| finding.is_not_built_in());
        groups.map(Group::word).chain(checks.map(|finding| finding.check)).collect()
    }

    /// Groups that were not looked at.
    pub fn not_in_play(&self) -> Vec<Group> {
        Group::OF_BUNDLES.into_iter().filter(|group| !self.in_play.contains(group)).collect()
    }

    /// Findings that reject the bundle: causes, not what follows from them.
    pub fn rejecting(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.rejects())
    }

    /// How many checks were not looked at because `cause` rejects.
    pub fn consequences_of(&self, cause: &Finding) -> usize {
        let follows = |finding: &&Finding| finding.is_consequence() && finding.caused_by == Some(cause.check);
        self.findings.iter().filter(follows).count()
    }

    /// Checks in play that gave no answer, by status.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| self.in_play.contains(&f.group) && f.status.is_not_run())
    }

    /// Hides what looks like a secret in every text that came from evidence.
    fn masked(mut self) -> Self {
        self.findings.iter_mut().for_each(mask_finding);
        for fact in &mut self.evidence {
            fact.value = fact.masked_value();
            fact.data.iter_mut().for_each(mask_texts);
        }
        self.outside_the_commit = self.outside_the_commit.iter().map(|line| mask(line)).collect();
        for input in &mut self.inputs {
            input.name = mask(&input.name);
        }
        self
    }
}

fn mask_texts(value: &mut Value) {
    match value {
        Value::String(text) => *text = mask(text),
        Value::Array(items) => items.iter_mut().for_each(mask_texts),
        Value::Object(fields) => fields.values_mut().for_each(mask_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn mask_finding(finding: &mut Finding) {
    finding.message = mask(&finding.message);
    finding.expected = finding.expected.as_deref().map(mask);
    finding.found = finding.found.as_deref().map(mask);
    finding.details = finding.details.iter().map(|line| mask(line)).collect();
    finding.says.iter_mut().for_each(|said| said.text = mask(&said.text));
}

impl KeyReport {
    /// What a report says of a key; `None` if only its fingerprint is known.
    pub(crate) fn of(trusted: &TrustedKey, grade: Grade) -> Option<Self> {
        let key = trusted.key.as_ref()?;
        let source = trusted.source_words();
        let (fingerprint, kind, bits) = (trusted.fingerprint, key.kind(), key.bits());
        Some(Self { fingerprint, kind, bits, source, grade })
    }
}
