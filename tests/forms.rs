//! Only recognised forms of workloads are accepted: files that hide what a program could run are denied or reported as malformed, and the message
//! states what to do.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::process::Command;

use program::{BUNDLE, Folder, NOW, answer, command, fixture};
use serde_json::Value;

/// The image in the fixtures' signed log.
const GOOD: &str = "docker.io/acme/wallet@sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";
const POLICY: &str =
    "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n";

fn place() -> Folder {
    let folder = Folder::new();
    let from = fixture("good-policy");
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
    folder.write("key.pem", fs::read(from.join("key.pem")).unwrap());
    folder.write("policy.toml", POLICY);
    folder
}

fn admit(folder: &Folder, text: &str) -> (i32, Value) {
    folder.write("workload.yaml", text);
    let mut command = command(folder.path());
    command.args(["admit", "workload.yaml", "--evidence", "evidence", "--policy", "policy.toml", "--now", NOW]);
    let answer = answer(command.args(["--format", "json"]));
    let report = serde_json::from_str(&answer.out).unwrap_or_else(|e| panic!("{e}: {:?} {}", answer.out, answer.err));
    (answer.code, report)
}

/// Asserts the exit code, and that the output contains these strings.
fn ends(folder: &Folder, text: &str, code: i32, words: &[&str]) {
    let (found, mut report) = admit(folder, text);
    report.as_object_mut().unwrap().retain(|key, _| matches!(key.as_str(), "images" | "error"));
    assert_eq!(found, code, "{text}\n{report:#}");
    let all = report.to_string().replace("\\\"", "\"");
    for word in words {
        assert!(all.contains(word), "{text}\nlacks {word:?}: {report:#}");
    }
    assert!(code != 3 || !all.contains("keep it as evidence"), "{report:#}");
}

