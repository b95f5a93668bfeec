"""The clock, the calendar and sleep of a run, in one value, so that tests can replace all three."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def including_sleep() -> Callable[[], float]:
    """A clock in seconds that also counts while the machine sleeps; only differences mean something.

    `time.monotonic` stands still while a laptop sleeps, on Linux and macOS. A run that wakes up would take
    its Lease for its own, although it has expired for all others. Sources: clock_gettime(2) of Linux
    (CLOCK_BOOTTIME) and of macOS (CLOCK_MONOTONIC).
    """
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    if boot_time is None and sys.platform == "darwin":
        boot_time = time.CLOCK_MONOTONIC
    return partial(time.clock_gettime, boot_time) if boot_time is not None else CheckedByCalendar()


class CheckedByCalendar:
    """For systems without such a clock: time passes as fast as the faster of two clocks says.

    The calendar counts sleep, and may be set back or forward; a jump forward only makes a holder careful.
    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, calendar: Callable[[], float] = time.time
    ) -> None:
        self._clocks = (monotonic, calendar)
        self._seen = (monotonic(), calendar())
        self._passed = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            now = tuple(clock() for clock in self._clocks)
            self._passed += max(0.0, *(late - early for early, late in zip(self._seen, now, strict=True)))
            self._seen = (now[0], now[1])
            return self._passed


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Time:
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
