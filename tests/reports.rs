//! Tests one audit in several formats: they have the same content (sarif only the problems), a saved report gives the same content, and hostile text
//! is escaped in each format.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod case_file;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use case_file::CaseFile;
use program::{BUNDLE, NOW, fixture, run};

/// Formats with everything in one file, except that html has pages if there are several bundles.
const FORMATS: [&str; 10] =
    ["text", "json", "html", "markdown", "csv", "csv-bom", "junit", "sarif", "sarif-all", "oscal"];

/// Formats that represent a report of several bundles differently, each with the tests that read it.
const OTHER_FORMATS: [(&str, &str); 2] = [("jsonl", "tests/scale.rs"), ("vsa", "tests/statements.rs")];

/// A format missing from these lists would not be tested.
#[test]
fn every_format_is_tested() {
    let tested = FORMATS.into_iter().chain(OTHER_FORMATS.map(|(format, _)| format));
    let mut tested: Vec<&str> = tested.collect();
    let mut words = hpsb_audit::Format::ALL.map(hpsb_audit::Format::word);
    tested.sort_unstable();
    words.sort_unstable();
    assert_eq!(tested, words);
    for (format, file) in OTHER_FORMATS {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(text.contains(&format!("{format}=")) || text.contains(&format!("\"{format}\"")), "{file}: {format}");
    }
}

