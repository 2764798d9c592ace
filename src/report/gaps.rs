//! What the audit of a bundle leaves open.

use std::collections::BTreeSet;

use super::summary::unread_layers;
use super::{BundleReport, Report, scope};
use crate::base::digest::Sha256;
use crate::judge::check;
use crate::judge::finding::{Finding, Group, Level, Reason, Status, is_answered};

impl BundleReport {
    /// That the supplied image is another one than the log's, if it is and the build is accepted all the same.
    pub(super) fn image_contradiction(&self) -> Option<&'static str> {
        (self.image_digest()? == Status::Fail).then_some("the supplied image is NOT the one with the digest in the log")
    }

    fn image_digest(&self) -> Option<Status> {
        check::IMAGE_DIGEST.answer_in(self.played()).map(|finding| finding.status)
    }

    /// What was not checked within groups of which something was checked. An index's other images are deployed only by its digest; without `deployed`,
    /// they count too.
    pub(super) fn gaps(&self, deployed: Option<Sha256>) -> Vec<(Group, &'static str)> {
        let answers = |check: &check::Check| check.answer_in(self.played()).is_some_and(Finding::is_answer);
        let is_compared = matches!(self.image_digest(), Some(Status::Pass | Status::Fail));
        let has_others = self.of_index().is_some_and(|index| match deployed {
            Some(digest) => index.only_examined(digest).is_some(),
            None => index.has_others,
        });
        let gaps = [
            (!is_compared, Group::Image, "the image's own digest"),
            (has_others, Group::Image, "the other images of the index"),
            (unread_layers(self).is_some(), Group::Image, "the image's layers"),
            (!answers(check::BUILDER_WORKLOAD), Group::Builder, "the server's workload"),
        ];
        let gaps = gaps.into_iter().filter(|(is_open, group, _)| *is_open && self.has_answer(*group));
        gaps.map(|(_, group, words)| (group, words)).collect()
    }

    /// The words of [`Self::gaps`].
    pub(super) fn gap_words(&self, deployed: Option<Sha256>) -> Vec<&'static str> {
        self.gaps(deployed).into_iter().map(|(_, words)| words).collect()
    }

    /// What an acceptance in part does not cover, for headlines.
    pub(super) fn left_out(&self, deployed: Option<Sha256>) -> Vec<String> {
        let waived = self.waived().map(|finding| finding.check).collect();
        let not_checked = [self.not_checked(), self.gap_words(deployed)].concat();
        let parts = [(not_checked, "not checked"), (self.undecided(), "without a deciding answer"), (waived, "waived")];
        let parts = parts.into_iter().filter(|(names, _)| !names.is_empty());
        let parts = parts.map(|(names, what)| format!("{} {what}", names.join(", ")));
        parts.chain(self.image_contradiction().map(str::to_owned)).collect()
    }

    /// Answers that do not reject but that the reader must see: failed or undecided at `warn`, or waived.
    pub fn doubts(&self) -> impl Iterator<Item = &Finding> {
        self.played().filter(|finding| finding.is_doubt())
    }

    /// Required checks in play that this build of the program does not include.
    pub(crate) fn not_built_in(&self) -> impl Iterator<Item = &'static str> {
        self.unanswered().filter(|finding| finding.is_not_built_in()).map(|finding| finding.check)
    }

    /// Gaps of an acceptance in part: groups in which no check has an answer, and required checks in play that this build does not include.
    pub(crate) fn not_checked(&self) -> Vec<&'static str> {
        let is_open = |group: &Group| !self.has_answer(*group);
        let groups = Group::OF_BUNDLES.into_iter().filter(is_open);
        groups.map(Group::word).chain(self.not_built_in()).collect()
    }

    /// Further gaps: groups with answers, none of which decides anything, because no check at `require` has one.
    pub(crate) fn undecided(&self) -> Vec<&'static str> {
        let is_open = |group: &Group| self.has_answer(*group) && !is_answered(&self.findings, *group);
        Group::OF_BUNDLES.into_iter().filter(is_open).map(Group::word).collect()
    }

    pub(crate) fn has_answer(&self, group: Group) -> bool {
        self.played().any(|finding| finding.group == group && finding.is_answer())
    }

    /// Groups that were not checked.
    pub fn not_in_play(&self) -> Vec<Group> {
        Group::OF_BUNDLES.into_iter().filter(|group| !self.in_play.contains(group)).collect()
    }
}

/// Deviations that a reviewer must accept or refuse.
#[derive(Default)]
pub(super) struct Exceptions {
    /// What speaks against the build: waivers, and failures and undecided answers at `warn`.
    pub(super) against: Vec<String>,
    /// Checks that are off or weakened, required checks that had nothing to compare or no evidence, changed limits.
    pub(super) others: Vec<String>,
}

impl Exceptions {
    /// All exceptions, with those that speak against the build first.
    pub(super) fn all(self) -> Vec<String> {
        [self.against, self.others].concat()
    }
}

/// The checks whose answers do not reject these bundles but speak against them.
pub(super) fn checks_in_doubt<'b>(bundles: impl Iterator<Item = &'b BundleReport>) -> BTreeSet<&'static str> {
    bundles.flat_map(BundleReport::doubts).map(|finding| finding.check).collect()
}

/// [`checks_in_doubt`], in lines that no page cuts.
pub(super) fn lines_in_doubt<'b>(bundles: impl Iterator<Item = &'b BundleReport>) -> Vec<String> {
    const LETTERS: usize = 120;
    let mut lines: Vec<String> = Vec::new();
    for check in checks_in_doubt(bundles) {
        match lines.last_mut().filter(|line| line.len() < LETTERS) {
            Some(line) => {
                line.push_str(", ");
                line.push_str(check);
            }
            None => lines.push(format!("Warnings or waivers: {check}")),
        }
    }
    lines
}

/// The exceptions of a bundle.
pub(super) fn exceptions(report: &Report, bundle: &BundleReport) -> Exceptions {
    let mut found = Exceptions::default();
    for finding in bundle.played() {
        let (check, message) = (finding.check, &finding.message);
        if let Some(waiver) = &finding.waiver {
            found.against.push(format!("{check} ({}): {}; {message}", finding.status.word(), waiver.words()));
            continue;
        }
        if finding.status == Status::Pass && message.contains(check::UNTRACKED_ALLOWED) {
            found.others.push(format!("{check}: the policy allows files that the commit does not contain"));
        }
        match (finding.level, finding.status) {
            (Level::Off, _) => found.others.push(format!("{check}: this check is off")),
            (Level::Warn, Status::Fail) => found.against.push(format!("{check} fails, at level warn: {message}")),
            (Level::Warn, Status::Unknown) => {
                found.against.push(format!("{check} could not decide, at level warn: {message}"));
            }
            (Level::Require, Status::NotRun(Reason::NoEvidence)) if !finding.rejects() => {
                found.others.push(format!("{check}: no evidence: {message}"));
            }
            (Level::Require, Status::NotRun(Reason::NoExpectation)) => {
                found.others.push(format!("{check}: not compared: {message}"));
            }
            (Level::Warn, Status::Pass | Status::NotRun(_)) => {
                let weakened = report.question.iter().flat_map(|question| scope::weakened(question, finding));
                let weakened = weakened.filter(|one| one != scope::UNTRACKED);
                found.others.extend(weakened.map(|one| format!("the policy weakens {one}")));
            }
            _ => {}
        }
    }
    if let Some(question) = &report.question {
        let limits = question.limits.iter();
        found.others.extend(limits.map(|(name, value)| format!("the limit {name} was set to {value}")));
    }
    found
}
