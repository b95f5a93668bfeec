"""Sets the sizes of an Auto Scaling group, through EKS where it belongs to a managed node group.

EKS may undo, in the middle of a migration, a change of a managed node group that it did not make itself.
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
    """Minimum, maximum and desired capacity of a group."""

    minimum: int
    maximum: int
    desired: int

    @classmethod
    def of(cls, state: GroupState) -> Sizes:
        return cls(state.minimum, state.maximum, state.desired)


def resize(run: Run, group: GroupBefore, sizes: Sizes) -> None:
    """Set the sizes of a group, where it does not have them already."""
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
    """Ask EKS as soon as the node group is not being updated, and wait until the group has its sizes."""
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
        return "" if done else f"node group {group.node_group} does not have its new size yet"

    run.wait(missing, waited_for=f"the size of node group {group.node_group}", seconds=run.limits.roll_out)
