//! Tests the registry step with Debian's docker-registry, images that skopeo pushed, and signatures of these images.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use hpsb_audit::client::{ImageReference, Layers, Login as RegistryLogin, Patience, Request, Secret, TrustOptions};
use hpsb_audit::{Limits, Sha256};
use serde_json::{Value, json};

use crate::cutting_proxy::CuttingProxy;
use crate::plain_http::{PlainServer, send};
use crate::processes::{Login, another_registry, client, registry};
use crate::tls_server::TlsServer;
use crate::world::*;

/// Pushes an image with one large layer using skopeo, and returns the manifest's bytes, as `skopeo inspect --raw` shows them.
fn push(port: u16, login: Login) -> Vec<u8> {
    let scratch = Scratch::new();
    let mut layer = tar::Builder::new(Vec::new());
    append(&mut layer, "large", &noise(1_500_000));
    let layer = layer.into_inner().unwrap();
    let config = json!({
        "architecture": "s390x", "os": "linux", "config": {"Labels": {"commit": "b0398d3"}},
        "rootfs": {"type": "layers", "diff_ids": [Sha256::of(&layer).to_string()]},
        "history": [{"created": "2026-03-02T10:00:00Z", "created_by": "COPY large /"}],
    });
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, "config.json", config.to_string().as_bytes());
    append(&mut archive, "layer.tar", &layer);
    let manifest = json!([{"Config": "config.json", "RepoTags": ["acme/wallet:v1-b0398d3"], "Layers": ["layer.tar"]}]);
    append(&mut archive, "manifest.json", manifest.to_string().as_bytes());
    fs::write(scratch.path("image.tar"), archive.into_inner().unwrap()).unwrap();
    let to = format!("docker://127.0.0.1:{port}/acme/wallet:v1-b0398d3");
    let mut arguments = vec!["copy", "--insecure-policy", "--dest-tls-verify=false"];
    if login == Login::Basic {
        arguments.extend(["--dest-creds", "ada:hunter2"]);
    }
    arguments.extend(["docker-archive:image.tar", &to]);
    client("skopeo", &arguments, &[], &scratch.0);
    let mut arguments = vec!["inspect", "--raw", "--tls-verify=false"];
    if login == Login::Basic {
        arguments.extend(["--creds", "ada:hunter2"]);
    }
    arguments.push(&to);
    client("skopeo", &arguments, &[], &scratch.0)
}

fn append(builder: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    builder.append_data(&mut header, name, bytes).unwrap();
}

/// Starts a build server whose image is in the registry at `port`, and returns a request for both.
fn image_request(port: u16, manifest: &[u8], scratch: &Scratch) -> Request {
    let digest = format!("127.0.0.1:{port}/acme/wallet@{}", Sha256::of(manifest));
    let server =
        TlsServer::start("server", move |seen, _| answer(&[Build { digest: digest.clone(), ..Build::good() }], seen));
    let mut request = request(server.port, &scratch.0);
    request.image = Some(Layers::Save);
    let settings = &mut request.server.as_mut().unwrap().settings;
    settings.push_server = Some("docker.io".into());
    request
}

/// The settings also specify the registry and the repository, so a login may be sent.
fn name_in_settings(request: &mut Request, port: u16) {
    let settings = &mut request.server.as_mut().unwrap().settings;
    settings.push_server = Some(format!("127.0.0.1:{port}"));
    settings.repository = Some("acme/wallet".into());
}

