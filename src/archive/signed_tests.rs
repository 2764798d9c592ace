use super::*;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::archive::tar_writer::{Entry, archive};
use crate::base::digest::{Sha256, encode_hex};
use crate::git::WorkEntry;
use crate::manifest::Manifest;

fn read(entries: &[Entry]) -> Result<(), Error> {
    let (bytes, limits) = (archive(entries), Limits::default());
    let mut tar = SignedTar::new(bytes.as_slice(), &limits);
    while tar.next_member()?.is_some() {}
    Ok(())
}

#[test]
fn members_that_programs_unpack_to_different_places_are_refused_in_any_order() {
    let link = |path, target| Entry::link(b'2', path, target);
    let file = |path: &str| Entry::file(path, "x");
    for (complaint, entries) in [
        ("x/a is below x, which is not a folder", [link("x", "git/wallet"), file("x/a")]),
        ("x has members below it but is not a folder", [file("x/a"), link("x", "git/wallet")]),
        ("data/x/y/z is below data/x, which is not a folder", [file("data/x"), file("data/x/y/z")]),
        ("data/x has members below it but is not a folder", [file("data/x/y"), file("data/x")]),
        ("git is a symbolic link and must be a folder", [link("git", "g2"), Entry::directory("g2")]),
        ("git/wallet is a file and must be a folder", [Entry::directory("git"), file("git/wallet")]),
        ("git/wallet is a symbolic link and must be a folder", [Entry::directory("git"), link("git/wallet", "../x")]),
        ("data is a file and must be a folder", [file("data"), Entry::directory("git")]),
        (
            "data/build.log is a folder and must be a file",
            [Entry::directory("data"), Entry::directory("data/build.log")],
        ),
        ("data/build.log is a symbolic link and must be a file", [file("data/l"), link("data/build.log", "l")]),
        (
            "data/build.log is a hard link and must be a file",
            [file("data/l"), Entry::link(b'1', "data/build.log", "data/l")],
        ),
        ("y is a hard link to x, which is not an earlier file", [link("x", "z"), Entry::link(b'1', "y", "x")]),
        ("y is a hard link to x/z, which is not an earlier file", [file("x"), Entry::link(b'1', "y", "x/z")]),
        (
            "y is a hard link with mode 755 to x with mode 644",
            [file("x"), Entry { mode: 0o755, ..Entry::link(b'1', "y", "x") }],
        ),
    ] {
        match read(&entries) {
            Err(Error::Malformed { message, .. }) => assert!(message.starts_with(complaint), "{message}"),
            other => panic!("{complaint}: {other:?}"),
        }
    }
    let good =
        [file("a/b/c"), Entry::directory("a"), Entry::directory("a/b"), link("a/d", "/etc/passwd"), file("a/dd")];
    read(&good).unwrap();
}

#[test]
fn folders_that_are_not_members_of_the_archive_are_counted() {
    let limits = Limits { archive_members: 100, ..Limits::default() };
    let bytes = archive(&[Entry::file("a/".repeat(101) + "b", "")]);
    let refused = SignedTar::new(bytes.as_slice(), &limits).next_member();
    assert!(matches!(refused, Err(Error::OverLimit { limit: "archive_members", .. })), "{refused:?}");
}

/// Reads archives from standard input, each preceded by its length, unpacks each of them in four ways and prints one line for each way: the files,
/// links and empty folders among the audited paths, or the refusal.
const UNPACK: &str = r"
import hashlib, os, shutil, subprocess, sys, tempfile
from backports import tarfile
def listing(top):
    lines = []
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, top)
            if not (shown.startswith(b'git/') or shown in (b'data/build.json', b'data/build.log')):
                continue
            if os.path.islink(path):
                lines.append(shown.hex() + ':l:' + os.readlink(path).hex())
            elif os.path.isfile(path):
                kind = 'x' if os.stat(path).st_mode & 0o100 else 'f'
                lines.append(shown.hex() + ':' + kind + ':' + hashlib.sha256(open(path, 'rb').read()).hexdigest())
            elif not os.listdir(path):
                lines.append(shown.hex() + ':d:')
    return ' '.join(sorted(lines))
