"""Labels the nodes of the old CNI and records them, once.

The first resource of a migration: everything that blocks the migration fails its check, so that a preview
lists all blockers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.in_short import are_same, lines_in_short, names_in_short
from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation
from eks_cilium.dynamic.shell.planning import (
    PlannedArgs,
    PlanPart,
    checked,
    current_plan,
    migration_plan,
    plan_part,
)
from eks_cilium.dynamic.shell.process import THIS_PROCESS
from eks_cilium.migration.inventory import forgetting, recording
from eks_cilium.migration.report.wording import bounds, headline, headline_of, in_part, sizes, verdict_of
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.settings.model.migration import Target
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.in_short import Names
    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.plan.model import Plan
    from eks_cilium.migration.run import MigrationRun


class NodeInventoryArgs(PlannedArgs):
    """The inputs of a `NodeInventory` resource."""

    nodes: Sequence[str]
    """Names of the nodes that the program registered resources for, in order; see `names_in_short`."""
    left: int
    """How many of them still exist; with none nothing is planned any more."""


class NodeInventoryProvider(MigrationProvider):
    """Records the inventory; deleting it at the end of a rollback deletes the labels and the record."""

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Record again for other nodes, but not for another order of the same nodes."""
        return super().must_act(olds, news) or not are_same(olds["nodes"], news["nodes"])

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show a summary of the plan; its blockers fail the preview while a node is left to replace.

        Once the nodes are recorded, what blocks single nodes is shown on their own resources.
        """
        THIS_PROCESS.remember(news["nodes"])
        return checked(
            type(self).connect,
            _olds,
            {**news, "nodes": names_in_short(news["nodes"])},
            done=not news["left"],
            part=summary_of_rest if _olds else summary,
            plan_now=migration_plan,
        )

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Label and record the nodes.

        Returns {"target", "labelled": [...], "already": [...], "nodes": [...], "taken": ISO time, "plan":
        as of `exported`}. Raises StoppedError when they are not the nodes that the program registered.
        """
        plan = current_plan(THIS_PROCESS.plans, type(self).connect, _props, migration_plan)
        taken = recording.record_inventory(run, plan)
        _compare(_props["nodes"], taken["nodes"])
        inventory = recording.read(run.world, run.options.target)
        return {**taken, "taken": inventory.taken if inventory else "", "plan": exported(plan)}

    def undo(self, run: MigrationRun) -> None:
        """Delete labels and record, after a rollback or a migration that replaced no node."""
        forgetting.forget(run)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete what a rollback kept for later runs of its program, or undo a migration to Cilium."""
        if _props["target"] == Target.AWS_VPC_CNI:
            self.undone(_props, lambda run: forgetting.forget_rollback(run.world))
        super().delete(_id, _props)


def exported(plan: Plan) -> dict[str, Any]:
    """The plan as a stack exports it, in numbers: every stack output is printed and stored in full.

    The whole plan of 500 nodes has 5 MB; `eks-cilium plan --format markdown` or `json` prints it.
    """
    return {
        "headline": headline(plan),
        "nodes": len(plan.nodes),
        "blockers": len(plan.blockers),
        "warnings": len(plan.warnings),
        "estimatedSeconds": round(plan.seconds),
    }


def exported_again(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What `exported` returned, from the state of a stack; earlier versions kept the whole plan there."""
    return {"headline": headline_of(kept["markdown"])} if "markdown" in kept else dict(kept)


def summary(plan: Plan) -> PlanPart:
    """The plan in a few lines, and all of its blockers."""
    groups, warnings = map(sizes, plan.groups), in_part(map(str, plan.warnings))
    beginning = [line for line in (headline(plan), bounds(plan), verdict_of(plan)) if line]
    return plan_part(lines_in_short((*beginning, *groups, *warnings)), plan.blockers)


def summary_of_rest(plan: Plan) -> PlanPart:
    """The plan of a migration that has begun: only what blocks the whole cluster stops it here."""
    return plan_part(summary(plan)["lines"], (blocker for blocker in plan.blockers if not blocker.nodes))


def _compare(registered: Names, found: Sequence[str]) -> None:
    if are_same(registered, found):
        return
    known = set(THIS_PROCESS.names(registered))
    changes = [
        *(f"{name} joined" for name in sorted(set(found) - known)),
        *(f"{name} was deleted" for name in sorted(known - set(found))),
    ]
    raise StoppedError(
        Topic.NODES_CHANGED,
        f"the nodes changed since this run began: {named(changes)}",
        "The inventory has the new list, and nothing else was changed. Run `pulumi up` again.",
    )


class NodeInventory(Operation[NodeInventoryArgs], module="eks-cilium", name="NodeInventory"):
    """Exists once the nodes to replace are labelled and recorded.

    Inputs: `NodeInventoryArgs`. Deleting it removes the labels and the record; in a migration to Cilium it
    raises StoppedError while a node still needs Cilium.
    """

    provider = NodeInventoryProvider

    @property
    def taken(self) -> pulumi.Output[str]:
        """When the inventory was recorded, as an ISO time; it tells one migration from another."""
        return self.result.apply(lambda result: str(result["taken"]))

    @property
    def plan(self) -> pulumi.Output[dict[str, Any]]:
        """The plan before the first change, as `exported` has it."""
        return self.result.apply(lambda result: exported_again(result["plan"]))
