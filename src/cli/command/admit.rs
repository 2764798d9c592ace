//! `admit`: decides whether workloads may be deployed.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::{MISSING, slashed};
use crate::cli::args::admit::AdmitArguments;
use crate::cli::command::audit::audit_on;
use crate::cli::{files, limits_with, now_or, output, threads_for};
use crate::deploy::admission::{AdmissionQuestion, admit as admit_images};
use crate::disk::folder;
use crate::dossier::{Handed, Storage, Terms};
use crate::judge::finding::Group;
use crate::judge::policy::Policy;
use crate::report::{Format, Options, Report};
use crate::workload::{Form, Password, Workload, password_candidates};

pub(crate) fn admit(arguments: &AdmitArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let files = report_files(arguments)?;
    let named = arguments.approvals.iter().chain(&arguments.workload_password);
    files::keep_inputs(&arguments.reports, named.chain([&arguments.policy]).chain(&arguments.workloads))?;
    let mut report = Report::new(arguments.output.now);
    if let Err(error) = admit_into(arguments, &limits, &mut report) {
        report.error = Some(error);
    }
    if let Err(error) = files::write(&report, &files, None, &Options::default(), || Ok(())) {
        report.error = Some(error);
    }
    Ok(output::report_or_complain(&report, output::format(arguments.output.format, &arguments.show)))
}

/// The possible passwords in these files.
pub(super) fn read_passwords(files: &[PathBuf], limits: &Limits) -> Result<Vec<Password>, Error> {
    let mut passwords = Vec::new();
    for path in files {
        passwords.extend(password_candidates(&Zeroizing::new(folder::read_file(path, limits.key_file_bytes())?)));
    }
    Ok(passwords)
}

fn admit_into(arguments: &AdmitArguments, limits: &Limits, report: &mut Report) -> Result<(), Error> {
    let now = now_or(arguments.output.now)?;
    report.now = Some(now);
    let policy = read_policy_for_workloads(&arguments.policy, limits)?;
    report.policy = policy.source.clone();
    let passwords = read_passwords(&arguments.workload_password, limits)?;
    let budget = Budget::of_audit(0, limits);
    let read = |path: &PathBuf| read_workload(path, &passwords, &policy, limits, &budget);
    let workloads: Vec<Workload> = arguments.workloads.iter().map(read).collect::<Result<_, _>>()?;
    if workloads.iter().all(|workload| workload.images.is_empty()) {
        let paths: Vec<String> = workloads.iter().map(|workload| workload.path.clone()).collect();
        return Err(Error::NothingToAdmit { paths: paths.join(", "), forms: Form::any() });
    }
    let attestation =
        arguments.attestation.as_deref().map(|path| Storage::Disk.read_attestation(path, limits)).transpose()?;
    let approvals =
        arguments.approvals.as_deref().map(|path| Storage::Disk.read_approvals(path, limits)).transpose()?;
    if let Some(missing) = arguments.evidence.iter().find(|path| !path.exists()) {
        let what = slashed(missing);
        return Err(Error::Unreadable { what, message: MISSING.into() });
    }
    let paths = Storage::Disk.find_bundles(&arguments.evidence, limits)?;
    let terms = Terms::new(policy, Vec::new(), Handed { approvals, ..Handed::default() })?;
    let policy = &terms.policy;
    let threads = threads_for(arguments.threads);
    let question = terms.question(now, threads.div_ceil(paths.len().max(1)), limits);
    report.question = question.report().question.map(|asked| asked.of_admission(policy));
    let reports = audit_on(threads, &paths, &question)?;
    let evidence = arguments.evidence.iter().map(|path| slashed(path)).collect();
    let asked = AdmissionQuestion { policy, attestation: attestation.as_ref(), now };
    let (admission, bundles) = admit_images(&workloads, reports, evidence, &asked);
    report.admission = Some(admission);
    report.bundles = bundles;
    Ok(())
}

/// Reads a policy. The workload checks are always required, because a policy that lowers the level of all of them would admit everything.
pub(crate) fn read_policy_for_workloads(path: &Path, limits: &Limits) -> Result<Policy, Error> {
    let mut policy = Storage::Disk.read_policy(path, limits)?;
    policy.require_also(&[Group::Workload])?;
    Ok(policy)
}

fn read_workload(
    path: &Path,
    passwords: &[Password],
    policy: &Policy,
    limits: &Limits,
    budget: &Budget,
) -> Result<Workload, Error> {
    let (bound, kinds) = (limits.workload_bytes(), &policy.workload.kinds_without_images);
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(bound.allowed.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| Error::unreadable("standard input", &error))?;
        budget.add_input(bytes.len() as u64);
        return Workload::read_within("-", &bytes, passwords, kinds, limits, budget);
    }
    let bytes = folder::read_file(path, bound)?;
    budget.add_input(bytes.len() as u64);
    Workload::read_within(&slashed(path), &bytes, passwords, kinds, limits, budget)
}

/// The files to write for `--report`. Formats other than text and JSON describe only bundles.
fn report_files(arguments: &AdmitArguments) -> Result<Vec<(Format, PathBuf)>, Error> {
    let file = |(word, path): &(String, PathBuf)| match crate::cli::saved::format(word)? {
        format @ (Format::Text(_) | Format::Json) => Ok((output::in_file(format, &arguments.show), path.clone())),
        _ => Err(crate::cli::saved::no_admission(word)),
    };
    arguments.reports.iter().map(file).collect()
}
