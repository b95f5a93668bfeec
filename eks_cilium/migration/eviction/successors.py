"""Pods that come back to a cordoned node: each pod is evicted once, its successors there are left alone.

A pod that tolerates the taint of cordoned nodes is scheduled to the node again, often at once, since a node
that is being drained is the emptiest. Controllers that choose nodes themselves bind a successor there without
any toleration. Such pods end with the node, as those of a DaemonSet do. Called by the drain of each node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.model import PodPlan

_BOUND_TWICE = 2
"""Generations after which a pod counts as bound to the node by other means than the scheduler.

The scheduler may bind one more pod in the moment of the cordon, before it has seen it.
"""


class Successors:
    """The pods seen on one node, and how many evicted pods of the same workload came before each."""

    def __init__(self, evicted: Callable[[str], bool]) -> None:
        """`evicted` tells by UID whether the eviction of a pod was accepted."""
        self._evicted = evicted
        self._workloads: dict[str, object] = {}
        self._generations: dict[str, int] = {}

    def note(self, pods: Iterable[tuple[Pod, PodPlan]]) -> None:
        """Note a reading of the node. A pod that was not in the one before was created since."""
        for pod, plan in pods:
            if pod.uid not in self._generations:
                self._workloads[pod.uid] = _workload(pod, plan)
                self._generations[pod.uid] = self._next(self._workloads[pod.uid])

    def came_back(self, pod: Pod) -> bool:
        """Whether the pod is a successor of an evicted one that the cordon does not keep off the node."""
        generation = self._generations[pod.uid]
        return generation >= _BOUND_TWICE or (generation > 0 and pod.tolerates_cordon)

    def _next(self, workload: object) -> int:
        before = (
            self._generations[uid]
            for uid, known in self._workloads.items()
            if known == workload and uid in self._generations and self._evicted(uid)
        )
        return 1 + max(before, default=-1)


def _workload(pod: Pod, plan: PodPlan) -> object:
    """What tells that one pod follows another: its workload; for a bare pod its labels, or its name."""
    if pod.owner is not None and plan.workload is not None:
        return plan.workload
    return (pod.namespace, frozenset(pod.labels.items()) or pod.name)
