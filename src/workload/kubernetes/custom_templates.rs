//! The positions of pod templates in custom resources. Sources: the schemas in datreeio/CRDs-catalog@7b1e26ef (2026-08-20), tektoncd/pipeline,
//! ray-project/kuberay, openkruise/kruise, openshift/api, as of 2026-11-28.

use serde_json::Value;

use super::super::Images;
use super::super::table::{
    Meaning::{Harmless, Image, List, Mapping, Runs, Special},
    Table,
};
use super::annotations::metadata;
use super::outline::{
    Outline,
    Place::{Has, Is},
};
use super::pod::{CLAIM, CONTAINER, POD_TEMPLATE, VOLUME, container_with, containers, containers_with};
use super::templates::{JOB_SPEC, JOB_TEMPLATE, POD};

macro_rules! outline {
    ($keys:expr) => {
        Outline { keys: $keys }
    };
}

const NAMED: &str =
    "it refers to a workload that is not in this object: define the workload's pod template in this object";
const PATCH: &str = "it changes the pods with a patch that is not read: replace the patch with its result";
const FETCHED: &str =
    "it refers to a task or template that is not in this object: define that task or template in this object";
const CHOSEN: &str = "the controller chooses the image of this step: define a container with an image";

/// The spec has a pod template at `template`, and no other known field of the spec runs anything.
pub(super) static TEMPLATE: Outline = outline!(&[("template", Is(Mapping(&POD_TEMPLATE)))]);
/// Knative: its controller adds a proxy next to the containers.
pub(super) static KNATIVE: Outline = outline!(&[("template", Has(&KNATIVE_TEMPLATE))]);
static KNATIVE_TEMPLATE: Outline = outline!(&[("metadata", Is(Special(metadata))), ("spec", Has(&SPEC_OF_POD))]);
/// The spec is a pod spec with additional keys.
pub(super) static SPEC_OF_POD: Outline = outline!(&[
    ("containers", Is(Special(containers))),
    ("initContainers", Is(Special(containers))),
    ("volumes", Is(List(&VOLUME))),
]);

// Argo Rollouts.
pub(super) static ROLLOUT: Outline =
    outline!(&[("template", Is(Mapping(&POD_TEMPLATE))), ("workloadRef", Is(Runs(NAMED))),]);
pub(super) static EXPERIMENT: Outline = outline!(&[("templates", Has(&TEMPLATE))]);
pub(super) static ANALYSIS: Outline = outline!(&[("metrics", Has(&METRIC))]);
static METRIC: Outline = outline!(&[("provider", Has(&PROVIDER))]);
static PROVIDER: Outline = outline!(&[("job", Is(Mapping(&JOB_TEMPLATE)))]);

// Argo Workflows. The Argo controller adds an executor next to each container.
pub(super) static CRON_WORKFLOW: Outline = outline!(&[("workflowSpec", Has(&WORKFLOW))]);
pub(super) static WORKFLOW: Outline = outline!(&[
    ("templates", Has(&WORKFLOW_TEMPLATE)),
    ("templateDefaults", Has(&WORKFLOW_TEMPLATE)),
    ("volumes", Is(List(&VOLUME))),
    ("volumeClaimTemplates", Is(List(&CLAIM))),
    ("podSpecPatch", Is(Runs(PATCH))),
    ("workflowTemplateRef", Is(Runs(FETCHED))),
    ("artifactGC", Has(&WORKFLOW_TEMPLATE)),
    ("hooks", Has(&HOOKS)),
    ("arguments", Is(Harmless)),
]);
static WORKFLOW_TEMPLATE: Outline = outline!(&[
    ("container", Is(Special(step))),
    ("script", Is(Special(step))),
    ("sidecars", Is(Special(steps))),
    ("initContainers", Is(Special(steps))),
    ("containerSet", Has(&CONTAINER_SET)),
    ("volumes", Is(List(&VOLUME))),
    ("podSpecPatch", Is(Runs(PATCH))),
    ("templateRef", Is(Runs(FETCHED))),
    ("steps", Has(&WORKFLOW_STEP)),
    ("dag", Has(&DAG)),
    ("resource", Is(Runs("it creates a resource that is not read: pass that resource itself"))),
    ("data", Is(Runs(CHOSEN))),
    ("http", Is(Runs(CHOSEN))),
    ("plugin", Is(Runs(CHOSEN))),
    ("inputs", Is(Harmless)),
    ("outputs", Is(Harmless)),
    ("archiveLocation", Is(Harmless)),
    ("metadata", Is(Special(metadata))),
]);
static CONTAINER_SET: Outline = outline!(&[("containers", Is(Special(steps)))]);
static DAG: Outline = outline!(&[("tasks", Has(&WORKFLOW_STEP))]);
static HOOKS: Outline = outline!(&[("*", Has(&WORKFLOW_STEP))]);
static WORKFLOW_STEP: Outline = outline!(&[
    ("inline", Has(&WORKFLOW_TEMPLATE)),
    ("templateRef", Is(Runs(FETCHED))),
    ("arguments", Is(Harmless)),
    ("hooks", Has(&HOOKS)),
    ("withItems", Is(Harmless)),
]);

