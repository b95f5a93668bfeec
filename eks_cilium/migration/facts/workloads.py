"""Controllers of pods, by kind: where the API server has them, and what a plan has to know of each."""

from __future__ import annotations

from eks_cilium.cluster.objects import Object, Reference, controller, reference
from eks_cilium.migration.facts.model import Owner, RollOut

PATHS = {
    "Deployment": "/apis/apps/v1/deployments",
    "ReplicaSet": "/apis/apps/v1/replicasets",
    "StatefulSet": "/apis/apps/v1/statefulsets",
    "DaemonSet": "/apis/apps/v1/daemonsets",
    "Job": "/apis/batch/v1/jobs",
    "CronJob": "/apis/batch/v1/cronjobs",
    "ReplicationController": "/api/v1/replicationcontrollers",
}
"""Collections of all kinds of controllers that are read."""
_REPLICATED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_AUTOSCALER = "cluster-autoscaler"


def path_of(workload: Reference) -> str | None:
    """Where the API server has a workload; None for kinds that are not read."""
    collection = PATHS.get(workload.kind)
    if collection is None:
        return None
    group, _, plural = collection.rpartition("/")
    return f"{group}/namespaces/{workload.namespace}/{plural}/{workload.name}"


def current_owner(kind: str, obj: Object) -> Owner | None:
    """A workload; None for one of the many ReplicaSets of earlier roll-outs, which want no pod."""
    found = owner(kind, obj)
    return None if kind == "ReplicaSet" and found.desired == 0 else found


def owner(kind: str, obj: Object) -> Owner:
    return Owner(
        reference=reference(kind, obj),
        uid=obj["metadata"]["uid"],
        desired=obj["spec"].get("replicas", 1) if kind in _REPLICATED else None,
        ready=obj.get("status", {}).get("readyReplicas", 0),
        owner=controller(obj),
        roll_out=_roll_out(obj["spec"]),
    )


def _roll_out(spec: Object) -> RollOut | None:
    """From `strategy` of a Deployment, or `updateStrategy` of a StatefulSet or DaemonSet."""
    strategy = spec.get("strategy") or spec.get("updateStrategy")
    if strategy is None:
        return None
    rolling = strategy.get("rollingUpdate") or {}
    return RollOut(
        kind=strategy.get("type", "RollingUpdate"),
        max_unavailable=rolling.get("maxUnavailable"),
        max_surge=rolling.get("maxSurge"),
        paused=bool(spec.get("paused")),
    )


def is_autoscaler(workload: Reference) -> bool:
    """Whether this is the Cluster Autoscaler, by the name that its chart and its manifests both give it."""
    return workload.kind == "Deployment" and _AUTOSCALER in workload.name
