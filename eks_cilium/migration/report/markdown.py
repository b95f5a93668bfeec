"""A plan as Markdown, for a review or a change record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.report.layout import escaped, in_cells
from eks_cilium.migration.report.wording import (
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

    from eks_cilium.migration.plan.model import NodePlan, Plan, Refusal


def markdown(plan: Plan) -> str:
    """The whole plan: verdict, refusals, nodes in order, cautions, then every node's pods by workload."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"# Replacement plan of cluster {plan.cluster}"
    yield from ("", f"{headline(plan)}.", "", f"**{verdict_of(plan)}**")
    if plan.refusals:
        yield from ("", "## Refused", "")
        for refusal in plan.refusals:
            yield from _refusal(refusal)
    if plan.nodes:
        yield from ("", "## Nodes in order", "")
        yield from _nodes(plan)
    if plan.groups:
        yield from ("", "## Auto Scaling groups", "", *(f"- {sizes(group)}" for group in plan.groups))
    if plan.cautions:
        yield from ("", "## To know before", "")
        yield from (f"- {escaped(str(caution))}{on_nodes(caution.nodes)}" for caution in plan.cautions)
    if plan.nodes:
        yield from ("", "## Pods")
        for node in plan.nodes:
            yield from _pods(node)


def _refusal(refusal: Refusal) -> Iterator[str]:
    yield f"- **{refusal.object}**{on_nodes(refusal.nodes)} `{refusal.code}`: {escaped(refusal.problem)}"
    yield f"  - allowed: {escaped(refusal.allowed)}"
    yield f"  - to fix it: {escaped(refusal.fix)}"
    if refusal.setting:
        yield f"  - to permit it: {escaped(refusal.setting)}"


def _nodes(plan: Plan) -> Iterator[str]:
    yield in_cells(("#", "node", "zone", "group", "pods", "budgets", "new node in", "group size", "time"))
    yield in_cells(["---"] * 9)
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
            )
        )


def _pods(node: NodePlan) -> Iterator[str]:
    yield from ("", f"### {node.position}. {node.node}", "")
    if not node.pods:
        yield "No pods."
        return
    yield in_cells(("workload", "pods", "verdict", "why"))
    yield in_cells(["---"] * 4)
    for one in bundles(node):
        waits = f" (waits {one.waits} x)" if one.waits else ""
        yield in_cells((str(one.workload), str(one.pods), str(one.verdict), f"{one.reason}{waits}"))
