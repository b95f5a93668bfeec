"""Surge capacity before the first drain: extra nodes on the new CNI in every group of the inventory.

What would terminate instances without a drain, or change the sizes meanwhile, is suspended first. Called for
the resource `Surge`; `rotation.restore` undoes it after the last node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Reference
from eks_cilium.errors import RefusedError
from eks_cilium.migration import beside
from eks_cilium.migration.aws_node import rewrites
from eks_cilium.migration.capacity import (
    autoscaler,
    contribution,
    groups,
    processes,
    resizing,
    stopped,
)
from eks_cilium.migration.capacity.new_nodes import NewNodes
from eks_cilium.migration.control import stop
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.inventory.model import GroupBefore
from eks_cilium.migration.inventory.returned import label_returned
from eks_cilium.migration.options import covers
from eks_cilium.migration.part import groups_of
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.runtime.record import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eks_cilium.errors import ProgramError
    from eks_cilium.migration.inventory.model import Inventory
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


def prepare(run: MigrationRun) -> dict[str, Any]:
    """Record the groups, suspend processes, taint old nodes, raise the sizes; wait for the extra nodes.

    Groups are widened beside each other. One that cannot grow is given up and named under `stopped`. Raises
    TimedOutError when none can.
    """
    run.world.guard()
    stop.refuse_where_requested(run.world)
    label_returned(run)
    rewrites.hold(run)
    inventory = recording.required(run.world, run.options.target)
    names = groups.still_open(run, inventory)
    _record_groups(run.world, inventory, names)
    autoscaler.note(run)
    for name in names:
        stopped.try_again(run, name)
    taint(run, inventory)
    widened, failed = beside.each_group(
        run.world, names, lambda name: _widen(run, name), expected=(RefusedError, TimedOutError)
    )
    new = NewNodes(run, tuple(widened))
    failed |= new.wait()
    beside.each_group(run.world, failed, lambda name: stopped.give_up(run, name, _reason(failed[name])))
    if failed and len(failed) == len(names):
        raise next(iter(failed.values()))
    return {
        "groups": widened,
        "ready": new.ready([name for name in names if name not in failed]),
        "stopped": {name: _reason(why) for name, why in failed.items()},
    }


def _reason(error: ProgramError) -> str:
    return error.missing if isinstance(error, TimedOutError) else str(error).splitlines()[0]


def taint(run: MigrationRun, inventory: Inventory) -> None:
    """Taint the nodes to be replaced with PreferNoSchedule, and only those.

    Old nodes of groups that `migration.only` leaves out stay as they are. A migration in the other direction
    may have left its taint and its cordon on nodes that stay now.
    """
    named = groups_of(inventory.members, run.options.part)
    instances = {node.instance for node in inventory.nodes if node.group in named}
    later = {node.instance for node in inventory.nodes if node.group not in named}
    tainted = 0
    for node in run.world.api.list("/api/v1/nodes"):
        run.world.guard()
        name = node["metadata"]["name"]
        instance = known_node(node, {}).instance
        if instance in instances:
            tainted += marks.soft_taint(run.world.api, name, node) if not marks.has_soft_taint(node) else 0
        elif instance not in later and (marks.has_soft_taint(node) or marks.is_ours(node)):
            marks.lift_soft_taint(run.world.api, name)
            marks.uncordon(run.world.api, node)
    if tainted:
        run.report(f"tainted {tainted} nodes to be replaced, so that the scheduler prefers others")


def _record_groups(world: World, inventory: Inventory, names: Iterable[str]) -> None:
    known = groups.recorded(world)
    states = world.groups.groups(name for name in names if name not in known)
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
    world.record.put(GROUPS, {name: group.to_json() for name, group in known.items()})
    for name in states:
        contribution.keep(world, name, contribution.Contribution())


def _widen(run: MigrationRun, name: str) -> dict[str, Any]:
    """Suspend processes and raise the sizes to what they have to be at this point of the migration."""
    now = groups.progress(run, name)
    suspended = processes.suspend(run, now.state)
    more = now.planned(len(now.old)) - now.net
    if more > 0:
        run.report(f"{name}: desired capacity {now.state.desired} -> {now.state.desired + more}")
        resizing.grow(run, now.before, more)
    else:
        resizing.release_if_held(run, now.before)
    now = groups.progress(run, name)
    if covers(run.options.allow.lower_minimum, Reference("Auto Scaling group", "", name)):
        minimum = min(now.state.minimum, max(now.lowest, 0))
        resizing.bound(run, now.before, minimum=minimum, maximum=now.state.maximum)
    state = run.world.groups.group(name)
    return {
        "minimum": state.minimum,
        "maximum": state.maximum,
        "desired": state.desired,
        "before": now.before.desired,
        "suspended": suspended,
    }
