//! `sign-off`.

use crate::base::error::Error;
use crate::base::escape::for_lines;
use crate::base::system::slashed;
use crate::case::Role;
use crate::cli::args::seal::{RoleArgument, SignOffArguments};
use crate::cli::command::key_record::read_secret;
use crate::cli::files::Existing;
use crate::cli::{limits_with, now_or, output};
use crate::dossier::Storage;
use crate::request::read_case;

pub(crate) fn sign_off(arguments: &SignOffArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let role = match arguments.role {
        RoleArgument::Prepared => Role::Prepared,
        RoleArgument::Reviewed => Role::Reviewed,
    };
    let secret = read_secret(&arguments.sign_key, &limits)?;
    let mut case = read_case(&arguments.case, Storage::Disk, &limits)?;
    let added = case.sign_off(role, &secret, now_or(arguments.now)?)?;
    crate::cli::command::seal::write(&case, &arguments.case, Existing::Replaced)?;
    let lines = [
        format!("signed off {} as {}", slashed(&arguments.case), role.word()),
        format!("  case       {}", case.digest()),
        format!(
            "  verdict    {}, sealed as of {}: the audit was not repeated",
            case.sealed_verdict(),
            case.sealed_for()
        ),
        format!("  signed by  {} at {}", added.key.fingerprint(), added.at),
    ];
    output::print(&for_lines(&(lines.join("\n") + "\n")))
}
