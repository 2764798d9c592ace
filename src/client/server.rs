//! The build server: the requests that are sent to it and how its responses are read.
//!
//! The requests and responses are those of IBM's client (ibm-hyper-protect/secure-build-cli, `request_api` in build.py
//! and its callers). Every GET has a JSON body: `{"BUILD_NAME": …}` for a named build, otherwise the two bytes `""`.

use base64ct::{Base64, Encoding};
use reqwest::Url;
use serde_json::Value;

use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::base::system::slashed;
use crate::client::answers::{Absence, Asked, Came, Meaning};
use crate::client::disk::Draft;
use crate::client::evidence_record::{Origin, Peer};
use crate::client::fault::network;
use crate::client::http::{Answer, Http, Proxies, Question, Resolve, Sink};
use crate::client::json_member::{Base64Text, Member as MemberText};
use crate::client::run::{Event, Run};
use crate::client::secret::excerpt;
use crate::client::settings::Settings;
use crate::client::spending::Spending;
use crate::client::tls::{self, TlsFiles};

/// Every request that this program sends to a build server. All use GET. There is no variant for a request that changes something or returns the
/// server's state with its keys (`/state-image`), so such requests cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call<'a> {
    /// `GET /image`: the status record of the newest build.
    Status,
    /// `GET /manifest`: a bundle by name, or the newest bundle.
    Manifest(Option<&'a BuildName>),
    /// `GET /publickey`: the key of a bundle by name, or of the newest bundle.
    PublicKey(Option<&'a BuildName>),
    /// `GET /imagedigest`: the digest of the newest build's image.
    ImageDigest,
    /// `GET /config-json`: the key with which the newest build's image is signed.
    ImageKey,
    /// `GET /log/build`: the complete log of the newest build.
    BuildLog,
}

impl Call<'_> {
    /// The request path.
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

    /// The corresponding request in the table of responses.
    fn asked(self) -> Asked {
        match self {
            Self::Status => Asked::Status,
            Self::Manifest(_) => Asked::Bundle,
            Self::PublicKey(_) => Asked::Key,
            Self::ImageDigest => Asked::ImageDigest,
            Self::ImageKey => Asked::ImageKey,
            Self::BuildLog => Asked::BuildLog,
        }
    }

    /// The request body.
    pub(crate) fn body(self) -> String {
        match self {
            // A build name does not contain any character that JSON would escape.
            Self::Manifest(Some(name)) | Self::PublicKey(Some(name)) => format!("{{\"BUILD_NAME\": \"{name}\"}}"),
            _ => "\"\"".into(),
        }
    }
}

/// A response and its origin.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    asked: Asked,
    pub(crate) body: Vec<u8>,
    pub(crate) origin: Origin,
}

/// A build server, ready for requests.
pub(crate) struct BuildServer<'a> {
    run: Run<'a>,
    http: Http,
    base: Url,
}

impl<'a> BuildServer<'a> {
    /// Reads the CA, certificate and key, without sending a request.
    pub(crate) fn new(
        run: Run<'a>,
        settings: &Settings,
        files: &TlsFiles,
        resolves: &[Resolve],
        spending: &Spending,
    ) -> Result<Self, Error> {
        let tls = tls::for_build_server(settings, files, run.limits)?;
        let here = |resolve: &&Resolve| resolve.host == settings.host && resolve.port == settings.port;
        let resolves: Vec<Resolve> = resolves.iter().filter(here).cloned().collect();
        let http = Http::new(tls, &resolves, Proxies::Never, run.patience, spending)?;
        Ok(Self { run, http, base: base_url(settings)? })
    }

    /// The address of a request, for display.
    pub(crate) fn address(&self, call: Call<'_>) -> String {
        address(&self.base, call)
    }

    /// Requests small content. A response with any HTTP status is returned.
    ///
    /// # Errors
    /// [`Error::Network`] if there is no complete response; [`Error::OverLimit`] if the response is larger than the limit.
    pub(crate) fn ask(&self, call: Call<'_>) -> Result<Reply, Error> {
        let bound = self.run.limits.server_answer_bytes();
        self.asked(call, &mut |question| self.http.get(question, bound))
    }

    /// Requests a bundle. The bundle's bytes are written to `draft` as they arrive and are never all in memory at once.
    ///
    /// # Errors
    /// The outer error means that the response could not be read completely. The inner error means that the response is
    /// not a bundle.
    pub(crate) fn bundle(&self, name: Option<&BuildName>, mut draft: Draft) -> Answered<Draft> {
        let mut base64 = Base64Text::new(&mut draft);
        let (reply, found) = self.streamed(Call::Manifest(name), "encoded_manifest", &mut base64)?;
        let whole = base64.is_whole();
        Ok(reply.manifest(found).and_then(|name| match (whole, draft.held()) {
            (false, _) => Err(reply.fault("encoded_manifest is not base64 (RFC 4648)".into())),
            (true, 0) => Err(reply.fault("encoded_manifest is empty".into())),
            (true, _) => Ok(Got { name, content: draft, origin: reply.origin }),
        }))
    }

