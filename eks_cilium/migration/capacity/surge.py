"""Surge capacity before the first drain: extra nodes on the new CNI in every group of the inventory.

What would terminate instances without a drain, or change the sizes meanwhile, is suspended first. Called for
the resource `Surge`; `rotation.restore` undoes it after the last node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.aws_node import rewrites
from eks_cilium.migration.capacity import autoscaler, groups
from eks_cilium.migration.capacity.resizing import Sizes, resize
from eks_cilium.migration.control import stop
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.inventory.model import GroupBefore
from eks_cilium.migration.inventory.returned import label_returned
from eks_cilium.migration.options import covers
from eks_cilium.runtime.record import GROUPS, Record

if TYPE_CHECKING:
    from eks_cilium.migration.inventory.model import Inventory
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

SUSPENDED = ("AZRebalance", "AlarmNotification", "ReplaceUnhealthy", "ScheduledActions")
"""Processes of Auto Scaling that terminate instances without a drain, or change the sizes by themselves."""


def prepare(run: MigrationRun) -> dict[str, Any]:
    """Record the groups, suspend processes, taint old nodes, raise the sizes; wait for the extra nodes."""
    run.world.guard()
    stop.refuse_where_requested(run.world)
    label_returned(run)
    rewrites.hold(run)
    inventory = recording.required(run.world, run.options.target)
    _record_groups(run.world, inventory)
    autoscaler.note(run)
    taint(run, inventory)
    widened = {name: _widen(run, name) for name in inventory.groups}
    ready = [node for name in inventory.groups for node in _await_new_nodes(run, name)]
    return {"groups": widened, "ready": sorted(ready)}


def taint(run: MigrationRun, inventory: Inventory) -> None:
    """Taint the nodes to be replaced with PreferNoSchedule, and only those.

    A migration in the other direction may have left its taint and its cordon on nodes that stay now.
    """
    instances = {node.instance for node in inventory.nodes}
    tainted = 0
    for node in run.world.api.list("/api/v1/nodes"):
        run.world.guard()
        name = node["metadata"]["name"]
        if known_node(node, {}).instance in instances:
            tainted += marks.soft_taint(run.world.api, name) if not marks.has_soft_taint(node) else 0
        elif marks.has_soft_taint(node) or marks.is_ours(node):
            marks.lift_soft_taint(run.world.api, name)
            marks.uncordon(run.world.api, node)
    if tainted:
        run.report(f"tainted {tainted} nodes to be replaced, so that the scheduler prefers others")


def _record_groups(world: World, inventory: Inventory) -> None:
    known = groups.recorded(world)
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
    """Suspend processes and raise the sizes to what they have to be at this point of the migration."""
    now = groups.progress(run, name)
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


def _await_new_nodes(run: MigrationRun, name: str) -> list[str]:
    """Wait until every extra node of a group is through the CNI gate; returns their names."""
    ready: list[str] = []

    def missing() -> str:
        rewrites.refuse(run)
        now = groups.progress(run, name)
        if not now.old:
            return ""
        gate = CniGate(run.world, run.options.target)
        needed = now.desired(len(now.old)) - len(now.old)
        serving = [member.instance for member in now.new if not gate.not_serving(member)]
        autoscaler.keep(run.world, (gate.nodes[instance] for instance in serving))
        ready[:] = [gate.nodes[instance]["metadata"]["name"] for instance in serving]
        if len(serving) >= needed:
            return ""
        waiting = [sentence for member in now.new if (sentence := gate.not_serving(member))]
        why = waiting[0] if waiting else groups.why_instances_are_missing(run.world, now, 0)
        return f"group {name}: {len(serving)} of {needed} new nodes are ready; {why}"

    run.wait(missing, waited_for=f"new nodes of {name}", seconds=run.options.replacement_timeout_seconds)
    return ready
