//! Signatures: the manifest's scheme, and the mistakes that verifiers were fooled with.

use p256::ecdsa::signature::Signer as _;
use sha2::{Digest as _, Sha256};

use super::keys::{Key, Named};

/// DigestInfo of SHA-256 before the digest (RFC 8017, 9.2, note 1).
pub const SHA256_PREFIX: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2) around a ready DigestInfo.
pub fn pkcs1_block(digest_info: &[u8], length: usize) -> Vec<u8> {
    let padding = vec![0xff; length - digest_info.len() - 3];
    [b"\x00\x01", padding.as_slice(), b"\x00", digest_info].concat()
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// The DigestInfo of `message` with SHA-256.
pub fn digest_info(message: &[u8]) -> Vec<u8> {
    [SHA256_PREFIX, &sha256(message)].concat()
}

/// Signs `message` with SHA-256, by the scheme of the key.
pub fn sign_message(key: Named, message: &[u8]) -> Vec<u8> {
    match key.key() {
        Key::Rsa(key) => key.sign_block(&pkcs1_block(&digest_info(message), key.bytes())),
        Key::P256(key) => {
            let signature: p256::ecdsa::Signature = key.sign(message);
            signature.to_der().as_bytes().to_vec()
        }
    }
}

/// Signs an archive as the build server does: its SHA-256 is the message.
pub fn sign_archive(key: Named, archive: &[u8]) -> Vec<u8> {
    sign_message(key, &sha256(archive))
}
