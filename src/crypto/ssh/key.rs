//! SSH public keys (RFC 4253, 6.6; RFC 5656; RFC 8709; OpenSSH, PROTOCOL.u2f) and their signatures.

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::SshFault;
use super::wire::Reader;
use crate::crypto::{Hash, Kind, Protocol, Scheme, VerifyingKey};

/// A public key in OpenSSH's one-line form. RSA keys need 2048 to 8192 bits and an odd exponent of at least 65,537.
#[derive(Debug, Clone)]
pub struct SshKey {
    blob: Vec<u8>,
    key: VerifyingKey,
    /// The token's application, for a key on a hardware token.
    application: Option<Vec<u8>>,
}

const ED25519: &str = "ssh-ed25519";
const P256: &str = "ecdsa-sha2-nistp256";
const RSA: &str = "ssh-rsa";
const TOKEN_ED25519: &str = "sk-ssh-ed25519@openssh.com";
const TOKEN_P256: &str = "sk-ecdsa-sha2-nistp256@openssh.com";

impl SshKey {
    /// Reads `<kind> <base64> [comment]`. Options before the kind, certificates and other kinds are refused.
    ///
    /// # Errors
    /// A description of the fault.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(encoded)) = (words.next(), words.next()) else {
            return Err("expected a key kind and base64 text".into());
        };
        if ![ED25519, P256, RSA, TOKEN_ED25519, TOKEN_P256].contains(&kind) {
            return Err(format!("keys of the kind {kind:?} are not supported"));
        }
        let blob = Base64::decode_vec(encoded).map_err(|_| "its second field is not base64 text".to_owned())?;
        let mut reader = Reader::new(&blob);
        let (key, application) = reader
            .string()
            .filter(|inner| *inner == kind.as_bytes())
            .and_then(|_| read_key(kind, &mut reader))
            .filter(|_| reader.is_empty())
            .ok_or_else(|| format!("its base64 text is not a valid {kind} key"))?;
        Ok(Self { blob, key, application })
    }

    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The fingerprint as `ssh-keygen -l` prints it: `SHA256:` and base64.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.blob)
    }

    /// Verifies that `signature`, which consists of a format and bytes, is this key's signature over `message`.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SshFault> {
        let mut reader = Reader::new(signature);
        let malformed = SshFault::Malformed("its signature is cut off or too long");
        let format = reader.string().ok_or(malformed.clone())?;
        let bytes = reader.string().ok_or(malformed.clone())?;
        let token = match &self.application {
            Some(application) => {
                let flags = reader.byte().ok_or(malformed.clone())?;
                Some((application, flags, reader.number().ok_or(malformed.clone())?))
            }
            None => None,
        };
        if !reader.is_empty() {
            return Err(malformed);
        }
        let scheme = match (self.key.kind(), std::str::from_utf8(format), token.is_some()) {
            (Kind::Ed25519, Ok(ED25519), false) | (Kind::Ed25519, Ok(TOKEN_ED25519), true) => Scheme::Ed25519,
            (Kind::P256, Ok(P256), false) | (Kind::P256, Ok(TOKEN_P256), true) => Scheme::EcdsaFixed(Hash::Sha256),
            (Kind::Rsa, Ok("rsa-sha2-512"), _) => Scheme::RsaPkcs1(Hash::Sha512),
            (Kind::Rsa, Ok("rsa-sha2-256"), _) => Scheme::RsaPkcs1(Hash::Sha256),
            _ => {
                let format = String::from_utf8_lossy(format).into_owned();
                return Err(SshFault::Unsupported(format!("the algorithm {format:?} with this kind of key")));
            }
        };
        let of_token = token.map(|token| token_message(token, message)).transpose()?;
        let message = of_token.as_deref().unwrap_or(message);
        let verified = match scheme {
            Scheme::EcdsaFixed(_) => {
                let fixed = fixed_width(bytes).ok_or(SshFault::Mismatch)?;
                self.key.verify(Protocol::Ssh, scheme, message, &fixed)
            }
            _ => self.key.verify(Protocol::Ssh, scheme, message, bytes),
        };
        verified.map_err(|_| SshFault::Mismatch)
    }
}

/// Whether the kind is that of a certificate: a key signed by an SSH CA (OpenSSH, PROTOCOL.certkeys).
pub(super) fn is_certificate(blob: &[u8]) -> bool {
    Reader::new(blob).string().is_some_and(|kind| kind.ends_with(b"-cert-v01@openssh.com"))
}

pub(super) fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", Base64Unpadded::encode_string(&Sha256::digest(blob)))
}

fn read_key(kind: &str, reader: &mut Reader<'_>) -> Option<(VerifyingKey, Option<Vec<u8>>)> {
    let key = match kind {
        ED25519 | TOKEN_ED25519 => VerifyingKey::from_ed25519(reader.string()?),
        RSA => {
            let (exponent, modulus) = (reader.positive()?, reader.positive()?);
            VerifyingKey::from_rsa_parts(modulus, exponent)
        }
        _ if reader.string()? == b"nistp256" => VerifyingKey::from_p256_point(reader.string()?),
        _ => return None,
    };
    let is_token = [TOKEN_ED25519, TOKEN_P256].contains(&kind);
    Some((key.ok()?, if is_token { Some(reader.string()?.to_vec()) } else { None }))
}

/// `r` followed by `s` as fixed-length numbers, each converted from an `mpint` (RFC 5656, 3.1.2).
fn fixed_width(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(bytes);
    let numbers = [reader.positive()?, reader.positive()?];
    let mut fixed = Vec::new();
    for number in numbers {
        fixed.resize(fixed.len() + 32usize.checked_sub(number.len())?, 0);
        fixed.extend_from_slice(number);
    }
    reader.is_empty().then_some(fixed)
}

/// The data that a hardware token signs (PROTOCOL.u2f, "SSH U2F Signatures"): the hash of its application, its flags and counter, and the message's
/// hash.
fn token_message((application, flags, counter): (&Vec<u8>, u8, u32), message: &[u8]) -> Result<Vec<u8>, SshFault> {
    const USER_PRESENT: u8 = 1;
    if flags & USER_PRESENT == 0 {
        return Err(SshFault::Unsupported("a hardware token that was not touched".into()));
    }
    let mut bytes = Sha256::digest(application).to_vec();
    bytes.push(flags);
    bytes.extend_from_slice(&counter.to_be_bytes());
    bytes.extend_from_slice(&Sha256::digest(message));
    Ok(bytes)
}
