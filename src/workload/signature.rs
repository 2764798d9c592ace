//! `envWorkloadSignature`: RSA PKCS#1 v1.5 with SHA-256 over two strings, workload followed by env (about-contract.md, "Preparing the
//! signature"; ibm-hyper-protect/contract-go, common/encrypt/encrypt.go).
//!
//! For encrypted sections, the signed text is unambiguous. For plain sections, contract-go signs the text with its line endings, while IBM's shell recipe
//! first removes every CR and LF. Signatures over either text are accepted, and the report states which text was signed.

use base64ct::{Base64, Encoding as _};
use serde_json::Value;

use super::contract::Contract;
use super::token::is_token;
use crate::base::time::Timestamp;
use crate::crypto::ibm::Certificate;
use crate::crypto::{Hash, Protocol, Scheme};
use crate::trust::public_key::{ImageKey, Message};

/// The result for a contract's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContractSignature {
    /// The contract is not signed.
    Absent,
    /// No key is available to verify the signature; the message states why.
    NoKey(String),
    /// The signature verifies under a key.
    Accepted(Accepted),
    /// The signature is not accepted; the message states why.
    Refused(String),
    /// The signed text is unknown; the message states why.
    Undecided(String),
}

/// The text that a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The two sections, which are encrypted, so that it is clear where the first one ends.
    Encrypted,
    /// The two sections, one after the other. Where the first one ends is not signed.
    Unchanged,
    /// The two sections without their line breaks, which are then not signed.
    Joined,
}

/// A signature that verifies under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The key's file in the policy; `None` if only the contract contains the key.
    pub(crate) named: Option<String>,
    /// The text that was signed.
    pub(crate) reading: Reading,
    /// SHA-256 of the key.
    pub(crate) key: String,
}

/// Verifies the signature with the policy's keys, and with the key in a readable env section.
pub(crate) fn judge_signature(contract: &Contract, named: &[(String, ImageKey)], now: Timestamp) -> ContractSignature {
    let Some(signature) = &contract.signature else { return ContractSignature::Absent };
    let (Some(workload), Some(env)) = (&contract.workload, &contract.env) else {
        return ContractSignature::Refused(
            "the contract is signed but lacks one of the sections that the signature covers".into(),
        );
    };
    let signature: String = signature.split_ascii_whitespace().collect();
    let Ok(signature) = Base64::decode_vec(&signature) else {
        return ContractSignature::Refused("envWorkloadSignature is not base64 text".into());
    };
    let own = env.content.value().and_then(|env| env.get("signingKey")).and_then(Value::as_str).map(signing_key);
    let own = match own {
        None => None,
        Some(Err(why)) => return ContractSignature::Refused(format!("signingKey: {why}")),
        Some(Ok(SigningKey { not_after: Some(end), .. })) if end < now => {
            return ContractSignature::Refused(format!(
                "the certificate in signingKey expired at {end}: the machine refuses the contract"
            ));
        }
        Some(Ok(key)) => Some(key.key),
    };
    let (Some(workload), Some(env)) = (&workload.text, &env.text) else {
        return ContractSignature::Undecided(
            "the contract is signed, but a section is a mapping and the signature covers its exact text: use the user-data as delivered".into(),
        );
    };
    let whole = format!("{workload}{env}");
    let joined: String = whole.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let unchanged = if is_token(workload) && is_token(env) { Reading::Encrypted } else { Reading::Unchanged };
    let texts = [(unchanged, &whole), (Reading::Joined, &joined)];
    let texts = texts.map(|(reading, text)| (reading, Message::new(text.as_bytes())));
    let scheme = Scheme::RsaPkcs1(Hash::Sha256);
    let accepts = |key: &ImageKey| {
        let mut readings = texts.iter().filter(|(_, text)| key.accepts(Protocol::Machine, scheme, text, &signature));
        readings.next().map(|(reading, _)| *reading)
    };
    for (name, key) in named {
        if let Some(reading) = accepts(key) {
            let key = key.identity().to_string();
            return ContractSignature::Accepted(Accepted { named: Some(name.clone()), reading, key });
        }
    }
    match own {
        None if named.is_empty() => ContractSignature::NoKey(
            "the policy has no contract-keys, and the env section is not readable or has no signingKey; add the key to [workload] contract-keys".into(),
        ),
        None => ContractSignature::Refused("the signature does not verify under any key in the policy's contract-keys".into()),
        Some(key) => match accepts(&key) {
            None => ContractSignature::Refused("the signature does not verify under the contract's own signingKey".into()),
            Some(_) if !named.is_empty() => {
                ContractSignature::Refused("the contract is signed by its own signingKey, which is not in the policy".into())
            }
            Some(reading) => {
                let key = key.identity().to_string();
                ContractSignature::Accepted(Accepted { named: None, reading, key })
            }
        },
    }
}

struct SigningKey {
    key: ImageKey,
    not_after: Option<Timestamp>,
}

/// Reads `signingKey`: a public key or a certificate in PEM, plain, in base64, or in base64 twice, as some versions of contract-go write it. Line
/// endings may be written as the two characters `\n`, as in the documentation.
fn signing_key(text: &str) -> Result<SigningKey, String> {
    let mut text = text.replace("\\n", "\n");
    for _ in 0..3 {
        if text.contains("-----BEGIN") {
            if text.contains("-----BEGIN CERTIFICATE-----") {
                let certificate = Certificate::from_pem(text.trim().as_bytes())?;
                let not_after = Some(certificate.not_after);
                return Ok(SigningKey { key: ImageKey::of(certificate.key)?, not_after });
            }
            return Ok(SigningKey { key: ImageKey::from_pem(text.trim().as_bytes())?, not_after: None });
        }
        let plain: String = text.split_ascii_whitespace().collect();
        let decoded = Base64::decode_vec(&plain).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text = decoded.ok_or("expected PEM, or PEM in base64")?.replace("\\n", "\n");
    }
    Err("expected PEM, or PEM in base64".into())
}
