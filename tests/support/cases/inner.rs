//! The signed archive is malformed although it is signed, or lacks parts that every build has.

use super::super::case::Case;
use super::super::encoding::bzip2;
use super::super::tar::{BLOCK, Entry, LongNames, octal, pax_record};

pub fn cases() -> Vec<Case> {
    [compressed(), container(), bounds(), content(), head()].into_iter().flatten().collect()
}

fn compressed() -> Vec<Case> {
    let broken = |name: &str, code, about, edit: fn(&mut Vec<u8>)| Case::error(name, 3, code, about).archive(edit);
    vec![
        broken("inner-cut", "truncated", "The archive was cut off before it was signed.", |archive| {
            archive.truncate(archive.len() / 2);
        }),
        broken("inner-empty", "truncated", "An empty file was signed.", Vec::clear),
        broken("inner-trailing-bytes", "malformed", "Text after the bzip2 stream, and signed.", |archive| {
            archive.extend(b"and more");
        }),
        broken("inner-block-crc", "malformed", "The signed archive's first block has a wrong CRC.", |archive| {
            archive[10] ^= 1
        }),
        Case::error("inner-plain-tar", 3, "malformed", "The signed archive is not compressed.")
            .compress(<[u8]>::to_vec),
        Case::error("inner-text", 3, "malformed", "Some text was signed.").compress(|_| b"a text\n".to_vec()),
        Case::error("inner-no-tar", 3, "malformed", "The signed archive unpacks to text.")
            .compress(|_| bzip2("a text that is no archive\n".repeat(100).as_bytes())),
    ]
}

fn malformed(name: &str, about: &'static str, edit: impl FnOnce(&mut Vec<Entry>)) -> Case {
    Case::error(name, 3, "malformed", about).inner(edit)
}

/// The entry for a file that every build has.
fn log(entries: &mut [Entry]) -> &mut Entry {
    entries.iter_mut().find(|entry| entry.path == b"data/build.log").unwrap()
}

