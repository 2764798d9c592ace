//! A report: all results of one run, ready to be written. Findings, facts and names of inputs are masked here, once for all formats.
//!
//! To add a format, write a file in this folder with `write(&Report, …)`. Text is already masked, but must be escaped for the format. In this
//! file, add the module, a variant of [`Format`] with its name and its file name, and its arm in [`Report::write`]. Add the name to `FORMATS` of
//! `tests/reports.rs`, which compares the formats. Write a reader in `tests/tools/read-report`, with an independent parser. Add a row to
//! `docs/reports.md`. Then run `tests/run update`, which writes the format's golden files and the messages that list the formats.

mod admission;
mod admission_text;
mod attachment;
mod bounded;
mod case;
mod chain;
mod controls;
mod csv;
mod format;
mod gaps;
mod html;
mod input;
mod json;
mod junit;
mod key_words;
mod markdown;
mod matrix;
mod oscal;
mod outside;
mod question;
mod reconciliation;
mod remarks;
mod remedy;
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
use crate::judge::builds::{BuiltImage, OfIndex};
use crate::judge::evidence::Fact;
use crate::judge::finding::{Finding, Group, Verdict};
use crate::judge::policy::PolicySource;

pub use self::admission::{Admission, ImageReport, WorkloadFile};
#[cfg(feature = "serve")]
pub(crate) use self::admission_text::hints;
pub use self::attachment::{Attachment, Documents, tag_of};
pub use self::case::{CaseReport, Repetition, SealReport, SignOffReport, StampReport, Voucher};
pub use self::controls::Controls;
pub use self::format::Format;
pub use self::input::InputReport;
pub use self::outside::{Outside, OutsideCounts};
pub use self::question::{Depth, QuestionReport};
pub use self::reconciliation::{KeyUse, Kind, Period, Qualified, Read, Reconciliation, Row, Sample, SampledBuild};
pub use self::scope::Scope;
pub use self::text::{Amount, Colour, Look};

/// The results of one run. The same bytes, policy and `now` produce the same report, byte for byte.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The rules for the report's verdicts.
    pub rules: Rules,
    /// The program that made the report.
    pub tool: Tool,
    /// The time as of which the audit was made; `None` if it could not be determined.
    pub now: Option<Timestamp>,
    /// Whether this run verified the bundles, or converted a saved report.
    pub origin: Origin,
    /// The auditor's file number or name for this audit: at most [`Report::REFERENCE_CHARACTERS`] characters.
    pub reference: Option<String>,
    /// The policy file, if any.
    pub policy: Option<PolicySource>,
    /// The question that this run answers; `None` if the run ended before the question was determined.
    pub question: Option<QuestionReport>,
    /// The case that contained the bundles.
    pub case: Option<CaseReport>,
    /// Why the report has no verdict.
    pub error: Option<Error>,
    /// The result for workloads, if the question was about workloads. In that case, the bundles are those found by the images'
    /// digests.
    pub admission: Option<Admission>,
    /// One report per bundle, in the order in which the bundles were found.
    pub bundles: Vec<BundleReport>,
}

/// The rules for verdicts. docs/report.schema.json describes the newest form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// The rules of this version: schema version 2.
    Current,
    /// The rules of version 0.1.0, for a report that version 0.1.0 saved: schema version 1. To be accepted, a bundle needed an answer in every group,
    /// and a requested check that did not run rejected the bundle even if another check was the cause.
    Version1,
}

/// Whether the run that writes a report also verified what it states. If not, every format except JSON, JSON Lines, CSV and verification summaries
/// states this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This run made the audit.
    Audited,
    /// This run converted a saved report, which anyone can have changed, and verified nothing.
    Converted,
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

/// The results for one bundle.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BundleReport {
    /// The bundle's path, as specified by the user.
    pub path: String,
    /// SHA-256 and size of the file, if it could be read completely.
    pub file: Option<(Sha256, u64)>,
    /// The build name, from the names of the bundle's members.
    pub build_name: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why there is no verdict.
    pub error: Option<Error>,
    /// Groups that were checked.
    pub in_play: Vec<Group>,
    /// The key under which the signature verified.
    pub key: Option<KeyReport>,
    /// One finding per check, in the table's order.
    pub findings: Vec<Finding>,
    /// Facts by witness.
    pub evidence: Vec<Fact>,
    /// Inputs of the build that the commit does not pin.
    pub outside_the_commit: Outside,
    /// Other files that were read.
    pub inputs: Vec<InputReport>,
    /// Digest of the archive, and the signature over it, if the bundle's outer archive could be read. This field is not part of any
    /// output format.
    pub(crate) seal: Option<(Sha256, Signature)>,
    /// The statements of the verified manifest about its image, for lookups by digest. This field is not part of any
    /// output format.
    pub(crate) built: Option<BuiltImage>,
    /// The repositories (`host/path`) that the snapshot's remotes name.
    pub(crate) remotes: Vec<String>,
}

