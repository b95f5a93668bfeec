"""The gate at the end of a refresh, which shows the remainder: N of M pods managed by Cilium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migration import chaining
from migration.refresh import report
from migration.refresh.beginning import plan_now
from providers.operation import Operation, OperationArgs, OperationProvider
from providers.planning import checked, is_done

if TYPE_CHECKING:
    import pulumi
    from pulumi.dynamic import CheckResult


class ManagedPodsProvider(OperationProvider):
    """Waits until Cilium manages every pod that was to be restarted."""

    operation = staticmethod(chaining.await_managed)

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show how many there are now, and what will be left."""
        return checked(
            type(self).connect,
            _olds,
            news,
            done=is_done(_olds, news),
            show=report.remainder,
            make=plan_now,
        )


class ManagedPods(Operation[OperationArgs], module="eks-cilium", name="ManagedPods"):
    """Exists once nothing is left to restart."""

    made_by = ManagedPodsProvider

    @property
    def counted(self) -> pulumi.Output[dict[str, Any]]:
        """How many pods Cilium manages, of how many, and which are left as they are."""
        return self.result.apply(lambda result: dict(result or {}))
