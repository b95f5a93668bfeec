"""The rules for pods that are restarted where they are, instead of being drained off their node.

Rules that matter only to a pod that leaves its node are left out: all nodes stay, and a DaemonSet recreates
its pods on the same node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Code, Verdict
from eks_cilium.migration.plan.pod_rules import (
    budget_never_allows,
    ended,
    evict,
    finalizers,
    several_budgets,
    singleton,
    terminating,
)
from eks_cilium.migration.plan.pods.data import host_paths, local_storage
from eks_cilium.migration.plan.pods.requests import do_not_disrupt, prefers_to_stay
from eks_cilium.migration.plan.verdicts import PodRules, Ruling
from eks_cilium.migration.refresh.model import Method

if TYPE_CHECKING:
    from eks_cilium.migration.plan.verdicts import Case


def bare_pod_stays(case: Case) -> Ruling | None:
    """A bare pod stays without Cilium, unless the configuration permits to lose it."""
    if not case.context.backing.is_bare(case.pod):
        return None
    if covers(case.context.allow.bare_pods, case.pod.reference):
        case.find(Code.POD_LOST, case.pod.reference)
        return None
    return Ruling(Verdict.SKIP, "nothing recreates it")


def rolled_out(_case: Case) -> Ruling:
    return Ruling(Verdict.ROLL, "its successor is ready before it is deleted")


_EVICTED = PodRules(
    unmoved=(terminating, ended),
    objections=(local_storage, bare_pod_stays, do_not_disrupt, several_budgets, budget_never_allows),
    move=evict,
    warnings=(singleton, prefers_to_stay, host_paths, finalizers),
)

# A Deployment's own roll-out asks no budget, and undercuts none: it creates every new pod first.
_ROLLED_OUT = PodRules(
    unmoved=(terminating, ended),
    objections=(local_storage, bare_pod_stays, do_not_disrupt),
    move=rolled_out,
    warnings=(prefers_to_stay, host_paths),
)

RULES = {Method.EVICT: _EVICTED, Method.ROLL_OUT: _ROLLED_OUT}
