"""The Auto Scaling groups of the nodes: room for evicted pods before a drain, and the sizes along the way.

What a group was is written down before it is changed. Every size follows from that, from how many old nodes
are left, and from the plan's arithmetic (`migration.plan.capacity`), so a run that is started again arrives
at the same sizes whatever the last one did.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Reference
from eks_cilium.errors import TransientError
from eks_cilium.migration.agents.cni_gate import Joining
from eks_cilium.migration.capacity import autoscaler
from eks_cilium.migration.capacity.resizing import Sizes, resize
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.inventory.model import GroupBefore, Inventory, Outgoing
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.capacity import desired
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import GROUPS, Record
from eks_cilium.settings.model.migration import Capacity
from eks_cilium.texts import counted

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.options import Before
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import MigrationOptions

SUSPENDED = ("AZRebalance", "AlarmNotification", "ReplaceUnhealthy", "ScheduledActions")
"""Processes that end instances nobody drained, or change the sizes behind our back."""

_IN_SERVICE = "InService"

_locks: dict[tuple[str, str], threading.Lock] = {}
_making_locks = threading.Lock()


def lock(world: World, group: str) -> threading.Lock:
    """Held while a rotation looks at a group and acts on what it saw: several run at once."""
    with _making_locks:
        return _locks.setdefault((world.cluster, group), threading.Lock())


@dataclass(frozen=True)
class Standing:
    """One group in the middle of its migration."""

    state: GroupState
    before: GroupBefore
    outgoing: tuple[Outgoing, ...]
    options: MigrationOptions

    @property
    def old(self) -> tuple[Member, ...]:
        """Members that are still to go."""
        ids = {node.instance for node in self.outgoing}
        return tuple(one for one in self.state.members if one.counts and one.instance in ids)

    @property
    def new(self) -> tuple[Member, ...]:
        """Members that stay."""
        ids = {node.instance for node in self.outgoing}
        return tuple(one for one in self.state.members if one.counts and one.instance not in ids)

    @property
    def sizes(self) -> Before:
        """As the plan's arithmetic takes it."""
        return self.before.sizes(len(self.outgoing))

    def desired(self, left: int) -> int:
        """The desired capacity while so many old nodes are left."""
        return desired(self.options.capacity, self.options.surge, self.sizes, left)

    @property
    def lowest(self) -> int:
        """The smallest desired capacity from here on."""
        return min(self.desired(left) for left in range(len(self.old) + 1))

    @property
    def shrinks(self) -> bool:
        """Whether the group has to get smaller with the next old node that goes."""
        return self.state.desired - 1 >= self.desired(len(self.old) - 1)

    def floor(self, cordoned: int) -> int:
        """How many nodes have to serve when one more old one is cordoned besides so many others."""
        if self.options.capacity is Capacity.SURGE:
            return min(self.before.desired, self.state.desired - 1)
        return min(self.desired(len(self.old) - cordoned - 1), self.state.desired - cordoned - 1)


def standing(run: MigrationRun, group: str) -> Standing:
    """Where one group stands now."""
    known = befores(run.world).get(group)
    if known is None:
        raise StoppedError(f"the Auto Scaling group {group} was not recorded: prepare the capacity first")
    nodes = recording.required(run.world, run.options.target).of_group(group)
    return Standing(run.world.groups.group(group), known, nodes, run.options)


def befores(world: World) -> dict[str, GroupBefore]:
    """The groups as they were before the first change; nothing before it or after the last."""
    kept: dict[str, Object] = Record(world.api).get(GROUPS) or {}
    return {name: GroupBefore.from_json(group) for name, group in kept.items()}


