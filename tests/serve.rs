//! Tests `serve`, the webhook, over TLS on loopback; the clients are curl and python.
#![cfg(feature = "serve")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use program::{BUNDLE, Folder, NOW, fixture};
use serde_json::{Value, json};

const DIGEST: &str = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
const POLICY: &str =
    "version = 1\nrequire = [\"manifest\", \"source\"]\n[[keys]]\nname = \"build server A\"\nfile = \"key.pem\"\n";
const REVOKED: &str = "revoked = { at = 2026-03-01T00:00:00Z, reason = \"compromised\" }\n";
/// The timeout is long enough for a busy machine; no test waits for it to elapse.
const PATIENCE: Duration = Duration::from_secs(120);

fn place(policy: &str) -> Folder {
    let folder = Folder::new();
    let from = fixture("good-policy");
    folder.write(&format!("evidence/{BUNDLE}"), fs::read(from.join(BUNDLE)).unwrap());
    folder.write("key.pem", fs::read(from.join("key.pem")).unwrap());
    folder.write("policy.toml", policy);
    certificate(&folder);
    folder
}

fn certificate(folder: &Folder) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", "tls.key.new", "-out", "tls.crt.new"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in ["tls.key", "tls.crt"] {
        fs::rename(folder.path().join(format!("{name}.new")), folder.path().join(name)).unwrap();
    }
}

/// Writes a file atomically.
fn replace(folder: &Folder, name: &str, bytes: impl AsRef<[u8]>) {
    folder.write("new", bytes);
    fs::rename(folder.path().join("new"), folder.path().join(name)).unwrap();
}

struct Server {
    child: Child,
    lines: Option<Receiver<Value>>,
    port: String,
}

impl Server {
    fn start(folder: &Folder, more: &[&str]) -> Self {
        let mut server = Self::spawn(folder, more, Stdio::piped());
        let (send, lines) = channel();
        let log = BufReader::new(server.child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        server.lines = Some(lines);
        let mut index = false;
        while server.port.is_empty() || !index {
            let line = server.line();
            index = index || line["event"] == "fault" || line["event"] == "index" && line["pending"] == 0;
            if line["event"] == "listening" {
                server.port = line["address"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
            }
        }
        server
    }

    fn spawn(folder: &Folder, more: &[&str], log: Stdio) -> Self {
        let listen = if more.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"][..] };
        let mut command = program::command(folder.path());
        command.args(["serve", "--evidence", "evidence", "--policy", "policy.toml", "--tls-cert", "tls.crt"]);
        command.args(["--tls-key", "tls.key", "--look-every", "1", "--drain", "0"]).args(listen).args(more);
        if !more.contains(&"--now") {
            command.args(["--now", NOW]);
        }
        Self { child: command.stderr(log).spawn().unwrap(), lines: None, port: String::new() }
    }

    fn line(&self) -> Value {
        self.lines.as_ref().unwrap().recv_timeout(PATIENCE).expect("a line")
    }

    /// The next line about this event; earlier lines are skipped. An index event with pending bundles is skipped.
    fn event(&self, event: &str) -> Value {
        self.line_with(|line| line["event"] == event && (event != "index" || line["pending"] == 0))
    }

    fn line_with(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.line();
            if is_it(&line) {
                return line;
            }
        }
    }

    /// A value of /metrics.
    fn metric(&self, folder: &Folder, name: &str) -> f64 {
        let page = self.curl(folder, "/metrics", &[], None).1;
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("hpsb_audit_{name} ")));
        line.unwrap_or_else(|| panic!("{name}: {page}")).parse().unwrap()
    }

    /// The peak memory of the process, in bytes.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() << 10
    }

    fn curl(&self, folder: &Folder, path: &str, more: &[&str], body: Option<&[u8]>) -> (u16, String) {
        let url = format!("https://localhost:{}{path}", self.port);
        let mut child = Command::new("curl")
            .args(["-sS", "--noproxy", "*", "--cacert", "tls.crt", "-w", "\n%{http_code}", "--max-time", "60", &url])
            .args(if body.is_some() { &["--data-binary", "@-"][..] } else { &[] })
            .args(more)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("curl is needed for this test");
        // A server that has read enough may close the connection early.
        let _ = child.stdin.take().unwrap().write_all(body.unwrap_or_default());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, code) = text.rsplit_once('\n').unwrap_or_default();
        (code.parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))), body.to_owned())
    }

    fn ask(&self, folder: &Folder, review: &Value) -> Value {
        let (code, body) = self.curl(folder, "/v1/admit", &JSON, Some(review.to_string().as_bytes()));
        assert_eq!(code, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&answer["apiVersion"], &answer["kind"]), (&review["apiVersion"], &review["kind"]));
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }

    fn allows(&self, folder: &Folder, image: &str) -> bool {
        self.ask(folder, &review("prod", image))["allowed"] == true
    }

    fn end(mut self) -> i32 {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap().code().expect("an exit code")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const JSON: [&str; 2] = ["-H", "Content-Type: application/json"];

/// An API server's request after `kubectl run`, with the fields that the server adds.
fn review(namespace: &str, image: &str) -> Value {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "requestKind": { "group": "", "version": "v1", "kind": "Pod" },
            "requestResource": { "group": "", "version": "v1", "resource": "pods" },
            "name": "wallet",
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": { "username": "ada", "groups": ["system:authenticated"] },
            "object": pod(image),
            "oldObject": null,
            "dryRun": false,
            "options": { "kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-run" },
        },
    })
}

