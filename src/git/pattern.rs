//! Path patterns as in a line of `.gitignore` or `.gitattributes` (gitignore(5), "PATTERN FORMAT").
//!
//! `*` and `?` match anything but `/`, `[…]` matches one byte of a set, and `**` as a whole component matches any
//! number of components. A pattern with a `/` at its start or in its middle is matched against the whole path; any
//! other pattern is matched against the last component. Matching is case-sensitive. A backslash makes the next
//! character literal.

/// A pattern, without its leading `!` and without the folder to which it is relative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    parts: Vec<Vec<u8>>,
    /// The total length of the pattern's components, plus one for each component.
    letters: u64,
    /// Whether the pattern is matched against the whole path, not only against the last component.
    anchored: bool,
    /// Whether the pattern ended with `/`.
    folders_only: bool,
}

/// A pattern for untracked files in a policy: a line as in the top-level `.gitignore`, without `!` and `#`.
///
/// `build/` covers every folder of that name and its content, `/build` covers only the top-level file of that name or
/// the top-level folder and its content, `*.log` covers every such name in any folder, `docs/*.txt` covers every such
/// name directly in the top-level `docs`, and `out/**` covers everything in the top-level `out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern(Pattern);

impl PathPattern {
    /// Parses a pattern. Returns `None` for an empty line, for `/` and `//`, and for a line that begins with `!` or `#`,
    /// which would not mean the same as in `.gitignore`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = std::str::from_utf8(trim_blanks(text.as_bytes())).ok()?;
        let plain = !text.starts_with(['!', '#']);
        Pattern::parse(text.as_bytes()).filter(|_| plain).map(Self)
    }

    /// The maximum number of byte comparisons in [`Self::covers`].
    pub(crate) fn cost(&self, path: &[u8]) -> u64 {
        self.0.letters.saturating_mul(path.len() as u64 + 1)
    }

    /// Whether the pattern matches this file or a folder that contains it.
    pub fn covers(&self, path: &[u8]) -> bool {
        self.0.covers(path)
    }
}

/// Whether a path refers to a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathKind {
    /// A file or a symbolic link.
    File,
    /// A folder.
    Folder,
}

impl Pattern {
    /// Parses a pattern; returns `None` for an empty line, `/` and `//`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (text, folders_only) = match text.strip_suffix(b"/") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let anchored = text.contains(&b'/');
        let text = text.strip_prefix(b"/").unwrap_or(text);
        let parts: Vec<Vec<u8>> = text.split(|&byte| byte == b'/').map(<[u8]>::to_vec).collect();
        let letters = (text.len() + 1) as u64;
        (!text.is_empty()).then_some(Self { parts, letters, anchored, folders_only })
    }

    /// Whether the pattern ended with `/`.
    pub(crate) fn is_for_folders(&self) -> bool {
        self.folders_only
    }

    /// The maximum number of byte comparisons in [`Self::matches`].
    pub(crate) fn cost(&self, path: &[u8]) -> u64 {
        let name = || path.len() - path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
        let letters = if self.anchored { path.len() } else { name() };
        self.letters.saturating_mul(letters as u64 + 1)
    }

    /// Whether the pattern matches exactly this path.
    pub(crate) fn matches(&self, path: &[u8], kind: PathKind) -> bool {
        if self.folders_only && kind != PathKind::Folder {
            return false;
        }
        if self.anchored {
            let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
            return match_parts(&self.parts, &names, |left| left.is_empty());
        }
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        self.parts.first().is_some_and(|part| match_name(part, name))
    }

    /// Whether the pattern matches this file or a folder that contains it. Makes one pass over the path, regardless of
    /// its depth.
    pub(crate) fn covers(&self, path: &[u8]) -> bool {
        let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
        // If names of the path are left over, the pattern has matched a folder.
        let may_end = |left: &[&[u8]]| !(left.is_empty() && self.folders_only);
        if self.anchored {
            return match_parts(&self.parts, &names, may_end);
        }
        let Some(part) = self.parts.first() else { return false };
        (1..).zip(&names).any(|(at, name)| may_end(names.get(at..).unwrap_or_default()) && match_name(part, name))
    }
}

