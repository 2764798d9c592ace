//! Tests of the laws in docs/architecture.md. The first tests run the program on every fixture and examine all reports.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod case_file;
mod program;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use case_file::{CaseFile, directories};
use program::{Folder, answer, command};
use serde_json::Value;

/// One report that the program wrote.
struct Page {
    name: String,
    code: i32,
    text: String,
    json: Value,
}

/// The arguments of a fixture, as the test of all fixtures passes them.
fn arguments(directory: &Path) -> Vec<String> {
    let case = CaseFile::read(directory);
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut arguments: Vec<String> = names.filter(|name| name.ends_with(".sig.tbz")).collect();
    arguments.sort();
    if arguments.is_empty() {
        arguments.push(".".into());
    }
    arguments.extend(case.args());
    arguments.extend(["--now".into(), case.now(), "--format".into(), "json".into()]);
    arguments
}

/// The reports on all fixtures.
fn pages() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| {
        let directories = directories();
        let (next, pages) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(directory) = directories.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let answer = answer(command(directory).arg("audit").args(arguments(directory)));
                        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
                        let json = serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{name}: {e}"));
                        pages.lock().unwrap().push(Page { name, code: answer.code, text: answer.out, json });
                    }
                });
            }
        });
        let mut pages = pages.into_inner().unwrap();
        pages.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(pages.len() > 300, "only {} fixtures were found", pages.len());
        pages
    })
}

fn array<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("no array {field} in {value}"))
}

/// Every bundle's part of every report, with the fixture's name.
fn bundles() -> impl Iterator<Item = (&'static str, &'static Value)> {
    pages().iter().flat_map(|page| array(&page.json, "reports").iter().map(|bundle| (page.name.as_str(), bundle)))
}

/// No check of an audit is silently skipped, whether a bundle is accepted, refused, malformed or without a key.
#[test]
fn every_bundle_has_one_finding_per_check_in_table_order() {
    // An audit does not check workloads.
    let asked = hpsb_audit::check::CHECKS.iter().filter(|check| check.group != hpsb_audit::Group::Workload);
    let table: Vec<&str> = asked.map(|check| check.name).collect();
    let mut verdicts = std::collections::BTreeMap::<&str, usize>::new();
    for (name, bundle) in bundles() {
        let found: Vec<&str> = array(bundle, "findings").iter().map(|f| f["check"].as_str().unwrap()).collect();
        assert_eq!(found, table, "{name}");
        *verdicts.entry(bundle["verdict"].as_str().unwrap()).or_default() += 1;
    }
    assert!(
        ["accept", "accept-in-part", "reject", "none"].iter().all(|verdict| verdicts[verdict] > 30),
        "{verdicts:?}"
    );
    let no_key = bundles().find(|(_, bundle)| bundle["error"]["code"] == "no-key");
    assert!(no_key.is_some(), "no fixture without a key was found");
}

#[test]
fn verdict_and_exit_codes_agree() {
    for Page { name, code, json, .. } in pages() {
        assert_eq!(json["exit_code"], *code, "{name}");
        let verdict = json["verdict"].as_str().unwrap();
        let allowed: &[&str] = match code {
            0 => &["accept", "accept-in-part"],
            1 => &["reject"],
            2..=4 => &["none"],
            other => panic!("{name}: exit code {other}"),
        };
        assert!(allowed.contains(&verdict), "{name}: {code} and {verdict}");
        let total = |verdict: &str| array(json, "reports").iter().filter(|bundle| bundle["verdict"] == verdict).count();
        for verdict in ["accept", "accept-in-part", "reject", "none"] {
            assert_eq!(json["totals"][verdict], total(verdict), "{name}");
        }
    }
    for (name, bundle) in bundles() {
        assert_eq!(bundle["verdict"] == "none", !bundle["error"].is_null(), "{name}");
    }
}

