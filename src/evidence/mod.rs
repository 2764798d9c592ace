//! What the checks look at: facts, each with who says it and how that is known.

mod built;
mod facts;
mod image;
mod source;

use std::cell::OnceCell;

pub(crate) use self::facts::FactList;
pub use self::facts::{Fact, Known};
pub(crate) use self::image::image_facts;
use crate::approvals::Approvals;
use crate::attestation::Attestation;
use crate::budget::{Budget, Work};
use crate::build_log::BuildLog;
use crate::dockerfile::{self, Instruction};
use crate::error::Error;
use crate::git::{Snapshot, SourceProof};
use crate::image::ImageFacts;
use crate::image_name::tag_of;
use crate::key_record::Grading;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::server_record::ServerRecord;
use crate::time::Timestamp;
use crate::trust::{SignatureReport, TrustFile};
use crate::verify::SignedArchive;

/// Everything that was gathered about one build. It exists only behind the gate.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The bundle's file name. Nobody signed it.
    pub file_name: Option<&'a str>,
    /// The signed archive.
    pub archive: &'a SignedArchive,
    /// What is in it.
    pub manifest: &'a Manifest,
    /// What the one source snapshot proves. `None` where there is none, or several.
    pub source: Option<&'a SourceProof>,
    /// The list of approvals that was given.
    pub approvals: Option<&'a Approvals>,
    /// How well it is known whose key it is.
    pub grading: Grading,
    /// What was saved of the build server's answers.
    pub server: Option<&'a ServerRecord>,
    /// The files of the image's signatures, where they were given.
    pub trust: Option<&'a [TrustFile]>,
    /// The build server's own attestation record, where it was given.
    pub builder: Option<&'a Attestation>,
    /// The image that was handed over, or lies beside the bundle.
    pub image: Option<&'a ImageFacts>,
    /// Base images that were handed over.
    pub bases: &'a [ImageFacts],
    /// The bounds.
    pub limits: &'a Limits,
    /// What the audit may still do: checks spend of it, and whoever runs them asks behind them whether it was enough.
    pub budget: &'a Budget,
    /// The signatures of the image, judged once for all checks that ask.
    pub(crate) signatures: OnceCell<Vec<SignatureReport>>,
    /// The moment that the audit is for.
    pub now: Timestamp,
    /// When an authority that the auditor named had seen the bundle, by a verified time-stamp.
    pub existed_by: Option<Timestamp>,
}

/// Why there are no instructions of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoInstructions {
    /// HEAD's commit is not proved, so that no file of it is: `source-objects` says why.
    NotProved(String),
    /// It is not in the proved tree, in words.
    NoFile(String),
    /// It is there and cannot be read for certain, in words.
    NotRead(String),
}

/// The Dockerfile where nobody names another.
pub(crate) const DOCKERFILE: &str = "Dockerfile";

impl Evidence<'_> {
    /// When the build was made, as the signed archive says it: the stamp in build.json's `build_name`, or else the last time in
    /// the log. The stamp in a file's or member's name is not signed and not used. It is the server's own clock either way.
    pub fn build_time(&self) -> Option<Timestamp> {
        let recorded =
            self.manifest.record.build_name().and_then(crate::BuildName::parse).and_then(|name| name.stamp());
        recorded.or_else(|| self.log()?.last_time())
    }

    /// The log, where there is one.
    pub fn log(&self) -> Option<&BuildLog> {
        self.manifest.log.as_ref()
    }

    /// The one source snapshot.
    ///
    /// # Errors
    /// In words, when the archive holds none or several.
    pub fn snapshot(&self) -> Result<&Snapshot, String> {
        match self.manifest.snapshots.as_slice() {
            [one] => Ok(one),
            [] => Err("the archive has no folder below git/".into()),
            several => Err(format!("the archive has {} folders below git/, a build has one", several.len())),
        }
    }

    /// What the one source snapshot proves.
    ///
    /// # Errors
    /// In words, when there is not exactly one.
    pub fn source(&self) -> Result<&SourceProof, String> {
        self.snapshot()?;
        self.source.ok_or_else(|| "the snapshot was not looked at".into())
    }

    /// The instructions of the Dockerfile at `path`, relative to the top of the repository, from its proved blob.
    ///
    /// # Errors
    /// Why there are none.
    pub fn dockerfile(&self, path: Option<&str>) -> Result<Vec<Instruction>, NoInstructions> {
        let path = path.unwrap_or(DOCKERFILE);
        let path = path.strip_prefix("./").unwrap_or(path);
        let proof = self.source().map_err(NoInstructions::NotProved)?;
        if proof.commit.is_none() {
            return Err(NoInstructions::NotProved("HEAD's commit is not proved".into()));
        }
        let snapshot = self.snapshot().map_err(NoInstructions::NotProved)?;
        let content = proof.read_file(snapshot, path.as_bytes());
        let content = content.map_err(|fault| NoInstructions::NoFile(fault.to_string()))?;
        self.spend_dockerfile(content.len() as u64).map_err(|error| NoInstructions::NotRead(error.to_string()))?;
        dockerfile::read(&content).map_err(|fault| NoInstructions::NotRead(format!("{path}: {fault}")))
    }

    /// Lines may be short, and each is held with its number.
    fn spend_dockerfile(&self, bytes: u64) -> Result<(), Error> {
        self.budget.spend(Work::Bytes(bytes.saturating_mul(20)), "the Dockerfile")?;
        let held = bytes.saturating_mul(25);
        self.budget.hold(held, "the Dockerfile").map(|()| self.budget.release(held))
    }

    /// The seven digits of the commit that name the build: the tag's, or else those of the build's name.
    pub(crate) fn commit_digits(&self) -> Option<String> {
        let tag = self.image_tag();
        let digits = tag.as_deref().and_then(crate::build_name::commit_digits);
        digits.or_else(|| self.archive.build_name().commit_digits()).map(str::to_owned)
    }

    /// The image's tag: build.json's, or else what follows the pushed repository in the build's name.
    pub fn image_tag(&self) -> Option<String> {
        if let Some(tag) = self.manifest.record.image_tag() {
            return Some(tag_of(tag));
        }
        let name = self.archive.build_name();
        let pushed = self.log()?.pushed().map(|(tag, ..)| tag.to_owned());
        let mut named =
            pushed.filter(|tag| name.subject().is_some_and(|subject| subject.ends_with(&format!(".{tag}"))));
        named.next()
    }
}
