"""Replaces one node: it is drained and terminated, and its workloads are healthy or judged a little later.

One resource a node, so that Pulumi saves its state after each node, shows each node on a row of its own, and
stops after the current node on Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from eks_cilium.dynamic.replacement.node_batch import MOST_RESOURCES
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
from eks_cilium.migration import report
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.rotation import steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun


class NodeRotationArgs(PlannedArgs, TriedAgain):
    """The inputs of a `NodeRotation` resource."""

    node: str
    """Name of a node of the inventory."""


class NodeRotationProvider(MigrationProvider):
    """Drains one node and terminates its instance."""

    acts_on: ClassVar[tuple[str, ...]] = ("node",)
    has_undo: ClassVar[bool] = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show what happens to the node and its pods; before the first change blockers fail the preview."""
        name = news["node"]
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news) and not news.get("again"),
            part=lambda plan: node_part(plan, name),
            plan_now=migration_plan,
            begun=has_begun(news),
        )

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Drain the node, terminate its instance, and wait until its workloads are as healthy as before.

        With several nodes in work its workloads are judged before the next nodes instead. The instance may
        still be ending: `CapacityRestore` waits for all instances and workloads.

        Returns {"instance", "group", "evicted": number, "deleted": number, "decremented": bool, "seconds":
        {phase: seconds}}, or {"instance", "group", "skipped": reason} where the group of the
        node cannot grow or a pod must not be evicted. Raises DrainRefusedError and TimedOutError, with its
        node uncordoned.
        """
        return steps.rotate_node(run, _props["node"], to_the_end=False)

    def _undo_safely(self, run: MigrationRun) -> None:
        """Refuse as every resource does, unless the node belongs to a batch by now.

        Earlier versions of this program had a resource for each node, however many there were.
        """
        inventory = recording.read(run.world, run.options.target)
        if inventory is None or len(inventory.nodes) <= MOST_RESOURCES:
            super()._undo_safely(run)

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Act again on a node that was skipped."""
        return super().must_act(olds, news) or was_skipped(olds)


def node_part(plan: Plan, name: str) -> PlanPart:
    """What happens to a node and its pods, and what blocks it."""
    node = plan.of_node(name)
    lines = report.lines_of_node(node) if node else ("deleted or terminating already",)
    return plan_part(lines, plan.blockers_of(name))


class NodeRotation(Operation[NodeRotationArgs], module="eks-cilium", name="NodeRotation"):
    """Exists once its node is replaced, and with `waitUntilHealthy` once its workloads are healthy too.

    Inputs: `NodeRotationArgs`. Deleting it changes nothing.
    """

    provider = NodeRotationProvider
