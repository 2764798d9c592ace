//! A request for the audit of a case.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Means, Request};
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::case::{Case, Own, Reader, repeat};
use crate::crypto::person_key::PersonKey;
use crate::crypto::timestamp::Authorities;
use crate::dossier::{Storage, read_keys};
use crate::report::Report;

/// The case among the paths, if any.
pub(crate) fn case_among<'a>(paths: &'a [PathBuf], storage: Storage<'_>) -> Result<Option<&'a Path>, Error> {
    let is_case = |path: &&PathBuf| storage.is_file(path) && storage.open(path).is_ok_and(begins_like_a_case);
    match (paths.iter().find(is_case), paths) {
        (None, _) => Ok(None),
        (Some(case), [_]) => Ok(Some(case)),
        (Some(case), _) => Err(Error::Usage {
            message: format!("{} is a case and cannot be audited together with other paths", slashed(case)),
            hint: "audit each case alone: it contains all of its evidence".into(),
        }),
    }
}

fn begins_like_a_case(file: impl Read) -> bool {
    let mut block = Vec::new();
    file.take(512).read_to_end(&mut block).is_ok() && Case::begins_like(&block)
}

/// Reads a case from a file.
pub(crate) fn read_case(path: &Path, storage: Storage<'_>, limits: &Limits) -> Result<Case, Error> {
    Case::read(&slashed(path), BufReader::new(storage.open(path)?), limits)
}

impl Request<'_> {
    pub(super) fn audit_case(&self, path: &Path, means: &Means<'_>) -> Result<Report, Error> {
        let (trusted, limits) = (self.trusted, means.limits);
        self.refuse_other_evidence()?;
        self.refuse_what_is_dropped()?;
        let case = read_case(path, self.evidence, limits)?;
        let keys = read_keys(self.keys, trusted, limits)?;
        let own = match self.policy {
            None if keys.is_empty() => None,
            _ => {
                let mut policy = self.policy_or_default(limits)?;
                policy.require_also(self.require)?;
                let approvals = self.approvals.map(|path| trusted.read_approvals(path, limits)).transpose()?;
                Some(Own { policy, keys, approvals })
            }
        };
        let seal_key = self.seal_key.map(|path| read_person_key(path, trusted, limits)).transpose()?;
        let reader = Reader {
            own,
            seal_key: seal_key.as_ref(),
            authorities: &authorities(self.authorities, trusted, limits)?,
            today: self.now.unwrap_or(self.today),
            threads: means.threads,
            given: self.given(),
        };
        repeat(&case, &slashed(path), reader, limits)
    }

    fn refuse_other_evidence(&self) -> Result<(), Error> {
        let given = [
            ("--image", self.image.is_some()),
            ("--base", !self.bases.is_empty()),
            ("--trust", self.trust.is_some()),
            ("--builder", self.builder.is_some()),
        ];
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) => Err(Error::Usage {
                message: format!("{flag} adds evidence, but a case contains all of its evidence"),
                hint: "to use other evidence, audit the bundle itself".into(),
            }),
            None => Ok(()),
        }
    }

    /// Refuses `--now`, `--require`, `--key`, `--policy` or `--approvals` if it would have no effect. With `--seal-key`, the case is evaluated as it was sealed; if
    /// the reader supplies no `--seal-key`, key or policy, there is no verdict.
    fn refuse_what_is_dropped(&self) -> Result<(), Error> {
        let given = [
            ("--now", self.now.is_some()),
            ("--require", !self.require.is_empty()),
            ("--key", !self.keys.is_empty()),
            ("--policy", self.policy.is_some()),
            ("--approvals", self.approvals.is_some()),
        ];
        let has_own = self.policy.is_some() || !self.keys.is_empty();
        match given.into_iter().find(|(_, is_given)| *is_given) {
            Some((flag, _)) if self.seal_key.is_some() => Err(Error::Usage {
                message: format!(
                    "--seal-key cannot be combined with {flag}: with --seal-key, a case is evaluated as sealed, under its own keys, policy and time"
                ),
                hint: "remove --seal-key to evaluate the case under your own --key or --policy, as of --now or today"
                    .into(),
            }),
            Some((flag, _)) if !has_own => Err(Error::Usage {
                message: format!("{flag} applies to your own verdict on a case, which needs your own key or policy"),
                hint: format!(
                    "pass your own --key or --policy; or, instead of {flag}, a trusted sealer's key with --seal-key"
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// Reads the CAs of `--tsa-ca`.
pub(crate) fn authorities(paths: &[PathBuf], storage: Storage<'_>, limits: &Limits) -> Result<Authorities, Error> {
    let mut authorities = Authorities::default();
    for path in paths {
        let text = storage.read(path, limits.tls_file_bytes())?;
        let added = authorities.add_pem(&slashed(path), &text, limits);
        added.map_err(|message| Error::Usage {
            message: format!("{}: {message}", slashed(path)),
            hint: "--tsa-ca expects the authority's CA certificates in PEM (BEGIN CERTIFICATE), obtained separately from the case".into(),
        })?;
    }
    Ok(authorities)
}

/// Reads a person's public key.
fn read_person_key(path: &Path, storage: Storage<'_>, limits: &Limits) -> Result<PersonKey, Error> {
    let text = storage.read(path, limits.key_file_bytes())?;
    PersonKey::from_pem(&text).map_err(|message| Error::Key { name: slashed(path), message })
}
