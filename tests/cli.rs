//! Tests the real program's exact output and exit codes. `HPSB_UPDATE=1` rewrites the files of `tests/golden/`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use program::{Answer, BUNDLE, Folder, NOW, answer, command, fixture, has_feature, report, run};
use serde_json::Value;

/// The differences from `tests/golden/NAME.txt`.
fn golden(name: &str, answer: &Answer) -> Option<String> {
    let found = format!("exit code {}\n--- stdout\n{}--- stderr\n{}", answer.code, answer.out, answer.err);
    let found = without_build(&found);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
    if std::env::var_os("HPSB_UPDATE").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    (expected != found).then(|| format!("{name}: expected\n{expected}\nfound\n{found}"))
}

/// Masks the version and the features, which depend on the build and not on the audit.
fn without_build(text: &str) -> String {
    let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let Some((before, rest)) = text.split_once("\"features\": [") else { return text };
    let (_, after) = rest.split_once(']').unwrap();
    format!("{before}\"features\": []{after}")
}

/// Compares the output of all command lines before it fails.
fn goldens(fixture_name: &str, lines: &[(&str, &[&str])]) {
    let folder = fixture(fixture_name);
    let faults: Vec<String> = lines.iter().filter_map(|(name, line)| golden(name, &run(&folder, line))).collect();
    assert!(faults.is_empty(), "{} (HPSB_UPDATE=1 rewrites the files)", faults.join("\n"));
}

#[test]
fn commands_print_their_golden_output() {
    goldens(
        "good-rsa-2048",
        &[
            ("audit-text", &["audit", BUNDLE, "--key", "key.pem", "--now", NOW]),
            ("audit-json", &["audit", BUNDLE, "--key", "key.pem", "--now", NOW, "--format", "json"]),
            ("verify", &["verify", BUNDLE, "--key", "key.pem"]),
            ("inspect-outer", &["inspect", BUNDLE]),
            ("inspect", &["inspect", BUNDLE, "--key", "key.pem"]),
            ("inspect-json", &["inspect", BUNDLE, "--key", "key.pem", "--format", "json"]),
            ("key-show", &["key", "show", "key.pem", "../good-p256/key.pem"]),
            ("policy-check", &["policy", "check", "../good-policy/policy.toml"]),
            ("checks", &["checks"]),
            ("explain", &["explain", "manifest-signature"]),
            ("explain-limits", &["explain", "limits"]),
            ("explain-verdicts", &["explain", "verdicts"]),
        ],
    );
    goldens("good-trust-notary-rotated", &[("trust", &["trust", "trust", "--now", "2027-01-01T00:00:00Z"])]);
    goldens(
        "good-trust-notary-by-policy",
        &[
            ("trust-by-policy", &["trust", "trust", "--policy", "policy.toml", "--now", "2026-11-30T00:00:00Z"]),
            ("trust-json", &["trust", "trust/notary", "--policy", "policy.toml", "--now", NOW, "--format", "json"]),
        ],
    );
    goldens("good-trust-cosign", &[("trust-cosign", &["trust", "trust", "--policy", "policy.toml", "--now", NOW])]);
    goldens(
        "trust-cosign-other-key_fail",
        &[("trust-refused", &["trust", "trust", "--policy", "policy.toml", "--now", NOW])],
    );
    goldens("trust-nothing-known_fail", &[("trust-nothing", &["trust", "trust", "--now", NOW])]);
    if has_feature("openpgp") {
        let line: &[&str] = &["trust", "trust", "--policy", "policy.toml", "--now", "2026-11-30T00:00:00Z"];
        goldens("good-trust-gpg-expired-since", &[("trust-openpgp", line)]);
        goldens("trust-gpg-unknown-key_fail", &[("trust-undecided", line)]);
    }
    if has_feature("sigstore") {
        goldens(
            "good-trust-sigstore",
            &[("trust-keyless", &["trust", "trust", "--policy", "policy.toml", "--now", NOW])],
        );
    }
    goldens(
        "other-key_fail",
        &[
            ("verify-refused", &["verify", BUNDLE, "--key", "key.pem"]),
            ("inspect-refused", &["inspect", BUNDLE, "--key", "key.pem"]),
            ("audit-refused", &["audit", BUNDLE, "--key", "key.pem", "--now", NOW]),
        ],
    );
}

/// A case's digest depends on the program's version and features, so it is masked.
#[test]
fn commands_on_a_case_print_their_golden_output() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let line =
        ["seal", BUNDLE, "--key", "key.pem", "--output", "case.tar", "--now", NOW, "--retain-until", "2036-12-31"];
    let sealed = run(folder.path(), &line);
    let digest = sealed.out.split_whitespace().find(|word| word.starts_with("sha256:")).expect("a digest").to_owned();
    let faults: Vec<String> = [
        ("seal", sealed),
        ("seal-again", run(folder.path(), &line)),
        ("audit-case", run(folder.path(), &["audit", "case.tar"])),
        ("audit-case-own-key", run(folder.path(), &["audit", "case.tar", "--key", "key.pem", "--now", NOW])),
    ]
    .into_iter()
    .filter_map(|(name, answer)| golden(name, &Answer { out: answer.out.replace(&digest, "sha256:CASE"), ..answer }))
    .collect();
    assert!(faults.is_empty(), "{} (HPSB_UPDATE=1 rewrites the files)", faults.join("\n"));
}

