//! Tests the program's output and exit codes, and that the output contains no secrets.

use std::fs;
use std::process::{Command, Output};

use hpsb_audit::Sha256;
use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::plain_http::PlainServer;
use crate::tls_server::{Reply, TlsServer};
use crate::world::*;

/// A typical user's folder: settings with secrets, and the files they refer to.
fn folder(port: u16) -> Scratch {
    let scratch = Scratch::new();
    let set = Certificates::get();
    fs::write(scratch.path(".container-1-2-3"), set.read("client.pem")).unwrap();
    fs::create_dir(scratch.path(".container-1-2-3.d")).unwrap();
    fs::write(scratch.path(".container-1-2-3.d/client-ca.pem"), set.read("ca.pem")).unwrap();
    let settings = json!({
        "HOSTNAME": HOST, "CICD_PORT": port.to_string(), "UUID": "1-2-3", "DOCKER_PUSH_SERVER": "docker.io",
        "DOCKER_REPO": "acme/wallet", "DOCKER_USER": "ada", "DOCKER_PASSWORD": "hunter2", "SECRET": "hunter2",
        "GITHUB_KEY": "hunter2", "COS_API_KEY_ID": "hunter2",
    });
    fs::write(scratch.path("sbs-config.json"), settings.to_string()).unwrap();
    scratch
}

fn program(scratch: &Scratch, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hpsb-audit"))
        .arg("fetch")
        .args(arguments)
        .current_dir(&scratch.0)
        .env_clear()
        .env("HOME", &scratch.0)
        // The proxy never responds, so the test shows that the build server is contacted without a proxy.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap()
}

fn text(output: &Output) -> (String, String) {
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (read(&output.stdout), read(&output.stderr))
}

