//! Fuzz targets for code that is private to the crate. The targets are compiled for tests and
//! fuzzing only. The tests replay `fuzz/corpus/`.

use crate::archive::{MemberKind, TarReader};
use crate::base::digest::Sha256;
use crate::base::escape::{for_terminal, in_json, is_treacherous};
use crate::base::limits::Limits;
use crate::base::mask::{mask, mask_slowly};
use crate::crypto::dsse::Envelope;
use crate::crypto::in_toto::Statement;
use crate::crypto::timestamp::{Authorities, Token};
use crate::git::{SshKey, SshSignature, prove};
use crate::given::approvals::Approvals;
use crate::given::key_record::KeyRecord;
use crate::given::server_record::{ServerFiles, ServerRecord};
use crate::manifest::Manifest;
use crate::manifest::dockerfile;
use crate::manifest::outside::Inputs;

/// The signed archive's tar, as output by the decompressor.
pub fn inner_tar(bytes: &[u8]) {
    let limits = Limits {
        expanded_bytes: 1 << 22,
        archive_members: 100,
        path_bytes: 300,
        extended_header_bytes: 4096,
        git_bytes: 1 << 18,
        git_inflated_bytes: 1 << 21,
        ..Limits::default()
    };
    let mut tar = TarReader::new(bytes, "fuzz", &limits);
    let (mut names, mut total) = (std::collections::HashSet::new(), 0);
    while let Ok(Some(member)) = tar.next_member() {
        let path = member.path.as_bytes();
        let plain = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
        assert!(path.is_empty() || path.split(|byte| *byte == b'/').all(plain), "{path:?}");
        assert!(member.mode <= 0o7777 && (member.kind == MemberKind::File || member.size == 0));
        assert!(names.insert(member.path), "duplicate name");
        total += member.size;
    }
    let Ok(manifest) = Manifest::from_tar(bytes, &limits, &crate::base::budget::Budget::of_unknown_input(&limits))
    else {
        return;
    };
    assert!(manifest.content_bytes == total && total <= bytes.len() as u64);
    assert_eq!(manifest.member_count, names.len() as u64);
    for snapshot in &manifest.snapshots {
        let proof = prove(snapshot, 1, &limits);
        assert!(proof.objects.reachable <= proof.objects.object_count);
    }
}

/// An OpenPGP signature in a commit or a tag. No signature verifies over text that the fixtures' signer never signed.
#[cfg(feature = "openpgp")]
pub fn openpgp_signature(bytes: &[u8]) {
    use crate::crypto::openpgp::{Certificate, read_detached};

    let _ = Certificate::read(bytes);
    let Ok(signature) = read_detached(bytes) else { return };
    assert!(!signature.issuer().is_empty());
    let signer = Certificate::read(include_bytes!("../../fixtures/inputs/openpgp/ada.asc"));
    let now = crate::base::time::Timestamp::from_unix_seconds(1_780_000_000);
    if let (Ok(signer), Some(now)) = (signer, now) {
        assert!(signature.verify(b"nothing", &signer, now).is_err());
    }
}

/// Without the feature `openpgp`, nothing is read.
#[cfg(not(feature = "openpgp"))]
pub fn openpgp_signature(_: &[u8]) {}

/// A list of approvals, as CSV or JSON.
pub fn approvals(bytes: &[u8]) {
    let read = || Approvals::read("fuzz", bytes.to_vec(), None, &Limits::default());
    let Ok(list) = read() else { return };
    assert!(list.records.len() <= bytes.len() && list.sha256 == Sha256::of(bytes));
    assert!(read().is_ok_and(|again| again.records.len() == list.records.len()));
}

/// A Dockerfile. The text of the Dockerfile's instructions is canonical, and the list of its inputs is bounded.
pub fn dockerfile(bytes: &[u8]) {
    if let Ok(file) = dockerfile::read_whole(bytes) {
        let mut inputs = Inputs::new();
        inputs.read_file(&file);
        let lines = inputs.lines();
        assert!(lines.len() < 600 && lines.iter().all(|line| line.len() < 8_000));
    }
    let Ok(instructions) = dockerfile::read(bytes) else { return };
    assert!(!instructions.is_empty());
    assert!(instructions.iter().zip(instructions.iter().skip(1)).all(|(one, next)| one.line < next.line));
    for instruction in &instructions {
        assert_eq!(dockerfile::canonical(&instruction.text), instruction.text);
    }
}

