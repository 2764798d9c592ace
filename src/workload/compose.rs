//! docker-compose files (the Compose Specification): images of services, jobs, hooks, image volumes and models. [`super::compose_table`] has
//! every key; this file has the rules for keys that have several forms.

use serde_json::{Map, Value};

use super::compose_table::{EXTENDS, FILE, MODEL, MOUNT, NAMED_VOLUME, SERVICE};
use super::{Images, below, kind_of};

/// The maximum length of a chain of services that extend each other. Such chains usually have two or three services.
const EXTENDS_MAX: usize = 100;
/// Annotations in which an OCI runtime may find an image or a program: crun, Kata Containers, CRI-O, containerd, podman.
const RUNTIME_ANNOTATIONS: [&str; 6] = [
    "run.oci.",
    "module.wasm.image/",
    "io.katacontainers.",
    "io.kubernetes.cri-o.",
    "io.kubernetes.cri.",
    "io.podman.annotations.",
];
/// Arguments of `podman pod create` that do not specify an image. The option `--infra-image`, for example, is not in this list, because it specifies
/// an image.
const POD_ARGUMENTS: [&str; 5] = ["--infra=", "--share=", "--share-parent=", "--userns=", "--exit-policy="];

/// Whether the document looks like a compose file.
pub(super) fn is_compose(document: &Value) -> bool {
    document.get("services").is_some_and(Value::is_object)
}

/// Whether docker compose or podman-compose starts a file of this name by default. Such a file is read as a compose file, regardless of its
/// content.
pub(super) fn is_named_so(path: &str) -> bool {
    let name = path.rsplit(['/', ' ']).next().unwrap_or_default();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    let names = ["compose", "docker-compose", "podman-compose", "container-compose"];
    stem.is_some_and(|stem| names.contains(&stem.strip_suffix(".override").unwrap_or(stem)))
}

pub(super) fn read(document: &Value, place: &str, images: &mut Images) {
    let Value::Object(fields) = document else {
        images.unknown(place, format!("expected a compose file, found {}", kind_of(document)));
        return;
    };
    let before = images.found.len();
    FILE.read_fields(fields, place, images);
    unread_of_podman(fields, place, images);
    let has = |key: &str| given(fields, key).is_some();
    if !has("services") && !has("jobs") && images.found.len() == before {
        images.unknown(below(place, "services"), "expected a mapping of services");
    }
}

/// The value of a key that is present and not null.
fn given<'v>(fields: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    fields.get(key).filter(|value| !value.is_null())
}

/// Reports extension keys (`x-…`) that podman-compose may read: it reads keys that begin with `x-podman`, and expands variables in keys.
fn unread_of_podman(fields: &Map<String, Value>, place: &str, images: &mut Images) {
    for key in fields.keys().filter(|key| key.starts_with("x-") && SERVICE.meaning(key).is_none()) {
        if has_variable(key) {
            images.unknown(below(place, key), VARIABLE_KEY);
        } else if key.starts_with("x-podman") {
            images
                .unknown(below(place, key), format!("`{key}` is an unrecognised podman-compose key: remove this key"));
        }
    }
}

const VARIABLE_KEY: &str =
    "podman-compose expands the variable in this key, which gives a different key: replace the variable with its value";

fn has_variable(key: &str) -> bool {
    key.contains('$')
}

pub(super) fn include(value: &Value, place: &str, images: &mut Images) {
    if value.as_array().is_none_or(|files| !files.is_empty()) {
        images.unknown(
            place,
            "`include` is not supported, and its files are not read: use the output of `docker compose config`",
        );
    }
}

pub(super) fn services(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(services) = value else {
        images.unknown(place, format!("expected a mapping of services, found {}", kind_of(value)));
        return;
    };
    for (name, service) in services {
        let place = below(place, name);
        match service {
            Value::Object(fields) => self::service(fields, services, &place, images),
            Value::Null => images.unknown(place, NO_IMAGE),
            other => images.unknown(place, format!("expected a mapping, found {}", kind_of(other))),
        }
    }
}

const NO_IMAGE: &str = "it has no image: add `image` with a digest";

