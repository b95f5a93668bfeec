"""PodDisruptionBudgets: which one covers a pod, what it can ever allow, and what a plan uses up of it.

The arithmetic is that of Kubernetes' disruption controller and of its eviction subresource, so that a plan
says beforehand what the API server will answer later.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from eks_cilium.migration.plan.workload import scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Budget, Facts, Owner, Pod

_NEEDS_NO_BUDGET = frozenset({"Succeeded", "Failed", "Pending"})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a budget stands: what it says now, and what it can allow at best."""

    budget: Budget
    expected: int
    desired: int
    unready: tuple[Reference, ...]
    """Pods it covers that are not ready, and so use it up."""
    pod_ready_seconds: float | None

    @property
    def headroom(self) -> int:
        """Disruptions it allows when every pod is healthy."""
        return max(self.expected - self.desired, 0)

    @property
    def never_allows(self) -> bool:
        """Whether waiting can not help: all pods healthy would still not be enough, or nobody can count."""
        return self.headroom == 0 or bool(self.budget.sync_failure)

    @property
    def stale(self) -> bool:
        """Whether its controller has not yet looked at its present form."""
        return self.budget.observed_generation < self.budget.generation

    @property
    def allowed(self) -> int:
        """Disruptions it allows now."""
        return 0 if self.stale else min(self.budget.disruptions_allowed, self.headroom)

    @property
    def busy(self) -> bool:
        """Whether it allows nothing now, but will once its pods are healthy."""
        return self.allowed == 0 and not self.never_allows

    def asked_for(self, pod: Pod) -> bool:
        """Whether evicting a pod takes a disruption. An unready one may go for nothing."""
        if pod.phase in _NEEDS_NO_BUDGET or pod.deleted:
            return False
        if pod.ready:
            return True
        healthy_enough = self.budget.current_healthy >= self.budget.desired_healthy > 0
        return self.budget.unhealthy_policy != "AlwaysAllow" and not healthy_enough

    @property
    def rule(self) -> str:
        """Its rule as people wrote it."""
        if self.budget.max_unavailable is not None:
            return f"maxUnavailable: {self.budget.max_unavailable}"
        if self.budget.min_available is not None:
            return f"minAvailable: {self.budget.min_available}"
        return "neither minAvailable nor maxUnavailable"


class Budgets:
    """All budgets of a cluster, by the pods they cover."""

    def __init__(self, facts: Facts) -> None:
        self._of_namespace: dict[str, list[Budget]] = defaultdict(list)
        for budget in facts.budgets:
            self._of_namespace[budget.namespace].append(budget)
        self._seen: dict[tuple[str, frozenset[tuple[str, str]]], tuple[Budget, ...]] = {}
        covered: dict[Reference, list[Pod]] = defaultdict(list)
        for pod in facts.pods:
            for budget in self._covering(pod):
                covered[budget.reference].append(pod)
        self._standing = {
            budget.reference: standing(budget, covered[budget.reference], facts.owners)
            for budget in facts.budgets
        }

    def of(self, pod: Pod) -> tuple[Standing, ...]:
        """The budgets that cover a pod. More than one is more than the API server can serve."""
        return tuple(self._standing[budget.reference] for budget in self._covering(pod))

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standing.values())

    def _covering(self, pod: Pod) -> tuple[Budget, ...]:
        budgets = self._of_namespace.get(pod.namespace)
        if not budgets:
            return ()
        key = (pod.namespace, frozenset(pod.labels.items()))
        if key not in self._seen:
            self._seen[key] = tuple(
                budget for budget in budgets if budget.selector and budget.selector.matches(pod.labels)
            )
        return self._seen[key]


