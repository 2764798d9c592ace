//! `audit` and `verify`.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::{AuditArguments, NamedKey, NetworkArguments, OutputArguments, OutputFormat, VerifyArguments};
use super::attach::attach;
use super::image::{load_image, read_image};
use super::output;
use super::queue::{Audited, MEGABYTE, Queue, audit_all};
use super::state::{self, State};
use super::{files, limits_with, now_or, read_named, summary};
use crate::approvals::Approvals;
use crate::attestation::Attestation;
use crate::audit::{Depth, Input, LoadImage, Question, audit as audit_bundle};
use crate::budget::Budget;
use crate::digest::Sha256;
use crate::error::Error;
use crate::finding::Group;
use crate::folder;
use crate::image::{Choice, ImageFacts, Source};
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::mask::mask;
use crate::policy::Policy;
use crate::report::{BundleReport, Format, Options, QuestionReport, Report};
use crate::server_record::ServerFiles;
use crate::time::Timestamp;
use crate::trust::TrustFile;
use crate::verify::KeyRing;

pub(super) fn audit(arguments: &AuditArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.output.limits);
    let files = report_files(&arguments.reports)?;
    files::keep_inputs(&arguments.reports, files_to_read(arguments))?;
    let options = super::saved::options(&arguments.report_options, &limits)?;
    let wanted = summary::wanted(files.iter().map(|(format, _)| *format), &arguments.report_options);
    let mut report = Report::new(arguments.output.now);
    // A case may bring its policy, under the key of a sealer whom the reader believes.
    let has_policy = arguments.policy.is_some() || arguments.case.seal_key.is_some();
    let may_begin = wanted.need_policy(has_policy).and_then(|()| only_bundles(&arguments.require));
    let audited = match may_begin.and_then(|()| super::case::named(&arguments.paths)) {
        Ok(Some(path)) => super::case::audit(path, arguments, &limits).map(|of_case| report = of_case),
        Ok(None) if arguments.case.seal_key.is_some() || !arguments.case.tsa_cas.is_empty() => Err(Error::Usage {
            message: "--seal-key and --tsa-ca are for a case, and none is named".into(),
            hint: "`hpsb-audit seal` makes a case; bundles are audited with --key or --policy".into(),
        }),
        Ok(None) => audit_into(arguments, &limits, &mut report),
        Err(error) => Err(error),
    };
    if let Err(error) = audited {
        report.error = Some(error);
    }
    if let Err(error) = attach(&report, &options, arguments.report_options.attach.as_deref(), &limits) {
        report.error = Some(error);
    }
    if let Err(error) = write_reports(&report, &files, &options) {
        report.error = Some(error);
    }
    Ok(wanted.exit_code(&report, output::report_or_complain(&report, arguments.output.format)))
}

/// `--require workload` is refused: no bundle answers it, and it must not be dropped.
pub(super) fn only_bundles(require: &[Group]) -> Result<(), Error> {
    if require.contains(&Group::Workload) {
        return Err(Error::Usage {
            message: "--require workload: a bundle has no checks of that group".into(),
            hint: "`hpsb-audit admit` and `serve` ask about workloads; a policy may require them, and an audit passes that over".into(),
        });
    }
    Ok(())
}

/// Every file that the command line names to be read; the images' are not among them.
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

/// An image belongs to one build.
pub(super) fn one_bundle_for(image: Option<&Source>, paths: &[PathBuf]) -> Result<(), Error> {
    match (image, paths) {
        (Some(image), [_, _, ..]) => Err(Error::Usage {
            message: format!("--image {image} is one build's image, and {} bundles are named", paths.len()),
            hint: "name the bundle that the image belongs to, or put each image as an OCI layout into the folder image/ beside its bundle".into(),
        }),
        _ => Ok(()),
    }
}

