//! Trees: a sequence of entries `<octal mode> <name>\0<20 bytes of id>`.

use std::cmp::Ordering;

use super::special::check_special;
use crate::git::hash::Kind;
use crate::git::malformed::Malformed;
use crate::git::object_id::ObjectId;

/// The kind of a tree entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `40000`
    Directory,
    /// `100644`, or `100664` as written by the first versions of git.
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

    /// Decodes up to seven octal digits as git does: only the file type bits and the owner's execute bit count. git writes five modes and reads any
    /// other mode as one of these.
    fn from_octal(digits: &[u8]) -> Option<Self> {
        let digit = |digit: &u8| (b'0'..=b'7').contains(digit);
        if digits.is_empty() || digits.len() > MODE_DIGITS_MAX || !digits.iter().all(digit) {
            return None;
        }
        let number = digits.iter().fold(0u32, |number, digit| number << 3 | u32::from(digit & 7));
        Some(match number & 0o170_000 {
            0o100_000 if number & 0o100 == 0 => Self::File,
            0o100_000 => Self::Executable,
            0o120_000 => Self::Symlink,
            0o040_000 => Self::Directory,
            _ => Self::Submodule,
        })
    }
}

/// The maximum number of digits of a mode. git writes at most six, and ignores digits beyond 16 bits.
const MODE_DIGITS_MAX: usize = 7;

/// One entry, decoded but not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::git) struct TreeEntry<'a> {
    /// Octal digits.
    pub(in crate::git) digits: &'a [u8],
    /// The mode that git reads from the digits.
    pub(in crate::git) mode: Mode,
    pub(in crate::git) name: &'a [u8],
    pub(in crate::git) id: ObjectId,
}

impl TreeEntry<'_> {
    /// The kind of object that the entry refers to; `None` for submodules.
    pub(in crate::git) fn kind(&self) -> Option<Kind> {
        match self.mode {
            Mode::File | Mode::Executable | Mode::Symlink => Some(Kind::Blob),
            Mode::Directory => Some(Kind::Tree),
            Mode::Submodule => None,
        }
    }

    /// Whether the mode is one of the five modes that git writes.
    pub(in crate::git) fn is_usual(&self) -> bool {
        matches!(self.digits, b"40000" | b"100644" | b"100755" | b"120000" | b"160000")
    }

    fn is_directory(&self) -> bool {
        self.kind() == Some(Kind::Tree)
    }
}

/// Decodes the entries of a tree one by one. If the content is not a tree, yields one `Err` and then ends.
pub(in crate::git) struct TreeEntries<'a>(&'a [u8]);

impl<'a> TreeEntries<'a> {
    pub(in crate::git) fn new(content: &'a [u8]) -> Self {
        Self(content)
    }

    fn take(&mut self) -> Option<TreeEntry<'a>> {
        let space = self.0.iter().take(8).position(|&byte| byte == b' ')?;
        let (digits, rest) = self.0.split_at_checked(space)?;
        let (_, rest) = rest.split_first()?;
        let (name, rest) = rest.split_at_checked(rest.iter().position(|&byte| byte == 0)?)?;
        let (id, rest) = rest.strip_prefix(b"\0")?.split_first_chunk::<20>()?;
        let mode = Mode::from_octal(digits).filter(|_| !name.is_empty())?;
        self.0 = rest;
        Some(TreeEntry { digits, mode, name, id: ObjectId::from_bytes(*id) })
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

/// Checks a tree as `git fsck --strict` does. An error takes precedence over an earlier fault that is only information.
/// Calls `each` for every entry up to the first that cannot be decoded, even in a malformed tree.
pub(in crate::git) fn check_tree<'a>(content: &'a [u8], mut each: impl FnMut(&TreeEntry<'a>)) -> Result<(), Malformed> {
    let mut checker = TreeChecker::default();
    let mut fault = Ok(());
    for entry in TreeEntries::new(content) {
        let entry = entry?;
        match checker.check(&entry) {
            Err(found) if fault.is_ok() || fault.is_err_and(Malformed::is_information) => fault = Err(found),
            _ => {}
        }
        each(&entry);
    }
    fault
}

/// Longer names are refused, as in git.
const NAME_BYTES_MAX: usize = 4096;

/// Checks entries in sequence.
#[derive(Default)]
struct TreeChecker<'a> {
    previous: Option<TreeEntry<'a>>,
    /// Earlier files whose names are prefixes of the current name. For example, `a` remains in this list while `a.b` is
    /// checked, because a folder `a`, which would be a duplicate, sorts after `a.b`.
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
        if entry.digits.starts_with(b"0") {
            return Err(Malformed::ZeroPaddedFilemode);
        }
        check_special(entry.name, entry.mode)?;
        if entry.is_usual() { Ok(()) } else { Err(Malformed::BadFilemode) }
    }

    /// Names are sorted as bytes; a folder sorts as if its name ended with `/`.
    fn check_order(&mut self, entry: &TreeEntry<'a>) -> Result<(), Malformed> {
        let Some(previous) = self.previous else {
            return Ok(());
        };
        if !previous.is_directory() && entry.name.starts_with(previous.name) {
            self.open.push(previous.name);
        }
        while self.open.pop_if(|open| !entry.name.starts_with(open)).is_some() {}
        if previous.name == entry.name || self.open.contains(&entry.name) {
            return Err(Malformed::DuplicateEntries);
        }
        if sorts_before(&previous, entry) { Ok(()) } else { Err(Malformed::TreeNotSorted) }
    }
}

