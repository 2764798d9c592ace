//! Compares the parser with distribution/reference: with the names in its test tables (`regexp_test.go`, `reference_test.go`, `normalize_test.go`),
//! and with its regular expressions on random strings.

use regex_lite::Regex;

use super::*;

const HEX: &str = "be178c0543eb17f5f3043021c9e5fcf30285e557a4fc309cce97ff9ca6182912";
const IDENTIFIER: &str = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a";

#[test]
fn hosts_match_the_reference_implementation() {
    for good in [
        "test.com",
        "test.com:10304",
        "localhost",
        "localhost:8080",
        "a",
        "a.b",
        "ab.cd.com",
        "a-b.com",
        "ab.c-om",
        "0101.com",
        "001a.com",
        "b.gbc.io:443",
        "xn--n3h.com",
        "Asdf.com",
        "192.168.1.1:75050",
        "192.168.1.1:750050",
        "[fd00:1:2::3]:75050",
        "[fd00123123123]:75050",
        "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:75050",
    ] {
        assert!(is_domain(good), "{good}");
    }
    for bad in [
        "",
        "test.com:http",
        "test.com:",
        "-ab.com",
        "ab-.com",
        "ab.-com",
        "ab.com-",
        "[fd00:1:2::3]75050",
        "[fd00:1:2::3]::75050",
        "[fd00:1:2::3%eth0]:75050",
        "[]",
        "[::1",
        "fd00:1:2::3:75050",
    ] {
        assert!(!is_domain(bad), "{bad}");
    }
}

