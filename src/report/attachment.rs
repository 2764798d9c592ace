//! A verification summary in the three forms that registries store with an image: an OCI artifact whose `subject` is the image (OCI Distribution 1.1,
//! referrers), an index under the fallback tag for registries without the referrers API, and a separate image under the tag `sha256-<hex>.att`, where
//! cosign expects attestations.
//!
//! This module only builds documents; it writes nothing.

use serde_json::{Value, json};

use super::statement::{SUMMARY, proved_image, sealed, verification_summary};
use super::{BundleReport, Options, Report};
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::judge::evidence::Known;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const ARTIFACT: &str = "application/vnd.in-toto+json";
const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// A signed summary to attach to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The digest of the image manifest.
    pub subject: Sha256,
    subject_size: u64,
    subject_type: String,
    /// The summary in its DSSE envelope.
    envelope: Vec<u8>,
}

/// The blobs and index entries that a layout must contain for an [`Attachment`].
#[derive(Debug, Clone, PartialEq)]
pub struct Documents {
    /// The contents of the blobs.
    pub blobs: Vec<Vec<u8>>,
    /// Entries of the layout's index, each with a separate tag: the referrers index, and cosign's image.
    pub entries: [Value; 2],
}

impl Report {
    /// A signed summary for each bundle that this run accepted in full. Other bundles have no summary.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no signing key, or if an accepted bundle's image is not proved to be the image in the signed log;
    /// [`Error::Malformed`] if signing fails.
    pub fn attachments(&self, options: &Options) -> Result<Vec<Attachment>, Error> {
        let Some(key) = &options.sign_key else {
            return Err(Error::Usage {
                message: "--attach needs a key that signs the summary".into(),
                hint: "specify your private key with --sign-key FILE".into(),
            });
        };
        let mut attachments = Vec::new();
        for (bundle, statement) in self.bundles.iter().filter_map(|one| Some((one, verification_summary(self, one)?))) {
            let Some((subject, subject_size, subject_type)) = subject(bundle) else { return Err(not_proved(bundle)) };
            let envelope =
                sealed(&statement, key).map_err(|error| Error::malformed("the summary", error.to_string()))?;
            attachments.push(Attachment { subject, subject_size, subject_type, envelope: envelope.into_bytes() });
        }
        Ok(attachments)
    }
}

/// Digest, size and media type of the image manifest, if `image-digest` passed and the bytes were available.
fn subject(bundle: &BundleReport) -> Option<(Sha256, u64, String)> {
    let (_, digest) = proved_image(bundle)?;
    let said = |name: &'static str| {
        bundle.evidence.iter().filter(move |fact| fact.fact == name && fact.witness != "build.log")
    };
    let measured =
        said("image-digest").filter(|fact| fact.known == Known::Recomputed).filter_map(|fact| fact.data.as_ref());
    let mut of_digest = measured.filter(|data| data.get("digest").and_then(Value::as_str) == Some(&digest.to_string()));
    let size = of_digest.next()?.get("size")?.as_u64()?;
    let media_type = said("media-type").next().map_or_else(|| MANIFEST.to_owned(), |fact| fact.value.clone());
    Some((digest, size, media_type))
}

fn not_proved(bundle: &BundleReport) -> Error {
    Error::Usage {
        message: format!(
            "--attach: {}: image-digest did not pass, the log has no image name, or the manifest was not measured, so there is no image to attach to",
            bundle.path
        ),
        hint: "specify the image with --image, in a form that preserves its manifest: docker://REF, dir:PATH or an OCI layout"
            .into(),
    }
}

