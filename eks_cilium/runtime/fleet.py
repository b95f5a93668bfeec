"""What AWS last said of the Auto Scaling groups and instances in work, for all threads of a process.

AWS limits requests for a whole account. So one request asks for everything that this process waits for, and
each reader says how old an answer may be. A decision that ends an instance reads its group by
`World.groups` itself. After a change by this process every answer of before is out of date.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eks_cilium.clients.autoscaling import AutoScaling, GroupState
    from eks_cilium.clients.ec2 import Ec2

NOW = 0.0
"""As the age of an answer: it has to be asked for now."""
SOON = 3.0
"""Where something is expected to change at any moment."""
AT_LEISURE = 30.0
"""Where a change will be seen in the cluster first."""

_OF_INTEREST = 120.0
"""Seconds for which something is asked for along with others, after it was asked for itself."""
_SPREAD = 0.2

Answer = TypeVar("Answer")


@dataclass
class _Known(Generic[Answer]):
    asked: float
    """When a reader wanted it last."""
    answer: Answer | None = None
    read: float | None = None
    """When it was read; None where it has to be read again."""


class _Answers(Generic[Answer]):
    """The last answers by name."""

    def __init__(self, monotonic: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._monotonic, self._jitter = monotonic, jitter
        self._known: dict[str, _Known[Answer]] = {}
        self._lock = threading.Lock()

    def read(
        self, names: Iterable[str], max_age: float, ask: Callable[[list[str]], dict[str, Answer]]
    ) -> dict[str, Answer]:
        """The answers about these names, none older than `max_age`; one request asks for all of interest."""
        wanted = sorted(set(names))
        with self._lock:
            now = self._monotonic()
            for name in wanted:
                self._known.setdefault(name, _Known(now)).asked = now
            if any(self._is_old(self._known[name], now, max_age) for name in wanted):
                self._ask(now, wanted, ask)
            found = {name: self._known[name].answer for name in wanted}
        return {name: answer for name, answer in found.items() if answer is not None}

    def outdate(self) -> None:
        """Take every answer for out of date."""
        with self._lock:
            for known in self._known.values():
                known.read = None

    def _is_old(self, known: _Known[Answer], now: float, max_age: float) -> bool:
        # Not all processes that wait for the same hour ask in the same second.
        spread = 1 + _SPREAD * (self._jitter() - 0.5)
        return known.read is None or now - known.read >= max_age * spread

    def _ask(self, now: float, wanted: list[str], ask: Callable[[list[str]], dict[str, Answer]]) -> None:
        others = [
            name
            for name, known in self._known.items()
            if name not in wanted and now - known.asked < _OF_INTEREST
        ]
        for name in set(self._known) - {*wanted, *others}:
            del self._known[name]
        answers = ask(sorted([*wanted, *others]))
        read = self._monotonic()
        for name, known in self._known.items():
            known.answer, known.read = answers.get(name), read


@dataclass
class _Shared:
    """An answer that several threads want; one of them asks, and the others wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: Any = None
    read: float | None = None


class Fleet:
    """The groups and instances in work, of one account and region."""

    def __init__(self, monotonic: Callable[[], float], jitter: Callable[[], float] = random.random) -> None:
        self._monotonic = monotonic
        self._shared: dict[str, _Shared] = {}
        self._groups: _Answers[GroupState] = _Answers(monotonic, jitter)
        self._states: _Answers[str] = _Answers(monotonic, jitter)

    def groups(self, client: AutoScaling, names: Iterable[str], max_age: float) -> dict[str, GroupState]:
        """Groups by name, as AWS said at most `max_age` seconds ago; see `AutoScaling.groups`."""
        return self._groups.read(names, max_age, client.groups)

    def states(self, client: Ec2, instances: Iterable[str], max_age: float) -> dict[str, str]:
        """EC2's state of each instance by id, as it was at most `max_age` seconds ago; see `Ec2.states`."""
        return self._states.read(instances, max_age, client.states)

    def shared(self, name: str, max_age: float, ask: Callable[[], Answer]) -> Answer:
        """What `ask` returned to any thread at most `max_age` seconds ago; what it raises is not kept."""
        shared = self._shared.setdefault(name, _Shared())
        with shared.lock:
            if shared.read is None or self._monotonic() - shared.read >= max_age:
                shared.answer, shared.read = ask(), self._monotonic()
            answer: Answer = shared.answer
        return answer

    def outdate(self) -> None:
        """Take every answer for out of date: this process has changed something."""
        self._groups.outdate()
        self._states.outdate()
