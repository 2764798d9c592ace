//! The evidence that checks examine, and its facts, each with its witness and how it is known.

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
use crate::git::{FileFault, Snapshot, SourceProof};
use crate::given::approvals::Approvals;
use crate::given::attestation::Attestation;
use crate::given::key_record::Grading;
use crate::given::server_record::ServerRecord;
use crate::image::ImageFacts;
use crate::manifest::Manifest;
use crate::manifest::build_log::{BuildLog, LogEvent};
use crate::manifest::dockerfile::{self, Dockerfile, DockerfileFault, Instruction};
use crate::trust::{SignatureReport, TrustFile};

/// All evidence about one build. The evidence exists only if the signature was verified.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The bundle's file name. The file name is not signed.
    pub file_name: Option<&'a str>,
    /// The signed archive.
    pub archive: &'a SignedArchive,
    /// The content of the signed archive.
    pub manifest: &'a Manifest,
    /// The result of proving the archive's only source snapshot. `None` if the archive does not contain exactly one snapshot.
    pub source: Option<&'a SourceProof>,
    /// The supplied list of approvals of commits.
    pub approvals: Option<&'a Approvals>,
    /// How well the key's owner is known.
    pub grading: Grading,
    /// The build server's saved responses.
    pub server: Option<&'a ServerRecord>,
    /// The files with the image's signatures, supplied or found next to the bundle.
    pub trust: Option<&'a [TrustFile]>,
    /// The build server's own attestation record, supplied or found next to the bundle.
    pub builder: Option<&'a Attestation>,
    /// The image, supplied or found next to the bundle.
    pub image: Option<&'a ImageFacts>,
    /// The supplied base images.
    pub bases: &'a [ImageFacts],
    /// The limits.
    pub limits: &'a Limits,
    /// The remaining budget. Checks charge their costs to this budget; after the checks, the audit fails if the budget was
    /// exceeded.
    pub budget: &'a Budget,
    /// The image's signatures, evaluated once for all checks.
    pub(crate) signatures: OnceCell<Vec<SignatureReport>>,
    /// The time as of which the audit is made.
    pub now: Timestamp,
    /// The time by which the bundle existed, according to a verified time-stamp from an authority that the auditor specified.
    pub existed_by: Option<Timestamp>,
}

/// Why the instructions of a Dockerfile are not available.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoInstructions {
    /// It is not known whether the file is in the tree: HEAD's commit or a tree is not proved, or there is not exactly one snapshot. `source-objects`
    /// reports the reason.
    NotProved(String),
    /// The file is not in the proved tree.
    NoFile(String),
    /// The file would be in a submodule that is not proved. `source-tree` reports the reason.
    InFaultySubmodule(String),
    /// The file cannot be read unambiguously, or it would be in a submodule without files.
    NotRead(String),
}

impl NoInstructions {
    /// The reason.
    pub fn words(&self) -> &str {
        match self {
            Self::NotProved(words) | Self::NoFile(words) | Self::InFaultySubmodule(words) | Self::NotRead(words) => {
                words
            }
        }
    }
}

/// The path of the Dockerfile if the policy specifies none.
pub(crate) const DOCKERFILE: &str = "Dockerfile";

impl Evidence<'_> {
    /// The build's name in build.json. This name is signed, so other names are compared with it first. `None` if
    /// build.json contains no name.
    ///
    /// # Errors
    /// If the string is not a valid build name, the error is that string.
    pub(crate) fn signed_name(&self) -> Option<Result<BuildName, &str>> {
        let name = self.manifest.record.build_name()?;
        Some(BuildName::parse(name).ok_or(name))
    }

    /// The build's name to compare with: the signed name, or else the name in the members' file names, which is *given* and not signed. `None` if the
    /// signed name is malformed: the members' name does not replace it.
    pub(crate) fn name(&self) -> Option<BuildName> {
        match self.signed_name() {
            Some(signed) => signed.ok(),
            None => Some(self.archive.build_name().clone()),
        }
    }

    /// The time when the build was made, according to the signed archive: the stamp in build.json's `build_name`, or else the last time in the log.
    /// The stamp in a file's or member's name is not signed and therefore not used. Both times are from the server's own clock.
    pub fn build_time(&self) -> Option<Timestamp> {
        let recorded = self.signed_name().and_then(|name| name.ok()?.stamp());
        recorded.or_else(|| self.log()?.last_time())
    }

    /// The log, if the archive contains one.
    pub fn log(&self) -> Option<&BuildLog> {
        self.manifest.log.as_ref()
    }

    /// The archive's only source snapshot.
    ///
    /// # Errors
    /// A message, if the archive does not have exactly one snapshot.
    pub fn snapshot(&self) -> Result<&Snapshot, String> {
        match self.manifest.snapshots.as_slice() {
            [one] => Ok(one),
            [] => Err("the archive has no folder below git/".into()),
            several => Err(format!("the archive has {} folders below git/; a build has exactly one", several.len())),
        }
    }

    /// The result of proving the archive's only source snapshot.
    ///
    /// # Errors
    /// A message, if there is not exactly one snapshot or the snapshot was not examined.
    pub fn source(&self) -> Result<&SourceProof, String> {
        self.snapshot()?;
        self.source.ok_or_else(|| "the snapshot was not examined".into())
    }

    /// The instructions of the Dockerfile at `path`, relative to the top of the repository, from its proved blob. A Dockerfile with
    /// here-documents is not read.
    ///
    /// # Errors
    /// Why the instructions are not available.
    pub fn dockerfile(&self, path: Option<&str>) -> Result<Vec<Instruction>, NoInstructions> {
        self.dockerfile_read(path, dockerfile::read)
    }

    /// Like [`Self::dockerfile`], but the result includes directives and here-documents.
    ///
    /// # Errors
    /// Why the Dockerfile is not available.
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
        let content = content.map_err(|fault| match fault {
            FileFault::NotKnown(_) => NoInstructions::NotProved(fault.to_string()),
            FileFault::InSubmodule { is_faulty: true, .. } => NoInstructions::InFaultySubmodule(fault.to_string()),
            FileFault::InSubmodule { is_faulty: false, .. } => NoInstructions::NotRead(fault.to_string()),
            FileFault::NoSuchFile(_) | FileFault::NoFile(_) | FileFault::Missing(_) => {
                NoInstructions::NoFile(fault.to_string())
            }
        })?;
        self.spend_dockerfile(content.len() as u64).map_err(|error| NoInstructions::NotRead(error.to_string()))?;
        read(&content).map_err(|fault| NoInstructions::NotRead(format!("{path}: {fault}")))
    }

    /// Charges the budget for a Dockerfile. Each line is stored with its number, so a file with short lines needs many times its size.
    fn spend_dockerfile(&self, bytes: u64) -> Result<(), Error> {
        self.budget.spend(Work::Bytes(bytes.saturating_mul(20)), "the Dockerfile")?;
        let held = bytes.saturating_mul(25);
        self.budget.hold(held, "the Dockerfile").map(|()| self.budget.release(held))
    }

    /// The seven digits of the build's commit, and how they are known: those in the tag, or else those in the build's name. If
    /// the signed archive has a tag or a name, the members' name, which is not signed, does not replace it.
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

    /// The image's tag in the signed archive: the tag in build.json or, if there is none, the pushed or signed tag that directly precedes the stamp
    /// in build.json's build name. If build.json has neither a tag nor a build name, the tag is the only pushed or signed tag other than `latest`.
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
