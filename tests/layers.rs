//! Tests the structure of the crate: which other modules a module may use. A new dependency between modules needs a line here, where a reviewer
//! sees it.
#![allow(missing_docs, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every folder of `src/` except those for tests, and the crate bzip2-threads, with the folders that each uses, from the top layer to the bottom
/// one: a dependency is always on a later row. `audit` is a folder and also a file.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "client",
            "serve",
            "self_test",
            "request",
            "case",
            "run",
            "compare",
            "audit",
            "dossier",
            "deploy",
            "report",
            "judge",
            "given",
            "workload",
            "manifest",
            "image",
            "trust",
            "git",
            "gate",
            "crypto",
            "disk",
            "base",
        ],
    ),
    ("client", &["image", "gate", "base"]),
    ("serve", &["audit", "dossier", "deploy", "report", "judge", "workload", "base"]),
    ("self_test", &["case", "audit", "dossier", "report", "judge", "given", "image", "trust", "crypto", "base"]),
    ("request", &["case", "run", "dossier", "report", "judge", "image", "crypto", "base"]),
    (
        "case",
        &["run", "audit", "dossier", "report", "judge", "given", "image", "trust", "gate", "crypto", "archive", "base"],
    ),
    ("run", &["audit", "dossier", "report", "judge", "gate", "disk", "base"]),
    ("compare", &["dossier", "judge", "manifest", "image", "git", "gate", "base"]),
    ("audit", &["dossier", "report", "judge", "given", "manifest", "image", "trust", "git", "gate", "base"]),
    ("dossier", &["report", "judge", "given", "image", "trust", "gate", "disk", "base"]),
    ("deploy", &["report", "judge", "given", "workload", "base"]),
    ("report", &["judge", "workload", "gate", "crypto", "base"]),
    ("judge", &["given", "workload", "manifest", "image", "trust", "git", "gate", "crypto", "base"]),
    ("given", &["manifest", "trust", "git", "gate", "crypto", "base"]),
    ("workload", &["trust", "crypto", "archive", "base"]),
    ("manifest", &["git", "gate", "archive", "base"]),
    ("image", &["archive", "disk", "base"]),
    ("trust", &["crypto", "base"]),
    ("git", &["crypto", "base"]),
    ("gate", &["crypto", "archive", "base"]),
    ("crypto", &["base"]),
    ("archive", &["base"]),
    ("disk", &["base"]),
    ("base", &[]),
    ("bzip2-threads", &[]),
];

/// The crates in Cargo.toml, each with the modules that may use it.
const FOREIGN: &[(&str, &[&str])] = &[
    ("aes", &["workload"]),
    ("anstyle_query", &["cli"]),
    ("base64ct", &["cli", "client", "crypto", "judge", "trust", "workload"]),
    ("bzip2_threads", &["archive"]),
    ("cbc", &["workload"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["report"]),
    ("der", &["client", "crypto", "gate", "given", "trust"]),
    ("ed25519_dalek", &["crypto"]),
    ("flate2", &["git", "image", "workload"]),
    ("gix_hash", &["crypto", "git"]),
    ("hmac", &["client", "workload"]),
    ("http_body_util", &["serve"]),
    ("hyper", &["serve"]),
    ("hyper_util", &["serve"]),
    ("indicatif", &["cli"]),
    ("jiff", &["base"]),
    ("landlock", &["cli"]),
    ("libc", &["cli"]),
    ("p256", &["crypto", "gate"]),
    ("p384", &["crypto"]),
    ("pgp", &["crypto"]),
    ("pkcs8", &["crypto"]),
    ("quick_xml", &["client"]),
    ("regex_lite", &["base"]),
    ("reqwest", &["client"]),
    ("rpassword", &["cli"]),
    ("rsa", &["crypto", "gate"]),
    ("rustls", &["client", "serve"]),
    ("rustls_platform_verifier", &["client"]),
    ("ruzstd", &["image"]),
    ("seccompiler", &["cli"]),
    ("serde", &["base", "case", "client", "crypto", "given", "judge", "report", "run"]),
    (
        "serde_json",
        &[
            "base",
            "case",
            "cli",
            "client",
            "crypto",
            "deploy",
            "given",
            "image",
            "judge",
            "manifest",
            "report",
            "run",
            "self_test",
            "serve",
            "trust",
            "workload",
        ],
    ),
    ("serde_saphyr", &["base", "client"]),
    ("sha2", &["base", "client", "crypto", "trust", "workload"]),
    ("sigstore_verify", &["trust"]),
    ("spki", &["crypto", "gate", "given", "trust"]),
    ("tar", &["archive", "case"]),
    ("terminal_size", &["cli"]),
    ("thiserror", &["base", "crypto", "gate", "git", "manifest"]),
    ("tokio", &["serve"]),
    ("tokio_rustls", &["serve"]),
    ("toml", &["judge", "report"]),
    ("x509_cert", &["client", "crypto", "trust"]),
    ("zeroize", &["cli", "client", "crypto", "serve", "workload"]),
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
                "{}: a new dependency {} -> {}; if it is intended, add it to ARROWS",
                source.path.display(),
                arrow.0,
                arrow.1
            );
            found.insert(arrow);
        }
    }
    let stale: Vec<_> = allowed.difference(&found).collect();
    assert!(stale.is_empty(), "dependencies in ARROWS that the source no longer has: {stale:?}");
}

