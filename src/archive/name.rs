//! The normalised path of a tar member.

use std::fmt;

/// A relative path of segments separated by `/`, with no `.`, `..`, empty segments, NUL or leading `/`; empty for the top folder. The path is bytes,
/// not text, because git allows any bytes. Names that differ only in case or Unicode form are different names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberPath(Vec<u8>);

impl MemberPath {
    /// Parses a tar member's name. Segments `.`, doubled slashes and trailing slashes are dropped, so that different spellings of one path become
    /// equal. The result is empty if no segment remains, as for `./`. An error describes what is wrong with the name.
    pub(crate) fn parse(raw: &[u8]) -> Result<Self, &'static str> {
        if raw.is_empty() {
            return Err("an empty name");
        }
        if raw.contains(&0) {
            return Err("a NUL byte in a name");
        }
        if raw.starts_with(b"/") {
            return Err("an absolute name");
        }
        let mut path = Vec::with_capacity(raw.len());
        for segment in raw.split(|&byte| byte == b'/') {
            match segment {
                b"" | b"." => continue,
                b".." => return Err("a name with '..'"),
                _ => {}
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(segment);
        }
        Ok(Self(path))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Where the paths below this one begin, in the order of paths. This is not a path itself.
    pub(crate) fn beginning_of_members(&self) -> Self {
        Self([self.as_bytes(), b"/"].concat())
    }

    /// The part of the path after `folder/`, if the path is below that folder.
    pub(crate) fn below(&self, folder: &[u8]) -> Option<&[u8]> {
        self.0.strip_prefix(folder)?.strip_prefix(b"/")
    }
}

impl fmt::Display for MemberPath {
    /// The name as text, with replacement characters for bytes that are not UTF-8. For display only, never for comparison.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_spellings_of_one_path_are_equal() {
        let plain = MemberPath::parse(b"a/b").expect("good");
        for other in [&b"./a/b"[..], b"a/b/", b"a//b", b"a/./b/."] {
            assert_eq!(MemberPath::parse(other), Ok(plain.clone()));
        }
        assert_eq!(plain.below(b"a"), Some(&b"b"[..]));
        assert_eq!(plain.below(b"a/b"), None);
        assert_eq!(MemberPath::parse(b"ab/c").expect("good").below(b"a"), None);
    }

    #[test]
    fn names_that_point_outside_are_refused() {
        for bad in [&b""[..], b"/a", b"../a", b"a/../b", b"a/..", b"a\0b"] {
            assert!(MemberPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(MemberPath::parse(b"..a/b..").is_ok());
    }
}
