use super::*;

use crate::archive::tar_writer::{Entry, LongNames, archive, members, pax_record, set_checksum};

/// Path, kind, mode and content of every member.
type Listed = Vec<(String, MemberKind, u32, Vec<u8>)>;

fn list_within(bytes: &[u8], limits: &Limits) -> Result<Listed, Error> {
    let mut reader = TarReader::new(bytes, "test", limits);
    let mut listed = Vec::new();
    while let Some(member) = reader.next_member()? {
        let content = reader.read_content()?;
        assert_eq!(content.len() as u64, member.size);
        listed.push((member.path.to_string(), member.kind, member.mode, content));
    }
    Ok(listed)
}

fn list(bytes: &[u8]) -> Result<Listed, Error> {
    list_within(bytes, &Limits::default())
}

fn refusal(entries: &[Entry]) -> String {
    match list(&archive(entries)) {
        Err(Error::Malformed { message, .. }) => message,
        other => panic!("expected a malformed archive, found {other:?}"),
    }
}

/// A file that has no PAX header.
fn file(path: &str) -> Entry {
    Entry { mtime: "1", ..Entry::file(path, "content") }
}

/// A hand-written extension header.
fn extension(kind: u8, text: impl Into<Vec<u8>>) -> Entry {
    Entry { kind, mtime: "0", ..Entry::file("extension", text) }
}

#[test]
fn every_member_kind_is_read_with_its_name_mode_and_content() {
    let listed = list(&archive(&[
        Entry::directory("folder"),
        Entry { mode: 0o755, ..Entry::file("folder/run", "x".repeat(513)) },
        Entry::link(b'2', "folder/soft", "../elsewhere"),
        Entry::link(b'1', "folder/hard", "./folder//run"),
        Entry { kind: 0, ..file("old") },
    ]))
    .unwrap();
    let run = MemberPath::parse(b"folder/run").unwrap();
    assert_eq!(
        listed,
        [
            ("folder".into(), MemberKind::Directory, 0o755, vec![]),
            ("folder/run".into(), MemberKind::File, 0o755, vec![b'x'; 513]),
            ("folder/soft".into(), MemberKind::Symlink(b"../elsewhere".to_vec()), 0o644, vec![]),
            ("folder/hard".into(), MemberKind::HardLink(run), 0o644, vec![]),
            ("old".into(), MemberKind::File, 0o644, b"content".to_vec()),
        ]
    );
}

#[test]
fn long_names_are_read_in_all_three_forms() {
    let long = "folder/".repeat(20) + "file";
    for names in [LongNames::Pax, LongNames::Gnu] {
        let listed = list(&archive(&[Entry { names, ..file(&long) }])).unwrap();
        assert_eq!(listed[0].0, long);
    }
    let target = "t".repeat(300);
    assert_eq!(list(&archive(&[Entry::link(b'2', "soft", &target)])).unwrap()[0].1, MemberKind::Symlink(target.into()));
    // ustar splits a name into two fields. From a GNU header with the same bytes, GNU tar reads `name`, and Python's tarfile reads `prefix/name`.
    let mut bytes = archive(&[file("name")]);
    bytes[345..351].copy_from_slice(b"prefix");
    set_checksum(&mut bytes[..BLOCK]);
    assert_eq!(list(&bytes).unwrap()[0].0, "prefix/name");
    bytes[257..265].copy_from_slice(b"ustar  \0");
    set_checksum(&mut bytes[..BLOCK]);
    assert!(list(&bytes).unwrap_err().to_string().contains("a GNU header with unexpected data"));
}

#[test]
fn names_that_differ_are_never_merged() {
    // The names differ in case, in Unicode form (é as one character and as two) or in bytes that are not UTF-8.
    let paths: [&[u8]; 6] = [b"readme", b"README", b"caf\xc3\xa9", b"cafe\xcc\x81", b"\xff", b"\xfe"];
    let entries: Vec<Entry> = paths.iter().map(|path| Entry::file(path.to_vec(), "")).collect();
    assert_eq!(list(&archive(&entries)).unwrap().len(), 6);
}

