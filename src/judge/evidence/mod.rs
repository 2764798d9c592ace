//! What the checks look at: facts, each with who says it and how that is known.

mod built;
mod facts;
mod image;
mod source;

use std::cell::OnceCell;

pub(crate) use self::facts::FactList;
pub use self::facts::{Fact, Known};
pub use self::image::image_facts;
use crate::base::budget::{Budget, Work};
use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::base::image_name::{ImageName, tag_of};
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::gate::verify::SignedArchive;
use crate::git::{Snapshot, SourceProof};
use crate::given::approvals::Approvals;
use crate::given::attestation::Attestation;
use crate::given::key_record::Grading;
use crate::given::server_record::ServerRecord;
use crate::image::ImageFacts;
use crate::manifest::Manifest;
use crate::manifest::build_log::{BuildLog, LogEvent};
use crate::manifest::dockerfile::{self, Dockerfile, DockerfileFault, Instruction};
use crate::trust::{SignatureReport, TrustFile};

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

impl NoInstructions {
    /// In words.
    pub fn words(&self) -> &str {
        match self {
            Self::NotProved(words) | Self::NoFile(words) | Self::NotRead(words) => words,
        }
    }
}

/// The Dockerfile where nobody names another.
pub(crate) const DOCKERFILE: &str = "Dockerfile";

impl Evidence<'_> {
    /// The build's name as build.json has it, which is signed: the first to compare with. `None` where it has none.
    ///
    /// # Errors
    /// The text, where it is not a build's name.
    pub(crate) fn signed_name(&self) -> Option<Result<BuildName, &str>> {
        let name = self.manifest.record.build_name()?;
        Some(BuildName::parse(name).ok_or(name))
    }

    /// The build's name to compare with: the signed one, or else that of the members, which is given and not signed. `None` where the
    /// signed one is malformed: the members' name does not take its place.
    pub(crate) fn name(&self) -> Option<BuildName> {
        match self.signed_name() {
            Some(signed) => signed.ok(),
            None => Some(self.archive.build_name().clone()),
        }
    }

    /// When the build was made, as the signed archive says it: the stamp in build.json's `build_name`, or else the last time in
    /// the log. The stamp in a file's or member's name is not signed and not used. It is the server's own clock either way.
    pub fn build_time(&self) -> Option<Timestamp> {
        let recorded = self.signed_name().and_then(|name| name.ok()?.stamp());
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

    /// The instructions of the Dockerfile at `path`, relative to the top of the repository, from its proved blob. One with here-documents is
    /// not read.
    ///
    /// # Errors
    /// Why there are none.
    pub fn dockerfile(&self, path: Option<&str>) -> Result<Vec<Instruction>, NoInstructions> {
        self.dockerfile_read(path, dockerfile::read)
    }

    /// The same Dockerfile with directives and here-documents.
    ///
    /// # Errors
    /// Why there is none.
    pub fn whole_dockerfile(&self, path: Option<&str>) -> Result<Dockerfile, NoInstructions> {
        self.dockerfile_read(path, dockerfile::read_whole)
    }

    fn dockerfile_read<T>(
        &self,
        path: Option<&str>,
        read: impl FnOnce(&[u8]) -> Result<T, DockerfileFault>,
    ) -> Result<T, NoInstructions> {
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
        read(&content).map_err(|fault| NoInstructions::NotRead(format!("{path}: {fault}")))
    }

    /// Lines may be short, and each is held with its number.
    fn spend_dockerfile(&self, bytes: u64) -> Result<(), Error> {
        self.budget.spend(Work::Bytes(bytes.saturating_mul(20)), "the Dockerfile")?;
        let held = bytes.saturating_mul(25);
        self.budget.hold(held, "the Dockerfile").map(|()| self.budget.release(held))
    }

    /// The seven digits of the commit that name the build, and where they are from: the tag's, or else those of the build's name. Where
    /// the signed archive has a tag or a name, the members' name, which is not signed, does not take its place.
    pub(crate) fn commit_digits(&self) -> Option<(String, Known)> {
        let digits = |text: &str| Some((crate::base::build_name::commit_digits(text)?.to_owned(), Known::Signed));
        let tag = self.image_tag();
        let signed = self.signed_name();
        if let Some(found) = tag.as_deref().and_then(digits) {
            return Some(found);
        }
        match (&signed, &tag) {
            (Some(name), _) => digits(name.as_ref().ok()?.subject()?),
            (None, Some(_)) => None,
            (None, None) => Some((self.archive.build_name().commit_digits()?.to_owned(), Known::Given)),
        }
    }

    /// The image's tag, as the signed archive has it: build.json's, or else the pushed or signed tag that ends build.json's build name, or
    /// else, where build.json has neither, the one such tag that is not `latest`.
    pub fn image_tag(&self) -> Option<String> {
        if let Some(tag) = self.manifest.record.image_tag() {
            return Some(tag_of(tag));
        }
        let mut tags = self.log()?.push_events().filter_map(|event| match event {
            LogEvent::Pushed { tag, .. } => Some(tag.clone()),
            LogEvent::Signed(name) | LogEvent::PushedManifest { name, .. } => {
                Some(ImageName::parse(name).ok()?.tag()?.to_owned())
            }
            _ => None,
        });
        if let Some(signed) = self.signed_name() {
            let name = signed.ok()?;
            return tags.find(|tag| name.subject().is_some_and(|subject| subject.ends_with(&format!(".{tag}"))));
        }
        let mut own = tags.filter(|tag| tag != "latest");
        let first = own.next()?;
        own.all(|tag| tag == first).then_some(first)
    }
}
