//! The fuzz targets' seeds: fixtures, recorded inputs, and inputs written here.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::io::Read as _;
use std::path::Path;

use hpsb_audit::report::Options;
use hpsb_audit::{Dossier, Format, KeyRing, Limits, Policy, Question, Report, Timestamp, audit};

use super::support::encoding::base64;
use super::support::image::{gzip, zstd};
use super::support::tar::{self, Entry, LongNames};

type Seed = (&'static str, &'static str, Vec<u8>);

/// The target, the seed's name and its bytes.
pub fn all() -> Vec<Seed> {
    [
        bundles(),
        given(),
        texts(),
        archives(),
        repositories(),
        members(),
        images(),
        statements(),
        signatures(),
        workloads(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const BUNDLE: &str = "manifest.docker.io.acme.wallet.v1-b0398d3.2026-03-02_10-15-30.123456.sig.tbz";

fn bundles() -> Vec<Seed> {
    let small = [Entry::file("manifest.a.tbz", "archive"), Entry::file("manifest.a.sig", "00ff")];
    vec![
        ("bundle", "good", super::support::encoding::bzip2(&ended(&small))),
        ("bundle", "fixture", fixture(&format!("good-rsa-2048/{BUNDLE}"))),
        ("bundle", "cut", fixture(&format!("bundle-cut-in-half_fail/{BUNDLE}"))),
        ("openpgp_signature", "commit", fixture("inputs/openpgp/commit.asc")),
        ("openpgp_signature", "tag", fixture("inputs/openpgp/tag.asc")),
        ("openpgp_signature", "certificate", fixture("inputs/openpgp/ada-revoked.asc")),
        ("openpgp_signature", "revocation-behind", fixture("inputs/trust/openpgp/lost-behind.asc")),
        ("openpgp_signature", "revoked-by-another", fixture("inputs/trust/openpgp/named.asc")),
        ("bzip2", "fixture", fixture(&format!("good-rsa-2048/{BUNDLE}"))),
        ("bzip2", "cut", fixture(&format!("bundle-cut-in-half_fail/{BUNDLE}"))),
        ("bzip2", "streams", [b"one", b"two"].map(|word| super::support::encoding::bzip2(word)).concat()),
        ("signature", "lower", b"00ff".to_vec()),
        ("signature", "upper-newline", b"AB09\n".to_vec()),
        ("public_key", "rsa", fixture("good-rsa-2048/key.pem")),
        ("public_key", "p256", fixture("good-p256/key.pem")),
        ("public_key", "pkcs1", fixture("good-key-pkcs1/key.pem")),
        ("public_key", "certificate", fixture("inputs/content-trust.pem")),
        ("public_key", "private", fixture("inputs/keys/server-p256.pem")),
    ]
}

fn given() -> Vec<Seed> {
    let listing = "<?xml version=\"1.0\"?><ListBucketResult><Contents><Key>a%20b/manifest.a.sig.tbz</Key><Size>7</Size><ETag>&quot;e&quot;</ETag></Contents><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>";
    let policy = String::from_utf8(fixture("good-approved-signed/policy.toml")).unwrap();
    let ssh = policy.split('"').find(|text| text.starts_with("ssh-")).unwrap();
    vec![
        ("approvals", "csv", fixture("good-approved/approvals.csv")),
        ("approvals", "json", fixture("good-approved-json/approvals.json")),
        ("dockerfile", "small", b"# syntax\nFROM a AS b\nRUN c \\\n  && d\n\nENTRYPOINT [\"e\"]\n".to_vec()),
        ("dockerfile", "escape", b"# escape=`\nFROM a\nRUN b `\n c\n".to_vec()),
        ("fetched", "settings", br#"{"HOSTNAME":"sbs.example.com","CICD_PORT":"443","UUID":"1","CERTPATH":"./cert","DOCKER_REPO":"a/b"}"#.to_vec()),
        ("fetched", "on-premises", b"secure_build_workers:\n  sbs:\n    url: https://sbs.example.com\n    port: 443\n    cert_path: a\n    key_path: b\n    ca_cert_path: c\n".to_vec()),
        ("fetched", "listing", listing.into()),
        ("fetched", "challenge", br#"Bearer realm="https://auth.example.com/token",service="s",scope="repository:a/b:pull""#.to_vec()),
        ("fetched", "image", b"docker.io/acme/wallet:v1".to_vec()),
        ("server_record", "status", fixture("good-server-answers/status.json")),
        ("server_record", "image-digest", fixture("good-server-answers/image-digest.json")),
        ("server_record", "log", fixture("good-server-answers/server-build.log")),
        ("ssh", "key", ssh.into()),
        ("ssh", "signature", fixture("good-approved-signed/approvals.csv.sig")),
    ]
}

fn statements() -> Vec<Seed> {
    let statement = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}],"predicateType":"https://slsa.dev/verification_summary/v1","predicate":{"verificationResult":"PASSED"}}"#;
    vec![
        ("statement", "summary", statement.into()),
        ("statement", "no-subject", br#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"p"}"#.to_vec()),
        ("envelope", "small", br#"{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"k","sig":"AA=="}]}"#.to_vec()),
        ("envelope", "key-record", fixture("good-key-recorded/key.record.json")),
    ]
}

/// Images at the positions where a compose file usually has them, and at rare ones.
const EVERY_PLACE: &str = "services:
  a: {image: a, pre_start: [{image: b, volumes: [{type: image, source: c, target: /}]}], post_start: [{command: d}]}
  e: {extends: {service: a}, volumes: ['./f:/f', {type: image, source: g}], x-h: {image: i}}
jobs: {j: {image: j, triggers: {manual: true}}}
models: {k: {model: ai/k}}
volumes: {l: {driver: image, driver_opts: {image: l}}}
";
/// Hidden images, in the spellings that were once admitted.
const UNKNOWN: &str = "include: [a]
services:
  a: {image: a, extends: {file: b, service: c}}
  d: {image: d, volumes: [{type: '${T:-image}', source: e}], provider: {type: f}, x-podman.rootfs: /g}
  h: {extends: i}
  i: {extends: h}
";
const CONFIDENTIAL: &str = "workload: |
  type: workload
  confidential-containers:
    config: {cosign: {a/b: {publicKey: x}}}
    allowedContainers: {c: {allowedImages: {imageNames: ['d/e:1']}}}
env: |
  type: env
";

/// Positions of several types at which resources specify images.
const TEMPLATES: &str = "apiVersion: batch/v1
kind: CronJob
metadata: {name: a}
spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{name: i, image: b}], containers: [{name: c, image: c}]}}}}}
---
apiVersion: v1
kind: PodList
items:
- metadata: {name: d, annotations: {io.podman.annotations.kube.image.volumes.mount/e: \"f;g\"}}
  spec: {ephemeralContainers: [{name: e, image: h}], volumes: [{name: i, image: {reference: j}}]}
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: k}
data: {spec: {template: {$patch: replace, spec: {containers: [{name: l, image: m}]}}}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: n}
spec: {template: {spec: {containerConcurrency: 1, containers: [{image: o}]}}}
";

/// Resources that are not recognised, for different reasons.
const UNKNOWN_RESOURCES: &str = "apiVersion: v1
kind: Pod
metadata: {name: a, annotations: {linkerd.io/inject: enabled, own/image: ghcr.io/b/c}}
spec: {Containers: [{Image: b}], containers: [{name: c, image: {uri: d}}, {name: e}], volumes: [{name: f, image: {}}]}
---
apiVersion: hpse.ibm.com/v1
kind: HyperProtectContainerRuntimeVPC
metadata: {name: a}
spec: {contract: \"workload: {type: workload}\", imageID: b}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: a}
spec: {image: b}
";

fn workloads() -> Vec<Seed> {
    let digest = "sha256:d8c1a1f9b0e7c6d5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1";
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: a, image: \"a/b@{digest}\"}}]}}\n"
    );
    let play: String = pod.lines().map(|line| format!("      {line}\n")).collect();
    let play = play.replacen("      api", "    - api", 1);
    let list =
        format!("apiVersion: v1\nkind: List\nitems:\n{}", play.replace("    - api", "- api").replace("      ", "  "));
    let section = format!(
        "type: workload\nplay:\n  resources:\n{play}images:\n  dct: {{docker.io/a/b: {{notary: n, publicKey: QUJD}}}}\n"
    );
    let archive = tar::archive(&[Entry::file("docker-compose.yaml", EVERY_PLACE), Entry::file(".env", "A=b\n")]);
    let archive = base64(&gzip(&archive));
    let block: String = section.lines().map(|line| format!("  {line}\n")).collect();
    vec![
        ("compose", "admission", fixture("inputs/admission/compose.yaml")),
        (
            "compose",
            "merge",
            b"x-a: &x {image: app}\nservices: {a: {<<: *x, volumes: [{type: image, source: b}]}, c: {extends: a}}"
                .to_vec(),
        ),
        ("compose", "every-place", EVERY_PLACE.into()),
        ("compose", "unknown", UNKNOWN.into()),
        (
            "inventory",
            "pods",
            br#"{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"c","image":"a:v1"}],"volumes":[{"name":"v","image":{"reference":"b"}}]},"status":{"containerStatuses":[{"name":"c","imageID":"docker-pullable://a@sha256:0000000000000000000000000000000000000000000000000000000000000000"},{"name":"d","imageID":""}]}}]}"#
                .to_vec(),
        ),
        ("inventory", "csv", b"place,image,owner\r\nhost,\"a@b\",c\n".to_vec()),
        (
            "review",
            "update",
            br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"UPDATE","namespace":"n","kind":{"kind":"Pod"},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"a:v1"}]}},"oldObject":{"kind":"Pod"}}}"#
                .to_vec(),
        ),
        ("kubernetes", "pod", pod.into()),
        ("kubernetes", "list", list.into()),
        ("kubernetes", "templates", TEMPLATES.into()),
        ("kubernetes", "unknown", UNKNOWN_RESOURCES.into()),
        (
            "contract",
            "user-data",
            format!("workload: |\n{block}env: |\n  type: env\nenvWorkloadSignature: QUJD\n").into(),
        ),
        ("contract", "section", section.into()),
        ("contract", "compose-archive", format!("type: workload\ncompose: {{archive: {archive}}}\n").into()),
        (
            "contract",
            "mappings",
            format!("workload: {{type: workload, compose: {{archive: {archive}}}}}\nenv: {{type: env, env: {{A: b}}}}\n").into(),
        ),
        ("contract", "confidential", CONFIDENTIAL.into()),
        ("contract", "token", b"hyper-protect-basic.QUJD.U2FsdGVkX18AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_vec()),
        (
            "attestation",
            "record",
            format!("26.7.1\nMachine Type/Plant/Serial: x\n{0} workload\n{0} cidata/user-data\n", "ab".repeat(32))
                .into(),
        ),
    ]
}

