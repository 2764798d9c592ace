//! The data of Notary's own tests (Debian's golang-github-docker-notary-dev, unpacked by `tests/run`): signatures,
//! certificates, names. `tests/trust_oracles.rs` covers the repositories in that data. docs/generated/suites.md lists
//! what is not used and why.

use std::fs;
use std::path::PathBuf;

use base64ct::{Base64, Encoding as _};

use super::key::{NotaryKey, key_id, names_repository};
use crate::base::digest::decode_hex;
use crate::base::system::slashed;
use crate::base::test_figures::assert_documented;
use crate::image::spec_tests::go_source;
use crate::trust::public_key::{ImageKey, Message};

fn source(path: &str) -> String {
    fs::read_to_string(go_source("theupdateframework/notary").join(path)).unwrap()
}

/// The first text between `before` and `after` that follows the first `mark`.
fn between<'a>(text: &'a str, mark: &str, before: &str, after: &str) -> &'a str {
    let text = &text[text.find(mark).unwrap_or_else(|| panic!("{mark}"))..];
    let start = text.find(before).unwrap_or_else(|| panic!("{mark}: {before}")) + before.len();
    &text[start..][..text[start..].find(after).unwrap()]
}

fn key(kind: &str, public: &str) -> Result<NotaryKey, String> {
    let id = key_id(kind, public).ok_or_else(|| format!("the kind {kind:?} is not supported"))?;
    NotaryKey::read(&id, kind, public)
}

/// The tests in tuf/signed/verifiers_test.go that contain a signature: the test, the key's constant, the key's kind,
/// the method, and whether the signature is valid.
const SIGNATURES: &[(&str, &str, &str, &str, bool)] = &[
    ("TestRSAPSSx509Verifier", "baseRSAx509Key", "rsa-x509", "rsapss", true),
    ("TestRSAPSSVerifierWithInvalidKeyType", "baseRSAKey", "rsa-invalid", "rsapss", false),
    ("TestRSAPSSVerifierWithInvalidKey", "baseECDSAKey", "ecdsa", "rsapss", false),
    ("TestRSAPKCS1v15x509Verifier", "baseRSAx509Key", "rsa-x509", "rsapkcs1v15", true),
    ("TestRSAPKCS1v15VerifierWithInvalidKeyType", "baseRSAKey", "rsa-invalid", "rsapkcs1v15", false),
    ("TestRSAPKCS1v15VerifierWithInvalidKey", "baseECDSAKey", "ecdsa", "rsapkcs1v15", false),
    ("TestECDSAx509Verifier", "baseECDSAx509Key", "ecdsa-x509", "ecdsa", true),
    ("TestECDSAVerifierWithInvalidKeyType", "baseECDSAKey", "ecdsa-invalid", "ecdsa", false),
    ("TestECDSAVerifierWithInvalidKey", "baseRSAKey", "rsa", "ecdsa", false),
];

#[test]
fn signatures_in_notarys_tests_get_the_expected_results() {
    let code = source("tuf/signed/verifiers_test.go");
    let (mut accepted, mut refused, mut stricter) = (0, 0, 0);
    for (test, constant, kind, method, valid) in SIGNATURES {
        let public = between(&code, &format!("const {constant} = "), "\"public\":\"", "\"");
        let function = format!("func {test}(");
        let signature = decode_hex(between(&code, &function, "DecodeString(\"", "\"").as_bytes()).unwrap();
        let message = between(&code, &function, "message := []byte(\"", "\"").as_bytes();
        let accepts = |signature: &[u8]| {
            key(kind, public).is_ok_and(|key| key.accepts(method, &Message::new(message), signature))
        };
        assert_eq!(accepts(&signature), *valid, "{test}");
        if *valid {
            // TestRSAPSSVerifierWithInvalidSignature and similar tests alter the signature in this way.
            let altered = [&[signature[0].wrapping_add(1)], &signature[1..]].concat();
            assert!(!accepts(&altered), "{test}");
            accepted += 1;
        }
        // Either the signature is altered or the case itself is invalid.
        refused += 1;
    }
    let compat = |test: &str, name: &str| between(&code, test, &format!("{name} := \""), "\"").to_owned();
    let bytes = |text: &str| decode_hex(text.as_bytes()).unwrap();

    let test = "func TestPyNaCled25519Compat(";
    let ed25519 = key("ed25519", &Base64::encode_string(&bytes(&compat(test, "pubHex")))).unwrap();
    assert!(ed25519.accepts(
        "eddsa",
        &Message::new(compat(test, "testStr").as_bytes()),
        &bytes(&compat(test, "sigHex"))
    ));
    accepted += 1;

    // Old Python clients used a PEM key, a salt of any length and a different method name. Such signatures are not
    // accepted here.
    let test = "func TestPyCryptoRSAPSSCompat(";
    let pem = compat(test, "pubPem").replace("\\n", "\n");
    let (_, spki) = spki::der::pem::decode_vec(pem.trim().as_bytes()).unwrap();
    assert!(key("rsa", &Base64::encode_string(pem.as_bytes())).is_err());
    let rsa = key("rsa", &Base64::encode_string(&spki)).unwrap();
    let accepts = |method| {
        rsa.accepts(method, &Message::new(compat(test, "testStr").as_bytes()), &bytes(&compat(test, "sigHex")))
    };
    assert!(!accepts("pycrypto-pkcs#1 pss"));
    // This particular signature has a 32-byte salt.
    assert!(accepts("rsapss"));
    stricter += 1;
    assert_documented("notary's signatures", &[accepted, refused, stricter]);
}

