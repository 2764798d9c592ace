//! Real repositories for tests, made by git in temporary folders. Only tests run git.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Snapshot, SnapshotBuilder, WorkEntry, WorkFileHasher};
use crate::base::limits::Limits;

/// A folder with a work tree and `.git`, deleted when dropped.
pub(crate) struct TestRepository {
    pub(crate) path: PathBuf,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A git command that ignores any configuration outside the test.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", std::env::temp_dir())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.org")
        .env("GIT_AUTHOR_DATE", "1592901588 +0200")
        .env("GIT_COMMITTER_NAME", "Grace")
        .env("GIT_COMMITTER_EMAIL", "grace@example.org")
        .env("GIT_COMMITTER_DATE", "1592901600 +0000")
        .env("GIT_ALLOW_PROTOCOL", "file")
        .env("LC_ALL", "C");
    command
}

/// The output of git for `input`, outside any repository.
pub(crate) fn git_with_input(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut git = command("git");
    git.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut git = git.spawn().expect("git runs");
    git.stdin.take().unwrap().write_all(input).unwrap();
    let output = git.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}

impl TestRepository {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let name = format!("hpsb-audit-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    /// An empty repository on the branch `main`.
    pub(crate) fn new() -> Self {
        let repository = Self::empty();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// Runs git in the folder; it must succeed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn try_git(&self, arguments: &[&str]) -> Output {
        command("git").args(arguments).current_dir(&self.path).output().expect("git runs")
    }

    /// Runs git with `input`; returns its single line of output.
    pub(crate) fn git_input(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut git = command("git");
        git.args(arguments).current_dir(&self.path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = git.spawn().expect("git runs");
        git.stdin.take().unwrap().write_all(input).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs git with `input`, and accepts any exit code.
    pub(crate) fn try_git_input(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut git = command("git");
        git.args(arguments).current_dir(&self.path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = git.spawn().expect("git runs");
        git.stdin.take().unwrap().write_all(input).unwrap();
        String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap()
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.path.join(path)).unwrap();
        self
    }

    /// Stages all changes and commits them.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).trim_end().to_owned()
    }

    /// A clone as a build server makes it: one pack, a work tree, and the origin's branch.
    pub(crate) fn clone_with(&self, arguments: &[&str]) -> Self {
        let clone = Self::empty();
        let url = format!("file://{}", self.path.display());
        let arguments = [&["clone", "--quiet"], arguments, &[url.as_str(), "."]].concat();
        clone.git(&arguments);
        clone
    }

    /// The folder as it would be in the signed archive.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut builder = SnapshotBuilder::new(
            b"repository",
            &Limits::default(),
            &crate::base::budget::Budget::of_unknown_input(&Limits::default()),
        );
        add_folder(&mut builder, &self.path, "");
        builder.finish()
    }
}

impl Drop for TestRepository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Adds everything below `folder` to a snapshot.
pub(crate) fn add_folder(builder: &mut SnapshotBuilder, folder: &Path, prefix: &str) {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let name = name.to_str().expect("test names are UTF-8");
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap().as_os_str().as_bytes().to_vec();
            builder.add_work_entry(path.as_bytes(), WorkEntry::Symlink { target });
        } else if kind.is_dir() {
            if path != ".git" && !path.starts_with(".git/") {
                builder.add_work_entry(path.as_bytes(), WorkEntry::Directory);
            }
            add_folder(builder, &entry.path(), &path);
        } else {
            let content = fs::read(entry.path()).unwrap();
            if let Some(path) = path.strip_prefix(".git/") {
                builder.add_git_file(path.as_bytes(), content).unwrap();
            } else {
                let mode = entry.metadata().unwrap().permissions().mode();
                let mut file = WorkFileHasher::new(path.as_bytes(), mode, content.len() as u64);
                file.update(&content);
                builder.add_work_entry(path.as_bytes(), WorkEntry::File(file.finish()));
            }
        }
    }
}
