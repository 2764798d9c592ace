//! The outer tar archive has unexpected members, or headers that two readers read differently.

use super::super::case::{Case, build_name, image_tag};
use super::super::inputs::STAMP;
use super::super::tar::{BLOCK, Entry, LongNames, octal, pax_record, set_checksum};

pub fn cases() -> Vec<Case> {
    [members(), duplicates(), names(), kinds(), extensions(), sizes(), ends(), bounds()].into_iter().flatten().collect()
}

/// A malformed outer archive; the entries are the signed archive and its signature.
fn malformed(name: &str, about: &'static str, edit: impl FnOnce(&mut Vec<Entry>) + 'static) -> Case {
    Case::error(name, 3, "malformed", about).outer(edit)
}

/// The signed archive's member with one flipped bit, so that the signature does not match it.
fn evil(entries: &[Entry]) -> Entry {
    let mut evil = entries[0].clone();
    let middle = evil.content.len() / 2;
    evil.content[middle] ^= 1;
    evil
}

fn members() -> Vec<Case> {
    vec![
        malformed("outer-extra-member", "A third member.", |entries| entries.push(Entry::file("README", "read me"))),
        malformed("outer-extra-folder", "A folder next to the two members.", |entries| {
            entries.insert(0, Entry::directory("./"))
        }),
        malformed("outer-no-signature", "The signature is missing.", |entries| entries.truncate(1)),
        malformed("outer-no-archive", "The signed archive is missing.", |entries| drop(entries.remove(0))),
        malformed("outer-no-members", "No members at all.", Vec::clear),
        malformed("outer-two-builds", "Two complete builds in one bundle.", |entries| {
            let name =
                |suffix: &str| format!("manifest.{}.{suffix}", build_name(&image_tag(), "2026-03-03_00-00-00.000000"));
            let second = [Entry::file(name("tbz"), "x"), Entry::file(name("sig"), "00")];
            entries.extend(second);
        }),
    ]
}

fn duplicates() -> Vec<Case> {
    vec![
        malformed(
            "outer-evil-archive-first",
            "Two members are the signed archive, the altered one first.",
            |entries| {
                entries.insert(0, evil(entries));
            },
        ),
        malformed("outer-evil-archive-last", "Two members are the signed archive, the altered one last.", |entries| {
            entries.push(evil(entries));
        }),
        malformed("outer-signature-twice", "The signature is a duplicate member with equal bytes.", |entries| {
            entries.push(entries[1].clone());
        }),
        malformed(
            "outer-same-name-dotted",
            "The altered archive's name begins with `./`, so both have the same path.",
            |entries| {
                let mut evil = evil(entries);
                evil.path.splice(0..0, *b"./");
                entries.push(evil);
            },
        ),
        malformed(
            "outer-evil-archive-by-pax",
            "A harmless header whose PAX path is the signed archive's name.",
            |entries| {
                let mut evil = evil(entries);
                evil.pax.push(("path", std::mem::replace(&mut evil.path, b"harmless".to_vec())));
                entries.push(evil);
            },
        ),
    ]
}

fn names() -> Vec<Case> {
    let renamed = |name: &str, about, rename: fn(&str) -> String| {
        malformed(name, about, move |entries| {
            let path = String::from_utf8(entries[0].path.clone()).unwrap();
            entries[0].path = rename(&path).into_bytes();
        })
    };
    vec![
        renamed(
            "outer-names-disagree",
            "The archive's name is that of a different build than the signature's name.",
            |path| path.replace(STAMP, "2026-03-02_10-15-30.999999"),
        ),
        renamed("outer-dot-dot", "The archive's name begins with `../`.", |path| format!("../{path}")),
        renamed("outer-dot-dot-inside", "The archive's name goes up a folder and down again.", |path| {
            format!("x/../{path}")
        }),
        renamed("outer-absolute", "The archive's name is absolute.", |path| format!("/{path}")),
        renamed("outer-in-folder", "The archive is in a folder.", |path| format!("folder/{path}")),
        renamed(
            "outer-backslash",
            "The archive's name has a backslash, which separates folders on some systems.",
            |path| format!("..\\{path}"),
        ),
        renamed("outer-trailing-slash", "The archive's name ends with a slash, but it is a file.", |path| {
            format!("{path}/")
        }),
        renamed("outer-upper-case", "The archive's suffix is in upper case.", |path| path.replace(".tbz", ".TBZ")),
        malformed("outer-empty-name", "A member without a name.", |entries| entries[0].path.clear()),
        malformed("outer-nul-in-name", "A NUL in a PAX path, where C readers stop.", |entries| {
            let path = [entries[0].path.as_slice(), b"\0.txt"].concat();
            entries[0].pax.push(("path", path));
        }),
        malformed("outer-hidden-name", "The build's name begins with a dot.", |entries| {
            entries[0].path = b"manifest..hidden.tbz".to_vec();
            entries[1].path = b"manifest..hidden.sig".to_vec();
        }),
    ]
}

