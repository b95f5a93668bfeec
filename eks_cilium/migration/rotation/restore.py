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
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.inventory.model import GroupBefore, Outgoing
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, AWS_NODE, NODES, POLICY, Record

if TYPE_CHECKING:
    from eks_cilium.clients.autoscaling import GroupState, Member
    from eks_cilium.migration.options import Rules
    from eks_cilium.runtime.context import Report, World

_REBALANCE = "AZRebalance"
_MOST_MOVES = 20


def settle(world: World, rules: Rules, report: Report) -> dict[str, Any]:
    """Bring every group back to what was recorded, then forget the record."""
    world.guard()
    befores = surge.befores(world)
    told = {name: _settle_group(world, rules, before, report) for name, before in befores.items()}
    lifted = _lift_taints(world)
    if lifted:
        report(f"took the taint off {lifted} nodes that stay")
    Record(world.api).drop_all_but(NODES, AFFINITY, POLICY, AWS_NODE)
    return {"groups": told}


def _settle_group(world: World, rules: Rules, before: GroupBefore, report: Report) -> dict[str, Any]:
    state = world.groups.groups([before.name]).get(before.name)
    if state is None:
        report(f"the Auto Scaling group {before.name} is gone: nothing to restore")
        return {"gone": True}
    if state.desired < before.desired:
        _resize(world, rules, before, before.desired, report)
    _await_members(world, rules, before, report)
    for _ in range(_MOST_MOVES):
        state = world.groups.group(before.name)
        if state.desired > before.desired:
            _shed(world, rules, state, report)
        elif _REBALANCE not in before.suspended and _is_uneven(state):
            report(f"{before.name}: a node moves to another zone, so that AWS does not do it undrained")
            _resize(world, rules, before, before.desired + 1, report)
        else:
            break
        _await_members(world, rules, before, report)
    _restore(world, rules, before, report)
    state = world.groups.group(before.name)
    nodes = Joining(world, rules.options.target).nodes
    autoscaler.release(world, (one.instance for one in state.members), nodes)
    return {
        "minimum": state.minimum,
        "maximum": state.maximum,
        "desired": state.desired,
        "suspended": list(state.suspended),
    }


def _restore(world: World, rules: Rules, before: GroupBefore, report: Report) -> None:
    """The sizes first: a resumed process must find nothing to do."""
    state = world.groups.group(before.name)
    sizes = Sizes(before.minimum, before.maximum, before.desired)
    resize(world, rules, before, sizes, report)
    ours = [process for process in surge.SUSPENDED if process not in before.suspended]
    world.groups.resume(before.name, [process for process in ours if process in state.suspended])
    report(f"{before.name}: {before.desired} nodes, sizes and processes as before")
    world.note("restored", group=before.name, desired=before.desired)


def _resize(world: World, rules: Rules, before: GroupBefore, desired: int, report: Report) -> None:
    """Another number of nodes for a while. The maximum only ever gives way."""
    maximum = max(world.groups.group(before.name).maximum, desired)
    resize(world, rules, before, Sizes(before.minimum, maximum, desired), report)


def _await_members(world: World, rules: Rules, before: GroupBefore, report: Report) -> None:
    """Wait until the group is as large as it wants to be, and every member is through the CNI gate."""

    def missing() -> str:
        state = world.groups.group(before.name)
        counted = [one for one in state.members if one.counts]
        if len(counted) != state.desired:
            return f"group {before.name} has {len(counted)} of {state.desired} instances"
        joining = Joining(world, rules.options.target)
        left_alone = _keeping_the_old(joining, rules) | _in_work(joining)
        sentences = (surge.not_ready(one, joining) for one in counted if one.instance not in left_alone)
        return next((sentence for sentence in sentences if sentence), "")

    world.wait(
        missing,
        waited_for=f"the nodes of {before.name}",
        seconds=rules.limits.replacement,
        every=rules.limits.between_looks,
        report=report,
    )


def _keeping_the_old(joining: Joining, rules: Rules) -> set[str]:
    """Instances whose nodes still have the old plugin: a migration that is given up half-way has them."""
    label = surge.outgoing_label(rules)
    return {
        instance
        for instance, node in joining.nodes.items()
        if instance and (node["metadata"].get("labels") or {}).get(CNI_LABEL) == label
    }


def _shed(world: World, rules: Rules, state: GroupState, report: Report) -> None:
    """Drain one new node of the fullest zone and end it, the group getting smaller by it."""
    joining = Joining(world, rules.options.target)
    node = _to_shed(rules, state, joining)
    report(f"{state.name} has {state.desired} nodes, one too many: {node.name} goes")
    steps.rotate(world, node, rules, report, shrink=True)


def _to_shed(rules: Rules, state: GroupState, joining: Joining) -> Outgoing:
    keeping = _keeping_the_old(joining, rules)
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
