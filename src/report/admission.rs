//! The results for images that are to be deployed.

use super::summary::unread_layers;
use super::{BundleReport, Report};
use crate::base::digest::Sha256;
use crate::base::mask::{mask, mask_name};
use crate::judge::finding::{self, Finding, Group, Verdict, version_1};
use crate::workload::{Form, SkippedKinds};

/// The result of `admit`: whether workloads may be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admission {
    /// Folders and files of the evidence, as specified by the user.
    pub evidence: Vec<String>,
    /// Number of bundles with each verdict: accept, accept in part, reject, none.
    pub counts: [usize; 4],
    /// One result per image and position, in the order of the workloads.
    pub images: Vec<ImageReport>,
    /// The objects that run nothing only according to the policy.
    pub skipped: SkippedKinds,
}

/// The result for one image at one position in a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageReport {
    /// The workload file that refers to the image.
    pub workload: WorkloadFile,
    /// The image's position in that file.
    pub place: String,
    /// The image as written; `None` if it is not known.
    pub image: Option<String>,
    /// The digest that pins the image.
    pub digest: Option<Sha256>,
    /// Whether the image may be deployed.
    pub verdict: Verdict,
    /// Path of the bundle found by the digest. The report on that bundle is in [`Report::bundles`](super::Report::bundles).
    pub bundle: Option<String>,
    /// One finding per workload check, in the table's order.
    pub findings: Vec<Finding>,
}

/// A workload file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkloadFile {
    /// The workload's path, as specified by the user.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// The form of the workload.
    pub form: Form,
}

impl Admission {
    /// The verdicts counted in [`Admission::counts`], in the same order.
    pub const VERDICTS: [Verdict; 4] = [Verdict::Accept, Verdict::AcceptInPart, Verdict::Reject, Verdict::None];

    /// Number of images with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.images.iter().filter(|image| image.verdict == verdict).count()
    }
}

impl ImageReport {
    /// Determines the effect of each finding. Waivers do not apply to workloads.
    pub(crate) fn settled(mut self) -> Self {
        finding::settle(&mut self.findings, &[Group::Workload], |_| None);
        self
    }

    /// Sets the verdict from the findings, whose effects must already be determined. An image is accepted in full only if the bundle found by its
    /// digest is accepted in full.
    pub(crate) fn judged(mut self, bundle: Option<Verdict>) -> Self {
        let in_full = bundle == Some(Verdict::Accept);
        self.verdict = match Verdict::of(&self.findings, &[Group::Workload], Some(&[Group::Workload])) {
            Verdict::Accept if !in_full => Verdict::AcceptInPart,
            verdict => verdict,
        };
        self
    }

    /// Like [`ImageReport::judged`], but by the rules of version 0.1.
    pub(super) fn judged_by_version_1(mut self, bundle: Option<&BundleReport>) -> Self {
        self.verdict = match version_1::verdict(&self.findings, &Group::ALL) {
            Verdict::Accept if !bundle.is_some_and(is_whole_by_version_1) => Verdict::AcceptInPart,
            verdict => verdict,
        };
        self
    }

    /// The exit code: 0 or 1, or 3 if there is no verdict.
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Accept | Verdict::AcceptInPart => 0,
            Verdict::Reject => 1,
            Verdict::None => 3,
        }
    }

    /// The findings that reject the image.
    pub fn rejecting(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.rejects())
    }

    /// Masks everything that looks like a secret.
    pub(crate) fn masked(mut self) -> Self {
        self.place = mask(&self.place);
        self.image = self.image.as_deref().map(mask_name);
        self.findings.iter_mut().for_each(super::mask_finding);
        self
    }
}

fn is_whole_by_version_1(bundle: &BundleReport) -> bool {
    let has_gaps =
        !bundle.not_checked().is_empty() || !bundle.undecided().is_empty() || unread_layers(bundle).is_some();
    bundle.exit_code() == 0 && !has_gaps && bundle.waived().next().is_none()
}

/// What an admission does not cover: the gaps in the audit of the image's bundle, or the fact that the bundle was not audited or not accepted.
pub(super) fn left_out(bundle: Option<&BundleReport>, deployed: Option<Sha256>) -> Vec<String> {
    let all = Group::OF_BUNDLES.map(Group::word).join(", ");
    let Some(bundle) = bundle else { return vec![format!("no build was found for it: {all} not checked")] };
    if bundle.exit_code() != 0 {
        return vec![format!("its build is NOT accepted ({})", bundle.verdict.word())];
    }
    bundle.left_out(deployed)
}

impl Report {
    /// The report on the bundle found by an image's digest.
    pub(super) fn bundle_of(&self, image: &ImageReport) -> Option<&BundleReport> {
        let path = image.bundle.as_ref()?;
        self.bundles.iter().find(|bundle| bundle.path == *path)
    }
}
