"""Makes the plan of a refresh: a pure function of what was found and what is asked for."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.backing import Backing, is_of_job
from eks_cilium.migration.options import Timings, covers
from eks_cilium.migration.plan.budgets import Budgets, Ledger
from eks_cilium.migration.plan.findings import Findings
from eks_cilium.migration.plan.model import BudgetUse, Code, Verdict
from eks_cilium.migration.plan.verdicts import Context, verdict_on
from eks_cilium.migration.refresh import eligibility
from eks_cilium.migration.refresh.model import How, RefreshPlan, WorkloadPlan
from eks_cilium.migration.refresh.pods import is_ordinary, unable
from eks_cilium.migration.refresh.verdicts import RULES
from eks_cilium.migration.refresh.ways import way, width
from eks_cilium.settings.model.migration import Jobs, RefreshOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.refresh.model import Found

_TIMINGS = Timings()
_DNS = Reference("Deployment", NAMESPACE, "coredns")


def plan(found: Found, options: RefreshOptions, *, vpc_cni_version: str = "") -> RefreshPlan:
    """What a refresh will do to a cluster, and what forbids it."""
    findings = Findings("refresh")
    eligibility.check(found, options, vpc_cni_version, findings)
    sorted_pods = _Sorted(found, options, findings)
    planned = _planned(found, options, sorted_pods.to_restart, findings)
    return RefreshPlan(
        cluster=found.facts.cluster.name,
        parallel=options.parallel,
        managed=sum(pod.uid in found.managed for pod in sorted_pods.reachable),
        total=len(sorted_pods.reachable),
        workloads=planned,
        bare=tuple(pod.reference for pod in sorted_pods.bare),
        jobs=tuple(pod.reference for pod in sorted_pods.of_jobs),
        blockers=findings.blockers(),
        warnings=findings.warnings(),
        seconds=_in_all(planned, options.parallel),
    )


def is_dns(workload: Reference) -> bool:
    """Whether everything else waits for a workload: names have to resolve all the time."""
    return workload == _DNS


class _Sorted:
    """The pods of a cluster, by what becomes of them."""

    def __init__(self, found: Found, options: RefreshOptions, findings: Findings) -> None:
        self._found, self._options, self._findings = found, options, findings
        self._backing = Backing.of(found.facts)
        self.reachable: list[Pod] = []
        """Pods that Cilium could manage."""
        self.bare: list[Pod] = []
        self.of_jobs: list[Pod] = []
        self.to_restart: dict[Reference, list[Pod]] = defaultdict(list)
        without = {node.name: why for node in found.facts.nodes if (why := unable(node))}
        for pod in sorted(found.facts.pods, key=lambda pod: (pod.namespace, pod.name)):
            if not is_ordinary(pod):
                continue
            if pod.node in without:
                self._out_of_reach(pod, without[pod.node])
                continue
            self.reachable.append(pod)
            if pod.uid not in found.managed:
                self._sort(pod)

    def _sort(self, pod: Pod) -> None:
        backing, allow = self._backing, self._options.allow
        workload, bare = backing.workload_of(pod), backing.is_bare(pod)
        if is_of_job(pod):
            code = Code.JOB_AWAITED if self._options.jobs is Jobs.WAIT else Code.JOB_LEFT
            self._findings.add(code, workload, pod=pod.reference)
            self.of_jobs.append(pod)
        elif bare and not covers(allow.bare_pods, pod.reference):
            self._findings.add(Code.BARE_POD_LEFT, pod.reference, pod=pod.reference)
            self.bare.append(pod)
        else:
            self.to_restart[pod.reference if bare else workload].append(pod)

    def _out_of_reach(self, pod: Pod, why: str) -> None:
        """Pods on Fargate people have to answer for; of other nodes nothing else was to be expected."""
        node = Reference("Node", "", pod.node)
        if "fargate" in why and not self._options.allow.fargate_nodes:
            cluster = Reference("Cluster", "", self._found.facts.cluster.name)
            self._findings.add(Code.FARGATE_NODE, cluster, node=pod.node, pod=pod.reference)
        else:
            self._findings.add(Code.NODE_WITHOUT_CILIUM, node, detail=why, node=pod.node, pod=pod.reference)


def _planned(
    found: Found,
    options: RefreshOptions,
    to_restart: Mapping[Reference, Sequence[Pod]],
    findings: Findings,
) -> tuple[WorkloadPlan, ...]:
    facts = found.facts
    backing = Backing.of(facts)
    context = Context(
        allow=options.allow,
        backing=backing,
        budgets=Budgets(facts.budgets, facts.pods, backing),
        ledger=Ledger(),
        findings=findings,
        now=facts.read_at,
    )
    made = []
    for position, workload in enumerate(_ordered(to_restart), 1):
        pods = to_restart[workload]
        how, why = way(workload, pods, backing, options)
        verdicts = tuple(verdict_on(pod, RULES[how], context, step=str(workload)) for pod in pods)
        context.ledger.settle(str(workload))
        owner = facts.owners.get(workload)
        uses = _uses(verdicts)
        missing = width(owner, len(pods))
        made.append(
            WorkloadPlan(
                position=position,
                workload=workload,
                uid=owner.uid if owner else "",
                how=how,
                why=why,
                width=missing,
                pods=verdicts,
                budgets=uses,
                seconds=_seconds(pods, how, missing, uses, options),
            )
        )
    return tuple(made)


def _ordered(workloads: Mapping[Reference, object]) -> list[Reference]:
    """CoreDNS first, then by name; the same order every time."""
    return sorted(workloads, key=lambda one: (not is_dns(one), one.namespace, one.kind, one.name))


def _uses(verdicts: Sequence[PodPlan]) -> tuple[BudgetUse, ...]:
    taking: dict[Reference, list[PodPlan]] = defaultdict(list)
    for pod in verdicts:
        if pod.verdict is Verdict.EVICT and pod.budget and pod.allowed_before is not None:
            taking[pod.budget].append(pod)
    return tuple(
        BudgetUse(budget, len(pods), pods[0].allowed_before or 0, sum(pod.waits for pod in pods))
        for budget, pods in sorted(taking.items())
    )


def _seconds(
    pods: Sequence[Pod],
    how: How,
    missing: int,
    uses: Sequence[BudgetUse],
    options: RefreshOptions,
) -> float:
    """An order of size: so many pods at once stop and become ready, one lot after the other."""
    known = [pod.seconds_to_ready for pod in pods if pod.seconds_to_ready is not None]
    ready = min(max(known, default=_TIMINGS.pod_ready), _TIMINGS.longest_pod_ready)
    stop = 0.0
    if how is How.EVICT:
        stop = max((min(pod.grace_seconds, _TIMINGS.longest_stop) for pod in pods), default=0.0)
    at_once = min([missing, *(max(use.allowed, 1) for use in uses)])
    lots = math.ceil(len(pods) / at_once)
    return lots * (ready + stop) + options.settle_readings * _TIMINGS.between_readings


def _in_all(planned: Sequence[WorkloadPlan], parallel: int) -> float:
    """CoreDNS, then the others in so many lanes."""
    first = sum(one.seconds for one in planned if is_dns(one.workload))
    lanes = [first] * parallel
    for one in planned:
        if not is_dns(one.workload):
            lanes[lanes.index(min(lanes))] += one.seconds
    return max(lanes)
