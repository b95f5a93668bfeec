"""Controllers of kinds that this program does not know (CloneSet, StrimziPodSet, CNPG Cluster ...).

Of those only two facts are needed: how many pods of the same owner are ready, and how many the owner wants.
The first is counted; the second comes from the scale subresource where the kind has one, which is what a
HorizontalPodAutoscaler writes to. Used by the health gate between nodes and by the pace of evictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import HOSTNAME, condition
from eks_cilium.errors import RefusedError
from eks_cilium.migration.facts import pods, workloads
from eks_cilium.migration.facts.backing import Backing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

_UNKNOWN = Backing()
"""What a pod says of itself, when none of its owners is known."""
_TERMINAL = frozenset({"Succeeded", "Failed"})
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class CustomOwner:
    """A controller, as its pods' ownerReferences name it."""

    api: str
    """Its apiVersion, as in `apps.kruise.io/v1alpha1`."""
    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a controller wants now."""

    exists: bool
    pods: int | None = None
    """None where its kind does not say how many pods it wants."""


def custom_owner(obj: Object) -> CustomOwner | None:
    """The controller of a pod that has to keep running somewhere; None for all others.

    Left out are kinds this program knows, static pods, pods that run to completion, those of every kind of
    DaemonSet, and pods that are bound to their node by name.
    """
    pod = pods.pod(obj)
    if pod is None or pod.mirror or pod.terminal:
        return None
    if _UNKNOWN.works_to_completion(pod) or _UNKNOWN.is_of_daemon_set(pod):
        return None
    if pod.node_requirements and all(
        any(need.key == HOSTNAME and need.operator == "In" for need in term) for term in pod.node_requirements
    ):
        return None
    owners = obj["metadata"].get("ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    if owner is None or not owner.get("uid") or _is_known(owner):
        return None
    return CustomOwner(owner.get("apiVersion", ""), owner["kind"], pod.namespace, owner["name"], owner["uid"])


def is_ready(obj: Object) -> bool:
    """Whether a pod serves: Ready, and not about to end."""
    ended = obj.get("status", {}).get("phase") in _TERMINAL or obj["metadata"].get("deletionTimestamp")
    return not ended and condition(obj, "Ready").get("status") == "True"


def pods_of(api: ReadingApi, owner: CustomOwner) -> list[Object]:
    """All pods of an owner."""
    found = api.each(f"/api/v1/namespaces/{owner.namespace}/pods", lambda obj: _if_owned(obj, owner.uid))
    return [obj for obj in found if obj is not None]


def wanted(api: ReadingApi, owner: CustomOwner) -> Wanted:
    """What the owner wants now. Where this identity may not read it, it exists and its number is unknown."""
    try:
        return _wanted(api, owner)
    except RefusedError as error:
        if error.status != _FORBIDDEN:
            raise
        return Wanted(exists=True)


def _wanted(api: ReadingApi, owner: CustomOwner) -> Wanted:
    resources = _resources(api, owner.api)
    plural = next((name for name, kind in resources if kind == owner.kind and "/" not in name), None)
    if plural is None:
        return Wanted(exists=True)
    path = f"/apis/{owner.api}/namespaces/{owner.namespace}/{plural}/{owner.name}"
    obj = api.get(path)
    if obj is None or obj["metadata"]["uid"] != owner.uid:
        return Wanted(exists=False)
    scalable = any(name == f"{plural}/scale" for name, _ in resources)
    scale = api.get(f"{path}/scale") if scalable else None
    return Wanted(exists=True, pods=_replicas((scale or obj).get("spec") or {}))


def _is_known(owner: Mapping[str, Any]) -> bool:
    group = owner.get("apiVersion", "apps/v1").rpartition("/")[0]
    known = workloads.PATHS.get(owner["kind"])
    return known is not None and (not group or f"/apis/{group}/" in known)


def _if_owned(obj: Object, uid: str) -> Object | None:
    owners = obj["metadata"].get("ownerReferences") or ()
    return obj if any(each.get("controller") and each.get("uid") == uid for each in owners) else None


def _resources(api: ReadingApi, version: str) -> list[tuple[str, str]]:
    """Names and kinds of the resources of an API version, subresources included."""
    found = api.get(f"/apis/{version}") if "/" in version else None
    listed: Iterable[Mapping[str, Any]] = (found or {}).get("resources") or ()
    return [(each["name"], each["kind"]) for each in listed]


def _replicas(spec: Mapping[str, Any]) -> int | None:
    replicas = spec.get("replicas")
    if isinstance(replicas, int):
        return replicas
    # StrimziPodSet lists its pods (strimzi.io/docs/operators/latest/configuring, StrimziPodSetSpec).
    listed = spec.get("pods")
    return len(listed) if isinstance(listed, list) else None
