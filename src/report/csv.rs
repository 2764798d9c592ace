//! CSV (RFC 4180): one row per check and bundle, for a spreadsheet or a database. No cell is a formula.

use std::io::{self, Write};

use super::{BundleReport, Report, summary};
use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::judge::finding::{Finding, Waiver};

const COLUMNS: [&str; 23] = [
    "path",
    "sha256",
    "size",
    "build_name",
    "verdict",
    "exit_code",
    "error",
    "key",
    "key_grade",
    "check",
    "group",
    "level",
    "status",
    "reason",
    "caused_by",
    "rejects",
    "message",
    "known",
    "expected",
    "found",
    "details",
    "waiver",
    "judged_as_of",
];

/// The byte order mark, by which spreadsheets recognise UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = line(COLUMNS.into_iter().map(str::to_owned));
    if let Some(error) = &report.error {
        let mut cells = vec![String::new(); COLUMNS.len()];
        for (column, text) in [
            ("verdict", report.verdict().word().to_owned()),
            ("exit_code", error.exit_code().to_string()),
            ("error", fault(error)),
        ] {
            if let Some((_, cell)) = COLUMNS.iter().zip(&mut cells).find(|(name, _)| **name == column) {
                *cell = text;
            }
        }
        page.push_str(&line(cells.into_iter()));
    }
    for bundle in &report.bundles {
        for finding in &bundle.findings {
            page.push_str(&line(row(report, bundle, finding).into_iter()));
        }
    }
    out.write_all(page.as_bytes())
}

fn row(report: &Report, bundle: &BundleReport, finding: &Finding) -> [String; 23] {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        bundle.path.clone(),
        bundle.file.map(|(digest, _)| digest.hex()).unwrap_or_default(),
        bundle.file.map(|(_, size)| size.to_string()).unwrap_or_default(),
        optional(&bundle.build_name),
        bundle.verdict.word().into(),
        bundle.exit_code().to_string(),
        bundle.error.as_ref().map(fault).unwrap_or_default(),
        bundle.key.as_ref().map(|key| key.fingerprint.to_string()).unwrap_or_default(),
        bundle.key.as_ref().map(|key| key.grade.word().to_owned()).unwrap_or_default(),
        finding.check.into(),
        finding.group.word().into(),
        finding.level.word().into(),
        finding.status.word().into(),
        finding.status.reason().unwrap_or_default().into(),
        finding.caused_by.unwrap_or_default().into(),
        if finding.rejects() { "yes".into() } else { "no".into() },
        finding.message.clone(),
        summary::known_words(finding).join(", "),
        optional(&finding.expected),
        optional(&finding.found),
        finding.details.join("; "),
        finding.waiver.as_ref().map(Waiver::words).unwrap_or_default(),
        report.now.map(|now| now.to_string()).unwrap_or_default(),
    ]
}

fn fault(error: &Error) -> String {
    format!("{}: {}", error.code(), summary::fault(error))
}

pub(super) fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|cell| self::cell(&cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A quoted cell. An apostrophe is put in front of text that a spreadsheet would read as a formula, so that the cell stays text
/// (OWASP, "CSV Injection"; some spreadsheets also accept the full-width forms).
fn cell(text: &str) -> String {
    let text = for_terminal(text).replace('"', "\"\"");
    let formula =
        text.trim_start().starts_with(['=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    format!("\"{}{text}\"", if formula { "'" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula_or_breaks_out_of_its_quotes() {
        assert_eq!(cell("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        for start in ["=", "+", "-", "@", " =", "\u{ff1d}"] {
            assert!(cell(&format!("{start}1")).starts_with("\"'"), "{start}");
        }
        assert_eq!(cell("a\",\"b\r\n=1"), "\"a\"\",\"\"b\\u{d}\\n=1\"");
    }
}