#[test]
fn modules_use_only_later_rows_of_the_table() {
    let row = |name: &str| ARROWS.iter().position(|(module, _)| *module == name);
    for (from, to) in arrows(ARROWS) {
        let (above, below) = (row(&from), row(&to).unwrap_or_else(|| panic!("{to} has no row")));
        assert!(above < Some(below), "{from} -> {to} goes up");
    }
    for source in sources() {
        assert!(row(&source.module).is_some(), "{}: the module has no row in ARROWS", source.path.display());
    }
}

/// `base/system.rs` formats paths, so that answers are the same on every system. The test searches only for `.display()`.
#[test]
fn paths_are_shown_with_slashes() {
    let shows = |source: &&Source| {
        let may =
            ["src/base/system.rs", "src/git/differential/files.rs"].iter().any(|path| source.path == Path::new(path));
        source.code.contains(".display()") && !may
    };
    let found: Vec<PathBuf> = sources().iter().filter(shows).map(|source| source.path.clone()).collect();
    assert!(found.is_empty(), "use base::system::slashed in {found:?}");
}

/// `super` must not refer to anything outside a module, because the tests above would miss such a dependency.
#[test]
fn super_stays_inside_the_module() {
    for source in sources() {
        let below = source.path.components().count() - 1;
        let escape = "super::".repeat(if source.path.ends_with("mod.rs") { below } else { below + 1 } - 1);
        assert!(escape.is_empty() || !source.code.contains(&escape), "{}: {escape}", source.path.display());
    }
}

