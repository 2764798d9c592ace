//! Signatures by cosign with a key of one's own: `.sig` manifests with their payloads, and sigstore bundles.
//!
//! Files are found by what they are: a manifest of signatures is JSON with layers of cosign's media type, and its payload is whatever
//! file has the layer's digest, so that a layout written by `cosign save` and an evidence folder are read alike.
//! What is not supported is said to be so and never accepted: signatures by short-lived certificates ("keyless") need a certificate
//! authority and a transparency log to be judged. A bundle's transparency log entries are not looked at.
//! Sources: sigstore/cosign, specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md; sigstore/protobuf-specs; DSSE protocol 1.0.0.

use base64ct::{Base64, Encoding as _};
use serde_json::{Map, Value};

use super::payload::{self, Payload};
use super::public_key::{ImageKey, Scheme};
use super::{
    AcceptedSigner, Answer, ImageSigner, ImageSignerKey, ImageTarget, Kind, SignatureReport, TrustFile, TrustPolicy,
    compare_digest,
};
use crate::digest::Sha256;
use crate::dsse::IN_TOTO;
use crate::limits::Limits;
use crate::strict_json;

const LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";
const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

const KEYLESS: &str =
    "unsupported: it is signed with a short-lived certificate (keyless), which this build does not judge";

type Keys<'a> = Vec<(&'a ImageSigner, &'a ImageKey)>;

pub(super) fn judge(
    files: &[TrustFile],
    image: Option<&ImageTarget>,
    trusted: &TrustPolicy,
    limits: &Limits,
) -> Vec<SignatureReport> {
    let keys: Keys<'_> = trusted
        .signers
        .iter()
        .filter_map(|signer| match &signer.key {
            ImageSignerKey::Cosign(key) => Some((signer, key)),
            _ => None,
        })
        .collect();
    let mut reports = Vec::new();
    for file in files.iter().filter(|file| file.bytes.trim_ascii_start().first() == Some(&b'{')) {
        let Ok(Value::Object(document)) = strict_json::parse(&file.bytes) else {
            if mentions(&file.bytes, BUNDLE) || mentions(&file.bytes, LAYER) {
                let answer = Answer::Refused("it is not JSON without duplicate members".into());
                reports.push(SignatureReport::new(Kind::Cosign, &file.path, answer));
            }
            continue;
        };
        if media_type(&document).starts_with(BUNDLE) {
            let answer = judge_bundle(&document, image, &keys).unwrap_or_else(|answer| answer);
            let mut report = SignatureReport::new(Kind::Cosign, &file.path, answer);
            report.details.push("transparency log entries in the bundle are not looked at".into());
            reports.push(report);
        }
        for layer in signature_layers(&document).take(usize::try_from(limits.trust_signatures).unwrap_or(usize::MAX)) {
            let answer = judge_layer(layer, files, image, &keys).unwrap_or_else(|answer| answer);
            reports.push(SignatureReport::new(Kind::Cosign, &file.path, answer));
        }
    }
    reports
}

