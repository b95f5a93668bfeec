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
    from eks_cilium.migration.operations import Facts, Rules
    from eks_cilium.runtime.context import Report, World


def _bind(world: World, rules: Rules, report: Report) -> Facts:
    """On the way back Cilium lets go of new nodes first: better none of the two than both."""
    if rules.options.target is Target.AWS_VPC_CNI:
        place(world, rules.options.target, rules.limits, report)
    return operations.restrict_aws_node(world, rules, report)


class AwsNodeAffinityProvider(OperationProvider):
    """Binds aws-node; deleting it gives aws-node the affinity back that it had."""

    operation = staticmethod(_bind)

    def undo(self, world: World, rules: Rules, report: Report) -> None:
        """Cilium is uninstalled by then: aws-node may go everywhere again."""
        operations.release_aws_node(world, rules, report)


class AwsNodeAffinity(Operation[OperationArgs], module="eks-cilium", name="AwsNodeAffinity"):
    """Exists once aws-node is bound to its nodes."""

    made_by = AwsNodeAffinityProvider
