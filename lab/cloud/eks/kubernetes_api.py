"""The calls of the Kubernetes API that EKS itself makes to a cluster, as the lab's administrator.

The emulated EKS installs add-ons and access bindings, watches nodes and workloads, and drains nodes. It needs
the kinds in `KINDS` only; another kind is a mistake in a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from eks_cilium.clients.kubeconfig import Kubeconfig
from eks_cilium.clients.kubernetes import APPLY_PATCH, JSON, MERGE_PATCH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Object = dict[str, Any]
FIELD_MANAGER = "eks"
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Kind:
    """Where objects of a kind are in the API."""

    api: str
    plural: str
    namespaced: bool = True


KINDS = {
    "Node": Kind("api/v1", "nodes", namespaced=False),
    "Namespace": Kind("api/v1", "namespaces", namespaced=False),
    "Pod": Kind("api/v1", "pods"),
    "Service": Kind("api/v1", "services"),
    "ServiceAccount": Kind("api/v1", "serviceaccounts"),
    "ConfigMap": Kind("api/v1", "configmaps"),
    "Deployment": Kind("apis/apps/v1", "deployments"),
    "DaemonSet": Kind("apis/apps/v1", "daemonsets"),
    "PodDisruptionBudget": Kind("apis/policy/v1", "poddisruptionbudgets"),
    "ClusterRole": Kind("apis/rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False),
    "ClusterRoleBinding": Kind("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False),
    "Role": Kind("apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Kind("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "CustomResourceDefinition": Kind(
        "apis/apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False
    ),
    "StorageClass": Kind("apis/storage.k8s.io/v1", "storageclasses", namespaced=False),
    "CSIDriver": Kind("apis/storage.k8s.io/v1", "csidrivers", namespaced=False),
    "PriorityClass": Kind("apis/scheduling.k8s.io/v1", "priorityclasses", namespaced=False),
}


class KubernetesError(Exception):
    """The API server rejected a request: its status and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class UnreachableError(Exception):
    """The API server did not answer; it may answer later."""


class KubernetesApi(Protocol):
    """What the emulated EKS does in a cluster."""

    def apply(self, manifest: Object, *, force: bool) -> None:
        """Create or change an object by server-side apply, as the field manager `eks`."""
        ...

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """An object; None when it does not exist."""
        ...

    def items(self, kind: str, namespace: str | None = None, **selectors: str) -> list[Object]:
        """The objects of a kind, by `labelSelector` and `fieldSelector`."""
        ...

    def patch(self, kind: str, name: str, patch: Object) -> None:
        """Merge a patch into an object without namespace."""
        ...

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object; one that does not exist is no error."""
        ...

    def evict(self, name: str, namespace: str) -> bool:
        """Ask for the eviction of a pod; False when a disruption budget does not allow it now."""
        ...


class HttpKubernetesApi:
    """A cluster's API server, reached as the current context of a kubeconfig says."""

    def __init__(self, kubeconfig: Path) -> None:
        access = Kubeconfig.read(kubeconfig).access()
        self._api = access.connect(timeout=httpx.Timeout(_TIMEOUT_SECONDS))

    def apply(self, manifest: Object, *, force: bool) -> None:
        metadata = manifest["metadata"]
        path = _path(manifest["kind"], metadata.get("namespace"), metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        self._send("PATCH", path, query, manifest, APPLY_PATCH)

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        try:
            return self._send("GET", _path(kind, namespace, name))
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def items(self, kind: str, namespace: str | None = None, **selectors: str) -> list[Object]:
        found: list[Object] = self._send("GET", _path(kind, namespace), selectors)["items"]
        return found

    def patch(self, kind: str, name: str, patch: Object) -> None:
        query = {"fieldManager": FIELD_MANAGER}
        self._send("PATCH", _path(kind, None, name), query, patch, MERGE_PATCH)

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        try:
            self._send("DELETE", _path(kind, namespace, name))
        except KubernetesError as error:
            if error.status != 404:
                raise

    def evict(self, name: str, namespace: str) -> bool:
        """Ask for the eviction of a pod; False when a disruption budget does not allow it now."""
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
        }
        try:
            self._send("POST", f"{_path('Pod', namespace, name)}/eviction", body=eviction)
        except KubernetesError as error:
            if error.status in {404, 429, 500}:
                return error.status == 404
            raise
        return True

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = JSON,
    ) -> Object:
        try:
            response = self._api.exchange(method, path, query=query, body=body, content_type=content_type)
        except httpx.TransportError as error:
            raise UnreachableError(str(error)) from error
        answer = response.json() if response.content else {}
        if response.is_error:
            raise KubernetesError(response.status_code, str(answer.get("message", response.text)))
        return dict(answer)


def _path(kind: str, namespace: str | None, name: str | None = None) -> str:
    where = KINDS[kind]
    scope = f"/namespaces/{namespace}" if where.namespaced and namespace else ""
    return f"/{where.api}{scope}/{where.plural}" + (f"/{name}" if name else "")
