//! Saves IBM's attestation certificates, intermediates and revocation lists, from an address or a file.

use std::path::Path;

use reqwest::Url;

use crate::base::error::Error;
use crate::base::set_aside::{is_set_aside, set_aside};
use crate::client::access::Access;
use crate::client::answers::{Asked, Came, Meaning, is_html};
use crate::client::bearer::{Guarded, Redirects};
use crate::client::disk::is_safe_name;
use crate::client::evidence_record::Origin;
use crate::client::fault::network;
use crate::client::http::shown;
use crate::client::outside::Outside;
use crate::client::run::Saver;
use crate::client::settings::read_bounded;

/// A file that is stored in `builder/` under its original name.
#[derive(Debug, Clone)]
pub(crate) struct BuilderFile {
    name: String,
    from: String,
    loaded: Result<(Vec<u8>, Origin), Error>,
}

impl BuilderFile {
    /// Why the file could not be loaded.
    pub(crate) fn fault(&self) -> Option<&Error> {
        self.loaded.as_ref().err()
    }
}

/// Loads each of `sources` once. Addresses may use plain http, because certificates and revocation lists are signed and
/// authorities publish them over http.
pub(crate) fn load(outside: &Outside<'_>, sources: &[String]) -> Vec<Result<BuilderFile, Error>> {
    sources.iter().map(|source| load_one(outside, source)).collect()
}

/// The sources of the files, for evidence.json.
pub(crate) fn origins(files: &[BuilderFile]) -> String {
    files.iter().map(|file| file.from.as_str()).collect::<Vec<_>>().join(", ")
}

/// Saves the files for one build.
pub(crate) fn save(saver: &mut Saver<'_>, files: &[BuilderFile]) {
    for BuilderFile { name, from, loaded } in files {
        let place = format!("builder/{name}");
        match loaded {
            Ok((bytes, origin)) => saver.keep(&place, bytes, origin.clone()),
            // The run reports this error once, not for each build.
            Err(error) => saver.unsaved(&place, from, &error.to_string()),
        }
    }
}

/// Loads a file. An error here is one of usage; any other is part of the result.
fn load_one(outside: &Outside<'_>, source: &str) -> Result<BuilderFile, Error> {
    let address = Url::parse(source).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = address else {
        let path = Path::new(source);
        let name = safe_name(path.file_name().and_then(|name| name.to_str()))?;
        let from = format!("the file {name}");
        let origin = Origin::without_request(from.as_str(), (outside.run.clock)());
        let bytes = read_bounded(path, outside.run.limits.builder_file_bytes());
        return Ok(BuilderFile { name, from, loaded: bytes.map(|bytes| (bytes.to_vec(), origin)) });
    };
    let name = safe_name(url.path_segments().and_then(|mut segments| segments.next_back()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Usage {
            message: "the address of a --builder-cert contains a user name or password".into(),
            hint: "remove the user name and password; these files are public".into(),
        });
    }
    Ok(BuilderFile { name, from: shown(&url), loaded: request(outside, &url) })
}

fn request(outside: &Outside<'_>, url: &Url) -> Result<(Vec<u8>, Origin), Error> {
    let server = Guarded::new(outside.run, outside.http(url)?, Access::default());
    let bound = outside.run.limits.builder_file_bytes();
    let answer = server.get(url, None, bound, Redirects::Answers)?;
    let status = answer.head.status;
    match status {
        _ if Asked::BuilderFile.judge(Came { status, content_type: "", body: b"" }) == Meaning::Here => {}
        300..400 => return Err(network(&shown(url), "the server redirects", "specify the final address")),
        _ => return Err(server.refused(url, status, &answer.body)),
    }
    let origin = server.origin(url, &answer.head);
    let bytes = answer.whole_body(&shown(url))?;
    if is_html(&bytes) {
        return Err(network(
            &shown(url),
            "expected a certificate or a revocation list, found an HTML page",
            "run the command again",
        ));
    }
    Ok((bytes, origin))
}

fn safe_name(name: Option<&str>) -> Result<String, Error> {
    name.filter(|name| is_safe_name(name) && !is_set_aside(name)).map(str::to_owned).ok_or_else(|| Error::Usage {
        message: "the address or path of a --builder-cert does not end in a valid file name".into(),
        hint: format!(
            "the file name may contain only A-Z a-z 0-9 . _ : - and must not begin with a dot or have the form {}",
            set_aside("NAME", 1)
        ),
    })
}