fn kinds() -> Vec<Case> {
    let kind = |name: &str, about, kind: u8, target: &'static str| {
        malformed(name, about, move |entries| {
            entries[0].kind = kind;
            entries[0].target = target.into();
            entries[0].content.clear();
        })
    };
    vec![
        kind("outer-symlink", "The archive is a symbolic link to a file on the machine.", b'2', "/etc/passwd"),
        kind("outer-hard-link", "The archive is a hard link to a file on the machine.", b'1', "/etc/passwd"),
        malformed("outer-hard-link-to-signature", "The archive is a hard link to the signature.", |entries| {
            entries[0] =
                Entry { kind: b'1', target: entries[1].path.clone(), content: Vec::new(), ..entries[0].clone() };
            entries.reverse();
        }),
        kind("outer-character-device", "The archive is a character device.", b'3', ""),
        kind("outer-block-device", "The archive is a block device.", b'4', ""),
        kind("outer-fifo", "The archive is a FIFO.", b'6', ""),
        kind("outer-folder", "The archive is a folder.", b'5', ""),
        malformed("outer-contiguous", "The archive has the type `7`, which some readers take for a file.", |entries| {
            entries[0].kind = b'7'
        }),
        malformed("outer-unknown-type", "The archive has the unknown type `Z`.", |entries| entries[0].kind = b'Z'),
        malformed(
            "outer-folder-with-content",
            "A folder with content, which some readers skip and others do not.",
            |entries| {
                entries.insert(0, Entry { content: vec![b'x'; 600], ..Entry::directory("folder") });
            },
        ),
        malformed("outer-set-user-id", "The archive's mode has the set-user-id bit.", |entries| {
            entries[0].mode = 0o4755
        }),
    ]
}

fn extensions() -> Vec<Case> {
    vec![
        malformed("outer-pax-and-gnu-name", "A PAX and a GNU long name for one member.", |entries| {
            entries[0].names = LongNames::PaxAndGnu(b"harmless");
            let path = entries[0].path.clone();
            entries[0].pax.push(("path", path));
        }),
        malformed("outer-gnu-name-twice", "Two GNU long names before one member.", |entries| {
            let name = |text: &str| Entry { kind: b'L', mtime: "0", ..Entry::file("././@LongLink", text) };
            entries.splice(0..0, [name("one\0"), name("two\0")]);
        }),
        malformed("outer-gnu-name-without-nul", "A GNU long name that does not end with a NUL.", |entries| {
            entries.insert(0, Entry { kind: b'L', mtime: "0", ..Entry::file("././@LongLink", "name") });
        }),
        malformed("outer-pax-path-twice", "The PAX header has `path` twice.", |entries| {
            let path = entries[0].path.clone();
            entries[0].pax.extend([("path", b"harmless".to_vec()), ("path", path)]);
        }),
        malformed("outer-two-pax-headers", "Two PAX headers before one member.", |entries| {
            let record = pax_record("path", b"harmless");
            entries.insert(0, Entry { kind: b'x', mtime: "0", ..Entry::file("././@PaxHeader", record) });
        }),
        malformed(
            "outer-old-directory",
            "The archive's old header (type NUL) has the name `x/`, a folder to Python's tarfile; its PAX header gives it the archive's name.",
            |entries| {
                let path = std::mem::replace(&mut entries[0].path, b"x/".to_vec());
                entries[0].pax.push(("path", path));
                entries[0].kind = 0;
            },
        ),
        malformed("outer-pax-not-records", "A PAX header that is not a list of records.", |entries| {
            entries.insert(0, Entry { kind: b'x', mtime: "0", ..Entry::file("././@PaxHeader", "99 path=x\n") });
        }),
        malformed("outer-global-path", "A global PAX header that gives every member the same name.", |entries| {
            let record = pax_record("path", b"harmless");
            entries.insert(0, Entry { kind: b'g', mtime: "0", ..Entry::file("pax_global_header", record) });
        }),
        malformed("outer-global-size", "A global PAX header that gives every member a size.", |entries| {
            let record = pax_record("size", b"0");
            entries.insert(0, Entry { kind: b'g', mtime: "0", ..Entry::file("pax_global_header", record) });
        }),
        malformed("outer-pax-header-last", "A PAX header with no member after it.", |entries| {
            let record = pax_record("mtime", b"1772446530.5");
            entries.push(Entry { kind: b'x', mtime: "0", ..Entry::file("././@PaxHeader", record) });
        }),
        malformed("outer-sparse-pax", "A sparse member in the PAX form of GNU tar.", |entries| {
            entries[0].pax.extend([("GNU.sparse.major", b"1".to_vec()), ("GNU.sparse.minor", b"0".to_vec())]);
        }),
        malformed("outer-sparse-gnu", "A sparse member in the old form of GNU tar.", |entries| entries[0].kind = b'S'),
        malformed("outer-volume-label", "A volume label, as GNU tar writes it.", |entries| {
            entries.insert(0, Entry { kind: b'V', ..Entry::file("label", "") });
        }),
    ]
}