impl Attachment {
    /// Builds the documents. `referrers` is the existing index under the referrers tag, as JSON.
    ///
    /// # Errors
    /// A message if `referrers` is not an index.
    pub fn documents(&self, referrers: Option<&Value>) -> Result<Documents, String> {
        let empty = b"{}".to_vec();
        let layer = descriptor(ENVELOPE, &self.envelope);
        let predicate = json!({ "in-toto.io/predicate-type": SUMMARY });
        let artifact = to_bytes(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": ARTIFACT,
            "config": descriptor(EMPTY, &empty),
            "layers": [with(layer.clone(), "annotations", predicate.clone())],
            "subject": { "mediaType": self.subject_type, "digest": self.subject.to_string(), "size": self.subject_size },
            "annotations": predicate,
        }));
        let referrer = with(descriptor(MANIFEST, &artifact), "artifactType", ARTIFACT.into());
        let index = to_bytes(&merged(referrers, with(referrer, "annotations", predicate))?);
        let config = to_bytes(&json!({
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": [Sha256::of(&self.envelope).to_string()] },
        }));
        // cosign requires the first annotation; the signature itself is in the envelope.
        let marks = json!({ "dev.cosignproject.cosign/signature": "", "predicateType": SUMMARY });
        let cosign = to_bytes(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": [with(layer, "annotations", marks)],
        }));
        let under = |media_type, bytes: &[u8], tag: String| {
            with(descriptor(media_type, bytes), "annotations", json!({ REFERENCE: tag }))
        };
        let entries = [under(INDEX, &index, self.tag()), under(MANIFEST, &cosign, self.cosign_tag())];
        Ok(Documents { blobs: vec![self.envelope.clone(), empty, artifact, index, config, cosign], entries })
    }

    /// `sha256-<hex>`: the fallback tag for registries without the referrers API (OCI Distribution 1.1, referrers tag schema).
    pub fn tag(&self) -> String {
        format!("sha256-{}", self.subject.hex())
    }

    /// `sha256-<hex>.att`: the tag under which cosign expects attestations.
    pub fn cosign_tag(&self) -> String {
        format!("{}.att", self.tag())
    }
}

/// Adds a referrer to the index, unless the index already has it.
fn merged(referrers: Option<&Value>, referrer: Value) -> Result<Value, String> {
    let none = || json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] });
    let mut index = referrers.cloned().unwrap_or_else(none);
    let list = index.get_mut("manifests").and_then(Value::as_array_mut);
    let list = list.ok_or("the referrers tag does not refer to an index")?;
    if !list.iter().any(|known| known.get("digest") == referrer.get("digest")) {
        list.push(referrer);
    }
    Ok(index)
}

/// The tag of an index entry.
pub fn tag_of(entry: &Value) -> Option<&str> {
    entry.get("annotations")?.get(REFERENCE)?.as_str()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Sha256::of(bytes).to_string(), "size": bytes.len() })
}

fn with(mut value: Value, name: &str, field: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(name.into(), field);
    }
    value
}

fn to_bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_referrers_are_kept_and_duplicates_are_not_added() {
        let attachment = Attachment {
            subject: Sha256::of(b"image"),
            subject_size: 5,
            subject_type: MANIFEST.into(),
            envelope: b"{}".to_vec(),
        };
        let index = |referrers: Option<&Value>| -> Value {
            let documents = attachment.documents(referrers).unwrap();
            let digest = documents.entries[0]["digest"].as_str().unwrap().to_owned();
            let bytes = documents.blobs.iter().find(|blob| Sha256::of(blob).to_string() == digest).unwrap();
            serde_json::from_slice(bytes).unwrap()
        };
        let first = index(None);
        assert_eq!(index(Some(&first)), first);
        let other = json!({ "schemaVersion": 2, "manifests": [{ "digest": "sha256:00" }] });
        let both = index(Some(&other));
        assert_eq!(both["manifests"][0]["digest"], "sha256:00");
        assert_eq!(both["manifests"][1], first["manifests"][0]);
        assert!(attachment.documents(Some(&json!([]))).is_err());
        let entries = attachment.documents(None).unwrap().entries;
        assert_eq!(entries.each_ref().map(tag_of), [Some(&*attachment.tag()), Some(&*attachment.cosign_tag())]);
    }
}