fn container() -> Vec<Case> {
    let whole = |name: &str, code, about, edit: fn(&mut Vec<u8>)| Case::error(name, 3, code, about).inner_tar(edit);
    vec![
        whole("inner-no-end", "truncated", "The signed tar archive has no end.", |tar| {
            let end = tar.iter().rposition(|&byte| byte != 0).unwrap();
            tar.truncate(end.next_multiple_of(BLOCK));
        }),
        whole("inner-ustar-tail", "malformed", "The first header has data after the last field of ustar.", |tar| {
            tar[508..511].copy_from_slice(b"tar");
            let sum: u32 = (0..BLOCK).map(|at| if (148..156).contains(&at) { 32 } else { u32::from(tar[at]) }).sum();
            tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }),
        whole("inner-bytes-after-end", "malformed", "Text after the end of the signed tar archive.", |tar| {
            *tar.last_mut().unwrap() = b'x';
        }),
        malformed("inner-record-twice", "Two records, one of which states that nothing was pushed.", |entries| {
            entries.push(Entry::file("data/build.json", "{\"status\": \"image built\"}"));
        }),
        malformed("inner-record-twice-dotted", "Two records, one named with `./` before it.", |entries| {
            entries.push(Entry::file("./data//build.json", "{\"status\": \"image built\"}"));
        }),
        malformed("inner-file-twice", "A file of the work tree is a duplicate member.", |entries| {
            entries.push(Entry::file("git/wallet/Dockerfile", "FROM scratch\n"));
        }),
        malformed("inner-file-dot", "A file's name ends with `/.`, as only a folder's can.", |entries| {
            entries.push(Entry::file("git/wallet/q/.", "x"));
        }),
        whole("inner-number-tab", "malformed", "A number in the first header begins with a tab.", |tar| {
            tar[108] = b'\t';
            let sum: u32 = (0..BLOCK).map(|at| if (148..156).contains(&at) { 32 } else { u32::from(tar[at]) }).sum();
            tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }),
        malformed("inner-dot-dot", "A member's name points outside the archive.", |entries| {
            entries.push(Entry::file("git/wallet/../../../etc/cron.d/job", "* * * * * root id\n"));
        }),
        malformed("inner-absolute", "A member's name is absolute.", |entries| {
            entries.push(Entry::file("/etc/cron.d/job", "* * * * * root id\n"));
        }),
        malformed("inner-hard-link-outside", "A hard link points outside the archive.", |entries| {
            entries.push(Entry::link(b'1', "git/wallet/passwd", "../../etc/passwd"));
        }),
        malformed(
            "inner-member-below-link",
            "A file is below a symbolic link to the work tree: tar unpacks it there.",
            |entries| {
                entries.push(Entry::link(b'2', "x", "git/wallet"));
                entries.push(Entry::file("x/Dockerfile.s390x", "FROM scratch\n"));
            },
        ),
        malformed(
            "inner-member-below-link-in-data",
            "A file of the work tree is replaced through a link in data/.",
            |entries| {
                entries.push(Entry::link(b'2', "data/x", "../git/wallet"));
                entries.push(Entry::file("data/x/Dockerfile", "FROM scratch\n"));
            },
        ),
        malformed("inner-member-below-file", "A file is below another file.", |entries| {
            entries.push(Entry::file("data/x", "x"));
            entries.push(Entry::file("data/x/y", "y"));
        }),
        malformed("inner-file-and-folder", "A folder of the work tree is also a symbolic link.", |entries| {
            entries.retain(|entry| entry.path.strip_suffix(b"/").unwrap_or(&entry.path) != b"git/wallet/scripts");
            entries.push(Entry::link(b'2', "git/wallet/scripts", "web"));
        }),
        malformed("inner-git-is-a-link", "git is a symbolic link to another folder.", |entries| {
            entries.retain(|entry| !entry.path.starts_with(b"git"));
            entries.push(Entry::directory("g2"));
            entries.push(Entry::link(b'2', "git", "g2"));
        }),
        malformed("inner-repository-is-a-link", "The repository's folder is a symbolic link.", |entries| {
            entries.retain(|entry| !entry.path.starts_with(b"git/wallet"));
            entries.push(Entry::link(b'2', "git/wallet", "../other"));
        }),
        malformed("inner-repository-is-a-file", "A file is in git/ next to the repository.", |entries| {
            entries.push(Entry::file("git/other", "x"));
        }),
        malformed("inner-log-is-a-folder", "data/build.log is a folder.", |entries| {
            entries.retain(|entry| entry.path != b"data/build.log");
            entries.push(Entry::directory("data/build.log"));
        }),
        malformed("inner-log-is-a-link", "data/build.log is a symbolic link to the real log.", |entries| {
            log(entries).path = b"data/real.log".to_vec();
            entries.push(Entry::link(b'2', "data/build.log", "real.log"));
        }),
        malformed(
            "inner-hard-link-other-mode",
            "A hard link has the execute bit but its target does not.",
            |entries| {
                entries.push(Entry { mode: 0o755, ..Entry::link(b'1', "git/wallet/run", "git/wallet/go.mod") });
            },
        ),
        malformed("inner-pax-keyword-twice", "The log's PAX header gives its time twice.", |entries| {
            log(entries).pax.push(("mtime", b"0".to_vec()));
        }),
        malformed(
            "inner-pax-keyword-with-blank",
            "The log's PAX header has a keyword that GNU tar reads as path.",
            |entries| {
                log(entries).pax.push((" path", b"git/wallet/Dockerfile".to_vec()));
            },
        ),
        malformed("inner-device", "A member is a device.", |entries| {
            entries.push(Entry { kind: b'3', ..Entry::file("git/wallet/null", "") });
        }),
        malformed("inner-fifo", "A member is a FIFO.", |entries| {
            entries.push(Entry { kind: b'6', ..Entry::file("git/wallet/pipe", "") });
        }),
        malformed("inner-sparse", "The log is a sparse member.", |entries| log(entries).kind = b'S'),
        malformed("inner-pax-size", "The log's PAX size is not the header's.", |entries| {
            log(entries).pax.push(("size", b"0".to_vec()));
        }),
        malformed("inner-size-base-256", "The log's size in base 256.", |entries| {
            let mut size = [0; 12];
            size[0] = 0x80;
            size[11] = 1;
            log(entries).size = Some(size);
        }),
        malformed("inner-pax-and-gnu-name", "The log has a PAX and a GNU long name.", |entries| {
            let log = log(entries);
            log.names = LongNames::PaxAndGnu(b"data/other.log");
            log.pax.push(("path", b"data/build.log".to_vec()));
        }),
        malformed(
            "inner-global-after-extension",
            "A global PAX header stands between a PAX header and its member: Go then forgets the PAX header.",
            |entries| {
                let at = entries.iter().position(|entry| entry.path == b"data/build.log").unwrap();
                // Without a fraction, the log has no PAX header of its own, which would be a second one.
                entries[at].mtime = "1772446530";
                let raw = |kind, name: &str, record| Entry { kind, mtime: "0", ..Entry::file(name, record) };
                entries.insert(at, raw(b'g', "pax_global_header", pax_record("comment", b"x")));
                entries.insert(at, raw(b'x', "pax_header", pax_record("path", b"data/build.log")));
            },
        ),
        malformed("inner-global-path", "A global PAX header gives every member the same name.", |entries| {
            let record = pax_record("path", b"data/build.log");
            entries.insert(0, Entry { kind: b'g', mtime: "0", ..Entry::file("pax_global_header", record) });
        }),
    ]
}

