"""Turns the objects of a running cluster into policies, pods and ports for an evaluation.

The command `eks-cilium verdict` has the objects read. Pods that share an identity become one workload,
because no policy can distinguish them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from eks_cilium.cilium import versions
from eks_cilium.errors import UserError
from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.verdict.labels import KUBERNETES, SERVICE_ACCOUNT_LABEL
from eks_cilium.policy.verdict.model import Cluster, NetworkGroup, Pod, Port, Service
from eks_cilium.policy.verdict.options import cluster_of, differing
from eks_cilium.texts import named

Object = Mapping[str, Any]


class ClusterObjects(Protocol):
    """The objects of one cluster; `eks_cilium.cluster.cilium_objects` reads them."""

    @property
    def config(self) -> Object:
        """The data of the ConfigMap `cilium-config`."""

    @property
    def endpoints(self) -> Iterable[Object]:
        """CiliumEndpoints, each with metadata, the labels of its identity, namedPorts, and addresses."""

    @property
    def pods(self) -> Iterable[Object]:
        """Pods, each with namespace, name, hostNetwork, ports, and what is known of workload and nodeAddress.

        A pod of Cilium's agents also has its image.
        """

    @property
    def policies(self) -> Iterable[Object]:
        """Policies of every kind: Cilium's two, NetworkPolicies, and those of whole clusters."""

    @property
    def groups(self) -> Iterable[Object]:
        """CiliumCIDRGroups, each with name, labels and networks."""

    @property
    def services(self) -> Iterable[Object] | None:
        """Services, each with namespace, name, labels, selector and addresses; None where not known."""

    @property
    def node_configs(self) -> Iterable[Object]:
        """CiliumNodeConfigs, each with its name and its defaults for some nodes."""

    @property
    def cluster_ips(self) -> Iterable[tuple[str, str]]:
        """The virtual addresses of Services, each with the Service as `namespace/name`."""

    @property
    def unread(self) -> Iterable[str]:
        """Kinds of objects that could not be read."""

    @property
    def malformed(self) -> Iterable[str]:
        """Objects that do not have the shape of their kind, each with the reason, and that are left out."""


@dataclass(frozen=True)
class Workload:
    """Pods that share an identity."""

    pod: Pod
    """The identity, as an endpoint of flows."""
    names: tuple[str, ...]
    """Names of the pods, sorted."""
    ports: tuple[Port, ...]
    """The ports that the pods' containers declare, sorted by number."""
    owner: str = ""
    """Name of the Deployment or whatever else made the pods; empty where that is not known."""
    addresses: tuple[str, ...] = ()
    """The IPv4 addresses of the pods."""


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
    nodes: tuple[str, ...] = ()
    """The addresses of nodes that run pods, sorted."""
    differing: tuple[str, ...] = ()
    """Options that decide verdicts and are others on some nodes, each as a sentence."""
    unread: tuple[str, ...] = ()
    """Kinds of objects that could not be read, without which verdicts may be wrong."""
    cluster_ips: Mapping[str, str] = field(default_factory=dict)
    """The virtual addresses of Services, each with the Service as `namespace/name`."""
    malformed: tuple[str, ...] = ()
    """Objects that were left out, each with the reason."""


def live_cluster(objects: ClusterObjects) -> LiveCluster:
    """Derive a cluster from its own objects.

    Args:
        objects: What was read of the cluster.

    Returns:
        The cluster with its policies, options and workloads.

    Raises:
        UserError: `enable-policy` of `cilium-config` has a value that is not known here, or the agents are of
            a release whose policies are not.
    """
    config = objects.config
    name = str(config.get("cluster-name") or "default")
    policies = tuple(Policy(name, manifest, "the cluster") for manifest in objects.policies)
    endpoints = list(objects.endpoints)
    pods = list(objects.pods)
    services, node_configs = objects.services, list(objects.node_configs)
    cluster = dataclasses.replace(
        cluster_of(name, config, _known(_version(pods), name), node_configs),
        policies=policies,
        groups=tuple(
            NetworkGroup(each["name"], tuple(each["networks"]), each["labels"]) for each in objects.groups
        ),
        services=None if services is None else tuple(map(_service, services)),
        named_ports=frozenset(named for endpoint in endpoints for named in _named_ports(endpoint)),
    )
    return LiveCluster(
        cluster,
        tuple(_workloads(name, endpoints, pods)),
        max(0, len(pods) - len(endpoints)),
        any(map(_is_dns_on_node, pods)),
        tuple(sorted({str(pod["nodeAddress"]) for pod in pods if pod.get("nodeAddress")})),
        tuple(differing(config, node_configs)),
        tuple(objects.unread),
        dict(objects.cluster_ips),
        tuple(objects.malformed),
    )


_TAG = re.compile(r":v?(\d+)\.(\d+)\.(\d+)")


def _service(found: Object) -> Service:
    addresses = tuple(found["addresses"])
    return Service(found["namespace"], found["name"], found["labels"], found["selector"], addresses)


def _version(pods: Iterable[Object]) -> str:
    # While agents are rolled out, the oldest one decides what is enforced everywhere.
    images = (_TAG.search(str(pod.get("agent") or "")) for pod in pods)
    releases = [tuple(map(int, found.groups())) for found in images if found]
    return ".".join(map(str, min(releases))) if releases else Agents().version


def _known(version: str, cluster: str) -> str:
    if not versions.has_minor(versions.minor(version)):
        raise UserError(
            f"agents of {cluster} are of Cilium {version}, and how it reads policies is not known here: "
            f"{versions.SERVED}"
        )
    return version


def _is_dns_on_node(pod: Object) -> bool:
    # By the names of its DaemonSet in kubernetes/kubernetes (cluster/addons/dns/nodelocaldns) and Kubespray.
    name, namespace = str(pod.get("name")), pod.get("namespace")
    named = name.startswith(("node-local-dns", "nodelocaldns"))
    return named and namespace == "kube-system" and bool(pod.get("hostNetwork"))


def _workloads(cluster: str, endpoints: list[Object], pods: list[Object]) -> Iterable[Workload]:
    by_name = {(pod.get("namespace"), pod.get("name")): pod for pod in pods}
    grouped: dict[tuple[str, ...], list[Object]] = {}
    for endpoint in endpoints:
        grouped.setdefault(tuple(sorted(endpoint["labels"])), []).append(endpoint)
    for labels, same in sorted(grouped.items()):
        names = tuple(sorted(endpoint["metadata"]["name"] for endpoint in same))
        places = ((each["metadata"].get("namespace"), each["metadata"]["name"]) for each in same)
        running = [pod for place in places if (pod := by_name.get(place))]
        ports = {
            Port(port["containerPort"], port.get("protocol") or "TCP")
            for pod in running
            for port in pod["ports"]
        }
        yield Workload(
            _pod(cluster, labels, same, names),
            names,
            tuple(sorted(ports, key=lambda port: (port.number, port.protocol))),
            next((str(pod["workload"]) for pod in running if pod.get("workload")), ""),
            _addresses(same),
        )


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
        addresses=_addresses(same),
    )


def _addresses(endpoints: Iterable[Object]) -> tuple[str, ...]:
    return tuple(address for each in endpoints for address in each.get("addresses") or ())


def _named_ports(endpoint: Object) -> Iterator[tuple[str, Port]]:
    for port in endpoint["namedPorts"]:
        if port.get("name"):
            yield str(port["name"]), Port(port["port"], port.get("protocol") or "TCP")


def _kubernetes(label: str) -> tuple[str, str]:
    key, _, value = label.partition(":")[2].partition("=")
    return key, value
