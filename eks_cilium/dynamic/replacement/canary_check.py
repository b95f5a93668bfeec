"""The end of a part of a migration (`migration.only`): it is checked, and nothing follows for now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckResult

from eks_cilium.dynamic.shell.in_short import are_same, names_in_short
from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs
from eks_cilium.migration import canary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import MigrationRun


class CanaryCheckArgs(OperationArgs):
    """The inputs of a `CanaryCheck` resource."""

    nodes: Sequence[str]
    """Names of the nodes that are replaced, in order; see `names_in_short`."""
    stays: Sequence[str]
    """What stays as it is until the rest goes on, for the user who reads a preview."""


class CanaryCheckProvider(MigrationProvider):
    """Checks the new nodes and the workloads that moved. Deleting it changes nothing."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Keep the names of a large part in short."""
        return CheckResult({**news, "nodes": names_in_short(news["nodes"])}, [])

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Check again for another part."""
        return super().must_act(olds, news) or not are_same(olds["nodes"], news["nodes"])

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Wait until agents on the new nodes and all workloads that moved are healthy.

        Returns {"replaced", "leftOut", "agents", "workloads"}, all numbers. Raises TimedOutError with what is
        missing.
        """
        return canary.check(run)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Change nothing: the rest of the migration goes on, or a rollback undoes the part."""


class CanaryCheck(Operation[CanaryCheckArgs], module="eks-cilium", name="CanaryCheck"):
    """Exists once a part of the nodes is replaced and found healthy, while others are left for later.

    Inputs: `CanaryCheckArgs`. Deleting it changes nothing.
    """

    provider = CanaryCheckProvider