/// Checks with separate code that each report follows the rules about rejection, acceptance and consequences. A report does not state what required
/// a check, so `not-run` findings without a cause are tested only by the truth table next to the rule.
#[test]
fn the_verdict_follows_from_the_findings() {
    let mut consequences = 0;
    for page in pages() {
        let policy = !page.json["policy"].is_null();
        for bundle in array(&page.json, "reports").iter().filter(|bundle| bundle["error"].is_null()) {
            let name = &page.name;
            let (in_play, findings) = (array(bundle, "in_play"), array(bundle, "findings"));
            let decides = |finding: &Value| finding["level"] == "require" && in_play.contains(&finding["group"]);
            let waived = |finding: &Value| finding["waiver"]["standing"] == "active";
            let mut rejects = false;
            for finding in findings {
                let cause = findings.iter().find(|one| one["check"] == finding["caused_by"]);
                let says_no = match cause {
                    // A consequence rejects the bundle only if its cause does not, because the cause is what must be fixed.
                    Some(cause) => {
                        assert!(cause["caused_by"].is_null(), "{name}: the cause of {finding} is a consequence");
                        consequences += 1;
                        Some(decides(finding) && cause["rejects"] == false)
                    }
                    None if finding["status"] == "not-run" => None,
                    None => Some(decides(finding) && finding["status"] != "pass"),
                };
                if let Some(says_no) = says_no {
                    assert_eq!(finding["rejects"], says_no && !waived(finding), "{name}: {finding}");
                }
                rejects |= finding["rejects"] == true;
            }
            let is_answered = |group: &Value| {
                findings.iter().any(|one| one["group"] == *group && decides(one) && one["status"] != "not-run")
            };
            let required = array(&page.json["question"], "require");
            let lacks = findings.iter().any(|one| waived(one) || (decides(one) && one["reason"] == "not-built-in"));
            let whole = policy && !required.is_empty() && required.iter().all(is_answered) && !lacks;
            let expected = if rejects {
                "reject"
            } else if whole {
                "accept"
            } else {
                "accept-in-part"
            };
            assert_eq!(bundle["verdict"], expected, "{name}");
        }
    }
    assert!(consequences > 1_000, "{consequences}");
    // A report without a verdict has no finding that rejects the bundle.
    for (name, bundle) in bundles().filter(|(_, bundle)| !bundle["error"].is_null()) {
        assert!(array(bundle, "findings").iter().all(|finding| finding["rejects"] == false), "{name}");
    }
}

/// Law 1: without a good signature by a specified key, no fact from the archive is reported, and nothing is accepted.
#[test]
fn unverified_archives_yield_no_facts() {
    let mut closed = 0;
    for (name, bundle) in bundles() {
        let signature = &array(bundle, "findings")[0];
        assert_eq!(signature["level"], "require", "{name}");
        assert_eq!(signature["status"] == "pass", !bundle["key"].is_null(), "{name}");
        if signature["status"] != "pass" {
            closed += 1;
            assert!(array(bundle, "evidence").is_empty() && array(bundle, "outside_the_commit").is_empty(), "{name}");
            assert!(array(bundle, "findings")[1..].iter().all(|finding| finding["status"] == "not-run"), "{name}");
            assert!(matches!(bundle["verdict"].as_str(), Some("reject" | "none")), "{name}");
        }
    }
    assert!(closed > 100, "{closed}");
}

#[test]
fn reports_contain_only_the_documented_words() {
    let one_of = |name: &str, value: &Value, words: &str| {
        assert!(value.as_str().is_some_and(|word| words.split(' ').any(|known| known == word)), "{name}: {value}");
    };
    for (name, bundle) in bundles() {
        for finding in array(bundle, "findings") {
            one_of(name, &finding["group"], "manifest source image trust builder workload");
            one_of(name, &finding["level"], "require warn off");
            one_of(name, &finding["status"], "pass fail unknown not-run");
            assert_eq!(finding["status"] == "not-run", finding["reason"].is_string(), "{name}");
            if finding["status"] == "not-run" {
                one_of(name, &finding["reason"], "refused no-evidence no-expectation off not-built-in");
            }
        }
        for fact in array(bundle, "evidence") {
            one_of(
                name,
                &fact["witness"],
                "file-name member-names build.json build.log git-objects work-tree registry layout docker-archive trust server beside-bundle builder \
                 workload policy approvals",
            );
            one_of(name, &fact["known"], "signed recomputed timestamped stated given");
        }
        if !bundle["key"].is_null() {
            one_of(name, &bundle["key"]["grade"], "command-line recorded witnessed challenged");
        }
    }
}