/// The base64 of a gzipped tar archive of the files, in order.
fn archive(folder: &Folder, files: &[(&str, &str)]) -> String {
    let _ = fs::remove_dir_all(folder.path().join("archive"));
    files.iter().for_each(|(name, content)| folder.write(&format!("archive/{name}"), content));
    let mut tar = Command::new("tar");
    tar.args(["czf", "archive.tgz", "-C", "archive"]).args(files.iter().map(|(name, _)| *name));
    assert!(tar.current_dir(folder.path()).status().unwrap().success());
    let output =
        Command::new("openssl").args(["base64", "-A", "-in", "archive.tgz"]).current_dir(folder.path()).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn service(more: &str) -> String {
    format!("services:\n  a:\n    image: '{GOOD}'\n{more}")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[test]
fn compose_files_cannot_hide_images() {
    let folder = place();
    ends(&folder, &service(""), 0, &[]);
    ends(
        &folder,
        &service("    extends: {file: other.yaml, service: b}\n"),
        1,
        &["services.a.extends.file", "docker compose config"],
    );
    ends(
        &folder,
        &service("    pre_start:\n    - {image: 'docker.io/evil/x:latest', command: [sh]}\n"),
        1,
        &["docker.io/evil/x:latest", "services.a.pre_start[0]"],
    );
    ends(
        &folder,
        &service(&format!("    pre_start:\n    - {{image: '{GOOD}', command: [sh]}}\n")),
        0,
        &["services.a.pre_start[0]"],
    );
    ends(
        &folder,
        &service("    volumes:\n    - {type: '${T:-image}', source: 'docker.io/evil/x:latest', target: /app}\n"),
        1,
        &["services.a.volumes[0].type"],
    );
    ends(&folder, &service("volumes:\n  v: {driver: '${D}', driver_opts: {image: evil}}\n"), 1, &["volumes.v.driver"]);
    ends(&folder, &service("volumes:\n  v: {driver: image, driver_opts: {image: evil/x}}\n"), 1, &["evil/x"]);
    for merge in ["! <<", "! \"<<\"", "!!str <<", "\"<<\""] {
        let text = service(&format!(
            "    {merge}: {{volumes: [{{type: image, source: 'docker.io/evil/x:latest', target: /app}}]}}\n"
        ));
        ends(&folder, &text, 3, &["use << without quotes", "correct the file"]);
    }
    ends(
        &folder,
        &service("    !!merge <<: {volumes: [{type: image, source: 'docker.io/evil/x:latest', target: /app}]}\n"),
        1,
        &["docker.io/evil/x:latest"],
    );
    ends(&folder, &format!("include: []\nservices:\n  a: {{image: '{GOOD}', build: null}}\n"), 0, &[]);
    // These services extend each other.
    let circle = format!("services: {{ok: {{image: '{GOOD}'}}, a: {{extends: b}}, b: {{extends: a}}}}");
    let (code, report) = admit(&folder, &circle);
    assert_eq!((code, report["images"].as_array().unwrap().len()), (1, 3), "{report:#}");
    assert_eq!(report["images"][0]["verdict"], "accept");
    // Unknown keys, which later versions of the specification could define, are refused.
    ends(
        &folder,
        &service("    sidecars: [{image: evil}]\n"),
        1,
        &["services.a.sidecars", "a compose service does not have the key `sidecars`"],
    );
    ends(&folder, &service("operators: {image: evil}\n"), 1, &["a compose file does not have the key `operators`"]);
    ends(&folder, &service("    x-podman.rootfs: /evil\n"), 1, &["podman-compose runs this folder"]);
    ends(&folder, &service("    x-note: {image: evil}\n"), 0, &[]);
}

#[test]
fn a_file_that_matches_two_forms_is_malformed_and_both_are_named() {
    let folder = place();
    let pod = format!("apiVersion: v1\nkind: Pod\nspec: {{containers: [{{name: a, image: '{GOOD}'}}]}}\n");
    let evil = archive(&folder, &[("docker-compose.yaml", "services: {a: {image: evil}}\n")]);
    let contract = format!("workload: \"type: workload\\ncompose:\\n  archive: {evil}\\n\"\nenv: \"type: env\\n\"\n");
    let (compose, kubernetes, of_contract) = ("(a compose file)", "(a Kubernetes manifest)", "(a contract)");
    ends(
        &folder,
        &format!("{pod}services: {{a: {{build: .}}}}\n"),
        3,
        &[compose, kubernetes, "use a separate file for each"],
    );
    ends(&folder, &format!("{contract}{pod}"), 3, &[kubernetes, of_contract]);
    ends(&folder, &format!("{contract}{}", service("")), 3, &[compose, of_contract]);
    ends(&folder, &format!("envWorkloadSignature: x\n{pod}"), 3, &[kubernetes, of_contract]);
    ends(&folder, &format!("type: workload\n{}", service("")), 3, &[compose, of_contract]);
    ends(&folder, &format!("{pod}---\n{contract}"), 3, &["document 2 of 2"]);
    // A single section that also has the key `workload` of a whole contract.
    ends(
        &folder,
        &format!(
            "type: workload\nplay:\n  resources:\n  - {}workload: evil\n",
            pod.trim_end().replace('\n', "\n    ") + "\n"
        ),
        1,
        &["a workload section does not have the key `workload`"],
    );
}

#[test]
fn refused_files_come_with_a_hint() {
    let folder = place();
    let good = service("");
    for (text, words) in [
        ("{{- if .Values.x }}\nservices: {}\n{{- end }}\n".to_owned(), "helm template"),
        ("services:\n  a:\n    image: {{ .Values.image }}\n".into(), "helm template"),
        (service("    ports: !reset []\n"), "docker compose config"),
        (service("    ports: !override [80]\n"), "docker compose config"),
        (format!("{good}---\n{good}"), "docker compose config"),
        ("include: [a.yaml]\n".into(), "`include` is not supported"),
        (
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n".into(),
            "several JSON documents in a row",
        ),
        (service("    image: y\n"), "duplicate key"),
        ("~: x\n".into(), "a key is empty"),
        ("resources: [pod.yaml]\n".into(), "kubectl kustomize"),
        (String::new(), "the file is empty"),
    ] {
        ends(&folder, &text, 3, &[words, "correct the file, or use plain YAML"]);
    }
    folder.write("approvals.csv", "repository,commit,change,approver,time\n");
    folder.write("list.csv", "place;image;owner\nhost;a@b;c\n");
    let arguments = [
        "reconcile",
        "--approvals",
        "approvals.csv",
        "--inventory",
        "list.csv",
        "--evidence",
        "evidence",
        "--policy",
        "policy.toml",
        "--now",
        NOW,
    ];
    let more = ["--period", "2026-01-01/2026-12-31", "--format", "json"];
    let answer = answer(command(folder.path()).args(arguments).args(more));
    let all = format!("{}{}", answer.out, answer.err);
    assert!(all.contains("columns place and image") && !all.contains("keep it as evidence"), "{all}");
}

#[test]
fn archives_of_contracts_cannot_hide_images() {
    let folder = place();
    let compose = service("");
    let other = "services: {b: {image: 'docker.io/evil/x:latest'}}\n";
    let main = ("docker-compose.yaml", compose.as_str());
    let extends = service("    extends: {file: other.yaml, service: b}\n");
    let include = format!("include: [other.txt]\n{compose}");
    for (files, code, words) in [
        (vec![main], 0, ""),
        (vec![main, ("data/config.yaml", "a: 1\n"), ("README", "services: are fine\n")], 0, ""),
        (vec![main, ("data/config.yaml", "image: evil\n")], 0, ""),
        (
            vec![("docker-compose.yaml", extends.as_str()), ("other.yaml", "services: {b: {build: .}}\n")],
            1,
            "extends.file",
        ),
        (vec![("docker-compose.yaml", include.as_str()), ("other.txt", other)], 1, "`include` is not supported"),
        (vec![main, ("docker-compose.override.yml", other)], 1, "docker.io/evil/x:latest"),
        (vec![main, ("other.txt", other)], 1, "docker.io/evil/x:latest"),
        (vec![main, (".env", "TAG=1\nCOMPOSE_FILE=other\n")], 1, "docker compose reads COMPOSE_FILE"),
        (vec![main, (".env", "export COMPOSE_FILE = other\n")], 1, "docker compose reads COMPOSE_FILE"),
        (vec![main, (".env", "TAG=1\nCOMPOSE_PROJECT_NAME=x\n")], 0, ""),
        (
            vec![main, ("data/own.yaml", "a: !Ref b\n")],
            1,
            "if the file is the workload's data, give it a name that does not end in .yaml",
        ),
        (vec![main, ("data/own.txt", "a: !Ref b\n")], 0, ""),
        (vec![("docker-compose.yaml", "services: {a: {image: x, ports: !reset []}}\n")], 1, "docker compose config"),
        (
            vec![("docker-compose.yaml", "apiVersion: v1\nkind: Pod\n")],
            1,
            "a compose file does not have the key `kind`",
        ),
        (vec![("README", "nothing\n")], 1, "no file in the archive defines a workload"),
    ] {
        let archive = archive(&folder, &files);
        ends(&folder, &format!("type: workload\ncompose:\n  archive: {archive}\n"), code, &[words]);
    }
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: a, image: '{GOOD}'}}]}}\n"
    );
    let evil = pod.replace(GOOD, "docker.io/evil/x:latest");
    let main = ("pod.yaml", pod.as_str());
    for (files, code, words) in [
        (vec![main], 0, ""),
        (vec![main, ("data/other.yaml", evil.as_str()), ("data/own.yaml", "a: !Ref b\n")], 0, ""),
        (vec![main, ("other.yml", evil.as_str())], 1, "docker.io/evil/x:latest"),
        (vec![main, ("own.yaml", "a: !Ref b\n")], 1, "put it into a folder"),
    ] {
        let archive = archive(&folder, &files);
        ends(&folder, &format!("type: workload\nplay:\n  archive: {archive}\n"), code, &[words]);
    }
}

