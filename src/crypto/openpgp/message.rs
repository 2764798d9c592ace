//! OpenPGP signatures: signed messages with their payload, and detached signatures.

use std::io::Read as _;

use pgp::armor::Dearmor;
use pgp::packet::{Packet, PacketParser, Signature};

use super::{Certificate, Fault, Signed, issuer, verify};
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

/// A signed message: a payload with one signature.
#[derive(Debug)]
pub(crate) struct Message {
    payload: Vec<u8>,
    signature: Signature,
}

/// Reads one binary message with one signature, compressed or not. Unsigned, encrypted and clear-signed messages are refused.
///
/// # Errors
/// A description of the fault for anything else.
pub(crate) fn read_message(bytes: &[u8], limits: &Limits) -> Result<Message, String> {
    let mut packets = read_packets(bytes, limits.trust_file_bytes)?;
    if let [Packet::CompressedData(compressed)] = packets.as_slice() {
        let mut inner = Vec::new();
        let decompressed = compressed.decompress().map_err(|_| "its compressed data cannot be read")?;
        let mut bounded = decompressed.take(limits.trust_file_bytes.saturating_add(1));
        bounded.read_to_end(&mut inner).map_err(|_| "its compressed data cannot be read")?;
        // gpg writes compressed data without a length, so bytes after the compressed stream belong to the same packet.
        if !bounded.get_ref().get_ref().is_empty() {
            return Err("its compressed data is followed by other data".into());
        }
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
        _ => Err("it is not exactly one OpenPGP message with one signature".into()),
    }
}

impl Message {
    /// The signed content. The content is not trusted until [`Message::verify`] succeeds.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The key with which the signature claims to have been made; this claim has not been verified.
    pub(crate) fn issuer(&self) -> String {
        issuer(&self.signature)
    }

    /// Verifies that the key of this certificate signed the payload.
    ///
    /// # Errors
    /// The errors of [`DetachedSignature::verify`].
    pub(crate) fn verify(&self, certificate: &Certificate, now: Timestamp) -> Result<Signed, Fault> {
        verify(&self.signature, &self.payload, certificate, now)
    }
}

/// A detached signature in the form that git stores.
#[derive(Debug)]
pub(crate) struct DetachedSignature(Signature);

const BEGIN: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// Reads one armoured signature. A second signature and text around the armour, both of which gpg would ignore, are refused.
///
/// # Errors
/// A description of the fault.
pub(crate) fn read_detached(armoured: &[u8]) -> Result<DetachedSignature, String> {
    let text = std::str::from_utf8(armoured).map_err(|_| "its armour is not text".to_owned())?.trim();
    if !text.starts_with(BEGIN) || !text.ends_with(END) || text.matches("-----BEGIN ").count() != 1 {
        return Err("it is not exactly one armoured OpenPGP signature".into());
    }
    let mut bytes = Vec::new();
    Dearmor::new(text.as_bytes()).read_to_end(&mut bytes).map_err(|_| "its armour cannot be read")?;
    let mut packets = read_packets(&bytes, armoured.len() as u64)?.into_iter();
    match (packets.next(), packets.next()) {
        (Some(Packet::Signature(signature)), None) => Ok(DetachedSignature(signature)),
        _ => Err("its armour does not contain exactly one OpenPGP signature".into()),
    }
}

impl DetachedSignature {
    /// The key with which the signature claims to have been made; this claim has not been verified.
    pub(crate) fn issuer(&self) -> String {
        issuer(&self.0)
    }

    /// Verifies that the key of this certificate signed `data`.
    ///
    /// # Errors
    /// [`Fault::OtherKey`] if the signature does not identify a key of that certificate; a different [`Fault`] otherwise.
    pub(crate) fn verify(&self, data: &[u8], certificate: &Certificate, now: Timestamp) -> Result<Signed, Fault> {
        verify(&self.0, data, certificate, now)
    }
}

/// The crate's own messages are not reported, because they include a backtrace if the environment enables backtraces.
fn read_packets(bytes: &[u8], most: u64) -> Result<Vec<Packet>, String> {
    const PACKETS_MAX: usize = 16;
    if bytes.len() as u64 > most {
        return Err(format!("it is larger than {most} bytes"));
    }
    let packets: Result<Vec<Packet>, _> = PacketParser::new(bytes).take(PACKETS_MAX).collect();
    packets.map_err(|_| "it is not an OpenPGP message: a packet cannot be read".into())
}
