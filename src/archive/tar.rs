//! A strict, streaming reader of tar archives: ustar (POSIX.1-1988), PAX (POSIX.1-2001) and the long names of GNU tar.
//!
//! Readers disagree on each of these, so each is refused: a global PAX header between an extension header and its member, an unrecognised member type, a size that is not plain octal, a PAX size that differs from
//! the header's, an unrecognised PAX keyword ([`pax`]), a PAX and a GNU name for one field, sparse members, content in a member whose type has none,
//! malformed numbers, GNU headers with data in the field where ustar has the beginning of a name, duplicate names, non-zero bytes after the
//! end, and a missing end.

use std::collections::HashSet;
use std::io::{self, Read};

use ::tar::{EntryType, Header};

use super::name::MemberPath;
use super::pax::{self, Meaning};
use crate::base::error::Error;
use crate::base::limits::Limits;

const BLOCK: usize = 512;
/// The offset of the field that contains the beginning of a long name in a ustar header, and times and sparse maps in a GNU header.
const PREFIX: usize = 345;
/// The fields of a ustar header end here.
const USTAR_END: usize = 500;
/// The maximum number of bytes that [`TarReader::read_content`] reads at a time.
const PIECE: u64 = 1 << 18;

/// The kind of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberKind {
    /// A regular file; its bytes follow.
    File,
    /// A directory.
    Directory,
    /// A symbolic link with its target as written.
    Symlink(Vec<u8>),
    /// A hard link to the member at this path.
    HardLink(MemberPath),
}

/// One member's header, read strictly. Owner, group and times are checked but not kept.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) path: MemberPath,
    pub(crate) kind: MemberKind,
    /// Permission bits as written, at most 0o7777.
    pub(crate) mode: u32,
    /// Bytes of content.
    pub(crate) size: u64,
}

/// Reads members in order. Content that the caller does not read is skipped.
pub(crate) struct TarReader<'a, R> {
    input: R,
    what: &'a str,
    limits: &'a Limits,
    /// The number of the current member's content bytes that have not been read.
    left: u64,
    /// The number of zero bytes between that content and the next header.
    padding: usize,
    seen: HashSet<MemberPath>,
    headers: u64,
    names_left: u64,
}

/// Keyword and value.
type PaxRecord<'t> = (&'t [u8], &'t [u8]);

/// The fields that a member's extension headers set.
#[derive(Default)]
struct Extensions {
    pax_path: Option<Vec<u8>>,
    pax_link: Option<Vec<u8>>,
    pax_size: Option<u64>,
    gnu_path: Option<Vec<u8>>,
    gnu_link: Option<Vec<u8>>,
    has_pax: bool,
    any: bool,
}

impl Extensions {
    /// Whether an extension header of the next member was read.
    fn names_a_member(&self) -> bool {
        self.has_pax || self.gnu_path.is_some() || self.gnu_link.is_some()
    }
}

impl<'a, R: Read> TarReader<'a, R> {
    /// Errors refer to the archive as `what`.
    pub(crate) fn new(input: R, what: &'a str, limits: &'a Limits) -> Self {
        Self {
            input,
            what,
            limits,
            left: 0,
            padding: 0,
            seen: HashSet::new(),
            headers: 0,
            names_left: limits.names_bytes,
        }
    }

    /// The next member, or `None` after a well-formed end followed only by zeros.
    pub(crate) fn next_member(&mut self) -> Result<Option<Member>, Error> {
        self.skip_content()?;
        let mut extensions = Extensions::default();
        loop {
            let Some(header) = self.read_header()? else {
                if extensions.any {
                    return Err(self.malformed("an extension header with no member after it"));
                }
                return Ok(None);
            };
            self.left = self.octal(&header.as_old().size, "size")?;
            self.padding = padding_of(self.left);
            match header.entry_type() {
                EntryType::XHeader => {
                    if std::mem::replace(&mut extensions.has_pax, true) {
                        return Err(self.malformed("two PAX headers for one member"));
                    }
                    let text = self.read_extension()?;
                    self.read_pax(&text, &mut extensions)?;
                }
                // Go's archive/tar returns a global header as a member of its own, and then forgets the extension.
                EntryType::XGlobalHeader if extensions.names_a_member() => {
                    return Err(self.malformed("a global PAX header between an extension header and its member"));
                }
                EntryType::XGlobalHeader => self.check_global_pax()?,
                EntryType::GNULongName => {
                    let name = self.read_gnu_name()?;
                    self.set_once(&mut extensions.gnu_path, name)?;
                }
                EntryType::GNULongLink => {
                    let name = self.read_gnu_name()?;
                    self.set_once(&mut extensions.gnu_link, name)?;
                }
                _ => return self.member(&header, extensions).map(Some),
            }
            extensions.any = true;
        }
    }

