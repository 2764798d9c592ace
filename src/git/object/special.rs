//! File names that are special to git, including their spellings on Windows and macOS file systems (git's `path.c` and
//! `utf8.c`; CVE-2014-9390, CVE-2018-11235).

use super::tree::Mode;
use crate::git::malformed::Malformed;

/// The rules of this file, for docs/generated/git-faults.md.
#[cfg(test)]
pub(in crate::git) const SPECIAL_NAMES: &str = "
## Names that file systems read differently

A name is also read as `.git`, `.gitmodules`, `.gitattributes`, `.gitignore` or `.mailmap` if it is, in upper or lower case,

- the same name or its short name on NTFS, possibly followed by spaces and dots, and possibly then by a colon and any text. The short name of `.git` is `git~1`; \
those of the others are the first six letters without the dot, `~` and a digit from 1 to 4, or eight characters: \
a beginning of `gi7eba`, `gi7d29`, `gi250a` or `maba30` (in the order above), `~` and a number without a leading zero;
- the same name with U+200C to U+200F, U+202A to U+202E, U+206A to U+206F or U+FEFF anywhere in it, possibly followed by a byte that is not UTF-8 and \
any other bytes (HFS+);
- a name with backslashes in which any part is read on NTFS as `.git`, or any part but the first as `.gitmodules`.
";

/// A file that git reads from a tree, and the beginning of its hashed NTFS short name.
struct Special {
    name: &'static str,
    short: &'static [u8; 6],
}

const MODULES: Special = Special { name: "gitmodules", short: b"gi7eba" };
const ATTRIBUTES: Special = Special { name: "gitattributes", short: b"gi7d29" };
const IGNORE: Special = Special { name: "gitignore", short: b"gi250a" };
const MAILMAP: Special = Special { name: "mailmap", short: b"maba30" };

/// Checks an entry's name as `git fsck --strict` does, except for `.`, `..` and slashes, which the caller checks.
pub(super) fn check_special(name: &[u8], mode: Mode) -> Result<(), Malformed> {
    if !may_be_special(name) {
        return Ok(());
    }
    if is_dot_git(name) {
        return Err(Malformed::HasDotgit);
    }
    if is_git_modules(name) {
        return match mode {
            Mode::Symlink => Err(Malformed::GitmodulesSymlink),
            Mode::Directory => Err(Malformed::GitmodulesBlob),
            Mode::Submodule => Err(Malformed::GitmodulesMissing),
            Mode::File | Mode::Executable => Ok(()),
        };
    }
    match mode {
        Mode::File | Mode::Executable => Ok(()),
        _ if is_git_attributes(name) => match mode {
            Mode::Directory => Err(Malformed::GitattributesBlob),
            Mode::Submodule => Err(Malformed::GitattributesMissing),
            _ => Err(Malformed::GitattributesSymlink),
        },
        Mode::Symlink if IGNORE.is(name) => Err(Malformed::GitignoreSymlink),
        Mode::Symlink if MAILMAP.is(name) => Err(Malformed::MailmapSymlink),
        _ => Ok(()),
    }
}

/// Whether git reads a file of this name as `.gitmodules`.
pub(in crate::git) fn is_git_modules(name: &[u8]) -> bool {
    may_be_special(name)
        && (MODULES.is(name) || name.split(|&byte| byte == b'\\').skip(1).any(|part| MODULES.is_on_windows(part)))
}

/// Whether git reads a file of this name as `.gitattributes`.
pub(in crate::git) fn is_git_attributes(name: &[u8]) -> bool {
    may_be_special(name) && ATTRIBUTES.is(name)
}

/// A cheap test that rules out nearly every name. It saves time, because every entry of every tree is checked.
fn may_be_special(name: &[u8]) -> bool {
    // Windows separates names with a backslash, and its short names contain a tilde. The characters that HFS+ ignores
    // begin with E2 or EF.
    matches!(name, [b'.', b'g' | b'G' | b'm' | b'M', ..])
        || name.iter().any(|byte| matches!(byte, b'\\' | b'~' | 0xe2 | 0xef))
}

/// `.git`, and the names that a Windows or macOS file system treats as `.git`.
fn is_dot_git(name: &[u8]) -> bool {
    let windows = name.split(|&byte| byte == b'\\').any(|part| {
        let part = before_stream(part);
        part.eq_ignore_ascii_case(b".git") || part.eq_ignore_ascii_case(b"git~1")
    });
    windows || is_on_mac(name, "git")
}

