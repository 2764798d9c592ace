//! Reads logins for registries from docker's and podman's files. The credential helpers specified in these files are
//! run only if the user permits it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::client::helper;
use crate::client::secret::{Login, Secret};
use crate::client::settings::read_bounded;

/// Whether credential helpers may be run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Helpers {
    /// Helpers are ignored.
    #[default]
    Never,
    /// The helpers specified in the login files are run.
    Run,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    /// Helpers for individual registries.
    #[serde(rename = "credHelpers", default)]
    helpers: BTreeMap<String, String>,
    /// The helper for all other registries.
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<Zeroizing<String>>,
}

/// The files that are searched for logins, in this order: `$REGISTRY_AUTH_FILE`, docker's `config.json` and podman's `auth.json`.
pub fn usual_login_files() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(variable("HOME")?.join(".docker")));
    [
        variable("REGISTRY_AUTH_FILE"),
        docker.map(|folder| folder.join("config.json")),
        variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The login for a repository, from the first of `files` that contains one or whose credential helper has one. Files
/// that do not exist are ignored.
///
/// # Errors
/// [`Error::Settings`] for a file that is not in docker's format or a helper that fails; from the file and the helper's output, the message contains
/// only the helper's name.
pub(crate) fn find_login(
    files: &[PathBuf],
    helpers: Helpers,
    registry: &str,
    repository: &str,
    limits: &Limits,
) -> Result<Option<Login>, Error> {
    for path in files.iter().filter(|path| path.is_file()) {
        let text = read_bounded(path, limits.settings_bytes())?;
        let fail = |message: &str| Error::Settings { path: slashed(path), message: message.into() };
        let file: File =
            serde_json::from_slice(&text).map_err(|_| fail("expected the JSON that docker login writes"))?;
        if helpers == Helpers::Run
            && let Some(name) = helper_of(&file, registry)
            && let Some(login) = helper::ask(name, server_name(registry), limits).map_err(|message| fail(&message))?
        {
            return Ok(Some(login));
        }
        let Some(auth) = best(&file, registry, repository) else { continue };
        let decoded = Zeroizing::new(Base64::decode_vec(auth.trim()).map_err(|_| fail("a login is not base64"))?);
        let text = std::str::from_utf8(&decoded).map_err(|_| fail("a login is not UTF-8"))?;
        let (user, password) = text.split_once(':').ok_or_else(|| fail("a login has no password"))?;
        return Ok(Some(Login { user: Secret::new(user.into()), password: Secret::new(password.into()) }));
    }
    Ok(None)
}

/// The most specific entry: podman's entries may be for a namespace or repository, and docker's may be addresses.
fn best<'f>(file: &'f File, registry: &str, repository: &str) -> Option<&'f str> {
    let mut scope = format!("{registry}/{repository}");
    loop {
        let found = file.auths.iter().find(|(name, entry)| entry.auth.is_some() && same_scope(name, &scope));
        if let Some((_, entry)) = found {
            return entry.auth.as_ref().map(|auth| auth.as_str());
        }
        scope = scope.rsplit_once('/')?.0.to_owned();
    }
}

/// The helper for this registry or, if there is none, the helper for all registries.
fn helper_of<'f>(file: &'f File, registry: &str) -> Option<&'f str> {
    let own = file.helpers.iter().find(|(name, _)| same_scope(name, registry)).map(|(_, helper)| helper);
    own.or(file.store.as_ref()).map(String::as_str)
}

/// The name that docker passes to a helper for a registry.
fn server_name(registry: &str) -> &str {
    if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry }
}

fn same_scope(name: &str, scope: &str) -> bool {
    let bare = name.trim_start_matches("https://").trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare);
    let bare = if bare == "index.docker.io" { "docker.io" } else { bare };
    bare == scope
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_login_is_used() {
        let path = std::env::temp_dir().join(format!("hpsb-audit-logins-{}.json", std::process::id()));
        let auth = |text: &str| Base64::encode_string(text.as_bytes());
        let text = serde_json::json!({"auths": {
            "https://index.docker.io/v1/": {"auth": auth("hub:a:b")},
            "us.icr.io": {"auth": auth("icr:x")},
            "us.icr.io/acme": {"auth": auth("acme:x")},
            "helper.example.com": {},
        }, "credsStore": "evil"});
        std::fs::write(&path, text.to_string()).unwrap();
        let find = |registry: &str, repository: &str| {
            let files = [PathBuf::from("no-such-file"), path.clone()];
            find_login(&files, Helpers::Never, registry, repository, &Limits::default())
                .unwrap()
                .map(|login| format!("{} {}", login.user.expose(), login.password.expose()))
        };
        assert_eq!(find("docker.io", "a/b").as_deref(), Some("hub a:b"));
        assert_eq!(find("us.icr.io", "other/b").as_deref(), Some("icr x"));
        assert_eq!(find("us.icr.io", "acme/b").as_deref(), Some("acme x"));
        assert_eq!(find("helper.example.com", "b"), None);
        assert_eq!(find("example.com", "b"), None);
        std::fs::write(&path, r#"{"auths": {"docker.io": {"auth": "hunter2!"}}}"#).unwrap();
        let error =
            find_login(std::slice::from_ref(&path), Helpers::Never, "docker.io", "a", &Limits::default()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        std::fs::remove_file(&path).unwrap();
    }
}
