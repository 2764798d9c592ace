//! Tests `reconcile` with real bundles: it compares what runs, what was built and what was approved.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::process::Command;

use program::{Answer, BUNDLE, Folder, NOW, answer, command, fixture};
use serde_json::Value;

const DIGEST: &str = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const COMMIT: &str = "b0398d3eeb1921c4b063ea213713c42e0c584a70";
const POLICY: &str =
    "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n";

/// One accepted build with its approval, and a policy.
fn place() -> Folder {
    let folder = Folder::new();
    let from = fixture("good-approved");
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
    folder.write("key.pem", fs::read(from.join("key.pem")).unwrap());
    folder.write("approvals.csv", fs::read(from.join("approvals.csv")).unwrap());
    folder.write("policy.toml", POLICY);
    folder
}

fn ask(folder: &Folder, inventory: &str, more: &[&str]) -> Answer {
    let mut command = command(folder.path());
    command.args(["reconcile", "--evidence", "evidence", "--policy", "policy.toml", "--approvals", "approvals.csv"]);
    command.args(["--inventory", inventory, "--period", "2026-02-01/2026-03-31", "--now", NOW]);
    answer(command.args(more))
}

fn json(folder: &Folder, inventory: &str, more: &[&str]) -> (i32, Value) {
    let answer = ask(folder, inventory, &[&["--format", "json"], more].concat());
    let report = serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{e}: {:?} {}", answer.out, answer.err));
    (answer.code, report)
}

fn kinds(report: &Value) -> Vec<&str> {
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| row["kind"].as_str().unwrap()).filter(|kind| *kind != "matched").collect()
}

/// 500 pods; the pods at the indexes `strangers` run a different digest.
fn pods(strangers: &[usize]) -> String {
    let pods: Vec<Value> = (0..500)
        .map(|at| {
            let digest = if strangers.contains(&at) { OTHER } else { DIGEST };
            serde_json::json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "name": format!("wallet-{at}"), "namespace": "prod" },
                "spec": { "containers": [{ "name": "wallet", "image": "acme/wallet:latest" }] },
                "status": { "containerStatuses": [{ "name": "wallet", "imageID": format!("docker.io/acme/wallet@{digest}") }] },
            })
        })
        .collect();
    serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": pods }).to_string()
}

/// Objects that only the policy excuses are named wherever the result is stated.
#[test]
fn objects_that_only_the_policy_excuses_are_named() {
    let folder = place();
    folder.write("policy.toml", format!("{POLICY}[workload]\nkinds-without-images = [\"example.com/Widget\"]\n"));
    let widget = "{\"apiVersion\": \"example.com/v1\", \"kind\": \"Widget\", \"metadata\": {\"name\": \"x\"}}";
    folder.write("pods.json", pods(&[]).replacen("\"items\":[", &format!("\"items\":[{widget},"), 1));
    let (code, report) = json(&folder, "pods.json", &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["skipped"], serde_json::json!([{ "kind": "example.com/Widget", "objects": 1 }]));
    let words = "objects that run nothing only according to the policy: example.com/Widget (1)";
    let screen = ask(&folder, "pods.json", &["--report", "html=page.html"]).out;
    assert!(screen.lines().last().unwrap().contains(words), "{screen}");
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.replace("<wbr>", "").contains(words), "the page");
}

#[test]
fn a_matching_inventory_is_reconciled() {
    let folder = place();
    folder.write("pods.json", pods(&[]));
    let (code, report) = json(&folder, "pods.json", &["--sample", "3", "--seed", "Q1"]);
    assert_eq!((code, &report["reconciled"]), (0, &Value::from(true)), "{report:#}");
    assert_eq!(report["counts"]["matched"], 500);
    assert_eq!(report["rows"][0]["commit"], COMMIT);
    let message = report["rows"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("change CHG-1 approved by Grace Example"), "{message}");
    assert_eq!((&report["sample"]["population"], &report["sample"]["builds"][0]["places"]), (&1.into(), &500.into()));
    assert_eq!(report["keys"][0]["first"], report["keys"][0]["last"]);

    // Every input is listed with its digest, as computed by sha256sum.
    for path in ["policy.toml", "key.pem", "approvals.csv", "pods.json", &format!("evidence/{BUNDLE}")] {
        let output = Command::new("sha256sum").arg(path).current_dir(folder.path()).output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        let inputs = report["inputs"].as_array().unwrap();
        let input = inputs.iter().find(|input| input["path"] == path).unwrap_or_else(|| panic!("{path}: {inputs:?}"));
        assert_eq!(input["sha256"], line.split(' ').next().unwrap(), "{path}");
    }
}

