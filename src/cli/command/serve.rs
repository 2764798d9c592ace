//! `serve`: reads files and the clock for the webhook, whose decisions are made in the module `serve`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::audit::{Facts, audit_and_keep};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::cli::args::serve::ServeArguments;
use crate::cli::command::admit::read_policy_for_workloads;
use crate::cli::command::audit::read_from_disk;
use crate::cli::{limits_with, now_or, threads_for};
use crate::disk::folder;
use crate::dossier::Question;
use crate::dossier::{Dossier, Handed, Storage, Terms};
use crate::report::BundleReport;
use crate::serve::{Edges, Pems, Service, Settings, serve as answer};

pub(crate) fn serve(arguments: &ServeArguments) -> Result<u8, Error> {
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
    let (certificate, key, for_tls) = (arguments.tls_cert.clone(), arguments.tls_key.clone(), limits.clone());
    let now = arguments.now;
    Edges {
        terms: Box::new(move || {
            let policy = read_policy_for_workloads(&policy, &for_terms)?;
            let approvals =
                approvals.as_deref().map(|path| Storage::Disk.read_approvals(path, &for_terms)).transpose()?;
            Terms::new(policy, Vec::new(), Handed { approvals, ..Handed::default() })
        }),
        bundles: Box::new(move || marked(&evidence, &for_bundles)),
        audit: Box::new(|path, question| Ok(audit_from_disk(path, question))),
        certificate: Box::new(move || pems(&certificate, &key, &for_tls)),
        now: Box::new(move || now_or(now)),
    }
}

fn audit_from_disk(path: &Path, question: &Question<'_>) -> (BundleReport, Option<Facts>) {
    audit_and_keep(Dossier::open(path, question, Storage::Disk, &read_from_disk), question)
}

/// Every bundle, with a digest of the metadata of the bundle and the files next to it. There is no need to read a file's content, because rewriting a
/// file updates its change time.
fn marked(evidence: &[PathBuf], limits: &Limits) -> Result<Vec<(PathBuf, Sha256)>, Error> {
    let mut folders: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut found = Vec::new();
    // A missing volume is an error and is not treated as an empty volume.
    for path in evidence {
        let seen = std::fs::metadata(path);
        seen.map_err(|error| Error::unreadable(slashed(path), &error))?;
    }
    for path in Storage::Disk.find_bundles(evidence, limits)? {
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

fn pems(certificate: &Path, key: &Path, limits: &Limits) -> Result<Pems, Error> {
    let read = |path: &Path| folder::read_file(path, limits.tls_file_bytes());
    Ok((read(certificate)?, Zeroizing::new(read(key)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    fn terms(policy: &Path, limits: &Limits) -> Option<Terms> {
        let policy = read_policy_for_workloads(policy, limits).ok()?;
        Some(Terms::new(policy, Vec::new(), Handed::default()).unwrap())
    }

    fn audit(bundle: &Path, terms: &Terms, limits: &Limits) -> (BundleReport, Option<Facts>) {
        let now = Timestamp::from_rfc3339("2026-03-09T00:00:00Z").unwrap();
        audit_from_disk(bundle, &terms.question(now, 1, limits))
    }

    /// The parts of a report that must be the same whether the report is made from stored facts or by an audit.
    fn judgement(report: &BundleReport) -> String {
        let BundleReport { path, file, build_name, verdict, in_play, key, findings, built, .. } = report;
        format!("{path} {file:?} {build_name:?} {verdict:?} {in_play:?} {key:?} {built:?}\n{findings:#?}")
    }

    #[test]
    fn stored_facts_give_the_same_verdict_as_the_bundle() {
        let limits = Limits::default();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        let policies: Vec<(PathBuf, Terms)> = folders
            .iter()
            .filter_map(|folder| Some((folder.clone(), terms(&folder.join("policy.toml"), &limits)?)))
            .collect();
        let (mut again, mut to_read) = (0, 0);
        for (at, (folder, own)) in policies.iter().enumerate() {
            let Ok(bundles) = Storage::Disk.find_bundles(std::slice::from_ref(folder), &limits) else { continue };
            for bundle in bundles {
                let (_, facts) = audit(&bundle, own, &limits);
                let Some(facts) = facts else { continue };
                // Use the bundle's own policy and two other policies.
                for (_, other) in policies.iter().cycle().skip(at).step_by(17).take(3) {
                    let now = Timestamp::from_rfc3339("2026-03-09T00:00:00Z").unwrap();
                    let judged = facts.judge(&other.question(now, 1, &limits));
                    let (read, _) = audit(&bundle, other, &limits);
                    match judged {
                        Some(judged) => assert_eq!(judgement(&judged), judgement(&read), "{}", bundle.display()),
                        None => to_read += 1,
                    }
                    again += 1;
                }
            }
        }
        assert!(again > 150 && to_read < again / 5 && to_read > 0, "{again} evaluated again, {to_read} had to be read");
    }
}