/// Compares two entries in path order: a folder sorts as if its name ended with `/`.
fn sorts_before(one: &TreeEntry<'_>, other: &TreeEntry<'_>) -> bool {
    let common = one.name.len().min(other.name.len());
    let (one_start, one_rest) = one.name.split_at_checked(common).unwrap_or_default();
    let (other_start, other_rest) = other.name.split_at_checked(common).unwrap_or_default();
    let next = |rest: &[u8], entry: &TreeEntry<'_>| match rest.first() {
        Some(&byte) => Some(byte),
        None => entry.is_directory().then_some(b'/'),
    };
    match one_start.cmp(other_start) {
        Ordering::Equal => next(one_rest, one) < next(other_rest, other),
        order => order == Ordering::Less,
    }
}

fn check_name(name: &[u8]) -> Result<(), Malformed> {
    match name {
        b"." => Err(Malformed::HasDot),
        b".." => Err(Malformed::HasDotdot),
        _ if name.contains(&b'/') => Err(Malformed::FullPathname),
        _ if name.len() > NAME_BYTES_MAX => Err(Malformed::LargePathname),
        _ => Ok(()),
    }
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
    fn entries_are_ordered_by_path() {
        let good = tree(&[("100644", "a"), ("100644", "a.b"), ("40000", "a0"), ("40000", "ab"), ("100755", "b")]);
        assert_eq!(check_tree(&good, |_| {}), Ok(()));
        let names: Vec<_> = TreeEntries::new(&good).map(|entry| entry.unwrap().name.to_vec()).collect();
        assert_eq!(names, [&b"a"[..], b"a.b", b"a0", b"ab", b"b"]);
        assert_eq!(check_tree(&tree(&[("100644", "a.b"), ("40000", "a")]), |_| {}), Ok(()));
        assert_eq!(check_tree(&[], |_| {}), Ok(()));
    }

    #[test]
    fn modes_are_decoded_from_their_type_bits() {
        use Mode::*;
        for (digits, mode) in [
            ("100777", Executable),
            ("100600", File),
            ("100664", File),
            ("100711", Executable),
            ("40755", Directory),
            ("120777", Symlink),
            ("160755", Submodule),
            ("644", Submodule),
            ("10644", Submodule),
            ("140644", Submodule),
            ("1100644", File),
        ] {
            assert_eq!(Mode::from_octal(digits.as_bytes()), Some(mode), "{digits}");
        }
        assert_eq!(Mode::from_octal(b"1006448"), None);
    }

    #[test]
    fn hostile_trees_have_the_faults_that_git_fsck_reports() {
        use Malformed::*;
        let zero = [b"100644 a\0".as_slice(), &[0; 20]].concat();
        assert_eq!(check_tree(&zero, |_| {}), Err(NullSha1));
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
            (&[("040000", ".git")], ZeroPaddedFilemode),
            (&[("120000", ".gitmodules")], GitmodulesSymlink),
            (&[("40777", ".gitmodules")], GitmodulesBlob),
            (&[("120000", ".gitignore")], GitignoreSymlink),
            (&[("120000", ".gitignore"), ("100644", "/")], FullPathname),
            (&[("1100644", "a")], BadFilemode),
            (&[("11100644", "a")], BadTree),
            (&[("100777", "a")], BadFilemode),
            (&[("100664", "a")], BadFilemode),
            (&[("100664", "-"), ("100644", "..")], HasDotdot),
            (&[("100648", "a")], BadTree),
            (&[("100644", "")], BadTree),
            (&[("", "a")], BadTree),
        ] {
            assert_eq!(check_tree(&tree(entries), |_| {}), Err(fault), "{entries:?}");
        }
        let cut = tree(&[("100644", "a")]);
        for length in 1..cut.len() {
            assert_eq!(check_tree(&cut[..length], |_| {}), Err(BadTree));
        }
    }
}
