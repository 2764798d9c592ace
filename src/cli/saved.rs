//! `report`: converts a saved JSON report to another format.

use std::path::Path;

use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::base::words::did_you_mean;
use crate::cli::args::report::{ReportArguments, ReportOptions};
use crate::cli::command::key_record::read_secret;
use crate::cli::{files, limits_with, output};
use crate::disk::folder;
use crate::report::{Controls, Format, Options, Report};

pub(super) fn report(arguments: &ReportArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let format = format(&arguments.format)?;
    let shown = match format {
        Format::Text(_) if arguments.output.is_none() => Format::Text(output::look(&arguments.show)),
        format => output::in_file(format, &arguments.show),
    };
    if format == Format::Vsa {
        return Err(Error::Usage {
            message: "a verification summary (vsa) is not written from a saved report, because nothing is verified"
                .into(),
            hint: "repeat the audit: hpsb-audit audit … --report vsa=FILE".into(),
        });
    }
    let options = options(&arguments.options, None, &limits)?;
    let bytes = folder::read_file(&arguments.file, limits.report_bytes())?;
    let mut report = Report::from_json(&slashed(&arguments.file), &bytes, &limits)?;
    report.reference = arguments.options.reference.clone().or(report.reference);
    if report.admission.is_some() && !matches!(format, Format::Text(_) | Format::Json) {
        return Err(no_admission(&arguments.format));
    }
    match &arguments.output {
        Some(path) => files::write(&report, &[(shown, path.clone())], None, &options, || Ok(()))?,
        None if report.has_pages(format) => {
            return Err(Error::Usage {
                message: format!("a report on {} bundles in this format has one page per bundle", report.bundles.len()),
                hint:
                    "specify the file for the first page with --output; the other pages are written into a folder next to it"
                        .into(),
            });
        }
        None => output::print_report(&report, shown, &options)?,
    }
    Ok(report.exit_code())
}

/// The format with this name. `provenance` was a format in 0.1.0.
pub(super) fn format(word: &str) -> Result<Format, Error> {
    Format::from_word(word).ok_or_else(|| Error::Usage {
        message: format!("unknown report format {word:?}{}", did_you_mean(word, Format::ALL.map(Format::word))),
        hint: match word {
            "provenance" => "use json, which contains the same facts".into(),
            _ => format!("available formats: {}", Format::ALL.map(Format::word).join(", ")),
        },
    })
}

/// The input that formats need in addition to the report.
pub(super) fn options(arguments: &ReportOptions, sign_key: Option<&Path>, limits: &Limits) -> Result<Options, Error> {
    let controls = match &arguments.controls {
        None => Controls::own()?,
        Some(path) => {
            let bytes = folder::read_file(path, limits.policy_bytes())?;
            Controls::from_toml(&slashed(path), &bytes, limits)?
        }
    };
    let sign_key = sign_key.map(|path| read_secret(path, limits)).transpose()?;
    let oscal_plan = arguments.oscal_ap.as_ref().map(|path| slashed(path));
    Ok(Options { controls, sign_key, oscal_plan })
}

/// Formats other than text and JSON describe only bundles and would omit the workloads.
pub(super) fn no_admission(word: &str) -> Error {
    Error::Usage {
        message: format!("a report on workloads is not available as {word}"),
        hint: "use text or json".into(),
    }
}