// Tekton. The Tekton controller adds an entry point to each step.
pub(super) static TASK: Outline = outline!(&[
    // A custom task that is written inline in a pipeline.
    (
        "apiVersion",
        Is(Runs(
            "a different controller runs this task, and it is not known what that controller starts: define the steps in this object"
        ))
    ),
    ("steps", Is(Special(steps))),
    ("sidecars", Is(Special(steps))),
    ("stepTemplate", Is(Special(step_template))),
    ("volumes", Is(List(&VOLUME))),
]);
pub(super) static STEP_ACTION: Outline = outline!(&[("image", Is(Image))]);
pub(super) static TASK_RUN: Outline =
    outline!(&[("taskSpec", Has(&TASK)), ("taskRef", Is(Runs(FETCHED))), ("podTemplate", Has(&SPEC_OF_POD)),]);
pub(super) static PIPELINE: Outline = outline!(&[("tasks", Has(&PIPELINE_TASK)), ("finally", Has(&PIPELINE_TASK))]);
static PIPELINE_TASK: Outline = outline!(&[
    ("taskSpec", Has(&TASK)),
    ("taskRef", Is(Runs(FETCHED))),
    ("pipelineSpec", Has(&PIPELINE)),
    ("pipelineRef", Is(Runs(FETCHED))),
]);
pub(super) static PIPELINE_RUN: Outline = outline!(&[
    ("pipelineSpec", Has(&PIPELINE)),
    ("pipelineRef", Is(Runs(FETCHED))),
    ("taskRunTemplate", Has(&TASK_RUN)),
    ("taskRunSpecs", Has(&TASK_RUN)),
    ("podTemplate", Has(&SPEC_OF_POD)),
]);

// The outlines of KEDA, JobSet, LeaderWorkerSet and Kueue's jobs.
pub(super) static SCALED_JOB: Outline = outline!(&[("jobTargetRef", Is(Mapping(&JOB_SPEC)))]);
pub(super) static JOB_SET: Outline = outline!(&[("replicatedJobs", Has(&REPLICATED_JOB))]);
static REPLICATED_JOB: Outline = outline!(&[("template", Is(Mapping(&JOB_TEMPLATE)))]);
pub(super) static LEADER_WORKER_SET: Outline = outline!(&[("leaderWorkerTemplate", Has(&LEADER_WORKER))]);
static LEADER_WORKER: Outline =
    outline!(&[("leaderTemplate", Is(Mapping(&POD_TEMPLATE))), ("workerTemplate", Is(Mapping(&POD_TEMPLATE)))]);

// Kubeflow: `pytorchReplicaSpecs`, `tfReplicaSpecs`, `mpiReplicaSpecs` ..., each keyed by role name.
pub(super) static REPLICA_SPECS: Outline = outline!(&[
    ("jaxReplicaSpecs", Has(&BY_ROLE)),
    ("mpiReplicaSpecs", Has(&BY_ROLE)),
    ("paddleReplicaSpecs", Has(&BY_ROLE)),
    ("pytorchReplicaSpecs", Has(&BY_ROLE)),
    ("tfReplicaSpecs", Has(&BY_ROLE)),
    ("xgbReplicaSpecs", Has(&BY_ROLE)),
]);
static BY_ROLE: Outline = outline!(&[("*", Has(&TEMPLATE))]);

