"""Makes the plan of a migration from facts and options, in time proportional to the number of pods.

Called by `eks-cilium plan`, by the previews of the dynamic resources, and again at the start of an update.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from eks_cilium.migration.facts.backing import Backing
from eks_cilium.migration.lanes import Lanes
from eks_cilium.migration.options import CiliumChoices, Limits, Recorded
from eks_cilium.migration.part import Member, selected
from eks_cilium.migration.plan import eligibility, places, sizes
from eks_cilium.migration.plan.apart import put_apart
from eks_cilium.migration.plan.budgets import Budgets, Ledger, uses_of_budgets
from eks_cilium.migration.plan.estimate import bounds, timing
from eks_cilium.migration.plan.findings import Findings
from eks_cilium.migration.plan.model import Code, LeftOut, NodePlan, Plan, Verdict
from eks_cilium.migration.plan.network import addresses
from eks_cilium.migration.plan.order import in_progress, ordered
from eks_cilium.migration.plan.places import Places
from eks_cilium.migration.plan.pod_rules import DRAIN
from eks_cilium.migration.plan.pods import volume_zones
from eks_cilium.migration.plan.verdicts import Context, verdict_on
from eks_cilium.migration.replicas.roll_outs import most_unavailable
from eks_cilium.migration.replicas.together import most_together
from eks_cilium.settings.model.migration import MigrationOptions, Target
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Facts, Group, Node, Pod
    from eks_cilium.migration.options import Timings
    from eks_cilium.migration.plan.budgets import BudgetStatus
    from eks_cilium.migration.plan.capacity import Forecast
    from eks_cilium.migration.plan.eligibility import SortedNodes
    from eks_cilium.migration.plan.model import PodPlan


def plan(
    facts: Facts,
    options: MigrationOptions | None = None,
    *,
    recorded: Recorded | None = None,
    limits: Limits | None = None,
    timings: Timings | None = None,
    cilium: CiliumChoices | None = None,
) -> Plan:
    """What a migration will do to a cluster, and what blocks it.

    `cilium` is configured so; without it an installed Cilium stays as it is, and else has the defaults.
    """
    options, recorded = options or MigrationOptions(), recorded or Recorded()
    limits, timings = limits or Limits.of(options), timings or timing.calibrated(facts)
    findings, cilium = Findings(), cilium or facts.cilium or CiliumChoices()
    eligibility.check_cluster(facts, options, cilium, findings)
    kinds = eligibility.sort(facts, options, recorded, findings)
    backing = Backing.of(facts)
    budgets = Budgets(facts.budgets, facts.pods, backing)
    every = _order(facts, kinds, recorded, budgets, options)
    names = _part(every, options, recorded)
    forecasts = sizes.forecasts(every, options, recorded, facts, findings, part=names)
    if options.target is Target.CILIUM:
        extra = options.surge if recorded.outgoing is None else 0
        addresses.check(facts, options, cilium, every, findings, extra=extra)
    context = _context(
        facts,
        options,
        limits=limits,
        backing=backing,
        budgets=budgets,
        places=_places(facts, kinds, every, forecasts, names),
        findings=findings,
    )
    drains = _Drains(facts, options, timings, forecasts, context)
    planned = drains.of_part(every, names)
    nodes = timing.scheduled(planned, drains.lanes, options, timings)
    return Plan(
        cluster=facts.cluster.name,
        target=options.target,
        capacity=options.capacity,
        surge=options.surge,
        parallel=options.parallel,
        nodes=nodes,
        groups=tuple(course.sizes for course in forecasts.values()),
        blockers=findings.blockers(),
        warnings=findings.warnings(),
        leaving=kinds.leaving,
        left_alone=kinds.left_alone,
        impossible=kinds.impossible,
        left_out=tuple(
            _left_out(position, node, group)
            for position, (node, group) in enumerate(every, 1)
            if node.name not in names
        ),
        seconds=max((node.ends for node in nodes), default=0.0),
        shares=bounds.shares(nodes, drains.lanes),
    )


def _order(
    facts: Facts, kinds: SortedNodes, recorded: Recorded, budgets: Budgets, options: MigrationOptions
) -> list[tuple[Node, Group]]:
    """The recorded order, where there is one: pods have moved since it was made."""
    own = (
        next((pod.node for pod in facts.pods if pod.reference == facts.own_pod), None)
        if facts.own_pod
        else None
    )
    group_of = {node.name: group for node, group in kinds.replaceable}
    nodes = [node for node, _ in kinds.replaceable]
    if recorded.order:
        places = {name: place for place, name in enumerate(recorded.order)}
        found = sorted(nodes, key=lambda node: places[node.name])
    else:
        names = {name: group.name for name, group in group_of.items()}
        found = [*ordered(nodes, own, lambda ready: put_apart(ready, names, facts.pods, budgets, options))]
    return [(node, group_of[node.name]) for node in found]


def _part(
    order: Sequence[tuple[Node, Group]], options: MigrationOptions, recorded: Recorded
) -> frozenset[str]:
    """Names of the nodes that are replaced for now; once they are recorded, the record decides."""
    if recorded.part is not None:
        return recorded.part
    return selected([_member(node, group) for node, group in order], options.part)


def _left_out(position: int, node: Node, group: Group) -> LeftOut:
    return LeftOut(
        position=position,
        node=node.name,
        uid=node.uid,
        instance=node.instance or "",
        zone=node.zone or "",
        group=group.name,
        node_group=group.node_group or "",
        cordoned=node.unschedulable,
    )


def _member(node: Node, group: Group) -> Member:
    return Member(node.name, group.name, group.node_group or "")


def _places(
    facts: Facts,
    kinds: SortedNodes,
    order: Sequence[tuple[Node, Group]],
    forecasts: dict[str, Forecast],
    part: Collection[str],
) -> Places:
    """New nodes, and those that stay: with the new CNI, or left out for now."""
    staying = [*kinds.staying, *(node for node, _ in order if node.name not in part)]
    members: dict[str, list[Node]] = defaultdict(list)
    groups = {group.name: group for _, group in order}
    for node, group in order:
        members[group.name].append(node)
    group_of = {instance.id: group.name for group in facts.groups for instance in group.instances}
    return Places(
        (
            *(places.new_nodes(groups[name], course, members[name]) for name, course in forecasts.items()),
            *(places.existing(node, group_of.get(node.instance or "", "")) for node in staying),
        )
    )


def _context(
    facts: Facts,
    options: MigrationOptions,
    *,
    limits: Limits,
    backing: Backing,
    budgets: Budgets,
    places: Places,
    findings: Findings,
) -> Context:
    return Context(
        allow=options.allow,
        backing=backing,
        budgets=budgets,
        ledger=Ledger(),
        findings=findings,
        places=places,
        now=facts.read_at,
        drain=options,
        terminating_limit=limits.terminating,
    )


class _Drains:
    """The drains of all nodes, each with what the drains before it left of the budgets."""

    def __init__(
        self,
        facts: Facts,
        options: MigrationOptions,
        timings: Timings,
        forecasts: dict[str, Forecast],
        context: Context,
    ) -> None:
        self._facts, self._options, self._timings = facts, options, timings
        self._forecasts, self._context = forecasts, context
        self._statuses = {status.budget.reference: status for status in context.budgets}
        self._pods: dict[str, list[Pod]] = defaultdict(list)
        for pod in sorted(facts.pods, key=lambda pod: (pod.namespace, pod.name)):
            self._pods[pod.node].append(pod)
        self._volumes: dict[str, list[str]] = defaultdict(list)
        for volume in facts.volumes.values():
            for node in volume.attached_to:
                self._volumes[node].append(volume.name)
        self._done_of_group: dict[str, int] = defaultdict(int)
        self.lanes = Lanes({}, options.parallel)
        backing = context.backing
        self._pods_of = Counter(
            backing.workload_of(pod)
            for pod in facts.pods
            if not (pod.terminal or pod.mirror or backing.works_to_completion(pod))
        )

    def of_part(self, order: Sequence[tuple[Node, Group]], part: Collection[str]) -> tuple[NodePlan, ...]:
        """One plan for each node of the part. A drain gets back what drains used up that end before it."""
        planned: list[NodePlan] = []
        groups = {node.name: group.name for node, group in order if node.name in part}
        self.lanes = Lanes(groups, self._options.parallel)
        for position, (node, group) in enumerate(order, 1):
            if node.name not in part:
                continue
            if before := self.lanes.before(node.name):
                self._context.ledger.settle(before)
            planned.append(self._of_node(position, node, group))
        self._note_budgets(planned)
        self._note_replicas(planned)
        volume_zones.check(planned, self._facts, self._forecasts, self._context)
        return tuple(planned)

    def _of_node(self, position: int, node: Node, group: Group) -> NodePlan:
        pods = self._pods[node.name]
        verdicts = tuple(
            verdict_on(pod, DRAIN, self._context, group=group.name, step=node.name) for pod in pods
        )
        uses = uses_of_budgets(verdicts)
        course, index = self._forecasts[group.name], self._done_of_group[group.name]
        self._done_of_group[group.name] += 1
        staying = self._volumes_that_stay(pods, verdicts)
        volumes = tuple(sorted(set(self._volumes[node.name]) - staying))
        moving = [pod for pod, planned in zip(pods, verdicts, strict=True) if planned.verdict.moves]
        return NodePlan(
            position=position,
            node=node.name,
            uid=node.uid,
            instance=node.instance or "",
            group=group.name,
            zone=node.zone or "",
            in_progress=in_progress(node),
            decrement=course.decrements[index],
            replacement_zones=course.replacement_zones(index),
            pods=verdicts,
            budgets=uses,
            volumes=volumes,
            seconds=timing.of_node(
                self._options,
                self._timings,
                evicted=moving,
                budgets=uses,
                statuses=self._statuses,
                volumes=len(volumes),
                load_balancers=len(self._facts.load_balancers),
            ),
            cordoned=node.unschedulable,
        )

    def _volumes_that_stay(self, pods: Sequence[Pod], verdicts: Sequence[PodPlan]) -> set[str]:
        """Volumes of DaemonSets and static pods, which are detached with the instance."""
        backing = self._context.backing
        return {
            volume.name
            for pod, planned in zip(pods, verdicts, strict=True)
            if planned.verdict is Verdict.SKIP
            for volume in backing.volumes_of(pod)
            if volume
        }

    def _note_budgets(self, nodes: Sequence[NodePlan]) -> None:
        """Warn of budgets that the drains need and that allow nothing at the moment."""
        asked: dict[Reference, str] = {}
        for node in nodes:
            for use in node.budgets:
                asked.setdefault(use.budget, node.node)
        for budget, first in asked.items():
            status = self._statuses[budget]
            if status.stale:
                self._context.findings.add(Code.BUDGET_STALE, budget, node=first)
            elif status.busy:
                self._context.findings.add(Code.BUDGET_BUSY, budget, detail=_health(status), node=first)

    def _note_replicas(self, nodes: Sequence[NodePlan]) -> None:
        """Warn of replicas without a budget that are drained at once, more than may be missing at once."""
        drains = [(node.node, Counter(filter(None, map(_without_budget, node.pods)))) for node in nodes]
        backing = self._context.backing
        for workload, found in most_together(drains, self.lanes.in_all).items():
            owner = backing.owners.get(workload)
            wanted = owner.desired if owner else self._pods_of[workload]
            if wanted is None or wanted < 2 or found.pods <= (at_once := most_unavailable(owner, wanted)):
                continue
            where = (
                f"{found.pods} of {wanted} pods on {named(found.nodes)}, of which {at_once} may be missing"
            )
            for node in found.nodes:
                self._context.findings.add(Code.REPLICAS_TOGETHER, workload, detail=where, node=node)


def _without_budget(planned: PodPlan) -> Reference | None:
    """The workload of a pod that moves without a budget being asked."""
    asks = planned.budget is not None and planned.verdict is not Verdict.DELETE
    return planned.workload if planned.verdict.moves and not asks else None


def _health(status: BudgetStatus) -> str:
    healthy = f"{status.budget.current_healthy} healthy, {status.budget.desired_healthy} wanted"
    return f"{healthy}, not ready: {named(status.unready)}" if status.unready else healthy
