//! Reads the tar file of a layer in the same way as container engines, which use Go's archive/tar. That package is lenient in cases in which
//! [`crate::archive`] is strict.
//!
//! A layer may contain devices and pipes. A name may be absolute, contain doubled slashes, or be `.`. If two members have the same name, the later
//! one counts. The end-of-archive marker may be missing, and a layer may be empty. Sparse files, malformed headers, and paths with `..` that lead
//! out of the layer are refused. This module reads names, kinds, permission bits and content; it does not decide whether a layer is the expected
//! one.

use std::io::{self, Read};

use crate::base::digest::{HashingReader, Sha256};
use crate::base::error::Error;
use crate::base::limits::Limits;

const BLOCK: usize = 512;
const WHAT: &str = "a layer";

/// The kind of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink(Vec<u8>),
    HardLink(Vec<u8>),
    /// `character device` or `block device` with its numbers, or `pipe`.
    Special(&'static str, u64, u64),
}

/// One member. If it is a regular file, its content follows in the input.
pub(super) struct Member {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) size: u64,
}

/// Values from extension headers before a member. As in Go, GNU names take precedence over PAX records wherever they stand, and a second PAX header
/// replaces the first (archive/tar, reader.go, `next`).
#[derive(Default)]
struct Said {
    gnu_path: Vec<u8>,
    gnu_link: Vec<u8>,
    pax: Pax,
}

/// The records of a PAX header. A record without a value counts as missing.
#[derive(Default)]
struct Pax {
    path: Vec<u8>,
    link: Vec<u8>,
    size: Option<u64>,
}

pub(super) struct Changeset<'a, R> {
    input: R,
    limits: &'a Limits,
    /// The number of unread bytes of content. `padding` bytes follow the content.
    left: u64,
    padding: u64,
    members: u64,
    names_left: u64,
}

impl<'a, R: Read> Changeset<'a, R> {
    pub(super) fn new(input: R, limits: &'a Limits) -> Self {
        Self { input, limits, left: 0, padding: 0, members: 0, names_left: limits.names_bytes }
    }

