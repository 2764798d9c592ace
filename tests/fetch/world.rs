//! Code shared by the tests of `fetch`: a build on a server, settings for that server, and folders that are removed when the test ends.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use hpsb_audit::client::{
    Event, FetchReport, OutsideOptions, Patience, Request, Resolve, Run, ServerOptions, Settings, TlsFiles, fetch,
};
use hpsb_audit::{BuildName, Error, Limits, Timestamp};
use serde_json::json;

use crate::certificates::Certificates;
use crate::tls_server::{Reply, Seen};

pub const HOST: &str = "sbs.example.com";
/// The build name in the fixture.
pub const NAME: &str = "docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456";
pub const OTHER: &str = "docker.io.acme.wallet.v1-0a1b2c3.2026-03-03_10-15-30.123456";

/// A folder that is removed when the test ends.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // The folder is in memory if possible, because thousands of files are flushed to it.
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let path = base.join(format!("hpsb-audit-fetch-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The data that a server has for one build.
#[derive(Clone)]
pub struct Build {
    pub name: String,
    pub bundle: Vec<u8>,
    pub key: String,
    pub status: String,
    pub digest: String,
    pub image_key: String,
    pub log: String,
}

impl Build {
    /// The fixture's build.
    pub fn good() -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/good-key-pinned");
        Self {
            bundle: fs::read(fixture.join(format!("manifest.{NAME}.sig.tbz"))).unwrap(),
            key: fs::read_to_string(fixture.join(format!("manifest.{NAME}-public.pem"))).unwrap(),
            status: json!({"status": "success", "build_name": NAME, "image_tag": "v1-b0398d3"}).to_string(),
            digest: format!("docker.io/acme/wallet@sha256:{}", "1".repeat(64)),
            image_key: "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".into(),
            log: "2026-03-02 10:15:29,000  root       INFO    starting a build\nsecond line".into(),
            name: NAME.into(),
        }
    }

    /// A build whose bundle is malformed; the bundle is still saved unchanged.
    pub fn other() -> Self {
        let status = json!({"status": "success", "build_name": OTHER}).to_string();
        Self { name: OTHER.into(), bundle: b"not a bundle".to_vec(), status, ..Self::good() }
    }
}

/// Responds as IBM's server does; the last build is the newest.
pub fn answer(builds: &[Build], seen: &Seen) -> Reply {
    let wanted = serde_json::from_str::<serde_json::Value>(&seen.body).ok();
    let wanted = wanted.as_ref().and_then(|body| body.get("BUILD_NAME")).and_then(|name| name.as_str());
    let newest = builds.last();
    let named = match wanted {
        Some(name) => builds.iter().find(|build| build.name == name),
        None => newest,
    };
    let missing = || Reply::json(200, r#"{"status": "the build was not found"}"#);
    let (Some(newest), Some(named)) = (newest, named) else { return missing() };
    match seen.path.as_str() {
        "/image" => Reply::json(200, newest.status.clone()),
        "/manifest" => {
            let encoded = Base64::encode_string(&named.bundle);
            let name = format!("manifest.{}", named.name);
            Reply::json(200, json!({"manifest_name": name, "encoded_manifest": encoded}).to_string())
        }
        "/publickey" => Reply::json(200, json!({"build_name": named.name, "public_key_pem": named.key}).to_string()),
        "/imagedigest" => Reply::json(201, json!(newest.digest).to_string()),
        "/config-json" => {
            let key = Base64::encode_string(newest.image_key.as_bytes());
            Reply::json(201, json!({"repository_name": "acme/wallet", "public_key": key}).to_string())
        }
        "/log/build" => Reply::json(200, json!({"log": newest.log}).to_string()),
        other => panic!("unexpected request for {other}"),
    }
}

/// A request to the server at `port` that saves into `to`.
pub fn request(port: u16, to: &Path) -> Request {
    let certificates = Certificates::get();
    let folder = Scratch::new();
    let path = folder.path("sbs-config.json");
    let text =
        json!({"HOSTNAME": HOST, "CICD_PORT": port.to_string(), "CLIENT_CRT_KEY": "client.pem", "CAPATH": "ca.pem"});
    fs::write(&path, text.to_string()).unwrap();
    let settings = Settings::read(&path, &certificates.folder, &Limits::default()).unwrap();
    let address: IpAddr = "127.0.0.1".parse().unwrap();
    let resolves = vec![Resolve { host: HOST.into(), port, address }];
    Request {
        to: to.to_path_buf(),
        server: Some(ServerOptions { settings, tls: TlsFiles::default(), resolves }),
        builds: Vec::new(),
        bucket: None,
        image: None,
        image_name: None,
        trust: None,
        builder_files: Vec::new(),
        outside: OutsideOptions::default(),
    }
}

pub fn names(names: &[&str]) -> Vec<BuildName> {
    names.iter().map(|name| BuildName::parse(name).unwrap()).collect()
}

/// One attempt, without a pause.
pub fn impatient() -> Patience {
    Patience {
        connect: Duration::from_secs(10),
        idle: Duration::from_secs(10),
        total: Duration::from_secs(60),
        tries: 1,
        pause: Duration::ZERO,
    }
}

/// Every run by [`run_with`] has the same time, so that folders can be compared byte for byte.
pub fn moment() -> Timestamp {
    Timestamp::from_rfc3339("2026-11-23T08:00:00Z").unwrap()
}

pub fn run(request: &Request, patience: &Patience) -> Result<FetchReport, Error> {
    run_with(request, patience, &Limits::default())
}

pub fn run_with(request: &Request, patience: &Patience, limits: &Limits) -> Result<FetchReport, Error> {
    fetch(request, Run { limits, patience, clock: moment, hear: &|_: &Event| {} })
}

/// Every file below a folder with its bytes, sorted by path.
pub fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

pub fn file_names(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().map(|(name, _)| name).collect()
}

/// All faults of a report, as text.
pub fn faults(report: &FetchReport) -> String {
    let all = report.faults.iter().chain(report.builds.iter().flat_map(|build| &build.faults));
    all.map(|error| format!("{error} | {}\n", error.hint())).collect()
}

pub fn notes(report: &FetchReport) -> String {
    report.builds.iter().flat_map(|build| &build.notes).map(|note| format!("{note}\n")).collect()
}

/// Incompressible bytes that take many packets.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}
