//! JUnit XML, in the form that CI systems read: a suite per bundle, a case per check. A case fails if and only if the check rejects. A check that did
//! not pass but does not reject is reported as a skipped case, with the reason.
//!
//! The output is valid for both public schemas: junit-10.xsd of Jenkins' xUnit plug-in and JUnit.xsd of Windy Road. JUnit.xsd allows one
//! element per case, so the text about the checks is in the suite's output, one line per check.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{BundleReport, Report, remarks, summary};
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::time::Timestamp;
use crate::judge::check::status_text;
use crate::judge::finding::{Finding, Status, Waiver};

/// The numbers of cases in a suite, by outcome.
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    if let Some(error) = &report.error {
        begin(&mut page, report, 0, "audit", &Counts { tests: 1, failures: 0, errors: 1, skipped: 0 });
        properties(
            &mut page,
            &[
                ("verdict", report.verdict().word()),
                ("exit-code", &report.exit_code().to_string()),
                ("remarks", &remarks(report)),
            ],
        );
        no_verdict(&mut page, "audit", error);
        end(&mut page, "");
    }
    let first = usize::from(report.error.is_some());
    for (at, bundle) in report.bundles.iter().enumerate() {
        suite(&mut page, report, bundle, first.saturating_add(at));
    }
    page.push_str("</testsuites>\n");
    out.write_all(page.as_bytes())
}

/// The schemas require a duration and a host name, but nothing is timed and no report identifies the machine. The timestamp is the time of the
/// audit, in UTC and without a zone, as the schemas require.
fn begin(page: &mut String, report: &Report, at: usize, name: &str, counts: &Counts) {
    let seconds = report.now.unwrap_or(Timestamp::epoch()).unix_seconds();
    let moment = Timestamp::from_unix_seconds(seconds).unwrap_or(Timestamp::epoch()).to_string();
    let _ = writeln!(
        page,
        "  <testsuite name=\"{}\" package=\"hpsb-audit\" id=\"{at}\" hostname=\"localhost\" timestamp=\"{}\" time=\"0\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        text(name),
        moment.trim_end_matches('Z'),
        counts.tests,
        counts.failures,
        counts.errors,
        counts.skipped,
    );
}

fn end(page: &mut String, output: &str) {
    let _ = writeln!(page, "    <system-out>{output}</system-out>\n    <system-err></system-err>\n  </testsuite>");
}

fn suite(page: &mut String, report: &Report, bundle: &BundleReport, at: usize) {
    let name = bundle.build_name.as_deref().unwrap_or(&bundle.path);
    let failures = bundle.rejecting().count();
    let passed = bundle.findings.iter().filter(|finding| finding.status == Status::Pass).count();
    let errors = usize::from(bundle.error.is_some());
    let counts = Counts {
        tests: bundle.findings.len().saturating_add(errors),
        failures,
        errors,
        skipped: bundle.findings.len().saturating_sub(passed).saturating_sub(failures),
    };
    begin(page, report, at, name, &counts);
    let digest = bundle.file.map(|(digest, _)| digest.to_string()).unwrap_or_default();
    let grade = bundle.key.as_ref().map_or("none", |key| key.grade.word());
    let now = report.now.map(|now| now.to_string()).unwrap_or_default();
    let judged = match (&bundle.error, summary::judged(report, Some(bundle))) {
        (None, Some(judged)) => format!("the moment as of which the build is judged, not that of the run: {judged}"),
        _ => "the moment of the audit's question; nothing was decided".into(),
    };
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
            ("timestamp", &judged),
            ("remarks", &remarks(report)),
        ],
    );
    let class = class_name(name);
    if let Some(error) = &bundle.error {
        no_verdict(page, &class, error);
    }
    let mut output = String::from("\n");
    for finding in &bundle.findings {
        case(page, &class, finding);
        said(&mut output, finding);
    }
    end(page, &output);
}

fn remarks(report: &Report) -> String {
    remarks::with_voucher(report).collect::<Vec<_>>().join(" ")
}

/// Jenkins would read a dot as a package separator.
fn class_name(name: &str) -> String {
    text(&name.replace('.', "_"))
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
        "    <testcase classname=\"{class}\" name=\"verdict\" time=\"0\">\n      <error type=\"{}\" message=\"{}\">{}</error>\n    </testcase>",
        error.code(),
        text(&summary::fault(error)),
        text(&summary::hint(error)),
    );
}

fn case(page: &mut String, class: &str, finding: &Finding) {
    let _ = write!(page, "    <testcase classname=\"{class}\" name=\"{}\" time=\"0\"", finding.check);
    let status = status_text(finding.status);
    let message = text(&finding.message);
    if finding.rejects() {
        let side = |name: &str, side: &Option<String>| {
            side.as_ref().map(|side| format!("{name}: {}\n", text(side))).unwrap_or_default()
        };
        let mut body = format!("{}{}", side("expected", &finding.expected), side("found", &finding.found));
        finding.details.iter().for_each(|detail| body.push_str(&format!("{}\n", text(detail))));
        let _ = writeln!(
            page,
            ">\n      <failure type=\"{status}\" message=\"{message}\">{body}</failure>\n    </testcase>"
        );
    } else if finding.status == Status::Pass {
        page.push_str("/>\n");
    } else {
        let waived = if finding.is_waived() { " (waived)" } else { "" };
        let _ = writeln!(page, ">\n      <skipped message=\"{status}{waived}: {message}\"/>\n    </testcase>");
    }
}

/// One line about a check in the suite's output.
fn said(output: &mut String, finding: &Finding) {
    let status = status_text(finding.status);
    let _ =
        write!(output, "{}: {status}; level {}; group {}", finding.check, finding.level.word(), finding.group.word());
    if let Some(cause) = finding.caused_by {
        let _ = write!(output, "; caused by {cause}");
    }
    let known = summary::known_words(finding).join(", ");
    let known = if known.is_empty() { known } else { format!(" ({known})") };
    let _ = write!(output, "; {}{known}", text(&finding.message));
    let waiver = finding.waiver.as_ref().map(Waiver::words);
    for detail in finding.details.iter().chain(&waiver) {
        let _ = write!(output, "; {}", text(detail));
    }
    output.push('\n');
}

/// Escapes text for character data and attribute values (XML 1.0, 2.4), and replaces U+FFFE and U+FFFF, which XML does not allow.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_have_no_dots_and_a_suite_has_the_reports_time() {
        assert_eq!(class_name("docker.io.acme.wallet.v1"), "docker_io_acme_wallet_v1");
        let mut page = String::new();
        let report = Report::new(Timestamp::from_rfc3339("2026-11-23T08:00:00.5+01:00"));
        begin(&mut page, &report, 3, "a<b", &Counts { tests: 1, failures: 0, errors: 1, skipped: 0 });
        assert!(page.contains("timestamp=\"2026-11-23T07:00:00\" time=\"0\""), "{page}");
        assert!(page.contains("name=\"a&lt;b\"") && page.contains("id=\"3\""), "{page}");
    }
}
