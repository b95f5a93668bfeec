"""Restores the Auto Scaling groups after the last node: sizes and processes exactly as they were recorded.

Called for the resource `CapacityRestore`. Auto Scaling terminates instances without a drain when a group has
too many, and, once AZRebalance is resumed, when its zones are uneven. So surplus nodes are drained and zones
are evened out here first, by the same rotation as every other node; only then are the sizes set and the
processes resumed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import autoscaler, groups
from eks_cilium.migration.capacity.resizing import Sizes, resize
from eks_cilium.migration.capacity.surge import SUSPENDED
from eks_cilium.migration.cni import old_cni
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.inventory.model import GroupBefore, Outgoing
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, AWS_NODE, NODES, POLICY, STOP, Record

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import Target

_REBALANCE = "AZRebalance"
_MOST_MOVES = 20


def restore(run: MigrationRun) -> dict[str, Any]:
    """Restore every group to what was recorded, then delete the record of the groups and nodes in work."""
    run.world.guard()
    restored = {name: _restore_group(run, before) for name, before in groups.recorded(run.world).items()}
    lifted = _lift_taints(run.world)
    if lifted:
        run.report(f"removed the taint from {lifted} nodes that stay")
    Record(run.world.api).drop_all_but(NODES, AFFINITY, POLICY, AWS_NODE, STOP)
    return {"groups": restored}


def _restore_group(run: MigrationRun, before: GroupBefore) -> dict[str, Any]:
    state = run.world.groups.groups([before.name]).get(before.name)
    if state is None:
        run.report(f"the Auto Scaling group {before.name} was deleted: nothing to restore")
        return {"gone": True}
    if state.desired < before.desired:
        _resize(run, before, before.desired)
    _await_members(run, before)
    for _ in range(_MOST_MOVES):
        state = run.world.groups.group(before.name)
        if state.desired > before.desired:
            _remove_surplus(run, state)
        elif _REBALANCE not in before.suspended and _is_uneven(state):
            # AZRebalance would do the same without a drain as soon as it is resumed.
            run.report(f"{before.name}: its zones are uneven, so one node is replaced in another zone")
            _resize(run, before, before.desired + 1)
        else:
            break
        _await_members(run, before)
    _set_as_before(run, before)
    state = run.world.groups.group(before.name)
    nodes = CniGate(run.world, run.options.target).nodes
    autoscaler.release(run.world, (member.instance for member in state.members), nodes)
    return {
        "minimum": state.minimum,
        "maximum": state.maximum,
        "desired": state.desired,
        "suspended": list(state.suspended),
    }


def _set_as_before(run: MigrationRun, before: GroupBefore) -> None:
    """Set the sizes, then resume the processes: a resumed process must find nothing to do."""
    state = run.world.groups.group(before.name)
    sizes = Sizes(before.minimum, before.maximum, before.desired)
    resize(run, before, sizes)
    ours = [process for process in SUSPENDED if process not in before.suspended]
    run.world.groups.resume(before.name, [process for process in ours if process in state.suspended])
    run.report(f"{before.name}: {before.desired} nodes, sizes and processes as before")
    run.world.note("restored", group=before.name, desired=before.desired)


def _resize(run: MigrationRun, before: GroupBefore, desired: int) -> None:
    """Set another desired capacity for the time being; the maximum is raised where it has to be."""
    maximum = max(run.world.groups.group(before.name).maximum, desired)
    resize(run, before, Sizes(before.minimum, maximum, desired))


def _await_members(run: MigrationRun, before: GroupBefore) -> None:
    """Wait until the group has its desired capacity and every member is through the CNI gate."""

    def missing() -> str:
        state = run.world.groups.group(before.name)
        counted = [member for member in state.members if member.counts]
        if len(counted) != state.desired:
            return f"group {before.name} has {len(counted)} of {state.desired} instances"
        gate = CniGate(run.world, run.options.target)
        skipped = _on_old_cni(gate, run.options.target) | _begun(gate)
        sentences = (gate.not_serving(member) for member in counted if member.instance not in skipped)
        return next((sentence for sentence in sentences if sentence), "")

    run.wait(
        missing, waited_for=f"the nodes of {before.name}", seconds=run.options.replacement_timeout_seconds
    )


def _on_old_cni(gate: CniGate, target: Target) -> set[str]:
    """Instances whose nodes still run the old CNI: a migration that was given up midway has some."""
    label = old_cni(target).label
    return {
        instance
        for instance, node in gate.nodes.items()
        if instance and (node["metadata"].get("labels") or {}).get(CNI_LABEL) == label
    }


def _remove_surplus(run: MigrationRun, state: GroupState) -> None:
    """Drain and terminate one new node of the zone with most nodes, and decrement the group."""
    gate = CniGate(run.world, run.options.target)
    node = _surplus_node(run, state, gate)
    run.report(f"{state.name} has {state.desired} nodes, one too many: removing {node.name}")
    steps.rotate(run, node, shrink=True)


def _surplus_node(run: MigrationRun, state: GroupState, gate: CniGate) -> Outgoing:
    old = _on_old_cni(gate, run.options.target)
    new = [member for member in state.members if member.counts and member.instance not in old]
    if not new:
        raise StoppedError(f"the Auto Scaling group {state.name} has {state.desired} nodes and none to spare")
    zones = Counter(member.zone for member in state.members if member.counts)
    begun = _begun(gate)
    chosen = max(new, key=lambda member: (member.instance in begun, zones[member.zone], _age(member, gate)))
    node = gate.nodes[chosen.instance]
    return Outgoing(
        name=node["metadata"]["name"],
        uid=node["metadata"]["uid"],
        instance=chosen.instance,
        zone=chosen.zone,
        group=state.name,
    )


def _begun(gate: CniGate) -> set[str]:
    """Instances that an earlier run, which was stopped, had begun to remove."""
    return {instance for instance, node in gate.nodes.items() if instance and marks.is_ours(node)}


def _age(member: Member, gate: CniGate) -> str:
    # The youngest node is removed first: it has the fewest pods.
    node = gate.nodes.get(member.instance)
    return str(node["metadata"].get("creationTimestamp", "")) if node else ""


def _is_uneven(state: GroupState) -> bool:
    """Whether AZRebalance would move a node."""
    zones = Counter(dict.fromkeys(state.zones, 0))
    zones.update(member.zone for member in state.members if member.counts)
    return bool(zones) and max(zones.values()) - min(zones.values()) > 1


def _lift_taints(world: World) -> int:
    lifted = 0
    for node in world.api.list("/api/v1/nodes"):
        if marks.has_soft_taint(node):
            world.guard()
            lifted += marks.lift_soft_taint(world.api, node["metadata"]["name"])
        if marks.is_ours(node):
            marks.uncordon(world.api, node)
    return lifted
