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

from eks_cilium.migration.plan.model import BudgetUse, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.backing import Backing
    from eks_cilium.migration.facts.model import Budget, Pod
    from eks_cilium.migration.plan.model import PodPlan

WITHOUT_SCALE = frozenset({"Job", "DaemonSet"})
_NEEDS_NO_BUDGET = frozenset({"Succeeded", "Failed", "Pending"})


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """What a budget allows now, and what it can allow at best."""

    budget: Budget
    expected: int
    """Pods there ought to be."""
    desired: int
    """Pods of these that have to be healthy."""
    unready: tuple[Reference, ...]
    """Pods it covers that are not ready, each of which uses up a disruption."""
    pod_ready_seconds: float | None
    """How long a pod it covers takes to become ready; None where no pod says so."""
    uncountable: tuple[Pod, ...] = ()
    """Pods it covers that keep its controller from counting, where it says that it cannot count."""

    @property
    def headroom(self) -> int:
        """Disruptions it allows when every pod is healthy."""
        return max(self.expected - self.desired, 0)

    @property
    def closed(self) -> bool:
        """Whether it allows nothing even with all pods healthy, or cannot be computed."""
        return self.headroom == 0 or bool(self.budget.sync_failure)

    @property
    def closed_for_now(self) -> bool:
        """Whether its operator closed it until the data of its pods is whole, and opens it by itself then.

        ECK writes minAvailable = all nodes, Rook maxUnavailable = 0, meanwhile. A budget that requires its
        only pod stays as it is, such as that of a primary: there an operator has to move the pod.
        Sources: cloud-on-k8s pkg/controller/elasticsearch/pdb/reconcile.go (`allowedDisruptions`), rook
        pkg/operator/ceph/disruption/clusterdisruption/osd.go, cloudnative-pg
        pkg/specs/poddisruptionbudget.go (`BuildPrimaryPodDisruptionBudget`).
        """
        several = self.expected > 1 or self.budget.max_unavailable is not None
        return bool(self.budget.operator) and several and self.headroom == 0 and not self.budget.sync_failure

    @property
    def never_allows(self) -> bool:
        """Whether waiting cannot help: it is closed, as far as anyone knows for good."""
        return self.closed and not self.closed_for_now

    @property
    def stale(self) -> bool:
        """Whether its controller has not read its present spec yet."""
        return self.budget.observed_generation < self.budget.generation

    @property
    def allowed(self) -> int:
        """Disruptions it allows at the moment."""
        return 0 if self.stale else min(self.budget.disruptions_allowed, self.headroom)

    @property
    def busy(self) -> bool:
        """Whether it allows nothing now, but will once its pods are healthy."""
        return self.allowed == 0 and not self.closed

    def counts(self, pod: Pod) -> bool:
        """Whether evicting the pod uses up a disruption, which it does not for some unready pods."""
        if pod.phase in _NEEDS_NO_BUDGET or pod.deleted:
            return False
        if pod.ready:
            return True
        healthy_enough = self.budget.current_healthy >= self.budget.desired_healthy > 0
        return self.budget.unhealthy_policy != "AlwaysAllow" and not healthy_enough

    @property
    def rule(self) -> str:
        """Its rule as its author wrote it."""
        if self.budget.max_unavailable is not None:
            return f"maxUnavailable: {self.budget.max_unavailable}"
        if self.budget.min_available is not None:
            return f"minAvailable: {self.budget.min_available}"
        return "neither minAvailable nor maxUnavailable"


class Budgets:
    """Budgets with their status, by the pods they cover."""

    def __init__(self, budgets: Iterable[Budget], pods: Sequence[Pod], backing: Backing) -> None:
        self._selecting: dict[str, _Selecting] = defaultdict(_Selecting)
        for budget in budgets:
            self._selecting[budget.namespace].add(budget)
        covered: dict[Reference, list[Pod]] = defaultdict(list)
        for pod in pods:
            for budget in self._covering(pod):
                covered[budget.reference].append(pod)
        self._statuses = {
            budget.reference: _status(budget, covered[budget.reference], backing)
            for same_namespace in self._selecting.values()
            for budget in same_namespace.budgets
        }

    def of(self, pod: Pod) -> tuple[BudgetStatus, ...]:
        """The budgets that cover a pod. The API server never evicts a pod with more than one."""
        return tuple(self._statuses[budget.reference] for budget in self._covering(pod))

    def __iter__(self) -> Iterator[BudgetStatus]:
        return iter(self._statuses.values())

    def _covering(self, pod: Pod) -> tuple[Budget, ...]:
        selecting = self._selecting.get(pod.namespace)
        return selecting.covering(pod.labels) if selecting else ()


class _Selecting:
    """The budgets of a namespace, by a label and value that each requires where it requires one.

    So a pod is compared with the few budgets that name one of its labels: the pods of a StatefulSet or a Job
    have labels of their own, and a namespace may have thousands of budgets.
    """

    def __init__(self) -> None:
        self.budgets: list[Budget] = []
        self._requiring: dict[tuple[str, str], list[tuple[int, Budget]]] = defaultdict(list)
        self._others: list[tuple[int, Budget]] = []
        self._of_labels: dict[frozenset[tuple[str, str]], tuple[Budget, ...]] = {}

    def add(self, budget: Budget) -> None:
        place = (len(self.budgets), budget)
        self.budgets.append(budget)
        if budget.selector is None:
            return
        equal = (
            need for need in budget.selector.requirements if need.operator == "In" and len(need.values) == 1
        )
        need = next(equal, None)
        (self._requiring[need.key, need.values[0]] if need else self._others).append(place)

    def covering(self, labels: Mapping[str, str]) -> tuple[Budget, ...]:
        """In the order in which they were added."""
        key = frozenset(labels.items())
        found = self._of_labels.get(key)
        if found is None:
            asked = [*self._others, *(each for label in key for each in self._requiring.get(label, ()))]
            places = sorted(
                place for place, budget in asked if budget.selector and budget.selector.matches(labels)
            )
            found = self._of_labels[key] = tuple(self.budgets[place] for place in places)
        return found


