//! The question from the other side: may this be deployed? Audited builds on one side, workloads on the other, one answer for each image.

use std::collections::BTreeSet;

use crate::attestation::Attestation;
use crate::builds::{Build, Builds};
use crate::check;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::finding::{Group, Verdict};
use crate::policy::Policy;
use crate::report::{Admission, BundleReport, ImageReport, WorkloadFile};
use crate::time::Timestamp;
use crate::workload::Workload;

/// What is asked of workloads.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionQuestion<'a> {
    /// What is trusted, expected and required.
    pub policy: &'a Policy,
    /// The attestation record of an instance that runs the workload.
    pub attestation: Option<&'a Attestation>,
    /// The moment that is asked for.
    pub now: Timestamp,
}

/// The policy by which bundles are audited for an admission. What it requires of the group `workload` is asked of each image, since no bundle can
/// answer it.
pub fn policy_for_bundles(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    policy.require.retain(|group| *group != Group::Workload);
    policy
}

/// The index of audited builds.
pub fn index(reports: &[BundleReport]) -> Builds {
    let mut builds = Builds::default();
    for report in reports {
        let error = report.error.iter().map(Error::to_string);
        let findings = report.rejecting().map(|finding| format!("{}: {}", finding.check, finding.message));
        builds.add(Build {
            path: report.path.clone(),
            sha256: report.file.map(|(digest, _)| digest),
            build_name: report.build_name.clone(),
            verdict: report.verdict,
            accepted: report.exit_code() == 0,
            because: error.chain(findings).collect(),
            in_play: report.in_play.clone(),
            image: report.built.clone().filter(|_| report.error.is_none()),
        });
    }
    builds
}

/// One answer for each image of each workload. It never fails: what is not known rejects. The second part are the reports on the bundles that
/// digests led to, each once.
///
/// It does not say that the workload is what runs, or that nothing else does.
pub fn admit(
    workloads: &[Workload],
    reports: Vec<BundleReport>,
    evidence: Vec<String>,
    question: &AdmissionQuestion<'_>,
) -> (Admission, Vec<BundleReport>) {
    let builds = index(&reports);
    let counts = Admission::VERDICTS.map(|verdict| reports.iter().filter(|report| report.verdict == verdict).count());
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut images = Vec::new();
    for workload in workloads {
        for image in &workload.images {
            let AdmissionQuestion { attestation, now, policy } = *question;
            let deployment = Deployment { workload, image, builds: &builds, attestation, now };
            let bundle = deployment.build().map(|build| build.path.clone());
            let reference = image.image.as_ref().ok();
            let report = bundle.as_ref().and_then(|path| reports.iter().find(|report| report.path == *path));
            let answer = ImageReport {
                workload: file(workload),
                place: image.place.clone(),
                image: reference.map(|image| image.text.clone()),
                digest: reference.and_then(|image| image.digest()),
                verdict: Verdict::None,
                bundle: bundle.clone(),
                findings: check::run_workload(&deployment, policy),
            };
            images.push(answer.judged(report).masked());
            used.extend(bundle);
        }
    }
    let reports = reports.into_iter().filter(|report| used.contains(&report.path)).collect();
    (Admission { evidence, counts, images }, reports)
}

fn file(workload: &Workload) -> WorkloadFile {
    WorkloadFile { path: workload.path.clone(), sha256: workload.sha256, size: workload.size, form: workload.form }
}