fn service(fields: &Map<String, Value>, services: &Map<String, Value>, place: &str, images: &mut Images) {
    SERVICE.read_fields(fields, place, images);
    unread_of_podman(fields, place, images);
    let elsewhere = extends_a_file(fields) || ["build", "provider"].iter().any(|key| given(fields, key).is_some());
    if elsewhere || given(fields, "image").is_some() {
        return;
    }
    match inherited(fields, services) {
        Ok(image) => images.name(place, image),
        Err(why) => images.unknown(place, why),
    }
}

fn extends_a_file(fields: &Map<String, Value>) -> bool {
    given(fields, "extends").and_then(|extends| extends.get("file")).is_some_and(|file| !file.is_null())
}

/// The image that a service without `image` inherits from the services that it extends in the same file.
fn inherited<'v>(fields: &'v Map<String, Value>, services: &'v Map<String, Value>) -> Result<&'v str, String> {
    let mut fields = fields;
    for _ in 0..EXTENDS_MAX {
        let base = match given(fields, "extends") {
            None => return Err(NO_IMAGE.into()),
            Some(Value::String(name)) => Some(name.as_str()),
            Some(other) => other.get("service").and_then(Value::as_str),
        };
        let Some(Value::Object(found)) = base.and_then(|name| services.get(name)) else {
            return Err("it extends a service that is not in this file".into());
        };
        match given(found, "image") {
            Some(Value::String(image)) => return Ok(image),
            None if !extends_a_file(found) && ["build", "provider"].iter().all(|key| given(found, key).is_none()) => {
                fields = found;
            }
            _ => {
                return Err(
                    "it extends a service whose image is not known: use the output of `docker compose config`".into()
                );
            }
        }
    }
    Err("it has no image, and the services that it extends form a cycle or too long a chain".into())
}

pub(super) fn extends(value: &Value, place: &str, images: &mut Images) {
    if !value.is_string() {
        EXTENDS.read(value, place, images);
    }
}

/// Reads the mounts of a service. Mounts in the short form are host folders or volumes.
pub(super) fn mounts(value: &Value, place: &str, images: &mut Images) {
    let Value::Array(mounts) = value else {
        images.unknown(place, format!("expected a list of volumes, found {}", kind_of(value)));
        return;
    };
    for (at, mount) in mounts.iter().enumerate() {
        let place = format!("{place}[{at}]");
        match (mount, mount.get("type").unwrap_or(&Value::Null)) {
            (Value::String(_) | Value::Null, _) => continue,
            (Value::Object(_), Value::Null) => {
                images.unknown(&place, "`type` is missing: it determines what the volume mounts")
            }
            (Value::Object(fields), Value::String(kind)) if kind == "image" => image_mount(fields, &place, images),
            _ => {}
        }
        MOUNT.read(mount, &place, images);
    }
}

/// Reads an image volume. podman-compose joins the fields with commas, and podman uses the last `source=` among them.
fn image_mount(fields: &Map<String, Value>, place: &str, images: &mut Images) {
    match fields.get("source") {
        Some(Value::String(text)) => images.name(place, text),
        _ => images.unknown(place, "the image volume has no source"),
    }
    let mut others = fields.iter().filter(|(key, _)| *key != "source");
    if others.any(|(_, value)| has_text_with(value, &[',', '"', '$'])) {
        images.unknown(
            place,
            "podman-compose may read a different image from a field that contains a comma, a quote or a variable: remove them from the field",
        );
    }
}

fn has_text_with(value: &Value, letters: &[char]) -> bool {
    match value {
        Value::String(text) => text.contains(letters),
        Value::Array(items) => items.iter().any(|item| has_text_with(item, letters)),
        Value::Object(fields) => fields.values().any(|value| has_text_with(value, letters)),
        _ => false,
    }
}

