"""What the threads of one process take turns with: locks by name, and places in work.

Threads that change the same Auto Scaling group hold its lock. A node that is being replaced holds a place, of
which there are as many as `migration.parallel` says.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any


class Places:
    """Places by name, as for all nodes or for those of one group; each name has as many as its takers say."""

    def __init__(self) -> None:
        self._holders: dict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()

    def take(self, name: str, most: float, holder: str) -> bool:
        """Take a place where fewer than `most` are taken; whether that was so. A holder gets one at most."""
        with self._lock:
            holders = self._holders[name]
            if len(holders) >= most or holder in holders:
                return False
            holders.add(holder)
            return True

    def leave(self, name: str, holder: str) -> None:
        """Leave a place, for the next taker."""
        with self._lock:
            self._holders[name].discard(holder)


class Locks:
    def __init__(self) -> None:
        self.places = Places()
        self.finished: dict[str, dict[str, Any]] = {}
        """What came of each node that is replaced: a batch may finish a node of another one."""
        self.asked: dict[Any, Any] = {}
        """What disruption budgets have answered; see `migration.eviction.closed_budgets`."""
        self.settling: dict[str, Any] = {}
        """What was read of workloads that moved, by node; see `migration.rotation.health.settling`."""
        self.settling_read = float("-inf")
        """When that was read last while a rotation waited for something else, by the monotonic clock."""
        self._locks: dict[str, threading.Lock] = {}
        self._creating = threading.Lock()

    def of(self, name: str) -> threading.Lock:
        """The lock of that name, the same for all threads."""
        with self._creating:
            return self._locks.setdefault(name, threading.Lock())
