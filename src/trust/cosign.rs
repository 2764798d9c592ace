//! Signatures made by cosign: `.sig` manifests with their payloads, and sigstore bundles (`bundle.rs`).
//!
//! Files are identified by content. A signature manifest is JSON with layers of cosign's media type, and its payload is
//! any file with the layer's digest. Therefore, a layout written by `cosign save` and an evidence folder are read in
//! the same way. The `signature-N` files of `dir:` layouts contain the payload themselves.
//!
//! A signature must have been made with a key listed in the policy or, if it is keyless, by an identity listed in the policy with a trusted root
//! (`sigstore/`). Anything unsupported is reported as such and never accepted.
//!
//! Sources: sigstore/cosign, specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md; sigstore/protobuf-specs; DSSE protocol 1.0.0;
//! containers/image, internal/signature, for `signature-N`.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::bundle::judge_bundle;
use super::encoded::decode_base64;
use super::payload::{self, Payload};
use super::public_key::{ImageKey, Message};
use super::sigstore::{Identities, Signed, bundle_of_layer, verify_log};
use super::{
    AcceptedSigner, Answer, ImageSigner, ImageSignerKey, ImageTarget, JSON_UNITS, Kind, SignatureReport, TrustFile,
    TrustPolicy, compare_digest,
};
use crate::base::budget::{Budget, Work};
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::time::Timestamp;
use crate::crypto::Protocol;

const LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
pub(super) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

const WHAT: &str = "cosign signatures";
/// The memory needed for a report, not counting its file name.
const REPORT_HELD_BYTES: u64 = 400;
/// The minimum size of a signed element of a bundle, which contains a signature, a time and an id.
const SIGNED_PART_BYTES: u64 = 200;

/// The context for checking signatures.
pub(super) struct Judge<'a> {
    pub(super) image: Option<&'a ImageTarget>,
    policy: &'a TrustPolicy,
    pub(super) identities: Identities<'a>,
    now: Timestamp,
    limits: &'a Limits,
    budget: &'a Budget,
    payloads: Payloads<'a>,
}

/// Files by digest. Each file is hashed once, when a payload is first needed.
struct Payloads<'a> {
    files: &'a [TrustFile],
    budget: &'a Budget,
    by_digest: OnceCell<HashMap<Sha256, &'a TrustFile>>,
}

impl<'a> Payloads<'a> {
    fn find(&self, digest: &Sha256) -> Option<&'a TrustFile> {
        let by_digest = self.by_digest.get_or_init(|| {
            let mut by_digest = HashMap::new();
            for file in self.files {
                if self.budget.spend(Work::Bytes(file.bytes.len() as u64), WHAT).is_err() {
                    break;
                }
                by_digest.entry(Sha256::of(&file.bytes)).or_insert(file);
            }
            by_digest
        });
        by_digest.get(digest).copied()
    }
}

pub(super) fn judge(
    files: &[TrustFile],
    image: Option<&ImageTarget>,
    now: Timestamp,
    policy: &TrustPolicy,
    limits: &Limits,
    budget: &Budget,
) -> Vec<SignatureReport> {
    let identities = Identities::of(policy, now, limits);
    let payloads = Payloads { files, budget, by_digest: OnceCell::new() };
    let judge = Judge { image, policy, identities, now, limits, budget, payloads };
    let mut reports = Vec::new();
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if let Some(stored) = file.bytes.strip_prefix(b"\0").filter(|_| name.starts_with("signature-")) {
            reports.push(report(&file.path, judge_stored(stored, &judge)));
        }
    }
    for file in files.iter().filter(|file| file.bytes.trim_ascii_start().first() == Some(&b'{')) {
        let Ok(Value::Object(document)) = strict_json::parse(&file.bytes) else {
            if mentions(&file.bytes, BUNDLE) || mentions(&file.bytes, LAYER) {
                let answer = Answer::Refused("it is not valid JSON, or it has a duplicate member".into());
                reports.push(SignatureReport::new(Kind::Cosign, &file.path, answer));
            }
            continue;
        };
        if media_type(&document).starts_with(BUNDLE) {
            reports.push(report(&file.path, judge_bundle(&document, &judge)));
        }
        if signature_layers(&document).count() as u64 > limits.trust_signatures {
            budget.refuse(limits.trust_signatures(), &format!("the signatures in {}", file.path));
            return reports;
        }
        for layer in signature_layers(&document) {
            // The report contains the file name.
            if judge.budget.hold(file.path.len() as u64 + REPORT_HELD_BYTES, WHAT).is_err() {
                return reports;
            }
            reports.push(report(&file.path, judge_layer(layer, &judge)));
        }
    }
    reports
}

