//! `audit` and `verify`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::args::{AuditArguments, OutputArguments, OutputFormat, VerifyArguments};
use super::output::{self, Progress};
use super::{files, limits_with, now_or, read_named};
use crate::audit::{Depth, Input, Question, audit as audit_bundle};
use crate::error::Error;
use crate::folder;
use crate::limits::Limits;
use crate::policy::Policy;
use crate::report::{BundleReport, Format, Options, QuestionReport, Report};
use crate::time::Timestamp;
use crate::verify::KeyRing;

pub(super) fn audit(arguments: &AuditArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let files = report_files(&arguments.reports)?;
    let options = super::saved::options(&arguments.report_options, &limits)?;
    let mut report = Report::new(arguments.output.now);
    if let Err(error) = audit_into(arguments, &limits, &mut report) {
        report.error = Some(error);
    }
    if let Err(error) = write_reports(&report, &files, &options) {
        report.error = Some(error);
    }
    Ok(output::report_or_complain(&report, arguments.output.format))
}

fn audit_into(arguments: &AuditArguments, limits: &Limits, report: &mut Report) -> Result<(), Error> {
    let now = now_or(arguments.output.now)?;
    report.now = Some(now);
    let mut policy = match &arguments.policy {
        Some(path) => read_policy(path, limits)?,
        None => Policy::default(),
    };
    report.policy = policy.source.clone();
    policy.require_also(&arguments.require);
    let keys = policy.keys_for(read_named(&arguments.keys.keys, limits)?)?;
    let paths = folder::find_bundles(&arguments.paths, limits)?;
    let threads = arguments.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let question = Question { policy: &policy, keys: &keys, handed: &[], now, limits, depth: Depth::Everything };
    report.question = Some(asked(&question));
    report.bundles = audit_all(&paths, &question, threads);
    Ok(())
}

pub(super) fn verify(arguments: &VerifyArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let mut report = Report::new(arguments.output.now);
    match verify_one(arguments, &limits) {
        Ok((now, question, bundle)) => {
            report.now = Some(now);
            report.question = Some(question);
            report.bundles = vec![bundle];
        }
        Err(error) => report.error = Some(error),
    }
    if arguments.output.format == OutputFormat::Json {
        return Ok(output::report_or_complain(&report, OutputFormat::Json));
    }
    Ok(output::signature_alone(&report))
}

fn verify_one(
    arguments: &VerifyArguments,
    limits: &Limits,
) -> Result<(Timestamp, QuestionReport, BundleReport), Error> {
    let OutputArguments { now, .. } = arguments.output;
    let (now, policy) = (now_or(now)?, Policy::default());
    let mut keys = KeyRing::default();
    for key in read_named(&arguments.keys.keys, limits)? {
        keys.add(key);
    }
    let question = Question { policy: &policy, keys: &keys, handed: &[], now, limits, depth: Depth::SignatureOnly };
    let paths = folder::find_bundles(std::slice::from_ref(&arguments.bundle), limits)?;
    match paths.as_slice() {
        [one] => Ok((now, asked(&question), audit_file(one, &question))),
        several => Err(Error::Usage {
            message: format!("`verify` takes one bundle, {} has {}", arguments.bundle.display(), several.len()),
            hint: "name one file, or use `hpsb-audit audit` for a folder".into(),
        }),
    }
}

fn asked(question: &Question<'_>) -> QuestionReport {
    QuestionReport::of(question.depth, question.policy, question.keys, question.handed, question.limits)
}

/// Every bundle, `threads` at a time; the reports in the order of the paths, whatever was finished first.
fn audit_all(paths: &[PathBuf], question: &Question<'_>, threads: usize) -> Vec<BundleReport> {
    let progress = Progress::new(paths.len());
    let next = AtomicUsize::new(0);
    let reports: Mutex<Vec<(usize, BundleReport)>> = Mutex::new(Vec::with_capacity(paths.len()));
    thread::scope(|scope| {
        for _ in 0..threads.min(paths.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(at) else { break };
                    let report = audit_file(path, question);
                    progress.step();
                    reports.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, report));
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    reports.sort_by_key(|(at, _)| *at);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn audit_file(path: &Path, question: &Question<'_>) -> BundleReport {
    let keys_beside = folder::keys_beside(path, question.limits);
    let (name, file_name) =
        (path.display().to_string(), path.file_name().map(|name| name.to_string_lossy().into_owned()));
    match folder::open(path) {
        Ok(bytes) => audit_bundle(Input { path: name, file_name, bytes, keys_beside: &keys_beside }, question),
        Err(error) => {
            let bytes = output::Failing(error);
            audit_bundle(Input { path: name, file_name, bytes, keys_beside: &keys_beside }, question)
        }
    }
}

/// Reads a policy; files that it names are found from the policy's own folder.
pub(super) fn read_policy(path: &Path, limits: &Limits) -> Result<Policy, Error> {
    let bytes = folder::read_file(path, limits.policy_bytes, "policy_bytes")?;
    let base = path.parent().unwrap_or(Path::new(""));
    Policy::from_toml(&path.display().to_string(), &bytes, limits, |file| {
        folder::read_file(&base.join(file), limits.key_file_bytes, "key_file_bytes")
    })
}

fn write_reports(report: &Report, files: &[(Format, PathBuf)], options: &Options) -> Result<(), Error> {
    files.iter().try_for_each(|(format, _)| super::saved::needs_groups(report, *format))?;
    files::write(report, files, options)
}

/// The files of `--report`.
fn report_files(reports: &[(String, PathBuf)]) -> Result<Vec<(Format, PathBuf)>, Error> {
    reports.iter().map(|(format, path)| Ok((super::saved::format(format)?, path.clone()))).collect()
}
