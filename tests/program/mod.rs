//! Runs the real program, and creates a separate folder for each test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// The bundle of the fixtures' build.
pub const BUNDLE: &str = "manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz";
/// The time of the fixtures' audits.
pub const NOW: &str = "2026-03-10T00:00:00Z";

/// A fixture's directory.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The program's answer.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The program with an empty environment, run in `folder`.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpsb-audit"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

pub fn answer(command: &mut Command) -> Answer {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Answer {
        code: output.status.code().expect("no signal ended the program"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

pub fn run(folder: &Path, arguments: &[&str]) -> Answer {
    answer(command(folder).args(arguments))
}

/// Audits with `--format json` as of the fixtures' time.
pub fn report(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let answer = answer(command(folder).arg("audit").args(arguments).args(["--now", NOW, "--format", "json"]));
    let report = serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{e}: {:?} {}", answer.out, answer.err));
    (answer.code, report)
}

/// Whether this build of the program has the cargo feature.
pub fn has_feature(name: &str) -> bool {
    let version = run(Path::new("."), &["--version"]).out;
    version
        .lines()
        .any(|line| line.strip_prefix("features: ").is_some_and(|list| list.split(", ").any(|one| one == name)))
}

/// A new, empty folder, removed when the test succeeds.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A folder with copies of a fixture's files.
    pub fn with_fixture(name: &str) -> Self {
        let folder = Self::new();
        for entry in fs::read_dir(fixture(name)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.0.join(entry.file_name())).unwrap();
        }
        folder
    }

    /// Adds the fixture `image-index`, unpacked for `--evidence evidence`: a key, a bundle, and the image next to it.
    pub fn add_image_index(&self) {
        let from = fixture("image-index");
        self.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
        self.write("key.pem", fs::read(from.join("key.pem")).unwrap());
        fs::create_dir(self.0.join("evidence/image")).unwrap();
        let mut tar = Command::new("tar");
        tar.arg("xf").arg(from.join("image.tar")).arg("-C").arg(self.0.join("evidence/image"));
        assert!(tar.status().unwrap().success());
    }

    /// Writes a policy for it that requires these groups, and returns the digests of the logged index and of the examined image.
    pub fn image_index_policy(&self, groups: &str) -> [String; 2] {
        let keys = "[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n[expect]\nplatforms = [\"linux/s390x\"]\n";
        self.write("policy.toml", format!("version = 1\nrequire = [{groups}]\n{keys}"));
        let line = ["audit", "evidence", "--policy", "policy.toml", "--now", NOW, "--format", "json"];
        let report: serde_json::Value = serde_json::from_str(&run(&self.0, &line).out).unwrap();
        ["build.log", "layout"].map(|witness| {
            let facts = report["reports"][0]["evidence"].as_array().unwrap();
            let fact = facts.iter().find(|fact| fact["fact"] == "image-digest" && fact["witness"] == witness).unwrap();
            fact["data"]["digest"].as_str().unwrap().to_owned()
        })
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Every entry below the folder, with its content or link target.
    pub fn listing(&self) -> BTreeMap<String, Vec<u8>> {
        listing(&self.0)
    }
}

/// Every entry below a folder, with its content or link target.
pub fn listing(top: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut listing, mut folders) = (BTreeMap::new(), vec![top.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let content = if kind.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if kind.is_dir() {
                folders.push(path.clone());
                b"folder".to_vec()
            } else {
                fs::read(&path).unwrap()
            };
            listing.insert(path.strip_prefix(top).unwrap().to_string_lossy().into_owned(), content);
        }
    }
    listing
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
