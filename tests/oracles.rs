//! Compares the library with independent tools: `openssl` for every signature and key, Python's tarfile and `git` for every good bundle, and gpg
//! for OpenPGP signatures. The tests read the checked-in fixtures.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hpsb_audit::git::prove;
use hpsb_audit::{Bundle, KeyRing, KeySource, Limits, Manifest, PublicKey, Sha256, TrustedKey, VerifiedArchive};
use serde_json::Value;

mod case_file;
mod support;

use case_file::directories;
use support::keys::Named;

/// Keys that openssl accepts and this crate refuses, each with the reason. In all of these cases, openssl accepts the signature, so the key is
/// the only fault.
const KEYS_REFUSED_HERE: &[(&str, &str)] = &[
    ("key-rsa-1024_fail", "below 2048 bits"),
    ("key-exponent-3_fail", "an exponent below 65,537"),
    ("key-exponent-1_fail", "an exponent below 65,537"),
    ("key-text-before_fail", "openssl skips text around the PEM block"),
    ("key-text-after_fail", "openssl skips text around the PEM block"),
    ("key-two-blocks_fail", "openssl uses the first of several blocks"),
    ("key-der_fail", "openssl also reads DER"),
    ("key-der-tail_fail", "openssl ignores data after the DER"),
    ("key-compressed-point_fail", "a different encoding would have a different fingerprint"),
];

/// Every file in a fixture's directory whose name ends with this suffix, sorted.
fn files(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .collect();
    found.sort();
    found
}

/// Every fixture's directory, by name.
fn fixtures() -> Vec<(String, PathBuf)> {
    directories().into_iter().map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

/// A folder for this test.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("oracles-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The tool's output, if it succeeds.
fn ask(command: &mut Command) -> Option<Vec<u8>> {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs what tests need"));
    output.status.success().then_some(output.stdout)
}

fn read_bundle(path: &Path) -> Option<Bundle> {
    Bundle::from_reader(fs::File::open(path).unwrap(), &Limits::default()).ok()
}

fn read_key(path: &Path) -> Option<PublicKey> {
    PublicKey::from_pem("key", &fs::read(path).unwrap(), &Limits::default()).ok()
}

fn trusting(key: PublicKey) -> KeyRing {
    let mut ring = KeyRing::default();
    ring.add(TrustedKey {
        fingerprint: key.fingerprint(),
        key: Some(key),
        source: KeySource::CommandLine,
        name: None,
        not_before: None,
        not_after: None,
        revoked: None,
    });
    ring
}

/// Whether `openssl pkeyutl` verifies the signature over the archive's digest. IBM's workshop uses `openssl dgst -verify`, which gives the same
/// results, except that it reads at most one signature's length from a file and ignores trailing bytes.
fn openssl_accepts(bundle: &Bundle, key: &Path, folder: &Path) -> bool {
    let (message, signature) = (folder.join("message"), folder.join("signature"));
    fs::write(&message, bundle.archive_digest().as_bytes()).unwrap();
    fs::write(&signature, bundle.signature().as_bytes()).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["pkeyutl", "-verify", "-rawin", "-digest", "sha256", "-pubin", "-inkey"]).arg(key);
    openssl.arg("-sigfile").arg(&signature).arg("-in").arg(&message);
    ask(&mut openssl).is_some()
}

#[test]
fn openssl_agrees_on_every_signature() {
    let folder = scratch("signatures");
    let (mut accepted, mut refused, mut diverging) = (0, 0, Vec::new());
    for (name, directory) in fixtures() {
        for bundle_path in files(&directory, ".sig.tbz") {
            for key_path in files(&directory, ".pem") {
                let Some(bundle) = read_bundle(&bundle_path) else { continue };
                let theirs = openssl_accepts(&bundle, &key_path, &folder);
                let ours = read_key(&key_path).map(|key| bundle.verify(&trusting(key)).is_ok());
                match ours {
                    None if theirs => diverging.push(name.clone()),
                    None => {}
                    Some(ours) => {
                        assert_eq!(ours, theirs, "{name}: {}", key_path.display());
                        if ours { accepted += 1 } else { refused += 1 }
                    }
                }
            }
        }
    }
    assert!(accepted > 100 && refused > 50, "{accepted} accepted, {refused} refused");
    diverging.sort();
    let mut reasoned: Vec<&str> = KEYS_REFUSED_HERE.iter().map(|(name, _)| *name).collect();
    reasoned.sort_unstable();
    assert_eq!(diverging, reasoned);
}

