//! Every kind in the tables, by group, with what an object of that kind runs.

use super::super::table::Table;
use super::custom;
use super::outline::Outline;
use super::templates as has;

/// What an object of a kind runs.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// The object runs nothing; only its annotations are checked.
    Nothing,
    /// Nothing. Nevertheless, a field that may specify an image is reported as unknown, because Kubernetes does not
    /// define the schema.
    NothingOfItsOwn,
    /// The object runs the pods of its templates.
    Runs(&'static Table),
    /// The object runs the pods of its templates. Any other field that may specify an image is reported as unknown.
    RunsAt(&'static Outline),
    /// The object runs software that no image name in the file identifies. The string describes this software and
    /// contains advice.
    Elsewhere(&'static str),
    /// The object runs the contract that it contains (IBM Hyper Protect).
    Contract(&'static Table),
}
use Role::{Elsewhere, Nothing, Runs};

/// The kinds of one group.
pub(super) type Group = (&'static str, &'static [(&'static str, Role)]);

const CHANGES_PODS: &str =
    "it changes pods after this file was checked: remove the object, and let `serve` check the pods after the change";
const MESSAGE: &str = "it is an API server message, not a manifest: pass the object itself";

/// Kubernetes' own kinds: its OpenAPI, v1.25 to v1.37 (PyPI `kubernetes-validate` 1.37.0, 2026-11-28), and the kinds of earlier versions. All
/// versions of a group are treated alike. Lists are read according to the kind of their items.
pub(super) static BUILT_IN: &[Group] = &[
    (
        "",
        &[
            ("APIGroup", Nothing),
            ("APIGroupList", Nothing),
            ("APIResourceList", Nothing),
            ("APIVersions", Nothing),
            ("Binding", Nothing),
            ("ComponentStatus", Nothing),
            ("ConfigMap", Nothing),
            ("Endpoints", Nothing),
            ("EphemeralContainers", Runs(&has::EPHEMERAL_CONTAINERS)),
            ("Event", Nothing),
            ("LimitRange", Nothing),
            ("Namespace", Nothing),
            ("Node", Nothing),
            ("PersistentVolume", Runs(&has::PERSISTENT_VOLUME)),
            ("PersistentVolumeClaim", Nothing),
            ("Pod", Runs(&has::POD)),
            ("PodTemplate", Runs(&has::POD_TEMPLATE_RESOURCE)),
            ("ReplicationController", Runs(&has::REPLICA_SET)),
            ("ResourceQuota", Nothing),
            ("Secret", Nothing),
            ("Service", Nothing),
            ("ServiceAccount", Nothing),
            ("Status", Nothing),
        ],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            ("MutatingAdmissionPolicy", Elsewhere(CHANGES_PODS)),
            ("MutatingAdmissionPolicyBinding", Elsewhere(CHANGES_PODS)),
            ("MutatingWebhookConfiguration", Elsewhere(CHANGES_PODS)),
            // These kinds only decide whether an object may be stored.
            ("ValidatingAdmissionPolicy", Nothing),
            ("ValidatingAdmissionPolicyBinding", Nothing),
            ("ValidatingWebhookConfiguration", Nothing),
        ],
    ),
    // A conversion webhook rewrites only objects of the kind that this object defines. A workload file never shows what the controller of the new
    // kind does.
    ("apiextensions.k8s.io", &[("CustomResourceDefinition", Nothing)]),
    ("apiregistration.k8s.io", &[("APIService", Nothing)]),
    (
        "apps",
        &[
            ("ControllerRevision", Runs(&has::CONTROLLER_REVISION)),
            ("DaemonSet", Runs(&has::DAEMON_SET)),
            ("Deployment", Runs(&has::DEPLOYMENT)),
            ("ReplicaSet", Runs(&has::REPLICA_SET)),
            ("Scale", Nothing),
            ("StatefulSet", Runs(&has::STATEFUL_SET)),
        ],
    ),
    ("authentication.k8s.io", &[("SelfSubjectReview", Nothing), ("TokenRequest", Nothing), ("TokenReview", Nothing)]),
    (
        "authorization.k8s.io",
        &[
            ("LocalSubjectAccessReview", Nothing),
            ("SelfSubjectAccessReview", Nothing),
            ("SelfSubjectRulesReview", Nothing),
            ("SubjectAccessReview", Nothing),
        ],
    ),
    ("autoscaling", &[("HorizontalPodAutoscaler", Nothing), ("Scale", Nothing)]),
    ("batch", &[("CronJob", Runs(&has::CRON_JOB)), ("Job", Runs(&has::JOB))]),
    (
        "certificates.k8s.io",
        &[("CertificateSigningRequest", Nothing), ("ClusterTrustBundle", Nothing), ("PodCertificateRequest", Nothing)],
    ),
    ("coordination.k8s.io", &[("Lease", Nothing), ("LeaseCandidate", Nothing)]),
    ("discovery.k8s.io", &[("EndpointSlice", Nothing)]),
    ("events.k8s.io", &[("Event", Nothing)]),
    // Some of these kinds existed until v1.15, others until v1.21.
    (
        "extensions",
        &[
            ("DaemonSet", Runs(&has::DAEMON_SET)),
            ("Deployment", Runs(&has::DEPLOYMENT)),
            ("Ingress", Nothing),
            ("NetworkPolicy", Nothing),
            ("PodSecurityPolicy", Nothing),
            ("ReplicaSet", Runs(&has::REPLICA_SET)),
            ("Scale", Nothing),
        ],
    ),
    ("flowcontrol.apiserver.k8s.io", &[("FlowSchema", Nothing), ("PriorityLevelConfiguration", Nothing)]),
    ("internal.apiserver.k8s.io", &[("StorageVersion", Nothing)]),
    ("lifecycle.k8s.io", &[("Eviction", Nothing), ("EvictionRequest", Nothing)]),
    (
        "networking.k8s.io",
        &[
            ("ClusterCIDR", Nothing),
            ("IPAddress", Nothing),
            ("Ingress", Nothing),
            ("IngressClass", Nothing),
            ("NetworkPolicy", Nothing),
            ("ServiceCIDR", Nothing),
        ],
    ),
    // The object refers to a container runtime configuration that is already installed on the node.
    ("node.k8s.io", &[("RuntimeClass", Nothing)]),
    ("policy", &[("Eviction", Nothing), ("PodDisruptionBudget", Nothing), ("PodSecurityPolicy", Nothing)]),
    (
        "rbac.authorization.k8s.io",
        &[("ClusterRole", Nothing), ("ClusterRoleBinding", Nothing), ("Role", Nothing), ("RoleBinding", Nothing)],
    ),
    (
        "resource.k8s.io",
        &[
            ("DeviceClass", Nothing),
            ("DeviceTaintRule", Nothing),
            ("PodScheduling", Nothing),
            ("PodSchedulingContext", Nothing),
            ("ResourceClaim", Nothing),
            ("ResourceClaimParameters", Nothing),
            ("ResourceClaimTemplate", Nothing),
            ("ResourceClass", Nothing),
            ("ResourceClassParameters", Nothing),
            ("ResourcePoolStatusRequest", Nothing),
            ("ResourceSlice", Nothing),
            ("Status", Nothing),
        ],
    ),
    (
        "scheduling.k8s.io",
        &[("CompositePodGroup", Nothing), ("PodGroup", Nothing), ("PriorityClass", Nothing), ("Workload", Nothing)],
    ),
    ("settings.k8s.io", &[("PodPreset", Elsewhere(CHANGES_PODS))]),
    (
        "storage.k8s.io",
        &[
            ("CSIDriver", Nothing),
            ("CSINode", Nothing),
            ("CSIStorageCapacity", Nothing),
            ("StorageClass", Nothing),
            ("VolumeAttachment", Nothing),
            ("VolumeAttributesClass", Nothing),
        ],
    ),
    ("storagemigration.k8s.io", &[("StorageVersionMigration", Nothing)]),
];

/// Kinds that exist in each of Kubernetes' own groups.
static OF_ANY_GROUP: &[(&str, Role)] = &[("DeleteOptions", Nothing), ("WatchEvent", Elsewhere(MESSAGE))];
/// Groups that contain only the kinds of [`OF_ANY_GROUP`].
const FURTHER_GROUPS: [&str; 2] = ["admission.k8s.io", "imagepolicy.k8s.io"];

/// What an object runs; `None` for a kind that is not in any table.
pub(super) fn role(group: &str, kind: &str) -> Option<Role> {
    built_in(group, kind).or_else(|| find(custom::kinds(), group, kind))
}

/// Like [`role`], but only for Kubernetes' own kinds.
pub(super) fn built_in(group: &str, kind: &str) -> Option<Role> {
    let is_own = FURTHER_GROUPS.contains(&group) || BUILT_IN.iter().any(|(name, _)| *name == group);
    let of_any = || OF_ANY_GROUP.iter().find(|(name, _)| is_own && *name == kind).map(|(_, role)| *role);
    find(BUILT_IN.iter(), group, kind).or_else(of_any)
}

/// The group of one of Kubernetes' own kinds, for resources without `apiVersion`, of which podman reads only the kind.
pub(super) fn group_of(kind: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(_, kinds)| kinds.iter().any(|(name, _)| *name == kind)).map(|(group, _)| *group)
}

fn find(groups: impl Iterator<Item = &'static Group>, group: &str, kind: &str) -> Option<Role> {
    let mut of_group = groups.filter(|(name, _)| *name == group).flat_map(|(_, kinds)| kinds.iter());
    of_group.find(|(name, _)| *name == kind).map(|(_, role)| *role)
}
