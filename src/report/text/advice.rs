//! Advice on what to do next.

use super::page::unbroken;
use super::{Page, subject};
use crate::judge::builds::OfIndex;
use crate::judge::finding::{Group, Verdict};
use crate::report::{BundleReport, Report, remedy, summary};

pub(super) fn put(page: &mut Page, report: &Report, bundle: &BundleReport) {
    let text = match bundle.verdict {
        Verdict::Accept => accepted(report, bundle),
        Verdict::AcceptInPart => in_part(report, bundle),
        Verdict::Reject => rejected(report, bundle),
        Verdict::None => return,
    };
    page.put("next", &text);
}

fn accepted(report: &Report, bundle: &BundleReport) -> String {
    // As on the page to be filed: an acceptance alone is not permission to deploy.
    let workload = match report.question.as_ref().is_some_and(|question| !question.passed_over.is_empty()) {
        true => format!("check the workload, which this audit did not check: {}; ", unbroken("hpsb-audit admit")),
        false => String::new(),
    };
    let first = format!("Decide on what was not checked or proved; {workload}then ");
    if subject::digest(bundle).is_none() {
        let why = if summary::log_was_read(bundle) { "the log has no image digest" } else { "no log was read" };
        return format!("{first}find out which image was built: {why}");
    }
    if let Some(OfIndex { manifest, has_others }) = bundle.of_index() {
        let others = if has_others { "; its other images were not examined" } else { "" };
        return format!("{first}deploy the manifest {manifest}: the digest above is of an index{others}");
    }
    let more = match (bundle.in_play.contains(&Group::Image), &report.case) {
        (true, _) => String::new(),
        (false, None) => format!(". Optional: compare the image with this digest, {}", unbroken("--image SOURCE")),
        // Evidence cannot be added to a case.
        (false, Some(_)) => ". The image's own digest was not compared".into(),
    };
    format!("{first}deploy the image by the digest above, not by a tag{more}")
}

fn in_part(report: &Report, bundle: &BundleReport) -> String {
    let not_checked = bundle.not_checked();
    let flags = [(Group::Image, "--image SOURCE"), (Group::Trust, "--trust DIR"), (Group::Builder, "--builder DIR")];
    let flags: Vec<String> = flags
        .into_iter()
        .filter(|(group, _)| not_checked.contains(&group.word()))
        .map(|(_, flag)| unbroken(flag))
        .collect();
    let required = report.question.as_ref().is_some_and(|question| !question.require.is_empty());
    let mut parts = Vec::new();
    if report.policy.is_none() {
        let begin = unbroken("hpsb-audit policy init > policy.toml");
        parts.push(format!(
            "get your organisation's policy, or write one ({begin}), and run again with {}",
            unbroken("--policy FILE")
        ));
    } else if !required {
        parts.push("list the groups that you need in the policy's `require`".to_owned());
    }
    if !flags.is_empty() && report.case.is_none() {
        let words = if report.policy.is_none() {
            "supply what the policy requires"
        } else {
            "decide whether you need more evidence"
        };
        parts.push(format!("{words}: {}", flags.join(", ")));
    }
    let lacking: Vec<&str> = bundle.not_built_in().collect();
    if !lacking.is_empty() {
        parts.push(format!("audit with a build of the program that includes {}", lacking.join(", ")));
    }
    if bundle.waived().next().is_some() {
        parts.push("decide whether you accept the waivers".to_owned());
    }
    if let Some(OfIndex { manifest, has_others }) = bundle.of_index() {
        let others = if has_others { "; its other images were not examined" } else { "" };
        parts.push(format!("deploy only the manifest {manifest}: the digest above is of an index{others}"));
    }
    if parts.is_empty() {
        return "The missing checks need evidence that is not in this case".into();
    }
    format!("Before you deploy: {}", parts.join("; "))
}

fn rejected(report: &Report, bundle: &BundleReport) -> String {
    let mut causes = bundle.rejecting();
    let Some(first) = causes.next() else { return String::new() };
    let others: Vec<&str> = causes.map(|finding| finding.check).collect();
    let others = if others.is_empty() { String::new() } else { format!(" (then {})", others.join(", ")) };
    let why = format!("Find out why: {}{others}", unbroken(&format!("hpsb-audit explain {}", first.check)));
    format!("{} {why}", remedy::sentences(report, bundle)).trim_start().to_owned()
}
