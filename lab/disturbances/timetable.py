"""Disturbances at random times: a seed decides which comes when, and the record says what happened.

A test that fails is repeated with the seed that it printed.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True)
class Disturbance:
    """Something that goes wrong for some time. `begin` and `end` return at once."""

    name: str
    begin: Callable[[], None]
    end: Callable[[], None]


@dataclass(frozen=True)
class Entry:
    """A disturbance with its beginning, counted from that of the timetable, and its length, in seconds."""

    disturbance: Disturbance
    at: float
    seconds: float


def plan(
    disturbances: Sequence[Disturbance],
    seed: int,
    *,
    within: float,
    seconds: tuple[float, float],
    rounds: int = 1,
) -> list[Entry]:
    """Return every disturbance `rounds` times, in random order, at random times within so many seconds.

    Args:
        disturbances: What to do; each is given a random length in the interval `seconds`.
        seed: The same seed gives the same timetable.
        within: All of them begin before.
        seconds: Shortest and longest length of a disturbance.
        rounds: How often each of them comes.
    """
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    entries = [
        Entry(each, chance.uniform(0, within), chance.uniform(*seconds))
        for each in disturbances
        for _ in range(rounds)
    ]
    return sorted(entries, key=lambda entry: entry.at)


@dataclass
class Record:
    """What was done when, in seconds since the timetable began."""

    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, seconds: float, what: str) -> None:
        """Record an event and print it, so that it stands beside the program's output."""
        self.lines.append(f"{seconds:5.0f} s  {what}")
        print(f"  disturbance {self.lines[-1]}", flush=True)


class Timetable:
    """Begins and ends disturbances at their times. `wait` returns true when the timetable is to stop."""

    def __init__(
        self,
        entries: Sequence[Entry],
        wait: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wait, self._clock = wait, clock
        begins = [(entry.at, entry, True) for entry in entries]
        ends = [(entry.at + entry.seconds, entry, False) for entry in entries]
        self._moments = sorted([*begins, *ends], key=lambda moment: moment[0])
        self.record = Record()

    def run(self) -> None:
        """Do everything; when it is to stop, only what has begun is still ended, at once."""
        began = self._clock()
        is_stopping = False
        ongoing: list[Entry] = []
        for at, entry, is_begin in self._moments:
            left = at - (self._clock() - began)
            is_stopping = is_stopping or (left > 0 and self._wait(left))
            if is_begin and not is_stopping:
                ongoing.append(entry)
                self._do(self._clock() - began, f"{entry.disturbance.name} begins", entry.disturbance.begin)
            elif not is_begin and entry in ongoing:
                self._do(self._clock() - began, f"{entry.disturbance.name} ends", entry.disturbance.end)

    def _do(self, seconds: float, what: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # the others have their turn all the same
            self.record.failures.append(f"{what}: {type(error).__name__}: {error}")
        self.record.add(seconds, what)


@contextmanager
def running(entries: Sequence[Entry]) -> Iterator[Record]:
    """Follow a timetable for the length of a `with` block; at its end, every disturbance has ended."""
    stop = threading.Event()
    timetable = Timetable(entries, stop.wait)
    thread = threading.Thread(target=timetable.run, name="timetable", daemon=True)
    thread.start()
    try:
        yield timetable.record
    finally:
        stop.set()
        thread.join()
