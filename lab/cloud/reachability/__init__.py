"""Reachability in the cloud, which the node players of a mesh ask for.

`POST /lab/mesh/reach` answers whether a pod or node of a cluster reaches a host and port, from the state of
EC2, Route 53 and the load balancers only, with the reason if not. With `POST /lab/mesh/servers` a cluster's
node player registers its clustermesh-apiserver, so that the answer can say which server is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from lab.cloud.extension import Extension
from lab.cloud.reachability.paths import UnreachableError, find_path
from lab.cloud.schedule import BACKENDS

if TYPE_CHECKING:
    from lab.cloud.extension import LabRequest, Parts
    from lab.cloud.reachability.paths import Reached
    from lab.cloud.running_clusters import Clusters, RunningCluster


def install(parts: Parts) -> Extension:
    """Offer the two requests below `/lab/mesh/`."""
    mesh = Mesh(parts.clusters, parts.account)
    return Extension(posts={"mesh/reach": mesh.reach, "mesh/servers": mesh.register})


class Mesh:
    """The clusters' clustermesh-apiservers, and the paths to them."""

    def __init__(self, clusters: Clusters, account: str) -> None:
        self._clusters = clusters
        self._account = account
        self._servers: dict[str, dict[str, Any]] = {}

    def register(self, server: LabRequest) -> LabRequest:
        """Store the current state of a cluster's clustermesh-apiserver."""
        self._servers[self._cluster(server["cluster"]).name] = dict(server)
        return {}

    def reach(self, question: LabRequest) -> LabRequest:
        """Return whether a pod or node reaches a host and port, or why not, and which server is behind it."""
        cluster = self._cluster(question["cluster"])
        with BACKENDS:
            try:
                reached = find_path(
                    self._account,
                    ec2_backends[self._account][cluster.region],
                    instance=question["instance"],
                    address=question["address"],
                    host=question["host"],
                    port=int(question["port"]),
                )
            except UnreachableError as error:
                return {"reachable": False, "reason": str(error), "server": None}
        return {"reachable": True, "reason": "", "server": self._server_behind(reached)}

    def _server_behind(self, reached: Reached) -> dict[str, Any] | None:
        owner, service = reached.owner
        server = self._servers.get(owner)
        running = self._clusters.get(owner) is not None
        return server if running and server is not None and server["service"] == service else None

    def _cluster(self, name: str) -> RunningCluster:
        found = self._clusters.get(name)
        if found is None:
            message = f"cluster {name} is not running"
            raise LookupError(message)
        return found
