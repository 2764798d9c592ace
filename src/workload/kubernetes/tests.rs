use serde_json::{Value, json};

use super::super::{Form, Stage, Workload};
use super::*;
use crate::base::limits::Limits;

const EVIL: &str = "evil.example/x:1";

fn found(document: &Value, kinds: &[&str], stage: Stage) -> Vec<(String, Result<String, String>)> {
    let mut images = Images::for_tests();
    images.stage = stage;
    kinds.iter().for_each(|kind| images.kinds.add(kind).unwrap());
    read(document, "", &mut images);
    images.finish("w").unwrap().into_iter().map(|used| (used.place, used.image.map(|image| image.text))).collect()
}

fn in_file(document: &Value) -> Vec<(String, Result<String, String>)> {
    found(document, &[], Stage::File)
}

/// The result for a document that must yield exactly one result.
fn one(document: &Value) -> (String, Result<String, String>) {
    let mut all = in_file(document);
    assert_eq!(all.len(), 1, "{document}: {all:?}");
    all.remove(0)
}

fn refused(document: &Value, place: &str, words: &str) {
    let all = in_file(document);
    let is_it = |(at, image): &(String, Result<String, String>)| {
        at == place && image.as_ref().is_err_and(|why| why.contains(words))
    };
    assert!(all.iter().any(is_it), "{document}: {all:?}");
}

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
}

fn noted(key: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {key: value}}, "spec": {"containers": []}})
}

fn custom(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "c"}, "spec": spec})
}

#[test]
fn every_image_of_a_pod_is_found_with_its_place() {
    let spec = json!({
        "initContainers": [{"name": "i", "image": "a"}],
        "containers": [{"name": "c", "image": "b"}, {"image": "c"}],
        "ephemeralContainers": [{"name": "e", "image": "d", "targetContainerName": "c"}],
        "volumes": [{"name": "v", "image": {"reference": "e", "pullPolicy": "Always"}}, {"name": "r", "rbd": {"image": "a block device"}}],
    });
    let names: Vec<(String, String)> =
        in_file(&pod(spec)).into_iter().map(|(place, image)| (place, image.unwrap())).collect();
    let expected = [
        ("Pod/p.spec.initContainers[0] i", "a"),
        ("Pod/p.spec.containers[0] c", "b"),
        ("Pod/p.spec.containers[1]", "c"),
        ("Pod/p.spec.ephemeralContainers[0] e", "d"),
        ("Pod/p.spec.volumes[0].image", "e"),
    ];
    assert_eq!(names, expected.map(|(place, name)| (place.to_owned(), name.to_owned())));
}

#[test]
fn keys_outside_the_pod_tables_are_unknown() {
    for (spec, place, words) in [
        (json!({"containers": "text"}), "Pod/p.spec.containers", "expected a list of containers"),
        (json!({"containers": [7]}), "Pod/p.spec.containers[0]", "expected a container"),
        (json!({"containers": [{"name": "c"}]}), "Pod/p.spec.containers[0] c", "has no image"),
        (json!({"containers": [{"name": "c", "image": null}]}), "Pod/p.spec.containers[0] c", "has no image"),
        (json!({"containers": [{"name": "c", "image": {}}]}), "Pod/p.spec.containers[0] c", "expected a string"),
        (
            json!({"containers": [{"name": "c", "image": {"reference": "a", "repository": EVIL}}]}),
            "Pod/p.spec.containers[0] c",
            "expected a string",
        ),
        (
            json!({"containers": [{"name": "c", "image": {"uri": EVIL}}]}),
            "Pod/p.spec.containers[0] c",
            "expected a string",
        ),
        (
            json!({"containers": [{"name": "c", "image": {"containers": [{"image": EVIL}]}}]}),
            "Pod/p.spec.containers[0] c",
            "expected a string",
        ),
        (
            json!({"containers": [{"image": "a", "containers": []}]}),
            "Pod/p.spec.containers[0].containers",
            "does not have the key",
        ),
        (json!({"containers": [], "sidecars": []}), "Pod/p.spec.sidecars", "a pod does not have the key `sidecars`"),
        (
            json!({"Containers": []}),
            "Pod/p.spec.Containers",
            "malformed: `Containers` differs from `containers` only in case",
        ),
        (json!({"container\u{17f}": []}), "Pod/p.spec.container\u{17f}", "only in case"),
        (json!({"containers": [{"image": "a", "Image": EVIL}]}), "Pod/p.spec.containers[0].Image", "only in case"),
        (json!({"volumes": [{"image": {}}]}), "Pod/p.spec.volumes[0].image", "no reference"),
        (json!({"volumes": [{"image": EVIL}]}), "Pod/p.spec.volumes[0].image", "expected a mapping"),
        (
            json!({"volumes": [{"image": {"reference": "a", "digest": "b"}}]}),
            "Pod/p.spec.volumes[0].image.digest",
            "does not have",
        ),
        (json!({"volumes": [{"gitRepo": {"repository": "x"}}]}), "Pod/p.spec.volumes[0].gitRepo", "clones"),
        (
            json!({"volumes": [{"csi": {"driver": "container-image.csi.k8s.io"}}]}),
            "Pod/p.spec.volumes[0].csi",
            "mounts an image",
        ),
        (
            json!({"volumes": [{"csi": {"driver": "own", "volumeAttributes": {"image": EVIL}}}]}),
            "Pod/p.spec.volumes[0].csi.volumeAttributes.image",
            "may mount",
        ),
        (
            json!({"volumes": [{"ephemeral": {"volumeClaimTemplate": {"metadata": {"annotations": {"volume.podman.io/other": "x"}}}}}]}),
            "Pod/p.spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.annotations.volume.podman.io/other",
            "podman reads",
        ),
    ] {
        refused(&pod(spec), place, words);
    }
}