/// Every command and subcommand has examples in its help, and no example wraps.
fn each_command_has_examples(folder: &Path, above: &[&str]) {
    let help = run(folder, &[above, &["--help"]].concat());
    assert_eq!((help.code, help.err.as_str()), (0, ""), "{above:?}");
    let part = |title: &str| help.out.split_once(title).map(|(_, rest)| rest.split("\n\n").next().unwrap());
    if !above.is_empty() {
        let examples = part("\nExamples:\n").unwrap_or_else(|| panic!("{above:?} has no examples"));
        for line in examples.lines() {
            let begins = ["  hpsb-audit ", "      --", "  kubectl ", "  mkdir ", "  man "];
            assert!(begins.iter().any(|begin| line.starts_with(begin)), "{above:?}: a broken line: {line}");
        }
    }
    for line in part("\nCommands:\n").unwrap_or("").lines() {
        let Some(command) = line.strip_prefix("  ").and_then(|line| line.split(' ').next()) else { continue };
        if !command.is_empty() && command != "help" {
            each_command_has_examples(folder, &[above, &[command]].concat());
        }
    }
}

#[test]
fn help_lists_commands_and_has_examples() {
    let folder = Folder::new();
    let help = run(folder.path(), &["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for command in [
        "audit",
        "verify",
        "inspect",
        "extract",
        "trust",
        "seal",
        "sign-off",
        "key",
        "policy",
        "checks",
        "explain",
        "completions",
        "man",
    ] {
        assert!(help.out.contains(&format!("\n  {command} ")), "{command}: {}", help.out);
        let own = run(folder.path(), &[command, "--help"]);
        assert!(own.code == 0 && own.out.contains("Usage: hpsb-audit"), "{command}: {}", own.out);
    }
    assert!(help.out.contains("Exit codes:"), "{}", help.out);
    each_command_has_examples(folder.path(), &[]);
    if !has_feature("fetch") {
        assert_eq!(golden("help", &help), None);
    }
}

#[test]
fn the_version_lists_features() {
    let version = run(Path::new("."), &["--version"]);
    assert!(
        version.out.starts_with(concat!("hpsb-audit ", env!("CARGO_PKG_VERSION"), "\nfeatures: ")),
        "{}",
        version.out
    );
    assert_eq!(version.code, 0);
}

/// The granted permissions are printed only when requested.
#[test]
fn permissions_are_printed_on_standard_error() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let line = ["audit", BUNDLE, "--key", "key.pem", "--now", NOW, "--report", "json=out.json"];
    let (plain, verbose) = (run(folder.path(), &line), run(folder.path(), &[&line[..], &["--verbose"]].concat()));
    assert_eq!((plain.code, &plain.out, plain.err.as_str()), (verbose.code, &verbose.out, ""));
    let may = format!("may       read files, write only below {}", folder.path().canonicalize().unwrap().display());
    assert!(verbose.err.starts_with(&may), "{}", verbose.err);
    assert!(!fs::read_to_string(folder.path().join("out.json")).unwrap().contains("Landlock"));
    for words in ["network: none", "other programs: none", "\nLandlock  ", "\nseccomp   "] {
        assert!(verbose.err.contains(words), "{words}: {}", verbose.err);
    }
    let version = run(folder.path(), &["--version", "--verbose"]);
    assert!(version.code == 0 && version.out.contains("write nowhere"), "{}", version.out);
}

#[test]
fn policy_init_prints_a_valid_policy() {
    let folder = Folder::new();
    let template = run(folder.path(), &["policy", "init"]);
    assert_eq!((template.code, template.err.as_str()), (0, ""));
    folder.write("policy.toml", &template.out);
    let check = run(folder.path(), &["policy", "check", "policy.toml"]);
    assert_eq!(check.code, 0, "{}", check.err);
    // The template also lists the optional fields, commented out.
    let fields = template.out.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| line.contains(" = "));
    assert!(fields.count() > 15);
}

#[test]
fn completions_and_manual_pages_list_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(Path::new("."), &["completions", shell]);
        assert_eq!(script.code, 0);
        for word in ["audit", "verify", "inspect", "extract", "policy", "--report"] {
            assert!(script.out.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
    }
    let folder = Folder::new();
    // The folder is created if it does not exist, and no existing file is overwritten.
    fs::create_dir(folder.path().join("empty")).unwrap();
    for man in ["new/man1", "empty"] {
        assert_eq!(run(folder.path(), &["man", man]).code, 0, "{man}");
        for page in ["hpsb-audit.1", "hpsb-audit-audit.1", "hpsb-audit-verify.1", "hpsb-audit-key-show.1"] {
            assert!(folder.path().join(man).join(page).is_file(), "{man}: {page}");
        }
        fs::write(folder.path().join(man).join("hpsb-audit.1"), "mine").unwrap();
        assert_eq!(run(folder.path(), &["man", man]).code, 2, "{man}");
        assert_eq!(fs::read_to_string(folder.path().join(man).join("hpsb-audit.1")).unwrap(), "mine");
    }
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(run(folder.path(), &["man", "file/man1"]).code, 3);
}