fn pod(image: &str) -> Value {
    json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": { "name": "wallet", "namespace": "prod", "creationTimestamp": null, "labels": { "run": "wallet" } },
        "spec": {
            "volumes": [{ "name": "kube-api-access-x", "projected": { "sources": [{ "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } }], "defaultMode": 420 } }],
            "containers": [{
                "name": "wallet",
                "image": image,
                "resources": {},
                "volumeMounts": [{ "name": "kube-api-access-x", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }],
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            }],
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
            "schedulerName": "default-scheduler",
            "tolerations": [{ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }],
            "priority": 0,
            "enableServiceLinks": true,
        },
        "status": {},
    })
}

fn good() -> String {
    format!("docker.io/acme/wallet@{DIGEST}")
}

#[test]
fn a_pod_of_an_accepted_build_is_admitted_and_others_are_denied_with_a_reason() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &["--warn-namespace", "staging"]);
    assert_eq!(
        server.ask(&folder, &review("prod", &good())),
        json!({ "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "allowed": true })
    );
    let line = server.event("decision");
    assert_eq!(
        (&line["decision"], &line["user"], &line["namespace"]),
        (&"allowed".into(), &"ada".into(), &"prod".into())
    );
    assert_eq!(line["images"][0]["bundle"], format!("evidence/{BUNDLE}"));

    let tag = server.ask(&folder, &review("prod", "acme/wallet:latest"));
    assert_eq!((&tag["allowed"], &tag["status"]["code"]), (&false.into(), &403.into()));
    let message = tag["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("workload-pinned: referenced by a tag") && message.contains(&format!("write {}", good())),
        "{message}"
    );
    let unknown = server.ask(&folder, &review("prod", &format!("acme/wallet@{OTHER}")));
    let message = unknown["status"]["message"].as_str().unwrap();
    assert!(message.contains("no manifest that was evaluated and verified is for this digest"), "{message}");
    assert_eq!(server.event("decision")["decision"], "denied");

    // A name that looks like a secret is shown, in the response and in the log.
    let name = format!("ghcr.io/external-secrets/external-secrets:v0.9.20@{OTHER}");
    for name in [name.as_str(), "acme/api-token:2"] {
        let answer = server.ask(&folder, &review("prod", name));
        assert!(answer["status"]["message"].as_str().unwrap().starts_with(&format!("{name} at ")), "{answer}");
    }
    assert_eq!(server.event("decision")["images"][0]["image"], format!("acme/wallet@{OTHER}"));
    assert_eq!(server.event("decision")["images"][0]["image"], name);
    assert_eq!(server.event("decision")["images"][0]["image"], "acme/api-token:2");

    // The namespace comes from the API server, not from the object.
    let warned = server.ask(&folder, &review("staging", "acme/wallet:latest"));
    assert!(
        warned["allowed"] == true && warned["warnings"][0].as_str().unwrap().contains("workload-pinned"),
        "{warned}"
    );

    // Init containers and ephemeral containers count; an update that changes nothing that runs is admitted.
    for list in ["initContainers", "ephemeralContainers"] {
        let mut ask = review("prod", &good());
        ask["request"]["object"]["spec"][list] = json!([{ "name": "x", "image": "busybox" }]);
        assert_eq!(server.ask(&folder, &ask)["allowed"], false, "{list}");
        ask["request"]["operation"] = "UPDATE".into();
        ask["request"]["oldObject"] = pod(&good());
        assert_eq!(server.ask(&folder, &ask)["allowed"], false, "{list}");
        ask["request"]["oldObject"] = ask["request"]["object"].clone();
        ask["request"]["object"]["metadata"]["labels"]["new"] = "label".into();
        assert_eq!(server.ask(&folder, &ask)["allowed"], true, "{list}");
    }
    let mut nothing = review("prod", &good());
    nothing["request"]["object"] = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" } });
    assert_eq!(server.ask(&folder, &nothing)["allowed"], false);

    let (code, metrics) = server.curl(&folder, "/metrics", &[], None);
    assert_eq!(code, 200);
    for line in [
        "hpsb_audit_decisions_total{decision=\"allowed\"} 1",
        "hpsb_audit_decisions_total{decision=\"unchanged\"} 2",
        "hpsb_audit_decisions_total{decision=\"warned\"} 1",
        "hpsb_audit_decisions_total{decision=\"denied\"} 9",
        "hpsb_audit_decision_seconds_count 13",
        "hpsb_audit_bundles{verdict=\"accept\"} 1",
        "hpsb_audit_ready 1",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}:\n{metrics}");
    }
    assert_eq!(
        (server.curl(&folder, "/healthz", &[], None).0, server.curl(&folder, "/readyz", &[], None).0),
        (200, 200)
    );
    assert_eq!(server.end(), 0);
}

#[test]
fn approvals_are_read() {
    let folder = place(&format!("{POLICY}[levels]\nsource-approved = \"require\"\n"));
    folder.write("approvals.csv", fs::read(fixture("good-approved").join("approvals.csv")).unwrap());
    for (more, allowed) in [(&[][..], false), (&["--approvals", "approvals.csv"], true)] {
        let server = Server::start(&folder, more);
        assert_eq!(server.ask(&folder, &review("prod", &good()))["allowed"], allowed, "{more:?}");
    }
}

#[test]
fn requests_that_are_not_reviews_admit_nothing() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &["--limit", "review-bytes=64K"]);
    let ask = review("prod", &good()).to_string();
    let large = ask.replace("\"Always\"", &format!("\"{}\"", "x".repeat(100_000)));
    for (name, flags, body, code) in [
        ("no JSON", &JSON[..], "kind: AdmissionReview".to_owned(), 400),
        ("cut off", &JSON, ask[..ask.len() - 1].to_owned(), 400),
        ("nothing", &JSON, String::new(), 400),
        ("a field twice", &JSON, ask.replacen("\"uid\":", "\"uid\":\"x\",\"uid\":", 1), 400),
        ("another version", &JSON, ask.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), 400),
        ("a deletion", &JSON, ask.replace("CREATE", "DELETE"), 400),
        ("no object", &JSON, ask.replace("\"object\":", "\"thing\":"), 400),
        ("too large", &JSON, large.clone(), 413),
        (
            "too large, in chunks",
            &["-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked"],
            large,
            413,
        ),
        ("another type", &["-H", "Content-Type: text/plain"], ask.clone(), 415),
        ("another method", &["-X", "PUT", "-H", "Content-Type: application/json"], ask.clone(), 405),
    ] {
        let (found, answer) = server.curl(&folder, "/v1/admit", flags, Some(body.as_bytes()));
        assert_eq!(found, code, "{name}: {answer}");
        assert!(!answer.contains("allowed"), "{name}: {answer}");
    }
    assert_eq!(server.curl(&folder, "/v1/other", &[], None).0, 404);
    // The server continues to work as before.
    assert!(server.allows(&folder, &good()));
}