#[test]
fn every_built_in_kind_with_a_template_is_read() {
    let template = json!({"metadata": {"name": "t"}, "spec": {"containers": [{"name": "c", "image": EVIL}]}});
    for (version, kind, spec, place) in [
        ("apps/v1", "Deployment", json!({"template": template}), "spec.template.spec"),
        ("apps/v1", "ReplicaSet", json!({"template": template}), "spec.template.spec"),
        ("apps/v1", "StatefulSet", json!({"template": template}), "spec.template.spec"),
        ("apps/v1", "DaemonSet", json!({"template": template}), "spec.template.spec"),
        ("extensions/v1beta1", "Deployment", json!({"template": template}), "spec.template.spec"),
        ("v1", "ReplicationController", json!({"template": template}), "spec.template.spec"),
        ("batch/v1", "Job", json!({"template": template}), "spec.template.spec"),
        (
            "batch/v1",
            "CronJob",
            json!({"jobTemplate": {"spec": {"template": template}}}),
            "spec.jobTemplate.spec.template.spec",
        ),
    ] {
        let document = custom(version, kind, spec);
        assert_eq!(one(&document), (format!("{kind}/c.{place}.containers[0] c"), Ok(EVIL.into())));
        let mut misspelt = document;
        misspelt["spec"]["templates"] = json!({});
        refused(&misspelt, &format!("{kind}/c.spec.templates"), "does not have the key `templates`");
    }
    let template = json!({"apiVersion": "v1", "kind": "PodTemplate", "template": template});
    assert_eq!(one(&template), ("PodTemplate/.template.spec.containers[0] c".into(), Ok(EVIL.into())));
    let debug = json!({"apiVersion": "v1", "kind": "EphemeralContainers", "ephemeralContainers": [{"name": "c", "image": EVIL}]});
    assert_eq!(one(&debug), ("EphemeralContainers/.ephemeralContainers[0] c".into(), Ok(EVIL.into())));
    let revision = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": {"spec": {"template": {"$patch": "replace", "spec": {"containers": [{"image": EVIL}]}}}}});
    assert_eq!(one(&revision), ("ControllerRevision/.data.spec.template.spec.containers[0]".into(), Ok(EVIL.into())));
    refused(
        &json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": {"other": 1}}),
        "ControllerRevision/.data.other",
        "does not have",
    );
    let image = json!({"apiVersion": "v1", "kind": "PersistentVolume", "spec": {"csi": {"driver": "csi-image.warm-metal.tech", "volumeHandle": EVIL}}});
    refused(&image, "PersistentVolume/.spec.csi", "mounts an image");
}

