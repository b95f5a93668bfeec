"""What Cilium's own upgrade notes say of keys of its chart, by the minor that an upgrade leads to.

`eks_cilium.cilium.upgrades` prints those that concern the values in use. The notes are those of
Documentation/operations/upgrade.rst of 1.15.19, 1.16.19, 1.17.16, 1.18.11 and 1.19.7, and of
Documentation/operations/upgrade-current.inc of 1.20.2. Left out: keys that settings refuse anyway, because
the new chart does not have them or because this program decides them without a choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Note:
    """A note about keys of the chart."""

    keys: tuple[str, ...]
    """Keys as `bpf.masquerade`; a key with others below it stands for all of them."""
    text: str
    unset: bool = False
    """Whether it concerns those who set none of the keys, because a default changes."""
    only_with: tuple[str, ...] = ()
    """Keys that have to be on as well."""

    def __str__(self) -> str:
        return f"{', '.join(self.keys)}{' (not set)' if self.unset else ''}: {self.text}"


_GATEWAY = ("gatewayAPI.enabled",)
_KUBE_PROXY_REPLACEMENT = ("k8sServiceHost",)
"""Set by this program where Cilium replaces kube-proxy, and nowhere else."""
_TRACKED = "https://docs.cilium.io/en/v{}/operations/upgrade/"

_OF_1_15 = (
    Note(
        ("bpf.masquerade",),
        "agents do not start where its requirements are not met (Services in BPF, socket load "
        "balancing); they fell back to iptables before",
        only_with=("bpf.masquerade",),
    ),
    Note(_GATEWAY, "install the v1 CRDs of the Gateway API first", only_with=_GATEWAY),
)
_OF_1_16 = (
    Note(
        ("envoy.enabled",),
        "Envoy runs in a DaemonSet of its own: one more pod on each node, and a node at its most pods evicts "
        "one. false keeps it in the agents",
        unset=True,
    ),
    Note(
        ("bpf.enableTCX",),
        "from Linux 6.6 on, agents attach programs by tcx; set it to false beside others that use tc BPF",
        unset=True,
    ),
    Note(("enableRuntimeDeviceDetection",), "has no effect any more: devices are always detected"),
    Note(("enableCiliumEndpointSlice",), "deprecated: set ciliumEndpointSlice.enabled"),
    Note(("encryption.wireguard.userspaceFallback",), "deprecated: nodes need a kernel with WireGuard"),
    Note(
        ("hubble.tls.server", "hubble.relay.tls", "hubble.ui.tls"),
        "certificates in values are deprecated: set existingSecret",
    ),
    Note(
        ("hubble.tls.auto.certValidityDuration",),
        "certificates of Hubble are valid for 365 days instead of 1095",
        unset=True,
        only_with=("hubble.enabled",),
    ),
    Note(_GATEWAY, "install the v1 CRD of GRPCRoute first", only_with=_GATEWAY),
)
_OF_1_17 = (
    Note(
        ("loadBalancer.protocolDifferentiation.enabled",),
        "Services on one port are told apart by protocol; those that exist have to be created again "
        "for it, and going back interrupts connections",
        unset=True,
        only_with=_KUBE_PROXY_REPLACEMENT,
    ),
    Note(
        ("MTU",),
        "the lowest MTU of all external interfaces counts, while agents run; in ENI mode secondary "
        "interfaces do not",
        unset=True,
    ),
    Note(
        ("tls.secretsBackend",),
        "deprecated: `k8s` becomes tls.readSecretsOnlyFromSecretsNamespace: false",
    ),
    Note(
        ("livenessProbe.requireK8sConnectivity",),
        "from 1.17.4 on, agents that lose the API server are not restarted; true restores that",
        unset=True,
    ),
    Note(("hubble.relay.dialTimeout",), "has no effect any more, and is removed in 1.18"),
    Note(("enableK8sTerminatingEndpoint",), "deprecated, and always on from 1.18"),
    Note(
        ("dnsProxy.endpointMaxIpPerHostname",),
        "agents keep 1000 addresses of a DNS name instead of 50",
        unset=True,
    ),
)
_OF_1_18 = (
    Note(
        ("enableIPv4Masquerade",),
        "the default of ENI mode becomes false; this program sets it, so nothing changes here",
        only_with=("eni.enabled",),
    ),
    Note(
        ("eni.enabled",),
        "the operator needs ec2:DescribeRouteTables; its role in this stack has it",
        only_with=("eni.enabled",),
    ),
    Note(
        ("labels",),
        "the service account is a label of identities now: for a while there are more of them, and "
        "more drops; "
        r"leave it out by !io\.cilium\.k8s\.policy\.serviceaccount",
    ),
    Note(
        ("operator.tolerations",),
        "the operator tolerates control planes, not-ready nodes and the start-up taint only, no longer every "
        "taint: see that it finds a node",
        unset=True,
    ),
    Note(("l2NeighDiscovery.enabled",), "off by default", unset=True, only_with=_KUBE_PROXY_REPLACEMENT),
    Note(("localRedirectPolicy",), "deprecated: set localRedirectPolicies.enabled"),
    Note(
        ("sessionAffinity", "nodePort.enabled", "svcSourceRangeCheck", "enableInternalTrafficPolicy"),
        "deprecated, and removed in 1.19: on where Cilium replaces kube-proxy",
    ),
    Note(
        ("hubble.export.fileMaxSizeMb", "hubble.export.fileMaxBackups", "hubble.export.fileCompress"),
        "deprecated: set hubble.export.static or hubble.export.dynamic.config.content",
    ),
    Note(
        ("extraEnv",),
        "the chart sets KUBE_CLIENT_BACKOFF_BASE and KUBE_CLIENT_BACKOFF_DURATION itself: remove "
        "them here, or set k8sClientExponentialBackoff.enabled to false",
    ),
)
_OF_1_19 = (
    Note(
        ("authentication.enabled",),
        "mutual authentication is off by default: policies that ask for it let traffic through without it",
        unset=True,
    ),
    Note(
        ("clustermesh.policyDefaultLocalCluster",),
        "policies select endpoints of their own cluster unless they name another; set it to false to "
        "keep what they select now",
        unset=True,
        only_with=("cluster.id",),
    ),
    Note(("bpf.tproxy",), "agents do not start with netkit", only_with=("bpf.tproxy",)),
    Note(
        (
            "encryption.strictMode.enabled",
            "encryption.strictMode.cidr",
            "encryption.strictMode.allowRemoteNodeIdentities",
        ),
        "deprecated, and removed in 1.20: set the same below encryption.strictMode.egress",
    ),
    Note(("clustermesh.enableMCSAPISupport",), "deprecated: set clustermesh.mcsapi.enabled"),
    Note(
        ("operator.unmanagedPodWatcher.intervalSeconds",),
        "a number is read as seconds; durations such as 15s are understood as well",
    ),
)
_OF_1_20 = (
    Note(
        ("authentication.enabled",),
        "mutual authentication is deprecated",
        only_with=("authentication.enabled",),
    ),
    Note(("cni.customConf", "cni.configMap"), "set cniVersion 1.0.0 in a CNI configuration of your own"),
    Note(
        _GATEWAY,
        "needs the Gateway API 1.6.1 first; with TLSRoute its experimental CRD, or existing "
        "TLSRoutes cannot be read any more",
        only_with=_GATEWAY,
    ),
    Note(
        ("socketLB.hostNamespaceOnly",),
        "connections of pods to NodePorts are balanced in the pod's own node: policies have to allow "
        "egress to the backends",
        only_with=("socketLB.hostNamespaceOnly",),
    ),
    Note(("hubble.preferIpv6",), "deprecated: set preferIpv6"),
    Note(("dnsProxy.preCache",), "deprecated, and removed in 1.21"),
)

NOTES: Mapping[tuple[int, int], tuple[Note, ...]] = MappingProxyType(
    {
        (1, 15): _OF_1_15,
        (1, 16): _OF_1_16,
        (1, 17): _OF_1_17,
        (1, 18): _OF_1_18,
        (1, 19): _OF_1_19,
        (1, 20): _OF_1_20,
    }
)
"""By the minor that an upgrade leads to."""

SOURCES: Mapping[tuple[int, int], str] = MappingProxyType(
    {of: _TRACKED.format(".".join(map(str, of))) for of in NOTES}
)
"""The page of each minor's notes."""
