"""Replicas of a workload on nodes that are drained at the same time, for the plan's warnings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cluster.objects import Reference


class Together(NamedTuple):
    """The nodes in work at once that have most pods of a workload."""

    pods: int
    nodes: tuple[str, ...]


def most_together(
    drains: Sequence[tuple[str, Mapping[Reference, int]]], parallel: int
) -> dict[Reference, Together]:
    """By workload: the largest number of its pods that `parallel` drains in a row move.

    `drains` has each node in order, with how many pods of each workload move from it.
    """
    found: dict[Reference, Together] = {}
    for first in range(len(drains)):
        at_once = drains[first : first + parallel]
        total: Counter[Reference] = Counter()
        for _, moving in at_once:
            total.update(moving)
        for workload, pods in total.items():
            if workload not in found or pods > found[workload].pods:
                nodes = tuple(name for name, moving in at_once if moving.get(workload))
                found[workload] = Together(pods, nodes)
    return found