def prepare(run: MigrationRun) -> dict[str, Any]:
    """Record, suspend, taint, raise; then wait until the extra nodes are through the CNI gate."""
    run.world.guard()
    inventory = recording.required(run.world, run.options.target)
    _note(run.world, inventory)
    autoscaler.note(run)
    taint(run, inventory)
    ready: list[str] = []
    told: dict[str, Any] = {}
    for name in inventory.groups:
        told[name] = _widen(run, name)
    for name in inventory.groups:
        ready += _await_new(run, name)
    return {"groups": told, "ready": sorted(ready)}


def taint(run: MigrationRun, inventory: Inventory) -> None:
    """Have the scheduler avoid the nodes that are to go, and only those.

    A migration in the other direction may have left its taints and a cordon on nodes that now stay.
    """
    uids = {node.uid for node in inventory.nodes}
    tainted = 0
    for node in run.world.api.list("/api/v1/nodes"):
        run.world.guard()
        name = node["metadata"]["name"]
        if node["metadata"]["uid"] in uids:
            tainted += marks.soft_taint(run.world.api, name) if not marks.has_soft_taint(node) else 0
        elif marks.has_soft_taint(node) or marks.is_ours(node):
            marks.lift_soft_taint(run.world.api, name)
            marks.uncordon(run.world.api, node)
    if tainted:
        run.report(f"tainted {tainted} nodes that are to go, so that pods prefer others")


def room(run: MigrationRun, node: Outgoing) -> str:
    """What is missing before a node may be cordoned, in one sentence; nothing when there is room."""
    now = standing(run, node.group)
    _refuse_below_minimum(now)
    joining = Joining(run.world, run.options.target)
    others = [one for one in now.old if one.instance != node.instance]
    cordoned = sum(_is_in_work(one.instance, now, joining) for one in others)
    needed = now.floor(cordoned) - (len(others) - cordoned)
    ready = [one for one in now.new if not not_ready(one, joining)]
    autoscaler.keep(run.world, (joining.nodes[one.instance] for one in ready))
    if len(ready) >= needed:
        return ""
    waiting = [sentence for one in now.new if (sentence := not_ready(one, joining))]
    why = waiting[0] if waiting else _no_instances(run.world, now, cordoned)
    return f"group {node.group}: {len(ready)} of {needed} new nodes are ready; {why}"


def terminate(run: MigrationRun, node: Outgoing, *, shrink: bool | None) -> bool:
    """End a node's instance by its id; whether the group got smaller. `shrink` None: as the plan has it."""
    smaller = False

    def missing() -> str:
        nonlocal smaller
        with lock(run.world, node.group):
            member = run.world.groups.group(node.group).member(node.instance)
            if member is None:
                return _strayed(run.world, node)
            if member.leaving:
                return ""
            smaller = standing(run, node.group).shrinks if shrink is None else shrink
            smaller = smaller and member.counts
            return _asked_to_end(run.world, node, smaller)

    run.wait(missing, waited_for=f"Auto Scaling to terminate {node.instance}", seconds=run.limits.termination)
    run.world.note(
        "terminated", node=node.name, instance=node.instance, group=node.group, decremented=smaller
    )
    return smaller


def _note(world: World, inventory: Inventory) -> None:
    """Write down every group that is not written down yet, before anything of it is changed."""
    known = befores(world)
    states = world.groups.groups(name for name in inventory.groups if name not in known)
    if not states:
        return
    for state in states.values():
        known[state.name] = GroupBefore(
            name=state.name,
            minimum=state.minimum,
            maximum=state.maximum,
            desired=state.desired,
            suspended=state.suspended,
            node_group=inventory.of_group(state.name)[0].node_group,
        )
    Record(world.api).put(GROUPS, {name: group.to_json() for name, group in known.items()})