#[test]
fn wrong_usage_exits_2() {
    goldens(
        "good-rsa-2048",
        &[
            ("no-key", &["audit", BUNDLE, "--now", NOW]),
            ("no-key-verify", &["verify", BUNDLE, "--now", NOW]),
            ("no-key-extract", &["extract", BUNDLE, "--to", "nowhere"]),
            ("unknown-flag", &["audit", BUNDLE, "--nope"]),
            ("unknown-flag-json", &["audit", BUNDLE, "--nope", "--format", "json"]),
            ("no-path-json", &["audit", "--format=json"]),
            ("bad-now", &["audit", BUNDLE, "--key", "key.pem", "--now", "yesterday"]),
            ("bad-pin", &["audit", BUNDLE, "--key", "sha256:00", "--now", NOW]),
            ("bad-limit", &["audit", BUNDLE, "--key", "key.pem", "--limit", "bundle-bytes=many"]),
            ("unknown-limit", &["audit", BUNDLE, "--key", "key.pem", "--limit", "patience=1"]),
            ("unknown-group", &["audit", BUNDLE, "--key", "key.pem", "--require", "everything"]),
            ("weak-key", &["audit", BUNDLE, "--key", "../key-rsa-1024_fail/key.pem", "--now", NOW]),
            ("private-key", &["audit", BUNDLE, "--key", "../inputs/keys/server-p256.pem", "--now", NOW]),
            ("report-format-unknown", &["audit", BUNDLE, "--key", "key.pem", "--report", "bogus=x", "--now", NOW]),
            ("report-format-gone", &["audit", BUNDLE, "--key", "key.pem", "--report", "provenance=x", "--now", NOW]),
            ("unknown-check", &["explain", "no-such-check"]),
            (
                "key-outside-policy",
                &[
                    "audit",
                    BUNDLE,
                    "--key",
                    "../good-p256/key.pem",
                    "--policy",
                    "../good-policy/policy.toml",
                    "--now",
                    NOW,
                ],
            ),
        ],
    );
    for wrong in [&["audit", BUNDLE, "--key", "key.pem", "--report", "bogus=x"][..], &["explain", "no-such-check"]] {
        let answer = run(&fixture("good-rsa-2048"), wrong);
        assert_eq!((answer.code, answer.out.contains("NO VERDICT") || answer.out.is_empty()), (2, true), "{wrong:?}");
    }
    if !has_feature("fetch") {
        goldens("good-rsa-2048", &[("fetch-not-built-in", &["fetch", "--server", "example.org"])]);
    }
}

/// With `--format json` the output is one document, even if there is no verdict.
#[test]
fn json_output_is_json_for_errors_too() {
    let folder = Folder::with_fixture("good-rsa-2048");
    for (line, exit, code) in [
        (&["audit", BUNDLE, "--nope", "--format", "json"][..], 2, "usage"),
        (&["audit", BUNDLE, "--key", "key.pem", "--report", "bogus=x", "--format", "json"], 2, "usage"),
        (&["audit", "missing.sig.tbz", "--key", "key.pem", "--format", "json"], 3, "unreadable"),
        (&["inspect", "missing.sig.tbz", "--format", "json"], 3, "unreadable"),
        (&["verify", BUNDLE, "--key", "missing.pem", "--format", "json"], 3, "unreadable"),
    ] {
        let answer = run(folder.path(), line);
        let report: Value = serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!((answer.code, &report["exit_code"], &report["verdict"]), (exit, &exit.into(), &"none".into()));
        // An error in one bundle is reported in that bundle's report.
        let errors = [&report["error"]["code"], &report["reports"][0]["error"]["code"]];
        assert!(errors.contains(&&Value::from(code)), "{line:?}: {errors:?}");
        assert_eq!(answer.err, "", "{line:?}");
    }
}

#[test]
#[cfg(unix)]
fn arguments_that_are_not_text_do_not_panic() {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = std::ffi::OsStr::from_bytes(b"\xff.sig.tbz");
    for line in [&["audit", "--nope"][..], &["audit", "--key", "key.pem"], &["explain"], &["inspect"]] {
        let answer = answer(command(&fixture("good-rsa-2048")).args(line).arg(bytes));
        assert!(matches!(answer.code, 2 | 3), "{line:?}: {}", answer.err);
    }
}

#[test]
fn unreadable_input_exits_3() {
    goldens(
        "good-rsa-2048",
        &[
            ("missing-file", &["audit", "missing.sig.tbz", "--key", "key.pem", "--now", NOW]),
            ("missing-key", &["audit", BUNDLE, "--key", "missing.pem", "--now", NOW]),
            ("missing-policy", &["audit", BUNDLE, "--policy", "missing.toml", "--now", NOW]),
            ("inspect-folder", &["inspect", ".", "--key", "key.pem"]),
        ],
    );
    goldens("bundle-cut-in-half_fail", &[("cut", &["audit", BUNDLE, "--key", "key.pem", "--now", NOW])]);
}

#[test]
#[cfg(unix)]
fn a_report_that_cannot_be_written_leaves_no_verdict() {
    let folder = Folder::with_fixture("good-rsa-2048");
    folder.write("precious", "before");
    std::os::unix::fs::symlink("precious", folder.path().join("link.json")).unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let before = folder.listing();
    for file in ["json=link.json", "json=no-such-folder/r.json", "json=folder", "text=.."] {
        // The first report could be written but is not, because no report gets its name before all are written.
        let line = [BUNDLE, "--key", "key.pem", "--report", "text=good.txt", "--report", file];
        let (code, report) = report(folder.path(), &line);
        assert_eq!((code, &report["exit_code"], &report["verdict"]), (3, &3.into(), &"none".into()), "{file}");
        assert_eq!(report["error"]["code"], "unwritable", "{file}");
        assert_eq!(folder.listing(), before, "{file}");
    }
}

