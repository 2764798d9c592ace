//! The shape of the crate: who may call whom. A new arrow between modules needs a line here, where a reviewer sees it.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every module and what it uses, from the top layer to the bottom one: an arrow leads to a row further down. A module is a
/// file or a folder of `src/`; `lib` stands for what the crate root itself defines.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "compare",
            "case",
            "client",
            "self_test",
            "serve",
            "run",
            "audit",
            "dossier",
            "extract",
            "reconcile",
            "admission",
            "report",
            "check",
            "policy",
            "evidence",
            "builds",
            "workload",
            "image",
            "folder",
            "trust",
            "manifest",
            "key_record",
            "git",
            "verify",
            "bundle",
            "signature",
            "key",
            "crypto",
            "finding",
            "strict_json",
            "escape",
            "mask",
            "budget",
            "limits",
            "error",
            "features",
            "words",
            "build_name",
            "digest",
            "time",
        ],
    ),
    (
        "compare",
        &["dossier", "check", "image", "manifest", "git", "verify", "bundle", "budget", "limits", "error", "digest"],
    ),
    (
        "case",
        &[
            "run",
            "audit",
            "dossier",
            "report",
            "check",
            "policy",
            "attestation",
            "approvals",
            "image",
            "trust",
            "server_record",
            "verify",
            "bundle",
            "key",
            "crypto",
            "archive",
            "finding",
            "strict_json",
            "mask",
            "budget",
            "limits",
            "error",
            "digest",
            "time",
        ],
    ),
    (
        "client",
        &[
            "image",
            "bundle",
            "key",
            "strict_json",
            "escape",
            "mask",
            "image_name",
            "budget",
            "limits",
            "error",
            "build_name",
            "digest",
            "time",
        ],
    ),
    (
        "self_test",
        &[
            "audit",
            "dossier",
            "report",
            "check",
            "policy",
            "approvals",
            "image",
            "trust",
            "server_record",
            "finding",
            "budget",
            "limits",
            "error",
            "time",
        ],
    ),
    (
        "serve",
        &[
            "audit",
            "dossier",
            "admission",
            "report",
            "review",
            "builds",
            "workload",
            "escape",
            "limits",
            "error",
            "digest",
            "time",
        ],
    ),
    (
        "run",
        &[
            "audit",
            "dossier",
            "report",
            "evidence",
            "folder",
            "signature",
            "key",
            "strict_json",
            "limits",
            "error",
            "build_name",
            "digest",
            "time",
        ],
    ),
    (
        "audit",
        &[
            "dossier",
            "outside",
            "report",
            "check",
            "policy",
            "evidence",
            "builds",
            "attestation",
            "image",
            "trust",
            "manifest",
            "server_record",
            "key_record",
            "build_log",
            "git",
            "verify",
            "bundle",
            "key",
            "finding",
            "budget",
            "limits",
            "error",
            "build_name",
            "digest",
        ],
    ),
    (
        "dossier",
        &[
            "report",
            "policy",
            "attestation",
            "approvals",
            "image",
            "folder",
            "trust",
            "server_record",
            "verify",
            "key",
            "finding",
            "budget",
            "limits",
            "error",
            "digest",
            "time",
        ],
    ),
    ("extract", &["verify", "archive", "budget", "limits", "error"]),
    ("outside", &["build_log", "dockerfile", "strict_json", "digest"]),
    (
        "reconcile",
        &[
            "admission",
            "report",
            "check",
            "policy",
            "builds",
            "workload",
            "approvals",
            "finding",
            "strict_yaml",
            "strict_csv",
            "strict_json",
            "mask",
            "budget",
            "limits",
            "error",
            "digest",
            "time",
        ],
    ),
    (
        "admission",
        &["report", "check", "policy", "deployment", "builds", "workload", "attestation", "finding", "error", "time"],
    ),
    (
        "report",
        &[
            "check",
            "policy",
            "evidence",
            "builds",
            "workload",
            "verify",
            "signature",
            "key",
            "crypto",
            "finding",
            "strict_json",
            "escape",
            "mask",
            "image_name",
            "limits",
            "error",
            "features",
            "words",
            "digest",
            "time",
        ],
    ),
    (
        "check",
        &[
            "signer",
            "policy",
            "evidence",
            "deployment",
            "builds",
            "workload",
            "attestation",
            "approvals",
            "image",
            "trust",
            "server_record",
            "key_record",
            "build_log",
            "git",
            "dockerfile",
            "verify",
            "key",
            "finding",
            "strict_json",
            "mask",
            "image_name",
            "budget",
            "build_name",
            "digest",
            "time",
        ],
    ),
    ("signer", &["policy", "git", "crypto", "time"]),
    (
        "policy",
        &[
            "check",
            "workload",
            "attestation",
            "trust",
            "key_record",
            "git",
            "verify",
            "key",
            "crypto",
            "finding",
            "image_name",
            "limits",
            "error",
            "memo",
            "words",
            "digest",
            "time",
        ],
    ),
    (
        "evidence",
        &[
            "builds",
            "attestation",
            "approvals",
            "image",
            "trust",
            "manifest",
            "server_record",
            "key_record",
            "build_log",
            "git",
            "dockerfile",
            "verify",
            "mask",
            "image_name",
            "budget",
            "limits",
            "error",
            "words",
            "build_name",
            "time",
        ],
    ),
    ("review", &["workload", "strict_json", "escape", "budget", "limits", "error"]),
    ("deployment", &["builds", "workload", "attestation", "time"]),
    ("builds", &["finding", "digest", "time"]),
    (
        "workload",
        &[
            "trust",
            "crypto",
            "archive",
            "strict_yaml",
            "image_name",
            "budget",
            "limits",
            "error",
            "words",
            "digest",
            "time",
        ],
    ),
    ("attestation", &["trust", "crypto", "budget", "digest", "time"]),
    ("approvals", &["git", "strict_csv", "strict_json", "escape", "limits", "error", "memo", "digest", "time"]),
    ("image", &["folder", "archive", "strict_json", "image_name", "budget", "limits", "error", "digest"]),
    ("folder", &["limits", "error"]),
    ("trust", &["crypto", "strict_json", "image_name", "budget", "limits", "error", "digest", "time"]),
    ("manifest", &["build_record", "build_log", "git", "verify", "archive", "budget", "limits", "error"]),
    ("server_record", &["build_record", "strict_json", "mask", "image_name", "limits", "digest"]),
    (
        "key_record",
        &["verify", "signature", "key", "crypto", "strict_json", "limits", "error", "build_name", "digest", "time"],
    ),
    ("build_record", &["strict_json", "limits", "error"]),
    ("build_log", &["dockerfile", "limits", "error", "digest", "time"]),
    ("git", &["crypto", "budget", "limits", "error", "digest", "time"]),
    ("dockerfile", &["strict_json"]),
    ("verify", &["bundle", "signature", "key", "words", "build_name", "digest", "time"]),
    ("bundle", &["signature", "archive", "budget", "limits", "error", "build_name", "digest"]),
    ("signature", &["key", "crypto", "limits", "error", "digest"]),
    ("key", &["crypto", "limits", "error", "digest"]),
    ("crypto", &["strict_json", "limits", "error", "digest", "time"]),
    ("archive", &["limits", "error"]),
    ("finding", &["words", "time"]),
    ("strict_yaml", &["strict_json", "limits"]),
    ("strict_csv", &[]),
    ("strict_json", &[]),
    ("escape", &[]),
    ("mask", &["image_name", "digest"]),
    ("image_name", &["digest"]),
    ("budget", &["limits", "error"]),
    ("limits", &["error"]),
    ("error", &["digest"]),
    ("features", &[]),
    ("memo", &[]),
    ("words", &[]),
    ("build_name", &["time"]),
    ("digest", &[]),
    ("time", &[]),
    ("bzip2-threads", &[]),
];

