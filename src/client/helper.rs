//! Credential helpers: programs that keep logins for docker and podman. They are run only on request.
//!
//! Source: docker/docker-credential-helpers, README ("Development"): `docker-credential-NAME get` reads an address and
//! answers with `{"ServerURL": …, "Username": …, "Secret": …}`.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::base::limits::Limits;
use crate::client::secret::{Login, Secret};

/// What helpers print, with exit code 1, if they have no login.
const NOT_FOUND: &[u8] = b"credentials not found in native keychain";

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    user: Zeroizing<String>,
    #[serde(rename = "Secret")]
    secret: Zeroizing<String>,
}

/// Requests the login of `server` from the helper `name`; `None` if it has none. There is no time limit: the helper may
/// prompt its user.
///
/// # Errors
/// A message that shows nothing of the helper's answer.
pub(crate) fn ask(name: &str, server: &str, limits: &Limits) -> Result<Option<Login>, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err("it names an invalid credential helper".into());
    }
    let program = format!("docker-credential-{name}");
    let fail = |what: &str| format!("the credential helper {program} {what}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| fail(&format!("cannot be run: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input reports that by its exit code.
        let _ = input.write_all(server.as_bytes());
    }
    let mut answer = Zeroizing::new(Vec::new());
    let read = child.stdout.take().map(|output| output.take(limits.settings_bytes).read_to_end(&mut answer));
    let ended = child.wait().map_err(|error| fail(&format!("did not end: {error}")))?;
    match read {
        _ if answer.trim_ascii() == NOT_FOUND => return Ok(None),
        Some(Ok(_)) if ended.success() => {}
        _ => return Err(fail("failed")),
    }
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| fail("did not answer with a login"))?;
    if answer.user.as_str() == "<token>" {
        return Err(fail("keeps an identity token for this server, which is not supported: log in with a password"));
    }
    Ok(Some(Login { user: Secret::new(answer.user.to_string()), password: Secret::new(answer.secret.to_string()) }))
}
