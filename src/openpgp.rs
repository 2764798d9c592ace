//! OpenPGP signatures (RFC 9580, RFC 4880) on top of rPGP, which verifies one signature by one key and judges nothing else.
//!
//! The rules here: the signer is named by the fingerprint of a *primary* key, also when a subkey signed. Key flags, expiry and
//! revocation are judged at the moment that the signature gives for itself, which is its signer's word; a revocation that may mean that
//! somebody else has the key counts whenever it was made. The signature's own expiry is judged at the moment of the audit. Refused: SHA-1 and
//! MD5, RSA below 2048 bits, DSA, signatures of version 3 and below, critical subpackets that are not understood.
//!
//! User ids, their certifications and the web of trust are not looked at: who a key belongs to is for the policy to say.

use std::io::Read as _;

use pgp::armor::Dearmor;
use pgp::composed::{Deserializable as _, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, Packet, PacketParser, RevocationCode, Signature, SignatureType, SignatureVersion, SubpacketData,
};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, PublicParams, Tag, VerifyingKey};

use crate::limits::Limits;
use crate::time::{DAY_SECONDS, Timestamp};

/// A signature whose key was good when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    /// When it was made, by the signer's own clock.
    pub(crate) created: Timestamp,
    /// What runs out, and when.
    pub(crate) expiries: Vec<(String, Timestamp)>,
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It names another key than the one asked for.
    OtherKey,
    /// It is wrong, or its key was not good for it.
    Refused(String),
}

fn refused<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(message.into()))
}

/// One signed message: a payload with one signature around it.
#[derive(Debug)]
pub(crate) struct Message {
    payload: Vec<u8>,
    signature: Signature,
}

/// Reads one binary message that is signed once, compressed or not. Unsigned, encrypted and clear-signed ones are refused.
///
/// # Errors
/// In words, for any other form.
pub(crate) fn read_message(bytes: &[u8], limits: &Limits) -> Result<Message, String> {
    let mut packets = read_packets(bytes, limits.trust_file_bytes)?;
    if let [Packet::CompressedData(compressed)] = packets.as_slice() {
        let mut inner = Vec::new();
        let decompressed = compressed.decompress().map_err(|error| format!("its compression: {error}"))?;
        let mut bounded = decompressed.take(limits.trust_file_bytes.saturating_add(1));
        bounded.read_to_end(&mut inner).map_err(|error| format!("its compression: {error}"))?;
        packets = read_packets(&inner, limits.trust_file_bytes)?;
    }
    let mut packets = packets.into_iter();
    match (packets.next(), packets.next(), packets.next(), packets.next()) {
        (
            Some(Packet::OnePassSignature(_)),
            Some(Packet::LiteralData(literal)),
            Some(Packet::Signature(signature)),
            None,
        ) => Ok(Message { payload: literal.data().to_vec(), signature }),
        (Some(Packet::LiteralData(_)), ..) => Err("the message is not signed".into()),
        (Some(Packet::PublicKeyEncryptedSessionKey(_) | Packet::SymKeyEncryptedSessionKey(_)), ..) => {
            Err("the message is encrypted".into())
        }
        _ => Err("it is not one OpenPGP message with one signature".into()),
    }
}

impl Message {
    /// What is signed. It says nothing before [`Message::verify`] agrees.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The key that the signature names, as it says itself.
    pub(crate) fn issuer(&self) -> String {
        issuer(&self.signature)
    }

    /// Did the key with this primary fingerprint, found in `certificates`, sign the payload?
    pub(crate) fn verify(&self, certificates: &[u8], fingerprint: &str, now: Timestamp) -> Result<Signed, Fault> {
        verify(&self.signature, &self.payload, &find(certificates, fingerprint)?, now)
    }
}

/// A signature that stands apart from what it is of, as git keeps it.
#[derive(Debug)]
pub(crate) struct DetachedSignature(Signature);

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// Reads one signature in armour. A second one, and text around the armour, are refused: gpg passes over the one or the other.
///
/// # Errors
/// In words.
pub(crate) fn read_detached(armoured: &[u8]) -> Result<DetachedSignature, String> {
    let text = std::str::from_utf8(armoured).map_err(|_| "its armour is no text".to_owned())?.trim();
    if !text.starts_with(BEGIN) || !text.ends_with(END) || text.matches("-----BEGIN ").count() != 1 {
        return Err("it is not one armoured OpenPGP signature".into());
    }
    let mut bytes = Vec::new();
    Dearmor::new(text.as_bytes()).read_to_end(&mut bytes).map_err(|error| format!("its armour: {error}"))?;
    let mut packets = read_packets(&bytes, armoured.len() as u64)?.into_iter();
    match (packets.next(), packets.next()) {
        (Some(Packet::Signature(signature)), None) => Ok(DetachedSignature(signature)),
        _ => Err("its armour does not hold one OpenPGP signature".into()),
    }
}

