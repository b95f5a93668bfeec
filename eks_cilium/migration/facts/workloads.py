"""What makes pods anew: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, ReplicationControllers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Object, Reference, controller, reference
from eks_cilium.migration.facts.model import Owner, RollOut

if TYPE_CHECKING:
    from collections.abc import Callable

PATHS = {
    "Deployment": "/apis/apps/v1/deployments",
    "ReplicaSet": "/apis/apps/v1/replicasets",
    "StatefulSet": "/apis/apps/v1/statefulsets",
    "DaemonSet": "/apis/apps/v1/daemonsets",
    "Job": "/apis/batch/v1/jobs",
    "ReplicationController": "/api/v1/replicationcontrollers",
}
_REPLICATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_AUTOSCALER = "cluster-autoscaler"


def reader(kind: str) -> Callable[[Object], Owner | None]:
    """Reads workloads of one kind. Old ReplicaSets, which want no pod, are left out: there are many."""
    return lambda thing: _owner(kind, thing)


def _owner(kind: str, thing: Object) -> Owner | None:
    desired = thing["spec"].get("replicas", 1) if kind in _REPLICATED else None
    if kind == "ReplicaSet" and desired == 0:
        return None
    return Owner(
        reference=reference(kind, thing),
        uid=thing["metadata"]["uid"],
        desired=desired,
        ready=thing.get("status", {}).get("readyReplicas", 0),
        owner=controller(thing),
        roll_out=_roll_out(thing["spec"]),
    )


def _roll_out(spec: Object) -> RollOut | None:
    """A Deployment has a strategy, StatefulSets and DaemonSets an update strategy."""
    written = spec.get("strategy") or spec.get("updateStrategy")
    if written is None:
        return None
    rolling = written.get("rollingUpdate") or {}
    return RollOut(
        kind=written.get("type", "RollingUpdate"),
        max_unavailable=rolling.get("maxUnavailable"),
        max_surge=rolling.get("maxSurge"),
        paused=bool(spec.get("paused")),
    )


def is_autoscaler(owner: Reference) -> bool:
    """Whether a Deployment is the Cluster Autoscaler: its chart and its manifests both name it so."""
    return owner.kind == "Deployment" and _AUTOSCALER in owner.name
