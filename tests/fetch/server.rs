//! Tests what is requested from the build server, saved and refused.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hpsb_audit::client::{Kept, Patience, TlsFiles};
use hpsb_audit::{Error, Limits};

use crate::certificates::Certificates;
use crate::cutting_proxy::CuttingProxy;
use crate::tls_server::{Reply, Seen, TlsServer};
use crate::world::*;

fn good_server() -> TlsServer {
    TlsServer::start("server", |seen, _| answer(&[Build::good()], seen))
}

/// The folder after a run without faults.
fn reference(build: Build) -> Vec<(String, Vec<u8>)> {
    let server = TlsServer::start("server", move |seen, _| answer(std::slice::from_ref(&build), seen));
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0, "{}", faults(&report));
    without_port(tree(&scratch.0), server.port)
}

/// Addresses in evidence.json contain the port, which differs for each server.
fn without_port(tree: Vec<(String, Vec<u8>)>, port: u16) -> Vec<(String, Vec<u8>)> {
    let strip = |(name, bytes): (String, Vec<u8>)| {
        let text =
            String::from_utf8(bytes.clone()).map(|text| text.replace(&format!(":{port}/"), ":PORT/").into_bytes());
        (name, text.unwrap_or(bytes))
    };
    tree.into_iter().map(strip).collect()
}

