//! Saves builds from the build server, so that evidence of two builds is never mixed.
//!
//! Only bundle and key can be asked for by name. Status, image digest, image key and log are always those of the newest
//! build, and a build may end at any time. So the status is read before and after, and what lies between is kept only if
//! both name the build that it is filed under.

use crate::build_name::BuildName;
use crate::bundle::Bundle;
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::folder::EvidenceFolder;
use crate::client::run::{BuildReport, FetchReport, Run, Saver};
use crate::client::server::{BuildServer, Call, Newest, Reply};
use crate::error::Error;

/// How often the newest build's evidence is asked for again when another build ended meanwhile.
const ROUNDS: usize = 3;

/// Saves the builds that are named, or the newest if none is.
pub(crate) fn save_builds(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    names: &[BuildName],
    report: &mut FetchReport,
) -> Result<(), Error> {
    // Without any answer here, none will come for the builds either.
    let status = server.ask(Call::Status)?;
    let newest = status.newest().unwrap_or_else(|error| {
        report.faults.push(error);
        Newest::None
    });
    if names.is_empty() {
        return save_newest(run, server, root, newest, report);
    }
    for name in names {
        let mut saver = Saver::open(run, root, name)?;
        save_bundle(server, &mut saver, name, None);
        save_key(server, &mut saver, name);
        save_unnamed(server, &mut saver, name, &newest);
        report.builds.push(saver.report);
    }
    Ok(())
}

/// Asks for the key of every build of the report that has none yet, by name; and for the rest of the newest, if it is among
/// them.
pub(crate) fn save_keys(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    report: &mut FetchReport,
) -> Result<(), Error> {
    let newest = server.ask(Call::Status)?.newest().unwrap_or_else(|error| {
        report.faults.push(error);
        Newest::None
    });
    for build in &mut report.builds {
        let name = build.build_name.clone();
        let is_newest = newest == Newest::Build(name.clone());
        if !is_newest && root.holds_key(&name) {
            continue;
        }
        let mut saver = Saver::open(run, root, &name)?;
        save_key(server, &mut saver, &name);
        if is_newest {
            save_unnamed(server, &mut saver, &name, &newest);
        }
        let BuildReport { files, notes, faults, .. } = saver.report;
        build.files.extend(files);
        build.notes.extend(notes);
        build.faults.extend(faults);
    }
    Ok(())
}

/// Asks for the keys of bundles that earlier runs left without one.
pub(crate) fn save_missing_keys(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    report: &mut FetchReport,
) -> Result<(), Error> {
    for name in root.without_key()? {
        if report.builds.iter().any(|build| build.build_name == name) {
            continue;
        }
        let mut saver = Saver::open(run, root, &name)?;
        save_key(server, &mut saver, &name);
        report.builds.push(saver.report);
    }
    Ok(())
}

fn save_newest(
    run: Run<'_>,
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    mut newest: Newest,
    report: &mut FetchReport,
) -> Result<(), Error> {
    let mut round = 0;
    loop {
        round += 1;
        // By name where there is one; a server that has built nothing since it started may still hold an older bundle.
        let (name, bundle) = match &newest {
            Newest::Build(name) => (name.clone(), None),
            Newest::None => {
                let reply = server.ask(Call::Manifest(None))?;
                (reply.manifest()?.0, Some(reply))
            }
        };
        let mut saver = Saver::open(run, root, &name)?;
        save_bundle(server, &mut saver, &name, bundle);
        save_key(server, &mut saver, &name);
        let now = save_unnamed(server, &mut saver, &name, &newest);
        let BuildReport { mut notes, mut faults, .. } = saver.report;
        let goes_on = now.filter(|now| round < ROUNDS && matches!(now, Newest::Build(_)));
        if goes_on.is_some() {
            // The newest was asked for, and this is no longer it. What was saved of it by name is whole, and stays.
            notes.extend(faults.drain(..).map(|fault| fault.to_string()));
        }
        report.builds.push(BuildReport { notes, faults, ..saver.report });
        match goes_on {
            Some(other) => newest = other,
            None => return Ok(()),
        }
    }
}

fn save_bundle(server: &BuildServer<'_>, saver: &mut Saver<'_>, name: &BuildName, reply: Option<Reply>) {
    let place = format!("manifest.{name}.sig.tbz");
    let from = server.address(Call::Manifest(None));
    let found = match reply {
        Some(reply) => reply.manifest().map(|(_, bundle)| (bundle, reply.origin)),
        None => ask_by_name(server, name, Call::Manifest(Some(name)), Call::Manifest(None), Reply::manifest),
    };
    match found {
        Ok((bundle, origin)) => {
            match Bundle::from_reader(bundle.as_slice(), saver.run.limits) {
                Ok(inner) if inner.build_name() != name => {
                    return saver.fault(&place, &from, other_build(&from, name, inner.build_name()));
                }
                // What cannot be read is kept as it came, and told at the end of the run.
                Ok(_) | Err(_) => {}
            }
            saver.keep(&place, &bundle, origin);
        }
        Err(error) => saver.fault(&place, &from, error),
    }
}