#[test]
fn built_in_kinds_that_hold_data_run_nothing() {
    for (version, kind) in [
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "Service"),
        ("v1", "Node"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("node.k8s.io/v1", "RuntimeClass"),
        ("apiregistration.k8s.io/v1", "APIService"),
        ("storage.k8s.io/v1", "CSIDriver"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ] {
        let document = json!({"apiVersion": version, "kind": kind, "data": {"image": EVIL, "containers": [{"image": EVIL}], "Kind": "Pod"}, "spec": {"image": EVIL}});
        assert_eq!(in_file(&document), [], "{kind}");
    }
    for (version, kind) in [
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy"),
        ("settings.k8s.io/v1alpha1", "PodPreset"),
    ] {
        refused(&json!({"apiVersion": version, "kind": kind}), &format!("{kind}/"), "`serve`");
    }
    refused(&json!({"apiVersion": "v1", "kind": "WatchEvent", "object": {}}), "WatchEvent/", "pass the object itself");
    // A kind with a built-in name, but in a different group.
    refused(
        &json!({"apiVersion": "x.example/v1", "kind": "Secret"}),
        "Secret/",
        "kinds-without-images = [\"x.example/Secret\"]",
    );
}

#[test]
fn lists_are_read_as_kubectl_reads_them() {
    let item = json!({"spec": {"containers": [{"name": "c", "image": EVIL}]}});
    let own = pod(item["spec"].clone());
    for (document, place) in [
        (json!({"apiVersion": "v1", "kind": "List", "items": [own]}), "items[0].Pod/p.spec.containers[0] c"),
        (json!({"apiVersion": "v1", "kind": "PodList", "items": [item]}), "items[0].Pod/.spec.containers[0] c"),
        (
            json!({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "List", "items": [own]}]}),
            "items[0].items[0].Pod/p.spec.containers[0] c",
        ),
        (
            json!({"apiVersion": "example.com/v1", "kind": "WidgetList", "items": [own]}),
            "items[0].Pod/p.spec.containers[0] c",
        ),
        // kubectl treats any object with items as a list.
        (json!({"apiVersion": "v1", "kind": "ConfigMap", "items": [own]}), "items[0].Pod/p.spec.containers[0] c"),
    ] {
        assert_eq!(one(&document), (place.into(), Ok(EVIL.into())), "{document}");
    }
    assert_eq!(
        in_file(&json!({"apiVersion": "example.com/v1", "kind": "WidgetList", "items": [], "metadata": {}})),
        []
    );
    assert_eq!(in_file(&json!({"apiVersion": "v1", "kind": "ServiceList", "items": [{}, {}]})), []);
    for (document, place, words) in [
        (json!({"apiVersion": "v1", "kind": "List", "items": {"a": own}}), "items", "expected a list of resources"),
        (json!({"apiVersion": "v1", "kind": "List", "items": [7]}), "items[0]", "expected a resource"),
        (json!({"apiVersion": "v1", "kind": "List", "items": [{}]}), "items[0]./", "specify both"),
        (json!({"apiVersion": "v1", "kind": "List", "Items": [own]}), "Items", "only in case"),
        (
            json!({"apiVersion": "v1", "kind": "List", "items": [], "spec": {"containers": []}}),
            "List/",
            "is not recognised",
        ),
        (
            json!({"apiVersion": "example.com/v1", "kind": "WidgetList", "items": [{}]}),
            "items[0].Widget/",
            "example.com/Widget",
        ),
    ] {
        refused(&document, place, words);
    }
}

#[test]
fn top_level_keys_that_differ_only_in_case_are_reported() {
    for key in ["Kind", "APIVersion", "\u{17f}pec", "Metadata", "\u{212a}ind"] {
        let mut document = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {}});
        document[key] = json!("Pod");
        refused(&document, key, "only in case");
    }
    refused(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"Annotations": {}}}),
        "Pod/.metadata.Annotations",
        "only in case",
    );
    // Names that the owner chooses are not checked.
    let free = json!({"Image": "x", "Containers": "x", "Kind": "x"});
    let document = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": free, "annotations": free}, "spec": {"nodeSelector": free, "containers": []}});
    assert_eq!(in_file(&document), []);
}

