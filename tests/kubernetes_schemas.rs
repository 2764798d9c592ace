//! Compares the tables of Kubernetes kinds and keys with Kubernetes' own schemas, for every version in PyPI's kubernetes-validate: everything in
//! the schemas is recognised, and every pod that the schemas allow is read. `HPSB_KUBERNETES_SCHEMAS` specifies a different folder, with a
//! `swagger.json` or a `_definitions.json` in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use hpsb_audit::{KindsWithoutImages, Limits, UsedImage, Workload};
use serde_json::Value;

const EVIL: &str = "evil.example/x:1";

/// Keys that look like those of an image, but need no further entry in the tables: keys in a pod's table, keys in a status, and Ceph devices.
const IMAGE_KEYS: [&str; 15] = [
    "core.v1.Container.image",
    "core.v1.ContainerStatus.image",
    "core.v1.ContainerStatus.imageID",
    "core.v1.EphemeralContainer.image",
    "core.v1.ImageVolumeStatus.imageRef",
    "core.v1.NodeAllocatableResourceClaimStatus.containers",
    "core.v1.NodeStatus.images",
    "core.v1.NodeSystemInfo.osImage",
    "core.v1.PodSpec.containers",
    "core.v1.PodSpec.ephemeralContainers",
    "core.v1.PodSpec.initContainers",
    "core.v1.RBDPersistentVolumeSource.image",
    "core.v1.RBDVolumeSource.image",
    "core.v1.Volume.image",
    "core.v1.VolumeStatus.image",
];

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The folders of the schemas: the one from the environment, or those of the `kubernetes-validate` in PATH.
fn folders() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os("HPSB_KUBERNETES_SCHEMAS") {
        return vec![folder.into()];
    }
    let paths = env::var_os("PATH").unwrap();
    let script = env::split_paths(&paths).map(|folder| folder.join("kubernetes-validate")).find(|path| path.exists());
    let script = script.expect("kubernetes-validate is in PATH: tests/run installs it");
    let text = std::fs::read_to_string(script).unwrap();
    let python = text.lines().next().unwrap().trim_start_matches("#!");
    let place =
        "from importlib.util import find_spec as f; print(f('kubernetes_validate').submodule_search_locations[0])";
    let package = output(Command::new(python).args(["-c", place]));
    let schemas = Path::new(package.trim()).join("kubernetes-json-schema");
    let all = std::fs::read_dir(schemas).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = all.filter(|path| path.to_string_lossy().ends_with("-local")).collect();
    folders.sort();
    assert!(folders.len() >= 13, "{folders:?}");
    folders
}

fn read(document: &Value) -> Vec<UsedImage> {
    let text = document.to_string();
    Workload::read("w", text.as_bytes(), &[], &KindsWithoutImages::default(), &Limits::default()).unwrap().images
}

/// The first refusal that reports that the tables lack a kind or a key, if there is one.
fn lacks(images: &[UsedImage]) -> Option<&String> {
    let words = ["is not recognised", "does not have the key", "only in case"];
    let mut refusals = images.iter().filter_map(|used| used.image.as_ref().err());
    refusals.find(|why| words.iter().any(|word| why.contains(word)))
}

#[test]
fn everything_in_kubernetes_schemas_is_in_the_tables() {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/kubernetes-probes");
    let text = output(Command::new(tool).args(folders()));
    let (mut known, mut found) = (0, 0);
    for line in text.lines() {
        let probe: Value = serde_json::from_str(line).unwrap();
        if let Some(keys) = probe.get("image_keys") {
            let keys: Vec<&str> = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
            let new: Vec<&&str> = keys.iter().filter(|key| !IMAGE_KEYS.contains(key)).collect();
            assert!(new.is_empty(), "keys of the schemas that may name an image but are in no table: {new:?}");
            continue;
        }
        let images = read(&probe["document"]);
        assert_eq!(lacks(&images), None, "{}", probe["about"]);
        known += 1;
        if probe["expects"] == "image" {
            let is_there = images.iter().any(|used| used.image.as_ref().is_ok_and(|image| image.text == EVIL));
            assert!(is_there, "{}: {images:?}", probe["about"]);
            found += 1;
        }
    }
    assert!(known > 1_000 && found > 50, "{known} {found}");
}

/// Reads a kind and keys that no schema has, which shows that the test above can fail.
#[test]
fn keys_in_no_schema_are_reported_as_missing() {
    for document in [
        serde_json::json!({"apiVersion": "apps/v1", "kind": "Invented"}),
        serde_json::json!({"apiVersion": "v1", "kind": "Pod", "spec": {"invented": null}}),
        serde_json::json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "x", "invented": null}]}}),
        serde_json::json!({"apiVersion": "v1", "kind": "Pod", "spec": {"volumes": [{"invented": null}]}}),
    ] {
        assert!(lacks(&read(&document)).is_some(), "{document}");
    }
}
