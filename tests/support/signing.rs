//! Signatures: the manifest's scheme, and mistakes that have fooled verifiers.

use num_bigint::BigUint;
use p256::ecdsa::signature::Signer as _;
use sha2::{Digest as _, Sha256};

use super::encoding::{der, der_integer};
use super::keys::{Key, Named};

/// The DigestInfo bytes of SHA-256 that precede the digest (RFC 8017, 9.2, note 1).
pub const SHA256_PREFIX: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2) around any DigestInfo.
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

/// Signs `message` with SHA-256, using the key's scheme.
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

/// EMSA-PSS (RFC 8017, 9.1) with SHA-256, a fixed salt as long as the digest, for a modulus of `length` whole bytes.
pub fn pss_block(message: &[u8], length: usize) -> Vec<u8> {
    let salt = [0x5a; 32];
    let digest = sha256(&[&[0; 8], sha256(message).as_slice(), &salt].concat());
    let mut data = vec![0; length - digest.len() - salt.len() - 2];
    data.push(1);
    data.extend(salt);
    let blocks = data.len().div_ceil(32) as u32;
    let mask = (0..blocks).flat_map(|counter| sha256(&[digest.as_slice(), &counter.to_be_bytes()].concat()));
    let mut masked: Vec<u8> = data.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    masked[0] &= 0x7f;
    [masked, digest, vec![0xbc]].concat()
}

/// The order of the group of P-256 (FIPS 186-5, SP 800-186, 3.2.1.3).
pub fn p256_order() -> BigUint {
    BigUint::parse_bytes(b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16).unwrap()
}

/// `r` and `s` of a signature in DER.
pub fn p256_numbers(signature: &[u8]) -> (BigUint, BigUint) {
    let signature = p256::ecdsa::Signature::from_der(signature).unwrap();
    let bytes = signature.to_bytes();
    (BigUint::from_bytes_be(&bytes[..32]), BigUint::from_bytes_be(&bytes[32..]))
}

/// `ECDSA-Sig-Value` (RFC 3279, 2.2.3) of any two numbers.
pub fn p256_der(r: &BigUint, s: &BigUint) -> Vec<u8> {
    let number = |number: &BigUint| der_integer(&number.to_bytes_be());
    der(0x30, &[number(r), number(s)].concat())
}
