"""The plan of one node in a few lines, as `pulumi preview --diff` shows them on the node's own resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.report.wording import budget_use, bundles, counts, duration
from eks_cilium.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.migration.plan.model import NodePlan
    from eks_cilium.migration.report.wording import Bundle


def lines_of_node(node: NodePlan) -> tuple[str, ...]:
    """What happens to a node: its place, its pods by workload, budgets, volumes, and the estimated time."""
    moving = [bundle for bundle in bundles(node) if bundle.verdict is not Verdict.SKIP]
    return (
        f"{node.position}. {node.instance} in {node.zone}, group {node.group}: {_afterwards(node)}",
        f"pods: {counts(node)}",
        *(bundle_line(bundle) for bundle in moving),
        *_budgets(node),
        *([f"detaches {counted(len(node.volumes), 'volume')}"] if node.volumes else []),
        f"about {duration(node.seconds.total)}, done {duration(node.ends)} after the beginning",
    )


def bundle_line(bundle: Bundle) -> str:
    """Pods of one workload with the same verdict, in one line."""
    waits = f", waits {bundle.waits} x for a successor" if bundle.waits else ""
    return f"{bundle.verdict} {counted(bundle.pods, 'pod')} of {bundle.workload}: {bundle.reason}{waits}"


def _budgets(node: NodePlan) -> Iterator[str]:
    """The budgets that make the drain wait, and the number of the others."""
    waiting = [use for use in node.budgets if use.waits]
    yield from (f"budget {budget_use(use)}" for use in waiting)
    others = len(node.budgets) - len(waiting)
    if others:
        yield f"{counted(others, 'other budget')} without a wait"


def _afterwards(node: NodePlan) -> str:
    shrinks = "its group shrinks by one node" if node.decrement else "its group keeps its size"
    if not node.replacement_zones:
        return f"{shrinks}, no replacement"
    return f"{shrinks}, replacement in {' or '.join(node.replacement_zones)}"
