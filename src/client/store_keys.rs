//! HMAC keys for object stores, from the environment or the usual files.

use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::client::secret::Secret;
use crate::client::settings::read_bounded;
use crate::client::signing::StoreKeys;

impl StoreKeys {
    /// Looks for keys in the places that S3 clients use: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`; the profile `AWS_PROFILE` (`default`) in `AWS_SHARED_CREDENTIALS_FILE`
    /// (`~/.aws/credentials`); `cos_hmac_keys` in `~/.bluemix/cos_credentials`, which IBM's clients read. `None` if
    /// there are no keys.
    ///
    /// # Errors
    /// [`Error::Settings`] for a file that cannot be used; its content is not shown.
    pub fn find(variable: &dyn Fn(&str) -> Option<String>, limits: &Limits) -> Result<Option<Self>, Error> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let (Some(id), Some(key)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            return Ok(Some(new(id, key, variable("AWS_SESSION_TOKEN"))));
        }
        let home = variable("HOME").map(PathBuf::from);
        let at_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let aws = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(|| at_home(".aws/credentials"));
        if let Some(path) = aws.filter(|path| path.is_file()) {
            let text = read_bounded(&path, limits.settings_bytes())?;
            let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".into());
            if let Some(keys) = of_profile(&String::from_utf8_lossy(&text), &profile) {
                return Ok(Some(keys));
            }
        }
        let Some(path) = at_home(".bluemix/cos_credentials").filter(|path| path.is_file()) else { return Ok(None) };
        let text = read_bounded(&path, limits.settings_bytes())?;
        let file: IbmFile = serde_json::from_slice(&text).map_err(|_| Error::Settings {
            path: slashed(&path),
            message: "expected the JSON of IBM Cloud Object Storage credentials".into(),
        })?;
        Ok(file.cos_hmac_keys.map(|keys| new(keys.access_key_id.to_string(), keys.secret_access_key.to_string(), None)))
    }
}

#[derive(Deserialize)]
struct IbmFile {
    cos_hmac_keys: Option<IbmKeys>,
}

#[derive(Deserialize)]
struct IbmKeys {
    access_key_id: Zeroizing<String>,
    secret_access_key: Zeroizing<String>,
}

fn new(id: String, key: String, token: Option<String>) -> StoreKeys {
    StoreKeys {
        access_key_id: Secret::new(id),
        secret_access_key: Secret::new(key),
        session_token: token.map(Secret::new),
    }
}

fn of_profile(text: &str, profile: &str) -> Option<StoreKeys> {
    let mut inside = false;
    let (mut id, mut key, mut token) = (None, None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name.trim() == profile;
        } else if let Some((name, value)) = line.split_once('=').filter(|_| inside) {
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match name.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => key = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    Some(new(id?, key?, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_the_selected_profile() {
        let text = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n# x\n[other]\naws_access_key_id=c\naws_secret_access_key=d=\naws_session_token = e\n[half]\naws_access_key_id=c\n";
        let read = |profile: &str| {
            of_profile(text, profile).map(|keys| {
                (
                    keys.access_key_id.expose().to_owned(),
                    keys.secret_access_key.expose().to_owned(),
                    keys.session_token.is_some(),
                )
            })
        };
        assert_eq!(read("default"), Some(("a".into(), "b".into(), false)));
        assert_eq!(read("other"), Some(("c".into(), "d=".into(), true)));
        assert_eq!(read("half"), None);
        assert_eq!(read("none"), None);
    }

    #[test]
    fn environment_keys_are_preferred() {
        let variable = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("a".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("hunter2".to_owned()),
            _ => None,
        };
        let keys = StoreKeys::find(&variable, &Limits::default()).unwrap().unwrap();
        assert_eq!(keys.secret_access_key.expose(), "hunter2");
        assert!(StoreKeys::find(&|_| None, &Limits::default()).unwrap().is_none());
    }
}
