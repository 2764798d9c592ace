//! The cryptography for sigstore's verifier, from the same crates as the rest of this program, without C code.
//!
//! Keys are passed as the key bits of a SubjectPublicKeyInfo. ML-DSA is not supported: its signatures are never
//! accepted.

use sha2::Digest as _;
use sigstore_verify::crypto::{CryptoProvider, Error, HashContext, Result, SigningScheme, install_default_provider};
use sigstore_verify::types::HashAlgorithm;

use crate::crypto::{Hash, Protocol, Scheme, VerifyingKey};

/// Installs the provider. The verifier has one provider for the whole process, and this program uses only the one defined here.
pub(super) fn install() {
    // An error means that the provider is already installed.
    let _ = install_default_provider(&RustCrypto);
}

/// Reads a key from the key bits of a SubjectPublicKeyInfo.
type ReadKey = fn(&[u8]) -> std::result::Result<VerifyingKey, String>;

#[derive(Debug)]
pub(super) struct RustCrypto;

struct Hasher<D>(D);

impl<D: sha2::Digest + Send> HashContext for Hasher<D> {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

impl CryptoProvider for RustCrypto {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>> {
        match algorithm {
            HashAlgorithm::Sha2256 => Ok(Box::new(Hasher(sha2::Sha256::new()))),
            HashAlgorithm::Sha2384 => Ok(Box::new(Hasher(sha2::Sha384::new()))),
            HashAlgorithm::Sha2512 => Ok(Box::new(Hasher(sha2::Sha512::new()))),
            other => Err(Error::UnsupportedAlgorithm(format!("the hash {other}"))),
        }
    }

    fn verify_raw(&self, scheme: SigningScheme, key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
        if let Some(algorithm) = scheme.hash_algorithm() {
            let mut hasher = self.hash(algorithm)?;
            hasher.update(data);
            return self.verify_prehashed(scheme, key, &hasher.finalize(), signature);
        }
        if scheme != SigningScheme::Ed25519 {
            return Err(Error::UnsupportedAlgorithm(scheme.name().to_owned()));
        }
        if key.len() != 32 {
            return Err(invalid_key("an Ed25519 key has 32 bytes"));
        }
        let key = VerifyingKey::from_ed25519(key).map_err(|message| invalid_key(&message))?;
        key.verify(Protocol::Sigstore, Scheme::Ed25519, data, signature).map_err(|_| no_match())
    }

    fn verify_prehashed(&self, scheme: SigningScheme, key: &[u8], digest: &[u8], signature: &[u8]) -> Result<()> {
        use SigningScheme as Theirs;
        let (read, scheme): (ReadKey, _) = match scheme {
            Theirs::EcdsaP256Sha256 => (VerifyingKey::from_p256_point, Scheme::EcdsaDer(Hash::Sha256)),
            Theirs::EcdsaP256Sha384 => (VerifyingKey::from_p256_point, Scheme::EcdsaDer(Hash::Sha384)),
            Theirs::EcdsaP384Sha256 => (VerifyingKey::from_p384_point, Scheme::EcdsaDer(Hash::Sha256)),
            Theirs::EcdsaP384Sha384 => (VerifyingKey::from_p384_point, Scheme::EcdsaDer(Hash::Sha384)),
            Theirs::RsaPkcs1Sha256 => (VerifyingKey::from_pkcs1, Scheme::RsaPkcs1(Hash::Sha256)),
            Theirs::RsaPkcs1Sha384 => (VerifyingKey::from_pkcs1, Scheme::RsaPkcs1(Hash::Sha384)),
            Theirs::RsaPkcs1Sha512 => (VerifyingKey::from_pkcs1, Scheme::RsaPkcs1(Hash::Sha512)),
            Theirs::RsaPssSha256 => (VerifyingKey::from_pkcs1, Scheme::RsaPss(Hash::Sha256, 32)),
            Theirs::RsaPssSha384 => (VerifyingKey::from_pkcs1, Scheme::RsaPss(Hash::Sha384, 48)),
            Theirs::RsaPssSha512 => (VerifyingKey::from_pkcs1, Scheme::RsaPss(Hash::Sha512, 64)),
            _ => return Err(Error::UnsupportedAlgorithm(scheme.name().to_owned())),
        };
        let key = read(key).map_err(|message| invalid_key(&message))?;
        key.verify_digest(Protocol::Sigstore, scheme, digest, signature).map_err(|_| no_match())
    }
}

fn invalid_key(message: &str) -> Error {
    Error::InvalidKey(message.to_owned())
}

fn no_match() -> Error {
    Error::Verification("the signature does not match the key".to_owned())
}