/// Reads the top-level volumes. podman has a driver that fills a volume from an image (podman-volume-create(1), `--driver`).
pub(super) fn named_volumes(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(volumes) = value else {
        images.unknown(place, format!("expected a mapping of volumes, found {}", kind_of(value)));
        return;
    };
    for (name, volume) in volumes {
        let place = below(place, name);
        NAMED_VOLUME.read(volume, &place, images);
        if volume.get("driver").is_some_and(|driver| driver == "image") {
            let options = volume.get("driver_opts").and_then(Value::as_object);
            for key in options.into_iter().flat_map(Map::keys).filter(|key| has_variable(key)) {
                images.unknown(below(&place, &format!("driver_opts.{key}")), VARIABLE_KEY);
            }
            match volume.pointer("/driver_opts/image") {
                Some(Value::String(text)) => images.name(place, text),
                _ => images.unknown(place, "the volume's driver is `image`, but `driver_opts` has no `image`"),
            }
        }
    }
}

pub(super) fn volume_driver(value: &Value, place: &str, images: &mut Images) {
    if !value.as_str().is_some_and(|driver| matches!(driver, "" | "local" | "image")) {
        let why = "the content that this driver puts into the volume is unknown: use `local`, or create the volume beforehand and set `external: true`";
        images.unknown(place, why);
    }
}

pub(super) fn models(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(models) = value else {
        images.unknown(place, format!("expected a mapping of models, found {}", kind_of(value)));
        return;
    };
    for (name, model) in models {
        let place = below(place, name);
        MODEL.read(model, &place, images);
        if model.get("model").is_none_or(Value::is_null) {
            images.unknown(place, "the model has no name: add `model`");
        }
    }
}

/// Accepts the name of a runtime installed on the host. podman also accepts a path to any program.
pub(super) fn runtime(value: &Value, place: &str, images: &mut Images) {
    if value.as_str().is_none_or(|name| name.contains(['/', '$'])) {
        images.unknown(
            place,
            "podman runs the program at this path: specify the name of a runtime installed on the host, without a path or a variable",
        );
    }
}

/// Reads annotations: a mapping, or a list of `KEY=VALUE`.
pub(super) fn annotations(value: &Value, place: &str, images: &mut Images) {
    let mut read = |key: &str| {
        if has_variable(key) {
            images.unknown(
                below(place, key),
                "the name of this annotation depends on a variable: replace the variable with its value",
            );
        } else if RUNTIME_ANNOTATIONS.iter().any(|prefix| key.starts_with(prefix)) {
            images.unknown(
                below(place, key),
                "a container runtime reads this annotation and may run something because of it: remove the annotation",
            );
        }
    };
    match value {
        Value::Object(pairs) => pairs.keys().for_each(|key| read(key)),
        Value::Array(pairs) => pairs.iter().filter_map(Value::as_str).for_each(|pair| {
            read(pair.split_once('=').map_or(pair, |(key, _)| key));
        }),
        other => images.unknown(place, format!("expected a mapping or a list, found {}", kind_of(other))),
    }
}

