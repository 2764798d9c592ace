//! Every key of a contract, in the order of IBM's schema: ibm-hyper-protect/contract-go@3910eb5e (2026-08-20),
//! schema/contract/hpse-contract-schema-1.0.116.json, …-1.0.116-rhel.json and …-coco-1.0.93-rhel.json, and its documentation,
//! ibm-cloud-docs/vpc@009bede4 (about-contract.md, 2023-12-05). IBM's schema allows any other key; here, other keys are
//! reported as unknown.

use serde_json::Value;

use super::table::Meaning::{Decisive, Harmless, Mapping, Named, Special};
use super::table::{Meaning, Table};
use super::{Images, below, kind_of};

const fn table(name: &'static str, keys: &'static [(&'static str, Meaning)]) -> Table {
    Table { name, keys, extensions: &[], advice: "remove the key, which is not in the contract's schema" }
}

/// User-data. Each section has a separate table.
pub(super) static WHOLE: Table = table(
    "a contract",
    &[
        ("workload", Harmless),
        ("env", Harmless),
        ("envWorkloadSignature", Harmless),
        ("attestationPublicKey", Harmless),
        // The header of the machine's own image, `sehdr`, is missing from the schema, but is in contract/contract.go.
        ("boot", Harmless),
    ],
);

pub(super) static WORKLOAD: Table = table(
    "a workload section",
    &[
        ("type", Decisive(&["workload"])),
        ("compose", Mapping(&COMPOSE)),
        ("play", Mapping(&PLAY)),
        ("confidential-containers", Mapping(&CONFIDENTIAL)),
        ("env", Special(variables)),
        ("volumes", Named(&WORKLOAD_VOLUME)),
        // Keys for verifying images, which the check `workload-key` reads. They do not specify images that run.
        ("images", Mapping(&IMAGES)),
        ("auths", Harmless),
    ],
);

pub(super) static ENV: Table = table(
    "an env section",
    &[
        ("type", Decisive(&["env"])),
        ("env", Special(variables)),
        ("confidential-containers", Mapping(&ENV_CONFIDENTIAL)),
        ("logging", Harmless),
        ("host-attestation", Harmless),
        ("volumes", Named(&ENV_VOLUME)),
        ("auths", Harmless),
        ("cacerts", Harmless),
        ("signingKey", Harmless),
    ],
);

/// `contract_archive` reads the archive.
static COMPOSE: Table = table("`compose`", &[("archive", Harmless)]);
/// Resources and templates are read as Kubernetes manifests.
static PLAY: Table = table("`play`", &[("resources", Harmless), ("templates", Harmless), ("archive", Harmless)]);
static IMAGES: Table = table("`images`", &[("dct", Harmless), ("rhs", Harmless)]);

static WORKLOAD_VOLUME: Table = table(
    "a volume of a workload section",
    &[("mount", Harmless), ("filesystem", Harmless), ("seed", Harmless), ("previousSeed", Harmless)],
);
static ENV_VOLUME: Table = table(
    "a volume of an env section",
    &[
        ("seed", Harmless),
        ("previousSeed", Harmless),
        ("uv-secret-id", Harmless),
        ("uv-previous-secret-id", Harmless),
        ("kms", Harmless),
        ("grep11", Harmless),
        ("kmsTimeout", Harmless),
        ("apiKey", Harmless),
        ("volumeName", Harmless),
        ("volumeID", Harmless),
    ],
);

/// The cluster creates the pods; the contract lists the images that they may use.
static CONFIDENTIAL: Table = table(
    "`confidential-containers`",
    &[
        ("config", Mapping(&CONFIG)),
        ("allowedContainers", Named(&ALLOWED)),
        // A Rego policy only restricts what may run.
        ("regoValidator", Harmless),
        ("secret", Harmless),
    ],
);
static CONFIG: Table = table("`config`", &[("cosign", Special(cosign))]);
static ALLOWED: Table = table("an allowed container", &[("allowedImages", Mapping(&ALLOWED_IMAGES))]);
static ALLOWED_IMAGES: Table =
    table("`allowedImages`", &[("imageNames", Special(names)), ("imagePatterns", Special(patterns))]);
static ENV_CONFIDENTIAL: Table = table("`confidential-containers` of an env section", &[("secret", Harmless)]);

/// Images, each with the key that cosign uses to verify it.
fn cosign(value: &Value, place: &str, images: &mut Images) {
    match value {
        Value::Object(keys) => keys.keys().for_each(|name| images.name(below(place, name), name)),
        other => images.unknown(place, format!("expected a mapping, found {}", kind_of(other))),
    }
}

fn names(value: &Value, place: &str, images: &mut Images) {
    let Value::Array(names) = value else {
        images.unknown(place, format!("expected a list of images, found {}", kind_of(value)));
        return;
    };
    for (at, name) in names.iter().enumerate() {
        let place = format!("{place}[{at}]");
        match name {
            Value::String(name) => images.name(place, name),
            other => images.unknown(place, format!("expected an image, found {}", kind_of(other))),
        }
    }
}

fn patterns(value: &Value, place: &str, images: &mut Images) {
    if value.as_array().is_none_or(|patterns| !patterns.is_empty()) {
        images.unknown(place, "a pattern allows images without listing them: list them in `imageNames`");
    }
}

/// Environment variables of the machine. docker compose reads some of them.
fn variables(value: &Value, place: &str, images: &mut Images) {
    match value {
        Value::Object(variables) => variables.keys().for_each(|name| variable(name, place, images)),
        other => images.unknown(place, format!("expected a mapping, found {}", kind_of(other))),
    }
}

/// docker compose variables that do not specify a file or a remote machine (docs.docker.com, "Configure pre-defined environment variables in Docker
/// Compose", 2026-11).
const OF_COMPOSE: [&str; 13] = [
    "COMPOSE_ANSI",
    "COMPOSE_COMPATIBILITY",
    "COMPOSE_EXPERIMENTAL",
    "COMPOSE_HTTP_TIMEOUT",
    "COMPOSE_IGNORE_ORPHANS",
    "COMPOSE_MENU",
    "COMPOSE_PARALLEL_LIMIT",
    "COMPOSE_PROFILES",
    "COMPOSE_PROGRESS",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_REMOVE_ORPHANS",
    "COMPOSE_STATUS_STDOUT",
    "COMPOSE_CONVERT_WINDOWS_PATHS",
];

/// Variables that make docker compose or podman use a remote machine, a different image source, or different programs.
const OF_ENGINES: [&str; 16] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "CONTAINER_HOST",
    "CONTAINERS_CONF",
    "CONTAINERS_CONF_OVERRIDE",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_STORAGE_CONF",
    "PODMAN_CONNECTIONS_CONF",
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// Reports a variable that may change what starts. `COMPOSE_FILE`, for example, makes docker compose start different
/// files.
pub(super) fn variable(name: &str, place: &str, images: &mut Images) {
    if name.starts_with("COMPOSE_") && !OF_COMPOSE.contains(&name) || OF_ENGINES.contains(&name) {
        let reader = match name.split_once('_') {
            Some(("COMPOSE" | "DOCKER", _)) => "docker compose",
            Some(("CONTAINER" | "CONTAINERS" | "PODMAN", _)) => "podman",
            _ => "the engine",
        };
        let why = format!("{reader} reads {name} and may start something else: remove the variable");
        images.unknown(below(place, name), why);
    }
}
