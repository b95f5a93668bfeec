"""Cilium's chained agents: ready on every node before pods are restarted, removed from nodes before a change.

`ChainedAgents` depends on the Helm release, so that it is deleted before the release is: its nodes return to
the VPC CNI alone first, and pods start on them as before. `Unchaining` does the same before a replacement.
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
    """Waits for the agents; deleting it removes them, unless Cilium is not chained any more."""

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Wait up to 15 minutes for an agent on every node that can have one.

        Returns {"nodes": number}. Raises NotReadyError with what is missing.
        """
        return readiness.await_agents(run)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove the agents from all nodes, so that pods start on them without Cilium's CNI configuration."""
        self.undone(_props, self.undo)

    def undo(self, run: RefreshRun) -> None:
        """Remove the agents from every node."""
        removal.leave(run, everywhere=True)


class UnchainingProvider(MigrationProvider):
    """Removes chained agents from the nodes to be replaced; without such agents it does nothing."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Remove the agents from the labelled nodes.

        Returns {"chained": whether there were any, "nodes": names of the nodes they were removed from}.
        """
        return removal.leave(run)

    def undo(self, run: MigrationRun) -> None:
        """Let chained agents run again where they did, if Cilium was not installed in their place."""
        removal.restore(run)


class ChainedAgents(Operation[OperationArgs], module="eks-cilium", name="ChainedAgents"):
    """Exists once an agent is ready on every node that can have one.

    Inputs: `OperationArgs`. Deleting it removes the agents from all nodes, one restart of each, so that the
    Helm release can be uninstalled without a node that starts no pods.
    """

    provider = ChainedAgentsProvider


class Unchaining(Operation[OperationArgs], module="eks-cilium", name="Unchaining"):
    """Exists once no chained agent runs on a node that is to be replaced.

    Inputs: `OperationArgs`. Deleting it lets the agents run again where they did.
    """

    provider = UnchainingProvider