#[test]
fn changes_to_policy_evidence_and_certificate_take_effect_and_no_fault_admits_an_image() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &[]);
    let ready = |code: u16| assert_eq!(server.curl(&folder, "/readyz", &[], None).0, code);
    assert!(server.allows(&folder, &good()));
    // The key is revoked.
    replace(&folder, "policy.toml", format!("{POLICY}{REVOKED}"));
    server.event("index");
    let denied = server.ask(&folder, &review("prod", &good()));
    let message = denied["status"]["message"].as_str().unwrap();
    assert!(message.contains("not accepted"), "{message}");
    // The policy expects a different commit.
    replace(&folder, "policy.toml", format!("{POLICY}[expect]\ncommit = \"{}\"\n", "1".repeat(40)));
    server.event("index");
    assert!(!server.allows(&folder, &good()));
    // If the policy cannot be read, no image can be evaluated.
    replace(&folder, "policy.toml", "version = ");
    assert_eq!(server.event("fault")["error"], "policy");
    ready(503);
    let denied = server.ask(&folder, &review("prod", &good()));
    assert!(
        denied["status"]["message"].as_str().unwrap().contains("no image can be evaluated now: policy"),
        "{denied}"
    );
    replace(&folder, "policy.toml", POLICY);
    server.event("index");
    ready(200);
    assert!(server.allows(&folder, &good()));

    // A truncated bundle is reported and counted, and changes nothing else.
    folder.write("evidence/cut/manifest.cut.sig.tbz", b"BZh9");
    let line = server.event("bundle-not-accepted");
    assert_eq!(line["bundle"], "evidence/cut/manifest.cut.sig.tbz");
    server.event("index");
    assert!(server.allows(&folder, &good()));
    let metrics = server.curl(&folder, "/metrics", &[], None).1;
    assert!(metrics.contains("hpsb_audit_bundles{verdict=\"none\"} 1"), "{metrics}");
    // The good bundle is removed, and then the whole evidence folder.
    let (bundle, away) = (folder.path().join("evidence").join(BUNDLE), folder.path().join("away"));
    fs::rename(&bundle, &away).unwrap();
    server.event("index");
    assert!(!server.allows(&folder, &good()));
    fs::rename(folder.path().join("evidence"), folder.path().join("gone")).unwrap();
    server.event("fault");
    ready(503);
    assert!(!server.allows(&folder, &good()));
    // First one byte is changed, and then the good bytes are restored.
    let mut bytes = fs::read(&away).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    folder.write(&format!("evidence/{BUNDLE}"), &bytes);
    server.event("index");
    assert!(!server.allows(&folder, &good()));
    fs::rename(&away, &bundle).unwrap();
    server.event("index");
    assert!(server.allows(&folder, &good()));

    // A malformed certificate has no effect; a new certificate with its key is used from then on.
    let old = fs::read(folder.path().join("tls.crt")).unwrap();
    replace(&folder, "tls.crt", "nothing");
    server.event("fault");
    replace(&folder, "tls.crt", &old);
    assert!(server.allows(&folder, &good()));
    certificate(&folder);
    server.event("certificate");
    assert!(server.allows(&folder, &good()));
}

