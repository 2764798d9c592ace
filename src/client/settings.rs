//! The settings of IBM's client for the build server: address, certificates, image.
//!
//! Two formats are read and never written: `sbs-config.json` of IBM's secure-build-cli (key names are case-insensitive) and the YAML of the
//! on-premises client (`secure_build_workers.sbs`). Both formats also contain secrets, which [`Settings`] does not keep.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use zeroize::Zeroizing;

use crate::base::error::Error;
use crate::base::limits::{Bound, Limits};
use crate::base::system::slashed;
use crate::client::secret::{Login, Secret};

/// Settings without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The settings file.
    pub path: PathBuf,
    /// The build server's host name, which must match its certificate.
    pub host: String,
    /// The build server's port.
    pub port: u16,
    /// Possible paths of the CA file; the first one that exists is used.
    pub ca: Vec<PathBuf>,
    /// Possible paths of the client certificate. The file also contains the certificate's key, unless `key` lists separate paths.
    pub certificate: Vec<PathBuf>,
    /// Possible paths of the client's key, if the key is in a separate file.
    pub key: Vec<PathBuf>,
    /// The registry to which images are pushed, for example `docker.io`. On premises, this may be a name that only the
    /// build server can resolve.
    pub push_server: Option<String>,
    /// The repository in that registry, for example `acme/wallet`.
    pub repository: Option<String>,
    /// The Notary server for that repository.
    pub trust_server: Option<String>,
    /// The bucket to which manifests are uploaded.
    pub bucket: Option<String>,
    /// The address of that bucket's object store.
    pub bucket_endpoint: Option<String>,
}

impl Settings {
    /// Reads a settings file. Relative paths are tried in `working_folder`, then in the folder of the settings file.
    ///
    /// This does not check whether the files exist or match each other.
    ///
    /// # Errors
    /// [`Error::Settings`], which never contains a setting's value; errors from reading.
    pub fn read(path: &Path, working_folder: &Path, limits: &Limits) -> Result<Self, Error> {
        let text = read_settings_file(path, limits)?;
        let folders = [working_folder.to_path_buf(), path.parent().unwrap_or(Path::new("")).to_path_buf()];
        let is_json = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let read = if is_json { from_json(&text, &folders) } else { super::on_premises::from_yaml(&text, &folders) };
        let settings = read.map_err(|message| fail(path, message))?;
        Ok(Self { path: path.to_path_buf(), ..settings })
    }
}

impl Settings {
    /// The registry to which images are pushed; `None` if the settings use a name that only the build server can
    /// resolve (`hpvs registry add`). Except for `localhost`, a name without a dot or a port is not an address.
    pub(crate) fn registry(&self) -> Option<&str> {
        let named = self.push_server.as_deref().unwrap_or("docker.io");
        (named == "localhost" || named.contains(['.', ':'])).then_some(named)
    }
}

/// The registry login in the settings: the read-only login (`DOCKER_RO_USER`), otherwise the login for pushing
/// (`DOCKER_USER`). Only `sbs-config.json` contains logins; `None` if neither is complete.
///
/// # Errors
/// [`Error::Settings`], which never contains a value.
pub fn registry_login(path: &Path, limits: &Limits) -> Result<Option<Login>, Error> {
    let text = read_settings_file(path, limits)?;
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Ok(None);
    }
    let names = ["docker_ro_user", "docker_ro_password", "docker_user", "docker_password"];
    let [ro_user, ro_password, user, password] = pick(&text, names).map_err(|message| fail(path, message))?;
    let login = |user: Option<Zeroizing<String>>, password: Option<Zeroizing<String>>| {
        let secret = |text: Zeroizing<String>| Secret::new(text.to_string());
        Some(Login { user: secret(user?), password: secret(password?) })
    };
    Ok(login(ro_user, ro_password).or_else(|| login(user, password)))
}

fn fail(path: &Path, message: String) -> Error {
    Error::Settings { path: slashed(path), message }
}

/// Reads the settings file. The file's bytes contain secrets and are wiped on drop.
fn read_settings_file(path: &Path, limits: &Limits) -> Result<Zeroizing<Vec<u8>>, Error> {
    read_bounded(path, limits.settings_bytes())
}

/// Reads a small file completely; its bytes are wiped on drop.
pub(crate) fn read_bounded(path: &Path, bound: Bound) -> Result<Zeroizing<Vec<u8>>, Error> {
    let what = slashed(path);
    let file = File::open(path).map_err(|error| Error::from_read(&what, error))?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(bound.allowed.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::from_read(&what, error))?;
    bound.check(bytes.len() as u64, what).map(|()| bytes)
}

