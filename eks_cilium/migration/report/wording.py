"""Small pieces of text that all reports share: durations, counts, budgets, pods by workload."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from eks_cilium.migration.plan.model import Verdict
from eks_cilium.settings.model.migration import Capacity, Target
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from collections.abc import Sized

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.plan.model import BudgetUse, GroupPlan, NodePlan, Plan

_DIRECTION = {
    Target.CILIUM: "from the AWS VPC CNI to Cilium",
    Target.AWS_VPC_CNI: "from Cilium back to the AWS VPC CNI",
}
_EXTRA = {
    Capacity.SURGE: "{} in each group during the migration",
    Capacity.DECREMENT: "{} in each group first, which every old node then shrinks by one",
}


_Key: TypeAlias = "tuple[Reference | None, Verdict, Reference | None]"


class Bundle(NamedTuple):
    """Pods of one workload on one node with the same verdict and budget."""

    workload: Reference | None
    verdict: Verdict
    budget: Reference | None
    pods: int
    waits: int
    reason: str


def bundles(node: NodePlan) -> list[Bundle]:
    """A node's pods by workload and verdict; those that block its drain first."""
    numbers: Counter[_Key] = Counter()
    waits: Counter[_Key] = Counter()
    reasons: dict[_Key, str] = {}
    for pod in node.pods:
        key = (pod.workload, pod.verdict, pod.budget)
        numbers[key] += 1
        waits[key] += pod.waits
        reasons.setdefault(key, pod.reason)
    found = [Bundle(*key, count, waits[key], reasons[key]) for key, count in numbers.items()]
    return sorted(found, key=_blocking_first)


def _blocking_first(bundle: Bundle) -> tuple[bool, Verdict, str]:
    return (not bundle.verdict.blocks_drain, bundle.verdict, str(bundle.workload))


def counts(node: NodePlan) -> str:
    """The number of pods with each verdict, such as `2 evict, 1 skip`."""
    found = Counter(pod.verdict for pod in node.pods)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict if found[verdict]) or "no pods"


def budget_use(use: BudgetUse) -> str:
    """What a drain needs of a budget, such as `shop/web: 2 pods, 1 allowed, waits 1 x`."""
    waits = f", waits {use.waits} x" if use.waits else ""
    return (
        f"{use.budget.namespace}/{use.budget.name}: {counted(use.pods, 'pod')}, {use.allowed} allowed{waits}"
    )


def headline(plan: Plan) -> str:
    extra = _EXTRA[plan.capacity].format(counted(plan.surge, "extra node"))
    nodes, stops = counted(len(plan.nodes), "node"), ""
    if plan.left_out:
        nodes = f"{len(plan.nodes)} of {len(plan.nodes) + len(plan.left_out)} nodes"
        stops = ", and stops there (migration.only)"
    return (
        f"Cluster {plan.cluster}: {nodes} {_DIRECTION[plan.target]}, "
        f"{plan.parallel} at a time, {extra}; about {duration(plan.seconds)}{stops}"
    )


def sizes(group: GroupPlan) -> str:
    """The sizes of a group in the course of the migration."""
    node_group = f" (node group {group.node_group})" if group.node_group else ""
    return (
        f"{group.name}{node_group}: desired {group.desired}, up to {group.peak}, "
        f"{group.at_end} after the last drain, "
        f"minimum {group.minimum}, maximum {group.maximum}"
    )


class _AnyPlan(Protocol):
    """A plan of a migration, or one of restarts."""

    @property
    def clean(self) -> bool: ...

    @property
    def blockers(self) -> Sized: ...


def verdict_of(plan: _AnyPlan) -> str:
    """Whether the plan can be carried out, in one sentence."""
    if plan.clean:
        return "Nothing blocks this plan."
    return f"{counted(len(plan.blockers), 'blocker')}: nothing is changed until all are fixed or permitted."


def duration(seconds: float) -> str:
    """A time such as `1 h 05 min` or `1 min 30 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def on_nodes(nodes: tuple[str, ...]) -> str:
    """The nodes of a finding, such as ` (on node-1 and 2 more)`; empty for the whole cluster."""
    if not nodes:
        return ""
    return f" (on {named(nodes, 1)})"