#[test]
fn all_evidence_of_the_newest_build_is_saved_unchanged() {
    let server = good_server();
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    let note = "this is the server's newest build; older builds were not requested: save each with --build-name\n";
    assert_eq!((report.exit_code(), faults(&report).as_str(), notes(&report).as_str()), (0, "", note));
    let build = Build::good();
    let folder = scratch.path(NAME);
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    assert_eq!(read(&format!("manifest.{NAME}.sig.tbz")), build.bundle);
    assert_eq!(read(&format!("manifest.{NAME}-public.pem")), build.key.as_bytes());
    assert_eq!(read("status.json"), build.status.as_bytes());
    assert_eq!(read("image-digest.json"), format!("\"{}\"", build.digest).as_bytes());
    assert_eq!(read("image-key.pem"), build.image_key.as_bytes());
    assert_eq!(read("server-build.log"), build.log.as_bytes());
    assert_eq!(file_names(&folder).len(), 7);

    let record = String::from_utf8(read("evidence.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["files"].as_array().unwrap().len(), 6);
    let status = record["files"].as_array().unwrap().iter().find(|file| file["path"] == "status.json").unwrap();
    let sum = crate::certificates::tool("sha256sum", &[folder.join("status.json").to_str().unwrap()]);
    assert_eq!(status["sha256"].as_str().unwrap(), &String::from_utf8(sum).unwrap()[..64]);
    assert_eq!(status["from"], format!("https://{HOST}:{}/image", server.port));
    assert_eq!(status["at"], "2026-11-23T08:00:00Z");
    let peer = &status["tls_peer"];
    assert_eq!(peer["certificate_sha256"], Certificates::get().fingerprint("server-cert.pem"));
    assert!(peer["made_by"].as_str().unwrap().contains("operator"));
}

#[test]
fn the_requests_are_those_of_ibms_client() {
    let server = good_server();
    let scratch = Scratch::new();
    run(&request(server.port, &scratch.0), &impatient()).unwrap();
    let named = format!("{{\"BUILD_NAME\": \"{NAME}\"}}");
    let expected = [
        ("/image", "\"\""),
        ("/manifest", named.as_str()),
        ("/publickey", &named),
        ("/imagedigest", "\"\""),
        ("/config-json", "\"\""),
        ("/log/build", "\"\""),
        ("/image", "\"\""),
    ];
    let expected: Vec<Seen> = expected
        .iter()
        .map(|(path, body)| Seen {
            method: "GET".into(),
            path: (*path).into(),
            content_type: "application/json".into(),
            body: (*body).into(),
        })
        .collect();
    assert_eq!(server.seen(), expected);
}

#[test]
fn running_again_changes_nothing() {
    let server = good_server();
    let scratch = Scratch::new();
    run(&request(server.port, &scratch.0), &impatient()).unwrap();
    let before = tree(&scratch.0);
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert_eq!(tree(&scratch.0), before);
    assert!(report.builds[0].files.iter().all(|(_, kept)| *kept == Kept::Same), "{report:?}");
}

/// The server may not be reachable later, so a run is not complete if the key verifies nothing.
#[test]
fn a_key_that_does_not_verify_its_bundle_is_a_fault() {
    let scratch = Scratch::new();
    let mut build = Build::good();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    build.key = fs::read_to_string(fixtures.join("good-p256/key.pem")).unwrap();
    let server = TlsServer::start("server", move |seen, _| answer(std::slice::from_ref(&build), seen));
    let name = format!("manifest.{NAME}-public.pem");
    for _ in 0..2 {
        let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
        assert_eq!(report.exit_code(), 3, "{report:?}");
        assert!(faults(&report).contains("does not verify the signature of the bundle"), "{}", faults(&report));
        assert!(scratch.path(NAME).join(&name).is_file(), "it is kept as it came");
    }
    fs::remove_file(scratch.path(NAME).join(&name)).unwrap();
    let report = run(&request(good_server().port, &scratch.0), &impatient()).unwrap();
    assert_eq!((report.exit_code(), faults(&report).as_str()), (0, ""));
    assert_eq!(fs::read_to_string(scratch.path(NAME).join(&name)).unwrap(), Build::good().key);
}

/// A store or server may send half a bundle with a matching length; this must be detected while the whole bundle is still available.
#[test]
fn a_truncated_bundle_is_a_fault_and_a_file_that_is_not_a_bundle_is_noted() {
    for (bundle, exit, says) in [
        (Build::good().bundle.split_at(5000).0.to_vec(), 3, "truncated"),
        (b"not a bundle".to_vec(), 0, "cannot be read"),
    ] {
        let scratch = Scratch::new();
        let build = Build { bundle, ..Build::good() };
        let server = TlsServer::start("server", move |seen, _| answer(std::slice::from_ref(&build), seen));
        let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
        assert_eq!(report.exit_code(), exit, "{report:?}");
        assert!(format!("{}{}", faults(&report), notes(&report)).contains(says), "{report:?}");
        assert_eq!(report.builds[0].unreadable.is_some(), exit == 0, "{report:?}");
        assert!(scratch.path(NAME).join(format!("manifest.{NAME}.sig.tbz")).is_file(), "it is kept as it came");
    }
}

#[test]
fn a_different_key_is_saved_separately_and_reported() {
    let scratch = Scratch::new();
    run(&request(good_server().port, &scratch.0), &impatient()).unwrap();
    let mut build = Build::good();
    build.key = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n".into();
    let other = build.key.clone();
    let server = TlsServer::start("server", move |seen, _| answer(std::slice::from_ref(&build), seen));
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    let name = format!("manifest.{NAME}-public.pem");
    let beside = format!("{name}.differs-1");
    assert!(report.builds[0].files.contains(&(name.clone(), Kept::Beside(beside.clone()))), "{report:?}");
    assert_eq!(fs::read_to_string(scratch.path(NAME).join(name)).unwrap(), Build::good().key);
    assert_eq!(fs::read_to_string(scratch.path(NAME).join(beside)).unwrap(), other);
}

#[test]
fn an_older_build_has_only_what_can_be_requested_by_name() {
    let server = TlsServer::start("server", |seen, _| answer(&[Build::good(), Build::other()], seen));
    let scratch = Scratch::new();
    let mut request = request(server.port, &scratch.0);
    request.builds = names(&[NAME]);
    let report = run(&request, &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0, "{}", faults(&report));
    assert!(notes(&report).contains(OTHER), "{}", notes(&report));
    let kept = [format!("manifest.{NAME}-public.pem"), format!("manifest.{NAME}.sig.tbz")];
    assert_eq!(
        file_names(&scratch.0),
        ["evidence.json".into(), kept[0].clone(), kept[1].clone()].map(|name| format!("{NAME}/{name}"))
    );
}

#[test]
fn a_bundle_of_an_earlier_run_is_incomplete_until_its_key_is_fetched() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path(OTHER)).unwrap();
    fs::write(scratch.path(OTHER).join(format!("manifest.{OTHER}.sig.tbz")), b"bundle").unwrap();
    let report = run(&request(good_server().port, &scratch.0), &impatient()).unwrap();
    assert_eq!((report.exit_code(), report.without_key.clone()), (3, names(&[OTHER])), "{report:?}");
    let server = TlsServer::start("server", |seen, _| answer(&[Build::other(), Build::good()], seen));
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert_eq!((report.exit_code(), report.without_key.len()), (0, 0), "{}", faults(&report));
    let key = scratch.path(OTHER).join(format!("manifest.{OTHER}-public.pem"));
    assert_eq!(fs::read_to_string(key).unwrap(), Build::other().key);
}

