//! Makes evidence of many builds, and sends requests about them to the webhook as fast as the webhook responds.
//!
//! ```text
//! cargo run --release --features serve --example load -- make COUNT FOLDER
//! cargo run --release --features serve --example load -- ask ADDRESS CA COUNT CONNECTIONS SECONDS
//! ```
//! `make` writes COUNT bundles, their key and a policy: up to 10,000 bundles have different image digests; any others are links to them. `ask` sends
//! requests about the images of these builds in turn and, every tenth time, about an image that was never built. `ask` prints a line of JSON:
//! responses, latencies in microseconds, and `wrong`, the number of admissions of images that were never built. `benches/webhook` runs both.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hpsb_audit::Sha256;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["make", count, folder] => make(count.parse().expect("a number"), Path::new(folder)),
        ["ask", address, ca, count, connections, seconds] => ask(
            address,
            ca,
            count.parse().expect("a number"),
            connections.parse().expect("a number"),
            Duration::from_secs(seconds.parse().expect("seconds")),
        ),
        _ => panic!("expected make COUNT FOLDER, or ask ADDRESS CA COUNT CONNECTIONS SECONDS"),
    }
}

/// The digest in the recorded log of `tests/support`.
const IMAGE_DIGEST: &str = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";

/// The maximum number of bundles made; any others are links.
const DIFFERENT: usize = 10_000;

/// The digest of the image that a build pushed.
fn digest(build: usize) -> String {
    Sha256::of(format!("image {build}").as_bytes()).to_string()
}

fn make(count: usize, folder: &Path) {
    let key = support::keys::Named::ServerP256;
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("key.pem"), key.public_pem()).expect("the key");
    let policy = "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n";
    fs::write(folder.join("policy.toml"), policy).expect("the policy");
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let build = next.fetch_add(1, Ordering::Relaxed);
                    if build >= count.min(DIFFERENT) {
                        return;
                    }
                    let digest = digest(build);
                    let case = support::Case::good("load", "").key(key);
                    let files = case.log(|log| log.replace(IMAGE_DIGEST, &digest)).make();
                    let (name, bytes) =
                        files.into_iter().find(|(name, _)| name.ends_with(".sig.tbz")).expect("a bundle");
                    let place = place(folder, build);
                    fs::create_dir_all(&place).expect("a folder");
                    fs::write(place.join(name.trim_start_matches("load/")), bytes).expect("the bundle");
                }
            });
        }
    });
    for build in DIFFERENT..count {
        let (from, to) = (place(folder, build % DIFFERENT), place(folder, build));
        fs::create_dir_all(&to).expect("a folder");
        for entry in fs::read_dir(from).expect("the bundle's folder") {
            let entry = entry.expect("the bundle");
            fs::hard_link(entry.path(), to.join(entry.file_name())).expect("a link");
        }
    }
}

fn place(folder: &Path, build: usize) -> PathBuf {
    folder.join(format!("evidence/{:03}/{build:06}", build / 1_000))
}

#[derive(Default)]
struct Answers {
    took: Vec<Duration>,
    admitted: usize,
    denied: usize,
    wrong: usize,
    errors: usize,
}

fn ask(address: &str, ca: &str, count: usize, connections: usize, time: Duration) {
    let config = Arc::new(config(ca));
    let (began, until) = (Instant::now(), Instant::now() + time);
    let mut all = Answers::default();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|client| {
                let config = &config;
                scope.spawn(move || {
                    let mut answers = Answers::default();
                    // Clients start at different builds; a client whose connection ends opens a new one.
                    let mut build = client * 7_919;
                    while Instant::now() < until {
                        if connected(address, config, &mut build, count, until, &mut answers).is_err() {
                            answers.errors += 1;
                        }
                    }
                    answers
                })
            })
            .collect();
        for client in clients {
            let answers = client.join().expect("answers");
            all.took.extend(answers.took);
            all.admitted += answers.admitted;
            all.denied += answers.denied;
            all.wrong += answers.wrong;
            all.errors += answers.errors;
        }
    });
    all.took.sort();
    let at = |percent: usize| all.took.get(all.took.len() * percent / 100).map_or(0, Duration::as_micros);
    let line = json!({
        "connections": connections, "answers": all.took.len(),
        "a_second": format!("{:.0}", all.took.len() as f64 / began.elapsed().as_secs_f64()),
        "p50": at(50), "p99": at(99), "longest": all.took.last().map_or(0, Duration::as_micros),
        "admitted": all.admitted, "denied": all.denied, "wrong": all.wrong, "errors": all.errors,
    });
    println!("{line}");
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

/// The request that an API server sends for `kubectl run`, with only the fields that matter here.
fn request(image: &str) -> Vec<u8> {
    let pod = json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": { "name": "wallet", "namespace": "prod", "labels": { "run": "wallet" } },
        "spec": { "containers": [{ "name": "wallet", "image": image, "imagePullPolicy": "IfNotPresent" }],
            "restartPolicy": "Always", "serviceAccountName": "default" },
        "status": {},
    });
    let review = json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": "prod", "name": "wallet",
            "kind": { "group": "", "version": "v1", "kind": "Pod" }, "userInfo": { "username": "ada" }, "object": pod,
        },
    });
    let body = review.to_string();
    let head = "POST /v1/admit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Sends requests on one connection until the time limit.
fn connected(
    address: &str,
    config: &Arc<ClientConfig>,
    build: &mut usize,
    count: usize,
    until: Instant,
    answers: &mut Answers,
) -> std::io::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::clone(config), name).expect("TLS");
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    while Instant::now() < until {
        *build += 1;
        let is_built = !build.is_multiple_of(10);
        let digest = if is_built { digest(*build % count.min(DIFFERENT)) } else { digest(usize::MAX - *build) };
        let request = request(&format!("docker.io/acme/wallet@{digest}"));
        let began = Instant::now();
        stream.get_mut().write_all(&request)?;
        let body = answer(&mut stream)?;
        answers.took.push(began.elapsed());
        let is_admitted = body.contains("\"allowed\":true");
        *if is_admitted { &mut answers.admitted } else { &mut answers.denied } += 1;
        answers.wrong += usize::from(is_admitted && !is_built);
    }
    Ok(())
}

fn answer(stream: &mut impl std::io::BufRead) -> std::io::Result<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(String::from_utf8(body).expect("text"))
}
