"""Nodes that must not be drained now, because of pods on them: each is waited for, then skipped alone.

Asked before a node is cordoned. What blocks a plan stops a migration before its first change; what appears
later, on one of many nodes, holds up that node alone. Pulumi starts nothing new after a resource that failed,
so a skipped node is no failure of its resource: `rotation.restore` ends the run with the reasons, before it
restores anything, and the next run tries the node again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.eviction.judging import LiveVerdicts
from eks_cilium.migration.eviction.reading import blocked, pods_seen_on
from eks_cilium.migration.inventory import recording
from eks_cilium.runtime.errors import DrainRefusedError, StoppedError, TimedOutError
from eks_cilium.texts import counted, named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun


class NodeBlockedError(DrainRefusedError):
    """Pods of a node that is not cordoned yet must not be evicted."""


def await_drainable(run: MigrationRun, node: Outgoing, *, may_wait: Callable[[], None]) -> None:
    """Wait, before the node is changed, until no pod on it must not be evicted. Raises NodeBlockedError.

    `may_wait` is called before every reading, and raises where the node is not to be begun any more.
    """
    found: list[str] = []

    def missing() -> str:
        may_wait()
        found[:] = blockers(run, node)
        return f"waiting for {named(found, 1)}" if found else ""

    seconds = run.options.drain_timeout_seconds
    try:
        run.wait(
            missing, waited_for=f"node {node.name} to have no pod that must stay", seconds=seconds, wakes=True
        )
    except TimedOutError:
        if not found:
            raise
        raise NodeBlockedError(node.name, found, waited=seconds) from None


def blockers(run: MigrationRun, node: Outgoing) -> list[str]:
    """Why a node could not be drained, read now."""
    return blocked(LiveVerdicts(run).on(pods_seen_on(run.world, node.name)).values())


def left_in(run: MigrationRun, groups: Collection[str]) -> tuple[Outgoing, ...]:
    """The nodes of these Auto Scaling groups that are still to be replaced, since they were skipped."""
    return tuple(node for node in _left(run) if node.group in groups)


def refuse_left(run: MigrationRun, names: Collection[str]) -> None:
    """Raise StoppedError where one of these nodes is still to be replaced, since it was skipped."""
    left = [node for node in _left(run) if node.name in names]
    if left:
        raise refusal(run, left)


def _left(run: MigrationRun) -> tuple[Outgoing, ...]:
    inventory = recording.read(run.world, run.options.target)
    return inventory.left(run.world.api.list("/api/v1/nodes")) if inventory else ()


def refusal(run: MigrationRun, left: Sequence[Outgoing]) -> StoppedError:
    """The error that ends a run which has skipped nodes, with what blocks each of them now."""
    reasons = {node.name: blockers(run, node) for node in left}
    pods = [f"{pod} (on {name})" for name, found in reasons.items() for pod in found]
    if not pods:
        return StoppedError(
            Topic.NODES_SKIPPED,
            f"{counted(len(left), 'node')} not replaced, which could not be begun before: {named(reasons)}",
            "No pod blocks them now. Run `pulumi up` again: it tries them again.",
        )
    refused = DrainRefusedError(named([name for name, found in reasons.items() if found]), pods)
    refused.add("The other nodes are replaced.")
    return refused
