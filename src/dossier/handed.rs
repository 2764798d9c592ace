//! Evidence that the auditor supplied for a whole run, in addition to the bundles.

use crate::base::digest::Sha256;
use crate::given::approvals::Approvals;
use crate::given::attestation::Attestation;
use crate::image::{ImageFacts, Source};
use crate::judge::finding::Group;
use crate::trust::TrustFile;

/// Evidence supplied for the run. This evidence is used instead of files next to a bundle.
#[derive(Debug, Clone, Default)]
pub struct Handed {
    /// The image of the only bundle.
    pub image: Option<Source>,
    /// Base images on which the image is expected to be built.
    pub bases: Vec<ImageFacts>,
    /// The files of the image's signatures.
    pub trust: Option<Vec<TrustFile>>,
    /// The build server's own attestation record.
    pub builder: Option<Attestation>,
    /// The list of approvals.
    pub approvals: Option<Approvals>,
}

/// No evidence.
pub(super) static NOTHING: Handed =
    Handed { image: None, bases: Vec::new(), trust: None, builder: None, approvals: None };

impl Handed {
    /// Groups for which evidence was supplied; their checks then need an answer.
    pub fn groups(&self) -> Vec<Group> {
        let given = [
            (self.image.is_some(), Group::Image),
            (self.trust.is_some(), Group::Trust),
            (self.builder.is_some(), Group::Builder),
        ];
        given.into_iter().filter(|(is_given, _)| *is_given).map(|(_, group)| group).collect()
    }

    /// Digests of all supplied evidence except the image.
    pub(crate) fn digests(&self) -> Vec<Sha256> {
        let document = |facts: &ImageFacts| {
            facts.manifest.as_ref().map(|found| found.digest).or(Some(facts.config.as_ref()?.digest))
        };
        let approvals = self
            .approvals
            .iter()
            .flat_map(|list| [list.sha256, Sha256::of(list.signature.as_deref().unwrap_or_default())]);
        let bases = self.bases.iter().filter_map(document);
        let trust = self.trust.iter().flatten().map(|file| Sha256::of(&file.bytes));
        let builder = self.builder.iter().flat_map(|record| record.files.iter().map(|(_, digest)| *digest));
        approvals.chain(bases).chain(trust).chain(builder).collect()
    }
}
