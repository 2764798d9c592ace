//! `seal`: writes the verdict and the input of the audit to one file.

use std::fmt::Write as _;
use std::path::Path;

use crate::base::error::Error;
use crate::base::escape::{for_lines, for_terminal};
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::case::{Case, Profile, Sealing, gather};
use crate::cli::args::seal::{ProfileArgument, SealArguments};
use crate::cli::command::key_record::read_secret;
use crate::cli::files::{self, Existing};
use crate::cli::{limits_with, now_or, output, threads_for};
use crate::disk::folder;
use crate::dossier::Storage;
use crate::report::{QuestionReport, Report};
use crate::request::{authorities, case_among, one_bundle_for, only_bundles, read_case};

pub(crate) fn seal(arguments: &SealArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    // clap ignores `requires` if the required flag conflicts with another flag on the command line.
    if !arguments.tsa_cas.is_empty() && arguments.tsr.is_none() {
        return Err(usage("--tsa-ca needs --tsr", STAMP_HINT));
    }
    let output = match (case_among(&arguments.paths, Storage::Disk)?, &arguments.output) {
        (Some(case), None) => return stamp(case, arguments, &limits),
        (Some(_), Some(_)) => {
            return Err(usage("the case is already sealed", "remove --output: only --tsq and --tsr apply to a case"));
        }
        (None, _) if arguments.tsr.is_some() => {
            return Err(usage("--tsr applies to a case, but no path is a case", STAMP_HINT));
        }
        (None, None) => return Err(usage("no output file for the case", "add --output FILE")),
        (None, Some(output)) => output,
    };
    only_bundles(&arguments.require)?;
    let secret = arguments.sign_key.as_deref().map(|path| read_secret(path, &limits)).transpose()?;
    let bundles = Storage::Disk.find_bundles(&arguments.paths, &limits)?;
    one_bundle_for(arguments.image.as_ref(), &bundles)?;
    let sealing = Sealing {
        now: now_or(arguments.now)?,
        require: &arguments.require,
        keys: &arguments.keys.keys,
        policy: arguments.policy.as_deref(),
        approvals: arguments.approvals.as_deref(),
        trust: arguments.trust.as_deref(),
        builder: arguments.builder.as_deref(),
        image: arguments.image.as_ref(),
        bundles: &bundles,
    };
    // A day in a wrong form is refused with the record. Days in the right form compare as text.
    let today = sealing.now.to_string();
    let is_past = |day: &&String| today.get(..DAY_CHARACTERS).is_some_and(|today| day.as_str() < today);
    if let Some(day) = arguments.retain_until.as_ref().filter(is_past) {
        return Err(Error::Usage {
            message: format!("--retain-until {day} is before the day of the audit"),
            hint: "specify the day until which the case must be kept, as YYYY-MM-DD".into(),
        });
    }
    let contents = gather(&sealing, Storage::Disk, &limits)?;
    let profile = match arguments.profile {
        ProfileArgument::Full => Profile::Full,
        ProfileArgument::Filing => Profile::Filing,
    };
    let (mut case, report) = contents.seal(profile, arguments.retain_until.clone(), threads_for(None), &limits)?;
    if let Some(secret) = &secret {
        case.sign(secret)?;
    }
    write(&case, output, Existing::Refused)?;
    if let Some(path) = &arguments.tsq {
        files::write_whole(path, &case.stamp_request()?, Existing::Refused)?;
    }
    output::print(&page(&case, &report, output))?;
    Ok(report.exit_code())
}

/// The length of YYYY-MM-DD.
const DAY_CHARACTERS: usize = 10;

const STAMP_HINT: &str =
    "seal first, send the output of `seal CASE --tsq FILE` to an authority, then run `seal CASE --tsr FILE`";

fn usage(message: &str, hint: &str) -> Error {
    Error::Usage { message: message.into(), hint: hint.into() }
}

/// Applies `--tsq` or `--tsr` to an existing case.
fn stamp(path: &Path, arguments: &SealArguments, limits: &Limits) -> Result<u8, Error> {
    let given = [
        ("--key", !arguments.keys.keys.is_empty()),
        ("--policy", arguments.policy.is_some()),
        ("--require", !arguments.require.is_empty()),
        ("--now", arguments.now.is_some()),
        ("--approvals", arguments.approvals.is_some()),
        ("--trust", arguments.trust.is_some()),
        ("--builder", arguments.builder.is_some()),
        ("--image", arguments.image.is_some()),
        ("--sign-key", arguments.sign_key.is_some()),
        ("--retain-until", arguments.retain_until.is_some()),
        ("--profile", arguments.profile == ProfileArgument::Filing),
    ];
    if let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(usage(
            &format!("{flag} applies to sealing, but the case is already sealed"),
            &format!("remove {flag}"),
        ));
    }
    let mut case = read_case(path, Storage::Disk, limits)?;
    if let Some(request) = &arguments.tsq {
        files::write_whole(request, &case.stamp_request()?, Existing::Refused)?;
        return output::print(&for_lines(&format!("wrote {}, for {}\n", slashed(request), case.digest())));
    }
    let Some(response) = &arguments.tsr else { return Err(usage("the case is already sealed", STAMP_HINT)) };
    let bytes = folder::read_file(response, limits.timestamp_bytes())?;
    let authorities = authorities(&arguments.tsa_cas, Storage::Disk, limits)?;
    let added = case.add_stamp(bytes, &authorities, limits)?;
    write(&case, path, Existing::Replaced)?;
    let by =
        added.authority.map_or("not verified because no --tsa-ca was specified".into(), |name| format!("by {name}"));
    output::print(&for_lines(&format!("added a time-stamp to {}: {}, {by}\n", slashed(path), added.at)))
}

/// Writes a case completely or not at all.
pub(crate) fn write(case: &Case, path: &Path, existing: Existing) -> Result<(), Error> {
    let mut bytes = Vec::new();
    case.write(&mut bytes).map_err(|error| Error::unwritable(slashed(path), &error))?;
    files::write_whole(path, &bytes, existing)
}

fn page(case: &Case, report: &Report, path: &Path) -> String {
    let mut page = format!("SEALED {}\n", for_terminal(&slashed(path)));
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(page, "  {label:<10} {}", for_terminal(text));
    };
    line("case", &case.digest().to_string());
    let as_of = report.now.map_or_else(String::new, |now| format!(", as of {now}"));
    line("verdict", &format!("{}{as_of}", report.verdict().word()));
    if let Some(ignored) = report.question.as_ref().and_then(QuestionReport::ignored) {
        line("policy", &ignored);
    }
    for bundle in &report.bundles {
        line("bundle", &bundle.titled());
        for finding in bundle.rejecting() {
            line("because", &format!("{}: {}", finding.check, finding.message));
        }
    }
    if case.has_unsigned_approvals() {
        line("approvals", "not signed: under a reader's own policy, they do not count without the reader's own list");
    }
    for (name, size) in case.left_out() {
        line("left out", &format!("{name} ({size} bytes)"));
    }
    for place in case.secrets_seen() {
        line("SECRET", &format!("{place} contains what looks like a secret"));
    }
    if case.keeps_secrets() {
        page.push_str("The case contains these files unchanged. --profile filing leaves them out.\n");
    }
    page
}