fn blob(scratch: &Scratch, folder: &str, digest: &str) -> std::path::PathBuf {
    scratch.path(NAME).join(folder).join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap())
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn an_image_is_saved_byte_for_byte() {
    let registry = registry(Login::None);
    let manifest = push(registry.port, Login::None);
    let scratch = Scratch::new();
    let report = run(&image_request(registry.port, &manifest, &scratch), &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let index = read_json(&scratch.path(NAME).join("image/index.json"));
    let top = &index["manifests"][0];
    assert_eq!(top["digest"], Sha256::of(&manifest).to_string());
    assert_eq!(top["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
    assert_eq!(fs::read(blob(&scratch, "image", top["digest"].as_str().unwrap())).unwrap(), manifest);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    for part in [&manifest["config"], &manifest["layers"][0]] {
        let path = blob(&scratch, "image", part["digest"].as_str().unwrap());
        let sum = crate::certificates::tool("sha256sum", &[path.to_str().unwrap()]);
        assert_eq!(format!("sha256:{}", String::from_utf8(sum).unwrap().split(' ').next().unwrap()), part["digest"]);
        assert_eq!(fs::metadata(&path).unwrap().len(), part["size"]);
    }
    assert_eq!(fs::read(scratch.path(NAME).join("image/oci-layout")).unwrap(), br#"{"imageLayoutVersion":"1.0.0"}"#);
    assert_eq!(file_names(&scratch.path(NAME).join("image")).len(), 5);
}

#[test]
fn layers_can_be_omitted_and_added_later() {
    let registry = registry(Login::None);
    let manifest = push(registry.port, Login::None);
    let scratch = Scratch::new();
    let mut request = image_request(registry.port, &manifest, &scratch);
    request.image = Some(Layers::Leave);
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    assert_eq!(file_names(&scratch.path(NAME).join("image")).len(), 4);
    let missing = || read_json(&scratch.path(NAME).join("evidence.json"))["not_saved"].clone();
    let layer = serde_json::from_slice::<Value>(&manifest).unwrap()["layers"][0]["digest"].clone();
    let layer = format!("image/blobs/sha256/{}", layer.as_str().unwrap().trim_start_matches("sha256:"));
    assert_eq!(missing().as_array().unwrap().iter().map(|one| &one["what"]).collect::<Vec<_>>(), [&layer]);
    assert_eq!(missing()[0]["why"], "it was not requested (--no-layers)");
    request.image = Some(Layers::Save);
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    assert_eq!(file_names(&scratch.path(NAME).join("image")).len(), 5);
    assert_eq!(missing(), json!([]));
    request.image = Some(Layers::Leave);
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    assert_eq!(missing(), json!([]));
    request.image = Some(Layers::Save);
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    let before = tree(&scratch.0);
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    assert!(tree(&scratch.0) == before);
}

#[test]
fn a_tag_from_the_settings_finds_the_image_of_an_older_build() {
    let registry = registry(Login::None);
    let manifest = push(registry.port, Login::None);
    let scratch = Scratch::new();
    let name = format!("127.0.0.1:{}.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456", registry.port);
    let build = Build { name: name.clone(), bundle: b"not a bundle".to_vec(), ..Build::good() };
    let server = TlsServer::start("server", move |seen, _| answer(&[build.clone(), Build::other()], seen));
    let mut request = request(server.port, &scratch.0);
    request.builds = names(&[&name]);
    request.image = Some(Layers::Leave);
    let settings = &mut request.server.as_mut().unwrap().settings;
    settings.push_server = Some(format!("127.0.0.1:{}", registry.port));
    settings.repository = Some("acme/wallet".into());
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(faults(&report), "");
    let index = read_json(&scratch.path(&name).join("image/index.json"));
    assert_eq!(index["manifests"][0]["digest"], Sha256::of(&manifest).to_string());
    assert_eq!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "v1-b0398d3");
    // If neither the settings nor the server's response names the repository, the image is unknown.
    let settings = &mut request.server.as_mut().unwrap().settings;
    settings.repository = None;
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert!(faults(&report).contains("--image-name"), "{}", faults(&report));
    request.image_name = ImageReference::parse(&format!("127.0.0.1:{}/acme/wallet:v1-b0398d3", registry.port));
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
}

#[test]
fn a_login_is_sent_if_the_registry_requires_it() {
    let registry = registry(Login::Basic);
    let manifest = push(registry.port, Login::Basic);
    let scratch = Scratch::new();
    let mut request = image_request(registry.port, &manifest, &scratch);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("401") && faults(&report).contains("no login is sent"), "{}", faults(&report));

    let config = scratch.path("config.json");
    let auth = Base64::encode_string(b"ada:hunter2");
    let text = json!({"auths": {format!("127.0.0.1:{}", registry.port): {"auth": auth}}});
    fs::write(&config, text.to_string()).unwrap();
    request.outside.login_files = vec![config.clone()];
    // Only the build server's response specifies the registry, so it could be any registry for which a login exists.
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("--image-name"), "{}", faults(&report));
    name_in_settings(&mut request, registry.port);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));

    // The login in the settings is used only for the registry that it names.
    fs::remove_file(&config).unwrap();
    fs::remove_dir_all(scratch.path(NAME)).unwrap();
    let login = || RegistryLogin { user: Secret::new("ada".into()), password: Secret::new("hunter2".into()) };
    request.outside.settings_login = Some(("docker.io".into(), login()));
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 3);
    request.outside.settings_login = Some((format!("127.0.0.1:{}", registry.port), login()));
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0, "{}", faults(&report));
    for (name, bytes) in tree(&scratch.0) {
        assert!(
            !String::from_utf8_lossy(&bytes).contains("hunter2") && !String::from_utf8_lossy(&bytes).contains(&auth),
            "{name}"
        );
    }
}

