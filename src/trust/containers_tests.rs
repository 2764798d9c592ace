//! The signatures from containers/image's own tests, as in Debian's package, which `tests/run` unpacks. Each signature
//! is checked against the manifest next to it, with the keys in the same folder.

use std::fs;
use std::path::Path;

use super::{Answer, ImageSigner, ImageSignerKey, ImageTarget, TrustFile, TrustPolicy, cosign, simple_signing};
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::test_figures::assert_documented;
use crate::base::time::Timestamp;
use crate::image::spec_tests::go_source;

const SHORT_KEY: &str = "RSA of 1024 bits";
const SHA1: &str = "SHA-1, or RSA of 1024 bits";

/// A case, whether the suite accepts it, and the reason if the result here differs. A case that the suite refuses is never accepted here.
const CASES: &[(&str, bool, Option<&str>)] = &[
    ("corrupt.signature", false, None),
    ("corrupt.signature-v3", false, None),
    ("double.signature", false, None),
    ("expired.signature", false, None),
    ("image.signature", true, Some(SHORT_KEY)),
    ("invalid-blob.signature", false, None),
    ("invalid-blob.signature-v3", false, None),
    ("invalid-reference.signature", false, None),
    ("no-optional-fields.signature", true, Some(SHA1)),
    ("unknown-cosign-key.signature", false, None),
    ("unknown-key.signature", false, None),
    ("unknown-key.signature-v3", false, None),
    ("unsigned-encrypted.signature", false, None),
    ("unsigned-literal.signature", false, None),
    ("dir-img-cosign-manifest-digest-error", false, None),
    ("dir-img-cosign-mixed", true, None),
    ("dir-img-cosign-modified-manifest", false, None),
    ("dir-img-cosign-no-manifest", false, None),
    ("dir-img-cosign-other-attachment", false, None),
    ("dir-img-cosign-valid", true, None),
    ("dir-img-cosign-valid-2", true, None),
    ("dir-img-cosign-valid-with-tag", true, None),
    ("dir-img-manifest-digest-error", false, None),
    ("dir-img-mixed", true, Some(SHORT_KEY)),
    ("dir-img-modified-manifest", false, None),
    ("dir-img-no-manifest", false, None),
    ("dir-img-unsigned", false, None),
    ("dir-img-valid", true, Some(SHORT_KEY)),
    ("dir-img-valid-2", true, Some(SHORT_KEY)),
];

fn signers(folder: &Path) -> Vec<ImageSigner> {
    let openpgp = ImageSignerKey::OpenPgp {
        fingerprint: "1d8230f6cdb6a06716e414c1db72f2188bb46cc8".into(),
        certificates: fs::read(folder.join("public-key.gpg")).unwrap(),
    };
    let key = super::public_key::ImageKey::from_pem(&fs::read(folder.join("cosign.pub")).unwrap()).unwrap();
    let cosign = ImageSignerKey::Cosign { key, log: None };
    vec![ImageSigner { name: "gpg".into(), key: openpgp }, ImageSigner { name: "cosign".into(), key: cosign }]
}

#[test]
fn signatures_from_containers_image_get_the_expected_results() {
    let folder = go_source("containers/image").join("signature/fixtures");
    let policy = TrustPolicy { signers: signers(&folder), ..TrustPolicy::default() };
    let now = Timestamp::from_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let limits = Limits::default();
    for (name, valid, exception) in CASES {
        let case = folder.join(name);
        let read = |name: &str| fs::read(case.join(name)).ok();
        let (signatures, manifest) = if case.is_dir() {
            (vec![read("signature-1"), read("signature-2")], read("manifest.json"))
        } else {
            (vec![fs::read(&case).ok()], fs::read(folder.join("image.manifest.json")).ok())
        };
        let manifest = manifest.unwrap_or_default();
        let image = ImageTarget {
            repository: "docker.io/testing/manifest".into(),
            tag: None,
            tags: vec!["latest".into()],
            digest: Sha256::of(&manifest),
            size: Some(manifest.len() as u64),
            built: Timestamp::from_rfc3339("2010-01-01T00:00:00Z").unwrap(),
            now,
        };
        let files: Vec<TrustFile> = (1..)
            .zip(signatures.into_iter().flatten())
            .map(|(number, bytes)| TrustFile { path: format!("signature-{number}"), bytes })
            .collect();
        let mut reports = simple_signing::judge(
            &files,
            Some(&image),
            now,
            &policy,
            &limits,
            &crate::base::budget::Budget::of_unknown_input(&limits),
        );
        reports.extend(cosign::judge(
            &files,
            Some(&image),
            now,
            &policy,
            &limits,
            &crate::base::budget::Budget::of_unknown_input(&limits),
        ));
        assert_eq!(reports.len(), files.len(), "{name}: {reports:?}");
        let accepted = reports.iter().any(|report| matches!(report.answer, Answer::Accepted(_)));
        assert_eq!(accepted, *valid && exception.is_none(), "{name}: {reports:?}");
        for report in reports.iter().filter(|_| exception.is_some()) {
            let Answer::Refused(message) = &report.answer else { panic!("{name}: {report:?}") };
            assert!(message.contains("2048") || message.contains("SHA-256"), "{name}: {message}");
        }
    }
    // Every file in the suite is tested.
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there = there.filter(|name| name.contains(".signature") || name.starts_with("dir-img"));
    assert_eq!(there.count(), CASES.len());
    let count = |wanted: fn(bool, bool) -> bool| {
        CASES.iter().filter(|(_, valid, exception)| wanted(*valid, exception.is_some())).count()
    };
    let (accepted, refused) = (count(|valid, stricter| valid && !stricter), count(|valid, _| !valid));
    assert_documented("containers/image: signatures", &[accepted, refused, count(|_, stricter| stricter), 0]);
}
