//! The HTTP server: HTTP/1.1 over TLS, with a limit on everything that a client can make large or slow.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::decide::Answer;
use super::metrics::add;
use super::{Pems, Service, metrics};
use crate::base::error::Error;
use crate::base::system::reason;
use crate::workload::review::Review;

/// The maximum number of simultaneous connections; others wait.
const CONNECTIONS: u32 = 512;
/// Memory for bodies that are being read, in KiB. Each body counts twice, because a vector doubles its capacity when it
/// grows.
const READING: u32 = 256 << 10;
/// Memory for requests that are being processed, as computed by [`Review::memory`], in KiB. The two limits add up to 1
/// GiB.
const ANSWERING: u32 = 768 << 10;
/// While a thread processes a request larger than this, other threads take over its other connections.
const LARGE: usize = 64 << 10;
/// The time limit for the handshake, for the first request of a connection, and for a request's body.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time limit for a connection with no new request. Such a connection is not idle: the client does not read its
/// responses.
const STUCK: Duration = Duration::from_secs(300);
/// The time limit for the next request on a connection. This limit is longer than the 90 seconds for which API servers keep an idle connection, so
/// that the API servers close the connection first.
const IDLE: Duration = Duration::from_secs(120);
/// The maximum size of a request line with its headers.
const HEAD_BYTES: usize = 64 << 10;
/// The maximum number of bytes of a refused request that are read and discarded, so that the client receives the reason.
const LINGER_BYTES: usize = 16 << 20;
/// The time limit for connections that are still busy when the service stops.
const GOODBYE: Duration = Duration::from_secs(10);

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// How long to continue serving requests after a signal to stop.
    pub drain: Duration,
    /// The number of threads that serve requests, and of threads that audit bundles.
    pub threads: usize,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`Error::Usage`] if the certificate and key cannot be used or the server cannot listen on the address.
pub fn serve(service: Service, settings: &Settings) -> Result<(), Error> {
    let service = Arc::new(service);
    let pems = (service.edges.certificate)()?;
    let tls = Arc::new(RwLock::new(Arc::new(tls_config(&pems)?)));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.threads.max(1))
        .enable_all()
        .build()
        .map_err(|error| unusable(&format!("cannot start: {}", reason(&error))))?;
    let threads = settings.threads.max(1);
    // These threads are never joined: if an audit is running when the service stops, the audit ends with the process.
    let renewal = Mutex::new(Renewal { tls: Arc::clone(&tls), pems, fault: None });
    keep(&service, move |service| {
        let began = Instant::now();
        service.look_at_terms();
        renewal.lock().unwrap_or_else(PoisonError::into_inner).look(service);
        service.keeper.rest(service.looks.every.saturating_sub(began.elapsed()))
    });
    keep(&service, |service| {
        let began = Instant::now();
        service.look_at_evidence();
        service.keeper.rest(service.looks.every.max(began.elapsed()))
    });
    for _ in 0..threads {
        keep(&service, move |service| service.audit_next(threads));
    }
    keep(&service, move |service| service.publish_next(threads));
    let answer = runtime.block_on(listen(Arc::clone(&service), tls, settings));
    service.keeper.end();
    runtime.shutdown_background();
    service.say("ended", json!({}));
    answer
}

/// Runs a function repeatedly on its own thread until the function returns `false` because the service is stopping. If
/// the thread stops for any reason, no further image is accepted, because the index is no longer kept up to date.
fn keep(service: &Arc<Service>, again: impl Fn(&Service) -> bool + Send + 'static) {
    struct Ending(Arc<Service>);
    impl Drop for Ending {
        fn drop(&mut self) {
            self.0.is_kept_no_more();
        }
    }
    let ending = Ending(Arc::clone(service));
    std::thread::spawn(move || while again(&ending.0) {});
}

/// The server's certificate and how it is renewed.
struct Renewal {
    tls: Arc<RwLock<Arc<ServerConfig>>>,
    pems: Pems,
    /// The last logged error, so that an error that persists is logged only once.
    fault: Option<Error>,
}

