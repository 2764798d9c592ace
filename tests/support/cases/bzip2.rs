//! The outer bzip2 stream is truncated, damaged, in a different format, or far too large when unpacked.

use super::super::case::Case;
use super::super::encoding::bzip2;

pub fn cases() -> Vec<Case> {
    let malformed = |name: &str, about, edit: fn(&mut Vec<u8>)| Case::error(name, 3, "malformed", about).bundle(edit);
    let truncated = |name: &str, about, edit: fn(&mut Vec<u8>)| Case::error(name, 3, "truncated", about).bundle(edit);
    vec![
        truncated("bundle-empty-file", "The file is empty.", Vec::clear),
        truncated("bundle-cut-in-half", "The second half is missing.", |bundle| bundle.truncate(bundle.len() / 2)),
        truncated("bundle-last-byte-missing", "The last byte is missing.", |bundle| {
            bundle.pop();
        }),
        truncated("bundle-of-nothing", "An empty bzip2 stream.", |bundle| *bundle = bzip2(b"")),
        malformed("bundle-wrong-magic", "The file begins with `BZx`.", |bundle| bundle[2] = b'x'),
        malformed("bundle-block-size-zero", "The block size is 0.", |bundle| bundle[3] = b'0'),
        malformed("bundle-block-crc", "The CRC of the first block is wrong.", |bundle| bundle[10] ^= 1),
        malformed("bundle-stream-crc", "The CRC of the stream is wrong.", |bundle| {
            let at = bundle.len() - 4;
            bundle[at] ^= 0x10;
        }),
        malformed("bundle-randomised", "The first block is marked as randomised, an obsolete form.", |bundle| {
            bundle[14] ^= 0x80;
        }),
        malformed("bundle-byte-flipped", "One bit in the middle is flipped.", |bundle| {
            let middle = bundle.len() / 2;
            bundle[middle] ^= 4;
        }),
        malformed("bundle-trailing-bytes", "Text after the end of the stream.", |bundle| bundle.extend(b"and more")),
        truncated("bundle-trailing-magic", "The beginning of another stream after the end.", |bundle| {
            bundle.extend(b"BZh9");
        }),
        malformed("bundle-trailing-zeros", "Zeros after the end of the stream.", |bundle| bundle.extend([0; 512])),
        malformed("bundle-gzip", "A gzip file.", |bundle| *bundle = GZIP.to_vec()),
        malformed("bundle-xz", "An xz file.", |bundle| *bundle = XZ.to_vec()),
        malformed("bundle-zip", "An empty zip file.", |bundle| *bundle = [b"PK\x05\x06", [0; 18].as_slice()].concat()),
        malformed("bundle-html", "A proxy's page instead of the file.", |bundle| {
            *bundle = b"<!doctype html><title>502 Bad Gateway</title>\n".to_vec();
        }),
        Case::error("bundle-plain-tar", 3, "malformed", "The tar archive is not compressed.")
            .compress_outer(<[u8]>::to_vec),
        Case::error(
            "bundle-bomb",
            3,
            "over-limit",
            "Sixteen megabytes of zeros after the archive, compressed to a few bytes.",
        )
        .outer_tar(|tar| tar.resize(tar.len() + 16_000_000, 0))
        .arguments(&["--key", "key.pem", "--limit", "signed_archive_bytes=1000000"]),
        Case::error("bundle-too-large", 3, "over-limit", "The file is larger than the limit.").arguments(&[
            "--key",
            "key.pem",
            "--limit",
            "bundle_bytes=1000",
        ]),
    ]
}

/// `printf hello | gzip -n`
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00";
/// `printf '' | xz`
const XZ: &[u8] =
    b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x00\x00\x00\x00\x1c\xdf\x44\x21\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a";
