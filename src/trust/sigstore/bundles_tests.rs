//! The bundles that sigstore-rust's crates contain for their own tests: from sigstore-python, sigstore-go, conda,
//! GitHub and cosign.
//!
//! Each bundle is checked like an image signature, for the digest in its case, with the trusted root of its instance and its signer's identity. The
//! expected result comes from the crates' tests or from the program that the bundle was taken from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{ImageSignerKey, SigstoreIdentity};
use super::SigstoreRoot;
use super::conformance_tests::verdict;
use crate::base::digest::Sha256;
use crate::base::test_figures::assert_documented;

const PRODUCTION: &str = "sigstore-trust-root/src/trusted_root.json";
const STAGING: &str = "sigstore-trust-root/src/trusted_root_staging.json";
const GITHUB: &str = "sigstore-trust-root/src/trusted_root_github.json";
const ACTIONS: &str = "https://token.actions.githubusercontent.com";
const LOGIN: &str = "https://github.com/login/oauth";
const WILLIAM: (&str, &str) = ("william@yossarian.net", LOGIN);
const JKU: (&str, &str) = ("jku@goto.fi", LOGIN);
const BEACON: (&str, &str) = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main",
    ACTIONS,
);
const A_TXT: &str = "a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf";

/// The suite's result, and this program's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suite {
    /// Valid and accepted.
    Valid,
    /// Refused by the suite and here, with an excerpt of this program's message.
    Invalid(&'static str),
    /// Valid in the suite but refused here, with an excerpt of this program's message. docs/generated/suites.md gives the reason.
    Stricter(&'static str),
}

use Suite::{Invalid, Stricter, Valid};

/// A bundle, its trusted root, its identity and issuer, the SHA-256 to verify, and the results.
type Case = (&'static str, &'static str, (&'static str, &'static str), &'static str, Suite);

const CASES: &[Case] = &[
    (
        "sigstore-verify/test_data/bundles/bundle_cve_2022_36056.txt.sigstore",
        STAGING,
        WILLIAM,
        "c87b5b213ab08b32970c106d0c7e4423e67f5449c2fd2d1e9b4ea6cc43b6ee7c",
        Invalid("certificate in bundle does not match certificate in Rekor entry"),
    ),
    (
        "sigstore-verify/test_data/bundles/bundle_invalid_version.txt.sigstore",
        PRODUCTION,
        WILLIAM,
        "7a1f2b23ec9add163c6d0bbb454af45e1483b9bec7b72aea1b4fdf0e2f5644f0",
        Invalid("no signature"),
    ),
    (
        "sigstore-verify/test_data/bundles/bundle_no_cert_v1.txt.sigstore",
        PRODUCTION,
        WILLIAM,
        "1bc37d4fed3fd960bdf9d095f87283ba8ad1ab4481f38a34e8004f0c56ffe78d",
        Invalid("the bundle has no certificate"),
    ),
    (
        "sigstore-verify/test_data/bundles/bundle_no_checkpoint.txt.sigstore",
        PRODUCTION,
        WILLIAM,
        "802dd60ff88333802f2585e73043bd21c341285e1992fe5b31755e1cadeae30e",
        Invalid("inclusion proof has no checkpoint"),
    ),
    (
        "sigstore-verify/test_data/bundles/bundle_no_log_entry.txt.sigstore",
        PRODUCTION,
        ("alex.cameron@trailofbits.com", "https://accounts.google.com"),
        "9b469fc9761e8b933073b62725fbc98b549c3314199ded71cc8b286ef2c6fb9b",
        Invalid("bundles must have an inclusion promise"),
    ),
    (
        "sigstore-verify/test_data/bundles/bundle_v3_github.whl.sigstore",
        PRODUCTION,
        ("https://github.com/trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.1.2", ACTIONS),
        "c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201",
        Valid,
    ),
    (
        "sigstore-verify/test_data/bundles/bundle_v3_no_signed_time.txt.sigstore.json",
        PRODUCTION,
        WILLIAM,
        "ca6de99a11d3d38056d838c7dc9a23a11a0c81bcace0d11eaa301a2ffb482c42",
        Invalid("No verified timestamp found"),
    ),
    (
        "sigstore-verify/test_data/bundles/conda-attestation-rekor2.sigstore.json",
        STAGING,
        JKU,
        "54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f",
        Valid,
    ),
    (
        "sigstore-verify/test_data/bundles/conda-attestation.sigstore.json",
        PRODUCTION,
        ("https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main", ACTIONS),
        "54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f",
        Valid,
    ),
    (
        "sigstore-verify/test_data/bundles/cosign-v3-blob.sigstore.json",
        PRODUCTION,
        ("w.vollprecht@gmail.com", LOGIN),
        "e194b99df6639501325c5f44da79fe3a8efae6f239bd79443a19787e06fb1764",
        Valid,
    ),
    (
        "sigstore-verify/test_data/bundles/dsse-2sigs.sigstore.json",
        PRODUCTION,
        ("brian@dehamer.com", LOGIN),
        A_TXT,
        Invalid("exactly one signature"),
    ),
    (
        "sigstore-verify/test_data/bundles/dsse.sigstore.json",
        PRODUCTION,
        ("brian@dehamer.com", LOGIN),
        A_TXT,
        Stricter("artifact hash does not match any subject"),
    ),
    (
        "sigstore-verify/test_data/bundles/github-private-attestation.sigstore.json",
        GITHUB,
        ("https://dotcom.releases.github.com", ""),
        "76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428",
        Stricter("bundle must have an inclusion proof"),
    ),
    (
        "sigstore-verify/test_data/bundles/othername.sigstore.json",
        "sigstore-verify/test_data/trusted_roots/scaffolding.json",
        ("foo!oidc.local", "http://oidc.local:8080"),
        "bc103b4a84971ef6459b294a2b98568a2bfb72cded09d4acd1e16366a401f95b",
        Stricter("no identity (http://oidc.local:8080)"),
    ),
    (
        "sigstore-verify/test_data/bundles/sigstore.js@2.0.0-provenance.sigstore.json",
        PRODUCTION,
        ("https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main", ACTIONS),
        A_TXT,
        Stricter("artifact hash does not match any subject"),
    ),
    (
        "sigstore-verify/test_data/invalid-ct-key_fail/bundle.sigstore.json",
        "sigstore-verify/test_data/invalid-ct-key_fail/trusted_root.json",
        BEACON,
        A_TXT,
        Invalid("signed certificate timestamp"),
    ),
    (
        "sigstore-verify/test_data/managed-key/bundle.sigstore.json",
        PRODUCTION,
        ("key", "sigstore-verify/test_data/managed-key/key.pub"),
        A_TXT,
        Valid,
    ),
    (
        "sigstore-verify/test_data/sct-multi-intermediate/staging_bundle.sigstore.json",
        "sigstore-verify/test_data/sct-multi-intermediate/staging_trusted_root.json",
        ("https://github.com/sigstore/root-signing-staging/.github/workflows/custom-test.yml@refs/heads/main", ACTIONS),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        Valid,
    ),
    (
        "sigstore-verify/test_data/timestamps/github_sha384_bundle.json",
        "sigstore-verify/test_data/timestamps/github_trusted_root.json",
        ("https://dotcom.releases.github.com", ""),
        "76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428",
        Stricter("bundle must have an inclusion proof"),
    ),
    (
        "sigstore-verify/test_data/timestamps/valid_bundle.json",
        "sigstore-verify/test_data/timestamps/valid_trusted_root.json",
        BEACON,
        A_TXT,
        Valid,
    ),
    (
        "sigstore-verify/test_data/upstream/sigstore-python/a.dsse.staging-rekor-v2.txt.sigstore.json",
        STAGING,
        BEACON,
        A_TXT,
        Valid,
    ),
    (
        "sigstore-verify/test_data/upstream/sigstore-python/staging-rekor-v2.txt.sigstore.json",
        STAGING,
        JKU,
        "15f67246115921bb7c1de0e7e9e9275c8016dc254a0c009888944b7ed3644aaa",
        Valid,
    ),
    (
        "sigstore-bundle/tests/fixtures/bundle_v3.json",
        STAGING,
        WILLIAM,
        "5e6ae9de58c1177bea615b4fcbfb2fd688e8c4b51c2e56b6a38e817833ec24a2",
        Valid,
    ),
    (
        "sigstore-bundle/tests/fixtures/bundle_v3_jdx_communique.json",
        GITHUB,
        ("https://dotcom.releases.github.com", ""),
        "76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428",
        Stricter("bundle must have an inclusion proof"),
    ),
    ("sigstore-bundle/tests/fixtures/happy-path.json", PRODUCTION, BEACON, A_TXT, Valid),
    (
        "sigstore-tsa/test_data/timestamps/github_sha384_bundle.json",
        "sigstore-tsa/test_data/timestamps/github_trusted_root.json",
        ("https://dotcom.releases.github.com", ""),
        "76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428",
        Stricter("bundle must have an inclusion proof"),
    ),
    (
        "sigstore-tsa/test_data/timestamps/payload_mismatch_bundle.json",
        "sigstore-tsa/test_data/timestamps/valid_trusted_root.json",
        BEACON,
        A_TXT,
        Invalid("Timestamp message hash mismatch"),
    ),
    (
        "sigstore-tsa/test_data/timestamps/valid_bundle.json",
        "sigstore-tsa/test_data/timestamps/valid_trusted_root.json",
        BEACON,
        A_TXT,
        Valid,
    ),
    (
        "sigstore-types/test_data/cosign_v3_missing_fields.json",
        PRODUCTION,
        WILLIAM,
        "0000000000000000000000000000000000000000000000000000000000000000",
        Invalid("failed to parse certificate"),
    ),
];

/// The folders into which cargo unpacked sigstore-rust's crates.
fn crates() -> Vec<(String, PathBuf)> {
    let run = |arguments: &[&str]| {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let output = Command::new(cargo).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = run(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--locked", "--format-version=1", "--features=sigstore", "--filter-platform", host];
    let metadata: serde_json::Value = serde_json::from_str(&run(&arguments)).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let named = packages.filter_map(|package| {
        let name = package["name"].as_str()?.strip_prefix("sigstore-")?;
        let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
        Some((format!("sigstore-{name}"), folder.to_owned()))
    });
    named.collect()
}

/// Finds all bundles below `folder`.
fn bundles(name: &str, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{name}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            bundles(&name, &path, found);
        } else if fs::read_to_string(&path).is_ok_and(|text| text.contains("\"verificationMaterial\""))
            && !name.ends_with(".rs")
        {
            found.insert(name);
        }
    }
}

#[test]
fn bundles_from_sigstore_rust_get_the_expected_results() {
    let crates = crates();
    let read = |name: &str| {
        let (package, path) = name.split_once('/').unwrap();
        let (_, folder) = crates.iter().find(|(name, _)| name == package).unwrap();
        fs::read(folder.join(path)).unwrap()
    };
    let (mut accepted, mut refused, mut stricter) = (0, 0, 0);
    for (bundle, root, (identity, issuer), digest, suite) in CASES {
        let root = SigstoreRoot::from_json(&read(root)).unwrap();
        let key = if *identity == "key" {
            let key = crate::trust::public_key::ImageKey::from_pem(&read(issuer)).unwrap();
            ImageSignerKey::Cosign { key, log: Some(root) }
        } else {
            let (identity, issuer) = ((*identity).to_owned(), (*issuer).to_owned());
            ImageSignerKey::Sigstore(SigstoreIdentity { identity, issuer, root })
        };
        let answer = verdict(read(bundle), Sha256::from_hex(digest).unwrap(), key);
        println!("{bundle}: {answer:?}");
        match suite {
            Valid => assert_eq!(answer, Ok(()), "{bundle}"),
            Invalid(words) | Stricter(words) => {
                let why = answer.err().unwrap_or_else(|| panic!("{bundle}: accepted"));
                assert!(why.contains(words), "{bundle}: {why}");
            }
        }
        match suite {
            Valid => accepted += 1,
            Invalid(_) => refused += 1,
            Stricter(_) => stricter += 1,
        }
    }
    // Every bundle in the suite is tested.
    let mut there = BTreeSet::new();
    for (name, folder) in &crates {
        bundles(name, folder, &mut there);
    }
    let judged: BTreeSet<String> = CASES.iter().map(|(bundle, ..)| (*bundle).to_owned()).collect();
    assert_eq!(there, judged);
    assert_documented("bundles of sigstore-rust", &[accepted, refused, stricter]);
}
