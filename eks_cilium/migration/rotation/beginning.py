"""Whether a further node may be begun: not after `eks-cilium stop`, Ctrl-C, or what `migration.abort` names.

Asked before each cordon, and while a rotation waits to cordon. So rotations beside one that failed, which
Pulumi does not end, begin no node either. What was begun is finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.control import stop
from eks_cilium.migration.control.progress import Progress
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import PROGRESS, STOP
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.migration.run import MigrationRun


def refuse_to_begin(run: MigrationRun) -> None:
    """Raise StoppedError where no further node may be begun; reads the record once."""
    stop.refuse_after_ctrl_c(run.world)
    kept = run.world.record.several(STOP, PROGRESS)
    if STOP in kept:
        raise stop.stopped(run.world, stop.StopRequest.from_json(kept[STOP]))
    if PROGRESS in kept:
        _judge_failures(run, Progress.from_json(kept[PROGRESS]))


def _judge_failures(run: MigrationRun, progress: Progress) -> None:
    """Abort after so many drains given up in this run, or after a node whose replacement was not finished."""
    failures = [failure for failure in progress.failures if failure.run == run.world.run_id]
    drains = [failure for failure in failures if failure.is_drain_given_up]
    unfinished = [failure for failure in failures if not failure.is_drain_given_up]
    limit = run.options.abort.drains_given_up
    if unfinished:
        first = unfinished[0]
        raise StoppedError(
            Topic.NODE_NOT_FINISHED, f"no further node is begun: {first.node} is not finished: {first.reason}"
        )
    if len(drains) >= limit:
        given_up = named(f"{failure.node}: {failure.reason}" for failure in drains)
        raise StoppedError(
            Topic.DRAINS_GIVEN_UP,
            f"no further node is begun, since this run gave up {len(drains)} drains and "
            f"migration.abort.drainsGivenUp is {limit}: {given_up}",
        )