def gnu(file, top):
    subprocess.run(['tar', '--extract', '--file', file, '--directory', top], check=True, capture_output=True)
def python(filter):
    def unpack(file, top):
        with tarfile.open(file, encoding='utf-8', errors='surrogateescape') as archive:
            archive.extractall(top, filter=filter)
    return unpack
os.umask(0o022)
while head := sys.stdin.buffer.read(8):
    data = sys.stdin.buffer.read(int.from_bytes(head, 'big'))
    for unpack in (gnu, python('data'), python('tar'), python('fully_trusted')):
        top = tempfile.mkdtemp()
        try:
            file = os.path.join(top, 'archive.tar')
            open(file, 'wb').write(data)
            os.mkdir(os.path.join(top, 'to'))
            unpack(file, os.path.join(top, 'to'))
            print('=', listing(os.fsencode(os.path.join(top, 'to'))))
        except Exception as error:
            print('refused', repr(error))
        shutil.rmtree(top, ignore_errors=True)
";

/// The listing that [`UNPACK`] should print for the archive, according to this program. `None` if the archive is refused, or if a check finds a fault
/// in one of its repositories.
fn judged(bytes: &[u8]) -> Option<String> {
    let limits = Limits::default();
    let manifest = Manifest::from_tar(bytes, &limits, &crate::base::budget::Budget::of_unknown_input(&limits)).ok()?;
    let mut lines = Vec::new();
    let mut add = |path: &[u8], kind: &str, value: String| lines.push(format!("{}:{kind}:{value}", encode_hex(path)));
    let sha256 = |bytes: &[u8]| Sha256::of(bytes).hex();
    let mut tar = SignedTar::new(bytes, &limits);
    let mut git_folders = BTreeMap::new();
    while let Some(member) = tar.next_member().ok()? {
        match member.path.as_bytes() {
            path @ (b"data/build.json" | b"data/build.log") => {
                add(path, if member.mode & 0o100 == 0 { "f" } else { "x" }, sha256(&tar.reader().read_content().ok()?));
            }
            path if path.starts_with(b"git/") => drop(git_folders.insert(path.to_vec(), (member.kind, member.mode))),
            _ => {}
        }
    }
    let folder_is_empty = |path: &[u8]| !git_folders.keys().any(|other| other.starts_with(&[path, b"/"].concat()));
    for snapshot in &manifest.snapshots {
        if !snapshot.faults.is_empty() {
            return None;
        }
        let top = [b"git/", snapshot.repository.as_slice(), b"/"].concat();
        for (path, entry) in &snapshot.work_tree {
            let path = [&top, path.as_slice()].concat();
            match entry {
                WorkEntry::File(file) => {
                    let digest = file.sha256.hex();
                    add(&path, if file.executable { "x" } else { "f" }, digest);
                }
                WorkEntry::Symlink { target } => add(&path, "l", encode_hex(target)),
                WorkEntry::Directory => {}
            }
        }
        for (path, content) in &snapshot.git {
            let path = [top.as_slice(), b".git/", path].concat();
            // No check examines modes below .git.
            let mode = git_folders.get(&path).map_or(0, |(_, mode)| *mode);
            add(&path, if mode & 0o100 == 0 { "f" } else { "x" }, sha256(content));
        }
    }
    for (path, (kind, _)) in &git_folders {
        if *kind == MemberKind::Directory && folder_is_empty(path) {
            add(path, "d", String::new());
        }
    }
    lines.sort();
    Some(lines.join(" "))
}

/// A small pseudo-random generator, so that the archives are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