/// The key under which a signature verified.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyReport {
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub fingerprint: Fingerprint,
    /// `rsa` or `ecdsa-p256`.
    pub kind: &'static str,
    /// Its size.
    pub bits: u32,
    /// The source of the key, as text.
    pub source: String,
    /// How well the key's origin is known.
    pub grade: Grade,
}

/// A report of several pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// The page that links to the other pages.
    pub first: Vec<u8>,
    /// Name and content of each page. The names come from this program, never from a bundle.
    pub others: Vec<(String, Vec<u8>)>,
}

/// Data that a format may need in addition to the report.
#[derive(Debug, Default)]
pub struct Options {
    /// The table of checks and the controls that they support.
    pub controls: Controls,
    /// The key that signs statements.
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
    /// Maximum number of characters in a reference, which is printed in every page header.
    pub const REFERENCE_CHARACTERS: usize = 80;

    /// Parses the value of `--reference`.
    ///
    /// # Errors
    /// A message if the reference is empty, is too long, or contains control or invisible characters.
    pub fn reference(text: &str) -> Result<String, String> {
        let length = text.chars().count();
        if text.trim().is_empty() || length > Self::REFERENCE_CHARACTERS {
            return Err(format!("expected 1 to {} characters, found {length}", Self::REFERENCE_CHARACTERS));
        }
        if text.chars().any(is_treacherous) {
            return Err("expected plain text on one line, with no control or invisible characters".into());
        }
        Ok(text.to_owned())
    }

    /// An empty report.
    pub fn new(now: Option<Timestamp>) -> Self {
        Self {
            rules: Rules::Current,
            tool: Tool::this(),
            now,
            origin: Origin::Audited,
            reference: None,
            policy: None,
            question: None,
            case: None,
            error: None,
            admission: None,
            bundles: Vec::new(),
        }
    }

    /// Reads a saved JSON report. The reader is strict: it refuses unrecognised fields, unrecognised values and a verdict that does not follow from
    /// the findings. `origin` is [`Origin::Converted`], so that a report that is written again does not look like an audit.
    ///
    /// The audit is NOT repeated, and a saved report is not evidence: anyone who can write the file can write a consistent but false report.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::OverLimit`].
    pub fn from_json(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        saved::read(name, bytes, limits)
    }

    /// The verdict on one bundle and the scope of that verdict, in one line.
    pub fn headline(&self, bundle: &BundleReport) -> String {
        summary::headline(self, bundle)
    }

    /// The time as of which a bundle was audited, and whether that is before the build.
    pub fn judged_as_of(&self, bundle: &BundleReport) -> Option<String> {
        summary::judged(self, Some(bundle))
    }

    /// The command that repeats the audit of one bundle, as printed on page one.
    pub fn command(&self, bundle: &BundleReport) -> String {
        summary::command(self, bundle)
    }

    /// Writes the report.
    ///
    /// # Errors
    /// Fails if writing to `out` or signing fails, or if the format is HTML and the report has several bundles (see [`Report::pages`]).
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

    /// The text output after verifying only a signature: `words` is the verdict, and `means` is the verdict's meaning.
    #[cfg(feature = "cli")]
    pub(crate) fn signature_text(&self, look: Look, words: &str, means: &str) -> String {
        text::signature_text(self, look, words, means)
    }

    /// Whether this report has more than one page in this format; if so, [`Report::pages`] returns the pages.
    pub fn has_pages(&self, format: Format) -> bool {
        format == Format::Html && self.bundles.len() > 1
    }

    /// The first HTML page, and the pages in `folder` that it links to.
    pub fn pages(&self, options: &Options, folder: &str) -> Pages {
        html::pages(self, options, folder)
    }

    /// The verdict on the whole run; it matches [`Report::exit_code`].
    pub fn verdict(&self) -> Verdict {
        match self.exit_code() {
            0 if self.verdicts().all(|verdict| verdict == Verdict::Accept) => Verdict::Accept,
            0 => Verdict::AcceptInPart,
            1 => Verdict::Reject,
            _ => Verdict::None,
        }
    }

