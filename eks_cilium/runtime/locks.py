"""Locks by name, so that threads that change the same Auto Scaling group take turns."""

from __future__ import annotations

import threading


class Locks:
    def __init__(self) -> None:
        self._locks: dict[str, threading.Lock] = {}
        self._creating = threading.Lock()

    def of(self, name: str) -> threading.Lock:
        """The lock of that name, the same for all threads."""
        with self._creating:
            return self._locks.setdefault(name, threading.Lock())