#[test]
fn different_spellings_of_one_path_are_the_same_name() {
    for twin in ["a/b", "./a/b", "a//b", "a/./b"] {
        assert_eq!(refusal(&[file("a/b"), file(twin)]), r#"two members are named "a/b""#);
    }
    assert_eq!(refusal(&[file("a"), Entry::directory("a")]), r#"two members are named "a""#);
}

#[test]
fn names_that_point_outside_or_are_empty_are_refused() {
    for (path, says) in [
        ("/etc/passwd", "an absolute name"),
        ("../x", "a name with '..'"),
        ("a/../../x", "a name with '..'"),
        ("", "an empty name"),
        ("a/", "is named like a directory"),
        (".", "a member named '.' that is not a directory"),
    ] {
        assert!(refusal(&[file(path)]).contains(says), "{path:?}");
    }
    let nul = Entry { pax: vec![("path", b"a\0b".to_vec())], ..file("a") };
    assert!(refusal(&[nul]).contains("a NUL byte"));
    let empty = Entry { pax: vec![("path", Vec::new())], ..file("a") };
    assert!(refusal(&[empty]).contains("an empty name"));
    assert!(refusal(&[Entry::link(b'1', "a", "../b")]).contains("a name with '..'"));
    assert!(refusal(&[Entry::link(b'2', "a", "")]).contains("a link whose target is empty or contains a NUL"));
}

#[test]
fn unrecognised_types_and_content_in_types_that_allow_none_are_refused() {
    for kind in *b"346789ADEIMNSVXZaz~\x01\xff" {
        assert!(refusal(&[Entry { kind, ..file("a") }]).contains("has the type"), "{kind}");
    }
    for kind in *b"125" {
        let full = Entry { kind, target: b"b".to_vec(), ..file("a") };
        assert!(refusal(&[full]).contains("has content"), "{kind}");
    }
}

#[test]
fn contradictory_extension_headers_are_refused() {
    let pax = |records: &[(&str, &[u8])]| {
        extension(b'x', records.iter().flat_map(|(key, value)| pax_record(key, value)).collect::<Vec<u8>>())
    };
    let gnu = |name: &str| extension(b'L', format!("{name}\0"));
    for (entries, says) in [
        (vec![pax(&[("path", b"b")]), gnu("c"), file("a")], "a PAX and a GNU long name"),
        (vec![gnu("c"), pax(&[("path", b"b")]), file("a")], "a PAX and a GNU long name"),
        (vec![gnu("b"), gnu("c"), file("a")], "a duplicate extension header"),
        (vec![pax(&[("path", b"b"), ("path", b"c")]), file("a")], "two values for \"path\""),
        (vec![pax(&[("mtime", b"1"), ("mtime", b"1")]), file("a")], "two values for \"mtime\""),
        (vec![pax(&[("mtime", b"1")]), pax(&[("atime", b"1")]), file("a")], "two PAX headers"),
        (vec![pax(&[("SCHILY.realsize", b"1")]), file("a")], "a sparse member"),
        (vec![pax(&[("path", b"b")]), pax(&[("mtime", b"1")]), file("a")], "two PAX headers"),
        (vec![pax(&[("size", b"8")]), file("a")], "a PAX size that differs from the header's"),
        (vec![pax(&[("size", b"-7")]), file("a")], "a PAX size that is not a number"),
        (vec![pax(&[("size", b"")]), file("a")], "a PAX size that is not a number"),
        (vec![pax(&[("size", b"99999999999999999999")]), file("a")], "a PAX size that is not a number"),
        (vec![pax(&[("GNU.sparse.name", b"b")]), file("a")], "a sparse member"),
        (vec![extension(b'L', "b"), file("a")], "does not end with exactly one NUL"),
        (vec![extension(b'L', "b\0\0"), file("a")], "does not end with exactly one NUL"),
        (vec![extension(b'L', ""), file("a")], "does not end with exactly one NUL"),
        (vec![extension(b'g', pax_record("path", b"b")), file("a")], "a global PAX header that sets"),
        (vec![extension(b'g', pax_record("linkpath", b"b")), file("a")], "a global PAX header that sets"),
        (vec![extension(b'g', pax_record("size", b"7")), file("a")], "a global PAX header that sets"),
        (vec![file("a"), pax(&[("mtime", b"1")])], "no member after it"),
        (vec![file("a"), gnu("b")], "no member after it"),
    ] {
        let message = refusal(&entries);
        assert!(message.contains(says), "{message} should contain {says}");
    }
    let agreeing = [pax(&[("size", b"7"), ("path", b"b"), ("comment", b"=\n")]), file("a")];
    assert_eq!(list(&archive(&agreeing)).unwrap()[0].0, "b");
    let global = [extension(b'g', pax_record("comment", b"c")), file("a")];
    assert_eq!(list(&archive(&global)).unwrap()[0].0, "a");
}

/// Python's tarfile treats such a member as a directory and its content as headers before it reads the other name; CVE-2025-13462 is a fault of this
/// kind.
#[test]
fn an_old_header_named_like_a_directory_is_refused_despite_a_second_name() {
    let old = || Entry { kind: 0, ..file("a/") };
    let pax = [Entry { pax: vec![("path", b"a".to_vec())], ..old() }];
    let gnu = [extension(b'L', "a\0"), old()];
    for entries in [&pax[..], &gnu] {
        assert_eq!(refusal(entries), r#""a" is named like a directory but is not one"#);
    }
    // A name truncated by a writer may end with a slash.
    let long = format!("{}/{}", "b".repeat(99), "c".repeat(50));
    assert_eq!(list(&archive(&[file(&long)])).unwrap()[0].0, long);
}

#[test]
fn a_pax_header_that_is_not_a_list_of_records_is_refused() {
    for text in [
        "x",
        "5",
        " 5 a=b\n",
        "5 a=b\n",
        "7 a=b\n",
        "6 a=b ",
        "6 aab\n",
        "0 a=b\n",
        "1 a=b\n",
        "+6 a=b\n",
        "-6 a=b\n",
        "99999999999999999999999 a=b\n",
        "5 =b\n",
        "6 a=b\n\0",
    ] {
        assert_eq!(
            refusal(&[extension(b'x', text), file("a")]),
            "a PAX header that is not a list of records",
            "{text:?}"
        );
    }
    assert!(list(&archive(&[extension(b'x', "13 comment=b\n10 uname=\n"), file("a")])).is_ok());
}

#[test]
fn sizes_must_be_plain_octal() {
    for size in [
        *b"\x80\0\0\0\0\0\0\0\0\0\0\x07",
        [0xff; 12],
        *b"-0000000007\0",
        *b"+0000000007\0",
        *b"0x000000007\0",
        *b"00000000008\0",
        *b"00000\x0000007\0",
        [b' '; 12],
        [0; 12],
    ] {
        assert!(refusal(&[Entry { size: Some(size), ..file("a") }]).contains("size is not plain octal"), "{size:?}");
    }
    for size in [*b"           7", *b"7           ", *b"7\0\0\0\0\0\0\0\0\0\0\0", *b"000000000007"] {
        assert_eq!(list(&archive(&[Entry { size: Some(size), ..file("a") }])).unwrap()[0].3, b"content");
    }
}

#[test]
fn an_archive_with_a_flipped_header_bit_is_refused_or_reads_the_same() {
    let good = archive(&[file("a")]);
    let listed = list(&good).unwrap();
    for at in 0..BLOCK {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            if let Ok(found) = list(&changed) {
                assert_eq!(found, listed, "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn truncation_anywhere_before_the_final_padding_is_detected() {
    let entries =
        [Entry::directory("folder"), file("folder/a"), Entry { names: LongNames::Gnu, ..file(&"b".repeat(150)) }];
    let whole = archive(&entries);
    let end = members(&entries).len() + 2 * BLOCK;
    for cut in 0..end {
        assert_eq!(list(&whole[..cut]).unwrap_err(), Error::Truncated { what: "test".into() }, "cut at {cut}");
    }
    for cut in end..=whole.len() {
        assert_eq!(list(&whole[..cut]).unwrap().len(), 3, "cut at {cut}");
    }
}

#[test]
fn only_zeros_may_follow_a_members_content_and_the_end_of_the_archive() {
    let whole = archive(&[file("a")]);
    for at in BLOCK + "content".len()..whole.len() {
        let mut changed = whole.clone();
        changed[at] = 1;
        assert!(matches!(list(&changed), Err(Error::Malformed { .. } | Error::Truncated { .. })), "byte {at}");
    }
    let twice = whole.repeat(2);
    assert!(matches!(list(&twice), Err(Error::Malformed { .. })));
}

#[test]
fn pre_posix_headers_are_refused() {
    let mut bytes = archive(&[file("a")]);
    for magic in [b"\0\0\0\0\0\0\0\0", b"ustar\x0001", b"ustar 00", b"USTAR\x0000"] {
        bytes[257..265].copy_from_slice(magic);
        set_checksum(&mut bytes[..BLOCK]);
        assert!(matches!(list(&bytes), Err(Error::Malformed { .. })), "{magic:?}");
    }
}

#[test]
fn bounds_are_checked_before_content_is_read() {
    let many = archive(&[Entry::file("a", ""), Entry::file("b", "")]);
    let limits = |set: fn(&mut Limits)| {
        let mut limits = Limits::default();
        set(&mut limits);
        limits
    };
    let over = |bytes: &[u8], limits: &Limits| match list_within(bytes, limits) {
        Err(Error::OverLimit { limit, .. }) => limit,
        other => panic!("expected a bound, found {other:?}"),
    };
    // Extension headers count as members, because each of them must be processed.
    assert!(list_within(&many, &limits(|limits| limits.archive_members = 4)).is_ok());
    assert_eq!(over(&many, &limits(|limits| limits.archive_members = 3)), "archive_members");
    let long = archive(&[file(&"a".repeat(150))]);
    assert_eq!(over(&long, &limits(|limits| limits.path_bytes = 149)), "path_bytes");
    assert_eq!(over(&long, &limits(|limits| limits.extended_header_bytes = 100)), "extended_header_bytes");
    let link = archive(&[Entry::link(b'1', "a", &"b".repeat(150))]);
    assert_eq!(over(&link, &limits(|limits| limits.path_bytes = 149)), "path_bytes");
}

#[test]
fn unread_content_is_skipped_and_content_can_be_read_in_pieces() {
    let text: Vec<u8> = (0..40_000_u32).flat_map(u32::to_be_bytes).collect();
    let bytes = archive(&[Entry::file("a", text.clone()), file("b")]);
    let limits = Limits::default();
    let mut reader = TarReader::new(bytes.as_slice(), "test", &limits);
    let first = reader.next_member().unwrap().unwrap();
    assert_eq!(first.size, text.len() as u64);
    assert_eq!(reader.next_member().unwrap().unwrap().path.to_string(), "b");
    assert!(reader.next_member().unwrap().is_none());

    let mut reader = TarReader::new(bytes.as_slice(), "test", &limits);
    reader.next_member().unwrap();
    let mut pieces = Vec::new();
    reader.stream_content(|piece| pieces.extend_from_slice(piece)).unwrap();
    assert_eq!(pieces, text);
    assert_eq!(reader.next_member().unwrap().unwrap().path.to_string(), "b");
}

#[test]
fn a_size_without_content_is_an_error() {
    let claimed = Entry { size: Some(*b"77777777777\0"), ..file("a") };
    let mut bytes = members(&[claimed]);
    bytes.truncate(BLOCK + 5);
    let limits = Limits::default();
    let mut reader = TarReader::new(bytes.as_slice(), "test", &limits);
    assert_eq!(reader.next_member().unwrap().unwrap().size, 0o77_777_777_777);
    assert_eq!(reader.next_member().unwrap_err(), Error::Truncated { what: "test".into() });
}
