"""Terminates the instance of a drained node in its Auto Scaling group, by its id.

The group is decremented with the termination where the plan says so; otherwise Auto Scaling launches a
replacement. Called by the rotation of each node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.clients.ec2 import ABSENT, ENDED
from eks_cilium.errors import TransientError
from eks_cilium.migration.capacity import contribution, groups
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.fleet import NOW
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_READINGS = 3
"""Readings in a row that have to agree that an instance is not in its group."""


def terminate(run: MigrationRun, node: Outgoing, *, shrink: bool | None) -> bool:
    """Terminate a node's instance; returns whether the desired capacity was decremented.

    `shrink` decides that; None: the plan's arithmetic does. Raises StoppedError for an instance that is no
    longer a member of its group and still runs.
    """
    decremented = False
    detached = _Detached(run.world, node)

    def missing() -> str:
        nonlocal decremented
        with run.world.lock(node.group):
            state = run.world.group_seen(node.group, NOW)
            member = state.member(node.instance)
            if member is None:
                return detached.missing()
            if member.leaving:
                return ""
            now = groups.progress(run, node.group, state=state)
            wanted = now.shrinks if shrink is None else shrink
            # AWS refuses to decrement for an instance that the desired capacity does not count.
            decremented = wanted and member.counts
            if decremented:
                intended = contribution.marked(now.added, decremented=node.instance)
                contribution.keep(run.world, node.group, intended)
            return _request(run.world, node, decremented)

    run.wait(
        missing,
        waited_for=f"Auto Scaling to terminate {node.instance}",
        seconds=run.limits.termination,
        topic=Topic.NOT_TERMINATED,
    )
    run.world.note(
        "terminated", node=node.name, instance=node.instance, group=node.group, decremented=decremented
    )
    return decremented


class _Detached:
    """What to make of an instance that its group does not have: that answer may be stale too.

    One that has ended needs nothing; for one that runs the user has to decide.
    """

    def __init__(self, world: World, node: Outgoing) -> None:
        self._world, self._node = world, node
        self._seen: list[str] = []

    def missing(self) -> str:
        """What is not certain yet. Raises StoppedError where the instance runs outside its group."""
        node = self._node
        self._seen.append(self._world.instances.state(node.instance))
        if self._seen[-1] in ENDED:
            return ""
        if len(self._seen) < _READINGS:
            return f"{node.instance} is {self._seen[-1]} and not in the group {node.group}; it is read again"
        if set(self._seen[-_READINGS:]) == {ABSENT}:
            return ""
        raise StoppedError(
            Topic.INSTANCE_DETACHED,
            f"instance {node.instance} of node {node.name} is no longer in the Auto Scaling group "
            f"{node.group}",
            "It was detached outside this migration. Terminate or attach it, then run `pulumi up` again.",
        )


def _request(world: World, node: Outgoing, decrement: bool) -> str:
    try:
        world.groups.terminate(node.instance, decrement=decrement)
    except TransientError as error:
        return str(error)
    return ""
