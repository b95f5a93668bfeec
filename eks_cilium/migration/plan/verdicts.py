"""The verdict on every pod of a node that is to be drained.

First kubectl's filters in kubectl's order: already deleted, of a DaemonSet, static, with local storage, with
nothing behind it. Then what kubectl does not look at: where the pod can run again, and its budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.migration.plan.model import Code, PodPlan, Verdict
from eks_cilium.migration.plan.places import Chance, zones_of
from eks_cilium.migration.plan.workload import behind, scale

if TYPE_CHECKING:
    from datetime import datetime

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Facts, Pod
    from eks_cilium.migration.options import Options
    from eks_cilium.migration.plan.budgets import Budgets, Ledger, Standing, Take
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.migration.plan.places import Places


TAKEN_OFF_BY_KUBERNETES = frozenset({"batch.kubernetes.io/job-tracking"})


class Ruling(NamedTuple):
    """A verdict and why."""

    verdict: Verdict
    reason: str
    budget: Reference | None = None
    take: Take | None = None


class Judge:
    """Gives verdicts in the order in which pods are evicted, since every eviction uses up a budget."""

    def __init__(
        self,
        facts: Facts,
        options: Options,
        *,
        budgets: Budgets,
        ledger: Ledger,
        places: Places,
        findings: Findings,
    ) -> None:
        self._facts, self._options = facts, options
        self._budgets, self._ledger, self._places, self._findings = budgets, ledger, places, findings

    def judge(self, pod: Pod, group: str) -> PodPlan:
        """What happens to one pod of a node of a group."""
        workload = behind(pod, self._facts.owners)
        ruling = self._stays(pod) or self._over(pod) or self._moves(pod, workload, group)
        if ruling.verdict.moves and not pod.terminal:
            self._caution(pod, workload, ruling)
        return PodPlan(
            pod=pod.reference,
            uid=pod.uid,
            verdict=ruling.verdict,
            reason=ruling.reason,
            workload=workload,
            budget=ruling.budget,
            allowed_before=ruling.take.before if ruling.take else None,
            waits=bool(ruling.take and ruling.take.waits),
        )

    def _stays(self, pod: Pod) -> Ruling | None:
        """Pods that nobody evicts: they are going, or they go with the node."""
        overdue = _seconds_since(pod.deleted, self._facts.read_at)
        limit = self._options.terminating_limit
        if overdue is not None and limit is not None and overdue > limit:
            return Ruling(Verdict.SKIP, f"should have been gone {overdue:.0f} s ago")
        if (
            pod.owner
            and pod.owner.kind == "DaemonSet"
            and pod.owner in self._facts.owners
            and not pod.terminal
        ):
            return Ruling(Verdict.SKIP, f"{pod.owner} runs it on every node")
        if pod.mirror:
            return Ruling(Verdict.SKIP, "a static pod, which only its kubelet can stop")
        if pod.deleted:
            return Ruling(Verdict.WAIT, "terminating already")
        return None

    @staticmethod
    def _over(pod: Pod) -> Ruling | None:
        """Pods that have come to their end: nothing is lost with them, and no budget counts them."""
        return Ruling(Verdict.EVICT, f"has ended ({pod.phase})") if pod.terminal else None

    def _moves(self, pod: Pod, workload: Reference, group: str) -> Ruling:
        """Pods that have to run elsewhere. All that is against it is found, so that all is fixed at once."""
        objections = [
            self._local_storage(pod, workload),
            self._unreplicated(pod),
            self._homeless(pod, workload, group),
            self._barred(pod),
        ]
        return next((objection for objection in objections if objection), None) or self._evicted(pod)

    def _local_storage(self, pod: Pod, workload: Reference) -> Ruling | None:
        if not pod.local_volumes:
            return None
        excepted = self._options.allow.local_storage.covers(pod.reference, workload)
        for name in pod.local_volumes:
            self._find(Code.DATA_LOST if excepted else Code.LOCAL_STORAGE, workload, pod, name)
        if excepted:
            return None
        return Ruling(Verdict.REFUSE, f"would lose what is in emptyDir {', '.join(pod.local_volumes)}")

    def _unreplicated(self, pod: Pod) -> Ruling | None:
        if pod.owner and not _of_daemon_set(pod):
            return None
        if self._options.allow.bare_pods.covers(pod.reference):
            self._find(Code.POD_LOST, pod.reference, pod)
            return None
        if pod.owner:
            self._find(Code.DAEMON_SET_GONE, pod.reference, pod, pod.owner.name)
            return Ruling(Verdict.REFUSE, f"{pod.owner} is gone, so nothing makes the pod anew")
        self._find(Code.BARE_POD, pod.reference, pod)
        return Ruling(Verdict.REFUSE, "nothing makes it anew")

    def _homeless(self, pod: Pod, workload: Reference, group: str) -> Ruling | None:
        """Pods that could not run again elsewhere."""
        local = [volume.name for volume in self._places.volumes(pod) if volume.local]
        if local:
            self._find(Code.LOCAL_VOLUME, workload, pod, *local)
            return Ruling(Verdict.REFUSE, f"its volume {local[0]} is on the disk of this node")
        if self._places.with_volumes(pod, group) is Chance.SURE:
            return None
        by_volume = self._places.for_pod(pod, group) is Chance.SURE
        why = self._volume_zones(pod) if by_volume else _demands(pod)
        if self._options.allow.stranded_pods.covers(pod.reference, workload):
            self._find(Code.STRANDED, workload, pod, why)
            return None
        self._find(Code.VOLUME_ZONE if by_volume else Code.PLACEMENT, workload, pod, why)
        return Ruling(Verdict.REFUSE, f"no new node is sure to suit it: {why}")

    def _volume_zones(self, pod: Pod) -> str:
        bound = [(volume, zones_of(volume)) for volume in self._places.volumes(pod)]
        named = " and ".join(f"{volume.name} in {' or '.join(zones)}" for volume, zones in bound if zones)
        return f"{named}; sure are {', '.join(self._places.sure_zones) or 'none'}"

    def _barred(self, pod: Pod) -> Ruling | None:
        """Pods whose budgets never let them go."""
        covering = self._covering(pod)
        if len(covering) > 1:
            return self._double(pod, covering)
        if covering and covering[0].asked_for(pod) and covering[0].never_allows:
            return self._blocked(pod, covering[0])
        return None

    def _evicted(self, pod: Pod) -> Ruling:
        """Pods that go, with what their budget allows by then."""
        covering = self._covering(pod)
        if not covering:
            return Ruling(Verdict.EVICT, "not started" if pod.phase == "Pending" else "no budget covers it")
        standing, budget = covering[0], covering[0].budget.reference
        if not standing.asked_for(pod):
            return Ruling(Verdict.EVICT, "not ready, so its budget lets it go", budget)
        take = self._ledger.take(standing, self._step_of(pod))
        reason = "waits until a successor is ready" if take.waits else f"its budget allows {take.before}"
        return Ruling(Verdict.EVICT, reason, budget, take)

    def _step_of(self, pod: Pod) -> str:
        """What is done as one: when it is over, its budgets are whole again."""
        return pod.node

    def _covering(self, pod: Pod) -> tuple[Standing, ...]:
        """The budgets the API server asks; for pods that have not started it asks none."""
        return () if pod.phase == "Pending" else self._budgets.of(pod)

    def _double(self, pod: Pod, covering: tuple[Standing, ...]) -> Ruling:
        budgets = [standing.budget.reference for standing in covering]
        names = " and ".join(budget.name for budget in budgets)
        if self._options.allow.budgets.covers(*budgets):
            self._find(Code.BUDGET_BYPASSED, budgets[0], pod, f"two budgets, {names}")
            return Ruling(Verdict.DELETE, f"budgets {names} are not asked, as allowed", budgets[0])
        self._find(Code.TWO_BUDGETS, budgets[0], pod, names)
        return Ruling(Verdict.BLOCKED, f"two budgets cover it: {names}", budgets[0])

    def _blocked(self, pod: Pod, standing: Standing) -> Ruling:
        budget, why = standing.budget.reference, _never(standing)
        if self._options.allow.budgets.covers(budget):
            self._find(Code.BUDGET_BYPASSED, budget, pod, why)
            return Ruling(Verdict.DELETE, f"budget {budget.name} is not asked, as allowed", budget)
        self._find(Code.BUDGET_NEVER_ALLOWS, budget, pod, why)
        return Ruling(Verdict.BLOCKED, f"budget {budget.name} never allows it: {why}", budget)

    def _caution(self, pod: Pod, workload: Reference, ruling: Ruling) -> None:
        replicas = scale(pod.owner, self._facts.owners) if pod.owner else None
        if replicas and replicas[1] == 1 and ruling.budget is None:
            self._find(Code.SINGLETON, workload, pod)
        if pod.owner and pod.owner.kind == "Job":
            self._find(Code.WORK_LOST, workload, pod)
        if pod.annotations:
            self._find(Code.ASKS_TO_STAY, workload, pod, *pod.annotations)
        if pod.tolerates_cordon:
            self._find(Code.COMES_BACK, workload, pod)
        kept_by = [name for name in pod.finalizers if name not in TAKEN_OFF_BY_KUBERNETES]
        if kept_by:
            self._find(Code.FINALIZERS, workload, pod, *kept_by)
        if pod.grace_seconds > self._options.drain_timeout:
            text = f"{pod.grace_seconds} s of grace, {self._options.drain_timeout:.0f} s for a drain"
            self._find(Code.LONG_GRACE, workload, pod, text)

    def _find(self, code: Code, about: Reference, pod: Pod, *details: str) -> None:
        for detail in details or ("",):
            self._findings.add(code, about, detail=detail, node=pod.node, pod=pod.reference)


def _of_daemon_set(pod: Pod) -> bool:
    return pod.owner is not None and pod.owner.kind == "DaemonSet"


def _never(standing: Standing) -> str:
    if standing.budget.sync_failure:
        return f"its controller cannot count the pods: {standing.budget.sync_failure}"
    if standing.expected == 0:
        return f"{standing.rule} counts no pod, since it covers none that a controller scales"
    return f"{standing.rule} of {standing.expected} wants {standing.desired} healthy, which leaves none"


def _demands(pod: Pod) -> str:
    """Its demands on a node's labels, as short as they can be told."""
    terms = (
        " and ".join(f"{one.key} {one.operator} {'|'.join(one.values)}".strip() for one in term)
        for term in pod.node_requirements
    )
    return " or ".join(terms)


def _seconds_since(then: datetime | None, now: datetime | None) -> float | None:
    return (now - then).total_seconds() if then and now else None
