//! Simple signing: an OpenPGP message that assigns a name to an image's manifest (containers-signature(5)).
//!
//! Files are identified by content or by a name `signature-…`: either one binary OpenPGP message, as in `dir:` layouts
//! and on lookaside servers, or the JSON from registries with the signatures extension. skopeo uses the first valid
//! signature, whereas every signature is checked here.

use serde_json::Value;

use super::cosign::mentions;
use super::encoded::decode_base64;
use super::{Answer, ImageTarget, Kind, SignatureReport, TrustFile, TrustPolicy};
use crate::base::budget::{Budget, Work};
use crate::base::limits::Limits;
use crate::base::strict_json;
use crate::base::time::Timestamp;

pub(super) fn judge(
    files: &[TrustFile],
    image: Option<&ImageTarget>,
    now: Timestamp,
    trusted: &TrustPolicy,
    limits: &Limits,
    budget: &Budget,
) -> Vec<SignatureReport> {
    let messages = messages(files, limits, budget);
    // A compressed message may expand to the maximum size of a file, and each signer's key is tried.
    let tries = Work::Signatures(trusted.signers.len() as u64 + 1);
    let bytes = |message: &Message| message.1.as_ref().map_or(0, |bytes| unpacked_size(bytes, limits));
    messages
        .into_iter()
        .take_while(|message| {
            let hashed = Work::Bytes(bytes(message).saturating_mul(trusted.signers.len() as u64 + 2));
            [tries, hashed].into_iter().all(|work| budget.spend(work, "simple-signing signatures").is_ok())
        })
        .map(|(name, message)| match message {
            Ok(message) => judge_message(name, &message, image, now, trusted, limits),
            Err(fault) => SignatureReport::new(Kind::SimpleSigning, name, Answer::Refused(fault)),
        })
        .collect()
}

type Message = (String, Result<Vec<u8>, String>);

/// Finds every file whose first byte (RFC 9580, 4.2: the highest bit is set) or name identifies it as an OpenPGP message, and every entry of the
/// signatures extension.
fn messages(files: &[TrustFile], limits: &Limits, budget: &Budget) -> Vec<Message> {
    let mut messages = Vec::new();
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let first = file.bytes.first();
        let binary = first.is_some_and(|byte| byte & 0x80 != 0);
        // A file that begins with a zero byte has a different format, which `cosign.rs` reads.
        if binary || (name.starts_with("signature-") && first != Some(&0)) {
            if budget.hold(file.bytes.len() as u64, "simple-signing signatures").is_err() {
                break;
            }
            messages.push((file.path.clone(), Ok(file.bytes.clone())));
        } else if file.bytes.trim_ascii_start().first() == Some(&b'{') {
            let Ok(document) = strict_json::parse(&file.bytes) else {
                if mentions(&file.bytes, "\"atomic\"") {
                    messages
                        .push((file.path.clone(), Err("it is not valid JSON, or it has a duplicate member".into())));
                }
                continue;
            };
            let entries = document.get("signatures").and_then(Value::as_array).into_iter().flatten();
            // Content trust also has a list of this name, but the entries of that list do not have this type.
            let entries = entries.filter(|entry| entry.get("type").and_then(Value::as_str) == Some("atomic"));
            let entries: Vec<&Value> = entries.collect();
            if entries.len() as u64 > limits.trust_signatures {
                budget.refuse(limits.trust_signatures(), &format!("the signatures in {}", file.path));
                break;
            }
            messages.extend(entries.into_iter().map(|entry| {
                let name = entry.get("name").and_then(Value::as_str).unwrap_or("an unnamed signature");
                (format!("{}: {name}", file.path), content(entry))
            }));
        }
    }
    messages
}

/// An estimate of the maximum unpacked size of a message.
fn unpacked_size(message: &[u8], limits: &Limits) -> u64 {
    // Deflate expands one byte to at most 1,032 bytes (zlib, "Maximum Compression Factor"); bzip2 can expand it to
    // more.
    let most = limits.trust_file_bytes.saturating_add(1);
    (message.len() as u64).saturating_mul(2_000).min(most)
}

fn content(entry: &Value) -> Result<Vec<u8>, String> {
    if entry.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
        return Err("its schema version is not 2".into());
    }
    let content = entry.get("content").and_then(Value::as_str);
    content.and_then(decode_base64).ok_or_else(|| "its content is not base64".to_owned())
}

#[cfg(not(feature = "openpgp"))]
fn judge_message(
    name: String,
    _: &[u8],
    _: Option<&ImageTarget>,
    _: Timestamp,
    _: &TrustPolicy,
    _: &Limits,
) -> SignatureReport {
    let answer = Answer::NotBuiltIn("this build has no OpenPGP support (feature `openpgp`)".into());
    SignatureReport::new(Kind::SimpleSigning, name, answer)
}

