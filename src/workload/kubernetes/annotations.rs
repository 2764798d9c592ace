//! Annotations that specify an image or cause additional software to run: a table of annotations that runtimes, injectors and controllers
//! read.
//!
//! An annotation that is not in the table is harmless, unless its key ends in `image` and its value is an image name with a host or a digest.
//! Sources, as of 2026-11-28: containers/podman@c6580b4a (libpod/define/annotations.go, pkg/util/kube.go), cri-o (pkg/annotations), kata-containers
//! (docs/how-to, annotations), containers/crun (crun.1), google/gvisor, microsoft/hcsshim (pkg/annotations), and the documentation of each injector.

use serde_json::Value;

use super::super::table::folded;
use super::super::{Images, Stage, below, kind_of};
use super::look::names_an_image;

/// The effect of an annotation.
#[derive(Clone, Copy)]
enum Note {
    /// The annotation's value lists images, separated by semicolons.
    Images,
    /// The annotation runs, fetches or changes software that no image in the file identifies.
    Runs,
    /// The same as `Runs`, unless the annotation's value switches the effect off.
    Switch,
    /// The annotation does not cause anything to run.
    Harmless,
}
use Note::{Harmless, Runs, Switch};

/// The annotations with one prefix.
struct Prefix {
    prefix: &'static str,
    /// The program that reads these annotations.
    reader: &'static str,
    /// The effect of keys that are not listed.
    others: Note,
    /// The text after the prefix, without the suffix `/CONTAINER` that podman allows.
    keys: &'static [(&'static str, Note)],
}

/// Annotations that the program running a pod reads.
static RUNTIMES: &[Prefix] = &[
    Prefix {
        prefix: "io.podman.annotations.",
        reader: "podman",
        others: Runs,
        keys: &[
            ("kube.image.volumes.mount", Note::Images),
            ("apparmor", Harmless),
            ("autoremove", Harmless),
            ("autoremove-image", Harmless),
            ("cid-file", Harmless),
            ("cpuset", Harmless),
            ("infra.name", Harmless),
            ("init", Harmless),
            ("init.container.type", Harmless),
            ("kube.health.check", Harmless),
            ("label", Harmless),
            ("memory-nodes", Harmless),
            ("pids-limit", Harmless),
            ("privileged", Harmless),
            ("publish-all", Harmless),
            ("seccomp", Harmless),
            ("ulimit", Harmless),
            ("userns", Harmless),
            ("volumes-from", Harmless),
        ],
    },
    Prefix {
        prefix: "volume.podman.io/",
        reader: "podman",
        others: Runs,
        keys: &[
            ("image", Note::Images),
            ("device", Harmless),
            ("driver", Harmless),
            ("gid", Harmless),
            ("import-source", Harmless),
            ("mount-options", Harmless),
            ("type", Harmless),
            ("uid", Harmless),
        ],
    },
    // podman auto-update replaces the image.
    Prefix { prefix: "io.containers.autoupdate", reader: "podman auto-update", others: Switch, keys: &[] },
    Prefix {
        prefix: "io.kubernetes.cri-o.",
        reader: "CRI-O",
        others: Runs,
        keys: &[
            ("Devices", Harmless),
            ("DisableFIPS", Harmless),
            ("LinkLogs", Harmless),
            ("PodLinuxOverhead", Harmless),
            ("PodLinuxResources", Harmless),
            ("ShmSize", Harmless),
            ("TrySkipVolumeSELinuxLabel", Harmless),
            ("UnifiedCgroup", Harmless),
            ("cgroup2-mount-hierarchy-rw", Harmless),
            ("seccompNotifierAction", Harmless),
            ("umask", Harmless),
            ("userns-mode", Harmless),
        ],
    },
    // The annotation's value is the name of an OCI artifact.
    Prefix { prefix: "seccomp-profile.kubernetes.cri-o.io", reader: "CRI-O", others: Runs, keys: &[] },
    Prefix {
        prefix: "io.kubernetes.cri.",
        reader: "containerd",
        others: Runs,
        keys: &[("untrusted-workload", Harmless)],
    },
    Prefix {
        prefix: "io.katacontainers.",
        reader: "Kata Containers",
        others: Runs,
        keys: &[
            ("config.agent.policy", Harmless),
            ("config.hypervisor.cc_init_data", Harmless),
            ("config.hypervisor.default_gpus", Harmless),
            ("config.hypervisor.default_gpu_model", Harmless),
            ("config.hypervisor.default_max_vcpus", Harmless),
            ("config.hypervisor.default_memory", Harmless),
            ("config.hypervisor.default_vcpus", Harmless),
            ("config.hypervisor.enable_iommu", Harmless),
            ("config.hypervisor.machine_type", Harmless),
            ("config.runtime.create_container_timeout", Harmless),
            ("config.runtime.disable_guest_seccomp", Harmless),
            ("config.runtime.internetworking_model", Harmless),
            ("config.runtime.sandbox_cgroup_only", Harmless),
        ],
    },
    Prefix {
        prefix: "run.oci.",
        reader: "crun",
        others: Runs,
        keys: &[
            ("handler", Harmless),
            ("keep_original_groups", Harmless),
            ("mount_context_type", Harmless),
            ("pidfd_receiver", Harmless),
            ("seccomp_bpf_data", Harmless),
            ("seccomp_fail_unknown_syscall", Harmless),
            ("systemd.force_cgroup_v1", Harmless),
            ("systemd.subgroup", Harmless),
            ("timeout", Harmless),
        ],
    },
    Prefix { prefix: "seccomp-profile.crio.io", reader: "CRI-O", others: Runs, keys: &[] },
    Prefix { prefix: "dev.gvisor.", reader: "gVisor", others: Runs, keys: &[] },
    Prefix { prefix: "io.microsoft.", reader: "hcsshim", others: Runs, keys: &[] },
    // Kubernetes 1.3 to 1.7: the value is a list of containers.
    Prefix { prefix: "pod.beta.kubernetes.io/init-containers", reader: "Kubernetes", others: Runs, keys: &[] },
    Prefix { prefix: "pod.alpha.kubernetes.io/init-containers", reader: "Kubernetes", others: Runs, keys: &[] },
];

