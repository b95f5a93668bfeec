"""The Cluster Autoscaler's decisions, as pure functions of a picture of the cluster.

Source: kubernetes/autoscaler, cluster-autoscaler/FAQ.md (1.34): "How does scale-up work?", "How does
scale-down work?", "What types of pods can prevent CA from removing a node?".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.disturbances.autoscaler.state import Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.disturbances.autoscaler.state import Budget, Node, Picture, Pod

SCALE_DOWN_DISABLED = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
_THRESHOLD = 0.5
"""`--scale-down-utilization-threshold`: a node with less is a candidate."""


def wanted_size(picture: Picture, largest: int) -> int:
    """Return the desired capacity at which all pending pods of the group have a place, at most `largest`.

    Nodes that are wanted but not Ready yet count as upcoming: their space is used before more is asked for.
    """
    template = next((node for node in picture.nodes if node.is_ready), None)
    if template is None:
        return picture.desired
    pending = [pod for pod in picture.pods if _waits_for(pod, template)]
    space = template.size - sum((pod.size for pod in picture.on(template) if pod.stays), Size())
    upcoming = max(picture.desired - sum(node.is_ready for node in picture.nodes), 0)
    missing = nodes_needed([pod.size for pod in pending], space, upcoming) if pending else 0
    return max(picture.desired, min(picture.desired + missing, largest))


def _waits_for(pod: Pod, template: Node) -> bool:
    """Return whether a pod has no place, and may go to a node like the template."""
    fits = all(template.labels.get(key) == value for key, value in pod.node_selector.items())
    return pod.is_unschedulable and not pod.is_leaving and not pod.stays and fits


def nodes_needed(pods: Iterable[Size], space: Size, upcoming: int) -> int:
    """Return how many nodes are needed beyond the upcoming ones, each with `space`; first fit, largest first.

    Pods that fit on no such node are left out, as the real one leaves them pending.
    """
    free = [space] * upcoming
    for pod in sorted(pods, key=lambda size: (size.cpu, size.memory), reverse=True):
        place = next((index for index, left in enumerate(free) if left.holds(pod)), None)
        if place is not None:
            free[place] -= pod
        elif space.holds(pod):
            free.append(space - pod)
    return len(free) - upcoming


def removable(picture: Picture, smallest: int) -> list[Node]:
    """Return the nodes of the group that may be removed now, the emptiest first."""
    if picture.desired <= smallest:
        return []
    found = [node for node in picture.nodes if not reason_to_keep(picture, node)]
    return sorted(found, key=lambda node: utilization(picture, node))


def reason_to_keep(picture: Picture, node: Node) -> str:
    """Return why a node may not be removed, or an empty string."""
    if node.annotations.get(SCALE_DOWN_DISABLED) == "true":
        return "scale-down is disabled by its annotation"
    if not node.is_ready:
        return "not Ready for less than 20 minutes"
    if utilization(picture, node) >= _THRESHOLD:
        return "it is used"
    leaving = [pod for pod in picture.on(node) if not pod.stays]
    if reason := next((found for pod in leaving if (found := _holds(pod, picture.budgets))), ""):
        return reason
    return "" if _fit_elsewhere(picture, node, leaving) else "its pods have no place elsewhere"


def utilization(picture: Picture, node: Node) -> float:
    """Return the larger share of CPU and memory that the node's pods request, those of DaemonSets too."""
    used = sum((pod.size for pod in picture.on(node)), Size())
    return max(used.cpu / max(node.size.cpu, 1), used.memory / max(node.size.memory, 1))


def _holds(pod: Pod, budgets: Sequence[Budget]) -> str:
    """Return why a pod holds its node, or an empty string."""
    covering = [budget for budget in budgets if budget.covers(pod)]
    if any(budget.allowed < 1 for budget in covering):
        return f"the budget of {pod.key} allows no disruption"
    if pod.is_safe == "true":
        return ""
    if pod.is_safe == "false":
        return f"{pod.key} is not safe to evict"
    if not pod.owner:
        return f"{pod.key} has no controller"
    if pod.namespace == "kube-system" and not covering:
        return f"{pod.key} is a system pod without a budget"
    return f"{pod.key} has local storage" if pod.has_local_storage else ""


def _fit_elsewhere(picture: Picture, node: Node, leaving: Sequence[Pod]) -> bool:
    """Return whether all pods that leave fit on other nodes, first fit."""
    targets = [
        each for each in (*picture.nodes, *picture.others) if each.takes_pods and each.name != node.name
    ]
    free = {each.name: picture.free(each) for each in targets}
    labels = {each.name: each.labels for each in targets}
    return all(_place(pod, free, labels) for pod in leaving)


def _place(pod: Pod, free: dict[str, Size], labels: Mapping[str, Mapping[str, str]]) -> bool:
    for name, left in free.items():
        matches = all(labels[name].get(key) == value for key, value in pod.node_selector.items())
        if matches and left.holds(pod.size):
            free[name] = left - pod.size
            return True
    return False
