//! What a verdict covers: the groups that were checked, the policy, and what the policy weakens.

use serde::{Deserialize, Serialize};

use super::summary::is_signature_only;
use super::{BundleReport, ImageReport, QuestionReport, Report};
use crate::base::digest::Sha256;
use crate::base::words::counted;
use crate::judge::check;
use crate::judge::finding::{Finding, Group, Status, is_answered};

/// What a verdict covers. Read it together with `verdict`: an acceptance does not cover other groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[non_exhaustive]
pub struct Scope {
    /// Groups in which, in every bundle of the report (for workloads, for every image), a check at `require` has an answer. Empty if only the
    /// signature was checked.
    pub groups: Vec<String>,
    /// The policy's path, as specified by the user; null without a policy.
    pub policy: Option<String>,
    /// Checks for which the policy sets a level below the default, in any bundle of the report: `CHECK LEVEL`. Also `source-tree untracked` if this
    /// check passed only because the policy allows files that the commit does not contain, and `kinds-without-images GROUP/Kind` for each kind whose
    /// objects in a workload run nothing only according to the policy.
    pub weakened: Vec<String>,
}

impl Scope {
    /// The scope of the whole report. For workloads: what was checked for each image and for the bundle found by the image's digest.
    pub(super) fn of_report(report: &Report) -> Self {
        let images = report.admission.iter().flat_map(|admission| &admission.images);
        let images = images.map(|image| Self::of_image(report, image));
        let bundles = report.bundles.iter().map(|bundle| Self::of_bundle(report, bundle));
        let scopes: Vec<Self> = if report.admission.is_some() { images.collect() } else { bundles.collect() };
        let mut whole = scopes.first().cloned().unwrap_or_else(|| Self::of(report, std::iter::empty()));
        for scope in scopes.iter().skip(1) {
            whole.groups.retain(|group| scope.groups.contains(group));
            whole
                .weakened
                .extend(scope.weakened.iter().filter(|one| !whole.weakened.contains(one)).cloned().collect::<Vec<_>>());
        }
        let skipped = report.admission.iter().flat_map(|admission| admission.skipped.keys());
        whole.weakened.extend(skipped.map(|kind| format!("kinds-without-images {kind}")));
        whole
    }

    /// The scope of one image of a workload and of the bundle found by its digest.
    pub(super) fn of_image(report: &Report, image: &ImageReport) -> Self {
        let bundle = report.bundle_of(image).into_iter().flat_map(|bundle| bundle.played());
        Self::of(report, bundle.chain(&image.findings))
    }

    /// The scope of one bundle.
    pub(super) fn of_bundle(report: &Report, bundle: &BundleReport) -> Self {
        Self::of(report, bundle.played())
    }

    fn of<'f>(report: &Report, findings: impl Iterator<Item = &'f Finding>) -> Self {
        let findings: Vec<Finding> = findings.cloned().collect();
        let is_checked = |group: &Group| !is_signature_only(report) && is_answered(&findings, *group);
        Self {
            groups: Group::ALL.into_iter().filter(is_checked).map(|group| group.word().to_owned()).collect(),
            policy: report.policy.as_ref().map(|policy| policy.path.clone()),
            weakened: match &report.question {
                Some(question) => findings.iter().flat_map(|finding| weakened(question, finding)).collect(),
                None => Vec::new(),
            },
        }
    }

    /// The groups, what was not checked within them, and [`Self::in_brackets`], for the headline of an acceptance. `deployed` as in
    /// [`BundleReport::gaps`].
    pub(super) fn words(&self, bundle: Option<&BundleReport>, deployed: Option<Sha256>) -> String {
        let mut parts = vec![self.groups.join(", ")];
        let gaps = bundle.map(|bundle| bundle.gap_words(deployed)).unwrap_or_default();
        if !gaps.is_empty() {
            parts.push(format!("not checked: {}", gaps.join(", ")));
        }
        parts.extend(bundle.and_then(BundleReport::image_contradiction).map(str::to_owned));
        format!("{}{}", parts.join("; "), self.in_brackets())
    }

    /// The policy and the weakened checks, for the headline: `(policy.toml; off: source-tree)`. The text is empty if there is no policy.
    pub(super) fn in_brackets(&self) -> String {
        let Some(policy) = &self.policy else { return String::new() };
        let name = policy.rsplit(['/', '\\']).next().unwrap_or(policy);
        let mut parts = vec![name.to_owned()];
        parts.extend(counts(self.weakened.iter().map(String::as_str)));
        format!(" ({})", parts.join("; "))
    }
}

/// Which of these weakened checks are off, and how many are at `warn`: `off: source-tree`. What those at `warn` find is printed as a warning.
pub(super) fn counts<'w>(weakened: impl Iterator<Item = &'w str> + Clone) -> Vec<String> {
    let off: Vec<&str> = weakened.clone().filter_map(|one| one.strip_suffix(" off")).collect();
    let warn = weakened.clone().filter(|one| one.ends_with(" warn")).count();
    let off = (!off.is_empty()).then(|| format!("off: {}", off.join(", ")));
    let warn = (warn > 0).then(|| format!("{} at warn", counted(warn, "check")));
    let untracked = weakened.clone().any(|one| one == UNTRACKED).then(|| "untracked files allowed".to_owned());
    [off, warn, untracked].into_iter().flatten().collect()
}

pub(super) const UNTRACKED: &str = "source-tree untracked";

/// `CHECK LEVEL`, if the policy sets the check below its default level, and [`UNTRACKED`].
pub(super) fn weakened(question: &QuestionReport, finding: &Finding) -> impl Iterator<Item = String> {
    let is_set = question.levels.iter().any(|(check, _)| check == finding.check);
    let own = check::find(finding.check).filter(|_| is_set);
    let own = own.map(|own| own.own_level(|field| question.expects(field)));
    let level = own.filter(|own| finding.level > *own).map(|_| format!("{} {}", finding.check, finding.level.word()));
    let is_allowed = finding.status == Status::Pass && finding.message.contains(check::UNTRACKED_ALLOWED);
    level.into_iter().chain(is_allowed.then(|| UNTRACKED.to_owned()))
}
