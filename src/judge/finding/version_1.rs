//! The rules of version 0.1, for reports and cases that version 0.1 wrote.

use super::{Effect, Finding, Group, Level, Verdict};

/// Sets each finding's effect independently of the other findings, even in a report with no verdict.
pub(crate) fn settle(findings: &mut [Finding], in_play: &[Group]) {
    for finding in findings {
        let objects = in_play.contains(&finding.group) && finding.objects();
        finding.effect = match (objects, finding.has_active_waiver()) {
            (false, _) => Effect::None,
            (true, true) => Effect::Waived,
            (true, false) => Effect::Rejects,
        };
    }
}

/// The verdict under the rules of version 1: an acceptance required that every group, including `workload`, was in play, and an answer in every group
/// with findings.
pub(crate) fn verdict(findings: &[Finding], in_play: &[Group]) -> Verdict {
    let mut played = findings.iter().filter(|finding| in_play.contains(&finding.group));
    if played.clone().any(Finding::rejects) {
        return Verdict::Reject;
    }
    let partial = played.any(|finding| finding.is_not_built_in() || finding.is_waived());
    let is_undecided = |group: &Group| {
        let mut own = findings.iter().filter(|finding| finding.group == *group).peekable();
        own.peek().is_some() && !own.any(|finding| finding.level == Level::Require && finding.is_answer())
    };
    let partial = partial || in_play.iter().any(is_undecided);
    if partial || Group::ALL.iter().any(|group| !in_play.contains(group)) {
        return Verdict::AcceptInPart;
    }
    Verdict::Accept
}
