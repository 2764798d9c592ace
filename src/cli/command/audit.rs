//! `audit` and `verify`.

use std::path::{Path, PathBuf};

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::base::system::slashed;
use crate::cli::args::{AuditArguments, NetworkArguments, OutputArguments, OutputFormat, VerifyArguments};
use crate::cli::command::attach::attach;
use crate::cli::command::image::load_image;
use crate::cli::output;
use crate::cli::{files, limits_with, now_or, summary};
use crate::dossier::Question;
use crate::dossier::{Dossier, NamedKey, Storage, read_keys};
use crate::gate::verify::KeyRing;
use crate::image::{Choice, ImageFacts, Source};
use crate::judge::policy::Policy;
use crate::report::Depth;
use crate::report::{BundleReport, Format, Options, Report};
use crate::request::{Means, Request, case_among};
use crate::run::{Queue, State, audit_all};

pub(crate) fn audit(arguments: &AuditArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let files = report_files(arguments)?;
    files::keep_inputs(&arguments.reports, files_to_read(arguments))?;
    files::must_be_new(arguments.report_dir.as_deref())?;
    let options =
        crate::cli::saved::options(&arguments.report_options, arguments.summary.sign_key.as_deref(), &limits)?;
    let wanted = summary::wanted(files.iter().map(|(format, _)| *format), &arguments.summary);
    let mut report = Report::new(arguments.output.now);
    match wanted.need_policy(arguments).and_then(|()| carry_out(arguments, &limits)) {
        Ok(answer) => report = answer,
        Err(error) => report.error = Some(error),
    }
    report.reference.clone_from(&arguments.report_options.reference);
    let write = |report: &Report, layout: Option<&Path>| {
        let shown = |(format, path): &(Format, PathBuf)| (wanted.shown(report, *format), path.clone());
        let files: Vec<_> = files.iter().map(shown).collect();
        let attach = || attach(report, &options, layout, &limits);
        write_reports(report, &files, arguments.report_dir.as_deref(), &options, attach)
    };
    if let Err(error) = write(&report, arguments.summary.attach.as_deref()) {
        report.error = Some(error);
        // Now without a verdict: an earlier run's files would look like this run's.
        let _ = write(&report, None);
    }
    let format = wanted.shown(&report, output::format(arguments.output.format, &arguments.show));
    Ok(wanted.exit_code(&report, output::report_or_complain(&report, format)))
}

/// Every input file on the command line, except images.
fn files_to_read(arguments: &AuditArguments) -> impl Iterator<Item = &PathBuf> {
    let keys = arguments.keys.keys.iter().filter_map(|key| match key {
        NamedKey::File(path) => Some(path),
        NamedKey::Pin(_) => None,
    });
    let options = &arguments.report_options;
    let one = [
        &arguments.policy,
        &arguments.approvals,
        &arguments.trust,
        &arguments.builder,
        &arguments.scale.state,
        &arguments.case.seal_key,
        &arguments.summary.sign_key,
    ];
    let named = one.into_iter().chain([&options.controls, &options.oscal_ap]).flatten();
    let named = named.chain(network_files(&arguments.network));
    arguments.paths.iter().chain(keys).chain(named).chain(&arguments.case.tsa_cas)
}

/// The files that the network flags name.
#[cfg(feature = "fetch")]
fn network_files(network: &NetworkArguments) -> impl Iterator<Item = &PathBuf> {
    [&network.outside.outside_ca, &network.outside.registry_auth].into_iter().flatten()
}

#[cfg(not(feature = "fetch"))]
fn network_files(_: &NetworkArguments) -> impl Iterator<Item = &PathBuf> {
    std::iter::empty()
}

fn carry_out(arguments: &AuditArguments, limits: &Limits) -> Result<Report, Error> {
    let scale = &arguments.scale;
    if let Some(flag) = flag_for_many(arguments)
        && case_among(&arguments.paths, Storage::Disk)?.is_some()
    {
        return Err(Error::Usage {
            message: format!("{flag} applies to several bundles, but a case is always audited as one unit"),
            hint: format!("remove {flag}"),
        });
    }
    let interrupted = scale.state.as_deref().map(|path| State::moment(path, limits)).transpose()?.flatten();
    let request = Request {
        evidence: Storage::Disk,
        trusted: Storage::Disk,
        paths: &arguments.paths,
        keys: &arguments.keys.keys,
        policy: arguments.policy.as_deref(),
        require: &arguments.require,
        approvals: arguments.approvals.as_deref(),
        image: arguments.image.as_ref(),
        bases: &arguments.bases,
        trust: arguments.trust.as_deref(),
        builder: arguments.builder.as_deref(),
        seal_key: arguments.case.seal_key.as_deref(),
        authorities: &arguments.case.tsa_cas,
        shard: scale.shard,
        now: arguments.output.now,
        today: now_or(arguments.output.now.or(interrupted))?,
    };
    let threads = crate::cli::threads_for(scale.threads);
    let memory = scale.memory.map(|megabytes| megabytes.get().saturating_mul(MEGABYTE));
    let audit = |paths: &[PathBuf], question: &Question<'_>, report: &Report| {
        let state = scale.state.as_deref().map(|path| State::open(path, report, question)).transpose()?;
        Work { threads, memory, state: state.as_ref(), network: &arguments.network }.through(paths, question)
    };
    let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
        load_image(source, &arguments.network, choice, limits, budget)
    };
    Ok(request.report(&Means { read_image: &read_image, threads, audit: &audit, limits }))
}

