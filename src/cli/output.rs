//! Standard output is the report, standard error is talk.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::cli::args::OutputFormat;
use crate::gate::verify::Refusal;
use crate::judge::finding::{Status, Verdict};
use crate::report::{Colour, Format, Look, Options, Report};

/// The look of text that is written to a file or a pipe: the same everywhere.
pub(super) const PLAIN: Look = Look { colour: Colour::Plain, columns: 120 };

/// Prints `text`.
pub(super) fn print(text: &str) -> Result<u8, Error> {
    write_out(text.as_bytes()).map(|()| 0)
}

/// Prints a report and answers with its exit code. If even that fails, nobody has a verdict: 3.
pub(super) fn report_or_complain(report: &Report, format: OutputFormat) -> u8 {
    let format = match format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Text => Format::Text(look()),
    };
    match print_report(report, format, &Options::default()) {
        Ok(()) => report.exit_code(),
        Err(error) => {
            complain(&error);
            // 2 is the only code that is worse.
            if report.exit_code() == 2 { 2 } else { error.exit_code() }
        }
    }
}

/// Prints a report as `format` has it.
pub(super) fn print_report(report: &Report, format: Format, options: &Options) -> Result<(), Error> {
    let mut page = Vec::new();
    report.write(format, options, &mut page).map_err(|error| Error::unwritable("standard output", &error))?;
    write_out(&page)
}

const NOT_VALID: &str = "SIGNATURE NOT VALID";
/// Nobody knows whether the signature is valid.
const NOT_VERIFIED: &str = "SIGNATURE NOT VERIFIED";

/// What is said of a refused bundle, first: a signature that no key at hand accepts is not yet a bad one where a pinned key is missing.
pub(super) fn refusal_words(refusal: &Refusal) -> String {
    match (refusal.tried.is_empty(), refusal.missing.is_empty()) {
        (_, true) => NOT_VALID.into(),
        (true, false) => format!("{NOT_VERIFIED}, no trusted key was at hand"),
        (false, false) => format!("{NOT_VERIFIED}, a trusted key was not at hand"),
    }
}

/// What `verify` prints: a line about the signature, and that it is about nothing else.
pub(super) fn signature_alone(report: &Report) -> u8 {
    let Some(bundle) = report.bundles.first().filter(|bundle| bundle.error.is_none()) else {
        return report_or_complain(report, OutputFormat::Text);
    };
    let undecided = bundle.rejecting().find(|finding| finding.status == Status::Unknown);
    let mut page = match (bundle.verdict, undecided) {
        (Verdict::Reject, Some(finding)) => format!("{NOT_VERIFIED}: {}", finding.message),
        (Verdict::Reject, None) => NOT_VALID.to_owned(),
        _ => "SIGNATURE VALID (signature only: nothing in the archive was looked at)".to_owned(),
    };
    page.push_str(&format!("\n  build  {}\n", for_terminal(bundle.build_name.as_deref().unwrap_or_default())));
    if let Some(key) = &bundle.key {
        page.push_str(&format!(
            "  key    {} ({}, {} bits)\n  grade  {}\n",
            key.fingerprint,
            key.kind,
            key.bits,
            key.grade.word()
        ));
    }
    for finding in bundle.rejecting() {
        for detail in &finding.details {
            page.push_str(&format!("  {}\n", for_terminal(detail)));
        }
    }
    match write_out(page.as_bytes()) {
        Ok(()) => report.exit_code(),
        Err(error) => {
            complain(&error);
            error.exit_code()
        }
    }
}

/// Says on standard error what went wrong and what to do.
pub(super) fn complain(error: &Error) {
    // Nothing more can be said if standard error is gone.
    let _ =
        writeln!(io::stderr(), "error: {}\nhint: {}", for_terminal(&error.to_string()), for_terminal(&error.hint()));
}

/// Prints on standard error.
pub(super) fn talk(bytes: &[u8]) {
    // Nothing more can be said if standard error is gone.
    let _ = io::stderr().write_all(bytes);
}

pub(super) fn write_out(bytes: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Error::unwritable("standard output", &error))
}

/// Colour and width of a terminal; plain text elsewhere and where NO_COLOR is set (no-color.org).
pub(super) fn look() -> Look {
    if !io::stdout().is_terminal() {
        return PLAIN;
    }
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let colour = if no_colour || dumb { Colour::Plain } else { Colour::Ansi };
    let columns = terminal_size::terminal_size().map_or(PLAIN.columns, |(width, _)| width.0.max(60));
    Look { colour, columns }
}

/// Progress on standard error, only on a terminal, only for work that takes its time.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(bundles: usize) -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(bundles as u64);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} bundles audited, {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    pub(super) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What is being waited for, on standard error, only on a terminal.
#[cfg(feature = "fetch")]
pub(super) struct Spinner(ProgressBar);

#[cfg(feature = "fetch")]
impl Spinner {
    pub(super) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    pub(super) fn say(&self, text: &str) {
        self.0.set_message(text.to_owned());
    }
}

#[cfg(feature = "fetch")]
impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