fn bounds() -> Vec<Case> {
    let over = |name: &str, about, limit: &str| {
        Case::error(name, 3, "over-limit", about).arguments(&["--key", "key.pem", "--limit", limit])
    };
    vec![
        Case::error(
            "inner-claims-large-log",
            3,
            "over-limit",
            "The header states a size of 300 megabytes for the log.",
        )
        .inner(|entries| log(entries).size = Some(octal(300 << 20, 11).try_into().unwrap())),
        Case::error("inner-claims-large-record", 3, "over-limit", "The record is larger than the limit.")
            .record(|text| format!("{text}{}", " ".repeat(2 << 20))),
        over(
            "inner-bomb",
            "Sixteen megabytes of zeros after the archive, compressed to a few bytes.",
            "expanded_bytes=1000000",
        )
        .inner_tar(|tar| tar.resize(tar.len() + 16_000_000, 0)),
        over("inner-many-members", "More members than the limit allows.", "archive_members=50"),
        over("inner-large-git", "More below `.git` than the limit allows.", "git_bytes=1000"),
        Case::error("inner-long-log-line", 3, "over-limit", "A log line of two megabytes.")
            .log(|text| super::insert_before(&text, "building the wallet", &format!("run: {}", "a".repeat(2 << 20)))),
    ]
}

fn content() -> Vec<Case> {
    let record =
        |name: &str, about, text: &'static str| Case::error(name, 3, "malformed", about).record(|_| text.into());
    vec![
        malformed("record-missing", "There is no data/build.json.", |entries| {
            entries.retain(|entry| entry.path != b"data/build.json");
        }),
        malformed("record-is-a-link", "data/build.json is a symbolic link.", |entries| {
            let at = entries.iter().position(|entry| entry.path == b"data/build.json").unwrap();
            entries[at] = Entry::link(b'2', "data/build.json", "build.log");
        }),
        record("record-empty", "data/build.json is empty.", ""),
        record("record-not-json", "data/build.json is not JSON.", "status=image pushed\n"),
        record("record-cut", "data/build.json ends early.", "{\"status\": \"image pushed\""),
        record("record-list", "data/build.json is a list.", "[\"image pushed\"]"),
        record(
            "record-two-documents",
            "data/build.json contains two documents.",
            "{\"status\": \"image pushed\"}\n{}\n",
        ),
        record("record-duplicate-key", "data/build.json has `status` twice.", {
            "{\"status\": \"image built\", \"status\": \"image pushed\"}"
        }),
        record("record-duplicate-key-escaped", "data/build.json has `status` twice, once escaped.", {
            "{\"status\": \"image built\", \"st\\u0061tus\": \"image pushed\"}"
        }),
        record("record-without-status", "data/build.json has no status.", "{\"image_tag\": \"v1\"}"),
        record("record-status-number", "The status is a number.", "{\"status\": 1}"),
        record(
            "record-byte-order-mark",
            "data/build.json begins with a byte order mark.",
            "\u{feff}{\"status\": \"success\"}",
        ),
        Case::error("record-deep", 3, "malformed", "data/build.json is nested a hundred thousand levels deep.")
            .record(|_| "[".repeat(100_000)),
        Case::error("record-not-utf-8", 3, "malformed", "The status is not UTF-8.").inner(|entries| {
            let record = entries.iter_mut().find(|entry| entry.path == b"data/build.json").unwrap();
            record.content = b"{\"status\": \"\xff\xfe\"}".to_vec();
        }),
        caused("git-missing", "There is no repository in git/.")
            .inner(|entries| entries.retain(|entry| !entry.path.starts_with(b"git/"))),
        caused("git-two-repositories", "Two repositories below git/.").inner(|entries| {
            entries.push(Entry::directory("git/other"));
            entries.push(Entry::file("git/other/.git/HEAD", "ref: refs/heads/main\n"));
        }),
        caused("git-folder-missing", "The repository has no `.git`.")
            .inner(|entries| entries.retain(|entry| !entry.path.starts_with(b"git/wallet/.git"))),
    ]
}

