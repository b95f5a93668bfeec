"""What the lab could not do, written down: `faults.jsonl` beside the call log.

A fault is a gap or a bug of the lab (an unknown call, an exception in moto, a step of a cluster that failed),
never an error that AWS would answer too. An empty file is what a finished run of the lab must show.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class JsonLines:
    """A file of JSON lines that several threads append to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        self._lock = threading.Lock()

    def append(self, **members: Any) -> None:
        """Write one line."""
        line = json.dumps(members, default=str)
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


class Faults(JsonLines):
    """The faults of one cloud process."""

    def record(self, where: str, what: str, detail: str = "") -> None:
        """Write a fault down: where it happened, in a sentence what, and what helps to find its cause."""
        self.append(time=time.time(), where=where, what=what, detail=detail)
