"""What a run records of its progress: the phase of each node in work, measured times, rotations that failed.

`eks-cilium status` reads it, and abort criteria are judged by it. The steps of a migration are not decided by
it, so a rotation goes on when the API server does not take such a write.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.errors import ProgramError
from eks_cilium.migration.inventory import recording
from eks_cilium.migration.lanes import Lanes
from eks_cilium.runtime.errors import LeaseHeldError
from eks_cilium.runtime.record import PHASES, PROGRESS, Record, phase_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_MOST_FAILURES = 20
_LONGEST_REASON = 500


CAPACITY, DRAIN, RELEASE, TERMINATE, GONE, HEALTH = (
    "capacity",
    "drain",
    "release",
    "terminate",
    "gone",
    "health",
)
"""Phases of a node in work; a rotation may have others before its node is terminated."""
_TERMINATED = frozenset({TERMINATE, GONE, HEALTH})


@dataclass(frozen=True, slots=True)
class InWork:
    """A node that a run has begun, or waits to begin."""

    node: str
    phase: str
    since: str
    """ISO time at which the phase began."""

    @classmethod
    def from_json(cls, node: str, kept: Mapping[str, Any]) -> Self:
        return cls(node, kept["phase"], kept["since"])


@dataclass(frozen=True, slots=True)
class Failure:
    """A rotation that ended in an error after its node was cordoned."""

    node: str
    phase: str
    at: str
    """ISO time."""
    reason: str
    run: str
    """Which run it was: `World.run_id`."""

    @property
    def is_drain_given_up(self) -> bool:
        """Whether its node was uncordoned and stays, instead of having been terminated."""
        return self.phase not in _TERMINATED

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(kept["node"], kept["phase"], kept["at"], kept["reason"], kept["run"])


@dataclass(frozen=True, slots=True)
class Progress:
    """What runs of one migration measured and could not finish."""

    migration: str = ""
    """When its inventory was recorded: another migration begins with nothing."""
    measured: int = 0
    """Nodes that one run replaced from their cordon to the end, for the average."""
    seconds: float = 0.0
    """How long these took together."""
    parallel: int = 1
    """How many nodes were replaced at the same time."""
    failures: tuple[Failure, ...] = field(default=())

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        failures = tuple(Failure.from_json(each) for each in kept["failures"])
        return cls(kept["migration"], kept["measured"], kept["seconds"], kept["parallel"], failures)


def read(record: Record) -> Progress:
    """What is recorded; of no migration where nothing is."""
    return record.load(PROGRESS, Progress.from_json) or Progress()


def in_work(record: Record) -> tuple[InWork, ...]:
    """The nodes in work by name, as the last run recorded them."""
    found = sorted(record.each(PHASES).items())
    return tuple(InWork.from_json(key.removeprefix(PHASES), kept) for key, kept in found)


def enter(world: World, node: str, phase: str) -> None:
    """Record that a node has come to a phase; one that an earlier run has recorded is kept with its time."""
    _tried(world, lambda: world.record.change(entered(world, node, phase)))


def entered(world: World, node: str, phase: str) -> dict[str, Any]:
    """What has to be recorded for a node that comes to a phase; nothing where it is recorded already."""
    known = world.record.get(phase_of(node)) or {}
    return {} if known.get("phase") == phase else {phase_of(node): {"phase": phase, "since": _now(world)}}


def leave(world: World, node: str) -> None:
    """Record that a node is not in work any more."""
    _tried(world, lambda: world.record.change(left(node)))


def left(node: str) -> dict[str, Any]:
    """What has to be recorded for a node that is not in work any more."""
    return {phase_of(node): None}


def finish(
    run: MigrationRun,
    migration: str,
    node: str,
    seconds: float,
    values: Mapping[str, Any] | None = None,
    *,
    is_gone: bool = True,
) -> None:
    """Record that a node is replaced, and how long that took from its cordon to the end.

    `values` are others that have to be recorded with it. A node that is not gone yet stays in work.
    """
    with run.world.lock(PROGRESS):
        known = _of(run.world, migration)
        counted = replace(
            known,
            measured=known.measured + 1,
            seconds=round(known.seconds + seconds, 1),
            parallel=_at_once(run),
        )
        rest = left(node) if is_gone else entered(run.world, node, GONE)
        write(run.world, values or {}, {PROGRESS: asdict(counted), **rest})


def write(world: World, values: Mapping[str, Any], beside: Mapping[str, Any]) -> None:
    """Record `values`, and in the same request progress `beside` them, without which a migration goes on."""
    try:
        world.record.change({**values, **beside})
    except LeaseHeldError:
        raise
    except ProgramError as error:
        world.note("progress-not-recorded", reason=str(error))
        world.record.change(values)


def fail(world: World, migration: str, node: str, phase: str, error: ProgramError) -> None:
    """Record a rotation that ended in an error after its node was cordoned."""
    failure = Failure(node, phase, _now(world), str(error)[:_LONGEST_REASON], world.run_id)
    _change(
        world,
        migration,
        node if failure.is_drain_given_up else "",
        lambda known: replace(known, failures=(*known.failures, failure)[-_MOST_FAILURES:]),
    )


def _change(world: World, migration: str, done: str, change: Callable[[Progress], Progress]) -> None:
    """Read and write in one turn: of all processes only the one with the Lease does.

    `migration` is empty for a node that is in no inventory. `done` is a node that is not in work any more;
    empty where there is none.
    """

    def do() -> None:
        with world.lock(PROGRESS):
            changed = asdict(change(_of(world, migration)))
            world.record.change({PROGRESS: changed, **(left(done) if done else {})})

    _tried(world, do)


def _at_once(run: MigrationRun) -> int:
    """How many nodes of the inventory are in work at once."""
    inventory = recording.read(run.world, run.options.target)
    return max(Lanes.of(inventory.nodes if inventory else (), run.options.parallel).in_all, 1)


def _of(world: World, migration: str) -> Progress:
    """What is recorded of a migration; `migration` is empty for whichever it is."""
    known = read(world.record)
    return known if migration in ("", known.migration) else Progress(migration)


def _tried(world: World, write: Callable[[], None]) -> None:
    try:
        write()
    except LeaseHeldError:
        raise
    except ProgramError as error:
        world.note("progress-not-recorded", reason=str(error))


def _now(world: World) -> str:
    return world.time.now().isoformat(timespec="seconds")
