"""A group that cannot grow: it is given up alone and restored, and nodes of all other groups are replaced.

Where launches fail, no node of the group may be drained. Its nodes are skipped with AWS's reason, the run
ends with one message about it (`rotation.restore`), and the next run tries the group again. Pulumi starts
nothing new after a resource that failed, so a skipped node is no failure of its resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.capacity import contribution, groups, resizing
from eks_cilium.migration.capacity.processes import REBALANCE, resume
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import of_group
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.migration.capacity.groups import GroupProgress
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World


class GroupStoppedError(StoppedError):
    """The group of a node cannot grow."""

    def __init__(self, group: str, reason: str) -> None:
        self.group, self.reason = group, reason
        super().__init__(Topic.GROUP_CANNOT_GROW, f"the Auto Scaling group {group} cannot grow: {reason}")


def reason(world: World, group: str) -> str:
    """Why the nodes of a group are skipped; empty where they are not."""
    kept = world.record.load(of_group(group), contribution.Contribution.from_json)
    return kept.stopped if kept else ""


def reasons(run: MigrationRun) -> dict[str, str]:
    """The groups that were given up and still have nodes to be replaced, with AWS's reasons."""
    inventory = recording.read(run.world, run.options.target)
    names = groups.still_open(run, inventory) if inventory else ()
    return {name: why for name in names if (why := reason(run.world, name))}


def cannot_grow(now: GroupProgress, gate: CniGate) -> bool:
    """Whether instances are missing, rather than agents on instances that are there."""
    joined = sum(member.instance in gate.nodes for member in now.new)
    return len(now.old) + joined < now.state.desired


def mark(run: MigrationRun, now: GroupProgress, why: str) -> bool:
    """Record that a group is given up; returns whether it was not before."""
    if now.added.stopped:
        return False
    contribution.keep(run.world, now.state.name, contribution.marked(now.added, stopped=why))
    return True


def give_up(run: MigrationRun, group: str, why: str) -> None:
    """Restore a group's sizes and processes and untaint its old nodes, and record that it is skipped."""
    run.report(f"{group} cannot grow, so its nodes are not replaced in this run: {why}")
    run.world.note("group-stopped", group=group, reason=why)
    mark(run, groups.progress(run, group), why)
    release(run, group)


def release(run: MigrationRun, group: str) -> None:
    """Undo what the migration has done to a group that is given up; again, where a run was stopped in it."""
    now = groups.progress(run, group)
    _end_instances_that_never_joined(run, now)
    resizing.cancel(run, now.before)
    resizing.bound(run, now.before, minimum=now.before.minimum, maximum=now.before.maximum)
    # In a group that is half replaced, AZRebalance would end instances undrained.
    is_uneven = run.world.groups.group(group).is_uneven
    resume(run, now.before, rebalance=not is_uneven)
    if is_uneven and REBALANCE not in now.before.suspended:
        run.report(f"{group}: AZRebalance stays suspended until its nodes are replaced: its zones are uneven")
    for node in now.outgoing:
        run.world.guard()
        marks.lift_soft_taint(run.world.api, node.name)


def try_again(run: MigrationRun, group: str) -> None:
    """Forget that a group was given up, before the next attempt."""
    now = groups.progress(run, group)
    if now.added.stopped:
        contribution.keep(run.world, group, contribution.marked(now.added, stopped=""))


def _end_instances_that_never_joined(run: MigrationRun, now: GroupProgress) -> None:
    """Instances without a node have no pods; each goes with its place in the group while one is ours."""
    nodes = CniGate(run.world, run.options.target).nodes
    for member in now.new:
        current = groups.progress(run, now.state.name)
        if member.instance in nodes or current.net <= 0 or current.state.desired <= current.state.minimum:
            continue
        contribution.keep(
            run.world, now.state.name, contribution.marked(current.added, decremented=member.instance)
        )
        run.world.guard()
        run.world.groups.terminate(member.instance, decrement=True)
