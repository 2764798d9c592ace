//! A simple walk over workloads, written without the program's tables: it collects the images at the positions that each form's specification
//! defines. The program's result must contain these images, unless it denies admission anyway.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::Value;

/// Every document in a JSON or YAML file; none if neither `serde_json` nor `serde_saphyr` can read the file.
pub fn documents(bytes: &[u8]) -> Vec<Value> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    match serde_json::from_str(text) {
        Ok(value) => vec![value],
        Err(_) => serde_saphyr::from_multiple(text).unwrap_or_default(),
    }
}

/// Follows the Compose Specification (services, jobs, pre-start hooks, image volumes, models) and podman's image volumes.
pub fn compose(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for service in ["services", "jobs"].iter().flat_map(|key| values(&document[*key])) {
        container(service, &mut found);
        for hook in service["pre_start"].as_array().into_iter().flatten() {
            container(hook, &mut found);
        }
    }
    found.extend(values(&document["models"]).filter_map(|model| text(&model["model"])));
    let of_images = values(&document["volumes"]).filter(|volume| volume["driver"] == "image");
    found.extend(of_images.filter_map(|volume| text(&volume["driver_opts"]["image"])));
    found
}

fn container(value: &Value, found: &mut Vec<String>) {
    found.extend(text(&value["image"]));
    let mounts = value["volumes"].as_array().into_iter().flatten();
    found.extend(mounts.filter(|mount| mount["type"] == "image").filter_map(|mount| text(&mount["source"])));
}

/// Follows IBM's contract: the compose file in the archive, pods in `play`, and the images of confidential containers.
pub fn contract(document: &Value) -> Vec<String> {
    let own = (document["type"] == "workload").then(|| document.clone());
    let section = own.or_else(|| match &document["workload"] {
        Value::String(text) => documents(text.as_bytes()).into_iter().next(),
        other => Some(other.clone()),
    });
    let Some(section) = section else { return Vec::new() };
    let mut found = Vec::new();
    for file in section["compose"]["archive"].as_str().map(files).into_iter().flatten() {
        for document in documents(&file) {
            found.extend(compose(&document));
        }
    }
    for list in ["resources", "templates"] {
        for resource in section["play"][list].as_array().into_iter().flatten().filter(|one| one["kind"] == "Pod") {
            for list in ["containers", "initContainers"] {
                let containers = resource["spec"][list].as_array().into_iter().flatten();
                found.extend(containers.filter_map(|container| text(&container["image"])));
            }
        }
    }
    let confidential = &section["confidential-containers"];
    found.extend(confidential["config"]["cosign"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    for allowed in values(&confidential["allowedContainers"]) {
        let names = allowed["allowedImages"]["imageNames"].as_array().into_iter().flatten();
        found.extend(names.filter_map(text));
    }
    found
}

/// Follows Kubernetes' OpenAPI (pods, resources with a pod template, and lists of both) and image volumes in podman's annotation.
pub fn kubernetes(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    resource(document, document["kind"].as_str().unwrap_or_default(), &mut found);
    found
}

fn resource(resource: &Value, kind: &str, found: &mut Vec<String>) {
    for item in resource["items"].as_array().into_iter().flatten() {
        let own = item["kind"].as_str().filter(|kind| !kind.is_empty());
        self::resource(item, own.unwrap_or(kind.strip_suffix("List").unwrap_or_default()), found);
    }
    let pod = match kind {
        "Pod" => resource,
        "Deployment"
        | "ReplicaSet"
        | "StatefulSet"
        | "DaemonSet"
        | "ReplicationController"
        | "Job"
        | "Rollout"
        | "CloneSet" => &resource["spec"]["template"],
        "CronJob" => &resource["spec"]["jobTemplate"]["spec"]["template"],
        "PodTemplate" => &resource["template"],
        "ControllerRevision" => &resource["data"]["spec"]["template"],
        _ => return,
    };
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        found.extend(containers.filter_map(|container| text(&container["image"])));
    }
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    found.extend(volumes.filter_map(|volume| text(&volume["image"]["reference"])));
    for (key, value) in pod["metadata"]["annotations"].as_object().into_iter().flatten() {
        if key.starts_with("io.podman.annotations.kube.image.volumes.mount/") {
            found.extend(value.as_str().into_iter().flat_map(|names| names.split(';')).map(str::to_owned));
        }
    }
}

fn values(mapping: &Value) -> impl Iterator<Item = &Value> {
    mapping.as_object().into_iter().flatten().map(|(_, value)| value)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The compose files of a gzipped tar in base64, if their headers are plain.
fn files(archive: &str) -> Vec<Vec<u8>> {
    let mut tar = Vec::new();
    let _ = GzDecoder::new(base64(archive).as_slice()).take(1 << 18).read_to_end(&mut tar);
    let (mut files, mut rest) = (Vec::new(), tar.as_slice());
    while let Some((header, after)) = rest.split_at_checked(512) {
        let field =
            |from: usize, to: usize| String::from_utf8_lossy(&header[from..to]).trim_matches(['\0', ' ']).to_owned();
        let Ok(size) = usize::from_str_radix(&field(124, 136), 8) else { break };
        let Some(content) = after.get(..size) else { break };
        if matches!(header[156], b'0' | 0) && ["docker-compose.yaml", "docker-compose.yml"].contains(&&*field(0, 100)) {
            files.push(content.to_vec());
        }
        rest = after.get(size.div_ceil(512) * 512..).unwrap_or_default();
    }
    files
}

fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let Some(value) = LETTERS.iter().position(|one| *one == letter) else { continue };
        bits = bits << 6 | u32::try_from(value).expect("six bits");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("eight bits"));
        }
    }
    bytes
}
