"""Replicas of a workload on nodes that are drained at the same time, for the plan's warnings."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
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
    most: dict[Reference, tuple[int, int]] = {}
    at_once: Counter[Reference] = Counter()
    positions: dict[Reference, list[int]] = defaultdict(list)
    for last, (_, moving) in enumerate(drains):
        if last >= parallel:
            at_once.subtract(drains[last - parallel][1])
        # Only what moves from the drain that joins can be more than before.
        for workload, pods in moving.items():
            if not pods:
                continue
            positions[workload].append(last)
            at_once[workload] += pods
            if at_once[workload] > most.get(workload, (0, 0))[0]:
                most[workload] = (at_once[workload], last)
    return {
        workload: Together(pods, _names(drains, positions[workload], last - parallel + 1, last))
        for workload, (pods, last) in most.items()
    }


def _names(
    drains: Sequence[tuple[str, Mapping[Reference, int]]], positions: Sequence[int], first: int, last: int
) -> tuple[str, ...]:
    """The names of the drains at those positions that are between the first and the last."""
    chosen = positions[bisect_left(positions, first) : bisect_right(positions, last)]
    return tuple(drains[position][0] for position in chosen)