/// Certificates of the fixtures' servers and authorities: the file, the kind of key, the common name, and the fault that is reported if the
/// certificate is used as a root key's leaf.
const CERTIFICATES: &[(&str, &str, &str, Option<&str>)] = &[
    ("database/ca.pem", "rsa-x509", "Test Notary CA", AUTHORITY),
    ("database/notary-server.pem", "rsa-x509", "server", None),
    ("database/notary-signer.pem", "rsa-x509", "signer", None),
    ("intermediate-ca.crt", "rsa-x509", "Notary Intermediate Testing CA", AUTHORITY),
    ("notary-escrow.crt", "rsa-x509", "notary-escrow", None),
    ("notary-server.crt", "rsa-x509", "notary-server", None),
    ("notary-signer.crt", "rsa-x509", "notary-signer", None),
    ("rethinkdb/ca.pem", "rsa-x509", "*.rdb", AUTHORITY),
    ("rethinkdb/cert.pem", "rsa-x509", "*.rdb", AUTHORITY),
    ("root-ca.crt", "rsa-x509", "Notary Testing CA", AUTHORITY),
    ("secure.example.com.crt", "rsa-x509", "secure.example.com", None),
    ("self-signed_docker.com-notary.crt", "ecdsa-x509", "docker.com/notary", None),
    ("self-signed_secure.example.com.crt", "ecdsa-x509", "secure.example.com", None),
];
const AUTHORITY: Option<&str> = Some("its first certificate is a CA certificate");

/// Every file in the fixtures that has a PEM block, except the files in the repositories.
fn pem_files() -> Vec<(String, Vec<u8>)> {
    let top = go_source("theupdateframework/notary").join("fixtures");
    let mut files = Vec::new();
    for folder in ["", "database", "rethinkdb"] {
        let entries = fs::read_dir(top.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path: &PathBuf| path.is_file()));
    }
    let read = |path: PathBuf| {
        let name = slashed(path.strip_prefix(&top).unwrap());
        (name, fs::read(path).unwrap())
    };
    let holds_pem = |(_, bytes): &(String, Vec<u8>)| bytes.windows(11).any(|part| part == b"-----BEGIN ");
    let mut files: Vec<_> = files.into_iter().map(read).filter(holds_pem).collect();
    files.sort();
    files
}

#[test]
fn certificates_in_notarys_fixtures_get_the_expected_results() {
    let (mut certificates, mut private_keys) = (Vec::new(), 0);
    for (name, bytes) in pem_files() {
        let public = Base64::encode_string(&bytes);
        if name.ends_with("key.pem") || name.ends_with(".key") {
            let kinds = ["rsa", "ecdsa", "rsa-x509", "ecdsa-x509"];
            assert!(
                kinds.iter().all(|kind| key(kind, &public).is_err()) && ImageKey::from_pem(&bytes).is_err(),
                "{name}"
            );
            private_keys += 1;
            continue;
        }
        let (_, kind, common_name, fault) =
            CERTIFICATES.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("{name}"));
        let leaf = key(kind, &public).unwrap().certificate.unwrap();
        assert_eq!((leaf.common_name.as_deref(), leaf.fault), (Some(*common_name), *fault), "{name}");
        assert!(leaf.not_before < leaf.not_after, "{name}");
        // A key kind that belongs to a different algorithm is refused.
        let other = if *kind == "rsa-x509" { "ecdsa-x509" } else { "rsa-x509" };
        assert!(key(other, &public).is_err(), "{name}");
        certificates.push(name);
    }
    assert_eq!(certificates, CERTIFICATES.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    let faulty = CERTIFICATES.iter().filter(|(.., fault)| fault.is_some()).count();
    assert_documented("notary's certificates and keys", &[certificates.len() - faulty, faulty + private_keys, 0]);

    // A file from 2016 that is named after its key's id.
    let id = "4ff57dc987163053a12c066f2dd36b1ae6037a92f5416d381fe311a3db1868d8";
    let folder = "fixtures/compatibility/notary0.1/trusted_certificates/docker.com/notary0.1/samplerepo";
    let pem = source(&format!("{folder}/{id}.crt"));
    assert_eq!(key_id("ecdsa-x509", &Base64::encode_string(pem.as_bytes())).as_deref(), Some(id));
}

/// Here, a name with a single star at the end matches as a prefix; a name with several stars does not match any
/// repository.
const STARS: &[(&str, &str)] =
    &[("docker.com/**", "docker.com/notary"), ("**", "docker.com/any"), ("test/*******", "test/many/wildcard")];

#[test]
fn names_in_notarys_tests_get_the_expected_results() {
    let code = source("trustpinning/certs_test.go");
    let table = between(&code, "func TestWildcardMatching(", "}{", "for _, tt");
    let (mut accepted, mut refused, mut stricter) = (0, 0, Vec::new());
    for line in table.lines().map(str::trim).filter(|line| line.starts_with("{\"")) {
        let parts: Vec<&str> = line.split('"').collect();
        let (common_name, repository, matches) = (parts[1], parts[3], parts[4].contains("true"));
        match (matches, names_repository(common_name, repository)) {
            (true, true) => accepted += 1,
            (false, false) => refused += 1,
            (true, false) => stricter.push((common_name, repository)),
            (false, true) => panic!("{line}"),
        }
    }
    assert_eq!(stricter, STARS);
    assert_documented("notary's names in certificates", &[accepted, refused, stricter.len()]);
}
