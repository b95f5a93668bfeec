"""Whether the extra pod of a Deployment's roll-out has a node, while the old pods still have theirs.

A roll-out creates each new pod before it deletes an old one. Where the pods must not share a node, or use up
a resource such as GPUs, the new pod stays Pending, no old one is deleted, and the roll-out never ends
(kubernetes/kubernetes#56539). `choosing` asks this; the plan has all nodes and pods, a restart reads them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import HOSTNAME
from eks_cilium.migration.facts import nodes as node_facts
from eks_cilium.migration.facts import pods as pod_facts
from eks_cilium.migration.refresh.pods import why_no_agent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from eks_cilium.cluster.objects import Terms
    from eks_cilium.cluster.selectors import Selector
    from eks_cilium.migration.facts.model import Apart, Node, Pod
    from eks_cilium.runtime.context import World

_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})

Labels = frozenset[tuple[str, str]]


class _Where:
    """The nodes of the pods of a namespace, by the labels of the pods."""

    def __init__(self, pods: Iterable[Pod]) -> None:
        self._nodes: dict[Labels, set[str]] = defaultdict(set)
        for pod in pods:
            self._nodes[_lasting(pod)].add(pod.node)
        self._with: dict[tuple[str, str], list[Labels]] = defaultdict(list)
        for labels in self._nodes:
            for label in labels:
                self._with[label].append(labels)

    def of_others(self, own: Labels, selector: Selector) -> set[str]:
        """Nodes of the pods that a selector selects and that have other labels than these."""
        return {
            node
            for labels in self._candidates(selector)
            if labels != own and selector.matches(dict(labels))
            for node in self._nodes[labels]
        }

    def _candidates(self, selector: Selector) -> Iterable[Labels]:
        need = next((need for need in selector.requirements if need.operator == "In"), None)
        if need is None:
            return self._nodes
        return [labels for value in need.values for labels in self._with[need.key, value]]


class Nodes:
    """The nodes of a cluster, what pods use of their extended resources, and which pods are where.

    What many workloads ask is answered once: a large cluster has thousands of workloads and of nodes.
    """

    def __init__(self, nodes: Iterable[Node], pods: Iterable[Pod]) -> None:
        self._open = {node.name: node for node in nodes if _is_open(node)}
        self._pods: dict[str, list[Pod]] = defaultdict(list)
        self._used: Counter[tuple[str, str]] = Counter()
        for pod in pods:
            if pod.terminal:
                continue
            self._pods[pod.namespace].append(pod)
            for resource, amount in pod.extended:
                self._used[pod.node, resource] += amount
        self._suitable: dict[Terms, tuple[Node, ...]] = {}
        self._values: dict[tuple[Terms, str], frozenset[str | None]] = {}
        self._where: dict[str, _Where] = {}

    @classmethod
    def read(cls, world: World, pods: Sequence[Pod]) -> Nodes:
        """What matters to these pods, read now; nothing where they can share a node and need no resource."""
        if not any(pod.apart or pod.extended for pod in pods):
            return cls((), ())
        nodes = world.seen.each("/api/v1/nodes", lambda obj: node_facts.node(obj, {}))
        wanted = {resource for pod in pods for resource, _ in pod.extended}
        on_nodes = (node.name for node in nodes if wanted & node.extended.keys())
        found = {
            pod.uid: pod
            for path, fields in (
                *(("/api/v1/pods", {"fieldSelector": f"spec.nodeName={name}"}) for name in on_nodes),
                *((f"/api/v1/namespaces/{name}/pods", {}) for name in {pod.namespace for pod in pods}),
            )
            for pod in world.api.each(path, pod_facts.pod, **fields)
            if pod is not None
        }
        return cls(nodes, found.values())

    def why_none(self, pods: Sequence[Pod], wanted: int) -> str:
        """Why a pod more than the `wanted` ones of a workload has no node; empty where it has one.

        `pods` are the workload's. Nodes with a taint count where a pod of it is on them already.
        """
        model = max(pods, key=lambda pod: (len(pod.apart), pod.extended))
        if not (model.apart or model.extended):
            return ""
        wanted = max(wanted, len(pods))
        own = [*self._own_tainted(pods)]
        suitable = [*self._untainted(model.node_requirements), *own]
        for apart in model.apart:
            taken = {_domain(self._open[name], apart.label) for name in self._held_by_others(model, apart)}
            free = self._domains(model.node_requirements, apart.label) - taken
            free |= {_domain(node, apart.label) for node in own}
            if len(free) <= wanted:
                what = "node" if apart.label == HOSTNAME else apart.label
                return f"its pods must not share a {what}, and there are {len(free)} for {wanted} pods"
        for resource, amount in model.extended:
            if not any(self._free(node, resource) >= amount for node in suitable):
                return f"no node has {amount} {resource} left for an extra pod"
        return ""

    def _untainted(self, requirements: Terms) -> tuple[Node, ...]:
        """The nodes without a taint that suit a pod with these requirements."""
        if requirements not in self._suitable:
            self._suitable[requirements] = tuple(
                node for node in self._open.values() if not _is_tainted(node) and _suits(node, requirements)
            )
        return self._suitable[requirements]

    def _domains(self, requirements: Terms, label: str) -> frozenset[str | None]:
        """The values of a label among the nodes without a taint that suit a pod."""
        if (requirements, label) not in self._values:
            found = {_domain(node, label) for node in self._untainted(requirements)}
            self._values[requirements, label] = frozenset(found - {None})
        return self._values[requirements, label]

    def _own_tainted(self, pods: Sequence[Pod]) -> Iterator[Node]:
        for name in {pod.node for pod in pods}:
            node = self._open.get(name)
            if node is not None and _is_tainted(node):
                yield node

    def _held_by_others(self, model: Pod, apart: Apart) -> set[str]:
        """Nodes with pods of other workloads that a pod must not be beside."""
        if model.namespace not in self._where:
            self._where[model.namespace] = _Where(self._pods[model.namespace])
        found = self._where[model.namespace].of_others(_lasting(model), apart.selector)
        return found & self._open.keys()

    def _free(self, node: Node, resource: str) -> int:
        return node.extended.get(resource, 0) - self._used[node.name, resource]


def _is_open(node: Node) -> bool:
    """Whether new pods may be scheduled to a node, if they tolerate its taints."""
    return node.ready and not node.unschedulable and not why_no_agent(node)


def _is_tainted(node: Node) -> bool:
    return any(taint.effect in _KEEPS_OUT for taint in node.taints)


def _domain(node: Node, label: str) -> str | None:
    return node.labels.get(label, node.name if label == HOSTNAME else None)


def _suits(node: Node, requirements: Terms) -> bool:
    return not requirements or any(all(need.matches(node.labels) for need in term) for term in requirements)


def _lasting(pod: Pod) -> Labels:
    """The labels of a pod that its successor has as well."""
    return frozenset((key, value) for key, value in pod.labels.items() if key != pod_facts.OF_A_TEMPLATE)
