//! Tests the text output for people: exact screens, at most 24 lines of 80 columns for an accepted build, and the verdict as the last line of
//! every output. `HPSB_UPDATE=1` rewrites the files of `tests/golden/text/`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod case_file;
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case_file::{CaseFile, directories};
use program::{Answer, BUNDLE, Folder, NOW, answer, command, fixture, run};
use serde_json::Value;

const ESCAPE: char = '\u{1b}';

/// Compares with `tests/golden/text/NAME.txt`, and returns the differences.
fn golden(name: &str, answer: &Answer) -> Option<String> {
    let found = format!("exit code {}\n{}", answer.code, answer.out);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/text/{name}.txt"));
    if std::env::var_os("HPSB_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    (expected != found).then(|| format!("{name}: expected\n{expected}\nfound\n{found}"))
}

/// A build with its image, under a policy that requires both.
fn with_policy_and_image() -> Folder {
    let folder = Folder::with_fixture("image-good");
    let policy =
        "version = 1\nrequire = [\"manifest\", \"source\", \"image\"]\n[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n";
    folder.write("policy.toml", policy);
    folder
}

#[test]
fn every_screen_equals_its_golden_file() {
    let by_key = ["--key", "key.pem", "--now", NOW];
    let by_policy = ["--policy", "policy.toml", "--now", NOW];
    let too_old = ["--policy", "policy.toml", "--now", "2026-06-30T00:00:00Z"];
    let of = |name: &str, line: &[&str]| run(&fixture(name), &[&["audit", "."], line].concat());
    let both = with_policy_and_image();
    let image = ["audit", BUNDLE, "--policy", "policy.toml", "--image", "oci-archive:image.tar", "--now", NOW];
    let compose = fs::read(fixture("inputs/admission/compose.yaml")).unwrap();
    let workloads = Folder::with_fixture("good-policy");
    workloads.write("compose.yaml", compose);
    let admit = ["admit", "compose.yaml", "--evidence", ".", "--policy", "policy.toml", "--now", NOW];
    let faults: Vec<String> = [
        ("accepted", of("good-policy", &by_policy)),
        ("accepted-with-image", run(both.path(), &image)),
        ("in-part", of("good-rsa-2048", &by_key)),
        ("in-part-waived", of("verdict-waived", &by_policy)),
        ("in-part-waived-several", of("verdict-waived-consequences", &by_policy)),
        ("wrong-key", of("other-key-beside_fail", &by_key)),
        ("altered", of("archive-byte-flipped_fail", &by_key)),
        ("too-old", of("build-too-old_fail", &too_old)),
        ("several-causes", of("head-other-commit_fail", &by_key)),
        ("no-key", of("good-rsa-2048", &["--now", NOW])),
        ("two-accepted", of("good-two-bundles", &by_key)),
        ("two-one-rejected", of("two-bundles-one-rejected_fail", &by_key)),
        ("details", of("good-policy", &[&by_policy[..], &["--details"]].concat())),
        ("details-rejected", of("other-key-beside_fail", &[&by_key[..], &["--details"]].concat())),
        ("quiet", of("good-policy", &[&by_policy[..], &["--quiet"]].concat())),
        ("admit", run(workloads.path(), &admit)),
        ("admit-details", run(workloads.path(), &[&admit[..], &["--details"]].concat())),
        ("admit-quiet", run(workloads.path(), &[&admit[..], &["--quiet"]].concat())),
        ("verify", run(&fixture("good-policy"), &["verify", BUNDLE, "--key", "key.pem"])),
        ("verify-quiet", run(&fixture("good-policy"), &["verify", BUNDLE, "--key", "key.pem", "--quiet"])),
    ]
    .into_iter()
    .filter_map(|(name, answer)| golden(name, &answer))
    .collect();
    assert!(faults.is_empty(), "{} (HPSB_UPDATE=1 rewrites the files)", faults.join("\n"));
}

/// The faults in the text output for a fixture.
fn faults_of(directory: &Path) -> Vec<String> {
    let case = CaseFile::read(directory);
    let bundles = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut bundles: Vec<String> = bundles.filter(|name| name.ends_with(".sig.tbz")).collect();
    bundles.sort();
    let is_one = bundles.len() == 1;
    if bundles.is_empty() {
        bundles.push(".".into());
    }
    let audit = |more: &[&str]| {
        answer(command(directory).arg("audit").args(&bundles).args(case.args()).args(["--now", &case.now()]).args(more))
    };
    let (screen, quiet) = (audit(&[]), audit(&["--quiet"]));
    let mut faults = Vec::new();
    let last = screen.out.lines().last().unwrap_or_default();
    let word = match screen.code {
        0 => "ACCEPTED",
        1 => "REJECTED",
        _ => "NO VERDICT",
    };
    if !last.starts_with(word) || !last.contains(&format!(" (exit {}): ", screen.code)) {
        faults.push(format!("the last line is {last:?}"));
    }
    if (quiet.code, quiet.out.as_str()) != (screen.code, format!("{last}\n").as_str()) {
        faults.push(format!("--quiet prints {:?}", quiet.out));
    }
    if screen.out.contains(ESCAPE) {
        faults.push("an escape sequence is written to a pipe".into());
    }
    let lines = screen.out.lines().count();
    if is_one && screen.code == 0 && lines > 24 {
        faults.push(format!("{lines} lines"));
    }
    // Names, digests and paths are never broken, so a line may be wider if at most two of its words are longer than three letters.
    let is_wide = |line: &&str| line.chars().count() > 80 && line.split(' ').filter(|word| word.len() > 3).count() > 2;
    faults.extend(screen.out.lines().filter(is_wide).map(|line| format!("too wide: {line}")));
    faults
}

#[test]
fn every_text_report_ends_with_its_verdict_and_an_accepted_build_fits_on_a_screen() {
    let directories = directories();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(directory) = directories.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = directory.file_name().unwrap().to_string_lossy().into_owned();
                    let found = faults_of(directory).into_iter().map(|fault| format!("{name}: {fault}"));
                    faults.lock().unwrap().extend(found);
                }
            });
        }
    });
    let mut faults = faults.into_inner().unwrap();
    faults.sort();
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}