/// Annotations read by programs that change a resource before its pods run. The pod in a webhook request has already passed through these
/// programs.
static INJECTORS: &[Prefix] = &[
    Prefix {
        prefix: "sidecar.istio.io/",
        reader: "Istio",
        others: Harmless,
        keys: &[
            ("inject", Switch),
            ("proxyImage", Note::Images),
            ("proxyImageType", Runs),
            ("userVolume", Runs),
            ("bootstrapOverride", Runs),
        ],
    },
    Prefix { prefix: "inject.istio.io/", reader: "Istio", others: Runs, keys: &[] },
    Prefix { prefix: "proxy.istio.io/overrides", reader: "Istio", others: Runs, keys: &[] },
    Prefix { prefix: "linkerd.io/inject", reader: "Linkerd", others: Switch, keys: &[] },
    Prefix {
        prefix: "config.linkerd.io/",
        reader: "Linkerd",
        others: Harmless,
        keys: &[
            ("debug-image", Note::Images),
            ("init-image", Note::Images),
            ("proxy-image", Note::Images),
            ("debug-image-version", Runs),
            ("init-image-version", Runs),
            ("proxy-version", Runs),
            ("enable-debug-sidecar", Switch),
        ],
    },
    Prefix {
        prefix: "vault.hashicorp.com/",
        reader: "Vault",
        others: Harmless,
        keys: &[
            ("agent-inject", Switch),
            ("agent-image", Note::Images),
            ("agent-json-patch", Runs),
            ("agent-init-json-patch", Runs),
        ],
    },
    Prefix {
        prefix: "vault.security.banzaicloud.io/",
        reader: "Bank-Vaults",
        others: Harmless,
        keys: &[("vault-addr", Runs), ("vault-agent-image", Note::Images), ("vault-env-image", Note::Images)],
    },
    Prefix { prefix: "secrets-webhook.security.bank-vaults.io/", reader: "Bank-Vaults", others: Runs, keys: &[] },
    Prefix {
        prefix: "consul.hashicorp.com/",
        reader: "Consul",
        others: Harmless,
        keys: &[("connect-inject", Switch), ("connect-service-sidecar-image", Note::Images)],
    },
    Prefix { prefix: "kuma.io/sidecar-injection", reader: "Kuma", others: Switch, keys: &[] },
    Prefix {
        prefix: "dapr.io/",
        reader: "Dapr",
        others: Harmless,
        keys: &[("enabled", Switch), ("sidecar-image", Note::Images), ("inject-pluggable-components", Switch)],
    },
    Prefix { prefix: "appmesh.k8s.aws/sidecarInjectorWebhook", reader: "AWS App Mesh", others: Switch, keys: &[] },
    Prefix { prefix: "injector.nsm.nginx.com/auto-inject", reader: "NGINX Service Mesh", others: Switch, keys: &[] },
    Prefix { prefix: "sidecar.opentelemetry.io/inject", reader: "OpenTelemetry's operator", others: Switch, keys: &[] },
    Prefix {
        prefix: "instrumentation.opentelemetry.io/inject-",
        reader: "OpenTelemetry's operator",
        others: Switch,
        keys: &[],
    },
    Prefix { prefix: "sidecar.jaegertracing.io/inject", reader: "Jaeger's operator", others: Switch, keys: &[] },
    Prefix { prefix: "admission.datadoghq.com/", reader: "Datadog", others: Switch, keys: &[] },
    Prefix { prefix: "oneagent.dynatrace.com/inject", reader: "Dynatrace", others: Switch, keys: &[] },
    Prefix { prefix: "co.elastic.apm/attach", reader: "Elastic", others: Switch, keys: &[] },
    Prefix { prefix: "gke-gcsfuse/volumes", reader: "GKE", others: Switch, keys: &[] },
    Prefix { prefix: "conjur.org/inject", reader: "Conjur", others: Switch, keys: &[] },
    Prefix {
        prefix: "azure.workload.identity/inject-proxy-sidecar",
        reader: "Azure Workload Identity",
        others: Switch,
        keys: &[],
    },
    Prefix { prefix: "operator.1password.io/", reader: "1Password", others: Switch, keys: &[] },
    Prefix { prefix: "telepresence.getambassador.io/inject", reader: "Telepresence", others: Switch, keys: &[] },
    Prefix { prefix: "telepresence.io/inject", reader: "Telepresence", others: Switch, keys: &[] },
    Prefix { prefix: "getambassador.io/inject", reader: "Telepresence", others: Switch, keys: &[] },
    Prefix { prefix: "k8tz.io/inject", reader: "k8tz", others: Switch, keys: &[] },
    Prefix { prefix: "openservicemesh.io/sidecar-injection", reader: "Open Service Mesh", others: Switch, keys: &[] },
    Prefix { prefix: "org.infisical.com/inject", reader: "Infisical", others: Switch, keys: &[] },
    Prefix { prefix: "injector.tumblr.com/request", reader: "Tumblr's injector", others: Switch, keys: &[] },
    Prefix { prefix: "sidecar.speedscale.com/inject", reader: "Speedscale", others: Switch, keys: &[] },
    Prefix { prefix: "data-ingest.dynatrace.com/inject", reader: "Dynatrace", others: Switch, keys: &[] },
    Prefix { prefix: "metadata.dynatrace.com/inject", reader: "Dynatrace", others: Switch, keys: &[] },
    Prefix { prefix: "akeyless/enabled", reader: "Akeyless", others: Switch, keys: &[] },
    Prefix { prefix: "secrets.k8s.aws/sidecarInjectorWebhook", reader: "AWS Secrets", others: Switch, keys: &[] },
    Prefix { prefix: "networkservicemesh.io", reader: "Network Service Mesh", others: Switch, keys: &[] },
    // Annotations for controllers that replace the image in the resource.
    Prefix { prefix: "image.openshift.io/triggers", reader: "OpenShift", others: Runs, keys: &[] },
    Prefix { prefix: "alpha.image.policy.openshift.io/resolve-names", reader: "OpenShift", others: Runs, keys: &[] },
    Prefix { prefix: "keel.sh/", reader: "Keel", others: Harmless, keys: &[("policy", Switch)] },
    Prefix { prefix: "fluxcd.io/automated", reader: "Flux", others: Switch, keys: &[] },
    Prefix { prefix: "flux.weave.works/automated", reader: "Flux", others: Switch, keys: &[] },
    // Annotations for tasks that a controller fetches.
    Prefix { prefix: "pipelinesascode.tekton.dev/task", reader: "Pipelines as Code", others: Runs, keys: &[] },
    Prefix { prefix: "pipelinesascode.tekton.dev/pipeline", reader: "Pipelines as Code", others: Runs, keys: &[] },
    // The annotation fills a volume with a disk image.
    Prefix { prefix: "cdi.kubevirt.io/storage.import.", reader: "KubeVirt's importer", others: Runs, keys: &[] },
    // The client writes this note for people, who can compare it with the pod's image.
    Prefix { prefix: "client.knative.dev/user-image", reader: "kn", others: Harmless, keys: &[] },
];

