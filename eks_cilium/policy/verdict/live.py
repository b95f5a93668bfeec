"""Turns the objects of a running cluster into policies, pods and ports for an evaluation.

The command `eks-cilium verdict` has the objects read. Pods that share an identity become one workload,
because no policy can distinguish them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eks_cilium.errors import UserError
from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.verdict.labels import KUBERNETES, SERVICE_ACCOUNT_LABEL
from eks_cilium.policy.verdict.model import Cluster, Mode, NetworkGroup, Pod, Port, SelectorScope
from eks_cilium.texts import named

Object = Mapping[str, Any]


class ClusterObjects(Protocol):
    """The objects of one cluster; `eks_cilium.cluster.cilium_objects` reads them."""

    @property
    def config(self) -> Object:
        """The data of the ConfigMap `cilium-config`."""

    @property
    def endpoints(self) -> Iterable[Object]:
        """CiliumEndpoints, each with metadata, the labels of its identity, and namedPorts."""

    @property
    def pods(self) -> Iterable[Object]:
        """Pods, each with namespace, name, hostNetwork and ports; an agent's pod also with its image."""

    @property
    def policies(self) -> Iterable[Object]:
        """Policies of every kind: Cilium's two, and NetworkPolicies."""

    @property
    def groups(self) -> Iterable[Object]:
        """CiliumCIDRGroups, each with name, labels and networks."""


@dataclass(frozen=True)
class Workload:
    """Pods that share an identity."""

    pod: Pod
    """The identity, as an endpoint of flows."""
    names: tuple[str, ...]
    """Names of the pods, sorted."""
    ports: tuple[Port, ...]
    """The ports that the pods' containers declare, sorted by number."""


@dataclass(frozen=True)
class LiveCluster:
    """A running cluster: its policies and the workloads they apply to."""

    cluster: Cluster
    workloads: tuple[Workload, ...]
    unmanaged_pods: int
    """Number of pods without an identity of their own: on the host network, or not managed by Cilium."""

    @property
    def old_names(self) -> tuple[str, ...]:
        """Other names of the cluster that identities of its pods still carry, sorted."""
        carried = {workload.pod.identity_cluster for workload in self.workloads}
        return tuple(sorted(carried - {self.cluster.name, ""}))

    dns_on_nodes: bool = False
    """Whether a NodeLocal DNSCache runs on the network of the nodes, where no policy sees it as a pod."""


def live_cluster(objects: ClusterObjects) -> LiveCluster:
    """Derive a cluster from its own objects.

    Args:
        objects: What was read of the cluster.

    Returns:
        The cluster with its policies, options and workloads.

    Raises:
        UserError: `enable-policy` of `cilium-config` has a value that is not known here.
    """
    config = objects.config
    name = str(config.get("cluster-name") or "default")
    policies = tuple(Policy(name, manifest, "the cluster") for manifest in objects.policies)
    endpoints = list(objects.endpoints)
    pods = list(objects.pods)
    cluster = Cluster(
        name,
        _selector_scope(config),
        policies,
        _mode(config),
        _cidr_selects(config),
        tuple(NetworkGroup(each["name"], tuple(each["networks"]), each["labels"]) for each in objects.groups),
        _agents(config, pods),
        frozenset(named for endpoint in endpoints for named in _named_ports(endpoint)),
    )
    return LiveCluster(
        cluster,
        tuple(_workloads(name, endpoints, pods)),
        max(0, len(pods) - len(endpoints)),
        any(map(_is_dns_on_node, pods)),
    )


def _selector_scope(config: Object) -> SelectorScope:
    # Charts write the key from 1.18 on; older agents know only "any cluster".
    own = str(config.get("policy-default-local-cluster", "false")).lower() == "true"
    return SelectorScope.OWN_CLUSTER if own else SelectorScope.ANY_CLUSTER


_SWITCHES = {
    "NetworkPolicy": "enable-k8s-networkpolicy",
    "CiliumNetworkPolicy": "enable-cilium-network-policy",
    "CiliumClusterwideNetworkPolicy": "enable-cilium-clusterwide-network-policy",
}
_TAG = re.compile(r":v?(\d+)\.(\d+)\.(\d+)")


