//! `audit` of a case.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::AuditArguments;
use super::audit::read_policy;
use super::{read_named, threads_for};
use crate::case::{Case, Reader, repeat};
use crate::error::Error;
use crate::folder;
use crate::limits::Limits;
use crate::person_key::PersonKey;
use crate::policy::Policy;
use crate::report::Report;

/// The case among the paths, if there is one.
pub(super) fn named(paths: &[PathBuf]) -> Result<Option<&Path>, Error> {
    let is_case = |path: &&PathBuf| path.is_file() && folder::open(path).is_ok_and(|file| begins_like_a_case(file));
    match (paths.iter().find(is_case), paths) {
        (None, _) => Ok(None),
        (Some(case), [_]) => Ok(Some(case)),
        (Some(case), _) => Err(Error::Usage {
            message: format!("{} is a case, and other paths are named beside it", case.display()),
            hint: "audit each case alone: it brings all of its evidence".into(),
        }),
    }
}

fn begins_like_a_case(file: impl Read) -> bool {
    let mut block = Vec::new();
    file.take(512).read_to_end(&mut block).is_ok() && Case::begins_like(&block)
}

/// Reads a case from its file.
pub(super) fn read(path: &Path, limits: &Limits) -> Result<Case, Error> {
    Case::read(&path.display().to_string(), std::io::BufReader::new(folder::open(path)?), limits)
}

pub(super) fn audit(path: &Path, arguments: &AuditArguments, limits: &Limits) -> Result<Report, Error> {
    let given = [
        ("--image", arguments.image.is_some()),
        ("--base", !arguments.bases.is_empty()),
        ("--trust", arguments.trust.is_some()),
        ("--approvals", arguments.approvals.is_some()),
    ];
    if let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
        return Err(Error::Usage {
            message: format!("{flag} adds evidence, and a case has all of its own"),
            hint: "audit the bundle itself with other evidence".into(),
        });
    }
    let case = read(path, limits)?;
    let keys = read_named(&arguments.keys.keys, limits)?;
    let own = match &arguments.policy {
        None if keys.is_empty() => None,
        policy => {
            let policy = policy.as_deref().map(|path| read_policy(path, limits)).transpose()?;
            let mut policy = policy.unwrap_or_else(Policy::default);
            policy.require_also(&arguments.require);
            Some((policy, keys))
        }
    };
    let seal_key = arguments.case.seal_key.as_deref().map(|path| read_person_key(path, limits)).transpose()?;
    let reader = Reader {
        own,
        seal_key: seal_key.as_ref(),
        now: arguments.output.now,
        threads: threads_for(arguments.threads),
    };
    repeat(&case, &path.display().to_string(), reader, limits)
}

/// Reads a person's public key.
pub(super) fn read_person_key(path: &Path, limits: &Limits) -> Result<PersonKey, Error> {
    let text = folder::read_file(path, limits.key_file_bytes, "key_file_bytes")?;
    PersonKey::from_pem(&text).map_err(|message| Error::Key { name: path.display().to_string(), message })
}
