"""Pieces that every kind of Kubernetes object shares: references, times, owners, conditions, node terms."""

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
    """Which object: enough to name it in a sentence and to find it again."""

    kind: str
    namespace: str
    """Empty for objects of the whole cluster."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def reference(kind: str, thing: Mapping[str, Any]) -> Reference:
    """Which object this is. Items of a list do not say their kind."""
    metadata = thing["metadata"]
    return Reference(kind, metadata.get("namespace", ""), metadata["name"])


def controller(thing: Mapping[str, Any]) -> Reference | None:
    """The one owner that makes the object anew."""
    metadata = thing["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return Reference(owner["kind"], metadata.get("namespace", ""), owner["name"])
    return None


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes writes it."""
    return datetime.fromisoformat(text) if text else None


def condition(thing: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One condition of the status; empty when it is not there."""
    for one in thing.get("status", {}).get("conditions") or ():
        if one["type"] == kind:
            found: Mapping[str, Any] = one
            return found
    return {}


def node_terms(written: Mapping[str, Any] | None) -> Terms:
    """The terms of a required node affinity. A demand on the node's name becomes one on its host name."""
    return tuple(
        (*requirements(term.get("matchExpressions")), *_fields(term.get("matchFields")))
        for term in (written or {}).get("nodeSelectorTerms") or ()
    )


def _fields(written: Any) -> tuple[Requirement, ...]:
    return tuple(
        Requirement(HOSTNAME, one.operator, one.values) if one.key == _NODE_NAME_FIELD else one
        for one in requirements(written)
    )
