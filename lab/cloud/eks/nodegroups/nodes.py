"""The nodes of a node group as EKS sees them in Kubernetes: found, counted, labelled, drained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.cloud.running_clusters import Taint

if TYPE_CHECKING:
    from lab.cloud.eks.kubernetes_api import KubernetesApi, Object

NODEGROUP_LABEL = "eks.amazonaws.com/nodegroup"
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
_MIRROR = "kubernetes.io/config.mirror"


def of_group(api: KubernetesApi, group: str) -> list[Object]:
    return api.items("Node", labelSelector=f"{NODEGROUP_LABEL}={group}")


def instance_of(node: Object) -> str:
    """Return the instance that a node runs on."""
    return str(node.get("spec", {}).get("providerID", "")).rpartition("/")[2]


def is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def kubernetes_taint(taint: dict[str, str]) -> Taint:
    """Convert a taint of EKS's API to Kubernetes' spelling."""
    return Taint(taint["key"], _EFFECTS[taint["effect"]], taint.get("value", ""))


def relabel(
    api: KubernetesApi,
    node: Object,
    labels: dict[str, str | None],
    removed: list[Taint],
    added: list[Taint],
) -> None:
    """Apply changed labels and taints to an existing node; None removes a label."""
    deleted = {(taint.key, taint.effect) for taint in [*removed, *added]}
    kept = [t for t in node["spec"].get("taints", []) if (t["key"], t["effect"]) not in deleted]
    patch: dict[str, Any] = {"metadata": {"labels": labels}}
    if removed or added:
        patch["spec"] = {"taints": kept + [_as_object(taint) for taint in added]}
        # Another controller may remove a taint meanwhile: then the patch must fail and be repeated.
        patch["metadata"]["resourceVersion"] = node["metadata"]["resourceVersion"]
    api.patch("Node", node["metadata"]["name"], patch)


def _as_object(taint: Taint) -> Object:
    shown = {"key": taint.key, "effect": taint.effect}
    return shown | ({"value": taint.value} if taint.value else {})


def cordon(api: KubernetesApi, node: Object, *, on: bool = True) -> None:
    """Keep new pods off a node, or allow them again."""
    if bool(node["spec"].get("unschedulable")) != on:
        api.patch("Node", node["metadata"]["name"], {"spec": {"unschedulable": on or None}})


def drain_once(api: KubernetesApi, node: Object) -> int:
    """Cordon a node and try once to evict each of its pods; return how many pods remain."""
    cordon(api, node)
    name = node["metadata"]["name"]
    pods = [pod for pod in api.items("Pod", fieldSelector=f"spec.nodeName={name}") if _must_leave(pod)]
    for pod in pods:
        if "deletionTimestamp" not in pod["metadata"]:
            api.evict(pod["metadata"]["name"], pod["metadata"]["namespace"])
    return len(pods)


def _must_leave(pod: Object) -> bool:
    metadata = pod["metadata"]
    owners = {owner["kind"] for owner in metadata.get("ownerReferences", [])}
    finished = pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    return "DaemonSet" not in owners and _MIRROR not in metadata.get("annotations", {}) and not finished
