//! Tests `--attach`: it attaches a signed summary to an image, in a layout that skopeo pushes and a registry serves.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod loopback;
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use loopback::{Registry, must, skopeo};
use program::{Answer, BUNDLE, Folder, NOW, run};
use serde_json::Value;

/// The fixture with an image, a policy that requires it, and a signing key.
fn folder() -> Folder {
    let folder = Folder::with_fixture("image-good");
    let policy = "version = 1\nrequire = [\"source\", \"image\"]\n[[keys]]\nname = \"A\"\nfile = \"key.pem\"\n";
    folder.write("policy.toml", policy);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    must(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out", &path("auditor.key")]));
    must(Command::new("openssl").args(["pkey", "-in", &path("auditor.key"), "-pubout", "-out", &path("auditor.pem")]));
    folder
}

fn attach(folder: &Folder, layout: &str, more: &[&str]) -> Answer {
    let layout = format!("oci:{layout}");
    let mut arguments = vec!["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW, "--sign-key", "auditor.key"];
    arguments.extend(["--attach", &layout]);
    arguments.extend(more);
    run(folder.path(), &arguments)
}

const IMAGE: [&str; 2] = ["--image", "oci-archive:image.tar"];

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn sha256(path: &Path) -> String {
    let line = must(Command::new("sha256sum").arg(path));
    format!("sha256:{}", line.split(' ').next().unwrap().trim_start_matches('\\'))
}

/// Checks, with sha256sum, that every blob has the digest in its name and every entry has the size
/// that it states. Returns the entries that have a tag.
fn validated(layout: &Path) -> Vec<(String, Value)> {
    assert_eq!(json(&layout.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
    for entry in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(sha256(&path), format!("sha256:{}", path.file_name().unwrap().to_str().unwrap()));
    }
    let index = json(&layout.join("index.json"));
    assert_eq!(index["schemaVersion"], 2);
    let entries = index["manifests"].as_array().unwrap().clone();
    entries
        .into_iter()
        .filter_map(|entry| {
            let size = fs::metadata(blob(layout, &entry)).unwrap().len();
            assert_eq!(entry["size"], size);
            let tag = entry["annotations"]["org.opencontainers.image.ref.name"].as_str()?.to_owned();
            Some((tag, entry))
        })
        .collect()
}

fn blob(layout: &Path, descriptor: &Value) -> std::path::PathBuf {
    layout.join("blobs/sha256").join(descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:"))
}

fn inspect(name: &str) -> Value {
    let text = must(Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false", name]));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn skopeo_pushes_an_attached_summary_and_the_registry_serves_it() {
    let folder = folder();
    let answer = attach(&folder, "attached", &IMAGE);
    assert_eq!(answer.code, 0, "{}", answer.err);
    let layout = folder.path().join("attached");
    let entries = validated(&layout);

    let registry = Registry::start(folder.path(), "");
    let name = format!("docker://{}/acme/wallet", registry.address);
    skopeo(folder.path(), &["oci-archive:image.tar", &format!("{name}:v1")]);
    let pushed = must(Command::new("skopeo").args([
        "inspect",
        "--tls-verify=false",
        "--format={{.Digest}}",
        &format!("{name}:v1"),
    ]));
    let hex = pushed.trim().trim_start_matches("sha256:");
    let tags: Vec<&str> = entries.iter().map(|(tag, _)| tag.as_str()).collect();
    assert_eq!(tags, [format!("sha256-{hex}"), format!("sha256-{hex}.att")]);
    // Older versions of skopeo rewrite the index and drop `artifactType`; the content that the index lists is unchanged.
    let copy = ["--insecure-policy", "copy", "--quiet", "--all", "--dest-tls-verify=false"];
    let (from, to) = (format!("oci:attached:sha256-{hex}"), format!("{name}:sha256-{hex}"));
    must(Command::new("skopeo").current_dir(folder.path()).args(copy).args([from, to]));
    skopeo(folder.path(), &[&format!("oci:attached:sha256-{hex}.att"), &format!("{name}:sha256-{hex}.att")]);

    // The referrers tag points to the artifact, whose subject is the image.
    let referrers = inspect(&format!("{name}:sha256-{hex}"));
    let referrer = &referrers["manifests"][0];
    let index = json(&blob(&layout, &entries[0].1));
    assert_eq!(index["manifests"][0]["artifactType"], "application/vnd.in-toto+json");
    assert_eq!(index["manifests"][0]["digest"], referrer["digest"]);
    let artifact = inspect(&format!("{name}@{}", referrer["digest"].as_str().unwrap()));
    assert_eq!(artifact["subject"]["digest"], pushed.trim());
    let image = inspect(&format!("{name}:v1"));
    assert_eq!(artifact["subject"]["mediaType"], image["mediaType"]);
    let cosign = inspect(&format!("{name}:sha256-{hex}.att"));
    assert_eq!(cosign["layers"][0]["digest"], artifact["layers"][0]["digest"]);
    assert_eq!(cosign["layers"][0]["annotations"]["predicateType"], "https://slsa.dev/verification_summary/v1");

    // The registry returns the signed summary of that image.
    skopeo(folder.path(), &[&format!("{name}:sha256-{hex}.att"), "dir:back"]);
    let digest = cosign["layers"][0]["digest"].as_str().unwrap().trim_start_matches("sha256:");
    let back = format!("back/{digest}");
    let verified = run(folder.path(), &["verify-statement", &back, "--key", "auditor.pem"]);
    assert_eq!(verified.code, 0, "{}", verified.err);
    assert!(verified.out.contains(&format!("subject   docker.io/acme/wallet {}\n", pushed.trim())), "{}", verified.out);
}

#[test]
fn a_layout_keeps_its_content_and_attaching_again_changes_nothing() {
    let folder = folder();
    skopeo(folder.path(), &["oci-archive:image.tar", "oci:layout:v1"]);
    let before = folder.listing();
    assert_eq!(attach(&folder, "layout", &IMAGE).code, 0);
    let tags = validated(&folder.path().join("layout"));
    assert_eq!(tags.first().map(|(tag, _)| tag.as_str()), Some("v1"));
    assert_eq!(tags.len(), 3);
    let after = folder.listing();
    let same = |(name, bytes): &(&String, &Vec<u8>)| after.get(*name) == Some(bytes) || name.ends_with("index.json");
    assert!(before.iter().all(|entry| same(&entry)), "existing content was changed");
    assert_eq!(attach(&folder, "layout", &IMAGE).code, 0);
    assert_eq!(folder.listing(), after);

    // Nothing is attached from a saved report, because nothing was verified.
    let json = ["--report", "json=report.json", IMAGE[0], IMAGE[1]];
    let mut arguments = vec!["audit", BUNDLE, "--policy", "policy.toml", "--now", NOW];
    arguments.extend(json);
    assert_eq!(run(folder.path(), &arguments).code, 0);
    let saved = ["report", "report.json", "--format", "text", "--sign-key", "auditor.key", "--attach", "oci:layout"];
    assert_eq!(run(folder.path(), &saved).code, 2);
    let listing: Vec<_> = folder.listing().into_iter().filter(|(name, _)| name != "report.json").collect();
    assert_eq!(listing, after.clone().into_iter().collect::<Vec<_>>());

    // Under cosign's tag, a different summary would be a second attestation, which is refused.
    let other = attach(&folder, "layout", &[IMAGE[0], IMAGE[1], "--require", "manifest"]);
    assert_eq!(other.code, 3, "{}", other.err);
    assert!(
        other
            .out
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("already contains other attestations under sha256-"),
        "{}",
        other.out
    );
}

#[test]
fn nothing_is_attached_to_an_unproved_image() {
    let folder = folder();
    // With no image supplied and none required, the bundle is accepted, but the summary cannot be attached to anything.
    folder.write(
        "policy.toml",
        fs::read_to_string(folder.path().join("policy.toml")).unwrap().replace(", \"image\"", ""),
    );
    let answer = attach(&folder, "attached", &[]);
    assert_eq!(answer.code, 2);
    assert!(answer.out.contains("image-digest did not pass"), "{}", answer.out);
    // With three checks of the group `image` lowered to warnings, a different image is accepted, but nothing is attached to it.
    let policy = fs::read_to_string(folder.path().join("policy.toml")).unwrap();
    let levels = ["digest", "config", "layers"].map(|part| format!("image-{part} = \"warn\"\n")).concat();
    folder.write("policy.toml", format!("{policy}[levels]\n{levels}"));
    fs::copy(program::fixture("image-other_fail").join("image.tar"), folder.path().join("image.tar")).unwrap();
    let answer = attach(&folder, "attached", &IMAGE);
    assert_eq!(answer.code, 2, "{}", answer.out);
    assert!(answer.out.contains("image-digest did not pass"), "{}", answer.out);
    // If the bundle is rejected, the verdict determines the exit code.
    folder.write("policy.toml", policy);
    let answer = attach(&folder, "attached", &IMAGE);
    assert_eq!(answer.code, 1, "{}", answer.out);
    assert!(
        answer.err.contains("no verification summary for ") && answer.err.contains("the verdict is reject"),
        "{}",
        answer.err
    );
    assert!(!folder.path().join("attached").exists());
}

/// If a report cannot be written, there is no verdict.
#[test]
fn nothing_is_attached_if_another_report_cannot_be_written() {
    let folder = folder();
    fs::create_dir(folder.path().join("page.html")).unwrap();
    let answer = attach(&folder, "attached", &[IMAGE[0], IMAGE[1], "--report", "html=page.html"]);
    assert_eq!(answer.code, 3, "{}", answer.err);
    assert!(!folder.path().join("attached").exists());
}

#[test]
fn a_path_that_is_not_a_layout_is_refused() {
    let folder = folder();
    let unsigned =
        run(folder.path(), &["audit", BUNDLE, "--policy", "policy.toml", "--attach", "oci:a", IMAGE[0], IMAGE[1]]);
    assert_eq!(unsigned.code, 2, "{}", unsigned.out);
    assert!(unsigned.out.contains("needs a key"), "{}", unsigned.out);
    assert_eq!(run(folder.path(), &["audit", BUNDLE, "--attach", "dir:a"]).code, 2);
    assert!(!folder.path().join("a").exists());

    fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(attach(&folder, "empty", &IMAGE).code, 3);
    assert_eq!(fs::read_dir(folder.path().join("empty")).unwrap().count(), 0);

    assert_eq!(attach(&folder, "good", &IMAGE).code, 0);
    std::os::unix::fs::symlink("good", folder.path().join("link")).unwrap();
    assert_eq!(attach(&folder, "link", &IMAGE).code, 3);

    // A blob that does not match its digest is neither used nor repaired.
    let layout = folder.path().join("good");
    let att = validated(&layout).pop().unwrap().1;
    let envelope = blob(&layout, &json(&blob(&layout, &att))["layers"][0]);
    fs::write(&envelope, "other").unwrap();
    let before = folder.listing();
    let answer = attach(&folder, "good", &IMAGE);
    assert_eq!(answer.code, 3, "{}", answer.out);
    assert!(answer.out.contains("does not have the digest in its name"), "{}", answer.out);
    assert_eq!(folder.listing(), before);
}
