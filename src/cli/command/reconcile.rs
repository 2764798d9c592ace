//! `reconcile`: compares what runs, what was built and what was approved.

use std::path::{Path, PathBuf};

use crate::base::budget::Budget;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::mask::mask;
use crate::base::system::slashed;
use crate::cli::args::reconcile::{ReconcileArguments, ReconcileFormat};
use crate::cli::command::admit::read_passwords;
use crate::cli::command::audit::audit_on;
use crate::cli::files::{Existing, keep_inputs, write_whole};
use crate::cli::{limits_with, now_or, output, threads_for};
use crate::deploy::reconcile::{Books, Inventory, SampleSize, reconcile as set_against};
use crate::disk::folder;
use crate::dossier::{Handed, Storage, Terms};
use crate::judge::policy::Policy;
use crate::report::{Format, Reconciliation};
use crate::workload::Form;

pub(crate) fn reconcile(arguments: &ReconcileArguments) -> Result<u8, Error> {
    let files = report_files(arguments)?;
    let named = [&arguments.policy, &arguments.approvals].into_iter().chain(&arguments.workload_password);
    keep_inputs(&arguments.reports, named.chain(&arguments.inventory))?;
    let mut answer = answer(arguments)?;
    answer.reference.clone_from(&arguments.reference);
    answer.given = given_flags(arguments);
    for (format, path) in &files {
        write_whole(path, &page(&answer, *format)?, Existing::Replaced)?;
    }
    let format = match arguments.format {
        ReconcileFormat::Text => Format::Text(output::look(&arguments.show)),
        ReconcileFormat::Json => Format::Json,
        ReconcileFormat::Csv => Format::Csv,
        ReconcileFormat::Html => Format::Html,
    };
    output::write_out(&page(&answer, format)?)?;
    Ok(answer.exit_code())
}

fn answer(arguments: &ReconcileArguments) -> Result<Reconciliation, Error> {
    let limits = limits_with(&arguments.limits);
    let now = now_or(arguments.now)?;
    let policy = Storage::Disk.read_policy(&arguments.policy, &limits)?;
    let approvals = Storage::Disk.read_approvals(&arguments.approvals, &limits)?;
    let inventories = read_inventories(arguments, &policy, &limits)?;
    let paths = Storage::Disk.find_bundles(&arguments.evidence, &limits)?;
    let handed = Handed { approvals: Some(approvals.clone()), ..Handed::default() };
    let terms = Terms::new(policy, Vec::new(), handed)?;
    let threads = threads_for(arguments.threads);
    let question = terms.question(now, threads.div_ceil(paths.len().max(1)), &limits);
    let reports = audit_on(threads, &paths, &question)?;
    let sample = arguments.sample.zip(arguments.seed.clone()).map(|(count, seed)| SampleSize { count, seed });
    let books = Books {
        policy: &terms.policy,
        approvals: &approvals,
        inventories: &inventories,
        period: arguments.period,
        sample,
        now,
    };
    Ok(set_against(&reports, &books))
}

fn read_inventories(arguments: &ReconcileArguments, policy: &Policy, limits: &Limits) -> Result<Vec<Inventory>, Error> {
    let kinds = &policy.workload.kinds_without_images;
    let passwords = read_passwords(&arguments.workload_password, limits)?;
    let budget = Budget::of_audit(0, limits);
    let read = |path: &PathBuf| {
        let bytes = folder::read_file(path, limits.inventory_bytes())?;
        budget.add_input(bytes.len() as u64);
        Inventory::read_within(&slashed(path), &bytes, &passwords, kinds, limits, &budget)
    };
    let inventories: Vec<Inventory> = arguments.inventory.iter().map(read).collect::<Result<_, _>>()?;
    if inventories.iter().all(|inventory| inventory.images.is_empty()) {
        let paths: Vec<&str> = inventories.iter().map(|inventory| inventory.path.as_str()).collect();
        return Err(Error::NothingToAdmit { paths: paths.join(", "), forms: Form::any() });
    }
    Ok(inventories)
}

/// The command-line flags that the report lists, with their values.
fn given_flags(arguments: &ReconcileArguments) -> Vec<(String, String)> {
    let path = |path: &PathBuf| slashed(path);
    let evidence = arguments.evidence.iter().map(|folder| ("evidence", path(folder)));
    let policy = [("policy", path(&arguments.policy)), ("approvals", path(&arguments.approvals))];
    let inventories = arguments.inventory.iter().map(|file| ("inventory", path(file)));
    let period = [("period", format!("{}/{}", arguments.period.from, arguments.period.before))];
    let passwords = arguments.workload_password.iter().map(|file| ("workload-password", path(file)));
    let sample = arguments.sample.iter().map(|count| ("sample", count.to_string()));
    let seed = arguments.seed.iter().map(|seed| ("seed", seed.clone()));
    let limits = arguments.limits.iter().map(|(name, value)| ("limit", format!("{name}={value}")));
    let all = evidence.chain(policy).chain(inventories).chain(period).chain(passwords).chain(sample).chain(seed);
    all.chain(limits).map(|(flag, value)| (flag.to_owned(), mask(&value))).collect()
}

fn page(answer: &Reconciliation, format: Format) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    answer.write(format, &mut page).map_err(|error| Error::unwritable("the reconciliation", &error))?;
    Ok(page)
}

fn report_files(arguments: &ReconcileArguments) -> Result<Vec<(Format, &Path)>, Error> {
    let file = |(word, path): &'_ (String, PathBuf)| match crate::cli::saved::format(word)? {
        format @ (Format::Text(_) | Format::Json | Format::Csv | Format::Html) => {
            Ok(output::in_file(format, &arguments.show))
        }
        _ => Err(Error::Usage {
            message: format!("a reconciliation is not available as {word}"),
            hint: format!("use text, json, csv or html; {} was not written", slashed(path)),
        }),
    };
    arguments.reports.iter().map(|named| Ok((file(named)?, named.1.as_path()))).collect()
}
