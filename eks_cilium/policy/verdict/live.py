"""Clusters, pods and ports out of the objects of running clusters.

Pure: `policy.verdict.__main__` has the objects read. Pods that share an identity are one end, since no policy
can tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eks_cilium.errors import UserError
from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.verdict.labels import KUBERNETES, SERVICE_ACCOUNT_LABEL
from eks_cilium.policy.verdict.model import Cluster, Mode, Pod, Port, SelectorScope

Object = Mapping[str, Any]


class Objects(Protocol):
    """What was read of one cluster: see `eks_cilium.cluster.cilium_objects`."""

    @property
    def config(self) -> Object:
        """Data of `cilium-config`."""

    @property
    def endpoints(self) -> Iterable[Object]:
        """CiliumEndpoints: metadata, labels of the identity, namedPorts."""

    @property
    def pods(self) -> Iterable[Object]:
        """Pods: namespace, name, hostNetwork, ports."""

    @property
    def policies(self) -> Iterable[Object]:
        """Policies of every kind."""


@dataclass(frozen=True)
class Workload:
    """Pods that share an identity, and the ports they say they listen on."""

    pod: Pod
    names: tuple[str, ...]
    ports: tuple[Port, ...]


@dataclass(frozen=True)
class LiveCluster:
    """A running cluster."""

    cluster: Cluster
    workloads: tuple[Workload, ...]
    unmanaged_pods: int
    """Pods without an identity of their own: on the host network, or not under Cilium."""


def live_cluster(objects: Objects) -> LiveCluster:
    """A cluster as its own objects tell it. Raises UserError where they cannot be understood."""
    config = objects.config
    name = str(config.get("cluster-name") or "default")
    policies = tuple(Policy(name, one, "the cluster") for one in objects.policies)
    cluster = Cluster(name, _meaning(config), policies, _mode(config), _cidr_selects(config))
    endpoints = list(objects.endpoints)
    pods = list(objects.pods)
    return LiveCluster(cluster, tuple(_workloads(name, endpoints, pods)), max(0, len(pods) - len(endpoints)))


def _meaning(config: Object) -> SelectorScope:
    """Charts write the key from 1.18 on; older agents know only one meaning."""
    own = str(config.get("policy-default-local-cluster", "false")).lower() == "true"
    return SelectorScope.OWN_CLUSTER if own else SelectorScope.ANY_CLUSTER


def _mode(config: Object) -> Mode:
    text = str(config.get("enable-policy") or "default").lower()
    try:
        return Mode(text)
    except ValueError as error:
        raise UserError(f"cilium-config has enable-policy {text!r}, which is no mode known here") from error


def _cidr_selects(config: Object) -> frozenset[str]:
    return frozenset(str(config.get("policy-cidr-match-mode") or "").replace(",", " ").split())


def _workloads(cluster: str, endpoints: list[Object], pods: list[Object]) -> Iterable[Workload]:
    listening = {(pod.get("namespace"), pod.get("name")): pod["ports"] for pod in pods}
    grouped: dict[tuple[str, ...], list[Object]] = {}
    for one in endpoints:
        grouped.setdefault(tuple(sorted(one["labels"])), []).append(one)
    for labels, same in sorted(grouped.items()):
        names = tuple(sorted(one["metadata"]["name"] for one in same))
        ports = {
            Port(port["containerPort"], port.get("protocol") or "TCP")
            for one in same
            for port in listening.get((one["metadata"].get("namespace"), one["metadata"]["name"]), ())
        }
        by_number = sorted(ports, key=lambda port: (port.number, port.protocol))
        yield Workload(_pod(cluster, labels, same, names), names, tuple(by_number))


def _pod(cluster: str, labels: tuple[str, ...], same: list[Object], names: tuple[str, ...]) -> Pod:
    found = dict(_kubernetes(label) for label in labels if label.startswith(f"{KUBERNETES}:"))
    prefix = f"{NAMESPACE_LABELS}."
    kept = {CLUSTER_LABEL, NAMESPACE_LABEL, SERVICE_ACCOUNT_LABEL}
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return Pod(
        cluster=found.get(CLUSTER_LABEL, cluster),
        namespace=found.get(NAMESPACE_LABEL) or str(same[0]["metadata"].get("namespace")),
        labels={key: value for key, value in found.items() if key not in kept and not key.startswith(prefix)},
        namespace_labels={
            key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)
        },
        service_account=found.get(SERVICE_ACCOUNT_LABEL, ""),
        named_ports={
            str(port["name"]): Port(port["port"], port.get("protocol") or "TCP")
            for one in same
            for port in one["namedPorts"]
            if port.get("name")
        },
        has_identity=True,
        title=f"{names[0]}{more}",
    )


def _kubernetes(label: str) -> tuple[str, str]:
    key, _, value = label.partition(":")[2].partition("=")
    return key, value
