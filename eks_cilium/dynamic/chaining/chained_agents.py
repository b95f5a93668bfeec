"""The gates of a chain: agents on every node before pods are restarted, and on none when they have to leave.

`ChainedAgents` stands behind the Helm release, so that it is deleted before the release is: then nodes go
back to the VPC CNI alone, and pods start there as before. `Unchaining` does the same before a replacement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs, RefreshProvider
from eks_cilium.migration.chaining import readiness, removal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import MigrationRun, RefreshRun


class ChainedAgentsProvider(RefreshProvider):
    """Waits for agents; deleting it has them leave, unless Cilium is not chained any more."""

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Wait."""
        return readiness.await_agents(run)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Nodes on which an agent only vanished would start no pod any more."""
        self.undone(_props, self.undo)

    def undo(self, run: RefreshRun) -> None:
        """Have the agents leave every node."""
        removal.leave(run, everywhere=True)


class UnchainingProvider(MigrationProvider):
    """Has chained agents leave the nodes that are to be replaced; where there are none it does nothing."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Have them leave the labelled nodes."""
        return removal.leave(run)

    def undo(self, run: MigrationRun) -> None:
        """Before Cilium was installed anew, chained agents may come back."""
        removal.come_back(run)


class ChainedAgents(Operation[OperationArgs], module="eks-cilium", name="ChainedAgents"):
    """Exists once an agent is ready on every node that can have one."""

    made_by = ChainedAgentsProvider


class Unchaining(Operation[OperationArgs], module="eks-cilium", name="Unchaining"):
    """Exists once no chained agent is on a node that is to be replaced."""

    made_by = UnchainingProvider