#[test]
fn spellings_of_one_repository_are_equal() {
    for (name, full) in [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.25", "docker.io/library/nginx"),
        ("docker.io/foo", "docker.io/library/foo"),
        ("index.docker.io/foo", "docker.io/library/foo"),
        ("index.docker.io/library/ubuntu-12.04-base", "docker.io/library/ubuntu-12.04-base"),
        ("index.docker.io/acme/wallet:v1", "docker.io/acme/wallet"),
        ("acme/wallet", "docker.io/acme/wallet"),
        ("library/foo/bar", "docker.io/library/foo/bar"),
        ("localhost/fooo/bar", "localhost/fooo/bar"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b"),
        ("localhost:8080", "docker.io/library/localhost"),
        ("test:5000/repo", "test:5000/repo"),
        ("192.168.0.1:80", "docker.io/library/192.168.0.1"),
        ("127.0.0.1:8000/privatebase", "127.0.0.1:8000/privatebase"),
        ("LOCALDOMAIN/fooo", "LOCALDOMAIN/fooo"),
        ("Foo/bar", "Foo/bar"),
        ("Docker.io/a/b", "Docker.io/a/b"),
        ("foo_bar.com/baz", "foo_bar.com/baz"),
        ("us.icr.io/ns/name", "us.icr.io/ns/name"),
        ("[2001:db8::1]:5000/repo:tag", "[2001:db8::1]:5000/repo"),
        ("do__cker/docker", "docker.io/do__cker/docker"),
        ("docker---rules/docker", "docker.io/docker---rules/docker"),
    ] {
        assert_eq!(ImageName::parse(name).map(|name| name.repository()).as_deref(), Ok(full), "{name}");
        assert_eq!(repository_of(full), full);
    }
}

#[test]
fn tags_and_digests_are_parsed() {
    let digest = Sha256::from_hex(HEX).unwrap();
    let parts = |text: &str| {
        let name = ImageName::parse(text).expect(text);
        (name.domain().to_owned(), name.path().to_owned(), name.tag().map(str::to_owned), name.sha256())
    };
    let own = |domain: &str, path: &str, tag: Option<&str>, digest| {
        (domain.to_owned(), path.to_owned(), tag.map(str::to_owned), digest)
    };
    assert_eq!(
        parts(&format!("registry.com:8080/myapp:tag2@sha256:{HEX}")),
        own("registry.com:8080", "myapp", Some("tag2"), Some(digest))
    );
    assert_eq!(
        parts(&format!("localhost:8080@sha256:{HEX}")),
        own("docker.io", "library/localhost", Some("8080"), Some(digest))
    );
    assert_eq!(
        parts("b.gcr.io/test.example.com/my-app:test.example.com"),
        own("b.gcr.io", "test.example.com/my-app", Some("test.example.com"), None)
    );
    assert_eq!(parts("foo/foo_bar.com:8080"), own("docker.io", "foo/foo_bar.com", Some("8080"), None));
    assert_eq!(parts("lower:Uppercase"), own("docker.io", "library/lower", Some("Uppercase"), None));
    let long = ImageName::parse(&format!("validname@sha512:{HEX}{HEX}")).unwrap();
    assert!(long.sha256().is_none() && long.digest().is_some() && !long.is_repository());
    for text in ["a", "h.example:5000/a/b:c", &format!("a/b:c@sha256:{HEX}"), &format!("a@sha512:{HEX}{HEX}")] {
        let name = ImageName::parse(text).unwrap();
        assert_eq!(ImageName::parse(&name.to_string()), Ok(name));
    }
}

#[test]
fn names_that_no_runtime_accepts_are_refused() {
    let upper = format!("a@sha256:{}", HEX.to_uppercase());
    for bad in [
        "",
        " a",
        "a ",
        "a\n",
        "a b",
        ":justtag",
        &format!("@sha256:{HEX}"),
        &format!("a@sha256:{HEX}@x"),
        &format!("docker.io/Acme/wallet@sha256:{HEX}"),
        "repo@sha256:ffffffffffffffffffffffffffffffffff",
        &format!("validname@invaliddigest:{HEX}"),
        &format!("a@sha256:{HEX}00"),
        "a@",
        "a@sha256:",
        "registry.com:8080/myapp@2bad",
        &upper,
        IDENTIFIER,
        "Uppercase:tag",
        "a:",
        "a:-x",
        "a:.x",
        "registry.com:8080/myapp:invalid~tag",
        "bad_hostname.com:8080/myapp:tag",
        "localhost:http/name",
        "https://github.com/docker/docker",
        "user@host/a",
        "user:password@host/a",
        "docker/Docker",
        "-docker/docker",
        "docker-/docker",
        "docker///docker",
        "docker/",
        "/docker",
        "a/../b",
        "____/____",
        "_docker/_docker",
        "dock..er/docker",
        "dock_.er/docker",
        "dock-.er/docker",
        "do___cker/docker",
        "example.com/.dots/myimage",
        "[fc00::1]",
        "[fc00::1]:5000",
        "fc00::1:5000/debian",
        "[fe80::1%eth0]:5000/debian",
        "[2001:db8:3:4::192.0.2.33]:5000/debian",
        "aa/asdf$$^/aa",
        "a/b?x=1",
        "a/b#x",
        "ä/b",
    ] {
        assert!(ImageName::parse(bad).is_err(), "{bad:?}");
        assert_eq!(repository_of(bad), bad);
    }
    // After a host, an image identifier is a valid repository name.
    assert!(ImageName::parse(&format!("docker.io/{IDENTIFIER}")).is_ok());
    assert!(ImageName::parse("thisisthesongthatneverendsitgoesonandonandonthisisthesongthatnev").is_ok());
}

#[test]
fn length_bounds_match_the_reference_implementation() {
    let parse = |text: String| ImageName::parse(&text).is_ok();
    assert!(parse(format!("example.com/{}:tag", "a".repeat(255))));
    assert!(!parse(format!("example.com/{}", "a".repeat(256))));
    // `library/` counts toward the length.
    assert!(parse("a".repeat(247)) && !parse("a".repeat(248)));
    assert!(parse(format!("a_b.com/{}", "a".repeat(247))) && !parse(format!("a_b.com/{}", "a".repeat(248))));
    assert!(parse(format!("a:{}", "b".repeat(128))) && !parse(format!("a:{}", "b".repeat(129))));
}

/// The regular expressions of distribution/reference, composed as in `regexp.go` and applied to random strings of characters that are significant in
/// names.
#[test]
fn the_reference_regular_expressions_give_the_same_results() {
    let component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let path = format!("{component}(?:/{component})*");
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let domain = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?");
    let tag = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    let name = Regex::new(&format!("^(?:{domain}/)?{path}(?::{tag})?$")).unwrap();
    let normalised = |text: &str| {
        let first = text.split_once('/').map(|(first, _)| first);
        let is_domain = first.is_some_and(|f| f == "localhost" || f.contains(['.', ':']) || f.to_lowercase() != f);
        if is_domain { text.to_owned() } else { format!("docker.io/library/{text}") }
    };
    let letters = [
        "a",
        "b",
        "0",
        "1",
        "A",
        ".",
        "..",
        "_",
        "__",
        "-",
        "--",
        "/",
        "/",
        ":",
        ":5",
        "[",
        "]",
        "::1",
        "[::1]",
        "[a:b]:1",
        "localhost",
        "x.io/",
        "a/b",
        "@",
        " ",
        "%",
    ];
    let (mut state, mut good) = (1_u64, 0);
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..=(next(&mut state) % 7) {
            text.push_str(letters[usize::try_from(next(&mut state)).unwrap() % letters.len()]);
        }
        let expected = name.is_match(&normalised(&text));
        assert_eq!(ImageName::parse(&text).is_ok(), expected, "{text:?}");
        good += usize::from(expected);
    }
    assert!(good > 1_000, "{good}");
}

/// The generator from Numerical Recipes, which gives the same numbers on every machine.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}
