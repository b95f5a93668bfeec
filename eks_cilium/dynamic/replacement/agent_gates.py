"""The gates of a migration: where the agents of either CNI are wanted, and that they are wanted nowhere else.

`AgentGate` stands before anything moves, `AgentsGone` before the CNI that goes is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.agents.placement import place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import MigrationRun


class AgentGateProvider(MigrationProvider):
    """Sees to it that Cilium's agents are where they belong, and waits until the number is right."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """The new CNI has to want exactly the nodes that the old one does not have."""
        place(run)
        return rollout.await_count(run)


class AgentsGoneProvider(MigrationProvider):
    """Waits until the CNI that goes is wanted on no node, and none of its agents is left."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Wait."""
        return rollout.await_none(run)


class AgentGate(Operation[OperationArgs], module="eks-cilium", name="AgentGate"):
    """Exists once the CNI that comes wants the right nodes."""

    made_by = AgentGateProvider


class AgentsGone(Operation[OperationArgs], module="eks-cilium", name="AgentsGone"):
    """Exists once the CNI that goes runs nowhere any more."""

    made_by = AgentsGoneProvider
