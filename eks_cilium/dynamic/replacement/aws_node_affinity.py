"""Restricts aws-node to the nodes it has to serve, so that new nodes start without it.

In a rollback it reinstalls aws-node first where it was removed, restricted to nodes without Cilium's label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs
from eks_cilium.migration.agents.placement import place
from eks_cilium.migration.aws_node import affinity, binding
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import MigrationRun


class AwsNodeAffinityProvider(MigrationProvider):
    """Restricts aws-node to its nodes; deleting it restores the affinity that aws-node had."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Restrict aws-node to its nodes.

        In a rollback Cilium's agents are removed from new nodes first, so that no node runs both CNIs.
        Returns {"managed": bool, "version", "terms": nodeSelectorTerms}.
        """
        if run.options.target is Target.AWS_VPC_CNI:
            place(run)
        return binding.bind(run)

    def undo(self, run: MigrationRun) -> None:
        """Restore the affinity: Cilium is uninstalled by then, so aws-node may run on every node again."""
        affinity.release(run)


class AwsNodeAffinity(Operation[OperationArgs], module="eks-cilium", name="AwsNodeAffinity"):
    """Exists once aws-node is restricted to its nodes, so that new nodes start without it.

    Inputs: `OperationArgs`. Deleting it restores the affinity that aws-node had.
    """

    provider = AwsNodeAffinityProvider