#[test]
fn a_resource_without_an_api_version_is_read_by_its_kind_as_podman_does() {
    let document = json!({"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"image": EVIL}]}}}});
    assert_eq!(one(&document), ("Deployment/.spec.template.spec.containers[0]".into(), Ok(EVIL.into())));
    refused(&json!({"kind": "Widget"}), "Widget/", "kinds-without-images = [\"/Widget\"]");
    refused(
        &json!({"apiVersion": "x.example/v1", "kind": "Pod", "spec": {"containers": [{"image": EVIL}]}}),
        "Pod/",
        "x.example/Pod",
    );
}

#[test]
fn annotations_in_the_tables_are_reported() {
    let at = |key: &str| format!("Pod/p.metadata.annotations.{key}");
    for key in [
        "io.podman.annotations.kube.image.volumes.mount/c",
        "volume.podman.io/image",
        "sidecar.istio.io/proxyImage",
        "vault.hashicorp.com/agent-image",
        "config.linkerd.io/proxy-image",
        "dapr.io/sidecar-image",
    ] {
        assert_eq!(one(&noted(key, EVIL)), (at(key), Ok(EVIL.into())), "{key}");
    }
    assert_eq!(in_file(&noted("io.podman.annotations.kube.image.volumes.mount/c", "a;b")).len(), 2);
    for (key, value) in [
        ("io.podman.annotations.unheard-of", "x"),
        ("io.kubernetes.cri-o.Unheard", "x"),
        ("io.katacontainers.config.hypervisor.image", "/opt/x"),
        ("io.katacontainers.config.hypervisor.kernel", "/opt/x"),
        ("run.oci.hooks.unheard", "x"),
        ("seccomp-profile.kubernetes.cri-o.io/POD", "quay.io/x/y"),
        ("pod.beta.kubernetes.io/init-containers", "[]"),
        ("io.containers.autoupdate/c", "registry"),
        ("sidecar.istio.io/inject", "true"),
        ("sidecar.istio.io/userVolume", "[]"),
        ("proxy.istio.io/overrides", "{}"),
        ("linkerd.io/inject", "enabled"),
        ("vault.hashicorp.com/agent-inject", "true"),
        ("instrumentation.opentelemetry.io/inject-java", "true"),
        ("image.openshift.io/triggers", "[]"),
        ("keel.sh/policy", "force"),
        ("example.com/own-image", "ghcr.io/x/y:1"),
        ("example.com/ownImage", "x@sha256:abababababababababababababababababababababababababababababababab"),
        ("sidecar.istio.io/futureImage", "ghcr.io/x/y:1"),
        ("example.com/image", "docker://x/y"),
    ] {
        assert!(one(&noted(key, value)).1.is_err(), "{key}");
    }
    for (key, value) in [
        ("io.podman.annotations.ulimit", "x"),
        ("io.podman.annotations.volumes-from/c", "d:ro"),
        ("io.katacontainers.config.hypervisor.cc_init_data", "H4sI"),
        ("io.kubernetes.cri-o.userns-mode", "auto"),
        ("io.containers.autoupdate", "disabled"),
        ("sidecar.istio.io/inject", "false"),
        ("linkerd.io/inject", "disabled"),
        ("sidecar.istio.io/proxyCPU", "100m"),
        ("prometheus.io/scrape", "true"),
        ("kubectl.kubernetes.io/last-applied-configuration", "{\"image\":\"evil.example/x\"}"),
        ("client.knative.dev/user-image", "ghcr.io/x/y:1"),
        ("example.com/image", "note"),
        ("example.com/logo-image", "https://example.com/x.png"),
        ("image", "two words"),
    ] {
        assert_eq!(in_file(&noted(key, value)), [], "{key}");
    }
    let template = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"metadata": {"annotations": {"run.oci.x": "1"}}}}});
    refused(&template, "Deployment/.spec.template.metadata.annotations.run.oci.x", "crun reads");
    let service = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"annotations": {"volume.podman.io/image": EVIL}}});
    assert_eq!(one(&service).1, Ok(EVIL.into()));
    refused(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": ["x"]}}),
        "Pod/.metadata.annotations",
        "expected a mapping",
    );
}

/// A webhook sees a pod after injectors changed it, but before the runtime reads it.
#[test]
fn a_review_checks_the_pod_that_will_be_stored() {
    let review = |key: &str, value: &str| found(&noted(key, value), &[], Stage::Review);
    assert_eq!(review("sidecar.istio.io/inject", "true"), []);
    assert_eq!(review("vault.hashicorp.com/agent-image", EVIL), []);
    assert_eq!(
        review("io.podman.annotations.kube.image.volumes.mount/c", EVIL),
        [(
            "Pod/p.metadata.annotations.io.podman.annotations.kube.image.volumes.mount/c".to_owned(),
            Ok(EVIL.to_owned())
        )]
    );
    assert_eq!(review("io.katacontainers.config.hypervisor.image", "x").len(), 1);
}

