"""A load generator: a Deployment that grows beyond what the nodes of a group hold, and shrinks again.

Its pods are large, so that few of them fill the nodes; those that find no place make an autoscaler grow the
group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.disturbances.autoscaler.state import Node, Pod, Size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eks_cilium.clients.kubernetes import KubernetesApi

NAMESPACE = "load"
NAME = "burst"
_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
_POD = Size(cpu=1000, memory=256 * 2**20, pods=1)


@dataclass(frozen=True)
class LoadGenerator:
    """The load on the nodes with certain labels."""

    api: KubernetesApi
    node_selector: dict[str, str]

    def install(self) -> None:
        """Create the Deployment without any pod."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self.api.apply(f"/api/v1/namespaces/{NAMESPACE}", namespace)
        self.api.apply(_PATH, _deployment(self.node_selector))

    def raise_beyond(self, nodes: int) -> int:
        """Run pods that fill the present nodes and need so many more; return their number."""
        pods = [pod for pod in self.api.each("/api/v1/pods", Pod.read) if pod is not None]
        own = [node for node in self.api.each("/api/v1/nodes", Node.read) if self._selects(node)]
        replicas = room(own, pods) + nodes
        self._scale(replicas)
        return replicas

    def end(self) -> None:
        """Run no pods any more."""
        self._scale(0)

    def waiting(self) -> int:
        """Return how many of its pods are not ready."""
        found = self.api.get(_PATH) or {}
        wanted = int(found.get("spec", {}).get("replicas", 0))
        return wanted - int(found.get("status", {}).get("readyReplicas", 0))

    def _selects(self, node: Node) -> bool:
        return all(node.labels.get(key) == value for key, value in self.node_selector.items())

    def _scale(self, replicas: int) -> None:
        self.api.merge(f"{_PATH}/scale", {"spec": {"replicas": replicas}})


def room(nodes: Iterable[Node], pods: Iterable[Pod]) -> int:
    """Return how many pods of the load have a place on the nodes that take pods now."""
    free = {node.name: node.size for node in nodes if node.takes_pods}
    for pod in pods:
        if pod.node in free and pod.namespace != NAMESPACE:
            free[pod.node] -= pod.size
    return sum(
        max(min(left.cpu // _POD.cpu, left.memory // _POD.memory, left.pods), 0) for left in free.values()
    )


def _deployment(node_selector: dict[str, str]) -> dict[str, Any]:
    labels = {"app": NAME}
    container = {
        "name": NAME,
        "image": "registry.example/load/burst:1.0.0",
        "resources": {"requests": {"cpu": f"{_POD.cpu}m", "memory": str(_POD.memory)}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
    }
    pod = {"nodeSelector": node_selector, "terminationGracePeriodSeconds": 5, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