/// Anything that an audit did not check affects every match, so each output states it.
#[test]
fn the_output_states_that_a_matched_build_is_accepted_in_part() {
    let folder = place();
    folder.write("pods.json", pods(&[]));
    let bundle = hpsb_audit::Sha256::of(&fs::read(folder.path().join("evidence").join(BUNDLE)).unwrap()).hex();
    let weak = "[levels]\n\"source-tree\" = \"off\"\n\"source-commit\" = \"warn\"\n";
    let waiver = format!(
        "[[waivers]]\ncheck = \"source-repository\"\nbundle = \"{bundle}\"\nowner = \"Ada\"\nreason = \"it moved\"\nexpires = 2027-01-01T00:00:00Z\n"
    );
    let other = "[expect]\nrepositories = [\"github.com/acme/other\"]\n";
    let in_part = "1 build accepted in part (image, trust, builder not checked; source-repository waived; off: source-tree; 1 check at warn)";
    for (policy, headline, exception) in [
        (POLICY.to_owned(), "RECONCILED", None),
        (
            format!("{POLICY}{weak}"),
            "RECONCILED: off: source-tree; 1 check at warn",
            Some("accepted: off: source-tree; 1 check at warn; source-commit warn; source-tree off"),
        ),
        (
            format!("{POLICY}{weak}{other}{waiver}"),
            &format!("RECONCILED: {in_part}"),
            Some("source-repository: waived by Ada"),
        ),
    ] {
        folder.write("policy.toml", &policy);
        let (code, report) = json(&folder, "pods.json", &[]);
        assert_eq!((code, &report["reconciled"]), (0, &Value::from(true)), "{report:#}");
        let qualified = report["qualified"].as_array().unwrap();
        assert_eq!(qualified.len(), usize::from(exception.is_some()), "{qualified:?}");
        let text = ask(&folder, "pods.json", &[]).out;
        assert!(text.starts_with(&format!("{headline}\n")), "{text}");
        let open = headline.strip_prefix("RECONCILED: ").map(|open| format!("; {open}")).unwrap_or_default();
        let last = format!(
            "RECONCILED (exit 0): every image in the inventories has an accepted, approved build; every build of the period in the evidence is approved; every commit approved in the period was built, and an inventory lists its image{open}."
        );
        assert!(text.lines().next_back().unwrap().starts_with(&last), "{text}");
        assert!(ask(&folder, "pods.json", &["--quiet"]).out.starts_with(&last));
        assert!(ask(&folder, "pods.json", &["--format", "csv"]).out.contains(headline));
        let page = ask(&folder, "pods.json", &["--format", "html"]).out;
        assert!(page.contains(headline), "{page}");
        match exception {
            Some(exception) => assert!(page.contains(exception), "{page}"),
            None => assert!(page.contains("None."), "{page}"),
        }
        assert_eq!(
            page.contains("a build that is accepted, or accepted in part"),
            policy.contains("waivers"),
            "{page}"
        );
    }
    let one = &json(&folder, "pods.json", &[]).1["qualified"][0];
    assert_eq!(one["verdict"], "accept-in-part");
    assert_eq!(one["waived"], serde_json::json!(["source-repository"]));
    assert_eq!(one["weakened"], serde_json::json!(["source-commit warn", "source-tree off"]));
    // The output also states this if there is a difference.
    folder.write("pods.json", pods(&[17]));
    let text = ask(&folder, "pods.json", &[]).out;
    assert!(
        text.starts_with(&format!("NOT RECONCILED: 1 in an inventory, without an accepted build; {in_part}\n")),
        "{text}"
    );
}

/// An approval applies to a commit of one repository.
#[test]
fn an_approval_for_a_different_repository_is_not_matched() {
    let folder = place();
    folder.write("pods.json", pods(&[]));
    let approvals = fs::read_to_string(folder.path().join("approvals.csv")).unwrap();
    let more = |repository: &str| {
        let line = format!("{repository},{COMMIT},CHG-2,Ada,2026-02-28T09:00:00Z");
        folder.write("approvals.csv", format!("{}\n{line}\n", approvals.trim_end()));
        json(&folder, "pods.json", &[])
    };
    let (code, report) = more("https://github.com/acme/wallet");
    assert_eq!((code, kinds(&report)), (0, vec![]), "{report:#}");
    let (code, report) = more("https://github.com/acme/OTHER");
    assert_eq!((code, kinds(&report)), (1, vec!["approved-not-seen"]), "{report:#}");
    let row = report["rows"].as_array().unwrap().last().unwrap();
    assert_eq!(row["message"], "no build of the commit in the evidence is from the approval's repository");
    assert!(row["details"][0].as_str().unwrap().starts_with("change CHG-2 "), "{row}");
}