#[test]
fn custom_resources_are_read_by_their_kind() {
    let template = json!({"spec": {"containers": [{"name": "c", "image": EVIL}]}});
    for (version, kind, spec, place) in [
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"replicas": 1, "strategy": {"canary": {}}, "template": template}),
            "spec.template.spec.containers[0] c",
        ),
        (
            "argoproj.io/v1alpha1",
            "Workflow",
            json!({"templates": [{"steps": [[{"inline": {"container": {"image": EVIL}}}]]}]}),
            "spec.templates[0].steps[0][0].inline.container",
        ),
        (
            "argoproj.io/v1alpha1",
            "CronWorkflow",
            json!({"workflowSpec": {"templates": [{"script": {"image": EVIL, "source": "x"}}]}}),
            "spec.workflowSpec.templates[0].script",
        ),
        (
            "argoproj.io/v1alpha1",
            "AnalysisTemplate",
            json!({"metrics": [{"provider": {"job": {"spec": {"template": template}}}}]}),
            "spec.metrics[0].provider.job.spec.template.spec.containers[0] c",
        ),
        (
            "serving.knative.dev/v1",
            "Service",
            json!({"template": {"spec": {"containerConcurrency": 1, "containers": [{"image": EVIL}]}}}),
            "spec.template.spec.containers[0]",
        ),
        (
            "tekton.dev/v1",
            "Task",
            json!({"params": [], "steps": [{"name": "s", "image": EVIL, "script": "x"}]}),
            "spec.steps[0] s",
        ),
        ("tekton.dev/v1", "Task", json!({"stepTemplate": {"image": EVIL}}), "spec.stepTemplate"),
        (
            "tekton.dev/v1",
            "PipelineRun",
            json!({"pipelineSpec": {"tasks": [{"taskSpec": {"steps": [{"image": EVIL}]}}]}}),
            "spec.pipelineSpec.tasks[0].taskSpec.steps[0]",
        ),
        ("tekton.dev/v1beta1", "StepAction", json!({"image": EVIL}), "spec.image"),
        (
            "keda.sh/v1alpha1",
            "ScaledJob",
            json!({"triggers": [], "jobTargetRef": {"template": template}}),
            "spec.jobTargetRef.template.spec.containers[0] c",
        ),
        (
            "jobset.x-k8s.io/v1alpha2",
            "JobSet",
            json!({"replicatedJobs": [{"template": {"spec": {"template": template}}}]}),
            "spec.replicatedJobs[0].template.spec.template.spec.containers[0] c",
        ),
        (
            "leaderworkerset.x-k8s.io/v1",
            "LeaderWorkerSet",
            json!({"leaderWorkerTemplate": {"workerTemplate": template}}),
            "spec.leaderWorkerTemplate.workerTemplate.spec.containers[0] c",
        ),
        (
            "kubeflow.org/v1",
            "PyTorchJob",
            json!({"pytorchReplicaSpecs": {"Master": {"template": template}}}),
            "spec.pytorchReplicaSpecs.Master.template.spec.containers[0] c",
        ),
        (
            "ray.io/v1",
            "RayCluster",
            json!({"workerGroupSpecs": [{"template": template}]}),
            "spec.workerGroupSpecs[0].template.spec.containers[0] c",
        ),
        ("apps.kruise.io/v1alpha1", "CloneSet", json!({"template": template}), "spec.template.spec.containers[0] c"),
        (
            "core.strimzi.io/v1beta2",
            "StrimziPodSet",
            json!({"pods": [{"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}]}),
            "spec.pods[0].spec.containers[0] c",
        ),
        (
            "apps.openshift.io/v1",
            "DeploymentConfig",
            json!({"template": template, "triggers": [{"type": "ConfigChange"}]}),
            "spec.template.spec.containers[0] c",
        ),
    ] {
        let document = custom(version, kind, spec);
        assert_eq!(one(&document), (format!("{kind}/c.{place}"), Ok(EVIL.into())), "{document}");
    }
}

#[test]
fn custom_resources_that_refer_elsewhere_are_unknown() {
    for (version, kind, spec, place, words) in [
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"workloadRef": {"name": "x"}}),
            "spec.workloadRef",
            "not in this object",
        ),
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            json!({"strategy": {"image": EVIL}}),
            "spec.strategy.image",
            "is not recognised",
        ),
        ("argoproj.io/v1alpha1", "Workflow", json!({"podSpecPatch": "x"}), "spec.podSpecPatch", "patch"),
        (
            "argoproj.io/v1alpha1",
            "Workflow",
            json!({"hooks": {"exit": {"templateRef": {"name": "x"}}}}),
            "spec.hooks.exit.templateRef",
            "not in this object",
        ),
        (
            "tekton.dev/v1",
            "Pipeline",
            json!({"tasks": [{"taskSpec": {"apiVersion": "example.com/v1", "kind": "Own"}}]}),
            "spec.tasks[0].taskSpec.apiVersion",
            "a different controller",
        ),
        (
            "argoproj.io/v1alpha1",
            "Workflow",
            json!({"templates": [{"resource": {"manifest": "x"}}]}),
            "spec.templates[0].resource",
            "creates",
        ),
        (
            "tekton.dev/v1",
            "Task",
            json!({"steps": [{"name": "s", "ref": {"name": "x"}}]}),
            "spec.steps[0] s.ref",
            "not in this object",
        ),
        (
            "tekton.dev/v1",
            "Pipeline",
            json!({"tasks": [{"taskRef": {"name": "x"}}]}),
            "spec.tasks[0].taskRef",
            "not in this object",
        ),
        (
            "apps.openshift.io/v1",
            "DeploymentConfig",
            json!({"triggers": [{"imageChangeParams": {"automatic": true}}]}),
            "spec.triggers[0].imageChangeParams",
            "image stream",
        ),
        ("kyverno.io/v1", "ClusterPolicy", json!({"rules": [{"mutate": {}}]}), "spec.rules[0].mutate", "`serve`"),
        (
            "external-secrets.io/v1",
            "ExternalSecret",
            json!({"target": {"manifest": {"kind": "Deployment"}}}),
            "spec.target.manifest",
            "not a Secret",
        ),
        (
            "gateway.networking.k8s.io/v1",
            "Gateway",
            json!({"infrastructure": {"parametersRef": {"name": "x"}}}),
            "spec.infrastructure.parametersRef",
            "creates pods",
        ),
        (
            "grafana.integreatly.org/v1beta1",
            "GrafanaDashboard",
            json!({"plugins": [{"name": "x"}]}),
            "spec.plugins",
            "plugin",
        ),
        (
            "networking.istio.io/v1",
            "ProxyConfig",
            json!({"image": {"imageType": "x"}}),
            "spec.image",
            "is not recognised",
        ),
        (
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            json!({"sidecars": [{"image": EVIL}]}),
            "spec.sidecars",
            "may define containers",
        ),
        (
            "cert-manager.io/v1",
            "Certificate",
            json!({"any": ["x@sha256:00"]}),
            "spec.any[0]",
            "an image or an OCI artifact",
        ),
    ] {
        refused(&custom(version, kind, spec), &format!("{kind}/c.{place}"), words);
    }
    for (version, kind) in [
        ("argoproj.io/v1alpha1", "Application"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
        ("extensions.istio.io/v1alpha1", "WasmPlugin"),
        ("networking.istio.io/v1alpha3", "EnvoyFilter"),
        ("install.istio.io/v1alpha1", "IstioOperator"),
        ("kafka.strimzi.io/v1beta2", "Kafka"),
        ("monitoring.coreos.com/v1", "Prometheus"),
        ("postgresql.cnpg.io/v1", "Cluster"),
    ] {
        refused(
            &custom(version, kind, json!({})),
            &format!("{kind}/c"),
            &format!("an object of the kind {kind} is not read: it"),
        );
    }
}

