"""The floor: how long an ideal schedule takes that never waits for anything but budgets, launches and stops.

A simulation of events in which every decision takes no time. A node is begun when a place is free and its
group has a new node for it. Its pods are evicted as soon as their budgets allow; each stops in its time,
and its successor is ready in its time, which opens the budget again. When the last pod has stopped, the
instance is terminated, the place is free, and the replacement is ready after the time of a launch. New
nodes have room for all pods, and the scheduler, the API server and the controllers take no time either.

The best of many orders of nodes counts. So no program can be much quicker under the same budgets, with as
many nodes in work at once and as many extra nodes. What a program takes above it is its own reaction time,
and that of the control plane.
"""

import heapq
import itertools
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ORDERS = 200


@dataclass(frozen=True)
class Moving:
    """A pod that moves: seconds from its eviction to its end, and to the readiness of its successor."""

    stops: float
    ready: float
    budget: str = ""
    """Empty where it has none."""


@dataclass(frozen=True)
class OldNode:
    name: str
    group: str
    pods: tuple[Moving, ...]


@dataclass(frozen=True)
class Width:
    """How many nodes are in work at once, and how many extra nodes there are."""

    places: Mapping[str, int]
    """By group, or of all groups together under the empty name."""
    extra: Mapping[str, int]
    """Extra nodes by group."""

    def place_of(self, group: str) -> str:
        """Return under which name a group's nodes take places."""
        return group if group in self.places else ""


@dataclass(frozen=True)
class Cluster:
    """What an ideal schedule has to respect."""

    nodes: tuple[OldNode, ...]
    budgets: Mapping[str, int]
    """How many pods of each budget may be missing."""
    launch: float
    """Seconds from the request of an instance until pods can move to its node."""


def floor(cluster: Cluster, width: Width, *, in_turn: bool = False, orders: int = ORDERS) -> float:
    """Return the seconds from the first request of an instance to the last termination.

    Args:
        cluster: The cluster.
        width: How many at once.
        in_turn: Whether a group is widened only when the one before it is done.
        orders: How many orders of nodes are tried.
    """
    if in_turn:
        groups = dict.fromkeys(node.group for node in cluster.nodes)
        return sum(floor(_part(cluster, group), width, orders=orders) for group in groups)
    chance, order = random.Random(1), list(cluster.nodes)
    best = _Schedule(cluster, width).run(order)
    for _ in range(orders - 1):
        chance.shuffle(order)
        best = min(best, _Schedule(cluster, width).run(order))
    return best


def _part(cluster: Cluster, group: str) -> Cluster:
    nodes = tuple(node for node in cluster.nodes if node.group == group)
    return Cluster(nodes, cluster.budgets, cluster.launch)


class _Schedule:
    def __init__(self, cluster: Cluster, width: Width) -> None:
        self._cluster, self._width = cluster, width
        self._free, self._spare = Counter(width.places), Counter[str]()
        self._missing: Counter[str] = Counter()
        self._queues: dict[str, deque[tuple[Moving, OldNode]]] = defaultdict(deque)
        self._left: dict[str, int] = {}
        self._waiting: list[OldNode] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._now = self._last = 0.0

    def run(self, order: Sequence[OldNode]) -> float:
        """Return when the last node is terminated, with the nodes begun in this order."""
        self._waiting = list(order)
        self._after(self._cluster.launch, lambda: self._spare.update(self._width.extra))
        while self._events:
            self._now, _, event = heapq.heappop(self._events)
            event()
            self._begin_what_may()
        if self._waiting:
            message = f"{len(self._waiting)} nodes never had a place and a new node"
            raise ValueError(message)
        return self._last

    def _after(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._numbers), event))

    def _begin_what_may(self) -> None:
        for node in tuple(self._waiting):
            place = self._width.place_of(node.group)
            if self._free[place] > 0 and self._spare[node.group] > 0:
                self._free[place] -= 1
                self._spare[node.group] -= 1
                self._waiting.remove(node)
                self._begin(node)

    def _begin(self, node: OldNode) -> None:
        self._left[node.name] = len(node.pods)
        if not node.pods:
            self._after(0, lambda: self._drained(node))
        for pod in node.pods:
            self._evict(pod, node)

    def _evict(self, pod: Moving, node: OldNode) -> None:
        allowed = self._cluster.budgets.get(pod.budget)
        if allowed is not None:
            if self._missing[pod.budget] >= allowed:
                self._queues[pod.budget].append((pod, node))
                return
            self._missing[pod.budget] += 1
            self._after(pod.ready, lambda: self._ready(pod.budget))
        self._after(pod.stops, lambda: self._stopped(node))

    def _ready(self, budget: str) -> None:
        self._missing[budget] -= 1
        if self._queues[budget]:
            self._evict(*self._queues[budget].popleft())

    def _stopped(self, node: OldNode) -> None:
        self._left[node.name] -= 1
        if not self._left[node.name]:
            self._drained(node)

    def _drained(self, node: OldNode) -> None:
        self._last = self._now
        self._free[self._width.place_of(node.group)] += 1
        self._after(self._cluster.launch, lambda: self._spare.update([node.group]))
