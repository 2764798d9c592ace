//! The build server: what may be asked, and how its answers are read.
//!
//! Calls and answers are those of IBM's client (ibm-hyper-protect/secure-build-cli, `request_api` in build.py and its
//! callers). Every GET carries a JSON body: `{"BUILD_NAME": …}` where a build is named, else the two bytes `""`.

use base64ct::{Base64, Encoding};
use reqwest::Url;
use serde_json::Value;

use crate::build_name::BuildName;
use crate::client::evidence_record::{Origin, Peer};
use crate::client::fault::network;
use crate::client::http::{Http, Proxies, Question, Resolve};
use crate::client::run::{Event, Run};
use crate::client::secret::excerpt;
use crate::client::settings::Settings;
use crate::client::tls::{self, TlsFiles};
use crate::error::Error;

/// Everything that this program ever asks of a build server. All of it is read with GET. The calls that change something or
/// give out the server's state with its keys (`/state-image`) have no variant, so they cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call<'a> {
    /// `GET /image`: the status record of the newest build.
    Status,
    /// `GET /manifest`: a bundle, by name, or the newest.
    Manifest(Option<&'a BuildName>),
    /// `GET /publickey`: the key of a bundle, by name, or the newest.
    PublicKey(Option<&'a BuildName>),
    /// `GET /imagedigest`: the digest of the newest build's image.
    ImageDigest,
    /// `GET /config-json`: the key that the newest build's image is signed with.
    ImageKey,
    /// `GET /log/build`: the whole log of the newest build.
    BuildLog,
}

impl Call<'_> {
    /// The path that is asked.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Status => "/image",
            Self::Manifest(_) => "/manifest",
            Self::PublicKey(_) => "/publickey",
            Self::ImageDigest => "/imagedigest",
            Self::ImageKey => "/config-json",
            Self::BuildLog => "/log/build",
        }
    }

    /// The body that is sent.
    pub(crate) fn body(self) -> String {
        match self {
            // A build's name holds nothing that JSON would escape.
            Self::Manifest(Some(name)) | Self::PublicKey(Some(name)) => format!("{{\"BUILD_NAME\": \"{name}\"}}"),
            _ => "\"\"".into(),
        }
    }
}

/// An answer with where it came from.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) origin: Origin,
}

/// A build server that can be asked.
pub(crate) struct BuildServer<'a> {
    run: Run<'a>,
    http: Http,
    base: Url,
}

impl<'a> BuildServer<'a> {
    /// Reads CA, certificate and key. Nothing is asked yet.
    pub(crate) fn new(
        run: Run<'a>,
        settings: &Settings,
        files: &TlsFiles,
        resolves: &[Resolve],
    ) -> Result<Self, Error> {
        let tls = tls::for_build_server(settings, files, run.limits)?;
        let here = |resolve: &&Resolve| resolve.host == settings.host && resolve.port == settings.port;
        let resolves: Vec<Resolve> = resolves.iter().filter(here).cloned().collect();
        let http = Http::new(tls, &resolves, Proxies::Never, run.patience)?;
        Ok(Self { run, http, base: base_url(settings)? })
    }

    /// The address of a call, to be shown.
    pub(crate) fn address(&self, call: Call<'_>) -> String {
        address(&self.base, call)
    }

    /// Asks. Any HTTP status is a reply.
    ///
    /// # Errors
    /// [`Error::Network`]: there was no whole answer; [`Error::OverLimit`]: it is larger than any real one.
    pub(crate) fn ask(&self, call: Call<'_>) -> Result<Reply, Error> {
        let mut url = self.base.clone();
        url.set_path(call.path());
        let from = self.address(call);
        let body = call.body();
        (self.run.hear)(&Event::Asking(from.clone()));
        let question = Question { body: Some(&body), ..Question::new(&url) };
        let limits = self.run.limits;
        let bound = match call {
            Call::Manifest(_) => limits.server_manifest_bytes(),
            Call::BuildLog => limits.server_log_bytes(),
            _ => limits.server_answer_bytes(),
        };
        let answer = self.http.get(&question, bound)?;
        let origin = Origin {
            from,
            asked: Some(body),
            status: Some(answer.head.status),
            version: None,
            at: (self.run.clock)(),
            peer: answer.head.peer.map(Peer::of_build_server),
        };
        Ok(Reply { status: answer.head.status, body: answer.body, origin })
    }
}

/// The build server's address.
pub(crate) fn base_url(settings: &Settings) -> Result<Url, Error> {
    let host = if settings.host.contains(':') { format!("[{}]", settings.host) } else { settings.host.clone() };
    Url::parse(&format!("https://{host}:{}/", settings.port)).map_err(|_| Error::Settings {
        path: settings.path.display().to_string(),
        message: "HOSTNAME and CICD_PORT make no address".into(),
    })
}

/// The address of a call, to be shown. The port always stands there: it is part of what was asked.
pub(crate) fn address(base: &Url, call: Call<'_>) -> String {
    let (host, port) = (base.host_str().unwrap_or_default(), base.port_or_known_default().unwrap_or_default());
    format!("https://{host}:{port}{}", call.path())
}

/// What the newest build is, by the status record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Newest {
    /// A build that has ended.
    Build(BuildName),
    /// None has ended yet, or one is running: the names are empty then.
    None,
}

impl Reply {
    /// Did the server say that it has no such thing? The words, for a note.
    pub(crate) fn absence(&self) -> Option<String> {
        (400..500).contains(&self.status).then(|| self.said())
    }

