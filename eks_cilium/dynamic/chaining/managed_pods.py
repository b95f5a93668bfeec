"""The gate at the end of a refresh; its preview shows how many pods stay without Cilium."""

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
        """Wait for Jobs where that is asked for, then up to two minutes for the last pods.

        Returns {"managed": number, "of": number, "left": [names]}. Raises TimedOutError.
        """
        return gate.await_managed(run)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show how many pods Cilium manages now, and which will stay without it."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news),
            part=remainder,
            plan_now=refresh_plan,
        )


def remainder(plan: RefreshPlan) -> PlanPart:
    """How many pods Cilium manages now, and which will stay without it."""
    return plan_part(report.remainder(plan))


class ManagedPods(Operation[PlannedArgs], module="eks-cilium", name="ManagedPods"):
    """Exists once no pod is left to restart.

    Inputs: `PlannedArgs`. Deleting it changes nothing.
    """

    provider = ManagedPodsProvider

    @property
    def counted(self) -> pulumi.Output[dict[str, Any]]:
        """{"managed": number, "of": number, "left": names of pods that stay without Cilium}."""
        return self.result.apply(lambda result: dict(result or {}))
