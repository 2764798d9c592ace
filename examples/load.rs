//! Asks the webhook as fast as it answers, and says how many answers there were and how long they took.
//!
//! ```text
//! cargo run --release --features serve --example load -- 127.0.0.1:8443 tls.crt review.json 8 10
//! ```
//! Arguments: address, CA, a file with an AdmissionReview, connections, seconds. Every answer must say `"allowed":true`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, ca, review, connections, seconds] = arguments.as_slice() else {
        panic!("expected ADDRESS CA REVIEW CONNECTIONS SECONDS");
    };
    let config = Arc::new(config(ca));
    let body = std::fs::read(review).expect("a review");
    let head = format!(
        "POST /v1/admit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = Arc::new([head.as_bytes(), &body].concat());
    let until = Instant::now() + Duration::from_secs(seconds.parse().expect("seconds"));
    let began = Instant::now();
    let clients: Vec<_> = (0..connections.parse::<usize>().expect("a number"))
        .map(|_| {
            let (address, config, request) = (address.clone(), Arc::clone(&config), Arc::clone(&request));
            std::thread::spawn(move || client(&address, config, &request, until))
        })
        .collect();
    let mut took: Vec<Duration> = clients.into_iter().flat_map(|client| client.join().expect("answers")).collect();
    let seconds = began.elapsed().as_secs_f64();
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!("{} answers in {seconds:.1} s: {:.0} a second", took.len(), took.len() as f64 / seconds);
    println!("half below {:?}, 99 of 100 below {:?}, longest {:?}", at(0.5), at(0.99), at(1.0));
}

fn config(ca: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).expect("a CA") {
        roots.add(certificate.expect("a certificate")).expect("a CA");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.expect("TLS").with_root_certificates(roots).with_no_client_auth()
}

fn client(address: &str, config: Arc<ClientConfig>, request: &[u8], until: Instant) -> Vec<Duration> {
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let connection = ClientConnection::new(config, name).expect("TLS");
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut took = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        stream.get_mut().write_all(request).expect("the request goes out");
        let body = answer(&mut stream);
        took.push(began.elapsed());
        assert!(body.contains("\"allowed\":true"), "{body}");
    }
    took
}

fn answer(stream: &mut impl std::io::BufRead) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("a line");
        if line == "\r\n" {
            break;
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    String::from_utf8(body).expect("text")
}
