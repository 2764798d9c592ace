//! sigstore bundles, versions 0.1 to 0.3: a signature on the image's manifest itself or on a statement about the manifest.
//!
//! Sources: sigstore/protobuf-specs, sigstore_bundle.proto; DSSE protocol 1.0.0; in-toto statements; sigstore/cosign, specs/BUNDLE_SPEC.md.

use serde_json::{Map, Value};

use super::cosign::{BUNDLE, Judge, media_type};
use super::encoded::{decode_base64, plain_bundle};
use super::public_key::Message;
use super::sigstore::Signed;
use super::{Answer, ImageTarget, compare_digest};
use crate::base::digest::Sha256;
use crate::base::strict_json;
use crate::crypto::dsse::IN_TOTO;

const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

/// Checks the bundle `document`.
pub(super) fn judge_bundle(document: &Map<String, Value>, judge: &Judge<'_>) -> Result<Signed, Answer> {
    let document = &plain_bundle(document);
    let bytes = Value::Object(document.clone()).to_string().into_bytes();
    let bytes = bytes.as_slice();
    let version = media_type(document);
    let known = ["+json;version=0.1", "+json;version=0.2", "+json;version=0.3", ".v0.3+json"];
    if !known.iter().any(|known| version.strip_prefix(BUNDLE) == Some(known)) {
        return Err(Answer::Undecided(format!("unsupported: bundle media type {version:?}")));
    }
    let material = document.get("verificationMaterial").and_then(Value::as_object);
    let material = material.ok_or_else(|| refused("the bundle has no verification material"))?;
    // What is not understood could be a second signer, under its other spelling for example.
    let known = ["mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"];
    let known_material =
        ["publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData"];
    let unknown = document.keys().find(|name| !known.contains(&name.as_str()));
    if let Some(name) = unknown.or_else(|| material.keys().find(|name| !known_material.contains(&name.as_str()))) {
        return Err(Answer::Undecided(format!("unsupported: the bundle has a member {name:?}")));
    }
    let own = |name: &str| material.contains_key(name);
    let certified = match (own("publicKey"), own("certificate"), own("x509CertificateChain")) {
        (true, false, false) => false,
        (false, true, false) | (false, false, true) => true,
        _ => {
            return Err(refused("the bundle must have exactly one of publicKey, certificate and x509CertificateChain"));
        }
    };
    let who = if certified { Who::Certified } else { Who::KeyHolder };
    match (document.get("messageSignature"), document.get("dsseEnvelope")) {
        (Some(message), None) => judge_message(message, bytes, who, judge),
        (None, Some(envelope)) => judge_envelope(envelope, bytes, who, judge),
        _ => Err(refused("the bundle must have exactly one of messageSignature and dsseEnvelope")),
    }
}

/// How a bundle identifies its signer.
#[derive(Debug, Clone, Copy)]
enum Who {
    KeyHolder,
    Certified,
}

fn judge_message(message: &Value, bytes: &[u8], who: Who, judge: &Judge<'_>) -> Result<Signed, Answer> {
    let signature = base64_member(message, "signature")?;
    let mut image_digest = judge.image.map(|image| image.digest);
    if let Some(digest) = message.get("messageDigest").filter(|digest| !digest.is_null()) {
        let algorithm = digest.get("algorithm").and_then(Value::as_str).unwrap_or_default();
        if algorithm != "SHA2_256" {
            return Err(Answer::Undecided(format!("unsupported: message digest algorithm {algorithm:?}")));
        }
        let digest = base64_member(digest, "digest")?.try_into();
        let digest = digest.map(Sha256::from_bytes).map_err(|_| refused("the digest does not have 32 bytes"))?;
        compare_digest(&digest, judge.image)?;
        image_digest = Some(digest);
    }
    let digest = image_digest.ok_or_else(|| Answer::Undecided("the bundle does not specify a digest".into()))?;
    let mut signed = match who {
        Who::Certified => {
            judge.spend_keyless(bytes.len())?;
            judge.identities.find_signer(bytes, &digest)?
        }
        Who::KeyHolder => {
            let mut families = judge.keys().map(|(_, key, _)| key.family()).peekable();
            if families.peek().is_some() && families.all(|family| family == "ed25519") {
                let message = "unsupported: Ed25519 needs the manifest itself, but only its digest is known";
                return Err(Answer::Undecided(message.into()));
            }
            judge.find_key(&Message::of_digest(digest), &signature, &digest, || Ok(bytes.to_vec()))?
        }
    };
    signed.details.push(format!("it signs {digest}"));
    Ok(signed)
}

