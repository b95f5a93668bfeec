"""Waits for instances that were terminated while their nodes were still there.

A rotation does not wait for the end of an instance that has no pods any more, so that the next node is begun.
`restore` waits for all of them together, before a group gets its sizes back, and the check of a canary does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.clients.ec2 import ENDED
from eks_cilium.migration.inventory import recording
from eks_cilium.runtime.fleet import AT_LEISURE
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Collection

    from eks_cilium.migration.inventory.model import Outgoing
    from eks_cilium.migration.run import MigrationRun


def await_ended(run: MigrationRun, groups: Collection[str]) -> None:
    """Wait until no node of these groups is left whose instance is being terminated. Raises TimedOutError."""
    run.wait(
        lambda: _missing(run, groups),
        waited_for="terminated instances to be gone",
        seconds=run.limits.termination,
        since_progress=True,
        topic=Topic.NOT_TERMINATED,
        wakes=True,
    )


def _missing(run: MigrationRun, groups: Collection[str]) -> str:
    inventory = recording.required(run.world, run.options.target)
    left = [node for node in inventory.left(run.world.seen.list("/api/v1/nodes")) if node.group in groups]
    ending = [node.name for node in left if _is_ending(run, node)]
    return f"instances are being terminated: {named(ending)}" if ending else ""


def _is_ending(run: MigrationRun, node: Outgoing) -> bool:
    state = run.world.groups_seen([node.group], AT_LEISURE).get(node.group)
    member = state.member(node.instance) if state else None
    if member is not None:
        return member.leaving
    return run.world.state_seen(node.instance, AT_LEISURE) in ENDED
