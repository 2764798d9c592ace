//! Keys of the people who sign key records, statements and sign-offs: EC P-256 and Ed25519. These keys are separate from build server keys.

use base64ct::{Base64, Encoding};
use p256::ecdsa;
use p256::ecdsa::signature::Signer;
use pkcs8::{DecodePrivateKey, DecodePublicKey, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, pkcs5, pkcs5::pbes2};
use spki::der::pem::{self, LineEnding, PemLabel};
use zeroize::Zeroizing;

use super::ssh::wire::Reader;
use super::{Protocol, VerifyingKey};
use crate::base::digest::Sha256;

/// A person's public key.
#[derive(Debug, Clone)]
pub struct PersonKey {
    key: VerifyingKey,
    fingerprint: Sha256,
}

/// A person's private key. The key's memory is wiped on drop.
pub struct PersonSecret(SecretMaterial);

enum SecretMaterial {
    P256(Box<ecdsa::SigningKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl PersonKey {
    /// Reads a SubjectPublicKeyInfo in PEM (RFC 5280, RFC 8410).
    ///
    /// # Errors
    /// A description of the fault.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "not PEM".to_owned())?;
        if let Ok(key) = p256::PublicKey::from_public_key_pem(text) {
            return Self::of(ecdsa::VerifyingKey::from(key).into());
        }
        let key = ed25519_dalek::VerifyingKey::from_public_key_pem(text);
        Self::of(key.map_err(|_| "expected BEGIN PUBLIC KEY with a P-256 or Ed25519 key".to_owned())?.into())
    }

    /// Reads one line of an OpenSSH public key (RFC 4253, 6.6; RFC 5656; RFC 8709): `ssh-ed25519` or `ecdsa-sha2-nistp256`.
    ///
    /// # Errors
    /// A description of the fault. Keys of other kinds, including RSA and hardware keys, cannot sign key records.
    pub fn from_ssh(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(encoded)) = (words.next(), words.next()) else {
            return Err("expected a key kind and base64".into());
        };
        let blob = Base64::decode_vec(encoded).map_err(|_| "its second field is not base64".to_owned())?;
        let mut fields = Reader::new(&blob);
        let malformed = || "its encoded fields do not match the kind of key".to_owned();
        if fields.string() != Some(kind.as_bytes()) {
            return Err(malformed());
        }
        let key = match kind {
            "ssh-ed25519" => {
                VerifyingKey::from_ed25519(fields.string().ok_or_else(malformed)?).map_err(|_| malformed())?
            }
            "ecdsa-sha2-nistp256" => {
                let curve = fields.string();
                let point = fields.string().filter(|_| curve == Some(b"nistp256")).ok_or_else(malformed)?;
                VerifyingKey::from_p256_point(point).map_err(|_| malformed())?
            }
            other => {
                return Err(format!(
                    "keys of the kind {other} cannot sign key records; ssh-ed25519 and ecdsa-sha2-nistp256 can"
                ));
            }
        };
        if fields.is_empty() { Self::of(key) } else { Err(malformed()) }
    }

    fn of(key: VerifyingKey) -> Result<Self, String> {
        let fingerprint = Sha256::of(&key.spki()?);
        Ok(Self { key, fingerprint })
    }

    /// SHA-256 of the SubjectPublicKeyInfo in DER, regardless of the form in which the key was read.
    pub fn fingerprint(&self) -> Sha256 {
        self.fingerprint
    }

    /// The SubjectPublicKeyInfo in PEM.
    ///
    /// # Errors
    /// A description of the fault.
    pub fn to_pem(&self) -> Result<String, String> {
        let pem = pem::encode_string("PUBLIC KEY", LineEnding::LF, &self.key.spki()?);
        pem.map_err(|error| error.to_string())
    }

    /// Whether `signature` over `message` is by this key. ECDSA signatures are in DER (RFC 3279, 2.2.3) with SHA-256; Ed25519 signatures have 64
    /// bytes and are verified strictly (RFC 8032, without the cofactor).
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let scheme = self.key.kind().usual_scheme();
        self.key.verify(Protocol::Person, scheme, message, signature).is_ok()
    }
}

