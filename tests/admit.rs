//! Tests `admit`, `contract images` and `--builder`: what may be deployed, what may not, and why.
//! Contracts, records and chains are made with openssl.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use hpsb_audit::{Form, KindsWithoutImages, Limits, Sha256, Workload};
use program::{BUNDLE, Folder, NOW, answer, command, fixture, run};
use serde_json::Value;

/// The digest in the fixtures' signed log.
const DIGEST: &str = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const POLICY: &str =
    "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n";

/// A folder with the fixtures' bundle in `evidence/`, its key and a policy.
fn place(policy: &str) -> Folder {
    let folder = Folder::new();
    let from = fixture("good-policy");
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
    folder.write("key.pem", fs::read(from.join("key.pem")).unwrap());
    folder.write("policy.toml", policy);
    folder
}

fn compose(image: &str) -> String {
    format!("services:\n  wallet:\n    image: {image}\n")
}

fn admit(folder: &Folder, workload: &str, more: &[&str]) -> (i32, Value) {
    let mut command = command(folder.path());
    command.args(["admit", workload, "--evidence", "evidence", "--policy", "policy.toml", "--now", NOW]);
    let answer = answer(command.args(more).args(["--format", "json"]));
    let report = serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{e}: {:?} {}", answer.out, answer.err));
    (answer.code, report)
}

fn text(folder: &Folder, workload: &str, more: &[&str]) -> (i32, String) {
    let mut command = command(folder.path());
    command.args(["admit", workload, "--evidence", "evidence", "--policy", "policy.toml", "--now", NOW]);
    let answer = answer(command.args(more));
    (answer.code, answer.out)
}

fn finding<'r>(report: &'r Value, image: usize, check: &str) -> &'r Value {
    let findings = report["images"][image]["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["check"] == check).expect("the check")
}

fn status(report: &Value, image: usize, check: &str) -> String {
    let finding = finding(report, image, check);
    match finding["reason"].as_str() {
        Some(reason) => format!("not-run: {reason}"),
        None => finding["status"].as_str().unwrap().to_owned(),
    }
}

