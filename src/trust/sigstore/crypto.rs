//! The cryptography that sigstore's verifier asks for: the program's own crates, no C.
//!
//! Keys come as the bits of a SubjectPublicKeyInfo. ML-DSA is not supported: such a signature is never good.

use ed25519_dalek as ed25519;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts as _;
use rsa::{pkcs1v15, pss};
use sha2::Digest as _;
use sigstore_verify::crypto::{CryptoProvider, Error, HashContext, Result, SigningScheme, install_default_provider};
use sigstore_verify::types::HashAlgorithm;

/// The verifier keeps its cryptography in one place for the whole process; there is only this one to be put there.
pub(super) fn install() {
    // An error says that it is there already.
    let _ = install_default_provider(&RustCrypto);
}

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
        let bytes = key.try_into().map_err(|_| invalid_key("an Ed25519 key has 32 bytes"))?;
        let key = ed25519::VerifyingKey::from_bytes(bytes).map_err(|_| invalid_key("not a point of Ed25519"))?;
        let signature = ed25519::Signature::from_slice(signature).map_err(|_| no_match())?;
        key.verify_strict(data, &signature).map_err(|_| no_match())
    }

    fn verify_prehashed(&self, scheme: SigningScheme, key: &[u8], digest: &[u8], signature: &[u8]) -> Result<()> {
        use SigningScheme as Scheme;
        match scheme {
            Scheme::EcdsaP256Sha256 | Scheme::EcdsaP256Sha384 => {
                let key =
                    p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| invalid_key("no point of P-256"))?;
                matches(&key, digest, p256::ecdsa::Signature::from_der(signature))
            }
            Scheme::EcdsaP384Sha256 | Scheme::EcdsaP384Sha384 => {
                let key =
                    p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| invalid_key("no point of P-384"))?;
                matches(&key, digest, p384::ecdsa::Signature::from_der(signature))
            }
            Scheme::RsaPkcs1Sha256 => pkcs1::<sha2::Sha256>(key, digest, signature),
            Scheme::RsaPkcs1Sha384 => pkcs1::<sha2::Sha384>(key, digest, signature),
            Scheme::RsaPkcs1Sha512 => pkcs1::<sha2::Sha512>(key, digest, signature),
            Scheme::RsaPssSha256 => probabilistic::<sha2::Sha256>(key, digest, signature),
            Scheme::RsaPssSha384 => probabilistic::<sha2::Sha384>(key, digest, signature),
            Scheme::RsaPssSha512 => probabilistic::<sha2::Sha512>(key, digest, signature),
            _ => Err(Error::UnsupportedAlgorithm(scheme.name().to_owned())),
        }
    }
}

fn matches<S, E>(key: &impl PrehashVerifier<S>, digest: &[u8], signature: std::result::Result<S, E>) -> Result<()> {
    let signature = signature.map_err(|_| no_match())?;
    key.verify_prehash(digest, &signature).map_err(|_| no_match())
}

fn pkcs1<D>(key: &[u8], digest: &[u8], signature: &[u8]) -> Result<()>
where
    D: sha2::Digest + spki::der::oid::AssociatedOid,
{
    let key = rsa_key(key, signature)?;
    matches(&pkcs1v15::VerifyingKey::<D>::new(key), digest, pkcs1v15::Signature::try_from(signature))
}

fn probabilistic<D>(key: &[u8], digest: &[u8], signature: &[u8]) -> Result<()>
where
    D: sha2::Digest + sha2::digest::FixedOutputReset,
{
    let key = rsa_key(key, signature)?;
    matches(&pss::VerifyingKey::<D>::new(key), digest, pss::Signature::try_from(signature))
}

/// A key that is as strong as other signers' must be, and whose signatures have the length of its modulus, as this one must have. The
/// verifier leaves the strength of a signer's key to its provider.
fn rsa_key(key: &[u8], signature: &[u8]) -> Result<rsa::PublicKey> {
    crate::key::check_rsa(key).map_err(|message| invalid_key(&message))?;
    let key = rsa::PublicKey::from_pkcs1_der(key).map_err(|_| invalid_key("not a usable RSA public key"))?;
    if signature.len() == key.size() { Ok(key) } else { Err(no_match()) }
}

fn invalid_key(message: &str) -> Error {
    Error::InvalidKey(message.to_owned())
}

fn no_match() -> Error {
    Error::Verification("it does not match the key".to_owned())
}
