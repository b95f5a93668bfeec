"""What a watch of all pods shows during a run: times of each pod, and when a service had too few ready pods.

It is the prober of the demos, and keeps in addition when it saw what. A service is unavailable while fewer of
its pods are ready than its budget requires, or none at all where it has no budget.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from lab.demo.prober import Prober
from tests.benchmarks.migration.services import NAMESPACE

NODE_LINE = (
    "jsonpath={.type}|{.object.metadata.name}"
    "|{.object.status.conditions[?(@.type==\"Ready\")].status}|{.object.spec.taints[*].effect}{'\\n'}"
)


@dataclass
class Life:
    """When a pod was seen in its states; None where it was not."""

    service: str
    created: float
    ready: float | None = None
    deleted: float | None = None
    removed: float | None = None


class Recorder(Prober):
    """A prober that keeps the lives of pods and how long each service was unavailable.

    Args:
        clock: Seconds since 1970.
        required: The number of ready pods below which a service is unavailable, by name; 1 for others.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, required: dict[str, int] | None = None
    ) -> None:
        super().__init__(clock)
        self._now, self._required = clock, required or {}
        self._serving: dict[str, set[str]] = defaultdict(set)
        self._short_since: dict[str, float] = {}
        self._was_available: set[str] = set()
        self.lives: dict[str, Life] = {}
        self.unavailable: dict[str, float] = defaultdict(float)
        """Seconds by service, of those that became available again."""

    def read_pod(self, line: str) -> None:
        """Process one line of the watch of pods."""
        kind, uid, namespace, _, deleted, ready, labels = line.split("|", 6)
        if namespace == NAMESPACE:
            service = json.loads(labels or "{}").get("app", "")
            self._record(uid, service, kind == "DELETED", deleted != "", ready == "True")
        super().read_pod(line)

    def _record(self, uid: str, service: str, removed: bool, deleted: bool, ready: bool) -> None:
        now = self._now()
        life = self.lives.setdefault(uid, Life(service, now))
        if ready and life.ready is None:
            life.ready = now
        if deleted and life.deleted is None:
            life.deleted = now
        if removed and life.removed is None:
            life.removed = now
        self._count_service(service, uid, ready and not deleted and not removed, now)

    def _count_service(self, service: str, uid: str, serves: bool, now: float) -> None:
        serving = self._serving[service]
        (serving.add if serves else serving.discard)(uid)
        is_short = len(serving) < self._required.get(service, 1)
        if not is_short:
            self._was_available.add(service)
            if (since := self._short_since.pop(service, None)) is not None:
                self.unavailable[service] += now - since
        elif service in self._was_available:
            self._short_since.setdefault(service, now)

    def seconds_unavailable(self) -> float:
        """Seconds in which services were unavailable until now, of all services together."""
        now = self._now()
        return sum(self.unavailable.values()) + sum(now - since for since in self._short_since.values())

    def stops(self) -> dict[str, float]:
        """Median seconds that a pod took from its deletion to its end, by service."""
        return _medians((life.service, life.deleted, life.removed) for life in self.lives.values())

    def starts(self) -> dict[str, float]:
        """Median seconds that a pod took from its creation to its readiness, by service.

        Of the pods that were created while this recorded.
        """
        began = [life for life in self.lives.values() if life.ready != life.created]
        return _medians((life.service, life.created, life.ready) for life in began)


class Nodes:
    """When each node was first seen to take pods, in seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._now = clock
        self.usable: dict[str, float] = {}

    def read(self, line: str) -> None:
        """Process one line of a watch of nodes, in the format `NODE_LINE`."""
        kind, name, ready, effects = line.split("|", 3)
        if kind != "DELETED" and ready == "True" and "NoSchedule" not in effects.split():
            self.usable.setdefault(name, self._now())


def _medians(times: Iterable[tuple[str, float | None, float | None]]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for service, begin, end in times:
        if begin is not None and end is not None:
            found[service].append(end - begin)
    return {service: median(seconds) for service, seconds in found.items()}
