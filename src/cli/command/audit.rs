//! `audit` and `verify`.

use std::path::{Path, PathBuf};

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::cli::args::{AuditArguments, NetworkArguments, OutputArguments, OutputFormat, VerifyArguments};
use crate::cli::command::attach::attach;
use crate::cli::command::image::{load_image, read_image};
use crate::cli::output;
use crate::cli::{files, limits_with, now_or, summary};
use crate::dossier::Question;
use crate::dossier::{Dossier, Handed, NamedKey, Storage, Terms, read_keys};
use crate::gate::verify::KeyRing;
use crate::image::{Choice, ImageFacts, Source};
use crate::judge::finding::Group;
use crate::judge::policy::Policy;
use crate::report::Depth;
use crate::report::{BundleReport, Format, Options, Report};
use crate::run::{Queue, State, audit_all};

pub(crate) fn audit(arguments: &AuditArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let files = report_files(arguments)?;
    files::keep_inputs(&arguments.reports, files_to_read(arguments))?;
    files::must_be_new(arguments.report_dir.as_deref())?;
    let options = crate::cli::saved::options(&arguments.report_options, &limits)?;
    let wanted = summary::wanted(files.iter().map(|(format, _)| *format), &arguments.report_options);
    let mut report = Report::new(arguments.output.now);
    // With --seal-key, a case uses its own policy.
    let has_policy = arguments.policy.is_some() || arguments.case.seal_key.is_some();
    let may_begin = wanted.need_policy(has_policy).and_then(|()| only_bundles(&arguments.require));
    let audited = match may_begin.and_then(|()| crate::cli::command::case::named(&arguments.paths)) {
        Ok(Some(path)) => crate::cli::command::case::audit(path, arguments, &limits).map(|of_case| report = of_case),
        Ok(None) if arguments.case.seal_key.is_some() || !arguments.case.tsa_cas.is_empty() => Err(Error::Usage {
            message: "--seal-key and --tsa-ca apply only to a case, but no path is a case".into(),
            hint: "`hpsb-audit seal` creates a case; audit bundles with --key or --policy".into(),
        }),
        Ok(None) => audit_into(arguments, &limits, &mut report),
        Err(error) => Err(error),
    };
    if let Err(error) = audited {
        report.error = Some(error);
    }
    report.reference.clone_from(&arguments.report_options.reference);
    // A case's question lists the inputs supplied when the case was sealed.
    report.question.iter_mut().for_each(|question| question.given = given_flags(arguments));
    if let Err(error) = attach(&report, &options, arguments.report_options.attach.as_deref(), &limits) {
        report.error = Some(error);
    }
    let files: Vec<_> = files.into_iter().map(|(format, path)| (wanted.shown(&report, format), path)).collect();
    if let Err(error) = write_reports(&report, &files, arguments.report_dir.as_deref(), &options) {
        report.error = Some(error);
    }
    let format = wanted.shown(&report, output::format(arguments.output.format, &arguments.show));
    Ok(wanted.exit_code(&report, output::report_or_complain(&report, format)))
}

/// Refuses `--require workload`: no bundle has an answer for that group, and ignoring the flag would be wrong.
pub(crate) fn only_bundles(require: &[Group]) -> Result<(), Error> {
    if require.contains(&Group::Workload) {
        return Err(Error::Usage {
            message: "--require workload: this group has no checks on bundles".into(),
            hint:
                "`hpsb-audit admit` and `serve` check workloads; a policy may require the group, and `audit` ignores it"
                    .into(),
        });
    }
    Ok(())
}

/// Every input file on the command line, except files of images.
fn files_to_read(arguments: &AuditArguments) -> impl Iterator<Item = &PathBuf> {
    let keys = arguments.keys.keys.iter().filter_map(|key| match key {
        NamedKey::File(path) => Some(path),
        NamedKey::Pin(_) => None,
    });
    let options = &arguments.report_options;
    let one = [&arguments.policy, &arguments.approvals, &arguments.trust, &arguments.case.seal_key, &options.sign_key];
    let named = one.into_iter().chain([&options.controls, &options.oscal_ap]).flatten();
    arguments.paths.iter().chain(keys).chain(named).chain(&arguments.case.tsa_cas)
}

/// Refuses an image for several bundles: an image belongs to one build.
pub(crate) fn one_bundle_for(image: Option<&Source>, paths: &[PathBuf]) -> Result<(), Error> {
    match (image, paths) {
        (Some(image), [_, _, ..]) => Err(Error::Usage {
            message: format!("--image {image} belongs to one build, but {} bundles were found", paths.len()),
            hint: "specify only the image's bundle, or put each image as an OCI layout into the folder image/ next to its bundle".into(),
        }),
        _ => Ok(()),
    }
}