/// Saves the key of a build. It stays *given*: whoever runs the server could have made it.
fn save_key(server: &BuildServer<'_>, saver: &mut Saver<'_>, name: &BuildName) {
    let place = format!("manifest.{name}-public.pem");
    match ask_by_name(server, name, Call::PublicKey(Some(name)), Call::PublicKey(None), Reply::public_key) {
        Ok((key, origin)) => saver.keep(&place, &key, origin),
        Err(error) => saver.fault(&place, &server.address(Call::PublicKey(None)), error),
    }
}

/// Asks by name. What a server says to a name that it does not take is not documented, so the newest is asked for as well,
/// and taken only if it is the one.
fn ask_by_name(
    server: &BuildServer<'_>,
    name: &BuildName,
    named: Call<'_>,
    newest: Call<'_>,
    read: impl Fn(&Reply) -> Result<(BuildName, Vec<u8>), Error>,
) -> Result<(Vec<u8>, Origin), Error> {
    let reply = server.ask(named)?;
    let first = match read(&reply) {
        Ok((found, bytes)) if found == *name => return Ok((bytes, reply.origin)),
        Ok((found, _)) => other_build(&reply.origin.from, name, &found),
        Err(error) => error,
    };
    drop(reply);
    match server.ask(newest) {
        Ok(reply) => match read(&reply) {
            Ok((found, bytes)) if found == *name => Ok((bytes, reply.origin)),
            _ => Err(first),
        },
        Err(_) => Err(first),
    }
}

fn other_build(from: &str, wanted: &BuildName, found: &BuildName) -> Error {
    let message = format!("asked for the build {wanted}, answered for {found}: nothing of it is filed");
    network(from, message, "check the name; the server may no longer hold that build")
}

/// Saves what only the newest build has. The newest build afterwards is returned if it is no longer this one.
fn save_unnamed(server: &BuildServer<'_>, saver: &mut Saver<'_>, name: &BuildName, before: &Newest) -> Option<Newest> {
    const PLACES: &str = "status.json, image-digest.json, image-key and server-build.log";
    match before {
        Newest::Build(newest) if newest == name => {}
        Newest::Build(newest) => {
            saver
                .report
                .notes
                .push(format!("{PLACES} are not saved: the server has them for its newest build only, {newest}"));
            return None;
        }
        Newest::None => {
            saver.report.notes.push(format!(
                "{PLACES} are not saved: by its status record the server has no ended build, or one is running now"
            ));
            return None;
        }
    }
    let calls = [Call::ImageDigest, Call::ImageKey, Call::BuildLog];
    let replies = calls.map(|call| (call, server.ask(call)));
    let status = match server.ask(Call::Status) {
        Ok(status) => status,
        Err(error) => {
            saver.fault("status.json", &server.address(Call::Status), error);
            return None;
        }
    };
    match status.newest() {
        Ok(Newest::Build(after)) if after == *name => {}
        Ok(after) => {
            let message = format!(
                "another build began or ended while {name} was saved: {PLACES} could be of either, and are not kept"
            );
            let hint = "run it again when no build is running";
            saver.fault(
                "status.json",
                &server.address(Call::Status),
                network(&server.address(Call::Status), message, hint),
            );
            return Some(after);
        }
        Err(error) => {
            saver.fault("status.json", &server.address(Call::Status), error);
            return None;
        }
    }
    saver.note_secrets("status.json", &status.body);
    saver.keep("status.json", &status.body, status.origin);
    for (call, reply) in replies {
        keep_unnamed(server, saver, call, reply);
    }
    None
}

fn keep_unnamed(server: &BuildServer<'_>, saver: &mut Saver<'_>, call: Call<'_>, reply: Result<Reply, Error>) {
    let place = match call {
        Call::ImageDigest => "image-digest.json",
        Call::ImageKey => "image-key",
        _ => "server-build.log",
    };
    let from = server.address(call);
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return saver.fault(place, &from, error),
    };
    if let Some(words) = reply.absence() {
        return saver.absent(place, &from, &words);
    }
    let found = match call {
        Call::ImageDigest => reply.image_digest().map(|_| (place, reply.body.clone())),
        Call::ImageKey => reply.image_key(),
        _ => reply.log().map(|log| (place, log)),
    };
    match found {
        Ok((place, bytes)) => {
            saver.note_secrets(place, &bytes);
            saver.keep(place, &bytes, reply.origin);
        }
        Err(error) => saver.fault(place, &from, error),
    }
}
