"""Delayed actions of the cloud: state changes of instances, reconciliation of groups, booting nodes.

All code that reads or changes moto's EC2 state, or the Auto Scaling state beside it, holds `BACKENDS`: moto
serves each request in its own thread and its backends have no locks. The backends exist once per process, and
so does this lock. A thread that holds it must never call the cloud over HTTP.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BACKENDS = threading.RLock()

_SHORTEST_INTERVAL = 0.02


class Schedule:
    """Actions with a due time; `run_due` runs them in that order while holding `BACKENDS`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` once `seconds` have passed; with zero seconds, at the next `run_due`."""
        with BACKENDS:
            heapq.heappush(self._due, (self.clock() + seconds, next(self._count), action))

    def run_due(self) -> None:
        """Run what is due, including actions that those actions add without delay."""
        with BACKENDS:
            while self._due and self._due[0][0] <= self.clock():
                _, _, action = heapq.heappop(self._due)
                action()


class Ticker:
    """A thread that repeats an action until it is stopped; a failure does not end it."""

    def __init__(
        self, name: str, interval: float, action: Callable[[], None], fault: Callable[[str, str, str], None]
    ) -> None:
        self._name = name
        self._interval = max(interval, _SHORTEST_INTERVAL)
        self._action = action
        self._fault = fault
        self._last_fault = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Ticker:
        """Start the thread; the first run is one interval from now."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the thread and wait for a running action to end."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self._action()
            except Exception as error:  # an ended thread would hang the lab
                self._report(error)

    def _report(self, error: Exception) -> None:
        """Record a fault; repetitions of the same fault are recorded once."""
        what = f"{type(error).__name__}: {error}"
        if what != self._last_fault:
            self._last_fault = what
            self._fault(self._name, what, traceback.format_exc())
