//! Unpacking either succeeds completely or leaves nothing, and no member is written outside the unpacked folder. The hostile archives here have valid
//! signatures, because a signature does not make names and links safe.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;
mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use program::{Answer, BUNDLE, Folder, command, run};
use support::Case;
use support::keys::Named;
use support::tar::Entry;

const HARD_LINK: u8 = b'1';
const SYMBOLIC_LINK: u8 = b'2';

/// A folder with a key and a signed bundle that has these members in addition to the good build's.
fn with_members(members: Vec<Entry>) -> Folder {
    let folder = Folder::new();
    folder.write(BUNDLE, Case::good("extract", "").inner(|inner| inner.extend(members)).make_bundle_bytes());
    folder.write("key.pem", Named::Server.public_pem());
    folder
}

fn extract(folder: &Folder, to: &str) -> Answer {
    run(folder.path(), &["extract", BUNDLE, "--key", "key.pem", "--to", to])
}

/// Asserts that nothing is unpacked or left behind, and that the exit code means no verdict.
fn refused(members: Vec<Entry>, complaint: &str) {
    let folder = with_members(members);
    let before = folder.listing();
    let answer = extract(&folder, "out");
    assert_eq!((answer.code, answer.out.as_str()), (3, ""), "{}", answer.err);
    assert!(answer.err.contains(complaint), "expected {complaint:?}, found {}", answer.err);
    assert_eq!(folder.listing(), before, "{complaint}");
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Python's tarfile unpacks the same archive.
#[test]
fn archives_are_unpacked_as_by_pythons_tarfile() {
    const PYTHON: &str = "\
import io, sys, tarfile
outer = tarfile.open(sys.argv[1], 'r:bz2')
inner = outer.extractfile(outer.getmembers()[0]).read()
tarfile.open(fileobj=io.BytesIO(inner), mode='r:bz2').extractall(sys.argv[2])
";
    let folder = Folder::with_fixture("good-rsa-2048");
    let answer = extract(&folder, "ours");
    assert_eq!(answer.code, 0, "{}", answer.err);
    let script = ["-c", PYTHON, BUNDLE, "theirs"];
    let python = Command::new("/usr/bin/python3").args(script).current_dir(folder.path()).output();
    let python = python.expect("python3 is needed for this test");
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let listing = folder.listing();
    let below = |top: &str| -> Vec<(String, Vec<u8>)> {
        let inside =
            listing.iter().filter_map(|(path, content)| Some((path.strip_prefix(top)?.to_owned(), content.clone())));
        inside.collect()
    };
    assert!(below("ours/").len() > 50);
    assert_eq!(below("ours/"), below("theirs/"));
    let counts =
        format!("unpacked {} files and", below("ours/").iter().filter(|(_, content)| content != b"folder").count());
    assert!(answer.out.starts_with(&counts), "{} {counts}", answer.out);
}

#[test]
fn modes_are_644_and_755_regardless_of_the_archive() {
    let with_mode = |path: &str, mode| Entry { mode, ..Entry::file(path, "content") };
    let folder = with_members(vec![
        with_mode("data/setuid", 0o6755),
        with_mode("data/writable", 0o666),
        with_mode("data/nothing", 0),
        Entry { mode: 0, ..Entry::directory("data/closed") },
        with_mode("data/closed/inside", 0o600),
    ]);
    assert_eq!(extract(&folder, "out").code, 0);
    let out = folder.path().join("out/data");
    let modes = ["setuid", "writable", "nothing", "closed/inside"].map(|name| mode(&out.join(name)));
    // The caller's umask may remove further permission bits.
    assert!(modes.iter().zip([0o755, 0o644, 0o644, 0o644]).all(|(found, most)| found & !most == 0), "{modes:?}");
    assert_eq!(modes.map(|mode| mode & 0o700), [0o700, 0o600, 0o600, 0o600], "{modes:?}");
    assert_eq!(mode(&out.join("closed")) & 0o700, 0o700);
}

#[test]
fn links_inside_are_kept_and_hard_links_are_copies() {
    let folder = with_members(vec![
        Entry::link(SYMBOLIC_LINK, "data/link", "../git/wallet/main.go"),
        Entry::link(SYMBOLIC_LINK, "data/dangling", "no-such-file"),
        Entry::link(HARD_LINK, "data/copy", "data/build.json"),
    ]);
    assert_eq!(extract(&folder, "out").code, 0);
    let out = folder.path().join("out/data");
    assert_eq!(fs::read_link(out.join("link")).unwrap(), Path::new("../git/wallet/main.go"));
    assert_eq!(fs::read_link(out.join("dangling")).unwrap(), Path::new("no-such-file"));
    assert_eq!(fs::read(out.join("copy")).unwrap(), fs::read(out.join("build.json")).unwrap());
    let node = |name: &str| fs::metadata(out.join(name)).unwrap().ino();
    assert_ne!(node("copy"), node("build.json"), "changing one would change the other");
}

#[test]
fn hostile_names_are_refused() {
    refused(vec![Entry::file("../escaped", "x")], "a name with '..'");
    refused(vec![Entry::file("data/../../escaped", "x")], "a name with '..'");
    refused(vec![Entry::file("/escaped", "x")], "an absolute name");
    refused(vec![Entry::directory("data/..")], "a name with '..'");
    refused(vec![Entry::file("data/build.log", "x")], "two members are named");
    refused(vec![Entry::file("./data//build.log", "x")], "two members are named");
    refused(vec![Entry::file("data/build.json/x", "x")], "is below data/build.json, which is not a folder");
    refused(vec![Entry { kind: b'6', ..Entry::file("data/pipe", "") }], "has the type '6'");
    refused(vec![Entry { kind: b'3', ..Entry::file("data/device", "") }], "has the type '3'");
}

#[test]
fn hostile_links_are_refused() {
    let symbolic = |path: &str, target: &str| Entry::link(SYMBOLIC_LINK, path, target);
    refused(vec![symbolic("data/link", "/etc/passwd")], "leads out of the archive");
    refused(vec![symbolic("data/link", "../../escaped")], "leads out of the archive");
    refused(vec![symbolic("link", "..")], "leads out of the archive");
    refused(vec![symbolic("data/link", "./x/../../../escaped")], "leads out of the archive");
    // Each link alone stays inside the archive, but together the two lead outside.
    let pair = vec![symbolic("data/deep", "../git/wallet"), symbolic("link", "data/deep/../../..")];
    refused(pair, "leads out of the archive");
    // A file below a link would be written to the link's target.
    refused(vec![symbolic("data/folder", "../git"), Entry::file("data/folder/x", "x")], "which is not a folder");
    refused(vec![Entry::file("early/x", "x"), symbolic("early", "data")], "has members below it but is not a folder");
    let hard = |path: &str, target: &str| Entry::link(HARD_LINK, path, target);
    refused(vec![hard("data/hard", "/etc/passwd")], "an absolute name");
    refused(vec![hard("data/hard", "../key.pem")], "a name with '..'");
    refused(vec![hard("data/hard", "data/later"), Entry::file("data/later", "x")], "which is not an earlier file");
    refused(vec![hard("data/hard", "data")], "which is not an earlier file");
    refused(vec![symbolic("data/link", "build.log"), hard("data/hard", "data/link")], "which is not an earlier file");
    refused(vec![hard("data/hard", "data/hard")], "which is not an earlier file");
}

#[test]
fn a_truncated_archive_leaves_nothing() {
    // The first pass over the archive finds the fault before a folder is created.
    for name in ["inner-cut_fail", "inner-bytes-after-end_fail", "inner-block-crc_fail", "inner-many-members_fail"] {
        let folder = Folder::with_fixture(name);
        let before = folder.listing();
        let limit = ["--limit", "archive_members=20"];
        let answer = program::answer(
            command(folder.path()).args(["extract", BUNDLE, "--key", "key.pem", "--to", "out"]).args(limit),
        );
        assert_eq!(answer.code, 3, "{name}: {}", answer.err);
        assert_eq!(folder.listing(), before, "{name}");
    }
}

/// This fault is detected only while writing, because common file systems refuse such a long name.
#[test]
fn a_write_error_removes_what_was_written() {
    let long = format!("data/{}", "x".repeat(300));
    let folder = with_members(vec![Entry::file(long, "x")]);
    let before = folder.listing();
    let answer = extract(&folder, "out");
    assert_eq!(answer.code, 3, "{}", answer.err);
    assert!(answer.err.starts_with("error: cannot write"), "{}", answer.err);
    assert_eq!(folder.listing(), before);
}

#[test]
fn a_target_that_exists_is_not_touched() {
    let folder = Folder::with_fixture("good-rsa-2048");
    fs::create_dir(folder.path().join("empty")).unwrap();
    folder.write("full/precious", "before");
    folder.write("file", "before");
    std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
    std::os::unix::fs::symlink("full", folder.path().join("link")).unwrap();
    let before = folder.listing();
    for target in ["empty", "full", "file", "dangling", "link", ".", "..", "missing/out", "full/precious/out", ""] {
        let answer = extract(&folder, target);
        assert!(matches!(answer.code, 2 | 3), "{target}: {} {}", answer.code, answer.err);
        assert_eq!(folder.listing(), before, "{target}");
    }
}

#[test]
fn nothing_is_unpacked_without_a_valid_signature() {
    for (name, exit) in [("other-key_fail", 1), ("archive-byte-flipped_fail", 1), ("bundle-cut-in-half_fail", 3)] {
        let folder = Folder::with_fixture(name);
        let before = folder.listing();
        let answer = extract(&folder, "out");
        assert_eq!(answer.code, exit, "{name}: {}", answer.err);
        assert_eq!(folder.listing(), before, "{name}");
    }
    let folder = Folder::with_fixture("good-rsa-2048");
    let before = folder.listing();
    // A key next to the bundle is not used to verify it.
    assert_eq!(run(folder.path(), &["extract", BUNDLE, "--to", "out"]).code, 2);
    assert_eq!(folder.listing(), before);
    let pin = Named::Server.fingerprint();
    assert_eq!(run(folder.path(), &["extract", BUNDLE, "--key", &pin, "--to", "out"]).code, 0);
}

#[test]
fn odd_names_that_git_allows_are_unpacked_unchanged() {
    use std::os::unix::ffi::OsStrExt as _;
    let names: [&[u8]; 5] =
        [b"git/wallet/\xff\xfe", b"git/wallet/a\nb", b"git/wallet/-rf", b"git/wallet/README", b"git/wallet/readme"];
    let folder = with_members(names.iter().map(|name| Entry::file(*name, "content")).collect());
    let answer = extract(&folder, "out");
    assert_eq!(answer.code, 0, "{}", answer.err);
    for name in names {
        let path = folder.path().join("out").join(std::ffi::OsStr::from_bytes(name));
        assert_eq!(fs::read(&path).unwrap(), b"content", "{path:?}");
    }
}