/// A newer build finishes after `after` requests.
fn server_that_builds(after: usize) -> TlsServer {
    TlsServer::start("server", move |seen, count| {
        let builds = [Build::good(), Build::other()];
        answer(if count < after { &builds[..1] } else { &builds }, seen)
    })
}

#[test]
fn evidence_of_two_builds_is_never_mixed() {
    for after in 1..7 {
        let scratch = Scratch::new();
        let server = server_that_builds(after);
        let mut request = request(server.port, &scratch.0);
        request.builds = names(&[NAME]);
        let report = run(&request, &impatient()).unwrap();
        assert_eq!(report.exit_code(), 3, "{after}");
        assert!(faults(&report).contains("another build"), "{after}: {}", faults(&report));
        // The server may have had all four, so none of them is only a note.
        let outcomes: Vec<&str> = report.builds[0].sources.iter().map(|source| source.outcome.name()).collect();
        assert_eq!(outcomes, ["saved", "saved", "fault", "fault", "fault", "fault"], "{after}");
        let kept = file_names(&scratch.path(NAME));
        assert_eq!(kept.len(), 3, "{after}: {kept:?}");
        assert_eq!(
            fs::read(scratch.path(NAME).join(format!("manifest.{NAME}.sig.tbz"))).unwrap(),
            Build::good().bundle
        );
    }
}

#[test]
fn a_build_that_becomes_the_newest_is_saved_too() {
    let scratch = Scratch::new();
    let server = server_that_builds(4);
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    let saved: Vec<&str> = report.builds.iter().map(|build| build.build_name.as_str()).collect();
    assert_eq!((saved, report.exit_code()), (vec![NAME, OTHER], 0), "{}", faults(&report));
    assert!(notes(&report).contains("another build started or finished"), "{}", notes(&report));
    assert_eq!(fs::read_to_string(scratch.path(OTHER).join("status.json")).unwrap(), Build::other().status);
    assert!(!scratch.path(NAME).join("status.json").exists());
    assert!(scratch.path(NAME).join(format!("manifest.{NAME}.sig.tbz")).exists());
}

/// A newer build explains why there is no status record, but not why there is no bundle.
#[test]
fn a_missing_bundle_of_an_overtaken_build_stays_a_fault() {
    let server = TlsServer::start("server", move |seen, count| {
        let builds = [Build::good(), Build::other()];
        match seen.path.as_str() {
            "/manifest" if count < 4 => Reply::Whole(500, "text/plain", b"x".to_vec()),
            _ => answer(if count < 5 { &builds[..1] } else { &builds }, seen),
        }
    });
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    let builds: Vec<&str> = report.builds.iter().map(|build| build.build_name.as_str()).collect();
    assert_eq!((builds, report.exit_code()), (vec![NAME, OTHER], 3), "{}", faults(&report));
    assert_eq!(report.builds[0].faults.len(), 1, "{}", faults(&report));
    assert!(faults(&report).contains("status 500") && !faults(&report).contains("another build"), "{report:?}");
    assert!(notes(&report).contains("another build started or finished"), "{}", notes(&report));
    assert!(notes(&report).contains(&format!("--build-name {NAME}")), "{}", notes(&report));
    let outcomes: Vec<&str> = report.builds[0].sources.iter().map(|source| source.outcome.name()).collect();
    assert_eq!(outcomes, ["fault", "saved", "note", "note", "note", "note"]);
}

