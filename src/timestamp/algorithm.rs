//! Hashes and signatures of time-stamps and their certificates: SHA-256, -384, -512; RSA of 2048 to 8192 bits by PKCS#1 v1.5 and PSS, ECDSA on
//! P-256 and P-384. What is not in this list is refused by name. SHA-1 only names certificates.

use std::fmt;

use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use gix_hash::{Kind as HashKind, hasher};
use rsa::pkcs1::RsaPssParams;
use rsa::signature::hazmat::PrehashVerifier as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{pkcs1v15, pss};
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

const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    /// With so many bytes of salt.
    RsaPss(usize),
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

/// SHA-1 with the detection of collision attacks. It names a certificate that other things name too (RFC 5816, 2.2.1), and is trusted no further.
pub(super) fn sha1(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut sha1 = hasher(HashKind::Sha1);
    sha1.update(bytes);
    let digest = sha1.try_finalize().map_err(|_| "a certificate made by a SHA-1 collision attack".to_owned())?;
    Ok(digest.as_bytes().to_vec())
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// Is it the key's signature over `message`? `hash` is what stands beside the signature, where something does (CMS): an algorithm that names
/// another one is refused.
///
/// # Errors
/// In words, for algorithms and keys that are not supported. They say nothing of the signature.
pub(super) fn verify(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    hash: Option<Hash>,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, String> {
    let (family, hash) = scheme(algorithm, hash)?;
    let der = key.to_der().map_err(|error| error.to_string())?;
    let digest = hash.digest(message);
    match (family, key.algorithm.oid) {
        (Family::Rsa, rsa::pkcs1::ALGORITHM_OID) => rsa_accepts(&der, hash, &digest, signature),
        (Family::RsaPss(salt), rsa::pkcs1::ALGORITHM_OID) => pss_accepts(&der, hash, salt, &digest, signature),
        (Family::Ec, p256::elliptic_curve::ALGORITHM_OID) => ec_accepts(key, &der, &digest, signature),
        (_, other) => Err(format!("a key of the kind {other} does not go with the algorithm {}", algorithm.oid)),
    }
}

fn scheme(algorithm: &AlgorithmIdentifierOwned, beside: Option<Hash>) -> Result<(Family, Hash), String> {
    let named = match SIGNATURES.iter().find(|(oid, ..)| *oid == algorithm.oid) {
        Some((_, family, hash)) => Some((*family, *hash)),
        None if algorithm.oid == RSASSA_PSS => Some(pss_scheme(algorithm)?),
        None => None,
    };
    match (named, beside) {
        (Some((_, named)), Some(beside)) if named != beside => Err("it names two hashes".into()),
        (Some(named), _) => Ok(named),
        // CMS may name the key's algorithm alone (RFC 3370, 3.2).
        (None, Some(beside)) if algorithm.oid == rsa::pkcs1::ALGORITHM_OID => Ok((Family::Rsa, beside)),
        _ => Err(format!("the algorithm {} is not supported", algorithm.oid)),
    }
}

/// RSASSA-PSS (RFC 4055, 3.1) with one hash for message and mask.
fn pss_scheme(algorithm: &AlgorithmIdentifierOwned) -> Result<(Family, Hash), String> {
    let der = algorithm.parameters.to_der().map_err(|error| error.to_string())?;
    let parameters = RsaPssParams::<Any>::from_der(&der);
    let parameters = parameters.map_err(|error| format!("the parameters of RSASSA-PSS are malformed: {error}"))?;
    let hash_of = |algorithm: &_| Hash::of(algorithm).map_err(|fault| format!("RSASSA-PSS: {fault}"));
    let hash = hash_of(&parameters.hash)?;
    let mask = parameters.mask_gen.parameters.as_ref().map(hash_of).transpose()?;
    if parameters.mask_gen.oid != MGF1 || mask != Some(hash) {
        return Err("RSASSA-PSS with another mask than MGF1 by its own hash is not supported".into());
    }
    Ok((Family::RsaPss(parameters.salt_len.into()), hash))
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

fn pss_accepts(der: &[u8], hash: Hash, salt: usize, digest: &[u8], signature: &[u8]) -> Result<bool, String> {
    let info = SubjectPublicKeyInfoRef::try_from(der).map_err(|error| error.to_string())?;
    let key = crate::key::read_rsa(&info, der)?;
    let size = key.size();
    let Ok(parsed) = pss::Signature::try_from(signature) else { return Ok(false) };
    let verified = match hash {
        Hash::Sha256 => pss::VerifyingKey::<sha2::Sha256>::new_with_salt_len(key, salt).verify_prehash(digest, &parsed),
        Hash::Sha384 => pss::VerifyingKey::<sha2::Sha384>::new_with_salt_len(key, salt).verify_prehash(digest, &parsed),
        Hash::Sha512 => pss::VerifyingKey::<sha2::Sha512>::new_with_salt_len(key, salt).verify_prehash(digest, &parsed),
    };
    Ok(signature.len() == size && verified.is_ok())
}

fn ec_accepts(info: &SubjectPublicKeyInfoOwned, der: &[u8], digest: &[u8], signature: &[u8]) -> Result<bool, String> {
    if info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok()) == Some(P521) {
        return Err("EC keys on P-521 are not supported; P-256 and P-384 are".into());
    }
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
