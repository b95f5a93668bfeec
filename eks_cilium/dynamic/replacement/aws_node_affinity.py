"""The resource that binds aws-node to its nodes, so that new nodes come up without it.

On the way back it brings aws-node back first, bound off Cilium's nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, OperationProvider
from eks_cilium.migration import operations
from eks_cilium.migration.agents.placement import place
from eks_cilium.migration.operations import Target

if TYPE_CHECKING:
    from eks_cilium.migration.operations import Facts
    from eks_cilium.migration.run import Run


def _bind(run: Run) -> Facts:
    """On the way back Cilium lets go of new nodes first: better none of the two than both."""
    if run.options.target is Target.AWS_VPC_CNI:
        place(run)
    return operations.restrict_aws_node(run)


class AwsNodeAffinityProvider(OperationProvider):
    """Binds aws-node; deleting it gives aws-node the affinity back that it had."""

    operation = staticmethod(_bind)

    def undo(self, run: Run) -> None:
        """Cilium is uninstalled by then: aws-node may go everywhere again."""
        operations.release_aws_node(run)


class AwsNodeAffinity(Operation[OperationArgs], module="eks-cilium", name="AwsNodeAffinity"):
    """Exists once aws-node is bound to its nodes."""

    made_by = AwsNodeAffinityProvider