/// Every format hides secrets; only `hunter2` is a secret here.
#[test]
fn image_names_are_shown_and_secrets_are_hidden() {
    let folder = place();
    let pinned = format!("ghcr.io/external-secrets/external-secrets:v0.9.20@{OTHER}");
    folder.write("secrets", format!("place,image\nhost,{pinned}\nhost,acme/api-token:2\nhost,a --password hunter2\n"));
    for format in ["text", "json", "csv", "html"] {
        let page = ask(&folder, "secrets", &["--format", format]).out;
        let page: String = page.replace("&#x3D;", "=").split_whitespace().collect();
        for shown in ["external-secrets:v0.9.20@sha256:", "acme/api-token:2", "secrets:record"] {
            assert!(page.contains(shown), "{format}: {shown}: {page}");
        }
        assert!(!page.contains("hunter2"), "{format}: {page}");
    }
}

#[test]
fn gaps_are_reported_and_exit_1() {
    let folder = place();
    folder.write("pods.json", pods(&[17, 333]));
    let (code, report) = json(&folder, "pods.json", &[]);
    assert_eq!((code, kinds(&report)), (1, vec!["running-without-accepted-build"; 2]));
    assert!(
        report["rows"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["place"] == "pods.json: Pod prod/wallet-333 containers wallet")
    );

    // An unreadable bundle, and an approval of a commit that was never built.
    folder.write("evidence/cut/manifest.cut.sig.tbz", b"BZh9");
    let approvals = fs::read_to_string(folder.path().join("approvals.csv")).unwrap();
    let never = "1".repeat(40);
    folder.write(
        "approvals.csv",
        format!("{}\ngit@github.com:acme/wallet.git,{never},CHG-2,Ada,2026-03-01T00:00:00Z\n", approvals.trim_end()),
    );
    folder.write("pods.json", pods(&[]));
    let (code, report) = json(&folder, "pods.json", &[]);
    assert_eq!((code, kinds(&report)), (1, vec!["approved-not-seen", "bundle-not-accepted"]), "{report:#}");
    assert_eq!(report["rows"][500]["commit"], never.as_str());

    // Nothing was approved.
    folder.write("approvals.csv", "repository,commit,change,approver,time\n");
    let (code, report) = json(&folder, "pods.json", &[]);
    assert_eq!((code, &report["counts"]["matched"]), (1, &Value::from(0)));
    // At its default level, `source-approved` also rejects the build.
    assert_eq!(report["counts"]["running-without-accepted-build"], 500);
    folder.write("policy.toml", format!("{POLICY}[levels]\n\"source-approved\" = \"warn\"\n"));
    let (_, report) = json(&folder, "pods.json", &[]);
    assert_eq!(report["counts"]["built-without-approval"], 500, "{:#}", report["counts"]);

    // The key is revoked, so nothing that runs has an accepted build.
    folder
        .write("policy.toml", format!("{POLICY}revoked = {{ at = 2026-03-01T00:00:00Z, reason = \"compromised\" }}\n"));
    let (code, report) = json(&folder, "pods.json", &[]);
    assert_eq!((code, &report["counts"]["matched"]), (1, &Value::from(0)));
}

#[test]
fn every_format_has_the_same_content_and_is_escaped() {
    let folder = place();
    folder.write(
        "hosts.csv",
        format!("place,image\n=1+1<script>\u{202e},docker.io/acme/wallet@{DIGEST}\n-x\u{202e},<b>:v1\n"),
    );
    let reports: Vec<String> = ["text", "json", "csv", "html"].map(|form| format!("{form}=out.{form}")).into();
    let flags: Vec<&str> = reports.iter().flat_map(|report| ["--report", report.as_str()]).collect();
    let answer = ask(&folder, "hosts.csv", &flags);
    assert_eq!(answer.code, 1, "{}", answer.err);
    let read = |form: &str| fs::read_to_string(folder.path().join(format!("out.{form}"))).unwrap();
    assert_eq!(read("text"), answer.out);
    assert!(answer.out.starts_with("NOT RECONCILED: 1 in an inventory, without an accepted build\n"), "{}", answer.out);
    for form in ["text", "json", "csv", "html"] {
        let page = read(form);
        assert!(!page.contains('\u{202e}') && page.contains("-x"), "{form}");
        // The text format gives only the number of matches.
        assert!((page.contains(COMMIT) && page.contains("=1+1")) || form == "text", "{form}");
    }
    assert!(!read("html").contains("<script>") && !read("html").contains("<b>"));
    assert!(read("csv").lines().all(|line| !line.contains(",\"=") && !line.contains(",\"-")));
    for (flags, hint) in [(&["--report", "sarif=x"], "use text, json, csv or html"), (&["--sample", "3"], "--seed")] {
        let answer = ask(&folder, "hosts.csv", flags);
        assert!(answer.code == 2 && answer.err.contains(hint), "{flags:?}: {}", answer.err);
    }
}

