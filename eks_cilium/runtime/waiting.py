"""The loop under everything that waits: check that this run may act, read, sleep, and stop when time is up.

`World.wait` is built on it, and so are a drain, a restart and the readiness gate, which act between readings.
A request without an answer is nothing to stop for here: what may pass is asked again until the time is up.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from eks_cilium.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eks_cilium.runtime.clock import Time

Kept = TypeVar("Kept")


def unguarded() -> None:
    """The guard where no other run can be at work: nothing is checked."""


class Polls:
    """Readings `every` so many seconds, the first at once. Iteration ends when `seconds` have passed.

    The last reading is never earlier than that, so the code after the loop raises its own error. Both
    the time limit and the moment it counts from may be changed between readings. While the guard cannot
    tell whether this run may act, there is no reading.
    """

    def __init__(
        self,
        time: Time,
        *,
        seconds: float,
        every: float,
        guard: Callable[[], None] = unguarded,
        rest: Callable[[float], None] | None = None,
    ) -> None:
        """`rest` sleeps for so many seconds at most, and less where there is something new to read."""
        self.seconds = seconds
        self._time, self._every, self._guard = time, every, guard
        self._rest, self._next_rest, self._is_woken = rest or time.sleep, every, rest is not None
        self._began = time.monotonic()
        self.unanswered = ""
        """What was not answered in the last reading; empty where everything was."""

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around what a reading does: a TransientError ends this reading, and the next one asks again."""
        try:
            yield
        except TransientError as error:
            self.unanswered = str(error)

    def hurry(self, seconds: float) -> None:
        """Rest for so many seconds at most before the next reading, where a reading is no request."""
        if self._is_woken:
            self._next_rest = min(self._next_rest, seconds)

    def restart(self) -> None:
        """Count the time anew: there was progress."""
        self._began = self._time.monotonic()

    def __iter__(self) -> Iterator[None]:
        while True:
            self.unanswered = ""
            with self.asking():
                self._guard()
            if not self.unanswered:
                yield
            if self._time.monotonic() - self._began >= self.seconds:
                return
            rest, self._next_rest = self._next_rest, self._every
            self._rest(rest)


def persist(
    time: Time, act: Callable[[], Kept], *, seconds: float, every: float, report: Callable[[str], None]
) -> Kept:
    """Act again as often as a request in it is not answered, with pauses of `seconds` in all at most.

    For what finds out by itself how far an earlier attempt came. Raises the error of the last attempt.
    """
    left = seconds
    while True:
        try:
            return act()
        except TransientError as error:
            if left <= 0:
                raise
            report(f"{error}; trying again")
        time.sleep(min(every, left))
        left -= every


def pause(time: Time, *, seconds: float, every: float, guard: Callable[[], None] = unguarded) -> None:
    """Sleep for exactly so long, and check `every` so often that this run may still act."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        guard()
        time.sleep(min(left, every))
