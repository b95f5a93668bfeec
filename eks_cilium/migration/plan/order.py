"""The order in which nodes are replaced. Nodes that have been replaced do not change the order of the others.

Nodes whose replacement has begun are first: a run that was stopped continues with them. Nodes that are not
Ready are next: nothing is taken away with them, and their replacements are the capacity for the others. These
follow one zone after the other in turn, so that no zone loses many nodes at once; which node of a zone is
next may depend on budgets (`apart`). The node this program runs on is last, since its drain ends the program.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.cluster.names import ROTATION_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eks_cilium.migration.facts.model import Node

Kind: TypeAlias = "tuple[str, str | None]"
"""The Auto Scaling group and the zone of a node."""
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
    return (*begun, *silent, *arranged(_zones_in_turn([node for node in rest if node.ready])), *last)


def in_turns(kinds: Sequence[Kind]) -> list[Kind]:
    """Groups beside each other, so that all of them are half done at the same time; their zones in turn.

    Of each group the next zone is the one that has most nodes left in the cluster: zones take turns in all
    groups together. So the order of a group's nodes that are left stays the same when its first are replaced.
    """
    of_group: dict[str, Counter[str | None]] = defaultdict(Counter)
    for group, zone in kinds:
        of_group[group][zone] += 1
    left = Counter(zone for _, zone in kinds)
    turns = [(number / of.total(), group) for group, of in of_group.items() for number in range(of.total())]
    found: list[Kind] = []
    for _, group in sorted(turns, key=itemgetter(0)):
        own = of_group[group]
        zone = min(+own, key=lambda zone: (-left[zone], -own[zone], zone or ""))
        own[zone] -= 1
        left[zone] -= 1
        found.append((group, zone))
    return found


def _zones_in_turn(nodes: Sequence[Node]) -> list[Node]:
    """As `in_turns` has it for a single group; the nodes of a zone keep their order."""
    waiting: dict[str | None, deque[Node]] = defaultdict(deque)
    for node in nodes:
        waiting[node.zone].append(node)
    return [waiting[zone].popleft() for _, zone in in_turns([("", node.zone) for node in nodes])]