impl std::fmt::Debug for PersonSecret {
    /// The output never contains the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonSecret")
    }
}

impl PersonSecret {
    /// Reads a private key in PKCS#8 PEM (RFC 5958), without a passphrase.
    ///
    /// # Errors
    /// A description of the fault that contains no part of the key.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        let expected = "expected BEGIN PRIVATE KEY (PKCS#8) with a P-256 or Ed25519 key";
        let (label, der) = pem_of(text).ok_or(expected)?;
        match label {
            PrivateKeyInfoRef::PEM_LABEL => Self::from_der(&der).ok_or_else(|| expected.to_owned()),
            EncryptedPrivateKeyInfoRef::PEM_LABEL => Err("the key has a passphrase".into()),
            _ => Err(expected.into()),
        }
    }

    /// Whether the text is a passphrase-protected PKCS#8 key in PEM, which [`PersonSecret::from_encrypted_pem`] reads.
    pub fn needs_passphrase(text: &[u8]) -> bool {
        pem_of(text).is_some_and(|(label, _)| label == EncryptedPrivateKeyInfoRef::PEM_LABEL)
    }

    /// Reads an encrypted private key in PKCS#8 PEM: PBES2 with PBKDF2 or scrypt and AES in CBC mode (RFC 8018, RFC 7914), as `openssl genpkey
    /// -aes256` writes it.
    ///
    /// # Errors
    /// A description of the fault that contains no part of the key: a wrong passphrase, unsupported encryption, a key derivation
    /// above the limits, or an unsupported kind of key.
    pub fn from_encrypted_pem(text: &[u8], passphrase: &[u8]) -> Result<Self, String> {
        let (_, der) = pem_of(text).ok_or("not PEM")?;
        let other =
            "the key's encryption is not supported; expected PBES2 with AES: openssl pkcs8 -topk8 -v2 aes-256-cbc";
        let locked = EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| other)?;
        let kdf = &locked.encryption_algorithm.pbes2().ok_or(other)?.kdf;
        if !is_affordable(kdf) {
            return Err(
                "deriving the key from its passphrase takes too much work; encrypt the key again: openssl pkcs8 -topk8"
                    .into(),
            );
        }
        let opened = locked.decrypt(passphrase).map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed) => "the passphrase does not decrypt the key",
            _ => other,
        })?;
        Self::from_der(opened.as_bytes()).ok_or_else(|| "expected a P-256 or Ed25519 key".into())
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
            return Some(Self(SecretMaterial::P256(Box::new(ecdsa::SigningKey::from(key)))));
        }
        let key = ed25519_dalek::SigningKey::from_pkcs8_der(der).ok()?;
        Some(Self(SecretMaterial::Ed25519(Box::new(key))))
    }

    /// Signs `message`, in the form that [`PersonKey::verifies`] expects. Signatures are deterministic (RFC 6979, RFC 8032).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.0 {
            SecretMaterial::P256(key) => {
                let signature: ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            SecretMaterial::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }

    /// The corresponding public key.
    ///
    /// # Errors
    /// A description of the fault.
    pub fn public(&self) -> Result<PersonKey, String> {
        match &self.0 {
            SecretMaterial::P256(key) => PersonKey::of((*key.verifying_key()).into()),
            SecretMaterial::Ed25519(key) => PersonKey::of(key.verifying_key().into()),
        }
    }
}

/// The maximum number of PBKDF2 iterations; `openssl` uses 2,048 by default, and recommendations are about a million.
const ITERATIONS: u32 = 5_000_000;
/// The maximum work of scrypt, in bytes, which is the product of 128, N, r and p (RFC 7914, section 5); `openssl` needs 16 MiB by default. This limit
/// also bounds the memory.
const SCRYPT_BYTES: u64 = 512 << 20;

