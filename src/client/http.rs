//! A read-only HTTP client: it sends only GET requests and limits the size, the time and the number of attempts. Redirects are returned like any other
//! response; the caller decides whether to follow one.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use rustls::ClientConfig;

use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Bound;
use crate::client::address::is_allowed;
use crate::client::fault::{Again, Fault, network};
use crate::client::secret::Secret;
use crate::client::spending::Spending;

/// Time limits and the number of attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// The time limit for establishing a connection, including TLS.
    pub connect: Duration,
    /// The time limit for the head of a response and for each further part of the response.
    pub idle: Duration,
    /// The time limit for a complete response, starting with the request.
    pub total: Duration,
    /// The maximum number of consecutive failed attempts for one request.
    pub tries: u32,
    /// The pause before the second attempt. The pause doubles with each further attempt, up to 32 times this value.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(3_600),
            tries: 3,
            pause: Duration::from_secs(1),
        }
    }
}

/// Connects to `address` for `host` and `port`, like curl's `--resolve`. The certificate must still be valid for the
/// host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The address to connect to.
    pub address: IpAddr,
}

impl Resolve {
    /// Reads `HOST:PORT:ADDRESS`; an IPv6 address may be in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, rest) = text.split_once(':')?;
        let (port, address) = rest.split_once(':')?;
        let address = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address);
        let host = super::settings::checked_host(host, "").ok()?.to_ascii_lowercase();
        Some(Self { host, port: port.parse().ok().filter(|&port| port != 0)?, address: address.parse().ok()? })
    }
}

/// Whether proxies from the environment are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxies {
    FromEnvironment,
    Never,
}

/// One request.
pub(crate) struct Question<'a> {
    pub(crate) url: &'a Url,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) authorization: Option<&'a Secret>,
    /// Headers that are created for each attempt, because they contain the time.
    pub(crate) sign: Option<&'a dyn Fn() -> Vec<(HeaderName, String)>>,
    pub(crate) body: Option<&'a str>,
}

impl<'a> Question<'a> {
    pub(crate) fn new(url: &'a Url) -> Self {
        Self { url, headers: Vec::new(), authorization: None, sign: None, body: None }
    }

    /// The address without user, password and query, for display.
    pub(crate) fn from(&self) -> String {
        shown(self.url)
    }
}

/// The address without user, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    crate::base::escape::for_terminal(&format!("{}://{host}{port}{}", url.scheme(), url.path()))
}

/// Like [`shown`], for an address that the user specified and that may be invalid or contain a secret.
pub(crate) fn shown_as_given(text: &str) -> String {
    Url::parse(text).map_or_else(|_| "the specified address".into(), |url| shown(&url).trim_end_matches('/').to_owned())
}

/// The head of a response.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// SHA-256 of the TLS peer's leaf certificate.
    pub(crate) peer: Option<Sha256>,
    /// Scheme, host and port of the server that sent it.
    pub(crate) server: String,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The status for evidence.json: a response that arrived in several parts counts as one response.
    pub(crate) fn recorded_status(&self) -> u16 {
        if self.status == 206 { 200 } else { self.status }
    }

    /// Whether the headers specify where the body ends, so that a truncated body can be detected.
    fn end_is_marked(&self) -> bool {
        self.headers.contains_key(CONTENT_LENGTH) || self.headers.contains_key(TRANSFER_ENCODING)
    }
}

/// A complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// The destination for the bytes of a large response.
pub(crate) trait Sink {
    /// The number of bytes received so far.
    fn held(&self) -> u64;
    /// Receives the next bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error>;
    /// Discards the bytes received so far, because the server sends the response from the beginning again.
    fn start_again(&mut self) -> Result<(), Error>;
}

/// A client for one kind of server.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    /// One client for each fixed address, used only for that host and port.
    resolved: Vec<(Resolve, Client)>,
    patience: Patience,
    spending: Spending,
}

