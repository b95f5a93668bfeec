"""Whether one thing in the cloud reaches another: the question that the players of a mesh ask.

`POST /lab/mesh/reach` answers for a pod or node of a cluster and a host and port, from the state of EC2,
Route 53 and the load balancers alone, and with the reason when it is no. `POST /lab/mesh/servers` is where a
cluster's player says what its clustermesh-apiserver is like, so that the answer can say who is there.
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
    """Offer the two requests."""
    mesh = Mesh(parts.clusters, parts.account)
    return Extension(posts={"mesh/reach": mesh.reach, "mesh/servers": mesh.know})


class Mesh:
    """What the cloud knows of the clusters' clustermesh-apiservers, and of the ways to them."""

    def __init__(self, clusters: Clusters, account: str) -> None:
        self._clusters = clusters
        self._account = account
        self._servers: dict[str, dict[str, Any]] = {}

    def know(self, server: LabRequest) -> LabRequest:
        """Remember a cluster's clustermesh-apiserver as it is now."""
        self._servers[self._cluster(server["cluster"]).name] = dict(server)
        return {}

    def reach(self, question: LabRequest) -> LabRequest:
        """Whether a pod or node reaches a host and port, or why not, and which server is there."""
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
            message = f"no cluster {name} runs"
            raise LookupError(message)
        return found