/// Whether the key derivation is within these limits. A damaged key file may demand any amount of time and memory.
fn is_affordable(kdf: &pbes2::Kdf) -> bool {
    match kdf {
        pbes2::Kdf::Pbkdf2(parameters) => parameters.iteration_count <= ITERATIONS,
        pbes2::Kdf::Scrypt(parameters) => {
            let factors = [parameters.cost_parameter, parameters.block_size.into(), parameters.parallelization.into()];
            factors.into_iter().fold(128, u64::saturating_mul) <= SCRYPT_BYTES
        }
        // New functions are refused until they have a limit.
        _ => false,
    }
}

/// The label of a PEM text and its decoded bytes, which are wiped on drop.
fn pem_of(text: &[u8]) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let (label, der) = pem::decode_vec(text).ok()?;
    Some((label, Zeroizing::new(der)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This key was made with `ssh-keygen -t ed25519`.
    const SSH_ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINeHGjnFsUqo14NRXPAlMX0MWX7ArzSS1iH/wYX34Y/u ada";

    /// These keys were made with `openssl pkcs8 -topk8` (`-iter`, `-scrypt`); then the iterations were set to 8,388,607, and scrypt's r and p to 127.
    const COSTLY: [&str; 2] = [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
         MIGcMFgGCSqGSIb3DQEFDTBLMCoGCSqGSIb3DQEFDDAdBAgf/bpJmbkfkQIDf///\n\
         MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBCFvP/muoVsoClYBooXeNmVBED9\n\
         5B7tlDavAyyQj/JWsPPFWpytaJvuPrnQsoa3qpGeL5q737CoAAYImjgfUn3exc/5\n\
         Mi80cxaibXc/c9J/TFIP\n\
         -----END ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
         MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAgaC9zQl8uT3AICQAAC\n\
         AX8CAX8wHQYJYIZIAWUDBAEqBBDd8YIulYL6H9BSOxZZfypjBED8EAxhFah3Y/wD\n\
         ZS6PaG8EXZLMA1+Zthec9B9H9ESoGS9Q+tjBH0T5OQaawIJJ2u+e/pQZ1FfT3n12\n\
         i3xcDJIR\n\
         -----END ENCRYPTED PRIVATE KEY-----",
    ];

    #[test]
    fn costly_key_derivations_are_refused() {
        for text in COSTLY {
            assert!(PersonSecret::needs_passphrase(text.as_bytes()));
            let error = PersonSecret::from_encrypted_pem(text.as_bytes(), b"x").unwrap_err();
            assert!(error.contains("too much work"), "{error}");
        }
    }

    #[test]
    fn ssh_and_pem_forms_of_one_key_have_the_same_fingerprint() {
        let ssh = PersonKey::from_ssh(SSH_ED25519).unwrap();
        let raw = Base64::decode_vec(SSH_ED25519.split(' ').nth(1).unwrap()).unwrap();
        // RFC 8410: the fixed prefix of an Ed25519 SubjectPublicKeyInfo, then the 32 bytes.
        let head = crate::base::digest::decode_hex(b"302a300506032b6570032100").unwrap();
        let spki = [head, raw[raw.len() - 32..].to_vec()].concat();
        assert_eq!(ssh.fingerprint(), Sha256::of(&spki));
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", Base64::encode_string(&spki));
        assert_eq!(PersonKey::from_pem(pem.as_bytes()).unwrap().fingerprint(), ssh.fingerprint());
    }

    #[test]
    fn malformed_or_unsupported_key_lines_are_refused() {
        let encoded = SSH_ED25519.split(' ').nth(1).unwrap();
        for bad in [
            String::new(),
            "ssh-ed25519".into(),
            "ssh-ed25519 !!!!".into(),
            format!("ssh-rsa {encoded}"),
            format!("ecdsa-sha2-nistp256 {encoded}"),
            format!("ssh-ed25519 {}", &encoded[..60]),
            format!("ssh-ed25519 {}AAAA", encoded),
            "ssh-rsa AAAAB3NzaC1yc2E=".into(),
        ] {
            assert!(PersonKey::from_ssh(&bad).is_err(), "{bad}");
        }
    }
}