#[test]
fn a_report_never_overwrites_its_input() {
    let folder = Folder::with_fixture("good-policy");
    let before = folder.listing();
    for file in ["policy.toml", "key.pem", "./key.pem", BUNDLE] {
        let to = format!("json={file}");
        let line = [BUNDLE, "--policy", "policy.toml", "--key", "key.pem", "--report", &to];
        let (code, report) = report(folder.path(), &line);
        assert_eq!((code, &report["error"]["code"]), (2, &"usage".into()), "{file}");
        assert_eq!(folder.listing(), before, "{file}");
    }
    for (flag, file) in [("--state", "state.jsonl"), ("--controls", "controls.toml"), ("--seal-key", "seal.pem")] {
        folder.write(file, "");
        let to = format!("json={file}");
        let (code, report) = report(folder.path(), &[BUNDLE, "--policy", "policy.toml", flag, file, "--report", &to]);
        assert_eq!((code, &report["error"]["code"]), (2, &"usage".into()), "{flag}");
        assert_eq!(fs::read(folder.path().join(file)).unwrap(), b"", "{flag}");
    }
    #[cfg(feature = "fetch")]
    for flag in ["--outside-ca", "--registry-auth"] {
        folder.write("file", "");
        let line = [BUNDLE, "--policy", "policy.toml", flag, "file", "--report", "json=file"];
        let (code, report) = report(folder.path(), &line);
        assert_eq!((code, &report["error"]["code"]), (2, &"usage".into()), "{flag}");
        assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"", "{flag}");
    }
}

/// The rest of a list that is over its limit is not left out without a word.
#[test]
fn signatures_over_their_limit_give_no_verdict() {
    let mut fixtures = vec!["good-trust-cosign"];
    fixtures.extend(has_feature("openpgp").then_some("good-trust-signatures-extension"));
    for name in fixtures {
        let folder = fixture(name);
        let none = ["--policy", "policy.toml", "--now", NOW, "--limit", "trust_signatures=0"];
        for line in [["trust", "trust"], ["audit", BUNDLE]] {
            let answer = run(&folder, &[&line[..], &none].concat());
            let said = format!("{}{}", answer.out, answer.err);
            assert!(answer.code == 3 && said.contains("trust_signatures"), "{name}: {said}");
        }
    }
}

/// The root key of content trust signs the list of keys; another key signs the digest.
#[test]
fn the_key_that_signed_a_digest_is_named() {
    let folder = fixture("good-trust-notary-delegated");
    let bundle = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundle.into_iter().find(|path| path.extension().is_some_and(|end| end == "tbz")).unwrap();
    let line = ["audit", bundle.to_str().unwrap(), "--key", "key.pem", "--now", "2026-11-30", "--format", "json"];
    let report: Value = serde_json::from_str(&run(&folder, &line).out).unwrap();
    let facts = report["reports"][0]["evidence"].as_array().unwrap().iter();
    let fact = facts.into_iter().find(|fact| fact["witness"] == "trust" && fact["fact"] == "image-digest").unwrap();
    let value = fact["value"].as_str().unwrap();
    assert!(value.contains(" signed by targets/releases with key 9eaa7b64"), "{value}");
    assert!(value.contains(", under the root key 08acf01e"), "{value}");
}

/// If a folder has no evidence or checks are off, the first line must not suggest that checks passed.
#[test]
fn the_first_line_claims_nothing_that_was_not_checked() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let line = ["audit", BUNDLE, "--key", "key.pem"];
    let plain = "ACCEPTED IN PART: no policy; image, trust, builder not checked\n";
    assert!(run(folder.path(), &line).out.starts_with(plain));
    fs::create_dir(folder.path().join("trust")).unwrap();
    for file in [None, Some("trust/readme.txt")] {
        if let Some(file) = file {
            folder.write(file, "no signature");
        }
        let answer = run(folder.path(), &line);
        assert!(answer.code == 0 && answer.out.starts_with(plain), "{file:?}: {}", answer.out);
        let (_, report) = report(folder.path(), &line[1..]);
        assert_eq!(report["reports"][0]["in_play"], serde_json::json!(["manifest", "source"]), "{file:?}");
        // If the folder is specified with `--trust`, its group must have an answer, and has none.
        let handed = run(folder.path(), &[&line[..], &["--trust", "trust"]].concat());
        assert!(handed.code == 1 && handed.out.contains("because  image-signature"), "{file:?}: {}", handed.out);
    }

    let (_, report) = report(folder.path(), &line[1..]);
    let off = |groups: &[&str]| -> String {
        let findings = report["reports"][0]["findings"].as_array().unwrap().iter();
        let checks = findings.filter(|finding| groups.contains(&finding["group"].as_str().unwrap()));
        checks.map(|finding| format!("{} = \"off\"\n", finding["check"])).collect()
    };
    let key = "[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n[levels]\n";
    folder.write("source.toml", format!("version = 1\nrequire = [\"manifest\"]\n{key}{}", off(&["source"])));
    let line = ["audit", BUNDLE, "--policy", "source.toml"];
    let answer = run(folder.path(), &line);
    let first = "ACCEPTED: manifest (source.toml; off: source-objects, source-commit,\n";
    assert!(answer.code == 0 && answer.out.starts_with(first), "{}", answer.out);
    assert_eq!(run(folder.path(), &[&line[..], &["--require", "source"]].concat()).code, 2);

    let all = ["source", "image", "trust", "builder", "workload"];
    let policy = format!("version = 1\nrequire = {all:?}\n{key}{}", off(&all));
    folder.write("all.toml", policy);
    let answer = run(folder.path(), &["audit", BUNDLE, "--policy", "all.toml"]);
    assert_eq!(answer.code, 2, "{}", answer.out);
    let words = answer.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("no check can decide this group"), "{}", answer.out);
}