#[test]
fn contracts_cannot_hide_images() {
    let folder = place();
    let archive = archive(&folder, &[("docker-compose.yaml", &service(""))]);
    let workload = format!("type: workload\ncompose:\n  archive: {archive}\n");
    let whole = |workload: &str, env: &str, more: &str| {
        format!("workload: |\n{}env: |\n{}{more}", indented(workload), indented(env))
    };
    ends(&folder, &whole(&workload, "type: env\n", ""), 0, &[]);
    ends(
        &folder,
        &whole(
            &workload,
            "type: env\nlogging: {logRouter: {port: 443}}\nenv: {TAG: x}\n",
            "attestationPublicKey: x\nboot: |\n  sehdr: x\n",
        ),
        0,
        &[],
    );
    for (more, words) in [
        ("helper: {image: evil}\n", "a workload section does not have the key `helper`"),
        ("compose: null\nplay: {other: x}\n", "`play` does not have the key `other`"),
        ("env: {COMPOSE_FILE: other}\n", "docker compose reads COMPOSE_FILE"),
        (
            "confidential-containers: {allowedContainers: {a: {allowedImages: {imageNames: ['evil/x:1']}}}}\n",
            "evil/x:1",
        ),
        (
            "confidential-containers: {allowedContainers: {a: {allowedImages: {imagePatterns: ['.*']}}}}\n",
            "list them in `imageNames`",
        ),
        ("confidential-containers: {config: {cosign: {'evil/x:2': {publicKey: x}}}}\n", "evil/x:2"),
        ("confidential-containers: {run: x}\n", "`confidential-containers` does not have the key `run`"),
    ] {
        let text = format!(
            "type: workload\nplay: {{resources: [{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: a, image: '{GOOD}'}}]}}}}]}}\n"
        );
        let text = if more.contains("play:") {
            more.replace("compose: null\n", "type: workload\n")
        } else {
            format!("{text}{more}")
        };
        ends(&folder, &whole(&text, "type: env\n", ""), 1, &[words]);
        ends(&folder, &text, 1, &[words]);
    }
    for (env, words) in [
        ("type: env\nimage: evil\n", "an env section does not have the key `image`"),
        ("type: env\nenv: {COMPOSE_FILE: other}\n", "docker compose reads COMPOSE_FILE"),
        ("type: env\nenv: {DOCKER_HOST: 'tcp://evil'}\n", "docker compose reads DOCKER_HOST"),
        ("type: other\n", "expected env (without variables)"),
    ] {
        ends(&folder, &whole(&workload, env, ""), 1, &[words]);
    }
    ends(&folder, &whole(&workload, "type: env\n", "image: evil\n"), 1, &["a contract does not have the key `image`"]);
}

