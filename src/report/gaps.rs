//! What the audit of a bundle leaves open.

use super::BundleReport;
use crate::judge::finding::{Finding, Group, is_answered};

impl BundleReport {
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
