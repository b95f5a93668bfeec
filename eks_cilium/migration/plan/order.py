"""The order in which nodes are replaced. It never changes by what has been done already.

Nodes in work first: a run that was stopped goes on with them. Then one zone after the other in turn, so that
no zone loses many nodes at once. The node this program runs on is last, since evicting it ends the program.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import ROTATION_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.migration.facts.model import Node

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def in_progress(node: Node) -> bool:
    """Whether its replacement has begun. A hint, as every mark is: it decides the order and nothing else."""
    return ROTATION_ANNOTATION in node.annotations


def ordered(nodes: Iterable[Node], own_node: str | None = None) -> tuple[Node, ...]:
    """Every node once, in the order of work."""
    oldest_first = sorted(nodes, key=lambda node: (node.created or _LONG_AGO, node.name))
    last = [node for node in oldest_first if node.name == own_node]
    begun = [node for node in oldest_first if node.name != own_node and in_progress(node)]
    rest = [node for node in oldest_first if node.name != own_node and not in_progress(node)]
    return (*begun, *_in_turns(rest), *last)


def _in_turns(nodes: Sequence[Node]) -> list[Node]:
    """One zone after the other, the fullest first.

    Turns are counted from the end: a node's turn is the number of nodes left in its zone, itself included. So
    when the first nodes of an order are gone, the others are still in the same order.
    """
    left = Counter(node.zone for node in nodes)
    turns: dict[str, int] = {}
    for node in nodes:
        turns[node.name] = left[node.zone]
        left[node.zone] -= 1
    return sorted(nodes, key=lambda node: (-turns[node.name], node.zone or "", node.name))
