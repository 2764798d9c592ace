//! Kinds that deliver software to a cluster, and kinds that run software from templates in the resource.

use super::super::custom_templates as has;
use super::super::ibm;
use super::super::kinds::{
    Group,
    Role::{Contract, Elsewhere, NothingOfItsOwn as Nothing, RunsAt},
};
use super::{APPLIED, CHOSEN, CREATES, MACHINE, PACKAGE};

pub(super) static KINDS: &[Group] = &[
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
    // Flux, Helm, Kustomize, and other tools that fetch content from elsewhere.
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
    // A program, for example IBM's operator for Hyper Protect, decides which objects are created for an object of these kinds.
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
    // Tekton: its controller adds an entry point to each step.
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
