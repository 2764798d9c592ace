//! What is said of images that are to be deployed.

use super::{BundleReport, Report};
use crate::base::digest::Sha256;
use crate::base::mask::{mask, mask_name};
use crate::judge::finding::{self, Finding, Group, Verdict, version_1};
use crate::workload::Form;

/// The answer to the question whether workloads may be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admission {
    /// Folders and files of the evidence, as they were named.
    pub evidence: Vec<String>,
    /// How many bundles of the evidence got each verdict: accept, accept in part, reject, none.
    pub counts: [usize; 4],
    /// One per image and place, in the workloads' order.
    pub images: Vec<ImageReport>,
}

/// What is said of one image at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageReport {
    /// The file that names it.
    pub workload: WorkloadFile,
    /// Where in that file.
    pub place: String,
    /// The image as it is written; `None` where it is not known.
    pub image: Option<String>,
    /// The digest that pins it.
    pub digest: Option<Sha256>,
    /// May it be deployed?
    pub verdict: Verdict,
    /// Path of the bundle that its digest leads to; its report is among the report's bundles.
    pub bundle: Option<String>,
    /// One per check on workloads, in the table's order.
    pub findings: Vec<Finding>,
}

/// A workload's file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkloadFile {
    /// As it was named.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Number of its bytes.
    pub size: u64,
    /// What it is.
    pub form: Form,
}

impl Admission {
    /// The verdicts of [`Admission::counts`], in its order.
    pub const VERDICTS: [Verdict; 4] = [Verdict::Accept, Verdict::AcceptInPart, Verdict::Reject, Verdict::None];

    /// How many images got this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.images.iter().filter(|image| image.verdict == verdict).count()
    }
}

impl ImageReport {
    /// Decides what its findings do. No waiver is about a workload.
    pub(crate) fn settled(mut self) -> Self {
        finding::settle(&mut self.findings, &[Group::Workload], |_| None);
        self
    }

    /// The verdict that its settled findings give: an acceptance where the bundle that its digest leads to is accepted, or else in part.
    pub(crate) fn judged(mut self, bundle: Option<Verdict>) -> Self {
        let in_full = bundle == Some(Verdict::Accept);
        self.verdict = match Verdict::of(&self.findings, &[Group::Workload], Some(&[Group::Workload])) {
            Verdict::Accept if !in_full => Verdict::AcceptInPart,
            verdict => verdict,
        };
        self
    }

    /// The same by the rule of version 0.1.
    pub(super) fn judged_by_version_1(mut self, bundle: Option<&BundleReport>) -> Self {
        self.verdict = match version_1::verdict(&self.findings, &Group::ALL) {
            Verdict::Accept if !left_out(bundle).is_empty() => Verdict::AcceptInPart,
            verdict => verdict,
        };
        self
    }

    /// 0 or 1, by the contract.
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Accept | Verdict::AcceptInPart => 0,
            Verdict::Reject => 1,
            Verdict::None => 3,
        }
    }

    /// Findings that reject it.
    pub fn rejecting(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.rejects())
    }

    /// Hides what looks like a secret.
    pub(crate) fn masked(mut self) -> Self {
        self.place = mask(&self.place);
        self.image = self.image.as_deref().map(mask_name);
        self.findings.iter_mut().for_each(super::mask_finding);
        self
    }
}

/// What an admission does not say: what the audit of the image's manifest left out, or that there is none.
pub(super) fn left_out(bundle: Option<&BundleReport>) -> Vec<String> {
    let Some(bundle) = bundle else { return vec!["manifest not checked".into()] };
    if bundle.exit_code() != 0 {
        return vec!["manifest not accepted".into()];
    }
    let not_checked = bundle.not_checked();
    let waived: Vec<&str> = bundle.waived().map(|finding| finding.check).collect();
    let parts = [(not_checked, "not checked"), (waived, "waived")];
    parts
        .into_iter()
        .filter(|(words, _)| !words.is_empty())
        .map(|(words, what)| format!("{} {what}", words.join(", ")))
        .collect()
}

impl Report {
    /// The report on the bundle that an image's digest leads to.
    pub(super) fn bundle_of(&self, image: &ImageReport) -> Option<&BundleReport> {
        let path = image.bundle.as_ref()?;
        self.bundles.iter().find(|bundle| bundle.path == *path)
    }
}
