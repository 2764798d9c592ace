//! Saves builds from the build server in a way that never mixes evidence from two builds.
//!
//! Only the bundle and key can be requested by name. Status, image digest, image key and log are always those of the newest build, and a build may
//! finish at any time. Therefore, the status is read before and after the other files. Those files are kept only if both statuses state the name of
//! the build under which the files are saved.

use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::client::disk::Draft;
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::folder::EvidenceFolder;
use crate::client::run::{BuildReport, FetchReport, Run, Saver};
use crate::client::server::{Answered, BuildServer, Call, Got, Newest};
use crate::client::step::Source;
use crate::client::unnamed::{Overtaken, save_unnamed};
use crate::gate::bundle::Bundle;

/// The maximum number of attempts to save the newest build's evidence. A further attempt is made if a different build finishes in the meantime.
const ROUNDS: usize = 3;

/// Saves the specified builds, or the newest build if none is specified. Later errors are listed in the report.
///
/// # Errors
/// An error if the server cannot be reached, because further requests would then be useless.
pub(crate) fn save_builds(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    names: &[BuildName],
    report: &mut FetchReport,
) -> Result<(), Error> {
    let newest = newest_of(server, names.first())?;
    if names.is_empty() {
        save_newest(run, server, root, newest, report);
        return Ok(());
    }
    for name in names {
        match Saver::open(run, root, name) {
            Ok(mut saver) => {
                save_bundle(server, root, &mut saver, name, None);
                save_key(server, &mut saver, name);
                save_unnamed(server, root, &mut saver, name, &newest, Overtaken::Fault);
                match report.builds.iter_mut().find(|build| build.build_name == *name) {
                    Some(build) => build.add(saver.report),
                    None => report.builds.push(saver.report),
                }
            }
            Err(error) => report.faults.push(error),
        }
    }
    Ok(())
}

/// Requests, by name, the key of every build in the report that does not have one yet, and, if the newest build is in
/// the report, its key and the evidence that exists only for the newest build.
///
/// # Errors
/// The errors of [`save_builds`].
pub(crate) fn save_keys(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    report: &mut FetchReport,
) -> Result<(), Error> {
    let newest = newest_of(server, report.builds.first().map(|build| &build.build_name))?;
    if let Newest::Unknown(error) = &newest {
        report.faults.push(error.clone());
    }
    for build in &mut report.builds {
        let name = build.build_name.clone();
        let is_newest = newest == Newest::Build(name.clone());
        if !is_newest && root.holds_key(&name) {
            continue;
        }
        let mut saver = match Saver::open(run, root, &name) {
            Ok(saver) => saver,
            Err(error) => {
                build.faults.push(error);
                continue;
            }
        };
        save_key(server, &mut saver, &name);
        if is_newest {
            save_unnamed(server, root, &mut saver, &name, &newest, Overtaken::Fault);
        }
        build.add(saver.report);
    }
    if let Newest::Build(name) = &newest
        && !root.holds_bundle(name)
    {
        let from = server.address(Call::Status);
        let message = format!("no bundle of the newest build, {name}, is in the folder");
        report.faults.push(network(&from, message, &format!("save it with --build-name {name}")));
    }
    Ok(())
}

/// Requests the keys of bundles for which earlier runs did not save a key.
pub(crate) fn save_missing_keys(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    report: &mut FetchReport,
) -> Result<(), Error> {
    for name in root.without_key()? {
        let known = report.builds.iter_mut().find(|build| build.build_name == name);
        let is_asked = |build: &BuildReport| build.sources.iter().any(|source| source.source == Source::Key);
        if known.as_deref().is_some_and(is_asked) {
            continue;
        }
        match Saver::open(run, root, &name) {
            Ok(mut saver) => {
                save_key(server, &mut saver, &name);
                match known {
                    Some(build) => build.add(saver.report),
                    None => report.builds.push(saver.report),
                }
            }
            Err(error) => report.faults.push(error),
        }
    }
    Ok(())
}

/// The newest build according to the server.
///
/// # Errors
/// An error if neither the request for the status nor a request for a key receives a complete response. If only the first request fails, the run
/// continues.
fn newest_of(server: &BuildServer<'_>, name: Option<&BuildName>) -> Result<Newest, Error> {
    match server.ask(Call::Status) {
        Ok(status) => Ok(status.newest().unwrap_or_else(Newest::Unknown)),
        Err(error) => match server.ask(Call::PublicKey(name)) {
            Ok(_) => Ok(Newest::Unknown(error)),
            Err(_) => Err(error),
        },
    }
}

/// The server has no list of its builds.
const ONLY_NEWEST: &str =
    "this is the server's newest build; older builds were not requested: save each with --build-name";

