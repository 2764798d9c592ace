//! DSSE (Dead Simple Signing Envelope, protocol 1.0.0): signatures over a payload and its type, by keys of people and of auditors.
//! Not for build servers: see `signature`.
//!
//! Keys are P-256 (ECDSA with SHA-256, signatures in DER, deterministic nonces of RFC 6979) and Ed25519 (RFC 8032): the same payload and
//! key give the same envelope.

use std::fmt;

use base64ct::{Base64, Encoding};
use ed25519_dalek::Signer as _;
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::error::Error;
use crate::strict_json;

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Signatures of one envelope that are looked at.
const SIGNATURES_MAX: usize = 16;

/// A private key that signs statements.
#[derive(Clone)]
pub struct SigningKey {
    material: Private,
    identity: Sha256,
}

#[derive(Clone)]
enum Private {
    P256(p256::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

/// A public key that verifies statements.
#[derive(Debug, Clone)]
pub struct VerifyingKey {
    material: Public,
    identity: Sha256,
}

#[derive(Debug, Clone)]
enum Public {
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    /// The SHA-256 of the key's SubjectPublicKeyInfo. Nobody signed it: it is a hint.
    #[serde(default)]
    keyid: Option<String>,
    sig: String,
}

impl SigningKey {
    /// Reads a PKCS#8 private key (PEM, not encrypted) of kind P-256 or Ed25519.
    ///
    /// # Errors
    /// [`Error::Key`] with `name`; it never shows the key.
    pub fn from_pem(name: &str, text: &[u8]) -> Result<Self, Error> {
        let fail = || Error::Key {
            name: name.into(),
            message: "expected an unencrypted PKCS#8 private key (BEGIN PRIVATE KEY) of kind P-256 or Ed25519".into(),
        };
        let text = std::str::from_utf8(text).map_err(|_| fail())?.trim();
        let material = match p256::SecretKey::from_pkcs8_pem(text) {
            Ok(key) => Private::P256(key.into()),
            Err(_) => Private::Ed25519(Box::new(ed25519_dalek::SigningKey::from_pkcs8_pem(text).map_err(|_| fail())?)),
        };
        let spki = match &material {
            Private::P256(key) => key.verifying_key().to_public_key_der(),
            Private::Ed25519(key) => key.verifying_key().to_public_key_der(),
        };
        let identity = Sha256::of(spki.map_err(|_| fail())?.as_bytes());
        Ok(Self { material, identity })
    }

    /// An envelope around `payload`, as one line of JSON without a newline.
    ///
    /// # Errors
    /// What the JSON writer answers.
    pub fn seal(&self, payload_type: &str, payload: &[u8]) -> Result<String, serde_json::Error> {
        let message = pre_authentication_encoding(payload_type, payload);
        let signature = match &self.material {
            Private::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(&message);
                signature.to_der().as_bytes().to_vec()
            }
            Private::Ed25519(key) => key.sign(&message).to_bytes().to_vec(),
        };
        serde_json::to_string(&Envelope {
            payload: Base64::encode_string(payload),
            payload_type: payload_type.into(),
            signatures: vec![EnvelopeSignature {
                keyid: Some(self.identity.hex()),
                sig: Base64::encode_string(&signature),
            }],
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.identity)
    }
}

impl VerifyingKey {
    /// Reads a public key in PEM (SubjectPublicKeyInfo) of kind P-256 or Ed25519.
    ///
    /// # Errors
    /// [`Error::Key`] with `name`.
    pub fn from_pem(name: &str, text: &[u8]) -> Result<Self, Error> {
        let fail = || Error::Key {
            name: name.into(),
            message: "expected a public key (BEGIN PUBLIC KEY) of kind P-256 or Ed25519".into(),
        };
        let text = std::str::from_utf8(text).map_err(|_| fail())?.trim();
        let material = match p256::PublicKey::from_public_key_pem(text) {
            Ok(key) => Public::P256(key.into()),
            Err(_) => Public::Ed25519(ed25519_dalek::VerifyingKey::from_public_key_pem(text).map_err(|_| fail())?),
        };
        let spki = match &material {
            Public::P256(key) => key.to_public_key_der(),
            Public::Ed25519(key) => key.to_public_key_der(),
        };
        let identity = Sha256::of(spki.map_err(|_| fail())?.as_bytes());
        Ok(Self { material, identity })
    }

    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> Sha256 {
        self.identity
    }

    fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        use p256::ecdsa::signature::Verifier as _;
        match &self.material {
            Public::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }
}

/// The payload of an envelope of this type that one of `keys` signed, and that key's fingerprint; `None` when no key accepts.
///
/// It says that the key's holder signed these bytes, and nothing about when or whether they are true.
///
/// # Errors
/// [`Error::Malformed`] when `text` is no envelope of this type.
pub fn open(
    name: &str,
    text: &[u8],
    payload_type: &str,
    keys: &[VerifyingKey],
) -> Result<Option<(Vec<u8>, Sha256)>, Error> {
    let malformed = |message: String| Error::malformed(name, message);
    // Twice: the first reader refuses keys that stand twice.
    strict_json::parse(text).map_err(|error| malformed(error.to_string()))?;
    let envelope: Envelope = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
    if envelope.payload_type != payload_type {
        let found = &envelope.payload_type;
        return Err(malformed(format!("the payload's type: expected {payload_type}, found {found:?}")));
    }
    if envelope.signatures.is_empty() || envelope.signatures.len() > SIGNATURES_MAX {
        return Err(malformed(format!(
            "expected 1 to {SIGNATURES_MAX} signatures, found {}",
            envelope.signatures.len()
        )));
    }
    let base64 = |what: &str, text: &str| {
        Base64::decode_vec(text).map_err(|_| malformed(format!("the {what} is not base64 with its padding")))
    };
    let payload = base64("payload", &envelope.payload)?;
    let message = pre_authentication_encoding(payload_type, &payload);
    for signature in &envelope.signatures {
        let bytes = base64("signature", &signature.sig)?;
        if let Some(key) = keys.iter().find(|key| key.accepts(&message, &bytes)) {
            return Ok(Some((payload, key.identity)));
        }
    }
    Ok(None)
}

/// What is signed (DSSE protocol, "PAE").
pub(crate) fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`; made for this test.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    /// RFC 8032, 7.1, test 2 is another key.
    const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn the_encoding_of_the_protocols_example() {
        let message = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
        assert_eq!(message, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn what_one_key_sealed_another_does_not_open() {
        let key = SigningKey::from_pem("k", PRIVATE.as_bytes()).unwrap();
        let envelope = key.seal(IN_TOTO, b"{}").unwrap();
        assert_eq!(envelope, key.seal(IN_TOTO, b"{}").unwrap());
        let other = VerifyingKey::from_pem("o", OTHER.as_bytes()).unwrap();
        assert_eq!(open("e", envelope.as_bytes(), IN_TOTO, &[other]), Ok(None));
        assert!(open("e", envelope.as_bytes(), "other/type", &[]).is_err());
        assert!(open("e", envelope.replace("\"sig\"", "\"sig\":\"\",\"sig\"").as_bytes(), IN_TOTO, &[]).is_err());
    }
}
