//! Which rule ignores a file that is not in HEAD's tree (gitignore(5)). It explains a finding and excuses nothing.

use super::pattern::{PathKind, Pattern, folders_of};
use crate::limits::Limits;

/// The rules of `info/exclude` and of all `.gitignore` of HEAD's tree.
#[derive(Debug)]
pub(super) struct IgnoreRules {
    /// Those of outer folders first.
    rules: Vec<Rule>,
    /// Letters that may still be compared; beyond that no reason is known.
    left: u64,
    file_bytes: u64,
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
    pub(super) fn new(limits: &Limits) -> Self {
        Self { rules: Vec::new(), left: limits.git_rule_letters, file_bytes: limits.git_config_bytes }
    }

    /// Adds the rules of a file, unless it is over the limit. Outer folders must come before inner ones.
    pub(super) fn add_file(&mut self, folder: &[u8], name: &str, content: &[u8]) {
        if content.len() as u64 > self.file_bytes {
            return;
        }
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
    pub(super) fn ignores(&mut self, path: &[u8]) -> Option<&str> {
        let places: Vec<(&[u8], PathKind)> =
            folders_of(path).map(|folder| (folder, PathKind::Folder)).chain([(path, PathKind::File)]).collect();
        let cost = self.rules.iter().map(|rule| rule.pattern.cost(path)).sum::<u64>();
        self.left = self.left.saturating_sub(cost.saturating_mul(places.len() as u64));
        if self.left == 0 {
            return None;
        }
        places.into_iter().find_map(|(place, kind)| self.decide(place, kind))
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
        let mut rules = IgnoreRules::new(&Limits::default());
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
            let theirs =
                theirs.and_then(|rule| rule.rsplit_once(':').map(|(origin, _)| origin)).filter(|rule| !rule.is_empty());
            assert_eq!(rules.ignores(path.as_bytes()), theirs, "{path}");
        }
    }
}
