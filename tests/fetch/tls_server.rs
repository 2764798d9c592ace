//! A build server on loopback, in this process, with TLS, client certificates, JSON bodies on GET, and one thread per connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::Certificates;

/// A request as the server received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub content_type: String,
    pub body: String,
}

/// The server's behaviour for one request.
pub enum Reply {
    /// A whole response.
    Whole(u16, &'static str, Vec<u8>),
    /// Sends these bytes instead of a response and closes the connection. If the bytes are a complete response, they must contain `Connection: close`;
    /// otherwise, the next request may be lost with the connection.
    Bytes(Vec<u8>),
    /// Sends headers and the beginning of a body, then nothing until the client disconnects.
    Silence(Vec<u8>),
    /// Sends headers and then an endless body.
    Endless(Vec<u8>),
    /// A large JSON response: the text before the repeated string, that string and its count, and the text after it.
    Large(&'static str, Vec<u8>, usize, String),
}

impl Reply {
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole(status, "application/json", body.into())
    }
}

pub type Behaviour = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

pub struct TlsServer {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TlsServer {
    /// Serves with the certificate `name` until the test ends. `behaviour` receives the number of earlier requests.
    pub fn start(name: &str, behaviour: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let config = Arc::new(config(name));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, behaviour, log) = (Arc::clone(&config), Arc::clone(&behaviour), Arc::clone(&log));
                thread::spawn(move || serve(stream, config, &*behaviour, &log));
            }
        });
        Self { port, seen }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn config(name: &str) -> ServerConfig {
    let set = Certificates::get();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&set.read("ca.pem")).unwrap()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(&set.read(&format!("{name}-cert.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&set.read(&format!("{name}-key.pem"))).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, behaviour: &Behaviour, log: &Mutex<Vec<Seen>>) {
    let _ = stream.set_nodelay(true);
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    while let Some(question) = read_question(&mut reader) {
        let count = {
            let mut log = log.lock().unwrap();
            log.push(question.clone());
            log.len() - 1
        };
        let stream = reader.get_mut();
        let goes_on = match behaviour(&question, count) {
            Reply::Whole(status, kind, body) => {
                let head =
                    format!("HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
                stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(&body))
                    .and_then(|()| stream.flush())
                    .is_ok()
            }
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                false
            }
            Reply::Silence(bytes) => {
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
                let _ = stream.read(&mut [0]);
                false
            }
            Reply::Large(before, part, times, after) => {
                let length = before.len() + part.len() * times + after.len();
                let head = format!(
                    "HTTP/1.1 200 x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{before}"
                );
                let _ = stream.write_all(head.as_bytes());
                let whole = (0..times).all(|_| stream.write_all(&part).is_ok());
                whole && stream.write_all(after.as_bytes()).and_then(|()| stream.flush()).is_ok()
            }
            Reply::Endless(bytes) => {
                let _ = stream.write_all(&bytes);
                while stream.write_all(&[b' '; 65_536]).is_ok() {}
                false
            }
        };
        if !goes_on {
            let stream = reader.get_mut();
            stream.conn.send_close_notify();
            let _ = stream.flush();
            let _ = stream.sock.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn read_question(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut content_type) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|&read| read > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "content-type" => content_type = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { method, path, content_type, body: String::from_utf8_lossy(&body).into_owned() })
}
