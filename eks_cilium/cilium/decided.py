"""Chart keys that this program decides itself, and why a user's `cilium.values` may not set them.

`eks_cilium.settings` refuses them by these tables. Every other key that the chart knows may be set freely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Decided:
    """Why a key of the chart may not be set, as the end of an error message."""

    why: str
    instead: str | None = None
    """The key of the stack's configuration that decides it; None where no key does."""
    unless: tuple[Any, ...] = ()
    """Values that may be set nevertheless."""


PORT_MAP = "portmap"
"""Chaining mode in which the plugin portmap follows Cilium and serves host ports, where kube-proxy stays.

It is not set for everybody: without the plugin's file no pod of a node starts, and images of AL2023 do not
have it (awslabs/amazon-eks-ami#1610, cilium/cilium#41300). The plan refuses host ports without it instead.
"""

_ENI = "in this mode pods get addresses of the VPC from network interfaces, natively routed"
_NODES = "the operator creates interfaces only in this cluster's subnets, with its role and its tags"

_POD_SUBNETS = "the operator's role has to allow them: network.podCidr and network.podSubnetIds do that"

# Keys of all served releases: a key that a release does not have is refused as unknown before this table is
# asked.
DECIDED: Mapping[str, Decided] = MappingProxyType(
    {
        "agentNotReadyTaintKey": Decided("every node joins with this taint and Cilium has to remove it"),
        "aksbyocni": Decided(_ENI),
        "alibabacloud": Decided(_ENI),
        "autoDirectNodeRoutes": Decided(_ENI),
        "azure": Decided(_ENI),
        "cluster.id": Decided("it has a key of its own", "cilium.clusterId"),
        "cluster.name": Decided("it is the name of the EKS cluster", "cluster.name"),
        "cni.chainingMode": Decided(
            "Cilium is the only CNI here, and portmap, which serves host ports, the only plugin to chain",
            unless=(PORT_MAP, "none"),
        ),
        "cni.chainingTarget": Decided("Cilium is the only CNI here; there is no other to chain to"),
        "cni.externalRouting": Decided(_ENI),
        "cni.install": Decided("without its CNI configuration no pod starts"),
        "egressMasqueradeInterfaces": Decided("it has a key of its own", "cilium.egressMasqueradeInterfaces"),
        "enableIPv4Masquerade": Decided("it has a key of its own", "cilium.masquerade"),
        "encryption.enabled": Decided("it has a key of its own", "cilium.encryption"),
        "encryption.type": Decided("it has a key of its own", "cilium.encryption"),
        "endpointRoutes.enabled": Decided(_ENI),
        "eni.awsEnablePrefixDelegation": Decided("it has a key of its own", "cilium.prefixDelegation"),
        "eni.ec2APIEndpoint": Decided(_NODES),
        "eni.enabled": Decided(_ENI),
        "eni.eniTags": Decided(_NODES, "tags"),
        "eni.gcTags": Decided(_NODES, "tags"),
        "eni.iamRole": Decided(_NODES),
        "eni.nodeSpec.subnetIDs": Decided(_POD_SUBNETS),
        "eni.nodeSpec.subnetTags": Decided(_POD_SUBNETS),
        "eni.subnetIDsFilter": Decided(_NODES),
        "eni.subnetTagsFilter": Decided(_NODES),
        "gke": Decided(_ENI),
        "hubble.enabled": Decided("it has a key of its own", "cilium.hubble.enabled"),
        "hubble.relay.enabled": Decided("it has a key of its own", "cilium.hubble.relay"),
        "hubble.tls.auto.method": Decided(
            "a CronJob renews the certificates of new clusters from Cilium 1.19 on; before, other methods "
            "than helm run a Job as a hook, and Helm would wait for it before there is a node"
        ),
        "hubble.ui.enabled": Decided("it has a key of its own", "cilium.hubble.ui"),
        "ipam": Decided(_ENI),
        "ipv4NativeRoutingCIDR": Decided("it has a key of its own", "cilium.nativeRoutingCidr"),
        "k8sServiceHost": Decided("it follows the cluster's endpoint"),
        "k8sServiceHostRef": Decided("it follows the cluster's endpoint"),
        "k8sServicePort": Decided("it follows the cluster's endpoint"),
        "kubeProxyReplacement": Decided("it has a key of its own", "cilium.kubeProxyReplacement"),
        "operator.enabled": Decided("without the operator no node gets addresses"),
        "operator.extraEnv": Decided("it carries the operator's AWS region"),
        "operator.replicas": Decided("it has a key of its own", "cilium.operatorReplicas"),
        "operator.removeNodeTaints": Decided("only the operator removes the start-up taint"),
        "routingMode": Decided(_ENI),
        "tunnel": Decided(_ENI),
        "tunnelProtocol": Decided(_ENI),
        "upgradeCompatibility": Decided("this program sets every default that the key would keep"),
    }
)

_OVERLAY = (
    "with cilium.ipam cluster-pool pods get addresses of an overlay, and nodes connect it through tunnels"
)
_NOT_ROUTED = (
    "no packet may leave a node with an address of the overlay: the VPC routes none of them, and drops it"
)
_FREE_IN_AN_OVERLAY = frozenset({"operator.extraEnv"})