#[test]
fn a_symlinked_bundle_is_checked_at_its_target() {
    let folder = place(POLICY);
    let (link, target) = (folder.path().join("evidence").join(BUNDLE), folder.path().join("store").join(BUNDLE));
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::rename(&link, &target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    folder.write("evidence/cut/manifest.cut.sig.tbz", b"BZh9");
    let server = Server::start(&folder, &[]);
    let good_bytes = fs::read(&target).unwrap();
    let mut altered = good_bytes.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    assert!(server.allows(&folder, &good()));
    // The target is changed in place with the same size, then truncated, then removed: the link itself never changes.
    for bad in [Some(altered.as_slice()), Some(&good_bytes[..good_bytes.len() / 2]), None] {
        match bad {
            Some(bytes) => fs::write(&target, bytes).unwrap(),
            None => fs::remove_file(&target).unwrap(),
        }
        server.event("index");
        assert!(!server.allows(&folder, &good()));
        fs::write(&target, &good_bytes).unwrap();
        server.event("index");
        assert!(server.allows(&folder, &good()));
    }
    // The link points to a different file.
    fs::write(folder.path().join("store/other"), &altered).unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(folder.path().join("store/other"), &link).unwrap();
    server.event("index");
    assert!(!server.allows(&folder, &good()));
}

/// A bundle whose audit takes minutes: the good bundle, followed by gigabytes of zeros.
fn slow_bundle(folder: &Folder) -> Vec<u8> {
    let zeros = Command::new("python3")
        .args(["-c", "import bz2,sys; sys.stdout.buffer.write(bz2.compress(bytes(45_000_000)) * 600)"])
        .stdout(Stdio::piped())
        .output()
        .expect("python3 is needed for this test");
    let mut bytes = fs::read(folder.path().join("evidence").join(BUNDLE)).unwrap();
    bytes.extend(zeros.stdout);
    bytes
}

#[test]
fn an_audit_does_not_delay_a_scan() {
    let folder = place(POLICY);
    // While the only thread audits the slow bundle, evidence audited earlier must still be evaluated again.
    let server = Server::start(&folder, &["--threads", "1", "--limit", "signed-archive-bytes=40G"]);
    assert!(server.allows(&folder, &good()));
    let slow = slow_bundle(&folder);
    folder.write("evidence/slow/manifest.slow.sig.tbz", slow);
    server.line_with(|line| line["event"] == "index" && line["pending"] == 1);
    assert!(server.allows(&folder, &good()));

    // The key is revoked and restored during the slow audit.
    replace(&folder, "policy.toml", format!("{POLICY}{REVOKED}"));
    server.event("terms");
    assert!(!server.allows(&folder, &good()));
    replace(&folder, "policy.toml", "version = ");
    server.event("fault");
    let denied = server.ask(&folder, &review("prod", &good()));
    assert!(
        denied["status"]["message"].as_str().unwrap().contains("no image can be evaluated now: policy"),
        "{denied}"
    );
    assert_eq!(server.curl(&folder, "/readyz", &[], None).0, 503);
    replace(&folder, "policy.toml", POLICY);
    let judged = server.event("judged");
    assert_eq!((&judged["bundles"], &judged["to_read"]), (&1.into(), &1.into()));
    assert!(server.allows(&folder, &good()));
    // Removed evidence is also noticed.
    let (bundle, away) = (folder.path().join("evidence").join(BUNDLE), folder.path().join("away"));
    fs::rename(&bundle, &away).unwrap();
    server.line_with(|line| line["event"] == "index" && line["gone"] == 1);
    let denied = server.ask(&folder, &review("prod", &good()));
    assert!(
        denied["status"]["message"].as_str().unwrap().contains("1 bundle of the evidence has not been evaluated yet"),
        "{denied}"
    );
    assert_eq!(server.metric(&folder, "pending"), 1.0, "the long audit ended too early to prove anything");
    assert_eq!(server.metric(&folder, "ready"), 1.0);
    assert!(
        server.metric(&folder, "terms_age_seconds") < 10.0 && server.metric(&folder, "evidence_age_seconds") < 10.0
    );
}

#[test]
fn a_hanging_scan_admits_nothing() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &[]);
    assert!(server.allows(&folder, &good()));
    // Reading a pipe without a writer blocks.
    assert!(Command::new("mkfifo").arg("pipe").current_dir(folder.path()).status().unwrap().success());
    fs::rename(folder.path().join("pipe"), folder.path().join("policy.toml")).unwrap();
    let page = loop {
        let (code, page) = server.curl(&folder, "/readyz", &[], None);
        if code == 503 {
            break page;
        }
    };
    assert!(page.starts_with("the policy and the files that it refers to were last checked "), "{page}");
    let denied = server.ask(&folder, &review("prod", &good()));
    assert!(denied["status"]["message"].as_str().unwrap().contains("were last checked"), "{denied}");
    assert!(server.event("decision")["terms_age"].is_number());
    // When a writer opens the pipe, the scan ends, and later scans read a regular file.
    let mut pipe = fs::OpenOptions::new().write(true).open(folder.path().join("policy.toml")).unwrap();
    replace(&folder, "policy.toml", POLICY);
    pipe.write_all(POLICY.as_bytes()).unwrap();
    drop(pipe);
    while !server.allows(&folder, &good()) {}
}

