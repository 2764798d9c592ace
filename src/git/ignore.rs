//! Finds the rule that ignores a file outside HEAD's tree (gitignore(5)). The rule explains a finding but does not
//! excuse it.

use super::comparisons::{Comparisons, RULE_UNITS};
use super::pattern::{PathKind, Pattern, folders_of, trim_blanks};
use crate::base::limits::Limits;

/// The rules of `info/exclude` and of the `.gitignore` files of HEAD's tree.
#[derive(Debug)]
pub(super) struct IgnoreRules {
    /// Rules of outer folders come first.
    rules: Vec<Rule>,
    /// For each folder of the previous path: the position where the folder's name ends, and the rule that ignores the
    /// folder.
    folders: Vec<(usize, Option<usize>)>,
    last: Vec<u8>,
    file_bytes: u64,
}

#[derive(Debug)]
struct Rule {
    /// The folder of the rule file: an empty string, or a path with a final `/`.
    folder: Vec<u8>,
    pattern: Pattern,
    /// Whether the rule began with `!`, so that matching paths are not ignored.
    negated: bool,
    /// The file and line of the rule, for messages.
    origin: String,
}

impl IgnoreRules {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { rules: Vec::new(), folders: Vec::new(), last: Vec::new(), file_bytes: limits.git_config_bytes }
    }

    /// Adds the rules of a file, unless the file is over the limit. Outer folders must come before inner folders.
    pub(super) fn add_file(&mut self, folder: &[u8], name: &str, content: &[u8]) {
        if content.len() as u64 > self.file_bytes {
            return;
        }
        self.folders.clear();
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        for (number, line) in content.split(|&byte| byte == b'\n').enumerate() {
            let line = trim_blanks(line.strip_suffix(b"\r").unwrap_or(line));
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

    /// The file and line of the rule that ignores `path`, if there is one. Also returns `None` if the budget is spent.
    ///
    /// If paths are passed in order, each folder is checked only once.
    pub(super) fn ignores(&mut self, path: &[u8], budget: &mut Comparisons) -> Option<&str> {
        let common = path.iter().zip(&self.last).take_while(|(one, other)| one == other).count();
        let shared = self.folders.iter().take_while(|(end, _)| *end < common).count();
        self.folders.truncate(shared);
        self.last = path.to_vec();
        for folder in folders_of(path).skip(shared) {
            if matches!(self.folders.last(), Some((_, Some(_)))) {
                break;
            }
            let rule = self.decide(folder, PathKind::Folder, budget)?;
            self.folders.push((folder.len(), rule));
        }
        let rule = match self.folders.last() {
            Some((_, Some(rule))) => Some(*rule),
            _ => self.decide(path, PathKind::File, budget)?,
        };
        self.rules.get(rule?).map(|rule| rule.origin.as_str())
    }

    /// The rule that ignores exactly this path. The outer `None` means that the budget is spent.
    fn decide(&self, path: &[u8], kind: PathKind, budget: &mut Comparisons) -> Option<Option<usize>> {
        for (number, rule) in self.rules.iter().enumerate().rev() {
            budget.spend(RULE_UNITS + rule.folder.len() as u64)?;
            let Some(path) = path.strip_prefix(rule.folder.as_slice()) else { continue };
            budget.spend(rule.pattern.cost(path))?;
            if rule.pattern.matches(path, kind) {
                return Some((!rule.negated).then_some(number));
            }
        }
        Some(None)
    }
}

#[cfg(all(test, unix))]
mod tests {

    use super::*;
    use crate::base::budget::Budget;
    use crate::git::test_repository::TestRepository;

    #[test]
    fn rules_match_git_check_ignore() {
        let top =
            "# no\n*.o\n!keep.o\n/build/\nlogs/**\n!logs/a\ntrail  \nesc\\ \nbackslash\\\\ \n\\#hash\n\\!bang\r\n";
        let inner = "!*.o\n/only\n";
        let repository = TestRepository::new();
        repository
            .write(".gitignore", top)
            .write("inner/.gitignore", inner)
            .write(".git/info/exclude", "secret\n*.a\n");
        let limits = Limits::default();
        let mut budget = Comparisons::new(&limits, &Budget::of_unknown_input(&limits));
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
            "backslash\\",
            "inner/b/x.o",
            "inner/b/c/x.o",
            "logs/b/c/d",
            "logs/b/c/e",
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
            assert_eq!(rules.ignores(path.as_bytes(), &mut budget), theirs, "{path}");
        }
    }
}