/// A public key in OpenSSH's format, or an armoured SSH signature. Without trusted keys, no signature verifies.
pub fn ssh(bytes: &[u8]) {
    let key = std::str::from_utf8(bytes).ok().and_then(|line| SshKey::from_line(line).ok());
    if let Some(key) = &key {
        assert!(key.fingerprint().starts_with("SHA256:"));
    }
    let Ok(signature) = SshSignature::from_armour(bytes) else { return };
    assert!(signature.verify("git", b"nothing", &[]).is_err());
}

/// The build server's responses as `fetch` saves them. The input is used for all three files.
pub fn server_record(bytes: &[u8]) {
    let file = Some(bytes.to_vec());
    let files = ServerFiles { status: file.clone(), image_digest: file.clone(), log: file };
    let record = ServerRecord::read(files, &Limits::default());
    assert_eq!(record.files.len(), 3);
    assert!(!record.faults.is_empty(), "one text cannot be both a status record and an image name");
    assert_eq!(record.log_begins_with(Sha256::of(bytes), bytes.len() as u64), Some(true));
}

/// Settings of the build server's client, a page of a bucket listing, and a registry's challenge.
#[cfg(feature = "fetch")]
pub fn fetched(bytes: &[u8]) {
    crate::client::read_all_forms(bytes);
}

/// Without the feature `fetch`, nothing is read.
#[cfg(not(feature = "fetch"))]
pub fn fetched(_: &[u8]) {}

/// Masking and escaping of any text.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let masked = mask(&text);
    assert_eq!(masked, mask_slowly(&text));
    let shown = for_terminal(&masked);
    assert!(!shown.contains(is_treacherous), "{shown:?}");
    let value = serde_json::Value::String(masked);
    let document = in_json(&value.to_string());
    assert!(!document.contains(is_treacherous), "{document:?}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&document).ok(), Some(value));
}

/// A time-stamping authority's response to a request for the digest of the empty string. No CA is
/// trusted, so no response is accepted.
pub fn timestamp(bytes: &[u8]) {
    let limits = Limits::default();
    let Ok(token) = Token::read(bytes, &limits) else { return };
    let _ = (token.at(), token.must_be_over(&Sha256::of(b"")));
    assert!(token.verify(&Sha256::of(b""), &Authorities::default()).is_err());
    assert!(token.must_be_over(&Sha256::of(b"")).is_err() || token.must_be_over(&Sha256::of(b"x")).is_err());
}

/// A signed envelope and its payload.
pub fn envelope(bytes: &[u8]) {
    let read = Envelope::from_json("fuzz", bytes);
    if KeyRecord::from_json(bytes, &Limits::default()).is_ok() {
        assert!(read.is_ok(), "a key record is an envelope");
    }
    let Ok(envelope) = read else { return };
    let line = envelope.to_line().expect("it can be written");
    assert!(!line.contains('\n'));
    assert_eq!(Envelope::from_json("fuzz", line.as_bytes()).as_ref(), Ok(&envelope));
    statement(&envelope.payload);
}

/// An in-toto statement.
pub fn statement(bytes: &[u8]) {
    let Ok(statement) = Statement::from_json("fuzz", bytes) else { return };
    assert!(!statement.subjects.is_empty() && !statement.predicate_type.is_empty());
    let named = statement.subjects.iter().filter_map(|subject| subject.sha256);
    assert!(named.into_iter().all(|digest| statement.is_about(digest)));
    assert!(
        statement.subjects.iter().any(|subject| subject.sha256.is_some()) || !statement.is_about(Sha256::of(bytes))
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_corpus_input_runs_without_a_panic() {
        for (target, function) in [
            ("approvals", approvals as fn(&[u8])),
            ("dockerfile", dockerfile),
            ("envelope", envelope),
            ("fetched", fetched),
            ("inner_tar", inner_tar),
            ("openpgp_signature", openpgp_signature),
            ("server_record", server_record),
            ("ssh", ssh),
            ("statement", statement),
            ("text", text),
            ("timestamp", timestamp),
        ] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
            let mut count = 0;
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                eprintln!("{}", path.display());
                function(&std::fs::read(path).unwrap());
                count += 1;
            }
            assert!(count > 0, "{target} has no corpus");
        }
    }
}
