"""Small pieces of text that all reports share: durations, counts, budgets, pods by workload."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from eks_cilium.migration.options import Capacity, Target
from eks_cilium.migration.plan.model import Verdict
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
    Capacity.SURGE: "{} extra for the time of the migration",
    Capacity.DECREMENT: "{} extra first, every old node shrinks its group",
}


_Key: TypeAlias = "tuple[Reference | None, Verdict, Reference | None]"


class Bundle(NamedTuple):
    """Pods of one workload that share a verdict on one node."""

    workload: Reference | None
    verdict: Verdict
    budget: Reference | None
    pods: int
    waits: int
    reason: str


def bundles(node: NodePlan) -> list[Bundle]:
    """A node's pods by workload and verdict; those that stand in the way come first."""
    numbers: Counter[_Key] = Counter()
    waits: Counter[_Key] = Counter()
    reasons: dict[_Key, str] = {}
    for pod in node.pods:
        key = (pod.workload, pod.verdict, pod.budget)
        numbers[key] += 1
        waits[key] += pod.waits
        reasons.setdefault(key, pod.reason)
    found = [Bundle(*key, count, waits[key], reasons[key]) for key, count in numbers.items()]
    return sorted(found, key=lambda one: (not one.verdict.stands_in_the_way, one.verdict, str(one.workload)))


def counts(node: NodePlan) -> str:
    """How many pods have which verdict, without the verdicts none has."""
    found = Counter(pod.verdict for pod in node.pods)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict if found[verdict]) or "no pods"


def budget_use(use: BudgetUse) -> str:
    """What a drain takes of a budget."""
    waits = f", waits {use.waits} x" if use.waits else ""
    return f"{use.budget.namespace}/{use.budget.name}: {use.pods} of {use.allowed}{waits}"


def headline(plan: Plan) -> str:
    """The whole plan in one line."""
    extra = _EXTRA[plan.capacity].format(counted(plan.surge, "node"))
    return (
        f"Cluster {plan.cluster}: {counted(len(plan.nodes), 'node')} {_DIRECTION[plan.target]}, "
        f"{plan.parallel} at once, {extra} in each group; about {duration(plan.seconds)}"
    )


def sizes(group: GroupPlan) -> str:
    """The sizes of a group on the way."""
    behind = f" (node group {group.node_group})" if group.node_group else ""
    return (
        f"{group.name}{behind}: desired {group.desired}, up to {group.peak}, "
        f"{group.at_end} after the last drain, "
        f"minimum {group.minimum}, maximum {group.maximum}"
    )


class _Judged(Protocol):
    """A plan of a migration or of a refresh."""

    @property
    def clean(self) -> bool: ...

    @property
    def blockers(self) -> Sized: ...


def verdict_of(plan: _Judged) -> str:
    """Whether the plan can be carried out."""
    if plan.clean:
        return "Nothing forbids this plan."
    return f"{counted(len(plan.blockers), 'blocker')}: nothing is touched before all are fixed or permitted."


def duration(seconds: float) -> str:
    """A time people can grasp."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def on_nodes(nodes: tuple[str, ...]) -> str:
    """Where something was found; empty for the whole cluster."""
    if not nodes:
        return ""
    return f" (on {named(nodes, 1)})"
