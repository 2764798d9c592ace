//! `audit` of a case, and `sign-off`.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::base::error::Error;
use crate::base::escape::for_lines;
use crate::base::limits::Limits;
use crate::case::{Case, Reader, Role, repeat};
use crate::cli::args::AuditArguments;
use crate::cli::args::seal::{RoleArgument, SignOffArguments};
use crate::cli::command::audit::policy_or_default;
use crate::cli::command::key_record::read_secret;
use crate::cli::files::Existing;
use crate::cli::{limits_with, now_or, output, threads_for};
use crate::crypto::person_key::PersonKey;
use crate::crypto::timestamp::Authorities;
use crate::disk::folder;
use crate::dossier::{Storage, read_keys};
use crate::report::Report;

/// The case among the paths, if any.
pub(crate) fn named(paths: &[PathBuf]) -> Result<Option<&Path>, Error> {
    let is_case = |path: &&PathBuf| path.is_file() && folder::open(path).is_ok_and(begins_like_a_case);
    match (paths.iter().find(is_case), paths) {
        (None, _) => Ok(None),
        (Some(case), [_]) => Ok(Some(case)),
        (Some(case), _) => Err(Error::Usage {
            message: format!("{} is a case and cannot be audited together with other paths", case.display()),
            hint: "audit each case alone: it contains all of its evidence".into(),
        }),
    }
}

fn begins_like_a_case(file: impl Read) -> bool {
    let mut block = Vec::new();
    file.take(512).read_to_end(&mut block).is_ok() && Case::begins_like(&block)
}

/// Reads a case from a file.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Case, Error> {
    Case::read(&path.display().to_string(), std::io::BufReader::new(folder::open(path)?), limits)
}

pub(crate) fn audit(path: &Path, arguments: &AuditArguments, limits: &Limits) -> Result<Report, Error> {
    let given = [
        ("--image", arguments.image.is_some()),
        ("--base", !arguments.bases.is_empty()),
        ("--trust", arguments.trust.is_some()),
        ("--builder", arguments.builder.is_some()),
        ("--approvals", arguments.approvals.is_some()),
    ];
    let of_many = [
        ("--shard", arguments.scale.shard.is_some()),
        ("--state", arguments.scale.state.is_some()),
        ("--memory", arguments.scale.memory.is_some()),
    ];
    if let Some((flag, _)) = of_many.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Error::Usage {
            message: format!("{flag} applies to many bundles, but a case is audited as a whole"),
            hint: format!("remove {flag}"),
        });
    }
    if let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Error::Usage {
            message: format!("{flag} adds evidence, but a case contains all of its evidence"),
            hint: "to use other evidence, audit the bundle itself".into(),
        });
    }
    refuse_what_is_dropped(arguments)?;
    let case = read(path, limits)?;
    let keys = read_keys(&arguments.keys.keys, Storage::Disk, limits)?;
    let own = match &arguments.policy {
        None if keys.is_empty() => None,
        policy => {
            let mut policy = policy_or_default(policy.as_deref(), limits)?;
            policy.require_also(&arguments.require)?;
            Some((policy, keys))
        }
    };
    let seal_key = arguments.case.seal_key.as_deref().map(|path| read_person_key(path, limits)).transpose()?;
    let reader = Reader {
        own,
        seal_key: seal_key.as_ref(),
        authorities: &authorities(&arguments.case.tsa_cas, limits)?,
        today: now_or(arguments.output.now)?,
        threads: threads_for(arguments.scale.threads),
    };
    repeat(&case, &path.display().to_string(), reader, limits)
}

/// Refuses a flag that would have no effect. With `--seal-key`, the case is evaluated as it was sealed. If the reader supplies no `--seal-key`, key
/// or policy, the case is not evaluated.
fn refuse_what_is_dropped(arguments: &AuditArguments) -> Result<(), Error> {
    let given = [
        ("--now", arguments.output.now.is_some()),
        ("--require", !arguments.require.is_empty()),
        ("--key", !arguments.keys.keys.is_empty()),
        ("--policy", arguments.policy.is_some()),
    ];
    let by_seal = arguments.case.seal_key.is_some();
    let has_own = arguments.policy.is_some() || !arguments.keys.keys.is_empty();
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) if by_seal => Err(Error::Usage {
            message: format!(
                "--seal-key cannot be combined with {flag}: with --seal-key, a case is evaluated as sealed, under its own keys, policy and time"
            ),
            hint: "remove --seal-key to evaluate the case under your own --key or --policy, as of --now or today"
                .into(),
        }),
        Some((flag, _)) if !has_own => Err(Error::Usage {
            message: format!("{flag} applies to your own verdict on a case, which needs your own key or policy"),
            hint: "pass your own --key or --policy, or the key of a sealer you trust with --seal-key".into(),
        }),
        _ => Ok(()),
    }
}

/// Reads the CAs of `--tsa-ca`.
pub(crate) fn authorities(paths: &[PathBuf], limits: &Limits) -> Result<Authorities, Error> {
    let mut authorities = Authorities::default();
    for path in paths {
        let text = folder::read_file(path, limits.tls_file_bytes())?;
        let added = authorities.add_pem(&text, limits);
        added.map_err(|message| Error::Usage {
            message: format!("{}: {message}", path.display()),
            hint: "--tsa-ca expects the authority's CA certificates in PEM (BEGIN CERTIFICATE), obtained separately from the case".into(),
        })?;
    }
    Ok(authorities)
}

pub(crate) fn sign_off(arguments: &SignOffArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let role = match arguments.role {
        RoleArgument::Prepared => Role::Prepared,
        RoleArgument::Reviewed => Role::Reviewed,
    };
    let secret = read_secret(&arguments.sign_key, &limits)?;
    let mut case = read(&arguments.case, &limits)?;
    let added = case.sign_off(role, &secret, now_or(arguments.now)?)?;
    crate::cli::command::seal::write(&case, &arguments.case, Existing::Replaced)?;
    let lines = [
        format!("signed off {} as {}", arguments.case.display(), role.word()),
        format!("  case       {}", case.digest()),
        format!("  verdict    {}, as sealed: the audit was not repeated", case.sealed_verdict()),
        format!("  signed by  {} at {}", added.key.fingerprint(), added.at),
    ];
    output::print(&for_lines(&(lines.join("\n") + "\n")))
}

/// Reads a person's public key.
pub(crate) fn read_person_key(path: &Path, limits: &Limits) -> Result<PersonKey, Error> {
    let text = folder::read_file(path, limits.key_file_bytes())?;
    PersonKey::from_pem(&text).map_err(|message| Error::Key { name: path.display().to_string(), message })
}
