//! The build server: what may be asked, and how its answers are read.
//!
//! Calls and answers are those of IBM's client (ibm-hyper-protect/secure-build-cli, `request_api` in build.py and its
//! callers). Every GET carries a JSON body: `{"BUILD_NAME": …}` where a build is named, else the two bytes `""`.

use base64ct::{Base64, Encoding};
use reqwest::Url;
use serde_json::Value;

use crate::base::build_name::BuildName;
use crate::base::error::Error;
use crate::client::answers::{Asked, Came, Meaning};
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

    /// What is asked, for the table of answers.
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
    asked: Asked,
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
        spending: &Spending,
    ) -> Result<Self, Error> {
        let tls = tls::for_build_server(settings, files, run.limits)?;
        let here = |resolve: &&Resolve| resolve.host == settings.host && resolve.port == settings.port;
        let resolves: Vec<Resolve> = resolves.iter().filter(here).cloned().collect();
        let http = Http::new(tls, &resolves, Proxies::Never, run.patience, spending)?;
        Ok(Self { run, http, base: base_url(settings)? })
    }

    /// The address of a call, to be shown.
    pub(crate) fn address(&self, call: Call<'_>) -> String {
        address(&self.base, call)
    }

    /// Asks for something small. Any HTTP status is a reply.
    ///
    /// # Errors
    /// [`Error::Network`]: there was no whole answer; [`Error::OverLimit`]: it is larger than any real one.
    pub(crate) fn ask(&self, call: Call<'_>) -> Result<Reply, Error> {
        let bound = self.run.limits.server_answer_bytes();
        self.asked(call, &mut |question| self.http.get(question, bound))
    }

    /// Asks for a bundle: its bytes go into `draft`, never through memory as a whole.
    ///
    /// # Errors
    /// The outer one: there was no whole answer, so the same question may help later. The inner one: what the answer is instead.
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

    /// Asks for a bundle's key.
    ///
    /// # Errors
    /// As [`Self::bundle`].
    pub(crate) fn key(&self, name: Option<&BuildName>) -> Answered<Vec<u8>> {
        let reply = self.ask(Call::PublicKey(name))?;
        Ok(reply.public_key().map(|(name, content)| Got { name, content, origin: reply.origin }))
    }

    /// Asks for the log: its text goes into `draft`.
    pub(crate) fn log(&self, draft: &mut Draft) -> Result<(Reply, Member), Error> {
        self.streamed(Call::BuildLog, "log", draft)
    }

    /// Asks for something large: the text of one member of the answer goes into `sink`, and the reply has the rest.
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
        };
        Ok(Reply { status: answer.head.status, asked: call.asked(), body: answer.body, origin })
    }
}

/// A named answer, what is wrong with it, or why there was none.
pub(crate) type Answered<T> = Result<Result<Got<T>, Error>, Error>;

/// What a named answer holds.
pub(crate) struct Got<T> {
    pub(crate) name: BuildName,
    pub(crate) content: T,
    pub(crate) origin: Origin,
}

/// Whether an answer had the text that was to be taken out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Taken,
    Missing,
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
    /// The server did not say.
    Unknown(Error),
}

impl Reply {
    /// Did the server say that it has no such thing? The words, for a note.
    pub(crate) fn absence(&self) -> Option<String> {
        (self.meaning() == Meaning::Absent).then(|| self.said())
    }

    fn meaning(&self) -> Meaning {
        self.asked.judge(Came { status: self.status, content_type: "", body: &self.body })
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

    /// `{"manifest_name": "manifest.<build_name>", "encoded_manifest": "<base64>"}`: the build's name. The text was taken out of it.
    pub(crate) fn manifest(&self, text: Member) -> Result<BuildName, Error> {
        const WANTED: &str = "manifest_name and encoded_manifest";
        let answer = self.json()?;
        let name = answer.get("manifest_name").and_then(Value::as_str).ok_or_else(|| self.unexpected(WANTED))?;
        self.text_of(&answer, "encoded_manifest", text).ok_or_else(|| self.unexpected(WANTED))?;
        let build_name =
            name.strip_prefix("manifest.").ok_or_else(|| self.unexpected("manifest_name to begin with manifest."))?;
        self.name(build_name)
    }

    /// Is there that member, once, and was it its text that was taken out?
    fn text_of(&self, answer: &Value, member: &str, text: Member) -> Option<()> {
        (answer.get(member)?.as_str()?.is_empty() && text == Member::Taken).then_some(())
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
    pub(crate) fn image_digest(&self) -> Result<Vec<u8>, Error> {
        let answer = self.json()?;
        answer
            .as_str()
            .map(|_| self.body.clone())
            .ok_or_else(|| self.unexpected("a JSON string with the image's digest"))
    }

    /// `{"public_key": …}`: the image's key and what its file is called. It is a certificate in PEM, as base64 or plain
    /// (docker.io), or an OpenPGP key in armour (other registries). `None`: the server names none, as for images that it did not sign.
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
            return Err(self.fault("public_key holds a private key, which is not saved".into()));
        }
        match shown.trim_start() {
            armour if armour.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----") => Ok(Some(("image-key.asc", key))),
            pem if pem.starts_with("-----BEGIN ") => Ok(Some(("image-key.pem", key))),
            _ => Err(self.fault("public_key is neither PEM, as base64 or plain, nor an OpenPGP key".into())),
        }
    }

    /// `{"log": "line\nline"}`: is it that? The text was taken out of it.
    pub(crate) fn log(&self, text: Member) -> Result<(), Error> {
        let answer = self.json()?;
        self.text_of(&answer, "log", text).ok_or_else(|| self.unexpected("log"))
    }

    /// The body as JSON, if the status is one of success. 200 and 201 are both taken: which of them a call gives is not
    /// documented for every version.
    fn json(&self) -> Result<Value, Error> {
        match self.status {
            _ if self.meaning() == Meaning::Here => {}
            300..400 => {
                let hint = "ask the build server itself: a proxy or another server is at that address";
                return Err(network(&self.origin.from, "the server sends us elsewhere; that is never followed", hint));
            }
            _ => return Err(self.fault(self.said())),
        }
        crate::base::strict_json::parse(&self.body).map_err(|error| {
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
