//! Keys supplied for a run (`--key`), which are used instead of the policy's keys.

use std::fmt;
use std::path::PathBuf;

use super::storage::Storage;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::base::system::slashed;
use crate::gate::key::{Fingerprint, PublicKey};
use crate::gate::verify::TrustedKey;

/// A key as specified by the auditor.
#[derive(Debug, Clone)]
pub enum NamedKey {
    /// A PEM file.
    File(PathBuf),
    /// The fingerprint of a key to be found next to the bundle.
    Pin(Fingerprint),
}

/// The argument of `--key`.
impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&slashed(path)),
            Self::Pin(fingerprint) => fingerprint.fmt(f),
        }
    }
}

impl NamedKey {
    /// Parses the argument of `--key`: `sha256:` and a fingerprint, or else the path of a file.
    ///
    /// # Errors
    /// A message, if `sha256:` is not followed by a fingerprint.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("sha256:") {
            Some(hex) => Sha256::from_hex(hex)
                .map(Self::Pin)
                .ok_or_else(|| "expected sha256: and 64 lower-case hexadecimal digits".into()),
            None => Ok(Self::File(text.into())),
        }
    }

    /// The key, and the bytes of its file.
    ///
    /// # Errors
    /// The errors of [`Storage::read`] and [`PublicKey::from_pem`].
    pub(crate) fn read(&self, storage: Storage<'_>, limits: &Limits) -> Result<(TrustedKey, Option<Vec<u8>>), Error> {
        match self {
            Self::Pin(pin) => Ok((TrustedKey::named(*pin, None), None)),
            Self::File(path) => {
                let bytes = storage.read(path, limits.key_file_bytes())?;
                let key = PublicKey::from_pem(&slashed(path), &bytes, limits)?;
                Ok((TrustedKey::named(key.fingerprint(), Some(key)), Some(bytes)))
            }
        }
    }
}

/// Reads the keys, in order.
///
/// # Errors
/// The errors of [`Storage::read`] and [`PublicKey::from_pem`].
pub fn read_keys(keys: &[NamedKey], storage: Storage<'_>, limits: &Limits) -> Result<Vec<TrustedKey>, Error> {
    keys.iter().map(|key| key.read(storage, limits).map(|(key, _)| key)).collect()
}
