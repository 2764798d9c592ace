//! Tests behaviour on Windows: names that Windows cannot store are refused before the first byte is written, and patterns are
//! expanded. `tests/windows` runs these tests.
#![cfg(windows)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;
mod support;

use program::{BUNDLE, Folder, NOW, report, run};
use support::Case;
use support::keys::Named;
use support::tar::Entry;

const SYMBOLIC_LINK: u8 = b'2';

/// A folder with a key and a signed bundle that has these members in addition to the good build's, without its symbolic link.
fn with_members(members: Vec<Entry>) -> Folder {
    let folder = Folder::new();
    let case = Case::good("extract", "").inner(|inner| {
        inner.retain(|entry| entry.kind != SYMBOLIC_LINK);
        inner.extend(members);
    });
    folder.write(BUNDLE, case.make_bundle_bytes());
    folder.write("key.pem", Named::Server.public_pem());
    folder
}

#[test]
fn names_that_windows_cannot_store_are_refused_before_anything_is_written() {
    let file = |name: &str| Entry::file(name, "x");
    for (members, why) in [
        (vec![file("data/NUL")], "\"NUL\" is the name of a device"),
        (vec![file("git/wallet/aux.c")], "\"aux.c\" is the name of a device"),
        (vec![file("git/wallet/dot.")], "ends with a dot or a space"),
        (vec![file("git/wallet/a:b")], "contains ':'"),
        (vec![file("git/wallet/a\\..\\..\\..\\b")], "contains '\\\\'"),
        (vec![file("git/wallet/GIT~1/config")], "the short name of a different file"),
        (vec![file("git/wallet/Notes"), file("git/wallet/NOTES")], "are the same name on Windows"),
        (vec![Entry::link(SYMBOLIC_LINK, "git/wallet/link", "README")], "it is a symbolic link"),
    ] {
        let folder = with_members(members);
        let before = folder.listing();
        let answer = run(folder.path(), &["extract", BUNDLE, "--key", "key.pem", "--to", "out"]);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{why}: {}", answer.err);
        assert!(answer.err.contains(why), "expected {why:?}, found {}", answer.err);
        assert_eq!(folder.listing(), before, "{why}");
    }
}

#[test]
fn other_names_are_unpacked() {
    let folder = with_members(vec![Entry::file("git/wallet/console.txt", "content"), Entry::file("data/~1", "x")]);
    let answer = run(folder.path(), &["extract", BUNDLE, "--key", "key.pem", "--to", "out"]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    assert_eq!(std::fs::read(folder.path().join("out/git/wallet/console.txt")).unwrap(), b"content");
}

#[test]
fn patterns_are_expanded_but_never_to_flags() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let (code, found) = report(folder.path(), &["*.sig.tbz", "--key", "key.pem"]);
    assert_eq!((code, found["reports"][0]["bundle"]["path"].as_str()), (0, Some(BUNDLE)));
    let (code, found) = report(folder.path(), &[".\\*.tbz", "--key", "key.pem"]);
    assert_eq!((code, found["reports"][0]["bundle"]["path"].as_str()), (0, Some(format!("./{BUNDLE}").as_str())));
    let (code, found) = report(folder.path(), &["*.none", "--key", "key.pem"]);
    let error = &found["reports"][0]["error"];
    assert_eq!((code, error["code"].as_str()), (3, Some("unreadable")), "{error}");
    folder.write("--key=other.sig.tbz", "x");
    let answer = run(folder.path(), &["audit", "*.sig.tbz", "--key", "key.pem", "--now", NOW]);
    assert_eq!(answer.code, 2, "{}", answer.err);
    assert!(answer.err.contains("would be read as a flag"), "{}", answer.err);
}

#[test]
fn missing_confinement_is_reported() {
    let answer = run(std::path::Path::new("."), &["checks", "--verbose"]);
    assert!(answer.err.contains("a process is confined only on Linux"), "{}", answer.err);
}
