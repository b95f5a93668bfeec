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
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
_NODE_NAME_FIELD = "metadata.name"

# ReplicaSets that are older than Kubernetes 1.9 still name their Deployment's group as `extensions`.
_OWN_GROUPS = {
    **dict.fromkeys(("Deployment", "ReplicaSet", "DaemonSet"), frozenset({"apps", "extensions"})),
    "StatefulSet": frozenset({"apps"}),
    "Job": frozenset({"batch"}),
    "CronJob": frozenset({"batch"}),
    **dict.fromkeys(("ReplicationController", "Pod", "Node"), frozenset({""})),
}
"""The API groups of the kinds of Kubernetes itself whose names other groups use as well."""

__all__ = [
    "HOSTNAME",
    "INSTANCE_TYPE",
    "ZONE",
    "Object",
    "Reference",
    "Terms",
    "condition",
    "controller",
    "group_of",
    "moment",
    "node_terms",
    "reference",
    "same",
]


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Kind, namespace and name of an object: enough to name it in a sentence and to find it again."""

    kind: str
    namespace: str
    """Empty for objects without a namespace."""
    name: str
    group: str = ""
    """The API group of its kind; empty for kinds of Kubernetes itself, and in records of earlier versions.

    Other groups have kinds of the same names: OpenKruise a DaemonSet of apps.kruise.io.
    """

    def __hash__(self) -> int:
        """Of what tells objects apart: a plan of 5,000 nodes looks millions of them up."""
        return hash(self.name) ^ hash(self.namespace)

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.full_kind} {name}"

    @property
    def full_kind(self) -> str:
        """The kind, with its group where Kubernetes has a kind of that name too: DaemonSet.apps.kruise.io."""
        return f"{self.kind}.{self.group}" if self.group and self.kind in _OWN_GROUPS else self.kind


def reference(kind: str, obj: Mapping[str, Any]) -> Reference:
    """The reference to an object; `kind` is given because items of a list do not have it."""
    metadata = obj["metadata"]
    return Reference(kind, metadata.get("namespace", ""), metadata["name"])


def controller(obj: Mapping[str, Any]) -> Reference | None:
    """The owner that recreates the object when it is deleted; None where there is none."""
    metadata = obj["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            kind = owner["kind"]
            group = group_of(kind, owner.get("apiVersion", ""))
            return Reference(kind, metadata.get("namespace", ""), owner["name"], group)
    return None


def group_of(kind: str, api_version: str) -> str:
    """The API group of a kind, as a `Reference` has it: empty for the kinds of Kubernetes itself."""
    group = api_version.rpartition("/")[0]
    return "" if group in _OWN_GROUPS.get(kind, ()) else group


def same(recorded: Reference, found: Reference) -> bool:
    """Whether a recorded reference names an object. Earlier versions recorded no group of other kinds."""
    if recorded == found:
        return True
    without_group = Reference(found.kind, found.namespace, found.name)
    return recorded.kind not in _OWN_GROUPS and recorded == without_group


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