pub(super) fn pod_arguments(value: &Value, place: &str, images: &mut Images) {
    let is_known = |argument: &Value| {
        argument.as_str().is_some_and(|text| POD_ARGUMENTS.iter().any(|known| text.starts_with(known)))
    };
    if !value.as_array().is_some_and(|arguments| arguments.iter().all(is_known)) {
        images.unknown(
            place,
            format!(
                "`podman pod create` may find an image in these arguments: only {} are allowed",
                POD_ARGUMENTS.join(" ")
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::base::strict_yaml;

    /// Each position with the image's name, or the reason why the image is unknown.
    fn found(text: &str) -> Vec<(String, Result<String, String>)> {
        let documents = strict_yaml::documents(text.as_bytes(), &Limits::default()).unwrap();
        let mut images = Images::for_tests();
        read(&documents[0], "", &mut images);
        images.found.into_iter().map(|one| (one.place, one.image.map(|image| image.text))).collect()
    }

    /// Asserts that exactly one image is unknown, with this message.
    fn unknown(text: &str, place: &str, words: &str) {
        let found = found(text);
        let hidden: Vec<_> = found.iter().filter(|(_, image)| image.is_err()).collect();
        assert_eq!(hidden.len(), 1, "{text}: {found:?}");
        let (at, why) = hidden[0];
        assert_eq!(at, place, "{text}");
        assert!(why.as_ref().unwrap_err().contains(words), "{text}: {why:?}");
    }

    fn images(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(place, image)| ((*place).to_owned(), Ok((*image).to_owned()))).collect();
        assert_eq!(found(text), expected, "{text}");
    }

    #[test]
    fn images_are_found_in_every_field_that_can_specify_one() {
        images("services: {a: {image: x}}", &[("services.a", "x")]);
        images(
            "services: {a: {image: x, pre_start: [{image: y}, {command: z}]}}",
            &[("services.a", "x"), ("services.a.pre_start[0]", "y")],
        );
        images(
            "services: {a: {image: x, pre_start: [{image: y, volumes: [{type: image, source: z, target: /}]}]}}",
            &[("services.a", "x"), ("services.a.pre_start[0]", "y"), ("services.a.pre_start[0].volumes[0]", "z")],
        );
        images(
            "services: {a: {image: x, volumes: ['./a:/a', {type: bind, source: a, target: /b}, {type: image, source: y, image: {subpath: a}}]}}",
            &[("services.a", "x"), ("services.a.volumes[2]", "y")],
        );
        images(
            "services: {a: {image: x}}\njobs: {j: {image: y, triggers: {manual: true}}}",
            &[("services.a", "x"), ("jobs.j", "y")],
        );
        images(
            "services: {a: {image: x}}\nmodels: {m: {model: ai/y, context_size: 1}}",
            &[("services.a", "x"), ("models.m", "ai/y")],
        );
        images(
            "services: {a: {image: x}}\nvolumes: {v: {driver: image, driver_opts: {image: y}}, w: null, u: {driver: local}}",
            &[("services.a", "x"), ("volumes.v", "y")],
        );
    }

    #[test]
    fn images_that_are_not_specified_in_the_file_are_reported_as_unknown() {
        for (fields, place, words) in [
            ("build: .", "build", "built on the host"),
            ("build: {context: .}", "build", "built on the host"),
            ("provider: {type: p}", "provider", "an external program"),
            ("extends: {file: b.yaml, service: b}", "extends.file", "`docker compose config`"),
            ("extends: {file: '${F}', service: b}", "extends.file", "`docker compose config`"),
            ("extends: [b]", "extends", "expected a mapping, found a list"),
            ("post_start: [{command: id, image: y}]", "post_start[0].image", "a hook does not have the key `image`"),
            ("pre_stop: [{command: id, image: y}]", "pre_stop[0].image", "a hook does not have the key `image`"),
            ("pre_start: {image: y}", "pre_start", "expected a list"),
            ("pre_start: [{build: .}]", "pre_start[0].build", "a pre_start hook does not have the key `build`"),
            ("pre_start: '${HOOKS}'", "pre_start", "expected a list"),
            ("develop: {watch: [{action: 'sync+exec', exec: {image: y}}]}", "develop.watch[0].exec.image", "`image`"),
            ("develop: {build: .}", "develop.build", "`develop` does not have the key `build`"),
            ("deploy: {image: y}", "deploy.image", "`deploy` does not have the key `image`"),
            ("Image: y", "Image", "`Image`"),
            ("sidecar: y", "sidecar", "x-"),
            ("sidecar: null", "sidecar", "x-"),
            ("x-podman.rootfs: /evil", "x-podman.rootfs", "instead of the image"),
            ("x-podman: {rootfs: /evil}", "x-podman.rootfs", "instead of the image"),
            ("x-podman: {image: y}", "x-podman.image", "podman-compose reads this mapping"),
            ("x-podman.image: y", "x-podman.image", "an unrecognised podman-compose key"),
            ("'x-${P:-podman.rootfs}': /evil", "x-${P:-podman.rootfs}", "podman-compose expands the variable"),
            ("'${K:-image}': y", "${K:-image}", "does not have the key"),
            (
                "annotations: {'${K:-run.oci.handler}': wasm}",
                "annotations.${K:-run.oci.handler}",
                "depends on a variable",
            ),
            (
                "annotations: ['${K:-run.oci.handler=wasm}']",
                "annotations.${K:-run.oci.handler",
                "depends on a variable",
            ),
            ("annotations: {run.oci.handler: wasm}", "annotations.run.oci.handler", "a container runtime reads"),
            (
                "annotations: ['io.katacontainers.config.hypervisor.image=/y']",
                "annotations.io.katacontainers.config.hypervisor.image",
                "a container runtime reads",
            ),
            ("runtime: ./evil", "runtime", "podman runs the program at this path"),
            ("runtime: '${R:-runc}'", "runtime", "without a path or a variable"),
            ("volumes: '${V}'", "volumes", "expected a list"),
            ("volumes: [[a]]", "volumes[0]", "expected a mapping, found a list"),
            ("volumes: [{type: '${T:-image}', source: y, target: /a}]", "volumes[0].type", "without variables"),
            ("volumes: [{type: IMAGE, source: y, target: /a}]", "volumes[0].type", "found \"IMAGE\""),
            ("volumes: [{type: [image], source: y, target: /a}]", "volumes[0].type", "found a list"),
            ("volumes: [{source: y, target: /a}]", "volumes[0]", "`type` is missing"),
            ("volumes: [{type: image, target: /a}]", "volumes[0]", "no source"),
            (
                "volumes: [{type: image, source: y, target: '/a,source=z'}]",
                "volumes[0]",
                "a comma, a quote or a variable",
            ),
            ("volumes: [{type: image, source: y, image: {subpath: 'a,source=z'}}]", "volumes[0]", "a comma, a quote"),
            ("volumes: [{type: image, source: y, target: '${T}'}]", "volumes[0]", "a comma, a quote or a variable"),
            ("volumes: [{type: bind, source: a, from: y}]", "volumes[0].from", "does not have the key `from`"),
            (
                "volumes: [{type: volume, volume: {driver: y}}]",
                "volumes[0].volume.driver",
                "`volume` does not have the key",
            ),
        ] {
            unknown(&format!("services: {{a: {{image: x, {fields}}}}}"), &format!("services.a.{place}"), words);
        }
        for (top, place, words) in [
            ("include: [a.yaml]", "include", "`include` is not supported"),
            ("include: a.yaml", "include", "`include` is not supported"),
            ("include: '${I}'", "include", "`include` is not supported"),
            ("kind: Pod", "kind", "a compose file does not have the key `kind`"),
            ("spec: {containers: [{image: y}]}", "spec", "does not have the key `spec`"),
            ("jobs: [a]", "jobs", "expected a mapping of services"),
            ("models: {m: {context_size: 1}}", "models.m", "no name"),
            ("models: {m: {model: a, image: y}}", "models.m.image", "a model does not have the key"),
            ("volumes: {v: {driver: '${D}'}}", "volumes.v.driver", "`external: true`"),
            ("volumes: {v: {driver: vieux/sshfs}}", "volumes.v.driver", "`external: true`"),
            ("volumes: {v: {driver: image}}", "volumes.v", "has no `image`"),
            (
                "volumes: {v: {driver: image, driver_opts: {image: y, '${K:-image}': z}}}",
                "volumes.v.driver_opts.${K:-image}",
                "podman-compose expands the variable",
            ),
            (
                "x-${P:-podman}: {pod_args: ['--infra-image=y']}",
                "x-${P:-podman}",
                "podman-compose expands the variable",
            ),
            ("volumes: {v: {image: y}}", "volumes.v.image", "a volume does not have the key"),
            ("volumes: [v]", "volumes", "expected a mapping of volumes"),
            ("networks: {n: {image: y}}", "networks.n.image", "a network does not have the key"),
            ("configs: {c: {image: y}}", "configs.c.image", "a config does not have the key"),
            ("secrets: {s: {image: y}}", "secrets.s.image", "a secret does not have the key"),
            ("x-podman: {pod_args: ['--infra-image=y']}", "x-podman.pod_args", "podman pod create"),
            ("x-podman: {pod_args: '--infra=false'}", "x-podman.pod_args", "podman pod create"),
            ("x-podman: {pods: a}", "x-podman.pods", "podman-compose reads this mapping"),
        ] {
            unknown(&format!("services: {{a: {{image: x}}}}\n{top}"), place, words);
        }
    }

    #[test]
    fn null_and_empty_lists_count_as_absent() {
        for text in [
            "include: []\nservices: {a: {image: x, build: null}}",
            "include: null\nmodels: null\nvolumes: null\njobs: null\nservices: {a: {image: x, provider: null, extends: null, pre_start: null}}",
            "services: {a: {image: x, pre_start: [], volumes: [], deploy: null, develop: {watch: []}, annotations: []}}",
            "services: {a: {image: x, volumes: null, extends: null, annotations: null}}\nvolumes: {v: {driver: null}}",
        ] {
            images(text, &[("services.a", "x")]);
        }
        unknown("services: {a: {image: null}}", "services.a", "it has no image");
        unknown("services: {a: {image: x}, b: null}", "services.b", "it has no image");
    }

    #[test]
    fn a_service_inherits_the_image_of_the_service_it_extends() {
        images("services: {a: {extends: b}, b: {image: x}}", &[("services.a", "x"), ("services.b", "x")]);
        images(
            "services: {a: {extends: {service: b, file: null}}, b: {extends: c}, c: {image: x}}",
            &[("services.a", "x"), ("services.b", "x"), ("services.c", "x")],
        );
        let circle = found("services: {ok: {image: x}, a: {extends: b}, b: {extends: a}, c: {extends: c}}");
        let places: Vec<_> = circle.iter().map(|(place, image)| (place.as_str(), image.is_ok())).collect();
        assert_eq!(
            places,
            [("services.ok", true), ("services.a", false), ("services.b", false), ("services.c", false)]
        );
        for (text, place, words) in [
            ("services: {a: {extends: b}}", "services.a", "not in this file"),
            ("services: {a: {extends: '${B}'}}", "services.a", "not in this file"),
            ("services: {a: {extends: {}}}", "services.a", "not in this file"),
            ("services: {a: {}}", "services.a", "it has no image"),
        ] {
            unknown(text, place, words);
        }
        for base in ["build: .", "provider: {type: p}", "image: 1", "extends: {file: f, service: s}", ""] {
            let text = format!("services: {{a: {{extends: b}}, b: {{{base}}}}}");
            assert!(found(&text).iter().any(|(place, image)| place == "services.a" && image.is_err()), "{text}");
        }
        // A long chain is not followed to its end.
        let row: String = (0..2_000).map(|at| format!("  s{at}: {{extends: s{}}}\n", at + 1)).collect();
        let text = format!("services:\n{row}  s2000: {{image: x}}\n");
        assert_eq!(found(&text).iter().filter(|(_, image)| image.is_ok()).count(), EXTENDS_MAX + 1);
    }

    #[test]
    fn extension_keys_and_harmless_fields_are_ignored() {
        let text = "version: '3'\nname: n\nx-a: {image: y}\nservices:\n  a:\n    image: x\n    x-b: {build: .}\n    labels: {image: y}\n    runtime: io.containerd.kata.v2\n    environment: {image: y}\n    \
                    depends_on: {b: {condition: service_started}}\n    annotations: {org.example.image: y}\n    deploy: {replicas: 2, x-c: {image: y}}\n    \
                    x-podman.uidmaps: ['0:1:1']\n    develop: {watch: [{path: ., action: rebuild}]}\nx-podman: {in_pod: false, pod_args: [--infra=false, '--share=']}\n\
                    networks: {n: {driver: bridge, x-podman.dns: [a]}}\n";
        images(text, &[("services.a", "x")]);
    }

    #[test]
    fn default_compose_file_names_are_recognised() {
        for name in [
            "compose.yaml",
            "a/docker-compose.yml",
            "docker-compose.override.yaml",
            "x: compose.override.yml",
            "container-compose.override.yml",
            "podman-compose.yaml",
        ] {
            assert!(is_named_so(name), "{name}");
        }
        for name in ["compose", "my-compose.yaml", "compose.json", "composeryaml", "compose.dev.yaml"] {
            assert!(!is_named_so(name), "{name}");
        }
    }
}
