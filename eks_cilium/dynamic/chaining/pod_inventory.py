"""Records, once, the workloads whose pods Cilium does not manage yet.

The first resource of a refresh: everything that blocks chaining to the VPC CNI, or the restart of a pod,
fails its check, so that a preview lists all blockers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import Operation, RefreshProvider
from eks_cilium.dynamic.shell.planning import PlannedArgs, PlanPart, checked, plan_part, refresh_plan
from eks_cilium.migration.refresh import report
from eks_cilium.migration.refresh.start import plan_now, record_workloads
from eks_cilium.migration.report.wording import headline_of
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.settings.model.migration import RefreshOptions
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.migration.run import RefreshRun


class PodInventoryArgs(PlannedArgs):
    """The inputs of a `PodInventory` resource."""

    workloads: Sequence[str]
    """The workloads that the program registered resources for, such as `Deployment shop/web`, in order."""


class PodInventoryProvider(RefreshProvider):
    """Records the workloads. Deleting it keeps the record: a later program finds its workloads by it."""

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Record again for another round, and for other workloads."""
        return (
            super().must_act(olds, news)
            or _round(olds) != _round(news)
            or set(olds["workloads"]) != set(news["workloads"])
        )

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show a summary of the plan; its blockers fail the preview until the workloads are recorded."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=bool(_olds) and not self.must_act({**_olds}, {**_olds, **news}),
            part=summary,
            plan_now=refresh_plan,
        )

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Record the workloads.

        Returns {"taken": ISO time, "workloads": [...], "plan": as of `exported`}. Raises StoppedError when
        there are workloads that the program has registered no resources for.
        """
        before = exported(plan_now(run))
        taken = record_workloads(run)
        _compare(_props["workloads"], taken["workloads"])
        return {**taken, "plan": before}


def summary(plan: RefreshPlan) -> PlanPart:
    """The plan in a few lines, and all of its blockers."""
    return plan_part(report.in_short(plan), plan.blockers)


def exported(plan: RefreshPlan) -> dict[str, Any]:
    """The plan as a stack exports it, in numbers: every stack output is printed and stored in full."""
    return {
        "headline": report.headline(plan),
        "workloads": len(plan.workloads),
        "pods": plan.pods,
        "blockers": len(plan.blockers),
        "warnings": len(plan.warnings),
        "estimatedSeconds": round(plan.seconds),
    }


def exported_again(kept: Mapping[str, Any] | str) -> dict[str, Any]:
    """What `exported` returned, from the state of a stack; earlier versions kept the plan as Markdown."""
    return {"headline": headline_of(kept)} if isinstance(kept, str) else dict(kept)


def _round(props: Mapping[str, Any]) -> int:
    return int((props.get("options") or {}).get("round", RefreshOptions().round))


def _compare(registered: Sequence[str], found: Sequence[str]) -> None:
    added = sorted(set(found) - set(registered))
    if added:
        raise StoppedError(
            Topic.WORKLOADS_APPEARED,
            f"workloads were created since this run began: {', '.join(added)}",
            "They are in the list now, and nothing else was touched. Run `pulumi up` again.",
        )


class PodInventory(Operation[PodInventoryArgs], module="eks-cilium", name="PodInventory"):
    """Exists once the workloads to restart are recorded.

    Inputs: `PodInventoryArgs`. Deleting it changes nothing in the cluster.
    """

    provider = PodInventoryProvider

    @property
    def taken(self) -> pulumi.Output[str]:
        """When the workloads were recorded, as an ISO time; it tells one refresh from another."""
        return self.result.apply(lambda result: str(result["taken"]))

    @property
    def plan(self) -> pulumi.Output[dict[str, Any]]:
        """The plan before the first change, as `exported` has it."""
        return self.result.apply(lambda result: exported_again(result["plan"]))
