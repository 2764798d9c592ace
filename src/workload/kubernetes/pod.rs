//! The components of a pod, as tables: Kubernetes' OpenAPI, v1.25 to v1.37 (PyPI `kubernetes-validate` 1.37.0, 2026-11-28). A test walks the
//! package's schemas and checks that every key of a pod spec, a container and a volume is in these tables.

use serde_json::Value;

use super::super::table::{
    Meaning::{Harmless, Image, List, Mapping, Runs, Special},
    Table,
};
use super::super::{Images, below, kind_of};
use super::ADVICE;
use super::annotations::metadata;
use super::look::{looks_like_an_image, through};

/// `PodTemplateSpec`.
pub(super) static POD_TEMPLATE: Table = Table {
    name: "a pod template",
    keys: &[("metadata", Special(metadata)), ("spec", Mapping(&POD_SPEC))],
    extensions: &[],
    advice: ADVICE,
};

/// `PodSpec`.
pub(super) static POD_SPEC: Table = Table {
    name: "a pod",
    keys: &[
        ("activeDeadlineSeconds", Harmless),
        ("affinity", Harmless),
        ("automountServiceAccountToken", Harmless),
        ("containers", Special(containers)),
        ("dnsConfig", Harmless),
        ("dnsPolicy", Harmless),
        ("enableServiceLinks", Harmless),
        ("ephemeralContainers", Special(containers)),
        ("evictionResponders", Harmless),
        ("hostAliases", Harmless),
        ("hostIPC", Harmless),
        ("hostNetwork", Harmless),
        ("hostPID", Harmless),
        ("hostUsers", Harmless),
        ("hostname", Harmless),
        ("hostnameOverride", Harmless),
        ("imagePullSecrets", Harmless),
        ("initContainers", Special(containers)),
        ("nodeName", Harmless),
        ("nodeSelector", Harmless),
        ("os", Harmless),
        ("overhead", Harmless),
        ("preemptionPolicy", Harmless),
        ("priority", Harmless),
        ("priorityClassName", Harmless),
        ("readinessGates", Harmless),
        ("resourceClaims", Harmless),
        ("resources", Harmless),
        ("restartPolicy", Harmless),
        // This key determines how a node runs the same images.
        ("runtimeClassName", Harmless),
        ("schedulerName", Harmless),
        ("schedulingGates", Harmless),
        ("schedulingGroup", Harmless),
        ("securityContext", Harmless),
        ("serviceAccount", Harmless),
        ("serviceAccountName", Harmless),
        ("setHostnameAsFQDN", Harmless),
        ("shareProcessNamespace", Harmless),
        ("subdomain", Harmless),
        ("terminationGracePeriodSeconds", Harmless),
        ("tolerations", Harmless),
        ("topologySpreadConstraints", Harmless),
        ("volumes", List(&VOLUME)),
        // v1.35 only.
        ("workloadRef", Harmless),
    ],
    extensions: &[],
    advice: ADVICE,
};

/// `Container` and `EphemeralContainer`.
pub(super) static CONTAINER: Table = Table {
    name: "a container",
    keys: &[
        ("args", Harmless),
        ("command", Harmless),
        ("env", Harmless),
        ("envFrom", Harmless),
        ("image", Image),
        ("imagePullPolicy", Harmless),
        // The commands of `lifecycle` run in the container's own image.
        ("lifecycle", Harmless),
        ("livenessProbe", Harmless),
        ("name", Harmless),
        ("ports", Harmless),
        ("readinessProbe", Harmless),
        ("resizePolicy", Harmless),
        ("resources", Harmless),
        ("restartPolicy", Harmless),
        ("restartPolicyRules", Harmless),
        ("securityContext", Harmless),
        ("startupProbe", Harmless),
        ("stdin", Harmless),
        ("stdinOnce", Harmless),
        // EphemeralContainer only.
        ("targetContainerName", Harmless),
        ("terminationMessagePath", Harmless),
        ("terminationMessagePolicy", Harmless),
        ("tty", Harmless),
        ("volumeDevices", Harmless),
        ("volumeMounts", Harmless),
        ("workingDir", Harmless),
    ],
    extensions: &[],
    advice: ADVICE,
};

/// `Volume`.
pub(super) static VOLUME: Table = Table {
    name: "a volume",
    keys: &[
        ("awsElasticBlockStore", Harmless),
        ("azureDisk", Harmless),
        ("azureFile", Harmless),
        ("cephfs", Harmless),
        ("cinder", Harmless),
        ("configMap", Harmless),
        ("csi", Special(csi)),
        ("downwardAPI", Harmless),
        ("emptyDir", Harmless),
        ("ephemeral", Mapping(&EPHEMERAL)),
        ("fc", Harmless),
        ("flexVolume", Special(flex_volume)),
        ("flocker", Harmless),
        ("gcePersistentDisk", Harmless),
        ("gitRepo", Runs("a gitRepo volume clones a repository with its hooks, and no image digest pins this content")),
        ("glusterfs", Harmless),
        ("hostPath", Harmless),
        ("image", Special(image_volume)),
        ("iscsi", Harmless),
        ("name", Harmless),
        ("nfs", Harmless),
        ("persistentVolumeClaim", Harmless),
        ("photonPersistentDisk", Harmless),
        ("portworxVolume", Harmless),
        ("projected", Harmless),
        ("quobyte", Harmless),
        // The field `image` of this volume is a Ceph block device.
        ("rbd", Harmless),
        ("scaleIO", Harmless),
        ("secret", Harmless),
        ("storageos", Harmless),
        ("vsphereVolume", Harmless),
    ],
    extensions: &[],
    advice: ADVICE,
};

