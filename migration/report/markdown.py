"""A plan as Markdown, for a review or a change record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migration.report.wording import (
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
    from collections.abc import Iterable, Iterator

    from migration.plan.model import NodePlan, Plan, Refusal


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
        yield from (f"- {_escaped(str(caution))}{on_nodes(caution.nodes)}" for caution in plan.cautions)
    if plan.nodes:
        yield from ("", "## Pods")
        for node in plan.nodes:
            yield from _pods(node)


def _refusal(refusal: Refusal) -> Iterator[str]:
    yield f"- **{refusal.object}**{on_nodes(refusal.nodes)} `{refusal.code}`: {_escaped(refusal.problem)}"
    yield f"  - allowed: {_escaped(refusal.allowed)}"
    yield f"  - to fix it: {_escaped(refusal.fix)}"
    if refusal.setting:
        yield f"  - to permit it: {_escaped(refusal.setting)}"


def _nodes(plan: Plan) -> Iterator[str]:
    yield _row(("#", "node", "zone", "group", "pods", "budgets", "new node in", "group size", "time"))
    yield _row(["---"] * 9)
    for node in plan.nodes:
        yield _row(
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
    yield _row(("workload", "pods", "verdict", "why"))
    yield _row(["---"] * 4)
    for one in bundles(node):
        waits = f" (waits {one.waits} x)" if one.waits else ""
        yield _row((str(one.workload), str(one.pods), str(one.verdict), f"{one.reason}{waits}"))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    """Text in which neither a cell ends nor an asterisk begins something."""
    return text.replace("|", "\\|").replace("*", "\\*")