/// Values that switch an injector off.
const OFF: [&str; 7] = ["", "false", "disabled", "no", "never", "off", "0"];

/// Reads `ObjectMeta`, of which only the annotations are checked.
pub(super) fn metadata(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(fields) = value else {
        if !value.is_null() {
            images.unknown(place, format!("expected a mapping, found {}", kind_of(value)));
        }
        return;
    };
    for (key, value) in fields {
        let place = below(place, key);
        match value {
            Value::Object(annotations) if key == "annotations" => {
                annotations.iter().for_each(|(key, value)| annotation(key, value, &below(&place, key), images));
            }
            Value::Null => {}
            other if key == "annotations" => {
                images.unknown(place, format!("expected a mapping, found {}", kind_of(other)));
            }
            _ if folded(key) == "annotations" => {
                images.unknown(place, format!("`{key}` differs from `annotations` only in case: correct the spelling"));
            }
            _ => {}
        }
    }
}

/// Whether a container runtime reads the annotation.
pub(crate) fn is_read_by_runtimes(key: &str) -> bool {
    RUNTIMES.iter().any(|entry| key.starts_with(entry.prefix))
}

pub(super) fn annotation(key: &str, value: &Value, place: &str, images: &mut Images) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (note, reader) = note_of(key, images.stage);
    match note {
        Some(Note::Images) => text.split(';').for_each(|name| images.name(place, name)),
        Some(Switch) if OFF.contains(&text.to_ascii_lowercase().as_str()) => {}
        Some(Runs | Switch) => images.unknown(
            place,
            format!(
                "{reader} reads the annotation `{key}` and may run something that is not in this file: remove the annotation, or pass the rendered resources"
            ),
        ),
        None if key.to_ascii_lowercase().ends_with("image") && names_an_image(&text) => images.unknown(
            place,
            format!("the annotation `{key}` is not recognised, and its value names an image, which may run: remove or rename the annotation"),
        ),
        Some(Harmless) | None => {}
    }
}

/// The effect of an annotation and the program that reads it; `None` if neither the annotation nor an effect of its prefix is in a table.
fn note_of(key: &str, stage: Stage) -> (Option<Note>, &'static str) {
    let find = |table: &'static [Prefix]| table.iter().find_map(|entry| Some((entry, key.strip_prefix(entry.prefix)?)));
    let (entry, rest, is_past) = match (find(RUNTIMES), find(INJECTORS)) {
        (Some((entry, rest)), _) => (entry, rest, false),
        // In a review, the pod already contains everything that the injector added.
        (None, Some((entry, rest))) => (entry, rest, stage == Stage::Review),
        (None, None) => return (None, ""),
    };
    if is_past {
        return (Some(Harmless), entry.reader);
    }
    // podman allows `/CONTAINER` after the key.
    let plain = rest.split_once('/').map_or(rest, |(plain, _)| plain);
    let listed = entry.keys.iter().find(|(name, _)| *name == rest || *name == plain).map(|(_, note)| *note);
    let others = Some(entry.others).filter(|others| !matches!(others, Harmless) || entry.keys.is_empty());
    (listed.or(others), entry.reader)
}
