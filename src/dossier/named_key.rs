//! Keys that were named for a run, beside those of the policy.

use std::path::PathBuf;

use super::storage::Storage;
use crate::base::error::Error;
use crate::base::limits::Limits;
use crate::gate::key::{Fingerprint, PublicKey};
use crate::gate::verify::TrustedKey;

/// A key as the auditor names it.
#[derive(Debug, Clone)]
pub enum NamedKey {
    /// A file in PEM.
    File(PathBuf),
    /// The fingerprint of a key that is found beside the bundle.
    Pin(Fingerprint),
}

impl NamedKey {
    /// The key, and the bytes of its file.
    ///
    /// # Errors
    /// As [`Storage::read`] and [`PublicKey::from_pem`].
    pub(crate) fn read(&self, storage: Storage<'_>, limits: &Limits) -> Result<(TrustedKey, Option<Vec<u8>>), Error> {
        match self {
            Self::Pin(pin) => Ok((TrustedKey::named(*pin, None), None)),
            Self::File(path) => {
                let bytes = storage.read(path, limits.key_file_bytes())?;
                let key = PublicKey::from_pem(&path.display().to_string(), &bytes, limits)?;
                Ok((TrustedKey::named(key.fingerprint(), Some(key)), Some(bytes)))
            }
        }
    }
}

/// The keys, in their order.
///
/// # Errors
/// As [`Storage::read`] and [`PublicKey::from_pem`].
pub fn read_keys(keys: &[NamedKey], storage: Storage<'_>, limits: &Limits) -> Result<Vec<TrustedKey>, Error> {
    keys.iter().map(|key| key.read(storage, limits).map(|(key, _)| key)).collect()
}