/// Members of a typical build, and some that programs could unpack differently.
fn hostile(random: &mut Random) -> Vec<Entry> {
    const TOPS: &[&str] =
        &["git/wallet", "git/wallet", "git/wallet", "git/wallet/.git", "git/wallet/src", "git", "data", "x", "."];
    const NAMES: &[&str] =
        &["a", "b", "a/b", "src", "src/a", "wallet", "wallet/a", "build.log", ".git/config", "é", "a\u{301}", "A"];
    const TARGETS: &[&str] =
        &["a", "./b", "src", "../wallet", "git/wallet/main.go", "git/wallet/a", "/etc/passwd", "../../data", "x//a/"];
    let mut entries = vec![
        Entry::directory("data"),
        Entry::file("data/build.json", "{\"status\": \"image pushed\"}"),
        Entry::file("data/build.log", "2026-03-01 10:00:00,000 root INFO x\n"),
        Entry::directory("git"),
        Entry::directory("git/wallet"),
        Entry::file("git/wallet/.git/HEAD", "ref: refs/heads/main\n"),
        Entry { mode: 0o755, ..Entry::file("git/wallet/main.go", "package main\n") },
    ];
    for _ in 0..=random.below(4) {
        let mut path = format!("{}/{}", random.one(TOPS), random.one(NAMES));
        match random.below(12) {
            0 => path = format!("./{path}"),
            1 => path = path.replacen('/', "//", 1),
            2 => path = path.replacen('/', "/./", 1),
            3 => path.push('/'),
            _ => {}
        }
        let target = random.one(TARGETS);
        let mut entry = match random.below(7) {
            0 => Entry::directory(path),
            1 | 2 => Entry::link(b'2', &path, target),
            3 => Entry { mode: [0o644, 0o755][random.below(2)], ..Entry::link(b'1', &path, target) },
            _ => Entry::file(path, format!("content {}", random.below(9))),
        };
        if random.below(8) == 0 {
            entry.pax.push(("path", random.one(NAMES).into()));
        }
        if random.below(8) == 0 {
            entry.mode = [0o4755, 0o600, 0o711, 0o000, 0o100][random.below(5)];
        }
        entries.push(entry);
    }
    for _ in 0..random.below(3) {
        let (one, other) = (random.below(entries.len()), random.below(entries.len()));
        entries.swap(one, other);
    }
    entries
}

#[test]
fn accepted_archives_are_unpacked_as_audited() {
    let python = format!("{}/target/backports-tarfile/bin/python", env!("CARGO_MANIFEST_DIR"));
    let mut random = Random(0x0005_eed0_fba9_5ca1);
    let archives: Vec<Vec<u8>> = (0..600).map(|_| archive(&hostile(&mut random))).collect();
    let accepted: Vec<(&Vec<u8>, String)> = archives.iter().filter_map(|bytes| Some((bytes, judged(bytes)?))).collect();
    assert!(accepted.len() > 100 && accepted.len() < 500, "{}", accepted.len());
    let mut unpack = Command::new(&python);
    unpack.args(["-c", UNPACK]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut unpack = unpack.spawn().unwrap_or_else(|error| panic!("{python}, which tests/run installs: {error}"));
    let mut input = unpack.stdin.take().unwrap();
    let written: Vec<u8> = accepted
        .iter()
        .flat_map(|(bytes, _)| [&(bytes.len() as u64).to_be_bytes(), bytes.as_slice()].concat())
        .collect();
    let writer = std::thread::spawn(move || input.write_all(&written).unwrap());
    let output = unpack.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).unwrap();
    let mut lines = output.lines();
    let mut equal = [0; 4];
    for (bytes, ours) in &accepted {
        for (way, name) in ["GNU tar", "data", "tar", "fully_trusted"].into_iter().enumerate() {
            let line = lines.next().unwrap();
            let Some(theirs) = line.strip_prefix("=") else { continue };
            assert_eq!(theirs.trim_start(), ours, "{name} unpacks {:?}", String::from_utf8_lossy(bytes));
            equal[way] += 1;
        }
    }
    assert!(lines.next().is_none());
    assert!(equal.iter().all(|count| *count > accepted.len() / 2), "{equal:?} of {}", accepted.len());
}