/// Removes spaces at the end of a line, except those after a backslash.
pub(crate) fn trim_blanks(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut letters = line.iter().enumerate();
    while let Some((at, letter)) = letters.next() {
        match letter {
            b' ' => {}
            b'\\' => end = letters.next().map_or(line.len(), |(at, _)| at + 1),
            _ => end = at + 1,
        }
    }
    line.get(..end).unwrap_or(line)
}

/// The parent folders of a path: `a` and `a/b` for `a/b/c`.
pub(crate) fn folders_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').filter_map(|(at, _)| path.get(..at))
}

/// The components of a pattern and the names of a path that remain to be matched.
type Resume<'a> = (&'a [Vec<u8>], &'a [&'a [u8]]);

/// Matches the components of a pattern against the names of a path. `**` matches any number of names; at the end, it
/// matches at least one. `may_end` reports whether the match may end while these names are left.
fn match_parts(parts: &[Vec<u8>], names: &[&[u8]], may_end: impl Fn(&[&[u8]]) -> bool) -> bool {
    let (mut parts, mut names) = (parts, names);
    // The position to resume from after the last `**`: the components after it, and the names at which these components
    // have not been tried yet.
    let mut resume: Option<Resume<'_>> = None;
    loop {
        match (parts.split_first(), names.split_first()) {
            (Some((part, rest)), Some((_, after))) if part == b"**" => {
                if rest.is_empty() {
                    return may_end(&[]) || (!after.is_empty() && may_end(after));
                }
                resume = Some((rest, names));
                parts = rest;
                continue;
            }
            (Some((part, rest)), Some((name, after))) if match_name(part, name) => {
                (parts, names) = (rest, after);
                continue;
            }
            (None, _) if may_end(names) => return true,
            _ => {}
        }
        let Some((rest, tried)) = resume else { return false };
        let Some((_, after)) = tried.split_first() else { return false };
        resume = Some((rest, after));
        (parts, names) = (rest, after);
    }
}

