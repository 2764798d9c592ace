//! Tests images in a registry: Debian's docker-registry on loopback, filled by skopeo.
#![cfg(feature = "fetch")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod loopback;
mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use loopback::{Registry, must, skopeo};
use serde_json::Value;
use support::{Case, image};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hpsb-audit");

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("registry").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// skopeo's `dir:` form of an image.
fn write_directory(folder: &Path, image: &image::Image) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("version"), "Directory Transport Version: 1.1\n").unwrap();
    fs::write(folder.join("manifest.json"), image.manifest_bytes()).unwrap();
    for blob in image.blobs() {
        let path = String::from_utf8(blob.path).unwrap();
        fs::write(folder.join(path.rsplit('/').next().unwrap()), blob.content).unwrap();
    }
}

/// A bundle whose log reports a push of `image` to acme/wallet at `registry`.
fn bundle(folder: &Path, image: &image::Image, registry: &str) -> Vec<String> {
    let name = format!("{registry}/acme/wallet");
    let case = Case::good("made", "")
        .image(image)
        .log({
            let name = name.clone();
            move |text| text.replace("docker.io/acme/wallet", &name)
        })
        .build_name(format!("{}.v1-b0398d3.2026-03-02_10-15-30.123456", name.replace('/', ".")))
        .record({
            let dotted = name.replace('/', ".");
            move |text| text.replace("docker.io.acme.wallet", &dotted)
        });
    let mut bundle = String::new();
    for (name, bytes) in case.make() {
        let name = name.split_once('/').unwrap().1.to_owned();
        fs::write(folder.join(&name), bytes).unwrap();
        if name.ends_with(".sig.tbz") {
            bundle = name;
        }
    }
    ["audit", &bundle, "--key", "key.pem", "--now", "2026-03-10T00:00:00Z"].map(str::to_owned).to_vec()
}

fn run(folder: &Path, arguments: &[String], more: &[&str]) -> (Output, Value) {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).env("HOME", folder).env("XDG_RUNTIME_DIR", folder.join("runtime"));
    for name in ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
        command.env_remove(name);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", folder.display()));
    let output = command.args(arguments).args(more).args(["--format", "json"]).output().unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{more:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output, report)
}