#[cfg(feature = "openpgp")]
fn judge_message(
    name: String,
    message: &[u8],
    image: Option<&ImageTarget>,
    now: Timestamp,
    trusted: &TrustPolicy,
    limits: &Limits,
) -> SignatureReport {
    use super::ImageSignerKey;
    use crate::crypto::openpgp::{self, Certificate, Fault};

    let mut report = SignatureReport::new(Kind::SimpleSigning, name, Answer::Undecided(String::new()));
    let message = match openpgp::read_message(message, limits) {
        Ok(message) => message,
        Err(fault) => {
            report.answer = Answer::Refused(fault);
            return report;
        }
    };
    for signer in &trusted.signers {
        let ImageSignerKey::OpenPgp { fingerprint, certificates } = &signer.key else { continue };
        let certificate = Certificate::find(certificates, fingerprint).map_err(Fault::Refused);
        report.answer = match certificate.and_then(|certificate| message.verify(&certificate, now)) {
            Err(Fault::OtherKey) => continue,
            Err(Fault::Refused(message)) => Answer::Refused(message),
            Err(Fault::Unsupported(message)) => Answer::Undecided(format!("unsupported: {message}")),
            Ok(signed) => {
                report.details.push(format!("signed at {} according to the signer's clock", signed.created));
                report.expiries = signed.expiries;
                judge_time(signed.created, image)
                    .and_then(|()| judge_payload(message.payload(), image, trusted, &mut report))
                    .unwrap_or_else(|answer| answer)
            }
        };
        if let Answer::Accepted(accepted) = &mut report.answer {
            (accepted.key, accepted.name) = (fingerprint.clone(), Some(signer.name.clone()));
        }
        return report;
    }
    report.answer = Answer::Undecided(format!(
        "the policy's [trust] does not list the key that the signature names, {}; the signature was not verified",
        message.issuer()
    ));
    report
}

/// An image cannot be signed before it exists. The holder of an expired or replaced key may backdate a signature, but a
/// time before the build is refused, apart from clock differences.
#[cfg(feature = "openpgp")]
fn judge_time(signed: Timestamp, image: Option<&ImageTarget>) -> Result<(), Answer> {
    match image {
        Some(image) if image.built.is_clearly_after(signed) => Err(Answer::Refused(format!(
            "it states that it was made at {signed}, before the image was built at {}",
            image.built
        ))),
        _ => Ok(()),
    }
}

/// Checks that the verified signature is for the image. The payload is parsed only after the signature has been verified.
#[cfg(feature = "openpgp")]
fn judge_payload(
    payload: &[u8],
    image: Option<&ImageTarget>,
    trusted: &TrustPolicy,
    report: &mut SignatureReport,
) -> Result<Answer, Answer> {
    use super::payload::{Payload, SIMPLE_SIGNING};
    use super::{AcceptedSigner, compare_digest};

    let payload = Payload::read(payload, SIMPLE_SIGNING).map_err(Answer::Refused)?;
    report.says(&payload.digest, &payload.reference);
    report.details.extend(payload.creator.map(|creator| format!("made by {creator:?}, as the payload states")));
    compare_digest(&payload.digest, image)?;
    if let Some(image) = image
        && !trusted.reference.matches(&payload.reference, &image.repository, &image.tags)
    {
        let (found, expected) = (&payload.reference, &image.repository);
        return Err(Answer::Refused(format!(
            "its name for the image is {found:?}, but the name in the signed log is {expected:?}"
        )));
    }
    Ok(Answer::Accepted(AcceptedSigner { key: String::new(), name: None, below: None }))
}

#[cfg(all(test, feature = "openpgp"))]
mod tests {
    use super::*;
    use crate::base::digest::Sha256;
    use crate::base::time::DAY_SECONDS;

    #[test]
    fn signatures_more_than_a_day_before_the_build_are_refused() {
        let built = Timestamp::from_unix_seconds(1_800_000_000).unwrap();
        let image = ImageTarget {
            repository: String::new(),
            tag: None,
            tags: Vec::new(),
            digest: Sha256::of(b""),
            size: None,
            built,
            now: built,
        };
        let last = built.plus_seconds(-DAY_SECONDS);
        assert_eq!(judge_time(last, Some(&image)), Ok(()));
        assert!(judge_time(last.plus_seconds(-1), Some(&image)).is_err());
        assert_eq!(judge_time(last.plus_seconds(-1), None), Ok(()));
    }
}
