//! OpenPGP signatures (RFC 9580, RFC 4880). rPGP only reads packets and verifies one signature with one key at a time.
//!
//! Rules: the signer is identified by the fingerprint of the *primary* key, even if a subkey signed. A key's flags and expiry time are those of its
//! newest valid self-signature or binding. Expiry and revocation are evaluated at the signing time that the signer states; a revocation that may mean
//! that someone else has the key counts regardless of the time at which it was made. The signature's own expiry is evaluated at the time of the
//! audit. The following are refused: hashes weaker than SHA-256, such as SHA-1 and MD5; RSA keys of fewer than 2048 bits; DSA; signatures of versions
//! other than 4 and 6; and critical subpackets that are not recognised. The first two octets of the hash, which a version 4 signature repeats, are
//! ignored, as in GnuPG.
//!
//! A revocation counts even if it cannot be verified here, for example if a designated revoker made it or rPGP cannot read its form.
//!
//! User ids, their certifications and the web of trust are ignored: the policy states who owns each key.

mod certificate;
mod message;

pub(crate) use self::certificate::Certificate;
pub(crate) use self::message::{read_detached, read_message};

use pgp::crypto::hash::HashAlgorithm;
use pgp::errors::Error as PgpError;
use pgp::packet::{Signature, SignatureConfig, SignatureType, SignatureVersion, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, PublicParams, VerifyingKey};

use crate::base::time::Timestamp;

/// A signature whose key was valid at the time of signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    /// When the signature was made, according to the signer's clock.
    pub(crate) created: Timestamp,
    /// Expiry times, each with a description of what expires.
    pub(crate) expiries: Vec<(String, Timestamp)>,
}

/// The reason why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The signature identifies a different key.
    OtherKey,
    /// The signature is wrong, or its key was not valid for this signature.
    Refused(String),
    /// The signature's key, hash or format is not supported, so the signature was not verified.
    Unsupported(String),
}

fn refused<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(message.into()))
}

fn unsupported<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Unsupported(message.into()))
}

fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|known| format!("{known:x}"));
    let id = || signature.issuer_key_id().first().map(ToString::to_string);
    fingerprint.or_else(id).unwrap_or_else(|| "it names none".into())
}

/// Verifies one signature over `data` by one certificate.
fn verify(signature: &Signature, data: &[u8], certificate: &Certificate, now: Timestamp) -> Result<Signed, Fault> {
    let primary = certificate.primary();
    let by_primary = names(signature, primary);
    let subkey = certificate.subkeys().iter().find(|subkey| names(signature, &subkey.key));
    if !by_primary && subkey.is_none() {
        return Err(Fault::OtherKey);
    }
    let created = check_signature(signature, now)?;
    let mut expiries = certificate.check_primary(created)?;
    match subkey.filter(|_| !by_primary) {
        None => {
            verify_by(signature, primary, data)?;
            certificate.check_primary_signs()?;
        }
        Some(subkey) => {
            verify_by(signature, &subkey.key, data)?;
            expiries.extend(certificate.check_subkey(subkey, created)?);
        }
    }
    if let Some(seconds) = signature.signature_expiration_time().filter(|time| time.as_secs() != 0) {
        let end = created.plus_seconds(i64::from(seconds.as_secs()));
        if end <= now {
            return refused(format!("the signature expired at {end}"));
        }
        expiries.push(("the signature".into(), end));
    }
    Ok(Signed { created, expiries })
}

/// Checks that need no key. Returns the time that the signature states.
fn check_signature(signature: &Signature, now: Timestamp) -> Result<Timestamp, Fault> {
    if !matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) {
        return refused(format!("signatures of version {:?} are not accepted", signature.version()));
    }
    if signature.typ() != Some(SignatureType::Binary) {
        return refused("the signature does not cover a binary document");
    }
    use HashAlgorithm as Hash;
    let strong = [Hash::Sha256, Hash::Sha384, Hash::Sha512, Hash::Sha3_256, Hash::Sha3_512];
    if !signature.hash_alg().is_some_and(|hash| strong.contains(&hash)) {
        return refused("the signature's hash is not SHA-256 or stronger");
    }
    let subpackets = signature.config().map(|config| config.hashed_subpackets.as_slice()).unwrap_or_default();
    let unknown = |data: &SubpacketData| {
        matches!(data, SubpacketData::Other(..) | SubpacketData::Experimental(..) | SubpacketData::Notation(_))
    };
    if subpackets.iter().any(|subpacket| subpacket.is_critical && unknown(&subpacket.data)) {
        return refused("the signature has an unrecognised critical subpacket");
    }
    let created = created(signature)?;
    if created.is_clearly_after(now) {
        return refused(format!("the signature was made at {created}, in the future"));
    }
    Ok(created)
}

