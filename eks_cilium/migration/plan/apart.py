"""Puts nodes apart in the order of work whose pods wait for the same budgets.

Nodes that are in work together evict their pods together: where a budget allows one disruption and three of
them have pods of it, the last one waits for two. The same holds for the node that had a place just before, if
the next one does not wait for its workloads. Nodes of the same zone and Auto Scaling group may follow
each other in any order, so the next of them is the one whose pods wait least for those of the nodes just
before. Zones take turns as they did. The nodes of each group are spread over the whole order, so that all
groups have new nodes for those in work: the extra nodes of a single group are soon used up.

Called by the planner before the order is recorded; from then on the inventory has it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.migration.lanes import Lanes
from eks_cilium.migration.plan.order import in_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Node, Pod
    from eks_cilium.migration.plan.budgets import Budgets
    from eks_cilium.migration.plan.order import Kind
    from eks_cilium.settings.model.migration import MigrationOptions

_COMPARED = 10
"""So many nodes are compared for each place in the order; their number is not to count with its square."""

_Uses: TypeAlias = "Counter[Reference]"
"""How many pods of each budget a node has."""


def put_apart(
    nodes: Sequence[Node],
    group_of: Mapping[str, str],
    pods: Iterable[Pod],
    budgets: Budgets,
    options: MigrationOptions,
) -> list[Node]:
    """The nodes in another order.

    Args:
        nodes: In the order of their zones' turns.
        group_of: The Auto Scaling group of each node.
        pods: All pods of the cluster.
        budgets: The budgets that cover them.
        options: How many are in work at once, and whether the next one waits for workloads.
    """
    at_once = Lanes({node.name: group_of[node.name] for node in nodes}, options.parallel).in_all
    # Pods of the node that had the place before may not be ready yet, unless the next one waits for them.
    disturbing = at_once - 1 if options.waits_until_healthy(at_once) else at_once
    if disturbing < 1:
        return list(nodes)
    uses = _uses(pods, budgets)
    allowed = {status.budget.reference: status.headroom for status in budgets}
    kinds = [(group_of[node.name], node.zone) for node in nodes]
    waiting: dict[Kind, list[Node]] = defaultdict(list)
    for kind, node in zip(kinds, nodes, strict=True):
        waiting[kind].append(node)
    before, found = _Before(disturbing, allowed), []
    for kind in in_turns(kinds):
        node = min(waiting[kind][:_COMPARED], key=lambda each: before.fits(uses[each.name]))
        waiting[kind].remove(node)
        before.add(uses[node.name])
        found.append(node)
    return found


def _uses(pods: Iterable[Pod], budgets: Budgets) -> Mapping[str, _Uses]:
    """By the names of nodes."""
    found: dict[str, _Uses] = defaultdict(Counter)
    for pod in pods:
        for status in budgets.of(pod):
            found[pod.node][status.budget.reference] += status.counts(pod)
    return found


class _Before:
    """The nodes just before in the order whose pods are not ready when the next one is begun."""

    def __init__(self, most: int, allowed: Mapping[Reference, int]) -> None:
        self._allowed, self._most = allowed, most
        self._nodes: deque[_Uses] = deque()
        self._in_use: _Uses = Counter()

    def add(self, uses: _Uses) -> None:
        self._nodes.append(uses)
        self._in_use.update(uses)
        if len(self._nodes) > self._most:
            self._in_use.subtract(self._nodes.popleft())

    def fits(self, uses: _Uses) -> tuple[float, float]:
        """How well another node is next, the less the better.

        First, how often pods of others have to be ready again before those of this node are evicted. Then
        the nodes with the most pods of narrow budgets are first: they are the hardest to put apart later.
        """
        narrow = [
            (self._in_use[budget] + count, count, allowed)
            for budget, count in uses.items()
            if (allowed := self._allowed.get(budget, 0)) > 0
        ]
        waits = sum(max(wanted - allowed, 0) / allowed for wanted, _, allowed in narrow)
        return waits, -sum(count / allowed for _, count, allowed in narrow)
