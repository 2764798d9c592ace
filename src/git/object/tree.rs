//! Trees: entries `<octal mode> <name>\0<20 bytes of id>`, one after the other.

use crate::git::hash::Kind;
use crate::git::malformed::Malformed;
use crate::git::object_id::ObjectId;

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `40000`
    Directory,
    /// `100644`, or `100664` as the first versions of git wrote it.
    File,
    /// `100755`
    Executable,
    /// `120000`
    Symlink,
    /// `160000`: a commit of another repository.
    Submodule,
}

impl Mode {
    /// The mode as `git ls-tree` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "040000",
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
        }
    }

    fn from_octal(digits: &[u8]) -> Option<Self> {
        match digits {
            b"40000" => Some(Self::Directory),
            b"100644" | b"100664" => Some(Self::File),
            b"100755" => Some(Self::Executable),
            b"120000" => Some(Self::Symlink),
            b"160000" => Some(Self::Submodule),
            _ => None,
        }
    }
}

/// One entry, taken apart and not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::git) struct TreeEntry<'a> {
    /// Octal digits.
    pub(in crate::git) mode: &'a [u8],
    pub(in crate::git) name: &'a [u8],
    pub(in crate::git) id: ObjectId,
}

impl TreeEntry<'_> {
    /// `None` for modes that git does not write.
    pub(in crate::git) fn known_mode(&self) -> Option<Mode> {
        Mode::from_octal(self.mode)
    }

    /// The kind of object that the entry names, judged by the file type bits as git does; `None` for submodules.
    pub(in crate::git) fn kind(&self) -> Option<Kind> {
        let mode = self.mode.iter().fold(0u32, |number, &digit| (number << 3) | u32::from(digit & 7));
        match mode & 0o170_000 {
            0o040_000 => Some(Kind::Tree),
            0o160_000 => None,
            _ => Some(Kind::Blob),
        }
    }

    fn is_directory(&self) -> bool {
        self.kind() == Some(Kind::Tree)
    }
}

/// Takes entries off a tree's content. `Err` once, and then nothing, where the content is no tree.
pub(in crate::git) struct TreeEntries<'a>(&'a [u8]);

impl<'a> TreeEntries<'a> {
    pub(in crate::git) fn new(content: &'a [u8]) -> Self {
        Self(content)
    }

    fn take(&mut self) -> Option<TreeEntry<'a>> {
        let space = self.0.iter().take(8).position(|&byte| byte == b' ')?;
        let (mode, rest) = self.0.split_at_checked(space)?;
        let rest = rest.strip_prefix(b" ")?;
        let (name, rest) = rest.split_at_checked(rest.iter().position(|&byte| byte == 0)?)?;
        let (id, rest) = rest.strip_prefix(b"\0")?.split_first_chunk::<20>()?;
        if mode.is_empty() || name.is_empty() || !mode.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
            return None;
        }
        self.0 = rest;
        Some(TreeEntry { mode, name, id: ObjectId::from_bytes(*id) })
    }
}

impl<'a> Iterator for TreeEntries<'a> {
    type Item = Result<TreeEntry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let entry = self.take();
        if entry.is_none() {
            self.0 = b"";
        }
        Some(entry.ok_or(Malformed::BadTree))
    }
}

/// What `git fsck --strict` says of a tree: the worst fault, not the first.
pub(in crate::git) fn check_tree(content: &[u8]) -> Result<(), Malformed> {
    let mut checker = TreeChecker::default();
    let mut fault = Ok(());
    for entry in TreeEntries::new(content) {
        match checker.check(&entry?) {
            Err(found) if fault.is_ok() || fault.is_err_and(Malformed::is_information) => fault = Err(found),
            _ => {}
        }
    }
    fault
}

/// Names longer than this are refused, as by git.
const NAME_BYTES_MAX: usize = 4096;

/// Judges entries one after the other.
#[derive(Default)]
struct TreeChecker<'a> {
    previous: Option<TreeEntry<'a>>,
    /// Files whose names begin the names of all entries since: `a` and `a.b` before `a.b/`.
    open: Vec<&'a [u8]>,
}

impl<'a> TreeChecker<'a> {
    fn check(&mut self, entry: &TreeEntry<'a>) -> Result<(), Malformed> {
        let order = self.check_order(entry);
        self.previous = Some(*entry);
        order?;
        check_name(entry.name)?;
        if entry.id.as_bytes() == &[0; 20] {
            return Err(Malformed::NullSha1);
        }
        if entry.mode.starts_with(b"0") {
            return Err(Malformed::ZeroPaddedFilemode);
        }
        if entry.known_mode().is_none() || entry.mode == b"100664" {
            return Err(Malformed::BadFilemode);
        }
        Ok(())
    }