fn report(file: &str, judged: Result<Signed, Answer>) -> SignatureReport {
    let (answer, details) = match judged {
        Ok(signed) => (Answer::Accepted(signed.signer), signed.details),
        Err(answer) => (answer, Vec::new()),
    };
    SignatureReport { details, ..SignatureReport::new(Kind::Cosign, file, answer) }
}

pub(super) fn mentions(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

pub(super) fn media_type(document: &Map<String, Value>) -> &str {
    document.get("mediaType").and_then(Value::as_str).unwrap_or_default()
}

fn signature_layers(document: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let layers = document.get("layers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    layers.filter(|layer| media_type(layer) == LAYER)
}

/// Checks one layer of a `.sig` manifest: the layer's digest identifies the payload file, and an annotation contains
/// the signature.
fn judge_layer(layer: &Map<String, Value>, judge: &Judge<'_>) -> Result<Signed, Answer> {
    let digest = layer.get("digest").and_then(Value::as_str).and_then(Sha256::from_prefixed);
    let digest = digest.ok_or_else(|| Answer::Refused("the layer has no sha256 digest".into()))?;
    let payload = judge.payloads.find(&digest);
    let payload = payload.ok_or_else(|| Answer::Undecided(format!("the payload {digest} is missing")))?;
    judge_payload(layer, &payload.bytes, &digest, judge)
}

/// Checks a `signature-N` file after its first byte: a format name, a newline and, for cosign, JSON with the payload in
/// base64.
fn judge_stored(stored: &[u8], judge: &Judge<'_>) -> Result<Signed, Answer> {
    let refused = |message: &str| Answer::Refused(message.to_owned());
    let document = stored.strip_prefix(b"sigstore-json\n");
    let document = document.ok_or_else(|| Answer::Undecided("unsupported: a different signature format".into()))?;
    let document = strict_json::parse(document).map_err(|error| refused(&format!("the stored signature: {error}")))?;
    let document = document.as_object().ok_or_else(|| refused("it is not a JSON object"))?;
    match document.get("mimeType").and_then(Value::as_str) {
        Some(LAYER) => {}
        other => {
            let other = other.unwrap_or_default();
            return Err(Answer::Undecided(format!("unsupported: attachment type {other:?}")));
        }
    }
    let payload = document.get("payload").and_then(Value::as_str).and_then(decode_base64);
    let payload = payload.ok_or_else(|| refused("it has no base64 payload"))?;
    judge_payload(document, &payload, &Sha256::of(&payload), judge)
}

/// Checks the signature over `payload`, whose digest is `digest`; the signature is in the `annotations` of `holder`.
fn judge_payload(
    holder: &Map<String, Value>,
    payload: &[u8],
    digest: &Sha256,
    judge: &Judge<'_>,
) -> Result<Signed, Answer> {
    let refused = |message: &str| Answer::Refused(message.to_owned());
    let annotations = holder.get("annotations").and_then(Value::as_object);
    let annotations = annotations.ok_or_else(|| refused("it has no annotations"))?;
    let annotation = |name: &str| annotations.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let signature = annotation(SIGNATURE).and_then(decode_base64);
    let signature = signature.ok_or_else(|| refused("it has no base64 signature"))?;
    let mut signed = if annotation(CERTIFICATE).is_some() {
        judge.spend_keyless(annotations.values().filter_map(Value::as_str).map(str::len).sum())?;
        judge.identities.find_signer(&bundle_of_layer(annotations, digest, &signature)?, digest)?
    } else {
        let message = Message::with_digest(payload, *digest);
        judge.find_key(&message, &signature, digest, || bundle_of_layer(annotations, digest, &signature))?
    };
    let payload = Payload::read(payload, payload::COSIGN).map_err(Answer::Refused)?;
    compare_digest(&payload.digest, judge.image)?;
    signed.details.push(format!("it states that {} has the name {:?}", payload.digest, payload.reference));
    Ok(signed)
}

impl Judge<'_> {
    /// Finds the first signer under whose key the signature verifies. If the policy lists no key, the result is undecided; if the signature does not
    /// verify under any key, it is refused. If the policy requires a log entry for the key, the bundle must contain a valid log entry for the
    /// signature on `digest`.
    pub(super) fn find_key(
        &self,
        message: &Message<'_>,
        signature: &[u8],
        digest: &Sha256,
        bundle: impl FnOnce() -> Result<Vec<u8>, Answer>,
    ) -> Result<Signed, Answer> {
        let mut found = None;
        for (signer, key, log) in self.keys() {
            found = Some(None);
            for work in message.cost(key) {
                self.spend(work)?;
            }
            if key.accepts(Protocol::Cosign, key.usual_scheme(), message, signature) {
                found = Some(Some((signer, key, log)));
                break;
            }
        }
        let (signer, key, log) = match found {
            Some(Some(found)) => found,
            Some(None) => {
                return Err(Answer::Refused(
                    "the signature does not verify under any key in the policy's [trust]".into(),
                ));
            }
            None => return Err(Answer::Undecided("no cosign key is in a policy's [trust]".into())),
        };
        let details = match log {
            Some(root) => verify_log(root, key, &bundle()?, digest, self.now, self.limits)?,
            None => {
                vec!["transparency log entries are not checked: the policy has no sigstore-root for this key".into()]
            }
        };
        let signer = AcceptedSigner { key: key.identity().to_string(), name: Some(signer.name.clone()), below: None };
        Ok(Signed { signer, details })
    }

    fn spend(&self, work: Work) -> Result<(), Answer> {
        self.budget.spend(work, WHAT).map_err(|error| Answer::Undecided(error.to_string()))
    }

    /// Charges the cost of a bundle of this size to the budget: each log entry, time-stamp and certificate may need one
    /// signature verification per identity.
    pub(super) fn spend_keyless(&self, bytes: usize) -> Result<(), Answer> {
        let signatures = bytes as u64 / SIGNED_PART_BYTES + 1;
        let identities = self.policy.signers.len() as u64 + 1;
        self.spend(Work::Bytes((bytes as u64).saturating_mul(identities).saturating_mul(JSON_UNITS)))?;
        self.spend(Work::Signatures(signatures.saturating_mul(identities)))
    }

    /// The policy's keys, each with the trusted root, if any, whose logs must contain the key's signatures.
    pub(super) fn keys(
        &self,
    ) -> impl Iterator<Item = (&ImageSigner, &ImageKey, Option<&super::sigstore::SigstoreRoot>)> {
        self.policy.signers.iter().filter_map(|signer| match &signer.key {
            ImageSignerKey::Cosign { key, log } => Some((signer, key, log.as_ref())),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_hashed_once_for_any_number_of_layers() {
        let payload = vec![b'x'; 10_000];
        let layer = serde_json::json!({
            "mediaType": LAYER, "digest": Sha256::of(&payload).to_string(), "annotations": { SIGNATURE: "AAAA" },
        });
        let spent = |count: usize| {
            let manifest = serde_json::json!({ "layers": vec![layer.clone(); count] }).to_string();
            let file = |path: &str, bytes: &[u8]| TrustFile { path: path.into(), bytes: bytes.to_vec() };
            let files = [file("a.json", manifest.as_bytes()), file("b.json", b"{}"), file("p", &payload)];
            let limits = Limits::default();
            let budget = Budget::of_audit(0, &limits);
            let now = Timestamp::from_unix_seconds(1_800_000_000).unwrap();
            let reports = judge(&files, None, now, &TrustPolicy::default(), &limits, &budget);
            assert_eq!(reports.len(), count);
            budget.spent() - manifest.len() as u64
        };
        assert_eq!((spent(1), spent(300)), (10_002, 10_002));
    }

    #[test]
    fn a_broken_file_counts_as_a_signature_only_if_it_contains_a_signature_type() {
        let now = Timestamp::from_unix_seconds(1_800_000_000).unwrap();
        let found = |text: &str| {
            let file = TrustFile { path: "x.json".into(), bytes: text.into() };
            let limits = Limits::default();
            judge(&[file], None, now, &TrustPolicy::default(), &limits, &Budget::of_unknown_input(&limits))
        };
        assert_eq!(found("{\"mediaType\": \"application/json\", broken").len(), 0);
        for kind in [BUNDLE, LAYER] {
            let reports = found(&format!("{{\"mediaType\": \"{kind}\", broken"));
            assert!(matches!(reports.as_slice(), [SignatureReport { answer: Answer::Refused(_), .. }]), "{kind}");
        }
    }
}