    /// The verdicts on the subjects of the question: images to be deployed, or else bundles.
    fn verdicts(&self) -> Box<dyn Iterator<Item = Verdict> + '_> {
        match &self.admission {
            Some(admission) => Box::new(admission.images.iter().map(|image| image.verdict)),
            None => Box::new(self.bundles.iter().map(|bundle| bundle.verdict)),
        }
    }

    /// The worst exit code of the run's error and of all subjects of the question. The order is 0, 1, 4, 3, 2, from best to worst. For workloads, a
    /// bundle without a verdict is not evidence for an image and does not change the exit code.
    pub fn exit_code(&self) -> u8 {
        let own = self.error.iter().map(Error::exit_code);
        let asked: Vec<u8> = match &self.admission {
            Some(admission) => admission.images.iter().map(ImageReport::exit_code).collect(),
            None => self.bundles.iter().map(BundleReport::exit_code).collect(),
        };
        // A report without any subject is never a success.
        own.chain(asked).max_by_key(|code| [0, 1, 4, 3, 2].iter().position(|known| known == code)).unwrap_or(4)
    }

    /// A copy of the report without bundles. The arguments that select bundles are also left out, because the choice of bundles or shard does not
    /// affect any finding.
    pub(crate) fn without_bundles(&self) -> Self {
        let mut question = self.question.clone();
        let selects = |flag: &str| ["path", "shard"].contains(&flag);
        question.iter_mut().for_each(|question| question.given.retain(|(flag, _)| !selects(flag)));
        Self {
            rules: self.rules,
            tool: self.tool.clone(),
            now: self.now,
            origin: self.origin,
            reference: self.reference.clone(),
            policy: self.policy.clone(),
            question,
            case: self.case.clone(),
            error: self.error.clone(),
            admission: self.admission.clone(),
            bundles: Vec::new(),
        }
    }

    /// Number of bundles with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.bundles.iter().filter(|bundle| bundle.verdict == verdict).count()
    }
}

impl BundleReport {
    /// An empty report on the bundle at `path`.
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
            outside_the_commit: Outside::default(),
            inputs: Vec::new(),
            seal: None,
            built: None,
            remotes: Vec::new(),
        }
    }

    /// The exit code for this bundle, 0 to 4.
    pub fn exit_code(&self) -> u8 {
        match (&self.error, self.verdict) {
            (Some(error), _) => error.exit_code(),
            (None, Verdict::Accept | Verdict::AcceptInPart) => 0,
            (None, Verdict::Reject) => 1,
            (None, Verdict::None) => 3,
        }
    }

    /// Findings of the groups that were checked.
    pub(crate) fn played(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| self.in_play.contains(&finding.group))
    }

    /// Findings that would reject but are waived.
    pub fn waived(&self) -> impl Iterator<Item = &Finding> {
        self.played().filter(|finding| finding.is_waived())
    }

    /// Findings that reject the bundle, excluding mere consequences of other findings.
    pub fn rejecting(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.rejects())
    }

    /// The examined image, if the log has the digest of an index that leads to it. The index may lead to other images too.
    pub(crate) fn of_index(&self) -> Option<OfIndex> {
        let manifest = summary::examined_manifest(self)?;
        let logged = summary::facts(self, "image-digest").filter(|fact| fact.witness == "build.log");
        let mut logged = logged.flat_map(|fact| fact.value.split_whitespace()).filter_map(Sha256::from_prefixed);
        let has_others = summary::facts(self, "other-image").next().is_some();
        logged.all(|digest| digest != manifest).then_some(OfIndex { manifest, has_others })
    }

    /// Number of checks without an answer because `cause` rejects.
    pub fn consequences_of(&self, cause: &Finding) -> usize {
        let follows = |finding: &&Finding| finding.is_consequence() && finding.caused_by == Some(cause.check);
        self.findings.iter().filter(follows).count()
    }

    /// Checks in play that did not run.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| self.in_play.contains(&f.group) && f.status.is_not_run())
    }

    /// Masks everything that looks like a secret in findings, facts, inputs outside the commit and names of inputs.
    fn masked(mut self) -> Self {
        self.findings.iter_mut().for_each(mask_finding);
        for fact in &mut self.evidence {
            fact.value = fact.masked_value();
            fact.data.iter_mut().for_each(mask_texts);
        }
        self.outside_the_commit.lines.iter_mut().for_each(|line| *line = mask(line));
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
    /// The report on a key; `None` if only its fingerprint is known.
    pub(crate) fn of(trusted: &TrustedKey, grade: Grade) -> Option<Self> {
        let key = trusted.key.as_ref()?;
        let source = trusted.source_words();
        let (fingerprint, kind, bits) = (trusted.fingerprint, key.kind(), key.bits());
        Some(Self { fingerprint, kind, bits, source, grade })
    }
}