#[test]
fn no_request_ends_the_process_or_exceeds_its_budget() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &[]);
    assert!(server.allows(&folder, &good()));
    let before = server.peak();
    let containers = |count: usize, image: &str| {
        let one = |at: usize| json!({ "name": format!("c{at}"), "image": image });
        Value::from((0..count).map(one).collect::<Vec<_>>())
    };
    let with = |place: &str, value: Value| {
        let mut ask = review("prod", &good());
        *ask.pointer_mut("/request/object/spec").unwrap() = json!({ "containers": [], place: value });
        ask.to_string()
    };
    let long = "k".repeat(100_000);
    let deep = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
    let nested = (0..60)
        .fold(containers(900, "a"), |value, at| json!({ format!("{at}{}", "k".repeat(900)): { "containers": value } }));
    for (name, body, codes) in [
        ("a long key above many images", with("x", json!({ &long: containers(9_000, "a") })), &[413][..]),
        ("many images", with("containers", containers(1_001, &good())), &[413]),
        ("the maximum number of images", with("containers", containers(1_000, "a")), &[200]),
        ("many nodes", with("x", json!(vec![0; 100_000])), &[413]),
        ("many empty tables", with("x", json!(vec![json!({}); 60_000])), &[413]),
        ("many short keys", with("x", (0..60_000).map(|at| (format!("{at:x}"), json!(0))).collect()), &[413]),
        ("deep lists", with("x", json!("DEEP")).replace("\"DEEP\"", &deep(100_000)), &[400]),
        ("nested to the maximum depth", with("x", json!("DEEP")).replace("\"DEEP\"", &deep(110)), &[200]),
        ("a long name", with("containers", containers(1, &format!("a@{long}"))), &[200]),
        ("many long names", with("containers", containers(900, &"a/".repeat(2_000))), &[200]),
        ("many variables", with("containers", containers(900, &"$".repeat(2_000))), &[413]),
        ("long keys below long keys", with("x", nested), &[413]),
        ("a long uid", review("prod", &good()).to_string().replace("705ab4f5", &long), &[400]),
        ("a long operation", review("prod", &good()).to_string().replace("CREATE", &long), &[400]),
        ("a long user", review("prod", "a").to_string().replace("\"ada\"", &format!("\"{long}\"")), &[200]),
        (
            "control characters",
            review("prod", "a").to_string().replace("\"ada\"", &format!("\"{}\"", "\\u001b".repeat(200_000))),
            &[200],
        ),
        ("half a surrogate", review("prod", "a").to_string().replace("\"ada\"", "\"\\ud800\""), &[400]),
        (
            "longer than the maximum",
            review("prod", "a").to_string().replace("\"ada\"", &format!("\"{}\"", "x".repeat(9 << 20))),
            &[413],
        ),
    ] {
        let (code, answer) = server.curl(&folder, "/v1/admit", &JSON, Some(body.as_bytes()));
        assert!(codes.contains(&code), "{name}: {code} {}", &answer[..answer.len().min(500)]);
        assert!(answer.len() <= 64 << 10, "{name}: {} bytes of answer", answer.len());
        assert!(!answer.contains("\"allowed\":true"), "{name}");
    }
    let grown = server.peak() - before;
    assert!(grown < 256 << 20, "{} MiB more than before", grown >> 20);
    assert!(server.allows(&folder, &good()));

    // The response, or the warning in it, lists twenty images and counts the others.
    for namespace in ["prod", "staging"] {
        let server = Server::start(&folder, &["--warn-namespace", "staging"]);
        let mut ask = review(namespace, "a");
        ask["request"]["object"]["spec"]["containers"] = containers(100, "acme/wallet:latest");
        let answer = server.ask(&folder, &ask);
        let text = answer.to_string();
        assert!(
            text.contains("c19") && !text.contains("c20") && text.contains("and 80 more images are refused"),
            "{text}"
        );
        let line = server.event("decision");
        assert_eq!((&line["image_count"], &line["refused_count"]), (&100.into(), &100.into()));
        assert_eq!(line["images"].as_array().unwrap().len(), 20);
    }
}

