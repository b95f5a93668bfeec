"""The resource that binds aws-node to its nodes, so that new nodes come up without it.

On the way back it brings aws-node back first, bound off Cilium's nodes.
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
    """Binds aws-node; deleting it gives aws-node the affinity back that it had."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Bind aws-node. In a rollback Cilium's agents leave new nodes first: no node may have both."""
        if run.options.target is Target.AWS_VPC_CNI:
            place(run)
        return binding.bind(run)

    def undo(self, run: MigrationRun) -> None:
        """Cilium is uninstalled by then: aws-node may go everywhere again."""
        affinity.release(run)


class AwsNodeAffinity(Operation[OperationArgs], module="eks-cilium", name="AwsNodeAffinity"):
    """Exists once aws-node is bound to its nodes."""

    made_by = AwsNodeAffinityProvider