    /// The next member, or `None` at the end.
    pub(super) fn next_member(&mut self) -> Result<Option<Member>, Error> {
        self.skip()?;
        let mut said = Said::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let size = number(field(&header, 124, 12))?;
            self.set_size(size);
            match field(&header, 156, 1) {
                b"x" => said.pax = self.read_pax()?,
                b"L" => said.gnu_path = self.read_name()?,
                b"K" => said.gnu_link = self.read_name()?,
                // Go returns it as a member of its own, and then forgets the headers before it.
                b"g" => {
                    self.skip()?;
                    said = Said::default();
                }
                b"S" => return Err(malformed("a sparse file, which is not supported")),
                flag => return self.member(&header, flag, said).map(Some),
            }
        }
    }

    /// Passes the remaining content of the member to `sink`.
    pub(super) fn content(&mut self, mut sink: impl FnMut(&[u8])) -> Result<(), Error> {
        let mut buffer = [0; 1 << 14];
        while self.left > 0 {
            let want = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let piece = buffer.get_mut(..want).unwrap_or_default();
            self.input.read_exact(piece).map_err(|error| Error::from_read(WHAT, error))?;
            sink(piece);
            self.left -= want as u64;
        }
        Ok(())
    }

    /// The number and digest of the bytes after the end of the archive; `None` if there are none, or only zeros, with which archives are padded. The
    /// last member must have been read.
    pub(super) fn after_end(&mut self) -> Result<Option<(u64, Sha256)>, Error> {
        let mut hasher = HashingReader::new(&mut self.input);
        let mut buffer = vec![0; 1 << 14];
        let mut is_padding = true;
        loop {
            match hasher.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => is_padding &= buffer.iter().take(read).all(|&byte| byte == 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::from_read(WHAT, error)),
            }
        }
        let (digest, count) = hasher.finish();
        Ok((!is_padding).then_some((count, digest)))
    }

    fn set_size(&mut self, size: u64) {
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    fn skip(&mut self) -> Result<(), Error> {
        self.content(|_| {})?;
        let mut padding = (&mut self.input).take(std::mem::take(&mut self.padding));
        io::copy(&mut padding, &mut io::sink()).map(drop).map_err(|error| Error::from_read(WHAT, error))
    }

    /// The next header that is not all zero. `None` at the end: two blocks of zeros, or the end of input.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Error> {
        let mut block = [0; BLOCK];
        for zeros in 0..2 {
            let mut read = 0;
            while let Some(rest) = block.get_mut(read..).filter(|rest| !rest.is_empty()) {
                match self.input.read(rest) {
                    Ok(0) if read == 0 => return Ok(None),
                    Ok(0) => return Err(Error::Truncated { what: WHAT.into() }),
                    Ok(count) => read += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Error::from_read(WHAT, error)),
                }
            }
            if block.iter().any(|&byte| byte != 0) {
                return match zeros {
                    0 => self.checked(block).map(Some),
                    _ => Err(malformed("a header after a block of zeros")),
                };
            }
        }
        Ok(None)
    }

    fn checked(&mut self, block: [u8; BLOCK]) -> Result<[u8; BLOCK], Error> {
        self.members += 1;
        self.limits.archive_members().check(self.members, WHAT)?;
        let place = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
        let bytes = || block.iter().enumerate().map(|(at, &byte)| place(at, byte));
        let unsigned: u64 = bytes().map(u64::from).sum();
        let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
        let claimed = number(field(&block, 148, 8))?;
        match claimed == unsigned || i64::try_from(claimed) == Ok(signed) {
            true => Ok(block),
            false => Err(malformed("a header with a wrong checksum")),
        }
    }

    fn member(&mut self, header: &[u8; BLOCK], flag: &[u8], said: Said) -> Result<Member, Error> {
        let first = |texts: [Vec<u8>; 3]| texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let name = first([said.gnu_path, said.pax.path, own_name(header)]);
        let link = first([said.gnu_link, said.pax.link, text(field(header, 157, 100)).to_vec()]);
        let numbers = || Ok::<_, Error>((number(field(header, 329, 8))?, number(field(header, 337, 8))?));
        let kind = match flag {
            b"\0" if name.ends_with(b"/") => Kind::Directory,
            b"0" | b"\0" | b"7" => Kind::File,
            b"1" => Kind::HardLink(clean(&link)?),
            b"2" => Kind::Symlink(link),
            b"3" => numbers().map(|(major, minor)| Kind::Special("character device", major, minor))?,
            b"4" => numbers().map(|(major, minor)| Kind::Special("block device", major, minor))?,
            b"5" => Kind::Directory,
            b"6" => Kind::Special("pipe", 0, 0),
            other => {
                return Err(malformed(format!("a member of unsupported type {:?}", String::from_utf8_lossy(other))));
            }
        };
        // Only a file has content, regardless of the size in the header.
        self.set_size(if kind == Kind::File { said.pax.size.unwrap_or(self.left) } else { 0 });
        let path = clean(&name)?;
        let bytes = path.len() as u64;
        self.names_left = self.limits.names_bytes().take(self.names_left, bytes, WHAT)?;
        let mode = u32::try_from(number(field(header, 100, 8))? & 0o7777).unwrap_or(0);
        Ok(Member { path, kind, mode, size: self.left })
    }

    fn extension(&mut self) -> Result<Vec<u8>, Error> {
        self.limits.extended_header_bytes().check(self.left, WHAT)?;
        let mut bytes = Vec::new();
        self.content(|piece| bytes.extend_from_slice(piece))?;
        self.skip()?;
        Ok(bytes)
    }

    fn read_name(&mut self) -> Result<Vec<u8>, Error> {
        Ok(text(&self.extension()?).to_vec())
    }

    /// Reads records `LENGTH KEYWORD=VALUE\n`. If two records have the same keyword, the later one counts.
    fn read_pax(&mut self) -> Result<Pax, Error> {
        let mut pax = Pax::default();
        let bytes = self.extension()?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let bad = || malformed("a PAX header that is not a list of records");
            let digits = rest.split(|&byte| byte == b' ').next().and_then(|digits| std::str::from_utf8(digits).ok());
            let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or_else(bad)?;
            let (record, behind) = rest.split_at_checked(length).ok_or_else(bad)?;
            let record = record.get(digits.unwrap_or_default().len() + 1..).and_then(|body| body.strip_suffix(b"\n"));
            let record = record.ok_or_else(bad)?;
            let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(bad)?;
            let (keyword, value) = record.split_at_checked(equals).ok_or_else(bad)?;
            let value = value.strip_prefix(b"=").unwrap_or(value).to_vec();
            match keyword {
                b"path" => pax.path = value,
                b"linkpath" => pax.link = value,
                b"size" if value.is_empty() => pax.size = None,
                b"size" => {
                    let size = std::str::from_utf8(&value).ok().and_then(|size| size.parse().ok());
                    pax.size = Some(size.ok_or_else(|| malformed("a PAX size that is not a number"))?);
                }
                _ if keyword.starts_with(b"GNU.sparse.") => {
                    return Err(malformed("a sparse file, which is not supported"));
                }
                _ => {}
            }
            rest = behind;
        }
        Ok(pax)
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error::malformed(WHAT, message)
}