#[test]
fn slow_or_silent_clients_do_not_delay_others() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &[]);
    // 300 connections without TLS: 200 are silent, and 100 send part of a request.
    let address = format!("127.0.0.1:{}", server.port);
    let silent: Vec<_> = (0..200).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    let half: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(&address).unwrap();
            stream.write_all(b"POST /v1/admit HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    assert!(server.allows(&folder, &good()));
    assert_eq!(server.curl(&folder, "/readyz", &[], None).0, 200);
    drop((silent, half));
    assert!(server.allows(&folder, &good()));
}

#[test]
fn max_age_is_compared_with_the_time_of_the_request() {
    // The build's time is 2026-03-02T10:15:30. At NOW, the build is seven and a half days old.
    for (age, allowed) in [("8d", true), ("7d", false)] {
        let folder = place(&format!("{POLICY}[expect]\nmax-age = \"{age}\"\n"));
        let server = Server::start(&folder, &[]);
        assert_eq!(server.allows(&folder, &good()), allowed, "{age}");
    }
}

#[test]
fn a_decision_that_cannot_be_logged_is_a_denial() {
    let folder = place(POLICY);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let mut server = Server::spawn(&folder, &["--listen", &format!("127.0.0.1:{port}")], Stdio::from(full));
    server.port = port;
    let retry = ["--retry", "60", "--retry-connrefused", "--retry-all-errors", "--retry-delay", "1", "-f"];
    let (code, _) = server.curl(&folder, "/readyz", &retry, None);
    assert_eq!(code, 200);
    let answer = server.ask(&folder, &review("prod", &good()));
    assert_eq!(answer["allowed"], false);
    assert!(answer["status"]["message"].as_str().unwrap().contains("could not be logged"), "{answer}");
}