/// A symlinked bundle in a folder is audited like any other bundle, and a dangling link keeps the
/// run from being accepted.
#[test]
#[cfg(unix)]
fn a_symlinked_bundle_is_not_skipped() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let other = fixture("archive-byte-flipped_fail").join(BUNDLE);
    fs::create_dir(folder.path().join("linked")).unwrap();
    let link = folder.path().join("linked").join(BUNDLE);
    std::os::unix::fs::symlink(other, &link).unwrap();
    let (code, report_of_both) = report(folder.path(), &[".", "--key", "key.pem"]);
    assert_eq!(
        (code, &report_of_both["totals"]["bundles"], &report_of_both["totals"]["reject"]),
        (1, &2.into(), &1.into())
    );
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let (code, report) = report(folder.path(), &[".", "--key", "key.pem"]);
    assert_eq!((code, &report["totals"]["accept-in-part"], &report["totals"]["none"]), (3, &1.into(), &1.into()));
}

#[test]
fn a_report_in_a_file_equals_the_printed_one() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let line = ["audit", BUNDLE, "--key", "key.pem", "--now", NOW, "--report", "json=r.json", "--report", "text=r.txt"];
    folder.write("r.json", "an older report is replaced");
    let text = run(folder.path(), &line);
    assert_eq!(fs::read_to_string(folder.path().join("r.txt")).unwrap(), text.out);
    let json = answer(command(folder.path()).args(line).args(["--format", "json"]));
    assert_eq!(fs::read_to_string(folder.path().join("r.json")).unwrap(), json.out);
    assert_eq!((text.code, json.code), (0, 0));
}

/// The table of facts lists the policy's expected values, marked as given, next to the values found.
#[test]
fn the_commit_expected_by_a_policy_is_a_separate_fact() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let commit = "b0398d3eeb1921c4b063ea213713c42e0c584a70";
    let key = "[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n";
    folder
        .write("policy.toml", format!("version = 1\nrequire = [\"manifest\"]\n{key}[expect]\ncommit = \"{commit}\"\n"));
    let (code, report) = report(folder.path(), &[BUNDLE, "--policy", "policy.toml"]);
    assert_eq!(code, 0);
    let fact =
        serde_json::json!({"fact": "commit", "witness": "policy", "value": commit, "data": null, "known": "given"});
    assert!(report["reports"][0]["evidence"].as_array().unwrap().contains(&fact), "{report:#}");
}