#[test]
fn openssl_agrees_on_every_key() {
    let folder = scratch("keys");
    for named in [Named::Server, Named::Other, Named::Server4096, Named::ServerP256, Named::Weak1024, Named::WeakE3] {
        let private = folder.join("private.pem");
        fs::write(&private, named.private_pem()).unwrap();
        let printed = ask(Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&private)).unwrap();
        assert_eq!(String::from_utf8(printed).unwrap(), named.public_pem());
        let public = folder.join("public.pem");
        fs::write(&public, named.public_pem()).unwrap();
        let der = ask(Command::new("openssl").args(["pkey", "-pubin", "-outform", "DER", "-in"]).arg(&public)).unwrap();
        if let Some(key) = read_key(&public) {
            assert_eq!(key.spki_der(), der);
            assert_eq!(key.fingerprint(), Sha256::of(&der));
        }
    }
}

/// Prints the name, size and SHA-256 of every outer and inner member, the type and mode of each inner one, the signature, and whether both archives,
/// written again, have the same bytes.
const LIST_WITH_TARFILE: &str = r#"
import bz2, hashlib, io, json, sys, tarfile

def members(data):
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:bz2") as archive:
        for member in archive:
            # A hard link has the bytes of its target.
            content = archive.extractfile(member).read() if member.isreg() or member.islnk() else b""
            name = member.name.encode("utf-8", "surrogateescape").decode("latin-1")
            yield name, member.type.decode(), member.mode, content

