//! Every check in play and every fact: first the verdict and its reasons, then each check, then the facts with their witnesses.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};

use super::closing::paint_first;
use super::{Look, opening};
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::words::counted;
use crate::judge::check::status_text;
use crate::judge::finding::{Finding, Level, Status, Verdict};
use crate::report::outside::none_in_line;
use crate::report::summary::verdict_words;
use crate::report::{BundleReport, QuestionReport, Report, Rules, remarks, summary as words};

pub(super) fn page(report: &Report, look: Look) -> String {
    let mut page = opening(report, look);
    for bundle in &report.bundles {
        section(&mut page, look, report, bundle);
    }
    if report.bundles.len() > 1 {
        totals(&mut page, look, report);
    }
    page
}

fn section(page: &mut String, look: Look, report: &Report, bundle: &BundleReport) {
    let name = bundle.build_name.is_some().then(|| for_terminal(&bundle.titled()));
    if let Some(error) = &bundle.error {
        fault(page, look, error);
        if let Some(name) = &name {
            line(page, "build", name);
        }
        line(page, "file", &file(bundle));
        page.push('\n');
        return;
    }
    let headline = for_terminal(&words::headline(report, bundle));
    let _ = writeln!(page, "{}", paint_first(look, bundle.verdict, verdict_words(bundle.verdict), &headline));
    line(page, "build", name.as_deref().unwrap_or_default());
    if let Some(judged) = words::judged(report, Some(bundle)) {
        line(page, "judged", &format!("as of {judged}"));
    }
    for finding in bundle.rejecting() {
        line(page, "because", &format!("{}: {}", finding.check, for_terminal(&finding.message)));
        if let Some(count) = words::not_looked_at(report, bundle.consequences_of(finding)) {
            line(page, "", &count);
        }
    }
    if let Some(ignored) = report.question.as_ref().and_then(QuestionReport::ignored) {
        line(page, "policy", &for_terminal(&ignored));
    }
    if report.rules == Rules::Version1 {
        line(page, "rules", remarks::VERSION_1);
    }
    for finding in bundle.played() {
        if let Some(waiver) = &finding.waiver {
            line(page, "waiver", &format!("{}: {}", finding.check, for_terminal(&waiver.words())));
        }
    }
    line(page, "file", &file(bundle));
    match &bundle.key {
        Some(key) => {
            line(page, "key", &format!("{} ({}, {} bits)", key.fingerprint, key.kind, key.bits));
            line(page, "key grade", &format!("{}, named by: {}", key.grade.word(), for_terminal(&key.source)));
        }
        None => line(page, "key", words::no_key(bundle)),
    }
    let _ = writeln!(page);
    checks(page, bundle);
    comparisons(page, look, bundle);
    facts(page, look, bundle);
    outside(page, bundle);
    if bundle.verdict != Verdict::Reject {
        let _ = writeln!(
            page,
            "Not proved: who holds the key, that the log is true, or that the image was built from this source."
        );
    }
    hints(page, bundle);
    page.push('\n');
}

fn file(bundle: &BundleReport) -> String {
    let path = for_terminal(&bundle.path);
    match bundle.file {
        Some((digest, size)) => format!("{path}\n{digest} ({size} bytes)"),
        None => path,
    }
}

/// Prints a line with a label.
pub(in crate::report) fn line(page: &mut String, label: &str, text: &str) {
    for (at, part) in text.split('\n').enumerate() {
        let _ = writeln!(page, "  {:<10} {part}", if at == 0 { label } else { "" });
    }
}

fn checks(page: &mut String, bundle: &BundleReport) {
    for finding in bundle.findings.iter().filter(|finding| bundle.in_play.contains(&finding.group)) {
        let level = match finding.level {
            Level::Warn => " (warn)",
            _ if finding.is_waived() => " (waived)",
            _ => "",
        };
        let message = for_terminal(&finding.message);
        let _ = writeln!(page, "  {} {:<19} {message}{level}", status_column(finding), finding.check);
    }
}

