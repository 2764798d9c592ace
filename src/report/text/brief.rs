//! One bundle on one screen: what was checked, what was not, the grade of the key, and what to do.

use super::closing::paint_first;
use super::page::clipped;
use super::subject::{self, KNOWN, UNPROVED};
use super::{Look, Page, Tone, advice};
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::words::counted;
use crate::judge::finding::{Finding, Reason, Status, Verdict};
use crate::report::outside::none_in_line;
use crate::report::summary::verdict_words;
use crate::report::{BundleReport, QuestionReport, Report, Rules, remarks, summary};

/// Number of lines on the screen for an accepted bundle, including the last line.
const SCREEN_LINES: usize = 24;
/// Number of lines that are added at the end for the verdict.
const LINES_BELOW: usize = 1;
/// Maximum number of details of a rejecting check; `--details` prints all details.
const DETAILS: usize = 3;

/// The screen for the only bundle of a report.
pub(super) fn screen(report: &Report, bundle: &BundleReport, look: Look) -> String {
    section(report, bundle, look).text()
}

/// The lines about one bundle.
pub(super) fn section(report: &Report, bundle: &BundleReport, look: Look) -> Page {
    let mut page = look.page();
    if let Some(error) = &bundle.error {
        fault(&mut page, look, error);
        subject::put_build(&mut page, bundle);
        page.put("file", &for_terminal(&bundle.path));
        return page;
    }
    headline(&mut page, report, bundle, look);
    subject::put_build(&mut page, bundle);
    causes(&mut page, report, bundle);
    subject::put(&mut page, report, bundle);
    // Answers are more important than the glossary, the list of inputs and the names of checks that did not run, so those are shortened first.
    let mut room = None;
    let mut rest = page.beside();
    for (has_names, has_words, lines) in
        [(true, true, 3), (true, true, 2), (false, true, 3), (false, true, 2), (false, false, 2), (false, false, 1)]
    {
        rest = below(&page, report, bundle, has_names, lines);
        if has_words && bundle.key.is_some() {
            rest.put("words", KNOWN);
        }
        advice::put(&mut rest, report, bundle);
        room = SCREEN_LINES.checked_sub(page.count() + rest.count() + LINES_BELOW);
        let needed: usize = bundle.doubts().map(|finding| page.lines_of(&doubt(finding))).sum();
        if room.is_some_and(|room| needed <= room) {
            break;
        }
    }
    put_doubts(&mut page, bundle, if bundle.verdict == Verdict::Reject { usize::MAX } else { room.unwrap_or(0) });
    page.append(rest);
    page
}

/// The section below the checks, with at most `lines` lines for inputs outside the commit.
fn below(page: &Page, report: &Report, bundle: &BundleReport, has_names: bool, lines: usize) -> Page {
    let mut rest = page.beside();
    rest.put("checks", &format!("{}{}", counts(bundle, has_names), groups_not_checked(report, bundle, has_names)));
    remarks(&mut rest, report);
    outside(&mut rest, bundle, lines);
    if summary::was_read(bundle) {
        rest.put("unproved", UNPROVED);
    }
    rest
}

/// Why there is no verdict, and what to do.
pub(super) fn fault(page: &mut Page, look: Look, error: &Error) {
    page.line(look.paint(Tone::Bad, verdict_words(Verdict::None)));
    page.put("because", &for_terminal(&summary::fault(error)));
    page.put("next", &for_terminal(&summary::hint(error)));
}

fn headline(page: &mut Page, report: &Report, bundle: &BundleReport, look: Look) {
    let mut whole = page.beside();
    whole.sentence(&for_terminal(&summary::headline(report, bundle)));
    for line in whole.text().lines() {
        page.line(paint_first(look, bundle.verdict, verdict_words(bundle.verdict), line));
    }
}

/// All rejecting checks, each with the number of its consequences.
pub(super) fn causes(page: &mut Page, report: &Report, bundle: &BundleReport) {
    for finding in bundle.rejecting() {
        page.put("because", &clipped(&for_terminal(&format!("{}: {}", finding.check, finding.message))));
        if let (Some(expected), Some(found)) = (&finding.expected, &finding.found) {
            page.put("", &clipped(&format!("expected: {}", for_terminal(expected))));
            page.put("", &clipped(&format!("found: {}", for_terminal(found))));
        }
        // The found value is often also the first detail.
        let details: Vec<&String> =
            finding.details.iter().filter(|detail| Some(*detail) != finding.found.as_ref()).collect();
        for detail in details.iter().take(DETAILS) {
            page.put("", &clipped(&for_terminal(detail)));
        }
        if let Some(more) = details.len().checked_sub(DETAILS).filter(|more| *more > 0) {
            page.put("", &format!("and {} more", counted(more, "line")));
        }
        if let Some(waiver) = &finding.waiver {
            page.put("", &clipped(&for_terminal(&waiver.words())));
        }
        if let Some(count) = summary::not_looked_at(report, bundle.consequences_of(finding)) {
            page.put("", &count);
        }
    }
}

