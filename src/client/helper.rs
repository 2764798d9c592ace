//! Credential helpers: programs that store logins for docker and podman. Credential helpers are run only if the user permits it.
//!
//! Source: docker/docker-credential-helpers, README ("Development"): `docker-credential-NAME get` reads an address and
//! prints `{"ServerURL": …, "Username": …, "Secret": …}`.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::base::limits::Limits;
use crate::base::system::reason;
use crate::client::secret::{Login, Secret};

/// The output of a helper that has no login and therefore exits with code 1.
const NOT_FOUND: &[u8] = b"credentials not found in native keychain";

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    user: Zeroizing<String>,
    #[serde(rename = "Secret")]
    secret: Zeroizing<String>,
}

/// Requests the login for `server` from the helper `name`; `None` if the helper has none. There is no time limit,
/// because the helper may prompt the user.
///
/// # Errors
/// A message that contains nothing from the helper's output.
pub(crate) fn ask(name: &str, server: &str, limits: &Limits) -> Result<Option<Login>, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err("it specifies an invalid credential helper".into());
    }
    let program = format!("docker-credential-{name}");
    let fail = |what: &str| format!("the credential helper {program} {what}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| fail(&format!("cannot be run: {}", reason(&error))))?;
    if let Some(mut input) = child.stdin.take() {
        // A write error is ignored here: a helper may exit without reading its input, and its exit code and output are checked below.
        let _ = input.write_all(server.as_bytes());
    }
    let mut answer = Zeroizing::new(Vec::new());
    let read = child.stdout.take().map(|output| output.take(limits.settings_bytes).read_to_end(&mut answer));
    let ended = child.wait().map_err(|error| fail(&format!("did not finish: {}", reason(&error))))?;
    match read {
        _ if answer.trim_ascii() == NOT_FOUND => return Ok(None),
        Some(Ok(_)) if ended.success() => {}
        _ => return Err(fail("failed")),
    }
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| fail("did not return a login"))?;
    if answer.user.as_str() == "<token>" {
        return Err(fail("stores an identity token for this server, which is not supported: log in with a password"));
    }
    Ok(Some(Login { user: Secret::new(answer.user.to_string()), password: Secret::new(answer.secret.to_string()) }))
}