fn audit_into(arguments: &AuditArguments, limits: &Limits, report: &mut Report) -> Result<(), Error> {
    let scale = &arguments.scale;
    let interrupted = scale.state.as_deref().map(|path| state::moment(path, limits)).transpose()?.flatten();
    let now = now_or(arguments.output.now.or(interrupted))?;
    report.now = Some(now);
    let mut policy = match &arguments.policy {
        Some(path) => read_policy(path, limits)?,
        None => Policy::default(),
    };
    report.policy = policy.source.clone();
    policy.require_also(&arguments.require)?;
    let keys = policy.keys_for(read_named(&arguments.keys.keys, limits)?)?;
    let mut paths = folder::find_bundles(&arguments.paths, limits)?;
    let without =
        arguments.paths.iter().filter(|named| named.is_dir() && !paths.iter().any(|path| path.starts_with(named)));
    let without: Vec<String> = without.map(|folder| folder.display().to_string()).collect();
    if let Some(shard) = scale.shard {
        paths.retain(|path| shard.holds(path));
    }
    one_bundle_for(arguments.image.as_ref(), &paths)?;
    let platforms = policy.expect.platforms.clone();
    let choice = Choice { platforms, digests: Vec::new() };
    let bases: Vec<ImageFacts> = arguments
        .bases
        .iter()
        .map(|base| read_image(base, &arguments.network, &choice, limits, &Budget::of_audit(0, limits)))
        .collect::<Result<_, _>>()?;
    let threads = super::threads_for(scale.threads);
    let approvals = arguments.approvals.as_deref().map(|path| read_approvals(path, limits)).transpose()?;
    let trust = arguments.trust.as_deref().map(|path| folder::read_trust(path, limits)).transpose()?;
    let builder = arguments.builder.as_deref().map(|path| read_attestation(path, limits)).transpose()?;
    let given = Given {
        image: arguments.image.as_ref(),
        trust: trust.as_deref(),
        builder: builder.as_ref(),
        network: &arguments.network,
    };
    let named = [
        (given.image.is_some(), Group::Image),
        (given.trust.is_some(), Group::Trust),
        (given.builder.is_some(), Group::Builder),
    ];
    let handed: Vec<Group> = named.into_iter().filter(|(is, _)| *is).map(|(_, group)| group).collect();
    let question = Question {
        policy: &policy,
        keys: &keys,
        handed: &handed,
        approvals: approvals.as_ref(),
        bases: &bases,
        threads: threads.div_ceil(paths.len().max(1)),
        now,
        existed_by: None,
        limits,
        depth: Depth::Everything,
    };
    report.question = Some(QuestionReport { given: given_flags(arguments), ..asked(&question) });
    let state = match &scale.state {
        Some(path) => Some(State::open(path, report, &handed_over(&given, &question), limits)?),
        None => None,
    };
    let memory = scale.memory.map(|megabytes| megabytes.get().saturating_mul(MEGABYTE));
    report.bundles = audit_all(&paths, &given, &question, &Queue { threads, memory, state: state.as_ref() })?;
    // A folder that holds no bundle is not vouched for by the others.
    if without.is_empty() { Ok(()) } else { Err(Error::NothingToVerify { paths: without.join(", ") }) }
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
    let question = Question {
        depth: Depth::SignatureOnly,
        threads: super::threads_for(None),
        ..Question::new(&policy, &keys, now, limits)
    };
    let paths = folder::find_bundles(std::slice::from_ref(&arguments.bundle), limits)?;
    match paths.as_slice() {
        [one] => {
            let given = Given { image: None, trust: None, builder: None, network: &NetworkArguments::default() };
            Ok((now, asked(&question), audit_file(one, &given, &question, None).0))
        }
        several => Err(Error::Usage {
            message: format!("`verify` takes one bundle, {} has {}", arguments.bundle.display(), several.len()),
            hint: "name one file, or use `hpsb-audit audit` for a folder".into(),
        }),
    }
}

pub(super) fn asked(question: &Question<'_>) -> QuestionReport {
    QuestionReport::of(question.depth, question.policy, question.keys, question.handed, question.limits)
}

/// What the command line handed over, as it was typed.
fn given_flags(arguments: &AuditArguments) -> Vec<(String, String)> {
    let path = |path: &PathBuf| path.display().to_string();
    let image = arguments.image.iter().map(|source| ("image", source.to_string()));
    let bases = arguments.bases.iter().map(|source| ("base", source.to_string()));
    let trust = arguments.trust.iter().map(|folder| ("trust", path(folder)));
    let approvals = arguments.approvals.iter().map(|file| ("approvals", path(file)));
    let builder = arguments.builder.iter().map(|folder| ("builder", path(folder)));
    let all = image.chain(bases).chain(trust).chain(builder).chain(approvals);
    all.map(|(flag, value)| (flag.to_owned(), mask(&value))).collect()
}

/// Everything that was handed over beside the bundles, by its bytes.
fn handed_over(given: &Given<'_>, question: &Question<'_>) -> Vec<Sha256> {
    let image =
        |facts: &ImageFacts| facts.manifest.as_ref().map(|found| found.digest).or(Some(facts.config.as_ref()?.digest));
    let policy = question.policy.source.iter().flat_map(|source| source.files.iter().map(|(_, digest)| *digest));
    let approvals = question
        .approvals
        .iter()
        .flat_map(|list| [list.sha256, Sha256::of(list.signature.as_deref().unwrap_or_default())]);
    let trust = given.trust.into_iter().flatten().map(|file| Sha256::of(&file.bytes));
    let builder = given.builder.into_iter().flat_map(|record| record.files.iter().map(|(_, digest)| *digest));
    policy.chain(approvals).chain(question.bases.iter().filter_map(image)).chain(trust).chain(builder).collect()
}

/// What the command line hands over beside the bundles.
pub(super) struct Given<'a> {
    pub(super) image: Option<&'a Source>,
    pub(super) trust: Option<&'a [TrustFile]>,
    pub(super) builder: Option<&'a Attestation>,
    pub(super) network: &'a NetworkArguments,
}

/// What lies beside a bundle, or cannot be read.
struct Beside {
    bytes: Box<dyn Read>,
    server: Option<ServerFiles>,
    trust: Option<Vec<TrustFile>>,
    builder: Option<Attestation>,
}