    /// Requests a bundle's key.
    ///
    /// # Errors
    /// The errors of [`Self::bundle`].
    pub(crate) fn key(&self, name: Option<&BuildName>) -> Answered<Vec<u8>> {
        let reply = self.ask(Call::PublicKey(name))?;
        Ok(reply.public_key().map(|(name, content)| Got { name, content, origin: reply.origin }))
    }

    /// Requests the log and writes its text to `draft`.
    pub(crate) fn log(&self, draft: &mut Draft) -> Result<(Reply, Member), Error> {
        self.streamed(Call::BuildLog, "log", draft)
    }

    /// Requests large content: the string value of one member of the response is written to `sink`, and the reply contains the remainder.
    fn streamed(&self, call: Call<'_>, member: &'static str, sink: &mut dyn Sink) -> Result<(Reply, Member), Error> {
        let limits = self.run.limits;
        let bound = if call == Call::BuildLog { limits.server_log_bytes() } else { limits.server_manifest_bytes() };
        let mut text = MemberText::new(member, limits.server_answer_bytes(), sink);
        let mut reply = self.asked(call, &mut |question| {
            self.http.get_streamed(question, (bound, limits.server_answer_bytes()), &mut text)
        })?;
        let (rest, found) = text.finish();
        if matches!(reply.status, 200 | 201) {
            reply.body = rest;
        }
        Ok((reply, if found { Member::Taken } else { Member::Missing }))
    }

    fn asked(
        &self,
        call: Call<'_>,
        ask: &mut dyn FnMut(&Question<'_>) -> Result<Answer, Error>,
    ) -> Result<Reply, Error> {
        let mut url = self.base.clone();
        url.set_path(call.path());
        let from = self.address(call);
        let body = call.body();
        (self.run.hear)(&Event::Asking(from.clone()));
        let answer = ask(&Question { body: Some(&body), ..Question::new(&url) })?;
        let origin = Origin {
            from,
            asked: Some(body),
            status: Some(answer.head.status),
            version: None,
            at: (self.run.clock)(),
            peer: answer.head.peer.map(Peer::of_build_server),
            redirected_to: None,
        };
        Ok(Reply { status: answer.head.status, asked: call.asked(), body: answer.body, origin })
    }
}

/// A response that states a build's name. The inner error describes what is wrong with the response; the outer error explains why there is no
/// complete response.
pub(crate) type Answered<T> = Result<Result<Got<T>, Error>, Error>;

/// The content of a response that states a build's name.
pub(crate) struct Got<T> {
    pub(crate) name: BuildName,
    pub(crate) content: T,
    pub(crate) origin: Origin,
}

/// Whether a response contained the string to extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Taken,
    Missing,
}

/// The build server's address.
pub(crate) fn base_url(settings: &Settings) -> Result<Url, Error> {
    let host = if settings.host.contains(':') { format!("[{}]", settings.host) } else { settings.host.clone() };
    Url::parse(&format!("https://{host}:{}/", settings.port)).map_err(|_| Error::Settings {
        path: slashed(&settings.path),
        message: "HOSTNAME and CICD_PORT do not form a valid address".into(),
    })
}

/// The address of a request, for display, always with the port.
pub(crate) fn address(base: &Url, call: Call<'_>) -> String {
    let (host, port) = (base.host_str().unwrap_or_default(), base.port_or_known_default().unwrap_or_default());
    format!("https://{host}:{port}{}", call.path())
}

/// The newest build according to the status record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Newest {
    /// A finished build.
    Build(BuildName),
    /// There is no finished build, or a build is running; in both cases, the record contains no name.
    None,
    /// The newest build is not known, because of this error.
    Unknown(Error),
}

impl Reply {
    /// Describes the server's response in a note, if the response means that the server does not send the content.
    pub(crate) fn absence(&self) -> Option<Absence> {
        (self.meaning() == Meaning::Absent).then(|| Absence { status: Some(self.status), why: self.said() })
    }

    fn meaning(&self) -> Meaning {
        self.asked.judge(Came { status: self.status, content_type: "", body: &self.body })
    }

    fn said(&self) -> String {
        format!("the server responded with status {}: {}", self.status, excerpt(&self.body))
    }