    /// Reads the rest of the current member's content. The caller must have checked the content's size.
    pub(crate) fn read_content(&mut self) -> Result<Vec<u8>, Error> {
        self.read_content_through(|_| {})
    }

    /// As [`Self::read_content`]. Also passes the content to `sink`, piece by piece as it arrives,
    /// while other threads decode later content.
    pub(crate) fn read_content_through(&mut self, mut sink: impl FnMut(&[u8])) -> Result<Vec<u8>, Error> {
        let size = usize::try_from(self.left).map_err(|_| self.malformed("a size beyond the address space"))?;
        let mut content = Vec::new();
        // The size is untrusted: a failed allocation must be an error, not an abort.
        content.try_reserve_exact(size).map_err(|_| self.malformed("a size larger than the available memory"))?;
        while self.left > 0 {
            let before = content.len();
            let piece = (&mut self.input).take(self.left.min(PIECE)).read_to_end(&mut content);
            let read = piece.map_err(|e| Error::from_read(self.what, e))?;
            if read == 0 {
                return Err(Error::Truncated { what: self.what.into() });
            }
            sink(content.get(before..).unwrap_or_default());
            self.left -= read as u64;
        }
        Ok(content)
    }

    /// Passes the rest of the current member's content to `sink`, piece by piece.
    pub(crate) fn stream_content(&mut self, mut sink: impl FnMut(&[u8])) -> Result<(), Error> {
        let mut buffer = [0; 1 << 14];
        while self.left > 0 {
            let want = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let piece = buffer.get_mut(..want).unwrap_or_default();
            self.input.read_exact(piece).map_err(|e| Error::from_read(self.what, e))?;
            sink(piece);
            self.left -= want as u64;
        }
        Ok(())
    }

    /// The rest of the current member's content, as a reader that ends with the content.
    pub(crate) fn content(&mut self) -> MemberContent<'_, 'a, R> {
        MemberContent(self)
    }