// Ray.
pub(super) static RAY_CLUSTER: Outline = outline!(&[
    ("headGroupSpec", Has(&TEMPLATE)),
    ("workerGroupSpecs", Has(&TEMPLATE)),
    ("autoscalerOptions", Has(&RAY_AUTOSCALER)),
]);
static RAY_AUTOSCALER: Outline = outline!(&[("image", Is(Image))]);
pub(super) static RAY_JOB: Outline = outline!(&[
    ("rayClusterSpec", Has(&RAY_CLUSTER)),
    ("rayClusterConfig", Has(&RAY_CLUSTER)),
    ("submitterPodTemplate", Is(Mapping(&POD_TEMPLATE))),
    ("clusterSelector", Is(Runs(NAMED))),
]);

// OpenKruise.
pub(super) static KRUISE_STATEFUL_SET: Outline =
    outline!(&[("template", Is(Mapping(&POD_TEMPLATE))), ("volumeClaimTemplates", Is(List(&CLAIM))),]);

// Strimzi: complete pods.
pub(super) static POD_SET: Outline = outline!(&[("pods", Is(List(&POD)))]);

// OpenShift.
pub(super) static DEPLOYMENT_CONFIG: Outline =
    outline!(&[("template", Is(Mapping(&POD_TEMPLATE))), ("triggers", Has(&TRIGGER)), ("strategy", Has(&STRATEGY))]);
static TRIGGER: Outline =
    outline!(&[("imageChangeParams", Is(Runs("an image stream replaces the image of the pods: remove this trigger")))]);
static STRATEGY: Outline = outline!(&[("customParams", Is(Mapping(&CONTAINER)))]);

// Kinds with few fields that can run something.
pub(super) static GATEWAY: Outline =
    outline!(&[("infrastructure", Has(&PARAMETERS)), ("parametersRef", Is(Runs(PARAMETERS_TEXT)))]);
static PARAMETERS: Outline = outline!(&[("parametersRef", Is(Runs(PARAMETERS_TEXT)))]);
const PARAMETERS_TEXT: &str = "the object's controller creates pods from these parameters, which may set the image: remove this field or the object";
pub(super) static EXTERNAL_SECRET: Outline =
    outline!(&[("target", Has(&SECRET_TARGET)), ("externalSecretSpec", Has(&EXTERNAL_SECRET))]);
static SECRET_TARGET: Outline = outline!(&[(
    "manifest",
    Is(Runs(
        "it writes data from an external store, which this program does not read, to an object that is not a Secret; remove this field, so that the target is a Secret"
    ))
)]);
pub(super) static GRAFANA_CONTENT: Outline =
    outline!(&[("plugins", Is(Runs("Grafana fetches and runs the plugin: build the plugin into Grafana's image")))]);
/// Kyverno: patterns and conditions refer to images without running them.
pub(super) static KYVERNO: Outline = outline!(&[("rules", Has(&KYVERNO_RULE))]);
static KYVERNO_RULE: Outline = outline!(&[
    (
        "mutate",
        Is(Runs("it changes pods after this file was checked: remove this field, and let `serve` check the pods"))
    ),
    ("generate", Is(Runs("it creates objects that are not read: remove this field"))),
    ("*", Is(Harmless)),
]);
/// These kinds refer to images but run nothing: policies about images, and reports on them.
pub(super) static NAMES_ONLY: Outline = outline!(&[("*", Is(Harmless))]);

/// Additional keys, beyond those of a container, in Tekton's steps and in containers and scripts of Argo Workflows.
static STEP: Table = Table {
    name: "a step",
    keys: &[
        ("computeResources", Harmless),
        ("daemon", Harmless),
        ("dependencies", Harmless),
        ("displayName", Harmless),
        ("mirrorVolumeMounts", Harmless),
        ("onError", Harmless),
        ("params", Harmless),
        ("ref", Runs(FETCHED)),
        ("results", Harmless),
        // Scripts run in the step's own image.
        ("script", Harmless),
        ("source", Harmless),
        ("stderrConfig", Harmless),
        ("stdoutConfig", Harmless),
        ("timeout", Harmless),
        ("when", Harmless),
        ("workspaces", Harmless),
    ],
    extensions: &[],
    advice: "",
};

fn step(value: &Value, place: &str, images: &mut Images) {
    container_with(&STEP, value, place, images);
}

fn steps(value: &Value, place: &str, images: &mut Images) {
    containers_with(&STEP, value, place, images);
}

/// Default fields for every step that does not set them.
fn step_template(value: &Value, place: &str, images: &mut Images) {
    let mut fields = value.clone();
    if let Value::Object(fields) = &mut fields {
        fields.retain(|key, _| STEP.meaning(key).is_none());
    }
    CONTAINER.read(&fields, place, images);
}
