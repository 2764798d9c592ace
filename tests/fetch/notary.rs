//! Tests Notary v1 with Debian's notary-server and metadata that notary's own client published.

use std::fs;
use std::path::Path;

use hpsb_audit::client::{Request, TrustOptions};
use hpsb_audit::{Limits, Sha256};
use serde_json::Value;

use crate::cutting_proxy::CuttingProxy;
use crate::plain_http::PlainServer;
use crate::processes::{Process, client, notary_server};
use crate::tls_server::TlsServer;
use crate::world::*;

struct Published {
    server: Process,
    _registry: PlainServer,
    gun: String,
    client_folder: Scratch,
}

impl Published {
    /// A repository with a target, a delegation with a target, and two versions of the root.
    fn new() -> Self {
        let server = notary_server();
        let manifest = b"{}".to_vec();
        let registry = PlainServer::start(move |asked| match asked.path.contains("/manifests/sha256:") {
            true => (200, Vec::new(), manifest.clone()),
            false => (404, Vec::new(), Vec::new()),
        });
        let gun = format!("127.0.0.1:{}/acme/wallet", registry.port);
        let published = Self { server, _registry: registry, gun, client_folder: Scratch::new() };
        let gun = published.gun.clone();
        published.notary(&["init", "-p", &gun]);
        published.notary(&["key", "rotate", &gun, "snapshot", "-r"]);
        published.add("v1", &[]);
        let folder = published.client_folder.0.clone();
        let certificate = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "d.key",
            "-out",
            "d.pem",
            "-days",
            "1000",
            "-subj",
            "/CN=releases",
        ];
        client("openssl", &certificate, &[], &folder);
        published.notary(&["delegation", "add", "-p", &gun, "targets/releases", "d.pem", "--all-paths"]);
        published.notary(&["key", "import", "d.key", "--role", "targets/releases", "--gun", &gun]);
        published.add("v2", &["--roles", "targets/releases"]);
        published
    }

    fn add(&self, tag: &str, more: &[&str]) {
        let digest = Sha256::of(tag.as_bytes()).hex();
        let arguments = ["addhash", "-p", &self.gun, tag, "3", "--sha256", &digest];
        self.notary(&[&arguments, more].concat());
    }

    fn notary(&self, arguments: &[&str]) {
        let server = format!("http://127.0.0.1:{}", self.server.port);
        let phrases = ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"].map(|role| format!("NOTARY_{role}_PASSPHRASE"));
        let environment: Vec<(&str, &str)> = phrases.iter().map(|name| (name.as_str(), "passphrase")).collect();
        let mut all = vec!["-s", server.as_str(), "-d", "trust"];
        all.extend(arguments);
        client("notary", &all, &environment, &self.client_folder.0);
    }

    fn request(&self, scratch: &Scratch, notary_port: u16) -> Request {
        let digest = format!("{}@{}", self.gun, Sha256::of(b"{}"));
        let server = TlsServer::start("server", move |seen, _| {
            answer(&[Build { digest: digest.clone(), ..Build::good() }], seen)
        });
        let mut request = request(server.port, &scratch.0);
        request.trust = Some(TrustOptions { server: Some(format!("http://127.0.0.1:{notary_port}")), lookaside: None });
        request
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn consistent_metadata_is_saved_and_newer_metadata_is_saved_next_to_it() {
    let published = Published::new();
    let scratch = Scratch::new();
    let request = published.request(&scratch, published.server.port);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let folder = scratch.path(NAME).join("trust/notary");
    assert_eq!(
        file_names(&folder),
        [
            "1.root.json",
            "2.root.json",
            "root.json",
            "snapshot.json",
            "targets.json",
            "targets/releases.json",
            "timestamp.json"
        ]
    );
    assert!(read_json(&folder.join("targets/releases.json"))["signed"]["targets"].get("v2").is_some());
    assert_eq!(read_json(&folder.join("root.json"))["signed"]["version"], 2);
    assert_eq!(read_json(&folder.join("1.root.json"))["signed"]["version"], 1);
    // Root and targets are identical to the files of notary's own client, byte for byte.
    let cache = published.client_folder.path("trust/tuf").join(&published.gun).join("metadata");
    for name in ["root.json", "targets.json"] {
        assert_eq!(fs::read(folder.join(name)).unwrap(), fs::read(cache.join(name)).unwrap(), "{name}");
    }
    let before = tree(&scratch.0);
    run(&request, &impatient()).unwrap();
    assert!(tree(&scratch.0) == before);

    published.add("v3", &[]);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0);
    assert!(
        tree(&scratch.0)
            .iter()
            .filter(|(name, _)| name.contains("/notary/"))
            .eq(before.iter().filter(|(name, _)| name.contains("/notary/")))
    );
    let beside = scratch.path(NAME).join("trust/notary.differs-1");
    assert!(read_json(&beside.join("targets.json"))["signed"]["targets"].get("v3").is_some());
}

