"""What a check of all candidates reads besides the nodes, each of it once: pods by node, and namespaces.

`Candidate` asks for its own pods, and for the namespaces whose pods a term of an affinity is about
(k8s.io/api/core/v1, PodAffinityTerm).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from eks_cilium.migration.eviction.reading import pods_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.placement.needs import AffinityTerm
    from eks_cilium.runtime.context import World


class Surroundings:
    """The pods and namespaces of a cluster, as they were when they were first asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pods: dict[str, Sequence[Object]] = {}

    def pods_on(self, node: str) -> Sequence[Object]:
        """All pods that are bound to a node."""
        if node not in self._pods:
            self._pods[node] = pods_on(self._world, node)
        return self._pods[node]

    def namespaces_of(self, term: AffinityTerm) -> frozenset[str] | None:
        """The names of those that a term is about: those it lists and those it selects; None for all."""
        if term.by_labels is None:
            return frozenset(term.namespaces) or None
        chosen = {name for name, labels in self._labels.items() if term.by_labels.matches(labels)}
        return frozenset({*term.namespaces, *chosen})

    @cached_property
    def _labels(self) -> Mapping[str, Mapping[str, str]]:
        return dict(self._world.seen.each("/api/v1/namespaces", _name_and_labels))


def _name_and_labels(obj: Object) -> tuple[str, Mapping[str, str]]:
    return str(obj["metadata"]["name"]), obj["metadata"].get("labels") or {}
