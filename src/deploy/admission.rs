//! Admission: uses audited builds to decide whether workloads may be deployed, with one report per image.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::error::Error;
use crate::base::time::Timestamp;
use crate::given::attestation::Attestation;
use crate::judge::builds::{Build, Builds};
use crate::judge::check;
use crate::judge::deployment::Deployment;
use crate::judge::finding::{Finding, Level, Status, Verdict};
use crate::judge::policy::Policy;
use crate::report::{Admission, BundleReport, ImageReport, WorkloadFile};
use crate::workload::{UsedImage, Workload, all_skipped};

/// The inputs for evaluating workloads.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionQuestion<'a> {
    /// What is trusted, expected and required.
    pub policy: &'a Policy,
    /// The attestation record of an instance that runs the workload.
    pub attestation: Option<&'a Attestation>,
    /// The time as of which workloads are evaluated.
    pub now: Timestamp,
}

/// The builds of the audited bundles, in the order of `reports`.
pub fn index(reports: &[BundleReport], policy: &Policy) -> Builds {
    Builds::of(reports.iter().map(|report| Arc::new(build_of(report, policy))).collect())
}

/// Extracts from a bundle's audit under this policy the data that a report on an image needs.
pub(crate) fn build_of(report: &BundleReport, policy: &Policy) -> Build {
    let error = report.error.iter().map(Error::to_string);
    let findings = report.rejecting().map(|finding| format!("{}: {}", finding.check, finding.message));
    Build {
        path: report.path.clone(),
        sha256: report.file.map(|(digest, _)| digest),
        archive: report.seal.as_ref().map(|(digest, _)| *digest),
        build_name: report.build_name.clone(),
        title: report.titled(),
        verdict: report.verdict,
        accepted: report.exit_code() == 0,
        until: until(report, policy),
        because: error.chain(findings).collect(),
        in_play: report.in_play.clone(),
        image: report.built.clone().filter(|_| report.error.is_none()),
        of_index: report.of_index(),
    }
}

/// The earliest time at which an accepted build becomes too old for the policy, the first waiver that it needs expires, or something expires that
/// `trust-freshness` requires to be valid. The expiry of signatures on commits is not considered.
fn until(report: &BundleReport, policy: &Policy) -> Option<Timestamp> {
    let waivers = report.waived().filter_map(|finding| Some(finding.waiver.as_ref()?.expires));
    let is_asked = |finding: &&Finding| finding.level == Level::Require && finding.status == Status::Pass;
    let age = check::BUILD_AGE.answer_in(report.played()).filter(is_asked).and(policy.expect.max_age_seconds);
    let built = report.built.as_ref().and_then(|image| image.built);
    let old = age.zip(built).map(|(age, built)| built.plus_seconds(age));
    let fresh = check::TRUST_FRESHNESS.answer_in(report.played()).filter(is_asked);
    let stale = fresh.and_then(|finding| Timestamp::from_rfc3339(finding.found.as_deref()?));
    waivers.chain(old).chain(stale).min()
}

/// Audited builds, indexed for reports on images.
#[derive(Debug)]
pub struct Index {
    builds: Builds,
    counts: [usize; 4],
}

impl Index {
    /// Indexes `builds`, which must have been audited under the same policy.
    pub fn of(builds: Builds) -> Self {
        let counts = Admission::VERDICTS.map(|verdict| builds.all().filter(|build| build.verdict == verdict).count());
        Self { builds, counts }
    }

    /// The number of bundles for each of [`Admission::VERDICTS`].
    pub fn counts(&self) -> [usize; 4] {
        self.counts
    }

    /// One report for each image in a workload. This function never fails: the checks report what is not known.
    ///
    /// The reports do not show that this workload is running, or that nothing else is.
    pub fn answers(&self, workload: &Workload, question: &AdmissionQuestion<'_>) -> Vec<ImageReport> {
        workload.images.iter().map(|image| self.answer(workload, image, question)).collect()
    }

    /// The report for one image in a workload.
    pub fn answer(&self, workload: &Workload, image: &UsedImage, question: &AdmissionQuestion<'_>) -> ImageReport {
        let AdmissionQuestion { attestation, now, policy } = *question;
        let deployment = Deployment { workload, image, builds: &self.builds, attestation, now };
        let build = deployment.build();
        let reference = image.image.as_ref().ok();
        let answer = ImageReport {
            workload: file(workload),
            place: image.place.clone(),
            image: reference.map(|image| image.text.clone()),
            digest: reference.and_then(|image| image.digest()),
            verdict: Verdict::None,
            bundle: build.map(|build| build.path.clone()),
            findings: check::run_workload(&deployment, policy),
        };
        answer.settled().judged(build.map(|build| build.verdict)).masked()
    }
}

/// The reports on the images of every workload, and the reports on the bundles to which those images' digests
/// lead, without duplicates.
pub fn admit(
    workloads: &[Workload],
    reports: Vec<BundleReport>,
    evidence: Vec<String>,
    question: &AdmissionQuestion<'_>,
) -> (Admission, Vec<BundleReport>) {
    let skipped = all_skipped(workloads.iter().map(|workload| &workload.skipped));
    let index = Index::of(index(&reports, question.policy));
    let counts = index.counts();
    let images: Vec<ImageReport> = workloads.iter().flat_map(|workload| index.answers(workload, question)).collect();
    let used: BTreeSet<&String> = images.iter().filter_map(|image| image.bundle.as_ref()).collect();
    let reports = reports.into_iter().filter(|report| used.contains(&report.path)).collect();
    (Admission { evidence, counts, images, skipped }, reports)
}

fn file(workload: &Workload) -> WorkloadFile {
    WorkloadFile { path: workload.path.clone(), sha256: workload.sha256, size: workload.size, form: workload.form }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::finding::{Demand, Effect, Group, MissingEvidence};

    #[test]
    fn an_acceptance_ends_when_required_metadata_expires() {
        let ends = |level: Level| {
            let mut report = BundleReport::of_nothing("b", vec![Group::Trust]);
            report.findings.push(Finding {
                check: check::TRUST_FRESHNESS.name,
                group: Group::Trust,
                level,
                status: Status::Pass,
                message: String::new(),
                expected: None,
                found: Some("2026-03-20T00:00:00Z".into()),
                details: Vec::new(),
                says: Vec::new(),
                demand: Demand::None,
                missing_evidence: MissingEvidence::RejectsWithGroup,
                waiver: None,
                caused_by: None,
                effect: Effect::None,
            });
            until(&report, &Policy::default())
        };
        assert_eq!(ends(Level::Require), Timestamp::from_rfc3339("2026-03-20T00:00:00Z"));
        assert_eq!(ends(Level::Warn), None);
    }
}
