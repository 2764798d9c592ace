//! The header lines of commits and tags.

use crate::git::malformed::Malformed;
use crate::git::object_id::ObjectId;

/// Splits an object's text into its header lines, each with its newline, and the text after the first empty line.
///
/// # Errors
/// Returns an error if the header contains a NUL byte, or if its last line has no newline.
pub(super) fn split_header(content: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let body = content.windows(2).position(|pair| pair == b"\n\n").map(|at| at + 1);
    let (header, body) = content.split_at_checked(body.unwrap_or(content.len())).unwrap_or((content, b""));
    if header.contains(&0) {
        return Err(Malformed::NulInHeader);
    }
    if !header.ends_with(b"\n") {
        return Err(Malformed::UnterminatedHeader);
    }
    Ok((header, body.strip_prefix(b"\n").unwrap_or(body)))
}

/// Removes the next line from `rest` if that line begins with `keyword` and a space. Returns the rest of that
/// line, without the newline.
pub(super) fn take_line<'a>(rest: &mut &'a [u8], keyword: &str) -> Option<&'a [u8]> {
    let line = rest.strip_prefix(keyword.as_bytes())?.strip_prefix(b" ")?;
    let end = line.iter().position(|&byte| byte == b'\n')?;
    let (value, after) = line.split_at_checked(end)?;
    *rest = after.strip_prefix(b"\n")?;
    Some(value)
}

/// An object id in a header line: 40 lower-case hexadecimal digits.
pub(super) fn read_id(value: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(std::str::from_utf8(value).ok()?)
}

/// The headers that follow the fixed headers, for example `gpgsig` and `encoding`. Continuation lines are joined with
/// newlines.
pub(super) fn read_extra(header: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut extra: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for line in header.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match (line.strip_prefix(b" "), extra.last_mut()) {
            (Some(more), Some((_, value))) => {
                value.push(b'\n');
                value.extend_from_slice(more);
            }
            _ => {
                let space = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
                let (keyword, value) = line.split_at_checked(space).unwrap_or((line, b""));
                extra.push((keyword.to_vec(), value.strip_prefix(b" ").unwrap_or(value).to_vec()));
            }
        }
    }
    extra
}
