"""A peak of load in the middle of a migration: it needs new nodes for some time, and then not any more.

The demo of mode `replacement` and the end-to-end tests run it beside an emulated Cluster Autoscaler.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.cloud.schedule import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.disturbances.load import LoadGenerator

_INTERVAL = 1.0


@dataclass
class Peak:
    """Begins when a third of the old nodes is gone. `clock` returns seconds.

    Args:
        load: What to raise and to end.
        old: Names of the nodes before the migration.
        nodes_left: Returns the names of the present nodes.
        extra: How many nodes the load needs beyond the present ones.
        hold: Seconds for which the load stays after all its pods became ready.
        longest: Seconds after which it ends in any case.
    """

    load: LoadGenerator
    old: frozenset[str]
    nodes_left: Callable[[], frozenset[str]]
    extra: int = 2
    hold: float = 15.0
    longest: float = 120.0
    clock: Callable[[], float] = time.monotonic
    began: float | None = None
    ready_since: float | None = None
    is_over: bool = False
    history: list[str] = field(default_factory=list)
    """What it did, in words."""

    def step(self) -> None:
        """Do what is next at this moment."""
        if self.is_over:
            return
        if self.began is None:
            self._begin_in_the_middle()
        elif self._lasted():
            self.end()

    def end(self) -> None:
        """End the load, if it has begun and not ended."""
        if self.began is not None and not self.is_over:
            self.load.end()
            self.history.append(f"ended after {self.clock() - self.began:.0f} s")
        self.is_over = True

    def _begin_in_the_middle(self) -> None:
        if 3 * len(self.old & self.nodes_left()) <= 2 * len(self.old):
            pods = self.load.raise_beyond(self.extra)
            self.began = self.clock()
            self.history.append(f"{pods} pods began in the middle")

    def _lasted(self) -> bool:
        assert self.began is not None, "the load has begun"
        now = self.clock()
        if self.load.waiting():
            self.ready_since = None
        elif self.ready_since is None:
            self.ready_since = now
        is_held = self.ready_since is not None and now - self.ready_since >= self.hold
        return is_held or now - self.began >= self.longest


@contextmanager
def running(peak: Peak, fault: Callable[[str, str, str], None]) -> Iterator[None]:
    """Watch for the middle for the length of a `with` block, and end the load with it."""
    ticker = Ticker("peak of load", _INTERVAL, peak.step, fault).start()
    try:
        yield
    finally:
        ticker.stop()
        peak.end()
