"""What bounds the pace of a migration: launches of a group, a budget, or the work on the nodes itself.

The estimate ends with the last node of a lane. The times for which the nodes of that lane are in work add
up to the whole, with the end of the last instance: what they are spent on makes a migration long.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.plan.model import Bound, Share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.migration.lanes import Lanes
    from eks_cilium.migration.plan.model import NodePlan

_Key: TypeAlias = "tuple[Bound, Reference | None]"


def shares(nodes: Sequence[NodePlan], lanes: Lanes) -> tuple[Share, ...]:
    """What the time until the last node is replaced is spent on, most of it first."""
    seconds: Counter[_Key] = Counter()
    count: Counter[_Key] = Counter()
    for place, node in enumerate(_longest_lane(nodes, lanes)):
        for key, spent in _spent(node, node.seconds.in_work if place else node.seconds.total):
            seconds[key] += spent  # type: ignore[assignment] # a Counter of seconds
            count[key] += 1
    return tuple(Share(*key, spent, count[key]) for key, spent in seconds.most_common() if spent > 0)


def _longest_lane(nodes: Sequence[NodePlan], lanes: Lanes) -> Iterator[NodePlan]:
    """The nodes of the lane that ends last, from its last node on."""
    by_name = {node.node: node for node in nodes}
    node = max(nodes, key=lambda each: each.ends, default=None)
    while node is not None:
        yield node
        node = by_name.get(lanes.before(node.node))


def _spent(node: NodePlan, in_all: float) -> Iterator[tuple[_Key, float]]:
    seconds = node.seconds
    if seconds.capacity:
        yield (Bound.LAUNCHES, Reference("Auto Scaling group", "", node.group)), seconds.capacity
    if seconds.queue:
        yield (Bound.BUDGET, seconds.queue_of), seconds.queue
    yield (Bound.WORK, None), in_all - seconds.capacity - seconds.queue
