//! Kinds of resources for observability, scaling, policies, jobs and machines.

use super::super::custom_templates as has;
use super::super::kinds::{
    Group,
    Role::{Elsewhere, NothingOfItsOwn as Nothing, RunsAt},
};
use super::{APPLIED, CHOSEN, CREATES, MACHINE, PACKAGE};

pub(super) static KINDS: &[Group] = &[
    // Prometheus' operator.
    (
        "monitoring.coreos.com",
        &[
            ("Alertmanager", Elsewhere(CHOSEN)),
            ("AlertmanagerConfig", Nothing),
            ("PodMonitor", Nothing),
            ("Probe", Nothing),
            ("Prometheus", Elsewhere(CHOSEN)),
            ("PrometheusAgent", Elsewhere(CHOSEN)),
            ("PrometheusRule", Nothing),
            ("ScrapeConfig", Nothing),
            ("ServiceMonitor", Nothing),
            ("ThanosRuler", Elsewhere(CHOSEN)),
        ],
    ),
    // Observability.
    (
        "grafana.integreatly.org",
        &[
            ("Grafana", Elsewhere(CHOSEN)),
            ("GrafanaAlertRuleGroup", Nothing),
            ("GrafanaContactPoint", Nothing),
            ("GrafanaDashboard", RunsAt(&has::GRAFANA_CONTENT)),
            ("GrafanaDatasource", RunsAt(&has::GRAFANA_CONTENT)),
            ("GrafanaFolder", Nothing),
            ("GrafanaLibraryPanel", RunsAt(&has::GRAFANA_CONTENT)),
            ("GrafanaMuteTiming", Nothing),
            ("GrafanaNotificationPolicy", Nothing),
            ("GrafanaNotificationTemplate", Nothing),
        ],
    ),
    (
        "operator.victoriametrics.com",
        &[
            ("VMAgent", Elsewhere(CHOSEN)),
            ("VMAlert", Elsewhere(CHOSEN)),
            ("VMAlertmanager", Elsewhere(CHOSEN)),
            ("VMAlertmanagerConfig", Nothing),
            ("VMAuth", Elsewhere(CHOSEN)),
            ("VMCluster", Elsewhere(CHOSEN)),
            ("VMNodeScrape", Nothing),
            ("VMPodScrape", Nothing),
            ("VMProbe", Nothing),
            ("VMRule", Nothing),
            ("VMScrapeConfig", Nothing),
            ("VMServiceScrape", Nothing),
            ("VMSingle", Elsewhere(CHOSEN)),
            ("VMStaticScrape", Nothing),
            ("VMUser", Nothing),
        ],
    ),
    (
        "opentelemetry.io",
        &[
            ("Instrumentation", Elsewhere(CHOSEN)),
            ("OpAMPBridge", Elsewhere(CHOSEN)),
            ("OpenTelemetryCollector", Elsewhere(CHOSEN)),
            ("TargetAllocator", Elsewhere(CHOSEN)),
        ],
    ),
    ("jaegertracing.io", &[("Jaeger", Elsewhere(CHOSEN))]),
    (
        "logging.banzaicloud.io",
        &[
            ("ClusterFlow", Nothing),
            ("ClusterOutput", Nothing),
            ("Flow", Nothing),
            ("FluentbitAgent", Elsewhere(CHOSEN)),
            ("FluentdConfig", Elsewhere(CHOSEN)),
            ("Logging", Elsewhere(CHOSEN)),
            ("Output", Nothing),
        ],
    ),
    (
        "wgpolicyk8s.io",
        &[("ClusterPolicyReport", RunsAt(&has::NAMES_ONLY)), ("PolicyReport", RunsAt(&has::NAMES_ONLY))],
    ),
    // Scaling and scheduling.
    (
        "keda.sh",
        &[
            ("CloudEventSource", Nothing),
            ("ClusterTriggerAuthentication", Nothing),
            ("ScaledJob", RunsAt(&has::SCALED_JOB)),
            ("ScaledObject", Nothing),
            ("TriggerAuthentication", Nothing),
        ],
    ),
    ("autoscaling.k8s.io", &[("VerticalPodAutoscaler", Nothing), ("VerticalPodAutoscalerCheckpoint", Nothing)]),
    ("karpenter.sh", &[("NodeClaim", Nothing), ("NodePool", Nothing)]),
    ("karpenter.k8s.aws", &[("EC2NodeClass", Elsewhere(MACHINE))]),
    (
        "kueue.x-k8s.io",
        &[
            ("AdmissionCheck", Nothing),
            ("ClusterQueue", Nothing),
            ("Cohort", Nothing),
            ("LocalQueue", Nothing),
            ("ResourceFlavor", Nothing),
            ("WorkloadPriorityClass", Nothing),
        ],
    ),
    ("jobset.x-k8s.io", &[("JobSet", RunsAt(&has::JOB_SET))]),
    ("leaderworkerset.x-k8s.io", &[("LeaderWorkerSet", RunsAt(&has::LEADER_WORKER_SET))]),
    (
        "apps.kruise.io",
        &[
            ("BroadcastJob", RunsAt(&has::TEMPLATE)),
            ("CloneSet", RunsAt(&has::KRUISE_STATEFUL_SET)),
            ("DaemonSet", RunsAt(&has::TEMPLATE)),
            ("SidecarSet", Elsewhere(CREATES)),
            ("StatefulSet", RunsAt(&has::KRUISE_STATEFUL_SET)),
        ],
    ),
    ("flagger.app", &[("AlertProvider", Nothing), ("Canary", Nothing), ("MetricTemplate", Nothing)]),
    // Policies.
    (
        "kyverno.io",
        &[
            ("CleanupPolicy", RunsAt(&has::NAMES_ONLY)),
            ("ClusterCleanupPolicy", RunsAt(&has::NAMES_ONLY)),
            ("ClusterPolicy", RunsAt(&has::KYVERNO)),
            ("Policy", RunsAt(&has::KYVERNO)),
            ("PolicyException", RunsAt(&has::NAMES_ONLY)),
        ],
    ),
    (
        "policies.kyverno.io",
        &[
            ("DeletingPolicy", RunsAt(&has::NAMES_ONLY)),
            ("GeneratingPolicy", Elsewhere(CREATES)),
            ("ImageValidatingPolicy", RunsAt(&has::NAMES_ONLY)),
            ("MutatingPolicy", Elsewhere(CREATES)),
            ("PolicyException", RunsAt(&has::NAMES_ONLY)),
            ("ValidatingPolicy", RunsAt(&has::NAMES_ONLY)),
        ],
    ),
    ("policy.sigstore.dev", &[("ClusterImagePolicy", RunsAt(&has::NAMES_ONLY)), ("TrustRoot", Nothing)]),
    ("appstudio.redhat.com", &[("EnterpriseContractPolicy", RunsAt(&has::NAMES_ONLY))]),
    ("templates.gatekeeper.sh", &[("ConstraintTemplate", RunsAt(&has::NAMES_ONLY))]),
    ("config.gatekeeper.sh", &[("Config", Nothing)]),
    (
        "mutations.gatekeeper.sh",
        &[
            ("Assign", Elsewhere(CREATES)),
            ("AssignImage", Elsewhere(CREATES)),
            ("AssignMetadata", Elsewhere(CREATES)),
            ("ModifySet", Elsewhere(CREATES)),
        ],
    ),
    // Jobs and models.
    (
        "kubeflow.org",
        &[
            ("JAXJob", RunsAt(&has::REPLICA_SPECS)),
            ("MPIJob", RunsAt(&has::REPLICA_SPECS)),
            ("Notebook", RunsAt(&has::TEMPLATE)),
            ("PaddleJob", RunsAt(&has::REPLICA_SPECS)),
            ("PodDefault", Elsewhere(CREATES)),
            ("PyTorchJob", RunsAt(&has::REPLICA_SPECS)),
            ("TFJob", RunsAt(&has::REPLICA_SPECS)),
            ("XGBoostJob", RunsAt(&has::REPLICA_SPECS)),
        ],
    ),
    (
        "ray.io",
        &[
            ("RayCluster", RunsAt(&has::RAY_CLUSTER)),
            ("RayJob", RunsAt(&has::RAY_JOB)),
            ("RayService", RunsAt(&has::RAY_JOB)),
        ],
    ),
    (
        "sparkoperator.k8s.io",
        &[("ScheduledSparkApplication", Elsewhere(CHOSEN)), ("SparkApplication", Elsewhere(CHOSEN))],
    ),
    ("flink.apache.org", &[("FlinkDeployment", Elsewhere(CHOSEN)), ("FlinkSessionJob", Elsewhere(APPLIED))]),
    ("serving.kserve.io", &[("InferenceService", Elsewhere(CHOSEN)), ("ServingRuntime", Elsewhere(CHOSEN))]),
    ("actions.github.com", &[("AutoscalingRunnerSet", Elsewhere(CHOSEN)), ("EphemeralRunner", Elsewhere(CHOSEN))]),
    ("k6.io", &[("TestRun", Elsewhere(CHOSEN))]),
    (
        "dapr.io",
        &[
            ("Component", Nothing),
            ("Configuration", Nothing),
            ("HTTPEndpoint", Nothing),
            ("Resiliency", Nothing),
            ("Subscription", Nothing),
        ],
    ),
    // Machines.
    (
        "kubevirt.io",
        &[
            ("KubeVirt", Elsewhere(PACKAGE)),
            ("VirtualMachine", Elsewhere(MACHINE)),
            ("VirtualMachineInstance", Elsewhere(MACHINE)),
            ("VirtualMachineInstanceReplicaSet", Elsewhere(MACHINE)),
        ],
    ),
    (
        "instancetype.kubevirt.io",
        &[
            ("VirtualMachineClusterInstancetype", Nothing),
            ("VirtualMachineClusterPreference", Nothing),
            ("VirtualMachineInstancetype", Nothing),
            ("VirtualMachinePreference", Nothing),
        ],
    ),
    ("cdi.kubevirt.io", &[("CDI", Elsewhere(PACKAGE)), ("DataVolume", Elsewhere(MACHINE))]),
];