fn judge_envelope(envelope: &Value, bytes: &[u8], who: Who, judge: &Judge<'_>) -> Result<Signed, Answer> {
    let payload = base64_member(envelope, "payload")?;
    let payload_type = envelope.get("payloadType").and_then(Value::as_str).unwrap_or_default();
    let Some([signature]) = envelope.get("signatures").and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(refused("the envelope must have exactly one signature"));
    };
    let signature = base64_member(signature, "sig")?;
    // The log entry's verifier needs a digest. Without an image, the digest comes from the statement, whose signature has not been verified yet.
    let digest = judge.image.map(|image| image.digest).or_else(|| subjects(&strict_json::parse(&payload).ok()?).next());
    let digest = digest.ok_or_else(|| refused("the statement contains no sha256 digest"));
    let mut signed = match who {
        Who::Certified => {
            judge.spend_keyless(bytes.len())?;
            judge.identities.find_signer(bytes, &digest?)?
        }
        Who::KeyHolder => {
            let message = pre_authentication_encoding(payload_type, &payload);
            judge.find_key(&Message::new(&message), &signature, &digest?, || Ok(bytes.to_vec()))?
        }
    };
    let said = judge_statement(payload_type, &payload, judge.image)?;
    signed.details.push(said);
    Ok(signed)
}

/// Checks that the image is a subject of the signed statement. The statement's signature must be verified first.
fn judge_statement(payload_type: &str, payload: &[u8], image: Option<&ImageTarget>) -> Result<String, Answer> {
    if payload_type != IN_TOTO {
        return Err(Answer::Undecided(format!("unsupported: payload type {payload_type:?}")));
    }
    let statement = strict_json::parse(payload).map_err(|error| refused(&format!("the statement: {error}")))?;
    let text = |name: &str| statement.get(name).and_then(Value::as_str).unwrap_or_default();
    if !STATEMENTS.contains(&text("_type")) {
        return Err(refused(&format!("{:?} is not an in-toto statement type", text("_type"))));
    }
    if let Some(image) = image
        && !subjects(&statement).any(|digest| digest == image.digest)
    {
        return Err(refused(&format!("the statement's subjects do not include {}", image.digest)));
    }
    if text("predicateType") != SIGN_PREDICATE {
        return Err(Answer::Undecided(format!(
            "unsupported: an attestation with the predicate type {:?}, not a signature on the image",
            text("predicateType")
        )));
    }
    let digests: Vec<String> = subjects(&statement).map(|digest| digest.to_string()).collect();
    Ok(format!("it signs {}", digests.join(", ")))
}

fn subjects(statement: &Value) -> impl Iterator<Item = Sha256> {
    let subjects = statement.get("subject").and_then(Value::as_array).cloned().unwrap_or_default();
    subjects.into_iter().filter_map(|subject| Sha256::from_hex(subject.get("digest")?.get("sha256")?.as_str()?))
}

/// The bytes that a DSSE signature covers.
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn base64_member(object: &Value, name: &str) -> Result<Vec<u8>, Answer> {
    let text = object.get(name).and_then(Value::as_str);
    text.and_then(decode_base64).ok_or_else(|| refused(&format!("{name} is not base64")))
}

fn refused(message: &str) -> Answer {
    Answer::Refused(message.to_owned())
}
