//! Tests that a request gives the same report in one run and in pieces, and that a policy reads only trusted files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::report::{Format, Options};
use crate::run::{Queue, audit_all, audit_piece, put_together};

type Files = BTreeMap<String, Vec<u8>>;

/// The files of a fixture, by name.
fn fixture(name: &str) -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn bundles(files: &Files) -> Vec<PathBuf> {
    files.keys().filter(|name| name.ends_with(".sig.tbz")).map(PathBuf::from).collect()
}

fn request<'a>(evidence: &'a Files, trusted: &'a Files, paths: &'a [PathBuf]) -> Request<'a> {
    Request {
        evidence: Storage::Memory(evidence),
        trusted: Storage::Memory(trusted),
        paths,
        keys: &[],
        policy: None,
        require: &[],
        approvals: None,
        image: None,
        bases: &[],
        trust: None,
        builder: None,
        seal_key: None,
        authorities: &[],
        shard: None,
        now: Timestamp::from_rfc3339("2026-03-10T00:00:00Z"),
        today: Timestamp::from_rfc3339("2026-03-11T00:00:00Z").unwrap(),
    }
}

fn report(request: &Request<'_>) -> Report {
    let limits = Limits::default();
    let (storage, threads) = (request.evidence, 1);
    let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
        storage.read_image(source, choice, limits, budget)
    };
    let queue = Queue { storage, read_image: &read_image, threads, memory: None, state: None, step: &|| {} };
    let audit = |paths: &[PathBuf], question: &Question<'_>, _: &Report| audit_all(paths, question, &queue);
    request.report(&Means { read_image: &read_image, threads, audit: &audit, limits: &limits })
}

fn json(report: &Report) -> String {
    let mut page = Vec::new();
    report.write(Format::Json, &Options::default(), &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// The same names in two storages: a policy refers only to files that the auditor trusts.
#[test]
fn a_policy_never_takes_a_key_from_the_evidence() {
    let files = fixture("base-right");
    let policy = String::from_utf8(files["policy.toml"].clone()).unwrap();
    assert!(policy.contains("file = \"key.pem\""), "{policy}");
    let paths = bundles(&files);
    let with_key: Files = files.clone().into_iter().filter(|(name, _)| !name.ends_with(".sig.tbz")).collect();
    let mut without = with_key.clone();
    without.remove("key.pem");
    let judged = |trusted: &Files| {
        let policy = Some(Path::new("policy.toml"));
        let report = report(&Request { policy, ..request(&files, trusted, &paths) });
        (report.exit_code(), json(&report))
    };
    assert_eq!(judged(&with_key).0, 0);
    let (code, page) = judged(&without);
    assert_eq!(code, 3, "{page}");
    assert!(page.contains("no such file"), "{page}");
    // A different file with the key's name in the evidence does not change the exit code.
    let mut other = files.clone();
    other.insert("key.pem".into(), b"not a key".to_vec());
    let policy = Some(Path::new("policy.toml"));
    assert_eq!(report(&Request { policy, ..request(&other, &with_key, &paths) }).exit_code(), 0);
}

/// Auditing bundles one by one gives the same report as one run over all of them.
#[test]
fn bundles_audited_one_by_one_give_the_same_report_as_one_run() {
    let (one, other) = (fixture("good-build-kit"), fixture("base-right"));
    let files: Files = [("a", &one), ("b", &other)]
        .into_iter()
        .flat_map(|(folder, files)| files.iter().map(move |(name, bytes)| (format!("{folder}/{name}"), bytes.clone())))
        .collect();
    let trusted: Files = [("key.pem".to_owned(), one["key.pem"].clone())].into();
    let (paths, keys) = ([PathBuf::from(".")], [NamedKey::File("key.pem".into())]);
    let request = Request { keys: &keys, ..request(&files, &trusted, &paths) };
    let whole = json(&report(&request));
    let limits = Limits::default();
    let storage = request.evidence;
    let read_image = |source: &Source, choice: &Choice, limits: &Limits, budget: &Budget| {
        storage.read_image(source, choice, limits, budget)
    };
    let audit = |paths: &[PathBuf], question: &Question<'_>, report: &Report| {
        let piece = |path: &PathBuf| audit_piece(path, question, report, storage, &read_image);
        let pieces = paths.iter().map(piece).collect::<Result<Vec<_>, _>>()?;
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        assert_eq!(pieces.len(), 2);
        let swapped: Vec<&[u8]> = pieces.iter().rev().copied().collect();
        assert!(put_together(&swapped, paths, question, storage).is_err());
        put_together(&pieces, paths, question, storage)
    };
    let in_pieces = request.report(&Means { read_image: &read_image, threads: 1, audit: &audit, limits: &limits });
    assert_eq!(json(&in_pieces), whole);
}
