"""Parts that every kind of Kubernetes object has: references, times, owners, conditions, node terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from eks_cilium.clients.kubernetes import Object
from eks_cilium.cluster.selectors import Requirement, requirements

if TYPE_CHECKING:
    from collections.abc import Mapping

Terms = tuple[tuple[Requirement, ...], ...]

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
_NODE_NAME_FIELD = "metadata.name"

__all__ = [
    "HOSTNAME",
    "ZONE",
    "Object",
    "Reference",
    "Terms",
    "condition",
    "controller",
    "moment",
    "node_terms",
    "reference",
]


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Kind, namespace and name of an object: enough to name it in a sentence and to find it again."""

    kind: str
    namespace: str
    """Empty for objects without a namespace."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def reference(kind: str, obj: Mapping[str, Any]) -> Reference:
    """The reference to an object; `kind` is given because items of a list do not have it."""
    metadata = obj["metadata"]
    return Reference(kind, metadata.get("namespace", ""), metadata["name"])


def controller(obj: Mapping[str, Any]) -> Reference | None:
    """The owner that recreates the object when it is deleted; None where there is none."""
    metadata = obj["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return Reference(owner["kind"], metadata.get("namespace", ""), owner["name"])
    return None


def is_cordoned(node: Mapping[str, Any]) -> bool:
    return bool(node["spec"].get("unschedulable"))


def moment(text: str | None) -> datetime | None:
    """The time in a field such as creationTimestamp; None where the field is empty."""
    return datetime.fromisoformat(text) if text else None


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The condition of a type in the status; empty where it is missing."""
    for entry in obj.get("status", {}).get("conditions") or ():
        if entry["type"] == kind:
            found: Mapping[str, Any] = entry
            return found
    return {}


def node_terms(written: Mapping[str, Any] | None) -> Terms:
    """The terms of a required node affinity. A requirement on a node's name becomes one on its host name."""
    return tuple(
        (*requirements(term.get("matchExpressions")), *_fields(term.get("matchFields")))
        for term in (written or {}).get("nodeSelectorTerms") or ()
    )


def _fields(written: Any) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(HOSTNAME, field.operator, field.values) if field.key == _NODE_NAME_FIELD else field
        for field in requirements(written)
    )