/// The same bytes, policy and time give the same output bytes, regardless of folder, order of files, language or time zone.
#[test]
fn identical_inputs_give_identical_reports_byte_for_byte() {
    for name in
        ["good-policy", "other-key_fail", "bundle-cut-in-half_fail", "key-none_fail", "two-bundles-one-cut_fail"]
    {
        let page = pages().iter().find(|page| page.name == name).unwrap_or_else(|| panic!("no fixture {name}"));
        let copy = Folder::with_fixture(name);
        let mut again = command(copy.path());
        again.arg("audit").args(arguments(copy.path()));
        again.envs([("TZ", "Asia/Tokyo"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8"), ("COLUMNS", "40")]);
        assert!(answer(&mut again).out == page.text, "{name}");
    }
}

/// Even if an environment variable enables backtraces and a dependency's message would contain one, the output contains none.
#[test]
fn backtraces_enabled_by_the_environment_do_not_appear_in_the_output() {
    let folder = Folder::with_fixture("good-policy");
    // A packet without a valid type.
    folder.write("trust/signature-1", b"\xc0\x01\x00");
    let bare = answer(command(folder.path()).args(["trust", "trust"]));
    let asked = answer(command(folder.path()).args(["trust", "trust"]).env("RUST_BACKTRACE", "full"));
    assert!(bare.out.contains("signature-1") && bare.out == asked.out, "{}\n{}", bare.out, asked.out);
}

/// Validates every report, and deliberately invalid ones, with Debian's python3-jsonschema, which shares no code with this program.
#[test]
fn every_report_is_valid_according_to_an_independent_validator() {
    const PYTHON: &str = "\
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for line in sys.stdin:
    page = json.loads(line)
    errors = [error.json_path + ': ' + error.message[:200] for error in validator.iter_errors(page['report'])]
    if bool(errors) == page['valid']:
        print(page['name'], errors or 'is valid, and should not be')
";
    let mut lines: Vec<String> = pages()
        .iter()
        .map(|page| serde_json::json!({ "name": page.name, "valid": true, "report": page.json }).to_string())
        .collect();
    let good = &pages().iter().find(|page| page.name == "good-rsa-2048").unwrap().json;
    type Break = fn(&mut Value);
    let breaks: [(&str, Break); 6] = [
        ("a field is missing", |report| drop(report.as_object_mut().unwrap().remove("verdict"))),
        ("a field is unknown", |report| report["extra"] = 1.into()),
        ("an exit code is text", |report| report["exit_code"] = "0".into()),
        ("a finding lost its status", |report| {
            drop(report["reports"][0]["findings"][0].as_object_mut().unwrap().remove("status"));
        }),
        ("a finding has an extra level", |report| report["reports"][0]["findings"][0]["severity"] = "high".into()),
        ("evidence is not a list", |report| report["reports"][0]["evidence"] = Value::Null),
    ];
    for (name, change) in breaks {
        let mut report = good.clone();
        change(&mut report);
        lines.push(serde_json::json!({ "name": name, "valid": false, "report": report }).to_string());
    }
    let folder = Folder::new();
    folder.write("pages", lines.join("\n"));
    let output = Command::new("/usr/bin/python3")
        .args(["-c", PYTHON, concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json")])
        .stdin(fs::File::open(folder.path().join("pages")).unwrap())
        .output()
        .expect("python3 is needed for this test");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "python3-jsonschema is needed for this test: {complaint}");
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(found.is_empty(), "{found}");
}

/// The doctest of `VerifiedArchive` shows that other crates cannot make one; this test shows that only one function of this crate does.
#[test]
fn a_verified_archive_is_constructed_in_one_place() {
    let mut makers = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for (at, _) in text.match_indices("VerifiedArchive {") {
                let line = text[..at].rsplit('\n').next().unwrap().trim_start();
                if !matches!(line, "pub struct " | "impl ") && !line.starts_with("//") {
                    makers.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
    }
    assert_eq!(makers, ["verify.rs"]);
}

/// The total memory for an archive is bounded, not only the memory for each member.
#[test]
fn limits_apply_to_all_repositories_and_all_names_together() {
    use support::tar::Entry;
    let folder = Folder::new();
    let repositories = (0..8).map(|at| Entry::file(format!("git/r{at}/.git/x"), vec![0; 1000]));
    let links = (0..8).map(|at| Entry::link(b'1', &format!("git/r{at}/.git/y"), &format!("git/r{at}/.git/x")));
    let members: Vec<Entry> = repositories.chain(links).collect();
    let bundle = support::Case::good("bounds", "").inner(|inner| inner.extend(members)).make_bundle_bytes();
    folder.write("bundle.sig.tbz", bundle);
    folder.write("key.pem", support::keys::Named::Server.public_pem());
    // All names together are shorter than 3,000 bytes. The other sizes are exact: 8,483 bytes below .git in the recorded repository plus the
    // added bytes; all files outside it; record and log unchanged.
    for (limit, over) in [
        ("names_bytes=3500", false),
        ("names_bytes=1000", true),
        ("git_bytes=24483", false),
        ("git_bytes=24482", true),
        ("work_tree_bytes=5687", false),
        ("work_tree_bytes=5686", true),
        ("build_record_bytes=329", false),
        ("build_record_bytes=328", true),
        ("build_log_bytes=6529", false),
        ("build_log_bytes=6528", true),
    ] {
        let (_, report) = program::report(folder.path(), &["bundle.sig.tbz", "--key", "key.pem", "--limit", limit]);
        let error = &report["reports"][0]["error"];
        assert_eq!(*error != Value::Null, over, "{limit}: {error}");
        if over {
            assert_eq!(error["code"], "over-limit", "{limit}");
        }
    }
}
