"""Replaces a batch of nodes: a stack of thousands of nodes has 200 resources, and not one for each node.

Pulumi saves the whole state after each resource, so an update with one resource a node takes time with the
square of their number. The row of a batch shows how many of its nodes are done and which are in work.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation
from eks_cilium.dynamic.shell.planning import (
    PlannedArgs,
    PlanPart,
    TriedAgain,
    checked,
    has_begun,
    is_done,
    migration_plan,
    plan_part,
    was_skipped,
)
from eks_cilium.migration import batch
from eks_cilium.migration.report.wording import duration
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun

MOST_RESOURCES = 200
"""Of one stack for its nodes; clusters with so many nodes at most have one resource for each."""
AT_ONCE = 4
"""Batches in work at the same time: the next one takes the places that the end of another leaves."""
_MOST_BLOCKERS = 5


class NodeBatchArgs(PlannedArgs, TriedAgain):
    """The inputs of a `NodeBatch` resource."""

    first: int
    """Position of its first node in the order of work, from 1."""
    count: int
    """How many positions it has."""
    nodes: int
    """How many of them are replaced for now."""


def cut(nodes: int, places: int) -> list[tuple[int, int]]:
    """First position and number of nodes of each batch; `places` is how many nodes are in work at once.

    Together the batches in work have more nodes than there are places, so that no place is idle.
    """
    size = max(ceil(nodes / MOST_RESOURCES), ceil(places / (AT_ONCE - 1)))
    return [(first + 1, min(size, nodes - first)) for first in range(0, nodes, size)]


class NodeBatchProvider(MigrationProvider):
    """Drains the nodes of a batch and terminates their instances."""

    acts_on: ClassVar[tuple[str, ...]] = ("first", "count", "nodes")
    has_undo: ClassVar[bool] = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show what happens to the nodes; before the first change blockers fail the preview."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news) and not news.get("again"),
            part=lambda plan: batch_part(plan, news["first"], news["count"]),
            plan_now=migration_plan,
            begun=has_begun(news),
        )

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Replace the nodes, as many at once as `migration.parallel` says.

        Returns {"nodes", "replaced", "evicted", "deleted": numbers, "skipped": {"nodes": number, node:
        reason}}. Raises the error of the first node that failed, once those in work are finished.
        """
        return batch.rotate_batch(run, int(_props["first"]), int(_props["count"]))

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Act again where a node was skipped."""
        return super().must_act(olds, news) or was_skipped(olds)


def batch_part(plan: Plan, first: int, count: int) -> PlanPart:
    """What happens to the nodes of a batch in a few lines, and what blocks them."""
    nodes = [node for node in plan.nodes if first <= node.position < first + count]
    if not nodes:
        return plan_part(("deleted or terminating already, or left for later",))
    moving = sum(pod.verdict.moves for node in nodes for pod in node.pods)
    lines = (
        f"{counted(len(nodes), 'node')}: {named([node.node for node in nodes], 3)}",
        f"{counted(moving, 'pod')} to move, done after {duration(max(node.ends for node in nodes))}",
    )
    blockers = dict.fromkeys(each for node in nodes for each in plan.blockers_of(node.node))
    return plan_part(lines, list(blockers)[:_MOST_BLOCKERS])


def names_of(nodes: Sequence[str], first: int, count: int) -> Sequence[str]:
    """The nodes of a batch, of all nodes in the order of work."""
    return nodes[first - 1 : first - 1 + count]


class NodeBatch(Operation[NodeBatchArgs], module="eks-cilium", name="NodeBatch"):
    """Exists once its nodes are replaced.

    Inputs: `NodeBatchArgs`. Deleting it changes nothing.
    """

    provider = NodeBatchProvider
