"""The resource of one workload: made when Cilium manages its pods and it is as healthy as before.

One resource a workload, so that Pulumi saves what is done after each, shows each on a row of its own, and
lets a Ctrl-C end after the workload in hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

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
    """Which workload."""

    kind: str
    namespace: str
    name: str


class PodRefreshArgs(PlannedArgs):
    """What a `PodRefresh` is made from."""

    workload: Workload


class PodRefreshProvider(RefreshProvider):
    """Restarts the pods of one workload."""

    acts_on: ClassVar[tuple[str, ...]] = ("workload",)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show what happens to the workload and its pods, and refuse what forbids it."""
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
        """Roll out or evict, wait, look at its health and at what Cilium knows."""
        return restart_workload(run, _reference(_props))


def workload_part(plan: RefreshPlan, workload: Reference) -> PlanPart:
    """What happens to a workload and its pods, and what forbids it."""
    return plan_part(report.lines_of(plan, workload), plan.blockers_of(workload))


def _reference(props: Mapping[str, Any]) -> Reference:
    workload = props["workload"]
    return Reference(workload["kind"], workload["namespace"], workload["name"])


class PodRefresh(Operation[PodRefreshArgs], module="eks-cilium", name="PodRefresh"):
    """Exists once its workload is restarted."""

    made_by = PodRefreshProvider