#[test]
fn custom_resources_that_run_nothing_have_no_images() {
    for (version, kind, spec) in [
        ("cert-manager.io/v1", "Certificate", json!({"secretName": "x", "dnsNames": ["a.example"]})),
        (
            "cert-manager.io/v1",
            "ClusterIssuer",
            json!({"acme": {"solvers": [{"http01": {"ingress": {"podTemplate": {"spec": {"nodeSelector": {}}}}}}]}}),
        ),
        ("monitoring.coreos.com/v1", "ServiceMonitor", json!({"selector": {}, "endpoints": [{"port": "http"}]})),
        (
            "monitoring.coreos.com/v1",
            "PrometheusRule",
            json!({"groups": [{"rules": [{"expr": "container_image{image=\"x\"}"}]}]}),
        ),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", json!({"rules": []})),
        ("gateway.networking.k8s.io/v1", "Gateway", json!({"gatewayClassName": "x", "listeners": [{"name": "http"}]})),
        ("networking.istio.io/v1", "VirtualService", json!({"hosts": []})),
        ("traefik.io/v1alpha1", "IngressRoute", json!({"routes": []})),
        ("external-secrets.io/v1", "ExternalSecret", json!({"target": {"name": "x", "template": {"data": {}}}})),
        ("bitnami.com/v1alpha1", "SealedSecret", json!({"encryptedData": {"image": null}})),
        (
            "kyverno.io/v1",
            "ClusterPolicy",
            json!({"rules": [{"validate": {"pattern": {"spec": {"containers": [{"image": "x"}]}}}}]}),
        ),
        (
            "templates.gatekeeper.sh/v1",
            "ConstraintTemplate",
            json!({"crd": {"spec": {"validation": {"openAPIV3Schema": {"properties": {"image": {}}}}}}}),
        ),
        ("velero.io/v1", "Backup", json!({"hooks": {"resources": [{"pre": [{"exec": {"container": "c"}}]}]}})),
        (
            "autoscaling.k8s.io/v1",
            "VerticalPodAutoscaler",
            json!({"resourcePolicy": {"containerPolicies": [{"containerName": "x"}]}}),
        ),
    ] {
        assert_eq!(in_file(&custom(version, kind, spec)), [], "{kind}");
    }
}

#[test]
fn a_listed_kind_covers_only_that_kind() {
    let listed = |spec: Value| found(&custom("example.com/v1", "Widget", spec), &["example.com/Widget"], Stage::File);
    assert_eq!(
        listed(json!({"size": 3, "imagePullPolicy": "Always", "imagePullSecrets": [{"name": "x"}], "images": 3})),
        []
    );
    for (spec, place) in [
        (json!({"image": "x"}), "image"),
        (json!({"image": 3}), "image"),
        (json!({"deep": [{"dockerImage": "x"}]}), "deep[0].dockerImage"),
        (json!({"image": {"repository": "x"}}), "image"),
        (json!({"template": {"spec": {"containers": [{"name": "c"}]}}}), "template.spec.containers"),
        (json!({"initContainers": [{}]}), "initContainers"),
        (json!({"anything": "x@sha256:ab"}), "anything"),
    ] {
        let answer = listed(spec.clone());
        let is_it = answer.iter().any(|(at, image)| *at == format!("Widget/c.spec.{place}") && image.is_err());
        assert!(is_it && answer.len() == 1, "{spec}: {answer:?}");
    }
    // The group must match too, and annotations are still read.
    assert_eq!(found(&custom("other.example/v1", "Widget", json!({})), &["example.com/Widget"], Stage::File).len(), 1);
    let noted = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"annotations": {"linkerd.io/inject": "enabled"}}});
    assert_eq!(found(&noted, &["example.com/Widget"], Stage::File).len(), 1);
    let list = json!({"apiVersion": "example.com/v1", "kind": "Widget", "items": [pod(json!({"containers": [{"image": EVIL}]}))]});
    assert_eq!(found(&list, &["example.com/Widget"], Stage::File).len(), 1);
}

