"""The order in which nodes are replaced. Nodes that have been replaced do not change the order of the others.

Nodes whose replacement has begun are first: a run that was stopped continues with them. Nodes that are not
Ready are next: nothing is taken away with them, and their replacements are the capacity for the others. These
follow one zone after the other in turn, so that no zone loses many nodes at once; which node of a zone is
next may depend on budgets (`apart`). The node this program runs on is last, since its drain ends the program.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import ROTATION_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eks_cilium.migration.facts.model import Node

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def in_progress(node: Node) -> bool:
    """Whether its replacement has begun, by an annotation that decides the order and nothing else."""
    return ROTATION_ANNOTATION in node.annotations


def ordered(
    nodes: Iterable[Node], own_node: str | None = None, arranged: Callable[[list[Node]], list[Node]] = list
) -> tuple[Node, ...]:
    """All nodes in the order in which they are replaced.

    `own_node` is the one this program runs on. `arranged` may change the order of those that are Ready and
    not begun.
    """
    oldest_first = sorted(nodes, key=lambda node: (node.created or _LONG_AGO, node.name))
    last = [node for node in oldest_first if node.name == own_node]
    begun = [node for node in oldest_first if node.name != own_node and in_progress(node)]
    rest = [node for node in oldest_first if node.name != own_node and not in_progress(node)]
    silent = [node for node in rest if not node.ready]
    return (*begun, *silent, *arranged(_in_turns([node for node in rest if node.ready])), *last)


def _in_turns(nodes: Sequence[Node]) -> list[Node]:
    """One node of each zone in turn, beginning with the zone that has most nodes.

    Turns are counted from the end: a node's turn is the number of nodes left in its zone, itself included. So
    the order of the remaining nodes stays the same after the first ones have been replaced.
    """
    left = Counter(node.zone for node in nodes)
    turns: dict[str, int] = {}
    for node in nodes:
        turns[node.name] = left[node.zone]
        left[node.zone] -= 1
    return sorted(nodes, key=lambda node: (-turns[node.name], node.zone or "", node.name))