/// Matches one component against one whole name.
fn match_name(part: &[u8], name: &[u8]) -> bool {
    let (mut part, mut name) = (part, name);
    // The position to resume from after the last `*`: the pattern after it, and the bytes at which this pattern has not
    // been tried yet.
    let mut resume: Option<(&[u8], &[u8])> = None;
    loop {
        match (part.split_first(), name.split_first()) {
            (Some((b'*', rest)), _) => {
                resume = Some((rest, name));
                part = rest;
                continue;
            }
            (Some(_), Some((&letter, after))) => {
                if let Some(rest) = match_letter(part, letter) {
                    (part, name) = (rest, after);
                    continue;
                }
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((rest, tried)) = resume else { return false };
        let Some((_, after)) = tried.split_first() else { return false };
        resume = Some((rest, after));
        (part, name) = (rest, after);
    }
}

/// Returns the pattern after its first element if that element matches `letter`; the element must not be a star.
fn match_letter(part: &[u8], letter: u8) -> Option<&[u8]> {
    let (&first, rest) = part.split_first()?;
    match first {
        b'?' => Some(rest),
        b'[' => {
            let (found, rest) = match_set(rest, letter)?;
            found.then_some(rest)
        }
        b'\\' => rest.split_first().filter(|(escaped, _)| **escaped == letter).map(|(_, rest)| rest),
        _ => (first == letter).then_some(rest),
    }
}

/// Matches `letter` against a set whose `[` has already been read. Returns whether the set contains `letter`, and the pattern after the set. `None`
/// if the set is not closed or names an unrecognised class.
fn match_set(set: &[u8], letter: u8) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match set.split_first()? {
        (b'!' | b'^', rest) => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    let mut is_first = true;
    loop {
        if let Some((name, after)) = rest.strip_prefix(b"[:").and_then(split_class) {
            found |= in_class(name, letter)?;
            rest = after;
        } else {
            let (low, after) = set_letter(rest)?;
            if low == b']' && !is_first && rest.first() == Some(&b']') {
                return Some((found != negated, after));
            }
            rest = after;
            match rest.strip_prefix(b"-") {
                Some(range) if range.first().is_some_and(|&byte| byte != b']') => {
                    let (high, after) = set_letter(range)?;
                    found |= (low..=high).contains(&letter);
                    rest = after;
                }
                _ => found |= low == letter,
            }
        }
        is_first = false;
    }
}

fn set_letter(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (&letter, rest) = rest.split_first()?;
    if letter == b'\\' { rest.split_first().map(|(&letter, rest)| (letter, rest)) } else { Some((letter, rest)) }
}

fn split_class(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = rest.windows(2).position(|pair| pair == b":]")?;
    Some((rest.get(..end)?, rest.get(end + 2..)?))
}

fn in_class(name: &[u8], letter: u8) -> Option<bool> {
    Some(match name {
        b"alnum" => letter.is_ascii_alphanumeric(),
        b"alpha" => letter.is_ascii_alphabetic(),
        b"blank" => matches!(letter, b' ' | b'\t'),
        b"cntrl" => letter.is_ascii_control(),
        b"digit" => letter.is_ascii_digit(),
        b"graph" => letter.is_ascii_graphic(),
        b"lower" => letter.is_ascii_lowercase(),
        b"print" => letter.is_ascii_graphic() || letter == b' ',
        b"punct" => letter.is_ascii_punctuation(),
        b"space" => letter.is_ascii_whitespace() || letter == 0x0b,
        b"upper" => letter.is_ascii_uppercase(),
        b"xdigit" => letter.is_ascii_hexdigit(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    const PATTERNS: [&str; 48] = [
        "a",
        "*.txt",
        "/a",
        "a/",
        "/a/",
        "b/c",
        "a/b/c",
        "a/*/c",
        "a/**/c",
        "**/c",
        "a/**",
        "**",
        "*",
        "/*",
        "?",
        "a?",
        "[ab]",
        "[!a]",
        "[^a]",
        "[a-c]",
        "[]a]",
        "[a-]",
        "[[:digit:]]",
        "[![:alpha:]]",
        "[",
        "a[",
        "[a",
        "\\*",
        "\\a",
        "a*c",
        "a**c",
        "**a",
        "a/**/",
        "**/b/",
        "*/b",
        "/**/c",
        "a/*",
        "x/**/y/**/z",
        "*a*b*c*",
        "B",
        "a\\",
        "**/**/c",
        "a//b",
        "[[:nope:]]",
        "[\\]]",
        "[a-\\c]",
        "a-b",
        "é*",
    ];
    #[cfg(unix)]
    const PATHS: [&str; 30] = [
        "a",
        "b",
        "A",
        "a/b",
        "a/b/c",
        "a/c",
        "b/c",
        "c",
        "a.txt",
        "x/a.txt",
        "a/b/d/c",
        "ab",
        "abc",
        "a*c",
        "*",
        "1",
        "]",
        "-",
        "[",
        "x/y/z",
        "x/1/y/2/3/z",
        "xaxbxcx",
        "b/a",
        "b/x",
        "a/b/x",
        "x/b/y",
        "a-b",
        "étude",
        "a/x/b/c",
        "x/a/b",
    ];

    /// The expected result for each path: whether git ignores the untracked path under this pattern.
    #[test]
    #[cfg(unix)]
    fn patterns_match_as_in_git_check_ignore() {
        use crate::git::test_repository::TestRepository;
        let repository = TestRepository::new();
        for text in PATTERNS {
            repository.write(".gitignore", format!("{text}\n"));
            let input = PATHS.map(|path| format!("{path}\0")).concat();
            let answer = repository.try_git_input(&["check-ignore", "--no-index", "-z", "--stdin"], input.as_bytes());
            let ignored: Vec<&str> = answer.split('\0').filter(|path| !path.is_empty()).collect();
            let pattern = Pattern::parse(text.as_bytes()).unwrap();
            for path in PATHS {
                assert_eq!(pattern.covers(path.as_bytes()), ignored.contains(&path), "{text} against {path}");
            }
        }
    }

    #[test]
    fn patterns_with_many_stars_are_matched_quickly() {
        let part = "*a".repeat(2_000);
        let path = "a".repeat(4_000) + "b";
        assert!(!Pattern::parse(part.as_bytes()).unwrap().covers(path.as_bytes()));
        let folders = "**/a/".repeat(1_000) + "c";
        let path = "a/".repeat(2_000) + "b";
        assert!(!Pattern::parse(folders.as_bytes()).unwrap().matches(path.as_bytes(), PathKind::File));
        assert_eq!(Pattern::parse(b""), None);
        assert_eq!(Pattern::parse(b"/"), None);
    }
}
