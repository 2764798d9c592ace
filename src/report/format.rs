//! The formats of reports, with their names and file names.

use super::Look;
use crate::base::words::words;

/// A format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text for reading.
    Text(Look),
    /// JSON for programs, as described in docs/report.schema.json.
    Json,
    /// JSON for programs that process many bundles: the complete report on each bundle on its own line.
    JsonLines,
    /// A printable page for filing; for several bundles, also one page per bundle in a folder next to it.
    Html,
    /// Markdown, for a ticket.
    Markdown,
    /// CSV, for databases.
    Csv,
    /// CSV for spreadsheets, with a byte order mark so that they recognise UTF-8.
    CsvBom,
    /// JUnit XML, for CI systems.
    Junit,
    /// SARIF for code-scanning services, with problems only.
    Sarif,
    /// SARIF for other programs, with every answer.
    SarifAll,
    /// OSCAL assessment results, for governance systems.
    Oscal,
    /// For admission: a SLSA verification summary for each bundle that this run accepted in full; none for a bundle accepted in part.
    Vsa,
}

words! {
    /// The format's name in `--report`. Parsing the name `text` yields the plain text format.
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
    /// The file name in a folder with all formats.
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
