//! Kinds of the most used operators, one by one: what an object of each runs. Never by group: an operator's next kind may run anything.
//!
//! Sources, as of 2026-11-28: the schemas in datreeio/CRDs-catalog@7b1e26ef (2026-08-20), of which each kind listed as running nothing was
//! looked through for fields that name images or hold containers; and the documentation of each operator. A kind that is not here is the
//! owner's to list: the policy's `[workload] kinds-without-images`.

use super::custom_templates as has;
use super::ibm;
use super::kinds::{
    Group, Role,
    Role::{Contract, Elsewhere, NothingOfItsOwn as Nothing, RunsAt},
};

const CHOSEN: &str = "its operator chooses images that this file does not name: give the pods that it makes";
const APPLIED: &str = "it brings in what is not in this file: give what it renders to";
const PACKAGE: &str = "it installs a package that is not read here: give the objects that the package makes";
const CREATES: &str = "it creates or changes objects by a rule that is not read here: give those objects";
const PROXY: &str =
    "it changes the code or the configuration that proxies run: leave it out, and build the code into an image";
const MACHINE: &str = "it starts machines from an image that no build server made: leave it out";

/// The kinds.
pub(super) static KINDS: &[Group] = &[
    // cert-manager, trust-manager.
    (
        "cert-manager.io",
        &[("Certificate", Nothing), ("CertificateRequest", Nothing), ("ClusterIssuer", Nothing), ("Issuer", Nothing)],
    ),
    ("acme.cert-manager.io", &[("Challenge", Nothing), ("Order", Nothing)]),
    ("trust.cert-manager.io", &[("Bundle", Nothing)]),
    ("policy.cert-manager.io", &[("CertificateRequestPolicy", Nothing)]),
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
    // Secrets from elsewhere.
    (
        "external-secrets.io",
        &[
            ("ClusterExternalSecret", RunsAt(&has::EXTERNAL_SECRET)),
            ("ClusterPushSecret", Nothing),
            ("ClusterSecretStore", Nothing),
            ("ExternalSecret", RunsAt(&has::EXTERNAL_SECRET)),
            ("PushSecret", Nothing),
            ("SecretStore", Nothing),
        ],
    ),
    (
        "generators.external-secrets.io",
        &[
            ("ACRAccessToken", Nothing),
            ("ClusterGenerator", Nothing),
            ("ECRAuthorizationToken", Nothing),
            ("Fake", Nothing),
            ("GCRAccessToken", Nothing),
            ("GithubAccessToken", Nothing),
            ("Password", Nothing),
            ("QuayAccessToken", Nothing),
            ("SSHKey", Nothing),
            ("STSSessionToken", Nothing),
            ("UUID", Nothing),
            ("VaultDynamicSecret", Nothing),
            ("Webhook", Nothing),
        ],
    ),
    ("bitnami.com", &[("SealedSecret", Nothing)]),
    ("secrets-store.csi.x-k8s.io", &[("SecretProviderClass", Nothing), ("SecretProviderClassPodStatus", Nothing)]),
    (
        "secrets.hashicorp.com",
        &[
            ("HCPAuth", Nothing),
            ("HCPVaultSecretsApp", Nothing),
            ("SecretTransformation", Nothing),
            ("VaultAuth", Nothing),
            ("VaultAuthGlobal", Nothing),
            ("VaultConnection", Nothing),
            ("VaultDynamicSecret", Nothing),
            ("VaultPKISecret", Nothing),
            ("VaultStaticSecret", Nothing),
        ],
    ),
    // Gateway API, and what implements it.
    (
        "gateway.networking.k8s.io",
        &[
            ("BackendLBPolicy", Nothing),
            ("BackendTLSPolicy", Nothing),
            ("GRPCRoute", Nothing),
            ("Gateway", RunsAt(&has::GATEWAY)),
            ("GatewayClass", RunsAt(&has::GATEWAY)),
            ("HTTPRoute", Nothing),
            ("ListenerSet", Nothing),
            ("ReferenceGrant", Nothing),
            ("TCPRoute", Nothing),
            ("TLSRoute", Nothing),
            ("UDPRoute", Nothing),
        ],
    ),
    (
        "gateway.envoyproxy.io",
        &[
            ("Backend", Nothing),
            ("BackendTrafficPolicy", Nothing),
            ("ClientTrafficPolicy", Nothing),
            ("EnvoyExtensionPolicy", Elsewhere(PROXY)),
            ("EnvoyPatchPolicy", Elsewhere(PROXY)),
            ("EnvoyProxy", Elsewhere(CHOSEN)),
            ("HTTPRouteFilter", Nothing),
            ("SecurityPolicy", Nothing),
        ],
    ),
    (
        "gateway.nginx.org",
        &[
            ("ClientSettingsPolicy", Nothing),
            ("NginxProxy", Elsewhere(CHOSEN)),
            ("ObservabilityPolicy", Nothing),
            ("SnippetsFilter", Elsewhere(PROXY)),
            ("UpstreamSettingsPolicy", Nothing),
        ],
    ),
    // Istio.
    (
        "networking.istio.io",
        &[
            ("DestinationRule", Nothing),
            ("EnvoyFilter", Elsewhere(PROXY)),
            ("Gateway", Nothing),
            ("ProxyConfig", Nothing),
            ("ServiceEntry", Nothing),
            ("Sidecar", Nothing),
            ("VirtualService", Nothing),
            ("WorkloadEntry", Nothing),
            ("WorkloadGroup", Nothing),
        ],
    ),
    (
        "security.istio.io",
        &[("AuthorizationPolicy", Nothing), ("PeerAuthentication", Nothing), ("RequestAuthentication", Nothing)],
    ),
    ("telemetry.istio.io", &[("Telemetry", Nothing)]),
    ("extensions.istio.io", &[("WasmPlugin", Elsewhere(PROXY))]),
    ("install.istio.io", &[("IstioOperator", Elsewhere(PACKAGE))]),
    (
        "sailoperator.io",
        &[("Istio", Elsewhere(PACKAGE)), ("IstioCNI", Elsewhere(PACKAGE)), ("ZTunnel", Elsewhere(PACKAGE))],
    ),
    // Linkerd.
    ("linkerd.io", &[("ServiceProfile", Nothing)]),
    (
        "policy.linkerd.io",
        &[
            ("AuthorizationPolicy", Nothing),
            ("EgressNetwork", Nothing),
            ("HTTPLocalRateLimitPolicy", Nothing),
            ("HTTPRoute", Nothing),
            ("MeshTLSAuthentication", Nothing),
            ("NetworkAuthentication", Nothing),
            ("Server", Nothing),
            ("ServerAuthorization", Nothing),
        ],
    ),
    // Ingress controllers.
    ("traefik.io", TRAEFIK),
    ("traefik.containo.us", TRAEFIK),
    (
        "projectcontour.io",
        &[
            ("ContourConfiguration", Nothing),
            ("ContourDeployment", Elsewhere(CHOSEN)),
            ("ExtensionService", Nothing),
            ("HTTPProxy", Nothing),
            ("TLSCertificateDelegation", Nothing),
        ],
    ),
    (
        "configuration.konghq.com",
        &[
            ("IngressClassParameters", Nothing),
            ("KongClusterPlugin", Nothing),
            ("KongConsumer", Nothing),
            ("KongConsumerGroup", Nothing),
            ("KongIngress", Nothing),
            ("KongPlugin", Nothing),
            ("KongUpstreamPolicy", Nothing),
            ("TCPIngress", Nothing),
            ("UDPIngress", Nothing),
        ],
    ),
    (
        "k8s.nginx.org",
        &[
            ("GlobalConfiguration", Nothing),
            ("Policy", Nothing),
            ("TransportServer", Nothing),
            ("VirtualServer", Nothing),
            ("VirtualServerRoute", Nothing),
        ],
    ),
    ("elbv2.k8s.aws", &[("IngressClassParams", Nothing), ("TargetGroupBinding", Nothing)]),
    ("vpcresources.k8s.aws", &[("CNINode", Nothing), ("SecurityGroupPolicy", Nothing)]),
    ("crd.k8s.amazonaws.com", &[("ENIConfig", Nothing)]),
    (
        "networking.gke.io",
        &[
            ("FrontendConfig", Nothing),
            ("GCPBackendPolicy", Nothing),
            ("GCPGatewayPolicy", Nothing),
            ("GCPWasmPlugin", Elsewhere(PROXY)),
            ("HealthCheckPolicy", Nothing),
            ("ManagedCertificate", Nothing),
            ("ServiceAttachment", Nothing),
        ],
    ),
    ("cloud.google.com", &[("BackendConfig", Nothing)]),
    (
        "getambassador.io",
        &[
            ("Host", Nothing),
            ("Listener", Nothing),
            ("Mapping", Nothing),
            ("TCPMapping", Nothing),
            ("TLSContext", Nothing),
        ],
    ),
    ("apisix.apache.org", &[("ApisixRoute", Nothing), ("ApisixTls", Nothing), ("ApisixUpstream", Nothing)]),
    ("split.smi-spec.io", &[("TrafficSplit", Nothing)]),
    ("externaldns.k8s.io", &[("DNSEndpoint", Nothing)]),
    // Networks.
    (
        "cilium.io",
        &[
            ("CiliumBGPAdvertisement", Nothing),
            ("CiliumBGPClusterConfig", Nothing),
            ("CiliumBGPPeerConfig", Nothing),
            ("CiliumBGPPeeringPolicy", Nothing),
            ("CiliumCIDRGroup", Nothing),
            ("CiliumClusterwideEnvoyConfig", Elsewhere(PROXY)),
            ("CiliumClusterwideNetworkPolicy", Nothing),
            ("CiliumEgressGatewayPolicy", Nothing),
            ("CiliumEnvoyConfig", Elsewhere(PROXY)),
            ("CiliumL2AnnouncementPolicy", Nothing),
            ("CiliumLoadBalancerIPPool", Nothing),
            ("CiliumLocalRedirectPolicy", Nothing),
            ("CiliumNetworkPolicy", Nothing),
            ("CiliumPodIPPool", Nothing),
        ],
    ),
    ("crd.projectcalico.org", CALICO),
    ("projectcalico.org", CALICO),
    (
        "operator.tigera.io",
        &[("APIServer", Elsewhere(CHOSEN)), ("ImageSet", Elsewhere(CHOSEN)), ("Installation", Elsewhere(CHOSEN))],
    ),
    (
        "metallb.io",
        &[
            ("AddressPool", Nothing),
            ("BFDProfile", Nothing),
            ("BGPAdvertisement", Nothing),
            ("BGPPeer", Nothing),
            ("Community", Nothing),
            ("IPAddressPool", Nothing),
            ("L2Advertisement", Nothing),
        ],
    ),
    ("k8s.cni.cncf.io", &[("NetworkAttachmentDefinition", Nothing)]),
    // Argo.
    (
        "argoproj.io",
        &[
            ("AnalysisRun", RunsAt(&has::ANALYSIS)),
            ("AnalysisTemplate", RunsAt(&has::ANALYSIS)),
            ("AppProject", Nothing),
            ("Application", Elsewhere(APPLIED)),
            ("ApplicationSet", Elsewhere(APPLIED)),
            ("ArgoCD", Elsewhere(CHOSEN)),
            ("ClusterAnalysisTemplate", RunsAt(&has::ANALYSIS)),
            ("ClusterWorkflowTemplate", RunsAt(&has::WORKFLOW)),
            ("CronWorkflow", RunsAt(&has::CRON_WORKFLOW)),
            ("EventBus", Elsewhere(CHOSEN)),
            ("EventSource", Elsewhere(CHOSEN)),
            ("Experiment", RunsAt(&has::EXPERIMENT)),
            ("Rollout", RunsAt(&has::ROLLOUT)),
            ("Sensor", Elsewhere(CREATES)),
            ("Workflow", RunsAt(&has::WORKFLOW)),
            ("WorkflowEventBinding", Elsewhere(CREATES)),
            ("WorkflowTemplate", RunsAt(&has::WORKFLOW)),
        ],
    ),
    // Flux, Helm, Kustomize, and others that bring in what is elsewhere.
    (
        "source.toolkit.fluxcd.io",
        &[
            ("Bucket", Elsewhere(APPLIED)),
            ("ExternalArtifact", Elsewhere(APPLIED)),
            ("GitRepository", Elsewhere(APPLIED)),
            ("HelmChart", Elsewhere(APPLIED)),
            ("HelmRepository", Elsewhere(APPLIED)),
            ("OCIRepository", Elsewhere(APPLIED)),
        ],
    ),
    ("helm.toolkit.fluxcd.io", &[("HelmRelease", Elsewhere(APPLIED))]),
    ("helm.fluxcd.io", &[("HelmRelease", Elsewhere(APPLIED))]),
    ("kustomize.toolkit.fluxcd.io", &[("Kustomization", Elsewhere(APPLIED))]),
    ("notification.toolkit.fluxcd.io", &[("Alert", Nothing), ("Provider", Nothing), ("Receiver", Nothing)]),
    (
        "image.toolkit.fluxcd.io",
        &[
            ("ImagePolicy", Elsewhere(CREATES)),
            ("ImageRepository", Elsewhere(CREATES)),
            ("ImageUpdateAutomation", Elsewhere(CREATES)),
        ],
    ),
    (
        "fluxcd.controlplane.io",
        &[
            ("FluxInstance", Elsewhere(PACKAGE)),
            ("ResourceSet", Elsewhere(CREATES)),
            ("ResourceSetInputProvider", Elsewhere(CREATES)),
        ],
    ),
    ("helm.cattle.io", &[("HelmChart", Elsewhere(APPLIED)), ("HelmChartConfig", Elsewhere(APPLIED))]),
    ("k3s.cattle.io", &[("Addon", Elsewhere(APPLIED))]),
    ("fleet.cattle.io", &[("Bundle", Elsewhere(APPLIED)), ("GitRepo", Elsewhere(APPLIED))]),
    ("upgrade.cattle.io", &[("Plan", Elsewhere(CHOSEN))]),
    ("helm.k0sproject.io", &[("Chart", Elsewhere(APPLIED))]),
    ("kustomize.config.k8s.io", &[("Component", Elsewhere(APPLIED)), ("Kustomization", Elsewhere(APPLIED))]),
    ("kappctrl.k14s.io", &[("App", Elsewhere(APPLIED))]),
    ("packaging.carvel.dev", &[("PackageInstall", Elsewhere(PACKAGE)), ("PackageRepository", Elsewhere(PACKAGE))]),
    (
        "operators.coreos.com",
        &[
            ("CatalogSource", Elsewhere(PACKAGE)),
            ("ClusterServiceVersion", Elsewhere(PACKAGE)),
            ("InstallPlan", Elsewhere(PACKAGE)),
            ("OperatorGroup", Nothing),
            ("Subscription", Elsewhere(PACKAGE)),
        ],
    ),
    (
        "apiextensions.crossplane.io",
        &[
            ("CompositeResourceDefinition", Nothing),
            ("Composition", Elsewhere(CREATES)),
            ("CompositionRevision", Elsewhere(CREATES)),
            ("EnvironmentConfig", Nothing),
        ],
    ),
    (
        "pkg.crossplane.io",
        &[
            ("Configuration", Elsewhere(PACKAGE)),
            ("DeploymentRuntimeConfig", Elsewhere(CHOSEN)),
            ("Function", Elsewhere(PACKAGE)),
            ("ImageConfig", Elsewhere(PACKAGE)),
            ("Provider", Elsewhere(PACKAGE)),
        ],
    ),
    // Also of IBM's operator for Hyper Protect: programs decide what objects it makes.
    (
        "metacontroller.k8s.io",
        &[("CompositeController", Elsewhere(CREATES)), ("DecoratorController", Elsewhere(CREATES))],
    ),
    ("kubernetes.crossplane.io", &[("Object", Elsewhere(CREATES))]),
    ("helm.crossplane.io", &[("Release", Elsewhere(APPLIED))]),
    // Knative.
    (
        "serving.knative.dev",
        &[
            ("Configuration", RunsAt(&has::KNATIVE)),
            ("DomainMapping", Nothing),
            ("Revision", RunsAt(&has::SPEC_OF_POD)),
            ("Route", Nothing),
            ("Service", RunsAt(&has::KNATIVE)),
        ],
    ),
    ("eventing.knative.dev", &[("Broker", Nothing), ("EventType", Nothing), ("Trigger", Nothing)]),
    ("messaging.knative.dev", &[("Channel", Nothing), ("InMemoryChannel", Nothing), ("Subscription", Nothing)]),
    ("flows.knative.dev", &[("Parallel", Nothing), ("Sequence", Nothing)]),
    (
        "sources.knative.dev",
        &[
            ("ApiServerSource", Elsewhere(CHOSEN)),
            ("ContainerSource", RunsAt(&has::TEMPLATE)),
            ("IntegrationSource", Elsewhere(CHOSEN)),
            ("PingSource", Nothing),
            ("SinkBinding", Nothing),
        ],
    ),
    ("operator.knative.dev", &[("KnativeEventing", Elsewhere(PACKAGE)), ("KnativeServing", Elsewhere(PACKAGE))]),
    // Tekton: its controller puts an entry point of its own into each step.
    (
        "tekton.dev",
        &[
            ("ClusterTask", RunsAt(&has::TASK)),
            ("CustomRun", Elsewhere(CREATES)),
            ("Pipeline", RunsAt(&has::PIPELINE)),
            ("PipelineRun", RunsAt(&has::PIPELINE_RUN)),
            ("StepAction", RunsAt(&has::STEP_ACTION)),
            ("Task", RunsAt(&has::TASK)),
            ("TaskRun", RunsAt(&has::TASK_RUN)),
        ],
    ),
    (
        "triggers.tekton.dev",
        &[
            ("ClusterTriggerBinding", Nothing),
            ("EventListener", Elsewhere(CREATES)),
            ("Trigger", Elsewhere(CREATES)),
            ("TriggerBinding", Nothing),
            ("TriggerTemplate", Elsewhere(CREATES)),
        ],
    ),
    // Databases and queues.
    (
        "kafka.strimzi.io",
        &[
            ("Kafka", Elsewhere(CHOSEN)),
            ("KafkaBridge", Elsewhere(CHOSEN)),
            ("KafkaConnect", Elsewhere(CHOSEN)),
            ("KafkaConnector", Nothing),
            ("KafkaMirrorMaker", Elsewhere(CHOSEN)),
            ("KafkaMirrorMaker2", Elsewhere(CHOSEN)),
            ("KafkaNodePool", Elsewhere(CHOSEN)),
            ("KafkaRebalance", Nothing),
            ("KafkaTopic", Nothing),
            ("KafkaUser", Nothing),
        ],
    ),
    ("core.strimzi.io", &[("StrimziPodSet", RunsAt(&has::POD_SET))]),
    (
        "postgresql.cnpg.io",
        &[
            ("Backup", Nothing),
            ("Cluster", Elsewhere(CHOSEN)),
            ("ClusterImageCatalog", Elsewhere(CHOSEN)),
            ("Database", Nothing),
            ("ImageCatalog", Elsewhere(CHOSEN)),
            ("Pooler", Elsewhere(CHOSEN)),
            ("Publication", Nothing),
            ("ScheduledBackup", Nothing),
            ("Subscription", Nothing),
        ],
    ),
    (
        "acid.zalan.do",
        &[("OperatorConfiguration", Elsewhere(CHOSEN)), ("PostgresTeam", Nothing), ("postgresql", Elsewhere(CHOSEN))],
    ),
    (
        "postgres-operator.crunchydata.com",
        &[("PGAdmin", Elsewhere(CHOSEN)), ("PGUpgrade", Elsewhere(CHOSEN)), ("PostgresCluster", Elsewhere(CHOSEN))],
    ),
    ("pxc.percona.com", &[("PerconaXtraDBCluster", Elsewhere(CHOSEN))]),
    ("psmdb.percona.com", &[("PerconaServerMongoDB", Elsewhere(CHOSEN))]),
    ("pgv2.percona.com", &[("PerconaPGCluster", Elsewhere(CHOSEN))]),
    ("mongodbcommunity.mongodb.com", &[("MongoDBCommunity", Elsewhere(CHOSEN))]),
    (
        "k8s.mariadb.com",
        &[
            ("Connection", Nothing),
            ("Database", Nothing),
            ("Grant", Nothing),
            ("MariaDB", Elsewhere(CHOSEN)),
            ("MaxScale", Elsewhere(CHOSEN)),
            ("User", Nothing),
        ],
    ),
    (
        "redis.redis.opstreelabs.in",
        &[
            ("Redis", Elsewhere(CHOSEN)),
            ("RedisCluster", Elsewhere(CHOSEN)),
            ("RedisReplication", Elsewhere(CHOSEN)),
            ("RedisSentinel", Elsewhere(CHOSEN)),
        ],
    ),
    ("databases.spotahome.com", &[("RedisFailover", Elsewhere(CHOSEN))]),
    (
        "rabbitmq.com",
        &[
            ("Binding", Nothing),
            ("Exchange", Nothing),
            ("Federation", Nothing),
            ("Permission", Nothing),
            ("Policy", Nothing),
            ("Queue", Nothing),
            ("RabbitmqCluster", Elsewhere(CHOSEN)),
            ("Shovel", Nothing),
            ("TopicPermission", Nothing),
            ("User", Nothing),
            ("Vhost", Nothing),
        ],
    ),
    ("minio.min.io", &[("Tenant", Elsewhere(CHOSEN))]),
    ("k8s.keycloak.org", &[("Keycloak", Elsewhere(CHOSEN)), ("KeycloakRealmImport", Elsewhere(CHOSEN))]),
    // Elastic.
    ("agent.k8s.elastic.co", &[("Agent", Elsewhere(CHOSEN))]),
    ("apm.k8s.elastic.co", &[("ApmServer", Elsewhere(CHOSEN))]),
    ("beat.k8s.elastic.co", &[("Beat", Elsewhere(CHOSEN))]),
    ("elasticsearch.k8s.elastic.co", &[("Elasticsearch", Elsewhere(CHOSEN))]),
    ("kibana.k8s.elastic.co", &[("Kibana", Elsewhere(CHOSEN))]),
    ("logstash.k8s.elastic.co", &[("Logstash", Elsewhere(CHOSEN))]),
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
    ("appstudio.redhat.com", &[("EnterpriseContractPolicy", Nothing)]),
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
    // Storage and backups.
    (
        "snapshot.storage.k8s.io",
        &[("VolumeSnapshot", Nothing), ("VolumeSnapshotClass", Nothing), ("VolumeSnapshotContent", Nothing)],
    ),
    (
        "groupsnapshot.storage.k8s.io",
        &[
            ("VolumeGroupSnapshot", Nothing),
            ("VolumeGroupSnapshotClass", Nothing),
            ("VolumeGroupSnapshotContent", Nothing),
        ],
    ),
    (
        "velero.io",
        &[
            ("Backup", Nothing),
            ("BackupStorageLocation", Nothing),
            ("Restore", Elsewhere(APPLIED)),
            ("Schedule", Nothing),
            ("VolumeSnapshotLocation", Nothing),
        ],
    ),
    ("objectbucket.io", &[("ObjectBucketClaim", Nothing)]),
    (
        "ceph.rook.io",
        &[
            ("CephBlockPool", Nothing),
            ("CephClient", Nothing),
            ("CephCluster", Elsewhere(CHOSEN)),
            ("CephFilesystem", Elsewhere(CHOSEN)),
            ("CephNFS", Elsewhere(CHOSEN)),
            ("CephObjectStore", Elsewhere(CHOSEN)),
            ("CephObjectStoreUser", Nothing),
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
    // OpenShift.
    ("apps.openshift.io", &[("DeploymentConfig", RunsAt(&has::DEPLOYMENT_CONFIG))]),
    ("build.openshift.io", &[("Build", Elsewhere(CREATES)), ("BuildConfig", Elsewhere(CREATES))]),
    (
        "image.openshift.io",
        &[
            ("ImageStream", Elsewhere(CREATES)),
            ("ImageStreamImport", Elsewhere(CREATES)),
            ("ImageStreamTag", Elsewhere(CREATES)),
        ],
    ),
    ("machineconfiguration.openshift.io", &[("MachineConfig", Elsewhere(MACHINE))]),
    ("project.openshift.io", &[("Project", Nothing), ("ProjectRequest", Nothing)]),
    ("route.openshift.io", &[("Route", Nothing)]),
    ("security.openshift.io", &[("SecurityContextConstraints", Nothing)]),
    ("template.openshift.io", &[("Template", Elsewhere(APPLIED)), ("TemplateInstance", Elsewhere(APPLIED))]),
    ("user.openshift.io", &[("Group", Nothing), ("User", Nothing)]),
    // IBM Hyper Protect.
    (
        "hpse.ibm.com",
        &[
            ("HyperProtectContainerRuntimeOnPrem", Contract(&ibm::ON_PREMISES)),
            ("HyperProtectContainerRuntimeOnPremDataDisk", Nothing),
            ("HyperProtectContainerRuntimeOnPremDataDiskRef", Nothing),
            ("HyperProtectContainerRuntimeOnPremNetworkRef", Nothing),
            ("HyperProtectContainerRuntimeVPC", Contract(&ibm::VPC)),
        ],
    ),
];

const TRAEFIK: &[(&str, Role)] = &[
    ("IngressRoute", Nothing),
    ("IngressRouteTCP", Nothing),
    ("IngressRouteUDP", Nothing),
    ("Middleware", Nothing),
    ("MiddlewareTCP", Nothing),
    ("ServersTransport", Nothing),
    ("ServersTransportTCP", Nothing),
    ("TLSOption", Nothing),
    ("TLSStore", Nothing),
    ("TraefikService", Nothing),
];

const CALICO: &[(&str, Role)] = &[
    ("BGPConfiguration", Nothing),
    ("BGPFilter", Nothing),
    ("BGPPeer", Nothing),
    ("FelixConfiguration", Nothing),
    ("GlobalNetworkPolicy", Nothing),
    ("GlobalNetworkSet", Nothing),
    ("HostEndpoint", Nothing),
    ("IPPool", Nothing),
    ("NetworkPolicy", Nothing),
    ("NetworkSet", Nothing),
    // calicoctl's, and not Kubernetes' own.
    ("Node", Nothing),
    ("Tier", Nothing),
];
