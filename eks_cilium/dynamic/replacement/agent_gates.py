"""The gates of a migration: where the agents of either CNI are wanted, and that they are wanted nowhere else.

`AgentGate` stands before anything moves, `AgentsGone` before the CNI that goes is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, OperationProvider
from eks_cilium.migration import operations
from eks_cilium.migration.agents.placement import place

if TYPE_CHECKING:
    from eks_cilium.migration.operations import Facts
    from eks_cilium.migration.run import Run


def _gate(run: Run) -> Facts:
    """The CNI that comes has to want exactly the nodes that the other one does not have."""
    place(run)
    return operations.await_agent_count(run)


def _gone(run: Run) -> Facts:
    return operations.await_no_agents(run)


class AgentGateProvider(OperationProvider):
    """Sees to it that Cilium's agents are where they belong, and waits until the number is right."""

    operation = staticmethod(_gate)


class AgentsGoneProvider(OperationProvider):
    """Waits until the CNI that goes is wanted on no node, and none of its agents is left."""

    operation = staticmethod(_gone)


class AgentGate(Operation[OperationArgs], module="eks-cilium", name="AgentGate"):
    """Exists once the CNI that comes wants the right nodes."""

    made_by = AgentGateProvider


class AgentsGone(Operation[OperationArgs], module="eks-cilium", name="AgentsGone"):
    """Exists once the CNI that goes runs nowhere any more."""

    made_by = AgentsGoneProvider
