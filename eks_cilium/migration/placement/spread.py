"""Whether a node keeps the pods of a workload spread as they demand, as the scheduler counts them.

pkg/scheduler/framework/plugins/podtopologyspread (filtering.go, common.go). A node that is being drained
keeps counting as a domain without pods until it is deleted, unless a constraint honors taints: so the last
pod of a node is judged as if the node were gone, as it is a moment later. Used by the gate before a cordon.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.selectors import Selector
    from eks_cilium.migration.placement.candidates import Candidate
    from eks_cilium.migration.placement.needs import Need, Spread
    from eks_cilium.runtime.context import World

_ENDED = ("Succeeded", "Failed")


@dataclass
class Spreading:
    """How pods are spread over all nodes now, and after pods of the leaving node have been given places."""

    world: World
    nodes: Sequence[Candidate]
    leaving: str
    _on_nodes: dict[Spread, Counter[str]] = field(default_factory=dict)
    """Pods on each node by its name, those of the leaving node included."""

    def why_not(self, candidate: Candidate, need: Need) -> str:
        """Why a node would break a constraint of a pod; empty where it breaks none."""
        for each in need.spread:
            if self._skew(candidate, need, each) > each.most_skew:
                return f"would break a topologySpreadConstraint of {each.topology}"
        return ""

    def take(self, candidate: Candidate, need: Need) -> None:
        """Count a pod of the leaving node where it will run."""
        labels = need.labels
        for each, counts in self._on_nodes.items():
            if each.namespace == need.pod.namespace and each.selector.matches(labels):
                counts[candidate.name] += 1
                counts[self.leaving] -= 1

    def _skew(self, candidate: Candidate, need: Need, spread: Spread) -> float:
        """How far its domain would be above the smallest one; infinite where the node is in no domain."""
        if not _is_labelled(candidate, need):
            return float("inf")
        domains = self._domains(need, spread)
        least = min(domains.values(), default=0) if len(domains) >= spread.least_domains else 0
        itself = int(spread.selector.matches(need.labels))
        return domains[candidate.labels[spread.topology]] + itself - least

    def _domains(self, need: Need, spread: Spread) -> Counter[str]:
        """Matching pods in each domain. Pods on the leaving node are gone by then."""
        counts = self._counts(spread)
        found: Counter[str] = Counter()
        for node in self.nodes:
            if self._makes_domain(node, need, spread):
                found[node.labels[spread.topology]] += 0 if node.name == self.leaving else counts[node.name]
        return found

    def _makes_domain(self, node: Candidate, need: Need, spread: Spread) -> bool:
        if not _is_labelled(node, need):
            return False
        if node.name == self.leaving:
            is_last = self._counts(spread)[node.name] <= 1
            return not (is_last or spread.honors_taints)
        suits = not spread.honors_affinity or node.matches(need)
        return suits and not (spread.honors_taints and node.taint_against(need))

    def _counts(self, spread: Spread) -> Counter[str]:
        if spread not in self._on_nodes:
            path = f"/api/v1/namespaces/{spread.namespace}/pods"
            nodes = self.world.api.each(path, _node_if_counted(spread.selector))
            self._on_nodes[spread] = Counter(node for node in nodes if node)
        return self._on_nodes[spread]


def _is_labelled(node: Candidate, need: Need) -> bool:
    """A node has to have the labels of all constraints of the pod."""
    return all(each.topology in node.labels for each in need.spread)


def _node_if_counted(chosen: Selector) -> Callable[[Object], str]:
    """Returns the node of a pod that counts, else an empty string. Terminating pods do not count."""

    def node_of(obj: Object) -> str:
        metadata: dict[str, Any] = obj["metadata"]
        ended = obj.get("status", {}).get("phase") in _ENDED or "deletionTimestamp" in metadata
        counts = not ended and chosen.matches(metadata.get("labels") or {})
        return str(obj["spec"].get("nodeName") or "") if counts else ""

    return node_of
