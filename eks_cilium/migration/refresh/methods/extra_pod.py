"""Whether the extra pod of a Deployment's roll-out has a node, while the old pods still have theirs.

A roll-out creates each new pod before it deletes an old one. Where the pods must not share a node, or use up
a resource such as GPUs, the new pod stays Pending, no old one is deleted, and the roll-out never ends
(kubernetes/kubernetes#56539). `methods` asks this; the plan has all nodes and pods, a restart reads them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import HOSTNAME
from eks_cilium.migration.facts import nodes as node_facts
from eks_cilium.migration.facts import pods as pod_facts
from eks_cilium.migration.refresh.pods import why_no_agent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.cluster.reading import ReadingApi
    from eks_cilium.migration.facts.model import Node, Pod

_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})


class Nodes:
    """The nodes of a cluster, and what pods use of their extended resources."""

    def __init__(self, nodes: Iterable[Node], pods: Iterable[Pod]) -> None:
        self._nodes = tuple(nodes)
        self._used: Counter[tuple[str, str]] = Counter()
        for pod in pods:
            if not pod.terminal:
                for resource, amount in pod.extended:
                    self._used[pod.node, resource] += amount

    @classmethod
    def read(cls, api: ReadingApi, pods: Sequence[Pod]) -> Nodes:
        """What matters to these pods, read now; nothing where they can share a node and need no resource."""
        if not any(pod.apart_by or pod.extended for pod in pods):
            return cls((), ())
        nodes = api.each("/api/v1/nodes", lambda obj: node_facts.node(obj, {}))
        wanted = {resource for pod in pods for resource, _ in pod.extended}
        having = [node.name for node in nodes if wanted & node.extended.keys()]
        there = [
            pod
            for name in having
            for pod in api.each("/api/v1/pods", pod_facts.pod, fieldSelector=f"spec.nodeName={name}")
            if pod is not None
        ]
        return cls(nodes, there)

    def why_none(self, pods: Sequence[Pod], wanted: int) -> str:
        """Why a pod more than the `wanted` ones of a workload has no node; empty where it has one.

        `pods` are the workload's. Nodes with a taint count where a pod of it is on them already.
        """
        model = max(pods, key=lambda pod: (len(pod.apart_by), pod.extended))
        if not (model.apart_by or model.extended):
            return ""
        own = {pod.node for pod in pods}
        suitable = [node for node in self._nodes if _is_open(node, own) and _suits(node, model)]
        for label in model.apart_by:
            domains = {_domain(node, label) for node in suitable} - {None}
            if len(domains) <= max(wanted, len(pods)):
                what = "node" if label == HOSTNAME else label
                return f"its pods must not share a {what}, and there are {len(domains)} for {wanted} pods"
        for resource, amount in model.extended:
            if not any(self._free(node, resource) >= amount for node in suitable):
                return f"no node has {amount} {resource} left for an extra pod"
        return ""

    def _free(self, node: Node, resource: str) -> int:
        return node.extended.get(resource, 0) - self._used[node.name, resource]


def _is_open(node: Node, own: set[str]) -> bool:
    """Whether new pods may be scheduled to a node: it is ready, not cordoned, and without a strange taint."""
    tainted = any(taint.effect in _KEEPS_OUT for taint in node.taints)
    return (
        node.ready and not node.unschedulable and not why_no_agent(node) and (not tainted or node.name in own)
    )


def _domain(node: Node, label: str) -> str | None:
    return node.labels.get(label, node.name if label == HOSTNAME else None)


def _suits(node: Node, pod: Pod) -> bool:
    return not pod.node_requirements or any(
        all(need.matches(node.labels) for need in term) for term in pod.node_requirements
    )
