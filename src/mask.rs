//! Takes secrets out of text that will be shown. The evidence itself is never changed.
//!
//! Logs and status records may hold `docker login --password …`, tokens in URLs and the like. Masking is by pattern and errs
//! on the side of hiding; it cannot know a secret that looks like any other word.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

const MASK: &str = "***";

/// A pattern, and words in lower case one of which stands in every text that it fits: most texts have none, and looking for
/// words is a hundred times faster than trying patterns.
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

const NAMES: &[&str] = &["password", "passwd", "passphrase", "token", "secret", "credential", "key"];

/// Patterns whose first group is kept and whose rest is hidden.
const KEEP_FIRST: [Rule; 7] = [
    // Quoted values go to their last quote, blanks and escaped quotes among them.
    (concat!("(?i)((?:", flag!(), "|", named!(), r#")")(?:[^"\\\n]|\\.)+"#), NAMES),
    (concat!("(?i)((?:", flag!(), "|", named!(), r")')[^'\n]+"), NAMES),
    (concat!("(?i)(", flag!(), r")\S+"), NAMES),
    (concat!("(?i)(", named!(), r#"["']?)[^\s"'&,;]+"#), NAMES),
    // -p X after a login
    (r"(?i)(\blogin\b[^\n]*?\s-p[ =]?)\S+", &["login"]),
    (r"(?i)(\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}", &["bearer", "basic"]),
    (
        r"(?i)([?&](?:sig|signature|key|auth|x-amz-signature|x-amz-credential|x-amz-security-token)=)[^\s&]+",
        &["?", "&"],
    ),
];

/// Patterns that are hidden whole: tokens with a form of their own, and private keys.
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
    words: &'static [&'static str],
    regex: Regex,
}

struct Patterns {
    keep_first: Vec<Pattern>,
    hide_all: Vec<Pattern>,
    url_user: Option<Pattern>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    // A pattern that does not compile would hide nothing: a test compiles every one.
    keep_first: KEEP_FIRST.iter().filter_map(compile).collect(),
    hide_all: HIDE_ALL.iter().filter_map(compile).collect(),
    url_user: compile(&URL_USER),
});

fn compile((pattern, words): &Rule) -> Option<Pattern> {
    Some(Pattern { words, regex: Regex::new(pattern).ok()? })
}

/// `text` with what looks like a secret replaced by `***`.
pub(crate) fn mask(text: &str) -> String {
    // Masking only puts in `***`, so that the words of the whole text are enough for every pattern.
    let lower = text.to_ascii_lowercase();
    mask_with(text, |pattern| pattern.words.iter().any(|word| lower.contains(word)))
}

/// Would masking change a line of this text?
pub(crate) fn hides_something(text: &[u8]) -> bool {
    let mut lines = text.split(|&byte| byte == b'\n').map(String::from_utf8_lossy);
    lines.any(|line| mask(&line) != line)
}

/// The same by trying every pattern: what [`mask`] is compared with.
#[cfg(any(test, fuzzing))]
pub(crate) fn mask_slowly(text: &str) -> String {
    mask_with(text, |_| true)
}

fn mask_with(text: &str, may_fit: impl Fn(&Pattern) -> bool) -> String {
    let patterns = &*PATTERNS;
    let mut masked = Cow::Borrowed(text);
    for pattern in patterns.url_user.iter().filter(|pattern| may_fit(pattern)) {
        masked = replaced(masked, pattern, |found| {
            let user = found.get(2).map_or("", |user| user.as_str());
            // The user `git` of ssh URLs is no secret.
            let shown = if user == "git" { user } else { MASK };
            format!("{}{shown}@", found.get(1).map_or("", |scheme| scheme.as_str()))
        });
    }
    for pattern in patterns.hide_all.iter().filter(|pattern| may_fit(pattern)) {
        masked = replaced(masked, pattern, |_| MASK.to_owned());
    }
    for pattern in patterns.keep_first.iter().filter(|pattern| may_fit(pattern)) {
        masked = replaced(masked, pattern, |found| format!("{}{MASK}", found.get(1).map_or("", |kept| kept.as_str())));
    }
    masked.into_owned()
}

fn replaced<'t>(text: Cow<'t, str>, pattern: &Pattern, replacement: impl Fn(&Captures<'_>) -> String) -> Cow<'t, str> {
    let regex = &pattern.regex;
    if regex.is_match(&text) { Cow::Owned(regex.replace_all(&text, replacement).into_owned()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(PATTERNS.keep_first.len(), KEEP_FIRST.len());
        assert_eq!(PATTERNS.hide_all.len(), HIDE_ALL.len());
        assert!(PATTERNS.url_user.is_some());
    }

    #[test]
    fn secrets_are_hidden() {
        for (text, shown) in [
            (
                "cmd: docker login --username me --password hunter2 docker.io",
                "cmd: docker login --username me --password *** docker.io",
            ),
            ("--password hunter2", "--password ***"),
            ("docker login -u me -p hunter2", "docker login -u me -p ***"),
            ("https://me:hunter2@github.com/a/b", "https://***@github.com/a/b"),
            ("https://hunter2@github.com/a", "https://***@github.com/a"),
            ("ssh://git@github.com/a/b", "ssh://git@github.com/a/b"),
            ("DOCKER_PASSWORD=hunter2 x", "DOCKER_PASSWORD=*** x"),
            (r#"{"cos_api_key": "hunter2", "a": 1}"#, r#"{"cos_api_key": "***", "a": 1}"#),
            (r#"{"password": "two words, \" and more", "a": 1}"#, r#"{"password": "***", "a": 1}"#),
            ("docker login --password \"two words\" x", "docker login --password *** x"),
            ("SECRET='two words' x", "SECRET='***' x"),
            ("Authorization: Bearer hunter2hunter2", "Authorization: Bearer ***"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345 x", "*** x"),
            ("glpat-0123456789abcdefghijABCDEFGHIJ x", "*** x"),
            ("AKIAIOSFODNN7EXAMPLE x", "*** x"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc x", "*** x"),
            ("https://s3/x?X-Amz-Signature=hunter2&a=1", "https://s3/x?X-Amz-Signature=***&a=1"),
            ("-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nx", "***\nx"),
        ] {
            assert_eq!(mask(text), shown);
            assert_eq!(hides_something(format!("first\n{text}\n").as_bytes()), text != shown, "{text}");
        }
    }

    #[test]
    fn the_words_of_a_pattern_stand_in_all_that_it_fits() {
        for text in [
            "Docker LOGIN -p x --API-KEY y PASSWD=z Basic dXNlcjpwYXNz",
            "AKIA0123456789ABCDEF eyJh.eyJi.c glpat-0123456789abcdefghij github_pat_0123456789abcdefghij",
            "gho_0123456789abcdefghij https://a/?AUTH=x&Key=y X://user:secret@host",
            "private_key: x; access-key='y' Credential = z passphrase=\"q\"",
            "-----BEGIN PRIVATE KEY-----\nx",
        ] {
            for text in [text.to_owned(), text.to_uppercase(), text.to_lowercase()] {
                assert_eq!(mask(&text), mask_slowly(&text));
            }
        }
    }

    #[test]
    fn what_auditors_need_stays() {
        for text in [
            "keyid=0cc264a565c452ea6aca776b2787be54e94b905113e77edae00d5ec267a07ffc",
            "publickey=LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1",
            "latest: digest: sha256:ffbaf396807659d5a4d66fe54c0ebf382a9f170c4eaf187b9b4c8582ca8fdec2 size: 5133",
            "git@github.com:acme/wallet.git",
            "author Ada <ada@example.com>",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
