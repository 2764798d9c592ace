//! `serve`: the files that the webhook looks at. It judges nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::admit::read_policy_for_workloads;
use super::args::NetworkArguments;
use super::audit::{Given, audit_file, read_approvals};
use super::serve_args::ServeArguments;
use super::{limits_with, now_or, threads_for};
use crate::audit::Question;
use crate::digest::Sha256;
use crate::error::Error;
use crate::folder;
use crate::limits::Limits;
use crate::report::BundleReport;
use crate::serve::{Edges, Pems, Service, Settings, Terms, serve as answer};
use crate::time::Timestamp;

pub(super) fn serve(arguments: &ServeArguments) -> Result<u8, Error> {
    let limits = limits_with(&arguments.limits);
    let threads = threads_for(arguments.threads);
    let service = Service::new(
        edges(arguments, &limits),
        limits,
        arguments.warn_namespace.iter().cloned().collect(),
        Duration::from_secs(arguments.look_every),
        Box::new(io::stderr()),
    );
    let settings = Settings { listen: arguments.listen, drain: Duration::from_secs(arguments.drain), threads };
    answer(service, &settings).map(|()| 0)
}

fn edges(arguments: &ServeArguments, limits: &Limits) -> Edges {
    let (policy, approvals, for_terms) = (arguments.policy.clone(), arguments.approvals.clone(), limits.clone());
    let (evidence, for_bundles) = (arguments.evidence.clone(), limits.clone());
    let for_audit = limits.clone();
    let (certificate, key, for_tls) = (arguments.tls_cert.clone(), arguments.tls_key.clone(), limits.clone());
    let now = arguments.now;
    Edges {
        terms: Box::new(move || {
            let policy = read_policy_for_workloads(&policy, &for_terms)?;
            let approvals = approvals.as_deref().map(|path| read_approvals(path, &for_terms)).transpose()?;
            Ok(Terms { keys: policy.keys_for(Vec::new())?, policy, approvals })
        }),
        bundles: Box::new(move || marked(&evidence, &for_bundles)),
        audit: Box::new(move |path, threads, terms, now| Ok(audit(path, threads, terms, now, &for_audit))),
        certificate: Box::new(move || pems(&certificate, &key, &for_tls)),
        now: Box::new(move || now_or(now)),
    }
}

/// Every bundle, with a digest of what everything looks like that an audit of it reads. Bytes are not read: a file that is written anew has
/// another time of change.
fn marked(evidence: &[PathBuf], limits: &Limits) -> Result<Vec<(PathBuf, Sha256)>, Error> {
    let mut folders: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut found = Vec::new();
    // A volume that is not there is no empty volume.
    for path in evidence {
        let seen = std::fs::metadata(path);
        seen.map_err(|error| Error::Unreadable { what: path.display().to_string(), message: error.to_string() })?;
    }
    for path in folder::find_bundles(evidence, limits)? {
        let own = folder::place_of(&path).0;
        let top = folder::folder_of(&path);
        let beside = match folders.get(top) {
            Some(beside) => beside,
            None => folders.entry(top.to_owned()).or_insert(folder::look_of_folder(top, limits)?),
        };
        let mark = Sha256::of(format!("{own}\n{beside}").as_bytes());
        found.push((path, mark));
    }
    Ok(found)
}

fn audit(path: &Path, threads: usize, terms: &Terms, now: Timestamp, limits: &Limits) -> BundleReport {
    let question = Question {
        approvals: terms.approvals.as_ref(),
        threads,
        ..Question::new(&terms.policy, &terms.keys, now, limits)
    };
    let given = Given { image: None, trust: None, builder: None, network: &NetworkArguments::default() };
    audit_file(path, &given, &question, None).0
}

fn pems(certificate: &Path, key: &Path, limits: &Limits) -> Result<Pems, Error> {
    let read = |path: &Path| folder::read_file(path, limits.tls_file_bytes, "tls_file_bytes");
    Ok((read(certificate)?, Zeroizing::new(read(key)?)))
}
