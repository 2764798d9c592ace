//! Compares the tar reader with Python's tarfile, which must read every accepted archive in the same way.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{MemberKind, TarReader};
use crate::base::digest::{Sha256, encode_hex};
use crate::base::error::Error;
use crate::base::limits::Limits;

const BLOCK: usize = 512;

/// Reads archives from standard input, each preceded by its length, and prints a line for each: its members, or an error.
const PYTHON: &str = "\
import hashlib, io, sys, tarfile
def plain(name):
    parts = name.encode('utf-8', 'surrogateescape').split(b'/')
    return b'/'.join(part for part in parts if part not in (b'', b'.'))
def line(member, archive):
    kind = {'1': 'hard', '2': 'soft', '5': 'folder'}.get(member.type.decode('latin1'), 'file')
    link = plain(member.linkname) if kind == 'hard' else member.linkname.encode('utf-8', 'surrogateescape')
    content = archive.extractfile(member).read() if kind == 'file' else b''
    link = link if kind in ('hard', 'soft') else b''
    return ':'.join([plain(member.name).hex(), kind, link.hex(), hashlib.sha256(content).hexdigest(), oct(member.mode & 0o7777)])
while head := sys.stdin.buffer.read(8):
    data = io.BytesIO(sys.stdin.buffer.read(int.from_bytes(head, 'big')))
    try:
        archive = tarfile.open(fileobj=data, mode='r:', encoding='utf-8', errors='surrogateescape')
        print(' '.join(line(member, archive) for member in archive))
    except Exception as error:
        print('error', repr(error))
";

/// The members as [`PYTHON`] prints them.
fn listing(bytes: &[u8]) -> Result<String, Error> {
    let limits = Limits::default();
    let mut tar = TarReader::new(bytes, "test", &limits);
    let mut lines = Vec::new();
    while let Some(member) = tar.next_member()? {
        let (kind, link) = match &member.kind {
            MemberKind::File => ("file", Vec::new()),
            MemberKind::Directory => ("folder", Vec::new()),
            MemberKind::Symlink(target) => ("soft", target.clone()),
            MemberKind::HardLink(target) => ("hard", target.as_bytes().to_vec()),
        };
        let content = Sha256::of(&tar.read_content()?).hex();
        let name = encode_hex(member.path.as_bytes());
        lines.push(format!("{name}:{kind}:{}:{content}:0o{:o}", encode_hex(&link), member.mode));
    }
    Ok(lines.join(" "))
}

fn seed(name: &str) -> Vec<u8> {
    let path = format!("{}/fuzz/corpus/inner_tar/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

fn headers(bytes: &[u8]) -> Vec<usize> {
    let starts = (0..bytes.len() / BLOCK).map(|block| block * BLOCK);
    starts.filter(|start| bytes[start + 257..].starts_with(b"ustar")).collect()
}

/// Recomputes the checksum of every header.
fn repair(bytes: &mut [u8]) {
    for start in headers(bytes) {
        let block = &mut bytes[start..start + BLOCK];
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
}

/// Archives with up to three changed bytes in headers, extension headers or content, and with correct checksums. The
/// archives are the same in every run.
fn variants(count: usize) -> Vec<Vec<u8>> {
    let seeds = [seed("good"), seed("names")];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let telling = [0, b' ', b'0', b'1', b'5', b'/', b'.', b'=', b'\n', b'x', b'L', b'g', 0x80, 0xff];
    let mut variants = Vec::new();
    while variants.len() < count {
        let mut bytes = seeds[random(2)].clone();
        for _ in 0..=random(3) {
            let headers = headers(&bytes);
            let start = headers[random(headers.len())];
            let at = match random(6) {
                0 => random(100),
                1 => 100 + random(48),
                2 => 156 + random(101),
                3 => 257 + random(8),
                4 => 329 + random(183),
                _ => BLOCK + random(64),
            };
            let value =
                if random(2) == 0 { telling[random(telling.len())] } else { u8::try_from(random(256)).unwrap() };
            bytes[start + at] = value;
        }
        repair(&mut bytes);
        variants.push(bytes);
    }
    variants
}

#[test]
fn pythons_tarfile_reads_accepted_archives_the_same_way() {
    let accepted: Vec<(Vec<u8>, String)> =
        variants(4000).into_iter().filter_map(|bytes| listing(&bytes).ok().map(|listing| (bytes, listing))).collect();
    assert!(accepted.len() > 500, "{}", accepted.len());
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for this test");
    let mut input = python.stdin.take().unwrap();
    let stream: Vec<u8> = accepted
        .iter()
        .flat_map(|(bytes, _)| [&(bytes.len() as u64).to_be_bytes(), bytes.as_slice()].concat())
        .collect();
    let writer = std::thread::spawn(move || input.write_all(&stream));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert_eq!(theirs.lines().count(), accepted.len());
    for ((_, ours), theirs) in accepted.iter().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
}

/// Python's tarfile or GNU tar misreads each of these headers or stops at it.
#[test]
fn header_fields_that_readers_misread_must_be_well_formed() {
    let patched = |at: usize, value: &[u8]| {
        let mut bytes = seed("good");
        let start = *headers(&bytes).last().unwrap();
        bytes[start + at..start + at + value.len()].copy_from_slice(value);
        repair(&mut bytes);
        listing(&bytes)
    };
    assert!(patched(108, b"0000000\0").is_ok());
    for (at, value, complaint) in [
        (100, &b"00x0644"[..], "mode"),
        (108, b"0000\x860\0", "uid"),
        (116, b"-000000", "gid"),
        (136, b"0000000000_", "mtime"),
        (329, b"12a", "device"),
        (337, b"9", "device"),
    ] {
        let error = patched(at, value).unwrap_err().to_string();
        assert!(error.contains(&format!("a header whose {complaint} is not plain octal")), "{error}");
    }
    // Large owner numbers in base 256 and empty numbers are accepted.
    assert!(patched(108, b"\x80\0\0\0\0\x20\0\0").is_ok() && patched(116, &[0; 8]).is_ok());
    // GNU's magic number, with data in the field where ustar has the beginning of the name.
    let mut bytes = seed("good");
    let start = headers(&bytes)[0];
    bytes[start + 257..start + 265].copy_from_slice(b"ustar  \0");
    repair(&mut bytes);
    assert!(listing(&bytes).is_ok());
    bytes[start + 345..start + 349].copy_from_slice(b"evil");
    repair(&mut bytes);
    assert!(listing(&bytes).unwrap_err().to_string().contains("a GNU header with unexpected data"));
}
