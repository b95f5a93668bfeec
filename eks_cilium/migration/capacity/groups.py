"""The Auto Scaling groups of a migration: as they were recorded, as they are, and which sizes come next.

A group is recorded before its first change. Every later size follows from that record, from how many old
nodes are left, and from the plan's arithmetic (`migration.plan.capacity`). So a run that is started again
arrives at the same sizes, whatever the last run did. `surge`, `spare`, `termination` and the rotation use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.model import GroupBefore
from eks_cilium.migration.plan.capacity import desired
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import GROUPS, Record
from eks_cilium.settings.model.migration import Capacity
from eks_cilium.texts import counted

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.options import Before
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import MigrationOptions


@dataclass(frozen=True)
class GroupProgress:
    """One group during its migration."""

    state: GroupState
    before: GroupBefore
    outgoing: tuple[Outgoing, ...]
    options: MigrationOptions

    @property
    def old(self) -> tuple[Member, ...]:
        """Members still to be replaced."""
        ids = {node.instance for node in self.outgoing}
        return tuple(member for member in self.state.members if member.counts and member.instance in ids)

    @property
    def new(self) -> tuple[Member, ...]:
        """Members that are not in the inventory."""
        ids = {node.instance for node in self.outgoing}
        return tuple(member for member in self.state.members if member.counts and member.instance not in ids)

    @property
    def sizes(self) -> Before:
        """The sizes before the first change, in the form the plan's arithmetic takes."""
        return self.before.sizes(len(self.outgoing))

    def desired(self, left: int) -> int:
        """The desired capacity while `left` old nodes are left."""
        return desired(self.options.capacity, self.options.surge, self.sizes, left)

    @property
    def lowest(self) -> int:
        """The smallest desired capacity from now to the end of the migration."""
        return min(self.desired(left) for left in range(len(self.old) + 1))

    @property
    def shrinks(self) -> bool:
        """Whether the desired capacity has to be decremented when the next old node is terminated."""
        return self.state.desired - 1 >= self.desired(len(self.old) - 1)

    def floor(self, cordoned: int) -> int:
        """How many nodes have to serve pods when one more old node is cordoned, besides `cordoned` others."""
        if self.options.capacity is Capacity.SURGE:
            return min(self.before.desired, self.state.desired - 1)
        return min(self.desired(len(self.old) - cordoned - 1), self.state.desired - cordoned - 1)


def progress(run: MigrationRun, group: str) -> GroupProgress:
    """How far one group is. Raises StoppedError for a group that was not recorded."""
    before = recorded(run.world).get(group)
    if before is None:
        raise StoppedError(f"the Auto Scaling group {group} was not recorded: prepare the capacity first")
    nodes = recording.required(run.world, run.options.target).of_group(group)
    return GroupProgress(run.world.groups.group(group), before, nodes, run.options)


def recorded(world: World) -> dict[str, GroupBefore]:
    """The groups before the first change; empty outside of a migration."""
    kept: dict[str, Object] = Record(world.api).get(GROUPS) or {}
    return {name: GroupBefore.from_json(group) for name, group in kept.items()}


def why_instances_are_missing(world: World, now: GroupProgress, cordoned: int) -> str:
    """Why a group has too few new instances, in one phrase; failed launches are quoted from Auto Scaling."""
    if cordoned:
        return f"{counted(cordoned, 'other node')} of the group being replaced"
    troubles = world.groups.troubles(now.state.name)
    return f"its last launch failed: {troubles[0]}" if troubles else "instances have not been launched yet"
