//! SSH public keys (RFC 4253, 6.6; RFC 5656; RFC 8709; OpenSSH, PROTOCOL.u2f) and their signatures.

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use p256::ecdsa;
use rsa::pkcs1v15;
use rsa::signature::Verifier as _;
use rsa::traits::PublicKeyParts as _;
use sha2::{Digest as _, Sha256, Sha512};

use super::SshFault;
use super::wire::Reader;

/// A public key as OpenSSH writes it on one line. RSA needs 2048 to 8192 bits and an odd exponent of at least 65,537.
#[derive(Debug, Clone)]
pub struct SshKey {
    blob: Vec<u8>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    P256(Box<ecdsa::VerifyingKey>),
    Rsa(Box<rsa::PublicKey>),
    /// On a hardware token, for this application.
    TokenEd25519(Box<ed25519_dalek::VerifyingKey>, Vec<u8>),
    TokenP256(Box<ecdsa::VerifyingKey>, Vec<u8>),
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
    /// In words.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(encoded)) = (words.next(), words.next()) else {
            return Err("expected a kind of key and its base64 text".into());
        };
        if ![ED25519, P256, RSA, TOKEN_ED25519, TOKEN_P256].contains(&kind) {
            return Err(format!("keys of the kind {kind:?} are not supported"));
        }
        let blob = Base64::decode_vec(encoded).map_err(|_| "its second word is no base64 text".to_owned())?;
        let mut reader = Reader::new(&blob);
        let material = reader
            .string()
            .filter(|inner| *inner == kind.as_bytes())
            .and_then(|_| read_material(kind, &mut reader))
            .filter(|_| reader.is_empty())
            .ok_or_else(|| format!("its base64 text is no sound {kind} key"))?;
        Ok(Self { blob, material })
    }

    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// `SHA256:` and base64, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.blob)
    }

    /// Is `signature`, a format and its bytes, this key's over `message`?
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SshFault> {
        let mut reader = Reader::new(signature);
        let malformed = SshFault::Malformed("its signature is cut off or too long");
        let format = reader.string().ok_or(malformed.clone())?;
        let bytes = reader.string().ok_or(malformed.clone())?;
        let token = match self.material {
            Material::TokenEd25519(..) | Material::TokenP256(..) => {
                let flags = reader.byte().ok_or(malformed.clone())?;
                Some((flags, reader.number().ok_or(malformed.clone())?))
            }
            _ => None,
        };
        if !reader.is_empty() {
            return Err(malformed);
        }
        let is = |name: &str| format == name.as_bytes();
        let good = match (&self.material, token) {
            (Material::Ed25519(key), _) if is(ED25519) => verify_ed25519(key, message, bytes),
            (Material::P256(key), _) if is(P256) => verify_p256(key, message, bytes),
            (Material::Rsa(key), _) if is("rsa-sha2-512") => {
                bytes.len() == key.size() && verify_rsa_sha512(key, message, bytes)
            }
            (Material::Rsa(key), _) if is("rsa-sha2-256") => {
                bytes.len() == key.size() && verify_rsa_sha256(key, message, bytes)
            }
            (Material::TokenEd25519(key, application), Some(token)) if is(TOKEN_ED25519) => {
                verify_ed25519(key, &token_message(application, token, message)?, bytes)
            }
            (Material::TokenP256(key, application), Some(token)) if is(TOKEN_P256) => {
                verify_p256(key, &token_message(application, token, message)?, bytes)
            }
            _ => {
                let format = String::from_utf8_lossy(format).into_owned();
                return Err(SshFault::Unsupported(format!("the algorithm {format:?} with such a key")));
            }
        };
        if good { Ok(()) } else { Err(SshFault::Mismatch) }
    }
}

/// Is it a certificate, which a CA of SSH keys signed for a key (OpenSSH, PROTOCOL.certkeys)?
pub(super) fn is_certificate(blob: &[u8]) -> bool {
    Reader::new(blob).string().is_some_and(|kind| kind.ends_with(b"-cert-v01@openssh.com"))
}

pub(super) fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", Base64Unpadded::encode_string(&Sha256::digest(blob)))
}

