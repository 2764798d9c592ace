use super::*;

const PIN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn read(text: &str) -> Result<Policy, Error> {
    Policy::from_toml("policy.toml", text.as_bytes(), &Limits::default(), |file| {
        Err(Error::Unreadable { what: file.into(), message: "no files here".into() })
    })
}

fn with(text: &str) -> Result<Policy, Error> {
    read(&format!("version = 1\nrequire = [\"manifest\"]\n{text}"))
}

#[test]
fn the_template_is_a_policy_and_so_is_it_with_every_line_in() {
    assert!(read(TEMPLATE).is_ok());
    let filled: String = TEMPLATE
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)))
        .collect();
    let key = "AAAAC3NzaC1lZDI1NTE5AAAAINeHGjnFsUqo14NRXPAlMX0MWX7ArzSS1iH/wYX34Y/u";
    let filled = filled.replace("AAAA…", key);
    // The files that it names are not here.
    assert!(matches!(read(&filled), Err(Error::Unreadable { what, .. }) if what == "keys/a.pem"));
    let policy = read(
        &filled
            .replace("\nfile = ", "\n#file = ")
            .replace("\nrecord = ", "\n#record = ")
            .replace("\n[workload]\ncontract-keys", "\n#contract-keys"),
    )
    .unwrap();
    assert_eq!(policy.expect.asked_fields().len(), EXPECTED_BY.len() - 1, "all but the empty `untracked`");
    assert_eq!((policy.keys.keys().len(), policy.signers.len(), policy.levels.len()), (1, 1, 1));
}

#[test]
fn what_could_be_misread_is_refused_and_says_where() {
    for (text, says) in [
        ("version = 2\nrequire = [\"manifest\"]", "version: expected 1"),
        ("require = [\"manifest\"]", "missing field `version`"),
        ("version = 1", "missing field `require`"),
        ("version = 1\nrequire = []", "nothing is required"),
        ("version = 1\nrequire = [\"manifests\"]", "no group is called"),
        ("version = 1\nrequire = [\"source\", \"source\"]", "stands twice"),
        ("version = 1\nversion = 1\nrequire = [\"manifest\"]", "line 2: duplicate key"),
        ("version = true\nrequire = [\"manifest\"]", "line 1: invalid type"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.to_string().contains(says), "{error} should say {says:?}");
        assert_eq!(error.exit_code(), 2);
    }
    for (text, says) in [
        ("surprise = 1", "unknown field `surprise`"),
        ("[expect]\nimage = [\"a\"]", "unknown field `image`"),
        ("[expect]\nimages = []", "expect.images: the list is empty"),
        ("[expect]\nimages = \"a\"", "invalid type"),
        ("[expect]\ncommit = \"abcdef0\"", "40 lower-case"),
        ("[expect]\nmax-age = \"90\"", "expect.max-age"),
        ("[expect]\nminimum-grade = \"attested\"", "expect.minimum-grade"),
        ("[expect]\nmin-server-version = \"new\"", "expect.min-server-version"),
        ("[levels]\n\"image-digests\" = \"warn\"", "no check is called"),
        ("[levels]\n\"image-tag\" = \"error\"", "expected require, warn or off"),
        ("[levels]\n\"manifest-signature\" = \"warn\"", "always require"),
        ("[[keys]]\nname = \"a\"", "needs sha256, file or both"),
        ("[[keys]]\nname = \"a\"\nsha256 = \"00\"", "64 lower-case"),
        (&format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nrevoked = true"), "invalid type"),
        (
            &format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nnot-before = 2026-01-01"),
            "date and time with an offset",
        ),
        (
            &format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\n[[keys]]\nname = \"b\"\nsha256 = \"{PIN}\""),
            "listed twice",
        ),
        ("keys = []", "keys: the list is empty"),
        ("[[signers]]\nname = \"Ada\"", "exactly one of ssh"),
        ("[trust]", "the table is empty"),
    ] {
        let error = with(text).expect_err(text);
        assert!(error.to_string().contains(says), "{error} should say {says:?}");
    }
}