/// Four clients that send requests without a pause. At the end, they print wrongly admitted requests, errors, and the counts of responses.
const CLIENTS: &str = r#"
import http.client, json, ssl, sys, threading
port, questions = int(sys.argv[1]), json.load(open(sys.argv[2]))
context = ssl.create_default_context(cafile="tls.crt")
wrong, counts, errors, stop = [], {}, [], threading.Event()
def client():
    connection = None
    while not stop.is_set():
        for name, question in questions.items():
            try:
                if connection is None:
                    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
                connection.request("POST", "/v1/admit", json.dumps(question), {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = json.loads(response.read())["response"]["allowed"]
                counts[name, answer] = counts.get((name, answer), 0) + 1
                if name != "good" and answer:
                    wrong.append(name)
            except (OSError, http.client.HTTPException) as error:
                errors.append(repr(error))
                connection = None
                if sys.argv[3] == "until-gone":
                    return
threads = [threading.Thread(target=client) for _ in range(4)]
[thread.start() for thread in threads]
print("asking", flush=True)
sys.stdin.read()
if sys.argv[3] != "until-gone":
    stop.set()
[thread.join() for thread in threads]
print(json.dumps({"wrong": wrong, "errors": errors, "counts": {f"{n} {str(a).lower()}": c for (n, a), c in counts.items()}}))
"#;

struct Clients(Child, BufReader<std::process::ChildStdout>);

impl Clients {
    fn start(folder: &Folder, port: &str, until: &str) -> Self {
        let questions = json!({
            "good": review("prod", &good()),
            "tag": review("prod", "acme/wallet:latest"),
            "unknown": review("prod", &format!("acme/wallet@{OTHER}")),
        });
        folder.write("questions.json", questions.to_string());
        let mut child = Command::new("python3")
            .args(["-c", CLIENTS, port, "questions.json", until])
            .current_dir(folder.path())
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "asking\n");
        Self(child, out)
    }

    fn end(mut self) -> Value {
        drop(self.0.stdin.take());
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        assert!(self.0.wait().unwrap().success());
        serde_json::from_str(&line).unwrap()
    }
}

#[test]
fn nothing_is_wrongly_admitted_while_everything_changes() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &[]);
    let clients = Clients::start(&folder, &server.port, "until-told");
    for round in 0..3 {
        replace(&folder, "policy.toml", format!("{POLICY}{REVOKED}"));
        server.event("index");
        // From here on, no request may be admitted until the old policy is restored.
        assert!(!server.allows(&folder, &good()));
        folder.write(&format!("evidence/{round}/manifest.cut.sig.tbz"), b"BZh9");
        server.event("index");
        assert!(!server.allows(&folder, &good()));
        replace(&folder, "policy.toml", POLICY);
        server.event("index");
        assert!(server.allows(&folder, &good()));
    }
    let found = clients.end();
    assert_eq!((&found["wrong"], &found["errors"]), (&json!([]), &json!([])), "{found}");
    let count = |name: &str| found["counts"][name].as_u64().unwrap_or(0);
    assert!(count("good true") > 0 && count("good false") > 0 && count("unknown false") > 0, "{found}");
}

#[test]
fn the_server_stops_gracefully_and_restarts_after_a_kill() {
    let folder = place(POLICY);
    let server = Server::start(&folder, &[]);
    let clients = Clients::start(&folder, &server.port, "until-gone");
    let asked = server.event("decision");
    assert_eq!(asked["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    assert_eq!(server.end(), 0);
    let found = clients.end();
    assert_eq!(found["wrong"], json!([]), "{found}");
    // Every response was complete: no client received only part of a response.
    assert!(!found["errors"].to_string().contains("IncompleteRead"), "{found}");

    let mut server = Server::start(&folder, &[]);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    drop(server);
    assert!(Server::start(&folder, &[]).allows(&folder, &good()));
}

#[test]
fn startup_errors_are_reported() {
    let folder = place(POLICY);
    folder.write("tls.key", "nothing");
    let answer = program::run(
        folder.path(),
        &[
            "serve",
            "--evidence",
            "evidence",
            "--policy",
            "policy.toml",
            "--tls-cert",
            "tls.crt",
            "--tls-key",
            "tls.key",
        ],
    );
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("expected a private key in PEM"), "{}", answer.err);
}