def standing(budget: Budget, pods: Sequence[Pod], owners: Mapping[Reference, Owner]) -> Standing:
    """Where a budget stands, given the pods it covers."""
    expected = _expected(budget, pods, owners)
    times = [pod.seconds_to_ready for pod in pods if pod.seconds_to_ready is not None]
    return Standing(
        budget=budget,
        expected=expected,
        desired=desired_healthy(budget, expected),
        unready=tuple(pod.reference for pod in pods if not pod.ready and not pod.terminal),
        pod_ready_seconds=median(times) if times else None,
    )


def desired_healthy(budget: Budget, expected: int) -> int:
    """How many pods have to be healthy. Percentages are rounded up, of what may be missing as well."""
    if budget.max_unavailable is not None:
        return max(expected - _scaled(budget.max_unavailable, expected), 0)
    if budget.min_available is not None:
        return _scaled(budget.min_available, expected)
    return expected


def _scaled(value: int | str, whole: int) -> int:
    if isinstance(value, int):
        return value
    return math.ceil(int(value.rstrip("%")) * whole / 100)


def _expected(budget: Budget, pods: Sequence[Pod], owners: Mapping[Reference, Owner]) -> int:
    """How many pods there ought to be: what the controller says, where it has looked.

    A number for minAvailable is compared with the pods there are, anything else with the replicas wanted. Of
    the pods that there are, those that a roll-out has too many will be gone by the time they are needed; so
    where all of them are known, what is wanted counts.
    """
    looked = budget.observed_generation >= budget.generation
    counts_pods = budget.max_unavailable is None and isinstance(budget.min_available, int)
    if looked and not counts_pods:
        return budget.expected_pods
    present = budget.expected_pods if looked else len(pods)
    wanted = _replicas(pods, owners)
    if wanted is None or len(pods) < present:
        return present
    return min(present, wanted + _bare(pods)) if counts_pods else wanted


def _replicas(pods: Sequence[Pod], owners: Mapping[Reference, Owner]) -> int | None:
    """Replicas wanted by everything behind the pods; None when something behind them tells no number."""
    scales: dict[Reference, int] = {}
    for controller in {pod.owner for pod in pods if pod.owner}:
        found = scale(controller, owners)
        if found is None:
            return None
        scales[found[0]] = found[1]
    return sum(scales.values())


def _bare(pods: Iterable[Pod]) -> int:
    return sum(pod.owner is None for pod in pods)


@dataclass(frozen=True, slots=True)
class Take:
    """One disruption taken of a budget."""

    before: int
    """What it allowed when the pod was due."""
    waits: bool
    """It allowed nothing, so a successor had to become ready first."""


class Ledger:
    """The budgets as they will be while a plan is carried out, eviction by eviction.

    A disruption comes back when the pod's successor is ready: at the latest when its node is settled, or
    earlier, when a drain waits for it. It never lends what a budget does not have.
    """

    def __init__(self) -> None:
        self._allowed: dict[Reference, int] = {}
        self._taken: dict[Reference, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._of_node: dict[str, set[Reference]] = defaultdict(set)

    def allowed(self, standing: Standing) -> int:
        """What a budget allows at this point of the plan."""
        return self._allowed.setdefault(standing.budget.reference, standing.allowed)

    def take(self, standing: Standing, node: str) -> Take:
        """Take one disruption for a pod of a node, waiting for as long as it needs."""
        budget, before = standing.budget.reference, self.allowed(standing)
        if before == 0:
            self._allowed[budget] = self._after_waiting(standing)
        self._allowed[budget] -= 1
        self._taken[budget][node] += 1
        self._of_node[node].add(budget)
        return Take(before=before, waits=before == 0)

    def settle(self, node: str) -> None:
        """Everything evicted from a node runs again elsewhere."""
        for budget in self._of_node.pop(node, ()):
            self._allowed[budget] += self._taken[budget].pop(node, 0)

    def _after_waiting(self, standing: Standing) -> int:
        """What there is once every pod evicted so far has a successor; if none was, once all are healthy."""
        taken = self._taken[standing.budget.reference]
        back = sum(taken.values())
        taken.clear()
        return back or standing.headroom