    /// Names are sorted as bytes, those of folders as if `/` stood at their end.
    fn check_order(&mut self, entry: &TreeEntry<'a>) -> Result<(), Malformed> {
        let Some(previous) = self.previous else {
            return Ok(());
        };
        if previous.name == entry.name {
            return Err(Malformed::DuplicateEntries);
        }
        if !previous.is_directory() && entry.name.starts_with(previous.name) {
            self.open.push(previous.name);
        }
        while self.open.pop_if(|open| !entry.name.starts_with(open)).is_some() {}
        if self.open.contains(&entry.name) {
            return Err(Malformed::DuplicateEntries);
        }
        if sort_key(&previous).lt(sort_key(entry)) { Ok(()) } else { Err(Malformed::TreeNotSorted) }
    }
}

fn sort_key<'e>(entry: &'e TreeEntry<'_>) -> impl Iterator<Item = u8> + 'e {
    entry.name.iter().copied().chain(entry.is_directory().then_some(b'/'))
}

fn check_name(name: &[u8]) -> Result<(), Malformed> {
    match name {
        b"." => Err(Malformed::HasDot),
        b".." => Err(Malformed::HasDotdot),
        _ if name.contains(&b'/') => Err(Malformed::FullPathname),
        _ if name.len() > NAME_BYTES_MAX => Err(Malformed::LargePathname),
        // Cheap filter: every spelling of `.git` has a `g` or is not ASCII.
        _ if name.iter().any(|byte| matches!(byte, b'g' | b'G')) && is_dot_git(name) => Err(Malformed::HasDotgit),
        _ => Ok(()),
    }
}

/// `.git`, and what a file system of Windows or macOS takes for it (CVE-2014-9390).
fn is_dot_git(name: &[u8]) -> bool {
    let windows = name.split(|&byte| byte == b'\\').any(|part| {
        let part = part.split(|&byte| byte == b':').next().unwrap_or_default();
        let trimmed = part.iter().rposition(|byte| !matches!(byte, b' ' | b'.')).map_or(0, |last| last + 1);
        let part = part.get(..trimmed).unwrap_or_default();
        part.eq_ignore_ascii_case(b".git") || part.eq_ignore_ascii_case(b"git~1")
    });
    windows
        || std::str::from_utf8(name).is_ok_and(|name| {
            name.chars().filter(|letter| !is_ignored_by_hfs(*letter)).collect::<String>().eq_ignore_ascii_case(".git")
        })
}

fn is_ignored_by_hfs(letter: char) -> bool {
    matches!(letter, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (mode, name) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend_from_slice(&[7; 20]);
        }
        bytes
    }

    #[test]
    fn order_is_that_of_paths() {
        let good = tree(&[("100644", "a"), ("100644", "a.b"), ("40000", "a0"), ("40000", "ab"), ("100755", "b")]);
        assert_eq!(check_tree(&good), Ok(()));
        let names: Vec<_> = TreeEntries::new(&good).map(|entry| entry.unwrap().name.to_vec()).collect();
        assert_eq!(names, [&b"a"[..], b"a.b", b"a0", b"ab", b"b"]);
        assert_eq!(check_tree(&tree(&[("100644", "a.b"), ("40000", "a")])), Ok(()));
        assert_eq!(check_tree(&[]), Ok(()));
    }

    #[test]
    fn hostile_trees_are_named_as_fsck_does() {
        use Malformed::*;
        let zero = [b"100644 a\0".as_slice(), &[0; 20]].concat();
        assert_eq!(check_tree(&zero), Err(NullSha1));
        for (entries, fault) in [
            (&[("100644", "b"), ("100644", "a")][..], TreeNotSorted),
            (&[("40000", "a"), ("100644", "a.b")], TreeNotSorted),
            (&[("100644", "a"), ("100755", "a")], DuplicateEntries),
            (&[("100644", "a"), ("40000", "a")], DuplicateEntries),
            (
                &[("100644", "a"), ("100644", "a.b"), ("100644", "a.b.c"), ("40000", "a.b"), ("40000", "a")],
                DuplicateEntries,
            ),
            (&[("100644", "a"), ("100644", "a-"), ("40000", "a")], DuplicateEntries),
            (&[("40000", ".git")], HasDotgit),
            (&[("100644", ".GiT")], HasDotgit),
            (&[("100644", "git~1")], HasDotgit),
            (&[("100644", ".git. ::$INDEX")], HasDotgit),
            (&[("100644", "a\\.git")], HasDotgit),
            (&[("100644", ".g\u{200c}it")], HasDotgit),
            (&[("100644", ".")], HasDot),
            (&[("40000", "..")], HasDotdot),
            (&[("100644", "/etc")], FullPathname),
            (&[("100644", "a/b")], FullPathname),
            (&[("040000", "a")], ZeroPaddedFilemode),
            (&[("100777", "a")], BadFilemode),
            (&[("100664", "a")], BadFilemode),
            (&[("100664", "-"), ("100644", "..")], HasDotdot),
            (&[("100648", "a")], BadTree),
            (&[("100644", "")], BadTree),
            (&[("", "a")], BadTree),
        ] {
            assert_eq!(check_tree(&tree(entries)), Err(fault), "{entries:?}");
        }
        let cut = tree(&[("100644", "a")]);
        for length in 1..cut.len() {
            assert_eq!(check_tree(&cut[..length]), Err(BadTree));
        }
    }
}
