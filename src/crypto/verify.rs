//! The only place where a [`VerifyingKey`] verifies a signature.

use ed25519_dalek as ed25519;
use rsa::signature::hazmat::PrehashVerifier;
use rsa::traits::PublicKeyParts as _;
use rsa::{pkcs1v15, pss};

use super::protocol::{Hash, Protocol, Scheme};
use super::public_key::{Material, VerifyingKey};

/// The reason why a signature does not verify under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The protocol does not accept this scheme from this kind of key, or such a key cannot use the scheme.
    Scheme,
    /// The signature is not encoded as the scheme requires.
    Form,
    /// The signature covers different bytes or was made with a different key.
    Mismatch,
}

impl VerifyingKey {
    /// Verifies `signature` on `message` with this key, if `protocol` accepts `scheme`.
    ///
    /// ECDSA signatures with a high `s` are accepted: they are valid under FIPS 186-5, and no decision uses a signature's bytes as an
    /// identifier. Dates, revocation and the identity of the key's holder are not checked.
    pub(crate) fn verify(
        &self,
        protocol: Protocol,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Refused> {
        match (scheme.hash(), &self.0) {
            (Some(hash), _) => self.verify_digest(protocol, scheme, &hash.digest(message), signature),
            (None, Material::Ed25519(key)) if protocol.accepts(self.kind(), scheme) => {
                let signature = ed25519::Signature::from_slice(signature).map_err(|_| Refused::Form)?;
                key.verify_strict(message, &signature).map_err(|_| Refused::Mismatch)
            }
            _ => Err(Refused::Scheme),
        }
    }

    /// Like [`Self::verify`], for a message of which only the scheme's hash is known. Ed25519 signatures cannot be verified in this way.
    pub(crate) fn verify_digest(
        &self,
        protocol: Protocol,
        scheme: Scheme,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Refused> {
        if !protocol.accepts(self.kind(), scheme) {
            return Err(Refused::Scheme);
        }
        match (&self.0, scheme) {
            (Material::Rsa(key), Scheme::RsaPkcs1(hash)) => match hash {
                Hash::Sha256 => pkcs1::<sha2::Sha256>(key, digest, signature),
                Hash::Sha384 => pkcs1::<sha2::Sha384>(key, digest, signature),
                Hash::Sha512 => pkcs1::<sha2::Sha512>(key, digest, signature),
            },
            (Material::Rsa(key), Scheme::RsaPss(hash, salt)) => match hash {
                Hash::Sha256 => probabilistic::<sha2::Sha256>(key, salt, digest, signature),
                Hash::Sha384 => probabilistic::<sha2::Sha384>(key, salt, digest, signature),
                Hash::Sha512 => probabilistic::<sha2::Sha512>(key, salt, digest, signature),
            },
            // The crate refuses a hash that is shorter than half the field's length; SHA-256 is longer than that.
            (Material::P256(key), Scheme::EcdsaDer(_)) => {
                matches(&**key, digest, p256::ecdsa::Signature::from_der(signature))
            }
            (Material::P384(key), Scheme::EcdsaDer(_)) => {
                matches(&**key, digest, p384::ecdsa::Signature::from_der(signature))
            }
            (Material::P256(key), Scheme::EcdsaFixed(_)) => {
                matches(&**key, digest, p256::ecdsa::Signature::from_slice(signature))
            }
            (Material::P384(key), Scheme::EcdsaFixed(_)) => {
                matches(&**key, digest, p384::ecdsa::Signature::from_slice(signature))
            }
            _ => Err(Refused::Scheme),
        }
    }
}

fn matches<S, E>(key: &impl PrehashVerifier<S>, digest: &[u8], signature: Result<S, E>) -> Result<(), Refused> {
    let signature = signature.map_err(|_| Refused::Form)?;
    key.verify_prehash(digest, &signature).map_err(|_| Refused::Mismatch)
}

/// An RSA signature is exactly as long as the modulus (RFC 8017, 8.2.2, step 1).
fn has_length(key: &rsa::PublicKey, signature: &[u8]) -> Result<(), Refused> {
    if signature.len() == key.size() { Ok(()) } else { Err(Refused::Form) }
}

fn pkcs1<D>(key: &rsa::PublicKey, digest: &[u8], signature: &[u8]) -> Result<(), Refused>
where
    D: sha2::Digest + spki::der::oid::AssociatedOid,
{
    has_length(key, signature)?;
    matches(&pkcs1v15::VerifyingKey::<D>::new(key.clone()), digest, pkcs1v15::Signature::try_from(signature))
}

fn probabilistic<D>(key: &rsa::PublicKey, salt: usize, digest: &[u8], signature: &[u8]) -> Result<(), Refused>
where
    D: sha2::Digest + sha2::digest::FixedOutputReset,
{
    has_length(key, signature)?;
    let verifier = pss::VerifyingKey::<D>::new_with_salt_len(key.clone(), salt);
    matches(&verifier, digest, pss::Signature::try_from(signature))
}
