//! Which rule ignores a file that is not in HEAD's tree (gitignore(5)). It explains a finding and excuses nothing.

use super::pattern::{PathKind, Pattern, folders_of};

/// The rules of `info/exclude` and of all `.gitignore` of HEAD's tree.
#[derive(Debug, Default)]
pub(super) struct IgnoreRules {
    /// Those of outer folders first.
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// Empty, or a folder with `/` at its end.
    folder: Vec<u8>,
    pattern: Pattern,
    /// Began with `!`: what it matches is not ignored.
    negated: bool,
    /// File and line, for people.
    origin: String,
}

impl IgnoreRules {
    /// Adds the rules of a file. Outer folders must come before inner ones.
    pub(super) fn add_file(&mut self, folder: &[u8], name: &str, content: &[u8]) {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        for (number, line) in content.split(|&byte| byte == b'\n').enumerate() {
            let line = trim_end(line.strip_suffix(b"\r").unwrap_or(line));
            if line.starts_with(b"#") {
                continue;
            }
            let (negated, line) = match line.strip_prefix(b"!") {
                Some(line) => (true, line),
                None => (false, line),
            };
            if let Some(pattern) = Pattern::parse(line) {
                let origin = format!("{name}:{}", number + 1);
                self.rules.push(Rule { folder: folder.to_vec(), pattern, negated, origin });
            }
        }
    }

    /// File and line of the rule that ignores `path`, if one does.
    pub(super) fn ignores(&self, path: &[u8]) -> Option<&str> {
        for folder in folders_of(path) {
            if let Some(origin) = self.decide(folder, PathKind::Folder) {
                return Some(origin);
            }
        }
        self.decide(path, PathKind::File)
    }

    fn decide(&self, path: &[u8], kind: PathKind) -> Option<&str> {
        let matches = |rule: &&Rule| {
            path.strip_prefix(rule.folder.as_slice()).is_some_and(|path| rule.pattern.matches(path, kind))
        };
        let last = self.rules.iter().rev().find(matches)?;
        (!last.negated).then_some(last.origin.as_str())
    }
}

/// Blanks at the end do not count, unless a backslash stands before the last of them.
fn trim_end(line: &[u8]) -> &[u8] {
    let Some(last) = line.iter().rposition(|&byte| byte != b' ') else { return b"" };
    let escaped = line.get(last) == Some(&b'\\') && last + 1 < line.len();
    line.get(..=if escaped { last + 1 } else { last }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::test_repository::TestRepository;

    #[test]
    fn rules_are_those_that_git_check_ignore_names() {
        let top = "# no\n*.o\n!keep.o\n/build/\nlogs/**\n!logs/a\ntrail  \nesc\\ \n\\#hash\n\\!bang\r\n";
        let inner = "!*.o\n/only\n";
        let repository = TestRepository::new();
        repository
            .write(".gitignore", top)
            .write("inner/.gitignore", inner)
            .write(".git/info/exclude", "secret\n*.a\n");
        let mut rules = IgnoreRules::default();
        rules.add_file(b"", ".git/info/exclude", b"secret\n*.a\n");
        rules.add_file(b"", ".gitignore", top.as_bytes());
        rules.add_file(b"inner/", "inner/.gitignore", inner.as_bytes());
        for path in [
            "x.o",
            "keep.o",
            "a/x.o",
            "inner/x.o",
            "inner/only",
            "inner/b/only",
            "build/x",
            "a/build/x",
            "logs/a",
            "logs/b/c",
            "trail",
            "esc ",
            "#hash",
            "!bang",
            "secret",
            "b/secret",
            "x.a",
            "plain",
        ] {
            let answer =
                repository.try_git_input(&["check-ignore", "--verbose", "--no-index", "--stdin"], path.as_bytes());
            let theirs = answer.split('\t').next().filter(|rule| !rule.contains(":!") || rule.contains(":!bang"));
            let theirs = theirs.and_then(|rule| rule.rsplitn(2, ':').nth(1)).filter(|rule| !rule.is_empty());
            assert_eq!(rules.ignores(path.as_bytes()), theirs, "{path}");
        }
    }
}