impl DetachedSignature {
    /// The key that the signature names, as it says itself.
    pub(crate) fn issuer(&self) -> String {
        issuer(&self.0)
    }

    /// Did the key of this certificate sign `data`?
    ///
    /// # Errors
    /// [`Fault::OtherKey`] when the signature names no key of that certificate, [`Fault::Refused`] for anything that is wrong.
    pub(crate) fn verify(&self, data: &[u8], certificate: &Certificate, now: Timestamp) -> Result<Signed, Fault> {
        verify(&self.0, data, &certificate.0, now)
    }
}

/// One person's public key with its subkeys and all that is said of them.
#[derive(Debug)]
pub(crate) struct Certificate(SignedPublicKey);

impl Certificate {
    /// Reads the one certificate of a file, armoured or binary. It does not say that its key is good: that depends on the moment.
    ///
    /// # Errors
    /// In words, where there is none, several, or something else.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let blocks = String::from_utf8_lossy(bytes).matches("-----BEGIN ").count();
        let (mut all, _) = SignedPublicKey::from_reader_many_buf(bytes)
            .map_err(|error| format!("it is no OpenPGP public key: {error}"))?;
        match (all.next(), all.next()) {
            (Some(Ok(one)), None) if blocks <= 1 => Ok(Self(one)),
            (Some(Err(error)), _) => Err(format!("it is no OpenPGP public key: {error}")),
            (None, _) => Err("it holds no OpenPGP public key".into()),
            (Some(Ok(_)), _) => Err("it holds more than one OpenPGP public key".into()),
        }
    }

    /// The primary key's fingerprint, in lower-case hexadecimal.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{:x}", self.0.primary_key.fingerprint())
    }
}

fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|known| format!("{known:x}"));
    let id = || signature.issuer_key_id().first().map(|id| format!("{id:?}"));
    fingerprint.or_else(id).unwrap_or_else(|| "it names none".into())
}

/// Verifies one signature over `data` by one certificate.
fn verify(signature: &Signature, data: &[u8], certificate: &SignedPublicKey, now: Timestamp) -> Result<Signed, Fault> {
    let primary = &certificate.primary_key;
    let by_primary = names(signature, primary);
    let subkey = certificate.public_subkeys.iter().find(|subkey| names(signature, &subkey.key));
    if !by_primary && subkey.is_none() {
        return Err(Fault::OtherKey);
    }
    let created = check_signature(signature, now)?;
    let mut expiries = primary_expiry(certificate, created)?;
    match subkey.filter(|_| !by_primary) {
        None => {
            verify_by(signature, primary, data)?;
            if !primary_flags(certificate).is_none_or(|flags| flags.sign()) {
                return refused("the primary key is not for signing");
            }
        }
        Some(subkey) => {
            verify_by(signature, &subkey.key, data)?;
            expiries.extend(check_subkey(certificate, subkey, created)?);
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

fn read_packets(bytes: &[u8], most: u64) -> Result<Vec<Packet>, String> {
    const PACKETS_MAX: usize = 16;
    if bytes.len() as u64 > most {
        return Err(format!("it is larger than {most} bytes"));
    }
    let packets: Result<Vec<Packet>, _> = PacketParser::new(bytes).take(PACKETS_MAX).collect();
    packets.map_err(|error| format!("it is no OpenPGP message: {error}"))
}

/// The one certificate with this primary fingerprint.
fn find(certificates: &[u8], fingerprint: &str) -> Result<SignedPublicKey, Fault> {
    let read = SignedPublicKey::from_reader_many_buf(certificates);
    let (all, _) =
        read.map_err(|error| Fault::Refused(format!("the policy's OpenPGP file cannot be read: {error}")))?;
    let mut matching =
        all.filter_map(Result::ok).filter(|one| format!("{:x}", one.primary_key.fingerprint()) == fingerprint);
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => refused(format!("the policy's OpenPGP file has no certificate {fingerprint}")),
        (Some(_), Some(_)) => refused(format!("the policy's OpenPGP file has {fingerprint} twice")),
    }
}

/// What can be said of the signature alone. The answer is the time that it gives for itself.
fn check_signature(signature: &Signature, now: Timestamp) -> Result<Timestamp, Fault> {
    if !matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) {
        return refused(format!("a signature of the version {:?}", signature.version()));
    }
    if signature.typ() != Some(SignatureType::Binary) {
        return refused("the signature is not of a binary document");
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
        return refused("the signature has a critical subpacket that is not understood");
    }
    let created = created(signature)?;
    if created > now.plus_seconds(DAY_SECONDS) {
        return refused(format!("the signature was made at {created}, in the future"));
    }
    Ok(created)
}

fn created(signature: &Signature) -> Result<Timestamp, Fault> {
    let moment = signature.created().and_then(|time| Timestamp::from_unix_seconds(i64::from(time.as_secs())));
    moment.ok_or_else(|| Fault::Refused("a signature has no time".into()))
}

fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        return signature.issuer_key_id().contains(&&key.legacy_key_id());
    }
    fingerprints.contains(&&key.fingerprint())
}

