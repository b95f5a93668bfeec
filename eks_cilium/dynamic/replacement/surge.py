"""Spare capacity for evicted pods before the first drain, and the groups' own sizes after the last one.

The Auto Scaling groups belong to the user: what they were is recorded before the first change, and restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NotRequired

from eks_cilium.dynamic.shell.in_short import lines_in_short
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
    from collections.abc import Mapping, Sequence

    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun

_WIDTH = ("surge", "capacity", "only")


class SurgeArgs(PlannedArgs):
    """The inputs of a `Surge` resource."""

    left: int
    """How many nodes are left to replace: with none, other options have no effect any more."""
    given_up: NotRequired[Sequence[str]]
    """Auto Scaling groups that could not grow in an earlier run, and are tried again."""


class SurgeProvider(MigrationProvider):
    """Adds nodes to the groups, and again when the options ask for more during a migration."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Raise the sizes and wait until the extra nodes run pods on the new CNI.

        Returns {"groups": {name: {"minimum", "maximum", "desired", "before", "suspended"}}, "ready":
        [nodes], "stopped": {name: why the group cannot grow}}; sizes are numbers of nodes. Raises
        TimedOutError with what is missing where no group can grow.
        """
        return surge.prepare(run)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show the sizes that every group passes through."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news) and not self._tries_again(news),
            part=group_sizes,
            plan_now=migration_plan,
        )

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Act on another surge or capacity, or on a group that could not grow, while a node is left."""
        before, now = olds.get("options") or {}, news.get("options") or {}
        wider = any(before.get(key) != now.get(key) for key in _WIDTH)
        again = wider or self._tries_again(news)
        return super().must_act(olds, news) or (again and bool(news["left"]))

    @staticmethod
    def _tries_again(news: Mapping[str, Any]) -> bool:
        return bool(news.get("given_up"))


class CapacityRestoreArgs(OperationArgs):
    """The inputs of a `CapacityRestore` resource."""

    groups: Sequence[str] | None
    """Auto Scaling groups to restore while other nodes are left for later; all where it is None."""


class CapacityRestoreProvider(MigrationProvider):
    """Restores the groups: sizes, processes, and nodes without the taint of the migration."""

    acts_on: ClassVar[tuple[str, ...]] = ("groups",)

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Drain surplus nodes, then restore sizes and processes; of some groups alone where inputs name them.

        Returns {"groups": {name: {"minimum", "maximum", "desired", "suspended"}}}. Raises StoppedError with
        the groups that could not grow, after all others are restored.
        """
        names = _props.get("groups")
        return restore.restore(run) if names is None else restore.restore_finished(run, names)


def group_sizes(plan: Plan) -> PlanPart:
    """The sizes that every group passes through."""
    return plan_part(lines_in_short(map(sizes, plan.groups)))


class Surge(Operation[SurgeArgs], module="eks-cilium", name="Surge"):
    """Exists once the extra nodes run pods on the new CNI.

    Inputs: `SurgeArgs`. Deleting it changes nothing: `CapacityRestore` restores the sizes.
    """

    provider = SurgeProvider


class CapacityRestore(Operation[CapacityRestoreArgs], module="eks-cilium", name="CapacityRestore"):
    """Exists once every group has its sizes and processes again.

    Inputs: `CapacityRestoreArgs`. Deleting it changes nothing.
    """

    provider = CapacityRestoreProvider
