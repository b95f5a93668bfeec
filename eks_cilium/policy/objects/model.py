"""A policy together with its cluster, and the labels by which Cilium knows where a pod is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLUSTER_LABEL = "io.cilium.k8s.policy.cluster"
"""Label of every pod. From Cilium 1.19 on, a peer selector without it means the policy's own cluster."""

NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
"""Label of every pod. In a namespaced policy, a peer selector without it means the policy's namespace."""

NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels"
"""Prefix of the labels of a pod's namespace in the pod's identity; a dot and the label's key follow."""

CLUSTERWIDE_KINDS = frozenset(
    (
        *("CiliumClusterwideNetworkPolicy", "ClusterNetworkPolicy"),
        *("AdminNetworkPolicy", "BaselineAdminNetworkPolicy"),
    )
)
"""Kinds of policies that are in no namespace."""


@dataclass(frozen=True)
class Policy:
    """A policy as an object of the Kubernetes API, and the cluster it is for."""

    cluster: str
    """Name of the cluster in Cilium."""
    object: Mapping[str, Any]
    origin: str = ""
    """Where the policy comes from, for messages: a file, or the intent it was generated from."""

    @property
    def kind(self) -> str:
        """CiliumNetworkPolicy, NetworkPolicy, or one of `CLUSTERWIDE_KINDS`."""
        return str(self.object.get("kind", ""))

    @property
    def name(self) -> str:
        """Name of the object; empty where it has none."""
        return str(self._metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        """Namespace of the object; empty for a policy of a kind that is in none."""
        if self.kind in CLUSTERWIDE_KINDS:
            return ""
        return str(self._metadata.get("namespace") or "default")

    @property
    def _metadata(self) -> Mapping[str, Any]:
        # In a file it may be anything.
        found = self.object.get("metadata")
        return found if isinstance(found, dict) else {}

    def rules(self) -> Iterator[tuple[tuple[str | int, ...], Any]]:
        """The rules of the policy, `spec` and the entries of `specs`, each with the keys that lead to it."""
        if "spec" in self.object:
            yield ("spec",), self.object["spec"]
        specs = self.object.get("specs")
        for index, rule in enumerate(specs if isinstance(specs, list) else ()):
            yield ("specs", index), rule

    def __str__(self) -> str:
        """The kind and name: `CiliumNetworkPolicy my-client/allow-cross-cluster`."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"