/// For example `14 pass, 6 not run: 4 no expectation, 2 no evidence`, for the groups in play.
fn counts(bundle: &BundleReport, has_names: bool) -> String {
    let own = || bundle.played().filter(|finding| !finding.is_consequence());
    let of = |status: Status| own().filter(|finding| finding.status == status).count();
    let mut parts: Vec<String> = [Status::Pass, Status::Fail, Status::Unknown]
        .into_iter()
        .filter(|status| *status == Status::Pass || of(*status) > 0)
        .map(|status| format!("{} {}", of(status), status.word()))
        .collect();
    let follow = bundle.played().filter(|finding| finding.is_consequence()).count();
    if follow > 0 {
        parts.push(format!("{follow} without an answer because of another check"));
    }
    let in_order = [Reason::NoExpectation, Reason::NoEvidence, Reason::Off, Reason::NotBuiltIn, Reason::Refused];
    let reasons: Vec<String> = in_order
        .into_iter()
        .filter(|reason| of(Status::NotRun(*reason)) > 0)
        .map(|reason| {
            let names: Vec<&str> =
                own().filter(|finding| finding.status == Status::NotRun(reason)).map(|finding| finding.check).collect();
            let words =
                if reason == Reason::Refused { "because of another check" } else { &reason.word().replace('-', " ") };
            let words = format!("{} {words}", names.len());
            if has_names || reason == Reason::Off { format!("{words} ({})", names.join(", ")) } else { words }
        })
        .collect();
    let not_run = own().filter(|finding| finding.status.is_not_run()).count();
    if not_run > 0 {
        parts.push(format!("{not_run} not run: {}", reasons.join(", ")));
    }
    parts.join(", ")
}

/// The groups without an answer. Empty if the headline of an acceptance in part already lists these groups and `has_names` is false, or if nothing
/// was read.
fn groups_not_checked(report: &Report, bundle: &BundleReport, has_names: bool) -> String {
    // Evidence cannot be added to a case.
    let has_flags = has_names && report.case.is_none();
    let is_in_headline = bundle.verdict == Verdict::AcceptInPart && !has_names;
    if is_in_headline || !summary::was_read(bundle) {
        return String::new();
    }
    let named = |groups: Vec<&'static str>, has_flags: bool| {
        let words = groups.into_iter().map(|group| group_words(group, has_flags)).collect::<Vec<_>>().join(", ");
        Some(words).filter(|words| !words.is_empty())
    };
    let not_checked = named(bundle.not_checked(), has_flags).map(|words| format!("; also not checked: {words}"));
    let undecided = named(bundle.undecided(), false).map(|words| format!("; no deciding answer: {words}"));
    [not_checked, undecided].into_iter().flatten().collect()
}

fn group_words(group: &'static str, has_flags: bool) -> &'static str {
    match group {
        "image" if has_flags => "the image (--image)",
        "image" => "the image",
        "trust" if has_flags => "its signatures (--trust)",
        "trust" => "its signatures",
        "builder" if has_flags => "the server's attestation (--builder)",
        "builder" => "the server's attestation",
        other => other,
    }
}

/// Prints the doubtful answers; if there is not enough space, prints only the names of the remaining checks.
fn put_doubts(page: &mut Page, bundle: &BundleReport, mut left: usize) {
    let all: Vec<&Finding> = bundle.doubts().collect();
    let mut shown = 0;
    for (at, finding) in all.iter().enumerate() {
        let text = doubt(finding);
        let is_last = at + 1 == all.len();
        let names: Vec<&str> = all.iter().skip(at + 1).map(|finding| finding.check).collect();
        let for_others = if is_last { 0 } else { page.lines_of(&others(&names, at + 1)) };
        let lines = page.lines_of(&text);
        if lines + for_others > left {
            break;
        }
        page.put(if finding.is_waived() { "waived" } else { "warning" }, &text);
        left -= lines;
        shown += 1;
    }
    let names: Vec<&str> = all.iter().skip(shown).map(|finding| finding.check).collect();
    if !names.is_empty() {
        page.put("warning", &others(&names, shown));
    }
}

fn others(names: &[&str], shown: usize) -> String {
    let check = if shown > 0 { "more check" } else { "check" };
    format!("{}, warned or waived: {}", counted(names.len(), check), names.join(", "))
}

fn doubt(finding: &Finding) -> String {
    let said = match &finding.waiver {
        Some(waiver) if finding.is_waived() => format!("{}; {}", finding.message, waiver.words()),
        _ => finding.message.clone(),
    };
    let sides = match (&finding.expected, &finding.found) {
        (Some(expected), Some(found)) => format!("; expected {expected}, found {found}"),
        _ => String::new(),
    };
    clipped(&for_terminal(&format!("{}: {said}{sides}", finding.check)))
}

/// Remarks about the question.
fn remarks(page: &mut Page, report: &Report) {
    if let Some(ignored) = report.question.as_ref().and_then(QuestionReport::ignored) {
        page.put("policy", &clipped(&for_terminal(&ignored)));
    }
    if report.rules == Rules::Version1 {
        page.put("rules", remarks::VERSION_1);
    }
}

/// Inputs that the commit does not pin, limited to the number that fits on `lines` lines.
fn outside(page: &mut Page, bundle: &BundleReport, lines: usize) {
    let outside = &bundle.outside_the_commit;
    if outside.lines.is_empty() {
        page.put("inputs", &none_in_line(bundle));
        return;
    }
    let head = outside.found().map_or_else(String::new, |found| format!("{found}: "));
    let mut text = head.trim_end_matches(": ").to_owned();
    for count in 1..=outside.lines.len() {
        let listed: Vec<String> = outside.lines.iter().take(count).map(|input| clipped(&for_terminal(input))).collect();
        let left = outside.total().saturating_sub(count);
        let more = if left > 0 { format!("; and {left} more") } else { String::new() };
        let longer = format!("{head}{}{more}", listed.join("; "));
        if page.lines_of(&longer) > lines && !text.is_empty() {
            break;
        }
        text = longer;
    }
    page.put("inputs", &text);
}
