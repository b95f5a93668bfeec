"""The resource that has the VPC CNI leave pods' addresses alone on the way to peers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, RefreshProvider
from eks_cilium.migration.aws_node import snat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import RefreshRun


class SnatExclusionsArgs(OperationArgs):
    """What `SnatExclusions` is made from."""

    peers: Sequence[str]


class SnatExclusionsProvider(RefreshProvider):
    """Adds to what the VPC CNI excludes; deleting it gives it the exclusions back that it had."""

    acts_on: ClassVar[tuple[str, ...]] = ("peers",)

    def perform(self, run: RefreshRun, _props: Mapping[str, Any]) -> Result:
        """Exclude the peers that are not excluded yet."""
        return snat.exclude(run, _props["peers"])

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """No agent of Cilium's depends on it."""
        self.undone(_props, self.undo)

    def undo(self, run: RefreshRun) -> None:
        """Give them back."""
        snat.restore(run)


class SnatExclusions(Operation[SnatExclusionsArgs], module="eks-cilium", name="SnatExclusions"):
    """Exists once peers see pods' own addresses."""

    made_by = SnatExclusionsProvider
