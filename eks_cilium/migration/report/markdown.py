"""A plan as Markdown, for a review or a change record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.report.layout import escaped, in_cells
from eks_cilium.migration.report.wording import (
    bounds,
    budget_use,
    bundles,
    counts,
    duration,
    headline,
    on_nodes,
    sizes,
    verdict_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.migration.plan.model import Blocker, NodePlan, Plan


def markdown(plan: Plan) -> str:
    """The whole plan: verdict, blockers, nodes in order, warnings, then every node's pods by workload."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"# Replacement plan of cluster {plan.cluster}"
    yield from ("", f"{headline(plan)}.")
    if plan.shares:
        yield from ("", f"{bounds(plan)}.")
    yield from ("", f"**{verdict_of(plan)}**")
    if plan.blockers:
        yield from ("", "## Blockers", "")
        for blocker in plan.blockers:
            yield from _blocker(blocker)
    if plan.nodes:
        yield from ("", "## Nodes in order", "")
        yield from _nodes(plan)
    if plan.groups:
        yield from ("", "## Auto Scaling groups", "", *(f"- {sizes(group)}" for group in plan.groups))
    if plan.warnings:
        yield from ("", "## Warnings", "")
        yield from (f"- {escaped(str(warning))}{on_nodes(warning.nodes)}" for warning in plan.warnings)
    if plan.nodes:
        yield from ("", "## Pods")
        for node in plan.nodes:
            yield from _pods(node)


def _blocker(blocker: Blocker) -> Iterator[str]:
    yield f"- **{blocker.object}**{on_nodes(blocker.nodes)} `{blocker.code}`: {escaped(blocker.problem)}"
    yield f"  - allowed: {escaped(blocker.allowed)}"
    yield f"  - to fix it: {escaped(blocker.fix)}"
    if blocker.setting:
        yield f"  - to permit it: {escaped(blocker.setting)}"
    yield f"  - more: {blocker.more}"


def _nodes(plan: Plan) -> Iterator[str]:
    yield in_cells(
        ("#", "node", "zone", "group", "pods", "budgets", "new node in", "group size", "time", "done after")
    )
    yield in_cells(["---"] * 10)
    for node in plan.nodes:
        yield in_cells(
            (
                str(node.position),
                node.node,
                node.zone,
                node.group,
                counts(node),
                "; ".join(map(budget_use, node.budgets)) or "-",
                " or ".join(node.replacement_zones) or "-",
                "-1" if node.decrement else "kept",
                duration(node.seconds.total),
                duration(node.ends),
            )
        )


def _pods(node: NodePlan) -> Iterator[str]:
    yield from ("", f"### {node.position}. {node.node}", "")
    if not node.pods:
        yield "No pods."
        return
    yield in_cells(("workload", "pods", "verdict", "why"))
    yield in_cells(["---"] * 4)
    for bundle in bundles(node):
        waits = f" (waits {bundle.waits} x)" if bundle.waits else ""
        yield in_cells(
            (str(bundle.workload), str(bundle.pods), str(bundle.verdict), f"{bundle.reason}{waits}")
        )