impl Http {
    pub(crate) fn new(
        tls: ClientConfig,
        resolves: &[Resolve],
        proxies: Proxies,
        patience: &Patience,
        spending: &Spending,
    ) -> Result<Self, Error> {
        let client = |resolve: Option<&Resolve>| {
            let mut builder = Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .tls_info(true)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(patience.connect)
                .timeout(patience.idle)
                .user_agent(concat!("hpsb-audit/", env!("CARGO_PKG_VERSION")));
            // Through a proxy, the proxy would choose the address.
            if proxies == Proxies::Never || resolve.is_some() {
                builder = builder.no_proxy();
            }
            if let Some(resolve) = resolve {
                builder = builder.resolve(&resolve.host, SocketAddr::new(resolve.address, resolve.port));
            }
            builder.build().map_err(|error| Fault::of("HTTP", &error.without_url()).error)
        };
        let resolved: Result<Vec<_>, Error> =
            resolves.iter().map(|resolve| Ok((resolve.clone(), client(Some(resolve))?))).collect();
        Ok(Self { client: client(None)?, resolved: resolved?, patience: patience.clone(), spending: spending.clone() })
    }

    fn client_for(&self, url: &Url) -> &Client {
        let meant = |(resolve, _): &&(Resolve, Client)| {
            url.port_or_known_default() == Some(resolve.port)
                && url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&resolve.host))
        };
        self.resolved.iter().find(meant).map_or(&self.client, |(_, client)| client)
    }

    /// Sends the request, reads the whole response into memory, and retries if a retry may help. A response with any
    /// status is returned.
    pub(crate) fn get(&self, question: &Question<'_>, bound: Bound) -> Result<Answer, Error> {
        self.get_whole(question, (bound, bound), None)
    }

    /// Like [`Http::get`], but the body of a successful response is written to `sink`, from the beginning at each attempt.
    /// `bound` applies to that body, `small` to every other body.
    pub(crate) fn get_streamed(
        &self,
        question: &Question<'_>,
        (bound, small): (Bound, Bound),
        sink: &mut dyn Sink,
    ) -> Result<Answer, Error> {
        self.get_whole(question, (bound, small), Some(sink))
    }

    fn get_whole(
        &self,
        question: &Question<'_>,
        bounds: (Bound, Bound),
        mut sink: Option<&mut dyn Sink>,
    ) -> Result<Answer, Error> {
        let from = question.from();
        let mut tries = 0;
        loop {
            tries += 1;
            let last = tries >= self.patience.tries;
            let sink = sink.as_mut().map(|sink| &mut **sink as &mut dyn Sink);
            let wait = match self.get_once(question, bounds, &from, sink) {
                Ok(answer) if last || !is_passing(answer.head.status) => return Ok(answer),
                Ok(answer) => match self.wait(tries, &answer.head) {
                    Some(wait) => wait,
                    None => return Ok(answer),
                },
                Err(fault) if last || fault.again == Again::Pointless => return Err(fault.error),
                Err(_) => self.pause(tries),
            };
            std::thread::sleep(wait);
        }
    }

    fn get_once(
        &self,
        question: &Question<'_>,
        (bound, small): (Bound, Bound),
        from: &str,
        sink: Option<&mut dyn Sink>,
    ) -> Result<Answer, Fault> {
        let deadline = Instant::now() + self.patience.total;
        let (head, mut response) = self.send(question, 0, from)?;
        let mut body = Vec::new();
        match sink.filter(|_| matches!(head.status, 200 | 201)) {
            Some(sink) => {
                sink.start_again().map_err(Fault::pointless)?;
                let mut take =
                    |bytes: &[u8]| self.spend(bytes, from).and_then(|()| sink.take(bytes)).map_err(Fault::pointless);
                read_body(&mut response, bound, 0, deadline, from, &mut take)?;
            }
            None => read_body(&mut response, small, 0, deadline, from, &mut |bytes| {
                body.extend_from_slice(bytes);
                self.spend(bytes, from).map_err(Fault::pointless)
            })?,
        }
        Ok(Answer { head, body })
    }

    /// Like [`Http::get`], for large responses: the bytes are written to `sink`, and after an interruption only the missing bytes are requested. For
    /// any status except 200 and 206, the body is not read.
    ///
    /// The caller must know the digest of the whole content or its exact size and version, because a server could resume with the end of different
    /// content.
    pub(crate) fn get_into(&self, question: &Question<'_>, bound: Bound, sink: &mut dyn Sink) -> Result<Head, Error> {
        /// An attempt that received at least this many bytes does not count as failed.
        const PROGRESS_BYTES: u64 = 1 << 20;
        let from = question.from();
        let deadline = Instant::now() + self.patience.total;
        let mut tries = 0;
        loop {
            tries += 1;
            let before = sink.held();
            let last = tries >= self.patience.tries;
            let wait = match self.get_into_once(question, bound, deadline, &from, sink) {
                Ok(head) if last || !is_passing(head.status) => return Ok(head),
                Ok(head) => match self.wait(tries, &head) {
                    Some(wait) => wait,
                    None => return Ok(head),
                },
                Err(fault) if fault.again == Again::Pointless || Instant::now() >= deadline => return Err(fault.error),
                Err(_) if sink.held() >= before.saturating_add(PROGRESS_BYTES) => {
                    tries = 0;
                    self.pause(1)
                }
                Err(fault) if last => return Err(fault.error),
                Err(_) => self.pause(tries),
            };
            std::thread::sleep(wait);
        }
    }

    fn get_into_once(
        &self,
        question: &Question<'_>,
        bound: Bound,
        deadline: Instant,
        from: &str,
        sink: &mut dyn Sink,
    ) -> Result<Head, Fault> {
        let (head, mut response) = self.send(question, sink.held(), from)?;
        match head.status {
            200 => sink.start_again().map_err(Fault::pointless)?,
            206 if continues_at(&head, sink.held()) => {}
            // The server cannot send only the missing bytes, so start from the beginning.
            206 | 416 if sink.held() > 0 => {
                sink.start_again().map_err(Fault::pointless)?;
                return Err(Fault::worthwhile(
                    from,
                    "the server did not continue the response where it was cut off",
                    "run the command again",
                ));
            }
            _ => return Ok(head),
        }
        let held = sink.held();
        let mut take = |bytes: &[u8]| self.spend(bytes, from).and_then(|()| sink.take(bytes)).map_err(Fault::pointless);
        read_body(&mut response, bound, held, deadline, from, &mut take)?;
        Ok(head)
    }

    fn spend(&self, bytes: &[u8], from: &str) -> Result<(), Error> {
        self.spending.bytes(bytes.len() as u64, from)
    }

    fn send(&self, question: &Question<'_>, from_byte: u64, from: &str) -> Result<(Head, Response), Fault> {
        let signed = question.sign.map(|sign| sign()).unwrap_or_default();
        // Callers have already checked the address to which a login is sent. It is checked again here, because every request is sent from here.
        if (question.authorization.is_some() || !signed.is_empty()) && !is_allowed(question.url) {
            let fault = network(from, "a login is not sent over plain http", "specify an https address");
            return Err(Fault::pointless(fault));
        }
        self.spending.question(from).map_err(Fault::pointless)?;
        let mut request = self.client_for(question.url).get(question.url.clone());
        for (name, value) in question.headers.iter().chain(&signed) {
            request = request.header(name, value);
        }
        if from_byte > 0 {
            request = request.header(reqwest::header::RANGE, format!("bytes={from_byte}-"));
        }
        if let Some(secret) = question.authorization {
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
                Fault::pointless(network(from, "the login contains characters that cannot be sent", "check the login"))
            })?;
            value.set_sensitive(true);
            request = request.header(reqwest::header::AUTHORIZATION, value);
        }
        if let Some(body) = question.body {
            request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.to_owned());
        }
        let response = request.send().map_err(|error| Fault::of(from, &error.without_url()))?;
        let peer = response
            .extensions()
            .get::<reqwest::tls::TlsInfo>()
            .and_then(reqwest::tls::TlsInfo::peer_certificate)
            .map(Sha256::of)
            // For a plain address, a certificate would be that of a proxy.
            .filter(|_| question.url.scheme() == "https");
        let server = question.url.origin().ascii_serialization();
        Ok((Head { status: response.status().as_u16(), headers: response.headers().clone(), peer, server }, response))
    }

    fn pause(&self, tries: u32) -> Duration {
        let factor = 2_u32.saturating_pow(tries.saturating_sub(1)).min(32);
        self.patience.pause.saturating_mul(factor)
    }

    /// How long to wait after a temporary failure: the seconds in `Retry-After`, but at least the usual pause. `None`
    /// if the server requests a longer wait than the idle limit; the response is then returned without a further
    /// attempt.
    fn wait(&self, tries: u32, head: &Head) -> Option<Duration> {
        let said = head.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let wait = said.map_or(self.pause(tries), |said| said.max(self.pause(tries)));
        (wait <= self.patience.idle).then_some(wait)
    }
}