    fn skip_content(&mut self) -> Result<(), Error> {
        self.stream_content(|_| {})?;
        let mut padding = [0; BLOCK];
        let padding = padding.get_mut(..self.padding).unwrap_or_default();
        self.input.read_exact(padding).map_err(|e| Error::from_read(self.what, e))?;
        self.padding = 0;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(self.malformed("non-zero bytes after a member's content"));
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<Option<Header>, Error> {
        let mut block = [0; BLOCK];
        self.input.read_exact(&mut block).map_err(|e| Error::from_read(self.what, e))?;
        if block.iter().all(|&byte| byte == 0) {
            return self.read_end().map(|()| None);
        }
        self.headers += 1;
        self.limits.archive_members().check(self.headers, self.what)?;
        let header = Header::from_byte_slice(&block).clone();
        let claimed = self.octal(&header.as_old().cksum, "checksum")?;
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u64::from(byte) })
            .sum();
        if claimed != sum {
            return Err(self.malformed("a header with a wrong checksum"));
        }
        self.check_unread_fields(&header)?;
        Ok(Some(header))
    }

    /// Checks fields that other readers misread if they are malformed: Python's tarfile treats a header with a malformed number as the end of the
    /// archive, and GNU tar treats data after a name as part of the name.
    fn check_unread_fields(&self, header: &Header) -> Result<(), Error> {
        let old = header.as_old();
        let mut numbers =
            vec![("mode", &old.mode[..]), ("uid", &old.uid[..]), ("gid", &old.gid[..]), ("mtime", &old.mtime[..])];
        match (header.as_ustar(), header.as_gnu()) {
            (Some(ustar), _) => {
                numbers.extend([("device", &ustar.dev_major[..]), ("device", &ustar.dev_minor[..])]);
                // star writes its magic number here and then uses only part of the prefix field for the name.
                if header.as_bytes().iter().skip(USTAR_END).any(|&byte| byte != 0) {
                    return Err(self.malformed("a ustar header with data after its last field"));
                }
            }
            (None, Some(gnu)) => {
                numbers.extend([("device", &gnu.dev_major[..]), ("device", &gnu.dev_minor[..])]);
                if header.as_bytes().iter().skip(PREFIX).any(|&byte| byte != 0) {
                    return Err(self.malformed("a GNU header with unexpected data"));
                }
            }
            (None, None) => return Err(self.malformed("a header that is neither ustar nor GNU")),
        }
        for (name, field) in numbers {
            let empty = field.iter().all(|byte| matches!(byte, 0 | b' '));
            // Large owner numbers are written in base 256 (GNU tar manual, "Basic Tar Format").
            let binary = matches!(field.first(), Some(0x80 | 0xff));
            if !empty && !binary {
                self.octal(field, name)?;
            }
        }
        Ok(())
    }

    /// The end is two blocks of zeros; all bytes after them must also be zero.
    fn read_end(&mut self) -> Result<(), Error> {
        let mut block = [0; BLOCK];
        self.input.read_exact(&mut block).map_err(|e| Error::from_read(self.what, e))?;
        let mut rest = [0; 1 << 14];
        let mut clean = block.iter().all(|&byte| byte == 0);
        while clean {
            let read = self.input.read(&mut rest).map_err(|e| Error::from_read(self.what, e))?;
            if read == 0 {
                return Ok(());
            }
            clean = rest.iter().take(read).all(|&byte| byte == 0);
        }
        Err(self.malformed("non-zero bytes after the end of the archive"))
    }

    fn member(&mut self, header: &Header, extensions: Extensions) -> Result<Member, Error> {
        let size = self.left;
        if extensions.pax_size.is_some_and(|pax| pax != size) {
            return Err(self.malformed("a PAX size that differs from the header's"));
        }
        let raw_path =
            self.one_of(extensions.pax_path, extensions.gnu_path)?.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = self
            .one_of(extensions.pax_link, extensions.gnu_link)?
            .or_else(|| header.link_name_bytes().map(|link| link.into_owned()));
        let path = self.path(&raw_path)?;
        let kind = match header.entry_type() {
            EntryType::Regular => MemberKind::File,
            EntryType::Directory => MemberKind::Directory,
            EntryType::Symlink => MemberKind::Symlink(self.link_target(link)?),
            EntryType::Link => {
                let target = self.link_target(link)?;
                MemberKind::HardLink(self.path(&target)?)
            }
            other => {
                let letter = char::from(other.as_byte()).escape_default();
                return Err(self.malformed(format!(
                    "member {path:?} has the type '{letter}'; only files, directories and links are accepted"
                )));
            }
        };
        // In an old header (type NUL), Python's tarfile uses the header's own name, not a PAX or GNU name, to recognise a directory, and then reads
        // the content as further members.
        let old_directory = header.as_old().linkflag == [0] && header.path_bytes().ends_with(b"/");
        let like_directory = kind != MemberKind::Directory && (raw_path.ends_with(b"/") || raw_path.ends_with(b"/."));
        if like_directory || (kind == MemberKind::File && old_directory) {
            return Err(self.malformed(format!("{path:?} is named like a directory but is not one")));
        }
        if kind != MemberKind::File && size != 0 {
            return Err(self.malformed(format!("member {path:?} has content, which its type does not allow")));
        }
        if path.as_bytes().is_empty() && kind != MemberKind::Directory {
            return Err(self.malformed("a member named '.' that is not a directory"));
        }
        let link_bytes = if let MemberKind::Symlink(target) = &kind { target.len() } else { 0 };
        let bytes = (path.as_bytes().len() + link_bytes) as u64;
        self.names_left = self.limits.names_bytes().take(self.names_left, bytes, self.what)?;
        if !self.seen.insert(path.clone()) {
            return Err(self.malformed(format!("two members are named {path:?}")));
        }
        let mode = self.octal(&header.as_old().mode, "mode")?;
        Ok(Member { path, kind, mode: u32::try_from(mode & 0o7777).unwrap_or(0), size })
    }

    fn link_target(&self, link: Option<Vec<u8>>) -> Result<Vec<u8>, Error> {
        match link {
            Some(target) if target.len() as u64 > self.limits.path_bytes => {
                Err(self.limits.path_bytes().exceeded(self.what))
            }
            Some(target) if !target.is_empty() && !target.contains(&0) => Ok(target),
            _ => Err(self.malformed("a link whose target is empty or contains a NUL")),
        }
    }

    fn path(&self, raw: &[u8]) -> Result<MemberPath, Error> {
        self.limits.path_bytes().check(raw.len() as u64, self.what)?;
        MemberPath::parse(raw).map_err(|fault| self.malformed(format!("{fault}: {:?}", String::from_utf8_lossy(raw))))
    }

    fn read_extension(&mut self) -> Result<Vec<u8>, Error> {
        self.limits.extended_header_bytes().check(self.left, self.what)?;
        let text = self.read_content()?;
        self.skip_content()?;
        Ok(text)
    }

    fn read_gnu_name(&mut self) -> Result<Vec<u8>, Error> {
        let mut name = self.read_extension()?;
        // GNU tar ends the name with a single NUL.
        if name.pop_if(|byte| *byte == 0).is_none() || name.contains(&0) {
            return Err(self.malformed("a GNU long name that does not end with exactly one NUL"));
        }
        Ok(name)
    }

    fn read_pax(&self, text: &[u8], extensions: &mut Extensions) -> Result<(), Error> {
        let mut keywords = HashSet::new();
        for (keyword, value) in self.pax_records(text)? {
            // According to POSIX, the last value applies, but not every reader follows that rule.
            if !keywords.insert(keyword) {
                let keyword = String::from_utf8_lossy(keyword);
                return Err(self.malformed(format!("a PAX header with two values for {keyword:?}")));
            }
            match pax::meaning(keyword, value).map_err(|message| self.malformed(message))? {
                Meaning::Path => extensions.pax_path = Some(value.to_vec()),
                Meaning::LinkPath => extensions.pax_link = Some(value.to_vec()),
                Meaning::Size => {
                    let size = std::str::from_utf8(value).ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
                    let size = size
                        .and_then(|v| v.parse().ok())
                        .ok_or_else(|| self.malformed("a PAX size that is not a number"))?;
                    extensions.pax_size = Some(size);
                }
                Meaning::Nothing => {}
            }
        }
        Ok(())
    }

    /// `git archive` writes one global header, with a comment. A global header that renames or resizes every member is refused.
    fn check_global_pax(&mut self) -> Result<(), Error> {
        let text = self.read_extension()?;
        let mut ignored = Extensions::default();
        self.read_pax(&text, &mut ignored)?;
        if ignored.pax_path.is_some() || ignored.pax_link.is_some() || ignored.pax_size.is_some() {
            return Err(self.malformed("a global PAX header that sets path, linkpath or size"));
        }
        Ok(())
    }

    /// Records `LENGTH KEYWORD=VALUE\n`, where LENGTH counts the whole record (POSIX.1-2001, pax, "Extended Header").
    fn pax_records<'t>(&self, mut text: &'t [u8]) -> Result<Vec<PaxRecord<'t>>, Error> {
        let bad = || self.malformed("a PAX header that is not a list of records");
        let mut records = Vec::new();
        while !text.is_empty() {
            let space = text.iter().position(|&byte| byte == b' ').ok_or_else(bad)?;
            let (digits, _) = text.split_at_checked(space).ok_or_else(bad)?;
            let length: usize = std::str::from_utf8(digits)
                .ok()
                .filter(|d| d.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|d| d.parse().ok())
                .ok_or_else(bad)?;
            let (record, rest) = text.split_at_checked(length).ok_or_else(bad)?;
            let body = record.get(space + 1..).and_then(|body| body.strip_suffix(b"\n")).ok_or_else(bad)?;
            let equals = body.iter().position(|&byte| byte == b'=').ok_or_else(bad)?;
            // Older versions of Python's tarfile ignore the rest of the header after a record that has no keyword.
            let (keyword, value) =
                body.split_at_checked(equals).filter(|(word, _)| !word.is_empty()).ok_or_else(bad)?;
            records.push((keyword, value.strip_prefix(b"=").unwrap_or(value)));
            text = rest;
        }
        Ok(records)
    }

    fn set_once<T>(&self, slot: &mut Option<T>, value: T) -> Result<(), Error> {
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(self.malformed("a duplicate extension header")),
        }
    }

    fn one_of(&self, pax: Option<Vec<u8>>, gnu: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Error> {
        match (pax, gnu) {
            (Some(_), Some(_)) => Err(self.malformed("a PAX and a GNU long name for one member")),
            (pax, gnu) => Ok(pax.or(gnu)),
        }
    }

    /// Octal digits, optionally preceded by spaces and followed by spaces or NULs. Base 256 and signs are refused: no mode and no size within the
    /// limits needs them.
    fn octal(&self, field: &[u8], name: &str) -> Result<u64, Error> {
        let blanks = field.iter().take_while(|byte| **byte == b' ').count();
        let text = field.get(blanks..).unwrap_or_default();
        let end = text.iter().position(|byte| matches!(byte, 0 | b' ')).unwrap_or(text.len());
        let (digits, tail) = text.split_at_checked(end).unwrap_or((text, &[]));
        if digits.is_empty()
            || !digits.iter().all(|byte| (b'0'..=b'7').contains(byte))
            || !tail.iter().all(|byte| matches!(byte, 0 | b' '))
        {
            return Err(self.malformed(format!("a header whose {name} is not plain octal")));
        }
        Ok(digits.iter().fold(0, |number, digit| number << 3 | u64::from(digit - b'0')))
    }

    fn malformed(&self, message: impl Into<String>) -> Error {
        Error::malformed(self.what, message)
    }
}

/// The reader that [`TarReader::content`] returns.
pub(crate) struct MemberContent<'t, 'a, R>(&'t mut TarReader<'a, R>);

impl<R: Read> Read for MemberContent<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.0.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.0.input.read(buffer.get_mut(..want).unwrap_or_default())?;
        if read == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.left -= read as u64;
        Ok(read)
    }
}

fn padding_of(size: u64) -> usize {
    usize::try_from(size.wrapping_neg() % BLOCK as u64).unwrap_or(0)
}

#[cfg(test)]
#[path = "tar_tests.rs"]
mod tests;