#[test]
fn a_run_reports_what_it_saved_and_no_secret() {
    let server = TlsServer::start("server", |seen, _| answer(&[Build::good()], seen));
    let scratch = folder(server.port);
    let resolve = format!("{HOST}:{}:127.0.0.1", server.port);
    let arguments = ["--env", "sbs-config.json", "--resolve", &resolve, "--to", "saved"];
    let output = program(&scratch, &arguments);
    let (out, talk) = text(&output);
    assert_eq!((output.status.code(), talk.as_str()), (Some(0), ""), "{out}");
    let expected = format!(
        "{NAME}\n  saved     manifest.{NAME}.sig.tbz\n  saved     manifest.{NAME}-public.pem\n  saved     status.json\n  \
         saved     image-digest.json\n  saved     image-key.pem\n  saved     server-build.log\n  \
         note      this is the server's newest build; older builds were not requested: save each with --build-name\n  \
         saved:    bundle, key, status, image-digest, image-key, build-log\nSAVED: 1 build in saved\n"
    );
    assert_eq!(out, expected);
    for (name, bytes) in tree(&scratch.path("saved")) {
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{name}");
    }
    // Nothing else was written.
    assert_eq!(file_names(&scratch.0).len(), 3 + 7);

    let output = program(&scratch, &[&arguments[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["schema_version"], &report["exit_code"]), (&json!(1), &json!(0)));
    assert_eq!(report["builds"][0]["build_name"], NAME);
    assert_eq!(report["builds"][0]["files"][0]["kept"], "same");
}

#[test]
fn a_fault_exits_3_with_a_hint() {
    let scratch = folder(1);
    let output =
        program(&scratch, &["--env", "sbs-config.json", "--resolve", &format!("{HOST}:1:127.0.0.1"), "--tries", "1"]);
    let (out, talk) = text(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(out.contains("INCOMPLETE: 1 fault"), "{out}");
    assert!(talk.contains("error: https://sbs.example.com:1/image: ") && talk.contains("hint: "), "{talk}");
    assert!(!out.contains("hunter2") && !talk.contains("hunter2"));
}

#[test]
fn a_plan_sends_no_request() {
    let server = TlsServer::start("server", |_, _| panic!("a plan sends no request"));
    let scratch = folder(server.port);
    let other = format!("manifest.{OTHER}.sig.tbz");
    let output = program(
        &scratch,
        &["--env", "sbs-config.json", "--build-name", NAME, "--build-name", &other, "--image", "--trust", "--plan"],
    );
    let (out, talk) = text(&output);
    assert_eq!((output.status.code(), talk.as_str()), (Some(0), ""));
    let base = format!("GET https://{HOST}:{}", server.port);
    for line in [
        format!("{base}/image with the body \"\""),
        format!("{base}/manifest with the body {{\"BUILD_NAME\": \"{NAME}\"}}"),
        format!("{base}/publickey with the body {{\"BUILD_NAME\": \"{OTHER}\"}}"),
        format!("{base}/log/build with the body \"\""),
        "each build's image (according to the settings, docker.io/acme/wallet) from its registry".into(),
        "from https://notary.docker.io: timestamp".into(),
    ] {
        assert!(out.contains(&line), "{line}\n{out}");
    }
    assert!(out.contains("write to evidence") && !out.contains("state-image") && !out.contains("hunter2"), "{out}");
    assert_eq!(file_names(&scratch.0).len(), 3);
    assert_eq!(server.seen(), []);
}

#[test]
fn wrong_usage_exits_2() {
    let scratch = folder(443);
    for (arguments, says) in [
        (&[][..], "--env"),
        (&["--env", "none.json"], "none.json"),
        (&["--env", "sbs-config.json", "--build-name", "../x"], "--build-name"),
        (&["--env", "sbs-config.json", "--resolve", "x"], "HOST:PORT:ADDRESS"),
        (&["--env", "sbs-config.json", "--image-name", "a/b"], "REGISTRY/REPOSITORY"),
        (&["--env", "sbs-config.json", "--no-layers"], "--image"),
        (&["s3://bucket"], "--endpoint"),
        (&["s3:/bucket", "--endpoint", "https://s3"], "s3://BUCKET"),
        (&["s3://bucket", "--endpoint", "http://s3.example.com", "--plan"], "not encrypted"),
    ] {
        let output = program(&scratch, arguments);
        let (out, talk) = text(&output);
        let expected = if says == "none.json" { 3 } else { 2 };
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}: {out}{talk}");
        assert!(talk.contains(says), "{arguments:?}: {talk}");
        assert!(!talk.contains("hunter2"), "{talk}");
    }
    fs::remove_file(scratch.path(".container-1-2-3")).unwrap();
    let output = program(&scratch, &["--env", "sbs-config.json"]);
    let (_, talk) = text(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(talk.contains("no client certificate found") && talk.contains("--cert"), "{talk}");
}

/// The fixture's bundle with matching responses is fetched, and then audited by a program without network access.
#[test]
fn fetched_evidence_is_audited_offline() {
    const KEY: &str = "sha256:85a5c0f60bd97082558c2a86a39590c78d9a12892a44a9bc19c15a6160a4601e";
    let audit = |scratch: &Scratch, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
        let output =
            command.arg("audit").args(arguments).args(["--now", "2026-03-10T00:00:00Z"]).current_dir(&scratch.0);
        let output = output.env_clear().output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    // The server's response must contain the digest in the log, which the program reads from the bundle.
    let scratch = Scratch::new();
    fs::write(scratch.path(&format!("manifest.{NAME}.sig.tbz")), Build::good().bundle).unwrap();
    fs::write(scratch.path("key.pem"), Build::good().key).unwrap();
    let (_, report, _) = audit(&scratch, &[".", "--key", "key.pem", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let facts = report["reports"][0]["evidence"].as_array().unwrap();
    let pushed = facts.iter().find(|fact| fact["fact"] == "image-digest").unwrap()["value"].as_str().unwrap();
    let digest = pushed.split(' ').find(|word| word.starts_with("sha256:")).unwrap();
    let build = Build { digest: format!("docker.io/acme/wallet@{digest}"), ..Build::good() };

    let server = TlsServer::start("server", move |seen, _| answer(std::slice::from_ref(&build), seen));
    let scratch = folder(server.port);
    let resolve = format!("{HOST}:{}:127.0.0.1", server.port);
    let output = program(&scratch, &["--env", "sbs-config.json", "--resolve", &resolve, "--to", "evidence"]);
    assert_eq!(output.status.code(), Some(0), "{:?}", text(&output));
    // No key was specified, so the fetched key is shown with its fingerprint and not used.
    let (code, _, talk) = audit(&scratch, &["evidence"]);
    assert_eq!(code, Some(2));
    assert!(talk.contains(KEY) || audit(&scratch, &["evidence"]).1.contains(KEY), "{talk}");

    let (code, page, _) = audit(&scratch, &["evidence", "--key", KEY, "--details"]);
    assert_eq!(code, Some(0), "{page}");
    assert!(
        page.contains("pass                    server-record") && page.contains("verifies 1 of 1 bundle"),
        "{page}"
    );
    let json = audit(&scratch, &["evidence", "--key", KEY, "--format", "json"]).1;
    assert!(json.contains("verifies 1 of 1 bundle"), "{json}");
    // Certificates alone do not make the group `builder` part of the audit.
    let builder = scratch.path("evidence").join(NAME).join("builder");
    fs::create_dir(&builder).unwrap();
    fs::write(builder.join("attestation.crt"), Certificates::get().read("ca.pem")).unwrap();
    drop(server);
    assert_eq!(audit(&scratch, &["evidence", "--key", KEY, "--format", "json"]).1, json);
    // A later change to a saved response is detected.
    let path = scratch.path("evidence").join(NAME).join("image-digest.json");
    fs::write(&path, json!(format!("docker.io/acme/wallet@sha256:{}", "0".repeat(64))).to_string()).unwrap();
    let (code, page, _) = audit(&scratch, &["evidence", "--key", KEY]);
    assert!(code == Some(1) && page.contains("server-record: image digest: expected and found differ"), "{page}");
}

/// A set of signatures that was saved next to a different one never affects a verdict, whichever of the two is good.
#[test]
fn a_set_aside_set_of_signatures_does_not_change_the_verdict() {
    let scratch = Scratch::new();
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/good-trust-notary");
    for (name, bytes) in tree(&fixture) {
        fs::create_dir_all(scratch.path(&name).parent().unwrap()).unwrap();
        fs::write(scratch.path(&name), bytes).unwrap();
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
        let command = command.args(arguments).args(["--now", "2026-11-30T00:00:00Z", "--format", "json"]);
        let output = command.current_dir(&scratch.0).env_clear().output().unwrap();
        let mut page: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        page.as_object_mut().unwrap().remove("not_read");
        (output.status.code(), page)
    };
    let both = || (run(&["audit", ".", "--key", "key.pem"]), run(&["trust", "trust"]));
    let (notary, aside) = (scratch.path("trust/notary"), scratch.path("trust/notary.differs-1"));
    let good = both();
    assert_eq!((good.0.0, good.1.0), (Some(0), Some(0)), "{good:?}");
    fs::create_dir(&aside).unwrap();
    for (name, bytes) in tree(&notary) {
        let text = String::from_utf8(bytes).unwrap();
        let at = text.find("\"sig\":").unwrap() + 8;
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        fs::write(aside.join(name), format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
    }
    assert_eq!(both(), good);
    for (from, to) in [(&notary, "x"), (&aside, "notary"), (&scratch.path("trust/x"), "notary.differs-12")] {
        fs::rename(from, scratch.path("trust").join(to)).unwrap();
    }
    let bad = both();
    assert_eq!((bad.0.0, bad.1.0), (Some(1), Some(1)), "{bad:?}");
    fs::remove_dir_all(scratch.path("trust/notary.differs-12")).unwrap();
    assert_eq!(both(), bad);
}

/// The text states where blobs are: signatures have blobs even if the image was not requested.
#[test]
fn blobs_are_counted_by_folder() {
    let (registry, image) = crate::registry::signed_image();
    let server = TlsServer::start("server", |seen, _| answer(&[Build::good()], seen));
    let scratch = folder(server.port);
    let resolve = format!("{HOST}:{}:127.0.0.1", server.port);
    let arguments = ["--env", "sbs-config.json", "--resolve", &resolve, "--image-name", &image, "--trust"];
    let (out, talk) = text(&program(&scratch, &arguments));
    assert!(out.contains("\n  and       3 blobs in trust/cosign\n"), "{out}{talk}");
    assert!(!out.contains("image blobs") && !out.contains("blobs in image"), "{out}");
    let (out, _) = text(&program(&scratch, &[&arguments[..], &["--image"]].concat()));
    assert!(out.contains("\n  and       2 blobs in image\n  and       3 blobs in trust/cosign\n"), "{out}");
    drop(registry);
}

/// A layer of 300 MB, and a bundle and a log inside JSON, are streamed to disk. The same run with small responses is the reference.
#[test]
fn memory_does_not_grow_with_the_size_of_responses() {
    let small = peak(1, 1);
    let large = peak(300, 24);
    assert!(large < small + (16 << 20), "{} MiB, and {} MiB with small responses", large >> 20, small >> 20);
}

/// The program's peak memory in bytes, for a layer of `layer_mib` MiB, and a log and a base64 bundle of `mib` MiB each.
fn peak(layer_mib: usize, mib: usize) -> u64 {
    const MEASURE: &str = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); \
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)";
    let part = vec![b'A'; 1 << 20];
    let layer = Sha256::of(&part.repeat(layer_mib)).to_string();
    let config = b"{}".to_vec();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "x", "digest": Sha256::of(&config).to_string(), "size": config.len()},
        "layers": [{"mediaType": "x", "digest": layer, "size": layer_mib << 20}],
    })
    .to_string()
    .into_bytes();
    let digest = Sha256::of(&manifest).to_string();
    let (one, name) = (part.clone(), digest.clone());
    let registry = PlainServer::start(move |asked| match asked.path.rsplit('/').next() {
        Some(last) if last == name => (200, Vec::new(), manifest.clone()),
        Some(last) if last == layer => (200, vec![("X-Times".into(), layer_mib.to_string())], one.clone()),
        _ => (200, Vec::new(), config.clone()),
    });
    let build = Build { digest: format!("127.0.0.1:{}/acme/wallet@{digest}", registry.port), ..Build::good() };
    let server = TlsServer::start("server", move |seen, _| match seen.path.as_str() {
        "/manifest" => {
            let after = format!("\", \"manifest_name\": \"manifest.{NAME}\"}}");
            Reply::Large("{\"encoded_manifest\": \"", part.clone(), mib, after)
        }
        "/log/build" => Reply::Large("{\"log\": \"", part.clone(), mib, "\"}".into()),
        _ => answer(std::slice::from_ref(&build), seen),
    });
    let scratch = folder(server.port);
    let resolve = format!("{HOST}:{}:127.0.0.1", server.port);
    let output = Command::new("python3")
        .args(["-c", MEASURE, env!("CARGO_BIN_EXE_hpsb-audit"), "fetch", "--env", "sbs-config.json", "--image"])
        .args(["--resolve", &resolve, "--to", "saved"])
        .current_dir(&scratch.0)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", &scratch.0)
        .output()
        .expect("python3 is needed");
    let (out, talk) = text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{talk}");
    let saved = |name: &str| fs::metadata(scratch.path("saved").join(NAME).join(name)).unwrap().len();
    assert_eq!(saved("server-build.log"), (mib << 20) as u64);
    assert_eq!(saved(&format!("manifest.{NAME}.sig.tbz")), (mib << 20) as u64 / 4 * 3);
    out.lines().last().unwrap().parse::<u64>().unwrap() * 1024
}