/// The image that the node runs is used, although a Service is next to the Pod and the Pod requested the good image.
#[test]
fn a_pod_among_other_resources_is_compared_by_its_status() {
    let folder = place();
    let pod = |id: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, namespace: x}}\nspec:\n  containers: [{{name: c, image: docker.io/acme/wallet@{DIGEST}}}]\nstatus:\n  containerStatuses: [{{name: c, imageID: docker.io/acme/wallet@{id}}}]\n"
        )
    };
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {}\n";
    folder.write("all.yaml", pod(OTHER) + service);
    let (code, report) = json(&folder, "all.yaml", &[]);
    // The approved image does not run anywhere.
    assert_eq!((code, kinds(&report)), (1, vec!["running-without-accepted-build", "approved-not-seen"]), "{report:#}");
    assert_eq!(report["rows"][0]["digest"], OTHER);
    folder.write("all.yaml", pod(DIGEST) + service);
    let (code, report) = json(&folder, "all.yaml", &[]);
    assert_eq!((code, kinds(&report)), (0, vec![]), "{report:#}");
    let input = report["inputs"].as_array().unwrap().iter().find(|input| input["path"] == "all.yaml").unwrap();
    assert_eq!(
        input["what"],
        "kubernetes; Pods: 1; Pods evaluated from their spec, because their status lacks a digest: 0"
    );
}