/// The manifest and the configuration of an image, for registries in this process.
struct FakeRegistry {
    manifest: Vec<u8>,
    config: Vec<u8>,
}

impl FakeRegistry {
    fn new() -> Arc<Self> {
        let config = b"{}".to_vec();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "x", "digest": Sha256::of(&config).to_string(), "size": config.len()}, "layers": [],
        });
        Arc::new(Self { manifest: manifest.to_string().into_bytes(), config })
    }
}

#[test]
fn tokens_are_fetched_and_never_sent_elsewhere() {
    let fake = FakeRegistry::new();
    let config = fake.config.clone();
    let elsewhere = PlainServer::start(move |_| (200, Vec::new(), config.clone()));
    let tokens = PlainServer::start(|asked| {
        let good = asked.path == "/token?service=reg&scope=repository%3Aacme%2Fwallet%3Apull"
            && asked.header("authorization") == Some("Basic YWRhOmh1bnRlcjI=");
        if good { (200, Vec::new(), br#"{"token": "t-hunter2"}"#.to_vec()) } else { (403, Vec::new(), b"no".to_vec()) }
    });
    let (blobs_at, tokens_at, manifest) = (elsewhere.port, tokens.port, fake.manifest.clone());
    let registry = PlainServer::start(move |asked| {
        if asked.header("authorization") != Some("Bearer t-hunter2") {
            let realm = format!(
                "Bearer realm=\"http://127.0.0.1:{tokens_at}/token\",service=\"reg\",scope=\"repository:acme/wallet:pull\""
            );
            return (401, vec![("WWW-Authenticate".into(), realm)], Vec::new());
        }
        if asked.path.contains("/blobs/") {
            return (
                307,
                vec![("Location".into(), format!("http://127.0.0.1:{blobs_at}/cdn?X-Amz-Signature=hunter2"))],
                Vec::new(),
            );
        }
        (200, vec![("Content-Type".into(), "application/vnd.oci.image.manifest.v1+json".into())], manifest.clone())
    });
    let scratch = Scratch::new();
    let mut request = image_request(registry.port, &fake.manifest, &scratch);
    let login = RegistryLogin { user: Secret::new("ada".into()), password: Secret::new("hunter2".into()) };
    request.outside.settings_login = Some((format!("127.0.0.1:{}", registry.port), login));
    name_in_settings(&mut request, registry.port);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let record = read_json(&scratch.path(NAME).join("evidence.json"));
    let redirected = record["files"].as_array().unwrap().iter().filter(|file| file["redirected_to"].is_string());
    let redirected: Vec<_> = redirected.map(|file| (file["path"].as_str().unwrap(), &file["redirected_to"])).collect();
    let config = format!("image/blobs/sha256/{}", Sha256::of(&fake.config).hex());
    assert_eq!(redirected, [(config.as_str(), &json!(format!("http://127.0.0.1:{blobs_at}")))]);
    assert_eq!(elsewhere.asked().len(), 1);
    assert!(elsewhere.asked().iter().all(|asked| asked.header("authorization").is_none()));
    assert_eq!(tokens.asked().len(), 1);
    assert!(!tree(&scratch.0).iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains("hunter2")));
}

/// The login is kept at a redirect within an origin. `Retry-After` is honoured, but an hour is too long for one run.
#[test]
fn a_login_stays_within_an_origin_and_a_short_wait_is_honoured() {
    for (wait, exit, asked_at_end) in [("0", 0, 3), ("3600", 3, 1)] {
        let fake = FakeRegistry::new();
        let (manifest, config) = (fake.manifest.clone(), fake.config.clone());
        let count = std::sync::atomic::AtomicUsize::new(0);
        let registry = PlainServer::start(move |asked| {
            let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
            if asked.header("authorization") != Some("Basic YWRhOmh1bnRlcjI=") {
                return (401, header("WWW-Authenticate", "Basic realm=x"), Vec::new());
            }
            let Some(path) = asked.path.strip_prefix("/moved") else {
                return (307, header("Location", &format!("/moved{}", asked.path)), Vec::new());
            };
            if path.contains("/manifests/") && count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
                return (429, header("Retry-After", wait), b"later".to_vec());
            }
            (200, Vec::new(), if path.contains("/blobs/") { config.clone() } else { manifest.clone() })
        });
        let scratch = Scratch::new();
        let mut request = image_request(registry.port, &fake.manifest, &scratch);
        let login = RegistryLogin { user: Secret::new("ada".into()), password: Secret::new("hunter2".into()) };
        request.outside.settings_login = Some((format!("127.0.0.1:{}", registry.port), login));
        name_in_settings(&mut request, registry.port);
        let report = run(&request, &Patience { tries: 3, ..impatient() }).unwrap();
        assert_eq!(report.exit_code(), exit, "{}", faults(&report));
        let moved = registry.asked().iter().filter(|asked| asked.path.starts_with("/moved/v2/acme/wallet/man")).count();
        assert_eq!(moved, asked_at_end);
    }
}

