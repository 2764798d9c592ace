//! `report`: a saved JSON report in another format.

use super::args::ReportArguments;
use super::{limits_with, output};
use crate::error::Error;
use crate::folder;
use crate::report::{Format, Report};

pub(super) fn report(arguments: &ReportArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let format = format(&arguments.format)?;
    let bytes = folder::read_file(&arguments.file, limits.report_bytes, "report_bytes")?;
    let report = Report::from_json(&arguments.file.display().to_string(), &bytes, &limits)?;
    match &arguments.output {
        Some(path) => output::write_files(&report, &[(format, path.clone())])?,
        None => output::print_report(&report, format)?,
    }
    Ok(report.exit_code())
}

/// The format that `word` names.
pub(super) fn format(word: &str) -> Result<Format, Error> {
    Format::from_word(word).ok_or_else(|| Error::Usage {
        message: format!("no report format is called {word:?}"),
        hint: format!("there are {}", Format::WORDS.join(", ")),
    })
}