impl Special {
    fn is(&self, name: &[u8]) -> bool {
        self.is_on_windows(name) || is_on_mac(name, self.name)
    }

    fn is_on_windows(&self, name: &[u8]) -> bool {
        let name = before_stream(name);
        let own = self.name.as_bytes();
        if name.strip_prefix(b".").is_some_and(|rest| rest.eq_ignore_ascii_case(own)) {
            return true;
        }
        let Some((start, number)) = name.iter().position(|&byte| byte == b'~').and_then(|at| {
            let (start, rest) = name.split_at_checked(at)?;
            Some((start, rest.strip_prefix(b"~")?))
        }) else {
            return false;
        };
        let usual = own.get(..6).is_some_and(|own| start.eq_ignore_ascii_case(own));
        if usual && matches!(number, [b'1'..=b'4']) {
            return true;
        }
        // After four files with the same beginning, NTFS derives short names from a hash. Short names of this form have
        // eight characters.
        let begins = self.short.get(..start.len()).is_some_and(|own| start.eq_ignore_ascii_case(own));
        let counts = matches!(number, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
        begins && counts && name.len() == 8
    }
}

/// A name as NTFS reads it: without the text after a colon, and without trailing spaces and dots.
fn before_stream(name: &[u8]) -> &[u8] {
    let name = name.split(|&byte| byte == b':').next().unwrap_or_default();
    let end = name.iter().rposition(|byte| !matches!(byte, b' ' | b'.')).map_or(0, |last| last + 1);
    name.get(..end).unwrap_or_default()
}

/// HFS+ ignores some characters, and git reads a name up to the first byte that is not UTF-8.
fn is_on_mac(name: &[u8], own: &str) -> bool {
    let text = match std::str::from_utf8(name) {
        Ok(text) => text,
        Err(error) => {
            name.get(..error.valid_up_to()).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
        }
    };
    let mut letters = text.chars().filter(|letter| !is_ignored_by_hfs(*letter));
    letters.next() == Some('.')
        && own.chars().all(|expected| letters.next().is_some_and(|letter| letter.eq_ignore_ascii_case(&expected)))
        && letters.next().is_none()
}

fn is_ignored_by_hfs(letter: char) -> bool {
    matches!(letter, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_spelling_of_other_file_systems_are_found() {
        for name in [
            ".gitmodules",
            ".GITMODULES",
            ".gitmodules . ",
            ".gitmodules::$INDEX",
            "gitmod~1",
            "GITMOD~4",
            "gi7eba~1",
            "gi7eba~9",
            "gi7e~123",
            "~1000000",
            ".git\u{200c}modules",
            "a\\.gitmodules",
            "a\\gi7eba~1",
        ] {
            assert!(is_git_modules(name.as_bytes()), "{name}");
        }
        for name in [
            "gitmodules",
            ".gitmodule",
            ".gitmodules2",
            "gitmod~5",
            "gitmod~0",
            "gi7eba~0",
            "gi7eba~10",
            "gi7eb~1",
            "~100000",
            "a/.gitmodule",
            "xgi7eba~1",
            "gi7ebb~1",
        ] {
            assert!(!is_git_modules(name.as_bytes()), "{name}");
        }
        for (name, mode, fault) in [
            (".gitmodules", Mode::Symlink, Some(Malformed::GitmodulesSymlink)),
            (".gitmodules", Mode::Directory, Some(Malformed::GitmodulesBlob)),
            (".gitmodules", Mode::Submodule, Some(Malformed::GitmodulesMissing)),
            (".gitmodules", Mode::Executable, None),
            (".gitattributes", Mode::Directory, Some(Malformed::GitattributesBlob)),
            (".gitattributes", Mode::Submodule, Some(Malformed::GitattributesMissing)),
            ("gi7d29~1", Mode::Symlink, Some(Malformed::GitattributesSymlink)),
            (".gitignore", Mode::Symlink, Some(Malformed::GitignoreSymlink)),
            (".gitignore", Mode::Directory, None),
            (".mailmap", Mode::Symlink, Some(Malformed::MailmapSymlink)),
            ("mailma~1", Mode::Symlink, Some(Malformed::MailmapSymlink)),
            (".git", Mode::File, Some(Malformed::HasDotgit)),
        ] {
            assert_eq!(check_special(name.as_bytes(), mode).err(), fault, "{name}");
        }
        assert_eq!(check_special(b".git\xff", Mode::File), Err(Malformed::HasDotgit));
    }
}
