//! Signed envelopes: DSSE, the Dead Simple Signing Envelope (secure-systems-lab/dsse, protocol.md and envelope.md, version 1).

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use crate::base::error::Error;
use crate::crypto::person_key::{PersonKey, PersonSecret};

/// The payload type of in-toto statements.
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";
/// The maximum number of signatures in one envelope. More are not needed, because people sign envelopes by hand.
const SIGNATURES_MAX: usize = 64;

/// A payload with its type and the signatures over both. Nothing in an envelope is trusted until a known key verifies one of its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) payload_type: String,
    pub(crate) payload: Vec<u8>,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct EnvelopeSignature {
    /// A hint about the signing key. The hint is never trusted.
    key_id: Option<String>,
    bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEnvelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

impl Envelope {
    /// An envelope with no signatures.
    pub(crate) fn new(payload_type: &str, payload: Vec<u8>) -> Self {
        Self { payload_type: payload_type.into(), payload, signatures: Vec::new() }
    }

    /// Reads an envelope. `what` is the envelope's name in errors.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything but one JSON object with these fields and standard base64.
    pub(crate) fn from_json(what: &str, bytes: &[u8]) -> Result<Self, Error> {
        let fail = |message: String| Error::malformed(what, message);
        let value = crate::base::strict_json::parse(bytes).map_err(|error| fail(error.to_string()))?;
        let wire: WireEnvelope =
            serde_json::from_value(value).map_err(|error| fail(format!("expected a DSSE envelope: {error}")))?;
        let decoded = |name: &str, text: &str| {
            Base64::decode_vec(text).map_err(|_| fail(format!("{name} is not base64 (RFC 4648)")))
        };
        if wire.signatures.len() > SIGNATURES_MAX {
            return Err(fail(format!("expected at most {SIGNATURES_MAX} signatures, found {}", wire.signatures.len())));
        }
        let payload = decoded("payload", &wire.payload)?;
        let signatures = wire
            .signatures
            .into_iter()
            .map(|signature| Ok(EnvelopeSignature { bytes: decoded("sig", &signature.sig)?, key_id: signature.keyid }));
        Ok(Self { payload_type: wire.payload_type, payload, signatures: signatures.collect::<Result<_, Error>>()? })
    }

    /// The envelope as indented JSON.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        let mut text = serde_json::to_vec_pretty(&self.wire()).map_err(not_written)?;
        text.push(b'\n');
        Ok(text)
    }

    /// The envelope as JSON on one line, without a newline.
    pub(crate) fn to_line(&self) -> Result<String, Error> {
        serde_json::to_string(&self.wire()).map_err(not_written)
    }

    fn wire(&self) -> WireEnvelope {
        let signatures = self.signatures.iter();
        let signatures =
            signatures.map(|one| WireSignature { keyid: one.key_id.clone(), sig: Base64::encode_string(&one.bytes) });
        WireEnvelope {
            payload_type: self.payload_type.clone(),
            payload: Base64::encode_string(&self.payload),
            signatures: signatures.collect(),
        }
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// A description of the fault if this key has already signed the envelope or if there are too many signatures.
    pub(crate) fn sign(&mut self, key: &PersonSecret) -> Result<(), String> {
        let public = key.public()?;
        if self.is_signed_by(&public) {
            return Err("this key has already signed it".into());
        }
        if self.signatures.len() >= SIGNATURES_MAX {
            return Err(format!("it already has {SIGNATURES_MAX} signatures"));
        }
        let bytes = key.sign(&self.signed_bytes());
        self.signatures.push(EnvelopeSignature { key_id: Some(public.fingerprint().to_string()), bytes });
        Ok(())
    }

    /// Whether one of the signatures is by this key. The envelope's key ids are ignored.
    pub(crate) fn is_signed_by(&self, key: &PersonKey) -> bool {
        let message = self.signed_bytes();
        self.signatures.iter().any(|signature| key.verifies(&message, &signature.bytes))
    }

    /// The number of signatures, valid or not.
    pub(crate) fn signature_count(&self) -> usize {
        self.signatures.len()
    }

    /// The pre-authentication encoding (PAE): `DSSEv1`, then type and payload, each preceded by its length.
    fn signed_bytes(&self) -> Vec<u8> {
        let head = format!("DSSEv1 {} {} {} ", self.payload_type.len(), self.payload_type, self.payload.len());
        [head.as_bytes(), &self.payload].concat()
    }
}

fn not_written(error: serde_json::Error) -> Error {
    Error::malformed("the envelope", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example_is_encoded_as_published() {
        let envelope = Envelope::new("http://example.com/HelloWorld", b"hello world".to_vec());
        assert_eq!(envelope.signed_bytes(), b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn malformed_envelopes_are_refused() {
        let good = r#"{"payloadType":"t","payload":"eA==","signatures":[{"keyid":"k","sig":"eA=="},{"sig":""}]}"#;
        let envelope = Envelope::from_json("x", good.as_bytes()).unwrap();
        assert_eq!((envelope.payload.as_slice(), envelope.signature_count()), (&b"x"[..], 2));
        assert_eq!(Envelope::from_json("x", &envelope.to_json().unwrap()).unwrap(), envelope);
        for bad in [
            "",
            "{}",
            r#"{"payloadType":"t","payload":"eA","signatures":[]}"#,
            r#"{"payloadType":"t","payload":"eA==","signatures":[],"payload":"eQ=="}"#,
            r#"{"payloadType":"t","payload":"eA==","signatures":[],"more":1}"#,
            r#"{"payloadType":"t","payload":"eA==","signatures":[{"sig":"!"}]}"#,
            r#"{"payloadType":"t","payload":"eA==","signatures":{}}"#,
        ] {
            assert!(Envelope::from_json("x", bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