#[test]
fn built_in_kinds_and_kinds_that_run_something_cannot_be_listed() {
    let add = |entry: &str| KindsWithoutImages::default().add(entry);
    for good in [
        "monitoring.coreos.com/ServiceMonitor",
        "example.com/Widget",
        "x-k8s.io/A1",
        "/Future",
        "apps/Future",
        "acid.zalan.do/own",
    ] {
        assert_eq!(add(good), Ok(()), "{good}");
    }
    for (bad, words) in [
        ("ServiceMonitor", "expected GROUP/Kind"),
        ("monitoring.coreos.com/v1/ServiceMonitor", "without a version"),
        ("v1/ConfigMap", "without a version"),
        ("Example.com/Widget", "expected GROUP/Kind"),
        ("example.com/", "expected GROUP/Kind"),
        ("example.com/*", "expected GROUP/Kind"),
        ("*/Widget", "expected GROUP/Kind"),
        ("", "expected GROUP/Kind"),
        ("/ConfigMap", "a built-in Kubernetes kind"),
        ("apps/Deployment", "a built-in Kubernetes kind"),
        ("admissionregistration.k8s.io/MutatingWebhookConfiguration", "a built-in Kubernetes kind"),
        ("argoproj.io/Application", "contain or fetch images"),
        ("argoproj.io/Rollout", "contain or fetch images"),
        ("kafka.strimzi.io/Kafka", "contain or fetch images"),
        ("hpse.ibm.com/HyperProtectContainerRuntimeVPC", "contain or fetch images"),
    ] {
        assert!(add(bad).is_err_and(|why| why.contains(words)), "{bad}: {:?}", add(bad));
    }
}

/// Tests three results for every row: for an empty object, for an object with a field that may specify an image, and for an object with a
/// pod among its items.
#[test]
fn every_kind_in_the_tables_gives_the_result_of_its_role() {
    for (group, list) in kinds::BUILT_IN.iter().chain(custom::kinds()) {
        for (kind, role) in *list {
            let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
            let answers = |spec: Value| in_file(&custom(&version, kind, spec));
            let (empty, image) = (answers(json!({})), answers(json!({"image": EVIL, "containers": [{"image": EVIL}]})));
            let unknown = |all: &[(String, Result<String, String>)]| all.iter().any(|(_, image)| image.is_err());
            match role {
                Role::Nothing => assert!(empty.is_empty() && image.is_empty(), "{version} {kind}"),
                Role::NothingOfItsOwn => assert!(empty.is_empty() && unknown(&image), "{version} {kind}"),
                Role::Elsewhere(_) => assert!(unknown(&empty) && empty == image, "{version} {kind}"),
                Role::Runs(_) => assert!(!image.is_empty(), "{version} {kind}"),
                Role::Contract(_) => assert!(empty.is_empty() && unknown(&image), "{version} {kind}"),
                Role::RunsAt(outline) if std::ptr::eq(*outline, &raw const custom_templates::NAMES_ONLY) => {
                    assert!(empty.is_empty() && image.is_empty(), "{version} {kind}");
                }
                Role::RunsAt(_) => assert!(empty.is_empty() && !image.is_empty(), "{version} {kind}"),
            }
            let mut list = custom(&version, kind, json!({}));
            list["items"] = json!([pod(json!({"containers": [{"image": EVIL}]}))]);
            let inside = ("items[0].Pod/p.spec.containers[0]".to_owned(), Ok(EVIL.to_owned()));
            assert!(in_file(&list).contains(&inside), "{version} {kind}");
            let known = KindsWithoutImages::default().add(&format!("{group}/{kind}"));
            assert_eq!(known.is_ok(), matches!(role, Role::NothingOfItsOwn), "{version} {kind}: {known:?}");
        }
    }
}

/// Each kind is in the tables exactly once. Otherwise the first entry would hide the second.
#[test]
fn no_kind_is_listed_twice() {
    let mut seen = std::collections::BTreeSet::new();
    for (group, list) in kinds::BUILT_IN.iter().chain(custom::kinds()) {
        for (kind, _) in *list {
            assert!(seen.insert((*group, *kind)), "{group}/{kind}");
            // For a list, the table has the kind of its items, without the suffix `List`.
            assert!(!kind.ends_with("List") || kind.starts_with("API"), "{kind}");
        }
    }
    assert!(seen.len() > 300);
}