/// Arrows that lead up, each with its reason.
const UPWARD: &[(&str, &str, &str)] = &[(
    "policy",
    "check",
    "a policy names checks: it is read against their table, so that an unknown check is an error",
)];

/// Foreign crates and the modules that may name them: one crate, one file or folder. What stands in many (serde) is vocabulary.
const FOREIGN: &[(&str, &[&str])] = &[
    ("aes", &["workload"]),
    ("base64ct", &["check", "cli", "client", "crypto", "trust", "workload"]),
    ("bzip2_threads", &["archive"]),
    ("cbc", &["workload"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["report"]),
    ("der", &["attestation", "client", "crypto", "key", "trust"]),
    ("ed25519_dalek", &["crypto"]),
    ("flate2", &["git", "image", "workload"]),
    ("gix_hash", &["crypto", "git"]),
    ("hmac", &["client", "workload"]),
    ("http_body_util", &["serve"]),
    ("hyper", &["serve"]),
    ("hyper_util", &["serve"]),
    ("indicatif", &["cli"]),
    ("jiff", &["time"]),
    ("landlock", &["cli"]),
    ("libc", &["cli"]),
    ("p256", &["crypto", "key"]),
    ("p384", &["crypto"]),
    ("pgp", &["crypto"]),
    ("quick_xml", &["client"]),
    ("regex_lite", &["mask"]),
    ("reqwest", &["client"]),
    ("rsa", &["crypto", "key"]),
    ("rustls", &["client", "serve"]),
    ("rustls_platform_verifier", &["client"]),
    ("ruzstd", &["image"]),
    ("seccompiler", &["cli"]),
    ("serde", &["case", "client", "crypto", "key_record", "policy", "report", "run", "strict_json", "strict_yaml"]),
    (
        "serde_json",
        &[
            "approvals",
            "build_record",
            "case",
            "cli",
            "client",
            "crypto",
            "evidence",
            "image",
            "key_record",
            "reconcile",
            "report",
            "review",
            "run",
            "self_test",
            "serve",
            "strict_json",
            "strict_yaml",
            "trust",
            "workload",
        ],
    ),
    ("serde_saphyr", &["client", "strict_yaml"]),
    ("sha2", &["client", "crypto", "digest", "trust", "workload"]),
    ("sigstore_verify", &["trust"]),
    ("spki", &["attestation", "crypto", "key", "trust"]),
    ("tar", &["archive", "case"]),
    ("terminal_size", &["cli"]),
    ("thiserror", &["build_log", "crypto", "dockerfile", "error", "git", "signature"]),
    ("tokio", &["serve"]),
    ("tokio_rustls", &["serve"]),
    ("toml", &["policy", "report"]),
    ("x509_cert", &["client", "crypto", "trust"]),
    ("zeroize", &["cli", "client", "serve", "workload"]),
];

const CRATE_ROOTS: &[&str] = &["src/lib.rs", "src/main.rs", "crates/bzip2-threads/src/lib.rs"];

const LINES_MAX: usize = 500;

/// One source file without its comments and its tests.
struct Source {
    path: PathBuf,
    module: String,
    code: String,
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let allowed = arrows(ARROWS);
    let reexports = reexports();
    let mut found = BTreeSet::new();
    for source in sources() {
        for name in roots_of_paths(&source.code) {
            let target = match reexports.get(&name) {
                Some(module) => module.clone(),
                None if ARROWS.iter().any(|(module, _)| *module == name) => name,
                None => "lib".to_owned(),
            };
            if target == source.module {
                continue;
            }
            let arrow = (source.module.clone(), target);
            assert!(
                allowed.contains(&arrow),
                "{}: a new arrow {} -> {}; if it is meant, add it to ARROWS",
                source.path.display(),
                arrow.0,
                arrow.1
            );
            found.insert(arrow);
        }
    }
    let stale: Vec<_> = allowed.difference(&found).collect();
    assert!(stale.is_empty(), "arrows of the table that no source has any more: {stale:?}");
}

#[test]
fn calls_go_down_the_list_only() {
    let row = |name: &str| ARROWS.iter().position(|(module, _)| *module == name);
    for (from, to) in arrows(ARROWS) {
        let (above, below) = (row(&from), row(&to).unwrap_or_else(|| panic!("{to} has no row")));
        let excused =
            UPWARD.iter().any(|(a, b, reason)| (*a, *b) == (from.as_str(), to.as_str()) && !reason.is_empty());
        assert_eq!(above < Some(below), !excused, "{from} -> {to}");
    }
    for source in sources() {
        assert!(row(&source.module).is_some(), "{}: the module has no row in ARROWS", source.path.display());
    }
}

/// `super` must not lead out of a module: such an arrow would not be seen.
#[test]
fn super_stays_inside_the_module() {
    for source in sources() {
        let below = source.path.components().count() - 1;
        let escape = "super::".repeat(if source.path.ends_with("mod.rs") { below } else { below + 1 } - 1);
        assert!(escape.is_empty() || !source.code.contains(&escape), "{}: {escape}", source.path.display());
    }
}

#[test]
fn foreign_crates_stay_where_they_are_wrapped() {
    let manifest: toml::Table = toml::from_str(&read(Path::new("Cargo.toml"))).expect("a manifest");
    // Those of one platform stand below `target`.
    let platforms = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let of_platforms = platforms.filter_map(|platform| platform.get("dependencies"));
    let tables = manifest.get("dependencies").into_iter().chain(of_platforms).filter_map(toml::Value::as_table);
    let names = tables.flat_map(toml::Table::keys);
    let declared: BTreeSet<String> = names.map(|name| name.replace('-', "_")).collect();
    let known: BTreeSet<String> = FOREIGN.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(declared, known, "Cargo.toml and FOREIGN name different crates");
    for source in sources() {
        for (name, modules) in FOREIGN {
            let named = words_before(&source.code, "::").any(|word| word == *name);
            assert!(
                !named || modules.contains(&source.module.as_str()) || source.module == *name,
                "{}: uses the crate {name}, which is wrapped in {modules:?}",
                source.path.display()
            );
        }
    }
}

#[test]
fn files_stay_small() {
    for source in sources() {
        let lines = without_tests(&read(&source.path)).lines().count();
        assert!(lines < LINES_MAX, "{} has {lines} lines without its tests", source.path.display());
    }
    assert!(read(Path::new("src/main.rs")).lines().count() <= 20, "src/main.rs does more than start the library");
}

/// A bound's name and number come together, as `limits.NAME()`: written beside each other by hand, they could be of two bounds.
#[test]
fn bounds_are_named_in_one_place() {
    let entries = hpsb_audit::Limits::default().entries();
    // Words of reports too.
    let is_word = |name: &str| ["bundles"].contains(&name);
    for Source { path, code, .. } in sources().iter().filter(|source| source.module != "limits") {
        for (name, ..) in entries.iter().filter(|(name, ..)| !is_word(name)) {
            for spelled in [format!("\"{name}\""), format!("{name}={{")] {
                assert!(!code.contains(&spelled), "{}: {spelled}", path.display());
            }
        }
        let made =
            code.split("OverLimit {").skip(1).filter(|rest| !rest.split('}').next().unwrap_or("").contains(".."));
        assert!(path == Path::new("src/error.rs") || made.count() == 0, "{}: an OverLimit by hand", path.display());
    }
}

#[test]
fn every_crate_root_forbids_unsafe_code() {
    for root in CRATE_ROOTS {
        let forbids = read(Path::new(root)).lines().any(|line| line == "#![forbid(unsafe_code)]");
        assert!(forbids, "{root} does not forbid unsafe code");
    }
}

/// A panic is a defect that ends the program with 101, on whatever thread it is: no code catches one or drops a thread's. Nor does
/// what is printed panic where nobody reads it.
#[test]
fn no_panic_becomes_a_success() {
    for Source { path, code, .. } in sources() {
        for word in ["catch_unwind", "set_hook", "println!", "print!("] {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
        let code: String = code.split_whitespace().collect();
        let count = |words: &str| code.matches(words).count();
        let (joined, handed_on) = (count(".join()"), count("resume_unwind(panic)") + count(".join().unwrap()"));
        // The thread that reads a layer: an error says that it stopped, and errors are no success.
        let becomes_an_error = path == Path::new("src/client/image.rs");
        assert_eq!(joined, handed_on + usize::from(becomes_an_error), "{}: a panic is dropped", path.display());
    }
}

fn arrows(table: &[(&str, &[&str])]) -> BTreeSet<(String, String)> {
    let mut arrows = BTreeSet::new();
    for (from, targets) in table {
        for to in *targets {
            assert!(arrows.insert(((*from).to_owned(), (*to).to_owned())), "{from} -> {to} stands twice");
        }
    }
    arrows
}

/// Everything below `src/` but the crate roots and files of tests, and the crates beside it, each as a module.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let mut folders = vec![PathBuf::from("src"), PathBuf::from("crates/bzip2-threads/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(top().join(&folder)).expect("a readable folder") {
            let path = folder.join(entry.expect("a readable folder").file_name());
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            if top().join(&path).is_dir() {
                folders.push(path);
            } else if is_rust && !is_root(&path) && !is_for_tests(&path) {
                let module =
                    path.components().nth(1).expect("below src or crates").as_os_str().to_string_lossy().into_owned();
                let module = module.strip_suffix(".rs").unwrap_or(&module).to_owned();
                let code = without_comments(&without_tests(&read(&path)));
                sources.push(Source { path, module, code });
            }
        }
    }
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

