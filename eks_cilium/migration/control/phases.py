"""The phases of one node's rotation: timed for the journal, and recorded in the cluster for people.

`steps` enters them. How a rotation ended is recorded here as well: how long it took, or why it was given up.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from eks_cilium.errors import ProgramError
from eks_cilium.migration.control import progress
from eks_cilium.runtime.errors import LeaseHeldError
from eks_cilium.runtime.journal import Phases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.migration.run import MigrationRun


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

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the block towards a phase; a phase may have several blocks."""
        if name != self._now:
            self._now = name
            if name != progress.TERMINATE:  # one request long
                progress.enter(self._run.world, self._node, name)
        with self._phases.phase(name):
            yield

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Record how the block ends, which is the whole rotation."""
        try:
            yield
        except LeaseHeldError:
            raise
        except ProgramError as error:
            self._failed(error)
            raise
        self._finished()

    def _finished(self) -> None:
        world = self._run.world
        if self._migration and progress.DRAIN in self.seconds:
            progress.finish(self._run, self._migration, self._node, sum(self.seconds.values()))
        elif self._now:
            progress.leave(world, self._node)

    def _failed(self, error: ProgramError) -> None:
        world = self._run.world
        if self._now == progress.CAPACITY:
            progress.leave(world, self._node)
        elif self._now:
            progress.fail(world, self._migration, self._node, self._now, error)
