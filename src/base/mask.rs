//! Hides secrets in text that will be shown. The evidence itself is never changed.
//!
//! Logs and status records may contain `docker login --password …`, tokens in URLs and similar secrets. Masking uses patterns and errs on the side of
//! hiding; it cannot recognise a secret that looks like an ordinary word.
//!
//! Patterns would also hide image names that end in `secret`, `token` and similar words, together with the tag and digest, which would make two
//! builds look alike. Text that a strict parser accepted as something other than a secret is therefore kept: a name in a position where an image name
//! is expected ([`mask_name`]), values that a message marks with [`keep`], and, except in a secret's value, `NAME@sha256:` with 64 digits. A short
//! name is never kept merely because it looks like a name: `hunter2` looks like one too.

mod kept;

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

use self::kept::Aside;
use crate::base::image_name::ImageName;

const MASK: &str = "***";
/// The placeholder for a file name in this program's hints: `--workload-password FILE`.
const OUR_FILE: &str = "FILE";

/// A pattern, and a list of lower-case words; every matching string contains at least one of these words. Most strings contain none of these words,
/// and searching for words is a hundred times faster than trying patterns.
type Rule = (&'static str, &'static [&'static str]);

/// `--password `, `--password=`
macro_rules! flag {
    () => {
        r"(?:^|\s)--?[a-z0-9_-]*(?:password|passwd|passphrase|token|secret|api-?key)[ =]+"
    };
}

/// `NAME=`, `"NAME": `
macro_rules! named {
    () => {
        r#"(?:password|passwd|passphrase|token|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key)[a-z0-9_-]*["']?\s*[=:]\s*"#
    };
}

/// Every string that `flag` or `named` matches contains one of these words. `key` alone is not listed, because half of the report's lines mention
/// keys.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "credential",
    "apikey",
    "api-key",
    "api_key",
    "accesskey",
    "access-key",
    "access_key",
    "privatekey",
    "private-key",
    "private_key",
];

/// Patterns whose first group is kept and whose remainder is hidden.
const KEEP_FIRST: [Rule; 7] = [
    // A quoted value extends to its closing quote and includes blanks and, in double quotes, escaped quotes.
    (concat!("(?i)((?:", flag!(), "|", named!(), r#")")(?:[^"\\\n]|\\.)+"#), NAMES),
    (concat!("(?i)((?:", flag!(), "|", named!(), r")')[^'\n]+"), NAMES),
    (concat!("(?i)(", flag!(), r")\S+"), NAMES),
    (concat!("(?i)(", named!(), r#"["']?)[^\s"'&,;]+"#), NAMES),
    // The value of `-p` after `login`
    (r"(?i)(\blogin\b[^\n]*?\s-p[ =]?)\S+", &["login"]),
    (r"(?i)(\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}", &["bearer", "basic"]),
    (
        r"(?i)([?&](?:sig|signature|key|auth|x-amz-signature|x-amz-credential|x-amz-security-token)=)[^\s&]+",
        &["?", "&"],
    ),
];

/// Patterns whose entire match is hidden: tokens with a recognisable format, and private keys.
const HIDE_ALL: [Rule; 6] = [
    (r"\bgh[pousr]_[A-Za-z0-9]{20,}", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
    (r"\bgithub_pat_[A-Za-z0-9_]{20,}", &["github_pat_"]),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", &["glpat-"]),
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", &["akia", "asia"]),
    (r"\beyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", &["eyj"]),
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)", &["private key-----"]),
];

const URL_USER: Rule = (r"([A-Za-z][A-Za-z0-9+.-]*://)([^/\s@]+)@", &["://"]);

struct Pattern {
    /// The pattern's bit in a [`Bits`].
    bit: Bits,
    regex: Regex,
}

struct Patterns {
    keep_first: Vec<Pattern>,
    hide_all: Vec<Pattern>,
    url_user: Option<Pattern>,
    words: Words,
}

/// A bit for each pattern.
type Bits = u32;

/// The words of all patterns, grouped by first letter, each with the bits of its patterns, so that a string is scanned only once.
struct Words(Vec<Vec<(&'static [u8], Bits)>>);

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let mut words = Words(vec![Vec::new(); 256]);
    let mut bit = 1;
    // A pattern that does not compile would hide nothing, so a test compiles each pattern.
    let mut compile = |(pattern, of_pattern): &Rule| {
        let pattern = Pattern { bit, regex: Regex::new(pattern).ok()? };
        of_pattern.iter().for_each(|word| words.add(word.as_bytes(), bit));
        bit <<= 1;
        Some(pattern)
    };
    Patterns {
        keep_first: KEEP_FIRST.iter().filter_map(&mut compile).collect(),
        hide_all: HIDE_ALL.iter().filter_map(&mut compile).collect(),
        url_user: compile(&URL_USER),
        words,
    }
});

impl Words {
    fn add(&mut self, word: &'static [u8], bit: Bits) {
        let Some(first) = word.first() else { return };
        let Some(words) = self.0.get_mut(usize::from(*first)) else { return };
        match words.iter_mut().find(|(known, _)| *known == word) {
            Some((_, bits)) => *bits |= bit,
            None => words.push((word, bit)),
        }
    }

    /// The patterns for which this text contains a word.
    fn of(&self, text: &[u8]) -> Bits {
        let mut found = 0;
        for (at, letter) in text.iter().enumerate() {
            for (word, bits) in self.0.get(usize::from(letter.to_ascii_lowercase())).into_iter().flatten() {
                let here = text.get(at..at + word.len());
                if here.is_some_and(|here| here.eq_ignore_ascii_case(word)) {
                    found |= bits;
                }
            }
        }
        found
    }
}

/// Returns `text` with everything that looks like a secret replaced by `***`.
pub(crate) fn mask(text: &str) -> String {
    // Masking adds only `***`, so the words found in the original text suffice for every pattern.
    match PATTERNS.words.of(text.as_bytes()) {
        0 if !kept::is_marked(text) => text.to_owned(),
        found => mask_free(text, |pattern| found & pattern.bit != 0),
    }
}

/// Masks text in a position where an image name is expected: an image name is shown, other text is masked as usual.
pub(crate) fn mask_name(text: &str) -> String {
    if ImageName::parse(text).is_ok() { text.to_owned() } else { mask(text) }
}

/// Marks `accepted` as text to keep in a message that is masked later. Use this only for a value that a strict parser accepted.
pub(crate) fn keep(accepted: impl std::fmt::Display) -> String {
    kept::marked(accepted)
}

/// Applies [`keep`] to text that is an image name; other text is returned unmarked and will be masked.
pub(crate) fn keep_name(text: &str) -> String {
    if ImageName::parse(text).is_ok() { keep(text) } else { text.to_owned() }
}

/// Whether masking would change a line of this text.
pub(crate) fn hides_something(text: &[u8]) -> bool {
    let mut lines = text.split(|&byte| byte == b'\n').map(String::from_utf8_lossy);
    lines.any(|line| mask(&line) != line)
}

/// Masks by trying every pattern: a test compares [`mask`] with this function.
#[cfg(any(test, fuzzing))]
pub(crate) fn mask_slowly(text: &str) -> String {
    mask_free(text, |_| true)
}

/// Masks everything that is not kept. A value after a word like `--password` is hidden even if it is marked.
fn mask_free(text: &str, may_fit: impl Fn(&Pattern) -> bool) -> String {
    let aside = Aside::of(text);
    if aside.is_empty() { mask_with(text, may_fit) } else { aside.put_back(&mask_with(aside.text(), may_fit)) }
}

fn mask_with(text: &str, may_fit: impl Fn(&Pattern) -> bool) -> String {
    let patterns = &*PATTERNS;
    let mut masked = Cow::Borrowed(text);
    for pattern in patterns.url_user.iter().filter(|pattern| may_fit(pattern)) {
        masked = replaced(masked, pattern, |found| {
            let user = found.get(2).map_or("", |user| user.as_str());
            // The user `git` of ssh URLs is not a secret.
            let shown = if user == "git" { user } else { MASK };
            format!("{}{shown}@", found.get(1).map_or("", |scheme| scheme.as_str()))
        });
    }
    for pattern in patterns.hide_all.iter().filter(|pattern| may_fit(pattern)) {
        masked = replaced(masked, pattern, |_| MASK.to_owned());
    }
    for pattern in patterns.keep_first.iter().filter(|pattern| may_fit(pattern)) {
        masked = replaced(masked, pattern, |found| {
            let (all, kept) =
                (found.get(0).map_or("", |all| all.as_str()), found.get(1).map_or("", |kept| kept.as_str()));
            if all.strip_prefix(kept) == Some(OUR_FILE) { all.to_owned() } else { format!("{kept}{MASK}") }
        });
    }
    masked.into_owned()
}

fn replaced<'t>(text: Cow<'t, str>, pattern: &Pattern, replacement: impl Fn(&Captures<'_>) -> String) -> Cow<'t, str> {
    let regex = &pattern.regex;
    if regex.is_match(&text) { Cow::Owned(regex.replace_all(&text, replacement).into_owned()) } else { text }
}

#[cfg(test)]
mod tests;
