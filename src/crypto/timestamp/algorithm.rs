//! Hashes and signatures in time-stamps and their certificates: SHA-256, -384 and -512; RSA of 2048 to 8192 bits with PKCS#1 v1.5 or PSS; ECDSA on
//! P-256 and P-384. Any other algorithm is refused. SHA-1 is used only to identify certificates.

use der::asn1::{Any, ObjectIdentifier};
use der::{Decode as _, Encode as _};
use gix_hash::{Kind as HashKind, hasher};
use rsa::pkcs1::RsaPssParams;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::crypto::{Hash, Protocol, Scheme, VerifyingKey, signature_scheme};

pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The hash for an algorithm identifier, whose parameters must be absent or NULL (RFC 5754, 2).
pub(super) fn hash_of(algorithm: &AlgorithmIdentifierOwned) -> Result<Hash, String> {
    if algorithm.parameters.as_ref().is_some_and(|any| !any.is_null()) {
        return Err(format!("the hash {} has parameters", algorithm.oid));
    }
    match algorithm.oid {
        SHA_256 => Ok(Hash::Sha256),
        SHA_384 => Ok(Hash::Sha384),
        SHA_512 => Ok(Hash::Sha512),
        other => Err(format!("expected SHA-256, SHA-384 or SHA-512, found the hash {other}")),
    }
}

/// SHA-1 with detection of collision attacks. SHA-1 is used only for a certificate that is also identified in another way (RFC 5816, 2.2.1).
pub(super) fn sha1(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut sha1 = hasher(HashKind::Sha1);
    sha1.update(bytes);
    let digest = sha1.try_finalize().map_err(|_| "a certificate made by a SHA-1 collision attack".to_owned())?;
    Ok(digest.as_bytes().to_vec())
}

/// Whether the key made the signature over `message`. `hash` is the hash stated next to the signature, if any (CMS); an algorithm with a different
/// hash is refused.
///
/// # Errors
/// A description of the fault for an unsupported algorithm or key; in that case, the signature was not checked.
pub(super) fn verify(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    hash: Option<Hash>,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, String> {
    let scheme = scheme(algorithm, hash)?;
    let goes_with = match scheme {
        Scheme::RsaPkcs1(_) | Scheme::RsaPss(..) => rsa::pkcs1::ALGORITHM_OID,
        _ => p256::elliptic_curve::ALGORITHM_OID,
    };
    let AlgorithmIdentifierOwned { oid, parameters } = &key.algorithm;
    if *oid != goes_with {
        return Err(format!("a key of the kind {oid} does not match the algorithm {}", algorithm.oid));
    }
    let curve = parameters.as_ref().and_then(|curve| curve.decode_as().ok());
    if matches!(scheme, Scheme::EcdsaDer(_)) && curve == Some(P521) {
        return Err("EC keys on P-521 are not supported; P-256 and P-384 are".into());
    }
    let key = VerifyingKey::from_spki(&key.to_der().map_err(|error| error.to_string())?)?;
    Ok(key.verify(Protocol::TimeStamp, scheme, message, signature).is_ok())
}

fn scheme(algorithm: &AlgorithmIdentifierOwned, beside: Option<Hash>) -> Result<Scheme, String> {
    let named = match signature_scheme(algorithm.oid) {
        None if algorithm.oid == RSASSA_PSS => Some(pss_scheme(algorithm)?),
        named => named,
    };
    match (named, beside) {
        (Some(named), Some(beside)) if named.hash() != Some(beside) => Err("it specifies two different hashes".into()),
        (Some(named), _) => Ok(named),
        // In CMS, the identifier may specify only the key's algorithm, without a hash (RFC 3370, 3.2).
        (None, Some(beside)) if algorithm.oid == rsa::pkcs1::ALGORITHM_OID => Ok(Scheme::RsaPkcs1(beside)),
        _ => Err(format!("the algorithm {} is not supported", algorithm.oid)),
    }
}

/// RSASSA-PSS (RFC 4055, 3.1) with the same hash for message and mask.
fn pss_scheme(algorithm: &AlgorithmIdentifierOwned) -> Result<Scheme, String> {
    let der = algorithm.parameters.to_der().map_err(|error| error.to_string())?;
    let parameters = RsaPssParams::<Any>::from_der(&der);
    let parameters = parameters.map_err(|error| format!("the parameters of RSASSA-PSS are malformed: {error}"))?;
    let read = |algorithm: &_| hash_of(algorithm).map_err(|fault| format!("RSASSA-PSS: {fault}"));
    let hash = read(&parameters.hash)?;
    let mask = parameters.mask_gen.parameters.as_ref().map(read).transpose()?;
    if parameters.mask_gen.oid != MGF1 || mask != Some(hash) {
        return Err("RSASSA-PSS is supported only with an MGF1 mask that uses the message's hash".into());
    }
    Ok(Scheme::RsaPss(hash, parameters.salt_len.into()))
}
