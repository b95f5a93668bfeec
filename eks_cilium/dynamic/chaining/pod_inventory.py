"""The resource that writes down, once, which workloads have pods that Cilium does not manage.

First of a refresh, so that whatever forbids Cilium on top of the VPC CNI, or the restart of a pod, is said
here, in the preview, all at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import Operation, RefreshProvider
from eks_cilium.dynamic.shell.planning import PlannedArgs, PlanPart, checked, plan_part, refresh_plan
from eks_cilium.migration.refresh import report
from eks_cilium.migration.refresh.start import plan_now, record_workloads
from eks_cilium.runtime.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.migration.run import RefreshRun


class PodInventoryArgs(PlannedArgs):
    """What a `PodInventory` is made from."""

    workloads: Sequence[str]
    """The workloads the program counts on, in the order of work."""


class PodInventoryProvider(RefreshProvider):
    """Writes the list. Deleting it leaves the list: the next program finds its workloads by it."""

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Another round means another list, and so do other workloads."""
        return (
            super().must_act(olds, news)
            or _round(olds) != _round(news)
            or set(olds["workloads"]) != set(news["workloads"])
        )

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show the plan in short, and refuse what forbids it until the list is written."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=bool(_olds) and not self.must_act({**_olds}, {**_olds, **news}),
            part=summary,
            plan_now=refresh_plan,
        )

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Write down; the workloads have to be those that the program has resources for."""
        before = exported(plan_now(run))
        taken = record_workloads(run)
        _compare(_props["workloads"], taken["workloads"])
        return {**taken, "plan": before}


def summary(plan: RefreshPlan) -> PlanPart:
    """The plan in a few lines, and everything that forbids it."""
    return plan_part(report.in_short(plan), plan.blockers)


def exported(plan: RefreshPlan) -> str:
    """The plan as it is exported, in Markdown."""
    return report.markdown(plan)


def _round(props: Mapping[str, Any]) -> int:
    return int((props.get("options") or {}).get("round", 1))


def _compare(counted_on: Sequence[str], found: Sequence[str]) -> None:
    came = sorted(set(found) - set(counted_on))
    if came:
        raise StoppedError(
            f"workloads came since this run began: {', '.join(came)}",
            "They are in the list now, and nothing else was touched. Run `pulumi up` again.",
        )


class PodInventory(Operation[PodInventoryArgs], module="eks-cilium", name="PodInventory"):
    """Exists once the workloads are written down."""

    made_by = PodInventoryProvider

    @property
    def taken(self) -> pulumi.Output[str]:
        """When the list was written, which tells one refresh from another."""
        return self.result.apply(lambda result: str(result["taken"]))

    @property
    def plan(self) -> pulumi.Output[str]:
        """The plan before the first change, as Markdown."""
        return self.result.apply(lambda result: str(result["plan"]))
