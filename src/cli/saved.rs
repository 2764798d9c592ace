//! `report`: a saved JSON report in another format.

use super::args::ReportArguments;
use super::{files, limits_with, output};
use crate::error::Error;
use crate::folder;
use std::path::Path;

use crate::limits::Limits;
use crate::report::{Controls, Format, Options, Report};

pub(super) fn report(arguments: &ReportArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let format = format(&arguments.format)?;
    let options = options(arguments.options.controls.as_deref(), &limits)?;
    let bytes = folder::read_file(&arguments.file, limits.report_bytes, "report_bytes")?;
    let report = Report::from_json(&arguments.file.display().to_string(), &bytes, &limits)?;
    match &arguments.output {
        Some(path) => files::write(&report, &[(format, path.clone())], &options)?,
        None if report.is_folder(format) => {
            return Err(Error::Usage {
                message: format!("a report on {} bundles in this format is a folder", report.bundles.len()),
                hint: "name a new folder with --output".into(),
            });
        }
        None => output::print_report(&report, format, &options)?,
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

/// What formats need beside the report.
pub(super) fn options(controls: Option<&Path>, limits: &Limits) -> Result<Options, Error> {
    let controls = match controls {
        None => Controls::own()?,
        Some(path) => {
            let bytes = folder::read_file(path, limits.policy_bytes, "policy_bytes")?;
            Controls::from_toml(&path.display().to_string(), &bytes, limits)?
        }
    };
    Ok(Options { controls })
}