pub(crate) fn from_json(text: &[u8], folders: &[PathBuf]) -> Result<Settings, String> {
    const NAMES: [&str; 15] = [
        "hostname",
        "cicd_port",
        "container_name",
        "uuid",
        "client_crt_key",
        "capath",
        "certpath",
        "docker_push_server",
        "docker_repo",
        "docker_content_trust_push_server",
        "manifest_bucket_name",
        "manifest_cos_endpoint",
        "cos_endpoint",
        "ssc_host",
        "cicd_public_ip",
    ];
    let [
        host,
        port,
        container,
        uuid,
        client_crt_key,
        ca_path,
        cert_path,
        push_server,
        repository,
        trust_server,
        bucket,
        manifest_endpoint,
        endpoint,
        old_host,
        oldest_host,
    ] = pick(text, NAMES)?.map(|value| value.map(|text| text.to_string()));
    let Some(host) = host.or(old_host).or(oldest_host) else {
        return Err("HOSTNAME (CICD_PUBLIC_IP in files from 2021) is missing or empty".into());
    };
    // IBM's samples have neither CLIENT_CRT_KEY nor UUID: IBM's client adds UUID when it creates the certificate. If both settings are missing, the
    // certificate must be specified with a flag.
    let client_crt_key =
        client_crt_key.or_else(|| Some(format!(".{}-{}", container.as_deref().unwrap_or("container"), uuid?)));
    let ca: Vec<String> = ca_path
        .into_iter()
        .chain(
            cert_path.map(|path| format!("{}/client-ca.pem", path.rsplit_once('/').map_or(".", |(folder, _)| folder))),
        )
        .chain(client_crt_key.as_ref().map(|name| format!("{name}.d/client-ca.pem")))
        .collect();
    let client_crt_key: Vec<String> = client_crt_key.into_iter().collect();
    Ok(Settings {
        path: PathBuf::new(),
        host: checked_host(&host, "HOSTNAME")?,
        port: port.map_or(Ok(443), |text| checked_port(&text, "CICD_PORT"))?,
        ca: candidates(&ca, folders),
        certificate: candidates(&client_crt_key, folders),
        key: Vec::new(),
        push_server,
        repository,
        trust_server,
        bucket,
        bucket_endpoint: manifest_endpoint.or(endpoint),
    })
}

/// All paths to which each of `paths` may refer. IBM's client puts `./` before a path, so an absolute path is also
/// looked up below each of `folders`; the literal path comes last.
pub(crate) fn candidates(paths: &[String], folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        let relative = path.trim_start_matches('/');
        let absolute = (relative.len() < path.len()).then(|| PathBuf::from(path));
        for candidate in folders.iter().map(|folder| folder.join(relative)).chain(absolute) {
            if !found.contains(&candidate) {
                found.push(candidate);
            }
        }
    }
    found
}

/// Checks a host name or address, which cannot contain a path, a user or a port.
pub(crate) fn checked_host(text: &str, name: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    let good = (1..=253).contains(&text.len()) && text.bytes().all(allowed);
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    if good && (is_address || !text.contains(':')) {
        return Ok(text.to_owned());
    }
    Err(format!("{name} is not a host name: expected a name or an address with no scheme, port or path"))
}

pub(crate) fn checked_port(text: &str, name: &str) -> Result<u16, String> {
    text.parse().ok().filter(|&port| port != 0).ok_or_else(|| format!("{name} is not a port: expected 1 to 65535"))
}

/// The values of `names` in a JSON object whose keys are case-insensitive. All other values are ignored and never
/// stored. Empty strings count as missing, as in IBM's client.
fn pick<const N: usize>(text: &[u8], names: [&str; N]) -> Result<[Option<Zeroizing<String>>; N], String> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let picked = Pick { names }.deserialize(&mut deserializer).and_then(|picked| deserializer.end().map(|()| picked));
    // The library's message is not shown, because it could quote a value.
    picked.map_err(|error| match error.classify() {
        serde_json::error::Category::Data if error.to_string().starts_with("setting ") => error.to_string(),
        _ => format!("expected one JSON object, found an error at line {}, column {}", error.line(), error.column()),
    })
}

struct Pick<'a, const N: usize> {
    names: [&'a str; N],
}

impl<'de, const N: usize> DeserializeSeed<'de> for Pick<'_, N> {
    type Value = [Option<Zeroizing<String>>; N];

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
    type Value = [Option<Zeroizing<String>>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut values = [const { None }; N];
        let mut seen = [false; N];
        while let Some(key) = entries.next_key::<String>()? {
            let key = key.to_lowercase();
            let Some(slot) = self.names.iter().position(|name| *name == key) else {
                entries.next_value::<IgnoredAny>()?;
                continue;
            };
            let upper = key.to_uppercase();
            let (Some(value), Some(seen)) = (values.get_mut(slot), seen.get_mut(slot)) else { continue };
            if std::mem::replace(seen, true) {
                return Err(A::Error::custom(format!("setting {upper} appears twice")));
            }
            *value = match entries.next_value::<Scalar>() {
                Ok(Scalar(text)) => text.filter(|text| !text.is_empty()),
                Err(_) => return Err(A::Error::custom(format!("setting {upper} must be a string"))),
            };
        }
        Ok(values)
    }
}

/// A string, an unsigned integer converted to a string, or null.
pub(crate) struct Scalar(pub(crate) Option<Zeroizing<String>>);

impl<'de> serde::Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an integer")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar(None))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar(Some(Zeroizing::new(value.to_string()))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar(Some(Zeroizing::new(value.to_owned()))))
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
