//! The description of a file in another metadata file: the length and the hashes of its bytes as stored.

use serde_json::{Map, Value};
use sha2::Digest as _;

use super::super::encoded::decode_base64;
use super::envelope::{object, text};
use crate::base::digest::Sha256;

/// Length and digests of a file or of an image's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) length: u64,
    pub(crate) sha256: Sha256,
    sha512: Option<Vec<u8>>,
}

impl Described {
    /// Reads `{"hashes": {"sha256": base64, …}, "length": number}`. SHA-256 is required; SHA-512 is compared if
    /// present.
    pub(super) fn read(value: &Map<String, Value>) -> Result<Self, String> {
        let hashes = object(value, "hashes").ok_or("it has no hashes")?;
        let hash = |name: &str, length: usize| match text(hashes, name) {
            Some(text) => decode_base64(text)
                .filter(|bytes| bytes.len() == length)
                .map(Some)
                .ok_or_else(|| format!("its {name} is not base64 of {length} bytes")),
            None if hashes.contains_key(name) => Err(format!("its {name} is not a string")),
            None => Ok(None),
        };
        let sha256 = hash("sha256", 32)?.ok_or("it has no sha256")?;
        let sha256 = sha256.try_into().map(Sha256::from_bytes).map_err(|_| "its sha256 has the wrong length")?;
        let length = value.get("length").and_then(Value::as_u64).ok_or("its length is not an unsigned integer")?;
        Ok(Self { length, sha256, sha512: hash("sha512", 64)? })
    }

    /// Checks that these bytes match the description.
    pub(super) fn compare(&self, bytes: &[u8]) -> Result<(), String> {
        let found = Sha256::of(bytes);
        if self.length != bytes.len() as u64 {
            return Err(format!("expected {} bytes, found {}", self.length, bytes.len()));
        }
        if self.sha256 != found {
            return Err(format!("expected {}, found {found}", self.sha256));
        }
        match &self.sha512 {
            Some(sha512) if *sha512 != sha2::Sha512::digest(bytes).as_slice() => Err("its sha512 differs".into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use base64ct::{Base64, Encoding as _};

    use super::*;

    #[test]
    fn sha256_is_required_and_sha512_is_compared_if_present() {
        let bytes = b"bytes";
        let (sha256, sha512) = (Sha256::of(bytes), sha2::Sha512::digest(bytes));
        let (sha256, sha512) = (Base64::encode_string(sha256.as_bytes()), Base64::encode_string(sha512.as_slice()));
        let read = |hashes: Value, length: usize| {
            let described = json!({ "hashes": hashes, "length": length });
            Described::read(described.as_object().unwrap()).and_then(|described| described.compare(bytes))
        };
        assert_eq!(read(json!({ "sha256": sha256 }), 5), Ok(()));
        assert_eq!(read(json!({ "sha256": sha256, "sha512": sha512, "md5": 1 }), 5), Ok(()));
        let (other256, other512) = (Base64::encode_string(&[7; 32]), Base64::encode_string(&[7; 64]));
        for (hashes, length) in [
            (json!({ "sha256": sha256 }), 6),
            (json!({ "sha256": other256 }), 5),
            (json!({ "sha512": sha512 }), 5),
            (json!({ "sha256": sha256, "sha512": other512 }), 5),
            (json!({ "sha256": sha256, "sha512": null }), 5),
            (json!({ "sha256": sha256, "sha512": sha256 }), 5),
            (json!({ "sha256": sha512 }), 5),
        ] {
            assert!(read(hashes.clone(), length).is_err(), "{hashes} {length}");
        }
    }
}
