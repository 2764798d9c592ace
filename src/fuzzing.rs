//! What fuzz targets can only reach from inside of the crate. It is in no ordinary build; its tests replay `fuzz/corpus/`.

use crate::archive::{self, MemberKind, TarReader};
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

/// bzip2, decoded on one thread and on several: as it is, and made of the bytes with one bit changed.
pub fn bzip2(bytes: &[u8]) {
    let _ = archive::compare(bytes, 1 << 22);
    archive::compare_changed(bytes, 1 << 22);
}

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
        for (target, function) in [("bzip2", bzip2 as fn(&[u8])), ("inner_tar", inner_tar), ("text", text)] {
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
