use super::*;
use crate::gate::key::PublicKey;

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
fn the_template_is_valid_with_and_without_its_optional_lines() {
    assert!(read(&template()).is_ok());
    let filled: String = template()
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)))
        .collect();
    let key = "AAAAC3NzaC1lZDI1NTE5AAAAINeHGjnFsUqo14NRXPAlMX0MWX7ArzSS1iH/wYX34Y/u";
    let filled = filled.replace("AAAA…", key);
    // The files that the template refers to do not exist here.
    assert!(matches!(read(&filled), Err(Error::Unreadable { what, .. }) if what == "keys/a.pem"));
    let policy = read(
        &filled
            .replace("\nfile = ", "\n#file = ")
            .replace("\nrecord = ", "\n#record = ")
            .replace("\ncontract-keys", "\n#contract-keys"),
    )
    .unwrap();
    let set: Vec<&str> = policy.expect.values().map(|(field, _)| field).collect();
    let expected = expect::FIELDS.iter().map(|field| field.name).filter(|name| *name != "untracked");
    assert_eq!(set, expected.collect::<Vec<_>>(), "all but the empty `untracked`");
    assert_eq!((policy.keys.keys().len(), policy.signers.len(), policy.levels.len()), (1, 1, 1));
}

/// One copy of a key could be revoked, and the other not.
#[test]
fn signers_have_different_keys() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINeHGjnFsUqo14NRXPAlMX0MWX7ArzSS1iH/wYX34Y/u";
    let signer = |name: &str, comment: &str| format!("[[signers]]\nname = \"{name}\"\nssh = \"{key} {comment}\"\n");
    assert!(with(&signer("Ada", "")).is_ok());
    let refused = with(&(signer("Ada", "") + &signer("Ben", "work"))).unwrap_err().to_string();
    assert!(refused.contains("\"Ben\" and \"Ada\" have the same key (SHA256:"), "{refused}");
}

/// The template's comments list these values explicitly.
#[test]
fn the_template_lists_every_group_and_level() {
    use crate::base::words::any_of;
    let groups = Group::ALL.map(Group::word).join(", ");
    for list in [format!("an answer: {groups}."), format!("their defaults: {}.", any_of(&Level::ALL.map(Level::word)))]
    {
        assert!(template().contains(&list), "template.toml: {list}");
    }
}

#[test]
fn errors_in_a_policy_contain_the_line_or_the_field() {
    for (text, says) in [
        ("version = 2\nrequire = [\"manifest\"]", "version: expected 1"),
        ("require = [\"manifest\"]", "missing field `version`"),
        ("version = 1", "missing field `require`"),
        ("version = 1\nrequire = []", "nothing is required"),
        ("version = 1\nrequire = [\"manifests\"]", "there is no group"),
        ("version = 1\nrequire = [\"source\", \"source\"]", "duplicate group"),
        ("version = 1\nversion = 1\nrequire = [\"manifest\"]", "line 2: duplicate key"),
        ("version = true\nrequire = [\"manifest\"]", "line 1: invalid type"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.to_string().contains(says), "{error} should contain {says:?}");
        assert_eq!(error.exit_code(), 2);
    }
    for (text, says) in [
        ("surprise = 1", "unknown field `surprise`"),
        (
            "[expect]\nimage = [\"a\"]",
            "line 4: unknown field `image`, expected one of `images`, `repositories`, `branch`,",
        ),
        ("[expect]\nimages = []", "expect.images: the list is empty"),
        ("[expect]\nimages = \"a\"", "line 4: invalid type: string \"a\", expected a sequence"),
        ("[expect]\nbranch = [\"a\"]", "line 4: invalid type: sequence, expected a string"),
        ("[expect]\nbranch = \"\"", "expect.branch: the string is empty"),
        ("[expect]\nimages = [\"a\"]\nimages = [\"a\"]", "duplicate key"),
        ("expect = 1", "expected the table [expect]"),
        ("[expect]\nimages = [\"docker.io/acme/wallet:v1\"]", "expect.images: expected a repository without a tag"),
        (
            &format!("[expect]\nimages = [\"acme/wallet@sha256:{PIN}\"]"),
            "expect.images: expected a repository without a tag",
        ),
        ("[expect]\nimages = [\"docker.io/Acme/wallet\"]", "expect.images: malformed image name"),
        ("[expect]\ncommit = \"abcdef0\"", "40 lower-case"),
        ("[expect]\nmax-age = \"90\"", "expect.max-age"),
        ("[expect]\nminimum-grade = \"attested\"", "expect.minimum-grade"),
        ("[expect]\nmin-server-version = \"new\"", "expect.min-server-version"),
        (
            "[levels]\n\"image-digests\" = \"warn\"",
            "there is no check \"image-digests\"; did you mean \"image-digest\"?",
        ),
        ("[expect]\nmax-agee = \"1d\"", "; did you mean \"max-age\"?"),
        ("[levels]\n\"image-tag\" = \"error\"", "expected require, warn or off"),
        ("[levels]\n\"manifest-signature\" = \"warn\"", "always require"),
        ("[[keys]]\nname = \"a\"", "needs sha256, file or both"),
        ("[[keys]]\nname = \"a\"\nsha256 = \"00\"", "64 lower-case"),
        (&format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nrevoked = true"), "invalid type"),
        (
            &format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nnot-before = 2026-01-01T00:00:00"),
            "date, or a date and time with an offset",
        ),
        (
            &format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\n[[keys]]\nname = \"b\"\nsha256 = \"{PIN}\""),
            "already listed",
        ),
        ("keys = []", "keys: the list is empty"),
        ("[[signers]]\nname = \"Ada\"", "exactly one of ssh"),
        ("[expect]\nplatforms = [\"linux\"]", "expect.platforms"),
        ("[expect]\nplatforms = [\"linux/\"]", "expect.platforms"),
        ("[expect]\nplatforms = [\"/s390x\"]", "expect.platforms"),
        ("[expect]\nbase-images = [\"node\"]", "expect.base-images"),
        ("[expect]\nbase-images = [\"node@sha256:00\"]", "expect.base-images"),
        (&format!("[expect]\nbase-images = [\"@sha256:{PIN}\"]"), "expect.base-images"),
        (
            &format!(
                "[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nnot-before = 2026-01-01T00:00:01Z\nnot-after = 2026-01-01T00:00:00Z"
            ),
            "the time is before not-before",
        ),
        ("[trust]", "the table is empty"),
        ("[trust]\nminimum = 1", "trust.minimum: expected 1 to 0"),
        ("[trust]\nreference = \"same\"", "expected repo-digest-or-exact, exact or repository"),
        ("[trust]\nreference = \"exact\"\nsigned-as = \"a\"", "at most one of"),
    ] {
        let error = with(text).expect_err(text);
        assert!(error.to_string().contains(says), "{error} should contain {says:?}");
    }
}

