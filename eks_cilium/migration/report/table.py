"""A plan as a table for terminals: one line for each node, then blockers and warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.report.layout import blocker_lines, in_columns
from eks_cilium.migration.report.lines import bundle_line
from eks_cilium.migration.report.wording import (
    budget_use,
    bundles,
    duration,
    headline,
    on_nodes,
    sizes,
    verdict_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.migration.plan.model import NodePlan, Plan

_HEADER = (
    "#",
    "NODE",
    "ZONE",
    "GROUP",
    "EVICT",
    "DELETE",
    "STAY",
    "BLOCKED",
    "BUDGETS",
    "NEW NODE IN",
    "TIME",
    "DONE AFTER",
)
ON_THE_RIGHT = frozenset({"#", "EVICT", "DELETE", "STAY", "BLOCKED", "TIME", "DONE AFTER"})
_MOST_BUDGETS = 2


def table(plan: Plan, *, pods: bool = False) -> str:
    """The whole plan. With `pods`, every node's pods by workload below it."""
    blocks = [headline(plan), _nodes(plan, pods=pods)]
    blocks += ["\n".join([f"{title}:", *(f"  {line}" for line in lines)]) for title, lines in sections(plan)]
    return "\n\n".join([*blocks, verdict_of(plan)]) + "\n"


def rows(plan: Plan) -> list[tuple[str, ...]]:
    """The cells of the table of nodes, its header first; the columns in `ON_THE_RIGHT` are right-aligned."""
    groups = {group.name: group.node_group or group.name for group in plan.groups}
    return [_HEADER, *(_row(node, groups[node.group]) for node in plan.nodes)]


def pods_of(node: NodePlan) -> list[str]:
    """A line for the pods of each workload on a node."""
    return [bundle_line(bundle) for bundle in bundles(node)]


def sections(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """The parts below the table, each with its title: groups, blockers, warnings."""
    if plan.groups:
        yield "Auto Scaling groups", [sizes(group) for group in plan.groups]
    if plan.leaving:
        yield "Already terminating", [", ".join(node.name for node in plan.leaving)]
    if plan.blockers:
        blocks = (blocker_lines(blocker, on_nodes(blocker.nodes)) for blocker in plan.blockers)
        yield "Blockers", [line.removeprefix("  ") for lines in blocks for line in lines]
    if plan.warnings:
        yield "Warnings", [f"{warning}{on_nodes(warning.nodes)}" for warning in plan.warnings]


def _nodes(plan: Plan, *, pods: bool) -> str:
    if not plan.nodes:
        return "No node has to be replaced."
    header, *aligned = in_columns(rows(plan), ON_THE_RIGHT)
    lines = [header]
    for node, line in zip(plan.nodes, aligned, strict=True):
        lines.append(line)
        if pods:
            lines += [f"      {text}" for text in pods_of(node)]
    return "\n".join(lines)


def _row(node: NodePlan, group: str) -> tuple[str, ...]:
    blocked = sum(pod.verdict.blocks_drain for pod in node.pods)
    return (
        f"{node.position}{'*' if node.in_progress else ''}",
        node.node,
        node.zone,
        group,
        str(node.count(Verdict.EVICT)),
        str(node.count(Verdict.DELETE)),
        str(node.count(Verdict.SKIP) + node.count(Verdict.WAIT)),
        str(blocked) if blocked else "-",
        _budgets(node),
        "|".join(node.replacement_zones) or "-",
        duration(node.seconds.total),
        duration(node.ends),
    )


def _budgets(node: NodePlan) -> str:
    """First the budgets that make the drain wait longest, then those with most evictions."""
    uses = sorted(node.budgets, key=lambda use: (-use.waits, -use.pods, use.budget))
    more = f" +{len(uses) - _MOST_BUDGETS}" if len(uses) > _MOST_BUDGETS else ""
    return "; ".join(map(budget_use, uses[:_MOST_BUDGETS])) + more or "-"