fn mentions(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn media_type(document: &Map<String, Value>) -> &str {
    document.get("mediaType").and_then(Value::as_str).unwrap_or_default()
}

fn signature_layers(document: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let layers = document.get("layers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    layers.filter(|layer| media_type(layer) == LAYER)
}

/// One layer of a `.sig` manifest: the payload is a file by its digest, the signature stands in an annotation.
fn judge_layer(
    layer: &Map<String, Value>,
    files: &[TrustFile],
    image: Option<&ImageTarget>,
    keys: &Keys<'_>,
) -> Result<Answer, Answer> {
    let refused = |message: &str| Answer::Refused(message.to_owned());
    let annotation = |name: &str| layer.get("annotations").and_then(|all| all.get(name)).and_then(Value::as_str);
    if annotation(CERTIFICATE).is_some_and(|certificate| !certificate.is_empty()) {
        return Err(Answer::Undecided(KEYLESS.into()));
    }
    let digest = layer.get("digest").and_then(Value::as_str).and_then(Sha256::from_prefixed);
    let digest = digest.ok_or_else(|| refused("the layer has no sha256 digest"))?;
    let signature = annotation(SIGNATURE).and_then(|text| Base64::decode_vec(text).ok());
    let signature = signature.ok_or_else(|| refused("the layer has no signature in base64"))?;
    let payload = files.iter().find(|file| Sha256::of(&file.bytes) == digest);
    let payload = payload.ok_or_else(|| Answer::Undecided(format!("the payload {digest} is not there")))?;
    let signer = find_signer(keys, |key| key.accepts(Scheme::Cosign, &payload.bytes, &signature))?;
    let payload = Payload::read(&payload.bytes, payload::COSIGN).map_err(Answer::Refused)?;
    compare_digest(&payload.digest, image)?;
    Ok(signer)
}

/// A sigstore bundle with a managed key: a signature of the manifest itself, or a signed statement about it.
fn judge_bundle(document: &Map<String, Value>, image: Option<&ImageTarget>, keys: &Keys<'_>) -> Result<Answer, Answer> {
    let refused = |message: &str| Answer::Refused(message.to_owned());
    let version = media_type(document);
    let known = ["+json;version=0.1", "+json;version=0.2", "+json;version=0.3", ".v0.3+json"];
    if !known.iter().any(|known| version.strip_prefix(BUNDLE) == Some(known)) {
        return Err(Answer::Undecided(format!("unsupported: a bundle of the kind {version:?}")));
    }
    let material = document.get("verificationMaterial").and_then(Value::as_object);
    let material = material.ok_or_else(|| refused("the bundle has no verification material"))?;
    if material.contains_key("certificate") || material.contains_key("x509CertificateChain") {
        return Err(Answer::Undecided(KEYLESS.into()));
    }
    if !material.contains_key("publicKey") {
        return Err(refused("the bundle names neither a key nor a certificate"));
    }
    match (document.get("messageSignature"), document.get("dsseEnvelope")) {
        (Some(message), None) => judge_message(message, image, keys),
        (None, Some(envelope)) => judge_envelope(envelope, image, keys),
        _ => Err(refused("the bundle has not exactly one of messageSignature and dsseEnvelope")),
    }
}

fn judge_message(message: &Value, image: Option<&ImageTarget>, keys: &Keys<'_>) -> Result<Answer, Answer> {
    let signature = base64_member(message, "signature")?;
    let mut image_digest = image.map(|image| image.digest);
    if let Some(digest) = message.get("messageDigest").filter(|digest| !digest.is_null()) {
        let algorithm = digest.get("algorithm").and_then(Value::as_str).unwrap_or_default();
        if algorithm != "SHA2_256" {
            return Err(Answer::Undecided(format!("unsupported: a message digest by {algorithm:?}")));
        }
        let bytes = base64_member(digest, "digest")?.try_into();
        let digest =
            bytes.map(Sha256::from_bytes).map_err(|_| Answer::Refused("the digest has not 32 bytes".into()))?;
        compare_digest(&digest, image)?;
        image_digest = Some(digest);
    }
    let image_digest = image_digest.ok_or_else(|| Answer::Undecided("the bundle does not name a digest".into()))?;
    if keys.iter().all(|(_, key)| key.family() == "ed25519") && !keys.is_empty() {
        return Err(Answer::Undecided(
            "unsupported: Ed25519 needs the manifest itself, only its digest is known".into(),
        ));
    }
    find_signer(keys, |key| key.accepts_digest(&image_digest, &signature))
}

fn judge_envelope(envelope: &Value, image: Option<&ImageTarget>, keys: &Keys<'_>) -> Result<Answer, Answer> {
    let refused = |message: &str| Answer::Refused(message.to_owned());
    let payload = base64_member(envelope, "payload")?;
    let payload_type = envelope.get("payloadType").and_then(Value::as_str).unwrap_or_default();
    let Some([signature]) = envelope.get("signatures").and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(refused("the envelope has not exactly one signature"));
    };
    let signature = base64_member(signature, "sig")?;
    let message = pre_authentication_encoding(payload_type, &payload);
    let signer = find_signer(keys, |key| key.accepts(Scheme::Cosign, &message, &signature))?;
    if payload_type != IN_TOTO {
        return Err(Answer::Undecided(format!("unsupported: a payload of the type {payload_type:?}")));
    }
    let statement = strict_json::parse(&payload).map_err(|error| refused(&format!("the statement: {error}")))?;
    let text = |name: &str| statement.get(name).and_then(Value::as_str).unwrap_or_default();
    if !STATEMENTS.contains(&text("_type")) {
        return Err(refused(&format!("{:?} is no type of an in-toto statement", text("_type"))));
    }
    let subjects = statement.get("subject").and_then(Value::as_array).into_iter().flatten();
    let mut digests = subjects.filter_map(|subject| subject.get("digest")?.get("sha256")?.as_str());
    if let Some(image) = image
        && !digests.any(|digest| digest == image.digest.hex())
    {
        return Err(refused(&format!("the statement is not about {}", image.digest)));
    }
    if text("predicateType") != SIGN_PREDICATE {
        return Err(Answer::Undecided(format!(
            "it is an attestation of the kind {:?}, not a signature of the image",
            text("predicateType")
        )));
    }
    Ok(signer)
}

/// What a DSSE envelope signs.
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn base64_member(object: &Value, name: &str) -> Result<Vec<u8>, Answer> {
    let text = object.get(name).and_then(Value::as_str);
    text.and_then(|text| Base64::decode_vec(text).ok()).ok_or_else(|| Answer::Refused(format!("{name} is no base64")))
}

/// The first signer whose key accepts. With no key to try nothing can be said; a key of the policy that does not accept says no more.
fn find_signer(keys: &Keys<'_>, accepts: impl Fn(&ImageKey) -> bool) -> Result<Answer, Answer> {
    match keys.iter().find(|(_, key)| accepts(key)) {
        Some((signer, key)) => {
            Ok(Answer::Accepted(AcceptedSigner { key: key.identity().to_string(), name: Some(signer.name.clone()) }))
        }
        None if keys.is_empty() => Err(Answer::Undecided("the policy's [trust] names no cosign key".into())),
        None => Err(Answer::Refused("no key of the policy's [trust] accepts the signature".into())),
    }
}
