//! Evidence that the build server has only for its newest build: status, image digest, image key and log.

use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::client::fault::network;
use crate::client::folder::EvidenceFolder;
use crate::client::run::Saver;
use crate::client::server::{BuildServer, Call, Newest, Reply};
use crate::client::step::Source;

/// The sources with their requests and file names.
const STATUS: (Source, Call<'_>, &str) = (Source::Status, Call::Status, "status.json");
const OTHERS: [(Source, Call<'_>, &str); 3] = [
    (Source::ImageDigest, Call::ImageDigest, "image-digest.json"),
    (Source::ImageKey, Call::ImageKey, "image-key"),
    (Source::BuildLog, Call::BuildLog, "server-build.log"),
];

/// What it means that another build finished while the newest build's evidence was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overtaken {
    /// The other build is saved next, as the server no longer has this evidence for the first.
    Note,
    /// The command must be run again.
    Fault,
}

/// Saves the evidence that is available only for the newest build. If the status afterwards states a different build,
/// or none, the new state is returned.
pub(crate) fn save_unnamed(
    server: &BuildServer<'_>,
    root: &EvidenceFolder,
    saver: &mut Saver<'_>,
    name: &BuildName,
    before: &Newest,
    overtaken: Overtaken,
) -> Option<Newest> {
    match before {
        Newest::Build(newest) if newest == name => {}
        Newest::Build(newest) => {
            none_of_them(server, saver, &format!("the server has this evidence only for its newest build, {newest}"));
            return None;
        }
        Newest::None => {
            let why = "according to its status record, the server has no finished build, or a build is running";
            none_of_them(server, saver, why);
            return None;
        }
        Newest::Unknown(error) => {
            status_fault(server, saver, error.clone());
            return None;
        }
    }
    let replies = root.draft().map(|mut draft| {
        // The status is requested again only after these responses have arrived.
        let digest = server.ask(Call::ImageDigest);
        let key = server.ask(Call::ImageKey);
        let log = server.log(&mut draft);
        (digest, key, log, draft)
    });
    let (digest, key, log, draft) = match replies {
        Ok(replies) => replies,
        Err(error) => {
            status_fault(server, saver, error);
            return None;
        }
    };
    let status = match server.ask(Call::Status).and_then(|status| Ok((status.newest()?, status))) {
        Ok((Newest::Build(after), status)) if after == *name => status,
        Ok((after @ Newest::Build(_), _)) if overtaken == Overtaken::Note => {
            let why = format!(
                "another build started or finished while {name} was saved, so the response could belong to either build"
            );
            none_of_them(server, saver, &why);
            return Some(after);
        }
        Ok((after, _)) => {
            let message = format!(
                "another build started or finished while {name} was saved: status.json, image-digest.json, image-key and \
                 server-build.log could belong to either build and are not kept"
            );
            let hint = "run the command again when no build is running";
            status_fault(server, saver, network(&server.address(Call::Status), message, hint));
            return Some(after);
        }
        Err(error) => {
            status_fault(server, saver, error);
            return None;
        }
    };
    saver.step(Source::Status, &server.address(Call::Status), |saver| {
        saver.note_secrets("status.json", &status.body);
        saver.keep("status.json", &status.body, status.origin);
    });
    let [of_digest, of_key, of_log] = OTHERS;
    keep_small(server, saver, of_digest, digest, |reply| Ok(Some(("image-digest.json", reply.image_digest()?))));
    keep_small(server, saver, of_key, key, Reply::image_key);
    let (source, call, place) = of_log;
    let from = server.address(call);
    saver.step(source, &from, |saver| match log {
        Err(error) => saver.fault(place, &from, error),
        Ok((reply, text)) => match (reply.absence(), reply.log(text)) {
            (Some(absence), _) => saver.absent(place, &from, absence),
            (None, Err(error)) => saver.fault(place, &from, error),
            (None, Ok(())) => {
                match draft.read() {
                    Ok(file) => saver.note_secrets_in(place, file),
                    Err(error) => saver.report.faults.push(error),
                }
                saver.keep_draft(place, draft, reply.origin);
            }
        },
    });
    None
}

fn keep_small(
    server: &BuildServer<'_>,
    saver: &mut Saver<'_>,
    (source, call, place): (Source, Call<'_>, &str),
    reply: Result<Reply, Error>,
    read: impl Fn(&Reply) -> Result<Option<(&'static str, Vec<u8>)>, Error>,
) {
    let from = server.address(call);
    saver.step(source, &from, |saver| {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return saver.fault(place, &from, error),
        };
        if let Some(absence) = reply.absence() {
            return saver.absent(place, &from, absence);
        }
        match read(&reply) {
            Ok(Some((place, bytes))) => {
                saver.note_secrets(place, &bytes);
                saver.keep(place, &bytes, reply.origin);
            }
            Ok(None) => saver.absent(place, &from, "the server provides no image key"),
            Err(error) => saver.fault(place, &from, error),
        }
    });
}

fn none_of_them(server: &BuildServer<'_>, saver: &mut Saver<'_>, why: &str) {
    for (source, call, place) in [STATUS].into_iter().chain(OTHERS) {
        let from = server.address(call);
        saver.step(source, &from, |saver| saver.absent(place, &from, why));
    }
}

/// Only the status shows which build the other files belong to. The missing status is reported as one error, and the entries for the
/// other files refer to this error.
fn status_fault(server: &BuildServer<'_>, saver: &mut Saver<'_>, error: Error) {
    let (source, call, place) = STATUS;
    let from = server.address(call);
    saver.step(source, &from, |saver| saver.fault(place, &from, error));
    for (source, call, place) in OTHERS {
        let from = server.address(call);
        saver.step(source, &from, |saver| {
            saver.unsaved(place, &from, "the build to which it belongs is not known (see the error for status.json)");
        });
    }
}