fn is_root(path: &Path) -> bool {
    CRATE_ROOTS.iter().any(|root| path == Path::new(root))
}

fn is_for_tests(path: &Path) -> bool {
    let name = path.file_name().expect("a file").to_string_lossy();
    let is_below_tests = path.iter().any(|folder| folder.to_string_lossy().ends_with("_tests"));
    is_below_tests || name.ends_with("tests.rs") || name.starts_with("test_") || name == "fuzzing.rs"
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn without_tests(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned()
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// What follows `crate::` in each path of `code`.
fn roots_of_paths(code: &str) -> Vec<String> {
    assert!(!code.contains("use crate::{"), "write one `use` for each module, so that arrows are seen");
    let rest = code.split("crate::").skip(1);
    rest.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

/// The words that stand directly before `mark`.
fn words_before<'t>(code: &'t str, mark: &str) -> impl Iterator<Item = &'t str> {
    let pieces: Vec<&str> = code.split(mark).collect();
    let count = pieces.len().saturating_sub(1);
    pieces
        .into_iter()
        .take(count)
        .map(|piece| piece.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default())
}

/// Names that the crate root hands on, with the module that they come from.
fn reexports() -> BTreeMap<String, String> {
    let root = read(Path::new("src/lib.rs"));
    let mut names = BTreeMap::new();
    for item in root.split("pub use crate::").skip(1) {
        let item = item.split(';').next().unwrap_or_default();
        let (module, rest) = item.split_once("::").expect("a path");
        for name in rest.trim_matches(['{', '}']).split(',').map(str::trim).filter(|name| !name.is_empty()) {
            names.insert(name.to_owned(), module.to_owned());
        }
    }
    assert!(names.contains_key("VerifiedArchive"), "the list of re-exports was not read");
    names
}
