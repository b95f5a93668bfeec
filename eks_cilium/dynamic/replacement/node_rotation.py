"""The resource of one node: made when the node is gone and its workloads are as healthy as before.

One resource a node, so that Pulumi saves what is done after each, shows each on a row of its own, and lets a
Ctrl-C end after the node in hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation
from eks_cilium.dynamic.shell.planning import (
    PlannedArgs,
    PlanPart,
    checked,
    is_done,
    migration_plan,
    plan_part,
)
from eks_cilium.migration import report
from eks_cilium.migration.rotation import steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun


class NodeRotationArgs(PlannedArgs):
    """What a `NodeRotation` is made from."""

    node: str


class NodeRotationProvider(MigrationProvider):
    """Replaces one node."""

    acts_on: ClassVar[tuple[str, ...]] = ("node",)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show what happens to the node and its pods, and refuse what forbids it."""
        name = news["node"]
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news),
            part=lambda plan: node_part(plan, name),
            plan_now=migration_plan,
        )

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Drain, terminate, wait, look at the workloads."""
        return steps.rotate_node(run, _props["node"])


def node_part(plan: Plan, name: str) -> PlanPart:
    """What happens to a node and its pods, and what forbids it."""
    node = plan.of_node(name)
    lines = report.lines_of_node(node) if node else ("gone or on its way out already",)
    return plan_part(lines, plan.blockers_of(name))


class NodeRotation(Operation[NodeRotationArgs], module="eks-cilium", name="NodeRotation"):
    """Exists once its node is replaced."""

    made_by = NodeRotationProvider
