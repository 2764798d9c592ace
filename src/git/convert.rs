//! Two ways in which a file of the work tree may differ from its blob by HEAD's own order: line ends, and Git LFS.

use std::collections::BTreeMap;

use super::attributes::State;
use crate::digest::Sha256;

/// What the attributes of a path order for its line ends in the work tree (gitattributes(5), "text" and "eol").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// As they are in the blob.
    Kept,
    /// `eol=crlf`: each line end is written as CR LF.
    Crlf,
    /// `text=auto eol=crlf`: likewise, if the blob is text without any CR.
    CrlfIfText,
}

impl LineEnds {
    pub(super) fn of(attributes: &BTreeMap<Vec<u8>, State>) -> Self {
        let value = |name: &str| attributes.get(name.as_bytes()).filter(|state| **state != State::Unspecified);
        // `crlf` is the old name of `text`, and counts where that says nothing.
        let text = value("text").or_else(|| value("crlf"));
        let crlf = value("eol") == Some(&State::Value(b"crlf".to_vec()));
        match text {
            _ if !crlf => Self::Kept,
            Some(State::Unset) => Self::Kept,
            Some(State::Value(auto)) if auto == b"auto" => Self::CrlfIfText,
            _ => Self::Crlf,
        }
    }

    /// The blob as git writes it to the work tree; `None` where that changes nothing.
    pub(super) fn apply(self, blob: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Kept => None,
            Self::CrlfIfText if blob.contains(&b'\r') || is_binary(blob) => None,
            Self::Crlf | Self::CrlfIfText => Some(with_crlf(blob)),
        }
    }
}

/// Every LF that has no CR before it gets one.
pub(super) fn with_crlf(blob: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(blob.len() + blob.len() / 16);
    let mut before = 0;
    for &byte in blob {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    out
}

/// git's guess: a NUL, or more than one in 128 bytes that are not printed. (A CR alone is looked at by the caller.)
fn is_binary(blob: &[u8]) -> bool {
    let blob = blob.strip_suffix(b"\x1a").unwrap_or(blob);
    let (mut printable, mut others) = (0usize, 0usize);
    for &byte in blob {
        match byte {
            0 => return true,
            b'\n' | b'\r' => {}
            8 | b'\t' | 12 | 27 => printable += 1,
            0..32 | 127 => others += 1,
            _ => printable += 1,
        }
    }
    printable >> 7 < others
}

/// What a Git LFS pointer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LfsPointer {
    pub(super) sha256: Sha256,
    pub(super) size: u64,
}

/// Pointers are shorter than this.
pub(super) const LFS_POINTER_BYTES_MAX: usize = 1024;

impl LfsPointer {
    /// Reads a pointer (git-lfs, docs/spec.md, "The Pointer"): `version` first, the other keys sorted, one `oid` of
    /// SHA-256 and one `size`. Pointers with extensions name what a program made of the content, and are not read.
    pub(super) fn read(blob: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(blob).ok().filter(|text| text.len() < LFS_POINTER_BYTES_MAX)?;
        let text = text.strip_prefix("version https://git-lfs.github.com/spec/v1\noid sha256:")?;
        let (digest, rest) = text.split_once("\nsize ")?;
        let digits = rest.strip_suffix('\n')?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        Some(Self { sha256: Sha256::from_hex(digest)?, size: digits.parse().ok().filter(|_| plain)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_has_one_form() {
        let digest = Sha256::of(b"x").hex();
        let good = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 1\n");
        assert_eq!(LfsPointer::read(good.as_bytes()), Some(LfsPointer { sha256: Sha256::of(b"x"), size: 1 }));
        for (from, to) in [
            ("size 1\n", "size 1"),
            ("size 1\n", "size 01\n"),
            ("size 1\n", "size +1\n"),
            ("size 1\n", "size 1\nsize 2\n"),
            ("oid sha256", "oid md5"),
            ("oid", "ext-0-x sha256:0\noid"),
            ("v1", "v2"),
            ("version", "\nversion"),
        ] {
            assert_eq!(LfsPointer::read(good.replace(from, to).as_bytes()), None, "{to}");
        }
    }

    #[test]
    fn line_ends() {
        assert_eq!(with_crlf(b"a\nb\r\nc\n\n\r"), b"a\r\nb\r\nc\r\n\r\n\r");
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\nb\r\n"), None);
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\n\0"), None);
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\n\x01"), None);
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\n\x1a").as_deref(), Some(&b"a\r\n\x1a"[..]));
        assert_eq!(LineEnds::Crlf.apply(b"a\n\0").as_deref(), Some(&b"a\r\n\0"[..]));
    }
}