def _widen(run: MigrationRun, name: str) -> dict[str, Any]:
    """Suspend what disturbs, and raise the sizes to what they have to be at this point."""
    now = standing(run, name)
    state, left = now.state, len(now.old)
    suspend = [process for process in SUSPENDED if process not in state.suspended]
    if suspend:
        run.world.groups.suspend(name, suspend)
        run.report(f"suspended {', '.join(suspend)} of {name}")
    wanted = now.desired(left) if left else state.desired
    permitted = covers(run.options.allow.lower_minimum, Reference("Auto Scaling group", "", name))
    minimum = min(state.minimum, max(now.lowest, 0)) if permitted else state.minimum
    if wanted > state.desired or minimum < state.minimum:
        wanted = max(wanted, state.desired)
        maximum = max(state.maximum, wanted)
        run.report(f"{name}: desired capacity {state.desired} -> {wanted}")
        resize(run, now.before, Sizes(minimum, maximum, wanted))
    return {
        "minimum": minimum,
        "maximum": max(state.maximum, wanted),
        "desired": max(wanted, state.desired),
        "before": now.before.desired,
        "suspended": suspend,
    }


def _await_new(run: MigrationRun, name: str) -> list[str]:
    """Wait until every extra node is through the CNI gate; their names."""
    ready: list[str] = []

    def missing() -> str:
        now = standing(run, name)
        if not now.old:
            return ""
        joining = Joining(run.world, run.options.target)
        needed = now.desired(len(now.old)) - len(now.old)
        through = [one.instance for one in now.new if not not_ready(one, joining)]
        autoscaler.keep(run.world, (joining.nodes[instance] for instance in through))
        ready[:] = [joining.nodes[instance]["metadata"]["name"] for instance in through]
        if len(through) >= needed:
            return ""
        waiting = [sentence for one in now.new if (sentence := not_ready(one, joining))]
        why = waiting[0] if waiting else _no_instances(run.world, now, 0)
        return f"group {name}: {len(through)} of {needed} new nodes are ready; {why}"

    run.wait(missing, waited_for=f"new nodes of {name}", seconds=run.options.replacement_timeout_seconds)
    return ready


def not_ready(member: Member, joining: Joining) -> str:
    """What keeps a new member from taking over."""
    if member.lifecycle != _IN_SERVICE:
        return f"instance {member.instance} is {member.lifecycle}"
    if sentence := joining.missing(member.instance):
        return sentence
    node = joining.nodes[member.instance]
    return f"{node['metadata']['name']} is cordoned" if marks.is_cordoned(node) else ""


def _is_in_work(instance: str, now: Standing, joining: Joining) -> bool:
    """Whether another old node no longer serves because of us. One that never did is no loss."""
    node = joining.nodes.get(instance)
    never_served = {one.instance for one in now.outgoing if one.cordoned}
    return node is not None and marks.is_cordoned(node) and instance not in never_served


def _no_instances(world: World, now: Standing, cordoned: int) -> str:
    """Why there are too few: the group says what its launches failed with."""
    if cordoned:
        return f"{counted(cordoned, 'other node')} of the group in work"
    troubles = world.groups.troubles(now.state.name)
    return f"its last launch failed: {troubles[0]}" if troubles else "instances are still to come"


def _refuse_below_minimum(now: Standing) -> None:
    if now.shrinks and now.state.desired - 1 < now.state.minimum:
        raise StoppedError(
            f"the Auto Scaling group {now.state.name} would go below its minimum: desired "
            f"{now.state.desired} - 1 < {now.state.minimum}",
            "Lower its minimum, or use `migration.capacity: surge`, or name the group in "
            "`migration.allow.lowerMinimum`.",
        )


def _strayed(world: World, node: Outgoing) -> str:
    """An instance that is in no group any more is fine when it is gone, and a person's matter when not."""
    if world.instances.is_gone(node.instance):
        return ""
    raise StoppedError(
        f"instance {node.instance} of node {node.name} is no longer in the Auto Scaling group {node.group}",
        "Somebody detached it. Terminate it or attach it again, then run `pulumi up` again.",
    )


def _asked_to_end(world: World, node: Outgoing, smaller: bool) -> str:
    try:
        world.groups.terminate(node.instance, decrement=smaller)
    except TransientError as error:
        return str(error)
    return ""
