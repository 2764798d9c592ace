//! A registry on loopback, and skopeo to fill it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Debian's docker-registry on loopback, which is stopped at the end of the test.
pub struct Registry {
    child: Child,
    pub address: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Registry {
    /// Starts a registry in `folder`, with the additional settings `more`, and waits until it reports its address.
    pub fn start(folder: &Path, more: &str) -> Self {
        Self::start_with(folder, "", more)
    }

    /// Like the function above, with `http` in the server settings.
    pub fn start_with(folder: &Path, http: &str, more: &str) -> Self {
        let text = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:0{http}}}\n{more}",
            folder.join("registry").display()
        );
        fs::write(folder.join("registry.yml"), text).unwrap();
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.join("registry.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry; tests/run installs it");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let (_, rest) = line.unwrap().split_once("listening on ").map(|(a, b)| (a.to_owned(), b.to_owned()))?;
            Some(rest.split(['"', ' ', ',']).next().unwrap().to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("the registry reports its address") }
    }
}

pub fn must(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs what is missing"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn skopeo(folder: &Path, arguments: &[&str]) {
    let flags = [
        "--insecure-policy",
        "copy",
        "--quiet",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ];
    must(Command::new("skopeo").current_dir(folder).args(flags).args(arguments));
}
