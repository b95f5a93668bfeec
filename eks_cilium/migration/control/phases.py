"""The phases of one node's rotation: timed for the journal, and recorded in the cluster for people.

`steps` enters them. How a rotation ended is recorded here as well: how long it took, or why it was given up.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import ProgramError
from eks_cilium.migration.control import progress
from eks_cilium.runtime.errors import LeaseHeldError
from eks_cilium.runtime.journal import Phases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.migration.run import MigrationRun

_MOSTLY_SHORT = frozenset({progress.TERMINATE, progress.RELEASE})


class RecordedPhases:
    """The seconds of each phase, and one write into the record when the phase changes."""

    def __init__(self, run: MigrationRun, node: str, migration: str) -> None:
        """`migration` is when its inventory was recorded; empty for a node that is not in an inventory."""
        self._run, self._node, self._migration = run, node, migration
        self._phases = Phases(run.world.time.monotonic)
        self._now = ""

    @property
    def seconds(self) -> dict[str, float]:
        """How long each phase has taken."""
        return self._phases.seconds

    @property
    def of_whole_rotation(self) -> float:
        """The seconds of all phases, if this run has drained the node of an inventory; else 0."""
        whole = self._migration and progress.DRAIN in self.seconds
        return sum(self.seconds.values()) if whole else 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[MigrationRun]:
        """Count the time of the block towards a phase; a phase may have several blocks.

        Yields the run for what waits in the block: a phase that is mostly over at once enters the record only
        when that reports what it waits for.
        """
        if name != self._now:
            self._now = name
            if name not in _MOSTLY_SHORT:
                progress.enter(self._run.world, self._node, name)
        with self._phases.phase(name):
            yield self._entering(name) if name in _MOSTLY_SHORT else self._run

    def _entering(self, name: str) -> MigrationRun:
        entered = False

        def report(line: str) -> None:
            nonlocal entered
            if not entered:
                entered = True
                progress.enter(self._run.world, self._node, name)
            self._run.report(line)

        return replace(self._run, report=report)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Record why the block, which is the whole rotation, ends in an error."""
        try:
            yield
        except LeaseHeldError:
            raise
        except ProgramError as error:
            self._failed(error)
            raise

    def finish(self, values: Mapping[str, Any], *, is_gone: bool) -> None:
        """Record that the rotation is over, along with other values that have to be recorded."""
        if seconds := self.of_whole_rotation:
            progress.finish(self._run, self._migration, self._node, seconds, values, is_gone=is_gone)
        else:
            progress.write(self._run.world, values, progress.left(self._node) if self._now else {})

    def _failed(self, error: ProgramError) -> None:
        world = self._run.world
        if self._now == progress.CAPACITY:
            progress.leave(world, self._node)
        elif self._now:
            progress.fail(world, self._migration, self._node, self._now, error)
