//! The command line: parses arguments, opens files, calls the library, prints the report. This module makes no decisions about the evidence.

mod args;
mod command;
mod confine;
mod files;
mod output;
mod patterns;
mod saved;
mod summary;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use clap::error::ErrorKind;

#[cfg(not(all(feature = "fetch", feature = "serve")))]
use self::args::NotBuiltIn;
use self::args::admit::ContractCommand;
use self::args::key_record::KeyCommand;
use self::args::{Arguments, Command, PolicyCommand};
use crate::base::error::Error;
use crate::base::escape::for_lines;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::report::{Format, Report};

/// Runs the program with the process's arguments, and returns its exit code.
pub fn run() -> ExitCode {
    if let Some(error) = flag_by_a_files_name() {
        return failed(error);
    }
    let mut arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return wrong_usage(&error),
    };
    // On Unix, the shell has already expanded patterns, so a pattern that still reaches the program is treated as a file name.
    if cfg!(windows)
        && let Err(error) = patterns::expand(&mut arguments.command)
    {
        return failed(error);
    }
    let confinement = confine::confine(confine::Needs::of(&arguments.command));
    if arguments.verbose {
        output::talk(format!("{confinement}\n").as_bytes());
    }
    match dispatch(arguments.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => failed(error),
    }
}

/// Prints an error in the requested format.
fn failed(error: Error) -> ExitCode {
    if wants_json() {
        return ExitCode::from(output::report_or_complain(&without_bundles(error), Format::Json));
    }
    output::complain(&error);
    ExitCode::from(error.exit_code())
}

/// The error if a flag on the command line is also the name of a file in this folder. A shell that expands `*` (on Windows, this program:
/// [`patterns`]) puts the file names of a folder on the command line. A file named like a flag would be read as that flag, so the folder's contents
/// could choose the trusted key.
fn flag_by_a_files_name() -> Option<Error> {
    let is_flag = |argument: &OsString| argument.as_encoded_bytes().starts_with(b"-") && argument != "-";
    let file = std::env::args_os().skip(1).filter(is_flag).find(|flag| std::fs::symlink_metadata(flag).is_ok())?;
    Some(read_as_flag(&file))
}

fn read_as_flag(file: &OsStr) -> Error {
    let name = file.to_string_lossy();
    Error::Usage {
        message: format!("{name} is a file in this folder and would be read as a flag"),
        hint: "pass the folder, or its files as ./*, and find out where the file with this name comes from".into(),
    }
}

fn dispatch(command: Command) -> Result<u8, Error> {
    match command {
        Command::Audit(arguments) => command::audit::audit(&arguments),
        Command::Verify(arguments) => command::audit::verify(&arguments),
        Command::Inspect(arguments) => command::inspect::inspect(&arguments),
        Command::Extract(arguments) => command::inspect::extract(&arguments),
        Command::Image(arguments) => command::image::image(&arguments),
        Command::Compare(arguments) => command::compare::compare(&arguments),
        Command::Seal(arguments) => command::seal::seal(&arguments),
        Command::SignOff(arguments) => command::case::sign_off(&arguments),
        Command::Report(arguments) => saved::report(&arguments),
        Command::Source(arguments) => command::source::source(&arguments),
        Command::Admit(arguments) => command::admit::admit(&arguments),
        Command::Reconcile(arguments) => command::reconcile::reconcile(&arguments),
        Command::Contract(ContractCommand::Images(arguments)) => command::contract::images(&arguments),
        Command::Trust(arguments) => command::trust::show(&arguments),
        Command::VerifyStatement(arguments) => command::statement::verify(&arguments),
        Command::SelfTest(arguments) => command::self_test::self_test(&arguments),
        Command::Key(KeyCommand::Show { files }) => command::lists::keys(&files),
        Command::Key(KeyCommand::Enroll(arguments)) => command::key_record::enroll(&arguments),
        Command::Key(KeyCommand::Countersign(arguments)) => command::key_record::countersign(&arguments),
        Command::Policy(PolicyCommand::Init) => output::print(&crate::judge::policy::template()),
        Command::Policy(PolicyCommand::Check { file }) => command::lists::policy(&file),
        Command::Checks { format } => command::lists::checks(format),
        Command::Explain { check } => command::lists::explain(&check),
        Command::Completions { shell } => command::lists::completions(shell),
        Command::Man { dir } => command::lists::manual(&dir),
        #[cfg(feature = "fetch")]
        Command::Fetch(arguments) => command::fetch::fetch(&arguments),
        #[cfg(not(feature = "fetch"))]
        Command::Fetch(arguments) => not_built_in("fetch", &arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => command::serve::serve(&arguments),
        #[cfg(not(feature = "serve"))]
        Command::Serve(arguments) => not_built_in("serve", &arguments),
    }
}

/// Prints a usage error in the requested format.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    if wants_json() && !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // The first paragraph is the error; the other paragraphs are help.
        let text = error.to_string();
        let paragraph = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let message = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let error = Error::Usage { message, hint: "run `hpsb-audit --help` for commands and flags".into() };
        return ExitCode::from(output::report_or_complain(&without_bundles(error), Format::Json));
    }
    if error.use_stderr() {
        // Arguments may be file names from a hostile folder that a shell expanded, and clap repeats them unescaped.
        output::talk(for_lines(&error.render().to_string()).as_bytes());
    } else {
        // A failure to print the help or the version is not reported.
        let _ = error.print();
    }
    if error.kind() == ErrorKind::DisplayVersion && std::env::args_os().any(|argument| argument == "--verbose") {
        let _ = output::print(&format!("{}\n", confine::confine(confine::Needs::default())));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Whether the caller requested JSON. If so, errors are also JSON, even if the other arguments could not be parsed.
fn wants_json() -> bool {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let parted =
        arguments.iter().zip(arguments.iter().skip(1)).any(|(flag, value)| flag == "--format" && value == "json");
    parted || arguments.iter().any(|argument| argument == "--format=json")
}

fn without_bundles(error: Error) -> Report {
    Report { error: Some(error), ..Report::new(None) }
}

#[cfg(not(all(feature = "fetch", feature = "serve")))]
fn not_built_in(what: &str, _: &NotBuiltIn) -> Result<u8, Error> {
    Err(Error::NotBuiltIn { what: format!("the command `{what}`"), feature: "full" })
}

/// `--now`, or the clock in whole seconds: the time as of which evidence is evaluated.
fn now_or(given: Option<Timestamp>) -> Result<Timestamp, Error> {
    if let Some(now) = given {
        return Ok(now);
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    since.and_then(Timestamp::from_unix_seconds).ok_or_else(|| Error::Usage {
        message: "the system clock cannot be read".into(),
        hint: "set the time with --now".into(),
    })
}

/// `--threads`, or the number of processors.
fn threads_for(given: Option<std::num::NonZeroUsize>) -> usize {
    given.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

fn limits_with(overrides: &[(String, u64)]) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in overrides {
        // The argument parser has checked the names.
        let _ = limits.set(name, *value);
    }
    limits
}
