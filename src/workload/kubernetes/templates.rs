//! Kubernetes' own kinds with a pod template, and the template's position: OpenAPI, v1.25 to v1.37 (PyPI `kubernetes-validate` 1.37.0,
//! 2026-11-28).

use super::super::table::{
    Meaning::{Harmless, List, Mapping, Special},
    Table,
};
use super::ADVICE;
use super::annotations::metadata;
use super::pod::{CLAIM, POD_SPEC, POD_TEMPLATE, containers, csi};

/// A table for one section of a resource.
macro_rules! part {
    ($name:literal, $keys:expr) => {
        Table { name: $name, keys: $keys, extensions: &[], advice: ADVICE }
    };
}

pub(super) static POD: Table = resource!("a Pod", Mapping(&POD_SPEC));
pub(super) static DEPLOYMENT: Table = resource!("a Deployment", Mapping(&DEPLOYMENT_SPEC));
pub(super) static REPLICA_SET: Table = resource!("a ReplicaSet", Mapping(&REPLICA_SET_SPEC));
pub(super) static STATEFUL_SET: Table = resource!("a StatefulSet", Mapping(&STATEFUL_SET_SPEC));
pub(super) static DAEMON_SET: Table = resource!("a DaemonSet", Mapping(&DAEMON_SET_SPEC));
pub(super) static JOB: Table = resource!("a Job", Mapping(&JOB_SPEC));
pub(super) static CRON_JOB: Table = resource!("a CronJob", Mapping(&CRON_JOB_SPEC));
pub(super) static PERSISTENT_VOLUME: Table = resource!("a PersistentVolume", Mapping(&PERSISTENT_VOLUME_SPEC));

pub(super) static POD_TEMPLATE_RESOURCE: Table = part!(
    "a PodTemplate",
    &[
        ("apiVersion", Harmless),
        ("kind", Harmless),
        ("metadata", Special(metadata)),
        ("template", Mapping(&POD_TEMPLATE)),
    ]
);

/// The object that `kubectl debug` sends, instead of the Pod, to API servers before 1.22.
pub(super) static EPHEMERAL_CONTAINERS: Table = part!(
    "an EphemeralContainers",
    &[
        ("apiVersion", Harmless),
        ("kind", Harmless),
        ("metadata", Special(metadata)),
        ("ephemeralContainers", Special(containers)),
    ]
);

/// `data` contains the template of a StatefulSet or DaemonSet, and a rollback restores this template.
pub(super) static CONTROLLER_REVISION: Table = part!(
    "a ControllerRevision",
    &[
        ("apiVersion", Harmless),
        ("data", Mapping(&REVISION_DATA)),
        ("kind", Harmless),
        ("metadata", Special(metadata)),
        ("revision", Harmless),
    ]
);
static REVISION_DATA: Table = part!("the data of a ControllerRevision", &[("spec", Mapping(&REVISION_SPEC))]);
static REVISION_SPEC: Table = part!("the data of a ControllerRevision", &[("template", Mapping(&REVISION_TEMPLATE))]);
static REVISION_TEMPLATE: Table = part!(
    "the data of a ControllerRevision",
    &[("$patch", Harmless), ("metadata", Special(metadata)), ("spec", Mapping(&POD_SPEC))]
);

pub(super) static DEPLOYMENT_SPEC: Table = part!(
    "the spec of a Deployment",
    &[
        ("minReadySeconds", Harmless),
        ("paused", Harmless),
        ("progressDeadlineSeconds", Harmless),
        ("replicas", Harmless),
        ("revisionHistoryLimit", Harmless),
        // extensions/v1beta1, until v1.15.
        ("rollbackTo", Harmless),
        ("selector", Harmless),
        ("strategy", Harmless),
        ("template", Mapping(&POD_TEMPLATE)),
    ]
);

static REPLICA_SET_SPEC: Table = part!(
    "the spec of a ReplicaSet",
    &[
        ("minReadySeconds", Harmless),
        ("replicas", Harmless),
        ("selector", Harmless),
        ("template", Mapping(&POD_TEMPLATE)),
    ]
);

