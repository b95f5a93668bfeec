"""The calls of the Kubernetes API that register nodes, as the lab's administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lab.cloud.eks.kubernetes_api import HttpKubernetesApi, KubernetesError

if TYPE_CHECKING:
    from collections.abc import Mapping

Node = dict[str, Any]


class NodeObjects(Protocol):
    """The nodes of one cluster."""

    def items(self, kind: str) -> list[Node]:
        """The objects of a kind; only `Node` is asked for here."""

    def create(self, node: Node) -> bool:
        """Register a node; False when another node of that name still exists."""

    def annotate(self, name: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of a node."""

    def delete(self, kind: str, name: str) -> None:
        """Delete an object; one that does not exist is no error."""


class NodeApi(HttpKubernetesApi):
    """The nodes of a cluster, over HTTP."""

    def create(self, node: Node) -> bool:
        """Register a node as a kubelet does: a single POST that includes its status."""
        try:
            self._send("POST", "/api/v1/nodes", body=node)
        except KubernetesError as error:
            if error.status == 409:
                return False
            raise
        return True

    def annotate(self, name: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of a node; a node that does not exist is no error."""
        try:
            self.patch("Node", name, {"metadata": {"annotations": dict(annotations)}})
        except KubernetesError as error:
            if error.status != 404:
                raise