def again(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:bz2") as archive:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as copy:
            for member in archive:
                member.pax_headers = {}
                copy.addfile(member, archive.extractfile(member) if member.isreg() else None)
    return out.getvalue() == bz2.decompress(data)

answer = {}
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    outer = list(members(data))
    inner = next(content for name, _, _, content in outer if name.endswith(".tbz"))
    answer[path] = {
        "outer": [[name, len(content), hashlib.sha256(content).hexdigest()] for name, _, _, content in outer],
        "signature": next(content.decode() for name, _, _, content in outer if name.endswith(".sig")),
        "inner": [[name, kind, mode, len(content), hashlib.sha256(content).hexdigest()] for name, kind, mode, content in members(inner)],
        "written_again": again(data) and again(inner),
    }
print(json.dumps(answer))
"#;

/// Every good bundle of the fixtures, with its verified archive.
fn good_bundles() -> Vec<(String, PathBuf, VerifiedArchive)> {
    let mut found = Vec::new();
    for (name, directory) in fixtures().into_iter().filter(|(name, _)| name.starts_with("good-")) {
        for bundle in files(&directory, ".sig.tbz") {
            let keys = files(&directory, ".pem").into_iter().filter_map(|path| read_key(&path));
            let archive = keys.map(|key| read_bundle(&bundle).unwrap().verify(&trusting(key))).find_map(Result::ok);
            found.push((name.clone(), bundle, archive.unwrap_or_else(|| panic!("{name} is not signed by its key"))));
        }
    }
    assert!(found.len() > 30, "{} good bundles", found.len());
    found
}

#[test]
fn pythons_tarfile_reads_the_same_bundles() {
    let bundles = good_bundles();
    let mut python = Command::new("python3");
    python.args(["-c", LIST_WITH_TARFILE]).args(bundles.iter().map(|(_, path, _)| path));
    let answer: Value = serde_json::from_slice(&ask(&mut python).expect("tarfile reads every good bundle")).unwrap();
    for (name, path, archive) in &bundles {
        let theirs = &answer[path.to_str().unwrap()];
        let bundle = read_bundle(path).unwrap();
        let outer: Vec<&Value> = theirs["outer"].as_array().unwrap().iter().collect();
        assert_eq!(outer.len(), 2, "{name}");
        let signed = outer.iter().find(|member| member[0].as_str().unwrap().ends_with(".tbz")).unwrap();
        assert_eq!(signed[0], format!("manifest.{}.tbz", bundle.build_name()), "{name}");
        assert_eq!(signed[1], bundle.archive_size(), "{name}");
        assert_eq!(signed[2], bundle.archive_digest().hex(), "{name}");
        let digits = support::encoding::hex(bundle.signature().as_bytes());
        assert_eq!(theirs["signature"].as_str().unwrap().trim_end().to_lowercase(), digits, "{name}");
        compare_inner(name, theirs["inner"].as_array().unwrap(), archive);
    }
}

/// Compares the content of `.git`, the names and sizes of files in the work tree, and the number of symbolic links.
fn compare_inner(name: &str, theirs: &[Value], archive: &VerifiedArchive) {
    let manifest = Manifest::read(archive, &Limits::default()).unwrap();
    let ours = &manifest.snapshots[0];
    let top = format!("git/{}/", String::from_utf8_lossy(&ours.repository));
    let mut git: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let (mut work_files, mut links, mut total) = (BTreeMap::new(), 0, 0);
    for member in theirs {
        let path = member[0].as_str().unwrap().trim_start_matches("./");
        let size = member[3].as_u64().unwrap();
        let kind = member[1].as_str().unwrap();
        // A hard link's bytes are in the archive only once.
        total += if kind == "1" { 0 } else { size };
        let Some(path) = path.strip_prefix(&top) else { continue };
        match (kind, path.strip_prefix(".git/")) {
            ("0" | "1", Some(path)) => drop(git.insert(path.into(), (size, member[4].as_str().unwrap().into()))),
            ("0", None) => drop(work_files.insert(path.to_owned(), size)),
            ("2", None) => links += 1,
            _ => {}
        }
    }
    assert_eq!(manifest.content_bytes, total, "{name}");
    let found = ours.git.iter().map(|(path, content)| {
        // One character for each byte, in the form that the script uses for names.
        let path: String = path.iter().copied().map(char::from).collect();
        (path, (content.len() as u64, Sha256::of(content).hex()))
    });
    assert_eq!(found.collect::<BTreeMap<_, _>>(), git, "{name}");
    assert!(git.len() > 10 && !work_files.is_empty(), "{name}: {work_files:?}");
    let is_link = |entry: &&hpsb_audit::git::WorkEntry| matches!(entry, hpsb_audit::git::WorkEntry::Symlink { .. });
    assert_eq!(ours.work_tree.values().filter(is_link).count(), links, "{name}");
    for (path, size) in &work_files {
        let entry = format!("{:?}", ours.work_tree[path.as_bytes()]);
        assert!(entry.contains(&format!("size: {size}")), "{name}: {path} is {entry}");
    }
}

#[test]
fn pythons_tarfile_writes_the_good_bundle_byte_for_byte() {
    let path = files(&Path::new(support::FIXTURES).join("good-rsa-2048"), ".sig.tbz").remove(0);
    let mut python = Command::new("python3");
    python.args(["-c", LIST_WITH_TARFILE]).arg(&path);
    let answer: Value = serde_json::from_slice(&ask(&mut python).unwrap()).unwrap();
    assert_eq!(answer[path.to_str().unwrap()]["written_again"], true);
}

/// Unpacks a bundle's signed archive.
const UNPACK: &str = r#"
import io, sys, tarfile
with tarfile.open(sys.argv[1], "r:bz2") as outer:
    inner = next(outer.extractfile(member).read() for member in outer if member.name.endswith(".tbz"))
with tarfile.open(fileobj=io.BytesIO(inner), mode="r:bz2") as archive:
    # Older versions of tarfile have no filters; the archive is our own.
    archive.extractall(sys.argv[2], **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
"#;

/// Settings with which git runs no program and reads only the repository.
const HARMLESS: [&str; 4] = ["core.repositoryformatversion", "core.filemode", "core.bare", "core.logallrefupdates"];

/// Removes all settings except harmless ones, remotes and branches from the config, and removes the hooks, because a hostile snapshot must not make
/// git run a program here. Returns the names of the removed settings.
fn disarm(repository: &Path) -> Vec<String> {
    let config = repository.join(".git/config");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        // With --file, git follows no include and reads no other repository's config.
        git.current_dir("/").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        ask(git.args(["config", "--file"]).arg(&config).args(arguments)).expect("git reads the config")
    };
    let names = String::from_utf8(git(&["--name-only", "--list"])).unwrap();
    let harmless = |name: &&str| HARMLESS.contains(name) || name.starts_with("remote.") || name.starts_with("branch.");
    let taken: Vec<String> = names.lines().filter(|name| !harmless(name)).map(str::to_owned).collect();
    for name in &taken {
        git(&["--unset-all", name]);
    }
    let _ = fs::remove_dir_all(repository.join(".git/hooks"));
    taken
}

/// For these fixtures, `git fsck` reports an error that does not matter here:
/// src/git/differential/disagreements.rs gives the reasons.
const FSCK_SAYS_MORE: [&str; 2] = ["good-modules-update-command", "good-odd-refs"];

#[test]
fn git_agrees_on_the_commit_of_every_good_bundle() {
    let mut disarmed = Vec::new();
    for (name, path, archive) in good_bundles() {
        let folder = scratch("git");
        ask(Command::new("python3").args(["-c", UNPACK]).arg(&path).arg(&folder)).expect(&name);
        let manifest = Manifest::read(&archive, &Limits::default()).unwrap();
        let ours = manifest.snapshots[0].head().unwrap();
        let repository = folder.join("git").join(String::from_utf8(manifest.snapshots[0].repository.clone()).unwrap());
        // An archive without folders lacks the empty folders that git needs to recognise a repository.
        fs::create_dir_all(repository.join(".git/refs")).unwrap();
        for module in fs::read_dir(repository.join(".git/modules")).into_iter().flatten() {
            fs::create_dir_all(module.unwrap().path().join("refs")).unwrap();
        }
        let taken = disarm(&repository);
        if !taken.is_empty() {
            disarmed.push((name.clone(), taken.join(" ")));
        }
        let command = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
            git.arg("-C").arg(&repository).args(arguments);
            git
        };
        // Without an index, git does not see a pack, so git first creates the index.
        for pack in files(&repository.join(".git/objects/pack"), ".pack") {
            if !pack.with_extension("idx").exists() {
                ask(&mut command(&["index-pack", pack.to_str().unwrap()])).expect(&name);
            }
        }
        let git = |arguments: &[&str]| {
            ask(&mut command(arguments)).map(|text| String::from_utf8(text).unwrap().trim_end().to_owned())
        };
        assert_eq!(git(&["rev-parse", "HEAD"]), Some(ours.commit.to_string()), "{name}");
        assert_eq!(git(&["symbolic-ref", "-q", "HEAD"]), ours.reference, "{name}");
        let proof = prove(&manifest.snapshots[0], 1, &Limits::default());
        let fsck = command(&["fsck", "--full", "--strict", "--no-dangling"]).output().unwrap();
        let complaints = String::from_utf8(fsck.stderr).unwrap();
        // error in tree 1234…: hasDotdot: contains '..'
        let theirs: Vec<&str> = complaints.lines().filter_map(|line| line.split([' ', ':']).nth(3)).collect();
        let ours: Vec<String> = proof.objects.malformed.iter().map(|(id, _)| id.to_string()).collect();
        if FSCK_SAYS_MORE.contains(&name.as_str()) {
            continue;
        }
        assert_eq!((theirs, fsck.stdout.as_slice()), (ours.iter().map(String::as_str).collect(), &b""[..]), "{name}");
        // Warnings do not matter here, and do not change git's exit code.
        assert!(fsck.status.success() || !ours.is_empty(), "{name}: {complaints}");
        // The index may belong to a different commit, and builds do not use it.
        git(&["read-tree", "HEAD"]).expect(&name);
        // Submodules have no index here, so git compares their commits.
        let asked =
            ["status", "--porcelain", "-z", "--untracked-files=all", "--ignored=matching", "--ignore-submodules=dirty"];
        let status = git(&asked).expect(&name);
        // The filter of git-lfs is not installed, so git compares the pointer with the file.
        let is_lfs = |line: &&str| name == "good-lfs" && *line == " M a.bin";
        let theirs: Vec<&str> = status.split_terminator('\0').filter(|line| !is_lfs(line)).collect();
        let ours = proof.tree.differences.iter();
        let ours: Vec<String> = ours.map(|one| format!("?? {}", String::from_utf8_lossy(&one.path))).collect();
        assert_eq!(theirs, ours, "{name}: the work tree is the commit");
    }
    let hostile = "core.fsmonitor core.hookspath filter.x.smudge include.path";
    // With the extension, git might request missing objects from the promisor.
    let expected =
        [("good-hooks-and-filters", hostile), ("good-partial-clone-by-extension", "extensions.partialclone")];
    assert_eq!(disarmed, expected.map(|(name, taken)| (name.to_owned(), taken.to_owned())));
}