#[test]
fn a_file_that_is_not_an_inventory_gives_no_verdict() {
    let folder = place();
    for (inventory, code, word) in [
        ("", 3, "malformed"),
        ("place;image\na;b\n", 3, "malformed"),
        (r#"{"kind":"PodList","items":[]}"#, 4, "nothing-to-admit"),
        (r#"{"kind":"PodList","metadata":{"continue":"x"},"items":[]}"#, 3, "malformed"),
    ] {
        folder.write("inventory", inventory);
        let (found, report) = json(&folder, "inventory", &[]);
        assert_eq!((found, &report["error"]["code"]), (code, &Value::from(word)), "{inventory}");
    }
    let (code, _) = json(&folder, "missing", &[]);
    assert_eq!(code, 3);
}

#[test]
fn the_document_is_valid_according_to_an_independent_validator() {
    const PYTHON: &str = "\
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
document = json.load(sys.stdin)
print([error.json_path + ': ' + error.message[:200] for error in Draft202012Validator(schema).iter_errors(document)])
document['extra'] = 1
print(len(list(Draft202012Validator(schema).iter_errors(document))))
";
    let folder = place();
    folder.write("pods.json", pods(&[3]));
    folder.write("page", ask(&folder, "pods.json", &["--format", "json", "--sample", "1", "--seed", "1"]).out);
    let output = Command::new("/usr/bin/python3")
        .args(["-c", PYTHON, concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reconciliation.schema.json")])
        .stdin(fs::File::open(folder.path().join("page")).unwrap())
        .output()
        .expect("python3 is needed for this test");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[]\n1\n", "{}", String::from_utf8_lossy(&output.stderr));
}

/// An index may lead to images that were not examined, and one of those may be the image that runs.
#[test]
fn the_digest_of_an_index_is_not_matched_silently() {
    let folder = place();
    folder.add_image_index();
    let [index, manifest] = folder.image_index_policy("\"manifest\", \"source\"");
    for (file, digest) in [("index.csv", &index), ("manifest.csv", &manifest)] {
        folder.write(file, format!("place,image\nnode,acme/wallet@{digest}\n"));
    }
    let open = "1 image index of which one image was examined";
    assert_eq!(ask(&folder, "index.csv", &[]).code, 0);
    for format in ["text", "csv", "html"] {
        let shown = ask(&folder, "index.csv", &["--format", format]).out;
        assert!(shown.contains(open), "{format}: {shown}");
    }
    let rows = json(&folder, "index.csv", &[]).1["rows"].to_string();
    assert!(rows.contains(&format!("only the image {manifest} in it was examined")), "{rows}");
    let by_manifest = ask(&folder, "manifest.csv", &[]).out;
    assert!(!by_manifest.contains("image index") && !by_manifest.contains("other images"), "{by_manifest}");
    // A copy without the image: the sample's places are those of every file with the same signed archive.
    folder.write(&format!("evidence/a/{BUNDLE}"), fs::read(fixture("image-index").join(BUNDLE)).unwrap());
    let sample = json(&folder, "manifest.csv", &["--sample", "1", "--seed", "1"]).1["sample"]["builds"].clone();
    assert_eq!((sample[0]["places"].as_u64(), sample.as_array().unwrap().len()), (Some(1), 1), "{sample}");
    fs::remove_dir_all(folder.path().join("evidence/a")).unwrap();
    // If checks of the image are required, the index is not covered by them.
    folder.image_index_policy("\"manifest\", \"source\", \"image\"");
    let (code, report) = json(&folder, "index.csv", &[]);
    assert_eq!((code, kinds(&report)), (1, vec!["running-without-accepted-build"]), "{report:#}");
    assert_eq!(json(&folder, "manifest.csv", &[]).0, 0);
}

/// Only the archive in a bundle is signed, so anyone can make another file of the same build.
#[test]
fn another_file_with_the_same_signed_archive_is_not_another_build() {
    let folder = place();
    let bundle = fs::read(folder.path().join("evidence").join(BUNDLE)).unwrap();
    folder.write("bundle", bundle);
    let shell = |line: &str| {
        let output = Command::new("sh").args(["-ec", line]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        output.stdout
    };
    for level in ["-1", "-2", "-3"] {
        folder.write(&format!("evidence/copy{level}/{BUNDLE}"), shell(&format!("bzip2 -dc bundle | bzip2 {level}")));
    }
    let other = fixture("good-build-kit");
    folder.write(&format!("evidence/other/{BUNDLE}"), fs::read(other.join(BUNDLE)).unwrap());
    folder.write("one.csv", format!("place,image\nnode,acme/wallet@{DIGEST}\n"));
    let (_, report) = json(&folder, "one.csv", &["--sample", "3", "--seed", "4711"]);
    assert!(report["error"].is_null(), "{report:#}");
    let files = report["inputs"].as_array().unwrap().iter().filter(|input| input["kind"] == "bundle").count();
    assert_eq!((files, &report["builds_in_period"]), (5, &Value::from(2)), "{report:#}");
    assert_eq!(report["sample"]["population"], 2);
    let archives: Vec<&str> = report["sample"]["builds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["archive_sha256"].as_str().unwrap())
        .collect();
    assert!(archives.len() == 2 && archives[0] != archives[1], "{archives:?}");
    let signed = shell(&format!("tar -xjOf bundle {} | sha256sum | cut -c1-64", BUNDLE.replace(".sig.tbz", ".tbz")));
    assert!(archives.contains(&String::from_utf8(signed).unwrap().trim()), "{archives:?}");
    let builds: u64 = report["keys"].as_array().unwrap().iter().map(|key| key["builds"].as_u64().unwrap()).sum();
    assert_eq!(builds, 2, "{report:#}");
    // Both builds state the digest: one row for each.
    assert_eq!(
        report["rows"].as_array().unwrap().iter().filter(|row| !row["place"].is_null()).count(),
        2,
        "{report:#}"
    );
}

/// One build in several places is one build, and every output states the time as of which it was judged.
#[test]
fn builds_are_counted_once_and_the_time_is_stated() {
    let folder = place();
    folder.write(
        "approvals.csv",
        fs::read(folder.path().join("approvals.csv")).unwrap().split_inclusive(|b| *b == b'\n').next().unwrap(),
    );
    folder.write("policy.toml", format!("{POLICY}[levels]\n\"source-approved\" = \"warn\"\n"));
    folder.write("three.csv", format!("place,image\na,w@{DIGEST}\nb,w@{DIGEST}\nc,w@{DIGEST}\n"));
    let answer = ask(&folder, "three.csv", &[]);
    assert_eq!(answer.code, 1);
    assert!(
        answer
            .out
            .starts_with("NOT RECONCILED: 1 build without approval; 1 check at warn; warnings of source-approved\n"),
        "{}",
        answer.out
    );
    assert!(answer.out.contains("  judged  as of 2026-03-10T00:00:00Z\n"), "{}", answer.out);
    assert!(answer.out.contains("       3  rows: built without approval\n"), "{}", answer.out);
    let csv = ask(&folder, "three.csv", &["--format", "csv"]).out;
    assert!(csv.contains("\"judged\",\"\",\"\",\"\",\"\",\"\",\"\",\"as of 2026-03-10T00:00:00Z\","), "{csv}");
}
