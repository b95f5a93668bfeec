"""The rules for pods of a node that is drained.

First kubectl's filters in kubectl's order: terminating for too long, of a DaemonSet, static, terminating,
with local storage, without a controller. Then what kubectl does not check: where the pod can run again, and
whether its PodDisruptionBudget can ever allow the eviction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eks_cilium.migration.facts.pods import SAFE_TO_EVICT
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.budgets import WITHOUT_SCALE
from eks_cilium.migration.plan.model import Code, Verdict
from eks_cilium.migration.plan.places import Chance, zones_of
from eks_cilium.migration.plan.pods.data import host_paths, local_storage, local_volume
from eks_cilium.migration.plan.pods.requests import do_not_disrupt, prefers_to_stay
from eks_cilium.migration.plan.pods.staying import of_daemon_set, serves_mounts
from eks_cilium.migration.plan.pods.work import work_lost
from eks_cilium.migration.plan.verdicts import PodRules, Ruling
from eks_cilium.texts import named

if TYPE_CHECKING:
    from eks_cilium.migration.facts.model import Pod, Volume
    from eks_cilium.migration.plan.budgets import BudgetStatus
    from eks_cilium.migration.plan.verdicts import Case
    from eks_cilium.settings.model.migration import MigrationOptions

REMOVED_BY_KUBERNETES = frozenset({"batch.kubernetes.io/job-tracking"})
"""Finalizers that a controller of Kubernetes itself removes."""

_MOST_NAMED = 3


# Pods that stay, or that nothing has to be decided about.


def overdue(case: Case) -> Ruling | None:
    deleted, now, limit = case.pod.deleted, case.context.now, case.context.terminating_limit
    if deleted is None or now is None or limit is None:
        return None
    late = (now - deleted).total_seconds()
    return Ruling(Verdict.SKIP, f"should have stopped {late:.0f} s ago") if late > limit else None


def static(case: Case) -> Ruling | None:
    return Ruling(Verdict.SKIP, "a static pod, which only its kubelet can stop") if case.pod.mirror else None


def terminating(case: Case) -> Ruling | None:
    return Ruling(Verdict.WAIT, "already terminating") if case.pod.deleted else None


def ended(case: Case) -> Ruling | None:
    """Nothing is lost with a pod that has ended, and no budget counts it."""
    return Ruling(Verdict.EVICT, f"has ended ({case.pod.phase})") if case.pod.terminal else None


# What is against moving a pod.


def bare(case: Case) -> Ruling | None:
    pod = case.pod
    if not case.context.backing.is_bare(pod):
        return None
    # Its author says that it may go. The Cluster Autoscaler then evicts pods that nothing recreates as well.
    permitted = pod.annotations.get(SAFE_TO_EVICT) == "true"
    if permitted or covers(case.context.allow.bare_pods, pod.reference):
        case.find(Code.POD_LOST, pod.reference)
        return None
    if pod.owner:
        case.find(Code.DAEMON_SET_GONE, pod.reference, pod.owner.name)
        return Ruling(Verdict.REFUSE, f"{pod.owner} does not exist any more, so nothing recreates the pod")
    case.find(Code.BARE_POD, pod.reference)
    return Ruling(Verdict.REFUSE, "nothing recreates it")


def no_suitable_node(case: Case) -> Ruling | None:
    pod, places = case.pod, case.context.places
    assert places is not None, "only rules for a whole cluster ask for places"
    volumes = _volumes(case)
    if any(volume.local for volume in volumes) or places.chance(pod, case.group, volumes) is Chance.SURE:
        return None
    because_of_volume = places.chance(pod, case.group, ()) is Chance.SURE
    why = _volume_zones(volumes, places.sure_zones) if because_of_volume else _node_requirements(pod)
    if covers(_drain(case).allow.stranded_pods, pod.reference, case.workload):
        case.find(Code.STRANDED, case.workload, why)
        return None
    case.find(Code.VOLUME_ZONE if because_of_volume else Code.PLACEMENT, case.workload, why)
    return Ruling(Verdict.REFUSE, f"no new node is certain to suit it: {why}")


def several_budgets(case: Case) -> Ruling | None:
    if len(case.budgets) < 2:
        return None
    budgets = [status.budget.reference for status in case.budgets]
    names = " and ".join(budget.name for budget in budgets)
    if covers(case.context.allow.budgets, *budgets):
        case.find(Code.BUDGET_BYPASSED, budgets[0], f"two budgets, {names}")
        return Ruling(Verdict.DELETE, f"budgets {names} are ignored, as permitted", budgets[0])
    case.find(Code.TWO_BUDGETS, budgets[0], names)
    return Ruling(Verdict.BLOCKED, f"two budgets cover it: {names}", budgets[0])


def budget_never_allows(case: Case) -> Ruling | None:
    status = _only(case.budgets)
    if status is None or not status.counts(case.pod) or not status.closed:
        return None
    budget, why = status.budget.reference, _why_closed(status)
    if covers(case.context.allow.awaited_budgets, budget):
        case.find(Code.BUDGET_AWAITED, budget, why)
        return None
    if covers(case.context.allow.budgets, budget):
        case.find(Code.BUDGET_BYPASSED, budget, why)
        return Ruling(Verdict.DELETE, f"budget {budget.name} is ignored, as permitted", budget)
    if not status.never_allows:
        case.find(Code.BUDGET_CLOSED, budget, why)
        return None
    case.find(Code.BUDGET_NEVER_ALLOWS, budget, why)
    if status.budget.sync_failure:
        case.context.findings.advise(Code.BUDGET_NEVER_ALLOWS, budget, _how_to_count(status))
    return Ruling(Verdict.BLOCKED, f"budget {budget.name} never allows it: {why}", budget)


# Pods that move.


def evict(case: Case) -> Ruling:
    """Evicted, with what its budget allows by then."""
    if not case.budgets:
        pending = case.pod.phase == "Pending"
        return Ruling(Verdict.EVICT, "not started" if pending else "no budget covers it")
    status = case.budgets[0]
    budget = status.budget.reference
    if not status.counts(case.pod):
        return Ruling(Verdict.EVICT, "not ready, so its budget allows it", budget)
    disruption = case.context.ledger.take(status, case.step)
    allowed = f"its budget allows {disruption.allowed_before}"
    reason = "waits until a successor is ready" if disruption.waits else allowed
    return Ruling(Verdict.EVICT, reason, budget, disruption)


# What to know about a pod that moves.


def singleton(case: Case, ruling: Ruling) -> None:
    scale = case.context.backing.scale(case.pod.owner) if case.pod.owner else None
    if scale and scale.pods == 1 and ruling.budget is None:
        case.find(Code.SINGLETON, case.workload)


def comes_back(case: Case, _ruling: Ruling) -> None:
    if case.pod.tolerates_cordon:
        case.find(Code.COMES_BACK, case.workload)


def finalizers(case: Case, _ruling: Ruling) -> None:
    held_by = [name for name in case.pod.finalizers if name not in REMOVED_BY_KUBERNETES]
    if held_by:
        case.find(Code.FINALIZERS, case.workload, *held_by)


def long_grace(case: Case, _ruling: Ruling) -> None:
    grace, drain = case.pod.grace_seconds, _drain(case)
    if grace <= drain.drain_timeout_seconds:
        return
    detail = f"{grace} s of grace, which its drain waits for"
    if grace > drain.grace_limit_seconds:
        detail += f", but no longer than migration.graceLimitSeconds: {drain.grace_limit_seconds}"
    case.find(Code.LONG_GRACE, case.workload, detail)


DRAIN = PodRules(
    unmoved=(overdue, of_daemon_set, static, serves_mounts, terminating, ended),
    objections=(
        local_storage,
        bare,
        local_volume,
        no_suitable_node,
        do_not_disrupt,
        several_budgets,
        budget_never_allows,
    ),
    move=evict,
    warnings=(singleton, work_lost, prefers_to_stay, host_paths, comes_back, finalizers, long_grace),
)
"""For the plan of a whole cluster."""

DRAIN_NOW = replace(
    DRAIN, objections=tuple(rule for rule in DRAIN.objections if rule is not no_suitable_node)
)
"""For the pods of one node at the time of its drain, when nothing is known of other nodes."""


def _drain(case: Case) -> MigrationOptions:
    drain = case.context.drain
    assert drain is not None, "only rules for a drain ask for its options"
    return drain


def _volumes(case: Case) -> list[Volume]:
    return [volume for volume in case.context.backing.volumes_of(case.pod) if volume]


def _volume_zones(volumes: list[Volume], sure: tuple[str, ...]) -> str:
    bound = [(volume, zones_of(volume)) for volume in volumes]
    where = " and ".join(f"{volume.name} in {' or '.join(zones)}" for volume, zones in bound if zones)
    where = where or "the nodes that its volumes name are replaced"
    return f"{where}; new nodes are certain in {', '.join(sure) or 'none'}"


def _node_requirements(pod: Pod) -> str:
    terms = (
        " and ".join(f"{need.key} {need.operator} {'|'.join(need.values)}".strip() for need in term)
        for term in pod.node_requirements
    )
    return " or ".join(terms)


def _only(budgets: tuple[BudgetStatus, ...]) -> BudgetStatus | None:
    return budgets[0] if len(budgets) == 1 else None


def _how_to_count(status: BudgetStatus) -> str:
    """How a budget becomes countable: without pods whose controller has no number of replicas.

    For workloads of other kinds without a scale, Kubernetes counts the pods where minAvailable is a number
    (kubernetes.io/docs/tasks/run-application/configure-pdb, "Arbitrary workloads").
    """
    pods = status.uncountable
    if pods and not any(pod.owner is None or pod.owner.kind in WITHOUT_SCALE for pod in pods):
        return "set minAvailable to a number of pods instead: for that Kubernetes counts the pods themselves"
    covered = (
        named([f"pod {pod.name}" for pod in pods], _MOST_NAMED) or "pods of a controller without replicas"
    )
    advice = f"narrow its selector so that it does not cover {covered}"
    ended = [pod.name for pod in pods if pod.terminal]
    if not ended:
        return f"{advice}; pods of Jobs may be deleted once they have ended"
    command = f"kubectl delete pod --namespace {status.budget.namespace} {' '.join(ended[:_MOST_NAMED])}"
    return f"{advice}, or delete what has ended: {command}"


def _why_closed(status: BudgetStatus) -> str:
    operator = status.budget.operator
    return _rule_broken(status) + (f"; it belongs to {operator}" if operator else "")


def _rule_broken(status: BudgetStatus) -> str:
    expected, desired = status.expected, status.desired
    if status.budget.sync_failure:
        pods = [f"pod {pod.name} of {pod.owner or 'no controller'}" for pod in status.uncountable]
        because = f" ({named(pods, _MOST_NAMED)})" if pods else ""
        return f"its controller cannot count the pods: {status.budget.sync_failure}{because}"
    if expected == 0:
        return f"{status.rule} counts no pod, since no controller with replicas has the pods it covers"
    return f"{status.rule} requires {desired} of {expected} pods healthy, so none may be missing"