/// `EphemeralVolumeSource`.
static EPHEMERAL: Table = Table {
    name: "an ephemeral volume",
    keys: &[("volumeClaimTemplate", Mapping(&CLAIM))],
    extensions: &[],
    advice: ADVICE,
};

/// `PersistentVolumeClaimTemplate`, and `PersistentVolumeClaim` used as a template.
pub(super) static CLAIM: Table = Table {
    name: "a volume claim",
    keys: &[
        ("apiVersion", Harmless),
        ("kind", Harmless),
        ("metadata", Special(metadata)),
        ("spec", Harmless),
        ("status", Harmless),
    ],
    extensions: &[],
    advice: ADVICE,
};

/// `ImageVolumeSource`.
static IMAGE_VOLUME: Table = Table {
    name: "an image volume",
    keys: &[("pullPolicy", Harmless), ("reference", Image)],
    extensions: &[],
    advice: ADVICE,
};

/// CSI drivers whose volumes are images or artifacts from registries: csi-driver-image, warm-metal/container-image-csi-driver, Kubernetes' own
/// sample and modelpack/model-csi-driver.
const IMAGE_DRIVERS: [&str; 5] = [
    "csi-image.warm-metal.tech",
    "container-image.csi.k8s.io",
    "image.csi.k8s.io",
    "model.csi.modelpack.org",
    "csi.modelpack.org",
];

/// A list of containers.
pub(super) fn containers(value: &Value, place: &str, images: &mut Images) {
    containers_with(&NOTHING_MORE, value, place, images);
}

/// A list of containers that may also have the keys of `more`.
pub(super) fn containers_with(more: &Table, value: &Value, place: &str, images: &mut Images) {
    match value {
        Value::Null => {}
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                container_with(more, item, &format!("{place}[{at}]"), images);
            }
        }
        other => images.unknown(place, format!("expected a list of containers, found {}", kind_of(other))),
    }
}

/// One container that may also have the keys of `more`.
pub(super) fn container_with(more: &Table, value: &Value, place: &str, images: &mut Images) {
    let Value::Object(fields) = value else {
        images.unknown(place, format!("expected a container, found {}", kind_of(value)));
        return;
    };
    let place = match fields.get("name").and_then(Value::as_str) {
        Some(name) => format!("{place} {name}"),
        None => place.to_owned(),
    };
    if fields.get("image").is_none_or(Value::is_null) {
        images.unknown(&place, "the container has no image, so the image must be set outside this file");
    }
    let mut fields = fields.clone();
    for (key, meaning) in more.keys {
        if let Some(value) = fields.remove(*key) {
            meaning.read(key, &value, &below(&place, key), images);
        }
    }
    CONTAINER.read_fields(&fields, &place, images);
}

static NOTHING_MORE: Table = Table { name: "a container", keys: &[], extensions: &[], advice: ADVICE };

fn image_volume(value: &Value, place: &str, images: &mut Images) {
    if value.get("reference").is_none_or(Value::is_null) {
        images.unknown(place, "the image volume has no reference, so the image must be set outside this file");
    }
    IMAGE_VOLUME.read(value, place, images);
}

/// `CSIVolumeSource` and `CSIPersistentVolumeSource`. The driver defines what the attributes mean.
pub(super) fn csi(value: &Value, place: &str, images: &mut Images) {
    let Value::Object(fields) = value else {
        images.unknown(place, format!("expected a mapping, found {}", kind_of(value)));
        return;
    };
    let driver = fields.get("driver").and_then(Value::as_str).unwrap_or_default();
    if IMAGE_DRIVERS.contains(&driver) {
        let why = format!("the driver {driver} mounts an image: use a volume of type `image`");
        images.unknown(place, why);
    }
    for (key, attribute) in fields.get("volumeAttributes").and_then(Value::as_object).into_iter().flatten() {
        if looks_like_an_image(key) && !attribute.is_null() {
            let place = format!("{place}.volumeAttributes.{key}");
            images.unknown(place, format!("the driver {driver} may mount an image: use a volume of type `image`"));
        }
    }
}

/// A driver installed on the node. The data that the driver's options refer to is unknown.
fn flex_volume(value: &Value, place: &str, images: &mut Images) {
    through("", value, place, "a driver on the node may mount an image: use a different volume", images);
}
