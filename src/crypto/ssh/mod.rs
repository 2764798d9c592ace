//! SSH signatures on commits and tags (OpenSSH, PROTOCOL.sshsig; git-config(1), `gpg.format`).
//!
//! SSH formats consist of numbers and length-prefixed strings, for which small parsers suffice. They avoid a dependency on a second version of the
//! crypto crates. The key inside a signature selects the signer but proves nothing; the signature is verified with the policy's key.

mod key;
pub(super) mod wire;

use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256, Sha512};

pub use self::key::SshKey;
use self::wire::{Reader, put_string};

/// The namespace of git's signatures.
pub const GIT_NAMESPACE: &str = "git";

const MAGIC: &[u8] = b"SSHSIG";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// The reason why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshFault {
    /// The signature is not in the form that `ssh-keygen -Y sign` writes.
    #[error("the SSH signature is malformed: {0}")]
    Malformed(&'static str),
    /// The signature was made for a different purpose.
    #[error("the SSH signature is for {found:?}; expected {expected:?}")]
    Namespace {
        /// The expected purpose.
        expected: String,
        /// The purpose that the signature states.
        found: String,
    },
    /// The signature uses an algorithm that is not accepted here.
    #[error("signed with {0}, which is not supported")]
    Unsupported(String),
    /// The signature's key is not one of the supplied keys.
    #[error("the SSH signature names the key {0}, which belongs to none of the policy's signers; it was not verified")]
    OtherKey(String),
    /// The signature does not verify: its key did not sign these bytes.
    #[error("the SSH signature does not match the content it is attached to")]
    Mismatch,
}

/// A parsed SSH signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSignature {
    public_key: Vec<u8>,
    namespace: Vec<u8>,
    hash: Hash,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha512,
}

impl SshSignature {
    /// Reads the armoured form, strictly.
    ///
    /// # Errors
    /// [`SshFault::Malformed`], or [`SshFault::Unsupported`] for an unrecognised version or hash.
    pub fn from_armour(text: &[u8]) -> Result<Self, SshFault> {
        let malformed = SshFault::Malformed;
        let text = std::str::from_utf8(text).map_err(|_| malformed("it is not text"))?;
        let body = text.trim_end().strip_prefix(BEGIN).and_then(|body| body.strip_suffix(END));
        let body: String = body.ok_or(malformed("its armour lacks a BEGIN or END line"))?.lines().collect();
        let bytes = Base64::decode_vec(&body).map_err(|_| malformed("its armour is not base64"))?;
        let mut reader = Reader::new(bytes.strip_prefix(MAGIC).ok_or(malformed("it does not begin with SSHSIG"))?);
        let cut = malformed("it is cut off");
        match reader.number().ok_or(cut.clone())? {
            1 => {}
            version => return Err(SshFault::Unsupported(format!("version {version}"))),
        }
        let mut string = || reader.string().map(<[u8]>::to_vec).ok_or(cut.clone());
        let (public_key, namespace, _reserved, hash, signature) =
            (string()?, string()?, string()?, string()?, string()?);
        if !reader.is_empty() {
            return Err(malformed("it is followed by more bytes"));
        }
        let hash = match hash.as_slice() {
            b"sha256" => Hash::Sha256,
            b"sha512" => Hash::Sha512,
            other => return Err(SshFault::Unsupported(format!("the hash {}", String::from_utf8_lossy(other)))),
        };
        Ok(Self { public_key, namespace, hash, signature })
    }

    /// Verifies that one of `keys` signed `message` for `namespace`, and returns that key's index.
    ///
    /// An SSH signature does not state a time. Therefore, this method does not check when the signature was made or whether the key was allowed at
    /// that time.
    ///
    /// # Errors
    /// [`SshFault`].
    pub fn verify(&self, namespace: &str, message: &[u8], keys: &[SshKey]) -> Result<usize, SshFault> {
        if self.namespace != namespace.as_bytes() {
            let found = String::from_utf8_lossy(&self.namespace).into_owned();
            return Err(SshFault::Namespace { expected: namespace.into(), found });
        }
        if key::is_certificate(&self.public_key) {
            return Err(SshFault::Unsupported("an SSH certificate".into()));
        }
        let place = keys.iter().position(|key| key.blob() == self.public_key);
        let Some((place, key)) = place.and_then(|place| Some((place, keys.get(place)?))) else {
            return Err(SshFault::OtherKey(key::fingerprint(&self.public_key)));
        };
        key.verify(&self.signed_bytes(message), &self.signature).map(|()| place)
    }

    /// The bytes that the key signs: they contain the namespace and the message's hash, never the message itself.
    fn signed_bytes(&self, message: &[u8]) -> Vec<u8> {
        let (name, digest) = match self.hash {
            Hash::Sha256 => (b"sha256".as_slice(), Sha256::digest(message).to_vec()),
            Hash::Sha512 => (b"sha512".as_slice(), Sha512::digest(message).to_vec()),
        };
        let mut bytes = MAGIC.to_vec();
        for field in [self.namespace.as_slice(), b"", name, &digest] {
            put_string(&mut bytes, field);
        }
        bytes
    }
}

#[cfg(all(test, unix))]
mod tests;
#[cfg(test)]
mod wycheproof_tests;
