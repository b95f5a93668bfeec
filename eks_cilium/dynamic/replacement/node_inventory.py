"""The resource that labels the nodes of the CNI that goes, and writes them down once.

First of a migration, so that whatever forbids the migration is said here, in the preview, all at once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation
from eks_cilium.dynamic.shell.planning import PlannedArgs, PlanPart, checked, migration_plan, plan_part
from eks_cilium.migration import report
from eks_cilium.migration.inventory import forgetting, recording
from eks_cilium.migration.report.wording import headline, sizes, verdict_of
from eks_cilium.migration.start import plan_now
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun


class NodeInventoryArgs(PlannedArgs):
    """What a `NodeInventory` is made from."""

    nodes: Sequence[str]
    """Names of the nodes the program counts on, in the order of work."""
    left: int
    """How many of them are still there; with none nothing is planned any more."""


class NodeInventoryProvider(MigrationProvider):
    """Takes the inventory; deleting it at the end of a way back takes labels and record away."""

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Other nodes mean another migration; another order of them does not."""
        return super().must_act(olds, news) or set(olds["nodes"]) != set(news["nodes"])

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show the plan in short, and refuse what forbids it as long as a node is left to be replaced."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=not news["left"],
            part=summary,
            plan_now=migration_plan,
        )

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Label and write down; the nodes have to be those that the program has resources for."""
        before = exported(plan_now(run))
        taken = recording.record_inventory(run)
        _compare(_props["nodes"], taken["nodes"])
        inventory = recording.read(run.world, run.options.target)
        return {**taken, "taken": inventory.taken if inventory else "", "plan": before}

    def undo(self, run: MigrationRun) -> None:
        """The end of a way back, or of a migration that never moved anything."""
        forgetting.forget(run)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """A way back left its list of nodes for later runs of its program."""
        if _props["target"] == Target.AWS_VPC_CNI:
            self.undone(_props, lambda run: forgetting.forget_rollback(run.world))
        super().delete(_id, _props)


def exported(plan: Plan) -> dict[str, str]:
    """The plan as it is exported: JSON on one line, since terminals show every output whole."""
    return {
        "markdown": report.markdown(plan),
        "json": json.dumps(report.document(plan, pods=False), separators=(",", ":")),
    }


def summary(plan: Plan) -> PlanPart:
    """The plan in a few lines, and everything that forbids it."""
    lines = (headline(plan), *map(sizes, plan.groups), *map(str, plan.warnings), verdict_of(plan))
    return plan_part(lines, plan.blockers)


def _compare(counted_on: Sequence[str], found: Sequence[str]) -> None:
    joined = sorted(set(found) - set(counted_on))
    gone = sorted(set(counted_on) - set(found))
    if joined or gone:
        changes = [*(f"{name} joined" for name in joined), *(f"{name} is gone" for name in gone)]
        raise StoppedError(
            f"the nodes changed since this run began: {', '.join(changes)}",
            "The inventory is right now, and nothing else was touched. Run `pulumi up` again.",
        )


class NodeInventory(Operation[NodeInventoryArgs], module="eks-cilium", name="NodeInventory"):
    """Exists once the outgoing nodes are labelled and written down."""

    made_by = NodeInventoryProvider

    @property
    def taken(self) -> pulumi.Output[str]:
        """When the inventory was taken, which tells one migration from another."""
        return self.result.apply(lambda result: str(result["taken"]))

    @property
    def plan(self) -> pulumi.Output[dict[str, str]]:
        """The plan before the first change, as Markdown and as JSON."""
        return self.result.apply(lambda result: dict(result["plan"]))