def _status(budget: Budget, pods: Sequence[Pod], backing: Backing) -> BudgetStatus:
    expected = _expected(budget, pods, backing)
    times = [pod.seconds_to_ready for pod in pods if pod.seconds_to_ready is not None]
    return BudgetStatus(
        budget=budget,
        expected=expected,
        desired=desired_healthy(budget, expected),
        unready=tuple(pod.reference for pod in pods if not pod.ready and not pod.terminal),
        pod_ready_seconds=median(times) if times else None,
        uncountable=_uncountable(budget, pods),
    )


def _uncountable(budget: Budget, pods: Sequence[Pod]) -> tuple[Pod, ...]:
    """The pods whose controllers state no number of replicas, those that have ended included.

    The disruption controller asks each pod's controller for its scale, and counts nothing when it finds none
    (`getExpectedScale` in pkg/controller/disruption): "jobs.batch does not implement the scale subresource".
    """
    message = budget.sync_failure.lower()
    if not message:
        return ()
    named = tuple(
        pod
        for pod in pods
        if f'"{pod.name}"' in message or (pod.owner and f"{pod.owner.kind.lower()}s." in message)
    )
    return named or tuple(pod for pod in pods if pod.owner is None or pod.owner.kind in WITHOUT_SCALE)


def desired_healthy(budget: Budget, expected: int) -> int:
    """How many pods have to be healthy. Kubernetes rounds percentages up, those of maxUnavailable too."""
    if budget.max_unavailable is not None:
        return max(expected - _scaled(budget.max_unavailable, expected), 0)
    if budget.min_available is not None:
        return _scaled(budget.min_available, expected)
    return expected


def _scaled(value: int | str, whole: int) -> int:
    if isinstance(value, int):
        return value
    return math.ceil(int(value.rstrip("%")) * whole / 100)


def _expected(budget: Budget, pods: Sequence[Pod], backing: Backing) -> int:
    """How many pods there ought to be: what its controller says, once it has read the present spec.

    The controller compares a number for minAvailable with the pods that exist, anything else with the wanted
    replicas. Of the pods that exist, surplus ones of a roll-out are deleted before the drain needs them; so
    where all pods are known, the wanted replicas limit the count.
    """
    observed = budget.observed_generation >= budget.generation
    counts_pods = budget.max_unavailable is None and isinstance(budget.min_available, int)
    if observed and not counts_pods:
        return budget.expected_pods
    present = budget.expected_pods if observed else len(pods)
    wanted = _replicas(pods, backing)
    if wanted is None or len(pods) < present:
        return present
    return min(present, wanted + sum(pod.owner is None for pod in pods)) if counts_pods else wanted


def _replicas(pods: Sequence[Pod], backing: Backing) -> int | None:
    """Replicas wanted by all workloads behind the pods; None when one of them states no number."""
    wanted: dict[Reference, int] = {}
    for controller in {pod.owner for pod in pods if pod.owner}:
        scale = backing.scale(controller)
        if scale is None:
            return None
        wanted[scale.workload] = scale.pods
    return sum(wanted.values())


@dataclass(frozen=True, slots=True)
class Disruption:
    """One disruption that an eviction uses up of a budget."""

    allowed_before: int
    """What the budget allowed just before."""
    waits: bool
    """The budget allowed nothing, so the drain had to wait until a successor was ready."""


class Ledger:
    """What budgets allow in the course of a plan, eviction by eviction.

    A disruption is given back when the pod's successor is ready: at the latest when the step that evicted the
    pod is over, or earlier, when a drain waits for it. A budget is never overdrawn.
    """

    def __init__(self) -> None:
        self._allowed: dict[Reference, int] = {}
        self._taken: dict[Reference, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._of_step: dict[str, set[Reference]] = defaultdict(set)

    def take(self, status: BudgetStatus, step: str) -> Disruption:
        """Use up one disruption for a pod, waiting for it as long as necessary."""
        budget = status.budget.reference
        before = self._allowed.setdefault(budget, status.allowed)
        if before == 0:
            self._allowed[budget] = self._after_waiting(status)
        self._allowed[budget] -= 1
        self._taken[budget][step] += 1
        self._of_step[step].add(budget)
        return Disruption(allowed_before=before, waits=before == 0)

    def settle(self, step: str) -> None:
        """Give back what a step took: every pod it evicted runs elsewhere."""
        for budget in self._of_step.pop(step, ()):
            self._allowed[budget] += self._taken[budget].pop(step, 0)

    def _after_waiting(self, status: BudgetStatus) -> int:
        """What it allows once each evicted pod has a successor; if none was evicted, once all are healthy."""
        taken = self._taken[status.budget.reference]
        returned = sum(taken.values())
        taken.clear()
        return returned or max(status.headroom, 1)


def uses_of_budgets(verdicts: Iterable[PodPlan]) -> tuple[BudgetUse, ...]:
    """What evictions that belong together need of each budget."""
    evicted: dict[Reference, list[PodPlan]] = defaultdict(list)
    for pod in verdicts:
        if pod.verdict is Verdict.EVICT and pod.budget and pod.allowed_before is not None:
            evicted[pod.budget].append(pod)
    return tuple(
        BudgetUse(
            budget=budget,
            pods=len(pods),
            allowed=pods[0].allowed_before or 0,
            waits=sum(pod.waits for pod in pods),
        )
        for budget, pods in sorted(evicted.items())
    )