fn sizes() -> Vec<Case> {
    let size = |name: &str, about, field: fn(u64) -> [u8; 12]| {
        malformed(name, about, move |entries| entries[0].size = Some(field(entries[0].content.len() as u64)))
    };
    vec![
        malformed("outer-pax-size-zero", "The PAX size is 0, but the header's is not.", |entries| {
            entries[0].pax.push(("size", b"0".to_vec()));
        }),
        malformed("outer-pax-size-larger", "The PAX size extends past the next header.", |entries| {
            let size = entries[0].content.len() + 2 * BLOCK;
            entries[0].pax.push(("size", size.to_string().into_bytes()));
        }),
        malformed("outer-pax-size-negative", "The PAX size is negative.", |entries| {
            entries[0].pax.push(("size", b"-1".to_vec()));
        }),
        size("outer-size-base-256", "The size is in base 256, as GNU tar writes large ones.", |size| {
            let mut field = [0; 12];
            field[0] = 0x80;
            field[4..].copy_from_slice(&size.to_be_bytes());
            field
        }),
        size("outer-size-negative", "A negative size in base 256.", |_| [0xff; 12]),
        size("outer-size-with-sign", "A size with a minus.", |size| {
            format!("-{size:010o}\0").into_bytes().try_into().unwrap()
        }),
        size("outer-size-blank", "A size of blanks.", |_| [b' '; 12]),
        size("outer-size-not-octal", "A size with the digit 9.", |_| *b"00000000009\0"),
        size("outer-size-split", "A size with a NUL in the middle.", |size| {
            let mut field: [u8; 12] = octal(size, 11).try_into().unwrap();
            field[5] = 0;
            field
        }),
        Case::error("outer-checksum", 3, "malformed", "The first header's checksum is wrong.").outer_tar(|tar| {
            // The first header is that of the PAX records.
            tar[150] ^= 1;
        }),
        Case::error("outer-old-header", 3, "malformed", "Headers without a magic number, as before POSIX.")
            .outer(|entries| entries.iter_mut().for_each(|entry| entry.mtime = "0"))
            .outer_tar(|tar| {
                tar[257..265].fill(0);
                set_checksum(&mut tar[..BLOCK]);
            }),
    ]
}

/// The end of the first member's content, which follows a PAX header of two blocks and a header.
fn first_content_end(tar: &[u8]) -> usize {
    let size = std::str::from_utf8(&tar[2 * BLOCK + 124..2 * BLOCK + 135]).unwrap();
    3 * BLOCK + usize::from_str_radix(size, 8).unwrap()
}

fn ends() -> Vec<Case> {
    let whole = |name: &str, code, about, edit: fn(&mut Vec<u8>)| Case::error(name, 3, code, about).outer_tar(edit);
    vec![
        whole("outer-bytes-after-end", "malformed", "Text after the end of the archive.", |tar| {
            let end = tar.len() - 100;
            tar[end..end + 6].copy_from_slice(b"hidden");
        }),
        whole("outer-archive-after-end", "malformed", "A second archive after the end of the first.", |tar| {
            tar.extend(tar.clone());
        }),
        whole("outer-one-zero-block", "malformed", "One block of zeros between the members.", |tar| {
            let at = first_content_end(tar).next_multiple_of(BLOCK);
            tar.splice(at..at, [0; BLOCK]);
        }),
        whole("outer-no-end", "truncated", "No blocks of zeros at the end.", |tar| {
            let end = tar.iter().rposition(|&byte| byte != 0).unwrap();
            tar.truncate(end.next_multiple_of(BLOCK));
        }),
        whole("outer-half-an-end", "truncated", "One block of zeros at the end instead of two.", |tar| {
            let end = tar.iter().rposition(|&byte| byte != 0).unwrap();
            tar.truncate(end.next_multiple_of(BLOCK) + BLOCK);
        }),
        whole("outer-cut", "truncated", "The archive ends in the middle of a member.", |tar| tar.truncate(2000)),
        whole("outer-padding", "malformed", "Text in the padding after a member.", |tar| {
            let end = first_content_end(tar);
            assert_ne!(end % BLOCK, 0, "this archive needs no padding");
            tar[end.next_multiple_of(BLOCK) - 1] = b'x';
        }),
        whole("outer-only-zeros", "malformed", "Nothing but zeros.", |tar| tar.fill(0)),
    ]
}

fn bounds() -> Vec<Case> {
    let over = |name: &str, about, edit: fn(&mut Vec<Entry>)| Case::error(name, 3, "over-limit", about).outer(edit);
    let claim = |size: u64| Some(octal(size, 11).try_into().unwrap());
    vec![
        Case::error(
            "outer-claims-3-gigabytes",
            3,
            "over-limit",
            "The header states a size of three gigabytes for the archive.",
        )
        .outer(move |entries| entries[0].size = claim(3 << 30)),
        Case::error(
            "outer-claims-large-signature",
            3,
            "over-limit",
            "The header states a size of one megabyte for the signature.",
        )
        .outer(move |entries| entries[1].size = claim(1 << 20)),
        over("outer-long-name", "A PAX path of five thousand bytes.", |entries| {
            entries[0].pax.push(("path", vec![b'a'; 5000]));
        }),
        over("outer-long-extension", "A PAX header of two megabytes.", |entries| {
            entries[0].pax.push(("comment", vec![b'a'; 2 << 20]));
        }),
    ]
}
