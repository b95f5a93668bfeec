"""The EKS clusters whose control plane is running: the one thing EKS and EC2 of the lab share.

EKS (`lab.cloud.eks`) adds a cluster here once its API server answers and removes it before the API server
stops. EC2 (`lab.cloud.nodes`) asks here when an instance that carries the tags of a node group boots or ends:
which API server does its node register with, and which labels and taints does its node group give it?
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
    """A taint as Kubernetes spells it: the effect is `NoSchedule`, `PreferNoSchedule` or `NoExecute`."""

    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True)
class NodegroupProfile:
    """What a node group gives each of its nodes when it registers."""

    name: str
    ami_type: str
    release_version: str
    capacity_type: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class ClusterNetwork:
    """Where a cluster lies in EC2."""

    vpc: str
    subnets: tuple[str, ...]
    security_group: str


@dataclass(frozen=True)
class RunningCluster:
    """A cluster that answers: where it is, and the lab's own way in (never handed to a user)."""

    name: str
    endpoint: str
    certificate_authority: bytes
    admin_kubeconfig: Path
    version: str
    find_nodegroup: Callable[[str], NodegroupProfile | None]
    region: str = ""
    network: ClusterNetwork | None = None

    def nodegroup(self, name: str) -> NodegroupProfile | None:
        """The profile of a node group as EKS has it now, or None when there is no such group."""
        return self.find_nodegroup(name)


class Clusters:
    """A registry of running clusters, safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, RunningCluster] = {}

    def add(self, cluster: RunningCluster) -> None:
        """Make a cluster known; its API server answers already."""
        with self._lock:
            self._running[cluster.name] = cluster

    def remove(self, name: str) -> None:
        """Forget a cluster; its API server is about to stop."""
        with self._lock:
            self._running.pop(name, None)

    def get(self, name: str) -> RunningCluster | None:
        """The running cluster of that name, or None when it is not running (any more)."""
        with self._lock:
            return self._running.get(name)

    def __iter__(self) -> Iterator[RunningCluster]:
        with self._lock:
            return iter(tuple(self._running.values()))
