"""A policy in the cluster it belongs to, and the labels that every part of this package speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLUSTER_LABEL = "io.cilium.k8s.policy.cluster"
"""Every pod's identity carries it. From 1.19 a peer selector without it means the policy's own cluster."""

NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
"""A peer selector of a namespaced policy that names no namespace means the policy's own."""

NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels"
"""Labels of a pod's namespace, each behind this and a dot."""


@dataclass(frozen=True)
class Policy:
    """An object of the Kubernetes API and the name of the cluster that has it."""

    cluster: str
    object: Mapping[str, Any]
    origin: str = ""
    """Where it was written, for messages: a file, or the intent it was made from."""

    @property
    def kind(self) -> str:
        """CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy or NetworkPolicy."""
        return str(self.object.get("kind", ""))

    @property
    def name(self) -> str:
        """Name of the object."""
        return str((self.object.get("metadata") or {}).get("name", ""))

    @property
    def namespace(self) -> str:
        """Namespace of the object; nothing for a clusterwide one."""
        if self.kind == "CiliumClusterwideNetworkPolicy":
            return ""
        return str((self.object.get("metadata") or {}).get("namespace") or "default")

    def rules(self) -> Iterator[tuple[tuple[str | int, ...], Any]]:
        """Its rules, each with the keys that lead to it: `spec`, and the entries of `specs`."""
        if "spec" in self.object:
            yield ("spec",), self.object["spec"]
        specs = self.object.get("specs")
        for index, rule in enumerate(specs if isinstance(specs, list) else ()):
            yield ("specs", index), rule

    def __str__(self) -> str:
        """As `kubectl` would name it: `CiliumNetworkPolicy my-client/allow-cross-cluster`."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"