fn read_material(kind: &str, reader: &mut Reader<'_>) -> Option<Material> {
    match kind {
        ED25519 => Some(Material::Ed25519(read_ed25519(reader)?)),
        P256 => Some(Material::P256(read_p256(reader)?)),
        RSA => {
            let (exponent, modulus) = (reader.positive()?, reader.positive()?);
            Some(Material::Rsa(read_rsa(exponent, modulus)?))
        }
        TOKEN_ED25519 => Some(Material::TokenEd25519(read_ed25519(reader)?, reader.string()?.to_vec())),
        _ => Some(Material::TokenP256(read_p256(reader)?, reader.string()?.to_vec())),
    }
}

fn read_ed25519(reader: &mut Reader<'_>) -> Option<Box<ed25519_dalek::VerifyingKey>> {
    ed25519_dalek::VerifyingKey::from_bytes(reader.string()?.try_into().ok()?).ok().map(Box::new)
}

fn read_p256(reader: &mut Reader<'_>) -> Option<Box<ecdsa::VerifyingKey>> {
    if reader.string()? != b"nistp256" {
        return None;
    }
    ecdsa::VerifyingKey::from_sec1_bytes(reader.string()?).ok().map(Box::new)
}

fn read_rsa(exponent: &[u8], modulus: &[u8]) -> Option<Box<rsa::PublicKey>> {
    let number = rsa::BoxedUint::from_be_slice_vartime;
    // Longer exponents only cost time; the crate would refuse them too.
    let value = exponent.iter().try_fold(0u64, |value, &byte| value.checked_mul(256)?.checked_add(u64::from(byte)))?;
    let good = value >= crate::key::RSA_EXPONENT_MIN && !value.is_multiple_of(2);
    let key = rsa::PublicKey::new(number(modulus), number(exponent)).ok().filter(|_| good)?;
    let bits = key.n().bit_width();
    (crate::key::RSA_BITS_MIN..=crate::key::RSA_BITS_MAX).contains(&bits).then(|| Box::new(key))
}

fn verify_ed25519(key: &ed25519_dalek::VerifyingKey, message: &[u8], bytes: &[u8]) -> bool {
    ed25519_dalek::Signature::from_slice(bytes).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

/// `r` and `s`, each as an `mpint` (RFC 5656, 3.1.2).
fn verify_p256(key: &ecdsa::VerifyingKey, message: &[u8], bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let (Some(r), Some(s), true) = (reader.positive(), reader.positive(), reader.is_empty()) else { return false };
    let (Some(r), Some(s)) = (to_field(r), to_field(s)) else { return false };
    ecdsa::Signature::from_scalars(r, s).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

fn to_field(number: &[u8]) -> Option<[u8; 32]> {
    let mut field = [0; 32];
    field.get_mut(32usize.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some(field)
}

fn verify_rsa_sha512(key: &rsa::PublicKey, message: &[u8], bytes: &[u8]) -> bool {
    let verifier = pkcs1v15::VerifyingKey::<Sha512>::new(key.clone());
    pkcs1v15::Signature::try_from(bytes).is_ok_and(|signature| verifier.verify(message, &signature).is_ok())
}

fn verify_rsa_sha256(key: &rsa::PublicKey, message: &[u8], bytes: &[u8]) -> bool {
    let verifier = pkcs1v15::VerifyingKey::<Sha256>::new(key.clone());
    pkcs1v15::Signature::try_from(bytes).is_ok_and(|signature| verifier.verify(message, &signature).is_ok())
}

/// What a token signs (PROTOCOL.u2f, "SSH U2F Signatures"): its application, flags and counter, and the message's hash.
fn token_message(application: &[u8], (flags, counter): (u8, u32), message: &[u8]) -> Result<Vec<u8>, SshFault> {
    const USER_PRESENT: u8 = 1;
    if flags & USER_PRESENT == 0 {
        return Err(SshFault::Unsupported("a token that nobody touched".into()));
    }
    let mut bytes = Sha256::digest(application).to_vec();
    bytes.push(flags);
    bytes.extend_from_slice(&counter.to_be_bytes());
    bytes.extend_from_slice(&Sha256::digest(message));
    Ok(bytes)
}
