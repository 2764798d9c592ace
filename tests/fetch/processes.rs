//! External servers, started on loopback for one test.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::world::Scratch;

/// A server process, which is stopped when the value is dropped.
pub struct Process {
    child: Child,
    pub port: u16,
    _folder: Scratch,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits for the line that reports that the server is listening; later output is read and discarded.
fn start(mut command: Command, says: &'static str, folder: Scratch, port: Option<u16>) -> Process {
    let name = format!("{:?}", command.get_program());
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{name} is needed: {error}"));
    let (sender, receiver) = mpsc::channel::<String>();
    let out: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    for stream in out {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if line.contains(says) {
                    let _ = sender.send(line);
                }
            }
        });
    }
    let line = receiver.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{name} is not listening"));
    let said = || line.split("127.0.0.1:").nth(1).unwrap().split(|c: char| !c.is_ascii_digit()).next().unwrap().parse();
    let port = port.unwrap_or_else(|| said().unwrap());
    Process { child, port, _folder: folder }
}

/// Debian's docker-registry, empty. With `Login`, the registry requires the user `ada` and the password `hunter2`.
pub fn registry(login: Login) -> Process {
    let folder = Scratch::new();
    let root = folder.path("data");
    let auth = match login {
        Login::None => String::new(),
        Login::Basic => {
            // perl -e 'print crypt("hunter2", q($2y$05$abcdefghijklmnopqrstuu))'
            let text = "ada:$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n";
            fs::write(folder.path("htpasswd"), text).unwrap();
            format!("auth: {{htpasswd: {{realm: r, path: {}}}}}\n", folder.path("htpasswd").display())
        }
    };
    let text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n{auth}",
        root.display()
    );
    let config = folder.path("config.yml");
    fs::write(&config, text).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(config);
    start(command, "listening on 127.0.0.1:", folder, None)
}

/// A registry that supports referrers: `tests/writers` builds it and sets HPSB_REGISTRY to its path.
pub fn another_registry() -> Process {
    let program = std::env::var_os("HPSB_REGISTRY").expect("tests/writers sets it");
    start(Command::new(program), "listening on 127.0.0.1:", Scratch::new(), None)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Login {
    None,
    Basic,
}

/// Debian's notary-server, which signs in its own process and keeps all data in memory.
pub fn notary_server() -> Process {
    let folder = Scratch::new();
    let port = free_port();
    let text = format!(
        r#"{{"server":{{"http_addr":"127.0.0.1:{port}"}},"trust_service":{{"type":"local","hostname":"","port":"","key_algorithm":"ecdsa"}},
            "storage":{{"backend":"memory"}},"logging":{{"level":"info"}}}}"#
    );
    let config = folder.path("server.json");
    fs::write(&config, text).unwrap();
    let mut command = Command::new("notary-server");
    command.arg("-config").arg(config);
    let process = start(command, "Starting on", folder, Some(port));
    // The server prints this line shortly before it listens.
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        thread::yield_now();
    }
    process
}

/// moto's S3, from PyPI. The first `open_questions` requests need no login; after them, it checks signatures as S3 does.
pub fn object_store(open_questions: Option<usize>) -> Process {
    let mut command = Command::new("moto_server");
    command.args(["-H", "127.0.0.1", "-p", "0"]).env("PYTHONUNBUFFERED", "1");
    if let Some(count) = open_questions {
        command.env("INITIAL_NO_AUTH_ACTION_COUNT", count.to_string());
    }
    start(command, "Running on", Scratch::new(), None)
}

/// Runs an external client and returns its output.
pub fn client(name: &str, arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> Vec<u8> {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    for (variable, value) in environment {
        command.env(variable, value);
    }
    let output = command.output().unwrap_or_else(|error| panic!("{name} is needed: {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