#[test]
fn content_that_does_not_match_its_digest_is_not_saved() {
    let fake = FakeRegistry::new();
    for (manifest_differs, config_answer, says) in [
        (true, fake.config.clone(), "expected the digest"),
        (false, b"[]".to_vec(), "found sha256:"),
        (false, b"{} and more".to_vec(), "longer than the image's manifest states"),
        (false, Vec::new(), "found sha256:"),
    ] {
        let manifest = fake.manifest.clone();
        let registry = PlainServer::start(move |asked| {
            let body = match asked.path.contains("/blobs/") {
                true => config_answer.clone(),
                false if manifest_differs => b"{}".to_vec(),
                false => manifest.clone(),
            };
            (200, Vec::new(), body)
        });
        let scratch = Scratch::new();
        let report = run(&image_request(registry.port, &fake.manifest, &scratch), &impatient()).unwrap();
        assert_eq!(report.exit_code(), 3);
        assert!(faults(&report).contains(says), "expected {says}, found {}", faults(&report));
        let kept = file_names(&scratch.path(NAME));
        assert!(!kept.iter().any(|name| name.ends_with("index.json")), "{kept:?}");
        assert!(!kept.iter().any(|name| name.contains(&Sha256::of(&fake.config).hex())), "{kept:?}");
    }
}