/// A file that was moved away is not listed as saved, and its absence is recorded until it is received again.
#[test]
fn a_file_that_is_no_longer_in_the_folder_is_listed_as_not_saved() {
    let scratch = Scratch::new();
    let name = format!("manifest.{NAME}-public.pem");
    let lists = || {
        let record = fs::read(scratch.path(NAME).join("evidence.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        let key = |list: &str, field: &str| -> Vec<serde_json::Value> {
            record[list].as_array().unwrap().iter().filter(|entry| entry[field] == name).cloned().collect()
        };
        (key("files", "path"), key("not_saved", "what"))
    };
    run(&request(good_server().port, &scratch.0), &impatient()).unwrap();
    let (files, missing) = lists();
    assert_eq!((files.len(), missing.len()), (1, 0));
    fs::remove_file(scratch.path(NAME).join(&name)).unwrap();
    let server = TlsServer::start("server", |seen, _| match seen.path.as_str() {
        "/publickey" => Reply::Whole(500, "text/plain", b"x".to_vec()),
        _ => answer(&[Build::good()], seen),
    });
    for _ in 0..2 {
        assert_eq!(run(&request(server.port, &scratch.0), &impatient()).unwrap().exit_code(), 3);
        let (kept, missing) = lists();
        let why: Vec<&str> = missing.iter().map(|missing| missing["why"].as_str().unwrap()).collect();
        assert_eq!((kept.len(), why.len()), (0, 2), "{why:?}");
        let was = format!("it was saved on 2026-11-23T08:00:00Z (sha256:{})", files[0]["sha256"].as_str().unwrap());
        assert!(why[0].starts_with(&was) && why[0].ends_with("is no longer in the folder"), "{why:?}");
        assert!(why[1].contains("status 500"), "{why:?}");
    }
    run(&request(good_server().port, &scratch.0), &impatient()).unwrap();
    let (files, missing) = lists();
    assert_eq!((files.len(), missing.len()), (1, 0));
}

#[test]
fn during_a_build_only_data_requested_by_name_is_saved() {
    let server = TlsServer::start("server", |seen, _| match seen.path.as_str() {
        "/image" => Reply::json(200, r#"{"status": "github cloned", "build_name": ""}"#),
        _ => answer(&[Build::good()], seen),
    });
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0, "{}", faults(&report));
    assert!(notes(&report).contains("a build is running"), "{}", notes(&report));
    assert_eq!(file_names(&scratch.path(NAME)).len(), 3);
}

#[test]
fn a_response_for_a_different_build_is_not_saved() {
    let server = TlsServer::start("server", |seen, _| {
        let mut other = Build::other();
        if seen.path == "/image" {
            other.status = Build::good().status;
        }
        answer(std::slice::from_ref(&other), &Seen { body: "\"\"".into(), ..seen.clone() })
    });
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("requested the build"), "{}", faults(&report));
    assert!(!file_names(&scratch.path(NAME)).iter().any(|name| name.starts_with("manifest.")));
    assert!(!scratch.path(OTHER).exists());
}

#[test]
fn a_bundle_that_contains_another_build_is_not_saved() {
    let mut build = Build::good();
    build.name = OTHER.into();
    build.status = Build::other().status;
    let server = TlsServer::start("server", move |seen, _| answer(std::slice::from_ref(&build), seen));
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert!(faults(&report).contains(&format!("received the build {NAME}")), "{}", faults(&report));
    assert!(!scratch.path(OTHER).join(format!("manifest.{OTHER}.sig.tbz")).exists());
}

#[test]
fn secrets_in_evidence_are_saved_unchanged_and_reported() {
    let mut build = Build::good();
    build.log = "cmd: docker login --username a --password hunter2 docker.io".into();
    let log = build.log.clone();
    let server = TlsServer::start("server", move |seen, _| answer(std::slice::from_ref(&build), seen));
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert!(notes(&report).contains("server-build.log contains what looks like a secret"), "{}", notes(&report));
    assert!(!format!("{report:?}").contains("hunter2"));
    assert_eq!(fs::read_to_string(scratch.path(NAME).join("server-build.log")).unwrap(), log);
}

