"""Watch, while the program runs, that no PodDisruptionBudget (PDB) is violated.

The prober is independent of the program: two `kubectl get --watch` report every change of a pod and of a PDB.
After each change it counts the ready pods that each PDB selects; at least the PDB's `desiredHealthy` have to
be ready at any time. The demos on a running cluster and the end-to-end tests use it.
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
from lab.sample_cluster.clients import Kubectl

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


class ProberError(LabError):
    """The prober cannot judge: the PDBs are not met to begin with, or a watch ended."""


@dataclass(frozen=True)
class PodState:
    namespace: str
    name: str
    serves: bool
    """Ready and not being deleted."""
    labels: dict[str, str] = field(repr=False)


@dataclass
class BudgetState:
    namespace: str
    name: str
    desired: int
    expected: int
    selector: dict[str, Any] = field(repr=False)
    lowest: int | None = None
    """The fewest ready pods so far; None until the PDB was met for the first time."""
    last: int = 0

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    def covers(self, pod: PodState) -> bool:
        return pod.namespace == self.namespace and selects(self.selector, pod.labels)


@dataclass(frozen=True)
class Breach:
    """A moment at which fewer pods were ready than a PDB requires."""

    at: float
    budget: str
    ready: int
    desired: int

    def __str__(self) -> str:
        return f"{self.budget} had {self.ready} ready pods, {self.desired} are required"


class Prober:
    """Counts ready pods per PDB. Two threads feed it the lines of two watches."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pods: dict[str, PodState] = {}
        self._budgets: dict[str, BudgetState] = {}
        self._watch_ended = ""
        self.breaches: list[Breach] = []
        self.changes = 0

    @property
    def budgets(self) -> list[BudgetState]:
        """Return every PDB, sorted by namespace and name."""
        with self._lock:
            return sorted(self._budgets.values(), key=lambda budget: budget.key)

    def read_pod(self, line: str) -> None:
        """Process one line of the watch of pods."""
        kind, uid, namespace, name, deleted, ready, labels = line.split("|", 6)
        pod = PodState(namespace, name, ready == "True" and not deleted, json.loads(labels or "{}"))
        with self._lock:
            self.changes += 1
            if kind == "DELETED":
                self._pods.pop(uid, None)
            else:
                self._pods[uid] = pod
            for budget in self._budgets.values():
                if budget.covers(pod):
                    self._count(budget)

    def read_budget(self, line: str) -> None:
        """Process one line of the watch of PDBs."""
        kind, namespace, name, desired, expected, selector = line.split("|", 5)
        seen = BudgetState(
            namespace, name, int(desired or 0), int(expected or 0), json.loads(selector or "{}")
        )
        with self._lock:
            earlier = self._budgets.pop(seen.key, None)
            if kind == "DELETED":
                return
            seen.lowest = earlier.lowest if earlier else None
            self._budgets[seen.key] = seen
            self._count(seen)

    def record_watch_end(self, reason: str) -> None:
        """Record that a watch ended: from then on violations may be missed."""
        with self._lock:
            self._watch_ended = self._watch_ended or reason

    def raise_if_watch_ended(self) -> None:
        """Raise ProberError with kubectl's message when a watch has ended."""
        if self._watch_ended:
            raise ProberError(self._watch_ended)

    def all_budgets_met(self) -> bool:
        """Return whether there are PDBs and each of them has been met at least once."""
        with self._lock:
            return bool(self._budgets) and all(
                budget.lowest is not None for budget in self._budgets.values() if budget.expected
            )

    def _count(self, budget: BudgetState) -> None:
        ready = sum(pod.serves for pod in self._pods.values() if budget.covers(pod))
        if budget.lowest is None:
            # The watch lists existing pods one by one: count from the moment when the PDB is met.
            if ready >= budget.desired and ready >= budget.expected > 0:
                budget.lowest = budget.last = ready
            return
        before, budget.last = budget.last, ready
        budget.lowest = min(budget.lowest, ready)
        if ready < min(before, budget.desired):
            self.breaches.append(Breach(self._clock(), budget.key, ready, budget.desired))


@contextmanager
def watching(kubectl: Kubectl, prober: Prober | None = None) -> Iterator[Prober]:
    """Watch a cluster for the length of a `with` block, which is entered once every PDB is met.

    Args:
        kubectl: kubectl for the cluster.
        prober: What reads the watches; a new Prober by default.

    Raises:
        ProberError: a PDB is not met within a minute, or a watch ended before the block did.
    """
    prober = prober or Prober()
    with (
        following(kubectl, "pods", _POD_LINE, prober.read_pod, prober.record_watch_end),
        following(kubectl, "poddisruptionbudgets", _BUDGET_LINE, prober.read_budget, prober.record_watch_end),
    ):
        _await_budgets(prober)
        yield prober
        prober.raise_if_watch_ended()


def _await_budgets(prober: Prober) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not prober.all_budgets_met():
        prober.raise_if_watch_ended()
        if time.monotonic() > deadline:
            unmet = ", ".join(b.key for b in prober.budgets if b.expected and b.lowest is None)
            problem = f"are not met: {unmet}" if unmet else "are missing: the cluster has none"
            message = f"after {_PATIENCE:.0f} s PodDisruptionBudgets {problem}"
            raise ProberError(message)
        time.sleep(0.1)


@contextmanager
def following(
    kubectl: Kubectl,
    kind: str,
    line: str,
    handle: Callable[[str], None],
    ended: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Run one watch in a child process and pass its lines to `handle` from a thread.

    `line` is the output format of kubectl. When the watch ends too early, which an API server may do at any
    time, `ended` is called with the reason; without it another watch begins, with all objects that there are.
    """
    # In pieces of 500, the default, kubectl shows none of the objects that there are when it begins.
    command = kubectl.command(
        "get", kind, "-A", "--watch", "--chunk-size=0", "--output-watch-events", "-o", line
    )
    ending = threading.Event()
    running: list[subprocess.Popen[str]] = []

    def begin() -> None:
        running[:] = [_started(command, kubectl)]

    def follow() -> None:
        while not ending.is_set():
            reason = _read(running[0], handle)
            if ending.is_set():
                break
            if ended:
                ended(f"the watch of {kind} ended: {reason}")
                break
            begin()

    begin()
    thread = threading.Thread(target=follow, name=f"prober of {kind}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        while thread.is_alive():  # it may have begun another watch just now
            running[0].terminate()
            thread.join(timeout=1)


def _started(command: list[str], kubectl: Kubectl) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=client_environment(kubectl.places),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # a Ctrl-C in the terminal is meant for the Pulumi program only
    )


def _read(process: subprocess.Popen[str], handle: Callable[[str], None]) -> str:
    """Pass the lines of a watch on until it ends; why it did."""
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        for text in process.stdout:
            handle(text.rstrip("\n"))
        return process.stderr.read().strip() or "no message"


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Return whether a Kubernetes label selector matches `labels`."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _matches(requirement, labels) for requirement in selector.get("matchExpressions", [])
    )


def _matches(requirement: dict[str, Any], labels: dict[str, str]) -> bool:
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
            message = f"unknown operator {unknown} in a label selector"
            raise ProberError(message)