/// Input that Terraform's yamlencode and other tools write before user-data is created.
#[test]
fn sections_that_are_mappings_are_read() {
    let folder = place();
    let good = archive(&folder, &[("docker-compose.yaml", &service(""))]);
    let evil = archive(&folder, &[("docker-compose.yaml", "services: {a: {image: 'evil/x:1'}}\n")]);
    let whole = |archive: &str, more: &str| {
        format!(
            "workload: {{type: workload, compose: {{archive: {archive}}}}}\nenv: {{type: env, env: {{TAG: x}}}}\n{more}"
        )
    };
    ends(&folder, &whole(&good, ""), 0, &[]);
    ends(&folder, &whole(&good, "envWorkloadSignature: null\n"), 0, &[]);
    ends(&folder, &whole(&evil, ""), 1, &["evil/x:1"]);
    let (code, report) = admit(&folder, &whole(&good, "envWorkloadSignature: QUJD\n"));
    let findings = report["images"][0]["findings"].as_array().unwrap();
    let signature = findings.iter().find(|finding| finding["check"] == "contract-signature").unwrap();
    assert_eq!((code, signature["status"].as_str()), (1, Some("unknown")), "{report:#}");
    assert!(signature["message"].as_str().unwrap().contains("exact text"), "{signature}");
    // One section is text, and the other is a mapping.
    let mixed = format!("workload: |\n  type: workload\n  compose: {{archive: {good}}}\nenv: {{type: env}}\n");
    ends(&folder, &mixed, 0, &[]);
    ends(&folder, &format!("{mixed}envWorkloadSignature: QUJD\n"), 1, &["exact text"]);
}
