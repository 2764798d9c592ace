//! A command's result goes to standard output; everything else goes to standard error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::base::error::Error;
use crate::base::escape::for_terminal;
use crate::base::mask::mask;
use crate::cli::args::{OutputFormat, ShowArguments, When};
use crate::gate::verify::Refusal;
use crate::judge::finding::{Status, Verdict};
use crate::report::{Amount, Colour, Format, Look, Options, Report};

/// Prints `text`.
pub(super) fn print(text: &str) -> Result<u8, Error> {
    write_out(text.as_bytes()).map(|()| 0)
}

/// Prints a report and returns its exit code. If the report cannot be printed, there is no verdict, and the exit code is 3, or 2 if it was 2.
pub(super) fn report_or_complain(report: &Report, format: Format) -> u8 {
    match print_report(report, format, &Options::default()) {
        Ok(()) => report.exit_code(),
        Err(error) => {
            complain(&error);
            // Only exit code 2 is more severe than 3.
            if report.exit_code() == 2 { 2 } else { error.exit_code() }
        }
    }
}

/// Prints a report in `format`.
pub(super) fn print_report(report: &Report, format: Format, options: &Options) -> Result<(), Error> {
    let mut page = Vec::new();
    report.write(format, options, &mut page).map_err(|error| Error::unwritable("standard output", &error))?;
    write_out(&page)
}

/// The format of the report on standard output.
pub(super) fn format(format: OutputFormat, show: &ShowArguments) -> Format {
    match format {
        OutputFormat::Json => Format::Json,
        OutputFormat::Text => Format::Text(look(show)),
    }
}

const NOT_VALID: &str = "SIGNATURE NOT VALID";
/// It is not known whether the signature is valid.
const NOT_VERIFIED: &str = "SIGNATURE NOT VERIFIED";

/// The words that begin the output for a refused bundle. If a pinned key is missing, a signature that no available key verifies may still be valid.
pub(super) fn refusal_words(refusal: &Refusal) -> String {
    match (refusal.tried.is_empty(), refusal.missing.is_empty()) {
        (_, true) => NOT_VALID.into(),
        (true, false) => format!("{NOT_VERIFIED}: no trusted key was available"),
        (false, false) => format!("{NOT_VERIFIED}: a trusted key was not available"),
    }
}

/// Prints the result of `verify`: the verdict on the signature, and what it means.
pub(super) fn signature_alone(report: &Report, show: &ShowArguments) -> u8 {
    let look = look(show);
    let judged = report.bundles.first().filter(|bundle| bundle.error.is_none());
    let Some(bundle) = judged.filter(|_| look.amount != Amount::Everything) else {
        return report_or_complain(report, Format::Text(look));
    };
    let undecided = bundle.rejecting().find(|finding| finding.status == Status::Unknown);
    let (words, means) = match (bundle.verdict, undecided) {
        (Verdict::Reject, Some(_)) => (NOT_VERIFIED, "treat it as not valid"),
        (Verdict::Reject, None) => (NOT_VALID, "do not use the contents of the archive"),
        _ => ("SIGNATURE VALID", "signature only: the contents of the archive were not checked"),
    };
    let page = report.signature_text(look, words, means);
    match write_out(page.as_bytes()) {
        Ok(()) => report.exit_code(),
        Err(error) => {
            complain(&error);
            error.exit_code()
        }
    }
}

/// Prints an error and its hint on standard error, without what looks like a secret.
pub(super) fn complain(error: &Error) {
    // If standard error is no longer available, this cannot be reported.
    let _ = writeln!(
        io::stderr(),
        "error: {}\nhint: {}",
        for_terminal(&mask(&error.to_string())),
        for_terminal(&mask(&error.hint()))
    );
}

/// Prints on standard error.
pub(super) fn talk(bytes: &[u8]) {
    // If standard error is no longer available, this cannot be reported.
    let _ = io::stderr().write_all(bytes);
}

pub(super) fn write_out(bytes: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Error::unwritable("standard output", &error))
}

/// Colour, width and amount of the output.
pub(super) fn look(show: &ShowArguments) -> Look {
    let plain = Look::PLAIN;
    let is_terminal = io::stdout().is_terminal();
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let colour = match show.color {
        // no-color.org
        When::Auto if !is_terminal || is_set("NO_COLOR") || is_dumb => Colour::Plain,
        When::Auto if understands_colour() => Colour::Ansi,
        When::Auto | When::Never => Colour::Plain,
        When::Always => {
            understands_colour();
            Colour::Ansi
        }
    };
    let of_terminal = || terminal_size::terminal_size().map(|(width, _)| width.0.max(60));
    let columns = if is_terminal { of_terminal().unwrap_or(plain.columns) } else { plain.columns };
    Look { colour, columns, amount: amount(show), exit_code: None }
}

/// Whether the terminal understands escape sequences. On Windows, a console must first be switched to a mode that interprets them; consoles older
/// than Windows 10 print the sequences unchanged.
fn understands_colour() -> bool {
    #[cfg(windows)]
    return anstyle_query::windows::enable_ansi_colors() == Some(true);
    #[cfg(not(windows))]
    true
}

fn amount(show: &ShowArguments) -> Amount {
    match (show.quiet, show.details) {
        (true, _) => Amount::Verdict,
        (false, true) => Amount::Everything,
        (false, false) => Amount::Screen,
    }
}

/// Text that is written to a file has no colour and is not shortened by `--quiet`.
pub(super) fn in_file(format: Format, show: &ShowArguments) -> Format {
    match format {
        Format::Text(_) if show.details => Format::Text(Look { amount: Amount::Everything, ..Look::PLAIN }),
        format => format,
    }
}

/// A progress display for long work, on standard error if that is a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(bundles: usize) -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(bundles as u64);
        if let Ok(style) = ProgressStyle::with_template("{spinner} bundles audited: {pos} of {len}, {elapsed}") {
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

/// Shows what the program is waiting for, on standard error if that is a terminal.
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