fn texts() -> Vec<Seed> {
    let record = fixture("inputs/build.json");
    let words = [
        ("rfc3339", "2026-11-23T08:00:00.5+02:00"),
        ("stamp", "2020-06-23_08-39-48.301849"),
        ("log-time", "2020-06-23 08:39:48,301"),
        ("build-name", "docker.io.gmoney23.hpvs_bc.latest-b3416d8.2020-06-23_08-39-48.301849"),
        ("object", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        ("digest", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("remote", "git@github.com:acme/wallet.git"),
        ("remote-url", "ssh://git@github.com:22/acme/wallet.git"),
    ];
    let mut seeds: Vec<Seed> = words.into_iter().map(|(name, text)| ("words", name, text.into())).collect();
    seeds.extend([
        ("build_log", "classic", fixture("inputs/build.log")),
        ("build_log", "public-tail", fixture("inputs/public-log-tail.txt")),
        ("build_log", "build-kit", BUILD_KIT.into()),
        ("build_record", "good", record),
        ("build_record", "smallest", br#"{"status":""}"#.to_vec()),
        (
            "build_record",
            "on-premises",
            br#"{"status":"success","root_ssh_enabled":false,"x":[1.5,{"y":null}]}"#.to_vec(),
        ),
        ("controls", "own", include_bytes!("../../src/report/controls.toml").iter().copied().take(8000).collect()),
        ("saved_report", "wrong-usage", usage_report()),
        ("saved_report", "refused", refused_report()),
        ("policy", "template", hpsb_audit::policy::template().into_bytes()),
        ("policy", "good", fixture("good-policy/policy.toml")),
        ("policy", "everything", POLICY.into()),
        ("text", "secrets", fixture("inputs/build.log").into_iter().take(600).chain(*SECRETS).collect()),
        ("text", "escapes", "a\u{1b}[2J\u{9b}0m\r\n\t\u{202e}evil\u{200b}\u{e0041} Zoë".into()),
    ]);
    seeds
}

const SECRETS: &[u8; 130] = b"docker login -u me --password hunter2 https://ada:hunter2@example.org/?sig=hunter2 ghp_0123456789abcdefghijABCDEFGHIJ012345 {x:y}\n";

/// The library's report when nothing was audited.
fn usage_report() -> Vec<u8> {
    let mut report = Report::new(None);
    report.error = Some(hpsb_audit::Error::Usage { message: "m".into(), hint: "h".into() });
    json(&report)
}

/// The library's report on an empty bundle, without a trusted key.
fn refused_report() -> Vec<u8> {
    let (policy, keys, limits) = (Policy::default(), KeyRing::default(), Limits::default());
    let question = Question::new(&policy, &keys, Timestamp::from_unix_seconds(0).unwrap(), &limits);
    let bytes: &[u8] = b"";
    let bundle = audit(Dossier::new("a", bytes), &question);
    let mut report = Report::new(Some(question.now));
    report.bundles.push(bundle);
    json(&report)
}

fn json(report: &Report) -> Vec<u8> {
    let mut report = report.clone();
    // Version and features depend on the build.
    report.tool.version = "1".into();
    report.tool.features = Vec::new();
    let mut page = Vec::new();
    report.write(Format::Json, &Options::default(), &mut page).unwrap();
    page
}

const BUILD_KIT: &str = "\
2026-03-02 10:12:03,402  root       INFO    github_dir=wallet
#5 [1/7] FROM docker.io/library/golang:1@sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c
#12 writing image sha256:8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f done
#12 naming to docker.io/acme/wallet:v1 done
STEP 1/2: FROM scratch
v1: digest: sha256:5a1c1f3b7d0f0c6e4d9a2b8e7f6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c size: 7
";

const POLICY: &str = "\
version = 1
require = [\"manifest\", \"source\", \"image\"]
[[keys]]
name = \"a\"
file = \"key.pem\"
not-before = 2024-01-01T00:00:00Z
not-after = 2025-01-01T00:00:00Z
revoked = { at = 2024-11-02T00:00:00Z, reason = \"superseded\" }
[expect]
max-age = \"90d\"
commit = \"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"
minimum-grade = \"witnessed\"
[levels]
\"image-tag\" = \"require\"
[[signers]]
name = \"Ada\"
pem = \"ada.pem\"
";

/// An archive with only the required zeros at its end.
fn ended(entries: &[Entry]) -> Vec<u8> {
    let mut out = tar::members(entries);
    out.resize(out.len() + 2 * tar::BLOCK, 0);
    out
}

fn archives() -> Vec<Seed> {
    let outer = [Entry::file("manifest.a.tbz", "archive"), Entry::file("manifest.a.sig", "00ff")];
    let long = Entry { names: LongNames::Gnu, ..Entry::file("manifest.".to_owned() + &"a".repeat(100) + ".tbz", "x") };
    let inner = [
        Entry::directory("data"),
        Entry::file("data/build.json", r#"{"status":"success"}"#),
        Entry::file("data/build.log", "2026-03-02 10:12:03,402  root       INFO    github_dir=w\n"),
        Entry::file("git/w/.git/HEAD", "ref: refs/heads/main\n"),
        Entry { mode: 0o755, ..Entry::file("git/w/run", "#!/bin/sh\n") },
        Entry::link(b'2', "git/w/link", "run"),
        Entry::link(b'1', "git/w/again", "git/w/run"),
        Entry::directory("root_ssh"),
    ];
    let names = [
        Entry { names: LongNames::Gnu, ..Entry::file("git/w/".to_owned() + &"n".repeat(120), "x") },
        Entry { names: LongNames::Pax, ..Entry::file("git/w/".to_owned() + &"p".repeat(120), "x") },
        Entry { pax: vec![("comment", b"c".to_vec()), ("size", b"1".to_vec())], ..Entry::file("data/x", "y") },
    ];
    vec![
        ("outer_tar", "good", ended(&outer)),
        ("outer_tar", "long-name", ended(&[long])),
        ("inner_tar", "good", ended(&inner)),
        ("inner_tar", "names", ended(&names)),
        ("audit_inner_tar", "good", ended(&inner)),
        ("audit_inner_tar", "names", ended(&names)),
    ]
}

/// Files of the recorded repository, by their paths in it.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let bytes = fixture("inputs/repository.tar");
    let mut archive = ::tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (path.split_once('/').map(|(_, path)| path.to_owned()).unwrap_or_default(), content)
    });
    entries.collect()
}

/// `=== PATH` and the content, for each file that `wanted` accepts.
fn listed(wanted: impl Fn(&str) -> bool, prefix: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, content) in recorded().into_iter().filter(|(path, content)| wanted(path) && !content.is_empty()) {
        out.extend(format!("=== {prefix}{path}\n").into_bytes());
        out.extend(content);
        out.push(b'\n');
    }
    out
}

fn repositories() -> Vec<Seed> {
    let part = |extension: &str| recorded().into_iter().find(|(path, _)| path.ends_with(extension)).unwrap().1;
    let (pack, index) = (part(".pack"), part(".idx"));
    let text = |path: &str| {
        let git = [".git/HEAD", ".git/config", ".git/packed-refs"].contains(&path) || path.starts_with(".git/refs/");
        git || !path.starts_with(".git")
    };
    let objects: &[u8] = b"bhello\n%%%%t100644 a\0@0@40000 d\0@0@%%%%\
        ctree @1@\nauthor Ada <ada@example.com> 1772446530 +0100\ncommitter Ada <ada@example.com> 1772446530 +0100\n\nsay\n%%%%\
        ctree @1@\nparent @2@\nauthor A <> 0 +0000\ncommitter A <> 0 +0000\ngpgsig -----BEGIN\n x\n -----END\n\nmerge";
    let tag: &[u8] = b"b%%%%gobject @0@\ntype blob\ntag v1\ntagger Ada <ada@example.com> 1 +0000\n\ntext\n-----BEGIN SSH SIGNATURE-----\n";
    vec![
        ("git_pack", "recorded", pack[..pack.len() - 20].to_vec()),
        ("git_index", "recorded", index[..index.len() - 40].to_vec()),
        ("git_index", "two", two_objects()),
        ("git_objects", "history", objects.to_vec()),
        ("git_objects", "tag", tag.to_vec()),
        ("git_files", "recorded", listed(|path| text(path) && !path.starts_with("web"), "")),
        ("git_files", "attributes", ATTRIBUTES.into()),
    ]
}

const ATTRIBUTES: &str = "\
=== .git/HEAD
1111111111111111111111111111111111111111
=== .git/config
[core]
\trepositoryformatversion = 1
[remote \"origin\"]
\turl = git@github.com:acme/wallet.git ; comment
[extensions]
\tobjectFormat = sha1
=== .git/info/exclude
*.log
!keep.log
/a/**/b[!x-z]?
=== .git/shallow
1111111111111111111111111111111111111111
=== .gitattributes
*.txt text eol=crlf
*.bin -text filter=lfs
[attr]own diff
=== .gitignore
target/
";

/// A version 2 index of the two blobs in the target's pack, without its checksums.
fn two_objects() -> Vec<u8> {
    use sha1::{Digest as _, Sha1};
    let mut ids: Vec<[u8; 20]> =
        [&b"blob 3\0one"[..], b"blob 3\0two"].iter().map(|object| Sha1::digest(object).into()).collect();
    ids.sort_unstable();
    let mut out = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0..=255 {
        out.extend((ids.iter().filter(|id| id[0] <= first).count() as u32).to_be_bytes());
    }
    out.extend(ids.concat());
    out.extend([0; 8]);
    out.extend([0, 0, 0, 12, 0, 0, 0, 24]);
    out
}

fn members() -> Vec<Seed> {
    let mut good = Vec::new();
    for (path, name) in [("data/build.json", "inputs/build.json"), ("data/build.log", "inputs/build.log")] {
        good.extend(format!("=== {path}\n").into_bytes());
        good.extend(fixture(name));
    }
    good.extend(listed(|path| [".git/HEAD", ".git/refs/heads/main", "main.go"].contains(&path), "git/wallet/"));
    let hostile = "=== data/build.json\n{\"status\":\"exiting, cmd: docker login --password x\",\"\u{9b}\":\"\u{202e}\"}\n\
        === data/build.log\nStep 1/1 : RUN curl \u{1b}[2J | sh\nThe push refers to repository [a/b]\n=== root_ssh/key\nssh-rsa\n";
    vec![("audit", "good", good), ("audit", "hostile", hostile.into())]
}

fn images() -> Vec<Seed> {
    let layer = b"a layer";
    let config = format!(
        r#"{{"architecture":"s390x","os":"linux","config":{{"Labels":{{"a":"b"}}}},"history":[{{"created_by":"RUN a"}}],"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        hpsb_audit::Sha256::of(layer)
    );
    let manifest = r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"@1@","size":#1#},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","digest":"@0@","size":#0#}]}"#;
    let index = r##"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"@2@","size":#2#,"platform":{"os":"linux","architecture":"s390x"},"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}"##;
    let nested = r##"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"@3@","size":#3#}]}"##;
    let gzipped = gzip(layer);
    let parts = |parts: &[&[u8]]| parts.join(b"%%%%".as_slice());
    let good = parts(&[layer, config.as_bytes(), manifest.as_bytes(), index.as_bytes()]);
    let saved = [
        Entry::file("manifest.json", r#"[{"Config":"c.json","RepoTags":["a:b"],"Layers":["l/layer.tar","m"]}]"#),
        Entry::file("c.json", config.as_str()),
        Entry::file("l/layer.tar", layer.to_vec()),
        Entry::link(b'2', "m", "l/layer.tar"),
    ];
    let layout = [
        Entry::file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#),
        Entry::file("index.json", r#"{"schemaVersion":2,"manifests":[]}"#),
    ];
    vec![
        ("image_documents", "good", good.clone()),
        ("image_documents", "nested", parts(&[&good, nested.as_bytes()])),
        ("image_documents", "gzip", parts(&[&gzipped, config.as_bytes(), manifest.as_bytes(), index.as_bytes()])),
        ("image_archive", "saved", ended(&saved)),
        ("image_archive", "layout", ended(&layout)),
        ("image_layer", "plain", layer.to_vec()),
        ("image_layer", "gzip", [gzipped.as_slice(), &gzip(b"more")].concat()),
        ("image_layer", "zstd", [zstd(layer), zstd(b"more")].concat()),
    ]
}

fn signatures() -> Vec<Seed> {
    let listed = |folder: &str, names: &[&str]| {
        let pieces = names.iter().map(|name| {
            [format!("=== {name}\n").into_bytes(), fixture(&format!("inputs/trust/{folder}/{name}"))].concat()
        });
        pieces.collect::<Vec<_>>().join(&b'\n')
    };
    let roles = ["root.json", "1.root.json", "timestamp.json", "snapshot.json", "targets.json"];
    let messages = ["primary", "subkey", "uncompressed", "two-signatures", "encrypted", "sha1", "clear-signed"];
    let mut seeds = vec![
        ("trust", "notary", listed("notary/first", &roles)),
        ("trust", "cosign", listed("cosign", &["manifest.json", "payload.json", "bundle.json", "bundle-message.json"])),
        ("trust", "sigstore", listed("sigstore", &["statement.json", "timestamped.json"])),
        ("trust", "sigstore-layer", listed("sigstore", &["manifest.json", "payload.json"])),
        ("openpgp", "version-3", fixture("inputs/trust/openpgp/v3")),
    ];
    seeds.extend(messages.map(|name| ("openpgp", name, fixture(&format!("inputs/trust/simple-signing/{name}")))));
    seeds
}