#[test]
fn hostile_manifests_are_refused() {
    let digest = Sha256::of(b"x").to_string();
    for (manifest, says) in [
        ("{", "not JSON"),
        ("{}", "neither an image manifest"),
        (r#"{"config": {}, "manifests": []}"#, "both an index and a manifest"),
        (r#"{"config": {"digest": "sha256:../../x", "size": 1}, "layers": []}"#, "expected a digest"),
        (r#"{"config": {"digest": "md5:00", "size": 1}, "layers": []}"#, "expected a digest"),
        (&format!(r#"{{"config": {{"digest": "{digest}"}}, "layers": []}}"#), "expected a size"),
        (
            &format!(r#"{{"config": {{"digest": "{digest}", "size": 99999999999}}, "layers": []}}"#),
            "image_config_bytes",
        ),
        (&format!(r#"{{"config": {{"digest": "{digest}", "size": 1}}}}"#), "lists no layers"),
    ] {
        let bytes = manifest.as_bytes().to_vec();
        let registry = PlainServer::start(move |_| (200, Vec::new(), bytes.clone()));
        let scratch = Scratch::new();
        let report = run(&image_request(registry.port, manifest.as_bytes(), &scratch), &impatient()).unwrap();
        assert_eq!(report.exit_code(), 3, "{manifest}");
        assert!(faults(&report).contains(says), "expected {says}, found {}", faults(&report));
    }
}

#[test]
fn after_a_connection_is_cut_anywhere_a_second_run_completes_the_image() {
    let registry = registry(Login::None);
    let manifest = push(registry.port, Login::None);
    let proxy = CuttingProxy::start(registry.port);
    let scratch = Scratch::new();
    let request = image_request(proxy.port, &manifest, &scratch);
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    let reference = tree(&scratch.0);
    for position in [0, 1, 150, 400, 800, 1_200, 60_000, 900_000, 1_499_999, 1_500_600, 1_501_500] {
        fs::remove_dir_all(scratch.path(NAME)).unwrap();
        proxy.cut(u64::MAX, position);
        let report = run(&request, &impatient()).unwrap();
        assert!(tree(&scratch.0) == reference || report.exit_code() == 3, "{position}");
        proxy.cut(0, 0);
        let report = run(&request, &impatient()).unwrap();
        assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0), "{position}");
        assert!(tree(&scratch.0) == reference, "{position}");
    }
    // With a few retries, one run is enough.
    fs::remove_dir_all(scratch.path(NAME)).unwrap();
    proxy.cut(3, 500_000);
    assert_eq!(run(&request, &Patience { tries: 10, ..impatient() }).unwrap().exit_code(), 0);
    assert!(tree(&scratch.0) == reference);
}

/// Pushes a manifest as cosign writes it, with the payload as a layer.
fn push_cosign(port: u16, reference: &str, subject: Option<(&Sha256, usize)>) -> Sha256 {
    let upload = |bytes: &[u8]| {
        let answer = send(port, "POST", "/v2/acme/wallet/blobs/uploads/", &[], b"");
        let location = answer.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
        let path = location.split_once(&format!("127.0.0.1:{port}")).map_or(location, |(_, path)| path);
        let more = if path.contains('?') { '&' } else { '?' };
        send(port, "PUT", &format!("{path}{more}digest={}", Sha256::of(bytes)), &[], bytes);
        json!({"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": Sha256::of(bytes).to_string(), "size": bytes.len()})
    };
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": upload(b"{\"architecture\":\"\"}"), "layers": [upload(reference.as_bytes())],
    });
    if let Some((digest, size)) = subject {
        manifest["subject"] = json!({"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": digest.to_string(), "size": size});
    }
    let bytes = manifest.to_string().into_bytes();
    let reference =
        if reference.starts_with("sha256-") { reference.to_owned() } else { Sha256::of(&bytes).to_string() };
    let kind = [("Content-Type", "application/vnd.oci.image.manifest.v1+json")];
    send(port, "PUT", &format!("/v2/acme/wallet/manifests/{reference}"), &kind, &bytes);
    Sha256::of(&bytes)
}

#[test]
fn cosign_signatures_are_found_by_tag_and_by_the_referrers_tag() {
    let registry = registry(Login::None);
    let manifest = push(registry.port, Login::None);
    let digest = Sha256::of(&manifest);
    let signature = push_cosign(registry.port, &format!("sha256-{}.sig", digest.hex()), None);
    let bundle = push_cosign(registry.port, "a bundle", Some((&digest, manifest.len())));
    // This registry does not support referrers; clients then keep the list under a tag (Distribution specification 1.1).
    let list = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": bundle.to_string(), "size": 1}],
    });
    let kind = [("Content-Type", "application/vnd.oci.image.index.v1+json")];
    send(
        registry.port,
        "PUT",
        &format!("/v2/acme/wallet/manifests/sha256-{}", digest.hex()),
        &kind,
        list.to_string().as_bytes(),
    );
    let scratch = Scratch::new();
    let mut request = image_request(registry.port, &manifest, &scratch);
    request.image = None;
    request.trust = Some(TrustOptions::default());
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let index = read_json(&scratch.path(NAME).join("trust/cosign/index.json"));
    let found: Vec<&str> =
        index["manifests"].as_array().unwrap().iter().map(|entry| entry["digest"].as_str().unwrap()).collect();
    assert_eq!(found, [signature.to_string(), bundle.to_string()]);
    for digest in found {
        let manifest = read_json(&blob(&scratch, "trust/cosign", digest));
        assert!(blob(&scratch, "trust/cosign", manifest["layers"][0]["digest"].as_str().unwrap()).is_file());
    }
    assert!(notes(&report).contains("no Notary server is known"), "{}", notes(&report));
    let before = tree(&scratch.0);
    run(&request, &impatient()).unwrap();
    assert!(tree(&scratch.0) == before);
}

/// go-containerregistry's registry serves referrers itself (Distribution specification 1.1); docker-registry does not.
#[test]
#[ignore = "tests/writers provides a registry"]
fn a_second_registry_serves_tags_digests_and_referrers() {
    let registry = another_registry();
    let manifest = push(registry.port, Login::None);
    let digest = Sha256::of(&manifest);
    let signature = push_cosign(registry.port, &format!("sha256-{}.sig", digest.hex()), None);
    let bundle = push_cosign(registry.port, "a bundle", Some((&digest, manifest.len())));
    for name in [":v1-b0398d3".to_owned(), format!("@{digest}")] {
        let source = format!("docker://127.0.0.1:{}/acme/wallet{name}", registry.port);
        let mut program = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
        let output = program.args(["image", &source, "--format", "json"]).output().unwrap();
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{source}: {error}"));
        let found = shown["evidence"].as_array().unwrap().iter().find(|fact| fact["fact"] == "image-digest").unwrap();
        assert!(found["value"].as_str().unwrap().starts_with(&digest.to_string()), "{shown:#}");
        assert_eq!((output.status.code(), &shown["contradictions"]), (Some(0), &json!([])), "{shown:#}");
    }
    let scratch = Scratch::new();
    let mut request = image_request(registry.port, &manifest, &scratch);
    request.trust = Some(TrustOptions::default());
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let digests = |name: &str| -> Vec<String> {
        let index = read_json(&scratch.path(NAME).join(name));
        let entries = index["manifests"].as_array().unwrap().iter();
        entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(digests("image/index.json"), [digest.to_string()]);
    assert_eq!(digests("trust/cosign/index.json"), [signature.to_string(), bundle.to_string()]);
    let record = read_json(&scratch.path(NAME).join("evidence.json"));
    let sources = record["sources"].as_array().unwrap();
    let outcome = sources.iter().find(|source| source["source"] == "referrers").unwrap();
    assert_eq!(outcome["outcome"], "saved", "{record:#}");
}

#[test]
fn simple_signatures_are_fetched_from_the_lookaside_and_the_registry() {
    let fake = FakeRegistry::new();
    let digest = Sha256::of(&fake.manifest);
    let lookaside = PlainServer::start(move |asked| {
        let path = format!("/sigs/acme/wallet@sha256={}/signature-", digest.hex());
        match asked.path.strip_prefix(&path) {
            Some("1") => (200, Vec::new(), b"one".to_vec()),
            Some("2") => (200, Vec::new(), b"two".to_vec()),
            _ => (404, Vec::new(), Vec::new()),
        }
    });
    let manifest = fake.manifest.clone();
    let registry = PlainServer::start(move |asked| match asked.path.as_str() {
        "/v2/" => (200, vec![("X-Registry-Supports-Signatures".into(), "1".into())], b"{}".to_vec()),
        path if path == format!("/extensions/v2/acme/wallet/signatures/{digest}") => {
            let entry = |text: &[u8], kind: &str| json!({"schemaVersion": 2, "name": "x", "type": kind, "content": Base64::encode_string(text)});
            let list =
                json!({"signatures": [entry(b"two", "atomic"), entry(b"three", "atomic"), entry(b"x", "other")]});
            (200, Vec::new(), list.to_string().into_bytes())
        }
        path if path.ends_with(&digest.to_string()) && path.contains("/manifests/") => {
            (200, Vec::new(), manifest.clone())
        }
        _ => (404, Vec::new(), Vec::new()),
    });
    let scratch = Scratch::new();
    let mut request = image_request(registry.port, &fake.manifest, &scratch);
    request.image = None;
    request.trust =
        Some(TrustOptions { server: None, lookaside: Some(format!("http://127.0.0.1:{}/sigs", lookaside.port)) });
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let folder = scratch.path(NAME).join("trust/simple-signing");
    let read: Vec<Vec<u8>> = (1..=3).map(|n| fs::read(folder.join(format!("signature-{n}"))).unwrap()).collect();
    assert_eq!(read, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    assert_eq!(file_names(&folder).len(), 3);
}

/// A registry that has an image and two signatures of it (`.sig` and `.att`) with the same configuration, and an empty list of referrers.
pub fn signed_image() -> (PlainServer, String) {
    let fake = FakeRegistry::new();
    let (manifest, config) = (fake.manifest.clone(), fake.config.clone());
    let digest = Sha256::of(&manifest);
    let signature = |name: &str| {
        let mut signature: Value = serde_json::from_slice(&fake.manifest).unwrap();
        signature["annotations"] = json!({"of": name});
        signature.to_string().into_bytes()
    };
    let signatures = [signature("sig"), signature("att")];
    let registry = PlainServer::start(move |asked| match asked.path.rsplit('/').next().unwrap() {
        last if last == Sha256::of(&config).to_string() => (200, Vec::new(), config.clone()),
        last if asked.path.contains("/referrers/") && last == digest.to_string() => {
            (200, Vec::new(), br#"{"schemaVersion": 2, "manifests": []}"#.to_vec())
        }
        last if last == digest.to_string() => (200, Vec::new(), manifest.clone()),
        last if last.ends_with(".sig") => (200, Vec::new(), signatures[0].clone()),
        last if last.ends_with(".att") => (200, Vec::new(), signatures[1].clone()),
        _ => (404, Vec::new(), Vec::new()),
    });
    let image = format!("127.0.0.1:{}/acme/wallet@{digest}", registry.port);
    (registry, image)
}

/// evidence.json never states that a registry sent a file that this program wrote, or had referrers if the list is empty.
#[test]
fn files_written_by_the_program_are_recorded_as_its_own() {
    let (_registry, image) = signed_image();
    let server = TlsServer::start("server", |seen, _| answer(&[Build::good()], seen));
    let scratch = Scratch::new();
    let mut request = request(server.port, &scratch.0);
    request.image_name = ImageReference::parse(&image);
    request.image = Some(Layers::Save);
    request.trust = Some(TrustOptions::default());
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    let path = scratch.path(NAME).join("evidence.json");
    let own = |path: &str| path.ends_with("index.json") || path.ends_with("oci-layout");
    let record = read_json(&path);
    let files: Vec<&Value> = record["files"].as_array().unwrap().iter().collect();
    let (own_files, received): (Vec<&Value>, Vec<&Value>) =
        files.into_iter().partition(|file| own(file["path"].as_str().unwrap()));
    assert_eq!(own_files.len(), 4);
    for file in own_files {
        assert!(
            file["from"] == "hpsb-audit" && file.get("status").is_none() && file.get("tls_peer").is_none(),
            "{file}"
        );
    }
    assert!(received.iter().all(|file| file["from"] != "hpsb-audit" && file["status"].is_number()), "{record:#}");
    let source = |name: &str| {
        let found = record["sources"].as_array().unwrap().iter().find(|source| source["source"] == name).unwrap();
        (found["outcome"].as_str().unwrap().to_owned(), found["files"].as_u64().unwrap())
    };
    assert_eq!(source("image"), ("saved".to_owned(), 2));
    assert_eq!(source("cosign-tags"), ("saved".to_owned(), 3));
    assert_eq!(source("referrers"), ("note".to_owned(), 0));
    // A further run corrects a record of an earlier version.
    let before = fs::read(&path).unwrap();
    let mut old = record.clone();
    for file in old["files"].as_array_mut().unwrap().iter_mut().filter(|file| own(file["path"].as_str().unwrap())) {
        (file["from"], file["status"]) = (json!("http://registry"), json!(200));
    }
    fs::write(&path, old.to_string()).unwrap();
    run(&request, &impatient()).unwrap();
    assert!(fs::read(&path).unwrap() == before);
}

/// The record still lists a missing layer when the registry no longer has the image at all.
#[test]
fn a_missing_blob_stays_in_the_record_until_it_is_in_the_folder() {
    let fake = FakeRegistry::new();
    let (manifest, config) = (fake.manifest.clone(), fake.config.clone());
    let step = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let now = step.clone();
    let registry = PlainServer::start(move |asked| {
        let has = |what: &str| asked.path.contains(what);
        match now.load(std::sync::atomic::Ordering::SeqCst) {
            0 if has("/manifests/") => (200, Vec::new(), manifest.clone()),
            2 if has("/manifests/") => (200, Vec::new(), manifest.clone()),
            2 if has("/blobs/") => (200, Vec::new(), config.clone()),
            _ => (404, Vec::new(), Vec::new()),
        }
    });
    let scratch = Scratch::new();
    let request = image_request(registry.port, &fake.manifest, &scratch);
    let blob = format!("image/blobs/sha256/{}", Sha256::of(&fake.config).hex());
    let missing = || -> Vec<String> {
        let record = read_json(&scratch.path(NAME).join("evidence.json"));
        let all = record["not_saved"].as_array().unwrap().iter();
        all.map(|missing| missing["what"].as_str().unwrap().to_owned()).collect()
    };
    for (at, exit, expected) in [(0, 3, vec![blob.clone()]), (1, 0, vec!["image".to_owned(), blob]), (2, 0, vec![])] {
        step.store(at, std::sync::atomic::Ordering::SeqCst);
        assert_eq!((run(&request, &impatient()).unwrap().exit_code(), missing()), (exit, expected), "{at}");
    }
    // Now the image is in the folder, so it is not missing.
    step.store(1, std::sync::atomic::Ordering::SeqCst);
    run(&request, &impatient()).unwrap();
    assert_eq!(missing(), [""; 0]);
}

#[test]
fn builder_files_are_saved_with_every_build() {
    let server = PlainServer::start(|asked| match asked.path.as_str() {
        "/crl/hpse.crl?x=hunter2" => (200, Vec::new(), b"crl".to_vec()),
        _ => (404, Vec::new(), Vec::new()),
    });
    let scratch = Scratch::new();
    fs::write(scratch.path("attestation.crt"), b"certificate").unwrap();
    let build_server = TlsServer::start("server", |seen, _| answer(&[Build::good()], seen));
    let to = scratch.path("evidence");
    let mut request = request(build_server.port, &to);
    let address = |path: &str| format!("http://127.0.0.1:{}{path}", server.port);
    request.builder_files =
        vec![scratch.path("attestation.crt").display().to_string(), address("/crl/hpse.crl?x=hunter2")];
    let report = run(&request, &impatient()).unwrap();
    assert_eq!((faults(&report).as_str(), report.exit_code()), ("", 0));
    assert_eq!(fs::read(to.join(NAME).join("builder/attestation.crt")).unwrap(), b"certificate");
    assert_eq!(fs::read(to.join(NAME).join("builder/hpse.crl")).unwrap(), b"crl");
    assert!(!fs::read_to_string(to.join(NAME).join("evidence.json")).unwrap().contains("hunter2"));
    for (bad, exit) in
        [(address("/none.crt"), 3), (address("/..%2fx"), 2), (address("/"), 2), ("no-such-file".into(), 3)]
    {
        request.builder_files = vec![bad.clone()];
        assert_eq!(run(&request, &impatient()).unwrap().exit_code(), exit, "{bad}");
    }
}

#[test]
fn limits_are_enforced_for_registries() {
    let fake = FakeRegistry::new();
    let registry = PlainServer::start(|_| (200, Vec::new(), vec![b' '; 1 << 20]));
    let scratch = Scratch::new();
    let mut limits = Limits::default();
    limits.registry_document_bytes = 1 << 16;
    let report = run_with(&image_request(registry.port, &fake.manifest, &scratch), &impatient(), &limits).unwrap();
    assert!(faults(&report).contains("registry_document_bytes=65536"), "{}", faults(&report));
    // These limits apply to all responses of a run together.
    for (name, limits) in [
        ("fetched_bytes=1000", set(&|limits| limits.fetched_bytes = 1_000)),
        ("fetch_questions=9", set(&|limits| limits.fetch_questions = 9)),
    ] {
        let scratch = Scratch::new();
        let mut request = image_request(registry.port, &fake.manifest, &scratch);
        request.trust = Some(TrustOptions::default());
        let report = run_with(&request, &impatient(), &limits).unwrap();
        assert_ne!(report.exit_code(), 0);
        assert!(faults(&report).contains(name), "{name}: {}", faults(&report));
    }
}

fn set(change: &dyn Fn(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Exceeding a limit is a fault; the data received until then is saved.
#[test]
fn too_many_signatures_are_a_fault_and_the_first_ones_are_saved() {
    let fake = FakeRegistry::new();
    let manifest = fake.manifest.clone();
    let lookaside = PlainServer::start(|asked| (200, Vec::new(), asked.path.clone().into_bytes()));
    let registry = PlainServer::start(move |asked| match asked.path.as_str() {
        "/v2/" => (200, vec![("X-Registry-Supports-Signatures".into(), "1".into())], b"{}".to_vec()),
        path if path.starts_with("/extensions/") => {
            let entry = |n: u32| json!({"type": "atomic", "content": Base64::encode_string(&n.to_be_bytes())});
            let mut entries: Vec<Value> = (0..7).map(entry).collect();
            entries[1] = json!({"type": "atomic", "content": "!"});
            (200, Vec::new(), json!({"signatures": entries}).to_string().into_bytes())
        }
        path if path.contains("/manifests/sha256:") => (200, Vec::new(), manifest.clone()),
        _ => (404, Vec::new(), Vec::new()),
    });
    let scratch = Scratch::new();
    let mut request = image_request(registry.port, &fake.manifest, &scratch);
    request.image = None;
    let lookaside = format!("http://127.0.0.1:{}", lookaside.port);
    request.trust = Some(TrustOptions { server: None, lookaside: Some(lookaside) });
    let limits = set(&|limits| limits.trust_signatures = 5);
    let report = run_with(&request, &impatient(), &limits).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert_eq!(faults(&report).matches("trust_signatures=5").count(), 2, "{}", faults(&report));
    assert!(faults(&report).contains("signatures that are not base64: 1 of 7"), "{}", faults(&report));
    assert_eq!(file_names(&scratch.path(NAME).join("trust/simple-signing")).len(), 5 + 4);
    let before = tree(&scratch.0);
    run_with(&request, &impatient(), &limits).unwrap();
    assert!(tree(&scratch.0) == before);
    // This limit applies to the total size of a source.
    let scratch = Scratch::new();
    let to = Request { to: scratch.0.clone(), ..request };
    let report = run_with(&to, &impatient(), &set(&|limits| limits.trust_source_bytes = 250)).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("trust_source_bytes=250"), "{}", faults(&report));
    let saved = file_names(&scratch.path(NAME).join("trust/simple-signing"));
    assert!(saved.contains(&"signature-2".to_owned()), "{saved:?}");
}
