//! What fuzz targets can only reach from inside of the crate. It is in no ordinary build; its tests replay `fuzz/corpus/`.

use crate::archive::{MemberKind, TarReader};
use crate::escape::{for_terminal, in_json, is_treacherous};
use crate::git::prove;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::mask::{mask, mask_slowly};

/// The signed archive's tar, as it comes out of the decompressor.
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
        assert!(names.insert(member.path), "one name twice");
        total += member.size;
    }
    let Ok(manifest) = Manifest::from_tar(bytes, &limits) else { return };
    assert!(manifest.content_bytes == total && total <= bytes.len() as u64);
    assert_eq!(manifest.member_count, names.len() as u64);
    for snapshot in &manifest.snapshots {
        let proof = prove(snapshot, 1, &limits);
        assert!(proof.objects.reachable <= proof.objects.object_count);
    }
}

/// A signature in a commit or a tag. No bytes are a signature of nothing by the fixtures' signer.
#[cfg(feature = "openpgp")]
pub fn openpgp_signature(bytes: &[u8]) {
    use crate::openpgp::{Certificate, read_detached};

    let _ = Certificate::read(bytes);
    let Ok(signature) = read_detached(bytes) else { return };
    assert!(!signature.issuer().is_empty());
    let signer = Certificate::read(include_bytes!("../fixtures/inputs/openpgp/ada.asc"));
    let now = crate::time::Timestamp::from_unix_seconds(1_780_000_000);
    if let (Ok(signer), Some(now)) = (signer, now) {
        assert!(signature.verify(b"nothing", &signer, now).is_err());
    }
}

/// Without OpenPGP there is nothing to read.
#[cfg(not(feature = "openpgp"))]
pub fn openpgp_signature(_: &[u8]) {}

/// Text of any kind on its way to a reader.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_the_corpora_is_answered() {
        for (target, function) in
            [("inner_tar", inner_tar as fn(&[u8])), ("openpgp_signature", openpgp_signature), ("text", text)]
        {
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
