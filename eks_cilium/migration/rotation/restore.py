"""After the last node: the groups get their sizes and processes back, exactly, and no node goes undrained.

Auto Scaling ends nodes without a drain when a group is too large, and when its zones are uneven as soon as
AZRebalance runs again. So both are settled here first, by the same drain as everything else; only then are
the sizes set and the processes resumed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import CNI_LABEL
from eks_cilium.migration.agents.cni_gate import Joining
from eks_cilium.migration.capacity import autoscaler, surge
from eks_cilium.migration.capacity.resizing import Sizes, resize
from eks_cilium.migration.cni import outgoing
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.inventory.model import GroupBefore, Outgoing
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, AWS_NODE, NODES, POLICY, Record

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model.migration import Target

_REBALANCE = "AZRebalance"
_MOST_MOVES = 20


def settle(run: MigrationRun) -> dict[str, Any]:
    """Bring every group back to what was recorded, then forget the record."""
    run.world.guard()
    befores = surge.befores(run.world)
    told = {name: _settle_group(run, before) for name, before in befores.items()}
    lifted = _lift_taints(run.world)
    if lifted:
        run.report(f"took the taint off {lifted} nodes that stay")
    Record(run.world.api).drop_all_but(NODES, AFFINITY, POLICY, AWS_NODE)
    return {"groups": told}


def _settle_group(run: MigrationRun, before: GroupBefore) -> dict[str, Any]:
    state = run.world.groups.groups([before.name]).get(before.name)
    if state is None:
        run.report(f"the Auto Scaling group {before.name} is gone: nothing to restore")
        return {"gone": True}
    if state.desired < before.desired:
        _resize(run, before, before.desired)
    _await_members(run, before)
    for _ in range(_MOST_MOVES):
        state = run.world.groups.group(before.name)
        if state.desired > before.desired:
            _shed(run, state)
        elif _REBALANCE not in before.suspended and _is_uneven(state):
            run.report(f"{before.name}: a node moves to another zone, so that AWS does not do it undrained")
            _resize(run, before, before.desired + 1)
        else:
            break
        _await_members(run, before)
    _restore(run, before)
    state = run.world.groups.group(before.name)
    nodes = Joining(run.world, run.options.target).nodes
    autoscaler.release(run.world, (one.instance for one in state.members), nodes)
    return {
        "minimum": state.minimum,
        "maximum": state.maximum,
        "desired": state.desired,
        "suspended": list(state.suspended),
    }


def _restore(run: MigrationRun, before: GroupBefore) -> None:
    """The sizes first: a resumed process must find nothing to do."""
    state = run.world.groups.group(before.name)
    sizes = Sizes(before.minimum, before.maximum, before.desired)
    resize(run, before, sizes)
    ours = [process for process in surge.SUSPENDED if process not in before.suspended]
    run.world.groups.resume(before.name, [process for process in ours if process in state.suspended])
    run.report(f"{before.name}: {before.desired} nodes, sizes and processes as before")
    run.world.note("restored", group=before.name, desired=before.desired)


def _resize(run: MigrationRun, before: GroupBefore, desired: int) -> None:
    """Another number of nodes for a while. The maximum only ever gives way."""
    maximum = max(run.world.groups.group(before.name).maximum, desired)
    resize(run, before, Sizes(before.minimum, maximum, desired))


def _await_members(run: MigrationRun, before: GroupBefore) -> None:
    """Wait until the group is as large as it wants to be, and every member is through the CNI gate."""

    def missing() -> str:
        state = run.world.groups.group(before.name)
        counted = [one for one in state.members if one.counts]
        if len(counted) != state.desired:
            return f"group {before.name} has {len(counted)} of {state.desired} instances"
        joining = Joining(run.world, run.options.target)
        left_alone = _keeping_the_old(joining, run.options.target) | _in_work(joining)
        sentences = (surge.not_ready(one, joining) for one in counted if one.instance not in left_alone)
        return next((sentence for sentence in sentences if sentence), "")

    run.wait(
        missing,
        waited_for=f"the nodes of {before.name}",
        seconds=run.options.replacement_timeout_seconds,
    )


def _keeping_the_old(joining: Joining, target: Target) -> set[str]:
    """Instances whose nodes still have the old plugin: a migration that is given up half-way has them."""
    label = outgoing(target).label
    return {
        instance
        for instance, node in joining.nodes.items()
        if instance and (node["metadata"].get("labels") or {}).get(CNI_LABEL) == label
    }


def _shed(run: MigrationRun, state: GroupState) -> None:
    """Drain one new node of the fullest zone and end it, the group getting smaller by it."""
    joining = Joining(run.world, run.options.target)
    node = _to_shed(run, state, joining)
    run.report(f"{state.name} has {state.desired} nodes, one too many: {node.name} goes")
    steps.rotate(run, node, shrink=True)


def _to_shed(run: MigrationRun, state: GroupState, joining: Joining) -> Outgoing:
    keeping = _keeping_the_old(joining, run.options.target)
    new = [one for one in state.members if one.counts and one.instance not in keeping]
    if not new:
        raise StoppedError(f"the Auto Scaling group {state.name} has {state.desired} nodes and none to spare")
    zones = Counter(one.zone for one in state.members if one.counts)
    in_work = _in_work(joining)
    chosen = max(new, key=lambda one: (one.instance in in_work, zones[one.zone], _age(one, joining)))
    thing = joining.nodes[chosen.instance]
    return Outgoing(
        name=thing["metadata"]["name"],
        uid=thing["metadata"]["uid"],
        instance=chosen.instance,
        zone=chosen.zone,
        group=state.name,
    )


def _in_work(joining: Joining) -> set[str]:
    """Instances that a run that was stopped had begun to take away."""
    return {instance for instance, node in joining.nodes.items() if instance and marks.is_ours(node)}


def _age(member: Member, joining: Joining) -> str:
    """The youngest goes first: it has the fewest pods."""
    node = joining.nodes.get(member.instance)
    return str(node["metadata"].get("creationTimestamp", "")) if node else ""


def _is_uneven(state: GroupState) -> bool:
    """Whether AZRebalance would move a node."""
    zones = Counter(dict.fromkeys(state.zones, 0))
    zones.update(one.zone for one in state.members if one.counts)
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
