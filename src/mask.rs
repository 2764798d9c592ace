//! Takes secrets out of text that will be shown. The evidence itself is never changed.
//!
//! Logs and status records may hold `docker login --password …`, tokens in URLs and the like. Masking is by pattern and errs
//! on the side of hiding; it cannot know a secret that looks like any other word.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

const MASK: &str = "***";

/// Patterns whose first group is kept and whose rest is hidden.
const KEEP_FIRST: [&str; 5] = [
    // --password X, --password=X, -p X after a login
    r"(?i)((?:^|\s)--?(?:[a-z0-9_-]*(?:password|passwd|passphrase|token|secret|api-?key))[ =]+)\S+",
    r"(?i)(\blogin\b[^\n]*?\s-p[ =]?)\S+",
    // NAME=X, "NAME": "X"
    r#"(?i)((?:password|passwd|passphrase|token|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key)[a-z0-9_-]*["']?\s*[=:]\s*["']?)[^\s"'&,;]+"#,
    r"(?i)(\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}",
    r"(?i)([?&](?:sig|signature|key|auth|x-amz-signature|x-amz-credential|x-amz-security-token)=)[^\s&]+",
];

/// Patterns that are hidden whole: tokens with a form of their own, and private keys.
const HIDE_ALL: [&str; 6] = [
    r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_[A-Za-z0-9_]{20,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\beyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
];

const URL_USER: &str = r"([A-Za-z][A-Za-z0-9+.-]*://)([^/\s@]+)@";

struct Patterns {
    keep_first: Vec<Regex>,
    hide_all: Vec<Regex>,
    url_user: Option<Regex>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    // A pattern that does not compile would hide nothing: a test compiles every one.
    keep_first: KEEP_FIRST.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect(),
    hide_all: HIDE_ALL.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect(),
    url_user: Regex::new(URL_USER).ok(),
});

/// `text` with what looks like a secret replaced by `***`.
pub(crate) fn mask(text: &str) -> String {
    let patterns = &*PATTERNS;
    let mut masked = Cow::Borrowed(text);
    if let Some(pattern) = &patterns.url_user {
        masked = replaced(masked, pattern, |found| {
            let user = found.get(2).map_or("", |user| user.as_str());
            // The user `git` of ssh URLs is no secret.
            let shown = if user == "git" { user } else { MASK };
            format!("{}{shown}@", found.get(1).map_or("", |scheme| scheme.as_str()))
        });
    }
    for pattern in &patterns.hide_all {
        masked = replaced(masked, pattern, |_| MASK.to_owned());
    }
    for pattern in &patterns.keep_first {
        masked = replaced(masked, pattern, |found| format!("{}{MASK}", found.get(1).map_or("", |kept| kept.as_str())));
    }
    masked.into_owned()
}

fn replaced<'t>(text: Cow<'t, str>, pattern: &Regex, replacement: impl Fn(&Captures<'_>) -> String) -> Cow<'t, str> {
    if pattern.is_match(&text) { Cow::Owned(pattern.replace_all(&text, replacement).into_owned()) } else { text }
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
            ("Authorization: Bearer hunter2hunter2", "Authorization: Bearer ***"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345 x", "*** x"),
            ("https://s3/x?X-Amz-Signature=hunter2&a=1", "https://s3/x?X-Amz-Signature=***&a=1"),
            ("-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nx", "***\nx"),
        ] {
            assert_eq!(mask(text), shown);
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
