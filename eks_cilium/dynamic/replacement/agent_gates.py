"""The gates of a migration: which nodes the agents of the two CNIs are wanted on.

`AgentGate` comes before the first node is changed, `AgentsGone` before the old CNI is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.agents.placement import place
from eks_cilium.migration.inventory.returned import label_returned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import MigrationRun


class AgentGateProvider(MigrationProvider):
    """Places Cilium's agents, and waits until the new CNI wants the right number of nodes."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Wait until the new CNI's DaemonSet wants exactly the nodes without the old CNI's label.

        Returns {"daemonSet", "desired": number, "unlabelled": number}. Raises TimedOutError.
        """
        label_returned(run)
        place(run)
        return rollout.await_count(run)


class AgentsGoneProvider(MigrationProvider):
    """Waits until the old CNI is wanted on no node and none of its agents is left."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Wait up to five minutes.

        Returns {"daemonSet", "desired": 0}. Raises TimedOutError with the nodes that are left.
        """
        return rollout.await_none(run)


class AgentGate(Operation[OperationArgs], module="eks-cilium", name="AgentGate"):
    """Exists once the new CNI's DaemonSet wants the right nodes.

    Inputs: `OperationArgs`. Deleting it changes nothing.
    """

    provider = AgentGateProvider


class AgentsGone(Operation[OperationArgs], module="eks-cilium", name="AgentsGone"):
    """Exists once the old CNI runs on no node any more.

    Inputs: `OperationArgs`. Deleting it changes nothing.
    """

    provider = AgentsGoneProvider
