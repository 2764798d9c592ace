//! Writes a case as a tar file in exactly one way: ustar (POSIX.1-1988), regular files only, every header field fixed
//! except name, size and checksum. On reading, each header is compared with its only allowed form, so that a case has
//! exactly one encoding and every program reads it the same way.

use std::io::{self, Read, Write};

use super::name::is_member_name;
use crate::base::error::Error;
use crate::base::limits::Limits;

const BLOCK: usize = 512;
/// The largest number with eleven octal digits.
const SIZE_MAX: u64 = 0o777_7777_7777;
/// The byte ranges of a header's fields for name, size, checksum and the first part of a long name.
const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..135;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const PREFIX: std::ops::Range<usize> = 345..500;

/// The header of a member; `None` if a name or size does not fit.
fn header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    let (prefix, rest) = split(name.as_bytes())?;
    if size > SIZE_MAX {
        return None;
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(field) = block.get_mut(at..at + bytes.len()) {
            field.copy_from_slice(bytes);
        }
    };
    put(NAME.start, rest);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(SIZE.start, format!("{size:011o}").as_bytes());
    put(136, b"00000000000\0");
    put(CHECKSUM.start, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    put(PREFIX.start, prefix);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(field) = block.get_mut(CHECKSUM) {
        field.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    Some(block)
}

/// Splits a name that is too long for its field at the last slash that leaves a short enough first part, as GNU tar
/// does.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME.len() {
        return Some((&[], name));
    }
    let slash = name.iter().take(PREFIX.len() + 1).rposition(|byte| *byte == b'/')?;
    let (prefix, rest) = name.split_at_checked(slash)?;
    let rest = rest.strip_prefix(b"/")?;
    (rest.len() <= NAME.len()).then_some((prefix, rest))
}

/// Whether a member can have this name.
pub(super) fn fits(name: &str) -> bool {
    is_member_name(name) && split(name.as_bytes()).is_some()
}

/// Writes the members in order.
pub(super) fn write<'m>(members: impl Iterator<Item = (&'m str, &'m [u8])>, out: &mut dyn Write) -> io::Result<()> {
    for (name, content) in members {
        let header = header(name, content.len() as u64)
            .ok_or_else(|| io::Error::other(format!("{name:?} does not fit into a ustar header")))?;
        out.write_all(&header)?;
        out.write_all(content)?;
        let padding = (BLOCK - content.len() % BLOCK) % BLOCK;
        out.write_all([0; BLOCK].get(..padding).unwrap_or_default())?;
    }
    out.write_all(&[0; 2 * BLOCK])
}

/// Whether a file that begins with this block looks like a case.
pub(super) fn begins_like(first: &str, block: &[u8]) -> bool {
    let name_ends = block.get(first.len()) == Some(&0);
    block.starts_with(first.as_bytes()) && name_ends && block.get(257..262) == Some(b"ustar")
}

/// Reads every member, strictly. Errors refer to the file as `what`.
pub(super) fn read(what: &str, mut input: impl Read, limits: &Limits) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let malformed = |message: String| Error::malformed(what, message);
    let (mut members, mut left) = (Vec::new(), limits.case_bytes);
    loop {
        let place = format!("member {}", members.len() + 1);
        let block = read_block(what, &mut input)?;
        if block == [0; BLOCK] {
            break;
        }
        if members.len() as u64 >= limits.case_members {
            return Err(limits.case_members().exceeded(what));
        }
        let (name, size) = name_and_size(&block).ok_or_else(|| {
            malformed(format!("{place}: expected a ustar header in the form that cases use, found a different header"))
        })?;
        left = limits.case_bytes().take(left, size, what)?;
        let mut content = Vec::new();
        let read = (&mut input).take(size).read_to_end(&mut content).map_err(|error| Error::from_read(what, error))?;
        if read as u64 != size {
            return Err(Error::Truncated { what: what.into() });
        }
        let mut padding = vec![0; (BLOCK - content.len() % BLOCK) % BLOCK];
        input.read_exact(&mut padding).map_err(|error| Error::from_read(what, error))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(malformed(format!("non-zero padding after the content of {name:?}")));
        }
        members.push((name, content));
    }
    if read_block(what, &mut input)? != [0; BLOCK] {
        return Err(malformed("expected two zero blocks at the end of the archive, found one".into()));
    }
    let mut rest = Vec::new();
    input.take(1).read_to_end(&mut rest).map_err(|error| Error::from_read(what, error))?;
    if rest.is_empty() { Ok(members) } else { Err(malformed("bytes after the end of the archive".into())) }
}

fn read_block(what: &str, input: &mut impl Read) -> Result<[u8; BLOCK], Error> {
    let mut block = [0; BLOCK];
    input.read_exact(&mut block).map_err(|error| Error::from_read(what, error))?;
    Ok(block)
}

/// The member's name and size, if the header is exactly the one that a case uses for them.
fn name_and_size(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    let text = |range: std::ops::Range<usize>| -> Option<&str> {
        let field = block.get(range)?;
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        std::str::from_utf8(field.get(..end)?).ok()
    };
    let (prefix, rest) = (text(PREFIX)?, text(NAME)?);
    let name = if prefix.is_empty() { rest.to_owned() } else { format!("{prefix}/{rest}") };
    let size = u64::from_str_radix(text(SIZE)?, 8).ok()?;
    (fits(&name) && header(&name, size)? == *block).then_some((name, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(members.iter().copied(), &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn written_cases_read_back_and_any_flipped_header_bit_is_refused() {
        let long = format!("{}/{}", "a".repeat(120), "b".repeat(100));
        let members = [("case.json", &b"{}"[..]), (long.as_str(), b""), ("z", &[7; 512])];
        let bytes = written(&members);
        let limits = Limits::default();
        let read_back = read("x", bytes.as_slice(), &limits).unwrap();
        assert!(read_back.iter().map(|(name, content)| (name.as_str(), content.as_slice())).eq(members));
        assert!(begins_like("case.json", &bytes));
        for at in 0..BLOCK {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert!(read("x", other.as_slice(), &limits).is_err(), "byte {at}, bit {bit}");
            }
        }
        for at in [BLOCK + 2, 2 * BLOCK - 1, bytes.len() - 1, bytes.len() - BLOCK - 1] {
            let mut other = bytes.clone();
            other[at] = 1;
            assert!(read("x", other.as_slice(), &limits).is_err(), "byte {at}");
        }
        for end in (0..bytes.len()).step_by(100) {
            assert!(read("x", &bytes[..end], &limits).is_err(), "{end} bytes");
        }
        assert!(read("x", [bytes.as_slice(), &[0]].concat().as_slice(), &limits).is_err());
    }

    #[test]
    fn limits_are_enforced() {
        let bytes = written(&[("a", &[0; 600]), ("b", b"")]);
        for (name, value) in [("case-bytes", 599), ("case-members", 1)] {
            let mut limits = Limits::default();
            limits.set(name, value).unwrap();
            assert_eq!(read("x", bytes.as_slice(), &limits).unwrap_err().code(), "over-limit", "{name}");
        }
        assert_eq!(header("a", SIZE_MAX + 1), None);
        assert!(!fits(&"a".repeat(101)) && !fits(&format!("{}/b", "a".repeat(156))));
    }
}