    fn said(&self) -> String {
        format!("the server answers {}: {}", self.status, excerpt(&self.body))
    }

    /// The status record's word on the newest build. All else in it is left to the audit.
    pub(crate) fn newest(&self) -> Result<Newest, Error> {
        let record = self.json()?;
        let Some(record) = record.as_object() else { return Err(self.unexpected("a status record (a JSON object)")) };
        match record.get("build_name") {
            None | Some(Value::Null) => Ok(Newest::None),
            Some(Value::String(name)) if name.is_empty() => Ok(Newest::None),
            Some(Value::String(name)) => Ok(Newest::Build(self.name(name)?)),
            Some(_) => Err(self.unexpected("build_name to be a text")),
        }
    }

    /// `{"manifest_name": "manifest.<build_name>", "encoded_manifest": "<base64>"}`: the build's name and the bundle's bytes.
    pub(crate) fn manifest(&self) -> Result<(BuildName, Vec<u8>), Error> {
        const WANTED: &str = "manifest_name and encoded_manifest";
        let answer = self.json()?;
        let name = answer.get("manifest_name").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        let encoded = answer.get("encoded_manifest").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        let build_name =
            name.strip_prefix("manifest.").ok_or_else(|| self.unexpected("manifest_name to begin with manifest."))?;
        let build_name = self.name(build_name)?;
        let bundle = Base64::decode_vec(encoded.trim_ascii())
            .map_err(|_| self.fault("encoded_manifest is no base64 (RFC 4648)".into()))?;
        if bundle.is_empty() { Err(self.fault("encoded_manifest is empty".into())) } else { Ok((build_name, bundle)) }
    }

    /// `{"build_name": …, "public_key_pem": …}`: the build's name and the key as it came.
    pub(crate) fn public_key(&self) -> Result<(BuildName, Vec<u8>), Error> {
        const WANTED: &str = "build_name and public_key_pem";
        let answer = self.json()?;
        let name = answer.get("build_name").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        let pem = answer.get("public_key_pem").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        if pem.contains("PRIVATE KEY") {
            return Err(self.fault("public_key_pem holds a private key, which is not saved".into()));
        }
        if !pem.contains("-----BEGIN ") {
            return Err(self.fault("public_key_pem is no PEM".into()));
        }
        Ok((self.name(name)?, pem.as_bytes().to_vec()))
    }

    /// A JSON string: the image's name with its digest. The body is what is kept.
    pub(crate) fn image_digest(&self) -> Result<String, Error> {
        let answer = self.json()?;
        answer.as_str().map(str::to_owned).ok_or_else(|| self.unexpected("a JSON string with the image's digest"))
    }

    /// `{"public_key": …}`: the image's key and what its file is called. It is a certificate in PEM, as base64 or plain
    /// (docker.io), or an OpenPGP key in armour (other registries).
    pub(crate) fn image_key(&self) -> Result<(&'static str, Vec<u8>), Error> {
        let answer = self.json()?;
        let text = answer.get("public_key").and_then(Value::as_str).ok_or_else(|| self.unexpected("public_key"))?;
        let decoded = Base64::decode_vec(text.trim_ascii()).ok();
        let key = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
        let shown = String::from_utf8_lossy(&key);
        if shown.contains("PRIVATE KEY") {
            return Err(self.fault("public_key holds a private key, which is not saved".into()));
        }
        match shown.trim_start() {
            armour if armour.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----") => Ok(("image-key.asc", key)),
            pem if pem.starts_with("-----BEGIN ") => Ok(("image-key.pem", key)),
            _ => Err(self.fault("public_key is neither PEM, as base64 or plain, nor an OpenPGP key".into())),
        }
    }

    /// `{"log": "line\nline"}`: the log's text.
    pub(crate) fn log(&self) -> Result<Vec<u8>, Error> {
        let answer = self.json()?;
        let log = answer.get("log").and_then(Value::as_str).ok_or_else(|| self.unexpected("log"))?;
        Ok(log.as_bytes().to_vec())
    }

    /// The body as JSON, if the status is one of success. 200 and 201 are both taken: which of them a call gives is not
    /// documented for every version.
    fn json(&self) -> Result<Value, Error> {
        match self.status {
            200 | 201 => {}
            300..400 => {
                let hint = "ask the build server itself: a proxy or another server is at that address";
                return Err(network(&self.origin.from, "the server sends us elsewhere; that is never followed", hint));
            }
            _ => return Err(self.fault(self.said())),
        }
        crate::strict_json::parse(&self.body).map_err(|error| {
            if error.is_data() {
                return self.fault(format!("the answer can be read two ways: {error}"));
            }
            self.fault(format!("expected JSON, found {}", excerpt(&self.body)))
        })
    }

    fn name(&self, text: &str) -> Result<BuildName, Error> {
        let usable = BuildName::parse(text).filter(|name| name.as_str().len() <= 200);
        usable.ok_or_else(|| {
            let shown = excerpt(text.as_bytes());
            self.fault(format!("expected a build's name ([A-Za-z0-9._:-], at most 200 characters), found {shown}"))
        })
    }

    fn unexpected(&self, wanted: &str) -> Error {
        self.fault(format!("expected {wanted}, found {}", excerpt(&self.body)))
    }

    fn fault(&self, message: String) -> Error {
        network(&self.origin.from, message, "run it again; if it stays so, look at the build server's log")
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
