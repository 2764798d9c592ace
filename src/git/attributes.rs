//! The attributes that HEAD's own `.gitattributes` files assign to a path (gitattributes(5)). Only these files
//! count, because neither `info/attributes` nor the configuration is part of the commit.

use std::collections::BTreeMap;

use super::comparisons::{Comparisons, RULE_UNITS};
use super::pattern::{PathKind, Pattern};
use super::tracked::ATTRIBUTES_LINE_BYTES;
use crate::base::limits::Limits;

/// The state of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Set,
    Unset,
    Unspecified,
    Value(Vec<u8>),
}

impl State {
    /// Whether the attribute is set or has a value.
    pub(super) fn is_on(&self) -> bool {
        matches!(self, Self::Set | Self::Value(_))
    }
}

type Assignments = Vec<(Vec<u8>, State)>;

#[derive(Debug)]
struct Rule {
    /// The folder of the file that contains the rule: an empty string, or a path that ends with `/`.
    folder: Vec<u8>,
    pattern: Pattern,
    assignments: Assignments,
}

/// The rules of the `.gitattributes` files of a tree.
#[derive(Debug)]
pub(super) struct Attributes {
    /// Rules of outer folders come first.
    rules: Vec<Rule>,
    macros: BTreeMap<Vec<u8>, Assignments>,
    file_bytes: u64,
}

/// Finding and storing an attribute costs about as much as comparing this many bytes.
const ASSIGNMENT_UNITS: u64 = 512;
/// The maximum nesting of macros.
const MACRO_DEPTH_MAX: u32 = 16;

impl Attributes {
    pub(super) fn new(limits: &Limits) -> Self {
        let binary = [&b"diff"[..], b"merge", b"text"].map(|name| (name.to_vec(), State::Unset)).to_vec();
        let macros = BTreeMap::from([(b"binary".to_vec(), binary)]);
        Self { rules: Vec::new(), macros, file_bytes: limits.git_config_bytes }
    }

    /// Adds the `.gitattributes` file of `folder`; `folder` is empty or ends with `/`. Outer folders must come before inner folders. A file over the
    /// limit is ignored.
    pub(super) fn add_file(&mut self, folder: &[u8], content: &[u8]) {
        if content.len() as u64 > self.file_bytes {
            return;
        }
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        for line in content.split(|&byte| byte == b'\n').filter(|line| line.len() < ATTRIBUTES_LINE_BYTES) {
            let Some((pattern, rest)) = split_pattern(line.trim_ascii()) else { continue };
            let Some(assignments) = read_assignments(rest) else { continue };
            if let Some(name) = pattern.strip_prefix(b"[attr]") {
                if folder.is_empty() {
                    self.macros.insert(name.to_vec(), assignments);
                }
            } else if let Some(pattern) = Pattern::parse(&pattern).filter(|pattern| !pattern.is_for_folders()) {
                self.rules.push(Rule { folder: folder.to_vec(), pattern, assignments });
            }
        }
    }

    /// The state of each attribute that the rules assign to `path`. Returns `None` if the budget is spent.
    pub(super) fn of(&self, path: &[u8], budget: &mut Comparisons) -> Option<BTreeMap<Vec<u8>, State>> {
        let mut states = BTreeMap::new();
        // The last assignment applies, so rules are read backwards and the first assignment found is kept.
        for rule in self.rules.iter().rev() {
            budget.spend(RULE_UNITS + rule.folder.len() as u64)?;
            let Some(path) = path.strip_prefix(rule.folder.as_slice()) else { continue };
            budget.spend(rule.pattern.cost(path))?;
            if rule.pattern.matches(path, PathKind::File) {
                apply(&self.macros, &rule.assignments, MACRO_DEPTH_MAX, &mut states, budget)?;
            }
        }
        Some(states)
    }
}

/// Keeps the first state found for each attribute, and expands macros.
fn apply(
    macros: &BTreeMap<Vec<u8>, Assignments>,
    assignments: &Assignments,
    depth: u32,
    states: &mut BTreeMap<Vec<u8>, State>,
    budget: &mut Comparisons,
) -> Option<()> {
    for (name, state) in assignments.iter().rev() {
        budget.spend(ASSIGNMENT_UNITS + name.len() as u64)?;
        if states.contains_key(name) {
            continue;
        }
        states.insert(name.clone(), state.clone());
        // Every expanded macro is in `states`, so macros cannot include each other forever.
        if let (State::Set, Some(inner), Some(depth)) = (state, macros.get(name), depth.checked_sub(1)) {
            apply(macros, inner, depth, states, budget)?;
        }
    }
    Some(())
}

