"""The Auto Scaling groups of a migration: as they were recorded, as they are, and which sizes come next.

A group is recorded before its first change. Every later size follows from what the migration itself has
added (`contribution`), from how many old nodes are left, and from the plan's arithmetic
(`migration.plan.capacity`). So a run that is started again arrives at the same sizes, whatever the last run
did, and growth by an autoscaler or a person stays on top. `surge`, `spare`, `termination` and the rotation
use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.clients.autoscaling import IN_SERVICE
from eks_cilium.migration.capacity import contribution
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.inventory.model import GroupBefore
from eks_cilium.migration.options import Before
from eks_cilium.migration.part import groups_of
from eks_cilium.migration.plan.capacity import desired
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.fleet import AT_LEISURE, NOW, SOON
from eks_cilium.runtime.record import GROUPS
from eks_cilium.settings.model import width
from eks_cilium.settings.model.migration import Capacity
from eks_cilium.texts import counted
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.agents.cni_gate import CniGate
    from eks_cilium.migration.capacity.contribution import Contribution
    from eks_cilium.migration.inventory.model import Inventory, Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import MigrationOptions


@dataclass(frozen=True)
class GroupProgress:
    """One group during its migration."""

    state: GroupState
    before: GroupBefore
    outgoing: tuple[Outgoing, ...]
    added: Contribution
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
    def net(self) -> int:
        """How many of the desired instances this migration has added."""
        return self.added.net(self.state)

    @property
    def base(self) -> int:
        """The desired capacity without this migration: as before, and what others have changed since."""
        return self.state.desired - self.net

    def planned(self, left: int) -> int:
        """How many instances this migration has added while `left` old nodes are left; may be negative."""
        sizes = Before(desired=0, outgoing=len(self.outgoing))
        surge = width.besides(self.options.surge, len(self.outgoing))
        return desired(self.options.capacity, surge, sizes, left)

    @property
    def lowest(self) -> int:
        """The smallest desired capacity from now to the end of the migration."""
        return self.base + min(self.planned(left) for left in range(len(self.old) + 1))

    @property
    def shrinks(self) -> bool:
        """Whether the desired capacity has to be decremented when the next old node is terminated."""
        return self.net > self.planned(len(self.old) - 1)

    def floor(self, cordoned: int) -> int:
        """How many nodes have to serve pods when one more old node is cordoned, besides `cordoned` others."""
        if self.options.capacity is Capacity.SURGE:
            return min(self.base, self.state.desired - 1)
        extra = self.planned(len(self.old) - cordoned - 1)
        return min(self.base + extra, self.state.desired - cordoned - 1)


def progress(
    run: MigrationRun, group: str, max_age: float = NOW, *, state: GroupState | None = None
) -> GroupProgress:
    """How far one group is, by what AWS said at most `max_age` seconds ago, or by a `state` just read.

    Raises StoppedError for a group that was not recorded.
    """
    before = recorded(run.world).get(group)
    if before is None:
        raise StoppedError(
            Topic.NOT_RECORDED, f"the Auto Scaling group {group} was not recorded: prepare the capacity first"
        )
    nodes = recording.required(run.world, run.options.target).of_group(group)
    state = state or run.world.group_seen(group, max_age)
    return GroupProgress(state, before, nodes, contribution.of(run.world, before, state), run.options)


def age_for(run: MigrationRun, group: str, gate: CniGate) -> float:
    """How old AWS's answer about a group may be while nodes of it are waited for.

    New nodes are seen in the cluster first. Only where one serves of which AWS did not say that it is in
    service, AWS has news.
    """
    names = {group, *recorded(run.world)}
    states = run.world.groups_seen(names, AT_LEISURE).values()
    in_service = {
        member.instance for state in states for member in state.members if member.lifecycle == IN_SERVICE
    }
    leaving = {member.instance for state in states for member in state.members if member.leaving}
    unknown = (each for each in gate.nodes if each not in in_service and each not in leaving)
    return SOON if any(gate.is_young(each) and not gate.missing(each) for each in unknown) else AT_LEISURE


def sizes_before(world: World, inventory: Inventory) -> dict[str, Before]:
    """The sizes that the plan's arithmetic starts from, without what this migration has added."""
    known = recorded(world)
    return {
        name: Before(
            desired=state.desired - contribution.of(world, known[name], state).net(state),
            outgoing=len(inventory.of_group(name)),
        )
        for name, state in world.groups.groups(known).items()
    }


def recorded(world: World) -> dict[str, GroupBefore]:
    """The groups before the first change; empty outside of a migration."""
    kept: dict[str, Object] = world.record.get(GROUPS) or {}
    return {name: GroupBefore.from_json(group) for name, group in kept.items()}


def still_open(run: MigrationRun, inventory: Inventory) -> tuple[str, ...]:
    """Groups that still have a node to be replaced, and one that `migration.only` names."""
    outgoing = {node.instance for node in inventory.nodes}
    named = groups_of(inventory.members, run.options.part)
    return tuple(
        name
        for name, state in sorted(run.world.groups.groups(sorted(named)).items())
        if any(member.instance in outgoing and not member.leaving for member in state.members)
    )


def forget(world: World, group: str) -> None:
    """Delete the record of a group that is restored."""
    record = world.record
    record.put(GROUPS, {name: each.to_json() for name, each in recorded(world).items() if name != group})
    contribution.forget(world, group)


def why_instances_are_missing(world: World, now: GroupProgress, cordoned: int) -> str:
    """Why a group has too few new instances, in one phrase; failed launches are quoted from Auto Scaling."""
    if cordoned:
        return f"{counted(cordoned, 'other node')} of the group being replaced"
    return last_failure(world, now.state.name) or "instances have not been launched yet"


def last_failure(world: World, group: str) -> str:
    """Why the last launch of a group failed, in AWS's words; empty where it did not."""

    def ask() -> tuple[str, float]:
        troubles = world.groups.troubles(group)
        return (f"its last launch failed: {troubles[0]}" if troubles else ""), AT_LEISURE

    return world.remembered(f"launches of {group}", ask)
