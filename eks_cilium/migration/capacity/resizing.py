"""Sets the sizes of an Auto Scaling group, by whoever keeps them: EKS for its managed node groups.

EKS takes what it did not do itself for a mistake, and may undo it in the middle of a migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.errors import TransientError

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState
    from eks_cilium.migration.inventory.model import GroupBefore
    from eks_cilium.migration.run import Run


@dataclass(frozen=True, slots=True)
class Sizes:
    """The three sizes of a group."""

    minimum: int
    maximum: int
    desired: int

    @classmethod
    def of(cls, state: GroupState) -> Sizes:
        """Those it has."""
        return cls(state.minimum, state.maximum, state.desired)


def resize(run: Run, group: GroupBefore, sizes: Sizes) -> None:
    """Set the sizes of a group, through EKS where it is EKS's own, which would undo what it did not do."""
    run.world.guard()
    if Sizes.of(run.world.groups.group(group.name)) == sizes:
        return
    if group.node_group:
        _scale_node_group(run, group, sizes)
    else:
        run.world.groups.resize(
            group.name, minimum=sizes.minimum, maximum=sizes.maximum, desired=sizes.desired
        )
    run.world.note("resized", group=group.name, desired=sizes.desired, maximum=sizes.maximum)


def _scale_node_group(run: Run, group: GroupBefore, sizes: Sizes) -> None:
    """Ask EKS, as soon as it is not at work on the node group, and wait until it has done it."""
    asked = False

    def missing() -> str:
        nonlocal asked
        status = run.world.eks.node_group_status(group.node_group)
        if status.endswith("ING"):
            return f"node group {group.node_group} is {status}"
        if not asked:
            try:
                run.world.eks.scale(
                    group.node_group, minimum=sizes.minimum, maximum=sizes.maximum, desired=sizes.desired
                )
            except TransientError as error:
                return str(error)
            asked = True
        done = Sizes.of(run.world.groups.group(group.name)) == sizes
        return "" if done else f"node group {group.node_group} gets its new size"

    run.wait(missing, waited_for=f"the size of node group {group.node_group}", seconds=run.limits.roll_out)
