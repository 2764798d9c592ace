//! Replays the inputs in `fuzz/corpus/` (seeds, and inputs that once caused a fault) through the functions that the fuzz targets call.
//! `HPSB_UPDATE=1` rewrites the seeds.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

#[path = "../fuzz/properties.rs"]
#[allow(dead_code, unreachable_pub)]
mod properties;
mod seeds;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Property = fn(&[u8]);

/// The fuzz targets that call a function in `fuzz/properties.rs`, and that function. `INSIDE` has all other targets.
const TARGETS: &[(&str, Property)] = &[
    ("attestation", properties::attestation),
    ("audit", properties::audit),
    ("audit_inner_tar", properties::audit_inner_tar),
    ("build_log", properties::build_log),
    ("build_record", properties::build_record),
    ("bundle", properties::bundle),
    ("case", properties::case),
    ("compose", properties::compose),
    ("contract", properties::contract),
    ("controls", properties::controls),
    ("git_files", properties::git_files),
    ("git_index", properties::git_index),
    ("git_objects", properties::git_objects),
    ("git_pack", properties::git_pack),
    ("image_archive", properties::image_archive),
    ("image_documents", properties::image_documents),
    ("image_layer", properties::image_layer),
    ("inventory", properties::inventory),
    ("openpgp", properties::openpgp),
    ("kubernetes", properties::kubernetes),
    ("outer_tar", properties::outer_tar),
    ("policy", properties::policy),
    ("public_key", properties::public_key),
    ("review", properties::review),
    ("saved_report", properties::saved_report),
    ("signature", properties::signature),
    ("trust", properties::trust),
    ("words", properties::words),
];
/// Targets whose corpora are replayed by unit tests of `src/fuzzing/mod.rs` and `crates/bzip2-threads/`.
const INSIDE: &[&str] = &[
    "approvals",
    "bzip2",
    "dockerfile",
    "envelope",
    "fetched",
    "inner_tar",
    "openpgp_signature",
    "server_record",
    "ssh",
    "statement",
    "text",
    "timestamp",
];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_corpus_input_is_processed() {
    for &(target, property) in TARGETS {
        let folder = top().join("corpus").join(target);
        let names = names(&folder);
        assert!(!names.is_empty(), "{target} has no corpus");
        for name in names {
            eprintln!("{target}/{name}");
            property(&fs::read(folder.join(name)).unwrap());
        }
    }
}

#[test]
fn seeds_match_their_sources() {
    for (target, name, bytes) in seeds::all() {
        let path = top().join("corpus").join(target).join(name);
        if std::env::var_os("HPSB_UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        assert!(fs::read(&path).unwrap_or_default() == bytes, "{target}/{name}: HPSB_UPDATE=1 rewrites the seeds");
        assert!(bytes.len() <= 20_000, "{target}/{name} is too large for a seed");
    }
}

#[test]
fn every_target_has_a_file_a_corpus_and_a_binary() {
    let expected: BTreeSet<String> =
        TARGETS.iter().map(|(name, _)| name).chain(INSIDE).map(|name| (*name).to_owned()).collect();
    let files = names(&top().join("fuzz_targets")).into_iter().map(|name| name.trim_end_matches(".rs").to_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), expected);
    assert_eq!(names(&top().join("corpus")), expected);
    let manifest: toml::Table = fs::read_to_string(top().join("Cargo.toml")).unwrap().parse().unwrap();
    let binaries = manifest["bin"].as_array().unwrap().iter().map(|binary| binary["name"].as_str().unwrap().to_owned());
    assert_eq!(binaries.collect::<BTreeSet<_>>(), expected);
}
