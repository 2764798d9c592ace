//! A tar writer that writes what Python's tarfile writes and, on request, malformed archives.

pub const BLOCK: usize = 512;
/// Python's tarfile pads its archives to a multiple of this.
const RECORD: usize = 20 * BLOCK;

/// One member, and how to write its header.
#[derive(Clone)]
pub struct Entry {
    pub path: Vec<u8>,
    pub kind: u8,
    pub mode: u32,
    /// Seconds since 1970; if there is a fraction, Python's tarfile writes a PAX header.
    pub mtime: &'static str,
    pub target: Vec<u8>,
    pub content: Vec<u8>,
    /// Additional PAX records.
    pub pax: Vec<(&'static str, Vec<u8>)>,
    pub names: LongNames,
    /// Bytes of the size field that replace the correct ones.
    pub size: Option<[u8; 12]>,
}

/// How a name of more than 100 bytes is written.
#[derive(Clone, Copy, PartialEq)]
pub enum LongNames {
    Pax,
    Gnu,
    /// Writes both forms, with this name in the GNU form, so that two readers see different names.
    PaxAndGnu(&'static [u8]),
}

impl Entry {
    pub fn file(path: impl Into<Vec<u8>>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            kind: b'0',
            mode: 0o644,
            mtime: "1772446530.125",
            target: Vec::new(),
            content: content.into(),
            pax: Vec::new(),
            names: LongNames::Pax,
            size: None,
        }
    }

    pub fn directory(path: impl Into<Vec<u8>>) -> Self {
        Self { kind: b'5', mode: 0o755, ..Self::file(path, []) }
    }

    pub fn link(kind: u8, path: &str, target: &str) -> Self {
        Self { kind, target: target.into(), ..Self::file(path, []) }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut path = self.path.clone();
        if self.kind == b'5' && !path.ends_with(b"/") {
            path.push(b'/');
        }
        let pax = self.pax_records(&path);
        if !pax.is_empty() {
            let header = Header { path: b"././@PaxHeader", kind: b'x', owner: b"", ..Header::default() };
            header.write(&octal(pax.len() as u64, 11), out);
            write_content(&pax, out);
        }
        if let Some(name) = self.gnu_name(&path) {
            let header = Header { path: b"././@LongLink", kind: b'L', owner: b"", gnu: true, ..Header::default() };
            header.write(&octal(name.len() as u64 + 1, 11), out);
            write_content(&[name, b"\0"].concat(), out);
        }
        let header = Header {
            path: &path,
            kind: self.kind,
            mode: self.mode,
            mtime: self.mtime.split('.').next().unwrap().parse().unwrap(),
            target: &self.target,
            owner: b"root",
            gnu: self.names == LongNames::Gnu,
        };
        let size = octal(self.content.len() as u64, 11);
        header.write(self.size.as_ref().map_or(size.as_slice(), |size| size), out);
        write_content(&self.content, out);
    }

    fn pax_records(&self, path: &[u8]) -> Vec<u8> {
        let mut records: Vec<(&str, &[u8])> = self.pax.iter().map(|(key, value)| (*key, value.as_slice())).collect();
        if self.names != LongNames::Gnu {
            let long = |text: &[u8]| text.len() > 100 || !text.is_ascii();
            if long(path) {
                records.push(("path", path));
            }
            if long(&self.target) {
                records.push(("linkpath", &self.target));
            }
        }
        if self.mtime.contains('.') {
            records.push(("mtime", self.mtime.as_bytes()));
        }
        records.into_iter().flat_map(|(key, value)| pax_record(key, value)).collect()
    }

    fn gnu_name<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        match self.names {
            LongNames::Pax => None,
            LongNames::Gnu => (path.len() > 100).then_some(path),
            LongNames::PaxAndGnu(name) => Some(name),
        }
    }
}

/// `LENGTH KEYWORD=VALUE\n`, where LENGTH includes its own digits.
pub fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (rest..).find(|length| length - length.to_string().len() == rest).unwrap();
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

#[derive(Default)]
struct Header<'a> {
    path: &'a [u8],
    kind: u8,
    mode: u32,
    mtime: u64,
    target: &'a [u8],
    owner: &'a [u8],
    gnu: bool,
}

impl Header<'_> {
    fn write(&self, size: &[u8], out: &mut Vec<u8>) {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, text: &[u8], room: usize| {
            let text = &text[..text.len().min(room)];
            block[at..at + text.len()].copy_from_slice(text);
        };
        put(0, self.path, 100);
        put(100, &octal(self.mode.into(), 7), 8);
        put(108, &octal(0, 7), 8);
        put(116, &octal(0, 7), 8);
        put(124, size, 12);
        put(136, &octal(self.mtime, 11), 12);
        put(156, &[self.kind], 1);
        put(157, self.target, 100);
        put(257, if self.gnu { b"ustar  \0" } else { b"ustar\x0000" }, 8);
        put(265, self.owner, 32);
        put(297, self.owner, 32);
        set_checksum(&mut block);
        out.extend(block);
    }
}

/// Recomputes a changed header's checksum.
pub fn set_checksum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..BLOCK].iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

pub fn octal(number: u64, digits: usize) -> Vec<u8> {
    format!("{number:0digits$o}\0").into_bytes()
}

fn write_content(content: &[u8], out: &mut Vec<u8>) {
    out.extend(content);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// The members, without the end-of-archive marker.
pub fn members(entries: &[Entry]) -> Vec<u8> {
    entries.iter().fold(Vec::new(), |mut out, entry| {
        entry.write(&mut out);
        out
    })
}

/// A whole archive: the members, two blocks of zeros, and zeros up to a full record.
pub fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut out = members(entries);
    out.resize((out.len() + 2 * BLOCK).next_multiple_of(RECORD), 0);
    out
}