#[test]
fn nothing_to_verify_exits_4() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("empty")).unwrap();
    folder.write("key.pem", fs::read(fixture("good-rsa-2048").join("key.pem")).unwrap());
    let (code, report) = report(folder.path(), &["empty", "--key", "key.pem", "--report", "json=r.json"]);
    assert_eq!((code, &report["exit_code"], &report["verdict"]), (4, &4.into(), &"none".into()));
    assert_eq!(report["error"]["code"], "nothing-to-verify");
    let written: Value = serde_json::from_slice(&fs::read(folder.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(written, report);
    // If a pattern has no matches, a shell passes it unchanged or drops it.
    for (line, code) in [(&["empty/*.sig.tbz"][..], 3), (&[], 2)] {
        let answer = run(folder.path(), &[&["audit"], line, &["--key", "key.pem"]].concat());
        assert_eq!(answer.code, code, "{line:?}: {}{}", answer.out, answer.err);
    }
    assert_eq!(
        golden("nothing-to-verify", &run(folder.path(), &["audit", "empty", "--key", "key.pem", "--now", NOW])),
        None
    );
}

/// The command that a page prints for a saved `verify` works wherever the key is.
#[test]
fn the_page_of_a_saved_verification_repeats_it_with_its_key_file() {
    let folder = Folder::new();
    folder.write(&format!("b/{BUNDLE}"), fs::read(fixture("good-rsa-2048").join(BUNDLE)).unwrap());
    folder.write("k/key.pem", fs::read(fixture("good-rsa-2048").join("key.pem")).unwrap());
    let line = ["verify", &format!("b/{BUNDLE}"), "--key", "k/key.pem", "--now", NOW, "--format", "json"];
    folder.write("v.json", run(folder.path(), &line).out);
    let page = run(folder.path(), &["report", "v.json", "--format", "html"]).out;
    assert!(page.contains("--key k/key.pem") && !page.contains("--key sha256:"), "{page}");
    assert!(!page.contains("with the key as a file next to the bundle"), "{page}");
    // A report of an earlier version has only the fingerprint, which needs a file next to the bundle.
    let mut saved: Value = serde_json::from_slice(&fs::read(folder.path().join("v.json")).unwrap()).unwrap();
    saved["question"]["given"] = serde_json::json!([]);
    folder.write("v.json", saved.to_string());
    let page = run(folder.path(), &["report", "v.json", "--format", "html"]).out;
    assert!(page.contains("--key sha256:") && page.contains("with the key as a file next to the bundle"), "{page}");
}

/// A list of signatures that cannot be read without doubt is not left out.
#[test]
fn a_malformed_list_of_signatures_is_refused() {
    let folder = Folder::new();
    let list =
        fs::read_to_string(fixture("good-trust-signatures-extension/trust/simple-signing/signatures.json")).unwrap();
    folder.write("trust/signatures.json", list.replacen('{', "{\"signatures\": [], ", 1));
    let answer = run(folder.path(), &["trust", "trust"]);
    assert!(answer.code == 1 && answer.out.contains("has a duplicate member"), "{}{}", answer.out, answer.err);
}

/// A group whose evidence lies next to the bundle stays in play if one of its checks is off, or all: the consequences of that check reject, and the
/// headline counts what is off.
#[test]
fn checks_that_are_off_do_not_hide_their_evidence() {
    let folder = fixture("trust-notary-altered-blank_fail");
    let bundle = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundle.into_iter().find(|path| path.extension().is_some_and(|end| end == "tbz")).unwrap();
    let policies = Folder::new();
    policies.write("key.pem", fs::read(folder.join("key.pem")).unwrap());
    let audit = |off: &[&str]| {
        let off: String = off.iter().map(|check| format!("{check} = \"off\"\n")).collect();
        let policy =
            "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"k\"\nfile = \"key.pem\"\n[levels]\n";
        policies.write("policy.toml", format!("{policy}{off}"));
        let policy = policies.path().join("policy.toml");
        let line = [bundle.to_str().unwrap(), "--policy", policy.to_str().unwrap()];
        report(&folder, &line)
    };
    let (code, one) = audit(&["image-signature"]);
    assert_eq!((code, &one["reports"][0]["in_play"][2]), (1, &"trust".into()), "{one:#}");
    let (code, all) = audit(&["image-signature", "image-key", "trust-freshness"]);
    assert_eq!((code, &all["reports"][0]["in_play"][2]), (0, &"trust".into()), "{all:#}");
    assert_eq!(all["scope"]["weakened"].as_array().unwrap().len(), 3, "{all:#}");
}

/// The name of a folder next to two bundles does not show to which of them its files belong.
#[test]
fn evidence_next_to_several_bundles_is_not_read_and_the_report_says_so() {
    let folder = Folder::with_fixture("good-two-bundles");
    folder.write("trust/x", "x");
    let (code, report) = report(folder.path(), &[".", "--key", "key.pem"]);
    assert_eq!(code, 0);
    let findings = report["reports"][0]["findings"].as_array().unwrap();
    let of = |check: &str| findings.iter().find(|one| one["check"] == check).unwrap()["message"].clone();
    let shared = "no evidence for the group trust was read, because its folder has another bundle, or cannot be listed";
    assert_eq!(of("image-signature"), shared);
    assert_eq!(of("image-digest"), "no evidence for the group image was read");
}

/// Signatures may be in a set that `fetch` set aside, or behind a link.
#[test]
#[cfg(unix)]
fn what_was_not_read_for_signatures_is_listed() {
    let folder = Folder::new();
    folder.write("trust/cosign.differs-1/signature-1", "{}");
    std::os::unix::fs::symlink("nowhere", folder.path().join("trust/link")).unwrap();
    let text = run(folder.path(), &["trust", "trust"]).out;
    assert!(
        text.ends_with(
            "found\nnot read: cosign.differs-1 (set aside by fetch)\nnot read: link (not a file, or a link)\n"
        ),
        "{text}"
    );
    let json: Value = serde_json::from_str(&run(folder.path(), &["trust", "trust", "--format", "json"]).out).unwrap();
    assert_eq!(json["not_read"][0]["file"], "cosign.differs-1", "{json:#}");
    assert_eq!(json["not_read"].as_array().unwrap().len(), 2, "{json:#}");
}

/// Bundles in other folders do not make up for an empty folder.
#[test]
fn an_empty_folder_next_to_a_bundle_exits_4() {
    let folder = Folder::with_fixture("good-rsa-2048");
    fs::create_dir_all(folder.path().join("empty/deep")).unwrap();
    let (code, report) = report(folder.path(), &["empty", BUNDLE, "--key", "key.pem"]);
    assert_eq!((code, &report["exit_code"], &report["verdict"]), (4, &4.into(), &"none".into()));
    assert_eq!(report["error"]["code"], "nothing-to-verify");
    assert!(report["error"]["message"].as_str().unwrap().contains("empty"), "{report:#}");
    assert_eq!(report["reports"][0]["verdict"], "accept-in-part");
    // The worst exit code takes precedence: unreadable input is worse than missing input.
    folder.write("cut/x.sig.tbz", "BZ");
    assert_eq!(self::report(folder.path(), &["empty", "cut", "--key", "key.pem"]).0, 3);
}

/// Four bundles in folders: a good one, one whose HEAD is a different commit, one truncated, and one with a flipped byte in the signed archive.
fn several() -> Folder {
    let folder = Folder::new();
    for (place, name) in [
        ("d/good", "good-rsa-2048"),
        ("a/other-commit", "head-other-commit_fail"),
        ("c/cut", "bundle-cut-in-half_fail"),
        ("b/flipped", "archive-byte-flipped_fail"),
    ] {
        folder.write(&format!("in/{place}/{BUNDLE}"), fs::read(fixture(name).join(BUNDLE)).unwrap());
    }
    folder.write("key.pem", fs::read(fixture("good-rsa-2048").join("key.pem")).unwrap());
    folder
}

#[test]
fn several_bundles_have_a_table_and_the_worst_exit_code() {
    let folder = several();
    let line = ["audit", "in", "--key", "key.pem", "--now", NOW];
    assert_eq!(golden("several", &run(folder.path(), &line)), None);
    let (code, all) = report(folder.path(), &["in", "--key", "key.pem"]);
    let reports = all["reports"].as_array().unwrap();
    let rows: Vec<(&str, &str)> = reports
        .iter()
        .map(|one| {
            (one["bundle"]["path"].as_str().unwrap().split('/').nth(1).unwrap(), one["verdict"].as_str().unwrap())
        })
        .collect();
    assert_eq!(rows, [("a", "reject"), ("b", "reject"), ("c", "none"), ("d", "accept-in-part")]);
    assert_eq!((code, &all["verdict"], &all["totals"]["bundles"]), (3, &"none".into(), &4.into()));

    let (code, all) = report(folder.path(), &["in/a", "in/d", "--key", "key.pem"]);
    assert_eq!((code, &all["verdict"]), (1, &"reject".into()));
    // Exit code 2 is worse than 3: without a usable key, the bundles do not matter.
    assert_eq!(report(folder.path(), &["in"]).0, 2);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = several();
    let line = ["audit", "in", "in/d", "--key", "key.pem", "--now", NOW, "--format", "json", "--threads"];
    let pages: Vec<String> =
        ["1", "4", "64"].iter().map(|threads| answer(command(folder.path()).args(line).arg(threads)).out).collect();
    // A bundle that is listed twice counts once.
    assert!(pages[0].contains("\"bundles\": 4"), "{}", pages[0]);
    assert!(pages.iter().all(|page| *page == pages[0]));
}

#[test]
fn only_the_requested_reports_are_written() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let before = folder.listing();
    for line in [
        &["audit", ".", "--key", "key.pem"][..],
        &["audit", BUNDLE, "--key", "../missing.pem"],
        &["verify", BUNDLE, "--key", "key.pem"],
        &["inspect", BUNDLE, "--key", "key.pem"],
        &["extract", BUNDLE, "--to", "out"],
        &["policy", "init"],
        &["checks"],
        &["completions", "bash"],
    ] {
        run(folder.path(), line);
        assert_eq!(folder.listing(), before, "{line:?}");
    }
    run(folder.path(), &["audit", ".", "--key", "key.pem", "--report", "json=new.json"]);
    let mut after = folder.listing();
    assert!(after.remove("new.json").is_some());
    assert_eq!(after, before);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_on_standard_output_is_not_a_success() {
    for line in [&["audit", BUNDLE, "--key", "key.pem"][..], &["verify", BUNDLE, "--key", "key.pem"], &["checks"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut program = command(&fixture("good-rsa-2048"));
        let output = program.args(line).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{line:?}: {err}");
        assert!(err.starts_with("error: cannot write standard output"), "{err}");
    }
}

/// If standard error cannot be written, the answer is unchanged.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_on_standard_error_does_not_panic() {
    let file = ["source", BUNDLE, "--key", "key.pem", "--file", "go.mod"];
    for (name, line, code) in [
        ("good-rsa-2048", &["--verbose", "audit", BUNDLE, "--key", "key.pem"][..], 0),
        ("good-rsa-2048", &["audit", "missing.sig.tbz", "--key", "missing.pem"], 3),
        ("good-rsa-2048", &["audit", "--nope"], 2),
        ("tree-file-changed_fail", &file, 1),
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(&fixture(name)).args(line).stderr(full).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{line:?}");
    }
}

/// Runs the program with a terminal from Python's pty as its standard output, and returns what the terminal received.
fn on_terminal(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> String {
    stream_on_terminal("stdout", folder, environment, arguments)
}

/// Like the function above, for the specified stream; the other stream is discarded.
fn stream_on_terminal(stream: &str, folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> String {
    const PYTHON: &str = "\
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
streams = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, sys.argv[1]: theirs}
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, **streams)
os.close(theirs)
page = b''
while True:
    try:
        piece = os.read(ours, 65536)
    except OSError:
        break
    if not piece:
        break
    page += piece
child.wait()
sys.stdout.buffer.write(page)
";
    let output = Command::new("/usr/bin/python3")
        .args(["-c", PYTHON, stream, env!("CARGO_BIN_EXE_hpsb-audit")])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .expect("python3 is needed for this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn by_default_output_is_coloured_only_on_terminals() {
    let folder = fixture("good-rsa-2048");
    let line = ["audit", BUNDLE, "--key", "key.pem", "--now", NOW];
    let escape = '\u{1b}';
    assert!(on_terminal(&folder, &[("TERM", "xterm")], &line).starts_with("\u{1b}[33mACCEPTED IN PART"));
    let rejected = on_terminal(&fixture("other-key_fail"), &[("TERM", "xterm")], &line);
    assert!(rejected.starts_with("\u{1b}[1;31mREJECTED"), "{rejected}");
    assert!(!on_terminal(&folder, &[("TERM", "xterm"), ("NO_COLOR", "1")], &line).contains(escape));
    assert!(!on_terminal(&folder, &[("TERM", "dumb")], &line).contains(escape));
    assert!(!run(&folder, &line).out.contains(escape));
    // An empty NO_COLOR counts as unset (no-color.org).
    assert!(on_terminal(&folder, &[("TERM", "xterm"), ("NO_COLOR", "")], &line).contains(escape));
}

/// No content of a bundle can control the reader's terminal, in any command or format.
#[test]
fn hostile_text_is_escaped_everywhere() {
    let steering = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200b}".contains(c);
    for name in [
        "text-escapes-in-log_fail",
        "text-bidi-in-status_fail",
        "text-bidi-in-branch",
        "text-escapes-in-status_fail",
        "text-in-file-name_fail",
    ] {
        let folder = fixture(name);
        for format in ["text", "json"] {
            for command in ["audit", "inspect", "verify"] {
                let answer = run(&folder, &[command, BUNDLE, "--key", "key.pem", "--now", NOW, "--format", format]);
                let page = answer.out + &answer.err;
                assert!(page.len() > 100, "{name} {command}: {page}");
                assert!(!page.contains(steering), "{name} {command} {format}: {page:?}");
            }
        }
    }
}

/// A shell can put the file names of a hostile folder on the command line.
#[test]
fn names_on_the_command_line_and_in_signatures_are_escaped() {
    let steering = |c: char| (c.is_control() && !"\r\n".contains(c)) || "\u{202e}".contains(c);
    let folder = Folder::new();
    let hostile = "b\u{1b}]0;x\u{7}\u{9b}31m\u{202e}";
    for line in [&["verify", "a", hostile][..], &["audit", "a", "--now", hostile], &["checks", "--format", hostile]] {
        let page = stream_on_terminal("stderr", folder.path(), &[("TERM", "xterm")], line);
        assert!(page.starts_with("error: ") && page.contains("31m") && !page.contains(steering), "{page:?}");
    }
    folder.write("trust/a.json", format!(r#"{{"signatures":[{{"type":"atomic","name":"{}"}}]}}"#, &hostile[7..]));
    for format in ["text", "json"] {
        let page = run(folder.path(), &["trust", "trust", "--format", format]).out;
        assert!(page.contains("31m") && !page.contains(steering), "{page:?}");
    }
}

/// A shell expands `*` to a folder's file names, and the folder must not choose the trusted key.
#[test]
fn a_file_named_like_a_flag_is_refused() {
    let folder = Folder::with_fixture("other-key-beside_fail");
    folder.write(".hidden.pem", fs::read(folder.path().join("manifest-public.pem")).unwrap());
    let line = ["audit", "--key", "key.pem", "--key=.hidden.pem", BUNDLE, "--now", NOW];
    assert_eq!(run(folder.path(), &line).code, 0);
    folder.write("--key=.hidden.pem", "");
    let answer = run(folder.path(), &line);
    assert_eq!(answer.code, 2, "{}", answer.out);
    assert!(answer.err.contains("is a file in this folder"), "{}", answer.err);
}

#[test]
fn secrets_are_masked_everywhere() {
    for name in ["secret-in-log", "secret-in-status_fail", "secret-in-unknown-field", "secret-in-log-image_fail"] {
        let folder = fixture(name);
        for line in [&["audit", BUNDLE][..], &["audit", BUNDLE, "--format", "json"], &["inspect", BUNDLE]] {
            let answer = answer(command(&folder).args(line).args(["--key", "key.pem", "--now", NOW]));
            let page = answer.out + &answer.err;
            assert!(!page.contains("hunter2") && !page.contains("ghp_"), "{name} {line:?}: {page}");
        }
    }
}

/// An unsupported type of signature is reported as unsupported, and does not count as a signature.
#[test]
fn unsupported_signatures_are_reported() {
    for name in [
        "trust-cosign-bundle-unknown_fail",
        "trust-cosign-stored-unknown_fail",
        "trust-cosign-attestation_fail",
        "trust-sigstore-attestation_fail",
        "trust-sigstore-layer-no-entry_fail",
    ] {
        let line = ["audit", ".", "--policy", "policy.toml", "--now", NOW, "--format", "json"];
        let document: Value = serde_json::from_str(&run(&fixture(name), &line).out).unwrap();
        let findings = document["reports"][0]["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["check"] == "image-signature").unwrap();
        if finding["reason"] == "not-built-in" && !has_feature("sigstore") {
            assert_ne!(document["verdict"], "accept", "{name}: {finding}");
            continue;
        }
        assert_eq!((&finding["status"], &document["exit_code"]), (&"unknown".into(), &1.into()), "{name}: {finding}");
        assert!(finding["message"].as_str().unwrap().contains("unsupported: "), "{name}: {finding}");
    }
}

/// A check that needs a missing feature is reported as not run, with the reason. If its group is required, exactly one check rejects the bundle;
/// otherwise, the bundle is accepted in part.
#[test]
fn a_build_without_support_for_a_signature_reports_it() {
    for (feature, name, says) in [
        ("openpgp", "good-trust-gpg-primary", "this build has no OpenPGP support"),
        ("sigstore", "good-trust-sigstore", "this build has no sigstore support"),
    ] {
        let audit = |require: &[&str]| {
            let line = ["audit", ".", "--policy", "policy.toml", "--now", NOW, "--format", "json"];
            let answer = run(&fixture(name), &[&line, require].concat());
            let document: Value = serde_json::from_str(&answer.out).unwrap();
            let bundle = document["reports"][0].clone();
            assert_eq!(document["verdict"], bundle["verdict"]);
            (answer.code, bundle)
        };
        let (code, bundle) = audit(&["--require", "trust"]);
        let findings = bundle["findings"].as_array().unwrap();
        let finding = |name: &str| findings.iter().find(|finding| finding["check"] == name).unwrap();
        let signature = finding("image-signature");
        if has_feature(feature) {
            assert_eq!((&signature["status"], code), (&"pass".into(), 0), "{name}: {signature}");
            continue;
        }
        assert_eq!((&signature["status"], &signature["reason"], code), (&"not-run".into(), &"not-built-in".into(), 1));
        assert!(signature["message"].as_str().unwrap().contains(says), "{name}: {signature}");
        let rejects: Vec<&Value> = findings.iter().filter(|finding| finding["rejects"] == true).collect();
        assert_eq!((rejects.len(), &finding("image-key")["caused_by"]), (1, &"image-signature".into()), "{rejects:?}");
        let (code, bundle) = audit(&[]);
        assert_eq!(
            (code, bundle["verdict"].as_str()),
            (0, Some("accept-in-part")),
            "{name}: its group is not required"
        );
    }
}
