"""The resource that is made when aws-node and its add-on are gone; refused while a node needs them."""

from __future__ import annotations

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, OperationProvider
from eks_cilium.migration import operations


class AwsNodeRemovalProvider(OperationProvider):
    """Removes aws-node; what it was is written down first, for the way back."""

    operation = staticmethod(operations.remove_aws_node)


class AwsNodeRemoval(Operation[OperationArgs], module="eks-cilium", name="AwsNodeRemoval"):
    """Exists once aws-node does not."""

    made_by = AwsNodeRemovalProvider
