"""The resources around all drains: room for pods before the first, the groups' own sizes after the last.

The groups are Auto Scaling's and stay somebody else's; what they were is written down before it is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs
from eks_cilium.dynamic.shell.planning import (
    PlannedArgs,
    PlanPart,
    checked,
    is_done,
    migration_plan,
    plan_part,
)
from eks_cilium.migration.capacity import surge
from eks_cilium.migration.report.wording import sizes
from eks_cilium.migration.rotation import restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun

_WIDTH = ("surge", "capacity")


class SurgeArgs(PlannedArgs):
    """What a `Surge` is made from."""

    left: int
    """How many outgoing nodes are still there: with none, other options are no reason to act."""


class SurgeProvider(MigrationProvider):
    """Widens the groups, also once more when the configuration asks for more in the middle."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Raise the sizes, and wait for the extra nodes."""
        return surge.prepare(run)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show the sizes of every group on the way."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news),
            part=group_sizes,
            plan_now=migration_plan,
        )

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """A wider surge acts while a node is left."""
        before, now = olds.get("options") or {}, news.get("options") or {}
        wider = any(before.get(key) != now.get(key) for key in _WIDTH)
        return super().must_act(olds, news) or (wider and bool(news["left"]))


class CapacityRestoreProvider(MigrationProvider):
    """Gives the groups back what they had: sizes, processes, nodes without our taint."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Restore the groups."""
        return restore.restore(run)


def group_sizes(plan: Plan) -> PlanPart:
    """The sizes of every group on the way."""
    return plan_part(map(sizes, plan.groups))


class Surge(Operation[SurgeArgs], module="eks-cilium", name="Surge"):
    """Exists once the extra nodes run pods on the CNI that comes."""

    made_by = SurgeProvider


class CapacityRestore(Operation[OperationArgs], module="eks-cilium", name="CapacityRestore"):
    """Exists once every group is as it was before."""

    made_by = CapacityRestoreProvider
