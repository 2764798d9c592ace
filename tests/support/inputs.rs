//! The recorded inputs in `fixtures/inputs`.

use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use super::encoding::{base64, hex};
use super::tar::Entry;

pub const LOG: &str = include_str!("../../fixtures/inputs/build.log");
pub const RECORD: &str = include_str!("../../fixtures/inputs/build.json");
pub const CERTIFICATE: &str = include_str!("../../fixtures/inputs/content-trust.pem");
/// The end of a real log that IBM published.
pub const PUBLIC_LOG: &str = include_str!("../../fixtures/inputs/public-log-tail.txt");
pub const REPOSITORY: &[u8] = include_bytes!("../../fixtures/inputs/repository.tar");
pub const SHALLOW: &[u8] = include_bytes!("../../fixtures/inputs/repository-shallow.tar");

/// The time at which the manifest was made, as written in build names.
pub const STAMP: &str = "2026-03-02_10-15-30.123456";
/// The invented digest of the image in the log.
pub const IMAGE_DIGEST: &str = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";
/// The invented id of the image, as docker's builder prints it.
pub const IMAGE_ID_12: &str = "c0b9a8f7e6d5";

/// The value of `publickey=` in the log: base64 of the certificate's PEM text.
pub fn log_public_key() -> String {
    base64(CERTIFICATE.as_bytes())
}

/// The value of `keyid=` in the log, by notary's rule for the key type `ecdsa-x509`.
pub fn log_key_id() -> String {
    let key = log_public_key();
    let canonical = format!(r#"{{"keytype":"ecdsa-x509","keyval":{{"private":null,"public":"{key}"}}}}"#);
    hex(&Sha256::digest(canonical))
}

/// The members of a recorded repository, below `git/`.
pub fn repository(archive: &[u8]) -> Vec<Entry> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = [b"git/", &*entry.path_bytes()].concat();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let header = entry.header();
        let target = header.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
        Entry {
            kind: header.entry_type().as_byte(),
            mode: header.mode().unwrap(),
            target,
            ..Entry::file(path, content)
        }
    });
    entries.collect()
}

/// The commit of HEAD in the recorded repositories.
pub fn head_commit() -> String {
    let main = repository(REPOSITORY).into_iter().find(|entry| entry.path == b"git/wallet/.git/refs/heads/main");
    String::from_utf8(main.unwrap().content).unwrap().trim_end().to_owned()
}
