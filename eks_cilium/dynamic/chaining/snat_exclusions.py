"""Excludes peers from the VPC CNI's source address translation, so that they see the addresses of pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, RefreshProvider
from eks_cilium.migration.aws_node import snat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import RefreshRun


class SnatExclusionsArgs(OperationArgs):
    """The inputs of a `SnatExclusions` resource."""

    peers: Sequence[str]
    """IPv4 networks beyond the VPC, such as `10.2.0.0/16`."""


class SnatExclusionsProvider(RefreshProvider):
    """Adds networks to those that the VPC CNI excludes; deleting it restores the earlier ones."""

    acts_on: ClassVar[tuple[str, ...]] = ("peers",)

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Exclude the peers that are not excluded yet.

        Returns {"changed": bool, "exclusions": [networks]}.
        """
        return snat.exclude(run, _props["peers"])

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Restore the exclusions, even while nodes need Cilium: its agents do not depend on them."""
        self.undone(_props, self.undo)

    def undo(self, run: RefreshRun) -> None:
        """Restore the exclusions that the VPC CNI had."""
        snat.restore(run)


class SnatExclusions(Operation[SnatExclusionsArgs], module="eks-cilium", name="SnatExclusions"):
    """Exists once the peers see the addresses of pods instead of those of their nodes.

    Inputs: `SnatExclusionsArgs`. Deleting it restores the earlier exclusions.
    """

    provider = SnatExclusionsProvider
