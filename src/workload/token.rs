//! Encrypted strings in contracts: `hyper-protect-basic.<password>.<message>`.
//!
//! The password is 32 random bytes, encrypted for IBM's machine. The message is the output of `openssl enc -aes-256-cbc -pbkdf2`: `Salted__`, eight
//! bytes of salt, and the encrypted text. openssl reads a password only up to its first line feed or NUL, so a random password may be shorter than it
//! looks (ibm-hyper-protect/contract-go, common/encrypt/encrypt.go; openssl-enc(1), openssl-passphrase-options(1)).

use aes::Aes256;
use base64ct::{Base64, Encoding as _};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use hmac::{Hmac, KeyInit as _, Mac as _};
use zeroize::Zeroizing;

/// Newer tools write `contract-basic`.
const PREFIXES: [&str; 2] = ["hyper-protect-basic.", "contract-basic."];
/// openssl's default number of rounds for `-pbkdf2`.
const ROUNDS: u32 = 10_000;
const SALT_MARK: &[u8] = b"Salted__";

/// A possible password of an encrypted section. The password's memory is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Password {
    /// This implementation does not print the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// Whether the text is an encrypted string.
pub(super) fn is_token(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.trim_start().starts_with(prefix))
}

/// Decrypts a string with the first password whose result `fits` accepts. A wrong password yields garbage, which occasionally has valid
/// padding.
///
/// # Errors
/// A message that contains no part of the passwords.
pub(super) fn open<T>(token: &str, passwords: &[Password], fits: impl Fn(&[u8]) -> Option<T>) -> Result<T, String> {
    let message = message(token)?;
    let sealed =
        Base64::decode_vec(message).map_err(|_| "the third part of the encrypted text is not base64".to_owned())?;
    let Some(rest) = sealed.strip_prefix(SALT_MARK) else {
        return Err("the third part of the encrypted text does not begin with Salted__".into());
    };
    let Some((salt, text)) = rest.split_at_checked(8) else {
        return Err("the third part of the encrypted text is truncated".into());
    };
    if passwords.is_empty() {
        return Err("it is encrypted: decrypt it with --workload-password FILE".into());
    }
    let opened = passwords.iter().filter_map(|password| decrypt(&password.0, salt, text)).find_map(|text| fits(&text));
    opened.ok_or_else(|| "it is encrypted, and the supplied password does not decrypt it".into())
}

/// Returns the last of exactly three dot-separated parts; the second part must not be empty.
fn message(token: &str) -> Result<&str, String> {
    match token.trim().split('.').collect::<Vec<_>>().as_slice() {
        [_, password, message] if !password.is_empty() => Ok(message),
        [_, _, _] => Err("the second part of the encrypted text, the password, is empty".into()),
        parts => Err(format!("expected three dot-separated parts in the encrypted text, found {}", parts.len())),
    }
}

/// The possible passwords in a password file: its bytes, and its bytes decoded from base64. Each password is returned in two forms: whole, and
/// cut at the byte where openssl stops reading.
pub(super) fn passwords(file: &[u8]) -> Vec<Password> {
    // The buffer is allocated at its maximum size, so that growing does not leave copies in freed memory.
    let mut text = Zeroizing::new(Vec::with_capacity(file.len()));
    text.extend(file.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let decoded = std::str::from_utf8(&text).ok().and_then(|text| Base64::decode_vec(text).ok());
    let mut found: Vec<Password> = Vec::new();
    for whole in decoded.into_iter().chain([file.to_vec()]).map(Zeroizing::new) {
        let end = whole.iter().position(|byte| matches!(byte, b'\n' | 0)).unwrap_or(whole.len());
        let cut = Zeroizing::new(whole.get(..end).unwrap_or_default().to_vec());
        for candidate in [cut, whole].map(Password) {
            if !candidate.0.is_empty() && !found.contains(&candidate) {
                found.push(candidate);
            }
        }
    }
    found
}

fn decrypt(password: &[u8], salt: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let block = |number| pbkdf2_block(password, salt, number, ROUNDS).map(Zeroizing::new);
    let (first, second) = (block(1)?, block(2)?);
    decrypt_cbc(&*first, second.get(..16)?, text)
}

/// AES-256 in CBC mode with PKCS#7 padding (RFC 5652, 6.3).
pub(super) fn decrypt_cbc(key: &[u8], iv: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let cipher = Decryptor::<Aes256>::new_from_slices(key, iv).ok()?;
    let mut buffer = text.to_vec();
    cipher.decrypt_padded::<Pkcs7>(&mut buffer).ok().map(<[u8]>::to_vec)
}

/// Block `number` of PBKDF2 with HMAC-SHA-256 (RFC 8018, 5.2).
pub(super) fn pbkdf2_block(password: &[u8], salt: &[u8], number: u32, rounds: u32) -> Option<[u8; 32]> {
    let keyed = Hmac::<sha2::Sha256>::new_from_slice(password).ok()?;
    let mut mac = keyed.clone();
    mac.update(salt);
    mac.update(&number.to_be_bytes());
    let mut round: [u8; 32] = mac.finalize().into_bytes().into();
    let mut block = round;
    for _ in 1..rounds {
        let mut mac = keyed.clone();
        mac.update(&round);
        round = mac.finalize().into_bytes().into();
        block.iter_mut().zip(round).for_each(|(sum, byte)| *sum ^= byte);
    }
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_read_as_openssl_reads_them() {
        let passwords =
            |file: &[u8]| -> Vec<Vec<u8>> { passwords(file).into_iter().map(|one| one.0.to_vec()).collect() };
        assert_eq!(passwords(b"secret\n"), [b"secret".to_vec(), b"secret\n".to_vec()]);
        // For "ab\ncd" in base64, the passwords are the bytes up to the line feed, all bytes, and the base64 text
        // without and with its line feed.
        assert_eq!(
            passwords(b"YWIKY2Q=\n"),
            [b"ab".to_vec(), b"ab\ncd".to_vec(), b"YWIKY2Q=".to_vec(), b"YWIKY2Q=\n".to_vec()]
        );
        assert!(passwords(b"").is_empty());
    }

    #[test]
    fn malformed_tokens_are_refused() {
        let any = |text: &[u8]| Some(text.to_vec());
        let password = passwords(b"x");
        for bad in [
            "hyper-protect-basic.a",
            "hyper-protect-basic.a.b.c",
            "hyper-protect-basic..b",
            "hyper-protect-basic.a.%",
            "hyper-protect-basic.a.AAAA",
        ] {
            assert!(open(bad, &password, any).is_err(), "{bad}");
        }
        assert!(is_token("contract-basic.a.b") && is_token("\nhyper-protect-basic.a.b") && !is_token("type: workload"));
    }
}