/// A flag that was specified and does not apply to a case.
fn flag_for_many(arguments: &AuditArguments) -> Option<&'static str> {
    let scale = &arguments.scale;
    let given =
        [("--shard", scale.shard.is_some()), ("--state", scale.state.is_some()), ("--memory", scale.memory.is_some())];
    given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
}

const MEGABYTE: u64 = 1_000_000;

/// The settings for an audit of bundles on disk, with a progress bar on a terminal.
pub(crate) struct Work<'a> {
    pub(crate) threads: usize,
    pub(crate) memory: Option<u64>,
    pub(crate) state: Option<&'a State>,
    pub(crate) network: &'a NetworkArguments,
}

impl Work<'_> {
    pub(crate) fn through(&self, paths: &[PathBuf], question: &Question<'_>) -> Result<Vec<BundleReport>, Error> {
        let progress = output::Progress::new(paths.len());
        let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
            load_image(source, self.network, choice, limits, budget)
        };
        let queue = Queue {
            storage: Storage::Disk,
            read_image: &read_image,
            threads: self.threads,
            memory: self.memory,
            state: self.state,
            step: &|| progress.step(),
        };
        audit_all(paths, question, &queue)
    }
}

/// Reads an image next to a bundle.
pub(crate) fn read_from_disk(
    source: &Source,
    choice: &Choice,
    limits: &Limits,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    Storage::Disk.read_image(source, choice, limits, budget)
}

/// Audits every bundle with the files next to it.
pub(crate) fn audit_on(threads: usize, paths: &[PathBuf], question: &Question<'_>) -> Result<Vec<BundleReport>, Error> {
    Work { threads, memory: None, state: None, network: &NetworkArguments::default() }.through(paths, question)
}

/// The policy at `path` or, if there is no path, the default policy.
pub(crate) fn policy_or_default(path: Option<&Path>, limits: &Limits) -> Result<Policy, Error> {
    path.map_or_else(|| Ok(Policy::default()), |path| Storage::Disk.read_policy(path, limits))
}

pub(crate) fn verify(arguments: &VerifyArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let mut report = Report::new(arguments.output.now);
    match verify_one(arguments, &limits) {
        Ok(verified) => report = verified,
        Err(error) => report.error = Some(error),
    }
    if arguments.output.format == OutputFormat::Json {
        return Ok(output::report_or_complain(&report, Format::Json));
    }
    Ok(output::signature_alone(&report, &arguments.show))
}

fn verify_one(arguments: &VerifyArguments, limits: &Limits) -> Result<Report, Error> {
    let OutputArguments { now, .. } = arguments.output;
    let (now, threads) = (now_or(now)?, crate::cli::threads_for(None));
    let named = read_keys(&arguments.keys.keys, Storage::Disk, limits)?;
    let keys = named.into_iter().fold(KeyRing::default(), |mut keys, key| {
        keys.add(key);
        keys
    });
    let policy = Policy::default();
    let question = Question { depth: Depth::SignatureOnly, threads, ..Question::new(&policy, &keys, now, limits) };
    let path = Storage::Disk.one_bundle(&arguments.bundle, "verify", limits)?;
    let dossier = Dossier::open(&path, &question, Storage::Disk, &read_from_disk);
    let mut report = Report { bundles: vec![crate::audit::audit(dossier, &question)], ..question.report() };
    let keys = arguments.keys.keys.iter().map(|key| ("key", key.to_string()));
    let given = std::iter::once(("path", slashed(&arguments.bundle))).chain(keys);
    let given: Vec<_> = given.map(|(flag, value)| (flag.to_owned(), mask(&value))).collect();
    report.question.iter_mut().for_each(|question| question.given.clone_from(&given));
    Ok(report)
}

fn write_reports(
    report: &Report,
    files: &[(Format, PathBuf)],
    folder: Option<&Path>,
    options: &Options,
    attach: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let is_written = |format: Format| format != Format::Vsa || summary::has_any(report);
    // An earlier run's summary in the file would look like this run's.
    files.iter().filter(|(format, _)| !is_written(*format)).try_for_each(|(_, path)| files::remove_earlier(path))?;
    let files: Vec<_> = files.iter().filter(|(format, _)| is_written(*format)).cloned().collect();
    let all: Vec<Format> = Format::ALL.into_iter().filter(|format| is_written(*format)).collect();
    files::write(report, &files, folder.map(|folder| (folder, all.as_slice())), options, attach)
}

/// The files to write for `--report`.
fn report_files(arguments: &AuditArguments) -> Result<Vec<(Format, PathBuf)>, Error> {
    let in_file = |format: Format| output::in_file(format, &arguments.show);
    let reports = arguments.reports.iter();
    reports.map(|(format, path)| Ok((in_file(crate::cli::saved::format(format)?), path.clone()))).collect()
}
