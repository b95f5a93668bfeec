"""Small pieces of text that all reports share: durations, counts, budgets, pods by workload."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from eks_cilium.migration.plan.model import Bound, Verdict
from eks_cilium.settings.model import width
from eks_cilium.settings.model.migration import Capacity, Target
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Sized

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

_BOUNDS = {
    Bound.LAUNCHES: "waits for new nodes of {}",
    Bound.BUDGET: "waits for {}",
    Bound.WORK: "drains, ends of instances and checks",
}
_MOST_SHARES = 3
_MOST_BUDGETS = 2
_MOST_WARNINGS = 10

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


def budgets_in(uses: Sequence[BudgetUse], room: int) -> str:
    """As much of the budgets as fits `room` columns: those that make the drain wait longest first.

    Only their number and waits where not even one fits.
    """
    if not uses:
        return "-"
    first = sorted(uses, key=lambda use: (-use.waits, -use.pods, use.budget))
    texts = (_first_budgets(first, number) for number in range(min(len(uses), _MOST_BUDGETS), 0, -1))
    waits = sum(use.waits for use in uses)
    least = f"{len(uses)}, waits {waits} x" if waits else str(len(uses))
    return next((text for text in texts if len(text) <= room), least)


def _first_budgets(uses: Sequence[BudgetUse], number: int) -> str:
    more = f" +{len(uses) - number}" if len(uses) > number else ""
    return "; ".join(map(budget_use, uses[:number])) + more


def in_part(warnings: Iterable[str]) -> Iterator[str]:
    """The first warnings, for a resource whose state should stay small, and how many more there are."""
    lines = list(warnings)
    yield from lines[:_MOST_WARNINGS]
    if len(lines) > _MOST_WARNINGS:
        yield f"{len(lines) - _MOST_WARNINGS} more warnings, in the table of this preview"


def headline(plan: Plan) -> str:
    extra = _EXTRA[plan.capacity].format(_extra(plan.surge))
    nodes, stops = counted(len(plan.nodes), "node"), ""
    if plan.left_out:
        nodes = f"{len(plan.nodes)} of {len(plan.nodes) + len(plan.left_out)} nodes"
        stops = ", and stops there (migration.only)"
    return (
        f"Cluster {plan.cluster}: {nodes} {_DIRECTION[plan.target]}, "
        f"{width.in_words(plan.parallel)} at a time, {extra}; about {duration(plan.seconds)}{stops}"
    )


def bounds(plan: Plan) -> str:
    """What the estimated time is spent on, in one line; empty where nothing is to be done."""
    texts = (
        f"{_BOUNDS[share.bound].format(share.object)} {duration(share.seconds)}" for share in plan.shares
    )
    return f"Of this time: {named(texts, _MOST_SHARES, '; ')}" if plan.shares else ""


def _extra(surge: int | str) -> str:
    return counted(surge, "extra node") if isinstance(surge, int) else f"{surge} extra nodes"


def headline_of(markdown: str) -> str:
    """The headline in a plan or a refresh plan as Markdown, as earlier versions kept it in stacks."""
    title, _, headline, *_ = [*markdown.splitlines(), "", "", ""]
    return headline.removesuffix(".") or title


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


def duration_in_short(seconds: float) -> str:
    """The same for a narrow column, such as `1h05m` or `1m30s`."""
    return duration(seconds).replace(" h ", "h").replace(" min", "m").replace(" s", "s").replace(" ", "")


def on_nodes(nodes: tuple[str, ...]) -> str:
    """The nodes of a finding, such as ` (on node-1 and 2 more)`; empty for the whole cluster."""
    if not nodes:
        return ""
    return f" (on {named(nodes, 1)})"
