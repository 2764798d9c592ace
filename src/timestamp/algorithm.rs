//! Hashes and signatures of time-stamps and their certificates: SHA-256, -384, -512; RSA PKCS#1 v1.5 of 2048 to 8192 bits, ECDSA on P-256
//! and P-384. What is not in this list is refused by name.

use der::Encode as _;
use der::asn1::ObjectIdentifier;
use rsa::pkcs1v15;
use rsa::signature::hazmat::PrehashVerifier as _;
use rsa::traits::PublicKeyParts as _;
use sha2::Digest as _;
use spki::{AlgorithmIdentifierOwned, DecodePublicKey as _, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};

pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// Signature algorithms that name their hash (RFC 4055, RFC 5758).
const SIGNATURES: [(ObjectIdentifier, Family, Hash); 6] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Family::Rsa, Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), Family::Rsa, Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), Family::Rsa, Hash::Sha512),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Family::Ec, Hash::Sha256),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), Family::Ec, Hash::Sha384),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), Family::Ec, Hash::Sha512),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    Ec,
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash that an identifier names; parameters are absent or NULL (RFC 5754, 2).
    pub(super) fn of(algorithm: &AlgorithmIdentifierOwned) -> Result<Self, String> {
        if algorithm.parameters.as_ref().is_some_and(|any| !any.is_null()) {
            return Err(format!("the hash {} has parameters", algorithm.oid));
        }
        match algorithm.oid {
            SHA_256 => Ok(Self::Sha256),
            SHA_384 => Ok(Self::Sha384),
            SHA_512 => Ok(Self::Sha512),
            other => Err(format!("expected SHA-256, SHA-384 or SHA-512, found the hash {other}")),
        }
    }

    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        }
    }
}

/// Verifies a signature over `message`. `hash` is what stands beside the signature, where something does (CMS): an algorithm that names
/// another one is refused.
pub(super) fn verify(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    hash: Option<Hash>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    let named = SIGNATURES.iter().find(|(oid, ..)| *oid == algorithm.oid).map(|(_, family, hash)| (*family, *hash));
    let (family, hash) = match (named, hash) {
        (Some((_, named)), Some(beside)) if named != beside => return Err("it names two hashes".into()),
        (Some(named), _) => named,
        // CMS may name the key's algorithm alone (RFC 3370, 3.2).
        (None, Some(beside)) if algorithm.oid == rsa::pkcs1::ALGORITHM_OID => (Family::Rsa, beside),
        _ => return Err(format!("the algorithm {} is not supported", algorithm.oid)),
    };
    let der = key.to_der().map_err(|error| error.to_string())?;
    let digest = hash.digest(message);
    let accepted = match (family, key.algorithm.oid) {
        (Family::Rsa, rsa::pkcs1::ALGORITHM_OID) => rsa_accepts(&der, hash, &digest, signature)?,
        (Family::Ec, p256::elliptic_curve::ALGORITHM_OID) => ec_accepts(&der, &digest, signature)?,
        (_, other) => return Err(format!("a key of the kind {other} does not go with it")),
    };
    if accepted { Ok(()) } else { Err("the key does not accept it".into()) }
}

fn rsa_accepts(der: &[u8], hash: Hash, digest: &[u8], signature: &[u8]) -> Result<bool, String> {
    let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|error| error.to_string())?;
    let key = crate::key::read_rsa(&info, der)?;
    let Ok(parsed) = pkcs1v15::Signature::try_from(signature) else { return Ok(false) };
    let verified = match hash {
        Hash::Sha256 => pkcs1v15::VerifyingKey::<sha2::Sha256>::new(key.clone()).verify_prehash(digest, &parsed),
        Hash::Sha384 => pkcs1v15::VerifyingKey::<sha2::Sha384>::new(key.clone()).verify_prehash(digest, &parsed),
        Hash::Sha512 => pkcs1v15::VerifyingKey::<sha2::Sha512>::new(key.clone()).verify_prehash(digest, &parsed),
    };
    Ok(signature.len() == key.size() && verified.is_ok())
}

fn ec_accepts(der: &[u8], digest: &[u8], signature: &[u8]) -> Result<bool, String> {
    if let Ok(key) = p256::PublicKey::from_public_key_der(der) {
        let key = p256::ecdsa::VerifyingKey::from(key);
        let signature = p256::ecdsa::Signature::from_der(signature);
        return Ok(signature.is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()));
    }
    let key = p384::PublicKey::from_public_key_der(der);
    let key = key.map_err(|_| "an EC key of another curve than P-256 and P-384".to_owned())?;
    let key = p384::ecdsa::VerifyingKey::from(key);
    // P-384 with a shorter hash is refused by the library below half of the field: SHA-256 is above.
    let signature = p384::ecdsa::Signature::from_der(signature);
    Ok(signature.is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()))
}
