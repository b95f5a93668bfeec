"""The plan of a refresh as text: lines for the resources of a preview, and a table for all of it."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from eks_cilium.migration.report.layout import blocker_lines, clipped, filled, in_columns
from eks_cilium.migration.report.wording import (
    budget_use,
    budgets_in,
    duration,
    duration_in_short,
    in_part,
    verdict_of,
)
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.refresh.model import RefreshPlan, WorkloadPlan

_HEADER = ("#", "WORKLOAD", "PODS", "HOW", "AT ONCE", "TIME")
_WIDEST_WORKLOAD = 56
_ON_THE_RIGHT = frozenset({"#", "PODS", "AT ONCE", "TIME"})


def headline(plan: RefreshPlan) -> str:
    return (
        f"Cluster {plan.cluster}: {plan.managed} of {plan.total} pods managed by Cilium, "
        f"{counted(plan.pods, 'pod')} of {counted(len(plan.workloads), 'workload')} to restart, "
        f"{plan.parallel} at a time; about {duration(plan.seconds)}"
    )


def in_short(plan: RefreshPlan) -> tuple[str, ...]:
    """The whole plan in a few lines, for the preview of the list of workloads."""
    return (headline(plan), *in_part(map(str, plan.warnings)), verdict_of(plan))


def remainder(plan: RefreshPlan) -> tuple[str, ...]:
    """The pods that Cilium will not manage at the end, for the preview of the gate."""
    lines = [f"{plan.managed} of {plan.total} pods managed by Cilium now"]
    if plan.bare:
        lines.append(f"stay without it, since nothing recreates them: {named(sorted(map(str, plan.bare)))}")
    if plan.jobs:
        lines.append(f"of Jobs, never restarted: {named(sorted(map(str, plan.jobs)))}")
    return tuple(lines)


def lines_of(plan: RefreshPlan, workload: Reference) -> tuple[str, ...]:
    """What happens to one workload, for the preview of its own resource."""
    found = plan.of(workload)
    if found is None:
        return ("nothing left to restart",)
    verdicts = Counter((pod.verdict, pod.reason) for pod in found.pods)
    pods = counted(len(found.pods), "pod")
    return (
        f"{found.position}. {pods}, {found.at_once} at once: {found.method}, {found.reason}",
        *(f"{verdict} {counted(number, 'pod')}: {reason}" for (verdict, reason), number in verdicts.items()),
        *(f"budget {budget_use(use)}" for use in found.budgets),
        f"about {duration(found.seconds)}",
    )


def table(plan: RefreshPlan) -> str:
    """The whole plan, one line for each workload, then blockers and warnings."""
    blocks = [headline(plan), _rows(plan)]
    if plan.blockers:
        lines = (line for blocker in plan.blockers for line in blocker_lines(blocker))
        blocks.append("\n".join(["Blockers:", *lines]))
    if plan.warnings:
        blocks.append("\n".join(["Warnings:", *(f"  {warning}" for warning in plan.warnings)]))
    return "\n\n".join([*blocks, verdict_of(plan)]) + "\n"


def _rows(plan: RefreshPlan) -> str:
    if not plan.workloads:
        return "No pod has to be restarted."
    beside = [_HEADER, *map(_cells, plan.workloads)]
    budgets = [partial(budgets_in, planned.budgets) for planned in plan.workloads]
    return "\n".join(in_columns(filled(beside, "BUDGETS", budgets), _ON_THE_RIGHT))


def _cells(planned: WorkloadPlan) -> tuple[str, ...]:
    workload = f"{planned.workload.kind} {planned.workload.namespace}/{planned.workload.name}"
    return (
        str(planned.position),
        clipped(workload, _WIDEST_WORKLOAD),
        str(len(planned.pods)),
        str(planned.method),
        str(planned.at_once),
        duration_in_short(planned.seconds),
    )
