//! Converts the annotations of a `.sig` manifest, which are an older form of a bundle's evidence, into an equivalent bundle.
//!
//! Source: sigstore/cosign, specs/SIGNATURE_SPEC.md and pkg/cosign/bundle. In this form, the log's promise covers the
//! entry, its time and its index.

use base64ct::{Base64, Encoding as _};
use serde_json::{Map, Value, json};
use spki::der::pem;

use super::super::encoded::decode_base64;
use super::Answer;
use crate::base::digest::{Sha256, decode_hex};
use crate::base::strict_json;

const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";

/// Creates a version 0.1 bundle from a layer's annotations: a signature on the payload whose digest is `payload`.
/// Intermediate certificates come from the trusted root, so `dev.sigstore.cosign/chain` is not read.
pub(in super::super) fn bundle_of_layer(
    annotations: &Map<String, Value>,
    payload: &Sha256,
    signature: &[u8],
) -> Result<Vec<u8>, Answer> {
    let text = |name: &str| annotations.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let material = match text(CERTIFICATE) {
        Some(certificate) => {
            let (label, der) = pem::decode_vec(certificate.trim().as_bytes())
                .map_err(|error| Answer::Refused(format!("its certificate is not exactly one PEM block: {error}")))?;
            if label != "CERTIFICATE" {
                return Err(Answer::Refused(format!("expected a CERTIFICATE, found {label}")));
            }
            ("x509CertificateChain", json!({"certificates": [{"rawBytes": Base64::encode_string(&der)}]}))
        }
        None => ("publicKey", json!({"hint": ""})),
    };
    let no_entry =
        || Answer::Undecided("unsupported: without a transparency log entry, the signing time is not known".into());
    let entry = log_entry(text(LOG_ENTRY).ok_or_else(no_entry)?.as_bytes()).map_err(Answer::Refused)?;
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": {material.0: material.1, "tlogEntries": [entry]},
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": Base64::encode_string(payload.as_bytes())},
            "signature": Base64::encode_string(signature),
        },
    });
    Ok(bundle.to_string().into_bytes())
}

fn log_entry(text: &[u8]) -> Result<Value, String> {
    let fault = |what: &str| format!("its transparency log entry has no {what}");
    let entry = strict_json::parse(text).map_err(|error| format!("its transparency log entry: {error}"))?;
    let promise = entry.get("SignedEntryTimestamp").and_then(Value::as_str).ok_or_else(|| fault("promise"))?;
    let payload = entry.get("Payload").ok_or_else(|| fault("payload"))?;
    let number = |name: &str| payload.get(name).and_then(Value::as_u64).ok_or_else(|| fault(name));
    let body = payload.get("body").and_then(Value::as_str).ok_or_else(|| fault("body"))?;
    let log = payload.get("logID").and_then(Value::as_str).and_then(|id| decode_hex(id.as_bytes()));
    let log = log.ok_or_else(|| fault("logID"))?;
    let decoded = decode_base64(body).ok_or_else(|| fault("base64 body"))?;
    let decoded = strict_json::parse(&decoded).map_err(|error| format!("its transparency log entry: {error}"))?;
    let kind = |name: &str| decoded.get(name).and_then(Value::as_str).ok_or_else(|| fault(name));
    Ok(json!({
        "logIndex": number("logIndex")?.to_string(),
        "logId": {"keyId": Base64::encode_string(&log)},
        "kindVersion": {"kind": kind("kind")?, "version": kind("apiVersion")?},
        "integratedTime": number("integratedTime")?.to_string(),
        "inclusionPromise": {"signedEntryTimestamp": promise},
        "canonicalizedBody": body,
    }))
}
