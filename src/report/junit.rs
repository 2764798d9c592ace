//! JUnit XML, as CI systems read it (the schema of Jenkins' xUnit plug-in): a suite for each bundle, a case for each check. A case fails
//! exactly where the check rejects; what was not looked at, or says no without deciding, is skipped and says why.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{BundleReport, Report, summary};
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::judge::check::status_text;
use crate::judge::finding::{Finding, Status, Waiver};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hpsb-audit\">\n");
    if let Some(error) = &report.error {
        page.push_str("  <testsuite name=\"audit\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n");
        properties(&mut page, &[("verdict", report.verdict().word()), ("exit-code", &report.exit_code().to_string())]);
        no_verdict(&mut page, "audit", error);
        page.push_str("  </testsuite>\n");
    }
    for bundle in &report.bundles {
        suite(&mut page, report, bundle);
    }
    page.push_str("</testsuites>\n");
    out.write_all(page.as_bytes())
}

fn suite(page: &mut String, report: &Report, bundle: &BundleReport) {
    let name = bundle.build_name.as_deref().unwrap_or(&bundle.path);
    let failures = bundle.rejecting().count();
    let passed = bundle.findings.iter().filter(|finding| finding.status == Status::Pass).count();
    let errors = usize::from(bundle.error.is_some());
    let _ = writeln!(
        page,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{}\">",
        text(name),
        bundle.findings.len().saturating_add(errors),
        bundle.findings.len().saturating_sub(passed).saturating_sub(failures),
    );
    let digest = bundle.file.map(|(digest, _)| digest.to_string()).unwrap_or_default();
    let grade = bundle.key.as_ref().map_or("none", |key| key.grade.word());
    let now = report.now.map(|now| now.to_string()).unwrap_or_default();
    properties(
        page,
        &[
            ("verdict", bundle.verdict.word()),
            ("exit-code", &bundle.exit_code().to_string()),
            ("headline", &summary::headline(report, bundle)),
            ("path", &bundle.path),
            ("digest", &digest),
            ("key-grade", grade),
            ("now", &now),
        ],
    );
    if let Some(error) = &bundle.error {
        no_verdict(page, name, error);
    }
    for finding in &bundle.findings {
        case(page, name, finding);
    }
    page.push_str("  </testsuite>\n");
}

fn properties(page: &mut String, pairs: &[(&str, &str)]) {
    page.push_str("    <properties>\n");
    for (name, value) in pairs {
        let _ = writeln!(page, "      <property name=\"{name}\" value=\"{}\"/>", text(value));
    }
    page.push_str("    </properties>\n");
}

fn no_verdict(page: &mut String, class: &str, error: &Error) {
    let _ = writeln!(
        page,
        "    <testcase classname=\"{}\" name=\"verdict\">\n      <error type=\"{}\" message=\"{}\">{}</error>\n    </testcase>",
        text(class),
        error.code(),
        text(&error.to_string()),
        text(&error.hint()),
    );
}

fn case(page: &mut String, class: &str, finding: &Finding) {
    let _ = writeln!(page, "    <testcase classname=\"{}\" name=\"{}\">", text(class), finding.check);
    let status = status_text(finding.status);
    let message = text(&finding.message);
    if finding.rejects() {
        let sides = |name: &str, side: &Option<String>| {
            side.as_ref().map(|side| format!("{name}: {}\n", text(side))).unwrap_or_default()
        };
        let body = format!("{}{}", sides("expected", &finding.expected), sides("found", &finding.found));
        let _ = writeln!(page, "      <failure type=\"{status}\" message=\"{message}\">{body}</failure>");
    } else if finding.status != Status::Pass {
        let waived = if finding.is_waived() { " (waived)" } else { "" };
        let _ = writeln!(page, "      <skipped message=\"{status}{waived}: {message}\"/>");
    }
    let _ = write!(page, "      <system-out>group {}; level {}; {status}", finding.group.word(), finding.level.word());
    if let Some(cause) = finding.caused_by {
        let _ = write!(page, "; caused by {cause}");
    }
    let waiver = finding.waiver.as_ref().map(Waiver::words);
    for detail in finding.details.iter().chain(&waiver) {
        let _ = write!(page, "; {}", text(detail));
    }
    page.push_str("</system-out>\n    </testcase>\n");
}

/// Character data and attribute values (XML 1.0, 2.4), without the two code points that XML does not allow.
fn text(text: &str) -> String {
    let mut out = String::new();
    for character in for_terminal(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.extend(character.escape_unicode()),
            other => out.push(other),
        }
    }
    out
}
