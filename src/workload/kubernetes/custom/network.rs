//! Kinds of resources for certificates, gateways, meshes and networks.

use super::super::custom_templates as has;
use super::super::kinds::{
    Group, Role,
    Role::{Elsewhere, NothingOfItsOwn as Nothing, RunsAt},
};
use super::{CHOSEN, PACKAGE, PROXY};

pub(super) static KINDS: &[Group] = &[
    // cert-manager, trust-manager.
    (
        "cert-manager.io",
        &[("Certificate", Nothing), ("CertificateRequest", Nothing), ("ClusterIssuer", Nothing), ("Issuer", Nothing)],
    ),
    ("acme.cert-manager.io", &[("Challenge", Nothing), ("Order", Nothing)]),
    ("trust.cert-manager.io", &[("Bundle", Nothing)]),
    ("policy.cert-manager.io", &[("CertificateRequestPolicy", Nothing)]),
    // The Gateway API and its implementations.
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
    // calicoctl reads these kinds, but Kubernetes does not.
    ("Node", Nothing),
    ("Tier", Nothing),
];
