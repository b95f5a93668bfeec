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
_RETRIES = 6
"""The default of a Job's backoffLimit."""
_ENDED_BY_SIGTERM = 143
"""128 and the signal's number: how a container ends whose program does not handle SIGTERM.

One that handles it ends with a code of its own, which only its author knows.
"""


def path_of(workload: Reference) -> str | None:
    """Where the API server has a workload; None for kinds that are not read."""
    collection = PATHS.get(workload.kind)
    if collection is None or workload.group:
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
        last_attempt=last_attempt(obj) if kind == "Job" else "",
    )


def last_attempt(job: Object) -> str:
    """Why a Job fails for good when a pod of it is evicted; empty where it tries again.

    An evicted pod gets the condition DisruptionTarget (page "Disruptions" of kubernetes.io, "Pod disruption
    conditions"). Unless all its containers end with 0 it has failed, which counts unless the policy ignores
    it (kubernetes.io/docs/concepts/workloads/controllers/job, "Pod failure policy").
    """
    spec = job["spec"]
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        if _is_of_evicted_pods(rule) and (action := rule["action"]) != "Count":
            return "" if action == "Ignore" else f"its podFailurePolicy says {action}"
    if (of_index := spec.get("backoffLimitPerIndex")) is not None:
        return f"backoffLimitPerIndex: {of_index}" if of_index == 0 else ""
    limit, failed = spec.get("backoffLimit", _RETRIES), job.get("status", {}).get("failed", 0)
    if failed < limit:
        return ""
    return f"backoffLimit: {limit}" + (f", after {failed} failures" if failed else "")


def _is_of_evicted_pods(rule: Object) -> bool:
    """Whether a rule of a podFailurePolicy is about an evicted pod, whose containers end on SIGTERM."""
    if codes := rule.get("onExitCodes"):
        return (_ENDED_BY_SIGTERM in codes["values"]) is (codes["operator"] == "In")
    return any(
        pattern["type"] == "DisruptionTarget" and pattern.get("status", "True") == "True"
        for pattern in rule.get("onPodConditions") or ()
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
