"""Makes the plan of a refresh from facts and options. It reads and changes nothing itself."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.backing import Backing
from eks_cilium.migration.options import Timings, covers
from eks_cilium.migration.plan.budgets import Budgets, Ledger, uses_of_budgets
from eks_cilium.migration.plan.findings import Findings
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.pods.staying import is_mount_server
from eks_cilium.migration.plan.verdicts import Context, verdict_on
from eks_cilium.migration.refresh import eligibility
from eks_cilium.migration.refresh.methods import Nodes, method_for
from eks_cilium.migration.refresh.model import Method, RefreshPlan, WorkloadPlan
from eks_cilium.migration.refresh.pods import needs_endpoint, why_no_agent
from eks_cilium.migration.refresh.verdicts import RULES
from eks_cilium.migration.replicas.roll_outs import most_unavailable
from eks_cilium.settings.model.migration import Jobs, RefreshOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.model import BudgetUse
    from eks_cilium.migration.refresh.model import RefreshFacts

_TIMINGS = Timings()
_DNS = Reference("Deployment", NAMESPACE, "coredns")


def plan(known: RefreshFacts, options: RefreshOptions, *, vpc_cni_version: str = "") -> RefreshPlan:
    """What a refresh will do to a cluster, and what blocks it."""
    findings = Findings("refresh")
    eligibility.check(known, options, vpc_cni_version, findings)
    pods = _SortedPods(known, options, findings)
    workloads = _workloads(known, options, pods.to_restart, findings)
    return RefreshPlan(
        cluster=known.facts.cluster.name,
        parallel=options.parallel,
        managed=sum(pod.uid in known.managed for pod in pods.manageable),
        total=len(pods.manageable),
        workloads=workloads,
        bare=tuple(pod.reference for pod in pods.bare),
        jobs=tuple(pod.reference for pod in pods.of_jobs),
        blockers=findings.blockers(),
        warnings=findings.warnings(),
        seconds=_total_seconds(workloads, options.parallel),
    )


def is_dns(workload: Reference) -> bool:
    """Whether this is CoreDNS, which is restarted first and alone: names have to resolve all the time."""
    return workload == _DNS


class _SortedPods:
    """The pods of a cluster, by what happens to them."""

    def __init__(self, known: RefreshFacts, options: RefreshOptions, findings: Findings) -> None:
        self._known, self._options, self._findings = known, options, findings
        self._backing = Backing.of(known.facts)
        self.manageable: list[Pod] = []
        self.bare: list[Pod] = []
        self.of_jobs: list[Pod] = []
        self.to_restart: dict[Reference, list[Pod]] = defaultdict(list)
        without_agent = {node.name: why for node in known.facts.nodes if (why := why_no_agent(node))}
        for pod in sorted(known.facts.pods, key=lambda pod: (pod.namespace, pod.name)):
            if not needs_endpoint(pod):
                continue
            if pod.node in without_agent:
                self._note_unmanageable(pod, without_agent[pod.node])
                continue
            self.manageable.append(pod)
            if pod.uid not in known.managed:
                self._sort(pod)

    def _sort(self, pod: Pod) -> None:
        backing, allow = self._backing, self._options.allow
        workload, bare = backing.workload_of(pod), backing.is_bare(pod)
        if is_mount_server(pod):
            self._findings.add(Code.SERVES_MOUNTS_LEFT, pod.reference, pod=pod.reference)
            self.bare.append(pod)
        elif backing.works_to_completion(pod):
            code = Code.JOB_AWAITED if self._options.jobs is Jobs.WAIT else Code.JOB_LEFT
            self._findings.add(code, workload, pod=pod.reference)
            self.of_jobs.append(pod)
        elif bare and not covers(allow.bare_pods, pod.reference):
            self._findings.add(Code.BARE_POD_LEFT, pod.reference, pod=pod.reference)
            self.bare.append(pod)
        else:
            self.to_restart[pod.reference if bare else workload].append(pod)

    def _note_unmanageable(self, pod: Pod, why: str) -> None:
        """A pod on Fargate blocks the plan until it is permitted; one on another such node is a warning."""
        node = Reference("Node", "", pod.node)
        if "fargate" in why and not self._options.allow.fargate_nodes:
            cluster = Reference("Cluster", "", self._known.facts.cluster.name)
            self._findings.add(Code.FARGATE_NODE, cluster, node=pod.node, pod=pod.reference)
        else:
            self._findings.add(Code.NODE_WITHOUT_CILIUM, node, detail=why, node=pod.node, pod=pod.reference)


def _workloads(
    known: RefreshFacts,
    options: RefreshOptions,
    to_restart: Mapping[Reference, Sequence[Pod]],
    findings: Findings,
) -> tuple[WorkloadPlan, ...]:
    facts, backing = known.facts, Backing.of(known.facts)
    context = Context(
        allow=options.allow,
        backing=backing,
        budgets=Budgets(facts.budgets, facts.pods, backing),
        ledger=Ledger(),
        findings=findings,
        now=facts.read_at,
    )
    nodes = Nodes(facts.nodes, facts.pods)
    return tuple(
        _workload(position, workload, to_restart[workload], options, context, nodes=nodes)
        for position, workload in enumerate(sorted(to_restart, key=_order), 1)
    )


def _workload(
    position: int,
    workload: Reference,
    pods: Sequence[Pod],
    options: RefreshOptions,
    context: Context,
    *,
    nodes: Nodes,
) -> WorkloadPlan:
    method, reason = method_for(workload, pods, context.backing, nodes, options)
    verdicts = tuple(verdict_on(pod, RULES[method], context, step=str(workload)) for pod in pods)
    context.ledger.settle(str(workload))
    owner = context.backing.owners.get(workload)
    uses = uses_of_budgets(verdicts)
    at_once = most_unavailable(owner, len(pods))
    return WorkloadPlan(
        position=position,
        workload=workload,
        uid=owner.uid if owner else "",
        method=method,
        reason=reason,
        at_once=at_once,
        pods=verdicts,
        budgets=uses,
        seconds=_seconds(pods, method, at_once, uses, options),
    )


def _order(workload: Reference) -> tuple[bool, str, str, str]:
    """CoreDNS first, the others by name: the same order in every run."""
    return (not is_dns(workload), workload.namespace, workload.kind, workload.name)


def _seconds(
    pods: Sequence[Pod], method: Method, at_once: int, uses: Sequence[BudgetUse], options: RefreshOptions
) -> float:
    """An order of magnitude: batches of pods stop and become ready, one batch after the other."""
    measured = [pod.seconds_to_ready for pod in pods if pod.seconds_to_ready is not None]
    ready = min(max(measured, default=_TIMINGS.pod_ready), _TIMINGS.longest_pod_ready)
    stop = 0.0
    if method is Method.EVICT:
        stop = max((min(pod.grace_seconds, _TIMINGS.longest_stop) for pod in pods), default=0.0)
    batch = min([at_once, *(max(use.allowed, 1) for use in uses)])
    batches = math.ceil(len(pods) / batch)
    return batches * (ready + stop) + options.settle_readings * _TIMINGS.between_readings


def _total_seconds(workloads: Sequence[WorkloadPlan], parallel: int) -> float:
    """CoreDNS, then the others, `parallel` at a time."""
    first = sum(planned.seconds for planned in workloads if is_dns(planned.workload))
    lanes = [first] * parallel
    for planned in workloads:
        if not is_dns(planned.workload):
            lanes[lanes.index(min(lanes))] += planned.seconds
    return max(lanes)
