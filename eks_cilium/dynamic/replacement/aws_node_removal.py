"""Removes aws-node and its add-on, once no node needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import MigrationProvider, Operation, OperationArgs
from eks_cilium.migration.aws_node import removal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import MigrationRun


class AwsNodeRemovalProvider(MigrationProvider):
    """Removes aws-node; its state is recorded first, for a rollback."""

    def perform(self, run: MigrationRun, _props: Mapping[str, Any]) -> Result:
        """Remove the add-on vpc-cni and the objects of aws-node.

        Returns {"managed": bool, "removed": [names], "kept": [names]}. Raises StoppedError while aws-node
        wants a node.
        """
        return removal.remove(run)


class AwsNodeRemoval(Operation[OperationArgs], module="eks-cilium", name="AwsNodeRemoval"):
    """Exists once aws-node and the add-on vpc-cni are removed.

    Inputs: `OperationArgs`. Deleting it changes nothing: a rollback restores aws-node.
    """

    provider = AwsNodeRemovalProvider
