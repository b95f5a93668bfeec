"""Chart keys that this program decides itself, and why a user's `cilium.values` may not touch them.

`settings` refuses them by this table; what is not in it and is known to the chart may be set freely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Decided:
    """A key of the chart that has another home, or only one right value."""

    why: str
    instead: str | None = None
    """The key of our own configuration that decides it, if there is one."""


_ENI = "in this mode pods get addresses of the VPC from network interfaces, natively routed"
_NODES = "the operator makes interfaces only in this cluster's subnets, with its role and its tags"

DECIDED: Mapping[str, Decided] = MappingProxyType(
    {
        "agentNotReadyTaintKey": Decided("every node joins with this taint and Cilium has to lift it"),
        "aksbyocni": Decided(_ENI),
        "alibabacloud": Decided(_ENI),
        "autoDirectNodeRoutes": Decided(_ENI),
        "azure": Decided(_ENI),
        "cluster.id": Decided("it has a key of its own", "cilium.clusterId"),
        "cluster.name": Decided("it is the name of the EKS cluster", "cluster.name"),
        "cni.chainingMode": Decided("Cilium is the only CNI here; nothing is left to chain to"),
        "cni.chainingTarget": Decided("Cilium is the only CNI here; nothing is left to chain to"),
        "cni.exclusive": Decided("Cilium is the only CNI here"),
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
        "eni.subnetIDsFilter": Decided(_NODES),
        "eni.subnetTagsFilter": Decided(_NODES),
        "gke": Decided(_ENI),
        "hubble.enabled": Decided("it has a key of its own", "cilium.hubble.enabled"),
        "hubble.relay.enabled": Decided("it has a key of its own", "cilium.hubble.relay"),
        "hubble.tls.auto.method": Decided(
            "other methods run a Job as a hook, and Helm would wait for it before there is a node"
        ),
        "hubble.ui.enabled": Decided("it has a key of its own", "cilium.hubble.ui"),
        "ipam": Decided(_ENI),
        "ipv4NativeRoutingCIDR": Decided("it follows the VPC"),
        "k8sServiceHost": Decided("it follows the cluster's endpoint"),
        "k8sServiceHostRef": Decided("it follows the cluster's endpoint"),
        "k8sServicePort": Decided("it follows the cluster's endpoint"),
        "kubeProxyReplacement": Decided("it has a key of its own", "cilium.kubeProxyReplacement"),
        "operator.enabled": Decided("without the operator no node gets addresses"),
        "operator.extraEnv": Decided("it carries the region the operator works in"),
        "operator.replicas": Decided("it has a key of its own", "cilium.operatorReplicas"),
        "operator.removeNodeTaints": Decided("nobody else would lift the start-up taint"),
        "routingMode": Decided(_ENI),
        "tunnel": Decided(_ENI),
        "tunnelProtocol": Decided(_ENI),
        "upgradeCompatibility": Decided("this program writes every default that it would keep"),
    }
)

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
            "the watcher would delete CoreDNS on nodes that are still to be replaced, again and again"
        ),
    }
)
"""The same for a running cluster whose CNI is replaced."""


def decided_keys(
    values: Mapping[str, Any], table: Mapping[str, Decided] = DECIDED
) -> list[tuple[tuple[str, ...], Any, Decided]]:
    """Keys among `values` that are not the user's to set."""
    return [
        (path, value, table[".".join(path)]) for path, value in _nodes(values, ()) if ".".join(path) in table
    ]


def _nodes(values: Mapping[str, Any], above: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in values.items():
        path = (*above, str(key))
        found.append((path, value))
        if isinstance(value, Mapping):
            found += _nodes(value, path)
    return found