fn openssl(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn base64(folder: &Path, bytes: &[u8]) -> String {
    String::from_utf8(openssl(folder, &["base64", "-A"], bytes)).unwrap()
}

/// A tar archive of one file, compressed with gzip, in base64.
fn archive(folder: &Folder, name: &str, content: &str) -> String {
    folder.write(&format!("archive/{name}"), content);
    let output =
        Command::new("tar").args(["czf", "-", "-C", "archive", name]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success());
    base64(folder.path(), &output.stdout)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[test]
fn a_pinned_image_of_an_accepted_build_is_admitted() {
    let folder = place(POLICY);
    folder.write("compose.yaml", compose(&format!("docker.io/acme/wallet@{DIGEST}")));
    let (code, report) = admit(&folder, "compose.yaml", &[]);
    assert_eq!((code, &report["verdict"]), (0, &Value::from("accept")), "{report:#}");
    let scope =
        serde_json::json!({ "groups": ["manifest", "source", "workload"], "policy": "policy.toml", "weakened": [] });
    assert_eq!(report["scope"], scope);
    let image = &report["images"][0];
    assert_eq!((&image["digest"], &image["verdict"]), (&Value::from(DIGEST), &Value::from("accept")));
    assert_eq!(image["bundle"], report["reports"][0]["bundle"]["path"]);
    assert_eq!(image["workload"]["form"], "compose");
    for (check, answer) in [
        ("workload-image", "pass"),
        ("workload-pinned", "pass"),
        ("workload-key", "not-run: no-evidence"),
        ("contract-signature", "not-run: no-evidence"),
        ("attestation-record", "not-run: no-evidence"),
    ] {
        assert_eq!(status(&report, 0, check), answer, "{check}");
    }
    let standing = |check: &str| {
        let links = image["chain"].as_array().unwrap();
        links.iter().find(|link| link["checks"].as_array().unwrap().iter().any(|one| one == check)).unwrap()["standing"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!((standing("manifest-signature"), standing("log-image")), ("proved".into(), "stated".into()));
    assert_eq!((standing("workload-image"), standing("image-digest")), ("stated".into(), "not examined".into()));

    let (code, text) = text(&folder, "compose.yaml", &[]);
    assert_eq!(code, 0);
    assert!(text.starts_with("ADMITTED: manifest, source, workload (policy.toml)\n"), "{text}");
    assert!(text.contains("1 image: 1 admitted, 0 denied\nEvidence: 1 bundle: 1 accept, 0 accept-in-part"), "{text}");
    assert!(text.contains("\nJudged as of 2026-03-10T00:00:00Z\n"), "{text}");
}

#[test]
fn an_image_at_a_mirror_is_matched_by_digest() {
    let folder = place(POLICY);
    folder.write("compose.yaml", compose(&format!("registry.example/mirror/wallet:v9@{DIGEST}")));
    assert_eq!(admit(&folder, "compose.yaml", &[]).0, 0);
}

/// It is not known which of several builds made an image, so the others are named; a copy of a build is not another one.
#[test]
fn other_builds_with_the_digest_are_named() {
    let folder = place(POLICY);
    folder.write("compose.yaml", compose(&format!("acme/wallet@{DIGEST}")));
    let said = || text(&folder, "compose.yaml", &[]).1.lines().filter(|line| line.contains("also in")).count();
    assert_eq!(said(), 0);
    folder.write(&format!("evidence/copy/{BUNDLE}"), fs::read(fixture("good-policy").join(BUNDLE)).unwrap());
    assert_eq!(said(), 0);
    folder.write(&format!("evidence/a/{BUNDLE}"), fs::read(fixture("object-missing-blob_fail").join(BUNDLE)).unwrap());
    let (code, screen) = text(&folder, "compose.yaml", &[]);
    let note = "  note       the digest is also in the signed log of docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456 (NOT accepted; commit ";
    assert!(code == 0 && screen.contains(note) && said() == 1, "{screen}");
    assert!(admit(&folder, "compose.yaml", &[]).1.to_string().contains("also in the signed log of"));
}

/// An image without a build can be admitted only if the policy says so, and then the headline says so.
#[test]
fn an_image_without_a_build_is_admitted_with_nothing_checked() {
    let folder = place(&format!("{POLICY}[levels]\nworkload-image = \"off\"\n"));
    folder.write("compose.yaml", compose(&format!("acme/wallet@{OTHER}")));
    let (code, screen) = text(&folder, "compose.yaml", &[]);
    let words = "ADMITTED IN PART: no build was found for it: manifest, source, image, trust, builder not checked (policy.toml; off: workload-image)\n";
    assert!(code == 0 && screen.starts_with(words), "{screen}");
}

/// An index may lead to images that were not examined, and one of those may be the image that runs.
#[test]
fn the_digest_of_an_index_is_not_that_of_its_examined_image() {
    let folder = Folder::new();
    folder.add_image_index();
    let [index, manifest] = folder.image_index_policy("\"manifest\", \"source\", \"image\"");
    assert_ne!(index, manifest);
    folder.write("index.yaml", compose(&format!("acme/wallet@{index}")));
    let (code, report) = admit(&folder, "index.yaml", &[]);
    let found = finding(&report, 0, "workload-image");
    assert_eq!((code, &found["status"]), (1, &Value::from("unknown")), "{found:#}");
    assert!(found["message"].as_str().unwrap().contains("the digest is that of an index"), "{found:#}");
    folder.write("manifest.yaml", compose(&format!("acme/wallet@{manifest}")));
    assert_eq!(admit(&folder, "manifest.yaml", &[]).0, 0);
    folder.write("tag.yaml", compose("acme/wallet:latest"));
    let (_, screen) = text(&folder, "tag.yaml", &[]);
    assert!(screen.contains(&format!("write docker.io/acme/wallet@{manifest}: ")), "{screen}");
    // If no check of the image is required, the answer and the headline state what was examined.
    folder.image_index_policy("\"manifest\", \"source\"");
    let (code, report) = admit(&folder, "index.yaml", &[]);
    let message = finding(&report, 0, "workload-image")["message"].to_string();
    assert!(
        code == 0 && message.contains(&format!("an index, of which only the image {manifest} was examined")),
        "{message}"
    );
    let headline = |file: &str| text(&folder, file, &[]).1.lines().next().unwrap().to_owned();
    assert_eq!(
        headline("index.yaml"),
        "ADMITTED: manifest, source, image, workload; not checked: the other images of the index (policy.toml)"
    );
    assert_eq!(headline("manifest.yaml"), "ADMITTED: manifest, source, image, workload (policy.toml)");
}

/// Only the names of the bundle and its members contain the build's name, and anyone can change these names.
#[test]
fn an_unsigned_name_is_marked_wherever_a_build_is_named() {
    let folder = place(POLICY);
    let from = fixture("good-names-empty");
    let name = "docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456";
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
    folder.write("key.pem", fs::read(from.join("key.pem")).unwrap());
    folder.write("compose.yaml", compose(&format!("acme/wallet@{DIGEST}")));
    let bundle = format!("evidence/{BUNDLE}");
    let marked = format!("{name} (unsigned)");
    for line in [
        &["admit", "compose.yaml", "--evidence", "evidence", "--policy", "policy.toml", "--details", "--now", NOW][..],
        &["audit", &bundle, "--policy", "policy.toml", "--details", "--now", NOW],
        &["audit", &bundle, &format!("{bundle}.missing"), "--policy", "policy.toml", "--now", NOW],
        &["contract", "images", &bundle, "--policy", "policy.toml", "--now", NOW],
    ] {
        let shown = run(folder.path(), line);
        assert!(shown.out.contains(&marked), "{line:?}: {} {}", shown.out, shown.err);
        let builds = shown.out.lines().filter(|line| line.trim_start().starts_with("build "));
        assert!(builds.clone().all(|line| line.contains(&marked)), "{line:?}: {}", shown.out);
    }
    // The section is also printed for an acceptance in part, and says so.
    for (trust, headline) in [
        (["--policy", "policy.toml"], "# ACCEPTED: manifest, source (policy.toml)\n"),
        (["--key", "key.pem"], "# ACCEPTED IN PART: no policy; image, trust, builder not checked\n"),
    ] {
        let shown = run(folder.path(), &[&["contract", "images", &bundle, "--now", NOW][..], &trust].concat());
        assert!(shown.out.starts_with(headline), "{}", shown.out);
    }
    // No witness states which build the signed archive is for.
    let shown = run(
        folder.path(),
        &["admit", "compose.yaml", "--evidence", "evidence", "--policy", "policy.toml", "--details", "--now", NOW],
    );
    assert!(shown.out.contains("not examined   signed archive -> build record"), "{}", shown.out);
}

#[test]
fn each_denial_has_an_actionable_reason() {
    let pinned = compose(&format!("acme/wallet@{DIGEST}"));
    let revoked = format!("{POLICY}revoked = {{ at = 2026-03-01T00:00:00Z, reason = \"compromised\" }}\n");
    let commit = format!("{POLICY}[expect]\ncommit = \"{}\"\n", "1".repeat(40));
    let cases: [(&str, &str, String, &str); 7] = [
        (
            "a tag",
            POLICY,
            compose("acme/wallet:latest"),
            &format!(
                "hint       write docker.io/acme/wallet@{DIGEST}: the newest (by the server's clock) of the evaluated, accepted builds that pushed this name and tag"
            ),
        ),
        (
            "no tag",
            POLICY,
            compose("acme/wallet"),
            &format!(
                "hint       write docker.io/acme/wallet@{DIGEST}: the newest (by the server's clock) of the evaluated, accepted builds that pushed this name and tag"
            ),
        ),
        (
            "an unknown digest",
            POLICY,
            compose(&format!("acme/wallet@{OTHER}")),
            "no manifest that was evaluated and verified is for this digest",
        ),
        ("a revoked key", &revoked, pinned.clone(), "manifest-key: "),
        ("an old commit", &commit, pinned.clone(), "source-commit: "),
        (
            "a malformed digest",
            POLICY,
            compose(&format!("acme/wallet@{}", DIGEST.to_uppercase())),
            "malformed image name",
        ),
        ("a variable", POLICY, compose("acme/wallet:${TAG:-latest}"), "not resolved: ${TAG:-latest}"),
    ];
    for (what, policy, workload, reason) in cases {
        let folder = place(policy);
        folder.write("compose.yaml", workload);
        let (code, text) = text(&folder, "compose.yaml", &[]);
        assert_eq!(code, 1, "{what}: {text}");
        assert!(text.starts_with("DENIED\n") && text.contains(reason) && text.contains("  hint  "), "{what}: {text}");
    }
}

/// Docker, containerd and podman refuse these names, so it is unknown what would run.
#[test]
fn names_that_no_runtime_accepts_are_malformed() {
    let folder = place(POLICY);
    let names = [
        format!("@{DIGEST}"),
        format!(" docker.io/acme/wallet@{DIGEST}"),
        format!("docker.io/acme/wallet@{DIGEST} "),
        format!("docker.io/Acme/wallet@{DIGEST}"),
        format!("docker.io/acme//wallet@{DIGEST}"),
        format!("docker.io/Acme/${{NAME}}@{DIGEST}"),
        format!("user@docker.io/acme/wallet@{DIGEST}"),
    ];
    for name in &names {
        folder.write("compose.yaml", compose(&format!("\"{name}\"")));
        let (code, text) = text(&folder, "compose.yaml", &[]);
        assert_eq!(code, 1, "{name}: {text}");
        assert!(text.starts_with("DENIED\n") && text.contains("malformed image name"), "{name}: {text}");
    }
}

/// Two builds of an image whose name looks like a secret must stay distinguishable; text that is not a name is masked as usual.
#[test]
fn image_names_are_shown_and_secrets_are_hidden() {
    let folder = place(POLICY);
    let names = [
        format!("ghcr.io/external-secrets/external-secrets:v0.9.20@{DIGEST}"),
        format!("ghcr.io/external-secrets/external-secrets:v0.9.20@{OTHER}"),
        "acme/api-token:2".to_owned(),
        "hunter2".to_owned(),
    ];
    let services: String =
        names.iter().enumerate().map(|(at, name)| format!("  s{at}: {{image: \"{name}\"}}\n")).collect();
    let hostile = format!("services:\n{services}  x: {{image: \"acme/wallet:v1 --password hunter2@{DIGEST}\"}}\n");
    folder.write("compose.yaml", hostile);
    let (_, report) = admit(&folder, "compose.yaml", &[]);
    let (_, page) = text(&folder, "compose.yaml", &[]);
    for (at, name) in names.iter().enumerate() {
        assert_eq!(report["images"][at]["image"], name.as_str());
        assert!(page.contains(&format!("image      {name}\n")), "{name}: {page}");
    }
    let last = report["images"][4].to_string();
    assert!(!last.contains("hunter2") && last.contains("***") && last.contains(DIGEST), "{last}");

    // The program's own hint is not masked.
    folder.write("contract.yaml", "workload: hyper-protect-basic.a.U2FsdGVkX18AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    let (code, page) = text(&folder, "contract.yaml", &[]);
    assert!(code == 1 && page.contains("decrypt it with --workload-password FILE"), "{page}");
}

/// A key of 100 KB above 9,000 images is part of each image's path, and would cost a gigabyte if
/// each path contained a copy of the key.
#[test]
fn paths_of_images_are_bounded_and_distinct() {
    let limits = Limits::default();
    let images: String = (0..9_000).map(|_| "{image: a},").collect();
    for text in [
        format!(
            "services:\n  ? {}\n  : {{image: a, volumes: [{}]}}\n",
            "k".repeat(100_000),
            "{type: image, source: a},".repeat(8_999)
        ),
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\nspec: {{containers: [{images}]}}\n",
            "k".repeat(100_000)
        ),
    ] {
        let workload = Workload::read("w", text.as_bytes(), &[], &KindsWithoutImages::default(), &limits).unwrap();
        assert_eq!(workload.images.len(), 9_000);
        let places: std::collections::BTreeSet<&str> = workload.images.iter().map(|used| used.place.as_str()).collect();
        assert_eq!(places.len(), 9_000);
        assert!(places.iter().all(|place| place.len() <= 1_100), "{:?}", places.first());
    }
    // Two keys with the same beginning give two different paths.
    let long = "k".repeat(5_000);
    let text = format!("services:\n  ? {long}a\n  : {{image: x}}\n  ? {long}b\n  : {{image: y}}\n");
    let workload = Workload::read("w", text.as_bytes(), &[], &KindsWithoutImages::default(), &limits).unwrap();
    assert_ne!(workload.images[0].place, workload.images[1].place);
}

/// In addition to single inputs, totals are bounded: all workload files of a command share one budget.
#[test]
fn workloads_share_one_budget() {
    let folder = place(POLICY);
    // The bundle's audit has a separate budget with the same limit, so the workloads must cost more than that audit.
    let good = compose(&format!("acme/wallet@{DIGEST}"));
    let long = format!("{good}# {}\n", "x".repeat(4_000_000));
    folder.write("a.yaml", &long);
    folder.write("b.yaml", &long);
    let bounds = ["--limit", "work_base_units=6000000", "--limit", "work_per_megabyte_units=0"];
    let (code, report) = admit(&folder, "a.yaml", &bounds);
    assert_eq!(code, 0, "{report:#}");
    let (code, report) = admit(&folder, "a.yaml", &[&["b.yaml"], &bounds[..]].concat());
    assert_eq!((code, &report["error"]["code"]), (3, &"over-limit".into()), "{report:#}");
    let mut limits = Limits::default();
    (limits.held_base_bytes, limits.held_per_input_bytes) = (0, 0);
    assert!(Workload::read("w", good.as_bytes(), &[], &KindsWithoutImages::default(), &limits).is_err());
}

#[test]
fn an_unverified_bundle_is_reported_and_is_not_evidence() {
    let folder = place(POLICY);
    let mut bytes = fs::read(fixture("other-key_fail").join(BUNDLE)).unwrap();
    folder.write(&format!("evidence/{BUNDLE}"), &bytes);
    folder.write("compose.yaml", compose(&format!("acme/wallet@{DIGEST}")));
    let (code, text) = text(&folder, "compose.yaml", &[]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("not verified, but its name matches this image: evidence/manifest.docker.io.acme.wallet"),
        "{text}"
    );
    assert!(text.contains("manifest-signature"), "{text}");

    // A truncated bundle is not evidence.
    bytes.truncate(bytes.len() / 2);
    folder.write(&format!("evidence/{BUNDLE}"), &bytes);
    let (code, report) = admit(&folder, "compose.yaml", &[]);
    assert_eq!((code, status(&report, 0, "workload-image")), (1, "fail".into()));
    assert_eq!(report["admission"]["bundles"]["none"], 1);
    assert_eq!(report["error"], Value::Null);
}

#[test]
fn a_run_without_evidence_workload_or_image_is_not_a_success() {
    let folder = place(POLICY);
    folder.write("compose.yaml", compose(&format!("acme/wallet@{DIGEST}")));
    folder.write("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 80}]}\n");
    fs::create_dir(folder.path().join("empty")).unwrap();
    let policy = ["--policy", "policy.toml", "--format", "json"];
    for (arguments, code, word) in [
        (["admit", "compose.yaml", "--evidence", "empty"], 4, "nothing-to-verify"),
        (["admit", "service.yaml", "--evidence", "evidence"], 4, "nothing-to-admit"),
        (["admit", "missing.yaml", "--evidence", "evidence"], 3, "unreadable"),
        (["admit", "key.pem", "--evidence", "evidence"], 3, "malformed"),
    ] {
        let answer = run(folder.path(), &[&arguments[..], &policy[..]].concat());
        let report: Value = serde_json::from_str(&answer.out).unwrap();
        assert_eq!((answer.code, report["error"]["code"].as_str()), (code, Some(word)), "{arguments:?}");
    }
    // A missing evidence folder is an error.
    let answer =
        run(folder.path(), &[&["admit", "compose.yaml", "--evidence", "no-such-folder"][..], &policy[..]].concat());
    assert_eq!(answer.code, 3, "{}", answer.out);
    // A policy is refused if none of the checks that examine every image is required.
    let lowered = "[levels]\n\"workload-image\" = \"warn\"\n\"workload-pinned\" = \"off\"\n";
    folder.write("lowered.toml", format!("{POLICY}{lowered}"));
    let answer = run(
        folder.path(),
        &["admit", "compose.yaml", "--evidence", "evidence", "--policy", "lowered.toml", "--format", "json"],
    );
    assert!(answer.code == 2 && answer.out.contains("no check can decide this group"), "{}", answer.out);
    let html = run(
        folder.path(),
        &["admit", "compose.yaml", "--evidence", "evidence", "--policy", "policy.toml", "--report", "html=x.html"],
    );
    assert_eq!(html.code, 2, "{}", html.err);
}

#[test]
fn hostile_yaml_gives_no_verdict() {
    let folder = place(POLICY);
    let pinned = format!("acme/wallet@{DIGEST}");
    for (what, workload) in [
        ("a key twice", format!("services:\n  a:\n    image: {pinned}\n    image: evil\n")),
        ("an unknown tag", format!("services:\n  a:\n    image: !env {pinned}\n")),
        ("services that are text", "services: \u{fffd}".replace('\u{fffd}', "\u{e9}")),
        ("deep", "[".repeat(10_000)),
        ("a line ending of YAML 1.1 only", format!("{}  # note\u{2028}  b: {{image: evil}}\n", compose(&pinned))),
        (
            "a merge that wins in kubectl",
            format!("x: &x {{image: evil}}\nservices:\n  a: {{image: \"{pinned}\", <<: *x}}\n"),
        ),
        ("two compose files", format!("{0}---\n{0}", compose(&pinned))),
        ("a resource without a kind", format!("apiVersion: v1\nspec:\n  containers: [{{image: {pinned}}}]\n")),
    ] {
        folder.write("compose.yaml", workload);
        let (code, report) = admit(&folder, "compose.yaml", &[]);
        assert!(code == 3 || (code == 1 && what == "services that are text"), "{what}: {report:#}");
    }
}

/// Names and images of a workload are untrusted text from its author.
#[test]
fn hostile_text_of_a_workload_is_escaped() {
    let folder = place(POLICY);
    let hostile = "=cmd|<script>\\e[2J\\u202e\\u200b\\r\\nADMITTED";
    folder.write("compose.yaml", format!("services:\n  \"{hostile}\":\n    image: \"x{hostile}\"\n"));
    let steering = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
    for format in ["text", "json"] {
        let (code, page) = text(&folder, "compose.yaml", &["--format", format]);
        assert!(code == 1 && page.contains("=cmd|") && !page.contains(steering), "{format}: {page:?}");
        assert!(!page.lines().any(|line| line.trim_start().starts_with("ADMITTED")), "{format}: {page:?}");
    }
}

#[test]
fn manifests_lists_and_documents_are_read_from_files_and_standard_input() {
    let folder = place(POLICY);
    let pinned = format!("acme/wallet@{DIGEST}");
    let manifests = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: wallet, annotations: {{image: note}}}}\nspec:\n  template:\n    metadata: {{annotations: {{image: note}}}}\n    spec:\n      initContainers: [{{name: init, image: {pinned}}}]\n      containers:\n      - {{name: app, image: {pinned}, env: [{{name: image, value: x}}]}}\n      volumes: [{{name: v, image: {{reference: \"{pinned}\"}}}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{image: text}}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: batch/v1\n  kind: CronJob\n  metadata: {{name: job}}\n  spec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: [{{name: j, image: {pinned}}}]}}}}}}}}}}\n- apiVersion: v1\n  kind: Pod\n  metadata: {{name: p}}\n  spec:\n    containers: [{{name: a, image: {pinned}}}]\n    ephemeralContainers: [{{name: debug, image: \"busybox:1\"}}]\n  status: {{containerStatuses: [{{image: seen}}]}}\n"
    );
    let mut child = command(folder.path());
    child.args(["admit", "-", "--evidence", "evidence", "--policy", "policy.toml", "--now", NOW, "--format", "json"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(manifests.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let places: Vec<(&str, &str)> = report["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| (image["place"].as_str().unwrap(), image["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(
        places,
        [
            ("Deployment/wallet.spec.template.spec.initContainers[0] init", "accept"),
            ("Deployment/wallet.spec.template.spec.containers[0] app", "accept"),
            ("Deployment/wallet.spec.template.spec.volumes[0].image", "accept"),
            ("items[0].CronJob/job.spec.jobTemplate.spec.template.spec.containers[0] j", "accept"),
            ("items[1].Pod/p.spec.containers[0] a", "accept"),
            ("items[1].Pod/p.spec.ephemeralContainers[0] debug", "reject"),
        ]
    );
    assert_eq!(output.status.code(), Some(1));
}

/// Anything that hides an image is listed with a reason.
#[test]
fn everything_that_could_run_is_listed() {
    let (limits, kinds) = (Limits::default(), KindsWithoutImages::default());
    let read = |text: &str| Workload::read("w", text.as_bytes(), &[], &kinds, &limits).unwrap();
    for (text, images, unknown) in [
        ("services: {a: {build: ., image: x}}", 2, 1),
        ("services: {a: {}}", 1, 1),
        ("services: {a: null}", 1, 1),
        ("services: []", 1, 1),
        ("services: {a: {image: 1}}", 1, 1),
        ("services: {a: {image: ''}}", 1, 1),
        ("include: [other.yaml]\nservices: {a: {image: x}}", 2, 1),
        ("services: {a: {extends: {file: b.yaml, service: b}}}", 1, 1),
        ("services: {a: {extends: b}, b: {image: x}}", 2, 0),
        ("services: {a: {provider: {type: p}}}", 1, 1),
        ("x-app: &x {image: app}\nservices: {a: {<<: *x}}", 1, 0),
        ("services: {a: {image: x, volumes: [{type: image, source: y, target: /}]}}", 2, 0),
        ("services: {a: {image: x}}\nmodels: {m: {model: ai/y}}", 2, 0),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}", 1, 1),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: [text]}", 1, 1),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: text}", 1, 1),
        ("apiVersion: x/v1\nkind: Kustomization\nimages: []", 1, 1),
        ("apiVersion: x/v1\nkind: Own\nspec: {image: {repository: x, tag: y}}", 1, 1),
        ("apiVersion: x/v1\nkind: Own\nspec: {deep: {image: x}}", 1, 1),
        (
            "apiVersion: apps/v1\nkind: ControllerRevision\ndata: {spec: {template: {spec: {containers: [{image: x}]}}}}",
            1,
            0,
        ),
        ("apiVersion: x/v1\nkind: Secret\ndata: {image: x}", 1, 1),
        ("apiVersion: v1\nkind: Secret\ndata: {image: x}", 0, 0),
        ("apiVersion: v1\nkind: PodList\nitems: [{spec: {containers: [{image: x}]}}]", 1, 0),
        ("apiVersion: x/v1\nkind: Own\nspec: {env: [{image: x}]}", 1, 1),
        ("apiVersion: x/v1\nkind: Own\nspec: {image: [x, {repository: y}]}", 1, 1),
        ("apiVersion: x/v1\nkind: WorkList\nitems: []\nspec: {containers: [{image: x}]}", 1, 1),
        ("workload: |\n  type: workload\nenv: |\n  type: env\n", 1, 1),
        ("workload: {type: workload}", 1, 1),
        ("env: |\n  type: env\n", 1, 1),
        ("type: workload\ncompose: {archive: '%%'}", 1, 1),
        ("type: workload\ncompose: {}", 1, 1),
        ("type: workload\nplay: {resources: text}", 1, 1),
        ("hyper-protect-basic.a.b", 1, 1),
    ] {
        let workload = read(text);
        let hidden = workload.images.iter().filter(|image| image.image.is_err()).count();
        assert_eq!((workload.images.len(), hidden), (images, unknown), "{text}: {:?}", workload.images);
    }
    for bad in ["", "a: 1", "services: {a: {image: x}}\n---\nb: 1", "workload: [a]", "- a", "text"] {
        assert!(Workload::read("w", bad.as_bytes(), &[], &kinds, &limits).is_err(), "{bad}");
    }
}

/// All files that the machine may start from an archive are read, regardless of the other files in the archive.
#[test]
fn no_file_of_an_archive_is_hidden_by_another() {
    let folder = place(POLICY);
    let pinned = format!("docker.io/acme/wallet@{DIGEST}");
    let pod = |image: &str| {
        format!("kind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: a, image: \"{image}\"}}]}}\n")
    };
    let good_pod = format!("apiVersion: v1\n{}", pod(&pinned));
    for (form, good, other, content) in [
        (
            "compose",
            compose(&pinned),
            "docker-compose.yaml",
            "services: {a: {image: x}}\n---\nservices: {b: {image: y}}\n".to_owned(),
        ),
        ("compose", compose(&pinned), "docker-compose.yml", "include: [other]\n".into()),
        ("compose", compose(&pinned), "compose.override.yaml", "name: x\n".into()),
        ("play", good_pod.clone(), "other.yaml", format!("apiVersion: v1\n{}---\na: 1\n", pod("y"))),
        ("play", good_pod, "other.yaml", pod("y")),
    ] {
        folder.write("archive/good.yaml", &good);
        folder.write(&format!("archive/{other}"), &content);
        let names = ["good.yaml", other];
        for (names, code) in [(&names[..1], 0), (&names[..], 1)] {
            let tar =
                Command::new("tar").args(["czf", "-", "-C", "archive"]).args(names).current_dir(folder.path()).output();
            let archive = base64(folder.path(), &tar.unwrap().stdout);
            folder.write("section.yaml", format!("type: workload\n{form}:\n  archive: {archive}\n"));
            let (found, report) = admit(&folder, "section.yaml", &[]);
            assert_eq!(found, code, "{names:?}: {report:#}");
        }
    }
}

/// A workload section in plain text that is structured like the public samples, with an archive.
fn contract(folder: &Folder, image: &str, more: &str) -> String {
    let archive = archive(folder, "docker-compose.yaml", &compose(image));
    format!("type: workload\ncompose:\n  archive: {archive}\n{more}")
}

fn user_data(workload: &str, env: &str) -> String {
    format!("workload: |\n{}env: |\n{}", indented(workload), indented(env))
}

#[test]
fn contracts_with_archives_resources_and_templates_are_read() {
    let folder = place(POLICY);
    let pinned = format!("docker.io/acme/wallet@{DIGEST}");
    let play = |list: &str, image: &str| {
        format!(
            "type: workload\nplay:\n  {list}:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {{name: p}}\n    spec:\n      containers:\n      - {{name: main, image: \"{image}\"}}\n"
        )
    };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: \"IMAGE\"}]}\n";
    let pods = archive(&folder, "pod.yaml", &pod.replace("IMAGE", &pinned));
    for (what, workload, code) in [
        ("compose archive", contract(&folder, &pinned, ""), 0),
        ("compose archive with a tag", contract(&folder, "docker.io/acme/wallet:latest", ""), 1),
        ("play archive", format!("type: workload\nplay:\n  archive: {pods}\n"), 0),
        ("resources", play("resources", &pinned), 0),
        ("template with a digest", play("templates", &format!("{{{{ .Env.REGISTRY }}}}/wallet@{DIGEST}")), 0),
        ("an action that hides", play("templates", &format!("docker.io/evil/x:1{{{{ if false }}}}@{DIGEST}")), 1),
        (
            "a comment",
            play("templates", &pinned).replace("{name: p}", "{name: p, annotations: {a: \"{{/*\", b: \"*/}}\"}}"),
            1,
        ),
        ("template without", play("templates", "{{ .Env.IMAGE }}"), 1),
    ] {
        folder.write("user-data.yaml", user_data(&workload, "type: env\n"));
        folder.write("section.yaml", &workload);
        for file in ["user-data.yaml", "section.yaml"] {
            let (found, report) = admit(&folder, file, &[]);
            assert_eq!(found, code, "{what} {file}: {report:#}");
            assert_eq!(report["images"][0]["workload"]["form"], "contract");
        }
    }
    let (_, text) = text(&folder, "user-data.yaml", &[]);
    assert!(text.contains("not resolved: {{ .Env.IMAGE }}"), "{text}");
    // The archive is over the limit, cut off, or not compressed with gzip.
    let whole = archive(&folder, "docker-compose.yaml", &compose(&pinned));
    let plain = base64(folder.path(), compose(&pinned).as_bytes());
    let small = ["--limit", "workload_archive_bytes=1000"];
    for (what, archive, limits, says) in [
        ("too large", whole.as_str(), &small[..], "workload_archive_bytes=1000"),
        ("cut off", &whole[..whole.len() / 2 / 4 * 4], &[], "not a valid gzip file"),
        ("no gzip", &plain, &[], "not a valid gzip file"),
    ] {
        folder.write("section.yaml", format!("type: workload\ncompose:\n  archive: {archive}\n"));
        let (code, report) = admit(&folder, "section.yaml", limits);
        let finding = finding(&report, 0, "workload-pinned");
        assert_eq!((code, finding["status"].as_str()), (1, Some("unknown")), "{what}: {report:#}");
        assert!(finding["message"].as_str().unwrap().contains(says), "{what}: {finding}");
    }
    let link = folder.path().join("archive/docker-compose.yaml");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    let output =
        Command::new("tar").args(["czf", "-", "-C", "archive", "."]).current_dir(folder.path()).output().unwrap();
    folder.write(
        "section.yaml",
        format!("type: workload\ncompose:\n  archive: {}\n", base64(folder.path(), &output.stdout)),
    );
    let (code, report) = admit(&folder, "section.yaml", &[]);
    assert!(
        code == 1 && finding(&report, 0, "workload-pinned")["message"].as_str().unwrap().contains("link"),
        "{report:#}"
    );
}

/// Encrypts in the format that IBM documents. A placeholder replaces the encrypted password, which only the machine could decrypt.
fn token(folder: &Folder, text: &str, password: &[u8]) -> String {
    folder.write("plain", text);
    let message =
        openssl(folder.path(), &["enc", "-aes-256-cbc", "-pbkdf2", "-pass", "stdin", "-in", "plain"], password);
    format!("hyper-protect-basic.QUJD.{}", base64(folder.path(), &message))
}

#[test]
fn encrypted_sections_are_decrypted_with_the_password_that_openssl_used() {
    let folder = place(POLICY);
    let workload = contract(&folder, &format!("docker.io/acme/wallet@{DIGEST}"), "");
    // openssl reads the password up to the line feed.
    for password in [&b"0123456789abcdef0123456789abcdef"[..], b"0123456789\nbcdef", b"\x01\xff\x80rest\x00more"] {
        folder.write("user-data.yaml", format!("workload: {}\n", token(&folder, &workload, password)));
        let (code, report) = admit(&folder, "user-data.yaml", &[]);
        assert_eq!((code, status(&report, 0, "workload-image")), (1, "unknown".into()));
        folder.write("raw", password);
        folder.write("text", base64(folder.path(), password) + "\n");
        folder.write("wrong", b"another");
        for (file, code) in [("raw", 0), ("text", 0), ("wrong", 1)] {
            let (found, report) = admit(&folder, "user-data.yaml", &["--workload-password", file]);
            assert_eq!(found, code, "{file}: {report:#}");
            assert!(code == 0 || status(&report, 0, "workload-pinned") == "unknown", "{file}: {report:#}");
            assert!(!report.to_string().contains("0123456789"), "the password is in the report");
        }
    }
}

/// An object that only the policy excuses is named, and counts as a weakening.
#[test]
fn objects_that_only_the_policy_excuses_are_named() {
    let folder = place(&format!("{POLICY}[workload]\nkinds-without-images = [\"example.com/Widget\"]\n"));
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{ name: w }}\nspec: {{ containers: [{{ name: w, image: 'docker.io/acme/wallet@{DIGEST}' }}] }}\n"
    );
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: x }\nspec: { script: run it }\n";
    folder.write("both.yaml", format!("{pod}---\n{widget}---\n{widget}"));
    let (code, report) = admit(&folder, "both.yaml", &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["admission"]["skipped"], serde_json::json!([{ "kind": "example.com/Widget", "objects": 2 }]));
    let weakened = report["scope"]["weakened"].as_array().unwrap();
    assert!(weakened.contains(&"kinds-without-images example.com/Widget".into()), "{weakened:?}");
    let (_, page) = text(&folder, "both.yaml", &[]);
    let words = "objects that run nothing only according to the policy:";
    assert!(page.replace("\n         ", " ").contains(words) && page.contains("example.com/Widget (2)"), "{page}");
    folder.write("pod.yaml", pod);
    let (_, report) = admit(&folder, "pod.yaml", &[]);
    assert_eq!(report["admission"]["skipped"], serde_json::json!([]));
}

/// The deployer's section can change what starts, so it must be read as well.
#[test]
fn an_encrypted_env_section_is_read_or_undecided() {
    let folder = place(POLICY);
    let workload = contract(&folder, &format!("docker.io/acme/wallet@{DIGEST}"), "");
    let workload = token(&folder, &workload, b"of the workload");
    for (name, password) in [("workload-password", "of the workload"), ("env-password", "of the env")] {
        folder.write(name, password);
    }
    let both = ["--workload-password", "workload-password", "--workload-password", "env-password"];
    let harmless = "type: env\nenv:\n  LEVEL: info\n";
    for (env, code) in [
        (token(&folder, harmless, b"of the env"), 0),
        (token(&folder, "type: env\nenv:\n  COMPOSE_FILE: /mnt/x\n", b"of the env"), 1),
        (token(&folder, "type: env\nenv:\n  PATH: /mnt/x\n", b"of the env"), 1),
        ("hyper-protect-basic.not a token".to_owned(), 1),
    ] {
        folder.write("user-data.yaml", format!("workload: {workload}\nenv: \"{env}\"\n"));
        let (found, report) = admit(&folder, "user-data.yaml", &both);
        assert_eq!(found, code, "{report:#}");
        let (found, report) = admit(&folder, "user-data.yaml", &both[..2]);
        let answer = &finding(&report, 0, "workload-pinned")["message"];
        let begins = answer.as_str().unwrap().starts_with("its variables may change what starts, and ");
        assert_eq!((found, begins), (1, true), "{report:#}");
    }
}

#[test]
fn the_images_section_can_be_pasted_and_is_compared() {
    let folder = place(POLICY);
    let bundle = format!("evidence/{BUNDLE}");
    let made = run(folder.path(), &["contract", "images", &bundle, "--policy", "policy.toml", "--now", NOW]);
    assert_eq!(made.code, 0, "{}", made.err);
    // The address of the server is not in the log, and an audit as of a time before the build says so.
    assert!(made.out.contains("does not record the notary server"), "{}", made.out);
    assert!(made.out.contains(&format!("# Audited as of {NOW}.\n")), "{}", made.out);
    let early = ["contract", "images", &bundle, "--policy", "policy.toml", "--now", "2026-02-01T00:00:00Z"];
    let early = run(folder.path(), &early).out;
    assert!(early.contains("as of 2026-02-01T00:00:00Z, before the stated time of the build.\n"), "{early}");
    assert!(
        made.out.contains("\n  dct:\n    \"docker.io/acme/wallet\":\n      notary: \"https://notary.docker.io\"\n"),
        "{}",
        made.out
    );
    let pinned = format!("docker.io/acme/wallet@{DIGEST}");
    let check = |section: &str| {
        folder.write("section.yaml", contract(&folder, &pinned, section));
        let (code, report) = admit(&folder, "section.yaml", &[]);
        (code, status(&report, 0, "workload-key"))
    };
    assert_eq!(check(&made.out), (0, "pass".into()));
    assert_eq!(check(&made.out.replace("publicKey: \"LS0", "publicKey: \"LS1")), (1, "fail".into()));
    assert_eq!(check(&made.out.replace("acme/wallet\"", "acme/other\"")), (0, "not-run: no-evidence".into()));
    assert_eq!(check(&made.out.replace("acme/wallet\"", "acme/wallet:v1\"")), (1, "fail".into()));
    assert_eq!(check("images: {cosign: {}}\n"), (1, "fail".into()));
    // If the name has a variable, every key that may be for the image is compared.
    let key = |section: &str, name: &str| {
        folder.write("section.yaml", contract(&folder, &format!("{name}@{DIGEST}"), section));
        let (code, report) = admit(&folder, "section.yaml", &[]);
        let finding = finding(&report, 0, "workload-key");
        (code, format!("{}: {}", finding["status"].as_str().unwrap(), finding["message"].as_str().unwrap()))
    };
    let (wrong, other) =
        (made.out.replace("publicKey: \"LS0", "publicKey: \"LS1"), made.out.replace("acme/wallet\"", "acme/other\""));
    for name in ["${REG}acme/wallet", "docker.io/acme/${NAME}", "docker.io/acme/wallet:${TAG}-a", "${A}/wallet:v1"] {
        let (code, says) = key(&made.out, name);
        assert!(code == 0 && says.starts_with("pass: the image's name has a variable, so every key"), "{name} {says}");
        let (code, says) = key(&wrong, name);
        assert!(
            code == 1 && says.starts_with("unknown: the image's name has a variable, so it is not known whether"),
            "{says}"
        );
        assert_eq!(key("", name).1, "not-run: the contract specifies no key for this image");
    }
    // The name that was not resolved is in the details of an admitted image.
    key(&made.out, "${REG}acme/wallet");
    let (code, details) = text(&folder, "section.yaml", &["--details"]);
    assert!(code == 0 && details.contains("  not resolved: ${REG}\n"), "{details}");
    // A wrong key of a repository with another name is not for this image.
    let wrong_other = wrong.replace("acme/wallet\"", "acme/other\"");
    assert_eq!(key(&wrong_other, "${REG}acme/wallet").0, 0);
    assert_eq!((key(&wrong_other, "docker.io/${PATH}").0, key(&other, "docker.io/${PATH}").0), (1, 0));
    assert_eq!(check("images: {dct: {docker.io/acme/wallet: {publicKey: QUJD}}}\n"), (1, "fail".into()));
    assert_eq!(check("images: {rhs: {docker.io/acme/wallet: {publicKey: QUJD}}}\n"), (1, "unknown".into()));

    // An OpenPGP key is identified by its fingerprint, and must be the only key in the text, because the machine would use every key.
    let openpgp = |file: &str| fs::read_to_string(program::fixture("inputs/trust/openpgp").join(file)).unwrap();
    let fingerprint = openpgp("early.fingerprint").trim().to_lowercase();
    let policy = |key: &str| {
        folder.write("keys.asc", key);
        let signer =
            format!("[[trust.signers]]\nname = \"Ada\"\nopenpgp = \"keys.asc\"\nfingerprint = \"{fingerprint}\"\n");
        folder.write("policy.toml", format!("{POLICY}{signer}"));
    };
    let rhs = |key: &str| {
        check(&format!(
            "images: {{rhs: {{docker.io/acme/wallet: {{publicKey: {}}}}}}}\n",
            base64(folder.path(), key.as_bytes())
        ))
    };
    let (ada, carol) = (openpgp("early.asc"), openpgp("young.asc"));
    let both = format!("{ada}{carol}");
    for file in [&ada, &both] {
        policy(file);
        assert_eq!(rhs(&ada), (0, "pass".into()));
        assert_eq!(rhs(&carol), (1, "fail".into()));
        assert_eq!(rhs(&both), (1, "fail".into()));
    }
    // If the log names no key, the section contains the policy's key, provided that the key's file contains no other key.
    folder.write(&format!("rhs/{BUNDLE}"), fs::read(fixture("good-trust-gpg-primary").join(BUNDLE)).unwrap());
    let section = || {
        run(folder.path(), &["contract", "images", &format!("rhs/{BUNDLE}"), "--policy", "policy.toml", "--now", NOW])
    };
    assert_eq!((section().code, section().out.as_str()), (2, ""));
    assert!(section().err.contains("is not one armoured key with the fingerprint"), "{}", section().err);
    policy(&ada);
    assert!(
        section().out.contains(&format!("publicKey: \"{}\"", base64(folder.path(), ada.as_bytes()))),
        "{}",
        section().err
    );

    // For a build that is not accepted, no section is printed.
    folder.write(&bundle, fs::read(fixture("other-key_fail").join(BUNDLE)).unwrap());
    let refused = run(folder.path(), &["contract", "images", &bundle, "--policy", "policy.toml", "--now", NOW]);
    assert!(
        refused.code == 1 && refused.out.is_empty() && refused.err.contains("REJECTED"),
        "{}{}",
        refused.out,
        refused.err
    );
}

fn rsa_key(folder: &Folder, name: &str) {
    openssl(folder.path(), &["genrsa", "-out", &format!("{name}.key"), "2048"], b"");
    openssl(folder.path(), &["rsa", "-in", &format!("{name}.key"), "-pubout", "-out", &format!("{name}.pub")], b"");
}

fn signed(folder: &Folder, name: &str, text: &str) -> String {
    folder.write("text", text);
    let signature = openssl(folder.path(), &["dgst", "-sha256", "-sign", &format!("{name}.key"), "text"], b"");
    base64(folder.path(), &signature)
}

#[test]
fn contract_signatures_are_checked_in_every_encoding() {
    let folder = place(POLICY);
    rsa_key(&folder, "signer");
    rsa_key(&folder, "stranger");
    let workload = contract(&folder, &format!("docker.io/acme/wallet@{DIGEST}"), "");
    let public = fs::read_to_string(folder.path().join("signer.pub")).unwrap();
    let once = base64(folder.path(), public.as_bytes());
    let spellings = [
        format!("\"{}\"", public.trim().replace('\n', "\\n")),
        once.clone(),
        base64(folder.path(), once.as_bytes()),
        base64(folder.path(), public.trim().replace('\n', "\\n").as_bytes()),
    ];
    let contract = |env: &str, key: &str, joined: bool, altered: &str| {
        let (workload, env) = (format!("{}\n", workload.trim_end()), format!("{}\n", env.trim_end()));
        let whole = format!("{workload}{env}");
        let text = if joined { whole.replace('\n', "") } else { whole };
        let signature = signed(&folder, key, &text).replace('=', altered);
        folder.write("user-data.yaml", format!("{}envWorkloadSignature: {signature}\n", user_data(&workload, &env)));
        admit(&folder, "user-data.yaml", &[])
    };
    for spelling in &spellings {
        for joined in [false, true] {
            let (code, report) = contract(&format!("type: env\nsigningKey: {spelling}"), "signer", joined, "=");
            assert_eq!((code, status(&report, 0, "contract-signature")), (0, "pass".into()), "{spelling} {report:#}");
            let border = "one after the other; where the first ends is not signed";
            assert_eq!(report.to_string().contains(border), !joined, "{report:#}");
            // Without line breaks, two different texts can have the same signature.
            assert_eq!(
                report.to_string().contains("and with them the structure, are not signed"),
                joined,
                "{report:#}"
            );
        }
    }
    let env = format!("type: env\nsigningKey: {once}");
    // The base64 of the signatures is wrapped, as by openssl: first with LF, then with CRLF line endings.
    for line_end in ["\\n", "\\r\\n"] {
        contract(&env, "signer", false, "=");
        let whole = fs::read_to_string(folder.path().join("user-data.yaml")).unwrap();
        let (sections, signature) = whole.trim_end().rsplit_once(": ").unwrap();
        let lines: Vec<&str> = signature.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        folder.write("user-data.yaml", format!("{sections}: \"{}{line_end}\"\n", lines.join(line_end)));
        let (code, report) = admit(&folder, "user-data.yaml", &[]);
        assert_eq!((code, status(&report, 0, "contract-signature")), (0, "pass".into()), "{line_end} {report:#}");
    }
    assert_eq!(status(&contract(&env, "stranger", false, "=").1, 0, "contract-signature"), "fail");
    assert_eq!(status(&contract(&env, "signer", false, "").1, 0, "contract-signature"), "fail");
    assert_eq!(status(&contract("type: env", "signer", false, "=").1, 0, "contract-signature"), "not-run: no-evidence");

    // If the policy specifies a key, only that key counts.
    folder.write("policy.toml", format!("{POLICY}[workload]\ncontract-keys = [\"signer.pub\"]\n"));
    assert_eq!(status(&contract("type: env", "signer", false, "=").1, 0, "contract-signature"), "pass");
    let public = fs::read_to_string(folder.path().join("stranger.pub")).unwrap();
    let own = format!("type: env\nsigningKey: {}", base64(folder.path(), public.as_bytes()));
    let (code, report) = contract(&own, "stranger", false, "=");
    assert_eq!((code, status(&report, 0, "contract-signature")), (1, "fail".into()));

    // After the certificate has expired, the machine refuses the contract.
    folder.write("policy.toml", POLICY);
    let subject = ["-subj", "/CN=Ada", "-days", "1", "-out", "signer.crt"];
    openssl(folder.path(), &[&["req", "-x509", "-new", "-key", "signer.key"][..], &subject[..]].concat(), b"");
    let certificate = fs::read(folder.path().join("signer.crt")).unwrap();
    let env = format!("type: env\nsigningKey: {}", base64(folder.path(), &certificate));
    let (_, report) = contract(&env, "signer", false, "=");
    assert_eq!(status(&report, 0, "contract-signature"), "pass");
    let mut later = command(folder.path());
    later.args([
        "admit",
        "user-data.yaml",
        "--evidence",
        "evidence",
        "--policy",
        "policy.toml",
        "--now",
        "2099-01-01T00:00:00Z",
    ]);
    assert!(answer(&mut later).out.contains("the machine refuses the contract"));
}

/// A certificate chain structured like IBM's: root, code-signing CA, a signer that is not a CA, and
/// the attestation certificate, with one revocation list per issuer.
fn chain(folder: &Folder, organization: &str) {
    let config = "[ca]\ndefault_ca = d\n[d]\ndatabase = db\nserial = serial\ncrlnumber = crlnumber\nnew_certs_dir = .\ndefault_md = sha512\npolicy = p\nunique_subject = no\nemail_in_dn = no\n[p]\nO = optional\nCN = supplied\n[root]\nbasicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign, cRLSign\n[authority]\nbasicConstraints = critical, CA:true, pathlen:0\nkeyUsage = critical, keyCertSign, cRLSign\n[leaf]\nkeyUsage = critical, digitalSignature\n[bare]\n";
    let pki = Folder::new();
    pki.write("ca.cnf", config);
    pki.write("db", "");
    pki.write("serial", "1000\n");
    pki.write("crlnumber", "01\n");
    let dates =
        ["-startdate", "20260101000000Z", "-enddate", "20300101000000Z", "-notext", "-batch", "-config", "ca.cnf"];
    let issue = |name: &str, subject: &str, issuer: &str, extensions: &str, md: &str| {
        rsa_key(&pki, name);
        let (key, request, out) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.crt"));
        openssl(pki.path(), &["req", "-new", "-key", &key, "-subj", subject, "-out", &request], b"");
        let issuer_key = format!("{issuer}.key");
        let issuer_certificate = format!("{issuer}.crt");
        let by = if issuer == name {
            vec!["-selfsign", "-keyfile", &key]
        } else {
            vec!["-cert", &issuer_certificate, "-keyfile", &issuer_key]
        };
        let mut arguments = vec!["ca", "-in", &request, "-out", &out, "-md", md];
        if extensions != "bare" {
            arguments.extend(["-extensions", extensions]);
        }
        openssl(pki.path(), &[&arguments[..], &by[..], &dates[..]].concat(), b"");
    };
    issue("root", "/O=Trust/CN=Root", "root", "root", "sha384");
    issue("authority", "/O=Trust/CN=Code Signing", "root", "authority", "sha384");
    issue("signer", &format!("/O={organization}/CN=Signing Service"), "authority", "leaf", "sha256");
    issue("attestation", "/O=IBM/CN=Attestation", "signer", "bare", "sha512");
    // A second certificate for the same key.
    let again = ["ca", "-in", "attestation.csr", "-out", "reissued.crt", "-md", "sha512"];
    let by = ["-cert", "signer.crt", "-keyfile", "signer.key"];
    openssl(pki.path(), &[&again[..], &by[..], &dates[..]].concat(), b"");
    for issuer in ["root", "authority", "signer"] {
        let (key, certificate, out) = (format!("{issuer}.key"), format!("{issuer}.crt"), format!("{issuer}.crl"));
        let moments = ["-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20270101000000Z", "-config", "ca.cnf"];
        let by = ["ca", "-gencrl", "-cert", &certificate, "-keyfile", &key, "-out", &out, "-md", "sha512"];
        openssl(pki.path(), &[&by[..], &moments[..]].concat(), b"");
        folder.write(&format!("record/{out}"), fs::read(pki.path().join(&out)).unwrap());
    }
    let revoke =
        ["ca", "-revoke", "attestation.crt", "-cert", "signer.crt", "-keyfile", "signer.key", "-config", "ca.cnf"];
    openssl(pki.path(), &revoke, b"");
    let again =
        ["ca", "-gencrl", "-cert", "signer.crt", "-keyfile", "signer.key", "-out", "revoked.crl", "-md", "sha512"];
    let moments = ["-crl_lastupdate", "20260102000000Z", "-crl_nextupdate", "20270101000000Z", "-config", "ca.cnf"];
    openssl(pki.path(), &[&again[..], &moments[..]].concat(), b"");
    for name in ["root.crt", "authority.crt", "signer.crt", "attestation.crt"] {
        folder.write(&format!("record/{name}"), fs::read(pki.path().join(name)).unwrap());
    }
    folder.write("revoked.crl", fs::read(pki.path().join("revoked.crl")).unwrap());
    folder.write("reissued.crt", fs::read(pki.path().join("reissued.crt")).unwrap());
    folder.write("attestation.key", fs::read(pki.path().join("attestation.key")).unwrap());
    let der = openssl(pki.path(), &["x509", "-in", "root.crt", "-outform", "DER"], b"");
    folder.write("root.sha256", Sha256::of(&der).hex());
}

fn record(folder: &Folder, text: &str) {
    folder.write("record/se-checksums.txt", text);
    let signature =
        openssl(folder.path(), &["dgst", "-sha256", "-sign", "attestation.key", "record/se-checksums.txt"], b"");
    folder.write("record/se-signature.bin", signature);
}

fn pinned_root(folder: &Folder, more: &str) -> String {
    let root = fs::read_to_string(folder.path().join("root.sha256")).unwrap();
    format!("{POLICY}[builder]\nroots = [\"{root}\"]\n{more}")
}

#[test]
fn attestation_records_link_an_instance_to_the_admitted_text() {
    let folder = place(POLICY);
    chain(&folder, "International Business Machines Corporation");
    folder.write("policy.toml", pinned_root(&folder, ""));
    let workload = contract(&folder, &format!("docker.io/acme/wallet@{DIGEST}"), "");
    let sealed = token(&folder, &workload, b"secret");
    let env = token(&folder, "type: env\n", b"secret");
    folder.write("user-data.yaml", format!("workload: {sealed}\nenv: {env}\n"));
    folder.write("password", "secret");
    let more = ["--workload-password", "password", "--attestation", "record"];
    let ask = |text: &str| {
        record(&folder, text);
        let (code, report) = admit(&folder, "user-data.yaml", &more);
        (code, status(&report, 0, "attestation-record"), report)
    };
    let digest = Sha256::of(sealed.as_bytes()).hex();
    for good in [
        format!("24.3.3\nMachine Type/Plant/Serial: x\n{digest} workload\n"),
        format!("{digest} contract:workload \r\n{digest} root.tar.gz\nunknown line\n"),
        format!("{digest} contract:workload"),
    ] {
        let (code, status, report) = ask(&good);
        assert_eq!((code, status.as_str()), (0, "pass"), "{good} {report:#}");
    }
    let other = Sha256::of(workload.as_bytes()).hex();
    assert_eq!(ask(&format!("{other} contract:workload\n")).1, "fail");
    assert_eq!(ask(&format!("{digest} workload\n{digest} workload\n")).1, "fail");
    assert_eq!(ask(&format!("{digest} workload\n{other} contract:workload\n")).1, "fail");
    assert_eq!(ask(&format!("{digest} baseimage\n")).1, "unknown");
    assert_eq!(ask("no item\n").1, "fail");

    // A record covers the exact text of a section, and a section that is a mapping does not have an exact text.
    let mapping: String = workload.lines().map(|line| format!("  {line}\n")).collect();
    folder.write("mapping.yaml", format!("workload:\n{mapping}env: {{type: env}}\n"));
    record(&folder, &format!("{other} workload\n"));
    let (code, report) = admit(&folder, "mapping.yaml", &more);
    assert_eq!((code, status(&report, 0, "attestation-record").as_str()), (1, "unknown"), "{report:#}");
    assert_eq!(admit(&folder, "mapping.yaml", &[]).0, 0);

    // An additional byte invalidates the record's signature.
    record(&folder, &format!("{digest} workload\n"));
    folder.write("record/se-checksums.txt", format!("{digest} workload\n\n"));
    assert_eq!(status(&admit(&folder, "user-data.yaml", &more).1, 0, "attestation-record"), "fail");
    fs::remove_file(folder.path().join("record/se-signature.bin")).unwrap();
    assert_eq!(status(&admit(&folder, "user-data.yaml", &more).1, 0, "attestation-record"), "unknown");
}

#[test]
fn the_build_servers_own_record_is_checked() {
    let folder = place(POLICY);
    chain(&folder, "International Business Machines Corporation");
    let workload = Sha256::of(b"hyper-protect-basic.a.b").hex();
    let policy = |more: &str| folder.write("policy.toml", pinned_root(&folder, more));
    record(&folder, &format!("26.7.1\n{workload} contract:workload\n{workload} baseimage\n{workload} root.tar.gz\n"));
    let audit = |now: &str| {
        let bundle = format!("evidence/{BUNDLE}");
        let arguments =
            ["audit", &bundle, "--policy", "policy.toml", "--builder", "record", "--now", now, "--format", "json"];
        let report: Value = serde_json::from_str(&run(folder.path(), &arguments).out).unwrap();
        let row = |check: &str| {
            let findings = report["reports"][0]["findings"].as_array().unwrap().clone();
            let row = findings.into_iter().find(|finding| finding["check"] == check).unwrap();
            format!("{} {}", row["status"].as_str().unwrap(), row["reason"].as_str().unwrap_or_default())
                .trim()
                .to_owned()
        };
        let rows = ["builder-record", "builder-workload", "builder-image", "builder-key-binding"].map(row);
        (report["exit_code"].as_u64().unwrap(), rows, report)
    };
    policy("");
    let (code, rows, report) = audit(NOW);
    assert_eq!((code, &rows[0]), (0, &"pass".to_owned()), "{report:#}");
    assert_eq!(rows[1..], ["not-run no-expectation", "not-run no-expectation", "unknown"]);
    // The headline and the summary state whether the server's workload was compared.
    let said = || {
        let bundle = format!("evidence/{BUNDLE}");
        let line = ["audit", &bundle, "--policy", "policy.toml", "--builder", "record", "--require", "builder"];
        let answer = run(folder.path(), &[&line[..], &["--now", NOW, "--report", "vsa=vsa"]].concat());
        let summary: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("vsa")).unwrap()).unwrap();
        let predicate = &summary["predicate"];
        let levels = predicate["verifiedLevels"].to_string();
        (answer.out.lines().take(2).collect::<Vec<_>>().join(" "), levels, predicate["urn:hpsb-audit:weakened"].clone())
    };
    let (screen, levels, weakened) = said();
    assert!(screen.starts_with("ACCEPTED: manifest, source, builder; not checked: the server's workload"), "{screen}");
    assert!(levels.contains("\"HPSB_AUDIT_BUILDER_WEAKENED\""), "{levels}");
    assert_eq!(weakened, serde_json::json!(["not checked: the server's workload"]));
    policy(&format!(
        "workloads = [\"{workload}\"]\nbase-images = [\"{workload}\"]\nroot-archives = [\"{workload}\"]\n"
    ));
    assert_eq!(audit(NOW).1, ["pass", "pass", "pass", "unknown"]);
    let (screen, levels, weakened) = said();
    assert!(screen.starts_with("ACCEPTED: manifest, source, builder (policy.toml)"), "{screen}");
    assert!(levels.contains("\"HPSB_AUDIT_BUILDER\""), "{levels}");
    assert_eq!(weakened, serde_json::json!([]));
    // An item for which the policy has no list is not compared, and the answer states that.
    policy(&format!("root-archives = [\"{workload}\"]\n"));
    let (_, rows, report) = audit(NOW);
    assert_eq!(rows[2], "pass");
    let message = "a server booted a root.tar.gz that the policy lists; baseimage was not compared, because the policy does not list any";
    assert!(report.to_string().contains(message), "{report:#}");
    policy(&format!("workloads = [\"{}\"]\nbase-images = [\"{}\"]\n", "0".repeat(64), "0".repeat(64)));
    let (code, rows, _) = audit(NOW);
    assert_eq!((code, rows[1].as_str(), rows[2].as_str()), (1, "fail", "fail"));

    policy("");
    // In turn: the certificate is revoked; its revocation list is missing; it has no path to the root; its path is checked against the default
    // root, which is DigiCert's; attestation.crt is replaced with the signer's certificate.
    let list = fs::read(folder.path().join("record/signer.crl")).unwrap();
    folder.write("record/signer.crl", fs::read(folder.path().join("revoked.crl")).unwrap());
    assert_eq!((audit(NOW).0, audit(NOW).1[0].as_str()), (1, "fail"));
    // A second certificate for its key does not help, whatever its file is called.
    let reissued = fs::read(folder.path().join("reissued.crt")).unwrap();
    for name in ["record/a.crt", "record/z.crt"] {
        folder.write(name, &reissued);
        let (code, rows, report) = audit(NOW);
        assert_eq!((code, rows[0].as_str()), (1, "fail"), "{name}");
        assert!(report.to_string().contains("is revoked by"), "{report:#}");
        folder.write("record/signer.crl", &list);
        assert_eq!(audit(NOW).1[0], "pass", "{name}");
        folder.write("record/signer.crl", fs::read(folder.path().join("revoked.crl")).unwrap());
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    fs::remove_file(folder.path().join("record/signer.crl")).unwrap();
    assert_eq!(audit(NOW).1, ["unknown", "not-run refused", "not-run refused", "unknown"]);
    folder.write("record/signer.crl", list);
    let authority = fs::read(folder.path().join("record/authority.crt")).unwrap();
    fs::remove_file(folder.path().join("record/authority.crt")).unwrap();
    assert_eq!(audit(NOW).1[0], "unknown");
    folder.write("record/authority.crt", authority);
    folder.write("policy.toml", POLICY);
    assert_eq!(audit(NOW).1[0], "unknown");
    policy("");
    let certificate = fs::read(folder.path().join("record/attestation.crt")).unwrap();
    folder.write("record/attestation.crt", fs::read(folder.path().join("record/signer.crt")).unwrap());
    assert_eq!(audit(NOW).1[0], "fail");

    // The files' names must not determine which of two records counts. A copy is the same record.
    let keep = |from: &str, to: &str| {
        fs::create_dir_all(folder.path().join(to)).unwrap();
        for name in ["se-checksums.txt", "se-signature.bin"] {
            fs::copy(folder.path().join(from).join(name), folder.path().join(to).join(name)).unwrap();
        }
    };
    folder.write("record/attestation.crt", certificate.clone());
    keep("record", "record/copy");
    assert_eq!(audit(NOW).1[0], "pass");
    record(&folder, "26.7.1\nother contract:workload\n");
    let (code, rows, report) = audit(NOW);
    assert_eq!((code, rows[0].as_str()), (1, "unknown"));
    assert!(report.to_string().contains("supply one record: copy/se-checksums.txt, se-checksums.txt"), "{report:#}");
    keep("record/copy", "record");
    folder.write("record/user-data", "one");
    assert_eq!(audit(NOW).1[0], "pass");
    folder.write("record/user-data.yaml", "another");
    assert_eq!(audit(NOW).1[0], "unknown");
    fs::remove_file(folder.path().join("record/user-data.yaml")).unwrap();

    // An archive without a signed time does not get the benefit of another time.
    folder.write("record/attestation.crt", certificate);
    assert_eq!(audit(NOW).1[0], "pass");
    let without_time = fixture("good-names-empty-without-log");
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(without_time.join(BUNDLE)).unwrap());
    let (code, rows, _) = audit(NOW);
    assert_eq!((code, rows[0].as_str()), (1, "unknown"));

    // openssl also accepts the chain, without revocation lists.
    let verify = ["verify", "-CAfile", "record/root.crt", "-untrusted", "record/authority.crt", "record/signer.crt"];
    openssl(folder.path(), &verify, b"");
}

#[test]
fn a_certificate_of_another_customer_of_the_ca_is_refused() {
    let folder = place(POLICY);
    chain(&folder, "Somebody Else");
    folder.write("policy.toml", pinned_root(&folder, ""));
    let digest = Sha256::of(b"x").hex();
    record(&folder, &format!("{digest} workload\n"));
    let bundle = format!("evidence/{BUNDLE}");
    let answer = run(
        folder.path(),
        &["audit", &bundle, "--policy", "policy.toml", "--builder", "record", "--now", NOW, "--details"],
    );
    assert_eq!(answer.code, 1);
    assert!(
        answer
            .out
            .contains("expected the organization International Business Machines Corporation, found Somebody Else"),
        "{}",
        answer.out
    );
    fs::create_dir(folder.path().join("nothing")).unwrap();
    assert_eq!(run(folder.path(), &["audit", &bundle, "--policy", "policy.toml", "--builder", "nothing"]).code, 2);
}

#[test]
fn a_saved_report_is_read_back() {
    let folder = place(POLICY);
    folder.write(
        "compose.yaml",
        format!("{}  other:\n    image: busybox:1\n", compose(&format!("acme/wallet@{DIGEST}"))),
    );
    let (code, text) = text(&folder, "compose.yaml", &["--report", "json=report.json"]);
    assert_eq!(code, 1);
    let again = run(folder.path(), &["report", "report.json", "--format", "text"]);
    let above = |text: &str| text.trim_end().rsplit_once('\n').map(|(above, _)| above.to_owned());
    assert_eq!((again.code, above(&again.out)), (1, above(&text)));
    assert!(again.out.ends_with("\nDENIED (exit 1), as saved: this run verified nothing.\n"), "{}", again.out);
    assert_eq!(run(folder.path(), &["report", "report.json", "--format", "html"]).code, 2);
    let report = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let forged = report.replacen("\"verdict\": \"reject\"", "\"verdict\": \"accept\"", 1);
    folder.write("report.json", forged);
    assert_eq!(run(folder.path(), &["report", "report.json", "--format", "text"]).code, 3);
    let workload =
        Workload::read("c", compose("x").as_bytes(), &[], &KindsWithoutImages::default(), &Limits::default()).unwrap();
    assert_eq!(workload.form, Form::Compose);
}

/// A policy's waivers for one bundle change the verdict to acceptance in part, but do not change any finding.
#[test]
fn waivers_are_shown_in_every_format_and_expire() {
    let digest = Sha256::of(&fs::read(fixture("good-policy").join(BUNDLE)).unwrap()).hex();
    let waiver = |check: &str, bundle: &str, expires: &str| {
        format!(
            "{POLICY}[expect]\nmax-age = \"1d\"\n[[waivers]]\ncheck = \"{check}\"\nbundle = \"{bundle}\"\nowner = \"Ada\"\nreason = \"the =release= is frozen\"\nexpires = {expires}\n"
        )
    };
    let bundle = format!("evidence/{BUNDLE}");
    let reports = ["text", "json", "html", "markdown", "csv", "csv-bom", "junit", "sarif", "sarif-all", "oscal"]
        .map(|format| format!("{format}=report.{format}"));
    let audit = |policy: &str| {
        let folder = place(policy);
        let mut arguments = vec!["audit", &bundle, "--policy", "policy.toml", "--now", NOW];
        reports.iter().for_each(|report| arguments.extend(["--report", report]));
        let answer = run(folder.path(), &arguments);
        (folder, answer)
    };
    let (folder, answer) = audit(&waiver("build-age", &digest, "2026-04-01T00:00:00Z"));
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    assert!(
        answer.out.starts_with(
            "ACCEPTED IN PART: image, trust, builder not checked; build-age waived\n         (policy.toml)\n"
        ),
        "{}",
        answer.out
    );
    let json: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).unwrap()).unwrap();
    let row =
        json["reports"][0]["findings"].as_array().unwrap().iter().find(|row| row["check"] == "build-age").unwrap();
    assert_eq!((row["status"].as_str(), row["rejects"].as_bool()), (Some("fail"), Some(false)));
    assert_eq!(row["waiver"]["standing"], "active");
    for report in &reports {
        let (format, file) = report.split_once('=').unwrap();
        let page = fs::read_to_string(folder.path().join(file)).unwrap();
        let plain = page.replace('\\', "");
        assert!(plain.contains("Ada") && plain.contains("2026-04-01T00:00:00Z"), "{format}: {page}");
    }
    let again = run(folder.path(), &["report", "report.json", "--format", "text"]);
    let above = |text: &str| text.trim_end().rsplit_once('\n').map(|(above, _)| above.to_owned());
    let written = fs::read_to_string(folder.path().join("report.text")).unwrap();
    assert_eq!((again.code, above(&again.out)), (0, above(&written)));
    // The image of exactly this bundle may be deployed, and the output lists what was waived.
    folder.write("compose.yaml", compose(&format!("acme/wallet@{DIGEST}")));
    let (code, text) = text(&folder, "compose.yaml", &[]);
    assert!(
        code == 0
            && text
                .starts_with("ADMITTED IN PART: image, trust, builder not checked; build-age waived (policy.toml)\n"),
        "{text}"
    );

    // A waiver ends at its expiry, and does not apply to other bundles or checks.
    for (policy, shown) in [
        (waiver("build-age", &digest, NOW), true),
        (waiver("build-age", &"0".repeat(64), "2026-04-01T00:00:00Z"), false),
        (waiver("log-order", &digest, "2026-04-01T00:00:00Z"), false),
    ] {
        let (folder, answer) = audit(&policy);
        assert_eq!(answer.code, 1, "{}", answer.out);
        for report in &reports {
            let page = fs::read_to_string(folder.path().join(report.split_once('=').unwrap().1)).unwrap();
            assert_eq!(page.contains("Ada"), shown, "{report}: {page}");
        }
    }
    let good = "2026-04-01T00:00:00Z";
    let twice = waiver("build-age", &digest, good);
    let twice = format!("{twice}{}", &twice[twice.find("[[waivers]]").unwrap()..]);
    for bad in [
        waiver("manifest-signature", &digest, good),
        waiver("workload-image", &digest, good),
        waiver("no-such-check", &digest, good),
        waiver("build-age", "00", good),
        waiver("build-age", &digest, "2026-04-01T00:00:00"),
        waiver("build-age", &digest, good).replace("\"Ada\"", "\" \""),
        waiver("build-age", &digest, good).replace("owner", "holder"),
        twice,
    ] {
        assert_eq!(audit(&bad).1.code, 2, "{bad}");
    }
}
