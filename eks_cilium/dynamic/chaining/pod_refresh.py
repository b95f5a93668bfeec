"""Restarts the pods of one workload, so that Cilium manages them.

One resource a workload, so that Pulumi saves its state after each workload, shows each on a row of its own,
and stops after the current workload on Ctrl-C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NotRequired, TypedDict

from eks_cilium.cluster.objects import Reference
from eks_cilium.dynamic.shell.operation import Operation, RefreshProvider
from eks_cilium.dynamic.shell.planning import PlannedArgs, PlanPart, checked, is_done, plan_part, refresh_plan
from eks_cilium.migration.refresh import report
from eks_cilium.migration.refresh.restarting import restart_workload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.migration.run import RefreshRun


class Workload(TypedDict):
    """A workload as Kubernetes names it."""

    kind: str
    namespace: str
    name: str
    group: NotRequired[str]
    """Its API group; left out for the kinds of Kubernetes itself."""


class PodRefreshArgs(PlannedArgs):
    """The inputs of a `PodRefresh` resource."""

    workload: Workload


class PodRefreshProvider(RefreshProvider):
    """Restarts the pods of one workload."""

    acts_on: ClassVar[tuple[str, ...]] = ("workload",)
    has_undo: ClassVar[bool] = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show what happens to the pods of the workload; blockers fail the preview."""
        workload = _reference(news)
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news),
            part=lambda plan: workload_part(plan, workload),
            plan_now=refresh_plan,
        )

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Roll the workload out or evict its pods, and wait until it is as healthy as before.

        Returns {"workload", "how", "pods": number, "seconds": number}. Raises RestartRefusedError before the
        first change, and UnhealthyError when the workload does not recover in time.
        """
        return restart_workload(run, _reference(_props))


def workload_part(plan: RefreshPlan, workload: Reference) -> PlanPart:
    """What happens to the pods of a workload, and what blocks it."""
    return plan_part(report.lines_of(plan, workload), plan.blockers_of(workload))


def _reference(props: Mapping[str, Any]) -> Reference:
    workload = props["workload"]
    return Reference(workload["kind"], workload["namespace"], workload["name"], workload.get("group", ""))


class PodRefresh(Operation[PodRefreshArgs], module="eks-cilium", name="PodRefresh"):
    """Exists once the pods of its workload were restarted and Cilium manages them.

    Inputs: `PodRefreshArgs`. Deleting it changes nothing.
    """

    provider = PodRefreshProvider
