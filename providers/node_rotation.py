"""The resource of one node: made when the node is gone and its workloads are as healthy as before.

One resource a node, so that Pulumi saves what is done after each, shows each on a row of its own, and lets a
Ctrl-C end after the node in hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from migration import operations, report
from providers.operation import Operation, OperationArgs, OperationProvider
from providers.planning import checked, is_done

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.dynamic import CheckResult

    from migration.operations import Facts, Rules
    from migration.plan.model import Plan
    from migration.world import Report, World


class NodeRotationArgs(OperationArgs):
    """What a `NodeRotation` is made from."""

    node: str


class NodeRotationProvider(OperationProvider):
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
            show=lambda plan: _lines(plan, name),
            refuse=lambda plan: plan.refusals_of(name),
        )

    def perform(self, world: World, rules: Rules, _props: Mapping[str, Any], report: Report) -> Facts:
        """Drain, terminate, wait, look at the workloads."""
        return operations.rotate_node(world, _props["node"], rules, report)


def _lines(plan: Plan, name: str) -> tuple[str, ...]:
    node = plan.of_node(name)
    return report.lines_of_node(node) if node else ("gone or on its way out already",)


class NodeRotation(Operation[NodeRotationArgs], module="eks-cilium", name="NodeRotation"):
    """Exists once its node is replaced."""

    made_by = NodeRotationProvider
