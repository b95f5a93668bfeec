"""The fault log: `faults.jsonl` beside the call log.

A fault is a gap or a bug of the lab (an unknown call, an exception in moto, a failed step of a cluster),
never an error that AWS would return too. After a run of the lab the file should be empty.
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
        line = json.dumps(members, default=str)
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


class Faults(JsonLines):
    """The faults of one cloud process."""

    def record(self, where: str, what: str, detail: str = "") -> None:
        """Record where a fault happened, what happened, and details that help to find its cause."""
        self.append(time=time.time(), where=where, what=what, detail=detail)
