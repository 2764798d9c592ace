//! The formats of reports: their words, and what their files are called.

use super::Look;
use crate::base::words::words;

/// A form in which a report can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// For people.
    Text(Look),
    /// For programs: docs/report.schema.json.
    Json,
    /// For programs, when there are many: each bundle's whole report in a line of its own, in the order of their paths.
    JsonLines,
    /// For people, to be filed: one page that prints, and where there are several bundles a page for each beside it.
    Html,
    /// For people, in a ticket.
    Markdown,
    /// For databases.
    Csv,
    /// The same for spreadsheets: with the mark by which they know UTF-8.
    CsvBom,
    /// For CI systems.
    Junit,
    /// For code-scanning services: problems alone.
    Sarif,
    /// For programs that read SARIF: every answer.
    SarifAll,
    /// For governance systems: OSCAL assessment results.
    Oscal,
    /// For admission: a SLSA verification summary for each bundle that is accepted, and not for one that is accepted in part.
    Vsa,
}

words! {
    /// The word, as `--report` takes it. Text that is read so is plain.
    pub Format {
        Text(Look::PLAIN) = "text",
        Json = "json",
        JsonLines = "jsonl",
        Html = "html",
        Markdown = "markdown",
        Csv = "csv",
        CsvBom = "csv-bom",
        Junit = "junit",
        Sarif = "sarif",
        SarifAll = "sarif-all",
        Oscal = "oscal",
        Vsa = "vsa",
    }
}

impl Format {
    /// What a file of it is called in a folder of all formats.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Text(_) => "report.txt",
            Self::Json => "report.json",
            Self::JsonLines => "report.jsonl",
            Self::Html => "report.html",
            Self::Markdown => "report.md",
            Self::Csv => "report.csv",
            Self::CsvBom => "report-bom.csv",
            Self::Junit => "report.junit.xml",
            Self::Sarif => "report.sarif",
            Self::SarifAll => "report-all.sarif",
            Self::Oscal => "report.oscal.json",
            Self::Vsa => "report.vsa.jsonl",
        }
    }
}
