"""Restores the Auto Scaling groups after the last node: bounds and processes as they were recorded.

The desired capacity loses what this migration has added, and nothing else: an autoscaler's growth stays.
Auto Scaling terminates instances without a drain when a group has too many, and, once AZRebalance is
resumed, when its zones are uneven. So surplus nodes are drained and zones are evened out first, by the same
rotation as every other node; only then are the bounds set and the processes resumed. Called for the resource
`CapacityRestore`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration import beside
from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import (
    autoscaler,
    contribution,
    ending,
    groups,
    processes,
    resizing,
    stopped,
)
from eks_cilium.migration.eviction import blocked
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.rotation import surplus, zones
from eks_cilium.migration.rotation.health import settling
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, AWS_NODE, NODES, POLICY, STOP
from eks_cilium.texts import counted
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.migration.inventory.model import GroupBefore, Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


def restore(run: MigrationRun) -> dict[str, Any]:
    """Restore every group, then delete the record of the groups and nodes in work.

    Where a group was given up or has a node that was skipped, only the others are restored, and StoppedError
    names it with the reason.
    """
    run.world.guard()
    restored = _restore_finished(run, tuple(groups.recorded(run.world)))
    lifted = _lift_taints(run.world)
    if lifted:
        run.report(f"removed the taint from {lifted} nodes that stay")
    run.world.record.drop_all_but(NODES, AFFINITY, POLICY, AWS_NODE, STOP)
    return {"groups": restored}


def restore_finished(run: MigrationRun, names: Sequence[str]) -> dict[str, Any]:
    """Restore the groups of a part that is done, while other nodes are left for later.

    Raises StoppedError as `restore` does, after the others are restored.
    """
    run.world.guard()
    recorded = groups.recorded(run.world)
    restored = _restore_finished(run, [name for name in names if name in recorded])
    for name in restored:
        groups.forget(run.world, name)
    return {"groups": restored}


def _restore_finished(run: MigrationRun, names: Sequence[str]) -> dict[str, Any]:
    """Restore groups all of whose nodes are replaced; stop where others are among them."""
    settling.await_settled(run)
    ending.await_ended(run, names)
    given_up = {name: why for name, why in stopped.reasons(run).items() if name in names}
    left = blocked.left_in(run, [name for name in names if name not in given_up])
    unfinished = {*given_up, *(node.group for node in left)}
    restored = _restore_groups(run, [name for name in names if name not in unfinished])
    if unfinished:
        _end_with(run, given_up, left, restored)
    return restored


def _restore_groups(run: MigrationRun, names: Sequence[str]) -> dict[str, Any]:
    """Restore groups beside each other: each waits for its own launches and updates."""
    recorded = groups.recorded(run.world)
    outgoing = recording.required(run.world, run.options.target).names if names else frozenset()
    restored, _ = beside.each_group(
        run.world, names, lambda name: _restore_group(run, recorded[name], outgoing)
    )
    return restored


def _end_with(
    run: MigrationRun, given_up: dict[str, str], left: Sequence[Outgoing], restored: Iterable[str]
) -> None:
    """Forget the groups that are done, so that a later run leaves them alone, and stop."""
    beside.each_group(run.world, given_up, lambda name: stopped.release(run, name))
    for name in restored:
        groups.forget(run.world, name)
    skipped = blocked.refusal(run, left) if left else None
    if not given_up and skipped:
        raise skipped
    nodes = recording.required(run.world, run.options.target)
    problems = [
        f"{counted(len(nodes.of_group(name)), 'node')} of the Auto Scaling group {name} not replaced, since "
        f"it cannot grow: {why}"
        for name, why in given_up.items()
    ]
    others = f"{skipped.problem}." if skipped else "All other groups are done."
    raise StoppedError(
        Topic.GROUP_CANNOT_GROW,
        "; ".join(problems),
        f"{others} This one works as before. Run `pulumi up` again when it can grow: it "
        "tries the group again. Other instance types, subnets or quotas help where capacity is missing.",
    )


def _restore_group(run: MigrationRun, before: GroupBefore, outgoing: frozenset[str]) -> dict[str, Any]:
    if run.world.groups.groups([before.name]).get(before.name) is None:
        run.report(f"the Auto Scaling group {before.name} was deleted: nothing to restore")
        return {"gone": True}
    resizing.release_if_held(run, before)
    _take_back(run, before)
    if processes.REBALANCE not in before.suspended:
        zones.even_out(run, before)
    if "ReplaceUnhealthy" not in before.suspended:
        surplus.replace_unhealthy(run, before)
    _set_as_before(run, before)
    state = run.world.groups.group(before.name)
    nodes = CniGate(run.world, run.options.target).nodes
    present = [nodes[member.instance] for member in state.members if member.instance in nodes]
    autoscaler.release(run.world, present, outgoing)
    return {
        "minimum": state.minimum,
        "maximum": state.maximum,
        "desired": state.desired,
        "suspended": list(state.suspended),
    }


def _take_back(run: MigrationRun, before: GroupBefore) -> None:
    """Undo what the migration has added to a group or taken from it; what others have changed stays."""
    state = run.world.groups.group(before.name)
    net = contribution.of(run.world, before, state).net(state)
    missing = max(-net, before.minimum - state.desired, 0)
    if missing:
        resizing.grow(run, before, missing)
    surplus.await_members(run, before)
    for _ in range(net):
        state = run.world.groups.group(before.name)
        now = contribution.of(run.world, before, state)
        if now.net(state) <= 0 or state.desired <= state.minimum:
            break
        surplus.remove(run, before, state)
        surplus.await_members(run, before)


def _set_as_before(run: MigrationRun, before: GroupBefore) -> None:
    """Set the sizes, then resume the processes: a resumed process must find nothing to do."""
    state = resizing.bound(run, before, minimum=before.minimum, maximum=before.maximum)
    processes.resume(run, before)
    changes = []
    if state.desired != before.desired:
        changes.append(f"others have resized it from {before.desired}")
    if state.maximum > before.maximum:
        changes.append(f"its maximum stays at {state.maximum} instead of {before.maximum} for these nodes")
    why = f" ({'; '.join(changes)})" if changes else ""
    run.report(f"{before.name}: {state.desired} nodes, sizes and processes as before{why}")
    run.world.note("restored", group=before.name, desired=state.desired, maximum=state.maximum)


def _lift_taints(world: World) -> int:
    lifted = 0
    for node in world.api.list("/api/v1/nodes"):
        if marks.has_soft_taint(node):
            world.guard()
            lifted += marks.lift_soft_taint(world.api, node["metadata"]["name"])
        if marks.is_ours(node):
            marks.uncordon(world.api, node)
    return lifted
