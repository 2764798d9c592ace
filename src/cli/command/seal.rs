//! `seal`: gathers what an audit looks at, and writes it with the verdict into one file.

use std::fmt::Write as _;
use std::path::Path;

use crate::base::error::Error;
use crate::base::escape::{for_lines, for_terminal};
use crate::base::limits::Limits;
use crate::case::{Case, Profile, Sealing, gather};
use crate::cli::args::seal::{ProfileArgument, SealArguments};
use crate::cli::command::key_record::read_secret;
use crate::cli::files::{self, Existing};
use crate::cli::{limits_with, now_or, output, threads_for};
use crate::disk::folder;
use crate::dossier::Storage;
use crate::report::Report;
use crate::request::{authorities, case_among, one_bundle_for, only_bundles, read_case};

pub(crate) fn seal(arguments: &SealArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    // clap drops what `requires` says where the flag that is required conflicts with another that is given.
    if !arguments.tsa_cas.is_empty() && arguments.tsr.is_none() {
        return Err(usage("--tsa-ca is for --tsr, and none is given", STAMP_HINT));
    }
    let output = match (case_among(&arguments.paths, Storage::Disk)?, &arguments.output) {
        (Some(case), None) => return stamp(case, arguments, &limits),
        (Some(_), Some(_)) => {
            return Err(usage("a case is sealed already", "leave --output out: --tsq and --tsr are for a case"));
        }
        (None, _) if arguments.tsr.is_some() => {
            return Err(usage("--tsr is for a case, and none is named", STAMP_HINT));
        }
        (None, None) => return Err(usage("it is not said where to write the case", "give --output FILE")),
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

const STAMP_HINT: &str =
    "seal first, send what `seal CASE --tsq FILE` writes to an authority, then `seal CASE --tsr FILE`";

fn usage(message: &str, hint: &str) -> Error {
    Error::Usage { message: message.into(), hint: hint.into() }
}

/// `--tsq` and `--tsr` for a case that is there.
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
            &format!("{flag} is for sealing, and a case is sealed already"),
            &format!("leave {flag} out"),
        ));
    }
    let mut case = read_case(path, Storage::Disk, limits)?;
    if let Some(request) = &arguments.tsq {
        files::write_whole(request, &case.stamp_request()?, Existing::Refused)?;
        return output::print(&for_lines(&format!("wrote {}, for {}\n", request.display(), case.digest())));
    }
    let Some(response) = &arguments.tsr else { return Err(usage("a case is sealed already", STAMP_HINT)) };
    let bytes = folder::read_file(response, limits.timestamp_bytes())?;
    let authorities = authorities(&arguments.tsa_cas, Storage::Disk, limits)?;
    let added = case.add_stamp(bytes, &authorities, limits)?;
    write(&case, path, Existing::Replaced)?;
    let by = added.authority.map_or("not verified: no --tsa-ca was named".to_owned(), |name| format!("by {name}"));
    output::print(&for_lines(&format!("added a time-stamp of {}, {by}, to {}\n", added.at, path.display())))
}

/// Writes a case whole or not at all.
pub(crate) fn write(case: &Case, path: &Path, existing: Existing) -> Result<(), Error> {
    let mut bytes = Vec::new();
    case.write(&mut bytes).map_err(|error| Error::unwritable(path.display().to_string(), &error))?;
    files::write_whole(path, &bytes, existing)
}

fn page(case: &Case, report: &Report, path: &Path) -> String {
    let mut page = format!("SEALED {}\n", for_terminal(&path.display().to_string()));
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(page, "  {label:<10} {}", for_terminal(text));
    };
    line("case", &case.digest().to_string());
    line("verdict", report.verdict().word());
    for bundle in &report.bundles {
        line("bundle", bundle.build_name.as_deref().unwrap_or_default());
        for finding in bundle.rejecting() {
            line("because", &format!("{}: {}", finding.check, finding.message));
        }
    }
    for (name, size) in case.left_out() {
        line("left out", &format!("{name} ({size} bytes)"));
    }
    for place in case.secrets_seen() {
        line("SECRET", &format!("{place} holds what looks like a secret"));
    }
    if case.keeps_secrets() {
        page.push_str("The case holds these files as they are. --profile filing leaves them out.\n");
    }
    page
}
