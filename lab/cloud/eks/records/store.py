"""The clusters of the account, and the lookups by which operations find or refuse resources.

A cluster's name is unique over all regions of the lab (on AWS: within a region), because its authentication
webhook and the registry of running clusters use the name only.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lab.cloud.eks.errors import InvalidRequestError, ResourceInUseError, ResourceNotFoundError

if TYPE_CHECKING:
    from lab.cloud.eks.environment import Environment
    from lab.cloud.eks.kubernetes_api import KubernetesApi
    from lab.cloud.eks.protocol import Call
    from lab.cloud.eks.records.model import Addon, Cluster, Nodegroup


class Store:
    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._lock = threading.Lock()
        self._clusters: dict[str, Cluster] = {}
        self._apis: dict[str, KubernetesApi] = {}

    def add(self, cluster: Cluster) -> None:
        """Add a new cluster; refuse a name that exists."""
        with self._lock:
            if cluster.name in self._clusters:
                message = f"Cluster already exists with name: {cluster.name}"
                raise ResourceInUseError(message, clusterName=cluster.name)
            self._clusters[cluster.name] = cluster

    def remove(self, name: str) -> None:
        with self._lock:
            self._clusters.pop(name, None)
            self._apis.pop(name, None)

    def find(self, name: str) -> Cluster | None:
        """Return a cluster by name, in any region."""
        return self._clusters.get(name)

    def all(self, region: str | None = None) -> list[Cluster]:
        """Return the clusters of a region, or all of them, sorted by name."""
        with self._lock:
            clusters = sorted(self._clusters.values(), key=lambda cluster: cluster.name)
        return [cluster for cluster in clusters if region in {None, cluster.region}]

    def kubernetes(self, cluster: Cluster) -> KubernetesApi:
        """Return the API client of a cluster that has an API server."""
        with self._lock:
            if cluster.name not in self._apis:
                assert cluster.admin_kubeconfig, f"{cluster.name} has no API server yet"
                self._apis[cluster.name] = self.environment.kubernetes(cluster.admin_kubeconfig)
            return self._apis[cluster.name]

    def cluster(self, call: Call) -> Cluster:
        """Return the cluster that a call names, as `name` or as `clusterName`."""
        name = call.get("clusterName") or call["name"]
        cluster = self._clusters.get(name)
        if cluster is None or cluster.region != call.region:
            message = f"No cluster found for name: {name}."
            raise ResourceNotFoundError(message, clusterName=name)
        return cluster

    def active(self, call: Call) -> Cluster:
        """Return the cluster that a call names; refuse one that is not ACTIVE."""
        cluster = self.cluster(call)
        if cluster.status not in {"ACTIVE", "UPDATING"}:
            message = f"Cluster '{cluster.name}' is not in ACTIVE status (it is {cluster.status})"
            raise InvalidRequestError(message, clusterName=cluster.name)
        return cluster


def nodegroup_of(cluster: Cluster, name: str) -> Nodegroup:
    """Return a node group of a cluster, or raise EKS's refusal."""
    if name not in cluster.nodegroups:
        message = f"No node group found for name: {name}."
        raise ResourceNotFoundError(message, clusterName=cluster.name, nodegroupName=name)
    return cluster.nodegroups[name]


def addon_of(cluster: Cluster, name: str) -> Addon:
    """Return an add-on of a cluster, or raise EKS's refusal."""
    if name not in cluster.addons:
        message = f"No addon: {name} found in cluster: {cluster.name}"
        raise ResourceNotFoundError(message, clusterName=cluster.name, addonName=name)
    return cluster.addons[name]
