//! The accepted PAX keywords: those that set a member's name, link target or size, and those that affect neither names nor content.
//!
//! All other keywords are refused, because readers treat unrecognised keywords differently: GNU tar skips blanks before a keyword and therefore reads
//! ` path` as `path`; `star` and libarchive have their own keywords for types, sizes and holes. Sources: POSIX.1-2001, pax, "pax Extended Header";
//! star(4), "SCHILY."; libarchive's tar(5), "Pax Interchange Format".

/// The field that a keyword sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Path,
    LinkPath,
    Size,
    /// Times, owners, attributes and comments.
    Nothing,
}

/// Keywords that affect neither names nor content.
const WORDS: [&str; 10] = [
    "comment",
    "charset",
    "uname",
    "gname",
    "SCHILY.fflags",
    "SCHILY.dev",
    "SCHILY.ino",
    "SCHILY.nlink",
    "RHT.security.selinux",
    "LIBARCHIVE.creationtime",
];

/// Prefixes of such keywords, each followed by an attribute's name.
const PREFIXES: [&str; 3] = ["SCHILY.xattr.", "SCHILY.acl.", "LIBARCHIVE.xattr."];

/// The field that a record sets.
///
/// # Errors
/// A description of the fault, if the keyword is not recognised or readers treat the value differently.
pub(super) fn meaning(keyword: &[u8], value: &[u8]) -> Result<Meaning, String> {
    let shown = || String::from_utf8_lossy(keyword).into_owned();
    let known = std::str::from_utf8(keyword).map_err(|_| format!("an unrecognised PAX keyword {:?}", shown()))?;
    let is_plain =
        |text: &[u8], most: usize| !text.is_empty() && text.len() <= most && text.iter().all(u8::is_ascii_digit);
    let sound = match known {
        "path" => return Ok(Meaning::Path),
        "linkpath" => return Ok(Meaning::LinkPath),
        "size" => return Ok(Meaning::Size),
        // Larger values make readers fail in the middle of the archive.
        "uid" | "gid" => is_plain(value, 10),
        "atime" | "ctime" | "mtime" => is_time(value, is_plain),
        // The encoding of names. A reader that converts from a different encoding gets a different name.
        "hdrcharset" => matches!(value, b"BINARY" | b"ISO-IR 10646 2000 UTF-8"),
        // libarchive uses SCHILY.realsize as the size of the unpacked file.
        _ if known.starts_with("GNU.sparse.") || known == "SCHILY.realsize" => return Err("a sparse member".into()),
        _ if WORDS.contains(&known) => true,
        _ if PREFIXES.iter().any(|prefix| known.strip_prefix(prefix).is_some_and(is_name)) => true,
        _ => return Err(format!("an unrecognised PAX keyword {:?}", shown())),
    };
    match sound {
        true => Ok(Meaning::Nothing),
        false => Err(format!("a PAX header whose {known} is malformed")),
    }
}

/// Seconds, with an optional sign and fraction.
fn is_time(value: &[u8], is_plain: impl Fn(&[u8], usize) -> bool) -> bool {
    let value = value.strip_prefix(b"-").unwrap_or(value);
    let mut parts = value.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().is_some_and(|whole| is_plain(whole, 11));
    whole && parts.next().is_none_or(|fraction| is_plain(fraction, 20))
}

/// An attribute's name, with no blanks, because readers strip them.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unrecognised_keywords_are_refused() {
        for (keyword, value, expected) in [
            ("path", "a", Meaning::Path),
            ("linkpath", "a", Meaning::LinkPath),
            ("size", "1", Meaning::Size),
            ("mtime", "1700000000.25", Meaning::Nothing),
            ("mtime", "-1", Meaning::Nothing),
            ("uid", "5000000", Meaning::Nothing),
            ("comment", "40 digits", Meaning::Nothing),
            ("SCHILY.xattr.user.a", "\u{1}", Meaning::Nothing),
            ("hdrcharset", "BINARY", Meaning::Nothing),
        ] {
            assert_eq!(meaning(keyword.as_bytes(), value.as_bytes()), Ok(expected), "{keyword}");
        }
        for (keyword, value) in [
            (" path", "a"),
            ("\tpath", "a"),
            ("path ", "a"),
            ("Path", "a"),
            (" size", "1"),
            ("\u{b}linkpath", "a"),
            ("path\0", "a"),
            ("GNU.sparse.name", "a"),
            ("GNU.volume.filename", "a"),
            ("SCHILY.realsize", "1"),
            ("SCHILY.filetype", "sparse"),
            ("SCHILY.xattr.", ""),
            ("SCHILY.xattr. path", "a"),
            ("SUN.holesdata", "a"),
            ("VENDOR.thing", "a"),
            ("mtime", "abc"),
            ("mtime", ""),
            ("mtime", "99999999999999999999"),
            ("mtime", "1e9"),
            ("uid", "-1"),
            ("uid", "abc"),
            ("hdrcharset", "UTF-16"),
        ] {
            assert!(meaning(keyword.as_bytes(), value.as_bytes()).is_err(), "{keyword} {value}");
        }
    }
}