fn field(header: &[u8; BLOCK], at: usize, length: usize) -> &[u8] {
    header.get(at..at + length).unwrap_or_default()
}

/// The name in a header, with its prefix. Go ignores the version after the magic `ustar`, gives the star format a shorter prefix, and takes the
/// times in a GNU header for a prefix if they are not numbers.
fn own_name(header: &[u8; BLOCK]) -> Vec<u8> {
    let is_star = field(header, 508, 4) == b"tar\0";
    let is_time = |time: &[u8]| match time.first() {
        None | Some(0) => true,
        Some(first) if first & 0x80 != 0 => true,
        Some(_) => {
            let end = time.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
            let digits = time.get(..end).unwrap_or_default().iter().skip_while(|byte| **byte == b' ');
            digits.into_iter().all(|byte| matches!(byte, b'0'..=b'7'))
        }
    };
    let has_times = || is_time(field(header, 345, 12)) && is_time(field(header, 357, 12));
    let prefix: &[u8] = match field(header, 257, 8) {
        magic if magic.starts_with(b"ustar\0") => field(header, 345, if is_star { 131 } else { 155 }),
        b"ustar  \0" if !has_times() && text(field(header, 345, 155)).is_ascii() => field(header, 345, 155),
        _ => b"",
    };
    let (prefix, name) = (text(prefix), text(field(header, 0, 100)));
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}

/// The text up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// An octal number surrounded by spaces and NULs, or a base-256 number (GNU tar manual, "Basic Tar Format").
fn number(field: &[u8]) -> Result<u64, Error> {
    let bad = || malformed("a header with a malformed number");
    if let Some((first, rest)) = field.split_first().filter(|(first, _)| **first & 0x80 != 0) {
        let bytes = std::iter::once(first & 0x7f).chain(rest.iter().copied());
        let mut value = 0_u64;
        for byte in bytes {
            value = value.checked_mul(256).ok_or_else(bad)? | u64::from(byte);
        }
        return Ok(value);
    }
    let is_blank = |byte: &u8| matches!(byte, 0 | b' ');
    let digits = field.iter().skip_while(|byte| is_blank(byte)).take_while(|byte| !is_blank(byte));
    digits.copied().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8).map(|value| value | u64::from(digit - b'0')).ok_or_else(bad),
        _ => Err(bad()),
    })
}

/// A member's path from the layer's root; empty for the root itself.
fn clean(name: &[u8]) -> Result<Vec<u8>, Error> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in name.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." if segments.pop().is_none() && !name.starts_with(b"/") => {
                return Err(malformed("a name that leads out of the layer"));
            }
            b".." => {}
            _ => segments.push(segment),
        }
    }
    Ok(segments.join(&b'/'))
}

#[cfg(all(test, unix))]
mod tests;
