//! Tests images written by skopeo, umoci, buildah, podman, containerd and docker, with the same bundle for all images of a group. `tests/writers`
//! makes them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod program;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use program::{BUNDLE, Folder, report};
use serde_json::Value;
use support::Case;

/// Each class: its name, the expected statuses of image-digest, image-config and image-layers, and the minimum number of sources. A converted copy
/// has a different configuration if the copying program rewrote the configuration.
const CLASSES: [(&str, &str, &str, &str, usize); 4] = [
    ("same", "pass", "pass", "pass", 12),
    ("without", "unknown", "unknown", "pass", 3),
    ("engine", "unknown", "pass", "pass", 1),
    ("converted", "fail", "", "pass", 5),
];

fn sha256(bytes: &[u8]) -> String {
    support::image::digest(bytes)
}

/// A bundle whose log reports a push of the group's manifest.
fn bundle(folder: &Folder, manifest: &[u8]) {
    let document: Value = serde_json::from_slice(manifest).unwrap();
    let id = document["config"]["digest"].as_str().unwrap()["sha256:".len()..][..12].to_owned();
    let case = Case::good("made", "").pushed_as(&sha256(manifest), manifest.len(), &id);
    for (name, bytes) in case.make() {
        folder.write(name.split_once('/').unwrap().1, bytes);
    }
    folder.write("key.pem", support::keys::Named::Server.public_pem());
}

#[test]
#[ignore = "tests/writers makes the images"]
fn images_from_every_writer_give_the_result_of_their_form() {
    let top = PathBuf::from(std::env::var_os("HPSB_WRITERS").expect("tests/writers sets it"));
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut ids = BTreeMap::<String, String>::new();
    for line in fs::read_to_string(top.join("list")).unwrap().lines() {
        let [group, class, source] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let folder = Folder::new();
        bundle(&folder, &fs::read(top.join(group).join("pushed/manifest.json")).unwrap());
        let (transport, path) = source.split_once(':').unwrap();
        let source = format!("{transport}:{}", top.join(path).display());
        let (code, report) = report(folder.path(), &[BUNDLE, "--key", "key.pem", "--image", &source]);
        let report = &report["reports"][0];
        let status = |check: &str| {
            let all = report["findings"].as_array().unwrap_or_else(|| panic!("{line}: {report:#}"));
            all.iter().find(|one| one["check"] == check).unwrap()["status"].as_str().unwrap()
        };
        let (class, digest, config, layers, _) = *CLASSES.iter().find(|(name, ..)| *name == class).unwrap();
        assert_eq!((status("image-digest"), status("image-layers")), (digest, layers), "{line}: {report:#}");
        assert!(config.is_empty() || status("image-config") == config, "{line}: {report:#}");
        assert_eq!(code == 0, class == "same", "{line}: {report:#}");
        *counts.entry(class).or_default() += 1;
        // All forms of an image have the same image id, unless the image was converted.
        let facts = report["evidence"].as_array().unwrap();
        let found = |fact: &str| facts.iter().find(|one| one["fact"] == fact && one["known"] == "recomputed");
        let id = found("image-id").unwrap()["value"].as_str().unwrap().to_owned();
        if class != "converted" {
            assert_eq!(*ids.entry(group.to_owned()).or_insert_with(|| id.clone()), id, "{line}");
        }
        println!("{line}: {digest} {} {layers}", status("image-config"));
    }
    for (class, .., least) in CLASSES {
        assert!(counts.get(class).is_some_and(|count| *count >= least), "{class}: {counts:?}");
    }
}