impl Renewal {
    fn look(&mut self, service: &Service) {
        let renewed = (service.edges.certificate)().and_then(|new| {
            if new == self.pems {
                return Ok(None);
            }
            tls_config(&new).map(|config| Some((new, config)))
        });
        match renewed {
            Ok(None) => self.fault = None,
            Ok(Some((new, config))) => {
                *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                (self.pems, self.fault) = (new, None);
                add(&service.metrics.reloads, 1);
                service.say("certificate", json!({}));
            }
            // Keep the old certificate: clients that verify it will notice when it expires.
            Err(error) if self.fault.as_ref() != Some(&error) => {
                add(&service.metrics.faults, 1);
                service.say("fault", json!({ "error": error.code(), "message": error.to_string() }));
                self.fault = Some(error);
            }
            Err(_) => {}
        }
    }
}

fn tls_config((chain, key): &Pems) -> Result<ServerConfig, Error> {
    let bad = |what: &str| unusable(&format!("--tls-cert and --tls-key: {what}"));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| bad("expected certificates in PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| bad("expected a private key in PEM"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(&error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| bad(&error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn unusable(message: &str) -> Error {
    Error::Usage {
        message: message.into(),
        hint: "use a certificate chain and its key in PEM, and an unused address for --listen".into(),
    }
}

/// State that all connections share.
struct Wire {
    service: Arc<Service>,
    /// Whether the service received a signal to stop.
    ending: AtomicBool,
    reading: Arc<Semaphore>,
    answering: Semaphore,
}

async fn listen(service: Arc<Service>, tls: Arc<RwLock<Arc<ServerConfig>>>, settings: &Settings) -> Result<(), Error> {
    let wire = Arc::new(Wire {
        service: Arc::clone(&service),
        ending: AtomicBool::new(false),
        reading: Arc::new(Semaphore::new(READING as usize)),
        answering: Semaphore::new(ANSWERING as usize),
    });
    let bad = |error: std::io::Error| unusable(&format!("{}: {}", settings.listen, reason(&error)));
    let listener = TcpListener::bind(settings.listen).await.map_err(bad)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(bad)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(bad)?;
    service.say("listening", json!({ "address": listener.local_addr().map_err(bad)?.to_string() }));
    let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let (end, ended) = watch::channel(false);
    let drained = Mutex::new(None);
    loop {
        let until_drained = async {
            let deadline = *drained.lock().unwrap_or_else(PoisonError::into_inner);
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            taken = accept(&listener, &places) => {
                if let Some((stream, place)) = taken {
                    let config = Arc::clone(&tls.read().unwrap_or_else(PoisonError::into_inner));
                    tokio::spawn(connection(Arc::clone(&wire), ended.clone(), stream, TlsAcceptor::from(config), place));
                }
            }
            _ = terminate.recv() => begin_ending(&wire, &drained, settings.drain),
            _ = interrupt.recv() => begin_ending(&wire, &drained, settings.drain),
            () = until_drained => break,
        }
    }
    drop(listener);
    let _ = end.send(true);
    let _ = timeout(GOODBYE, places.acquire_many(CONNECTIONS)).await;
    Ok(())
}

/// Reports "not ready" but continues to serve requests, because clients need time to notice the change.
fn begin_ending(wire: &Wire, drained: &Mutex<Option<tokio::time::Instant>>, drain: Duration) {
    let mut drained = drained.lock().unwrap_or_else(PoisonError::into_inner);
    if drained.is_none() {
        wire.ending.store(true, Ordering::Relaxed);
        *drained = Some(tokio::time::Instant::now() + drain);
        wire.service.say("ending", json!({}));
    }
}

/// The next connection, as soon as the limit on connections allows one.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(_) => {
            // A temporary condition, for example no free file descriptor.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(
    wire: Arc<Wire>,
    mut ended: watch::Receiver<bool>,
    stream: TcpStream,
    acceptor: TlsAcceptor,
    _place: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = timeout(PATIENCE, acceptor.accept(stream)).await else { return };
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let answer = service_fn(move |request| {
        count.fetch_add(1, Ordering::Relaxed);
        let wire = Arc::clone(&wire);
        async move { Ok::<_, Infallible>(respond(&wire, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    // Disconnect a client that sends no request or does not read its responses.
    let silent = async {
        let (mut seen, mut time) = (0, PATIENCE);
        loop {
            tokio::time::sleep(time).await;
            let count = asked.load(Ordering::Relaxed);
            if count == seen {
                return;
            }
            (seen, time) = (count, STUCK);
        }
    };
    tokio::select! {
        _ = connection.as_mut() => {}
        () = silent => {}
        _ = ended.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(GOODBYE, connection).await;
        }
    }
}

async fn respond(wire: &Wire, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let service = &*wire.service;
    let plain = |status: u16, text: String| page(status, "text/plain; version=0.0.4; charset=utf-8", text.into_bytes());
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/admit") => admit(wire, request).await,
        (_, "/v1/admit") => plain(405, "POST an AdmissionReview\n".into()),
        (&Method::GET, "/healthz") if !service.is_kept() => {
            plain(500, "a thread that keeps the index up to date has ended\n".into())
        }
        (&Method::GET, "/healthz") => plain(200, format!("ok\n{}", service.looks.words())),
        (&Method::GET, "/readyz") if wire.ending.load(Ordering::Relaxed) => plain(503, "ending\n".into()),
        (&Method::GET, "/readyz") => match service.not_ready() {
            None => plain(200, format!("ok\n{}", service.looks.words())),
            Some(why) => plain(503, format!("{why}\n{}", service.looks.words())),
        },
        (&Method::GET, "/metrics") => plain(200, metrics::page(service)),
        _ => plain(404, "not found: use POST /v1/admit, GET /healthz, /readyz or /metrics\n".into()),
    }
}

async fn admit(wire: &Wire, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let service = &*wire.service;
    let json = |answer: Answer| page(answer.status, "application/json", answer.body);
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        let error = Error::malformed("the request", format!("expected application/json, found {kind:?}"));
        return json(service.refuse(415, &error));
    }
    let bound = service.limits.review_bytes();
    let mut incoming = request.into_body();
    let read = timeout(PATIENCE, read_body(&mut incoming, &wire.reading, bound.allowed)).await;
    let (body, _place) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(NotRead::TooLarge)) => {
            let _ = timeout(PATIENCE, hear_out(&mut incoming)).await;
            return json(service.refuse(413, &bound.exceeded("the review")));
        }
        Ok(Err(NotRead::CutOff)) => {
            return json(service.refuse(400, &Error::Truncated { what: "the request".into() }));
        }
        Err(_) => return json(service.refuse(408, &Error::Truncated { what: "the request".into() })),
    };
    let memory = u32::try_from(Review::memory(body.len() as u64).div_ceil(1 << 10)).unwrap_or(u32::MAX).min(ANSWERING);
    let Ok(Ok(_room)) = timeout(PATIENCE, wire.answering.acquire_many(memory)).await else {
        let error =
            Error::Unreadable { what: "the request".into(), message: "too many other requests are in progress".into() };
        return json(service.refuse(503, &error));
    };
    if body.len() > LARGE {
        return json(tokio::task::block_in_place(|| service.decide(&body)));
    }
    json(service.decide(&body))
}

enum NotRead {
    TooLarge,
    CutOff,
}

/// A body of at most `allowed` bytes, and the memory permits for it. Reading waits until enough permits are free.
async fn read_body(
    incoming: &mut Incoming,
    room: &Arc<Semaphore>,
    allowed: u64,
) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), NotRead> {
    let (mut body, mut taken) = (Vec::new(), None::<OwnedSemaphorePermit>);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| NotRead::CutOff)?;
        let Some(data) = frame.data_ref() else { continue };
        if (body.len() + data.len()) as u64 > allowed {
            return Err(NotRead::TooLarge);
        }
        body.extend_from_slice(data);
        let needed = u32::try_from((body.len() * 2).div_ceil(1 << 10)).unwrap_or(u32::MAX).min(READING);
        let held = taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = needed.saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
        if more > 0 {
            let more = Arc::clone(room).acquire_many_owned(more).await.map_err(|_| NotRead::CutOff)?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
        }
    }
    Ok((body, taken))
}

/// Reads and discards the rest of a body, up to a limit: closing a connection with unread bytes resets it, and the
/// response would be lost.
async fn hear_out(body: &mut Incoming) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

fn page(status: u16, kind: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
