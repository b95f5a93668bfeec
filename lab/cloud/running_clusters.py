"""The EKS clusters whose control plane is running.

EKS (`lab.cloud.eks`) adds a cluster when its API server answers and removes it before the API server stops.
The other parts of the cloud look clusters up here: `lab.cloud.nodes`, for example, to learn with which API
server an instance registers, and which labels and taints its node group sets.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Taint:
    """A Kubernetes taint; the effect is `NoSchedule`, `PreferNoSchedule` or `NoExecute`."""

    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True)
class NodegroupProfile:
    """What a node group sets on each of its nodes at registration."""

    name: str
    ami_type: str
    release_version: str
    capacity_type: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    max_pods: int | None = None
    """Most pods of a node, where its user data says so."""
    joins: bool = True
    """Whether nodes find the cluster; with an image of the user's own the user data has to name it."""


@dataclass(frozen=True)
class ClusterNetwork:
    """The EC2 network of a cluster."""

    vpc: str
    subnets: tuple[str, ...]
    security_group: str


@dataclass(frozen=True)
class RunningCluster:
    """A cluster whose API server answers, with the lab's own administrator credentials for it."""

    name: str
    endpoint: str
    certificate_authority: bytes
    admin_kubeconfig: Path
    version: str
    find_nodegroup: Callable[[str], NodegroupProfile | None]
    nodes_reach: Callable[[], bool] = lambda: True
    """Returns whether new nodes reach the API server by the cluster's endpoint settings."""
    region: str = ""
    network: ClusterNetwork | None = None

    def nodegroup(self, name: str) -> NodegroupProfile | None:
        """Return the current profile of a node group, or None when there is no such group."""
        return self.find_nodegroup(name)


class Clusters:
    """A thread-safe registry of running clusters."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, RunningCluster] = {}

    def add(self, cluster: RunningCluster) -> None:
        with self._lock:
            self._running[cluster.name] = cluster

    def remove(self, name: str) -> None:
        with self._lock:
            self._running.pop(name, None)

    def get(self, name: str) -> RunningCluster | None:
        with self._lock:
            return self._running.get(name)

    def __iter__(self) -> Iterator[RunningCluster]:
        with self._lock:
            return iter(tuple(self._running.values()))