#[test]
fn third_party_crates_are_used_only_in_their_modules() {
    let manifest: toml::Table = toml::from_str(&read(Path::new("Cargo.toml"))).expect("a manifest");
    // Crates for one platform are listed under `target`.
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

/// A bound's name and value are obtained together, as `limits.NAME()`: if written separately, they could belong to two bounds.
#[test]
fn limit_names_are_written_in_only_one_file() {
    let entries = hpsb_audit::Limits::default().entries();
    // `bundles` is also an ordinary word.
    let is_word = |name: &str| ["bundles"].contains(&name);
    for Source { path, code, .. } in sources().iter().filter(|source| !source.path.ends_with("base/limits.rs")) {
        for (name, ..) in entries.iter().filter(|(name, ..)| !is_word(name)) {
            for spelled in [format!("\"{name}\""), format!("{name}={{")] {
                assert!(!code.contains(&spelled), "{}: {spelled}", path.display());
            }
        }
        let made =
            code.split("OverLimit {").skip(1).filter(|rest| !rest.split('}').next().unwrap_or("").contains(".."));
        assert!(
            path == Path::new("src/base/error.rs") || made.count() == 0,
            "{}: an OverLimit constructed by hand",
            path.display()
        );
    }
}

#[test]
fn the_roots_of_program_and_library_forbid_unsafe_code() {
    for root in CRATE_ROOTS {
        let forbids = read(Path::new(root)).lines().any(|line| line == "#![forbid(unsafe_code)]");
        assert!(forbids, "{root} does not forbid unsafe code");
    }
}

/// The page and the fuzz targets are separate workspaces. They must use the program's versions of the crates that they share with it, or their
/// answers could differ.
#[test]
fn all_lock_files_have_the_same_versions() {
    let crates = |path: &str| -> BTreeMap<String, BTreeSet<String>> {
        let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let lock = read(&top().join(path));
        for package in lock.split("[[package]]").skip(1) {
            let field =
                |name: &str| package.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
            crates.entry(field("name = ")).or_default().insert(field("version = "));
        }
        crates
    };
    let own = crates("Cargo.lock");
    for path in ["browser/Cargo.lock", "fuzz/Cargo.lock"] {
        let mut shared = 0;
        for (name, versions) in crates(path) {
            let Some(known) = own.get(&name) else { continue };
            let others: Vec<_> = versions.difference(known).collect();
            assert!(others.is_empty(), "{path}: {name} {others:?}: not in Cargo.lock");
            shared += 1;
        }
        assert!(shared > 30, "{path}: {shared} shared crates");
    }
}

/// A panic is a defect that ends the program with exit code 101: no code here catches one or discards a thread's panic, except as stated below; tokio
/// catches one in a connection of `serve`. Printing does not panic if the output is closed.
#[test]
fn no_code_catches_or_discards_a_panic() {
    for Source { path, code, .. } in sources() {
        for word in ["catch_unwind", "set_hook", "println!", "print!("] {
            assert!(!code.contains(word), "{}: {word}", path.display());
        }
        let code: String = code.split_whitespace().collect();
        let count = |words: &str| code.matches(words).count();
        let (joined, handed_on) = (count(".join()"), count("resume_unwind(panic)") + count(".join().unwrap()"));
        // If the thread that reads a layer panics, this file reports an error instead, which is not a success either.
        let becomes_an_error = path == Path::new("src/client/image.rs");
        assert_eq!(joined, handed_on + usize::from(becomes_an_error), "{}: a panic is discarded", path.display());
    }
}

fn arrows(table: &[(&str, &[&str])]) -> BTreeSet<(String, String)> {
    let mut arrows = BTreeSet::new();
    for (from, targets) in table {
        for to in *targets {
            assert!(arrows.insert(((*from).to_owned(), (*to).to_owned())), "{from} -> {to} is listed twice");
        }
    }
    arrows
}

/// Everything in `src/` except crate roots and test files, and the other crates, each as a module.
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
    is_below_tests || name.ends_with("tests.rs") || name.starts_with("test_") || path.starts_with("src/fuzzing")
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

/// The text that follows `crate::` in each path of `code`.
fn roots_of_paths(code: &str) -> Vec<String> {
    assert!(!code.contains("use crate::{"), "write one `use` for each module, so that dependencies are visible");
    let rest = code.split("crate::").skip(1);
    rest.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

/// The word directly before each `mark`.
fn words_before<'t>(code: &'t str, mark: &str) -> impl Iterator<Item = &'t str> {
    let pieces: Vec<&str> = code.split(mark).collect();
    let count = pieces.len().saturating_sub(1);
    pieces
        .into_iter()
        .take(count)
        .map(|piece| piece.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default())
}

/// Names that the crate root re-exports, with their module.
fn reexports() -> BTreeMap<String, String> {
    let root = read(Path::new("src/lib.rs"));
    let mut names = BTreeMap::new();
    for item in root.split("pub use crate::").skip(1) {
        let item = item.split(';').next().unwrap_or_default();
        let (module, rest) = item.split_once("::").expect("a path");
        let list = rest.split_once('{').map_or_else(|| rest.rsplit("::").next().unwrap_or_default(), |(_, list)| list);
        for name in list.trim_matches('}').split(',').map(str::trim).filter(|name| !name.is_empty()) {
            names.insert(name.to_owned(), module.to_owned());
        }
    }
    assert!(names.contains_key("VerifiedArchive"), "the list of re-exports was not read");
    names
}