/// One fixture for each type of answer, and every fixture with hostile text.
fn fixtures() -> Vec<String> {
    let kinds = [
        "good-policy-and-key",
        "other-key_fail",
        "bundle-gzip_fail",
        "nothing-to-verify_fail",
        "policy-empty_fail",
        "good-two-bundles",
        "two-bundles-one-rejected_fail",
        "two-bundles-one-cut_fail",
        "secret-in-status_fail",
    ];
    let hostile = fs::read_dir(fixture(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("text-"));
    let mut all: Vec<String> = kinds.into_iter().map(str::to_owned).chain(hostile).collect();
    all.sort();
    all
}

/// Audits a fixture once with every format in `FORMATS`, into a separate folder.
fn audit(name: &str, test: &str) -> (PathBuf, i32) {
    let directory = fixture(name);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(test).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut bundles: Vec<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sig.tbz"))
        .collect();
    bundles.sort();
    if bundles.is_empty() {
        bundles.push(".".into());
    }
    let mut arguments: Vec<String> = vec!["audit".into()];
    arguments.extend(bundles);
    arguments.extend(CaseFile::read(&directory).args());
    arguments.extend(["--now".into(), NOW.into()]);
    for format in FORMATS {
        arguments.extend(["--report".into(), format!("{format}={}", folder.join(format).display())]);
    }
    let answer = run(&directory, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    (folder, answer.code)
}

/// The text of a file, or of every file in a folder together.
fn content(path: &Path) -> String {
    if !path.is_dir() {
        return fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let mut files: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| format!("{}\n{}", file.file_name().unwrap().display(), content(file))).collect()
}

/// The content without the remark on a converted report: a sentence, or in text the end of the last line.
fn without_remark(format: &str, text: &str) -> String {
    const REMARK: &str = "Converted from a saved report: this run verified nothing, and a file can be changed. To verify, repeat the audit.";
    if format == "text" {
        let (above, last) = text.trim_end().rsplit_once('\n').unwrap();
        return format!("{above}\n{}", last.split_once(" (exit ").unwrap().0);
    }
    let in_format = match format {
        "html" => format!("<p>{REMARK}</p>\n"),
        "markdown" => format!("{REMARK}\n\n"),
        "oscal" => format!(" {REMARK}"),
        "sarif" | "sarif-all" => format!("\n          \"{REMARK}\"\n        "),
        _ => REMARK.into(),
    };
    // One more paragraph can make the print smaller.
    let sizes = [" fit-96", " fit-92", " fit-88", " fit-84", " fit-80", " fit-76", " fit-72"];
    sizes.iter().fold(text.replace(&in_format, ""), |text, size| text.replace(&format!("{size}\">"), "\">"))
}

/// The content of a report according to an independent parser (tests/tools/read-report).
fn parsed(format: &str, path: &Path) -> Value {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/read-report");
    let output = Command::new(tool).arg(format).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_saved_report_gives_the_same_content_and_says_that_nothing_was_verified() {
    for name in fixtures() {
        let (folder, code) = audit(&name, "same-bytes");
        for format in FORMATS {
            let again = run(&folder, &["report", "json", "--format", format, "--output", "again"]);
            assert_eq!(again.code, code, "{name} {format}: {}", again.err);
            let (one, other) = (content(&folder.join("again")), content(&folder.join(format)));
            let says = !["json", "csv", "csv-bom"].contains(&format);
            assert_eq!(says, one.contains("this run verified nothing"), "{name}: {format}");
            let one = without_remark(format, &one).replace("again.bundles", "html.bundles");
            assert!(one == without_remark(format, &other), "{name}: {format} differs");
            let _ = fs::remove_file(folder.join("again"));
            let (one, other) = (folder.join("again.bundles"), folder.join("html.bundles"));
            if format == "html" && other.exists() {
                assert!(
                    without_remark(format, &content(&one)) == without_remark(format, &content(&other)),
                    "{name}: the pages differ"
                );
                fs::remove_dir_all(one).unwrap();
            }
        }
    }
}

#[test]
fn every_format_has_the_same_content_and_escapes_hostile_text() {
    for name in fixtures() {
        let (folder, code) = audit(&name, "every-format");
        let expected = parsed("json", &folder.join("json"));
        assert_eq!(expected["exit_code"], code, "{name}");
        for format in ["markdown", "csv", "csv-bom", "junit", "sarif", "sarif-all", "oscal"] {
            let found = parsed(format, &folder.join(format));
            let bundles = if format == "sarif" { problems(&expected["bundles"]) } else { expected["bundles"].clone() };
            assert_eq!(found["bundles"], bundles, "{name} {format}");
            // CSV and JUnit have a line for the whole run only if nothing was audited.
            if !found["verdict"].is_null() {
                let of = |value: &Value| (value["verdict"].clone(), value["exit_code"].clone());
                assert_eq!(of(&found), of(&expected), "{name} {format}");
            }
        }
        let bundles = expected["bundles"].as_array().unwrap();
        for (at, bundle) in bundles.iter().enumerate() {
            let of_many = folder.join(format!("html.bundles/bundle-{:05}.html", at + 1));
            let page = if bundles.len() > 1 { of_many } else { folder.join("html") };
            assert_eq!(parsed("html", &page)["bundles"][0], *bundle, "{name} html");
        }
        if bundles.len() != 1 {
            parsed("html", &folder.join("html"));
        }
        secrets(&name, &folder);
    }
}

/// Findings that reject the bundle or have the status fail. No fixture here has a waiver.
fn problems(bundles: &Value) -> Value {
    let mut bundles = bundles.clone();
    for bundle in bundles.as_array_mut().unwrap() {
        let findings = bundle["findings"].as_array_mut().unwrap();
        findings.retain(|finding| finding[1] == "fail" || finding[3] == true);
    }
    bundles
}

/// Checks that no format shows the strings in `absent` of the fixture.
fn secrets(name: &str, folder: &Path) {
    for secret in CaseFile::read(&fixture(name)).expected_texts("absent") {
        for format in FORMATS {
            assert!(!content(&folder.join(format)).contains(&secret), "{name}: {format} shows a secret");
        }
    }
}

/// `HPSB_UPDATE=1` rewrites the files of `tests/golden/reports`.
#[test]
fn formats_equal_their_golden_files() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/reports");
    for name in ["good-policy-and-key", "tag-disagrees_fail", "other-key_fail", "bundle-gzip_fail"] {
        let (folder, _) = audit(name, "golden");
        let features = features(&folder);
        for format in FORMATS {
            // Version and features depend on the build, not on the audit.
            let found = content(&folder.join(format))
                .replace(env!("CARGO_PKG_VERSION"), "VERSION")
                .replace(&format!("features: {features}"), "features: FEATURES");
            let found = match format {
                "json" => without_features(&found),
                "html" => without_style(&found),
                _ => found,
            };
            let path = golden.join(format!("{name}.{format}"));
            if std::env::var_os("HPSB_UPDATE").is_some() {
                fs::create_dir_all(&golden).unwrap();
                fs::write(&path, &found).unwrap();
            }
            assert!(fs::read_to_string(&path).unwrap_or_default() == found, "{} differs", path.display());
        }
    }
}

/// A page without its style, which must equal the style file byte for byte.
fn without_style(page: &str) -> String {
    let style = include_str!("../src/report/html/style.css");
    assert_eq!(page.matches(style).count(), 1, "a page contains the whole style once");
    page.replace(style, "/* style.css */\n")
}

/// The build's features, as pages show them.
fn features(folder: &Path) -> String {
    let report: Value = serde_json::from_str(&content(&folder.join("json"))).unwrap();
    let list: Vec<&str> = report["tool"]["features"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    if list.is_empty() { "none".into() } else { list.join(", ") }
}

fn without_features(text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    value["tool"]["features"] = "FEATURES".into();
    format!("{value:#}\n")
}

#[test]
fn the_pages_of_several_bundles_are_written_completely_or_not_at_all() {
    let (folder, _) = audit("good-two-bundles", "folder");
    assert!(folder.join("html").is_file() && folder.join("html.bundles/bundle-00002.html").is_file());
    assert!(content(&folder.join("html")).contains("href=\"html.bundles/bundle-00002.html\""));
    let before = content(&folder.join("html.bundles"));
    fs::write(folder.join("html"), "mine").unwrap();
    let taken = run(&folder, &["report", "json", "--format", "html", "--output", "html"]);
    assert_eq!((taken.code, content(&folder.join("html.bundles"))), (3, before));
    assert_eq!(content(&folder.join("html")), "mine");
    assert_eq!(run(&folder, &["report", "json", "--format", "html"]).code, 2);
    let leftovers =
        fs::read_dir(&folder).unwrap().filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(leftovers.count(), 0);
}

/// `--report-dir` writes the same content as `--report`, with a file name for each format.
#[test]
fn a_report_folder_has_a_report_in_every_format_that_applies() {
    for (name, bundles) in [("good-policy-and-key", 1), ("good-two-bundles", 2), ("other-key_fail", 1)] {
        let (folder, code) = audit(name, "all-formats");
        let directory = fixture(name);
        let all = folder.join("all");
        let mut arguments: Vec<String> = vec!["audit".into()];
        let files = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut named: Vec<String> = files.filter(|name| name.ends_with(".sig.tbz")).collect();
        named.sort();
        arguments.extend(named);
        arguments.extend(CaseFile::read(&directory).args());
        arguments.extend(["--now".into(), NOW.into(), "--report-dir".into(), all.display().to_string()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(run(&directory, &arguments).code, code, "{name}");
        for format in hpsb_audit::Format::ALL.into_iter().filter(|format| FORMATS.contains(&format.word())) {
            let written = content(&all.join(format.file_name())).replace("report.html.bundles", "html.bundles");
            assert!(written == content(&folder.join(format.word())), "{name}: {}", format.word());
        }
        let mut expected = FORMATS.len() + 1;
        if bundles > 1 {
            assert!(content(&all.join("report.html.bundles")) == content(&folder.join("html.bundles")));
            // Equal counts of two builds are not one count.
            let index = content(&all.join("report.html"));
            assert!(index.contains("Inputs outside the commit") && index.contains("(each of 2 bundles)"), "{index}");
            expected += 1;
        }
        let json: Value = serde_json::from_str(&content(&folder.join("json"))).unwrap();
        expected += usize::from(json["verdict"] == "accept");
        assert_eq!(fs::read_dir(&all).unwrap().count(), expected, "{name}");
        // An existing name is refused before any work starts, and nothing is written.
        let again = run(&directory, &arguments);
        assert_eq!(again.code, 2, "{}", again.err);
        assert!(again.err.contains("exists"), "{}", again.err);
        fs::remove_dir_all(&all).unwrap();
    }
}

/// An error quotes the name of a member.
#[test]
fn a_secret_in_an_error_is_masked_in_every_format() {
    let folder = program::Folder::new();
    let bundle = BUNDLE;
    folder.write("docker login --password hunter2 x", "x");
    folder.write("key.pem", fs::read(fixture("good-policy").join("key.pem")).unwrap());
    let mut tar = Command::new("tar");
    tar.args(["-cjf", bundle, "--", "docker login --password hunter2 x"]).current_dir(folder.path());
    assert!(tar.status().unwrap().success());
    for format in [&[][..], &["--details"]] {
        let answer =
            run(folder.path(), &[&["audit", bundle, "--key", "key.pem", "--report-dir", "all"], format].concat());
        assert!(answer.out.contains("docker login") && !answer.out.contains("hunter2"), "{}", answer.out);
        for file in fs::read_dir(folder.path().join("all")).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains("hunter2"), "{text}");
        }
        fs::remove_dir_all(folder.path().join("all")).unwrap();
    }
    for command in [&["inspect"][..], &["extract", "--to", "out"]] {
        let answer = run(folder.path(), &[command, &[bundle, "--key", "key.pem"]].concat());
        assert!(answer.err.contains("docker login") && !answer.err.contains("hunter2"), "{command:?}: {}", answer.err);
    }
    folder.write("policy.toml", "version = 1\nrequire = [\"manifest\"]\n[[keys]]\nname = \"a\"\nfile = \"key.pem\"\n");
    let missing = ["audit", "docker login --password hunter2", "--policy", "policy.toml", "--report", "vsa=v"];
    let answer = run(folder.path(), &missing);
    assert!(answer.err.contains("no verification summary for"), "{}", answer.err);
    assert!(!answer.err.contains("hunter2"), "{}", answer.err);
}

#[test]
fn a_saved_report_that_was_changed_is_refused() {
    let (folder, _) = audit("tag-disagrees_fail", "changed");
    let saved = fs::read_to_string(folder.join("json")).unwrap();
    for (from, to) in [
        ("\"verdict\": \"reject\"", "\"verdict\": \"accept\""),
        ("\"exit_code\": 1", "\"exit_code\": 0"),
        ("\"rejects\": true", "\"rejects\": false"),
        ("\"check\": \"log-key\"", "\"check\": \"log-kei\""),
        ("\"schema_version\": 2", "\"schema_version\": 2, \"schema_version\": 2"),
        ("\"schema_version\": 2", "\"schema_version\": 1"),
        ("\"caused_by\": null", "\"caused_by\": \"log-key\""),
        ("\"witness\": \"build.log\"", "\"witness\": \"me\""),
        ("\"known\": \"stated\"", "\"known\": \"proved\""),
    ] {
        assert!(saved.contains(from), "{from}");
        fs::write(folder.join("changed.json"), saved.replace(from, to)).unwrap();
        let answer = run(&folder, &["report", "changed.json", "--format", "text"]);
        assert_eq!((answer.code, answer.out.as_str()), (3, ""), "{from}: {}", answer.err);
    }
}

/// A check's evidence is the bundle and the files that the check examined, each as a resource with
/// its digest; a check that was not run has no evidence.
#[test]
fn oscal_lists_the_files_that_a_check_examined() {
    let (folder, _) = audit("good-trust-cosign", "evidence");
    let answer = run(&folder, &["report", "json", "--format", "oscal"]);
    let document: Value = serde_json::from_str(&answer.out).unwrap();
    let results = &document["assessment-results"];
    let resources = results["back-matter"]["resources"].as_array().unwrap();
    let evidence = |check: &str| -> Option<Vec<String>> {
        let observations = results["results"][0]["observations"].as_array().unwrap();
        let title = |one: &&Value| one["title"].as_str().unwrap().starts_with(&format!("{check}:"));
        let of_check = observations.iter().find(title).unwrap()["relevant-evidence"].as_array()?;
        let resource = |link: &Value| {
            let id = &link["href"].as_str().unwrap()[1..];
            let resource = resources.iter().find(|one| one["uuid"] == id).unwrap();
            let digest = resource["rlinks"][0]["hashes"][0]["value"].as_str().unwrap();
            assert!(link["description"].as_str().unwrap().contains(digest), "{link}");
            resource["rlinks"][0]["href"].as_str().unwrap().to_owned()
        };
        Some(of_check.iter().map(resource).collect())
    };
    assert_eq!(evidence("source-tree").unwrap(), [BUNDLE]);
    let trust = evidence("image-signature").unwrap();
    assert!(trust.len() > 1 && trust[0] == BUNDLE && trust[1].starts_with("cosign/"), "{trust:?}");
    assert_eq!(evidence("builder-record"), None);
    // The digest of an image is not that of the file that contains it.
    let (folder, _) = audit("image-good", "image-evidence");
    let answer = run(&folder, &["report", "json", "--format", "oscal"]);
    let document: Value = serde_json::from_str(&answer.out).unwrap();
    let resources = document["assessment-results"]["back-matter"]["resources"].as_array().unwrap();
    let link =
        resources.iter().map(|one| &one["rlinks"][0]).find(|link| link["href"].as_str().unwrap().contains("image.tar"));
    assert_eq!(link.unwrap()["hashes"], Value::Null, "{link:?}");
}

#[test]
fn oscal_findings_are_for_named_objectives_and_unknown_is_never_satisfied() {
    let (folder, _) = audit("good-policy-and-key", "objectives");
    let row = |id: &str, checks: &str| {
        format!(
            "[[control]]\nframework = \"F\"\nid = \"{id}\"\ntitle = \"T\"\nchecks = [{checks}]\nobjectives = [\"{id}_obj\"]\n"
        )
    };
    let rows = [
        row("good", "\"manifest-signature\", \"manifest-key\""),
        row("not-run", "\"manifest-signature\", \"image-digest\""),
        row("none", ""),
    ];
    fs::write(folder.join("controls.toml"), format!("version = 1\n{}", rows.concat())).unwrap();
    let arguments = ["report", "json", "--format", "oscal", "--controls", "controls.toml", "--oscal-ap", "plan.json"];
    let answer = run(&folder, &arguments);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let document: Value = serde_json::from_str(&answer.out).unwrap();
    let results = &document["assessment-results"];
    assert_eq!(results["import-ap"]["href"], "plan.json");
    let findings = results["results"][0]["findings"].as_array().unwrap();
    let states: Vec<(&str, &str)> = findings
        .iter()
        .map(|f| (f["target"]["target-id"].as_str().unwrap(), f["target"]["status"]["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("good_obj", "satisfied"), ("not-run_obj", "not-satisfied"), ("none_obj", "not-satisfied")]);
}
