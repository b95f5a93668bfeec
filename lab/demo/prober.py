"""Watches, while the nodes are replaced, that no budget is ever broken: an onlooker of its own.

It knows nothing of the program. Two `kubectl get --watch` show it every change of a pod and of a
PodDisruptionBudget; at each it counts the ready pods under each budget. As many as the budget's
`desiredHealthy` have to be ready at any time. Called by the demo of mode `replacement` and by its tests.
"""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.environment import client_environment
from lab.errors import LabError
from lab.existing.access import Kubectl

_POD_LINE = (
    "jsonpath={.type}|{.object.metadata.uid}|{.object.metadata.namespace}|{.object.metadata.name}"
    '|{.object.metadata.deletionTimestamp}|{.object.status.conditions[?(@.type=="Ready")].status}'
    "|{.object.metadata.labels}{'\\n'}"
)
_BUDGET_LINE = (
    "jsonpath={.type}|{.object.metadata.namespace}|{.object.metadata.name}"
    "|{.object.status.desiredHealthy}|{.object.status.expectedPods}|{.object.spec.selector}{'\\n'}"
)
_PATIENCE = 60.0


class BlindError(LabError):
    """The prober does not see what it should: a cluster that is not healthy yet, or a watch that ended."""


@dataclass(frozen=True)
class SeenPod:
    """A pod, as far as budgets are concerned."""

    namespace: str
    name: str
    serves: bool
    """Ready and not on its way out."""
    labels: dict[str, str] = field(repr=False)


@dataclass
class SeenBudget:
    """A budget with what became of the pods under it."""

    namespace: str
    name: str
    desired: int
    expected: int
    selector: dict[str, Any] = field(repr=False)
    lowest: int | None = None
    """The fewest ready pods there ever were, from the moment on when the budget was first kept."""
    last: int = 0

    @property
    def key(self) -> str:
        """Its name with its namespace."""
        return f"{self.namespace}/{self.name}"

    def covers(self, pod: SeenPod) -> bool:
        """Whether the budget speaks of a pod."""
        return pod.namespace == self.namespace and selects(self.selector, pod.labels)


@dataclass(frozen=True)
class Breach:
    """A moment at which fewer pods were ready than a budget wants."""

    at: float
    budget: str
    ready: int
    desired: int

    def __str__(self) -> str:
        return f"{self.budget} had {self.ready} ready pods of {self.desired} wanted"


class Prober:
    """What has been seen of pods and budgets so far. Fed by the lines of two watches, from two threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pods: dict[str, SeenPod] = {}
        self._budgets: dict[str, SeenBudget] = {}
        self._blind = ""
        self.breaches: list[Breach] = []
        self.changes = 0

    @property
    def budgets(self) -> list[SeenBudget]:
        """Every budget, by name."""
        with self._lock:
            return sorted(self._budgets.values(), key=lambda budget: budget.key)

    def see_pod(self, line: str) -> None:
        """Take in one line of the watch of pods."""
        kind, uid, namespace, name, deleted, ready, labels = line.split("|", 6)
        pod = SeenPod(namespace, name, ready == "True" and not deleted, json.loads(labels or "{}"))
        with self._lock:
            self.changes += 1
            if kind == "DELETED":
                self._pods.pop(uid, None)
            else:
                self._pods[uid] = pod
            for budget in self._budgets.values():
                if budget.covers(pod):
                    self._count(budget)

    def see_budget(self, line: str) -> None:
        """Take in one line of the watch of budgets."""
        kind, namespace, name, desired, expected, selector = line.split("|", 5)
        seen = SeenBudget(
            namespace, name, int(desired or 0), int(expected or 0), json.loads(selector or "{}")
        )
        with self._lock:
            earlier = self._budgets.pop(seen.key, None)
            if kind == "DELETED":
                return
            seen.lowest = earlier.lowest if earlier else None
            self._budgets[seen.key] = seen
            self._count(seen)

    def go_blind(self, why: str) -> None:
        """Take note that a watch ended: from then on nothing that is said can be relied on."""
        with self._lock:
            self._blind = self._blind or why

    def check_sight(self) -> None:
        """Complain when a watch has ended.

        Raises:
            BlindError: with what kubectl said.
        """
        if self._blind:
            raise BlindError(self._blind)

    def sees_all_kept(self) -> bool:
        """Whether there are budgets, and each of them is kept by pods that have been seen."""
        with self._lock:
            return bool(self._budgets) and all(
                budget.lowest is not None for budget in self._budgets.values() if budget.expected
            )

    def _count(self, budget: SeenBudget) -> None:
        ready = sum(pod.serves for pod in self._pods.values() if budget.covers(pod))
        if budget.lowest is None:
            # The pods come in one by one at first: a budget counts from when it is kept.
            if ready >= budget.desired and ready >= budget.expected > 0:
                budget.lowest = budget.last = ready
            return
        before, budget.last = budget.last, ready
        budget.lowest = min(budget.lowest, ready)
        if ready < min(before, budget.desired):
            self.breaches.append(Breach(self._clock(), budget.key, ready, budget.desired))


@contextmanager
def watching(kubectl: Kubectl) -> Iterator[Prober]:
    """Watch a cluster for the length of a `with` block, which begins once every budget is seen to be kept.

    Raises:
        BlindError: the budgets are not kept to begin with, or a watch could not be held to the end.
    """
    prober = Prober()
    with (
        _following(kubectl, "pods", _POD_LINE, prober.see_pod, prober),
        _following(kubectl, "poddisruptionbudgets", _BUDGET_LINE, prober.see_budget, prober),
    ):
        _await_sight(prober)
        yield prober
        prober.check_sight()


def _await_sight(prober: Prober) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not prober.sees_all_kept():
        prober.check_sight()
        if time.monotonic() > deadline:
            never = (
                ", ".join(b.key for b in prober.budgets if b.expected and b.lowest is None) or "none there"
            )
            message = f"after {_PATIENCE:.0f} s there are budgets that were never kept: {never}"
            raise BlindError(message)
        time.sleep(0.1)


@contextmanager
def _following(
    kubectl: Kubectl, kind: str, line: str, see: Callable[[str], None], prober: Prober
) -> Iterator[None]:
    """Run one watch in a process of its own, and hand on its lines from a thread."""
    command = kubectl.command("get", kind, "-A", "--watch", "--output-watch-events", "-o", line)
    ending = threading.Event()
    with subprocess.Popen(
        command,
        env=client_environment(kubectl.places),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # a Ctrl-C in the terminal is for the program that is watched
    ) as process:

        def follow() -> None:
            assert process.stdout is not None
            assert process.stderr is not None
            for text in process.stdout:
                see(text.rstrip("\n"))
            if not ending.is_set():
                prober.go_blind(f"the watch of {kind} ended: {process.stderr.read().strip() or 'no reason'}")

        thread = threading.Thread(target=follow, name=f"prober of {kind}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            process.terminate()
            thread.join()


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector, as the API writes it, holds of labels."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _holds(requirement, labels) for requirement in selector.get("matchExpressions", [])
    )


def _holds(requirement: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = requirement["key"], requirement.get("values", [])
    match requirement["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case unknown:
            message = f"a label selector with the operator {unknown}"
            raise BlindError(message)