/// If no trusted key signed a bundle, its log, source and image were not read, and the output states nothing about them.
#[test]
fn the_text_claims_nothing_about_what_was_not_read() {
    for name in ["other-key_fail", "archive-byte-flipped_fail", "other-key-beside_fail"] {
        for more in [&[][..], &["--details"]] {
            let page = run(&fixture(name), &[&["audit", ".", "--key", "key.pem", "--now", NOW], more].concat()).out;
            assert!(page.contains("the log and the Dockerfile were not read"), "{page}");
            for never in ["\nimage ", "\ncommit ", "\nproved ", "\nbuilt ", "build.log", "git-objects"] {
                assert!(!page.contains(never), "{name}: {never:?}\n{page}");
            }
        }
    }
}

#[test]
fn advice_about_an_unknown_image_says_whether_the_log_was_read() {
    for (name, why) in
        [("good-without-log", "no log was read"), ("image-log-without-digest_fail", "the log has no image digest")]
    {
        let folder = Folder::with_fixture(name);
        let keys = "[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n";
        folder.write("policy.toml", format!("version = 1\nrequire = [\"manifest\", \"source\"]\n{keys}"));
        let answer = run(folder.path(), &["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW]);
        let screen = answer.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains(&format!("find out which image was built: {why}")), "{name}: {screen}");
    }
}

#[test]
fn flags_for_text_output_do_not_change_json() {
    let folder = Folder::with_fixture("good-policy");
    let line = ["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW, "--format", "json"];
    let plain = run(folder.path(), &line).out;
    let flags: [&[&str]; 4] = [&["--details"], &["--quiet"], &["--color", "always"], &["--color=never", "--details"]];
    for flags in flags {
        assert_eq!(run(folder.path(), &[&line[..], flags].concat()).out, plain, "{flags:?}");
    }
    assert_eq!(run(folder.path(), &[&line[..], &["--details", "--quiet"]].concat()).code, 2);
}

#[test]
fn only_verdicts_are_coloured_on_terminals_or_on_request() {
    let folder = Folder::with_fixture("good-policy");
    let line = ["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW];
    let with = |flags: &[&str]| run(folder.path(), &[&line[..], flags].concat()).out;
    let plain = with(&[]);
    for flags in [&["--color", "auto"][..], &["--color=never"], &["--report", "text=r.txt", "--color=never"]] {
        assert_eq!(with(flags), plain, "{flags:?}");
    }
    let coloured = with(&["--color=always", "--report", "text=r.txt"]);
    let painted: Vec<&str> =
        coloured.split("\u{1b}[32m").skip(1).map(|text| text.split(ESCAPE).next().unwrap()).collect();
    assert_eq!(painted, ["ACCEPTED", "ACCEPTED"], "{coloured:?}");
    assert_eq!(coloured.matches(ESCAPE).count(), 4);
    assert_eq!(coloured.replace("\u{1b}[32m", "").replace("\u{1b}[0m", ""), plain);
    // Output to a file never has colour. The command line takes precedence over the environment.
    assert_eq!(fs::read_to_string(folder.path().join("r.txt")).unwrap(), plain);
    let mut no_colour = command(folder.path());
    assert_eq!(answer(no_colour.args(line).arg("--color=always").env("NO_COLOR", "1")).out, with(&["--color=always"]));
    for line in [&["verify", BUNDLE, "--key", "key.pem"][..], &["audit", "missing", "--key", "key.pem"]] {
        assert!(run(folder.path(), &[line, &["--color=always"]].concat()).out.contains(ESCAPE), "{line:?}");
        assert!(!run(folder.path(), line).out.contains(ESCAPE), "{line:?}");
    }
}

/// A saved report is printed by the same code and with the same flags, but its last line says that nothing was verified. `--quiet` does not shorten a
/// report in a file.
#[test]
fn a_saved_report_is_printed_as_after_the_audit_except_its_last_line() {
    let above = |text: &str| text.trim_end().rsplit_once('\n').map(|(above, _)| above.to_owned()).unwrap_or_default();
    let folder = Folder::with_fixture("good-policy");
    let line = ["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW, "--report", "json=r.json", "--report"];
    for flags in [&[][..], &["--details"], &["--quiet"], &["--color=always"]] {
        let audited = run(folder.path(), &[&line[..], &["text=r.txt"], flags].concat());
        let saved = run(folder.path(), &[&["report", "r.json", "--format", "text"], flags].concat());
        assert_eq!((audited.code, above(&audited.out)), (saved.code, above(&saved.out)), "{flags:?}");
        assert!(saved.out.ends_with(" (exit 0), as saved: this run verified nothing.\n"), "{flags:?}: {}", saved.out);
        let file = fs::read_to_string(folder.path().join("r.txt")).unwrap();
        assert!(file.lines().count() > 15 && !file.contains(ESCAPE), "{flags:?}: {file}");
        assert_eq!(file.contains("object-count"), flags == ["--details"], "{flags:?}");
        let again = ["report", "r.json", "--format", "text", "--output", "again.txt"];
        assert_eq!(run(folder.path(), &[&again[..], flags].concat()).code, 0);
        assert_eq!(above(&fs::read_to_string(folder.path().join("again.txt")).unwrap()), above(&file), "{flags:?}");
    }
}

/// The same key is specified by its fingerprint and as a file, in both orders, and then only by its fingerprint.
#[test]
fn a_pinned_key_is_used_if_its_file_is_specified_too() {
    let folder = Folder::with_fixture("good-rsa-2048");
    let shown = run(folder.path(), &["key", "show", "key.pem"]).out;
    let pin = shown.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    // The key file is moved, because a file next to the bundle also supplies a pinned key.
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::rename(folder.path().join("key.pem"), folder.path().join("keys/key.pem")).unwrap();
    let audit = |keys: &[&str]| {
        let keys: Vec<&str> = keys.iter().flat_map(|key| ["--key", *key]).collect();
        run(folder.path(), &[&["audit", BUNDLE, "--now", NOW][..], &keys].concat())
    };
    for keys in [[pin.as_str(), "keys/key.pem"], ["keys/key.pem", pin.as_str()]] {
        assert_eq!(audit(&keys).code, 0, "{keys:?}");
    }
    let alone = audit(&[&pin]);
    assert_eq!(alone.code, 1);
    for line in [
        "found: not verified, because no file with a trusted key was found",
        "The signature was not verified: no file with a trusted key was",
    ] {
        assert!(alone.out.contains(line), "{line}: {}", alone.out);
    }
}

#[test]
#[cfg(unix)]
fn a_bundle_named_twice_counts_once() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    for file in [BUNDLE, "key.pem"] {
        folder.write(&format!("a/{file}"), fs::read(fixture("good-rsa-2048").join(file)).unwrap());
    }
    symlink("a", folder.path().join("b")).unwrap();
    let (file, dotted, linked) = (format!("a/{BUNDLE}"), format!("./a/../a/{BUNDLE}"), format!("b/{BUNDLE}"));
    let audit = |paths: &[&str]| {
        let line = [&["audit"], paths, &["--key", "a/key.pem", "--now", NOW]].concat();
        let json: Value =
            serde_json::from_str(&run(folder.path(), &[&line[..], &["--format", "json"]].concat()).out).unwrap();
        (json["totals"]["bundles"].clone(), run(folder.path(), &line))
    };
    let once = audit(&[&file]).1.out;
    let named: [&[&str]; 6] =
        [&[&file, &file], &[&file, &dotted], &[&file, &linked], &["a", "a"], &["a", "b"], &[&file, "b", "."]];
    for paths in named {
        let (bundles, answer) = audit(paths);
        assert_eq!((bundles, answer.code, answer.out.lines().last()), (1.into(), 0, once.lines().last()), "{paths:?}");
    }
    // A copy of a bundle counts as a separate file.
    folder.write(&format!("c/{BUNDLE}"), fs::read(folder.path().join(&file)).unwrap());
    let (bundles, answer) = audit(&["a", "b", "c"]);
    assert_eq!(bundles, 2);
    assert!(answer.out.contains("total    2 bundles: 2 accepted in part\n"), "{}", answer.out);
}

/// The last line contains the exit code of the process; if a requested summary is missing, standard error states what differs.
#[test]
fn an_exit_code_that_differs_from_that_of_the_verdict_is_explained() {
    let folder = Folder::with_fixture("verdict-waived");
    let line = ["audit", BUNDLE, "--policy", "policy.toml", "--report", "vsa=v.json", "--now", NOW];
    let answer = run(folder.path(), &line);
    assert_eq!(answer.code, 1);
    assert!(answer.err.contains("the exit code is 1"), "{}", answer.err);
}

/// An image that was compared and is another one is neither unchecked nor missing.
#[test]
fn an_image_that_fails_at_warn_is_not_said_to_be_unchecked() {
    let folder = Folder::with_fixture("image-other_fail");
    let levels = ["image-digest", "image-config", "image-layers", "image-labels", "image-history", "image-platform"];
    let levels: String = levels.iter().map(|check| format!("{check} = \"warn\"\n")).collect();
    let policy =
        "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"k\"\nfile = \"key.pem\"\n[levels]\n";
    folder.write("policy.toml", format!("{policy}{levels}"));
    let line = [
        "audit",
        BUNDLE,
        "--policy",
        "policy.toml",
        "--image",
        "oci-archive:image.tar",
        "--now",
        NOW,
        "--report",
        "html=page.html",
    ];
    let answer = run(folder.path(), &line);
    assert_eq!(answer.code, 0, "{}", answer.out);
    let screen = answer.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains("; no deciding answer: the image"), "{screen}");
    let said =
        "ACCEPTED: manifest, source; the supplied image is NOT the one with the digest in the log (policy.toml; ";
    assert!(screen.starts_with(said), "{screen}");
    assert!(!screen.contains("--image SOURCE"), "{screen}");
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("; the supplied image is NOT the one with the digest in the log"), "the page");
    let digest = "sha256:7aaaffe653b2da7e69df79f5d9d19fc67fbc678453bddfa591dfe955f4274a95";
    let container = format!("[{{ name: w, image: 'docker.io/acme/wallet@{digest}' }}]");
    folder.write(
        "pod.yaml",
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{ name: w }}\nspec: {{ containers: {container} }}\n"),
    );
    // So do the section for a contract and an admission, from an image next to the bundle. With the check off, nothing was compared.
    fs::create_dir(folder.path().join("image")).unwrap();
    let tar = Command::new("tar").args(["xf", "image.tar", "-C", "image"]).current_dir(folder.path()).status().unwrap();
    assert!(tar.success());
    for (level, words) in [
        ("warn", "the supplied image is NOT the one with the digest in the log"),
        ("off", "not checked: the image's own digest"),
    ] {
        folder.write(
            "policy.toml",
            format!("{policy}{levels}").replace("image-digest = \"warn\"", &format!("image-digest = \"{level}\"")),
        );
        let section = run(folder.path(), &["contract", "images", BUNDLE, "--policy", "policy.toml", "--now", NOW]);
        assert!(section.code == 0 && section.out.contains(words), "{}{}", section.out, section.err);
        let admitted =
            run(folder.path(), &["admit", "pod.yaml", "--evidence", ".", "--policy", "policy.toml", "--now", NOW]);
        assert!(admitted.code == 0 && admitted.out.contains(words), "{}{}", admitted.out, admitted.err);
    }
}

/// The page that is signed for several bundles names every check that fails at `warn`, whatever it cuts off.
#[test]
fn the_index_names_the_checks_that_fail_at_warn() {
    let folder = Folder::new();
    for name in ["good-rsa-2048", "tree-file-changed_fail"] {
        folder.write(&format!("{name}/{BUNDLE}"), fs::read(fixture(name).join(BUNDLE)).unwrap());
    }
    folder.write("key.pem", fs::read(fixture("good-rsa-2048").join("key.pem")).unwrap());
    let policy = "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"k\"\nfile = \"key.pem\"\n";
    folder.write("policy.toml", format!("{policy}[levels]\nsource-tree = \"warn\"\n"));
    let answer =
        run(folder.path(), &["audit", ".", "--policy", "policy.toml", "--now", NOW, "--report", "html=page.html"]);
    assert_eq!(answer.code, 0, "{}", answer.out);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap().replace("<wbr>", "");
    assert!(page.contains("1 accepted bundle with warnings or waivers: "), "the index");
    assert!(page.contains("Warnings or waivers: source-tree<"), "the index");
    assert!(page.contains("source-tree fails, at level warn: "), "the index");
}