fn status(report: &Value, check: &str) -> String {
    let findings = report["reports"][0]["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == check).unwrap()["status"].as_str().unwrap().to_owned()
}

#[test]
fn the_pushed_image_is_accepted_and_a_moved_tag_is_detected() {
    let folder = folder("plain");
    let registry = Registry::start(&folder, "");
    let (wallet, mut other) = (image::Image::wallet(), image::Image::wallet());
    other.config["created"] = "later".into();
    write_directory(&folder.join("wallet"), &wallet);
    write_directory(&folder.join("other"), &other);
    let name = format!("docker://{}/acme/wallet", registry.address);
    let tag = format!("{name}:latest");
    skopeo(&folder, &["dir:wallet", &tag]);
    let arguments = bundle(&folder, &wallet, &registry.address);

    let (output, report) = run(&folder, &arguments, &["--image", &tag]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    for check in ["image-digest", "image-config", "image-layers", "image-tag", "image-labels", "image-history"] {
        assert_eq!(status(&report, check), "pass", "{check}: {report:#}");
    }
    let witnesses = report["reports"][0]["evidence"].as_array().unwrap();
    assert!(witnesses.iter().any(|fact| fact["witness"] == "registry" && fact["fact"] == "image-digest"));

    // The image is also accepted in other forms that preserve the bytes.
    skopeo(&folder, &[&tag, "dir:copied"]);
    skopeo(&folder, &[&tag, "oci:kept:latest"]);
    must(Command::new("tar").current_dir(&folder).args(["-C", "kept", "-cf", "kept.tar", "."]));
    std::fs::write(folder.join("saved.tar"), support::tar::archive(&[wallet.saved(), wallet.layout()].concat()))
        .unwrap();
    for source in ["dir:copied", "oci:kept", "oci-archive:kept.tar", "docker-archive:saved.tar"] {
        let (output, same) = run(&folder, &arguments, &["--image", source, "--offline"]);
        assert_eq!(output.status.code(), Some(0), "{source}");
        for check in ["image-digest", "image-config", "image-layers", "image-platform", "image-labels", "image-history"]
        {
            assert_eq!(status(&same, check), status(&report, check), "{source}: {check}");
        }
    }

    // The tag now points to a different image, and the old image is still available by digest.
    skopeo(&folder, &["dir:other", &tag]);
    let (output, report) = run(&folder, &arguments, &["--image", &tag]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((status(&report, "image-tag").as_str(), status(&report, "image-digest").as_str()), ("fail", "fail"));
    let (output, report) = run(&folder, &arguments, &["--image", &format!("{name}@{}", wallet.digest())]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(status(&report, "image-tag"), "not-run");
    // A missing image gives no verdict, and neither does an unreachable registry.
    let missing = format!("{name}:none");
    assert_eq!(run(&folder, &arguments, &["--image", &missing]).0.status.code(), Some(3));
    drop(registry);
    assert_eq!(run(&folder, &arguments, &["--image", &tag]).0.status.code(), Some(3));
    assert_eq!(run(&folder, &arguments, &["--image", &tag, "--offline"]).0.status.code(), Some(2));
}

#[test]
fn a_login_is_read_from_the_named_file_and_never_shown() {
    let folder = folder("login");
    let hash = must(Command::new("python3").args([
        "-W",
        "ignore",
        "-c",
        "import crypt; print(crypt.crypt('hunter2', '$2y$05$abcdefghijklmnopqrstuu'))",
    ]));
    assert!(hash.starts_with("$2"), "python3's crypt has no bcrypt: {hash}");
    fs::write(folder.join("htpasswd"), format!("ada:{hash}")).unwrap();
    let more = format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", folder.join("htpasswd").display());
    let registry = Registry::start(&folder, &more);
    let wallet = image::Image::wallet();
    write_directory(&folder.join("wallet"), &wallet);
    let name = format!("docker://{}/acme/wallet:latest", registry.address);
    skopeo(&folder, &["--dest-creds", "ada:hunter2", "dir:wallet", &name]);
    let arguments = bundle(&folder, &wallet, &registry.address);
    assert_eq!(run(&folder, &arguments, &["--image", &name]).0.status.code(), Some(3), "without a login");
    let auth = support::encoding::base64(b"ada:hunter2");
    let logins = serde_json::json!({"auths": {registry.address.clone(): {"auth": auth}}});
    fs::write(folder.join("logins.json"), logins.to_string()).unwrap();
    let (output, report) = run(&folder, &arguments, &["--image", &name, "--registry-auth", "logins.json"]);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let shown = format!("{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!shown.contains("hunter2") && !shown.contains(&auth));

    // If the login is in the default files of docker or podman, it is found without a flag.
    for place in [".docker/config.json", "runtime/containers/auth.json"] {
        let path = folder.join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(folder.join("logins.json"), &path).unwrap();
        assert_eq!(run(&folder, &arguments, &["--image", &name]).0.status.code(), Some(0), "{place}");
        fs::remove_file(path).unwrap();
    }

    // The same login comes from a credential helper, which is run only on request.
    let asked = folder.join("asked");
    let helper = |answer: &str| {
        let script = format!("#!/bin/sh\ncat >asked\nprintf '%s %s' \"$1\" \"$(cat asked)\" >asked\n{answer}\n");
        fs::write(folder.join("docker-credential-made"), script).unwrap();
        fs::set_permissions(folder.join("docker-credential-made"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    helper(r#"echo '{"ServerURL":"x","Username":"ada","Secret":"hunter2"}'"#);
    let named = serde_json::json!({"credHelpers": {registry.address.clone(): "made"}});
    fs::write(folder.join("helper.json"), named.to_string()).unwrap();
    let with = ["--image", &name, "--registry-auth", "helper.json"];
    assert_eq!(run(&folder, &arguments, &with).0.status.code(), Some(3), "a helper runs only on request");
    assert!(!asked.exists());
    let requested = [&with[..], &["--credential-helpers"]].concat();
    let (output, report) = run(&folder, &arguments, &requested);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(fs::read_to_string(&asked).unwrap(), format!("get {}", registry.address));
    let shown = format!("{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!shown.contains("hunter2"));
    for (answer, code, says) in [
        ("echo credentials not found in native keychain; exit 1", 3, "responded with status 401"),
        ("echo hunter2; echo hunter2 >&2; exit 1", 2, "docker-credential-made failed"),
        ("echo '{\"Secret\":\"hunter2\"}'", 2, "did not return a login"),
        (r#"echo '{"Username":"<token>","Secret":"hunter2"}'"#, 2, "identity token"),
    ] {
        helper(answer);
        let (output, report) = run(&folder, &arguments, &requested);
        let shown = format!("{report}{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            output.status.code() == Some(code) && shown.contains(says) && !shown.contains("hunter2"),
            "{says}: {shown}"
        );
    }
    // A helper name that contains a path is refused, because it would run a program outside PATH.
    fs::write(folder.join("helper.json"), named.to_string().replace("made", "../made")).unwrap();
    assert_eq!(run(&folder, &arguments, &requested).0.status.code(), Some(2));
}

#[test]
fn plain_http_to_other_computers_needs_a_flag() {
    let folder = folder("http");
    let registry = Registry::start(&folder, "");
    let wallet = image::Image::wallet();
    write_directory(&folder.join("wallet"), &wallet);
    skopeo(&folder, &["dir:wallet", &format!("docker://{}/acme/wallet:latest", registry.address)]);
    let port = registry.address.rsplit_once(':').unwrap().1;
    let (host, place) = (format!("registry.example.com:{port}"), format!("registry.example.com:{port}:127.0.0.1"));
    let arguments = bundle(&folder, &wallet, &host);
    let name = format!("docker://{host}/acme/wallet:latest");
    let with = ["--image", &name, "--resolve", &place];
    let (output, report) = run(&folder, &arguments, &with);
    assert_eq!(output.status.code(), Some(3), "{report:#}");
    let other = [&with[..], &["--plain-http", "other.example.com:5000"]].concat();
    assert_eq!(run(&folder, &arguments, &other).0.status.code(), Some(3));
    let (output, report) = run(&folder, &arguments, &[&with[..], &["--plain-http", &host]].concat());
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(status(&report, "image-tag"), "pass");
    for wrong in ["http://registry.example.com", "registry", "a/b", ""] {
        assert_eq!(run(&folder, &arguments, &[&with[..], &["--plain-http", wrong]].concat()).0.status.code(), Some(2));
    }
}

#[test]
fn a_private_ca_is_trusted_only_if_specified_and_names_are_checked() {
    let folder = folder("tls");
    let shell = |script: &str| must(Command::new("bash").current_dir(&folder).args(["-euc", script]));
    shell(
        "new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n\
         for ca in ca other; do $new -x509 -keyout $ca.key -out $ca.pem -days 30 -subj /CN=$ca; done\n\
         $new -keyout server.key -out server.csr -subj /CN=registry\n\
         printf 'subjectAltName=DNS:registry.example.com\\nextendedKeyUsage=serverAuth\\n' >names\n\
         openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out server.pem",
    );
    let path = |name: &str| folder.join(name).display().to_string();
    let tls = format!(", tls: {{certificate: {}, key: {}}}", path("server.pem"), path("server.key"));
    let registry = Registry::start_with(&folder, &tls, "");
    let wallet = image::Image::wallet();
    write_directory(&folder.join("wallet"), &wallet);
    skopeo(&folder, &["dir:wallet", &format!("docker://{}/acme/wallet:latest", registry.address)]);
    let port = registry.address.rsplit_once(':').unwrap().1;
    let audit = |host: &str, ca: &[&str]| {
        let name = format!("{host}:{port}");
        let (image, place) = (format!("docker://{name}/acme/wallet:latest"), format!("{name}:127.0.0.1"));
        let with = [&["--image", &image, "--resolve", &place][..], ca].concat();
        run(&folder, &bundle(&folder, &wallet, &name), &with).0.status.code()
    };
    assert_eq!(audit("registry.example.com", &["--outside-ca", "ca.pem"]), Some(0));
    assert_eq!(audit("registry.example.com", &[]), Some(3), "a CA that was not named for it");
    assert_eq!(audit("registry.example.com", &["--outside-ca", "other.pem"]), Some(3));
    assert_eq!(audit("other.example.com", &["--outside-ca", "ca.pem"]), Some(3), "another name");
}

#[test]
fn compare_names_the_files_of_layers_in_a_registry() {
    let folder = folder("compare");
    let registry = Registry::start(&folder, "");
    let (wallet, mut other) = (image::Image::wallet(), image::Image::wallet());
    let file = |path: &str, content: &str| support::tar::Entry::file(path, content);
    other.layers[1] = image::Layer::gzip(support::tar::archive(&[
        support::tar::Entry::directory("usr/local/bin"),
        support::tar::Entry { mode: 0o755, ..file("usr/local/bin/wallet", "another wallet\n") },
        file("srv/web/index.html", "<h1>wallet</h1>\n"),
        file("srv/web/new.html", "new\n"),
    ]));
    write_directory(&folder.join("wallet"), &wallet);
    write_directory(&folder.join("other"), &other);
    let name = |tag: &str| format!("docker://{}/acme/wallet:{tag}", registry.address);
    skopeo(&folder, &["dir:wallet", &name("one")]);
    skopeo(&folder, &["dir:other", &name("two")]);
    let compare = |one: &str, other: &str| {
        let output = Command::new(PROGRAM).current_dir(&folder).args(["compare", one, other]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for (one, other) in [(name("one"), name("two")), ("dir:wallet".into(), name("two")), (name("one"), "other".into())]
    {
        let (code, text) = compare(&one, &other);
        assert_eq!(code, Some(1), "{text}");
        let files = "layer 2\n  srv/web/new.html: only in B\n  usr/local/bin/wallet: content differs\n";
        assert!(text.contains(files), "{one} {other}: {text}");
    }
    assert_eq!(compare(&name("one"), "dir:wallet").0, Some(0));
}

/// A registry with scripted responses, which serves one connection after the other. If two
/// responses match a request, the second one is for the repeated request.
fn liar(answers: Vec<(&'static str, String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut asked = HashMap::<String, usize>::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let path = request_path(&mut stream);
            let fitting: Vec<_> = answers.iter().filter(|(part, ..)| path.contains(part)).collect();
            let before = asked.entry(path).or_default();
            let answer = fitting.get(*before).or(fitting.last()).map(|answer| (*answer).clone());
            *before += 1;
            let (_, media_type, body) = answer.unwrap_or(("", "404".into(), Vec::new()));
            let status = if media_type == "404" { "404 Not Found" } else { "200 OK" };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // A client may disconnect when it has read enough.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

fn request_path(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn wrong_responses_of_a_registry_are_refused() {
    let folder = folder("liar");
    let wallet = image::Image::wallet();
    let mut changed = wallet.layers[1].blob.clone();
    changed[20] ^= 1;
    let layers: Vec<String> = wallet.layers.iter().map(|layer| image::digest(&layer.blob)).collect();
    let config = wallet.config_bytes();
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let answers = |layer: Vec<u8>, manifest: Vec<u8>| {
        vec![
            ("/manifests/", image::DOCKER_MANIFEST.to_owned(), manifest),
            (leak(image::digest(&config)), "application/octet-stream".into(), config.clone()),
            (leak(layers[0].clone()), "application/octet-stream".into(), wallet.layers[0].blob.clone()),
            (leak(layers[1].clone()), "application/octet-stream".into(), layer),
        ]
    };
    let audit = |address: &str, name: &str| {
        let arguments = bundle(&folder, &wallet, address);
        run(&folder, &arguments, &["--image", &format!("docker://{address}/acme/wallet{name}")])
    };
    let honest = liar(answers(wallet.layers[1].blob.clone(), wallet.manifest_bytes()));
    let (output, report) = audit(&honest, ":latest");
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let other_layer = liar(answers(changed, wallet.manifest_bytes()));
    let (output, report) = audit(&other_layer, ":latest");
    assert_eq!((output.status.code(), status(&report, "image-layers").as_str()), (Some(1), "fail"));
    // The layer is longer than the manifest states, so it is not read to the end.
    let longer = liar(answers([wallet.layers[1].blob.clone(), vec![0; 100]].concat(), wallet.manifest_bytes()));
    assert_eq!(audit(&longer, ":latest").0.status.code(), Some(3));
    // A different manifest in response to a request by digest is refused.
    let mut other = image::Image::wallet();
    other.config["created"] = "later".into();
    let other_manifest = liar(answers(wallet.layers[1].blob.clone(), other.manifest_bytes()));
    assert_eq!(audit(&other_manifest, &format!("@{}", wallet.digest())).0.status.code(), Some(3));

    // The tag moves between two requests: each audit requests the manifest once and reports consistently
    // on one image; the second audit sees the other image.
    let mut moved = answers(wallet.layers[1].blob.clone(), wallet.manifest_bytes());
    moved.push(("/manifests/", image::DOCKER_MANIFEST.to_owned(), other.manifest_bytes()));
    let moved = liar(moved);
    for (exit, answer) in [(0, "pass"), (1, "fail")] {
        let (output, report) = audit(&moved, ":latest");
        assert_eq!(output.status.code(), Some(exit), "{report:#}");
        for check in ["image-tag", "image-digest"] {
            assert_eq!(status(&report, check), answer, "{check}: {report:#}");
        }
    }
}