pub(super) static STATEFUL_SET_SPEC: Table = part!(
    "the spec of a StatefulSet",
    &[
        ("minReadySeconds", Harmless),
        ("ordinals", Harmless),
        ("persistentVolumeClaimRetentionPolicy", Harmless),
        ("podManagementPolicy", Harmless),
        ("replicas", Harmless),
        ("revisionHistoryLimit", Harmless),
        ("selector", Harmless),
        ("serviceName", Harmless),
        ("template", Mapping(&POD_TEMPLATE)),
        ("updateStrategy", Harmless),
        ("volumeClaimTemplates", List(&CLAIM)),
    ]
);

pub(super) static DAEMON_SET_SPEC: Table = part!(
    "the spec of a DaemonSet",
    &[
        ("minReadySeconds", Harmless),
        ("revisionHistoryLimit", Harmless),
        ("selector", Harmless),
        ("template", Mapping(&POD_TEMPLATE)),
        // extensions/v1beta1, until v1.15.
        ("templateGeneration", Harmless),
        ("updateStrategy", Harmless),
    ]
);

pub(super) static JOB_SPEC: Table = part!(
    "the spec of a Job",
    &[
        ("activeDeadlineSeconds", Harmless),
        ("backoffLimit", Harmless),
        ("backoffLimitPerIndex", Harmless),
        ("completionMode", Harmless),
        ("completions", Harmless),
        // A different controller may run the job, but the pods still come from this template.
        ("managedBy", Harmless),
        ("manualSelector", Harmless),
        ("maxFailedIndexes", Harmless),
        ("parallelism", Harmless),
        ("podFailurePolicy", Harmless),
        ("podReplacementPolicy", Harmless),
        ("scheduling", Harmless),
        ("selector", Harmless),
        ("successPolicy", Harmless),
        ("suspend", Harmless),
        ("template", Mapping(&POD_TEMPLATE)),
        ("ttlSecondsAfterFinished", Harmless),
    ]
);

static CRON_JOB_SPEC: Table = part!(
    "the spec of a CronJob",
    &[
        ("concurrencyPolicy", Harmless),
        ("failedJobsHistoryLimit", Harmless),
        ("jobTemplate", Mapping(&JOB_TEMPLATE)),
        ("schedule", Harmless),
        ("startingDeadlineSeconds", Harmless),
        ("successfulJobsHistoryLimit", Harmless),
        ("suspend", Harmless),
        ("timeZone", Harmless),
    ]
);
pub(super) static JOB_TEMPLATE: Table =
    part!("a job template", &[("metadata", Special(metadata)), ("spec", Mapping(&JOB_SPEC))]);

static PERSISTENT_VOLUME_SPEC: Table = part!(
    "a volume",
    &[
        ("accessModes", Harmless),
        ("awsElasticBlockStore", Harmless),
        ("azureDisk", Harmless),
        ("azureFile", Harmless),
        ("capacity", Harmless),
        ("cephfs", Harmless),
        ("cinder", Harmless),
        ("claimRef", Harmless),
        ("csi", Special(csi)),
        ("fc", Harmless),
        ("flexVolume", Harmless),
        ("flocker", Harmless),
        ("gcePersistentDisk", Harmless),
        ("glusterfs", Harmless),
        ("hostPath", Harmless),
        ("iscsi", Harmless),
        ("local", Harmless),
        ("mountOptions", Harmless),
        ("nfs", Harmless),
        ("nodeAffinity", Harmless),
        ("persistentVolumeReclaimPolicy", Harmless),
        ("photonPersistentDisk", Harmless),
        ("portworxVolume", Harmless),
        ("quobyte", Harmless),
        ("rbd", Harmless),
        ("scaleIO", Harmless),
        ("storageClassName", Harmless),
        ("storageos", Harmless),
        ("volumeAttributesClassName", Harmless),
        ("volumeMode", Harmless),
        ("vsphereVolume", Harmless),
    ]
);
