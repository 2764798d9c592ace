//! The bundles of sigstore-conformance, which are not part of this repository: docs/generated/suites.md describes how
//! to run this test.

use std::fs;
use std::path::Path;

use sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;

use super::super::{
    Answer, ImageSigner, ImageSignerKey, ImageTarget, SigstoreIdentity, TrustFile, TrustPolicy, cosign,
};
use super::SigstoreRoot;
use crate::base::digest::Sha256;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Cases whose result differs from that of the suite, each with a reason. A case that the suite refuses must never be
/// accepted.
const DIFFERENT: &[(&str, &str)] = &[];

/// Checks that this program accepts the case. For an attestation, the suite requires only that the signature is valid.
fn accepts(case: &Path, suite: &Path) -> Result<(), String> {
    let read = |name: &str| fs::read(case.join(name)).ok();
    let text = |name: &str| read(name).map(|bytes| String::from_utf8(bytes).unwrap().trim().to_owned());
    let artifact = read("artifact").unwrap_or_else(|| fs::read(suite.join("a.txt")).unwrap());
    let given = read("trusted_root.json");
    let json = given.clone().unwrap_or_else(|| SIGSTORE_PRODUCTION_TRUSTED_ROOT.as_bytes().to_vec());
    let root = SigstoreRoot::from_json(&json)?;
    let key = match read("key.pub") {
        Some(pem) => {
            let key = crate::trust::public_key::ImageKey::from_pem(&pem)?;
            ImageSignerKey::Cosign { key, log: Some(root) }
        }
        None => {
            let identity = text("identity").unwrap_or(IDENTITY.into());
            let issuer = text("issuer").unwrap_or(ISSUER.into());
            ImageSignerKey::Sigstore(SigstoreIdentity { identity, issuer, root })
        }
    };
    verdict(read("bundle.sigstore.json").unwrap(), Sha256::of(&artifact), key)
}

/// The result of [`cosign::judge`] for one bundle, for an image manifest with this digest and a policy with one signer.
/// An attestation with a verified signature is undecided, which counts as accepted here.
pub(super) fn verdict(bundle: Vec<u8>, digest: Sha256, key: ImageSignerKey) -> Result<(), String> {
    let policy = TrustPolicy { signers: vec![ImageSigner { name: "a".into(), key }], ..TrustPolicy::default() };
    let now = Timestamp::from_rfc3339("2040-01-01T00:00:00Z").unwrap();
    let image = ImageTarget {
        repository: "docker.io/acme/wallet".into(),
        tag: None,
        tags: Vec::new(),
        digest,
        size: None,
        built: now,
        now,
    };
    let files = [TrustFile { path: "bundle".into(), bytes: bundle }];
    let reports = cosign::judge(
        &files,
        Some(&image),
        now,
        &policy,
        &Limits::default(),
        &crate::base::budget::Budget::of_unknown_input(&Limits::default()),
    );
    match reports.as_slice() {
        [] => Err("no signature".into()),
        [report] => match &report.answer {
            Answer::Accepted(_) => Ok(()),
            Answer::Undecided(message) if message.starts_with("unsupported: an attestation") => Ok(()),
            Answer::Refused(message) | Answer::Undecided(message) | Answer::NotBuiltIn(message) => Err(message.clone()),
        },
        _ => panic!("one bundle gave several results"),
    }
}

#[test]
#[ignore = "needs the folder test/assets/bundle-verify of sigstore-conformance, in HPSB_SIGSTORE_CONFORMANCE"]
fn conformance_cases_get_the_expected_results() {
    let suite = std::env::var("HPSB_SIGSTORE_CONFORMANCE").expect("HPSB_SIGSTORE_CONFORMANCE must name a folder");
    let suite = Path::new(&suite);
    let mut cases: Vec<_> = fs::read_dir(suite).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    let (mut good, mut bad, mut wrong) = (0, 0, Vec::new());
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let answer = accepts(case, suite);
        println!("{name}: {answer:?}");
        if name.ends_with("_fail") {
            bad += 1
        } else {
            good += 1
        }
        if answer.is_ok() == name.ends_with("_fail") {
            wrong.push(name.to_owned());
        }
    }
    println!("{good} to be accepted, {bad} to be refused");
    let different: Vec<&str> = DIFFERENT.iter().map(|(name, _)| *name).collect();
    assert_eq!(wrong, different);
    assert!(good > 0 && bad > 0, "no cases in {}", suite.display());
}