def _agents(config: Object, pods: Iterable[Object]) -> Agents:
    def is_set(key: str, *, default: bool) -> bool:
        return str(config.get(key, default)).lower() == "true"

    # While agents are rolled out, the oldest one decides what is enforced everywhere.
    images = (_TAG.search(str(pod.get("agent") or "")) for pod in pods)
    releases = [tuple(map(int, found.groups())) for found in images if found]
    return Agents(
        version=".".join(map(str, min(releases))) if releases else Agents().version,
        layer7=is_set("enable-l7-proxy", default=True),
        icmp=is_set("enable-icmp-rules", default=True),
        node_labels=is_set("enable-node-selector-labels", default=False),
        without_port=is_set("enable-extended-ip-protocols", default=False),
        audit=is_set("policy-audit-mode", default=False),
        ignored_kinds={
            kind: f"{key}: false" for kind, key in _SWITCHES.items() if not is_set(key, default=True)
        },
    )


def _mode(config: Object) -> Mode:
    text = str(config.get("enable-policy") or "default").lower()
    try:
        return Mode(text)
    except ValueError as error:
        raise UserError(
            f"cilium-config has enable-policy {text!r}, which is none of default, always and never"
        ) from error


def _cidr_selects(config: Object) -> frozenset[str]:
    return frozenset(str(config.get("policy-cidr-match-mode") or "").replace(",", " ").split())


def _is_dns_on_node(pod: Object) -> bool:
    # By the names of its DaemonSet in kubernetes/kubernetes (cluster/addons/dns/nodelocaldns) and Kubespray.
    name, namespace = str(pod.get("name")), pod.get("namespace")
    named = name.startswith(("node-local-dns", "nodelocaldns"))
    return named and namespace == "kube-system" and bool(pod.get("hostNetwork"))


def _workloads(cluster: str, endpoints: list[Object], pods: list[Object]) -> Iterable[Workload]:
    listening = {(pod.get("namespace"), pod.get("name")): pod["ports"] for pod in pods}
    grouped: dict[tuple[str, ...], list[Object]] = {}
    for endpoint in endpoints:
        grouped.setdefault(tuple(sorted(endpoint["labels"])), []).append(endpoint)
    for labels, same in sorted(grouped.items()):
        names = tuple(sorted(endpoint["metadata"]["name"] for endpoint in same))
        ports = {
            Port(port["containerPort"], port.get("protocol") or "TCP")
            for endpoint in same
            for port in listening.get(
                (endpoint["metadata"].get("namespace"), endpoint["metadata"]["name"]), ()
            )
        }
        by_number = sorted(ports, key=lambda port: (port.number, port.protocol))
        yield Workload(_pod(cluster, labels, same, names), names, tuple(by_number))


def _pod(cluster: str, labels: tuple[str, ...], same: list[Object], names: tuple[str, ...]) -> Pod:
    found = dict(_kubernetes(label) for label in labels if label.startswith(f"{KUBERNETES}:"))
    prefix = f"{NAMESPACE_LABELS}."
    kept = {CLUSTER_LABEL, NAMESPACE_LABEL, SERVICE_ACCOUNT_LABEL}
    return Pod(
        cluster=cluster,
        identity_cluster=found.get(CLUSTER_LABEL, ""),
        namespace=found.get(NAMESPACE_LABEL) or str(same[0]["metadata"].get("namespace")),
        labels={key: value for key, value in found.items() if key not in kept and not key.startswith(prefix)},
        namespace_labels={
            key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)
        },
        service_account=found.get(SERVICE_ACCOUNT_LABEL, ""),
        named_ports=dict(named for endpoint in same for named in _named_ports(endpoint)),
        has_identity=True,
        title=named(names, 1),
    )


def _named_ports(endpoint: Object) -> Iterator[tuple[str, Port]]:
    for port in endpoint["namedPorts"]:
        if port.get("name"):
            yield str(port["name"]), Port(port["port"], port.get("protocol") or "TCP")


def _kubernetes(label: str) -> tuple[str, str]:
    key, _, value = label.partition(":")[2].partition("=")
    return key, value
