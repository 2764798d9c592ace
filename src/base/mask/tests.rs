//! Secrets are hidden, recognised image names are not, and masking removes no word from the program's own sentences.

use super::*;
use crate::base::system::slashed;

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

const DIGEST: &str = "sha256:abababababababababababababababababababababababababababababababab";

#[test]
fn image_names_are_not_masked_where_names_are_expected() {
    let pinned = format!("ghcr.io/external-secrets/external-secrets:v0.9.20@{DIGEST}");
    assert_eq!(mask(&format!("it is {pinned}, by the log")), format!("it is {pinned}, by the log"));
    assert_eq!(mask(&format!("password: a {pinned}")), format!("password: *** {pinned}"));
    // Outside secrets, names with a digest are kept, even after a transport; other names only if marked or where an image name is expected.
    for at in [format!("docker://nginx@{DIGEST}"), format!("docker-pullable://acme/api-token:2@{DIGEST}")] {
        assert_eq!(mask(&at), at);
    }
    for name in ["acme/api-token:2", "hunter2", &pinned] {
        assert_eq!(mask_name(name), name);
        assert_eq!(mask(&format!("the tag of {} was moved", keep_name(name))), format!("the tag of {name} was moved"));
    }
    assert_eq!(mask("acme/api-token:2"), "acme/api-token:***");
    assert_eq!(mask("--password hunter2"), "--password ***");
    for (text, shown) in [
        ("https://me:hunter2@registry.example/a", "https://***@registry.example/a"),
        ("docker login --password hunter2", "docker login --password ***"),
        ("acme/api-token:2 ", "acme/api-token:*** "),
        ("Acme/API-token:2/x", "Acme/API-token:***"),
    ] {
        assert_eq!((mask_name(text).as_str(), mask(&keep_name(text)).as_str()), (shown, shown));
    }
    // Text that is not an image name is masked, but its digest is kept unless it is in a quoted secret, so that builds do not look alike.
    for (text, shown) in [
        (format!("a --password hunter2@{DIGEST}"), format!("a --password ***@{DIGEST}")),
        (format!("a: \"password: x hunter2@{DIGEST}\""), format!("a: \"password: *** hunter2@{DIGEST}\"")),
        (format!("\"password\": \"x hunter2@{DIGEST}\""), "\"password\": \"***\"".to_owned()),
        (format!("docker login -p hunter2@{DIGEST}"), format!("docker login -p ***@{DIGEST}")),
        (format!("${{PASSWORD=x}}/acme/api-token:2@{DIGEST}"), format!("${{PASSWORD=***@{DIGEST}")),
        (format!("${{A}}-token:v1@{DIGEST}"), format!("${{A}}-token:***@{DIGEST}")),
        (format!("docker.io/Acme/api-token:2@{DIGEST}"), format!("docker.io/Acme/api-token:***@{DIGEST}")),
        (format!("https://me:hunter2@{DIGEST}"), format!("https://***@{DIGEST}")),
    ] {
        assert_eq!(mask_name(&text), shown);
    }
    assert_eq!(mask("api-token:2@sha256:00"), "api-token:***");
    assert_eq!(mask("\u{fdd0}password=x"), "\u{fdd0}password=***");
}

/// Masks every string in the source files that are not skipped: no sentence may lose a word.
#[test]
fn masking_does_not_change_our_own_messages() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut texts = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !is_left_out(&slashed(&path)) {
                let code = std::fs::read_to_string(&path).unwrap();
                for text in texts_in(code.split("#[cfg(test)]").next().unwrap()) {
                    assert_eq!(mask(&text), text, "{}", path.display());
                    texts += 1;
                }
            }
        }
    }
    assert!(texts > 3_000, "{texts}");
}

/// Whether a source file is skipped: tests, the patterns themselves, and two files with parts of requests, such as `continuation-token=`.
fn is_left_out(path: &str) -> bool {
    ["test", "/mask.rs", "client/signing.rs", "client/store.rs"].iter().any(|part| path.contains(part))
}

fn texts_in(code: &str) -> Vec<String> {
    let literal = Regex::new(r#"(?s)"((?:[^"\\]|\\.)*)""#).unwrap();
    let line_end = Regex::new(r"\\\n\s*").unwrap();
    let value = Regex::new(r"\{[a-z_]*(:[^{}]*)?\}").unwrap();
    let text = |text: &str| value.replace_all(&line_end.replace_all(text, ""), "a/b").into_owned();
    literal.captures_iter(code).map(|found| text(&found[1])).collect()
}

#[test]
fn every_match_of_a_pattern_contains_one_of_its_keywords() {
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
    for word in NAMES {
        for text in [format!("{word}=hunter2"), format!("a --{word} hunter2"), format!("my-{word}_x: hunter2")] {
            assert_eq!(mask(&text), mask_slowly(&text), "{text}");
        }
    }
    // Every word is needed: without its entry, this text would be shown.
    let hidden = NAMES.iter().filter(|word| mask(&format!("{word}=hunter2")).ends_with("=***"));
    assert_eq!(hidden.count(), NAMES.len());
}

#[test]
fn text_that_auditors_need_is_not_masked() {
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