/// A `[trust]` table with only `reference`, `signed-as` or `remap` is valid.
#[test]
fn every_reference_rule_is_read() {
    use crate::trust::ReferenceRule as Rule;
    let rule = |text: &str| with(&format!("[trust]\n{text}")).unwrap().trust.reference;
    assert!(matches!(with("").unwrap().trust.reference, Rule::RepositoryWithDigest));
    assert!(matches!(rule("reference = \"repo-digest-or-exact\""), Rule::RepositoryWithDigest));
    assert!(matches!(rule("reference = \"exact\""), Rule::Exact));
    assert!(matches!(rule("reference = \"repository\""), Rule::Repository));
    assert!(matches!(rule("signed-as = \"a/b\""), Rule::As(name) if name == "a/b"));
    let Rule::Remap { prefix, signed_prefix } = rule("remap = { prefix = \"a\", signed-prefix = \"b\" }") else {
        panic!("no remap");
    };
    assert_eq!((prefix.as_str(), signed_prefix.as_str()), ("a", "b"));
}

#[test]
fn image_signers_have_unique_names_and_well_formed_keys() {
    let other = PIN.replace('0', "1");
    let root = |name: &str, id: &str| format!("[[trust.signers]]\nname = {name:?}\nroot-key = {id:?}\n");
    let openpgp =
        |digits: &str| format!("[[trust.signers]]\nname = \"a\"\nopenpgp = \"a.asc\"\nfingerprint = {digits:?}\n");
    let keyless = |identity: &str, issuer: &str| {
        let who = format!("identity = {identity:?}\nissuer = {issuer:?}\n");
        format!("[[trust.signers]]\nname = \"a\"\nsigstore-root = \"root.json\"\n{who}")
    };
    let two = format!("{}{}", root("a", PIN), root("b", &other));
    assert_eq!(with(&two).unwrap().trust.signers.len(), 2);
    for minimum in [1, 2] {
        assert_eq!(with(&format!("[trust]\nminimum = {minimum}\n{two}")).unwrap().trust.minimum, Some(minimum));
    }
    for (text, says) in [
        (format!("[trust]\nminimum = 0\n{two}"), "expected 1 to 2"),
        (format!("[trust]\nminimum = 3\n{two}"), "expected 1 to 2"),
        (format!("{}{}", root("a", PIN), root("a", &other)), "duplicate name \"a\""),
        (format!("{}{}", root("a", PIN), root("b", PIN)), "have the same key"),
        (root("a", &PIN.to_uppercase()), "expected 64 lower-case"),
        (openpgp(&PIN[..39]), "expected the primary key's"),
        (openpgp(&PIN[..40].to_uppercase()), "expected the primary key's"),
        (openpgp(&PIN[..40].replace('0', "g")), "expected the primary key's"),
        (keyless("", "https://accounts.example.com"), "neither may be empty"),
        (keyless("ada@example.com", ""), "neither may be empty"),
        ("[[trust.signers]]\nname = \"a\"".into(), "expected root-key, openpgp with fingerprint"),
    ] {
        let error = with(&text).expect_err(&text);
        assert!(error.to_string().contains(says), "{error} should contain {says:?}");
    }
    // These entries are well-formed, so the file is read next, but it does not exist.
    for text in [openpgp(&PIN[..40]), openpgp(PIN), keyless("ada@example.com", "https://accounts.example.com")] {
        assert!(matches!(with(&text), Err(Error::Unreadable { .. })), "{text}");
    }
}