/// The report on one bundle, and the keys that lie beside it. What was given is used instead of what lies there.
/// `refusal` says why it is not to be read.
pub(super) fn audit_file(path: &Path, given: &Given<'_>, question: &Question<'_>, refusal: Option<Error>) -> Audited {
    with_input(path, given, question, refusal, |input| audit_bundle(input, question))
}

/// As [`audit_file`], with what may be judged again.
#[cfg(feature = "serve")]
pub(super) fn audit_file_and_keep(path: &Path, question: &Question<'_>) -> (BundleReport, Option<crate::audit::Facts>) {
    let given = Given { image: None, trust: None, builder: None, network: &NetworkArguments::default() };
    with_input(path, &given, question, None, |input| crate::audit::audit_and_keep(input, question)).0
}

fn with_input<T>(
    path: &Path,
    given: &Given<'_>,
    question: &Question<'_>,
    refusal: Option<Error>,
    audit: impl FnOnce(Input<'_, Box<dyn Read>>) -> T,
) -> (T, Vec<(String, PublicKey)>) {
    let limits = question.limits;
    let keys_beside = folder::keys_beside(path, limits);
    let image_beside = folder::image_beside(path).map(|folder| Source::Layout(folder, None));
    let source = given.image.cloned().or(image_beside);
    let load = |choice: &Choice, budget: &Budget| match &source {
        Some(source) => load_image(source, given.network, choice, limits, budget),
        None => Err(Error::Unreadable { what: "the image".into(), message: "none was named".into() }),
    };
    let beside = match refusal {
        Some(error) => Err(error),
        None => read_beside(path, given, question),
    };
    let beside = beside.unwrap_or_else(|error| Beside {
        bytes: Box::new(output::Failing(error)),
        server: None,
        trust: None,
        builder: None,
    });
    let input = Input {
        path: path.display().to_string(),
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
        bytes: beside.bytes,
        size: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        keys_beside: &keys_beside,
        server: beside.server,
        trust: given.trust.or(beside.trust.as_deref()),
        builder: given.builder.or(beside.builder.as_ref()),
        image: source.as_ref().map(|_| &load as &LoadImage<'_>),
    };
    (audit(input), keys_beside)
}

fn read_beside(path: &Path, given: &Given<'_>, question: &Question<'_>) -> Result<Beside, Error> {
    let bytes = Box::new(folder::open(path)?);
    if question.depth == Depth::SignatureOnly {
        return Ok(Beside { bytes, server: None, trust: None, builder: None });
    }
    let trust = if given.trust.is_none() { folder::trust_beside(path, question.limits)? } else { None };
    let builder = match given.builder {
        Some(_) => None,
        None => folder::builder_beside(path, question.limits)?.and_then(|files| Attestation::read(&files)),
    };
    Ok(Beside { bytes, server: folder::server_files(path, question.limits)?, trust, builder })
}

/// Reads the folder of an attestation record.
pub(super) fn read_attestation(path: &Path, limits: &Limits) -> Result<Attestation, Error> {
    Attestation::read(&folder::read_trust(path, limits)?).ok_or_else(|| Error::Usage {
        message: format!("{} holds no attestation record", path.display()),
        hint: "a record is se-checksums.txt with se-signature.bin and the certificates beside them: docs/admission.md"
            .into(),
    })
}

/// Reads a policy; files that it names are found from the policy's own folder.
pub(super) fn read_policy(path: &Path, limits: &Limits) -> Result<Policy, Error> {
    let bytes = folder::read_file(path, limits.policy_bytes())?;
    let base = path.parent().unwrap_or(Path::new(""));
    Policy::from_toml(&path.display().to_string(), &bytes, limits, |file| {
        folder::read_file(&base.join(file), limits.key_file_bytes())
    })
}

/// Reads a list of approvals, and the signature that may lie beside it.
pub(super) fn read_approvals(path: &Path, limits: &Limits) -> Result<Approvals, Error> {
    let bytes = folder::read_file(path, limits.approvals_bytes())?;
    Approvals::read(&path.display().to_string(), bytes, approvals_signature(path, limits)?, limits)
}

/// The signature that may lie beside a list of approvals.
pub(super) fn approvals_signature(path: &Path, limits: &Limits) -> Result<Option<Vec<u8>>, Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".sig");
    let beside = PathBuf::from(beside);
    match std::fs::symlink_metadata(&beside) {
        Ok(_) => folder::read_file(&beside, limits.key_file_bytes()).map(Some),
        Err(_) => Ok(None),
    }
}

fn write_reports(report: &Report, files: &[(Format, PathBuf)], options: &Options) -> Result<(), Error> {
    let is_written = |format: Format| format != Format::Vsa || summary::has_any(report);
    let files: Vec<_> = files.iter().filter(|(format, _)| is_written(*format)).cloned().collect();
    files::write(report, &files, options)
}

/// The files of `--report`.
fn report_files(reports: &[(String, PathBuf)]) -> Result<Vec<(Format, PathBuf)>, Error> {
    reports.iter().map(|(format, path)| Ok((super::saved::format(format)?, path.clone()))).collect()
}