#[test]
fn data_missing_on_the_server_is_a_note_and_not_a_fault() {
    let server = TlsServer::start("server", |seen, _| match seen.path.as_str() {
        "/imagedigest" => Reply::Whole(404, "text/plain", b"no digest: --password hunter2".to_vec()),
        _ => answer(&[Build::good()], seen),
    });
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0);
    assert!(
        notes(&report).contains("the server responded with status 404: no digest: --password ***"),
        "{}",
        notes(&report)
    );
    let record = fs::read_to_string(scratch.path(NAME).join("evidence.json")).unwrap();
    assert!(record.contains("no digest") && !record.contains("hunter2"));
}

/// Makes one call fail with the expected message, then uses a good server: in the end, the folder
/// must have the same files as without the fault.
fn faulty(
    path: &'static str,
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    says: &str,
    limits: &Limits,
    patience: &Patience,
) {
    let server = TlsServer::start("server", move |seen, _| match seen.path == path {
        true => reply(),
        false => answer(&[Build::good()], seen),
    });
    let scratch = Scratch::new();
    let outcome = run_with(&request(server.port, &scratch.0), patience, limits);
    let said = match outcome {
        Ok(report) => {
            assert_eq!(report.exit_code(), 3, "{path}: {report:?}");
            faults(&report)
        }
        Err(error) => error.to_string(),
    };
    assert!(said.contains(says), "{path}: expected {says}, found {said}");
    assert!(!said.contains("hunter2"), "{said}");
    for (name, bytes) in tree(&scratch.0) {
        let complete = reference(Build::good()).into_iter().find(|(known, _)| *known == name);
        let (_, whole) = complete.unwrap_or_else(|| panic!("{path}: {name} is not a file of a good run"));
        assert!(name.ends_with("evidence.json") || whole == bytes, "{path}: {name} is incomplete");
    }
    let server = good_server();
    let report = run(&request(server.port, &scratch.0), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 0, "{path}: {}", faults(&report));
    let names: Vec<String> = reference(Build::good()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(file_names(&scratch.0), names, "{path}");
    let record = fs::read_to_string(scratch.path(NAME).join("evidence.json")).unwrap();
    assert!(record.contains("\"not_saved\": []"), "{path}: {record}");
}

#[test]
fn a_server_fault_leaves_nothing_partial_and_a_second_run_completes() {
    let (limits, patience) = (Limits::default(), impatient());
    let whole = |text: &'static str| move || Reply::Whole(200, "text/html", text.into());
    for path in ["/manifest", "/publickey", "/imagedigest", "/config-json", "/log/build"] {
        let cut = || Reply::Bytes(b"HTTP/1.1 200 x\r\nContent-Length: 100000\r\n\r\n{\"manifest_name\":".to_vec());
        faulty(path, cut, path, &limits, &patience);
        faulty(
            path,
            || Reply::Bytes(b"HTTP/1.1 200 x\r\n\r\n{\"log\": \"x".to_vec()),
            "expected JSON",
            &limits,
            &patience,
        );
        faulty(path, || Reply::Bytes(Vec::new()), path, &limits, &patience);
        faulty(path, || Reply::Bytes(b"\x00\x01garbage\r\n\r\n".to_vec()), path, &limits, &patience);
        faulty(path, whole("<html>\x1b[2Jlogin --password hunter2</html>"), "<html>\\u{1b}[2J", &limits, &patience);
        faulty(path, whole("{}"), "expected", &limits, &patience);
        faulty(
            path,
            || Reply::Whole(500, "text/plain", b"--password hunter2".to_vec()),
            "500: --password ***",
            &limits,
            &patience,
        );
        let redirect = || {
            Reply::Bytes(
                b"HTTP/1.1 302 x\r\nLocation: https://evil.example.com/?hunter2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
            )
        };
        faulty(path, redirect, "never followed", &limits, &patience);
    }
    faulty("/image", || Reply::Whole(500, "text/plain", b"x".to_vec()), "500: x", &limits, &patience);
    faulty("/image", whole("<html>"), "expected JSON", &limits, &patience);
}

#[test]
fn hostile_names_and_invalid_responses_are_refused() {
    let (limits, patience) = (Limits::default(), impatient());
    let json = |text: String| move || Reply::json(200, text.clone());
    faulty(
        "/manifest",
        json(r#"{"manifest_name": "manifest.../../etc/x", "encoded_manifest": "QlpoOQ=="}"#.into()),
        "../../etc/x",
        &limits,
        &patience,
    );
    faulty(
        "/manifest",
        json(r#"{"manifest_name": "../../etc/x", "encoded_manifest": "QlpoOQ=="}"#.into()),
        "begin with manifest.",
        &limits,
        &patience,
    );
    faulty(
        "/manifest",
        json(format!(r#"{{"manifest_name": "manifest.{NAME}", "encoded_manifest": "!!!!"}}"#)),
        "not base64",
        &limits,
        &patience,
    );
    faulty(
        "/publickey",
        json(r#"{"build_name": "../x", "public_key_pem": "-----BEGIN PUBLIC KEY-----"}"#.into()),
        "../x",
        &limits,
        &patience,
    );
    faulty("/image", json(r#"{"status": "", "build_name": "../../etc/x"}"#.into()), "../../etc/x", &limits, &patience);
}

#[test]
fn endless_and_slow_responses_are_abandoned() {
    let mut limits = Limits::default();
    (limits.server_manifest_bytes, limits.server_answer_bytes) = (1 << 20, 1 << 16);
    let endless = || Reply::Endless(b"HTTP/1.1 200 x\r\nContent-Length: 99999999999\r\n\r\n".to_vec());
    let in_the_bundle =
        || Reply::Endless(b"HTTP/1.1 200 x\r\nContent-Length: 99999999999\r\n\r\n{\"encoded_manifest\": \"".to_vec());
    faulty("/manifest", in_the_bundle, "server_manifest_bytes=1048576", &limits, &impatient());
    faulty("/manifest", endless, "server_answer_bytes=65536", &limits, &impatient());
    faulty("/publickey", endless, "server_answer_bytes=65536", &limits, &impatient());
    let short = Patience { idle: Duration::from_millis(300), ..impatient() };
    let silence = || Reply::Silence(b"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\n{".to_vec());
    faulty("/manifest", silence, "the response stalled", &limits, &short);
    faulty("/log/build", || Reply::Silence(Vec::new()), "no response in time", &limits, &short);
    let soon = Patience { total: Duration::ZERO, ..impatient() };
    faulty("/image", || Reply::json(200, "{}"), "longer than allowed", &limits, &soon);
}

#[test]
fn transient_errors_are_retried_within_one_run() {
    let count = Arc::new(AtomicUsize::new(0));
    let server = TlsServer::start("server", move |seen, _| {
        match (seen.path.as_str(), count.fetch_add(1, Ordering::SeqCst) % 3) {
            (_, 0) => Reply::Whole(503, "text/plain", b"later".to_vec()),
            (_, 1) => Reply::Bytes(b"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\n{".to_vec()),
            _ => answer(&[Build::good()], seen),
        }
    });
    let scratch = Scratch::new();
    let report = run(&request(server.port, &scratch.0), &Patience { tries: 3, ..impatient() }).unwrap();
    assert_eq!(report.exit_code(), 0, "{}", faults(&report));
    assert_eq!(without_port(tree(&scratch.0), server.port), reference(Build::good()));
}

fn tls_fault(certificate: &str, files: TlsFiles, says: &str, hint: &str) {
    let server = TlsServer::start(certificate, |seen, _| answer(&[Build::good()], seen));
    let scratch = Scratch::new();
    let mut request = request(server.port, &scratch.0);
    request.server.as_mut().unwrap().tls = files;
    let report = run(&request, &Patience { tries: 3, ..impatient() }).unwrap();
    assert_eq!(report.exit_code(), 3);
    let said = faults(&report);
    assert!(said.contains(says) && said.contains(hint), "expected {says} / {hint}, found {said}");
    assert_eq!(server.seen(), [], "no request may be sent");
    assert_eq!(file_names(&scratch.0), [""; 0]);
}

#[test]
fn the_wrong_server_receives_no_request() {
    let set = Certificates::get();
    let client = |name: &str| TlsFiles { certificate: Some(set.path(name)), ..TlsFiles::default() };
    tls_fault("stranger", TlsFiles::default(), "not valid for name", "--resolve");
    tls_fault("foreign", TlsFiles::default(), "TLS", "--ca");
    tls_fault("server", TlsFiles { ca: Some(set.path("other-ca.pem")), ..TlsFiles::default() }, "TLS", "--ca");
    tls_fault("server", client("foreign-client.pem"), "", "");
}

#[test]
fn a_server_named_by_address_needs_that_address_in_its_certificate() {
    for (certificate, accepted) in [("address", true), ("workshop", true), ("server", false)] {
        let server = TlsServer::start(certificate, |seen, _| answer(&[Build::good()], seen));
        let scratch = Scratch::new();
        let mut request = request(server.port, &scratch.0);
        request.server.as_mut().unwrap().settings.host = "127.0.0.1".into();
        let report = run(&request, &impatient()).unwrap();
        assert_eq!(report.exit_code(), if accepted { 0 } else { 3 }, "{certificate}: {}", faults(&report));
    }
}

#[test]
fn certificate_and_key_may_be_in_two_files() {
    let set = Certificates::get();
    let server = good_server();
    let scratch = Scratch::new();
    let mut request = request(server.port, &scratch.0);
    request.server.as_mut().unwrap().tls =
        TlsFiles { ca: None, certificate: Some(set.path("client-cert.pem")), key: Some(set.path("client-key.pem")) };
    assert_eq!(run(&request, &impatient()).unwrap().exit_code(), 0);
    request.server.as_mut().unwrap().tls =
        TlsFiles { certificate: Some(set.path("client-cert.pem")), ..TlsFiles::default() };
    let error = run(&request, &impatient()).unwrap_err();
    assert!(matches!(error, Error::Settings { .. }) && error.to_string().contains("private key"), "{error}");
    request.server.as_mut().unwrap().tls = TlsFiles { certificate: Some(set.path("none.pem")), ..TlsFiles::default() };
    assert!(run(&request, &impatient()).is_err());
}

#[test]
fn a_missing_server_is_reported() {
    let scratch = Scratch::new();
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let report = run(&request(port, &scratch.0), &impatient()).unwrap();
    assert_eq!(report.exit_code(), 3);
    assert!(faults(&report).contains("refused"), "{}", faults(&report));
}

#[test]
fn after_a_connection_is_cut_anywhere_a_second_run_gives_the_same_folder() {
    let server = good_server();
    let proxy = CuttingProxy::start(server.port);
    let reference = {
        let scratch = Scratch::new();
        assert_eq!(run(&request(proxy.port, &scratch.0), &impatient()).unwrap().exit_code(), 0);
        tree(&scratch.0)
    };
    let length = proxy.take_passed();
    assert!(length > 15_000, "{length}");
    // Every 311th position, and each of the last eight.
    let positions = (0..length).step_by(311).chain(length - 8..length);
    for position in positions {
        let scratch = Scratch::new();
        proxy.cut(u64::MAX, position);
        let outcome = run(&request(proxy.port, &scratch.0), &impatient());
        let complete = outcome.as_ref().is_ok_and(|report| report.exit_code() == 0);
        let exit = outcome.map_or_else(|error| error.exit_code(), |report| report.exit_code());
        assert!(exit == 3 || (complete && tree(&scratch.0) == reference), "{position}: exit {exit}");
        for (name, bytes) in tree(&scratch.0).iter().filter(|(name, _)| !name.ends_with("evidence.json")) {
            let (_, whole) =
                reference.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{position}: {name}"));
            assert_eq!(bytes, whole, "{position}: {name} is incomplete");
        }
        proxy.cut(0, 0);
        let report = run(&request(proxy.port, &scratch.0), &impatient()).unwrap();
        assert_eq!(report.exit_code(), 0, "{position}: {}", faults(&report));
        assert_eq!(tree(&scratch.0), reference, "{position}");
    }
}

#[test]
fn requests_on_dropped_connections_are_retried_within_one_run() {
    let server = good_server();
    let proxy = CuttingProxy::start(server.port);
    let patience = Patience { tries: 3, ..impatient() };
    for position in [100, 3_000, 9_000, 18_000] {
        let scratch = Scratch::new();
        proxy.cut(2, position);
        let report = run(&request(proxy.port, &scratch.0), &patience).unwrap();
        assert_eq!(report.exit_code(), 0, "{position}: {}", faults(&report));
    }
}
