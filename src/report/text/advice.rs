//! Advice on what to do next.

use super::page::unbroken;
use super::{Page, subject};
use crate::judge::check;
use crate::judge::finding::{Group, Status, Verdict};
use crate::report::{BundleReport, Report};

pub(super) fn put(page: &mut Page, report: &Report, bundle: &BundleReport) {
    let text = match bundle.verdict {
        Verdict::Accept => accepted(report, bundle),
        Verdict::AcceptInPart => in_part(report, bundle),
        Verdict::Reject => rejected(bundle),
        Verdict::None => return,
    };
    page.put("next", &text);
}

fn accepted(report: &Report, bundle: &BundleReport) -> String {
    let by_digest = match subject::digest(bundle) {
        Some(_) => "this policy allows the deployment: by the digest above, not by a tag",
        None => "the log has no digest of the image: find out which image it is",
    };
    match (bundle.not_checked().contains(&Group::Image.word()), &report.case) {
        (false, _) => by_digest.to_owned(),
        (true, None) => {
            format!("{by_digest}. Optional: compare the image with that digest, {}", unbroken("--image SOURCE"))
        }
        // Evidence cannot be added to a case.
        (true, Some(_)) => format!("{by_digest}. The image itself was not compared with it"),
    }
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
            "write a policy with your requirements ({begin}) and run again with {}",
            unbroken("--policy FILE")
        ));
    } else if !required {
        parts.push("list the groups that you need in the policy's `require`".to_owned());
    }
    if !flags.is_empty() && report.case.is_none() {
        parts.push(format!("supply the evidence that you require: {}", flags.join(", ")));
    }
    if bundle.waived().next().is_some() {
        parts.push("decide whether you accept the waivers".to_owned());
    }
    if parts.is_empty() {
        return "the missing checks need evidence that is not in this case".into();
    }
    format!("before you deploy, {}", parts.join("; "))
}

fn rejected(bundle: &BundleReport) -> String {
    let mut causes = bundle.rejecting();
    let Some(first) = causes.next() else { return String::new() };
    let own = match (first.check, first.status) {
        (check::MANIFEST_SIGNATURE, Status::Fail) => {
            "ask the build server's operator for the fingerprint of its key, over a channel other than the bundle's. If it equals a trusted key above, \
             do not use this bundle: fetch it again or build again. If it differs, have the key corrected in --key or the policy, and run again; "
        }
        (check::MANIFEST_SIGNATURE, _) => "pass the key as a file with --key, or put it next to the bundle; ",
        ("build-age", _) => {
            "do not deploy this build; make a new one, or ask the policy's owner, who alone may change max-age; "
        }
        _ => "",
    };
    let others: Vec<&str> = causes.map(|finding| finding.check).collect();
    let others = if others.is_empty() { String::new() } else { format!(" (then {})", others.join(", ")) };
    format!("{own}find out why: {}{others}", unbroken(&format!("hpsb-audit explain {}", first.check)))
}