const MERGE: &str = "ae216163cffcebdd31cde54d045da5617d67a40a";

/// Nothing in the source is proved, and the other checks of the source refer to this as the cause.
fn caused(name: &str, about: &'static str) -> Case {
    Case::fails(name, "source-objects", about)
        .expect("source-commit", "not-run: refused")
        .expect("source-tree", "not-run: refused")
}

fn head() -> Vec<Case> {
    let head =
        |name: &str, about, text: &'static str| caused(name, about).text("git/wallet/.git/HEAD", move |_| text.into());
    vec![
        Case::fails("head-other-commit", "source-commit", "HEAD is the parent of the commit that the tag names.")
            .text("git/wallet/.git/HEAD", |_| format!("{MERGE}\n")),
        Case::fails(
            "branch-other-commit",
            "source-commit",
            "HEAD's branch is at a different commit; the packed ref agrees with the tag, but the loose one takes precedence.",
        )
        .text("git/wallet/.git/refs/heads/main", |_| format!("{MERGE}\n"))
        .text("git/wallet/.git/packed-refs", |text| {
            let right = format!("{} refs/heads/main", super::super::inputs::head_commit());
            text.replace(&format!("{MERGE} refs/remotes/origin/main"), &right)
        }),
        head("head-empty", "HEAD is empty.", ""),
        head("head-short-hash", "HEAD is a short commit id.", "b0398d3\n"),
        head("head-upper-case", "HEAD is a commit id in upper case.", "B0398D3EEB1921C4B063EA213713C42E0C584A70\n"),
        head("head-dot-dot", "HEAD points outside the repository.", "ref: refs/../../../data/build.json\n"),
        head("head-no-such-ref", "HEAD points to a branch that does not exist.", "ref: refs/heads/gone\n"),
        head("head-zeros", "HEAD is an all-zero commit id.", "0000000000000000000000000000000000000000\n"),
        head(
            "head-sha256",
            "HEAD is a SHA-256 object id.",
            "b0398d3eeb1921c4b063ea213713c42e0c584a70b0398d3eeb1921c4b063ea21\n",
        ),
        head("head-loop", "HEAD points to a ref that points to itself.", "ref: refs/heads/loop\n")
            .inner(|entries| entries.push(Entry::file("git/wallet/.git/refs/heads/loop", "ref: refs/heads/loop\n"))),
        caused("head-missing", "There is no HEAD.")
            .inner(|entries| entries.retain(|entry| entry.path != b"git/wallet/.git/HEAD")),
        caused("git-reftable", "The refs are in a reftable, which is not read.").inner(|entries| {
            entries.push(Entry::file("git/wallet/.git/reftable/tables.list", "0x000000000001-0x000000000001-1.ref\n"));
        }),
    ]
}