const CONTRACT: &str = "env: |\n  type: env\nworkload: |\n  type: workload\n  play:\n    resources:\n    - apiVersion: v1\n      kind: Pod\n      metadata: {name: b}\n      spec: {containers: [{name: b, image: busybox}]}\n";

fn operator(contract: &Value) -> Value {
    json!({"apiVersion": "hpse.ibm.com/v1", "kind": "HyperProtectContainerRuntimeOnPrem", "metadata": {"name": "h"}, "spec": {"contract": contract, "imageURL": "http://images/hpcr.qcow2", "storagePool": "images"}})
}

fn file(documents: &[Value]) -> Workload {
    let text: Vec<String> = documents.iter().map(Value::to_string).collect();
    Workload::read("w", text.join("\n---\n").as_bytes(), &[], &KindsWithoutImages::default(), &Limits::default())
        .unwrap()
}

#[test]
fn a_contract_in_a_resource_is_read_and_checked() {
    let read = file(&[operator(&json!(CONTRACT))]);
    assert_eq!((read.form, read.images.len()), (Form::Kubernetes, 1));
    let used = &read.images[0];
    assert_eq!(
        used.place,
        "HyperProtectContainerRuntimeOnPrem/h.spec.contract: workload.play.resources[0].Pod/b.spec.containers[0] b"
    );
    assert_eq!(used.image.as_ref().unwrap().text, "busybox");
    assert!(read.contract.is_some_and(|contract| contract.workload.is_some()));
    assert_eq!(read.machine.as_deref(), Some("http://images/hpcr.qcow2"));
    // A Service does not count as a second workload.
    let service = json!({"apiVersion": "v1", "kind": "Service"});
    assert!(file(&[operator(&json!(CONTRACT)), service]).contract.is_some());
    for contract in [
        json!("workload: hyper-protect-basic.a.b\nenv: hyper-protect-basic.a.b\n"),
        json!("a: ["),
        json!("text"),
        json!(7),
        json!({"workload": "x"}),
        json!(CONTRACT.replace("workload: |", "workloads: |")),
    ] {
        let read = file(&[operator(&contract)]);
        assert!(
            !read.images.is_empty() && read.images.iter().all(|used| used.image.is_err()),
            "{contract}: {:?}",
            read.images
        );
    }
}

/// A contract's signature and keys cover only its own images.
#[test]
fn a_contract_in_a_resource_must_be_the_only_workload() {
    let good = pod(json!({"containers": [{"name": "c", "image": "good"}]}));
    for documents in [
        vec![good.clone(), operator(&json!(CONTRACT))],
        vec![operator(&json!(CONTRACT)), operator(&json!(CONTRACT))],
        vec![operator(&json!(CONTRACT)), good],
    ] {
        let read = file(&documents);
        assert!(read.contract.is_none());
        assert!(
            read.images
                .iter()
                .any(|used| used.image.as_ref().is_err_and(|why| why.contains("must be the only workload")))
        );
    }
    // podman ignores such a resource; this reader does not.
    let nested = operator(&json!(CONTRACT)).to_string();
    let contract =
        format!("env: |\n  type: env\nworkload: |\n  type: workload\n  play:\n    resources:\n    - {nested}\n");
    let read =
        Workload::read("w", contract.as_bytes(), &[], &KindsWithoutImages::default(), &Limits::default()).unwrap();
    assert!(read.images.iter().all(|used| used.image.is_err()) && !read.images.is_empty());
}

/// Annotations that a controller copies to its pods are checked as if they were on the pods. Strings that Ray reads can start images and fetch
/// code.
#[test]
fn annotations_and_strings_passed_to_pods_are_read() {
    let inject = json!({"vault.hashicorp.com/agent-inject": "true"});
    let rollout = custom(
        "argoproj.io/v1alpha1",
        "Rollout",
        json!({"strategy": {"canary": {"canaryMetadata": {"annotations": inject}}}, "template": {"spec": {"containers": [{"name": "c", "image": "a"}]}}}),
    );
    assert!(in_file(&rollout).iter().any(|(_, image)| image.as_ref().is_err_and(|why| why.contains("Vault"))));
    let job = custom(
        "ray.io/v1",
        "RayJob",
        json!({"entrypoint": "python a.py", "runtimeEnvYAML": "image_uri: docker.io/evil/x:latest", "rayClusterSpec": {"headGroupSpec": {"template": {"spec": {"containers": [{"name": "c", "image": "a"}]}}}}}),
    );
    assert!(
        in_file(&job).iter().any(|(_, image)| image.as_ref().is_err_and(|why| why.contains("Ray"))),
        "{:?}",
        in_file(&job)
    );
}
