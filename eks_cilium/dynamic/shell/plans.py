"""The plans of one process, each kept for a few minutes.

A preview checks one resource for every node, and all of them show their part of one plan. In an update only
the inventory is checked against a plan, and records the nodes by the same plan.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_KEPT_SECONDS = 300.0
"""The checks of 5,000 resources take minutes."""

Planned = TypeVar("Planned")
"""A plan of a migration or of a refresh."""


class _Kept(NamedTuple):
    planned_at: float
    plan: Any


class Plans:
    """Plans by what they are made from; one is made at a time, since each reads a whole cluster."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._plans: dict[Hashable, _Kept] = {}
        self._planning = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Planned]) -> Planned:
        """The plan under this key, made now where there is none or where it is too old."""
        with self._planning:
            kept = self._plans.get(key)
            if kept is None or self._clock() - kept.planned_at > _KEPT_SECONDS:
                plan = make()
                kept = self._plans[key] = _Kept(self._clock(), plan)
        found: Planned = kept.plan
        return found