impl Answer {
    /// The body, if the headers specified where it ends. Use this function for files whose truncation could not be detected otherwise.
    pub(crate) fn whole_body(self, from: &str) -> Result<Vec<u8>, Error> {
        if self.head.end_is_marked() {
            return Ok(self.body);
        }
        Err(network(
            from,
            "the response has neither Content-Length nor Transfer-Encoding, so truncation cannot be detected",
            "save the file by other means, and compare two copies",
        ))
    }
}

/// A status that may be temporary: a timeout, too many requests, or an unavailable server.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 502 | 503 | 504)
}

fn continues_at(head: &Head, held: u64) -> bool {
    head.header("content-range")
        .and_then(|range| range.strip_prefix("bytes "))
        .and_then(|range| range.split_once('-'))
        .is_some_and(|(start, _)| start.parse() == Ok(held))
}

fn read_body(
    response: &mut Response,
    bound: Bound,
    held: u64,
    deadline: Instant,
    from: &str,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut buffer = vec![0; 64 << 10];
    let mut left = bound.allowed.saturating_sub(held);
    loop {
        let read = response.read(&mut buffer).map_err(|error| Fault::of_body(from, &error))?;
        if read == 0 {
            return Ok(());
        }
        left = bound.take(left, read as u64, format_args!("the response from {from}")).map_err(Fault::pointless)?;
        take(buffer.get(..read).unwrap_or_default())?;
        if Instant::now() >= deadline {
            let fault = network(
                from,
                "the response takes longer than allowed",
                "run the command again, or allow more time with --timeout",
            );
            return Err(Fault::pointless(fault));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_is_parsed_as_in_curl() {
        let read = |text: &str| Resolve::parse(text).map(|r| (r.host, r.port, r.address.to_string()));
        assert_eq!(read("sbs.example.com:443:127.0.0.1"), Some(("sbs.example.com".into(), 443, "127.0.0.1".into())));
        assert_eq!(read("sbs:8443:[::1]"), Some(("sbs".into(), 8443, "::1".into())));
        assert_eq!(read("sbs:8443:::1"), Some(("sbs".into(), 8443, "::1".into())));
        for bad in
            ["sbs:443", "sbs:0:127.0.0.1", "sbs:x:127.0.0.1", ":443:127.0.0.1", "sbs:443:other", "a/b:443:127.0.0.1"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn displayed_addresses_contain_no_secrets() {
        let url = Url::parse("https://ada:hunter2@cdn.example.com:8443/blob?X-Amz-Signature=hunter2#x").unwrap();
        assert_eq!(shown(&url), "https://cdn.example.com:8443/blob");
    }
}