/// The status of a check, padded to the longest status.
pub(in crate::report) fn status_column(finding: &Finding) -> String {
    format!("{:<23}", status_text(finding.status))
}

/// Prints the expected and the found value side by side for each check that did not pass and has an expected value, followed by the details of
/// failed and undecided checks.
fn comparisons(page: &mut String, look: Look, bundle: &BundleReport) {
    let differs = |finding: &&Finding| finding.status != Status::Pass && finding.expected.is_some();
    let rows: Vec<&Finding> = bundle.findings.iter().filter(differs).collect();
    if !rows.is_empty() {
        let mut table = new_table(look);
        table.set_header(["check", "expected", "found"]);
        for finding in rows {
            let side = |text: &Option<String>| for_terminal(text.as_deref().unwrap_or("-"));
            table.add_row([finding.check.to_owned(), side(&finding.expected), side(&finding.found)]);
        }
        let _ = writeln!(page, "\n{table}");
    }
    for finding in
        bundle.findings.iter().filter(|f| matches!(f.status, Status::Fail | Status::Unknown) && !f.details.is_empty())
    {
        let _ = writeln!(page, "  {}:", finding.check);
        for detail in &finding.details {
            let _ = writeln!(page, "    {}", for_terminal(detail));
        }
    }
}

fn facts(page: &mut String, look: Look, bundle: &BundleReport) {
    if bundle.evidence.is_empty() {
        return;
    }
    let mut table = new_table(look);
    table.set_header(["fact", "witness", "known", "value"]);
    for fact in &bundle.evidence {
        table.add_row([&for_terminal(&fact.fact), fact.witness, fact.known.word(), &for_terminal(&fact.value)]);
    }
    let _ = writeln!(page, "\n{table}");
}

fn outside(page: &mut String, bundle: &BundleReport) {
    if bundle.outside_the_commit.lines.is_empty() {
        let _ = writeln!(page, "\nOutside the commit: {}", none_in_line(bundle));
        return;
    }
    let _ = writeln!(page, "\nOutside the commit: inputs of the build that the commit does not pin");
    for input in &bundle.outside_the_commit.lines {
        let _ = writeln!(page, "  - {}", for_terminal(input));
    }
    let _ = writeln!(page);
}

fn hints(page: &mut String, bundle: &BundleReport) {
    for finding in bundle.rejecting() {
        let _ = writeln!(page, "hint: run `hpsb-audit explain {}` to see what the check covers", finding.check);
    }
}

fn fault(page: &mut String, look: Look, error: &Error) {
    let words = verdict_words(Verdict::None);
    let _ = writeln!(page, "{}", paint_first(look, Verdict::None, words, words));
    line(page, "because", &for_terminal(&words::fault(error)));
    line(page, "hint", &for_terminal(&words::hint(error)));
}

/// One row per bundle, then the totals.
fn totals(page: &mut String, look: Look, report: &Report) {
    let mut table = new_table(look);
    table.set_header(["verdict", "exit", "build", "because"]);
    for bundle in &report.bundles {
        let because = match &bundle.error {
            Some(error) => words::fault(error),
            None => bundle.rejecting().map(|finding| finding.check).collect::<Vec<_>>().join(", "),
        };
        let name = for_terminal(&bundle.titled());
        table.add_row([bundle.verdict.word(), &bundle.exit_code().to_string(), &name, &for_terminal(&because)]);
    }
    let _ = writeln!(page, "{table}");
    let counts = [Verdict::Accept, Verdict::AcceptInPart, Verdict::Reject, Verdict::None]
        .map(|verdict| format!("{} {}", report.count(verdict), verdict.word()));
    let _ = writeln!(page, "{}: {}", counted(report.bundles.len(), "bundle"), counts.join(", "));
}

fn new_table(look: Look) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_BORDERS_ONLY_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.columns);
    table
}