DECIDED_IN_OVERLAY: Mapping[str, Decided] = MappingProxyType(
    {
        **{
            key: Decided(_OVERLAY) if decided.why == _ENI else decided
            for key, decided in DECIDED.items()
            if key not in _FREE_IN_AN_OVERLAY and not key.startswith("eni.")
        },
        "egressMasqueradeInterfaces": Decided("agents masquerade on every interface of a node"),
        "enableIPv4Masquerade": Decided(_NOT_ROUTED),
        "eni": Decided(_OVERLAY),
        # daemon_main.go: "requires the agent to run in direct routing mode".
        "installNoConntrackIptablesRules": Decided(
            "agents with tunnels do not start with it", unless=(False,)
        ),
        "ipMasqAgent": Decided(_NOT_ROUTED),
        "ipam": Decided(_OVERLAY, "cilium.overlay"),
        "ipv4NativeRoutingCIDR": Decided(_NOT_ROUTED),
        "nativeRoutingCIDRFromClusterPool": Decided(_NOT_ROUTED),
        "tunnelPort": Decided("security groups open the protocol's own port"),
        "tunnelProtocol": Decided("it has a key of its own", "cilium.overlay.protocol"),
        "underlayProtocol": Decided("nodes reach each other by IPv4"),
    }
)
"""The keys in mode `new-cluster` where pods have addresses of an overlay."""

_PLACES = "agents run on every node but those that are still to be replaced"

DECIDED_IN_REPLACEMENT: Mapping[str, Decided] = MappingProxyType(
    {
        **DECIDED,
        "affinity": Decided(_PLACES),
        "agent": Decided(_PLACES),
        "cluster.name": Decided("it has a key of its own", "cilium.clusterName"),
        "envoy.affinity": Decided(_PLACES),
        "kubeProxyReplacement": Decided("kube-proxy stays until every old node is gone"),
        "nodeSelector": Decided(_PLACES),
        "operator.unmanagedPodWatcher": Decided(
            "the watcher would keep deleting CoreDNS on nodes that are still to be replaced"
        ),
    }
)
"""The keys in mode `replacement`, of a running cluster whose CNI is replaced."""


_CHAIN = (
    "in this mode the VPC CNI connects pods and gives them addresses of the VPC, and Cilium is chained to it"
)
_POOL = "the agents' own addresses come from it, and have to be outside every VPC"

_AGENTS_EVERYWHERE = "agents run on every node that can have one"
_FREE_WHEN_CHAINED = frozenset({"ipam", "operator.extraEnv"})

DECIDED_IN_CHAINING: Mapping[str, Decided] = MappingProxyType(
    {
        **{
            key: Decided(_CHAIN) if decided.why == _ENI else decided
            for key, decided in DECIDED.items()
            if key not in _FREE_WHEN_CHAINED and not key.startswith("eni.")
        },
        "affinity": Decided(_AGENTS_EVERYWHERE),
        "agent": Decided(_AGENTS_EVERYWHERE),
        "bpf.masquerade": Decided("the VPC CNI masquerades already"),
        "cluster.name": Decided("it has a key of its own", "cilium.clusterName"),
        "cni.chainingMode": Decided(_CHAIN),
        "cni.chainingTarget": Decided("the chaining mode finds the network of the VPC CNI by itself"),
        "cni.customConf": Decided("the agent writes the chained configuration after the VPC CNI's own"),
        "cni.enableRouteMTUForCNIChaining": Decided("it follows cilium.encryption"),
        "cni.exclusive": Decided(
            "it has to be false: otherwise Cilium disables the VPC CNI's configuration and no pod starts"
        ),
        "cni.uninstall": Decided("while an agent restarts, new pods would get the VPC CNI alone"),
        "disableEndpointCRD": Decided("pods that Cilium manages are counted by their CiliumEndpoints"),
        "egressMasqueradeInterfaces": Decided("Cilium masquerades nothing in this mode"),
        "enableIPv4Masquerade": Decided(
            "it has to be false: pods have addresses of the VPC, and the VPC CNI translates what leaves it"
        ),
        "enableIdentityMark": Decided("the VPC CNI uses bits of the same packet mark"),
        "eni": Decided("in this mode the VPC CNI makes the network interfaces"),
        "envoy.affinity": Decided(_AGENTS_EVERYWHERE),
        "ipam.mode": Decided(_CHAIN),
        "ipam.operator.autoCreateCiliumPodIPPools": Decided(_CHAIN),
        "ipam.operator.clusterPoolIPv4MaskSize": Decided(_POOL),
        "ipam.operator.clusterPoolIPv4PodCIDR": Decided(_POOL, "cilium.pool"),
        "ipam.operator.clusterPoolIPv4PodCIDRList": Decided(_POOL, "cilium.pool"),
        "ipv4NativeRoutingCIDR": Decided("Cilium masquerades nothing in this mode"),
        "kubeProxyReplacement": Decided("kube-proxy serves Services in this mode"),
        "nodeSelector": Decided(_AGENTS_EVERYWHERE),
        "operator.unmanagedPodWatcher": Decided(
            "the watcher would delete CoreDNS before its turn; pods are restarted by this program"
        ),
    }
)
"""The keys in mode `chaining`, of a running cluster."""

DECIDED_IN_NEW_CHAINING: Mapping[str, Decided] = MappingProxyType(
    {**DECIDED_IN_CHAINING, "cluster.name": DECIDED["cluster.name"]}
)
"""The keys in mode `chaining`, of a new cluster."""


def decided_keys(
    values: Mapping[str, Any], table: Mapping[str, Decided] = DECIDED
) -> list[tuple[tuple[str, ...], Any, Decided]]:
    """The keys in `values` that the table has: path, value and the reason why it may not be set."""
    return [
        (path, value, decided)
        for path, value in _nodes(values, ())
        if (decided := table.get(".".join(path))) and value not in decided.unless
    ]


def _nodes(values: Mapping[str, Any], above: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in values.items():
        path = (*above, str(key))
        found.append((path, value))
        if isinstance(value, Mapping):
            found += _nodes(value, path)
    return found