#[test]
fn a_key_on_the_command_line_must_be_in_the_policy_and_keeps_its_limits() {
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
fn a_waiver_is_for_one_check_of_one_bundle_and_expires() {
    use crate::judge::finding::WaiverStanding;
    let waiver = |check: &str, bundle: &str, owner: &str, expires: &str| {
        format!(
            "[[waivers]]\ncheck = {check:?}\nbundle = {bundle:?}\nowner = {owner:?}\nreason = \"known\"\nexpires = {expires}\n"
        )
    };
    let (moment, other) = ("2026-06-01T00:00:00Z", PIN.replace('0', "1"));
    let one = waiver("image-tag", PIN, "Ada", moment);
    let apart = [waiver("build-age", PIN, "Ada", moment), waiver("image-tag", &other, "Ada", moment)].concat();
    let policy = with(&format!("{one}{apart}")).unwrap();
    assert_eq!(policy.waivers.len(), 3);
    let at = Timestamp::from_rfc3339(moment).unwrap();
    let before = Timestamp::from_unix_seconds(at.unix_seconds() - 1).unwrap();
    assert_eq!(policy.waivers[0].at(before).standing, WaiverStanding::Active);
    assert_eq!(policy.waivers[0].at(at).standing, WaiverStanding::Expired);
    for (text, says) in [
        (format!("{one}{apart}{}", waiver("image-tag", &format!("sha256:{PIN}"), "Bob", moment)), "duplicate waiver"),
        (waiver("manifest-signature", PIN, "Ada", moment), "cannot be waived"),
        (waiver("workload-image", PIN, "Ada", moment), "this check examines a workload"),
        (waiver("image-tag", "00", "Ada", moment), "expected the SHA-256"),
        (waiver("image-tag", PIN, " ", moment), "owner: it is empty"),
        (waiver("image-tag", PIN, "Ada", "2026-06-01T00:00:00"), "expires: expected a date"),
    ] {
        let error = with(&text).expect_err(&text);
        assert!(error.to_string().contains(says), "{error} should contain {says:?}");
    }
}

#[test]
fn kinds_without_images_are_read_and_must_not_be_built_in_or_contain_images() {
    let with = |text: &str| with(&format!("[workload]\n{text}\n"));
    let policy = with("kinds-without-images = [\"example.com/Widget\", \"cert-manager.io/Certificate\"]").unwrap();
    let mut expected = KindsWithoutImages::default();
    ["example.com/Widget", "cert-manager.io/Certificate"].into_iter().for_each(|kind| expected.add(kind).unwrap());
    assert_eq!(policy.workload.kinds_without_images, expected);
    for (text, says) in [
        ("", "workload: the table is empty"),
        ("kinds-without-images = []", "workload.kinds-without-images: the list is empty"),
        ("kinds-without-images = [\"Widget\"]", "workload.kinds-without-images: expected GROUP/Kind"),
        ("kinds-without-images = [\"/ConfigMap\"]", "a built-in Kubernetes kind"),
        ("kinds-without-images = [\"argoproj.io/Application\"]", "contain or fetch images"),
    ] {
        let error = with(text).expect_err(text);
        assert!(error.to_string().contains(says), "{error} should contain {says:?}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn a_pinned_file_must_contain_the_pinned_key() {
    const KEY: &[u8] = include_bytes!("../../../fixtures/good-rsa-2048/key.pem");
    let read = |pin: &str| {
        let text = format!(
            "version = 1\nrequire = [\"manifest\"]\n[[keys]]\nname = \"a\"\nfile = \"a.pem\"\nsha256 = {pin:?}"
        );
        Policy::from_toml("policy.toml", text.as_bytes(), &Limits::default(), |_| Ok(KEY.to_vec()))
    };
    let key = PublicKey::from_pem("a.pem", KEY, &Limits::default()).unwrap();
    let pinned = read(&key.fingerprint().hex()).unwrap();
    assert!(pinned.keys.keys()[0].key.is_some());
    let error = read(PIN).unwrap_err().to_string();
    assert!(error.contains(&format!("expected the key sha256:{PIN}, found {}", key.fingerprint())), "{error}");
}

#[test]
fn a_window_may_begin_and_end_at_the_same_time() {
    let moment = "2026-01-01T00:00:00Z";
    let policy =
        with(&format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nnot-before = {moment}\nnot-after = {moment}"));
    assert!(policy.is_ok());
}

#[test]
fn levels_and_requirements_follow_the_policy() {
    let check = |name| crate::judge::check::find(name).unwrap();
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

#[test]
fn ages_and_windows_are_shown_as_text() {
    for (age, words) in [("90d", "90 days"), ("48h", "2 days"), ("36h", "129600 seconds"), ("1d", "1 day")] {
        let policy = with(&format!("[expect]\nmax-age = {age:?}")).unwrap();
        assert_eq!(policy.expect.max_age().as_deref(), Some(words));
    }
    let window = |text: &str| {
        let policy = with(&format!("[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\n{text}")).unwrap();
        window_text(&policy.keys.keys()[0])
    };
    assert_eq!(window(""), "… to …");
    assert_eq!(
        window("not-before = 2026-01-01T00:00:00Z\nnot-after = 2026-02-01T00:00:00Z"),
        "2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z"
    );
}

/// A required group must have a check that can decide.
#[test]
fn a_required_group_without_a_deciding_check_is_refused() {
    let lowered = |group: Group, level: &str| -> String {
        let own = CHECKS.iter().filter(|check| check.group == group);
        own.map(|check| format!("{:?} = {level:?}\n", check.name)).collect()
    };
    for group in Group::ALL.into_iter().filter(|group| *group != Group::Manifest) {
        for level in ["warn", "off"] {
            let levels = format!("[levels]\n{}", lowered(group, level));
            let text = format!("version = 1\nrequire = [{:?}]\n{levels}", group.word());
            let error = read(&text).expect_err(&text);
            assert!(error.to_string().contains("no check can decide"), "{error}");
            // --require is refused for the same reason.
            let mut policy = with(&levels).unwrap();
            assert!(matches!(policy.require_also(&[group]), Err(Error::Usage { .. })), "{group:?}");
        }
    }
    // The remaining check decides only if the policy sets its expectation.
    let source = lowered(Group::Source, "off").replace("\"source-repository\" = \"off\"\n", "");
    let text = |expect: &str| format!("version = 1\nrequire = [\"source\"]\n{expect}[levels]\n{source}");
    assert!(read(&text("")).is_err());
    assert!(read(&text("[expect]\nrepositories = [\"github.com/acme/wallet\"]\n")).is_ok());
}

#[test]
fn a_compromised_key_is_neither_weakened_nor_waived() {
    let policy = |reason: &str, more: &str| {
        with(&format!(
            "[[keys]]\nname = \"a\"\nsha256 = \"{PIN}\"\nrevoked = {{ at = 2026-01-01T00:00:00Z, reason = \"{reason}\" }}\n{more}"
        ))
    };
    let waiver = format!(
        "[[waivers]]\ncheck = \"manifest-key\"\nbundle = \"{PIN}\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2027-01-01T00:00:00Z\n"
    );
    for (more, words) in [
        ("[levels]\n\"manifest-key\" = \"warn\"\n", "must be at require"),
        ("[levels]\n\"manifest-key\" = \"off\"\n", "must be at require"),
        (&waiver, "cannot be waived"),
    ] {
        let error = policy("compromised", more).expect_err(more).to_string();
        assert!(error.contains("revoked as compromised") && error.contains(words), "{error}");
        assert!(policy("superseded", more).is_ok(), "{more}");
    }
    assert!(policy("compromised", "[levels]\n\"key-record\" = \"off\"\n").is_ok());
}

#[test]
fn the_bound_on_policy_bytes_is_exact() {
    let text = "version = 1\nrequire = [\"manifest\"]\n";
    let mut limits = Limits::default();
    let mut read = |most: usize| {
        limits.set("policy_bytes", most as u64).unwrap();
        Policy::from_toml("policy.toml", text.as_bytes(), &limits, |_| panic!("no file is expected")).is_ok()
    };
    assert!(read(text.len()) && !read(text.len() - 1));
}
