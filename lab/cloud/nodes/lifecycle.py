"""Compare instances with nodes periodically, and register or delete nodes.

No step depends on an event: a comparison that fails (because an API server starts, stops or fails) is
repeated. Only what EC2 and Kubernetes do not show is remembered: since when an instance runs or has ended,
and which instances have registered before, because a deleted Node object does not return by itself.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

import httpx

from lab.cloud.eks.kubernetes_api import KubernetesError, UnreachableError
from lab.cloud.nodes.registration import node_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.cloud.nodes.api import Node, NodeObjects
    from lab.cloud.nodes.machines import Machine
    from lab.cloud.running_clusters import Clusters, RunningCluster
    from lab.cloud.timing import Timing

POWERED_OFF = "lab.eks-cilium.io/powered-off"
PROVIDER = "aws:///"
# While EC2 has not changed, the nodes are listed less often, because a list of nodes is long.
_QUIET_SECONDS = 5.0

_log = logging.getLogger(__name__)


class NodeLifecycle:
    """Registers nodes, marks them as powered off, and deletes them."""

    def __init__(
        self,
        clusters: Clusters,
        machines: Callable[[], list[Machine]],
        connect: Callable[[RunningCluster], NodeObjects],
        timing: Timing,
        clock: Callable[[], float],
    ) -> None:
        self._clusters = clusters
        self._machines = machines
        self._connect = connect
        self._timing = timing
        self._clock = clock
        self._apis: dict[str, NodeObjects] = {}
        self._since: dict[tuple[str, str], float] = {}
        self._registered: set[tuple[str, str]] = set()
        self._quiet: dict[str, tuple[frozenset[tuple[str, str]], float]] = {}

    def compare(self) -> None:
        """Bring the nodes of every running cluster one step closer to its instances."""
        by_cluster: dict[str, list[Machine]] = defaultdict(list)
        for machine in self._machines():
            by_cluster[machine.cluster].append(machine)
            self._since.setdefault((machine.id, _phase(machine)), self._clock())
        running = {cluster.endpoint: cluster for cluster in self._clusters}
        self._apis = {endpoint: api for endpoint, api in self._apis.items() if endpoint in running}
        for endpoint, cluster in running.items():
            machines = by_cluster[cluster.name]
            if not self._is_quiet(endpoint, machines):
                self._try_cluster(cluster, machines)

    def _try_cluster(self, cluster: RunningCluster, machines: list[Machine]) -> None:
        try:
            idle = self._compare_cluster(cluster, machines)
        except (KubernetesError, UnreachableError, httpx.HTTPError, OSError) as error:
            _log.warning("nodes of cluster %s: %s; will try again", cluster.name, error)
            return
        if idle:
            self._quiet[cluster.endpoint] = (_signature(machines), self._clock() + _QUIET_SECONDS)

    def _is_quiet(self, endpoint: str, machines: list[Machine]) -> bool:
        signature, until = self._quiet.get(endpoint, (frozenset(), 0.0))
        return signature == _signature(machines) and self._clock() < until

    def _compare_cluster(self, cluster: RunningCluster, machines: list[Machine]) -> bool:
        """Compare one cluster; return whether only a change in EC2 can require more changes."""
        if cluster.endpoint not in self._apis:
            self._apis[cluster.endpoint] = self._connect(cluster)
        api = self._apis[cluster.endpoint]
        nodes = {_instance(node): node for node in api.items("Node") if _instance(node)}
        joined = [self._join(cluster, api, machine) for machine in machines if machine.id not in nodes]
        known = {machine.id: machine for machine in machines}
        removed = [self._end(api, node, known.get(instance)) for instance, node in nodes.items()]
        return all(joined) and all(removed)

    def _join(self, cluster: RunningCluster, api: NodeObjects, machine: Machine) -> bool:
        key = (cluster.endpoint, machine.id)
        if not machine.runs or key in self._registered:
            return machine.state != "pending"
        if not self._has_been(machine, self._timing.node_boot) or not cluster.nodes_reach():
            return False
        profile = cluster.nodegroup(machine.nodegroup) if machine.nodegroup else None
        if profile is not None and not profile.joins:
            return False
        if api.create(node_for(machine, profile)):
            self._registered.add(key)
            return True
        return False

    def _end(self, api: NodeObjects, node: Node, machine: Machine | None) -> bool:
        if machine is not None and machine.runs:
            return True
        name: str = node["metadata"]["name"]
        if POWERED_OFF not in node["metadata"].get("annotations", {}):
            api.annotate(name, {POWERED_OFF: "true"})
        if machine is not None and not machine.over:
            return True
        if machine is None or self._has_been(machine, self._timing.node_delete_after_termination):
            api.delete("Node", name)
            return True
        return False

    def _has_been(self, machine: Machine, seconds: float) -> bool:
        return self._clock() - self._since[machine.id, _phase(machine)] >= seconds


def _phase(machine: Machine) -> str:
    """Return the instance's phase; shutting down and terminated are the same one."""
    return "over" if machine.over else machine.state


def _instance(node: Node) -> str:
    """Return the EC2 instance that a node runs on, if its provider ID names one."""
    provider = str(node.get("spec", {}).get("providerID", ""))
    return provider.rpartition("/")[2] if provider.startswith(PROVIDER) else ""


def _signature(machines: Iterable[Machine]) -> frozenset[tuple[str, str]]:
    return frozenset((machine.id, _phase(machine)) for machine in machines)
