"""Tables to judge: two clusters with as many policies as pods, of the kinds that applications have.

A shop of `size` services, ten to a namespace, half of them in each cluster. Each has a policy of its own: who
may reach it, what it may reach, or what is denied to it. No two pods share an identity.
"""

from dataclasses import dataclass
from typing import Any

from eks_cilium.policy.objects import CLUSTER_LABEL, NAMESPACE_LABEL, Policy
from eks_cilium.policy.verdict import Cluster, Flow, Pod, Port, SelectorScope

PORT = Port(8080)
CLUSTERS = ("cluster-1", "cluster-2")
TEAMS = ("shop", "data", "web")
TIERS = ("front", "middle", "back")
_PER_NAMESPACE = 10


@dataclass(frozen=True)
class Table:
    """Clusters, and pods between which every flow is judged."""

    clusters: tuple[Cluster, ...]
    pods: tuple[Pod, ...]

    @property
    def policies(self) -> tuple[Policy, ...]:
        return tuple(policy for cluster in self.clusters for policy in cluster.policies)

    def flow(self, number: int) -> Flow:
        """A cell of the table, row by row."""
        source, destination = divmod(number, len(self.pods))
        return Flow(self.pods[source], self.pods[destination], PORT)


def table(size: int) -> Table:
    """A table of `size` pods and `size` policies."""
    policies = [_policy(number, size) for number in range(size)]
    clusters = tuple(
        Cluster(name, SelectorScope.OWN_CLUSTER, tuple(each for each in policies if each.cluster == name))
        for name in CLUSTERS
    )
    return Table(clusters, tuple(map(_pod, range(size))))


def _place(number: int) -> tuple[str, str]:
    block = number // _PER_NAMESPACE
    return CLUSTERS[block % 2], f"ns-{block}"


def _pod(number: int) -> Pod:
    cluster, namespace = _place(number)
    labels = {"app": f"app-{number}", "tier": TIERS[number % 3], "version": f"v{number % 7}"}
    team = {"team": TEAMS[number // _PER_NAMESPACE % 3]}
    return Pod(cluster, namespace, labels, team, "default", {"http": PORT})


def _policy(number: int, size: int) -> Policy:
    cluster, namespace = _place(number)
    kind = _KINDS[number % len(_KINDS)]
    own = {"matchLabels": {"app": f"app-{number}"}}
    metadata = {"name": f"policy-{number}", "namespace": namespace}
    api, name, spec = kind(number, size, own)
    return Policy(cluster, {"apiVersion": api, "kind": name, "metadata": metadata, "spec": spec})


_CILIUM = ("cilium.io/v2", "CiliumNetworkPolicy")
_HTTP = [{"ports": [{"port": "8080", "protocol": "TCP"}]}]


def _from_neighbours(number: int, size: int, own: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    peers = [{"matchLabels": {"tier": TIERS[number % 3]}}, {"matchLabels": {"app": f"app-{number ^ 1}"}}]
    return *_CILIUM, {"endpointSelector": own, "ingress": [{"fromEndpoints": peers, "toPorts": _HTTP}]}


def _across_clusters(number: int, size: int, own: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    cluster, namespace = _place((number + size // 2) % size)
    other = {"matchLabels": {CLUSTER_LABEL: cluster, NAMESPACE_LABEL: namespace}}
    dns = {"matchLabels": {NAMESPACE_LABEL: "kube-system", "k8s-app": "kube-dns"}}
    entries = [{"toEndpoints": [other], "toPorts": _HTTP}, {"toEndpoints": [dns]}]
    return *_CILIUM, {"endpointSelector": own, "egress": entries}


def _of_kubernetes(number: int, size: int, own: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    peer = {"namespaceSelector": {"matchLabels": {"team": TEAMS[number % 3]}}}
    ports = [{"port": 8000, "endPort": 8100, "protocol": "TCP"}]
    spec = {"podSelector": own, "policyTypes": ["Ingress"], "ingress": [{"from": [peer], "ports": ports}]}
    return "networking.k8s.io/v1", "NetworkPolicy", spec


def _denied(number: int, size: int, own: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    versions = {"key": "version", "operator": "In", "values": [f"v{number % 7}", f"v{(number + 1) % 7}"]}
    peer = {"matchExpressions": [versions, {"key": CLUSTER_LABEL, "operator": "Exists"}]}
    denials = [{"fromEndpoints": [peer]}]
    return *_CILIUM, {"endpointSelector": own, "ingress": [{"fromEntities": ["all"]}], "ingressDeny": denials}


def _outside(number: int, size: int, own: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    networks = [f"10.{number % 250}.0.0/16", "192.0.2.0/24"]
    entries = [{"toCIDR": networks}, {"toEntities": ["cluster"], "toPorts": [{"ports": [{"port": "http"}]}]}]
    return *_CILIUM, {"endpointSelector": own, "egress": entries}


_KINDS = (_from_neighbours, _across_clusters, _of_kubernetes, _denied, _outside)
