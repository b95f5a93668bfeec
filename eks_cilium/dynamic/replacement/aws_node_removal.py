"""The resource that is made when aws-node and its add-on are gone; refused while a node needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs
from eks_cilium.migration.aws_node import removal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import MigrationRun


class AwsNodeRemovalProvider(MigrationProvider):
    """Removes aws-node; what it was is written down first, for the way back."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Remove aws-node."""
        return removal.remove(run)


class AwsNodeRemoval(Operation[OperationArgs], module="eks-cilium", name="AwsNodeRemoval"):
    """Exists once aws-node does not."""

    made_by = AwsNodeRemovalProvider
