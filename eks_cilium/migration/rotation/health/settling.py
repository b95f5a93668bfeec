"""Whether workloads that moved settle, judged while the next nodes are replaced already.

Except with `migration.waitUntilHealthy`, the place of a node is free when the termination of its instance is
accepted: its workloads may take long to be ready, and budgets protect them meanwhile, or the drain's own pace
where they have none. So they are judged here, before each further cordon and before the groups get their
sizes back. Further nodes have to wait while the workloads of more nodes have not settled than may be in work
at once: what breaks each pod that moves harms so many nodes, and not a whole cluster.

A node that waits for its workloads stays in the record, so the next run judges it too.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eks_cilium.migration.control import progress
from eks_cilium.migration.inventory import recording, returned
from eks_cilium.migration.lanes import Lanes
from eks_cilium.migration.rotation import before as records
from eks_cilium.migration.rotation.health import as_before
from eks_cilium.migration.rotation.health.recovery import Steadiness
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.migration.inventory.model import Inventory, Outgoing
    from eks_cilium.migration.rotation.before import Before
    from eks_cilium.migration.run import MigrationRun

_MOST_NAMED = 3


@dataclass
class Readings:
    """What one process has read of the workloads of one node."""

    since: float
    """By the monotonic clock, as is `latest`."""
    latest: float
    steady: Steadiness = field(default_factory=Steadiness)
    short: Mapping[str, str] = field(default_factory=dict)
    """What the latest reading found missing, by the key of the workload."""
    is_reported: bool = False
    """Whether this run has recorded that the node is not finished."""


def is_beside(run: MigrationRun, node: Outgoing) -> bool:
    """Whether its workloads are judged beside the next nodes (`migration.waitUntilHealthy`)."""
    inventory = recording.required(run.world, run.options.target)
    lanes = Lanes.of(inventory.nodes, run.options.parallel)
    return not run.options.waits_until_healthy(lanes.place_of(node.group)[1])


def begin(run: MigrationRun, node: Outgoing, seconds: float) -> bool:
    """Judge the workloads of a terminated node from now on; whether that is possible.

    It is not with `migration.waitUntilHealthy`: a node is done then when its workloads are healthy. `seconds`
    is how long the node had its place; 0 where another run began it.
    """
    before = records.of(run.world, node)
    if before is None or not (before.ready or before.custom) or not is_beside(run, node):
        return False
    ended = run.world.time.now().isoformat()
    kept = replace(before, terminated=ended, seconds=round(seconds, 1))
    records.keep(run.world, node, kept, progress.HEALTH)
    return True


def missing(run: MigrationRun, node: Outgoing) -> str:
    """Why a node must not be cordoned yet on account of workloads that moved; empty where it may be.

    Raises TimedOutError where workloads are not as healthy as before after `migration.healthTimeoutSeconds`.
    """
    waiting = _judged(run)
    if not waiting:
        return ""
    inventory = recording.required(run.world, run.options.target)
    lanes = Lanes.of(inventory.nodes, run.options.parallel)
    place, most = lanes.place_of(node.group)
    ended = [each for each in inventory.nodes if each.name in waiting]
    beside = [each for each in ended if lanes.place_of(each.group)[0] == place]
    if len(beside) > most:
        return f"{len(beside)} nodes wait for their workloads: {_missing_of(run, waiting)}"
    return ""


def look(run: MigrationRun) -> None:
    """Read workloads that have not settled while a rotation waits for something else, and raise nothing.

    Once in a polling interval, whichever rotation it is: so they have settled when the next node is begun.
    """
    now, locks = run.world.time.monotonic(), run.world.locks
    if now - locks.settling_read < run.limits.poll_interval:
        return
    locks.settling_read = now
    with suppress(TimedOutError):  # `missing` raises it, before a further node is cordoned
        _judged(run)


def await_settled(run: MigrationRun) -> None:
    """Wait until the workloads of all terminated nodes have settled. Raises TimedOutError as `missing`."""
    run.wait(
        lambda: _missing_of(run, waiting) if (waiting := _judged(run)) else "",
        waited_for="the workloads that moved last to be as healthy as before",
        seconds=float("inf"),
        topic=Topic.WORKLOAD_UNHEALTHY,
        wakes=True,
    )


def _judged(run: MigrationRun) -> dict[str, Before]:
    """The nodes that wait for their workloads, by name; those that settled are finished.

    A rollback does not wait for what the migration left unhealthy.
    """
    world, inventory = run.world, recording.required(run.world, run.options.target)
    with world.lock("settling"):
        recorded, known, names = records.by_node(world), world.locks.settling, inventory.names
        ended = {name: before for name, before in recorded.items() if before.terminated}
        waiting = {name: before for name, before in ended.items() if name in names}
        for name in known.keys() - waiting.keys():
            del known[name]
        for name in waiting:
            _read(run, name, recorded)
        settled = [name for name in waiting if known[name].steady.has_lasted(run, known[name].latest)]
        for name in settled:
            _finish(run, name, waiting[name], inventory)
        return {name: before for name, before in waiting.items() if name not in settled}


def _read(run: MigrationRun, name: str, recorded: Mapping[str, Before]) -> None:
    """Read the workloads of a node once in a polling interval, so that good readings are apart."""
    world, now = run.world, run.world.time.monotonic()
    readings = world.locks.settling.get(name)
    if readings is not None and now - readings.latest < run.limits.poll_interval:
        return
    if readings is None:
        readings = world.locks.settling[name] = Readings(since=now, latest=now)
    before = recorded[name]
    readings.latest = now
    readings.short = as_before.worse(run, before, elsewhere=_moving_elsewhere(name, recorded))
    readings.steady.note(now, is_healthy=not readings.short)
    if readings.short and now - readings.since >= run.options.health_timeout_seconds:
        _give_up(run, name, before, readings)


def _moving_elsewhere(name: str, recorded: Mapping[str, Before]) -> Counter[str]:
    """How many pods of each workload nodes took or take that are drained later than this one."""
    ended, found = recorded[name].terminated, Counter[str]()
    for other, before in recorded.items():
        if other != name and (not before.terminated or before.terminated > ended):
            found.update(before.pods)
    return found


def _give_up(run: MigrationRun, name: str, before: Before, readings: Readings) -> None:
    inventory = recording.required(run.world, run.options.target)
    error = TimedOutError(
        f"the workloads of node {name} to be as healthy as before",
        run.options.health_timeout_seconds,
        as_before.sentence_of(run, before, readings.short),
        topic=Topic.WORKLOAD_UNHEALTHY,
    )
    if not readings.is_reported:
        readings.is_reported = True
        progress.fail(run.world, inventory.taken, name, progress.HEALTH, error)
    raise error


def _finish(run: MigrationRun, name: str, before: Before, inventory: Inventory) -> None:
    node = inventory.node(name)
    is_gone = node is None or returned.node_of(run.world, node, fresh=False) is None
    with records.finished(run.world, name) as values:
        if before.seconds:
            progress.finish(run, inventory.taken, name, before.seconds, values, is_gone=is_gone)
        else:
            progress.write(run.world, values, progress.left(name))
    del run.world.locks.settling[name]
    run.world.note("settled", node=name)


def _missing_of(run: MigrationRun, waiting: Mapping[str, Before]) -> str:
    """What the workloads of these nodes are short of, or that they have not been healthy for long enough."""
    known = run.world.locks.settling
    found = (known[name].short.values() for name in waiting if name in known)
    lines = dict.fromkeys(line for short in found for line in short)
    return named(lines, _MOST_NAMED, separator="; ") or f"{named(waiting, _MOST_NAMED)} not for long enough"
