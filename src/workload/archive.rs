//! Archives in contracts: base64 of a gzipped tar.

use std::io::Read as _;

use base64ct::{Base64, Encoding as _};
use flate2::read::MultiGzDecoder;

use crate::archive::{MemberKind, TarReader};
use crate::base::limits::Limits;

/// The files of an archive, with their paths. Links and devices are refused, as on the machine (about-contract.md, "The compose
/// subsection").
///
/// # Errors
/// The error is a message for the report.
pub(super) fn files(text: &str, limits: &Limits) -> Result<Vec<(String, Vec<u8>)>, String> {
    let text: String = text.split_ascii_whitespace().collect();
    let bytes = Base64::decode_vec(&text).map_err(|_| "the archive is not base64 text".to_owned())?;
    let bound = limits.workload_archive_bytes();
    let mut expanded = Vec::new();
    let read = MultiGzDecoder::new(bytes.as_slice()).take(bound.allowed.saturating_add(1)).read_to_end(&mut expanded);
    read.map_err(|error| format!("the archive is not a valid gzip file: {error}"))?;
    if expanded.len() as u64 > bound.allowed {
        return Err(format!("the archive exceeds the limit {bound}"));
    }
    let mut tar = TarReader::new(expanded.as_slice(), "the archive", limits);
    let mut files = Vec::new();
    while let Some(member) = tar.next_member().map_err(|error| error.to_string())? {
        let path = String::from_utf8_lossy(member.path.as_bytes()).into_owned();
        match member.kind {
            MemberKind::Directory => {}
            // A member cannot be larger than the whole unpacked archive. If the member's header states a larger size, the
            // archive is truncated.
            MemberKind::File if member.size <= expanded.len() as u64 => {
                files.push((path, tar.read_content().map_err(|error| error.to_string())?));
            }
            MemberKind::File => return Err("the archive is truncated".into()),
            MemberKind::Symlink(_) | MemberKind::HardLink(_) => {
                return Err(format!("the archive contains a link: {path}"));
            }
        }
    }
    Ok(files)
}
