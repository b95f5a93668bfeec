"""The gate at the end of a refresh, which shows the remainder: N of M pods managed by Cilium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import Operation, RefreshProvider
from eks_cilium.dynamic.shell.planning import PlannedArgs, PlanPart, checked, is_done, plan_part, refresh_plan
from eks_cilium.migration.refresh import gate, report

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi
    from pulumi.dynamic import CheckResult

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.migration.run import RefreshRun


class ManagedPodsProvider(RefreshProvider):
    """Waits until Cilium manages every pod that was to be restarted."""

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Wait."""
        return gate.await_managed(run)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show how many there are now, and what will be left."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news),
            part=remainder,
            plan_now=refresh_plan,
        )


def remainder(plan: RefreshPlan) -> PlanPart:
    """How many pods Cilium manages now, and what will be left."""
    return plan_part(report.remainder(plan))


class ManagedPods(Operation[PlannedArgs], module="eks-cilium", name="ManagedPods"):
    """Exists once nothing is left to restart."""

    made_by = ManagedPodsProvider

    @property
    def counted(self) -> pulumi.Output[dict[str, Any]]:
        """How many pods Cilium manages, of how many, and which are left as they are."""
        return self.result.apply(lambda result: dict(result or {}))
