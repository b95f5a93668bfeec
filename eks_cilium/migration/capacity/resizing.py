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
    from eks_cilium.migration.options import Rules
    from eks_cilium.runtime.context import Report, World


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


def resize(world: World, rules: Rules, group: GroupBefore, sizes: Sizes, report: Report) -> None:
    """Set the sizes of a group, through EKS where it is EKS's own, which would undo what it did not do."""
    world.guard()
    if Sizes.of(world.groups.group(group.name)) == sizes:
        return
    if group.node_group:
        _scale_node_group(world, rules, group, sizes, report)
    else:
        world.groups.resize(group.name, minimum=sizes.minimum, maximum=sizes.maximum, desired=sizes.desired)
    world.note("resized", group=group.name, desired=sizes.desired, maximum=sizes.maximum)


def _scale_node_group(world: World, rules: Rules, group: GroupBefore, sizes: Sizes, report: Report) -> None:
    """Ask EKS, as soon as it is not at work on the node group, and wait until it has done it."""
    asked = False

    def missing() -> str:
        nonlocal asked
        status = world.eks.node_group_status(group.node_group)
        if status.endswith("ING"):
            return f"node group {group.node_group} is {status}"
        if not asked:
            try:
                world.eks.scale(
                    group.node_group, minimum=sizes.minimum, maximum=sizes.maximum, desired=sizes.desired
                )
            except TransientError as error:
                return str(error)
            asked = True
        done = Sizes.of(world.groups.group(group.name)) == sizes
        return "" if done else f"node group {group.node_group} gets its new size"

    world.wait(
        missing,
        waited_for=f"the size of node group {group.node_group}",
        seconds=rules.limits.roll_out,
        every=rules.limits.between_looks,
        report=report,
    )