/// gpg has only the policy's certificate, and its clock is set to the fixture's time.
const GPG: &str = "#!/bin/sh\nexec gpg --homedir HOME --batch --quiet --faked-system-time 20260302T120000 \"$@\"\n";

#[cfg(unix)]
#[test]
fn git_and_gpg_agree_on_every_openpgp_signature() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut count = 0;
    for (name, directory) in fixtures().into_iter().filter(|(name, _)| name.contains("signed-openpgp")) {
        // gpg's sockets need short names. Each run has a separate home, because an agent that is
        // still exiting may still use its socket.
        let home = std::env::temp_dir().join(format!("hpsb-audit-oracle-{}-{count}", std::process::id()));
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        let program = home.join("program");
        fs::write(&program, GPG.replace("HOME", home.to_str().unwrap())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let import = Command::new(&program).arg("--import").arg(directory.join("ada.asc")).output().unwrap();
        assert!(import.status.success(), "{name}: {}", String::from_utf8_lossy(&import.stderr));
        let (folder, bundle) = (scratch("openpgp"), files(&directory, ".sig.tbz").remove(0));
        ask(Command::new("python3").args(["-c", UNPACK]).arg(bundle).arg(&folder)).expect(&name);
        let repository = folder.join("git/wallet");
        assert_eq!(disarm(&repository), Vec::<String>::new());
        let question = if name.contains("-tag") { ["verify-tag", "v2.0"] } else { ["verify-commit", "HEAD"] };
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").arg("-C").arg(&repository);
        git.arg("-c").arg(format!("gpg.program={}", program.display())).args(question);
        assert_eq!(ask(&mut git).is_some(), name.starts_with("good-"), "{name}");
        let _ = fs::remove_dir_all(&home);
        count += 1;
    }
    assert_eq!(count, 7);
}