fn audit_into(arguments: &AuditArguments, limits: &Limits, report: &mut Report) -> Result<(), Error> {
    let scale = &arguments.scale;
    let interrupted = scale.state.as_deref().map(|path| State::moment(path, limits)).transpose()?.flatten();
    let now = now_or(arguments.output.now.or(interrupted))?;
    report.now = Some(now);
    let mut policy = policy_or_default(arguments.policy.as_deref(), limits)?;
    report.policy = policy.source.clone();
    policy.require_also(&arguments.require)?;
    let named = read_keys(&arguments.keys.keys, Storage::Disk, limits)?;
    let mut terms = Terms::new(policy, named, Handed::default())?;
    let mut paths = Storage::Disk.find_bundles(&arguments.paths, limits)?;
    // Another path may lead to the same folder; the bundles are then listed under that other path.
    let is_empty = |folder: &PathBuf| Storage::Disk.find_bundles(std::slice::from_ref(folder), limits).is_err();
    let is_listed = |folder: &PathBuf| paths.iter().any(|path| path.starts_with(folder));
    let without = arguments.paths.iter().filter(|named| named.is_dir() && !is_listed(named) && is_empty(named));
    let without: Vec<String> = without.map(|folder| folder.display().to_string()).collect();
    if let Some(shard) = scale.shard {
        paths.retain(|path| shard.holds(path));
    }
    one_bundle_for(arguments.image.as_ref(), &paths)?;
    terms.handed = handed(arguments, &terms.policy, limits)?;
    let threads = crate::cli::threads_for(scale.threads);
    let question = terms.question(now, threads.div_ceil(paths.len().max(1)), limits);
    *report = question.report();
    report.question.iter_mut().for_each(|question| question.given = given_flags(arguments));
    let state = scale.state.as_deref().map(|path| State::open(path, report, &question)).transpose()?;
    let memory = scale.memory.map(|megabytes| megabytes.get().saturating_mul(MEGABYTE));
    let work = Work { threads, memory, state: state.as_ref(), network: &arguments.network };
    report.bundles = work.through(&paths, &question)?;
    // A folder without bundles is an error even if other folders contain bundles.
    if without.is_empty() { Ok(()) } else { Err(Error::NothingToVerify { paths: without.join(", ") }) }
}

/// The inputs on the command line other than the bundles.
fn handed(arguments: &AuditArguments, policy: &Policy, limits: &Limits) -> Result<Handed, Error> {
    let choice = Choice { platforms: policy.expect.platforms.clone(), digests: Vec::new() };
    let base = |base| read_image(base, &arguments.network, &choice, limits, &Budget::of_audit(0, limits));
    let bases: Vec<ImageFacts> = arguments.bases.iter().map(base).collect::<Result<_, _>>()?;
    let on_disk = Storage::Disk;
    Ok(Handed {
        bases,
        approvals: arguments.approvals.as_deref().map(|path| on_disk.read_approvals(path, limits)).transpose()?,
        trust: arguments.trust.as_deref().map(|path| on_disk.read_trust(path, limits)).transpose()?,
        builder: arguments.builder.as_deref().map(|path| on_disk.read_attestation(path, limits)).transpose()?,
        image: arguments.image.clone(),
    })
}

const MEGABYTE: u64 = 1_000_000;

/// How bundles on disk are audited, with a progress bar on a terminal.
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

/// Audits every bundle, using only the files next to it.
pub(crate) fn audit_on(threads: usize, paths: &[PathBuf], question: &Question<'_>) -> Result<Vec<BundleReport>, Error> {
    Work { threads, memory: None, state: None, network: &NetworkArguments::default() }.through(paths, question)
}

/// The policy at `path`, or one that requires nothing.
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
    Ok(Report { bundles: vec![crate::audit::audit(dossier, &question)], ..question.report() })
}

/// The flags and paths of the command line, as typed.
fn given_flags(arguments: &AuditArguments) -> Vec<(String, String)> {
    let path = |path: &PathBuf| path.display().to_string();
    let paths = arguments.paths.iter().map(|named| ("path", path(named)));
    let keys = arguments.keys.keys.iter().map(|key| match key {
        NamedKey::File(file) => ("key", path(file)),
        NamedKey::Pin(pin) => ("key", pin.to_string()),
    });
    let seal = arguments.case.seal_key.iter().map(|file| ("seal-key", path(file)));
    let authorities = arguments.case.tsa_cas.iter().map(|file| ("tsa-ca", path(file)));
    let shard = arguments.scale.shard.iter().map(|shard| ("shard", shard.to_string()));
    let image = arguments.image.iter().map(|source| ("image", source.to_string()));
    let bases = arguments.bases.iter().map(|source| ("base", source.to_string()));
    let trust = arguments.trust.iter().map(|folder| ("trust", path(folder)));
    let approvals = arguments.approvals.iter().map(|file| ("approvals", path(file)));
    let builder = arguments.builder.iter().map(|folder| ("builder", path(folder)));
    let beside = image.chain(bases).chain(trust).chain(builder).chain(approvals);
    let all = paths.chain(keys).chain(seal).chain(authorities).chain(beside).chain(shard);
    all.map(|(flag, value)| (flag.to_owned(), mask(&value))).collect()
}

fn write_reports(
    report: &Report,
    files: &[(Format, PathBuf)],
    folder: Option<&Path>,
    options: &Options,
) -> Result<(), Error> {
    let is_written = |format: Format| format != Format::Vsa || summary::has_any(report);
    let files: Vec<_> = files.iter().filter(|(format, _)| is_written(*format)).cloned().collect();
    let all: Vec<Format> = Format::ALL.into_iter().filter(|format| is_written(*format)).collect();
    files::write(report, &files, folder.map(|folder| (folder, all.as_slice())), options)
}

/// The files of `--report`.
fn report_files(arguments: &AuditArguments) -> Result<Vec<(Format, PathBuf)>, Error> {
    let in_file = |format: Format| output::in_file(format, &arguments.show);
    let reports = arguments.reports.iter();
    reports.map(|(format, path)| Ok((in_file(crate::cli::saved::format(format)?), path.clone()))).collect()
}
