//! Conversions that HEAD's own attributes request for files of the work tree: `ident`, line endings, encodings, Git LFS
//! (gitattributes(5); git's `convert.c`).

use std::collections::BTreeMap;

use super::attributes::State;
use super::object_id::ObjectId;
use crate::base::digest::Sha256;

/// The line endings that a path's attributes request in the work tree (gitattributes(5), "text" and "eol").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// The line endings are the same as in the blob.
    Kept,
    /// `eol=crlf`: each line ending is written as CR LF.
    Crlf,
    /// `text=auto eol=crlf`: CR LF, but only if the blob is text with no CR.
    CrlfIfText,
}

impl LineEnds {
    pub(super) fn of(attributes: &BTreeMap<Vec<u8>, State>) -> Self {
        let value = |name: &str| attributes.get(name.as_bytes()).filter(|state| **state != State::Unspecified);
        // `crlf` is the old name of `text`, and applies only if `text` is not specified.
        let text = value("text").or_else(|| value("crlf"));
        let crlf = value("eol") == Some(&State::Value(b"crlf".to_vec()));
        match text {
            _ if !crlf => Self::Kept,
            Some(State::Unset) => Self::Kept,
            Some(State::Value(auto)) if auto == b"auto" => Self::CrlfIfText,
            _ => Self::Crlf,
        }
    }

    /// The blob as git writes it to the work tree; `None` if line endings are not converted.
    pub(super) fn apply(self, blob: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Kept => None,
            Self::CrlfIfText if blob.contains(&b'\r') || is_binary(blob) => None,
            Self::Crlf | Self::CrlfIfText => Some(with_crlf(blob)),
        }
    }
}

/// Adds a CR before each LF that does not already follow a CR.
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

/// git's heuristic for binary data: a NUL, or more than one unprintable byte per 128 printable bytes. The caller has excluded blobs with a CR.
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

/// Puts the blob's id into `$Id$` and `$Id: …$`, as the attribute `ident` requests. `None` if there is nothing to replace.
pub(super) fn with_ident(blob: &[u8], id: &ObjectId) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(blob.len());
    let mut rest = blob;
    let mut any = false;
    while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
        let (before, after) = rest.split_at_checked(at + 1).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        rest = after;
        let Some(text) = rest.strip_prefix(b"Id") else { continue };
        if let Some(after) = text.strip_prefix(b"$") {
            rest = after;
        } else if let Some(text) = text.strip_prefix(b":") {
            // If a keyword is not closed, git does not search for later keywords.
            let Some(end) = text.iter().position(|&byte| byte == b'$') else { break };
            let value = text.get(..end).unwrap_or_default();
            // A keyword with a space inside belongs to a different program and is kept.
            let foreign =
                value.iter().skip(1).position(|&byte| byte == b' ').is_some_and(|blank| blank + 2 < value.len());
            if value.contains(&b'\n') || foreign {
                continue;
            }
            rest = text.get(end + 1..).unwrap_or_default();
        } else {
            continue;
        }
        any = true;
        out.extend_from_slice(format!("Id: {id} $").as_bytes());
    }
    out.extend_from_slice(rest);
    any.then_some(out)
}

/// The encoded forms that the attribute `working-tree-encoding` allows for the text. There can be several encoded forms, because UTF-16 and UTF-32
/// without a stated byte order are written in the machine's order.
///
/// # Errors
/// If the encoding is not supported here, the error is the encoding's name.
pub(super) fn encoded(text: &[u8], encoding: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let name = String::from_utf8_lossy(encoding).to_ascii_uppercase();
    let wide = |bytes: usize, big: bool, mark: bool| {
        move |text: &str| {
            let mark = if mark { "\u{feff}" } else { "" };
            let mut out = Vec::with_capacity(text.len().saturating_mul(bytes));
            let mut put = |unit: u32| {
                let unit = if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
                let used = if big { unit.get(4 - bytes..) } else { unit.get(..bytes) };
                out.extend_from_slice(used.unwrap_or_default());
            };
            for letter in mark.chars().chain(text.chars()) {
                if bytes == 4 {
                    put(u32::from(letter));
                } else {
                    letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| put(u32::from(*unit)));
                }
            }
            out
        }
    };
    // git does not convert text that is not UTF-8.
    let Ok(text) = std::str::from_utf8(text) else { return Ok(Vec::new()) };
    let forms: Vec<Vec<u8>> = match name.strip_prefix("UTF").map(|rest| rest.strip_prefix('-').unwrap_or(rest)) {
        Some("8") => Vec::new(),
        Some("16") => vec![wide(2, false, true)(text), wide(2, true, true)(text)],
        Some("16LE") => vec![wide(2, false, false)(text)],
        Some("16BE") => vec![wide(2, true, false)(text)],
        Some("16LE-BOM") => vec![wide(2, false, true)(text)],
        Some("16BE-BOM") => vec![wide(2, true, true)(text)],
        Some("32") => vec![wide(4, false, true)(text), wide(4, true, true)(text)],
        Some("32LE") => vec![wide(4, false, false)(text)],
        Some("32BE") => vec![wide(4, true, false)(text)],
        _ => match name.as_str() {
            "ISO-8859-1" | "ISO8859-1" | "ISO_8859-1" | "LATIN1" | "LATIN-1" => {
                text.chars().map(|letter| u8::try_from(letter).ok()).collect::<Option<Vec<u8>>>().into_iter().collect()
            }
            _ => return Err(name),
        },
    };
    Ok(forms)
}

/// The content that a Git LFS pointer identifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LfsPointer {
    pub(super) sha256: Sha256,
    pub(super) size: u64,
}

/// Every pointer is shorter than this number of bytes.
pub(super) const LFS_POINTER_BYTES_MAX: usize = 1024;

impl LfsPointer {
    /// Parses a pointer (git-lfs, docs/spec.md, "The Pointer"): the `version` line comes first, the other keys are sorted, and there is one SHA-256
    /// `oid` and one `size`. Pointers with extensions are not accepted, because they identify content that a program has changed.
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
    fn only_the_exact_form_of_a_pointer_is_accepted() {
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
    fn line_endings_are_converted_as_requested() {
        assert_eq!(with_crlf(b"a\nb\r\nc\n\n\r"), b"a\r\nb\r\nc\r\n\r\n\r");
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\nb\r\n"), None);
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\n\0"), None);
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\n\x01"), None);
        assert_eq!(LineEnds::CrlfIfText.apply(b"a\n\x1a").as_deref(), Some(&b"a\r\n\x1a"[..]));
        assert_eq!(LineEnds::Crlf.apply(b"a\n\0").as_deref(), Some(&b"a\r\n\0"[..]));
    }
}