fn created(signature: &Signature) -> Result<Timestamp, Fault> {
    let moment = signature.created().and_then(|time| Timestamp::from_unix_seconds(i64::from(time.as_secs())));
    moment.ok_or_else(|| Fault::Refused("a signature has no creation time".into()))
}

fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        return signature.issuer_key_id().contains(&&key.legacy_key_id());
    }
    fingerprints.contains(&&key.fingerprint())
}

/// Whether an RSA key has fewer than 2048 bits. Its modulus comes first, as a multiprecision integer with its length in bits (RFC 9580, 3.2 and
/// 5.5.5.1).
fn is_short(params: &impl Serialize) -> bool {
    let mut bytes = Vec::new();
    let bits = params.to_writer(&mut bytes).ok().and_then(|()| bytes.first_chunk::<2>());
    bits.is_none_or(|bits| u16::from_be_bytes(*bits) < 2048)
}

fn verify_by(signature: &Signature, key: &impl VerifyingKey, data: &[u8]) -> Result<(), Fault> {
    match key.public_params() {
        params @ PublicParams::RSA(_) if is_short(params) => {
            return refused("RSA keys of fewer than 2048 bits are not accepted");
        }
        PublicParams::DSA(_) | PublicParams::Elgamal(_) => return refused("keys of this kind are not accepted"),
        PublicParams::Unknown { .. } => return unsupported(format!("a key of the kind {:?}", key.algorithm())),
        _ => {}
    }
    let verified = match signature.version() {
        SignatureVersion::V4 => with_computed_start(signature, data)?.verify(key, data),
        _ => signature.verify(key, data),
    };
    verified.map_err(|error| match error {
        PgpError::RSAError { .. } | PgpError::SignatureError { .. } | PgpError::EllipticCurve { .. } => {
            Fault::Refused("the signature does not verify under the key that it specifies".into())
        }
        PgpError::Unsupported { .. } | PgpError::Unimplemented { .. } => Fault::Unsupported(format!(
            "the algorithm {:?} with this kind of key",
            signature.hash_alg().unwrap_or(HashAlgorithm::None)
        )),
        _ => Fault::Refused(
            "the signature does not fit the key that it specifies: its values or its hash do not match that key".into(),
        ),
    })
}

/// The signature, with its two octets of the hash replaced by the first two octets of the hash computed here. In version 4, these octets only help to
/// find the key (RFC 9580, 5.2.3), and GnuPG ignores them; rPGP refuses a mismatch. For years, signatures by GitHub's web-flow key all contained the
/// same two octets. The whole hash is still verified, so only data that the key signed is accepted.
fn with_computed_start(signature: &Signature, data: &[u8]) -> Result<Signature, Fault> {
    let parts = signature.config().cloned().zip(signature.signature().cloned());
    let Some((config, numbers)) = parts else { return unsupported("a signature in an unrecognised form") };
    let start = computed_start(&config, data).map_err(|_| Fault::Unsupported("an unknown hash".into()))?;
    Signature::from_config(config, start, numbers)
        .map_err(|_| Fault::Refused("the signature is malformed: it cannot be re-encoded".into()))
}

fn computed_start(config: &SignatureConfig, data: &[u8]) -> Result<[u8; 2], PgpError> {
    let mut hasher = config.hash_alg.new_hasher()?;
    config.hash_data_to_sign(&mut hasher, data)?;
    let length = config.hash_signature_data(&mut hasher)?;
    hasher.update(&config.trailer(length)?);
    let hash = hasher.finalize();
    Ok([hash.first().copied().unwrap_or_default(), hash.get(1).copied().unwrap_or_default()])
}

#[cfg(test)]
mod tests;