    /// The newest build as stated by the status record. The audit evaluates the other fields.
    pub(crate) fn newest(&self) -> Result<Newest, Error> {
        let record = self.json()?;
        let Some(record) = record.as_object() else { return Err(self.unexpected("a status record (a JSON object)")) };
        match record.get("build_name") {
            None | Some(Value::Null) => Ok(Newest::None),
            Some(Value::String(name)) if name.is_empty() => Ok(Newest::None),
            Some(Value::String(name)) => Ok(Newest::Build(self.name(name)?)),
            Some(_) => Err(self.unexpected("build_name to be a string")),
        }
    }

    /// `{"manifest_name": "manifest.<build_name>", "encoded_manifest": "<base64>"}`: returns the build's name. The
    /// bundle was already extracted.
    pub(crate) fn manifest(&self, text: Member) -> Result<BuildName, Error> {
        const WANTED: &str = "manifest_name and encoded_manifest";
        let answer = self.json()?;
        let name = answer.get("manifest_name").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        self.text_of(&answer, "encoded_manifest", text).ok_or_else(|| self.unexpected(WANTED))?;
        let build_name =
            name.strip_prefix("manifest.").ok_or_else(|| self.unexpected("manifest_name to begin with manifest."))?;
        self.name(build_name)
    }

    /// Whether the response has this member exactly once and the extracted string is its value.
    fn text_of(&self, answer: &Value, member: &str, text: Member) -> Option<()> {
        (answer.get(member)?.as_str()?.is_empty() && text == Member::Taken).then_some(())
    }

    /// `{"build_name": …, "public_key_pem": …}`: returns the build's name and the unchanged key.
    pub(crate) fn public_key(&self) -> Result<(BuildName, Vec<u8>), Error> {
        const WANTED: &str = "build_name and public_key_pem";
        let answer = self.json()?;
        let name = answer.get("build_name").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        let pem = answer.get("public_key_pem").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        if pem.contains("PRIVATE KEY") {
            return Err(self.fault("public_key_pem contains a private key, which is not saved".into()));
        }
        if !pem.contains("-----BEGIN ") {
            return Err(self.fault("public_key_pem is not PEM".into()));
        }
        Ok((self.name(name)?, pem.as_bytes().to_vec()))
    }

    /// Checks that the body is a JSON string, and returns the body unchanged.
    pub(crate) fn image_digest(&self) -> Result<Vec<u8>, Error> {
        let answer = self.json()?;
        answer
            .as_str()
            .map(|_| self.body.clone())
            .ok_or_else(|| self.unexpected("a JSON string with the image's digest"))
    }

    /// `{"public_key": …}`: returns the image's key and its file name. The key is a certificate in PEM, as base64 or
    /// plain text (docker.io), or an armored OpenPGP key (other registries). `None` if the server provides no key, as
    /// for images that it did not sign.
    pub(crate) fn image_key(&self) -> Result<Option<(&'static str, Vec<u8>)>, Error> {
        let answer = self.json()?;
        let text = match answer.get("public_key") {
            Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim_ascii().is_empty() => return Ok(None),
            Some(Value::String(text)) => text,
            _ => return Err(self.unexpected("public_key")),
        };
        let decoded = Base64::decode_vec(text.trim_ascii()).ok();
        let key = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
        let shown = String::from_utf8_lossy(&key);
        if shown.contains("PRIVATE KEY") {
            return Err(self.fault("public_key contains a private key, which is not saved".into()));
        }
        match shown.trim_start() {
            armour if armour.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----") => Ok(Some(("image-key.asc", key))),
            pem if pem.starts_with("-----BEGIN ") => Ok(Some(("image-key.pem", key))),
            _ => Err(self.fault("public_key is neither PEM (as base64 or plain text) nor an OpenPGP key".into())),
        }
    }

    /// Checks for `{"log": "line\nline"}`. The log was already extracted.
    pub(crate) fn log(&self, text: Member) -> Result<(), Error> {
        let answer = self.json()?;
        self.text_of(&answer, "log", text).ok_or_else(|| self.unexpected("log"))
    }

    /// The body as JSON, if the status indicates success. Both 200 and 201 are accepted, because the documentation does not state for every version
    /// which of the two a request returns.
    fn json(&self) -> Result<Value, Error> {
        match self.status {
            _ if self.meaning() == Meaning::Here => {}
            300..400 => {
                let hint = "use the build server's own address: a proxy or a different server responds at this address";
                return Err(network(
                    &self.origin.from,
                    "the server redirects, but redirects from a build server are never followed",
                    hint,
                ));
            }
            _ => return Err(self.fault(self.said())),
        }
        crate::base::strict_json::parse(&self.body).map_err(|error| {
            if error.is_data() {
                return self.fault(format!("the response is ambiguous: {error}"));
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
        network(
            &self.origin.from,
            message,
            "run the command again; if the error persists, check the build server's log",
        )
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