#[test]
fn a_named_key_must_be_one_of_the_policys_and_keeps_what_it_says() {
    let policy =
        with(&format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nnot-before = 2026-01-01T00:00:00Z")).unwrap();
    let named = |pin: &str| TrustedKey {
        fingerprint: Sha256::from_hex(pin).unwrap(),
        key: None,
        source: KeySource::CommandLine,
        name: None,
        not_before: None,
        not_after: None,
        revoked: None,
    };
    let ring = policy.keys_for(vec![named(PIN)]).unwrap();
    assert!(ring.keys()[0].not_before.is_some());
    assert!(matches!(policy.keys_for(vec![named(&PIN.replace('0', "1"))]), Err(Error::Usage { .. })));
    assert_eq!(Policy::default().keys_for(vec![named(PIN), named(PIN)]).unwrap().keys().len(), 1);
    assert_eq!(policy.keys_for(Vec::new()).unwrap().keys()[0].source, KeySource::Policy);
}

#[test]
fn levels_and_demands_follow_the_contract() {
    let check = |name| crate::check::find(name).unwrap();
    let plain = with("").unwrap();
    assert_eq!(plain.level(check("build-age")), Level::Warn);
    assert_eq!(plain.demand(check("build-age"), &[]), Demand::Group);
    assert_eq!(plain.demand(check("source-commit"), &[]), Demand::None);
    assert_eq!(plain.demand(check("image-digest"), &[Group::Image]), Demand::Group);
    let aged = with("[expect]\nmax-age = \"90d\"").unwrap();
    assert_eq!(aged.level(check("build-age")), Level::Require);
    assert_eq!(aged.demand(check("build-age"), &[]), Demand::Check);
    let relaxed = with("[expect]\nmax-age = \"90d\"\n[levels]\n\"build-age\" = \"warn\"").unwrap();
    assert_eq!(relaxed.level(check("build-age")), Level::Warn);
}

/// A required group has to be able to say no.
#[test]
fn a_required_group_without_a_check_that_decides_is_an_empty_requirement() {
    let lowered = |group: Group, level: &str| -> String {
        let own = CHECKS.into_iter().filter(|check| check.group == group);
        own.map(|check| format!("{:?} = {level:?}\n", check.name)).collect()
    };
    for group in Group::ALL.into_iter().filter(|group| *group != Group::Manifest) {
        for level in ["warn", "off"] {
            let levels = format!("[levels]\n{}", lowered(group, level));
            let text = format!("version = 1\nrequire = [{:?}]\n{levels}", group.word());
            let error = read(&text).expect_err(&text);
            assert!(error.to_string().contains("no check that decides"), "{error}");
            // The same, asked for on the command line.
            let mut policy = with(&levels).unwrap();
            assert!(matches!(policy.require_also(&[group]), Err(Error::Usage { .. })), "{group:?}");
        }
    }
    // What is left decides only where something is expected of it.
    let source = lowered(Group::Source, "off").replace("\"source-repository\" = \"off\"\n", "");
    let text = |expect: &str| format!("version = 1\nrequire = [\"source\"]\n{expect}[levels]\n{source}");
    assert!(read(&text("")).is_err());
    assert!(read(&text("[expect]\nrepositories = [\"github.com/acme/wallet\"]\n")).is_ok());
}

#[test]
fn the_bound_is_exact() {
    let text = "version = 1\nrequire = [\"manifest\"]\n";
    let mut limits = Limits::default();
    let mut read = |most: usize| {
        limits.set("policy_bytes", most as u64).unwrap();
        Policy::from_toml("policy.toml", text.as_bytes(), &limits, |_| panic!("no file is named")).is_ok()
    };
    assert!(read(text.len()) && !read(text.len() - 1));
}
