"""The journal of a run: one JSON object a line, with the seconds that each phase took.

It is written for people and for measurements. The program never reads it: it reads the cluster.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

Value = str | int | float | bool | list[str] | dict[str, float] | None


class Journal:
    """Writes lines to one destination; several threads may use it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write, self._lock = write, threading.Lock()

    @classmethod
    def to_file(cls, path: Path) -> Journal:
        """A journal in a file, to which every run appends."""

        def append(line: str) -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(line)

        return cls(append)

    @classmethod
    def nowhere(cls) -> Journal:
        return cls(lambda _: None)

    def note(self, at: datetime, event: str, **values: Value) -> None:
        line = json.dumps({"time": at.isoformat(timespec="milliseconds"), "event": event, **values})
        with self._lock:
            self._write(line + "\n")


class Phases:
    """The seconds that each phase of one node's replacement took, in order."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the block towards a phase; a phase may have several blocks."""
        began = self._clock()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + self._clock() - began, 3)
