//! The last line: the verdict, its exit code and its meaning.

use super::{Amount, Look, Tone};
use crate::base::words::counted;
use crate::judge::finding::Verdict;
use crate::report::summary::verdict_words;
use crate::report::{Admission, BundleReport, Origin, Report};

/// The hint on how to see more details.
const MORE: &str = " More: --details";

/// Like [`verdict_words`], for images of workloads.
fn admission_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "ADMITTED",
        Verdict::AcceptInPart => "ADMITTED IN PART",
        Verdict::Reject => "DENIED",
        Verdict::None => "NO VERDICT",
    }
}

/// Colours the word at the beginning of a line.
pub(in crate::report) fn paint_first(look: Look, tone: impl Into<Tone>, word: &str, line: &str) -> String {
    match line.strip_prefix(word) {
        Some(rest) => format!("{}{rest}", look.paint(tone.into(), word)),
        None => line.to_owned(),
    }
}

/// The last line of a text report.
pub(in crate::report) fn verdict_line(report: &Report, look: Look) -> String {
    let (verdict, code) = (report.verdict(), report.exit_code());
    let (words, means) = match (&report.admission, report.bundles.as_slice()) {
        (Some(admission), _) => (admission_words(verdict), of_images(report, admission, verdict)),
        (None, [bundle]) if report.error.is_none() => (verdict_words(verdict), of_bundle(report, bundle)),
        (None, bundles) => (verdict_words(verdict), of_bundles(report, bundles, verdict)),
    };
    // The details are complete, so there is nothing more to show.
    let means = if look.amount == Amount::Everything { means.replace(MORE, "") } else { means };
    let line = match look.exit_code {
        None if report.origin == Origin::Converted => {
            format!("{words} (exit {code}), as saved: this run verified nothing.")
        }
        None => format!("{words} (exit {code}): {means}"),
        Some(own) => format!("{words} (exit {own}): no verification summary; {means}"),
    };
    paint_first(look, verdict, words, &line)
}

const NOTHING_DECIDED: &str = "nothing was decided; do not deploy.";

fn of_bundle(report: &Report, bundle: &BundleReport) -> String {
    match bundle.verdict {
        Verdict::Accept => format!("no check that the policy requires rejects it.{MORE}"),
        Verdict::AcceptInPart if is_only_waived(report, bundle) => {
            format!("only because of the waivers above.{MORE}")
        }
        Verdict::AcceptInPart => format!("not enough to deploy on its own.{MORE}"),
        Verdict::Reject => match bundle.rejecting().count() {
            1 => format!("1 check rejects it: do not deploy.{MORE}"),
            count => format!("{count} checks reject it: do not deploy.{MORE}"),
        },
        Verdict::None => NOTHING_DECIDED.into(),
    }
}

/// Whether everything that the policy requires was checked, but some answers are waived.
fn is_only_waived(report: &Report, bundle: &BundleReport) -> bool {
    let required = report.question.as_ref().map(|question| question.require.as_slice()).unwrap_or_default();
    let (not_checked, undecided) = (bundle.not_checked(), bundle.undecided());
    let is_whole = report.policy.is_some() && !required.is_empty();
    let is_built_in = bundle.not_built_in().next().is_none();
    is_whole
        && is_built_in
        && bundle.waived().next().is_some()
        && required.iter().all(|group| ![&not_checked, &undecided].iter().any(|open| open.contains(&group.word())))
}

fn of_bundles(report: &Report, bundles: &[BundleReport], verdict: Verdict) -> String {
    let all = counted(bundles.len(), "bundle");
    let share = |one, several| share(report.count(verdict), &all, one, several);
    match verdict {
        Verdict::Accept => share("is accepted", "are accepted"),
        Verdict::AcceptInPart => share("is accepted in part", "are accepted in part"),
        Verdict::Reject => share("is rejected", "are rejected"),
        Verdict::None if report.error.is_none() => share("has no verdict", "have no verdict"),
        Verdict::None => NOTHING_DECIDED.into(),
    }
}

fn of_images(report: &Report, admission: &Admission, verdict: Verdict) -> String {
    let all = counted(admission.images.len(), "image");
    let share = |one, several| share(admission.count(verdict), &all, one, several);
    match verdict {
        Verdict::Accept => share("may be deployed", "may be deployed"),
        Verdict::AcceptInPart => share("is admitted in part", "are admitted in part"),
        Verdict::Reject => share("must not be deployed", "must not be deployed"),
        Verdict::None if report.error.is_none() => share("has no verdict", "have no verdict"),
        Verdict::None => NOTHING_DECIDED.into(),
    }
}

/// For example `2 of 3 bundles are rejected.`
fn share(count: usize, all: &str, one: &str, several: &str) -> String {
    format!("{count} of {all} {}.{MORE}", if count == 1 { one } else { several })
}
