//! Markdown (CommonMark with GitHub's tables), for a ticket or a pull request. Text from evidence is escaped so that it stays plain text.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{BundleReport, Options, Report, gaps, outside, remarks, summary};
use crate::base::escape::for_terminal;
use crate::gate::verify::Grade;
use crate::judge::check::status_text;
use crate::judge::evidence::Known;
use crate::judge::finding::Waiver;

pub(super) fn write(report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::from("# Audit of build manifests\n\n");
    let _ = writeln!(page, "Verdict: **{}** (exit code {})\n", report.verdict().word(), report.exit_code());
    for remark in remarks::all(report) {
        let _ = writeln!(page, "{remark}\n");
    }
    if let Some(case) = &report.case {
        let _ = writeln!(page, "| case | |\n| --- | --- |");
        case.lines(report).iter().for_each(|(label, text)| row(&mut page, &[label, text]));
        page.push('\n');
    }
    if let Some(error) = &report.error {
        let _ = writeln!(page, "{}\n\nWhat to do: {}\n", text(&summary::fault(error)), text(&summary::hint(error)));
    }
    for bundle in &report.bundles {
        section(&mut page, report, bundle, options);
    }
    let features = if report.tool.features.is_empty() { "none".into() } else { report.tool.features.join(", ") };
    let _ = writeln!(
        page,
        "Created by {} {} (features: {}).",
        text(&report.tool.name),
        text(&report.tool.version),
        text(&features)
    );
    out.write_all(page.as_bytes())
}

fn section(page: &mut String, report: &Report, bundle: &BundleReport, options: &Options) {
    let _ = writeln!(page, "## {}\n", text(bundle.build_name.as_deref().unwrap_or(&bundle.path)));
    let _ = writeln!(page, "**{}**\n", text(&summary::headline(report, bundle)));
    if let Some(judged) = summary::judged(report, Some(bundle)).filter(|_| bundle.error.is_none()) {
        let _ = writeln!(page, "Judged as of {judged}.\n");
    }
    let because = summary::because(report, bundle);
    if !because.is_empty() {
        list(page, because.iter());
    }
    let _ = writeln!(page, "\n| subject | value | known |\n| --- | --- | --- |");
    row(page, &["file", &bundle.path, "given"]);
    if let Some((digest, size)) = bundle.file {
        row(page, &["file digest", &format!("{digest} ({size} bytes)"), "recomputed"]);
    }
    if let Some(key) = &bundle.key {
        row(page, &["key", &format!("{} ({}, {} bits)", key.fingerprint, key.kind, key.bits), "given"]);
        let known = if key.grade == Grade::CommandLine { Known::Given } else { Known::Stated };
        row(page, &["key grade", &format!("{}, named by: {}", key.grade.word(), key.source), known.word()]);
    }
    for fact in summary::subject(bundle) {
        row(page, &[&fact.fact, &fact.value, &format!("{}: {}", fact.known.word(), fact.witness)]);
    }
    heading(page, "Question");
    list(page, summary::question(report, Some(bundle)).iter());
    heading(page, "Found");
    let found = summary::found(bundle);
    if found.is_empty() {
        page.push_str("No reliable findings.\n");
    } else {
        list(page, found.iter().map(|found| format!("{} ({})", found.sentence, found.known.word())));
    }
    heading(page, "Not proved");
    list(page, summary::not_proved(bundle).iter());
    heading(page, "Exceptions");
    match gaps::exceptions(report, bundle).all() {
        exceptions if exceptions.is_empty() && found.is_empty() => {
            page.push_str("Not determined: there are no reliable findings.\n");
        }
        exceptions => list(page, exceptions.iter()),
    }
    heading(page, "Controls supported");
    page.push_str("A passed check supports a control. It does not satisfy a control by itself.\n\n");
    list(
        page,
        options.controls.supported(bundle).iter().map(|(control, checks)| {
            format!("{} {} {}: supported by {}", control.framework, control.id, control.title, checks.join(", "))
        }),
    );
    findings(page, bundle);
    heading(page, "Evidence");
    let _ = writeln!(page, "| fact | witness | known | value |\n| --- | --- | --- | --- |");
    for fact in &bundle.evidence {
        row(page, &[&fact.fact, fact.witness, fact.known.word(), &fact.value]);
    }
    heading(page, "Inputs outside the commit");
    match bundle.outside_the_commit.lines.as_slice() {
        [] => list(page, [outside::none(bundle)].iter()),
        lines => list(page, lines.iter()),
    }
    heading(page, "Other evidence that was read");
    list(page, bundle.inputs.iter().map(|input| format!("{} {}: {}", input.words(), input.name, input.sha256)));
    heading(page, "How to repeat");
    let _ = writeln!(page, "{}\n", text(&summary::command(report, bundle)));
}

fn findings(page: &mut String, bundle: &BundleReport) {
    heading(page, "Findings");
    let _ = writeln!(page, "| check | level | status | rejects | found |\n| --- | --- | --- | --- | --- |");
    for finding in &bundle.findings {
        let mut lines = vec![finding.message.clone()];
        lines.extend(finding.expected.iter().map(|expected| format!("expected: {expected}")));
        lines.extend(finding.found.iter().map(|found| format!("found: {found}")));
        lines.extend(finding.details.iter().cloned());
        lines.extend(finding.waiver.as_ref().map(Waiver::words));
        let rejects = if finding.rejects() { "yes" } else { "no" };
        row(page, &[finding.check, finding.level.word(), &status_text(finding.status), rejects, &lines.join("; ")]);
    }
}

fn heading(page: &mut String, words: &str) {
    let _ = writeln!(page, "\n### {words}\n");
}

fn list<T: AsRef<str>>(page: &mut String, lines: impl Iterator<Item = T>) {
    let mut none = true;
    for line in lines {
        let _ = writeln!(page, "- {}", text(line.as_ref()));
        none = false;
    }
    page.push_str(if none { "None.\n" } else { "" });
}

fn row(page: &mut String, cells: &[&str]) {
    for cell in cells {
        let _ = write!(page, "| {} ", self::cell(cell));
    }
    page.push_str("|\n");
}

/// Text that Markdown renders literally: control characters become visible code points, and special characters get a backslash (CommonMark
/// 0.31, 2.4). Text with an address goes into a code span, because some renderers turn bare addresses into links.
pub(super) fn text(text: &str) -> String {
    let text = for_terminal(text);
    if is_address(&text) {
        return code(&text);
    }
    let mut out = String::new();
    for character in text.chars() {
        if "\\`*_{}[]()<>#+!|~&:@$\"'".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Like [`text`], but for a table cell, in which a pipe also ends a code span (GitHub Flavored Markdown, 4.10).
fn cell(text: &str) -> String {
    let text = for_terminal(text);
    if is_address(&text) { code(&text).replace('|', "\\|") } else { self::text(&text) }
}

fn is_address(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["://", "www.", "mailto:", "@"].iter().any(|sign| text.contains(sign))
}

/// A code span whose fence is longer than any run of backticks in the text (CommonMark 0.31, 6.1).
fn code(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.saturating_add(1));
    format!("{fence} {text} {fence}")
}

#[cfg(test)]
mod tests {
    use super::{cell, text};

    #[test]
    fn special_characters_get_a_backslash() {
        assert_eq!(text("[x](y) | <b> `c`\n# h"), r"\[x\]\(y\) \| \<b\> \`c\`\\n\# h");
        assert_eq!(text("`` https://evil.example |"), "``` `` https://evil.example | ```");
        assert_eq!(cell("www.evil.example | a"), r"` www.evil.example \| a `");
    }
}