fn save_newest(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    mut newest: Newest,
    report: &mut FetchReport,
) {
    let mut round = 0;
    loop {
        round += 1;
        // Use the build's name if there is one. A server that has built nothing since it started may still have an
        // older bundle.
        let (name, bundle) = match &newest {
            Newest::Build(name) => (name.clone(), None),
            Newest::None | Newest::Unknown(_) => match newest_bundle(server, root) {
                Ok(found) => found,
                Err(error) => {
                    if let Newest::Unknown(error) = newest {
                        report.faults.push(error);
                    }
                    return report.faults.push(error);
                }
            },
        };
        let mut saver = match Saver::open(run, root, &name) {
            Ok(saver) => saver,
            Err(error) => return report.faults.push(error),
        };
        saver.report.notes.push(ONLY_NEWEST.into());
        save_bundle(server, root, &mut saver, &name, bundle);
        save_key(server, &mut saver, &name);
        let overtaken = if round < ROUNDS { Overtaken::Note } else { Overtaken::Fault };
        let now = save_unnamed(server, root, &mut saver, &name, &newest, overtaken);
        let goes_on = now.filter(|now| overtaken == Overtaken::Note && matches!(now, Newest::Build(_)));
        let BuildReport { notes, faults, .. } = &mut saver.report;
        if goes_on.is_some() && !faults.is_empty() {
            notes.push(format!("{name} is no longer the newest build; request it again with --build-name {name}"));
        }
        report.builds.push(saver.report);
        match goes_on {
            Some(other) => newest = other,
            None => return,
        }
    }
}

/// The newest bundle, requested without a name. If there is no such bundle, returns the build name of the newest key, so that at least the key can be
/// saved.
fn newest_bundle(server: &BuildServer<'_>, root: &EvidenceFolder) -> Result<(BuildName, Option<Got<Draft>>), Error> {
    match root.draft().and_then(|draft| server.bundle(None, draft)?) {
        Ok(bundle) => Ok((bundle.name.clone(), Some(bundle))),
        Err(error) => server.key(None).flatten().map(|key| (key.name, None)).map_err(|_| error),
    }
}

fn save_bundle(
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    saver: &mut Saver<'_>,
    name: &BuildName,
    got: Option<Got<Draft>>,
) {
    let place = format!("manifest.{name}.sig.tbz");
    let from = server.address(Call::Manifest(None));
    saver.step(Source::Bundle, &from, |saver| {
        let found = match got {
            Some(got) => Ok((got.content, got.origin)),
            None => by_name(name, &from, |name| root.draft().and_then(|draft| server.bundle(name, draft))),
        };
        let checked = found.and_then(|(bundle, origin)| match Bundle::from_reader(bundle.read()?, saver.run.limits) {
            Ok(inner) if inner.build_name() != name => Err(other_build(&from, name, inner.build_name())),
            // A bundle that cannot be read is kept unchanged and reported at the end of the run.
            Ok(_) | Err(_) => Ok((bundle, origin)),
        });
        match checked {
            Ok((bundle, origin)) => saver.keep_draft(&place, bundle, origin),
            Err(error) => saver.fault(&place, &from, error),
        }
    });
}

/// Saves the key of a build. The key stays *given*: the server's operator could have created it.
fn save_key(server: &BuildServer<'_>, saver: &mut Saver<'_>, name: &BuildName) {
    let place = format!("manifest.{name}-public.pem");
    let from = server.address(Call::PublicKey(None));
    saver.step(Source::Key, &from, |saver| match by_name(name, &from, |name| server.key(name)) {
        Ok((key, origin)) => saver.keep(&place, &key, origin),
        Err(error) => saver.fault(&place, &from, error),
    });
}

/// Requests by name. It is not documented how a server responds to a name that it does not recognise, so if this fails, the newest content is
/// requested, and accepted only if its name matches.
fn by_name<T>(
    name: &BuildName,
    from: &str,
    ask: impl Fn(Option<&BuildName>) -> Answered<T>,
) -> Result<(T, Origin), Error> {
    let first = match ask(Some(name))? {
        Ok(got) if got.name == *name => return Ok((got.content, got.origin)),
        Ok(got) => other_build(from, name, &got.name),
        Err(error) => error,
    };
    match ask(None).flatten() {
        Ok(got) if got.name == *name => Ok((got.content, got.origin)),
        _ => Err(first),
    }
}

fn other_build(from: &str, wanted: &BuildName, found: &BuildName) -> Error {
    let message = format!("requested the build {wanted}, received the build {found}, which is not saved");
    network(from, message, "check the name; the server may no longer have that build")
}