fn verify_by(signature: &Signature, key: &impl VerifyingKey, data: &[u8]) -> Result<(), Fault> {
    // A modulus of 2048 bits and an exponent have more bytes than this, with their two lengths.
    const RSA_BYTES_MIN: usize = 260;
    match key.public_params() {
        params @ PublicParams::RSA(_) if params.write_len() < RSA_BYTES_MIN => {
            return refused("an RSA key of less than 2048 bits");
        }
        PublicParams::DSA(_) | PublicParams::Elgamal(_) => return refused("a key of a kind that is not accepted"),
        _ => {}
    }
    signature.verify(key, data).map_err(|_| Fault::Refused("the signature does not match the key it names".into()))
}

/// Signatures of the primary key about itself that hold.
fn self_signatures(certificate: &SignedPublicKey) -> impl Iterator<Item = &Signature> {
    let primary = &certificate.primary_key;
    let direct = certificate.details.direct_signatures.iter().filter(move |one| one.verify_key(primary).is_ok());
    let users = certificate.details.users.iter().flat_map(move |user| {
        let own = user.signatures.iter().filter(|one| one.typ() != Some(SignatureType::CertRevocation));
        own.filter(move |one| one.verify_certification(primary, Tag::UserId, &user.id).is_ok())
    });
    direct.chain(users)
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|signature| signature.created().map(|time| time.as_secs()))
}

/// The flags of the newest signature about the primary key; `None` where it has no flags, as old keys.
fn primary_flags(certificate: &SignedPublicKey) -> Option<KeyFlags> {
    flags(newest(self_signatures(certificate))?)
}

fn flags(signature: &Signature) -> Option<KeyFlags> {
    let subpackets = &signature.config()?.hashed_subpackets;
    subpackets.iter().find_map(|subpacket| match &subpacket.data {
        SubpacketData::KeyFlags(flags) => Some(flags.clone()),
        _ => None,
    })
}

/// Was the primary key good at `moment`? The answer is when it expires.
fn primary_expiry(certificate: &SignedPublicKey, moment: Timestamp) -> Result<Vec<(String, Timestamp)>, Fault> {
    let primary = &certificate.primary_key;
    for revocation in &certificate.details.revocation_signatures {
        if revocation.verify_key(primary).is_ok() {
            check_revocation(revocation, "the primary key", moment)?;
        }
    }
    let Some(newest) = newest(self_signatures(certificate)) else {
        return refused("the primary key has no valid signature about itself");
    };
    check_lifetime(primary, newest, "the primary key", moment)
}

fn check_subkey(
    certificate: &SignedPublicKey,
    subkey: &SignedPublicSubKey,
    moment: Timestamp,
) -> Result<Vec<(String, Timestamp)>, Fault> {
    let primary = &certificate.primary_key;
    let valid = || subkey.signatures.iter().filter(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok());
    for revocation in valid().filter(|one| one.typ() == Some(SignatureType::SubkeyRevocation)) {
        check_revocation(revocation, "the subkey", moment)?;
    }
    let Some(binding) = newest(valid().filter(|one| one.typ() == Some(SignatureType::SubkeyBinding))) else {
        return refused("the subkey is not bound to the primary key");
    };
    if !flags(binding).is_some_and(|flags| flags.sign()) {
        return refused("the subkey is not for signing");
    }
    let back = binding.embedded_signature();
    if back.is_none_or(|back| back.verify_primary_key_binding(&subkey.key, primary).is_err()) {
        return refused("the subkey does not say that it belongs to the primary key");
    }
    check_lifetime(&subkey.key, binding, "the subkey", moment)
}

/// A key that is only replaced or retired was good before that moment; otherwise somebody else may have signed at any time.
fn check_revocation(revocation: &Signature, what: &str, moment: Timestamp) -> Result<(), Fault> {
    let at = created(revocation)?;
    let soft =
        matches!(revocation.revocation_reason_code(), Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired));
    if soft && moment < at { Ok(()) } else { refused(format!("{what} was revoked at {at}")) }
}

fn check_lifetime(
    key: &impl KeyDetails,
    about: &Signature,
    what: &str,
    moment: Timestamp,
) -> Result<Vec<(String, Timestamp)>, Fault> {
    let Some(begin) = Timestamp::from_unix_seconds(i64::from(key.created_at().as_secs())) else {
        return refused(format!("{what} has no time"));
    };
    if moment < begin {
        return refused(format!("the signature is older than {what}, made at {begin}"));
    }
    let Some(seconds) = about.key_expiration_time().filter(|time| time.as_secs() != 0) else {
        return Ok(Vec::new());
    };
    let end = begin.plus_seconds(i64::from(seconds.as_secs()));
    if end <= moment {
        return refused(format!("{what} had expired at {end}, before the signature at {moment}"));
    }
    Ok(vec![(what.to_owned(), end)])
}
