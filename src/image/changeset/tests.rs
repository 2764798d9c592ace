//! Reads layers made by Python's tarfile or by hand, and compares the result with the expected members.

use std::process::Command;

use super::*;

type Listed = Vec<(String, String, u32, u64)>;

fn read(bytes: &[u8]) -> Result<Listed, Error> {
    let limits = Limits::default();
    let mut changeset = Changeset::new(bytes, &limits);
    let mut listed = Vec::new();
    while let Some(member) = changeset.next_member()? {
        let kind = match &member.kind {
            Kind::Special(what, major, minor) => format!("{what} {major} {minor}"),
            Kind::Symlink(target) => format!("symlink {}", String::from_utf8_lossy(target)),
            Kind::HardLink(target) => format!("link {}", String::from_utf8_lossy(target)),
            other => format!("{other:?}"),
        };
        let mut size = 0;
        changeset.content(|piece| size += piece.len() as u64)?;
        assert_eq!(size, member.size);
        listed.push((String::from_utf8(member.path).unwrap(), kind, member.mode, member.size));
    }
    Ok(listed)
}

fn python(script: &str) -> Vec<u8> {
    let output = Command::new("python3").arg("-c").arg(script).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const SCRIPT: &str = r#"
import io, sys, tarfile
out = io.BytesIO()
with tarfile.open(fileobj=out, mode="w", format=HOW) as tar:
    def add(name, kind, data=b"", mode=0o644, **more):
        member = tarfile.TarInfo(name)
        member.type, member.size, member.mode = kind, len(data), mode
        for field, value in more.items():
            setattr(member, field, value)
        tar.addfile(member, io.BytesIO(data))
    add("./", tarfile.DIRTYPE, mode=0o755)
    add("/etc//motd", tarfile.REGTYPE, b"hello")
    add("dev/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)
    add("dev/sda", tarfile.BLKTYPE, mode=0o660, devmajor=8, devminor=0)
    add("run/pipe", tarfile.FIFOTYPE, mode=0o600)
    add("etc", tarfile.DIRTYPE, mode=0o755)
    add("etc/", tarfile.DIRTYPE, mode=0o700)
    add("n" * 150 + "/file", tarfile.REGTYPE, b"x" * 600)
    add("link", tarfile.SYMTYPE, linkname="/etc/motd", mode=0o777)
    add("hard", tarfile.LNKTYPE, linkname="/etc/motd", uid=0 if HOW == tarfile.USTAR_FORMAT else 5000000)
sys.stdout.buffer.write(out.getvalue())
"#;

#[test]
fn members_are_read_as_engines_unpack_them() {
    let long = format!("{}/file", "n".repeat(150));
    let expected = [
        ("", "Directory", 0o755, 0),
        ("etc/motd", "File", 0o644, 5),
        ("dev/null", "character device 1 3", 0o666, 0),
        ("dev/sda", "block device 8 0", 0o660, 0),
        ("run/pipe", "pipe 0 0", 0o600, 0),
        ("etc", "Directory", 0o755, 0),
        ("etc", "Directory", 0o700, 0),
        (long.as_str(), "File", 0o644, 600),
        ("link", "symlink /etc/motd", 0o777, 0),
        ("hard", "link etc/motd", 0o644, 0),
    ];
    let expected: Listed =
        expected.map(|(path, kind, mode, size)| (path.to_owned(), kind.to_owned(), mode, size)).to_vec();
    for format in ["tarfile.USTAR_FORMAT", "tarfile.GNU_FORMAT", "tarfile.PAX_FORMAT"] {
        let bytes = python(&SCRIPT.replace("HOW", format));
        assert_eq!(read(&bytes).unwrap(), expected, "{format}");
        // The end-of-archive marker may be missing, partly or completely.
        let end = bytes.iter().rposition(|&byte| byte != 0).unwrap() / BLOCK * BLOCK + BLOCK;
        for cut in [end, end + BLOCK, end + 2 * BLOCK] {
            assert_eq!(read(&bytes[..cut]).unwrap(), expected, "{format} cut at {cut}");
        }
    }
    assert_eq!(read(b"").unwrap(), []);
    assert_eq!(read(&[0; 1024]).unwrap(), []);
}

#[test]
fn malformed_layers_are_refused_and_damage_never_causes_a_panic() {
    let bytes = python(&SCRIPT.replace("HOW", "tarfile.PAX_FORMAT"));
    for cut in [1, 511, 513, 1025, 3000] {
        assert!(read(&bytes[..cut]).is_err(), "{cut}");
    }
    for at in (0..bytes.len()).step_by(37) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        let _ = read(&flipped);
    }
    for name in ["../a", "a/../../b"] {
        let script = format!(
            "import io,sys,tarfile\nout=io.BytesIO()\nwith tarfile.open(fileobj=out,mode='w') as t: t.addfile(tarfile.TarInfo({name:?}))\n\
             sys.stdout.buffer.write(out.getvalue())"
        );
        assert!(read(&python(&script)).is_err(), "{name}");
    }
    assert_eq!(clean(b"/../a/b/../c//d/.").unwrap(), b"a/c/d");
}

/// Headers that Go's archive/tar reads in its own way. What umoci and buildah unpack was the oracle for each.
const ODD: &str = r#"
import sys
def header(name, kind=b"0", size=0, magic=b"ustar\x0000", prefix=b"", end=b""):
    block = bytearray(512)
    def put(at, data): block[at:at + len(data)] = data
    put(0, name); put(100, b"0000644\0"); put(124, b"%011o\0" % size); put(156, kind); put(257, magic); put(345, prefix); put(508, end)
    put(148, b" " * 8); put(148, b"%06o\0 " % sum(block))
    return bytes(block)
def extension(kind, data, **more): return header(b"x", kind, len(data), **more) + data + bytes(-len(data) % 512)
def record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length: length += 1
    return b"%d" % length + body
L, x = extension(b"L", b"gnu\0"), lambda value: extension(b"x", record(b"path", value))
sys.stdout.buffer.write(MEMBER + bytes(1024))
"#;

#[test]
fn ambiguous_names_are_read_as_go_reads_them() {
    for (member, path, kind) in [
        ("L + x(b'pax') + header(b'own')", "gnu", "File"),
        ("x(b'pax') + L + header(b'own')", "gnu", "File"),
        ("x(b'one') + extension(b'x', record(b'mtime', b'1')) + header(b'own')", "own", "File"),
        ("x(b'') + header(b'own')", "own", "File"),
        ("x(b'pax') + extension(b'g', record(b'comment', b'1')) + header(b'own')", "own", "File"),
        ("header(b'own/')", "own", "File"),
        ("header(b'own/', b'\\0')", "own", "Directory"),
        ("header(b'own', magic=b'ustar  \\0', prefix=b'dir')", "dir/own", "File"),
        ("header(b'own', magic=b'ustar  \\0', prefix=b'00000000001\\0')", "own", "File"),
        ("header(b'own', magic=b'ustar\\0  ', prefix=b'dir')", "dir/own", "File"),
        ("header(b'own', magic=b'', prefix=b'dir')", "own", "File"),
    ] {
        let listed = read(&python(&ODD.replace("MEMBER", member))).unwrap();
        assert_eq!(listed, [(path.to_owned(), kind.to_owned(), 0o644, 0)], "{member}");
    }
}