#[test]
fn a_repository_without_metadata_gives_a_note() {
    let server = notary_server();
    let published = PlainServer::start(|asked| match asked.path.contains("/manifests/sha256:") {
        true => (200, Vec::new(), b"{}".to_vec()),
        false => (404, Vec::new(), Vec::new()),
    });
    let digest = format!("127.0.0.1:{}/acme/none@{}", published.port, Sha256::of(b"{}"));
    let build_server =
        TlsServer::start("server", move |seen, _| answer(&[Build { digest: digest.clone(), ..Build::good() }], seen));
    let scratch = Scratch::new();
    let mut request = request(build_server.port, &scratch.0);
    request.trust = Some(TrustOptions { server: Some(format!("http://127.0.0.1:{}", server.port)), lookaside: None });
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    assert!(
        notes(&report).contains("the server responded with status 404 (missing or hidden) for the timestamp"),
        "{}",
        notes(&report)
    );
}

#[test]
fn after_a_connection_is_cut_anywhere_the_metadata_is_complete_or_absent() {
    let published = Published::new();
    let proxy = CuttingProxy::start(published.server.port);
    let scratch = Scratch::new();
    let request = published.request(&scratch, proxy.port);
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    let length = proxy.take_passed();
    let reference = tree(&scratch.0);
    for position in (0..length).step_by(487) {
        fs::remove_dir_all(scratch.path(NAME)).unwrap();
        proxy.cut(u64::MAX, position);
        let report = run(&request, &impatient()).unwrap();
        assert_eq!(report.exit_code(), 3, "{position}");
        assert!(!scratch.path(NAME).join("trust/notary").exists(), "{position}");
        proxy.cut(0, 0);
        assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
        assert!(tree(&scratch.0) == reference, "{position}");
    }
}

#[test]
fn a_set_over_a_bound_is_a_fault_and_is_not_saved() {
    let published = Published::new();
    let mut bounds =
        ["trust_source_bytes=1000", "trust_files=1", "trust_file_bytes=100"].map(|says| (says, Limits::default()));
    bounds[0].1.trust_source_bytes = 1_000;
    bounds[1].1.trust_files = 1;
    bounds[2].1.trust_file_bytes = 100;
    for (says, limits) in bounds {
        let scratch = Scratch::new();
        let request = published.request(&scratch, published.server.port);
        let report = run_with(&request, &impatient(), &limits).unwrap();
        assert_eq!(report.exit_code(), 3, "{says}");
        assert!(faults(&report).contains(says), "{says}: {}", faults(&report));
        assert!(!scratch.path(NAME).join("trust/notary").exists(), "{says}");
    }
}

#[test]
fn metadata_that_does_not_match_is_not_saved() {
    let answer_with = |timestamp: &'static str, rest: &'static str| {
        PlainServer::start(move |asked| match asked.path.as_str() {
            path if path.ends_with("/timestamp.json") => (200, Vec::new(), timestamp.into()),
            path if path.contains("/_trust/") => (200, Vec::new(), rest.into()),
            path if path.contains("/manifests/sha256:") => (200, Vec::new(), b"{}".to_vec()),
            _ => (404, Vec::new(), Vec::new()),
        })
    };
    // The hash of the two bytes `{}`.
    let good =
        r#"{"signed":{"meta":{"snapshot":{"hashes":{"sha256":"RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="}}}}}"#;
    for (timestamp, rest, says) in [
        ("<html>", "{}", "expected JSON"),
        ("{}", "{}", "expected signed.meta"),
        (r#"{"signed":{"meta":{}}}"#, "{}", "lists no snapshot"),
        (r#"{"signed":{"meta":{"snapshot":{"hashes":{"sha256":"eA=="}}}}}"#, "{}", "has no SHA-256"),
        (good, "{ }", "the metadata changed in the meantime"),
    ] {
        let server = answer_with(timestamp, rest);
        let digest = format!("127.0.0.1:{}/acme/wallet@{}", server.port, Sha256::of(b"{}"));
        let build_server = TlsServer::start("server", move |seen, _| {
            answer(&[Build { digest: digest.clone(), ..Build::good() }], seen)
        });
        let scratch = Scratch::new();
        let mut request = request(build_server.port, &scratch.0);
        request.trust =
            Some(TrustOptions { server: Some(format!("http://127.0.0.1:{}", server.port)), lookaside: None });
        let report = run(&request, &impatient()).unwrap();
        assert_eq!(report.exit_code(), 3);
        assert!(faults(&report).contains(says), "expected {says}, found {}", faults(&report));
        assert!(!scratch.path(NAME).join("trust/notary").exists());
    }
}