/// Splits a line into its pattern, which may be quoted, and the text after the pattern.
fn split_pattern(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"!") {
        return None;
    }
    if let Some(quoted) = line.strip_prefix(b"\"") {
        return unquote(quoted);
    }
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    Some((line.get(..end)?.to_vec(), line.get(end..)?))
}

/// Undoes C-style quoting. `text` begins after the opening quotation mark.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return Some((out, rest)),
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                out.push(match escaped {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'"' | b'\\' => escaped,
                    b'0'..=b'3' => {
                        let (digits, after) = rest.split_first_chunk::<2>()?;
                        rest = after;
                        let octal = [escaped, digits[0], digits[1]];
                        u8::from_str_radix(std::str::from_utf8(&octal).ok()?, 8).ok()?
                    }
                    _ => return None,
                });
            }
            _ => out.push(byte),
        }
    }
}

/// Parses attributes in the forms `name`, `-name`, `!name` and `name=value`, separated by whitespace. An invalid name
/// makes the whole line invalid.
fn read_assignments(rest: &[u8]) -> Option<Assignments> {
    let words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let (name, value) = match word.iter().position(|&byte| byte == b'=') {
                Some(at) => (word.get(..at)?, word.get(at + 1..)),
                None => (word, None),
            };
            // git ignores the value of `-name=value`.
            let (name, state) = match (name.split_first()?, value) {
                ((b'-', name), _) => (name, State::Unset),
                ((b'!', name), _) => (name, State::Unspecified),
                (_, Some(value)) => (name, State::Value(value.to_vec())),
                (_, None) => (name, State::Set),
            };
            let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            let valid = name.first().is_some_and(|&byte| byte != b'-') && name.iter().all(good);
            valid.then(|| (name.to_vec(), state))
        })
        .collect()
}

#[cfg(all(test, unix))]
mod tests {

    use super::*;
    use crate::base::budget::Budget;
    use crate::git::test_repository::TestRepository;

    #[test]
    fn attributes_match_git_check_attr() {
        let top = "# comment\n* text=auto\n*.bat eol=crlf\n[attr]win text eol=crlf\n/docs/** win\n*.png binary\n\
            docs/keep.png -binary text\n\"a b.txt\" -text\n\"\\303\\251.txt\" x=1\n!no text\nbad/ text\n*.z -win !text\n\
            *.y bad$name text\n*.w -x=1\n*.v text -text !text eol=lf";
        let inner = "*.bat -text\n/deep.txt eol=lf\nsub/*.txt text\n[attr]late eol=crlf\n*.late late\n";
        let files = [
            "a.txt",
            "run.bat",
            "inner/run.bat",
            "inner/deep.txt",
            "inner/x/deep.txt",
            "inner/sub/a.txt",
            "docs/a",
            "docs/b/c",
            "docs/keep.png",
            "x.png",
            "a b.txt",
            "é.txt",
            "no",
            "bad/x",
            "docs/q.z",
            "a.y",
            "a.w",
            "a.v",
            "inner/a.late",
        ];
        let names = ["text", "eol", "binary", "win", "diff", "merge", "x", "late"];
        let repository = TestRepository::new();
        repository.write(".gitattributes", top).write("inner/.gitattributes", inner);
        let mut attributes = Attributes::new(&Limits::default());
        let limits = Limits::default();
        let mut budget = Comparisons::new(&limits, &Budget::of_unknown_input(&limits));
        attributes.add_file(b"", top.as_bytes());
        attributes.add_file(b"inner/", inner.as_bytes());
        for file in files {
            let states = attributes.of(file.as_bytes(), &mut budget).unwrap();
            let ours: Vec<String> = names
                .iter()
                .map(|name| match states.get(name.as_bytes()) {
                    None | Some(State::Unspecified) => "unspecified".into(),
                    Some(State::Set) => "set".into(),
                    Some(State::Unset) => "unset".into(),
                    Some(State::Value(value)) => String::from_utf8_lossy(value).into_owned(),
                })
                .collect();
            let theirs = repository.git(&[&["check-attr", "-z"][..], &names, &["--", file]].concat());
            let theirs: Vec<&str> = theirs.split('\0').skip(2).step_by(3).collect();
            assert_eq!(ours, theirs, "{file}");
        }
    }
}
