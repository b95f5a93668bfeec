"""The plan of a refresh in words: lines for previews, a table for terminals, Markdown for reviews."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from eks_cilium.migration.report.layout import blocker_lines, escaped, in_cells, in_columns
from eks_cilium.migration.report.wording import budget_use, duration, verdict_of
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.refresh.model import RefreshPlan, WorkloadPlan

_HEADER = ("#", "WORKLOAD", "PODS", "HOW", "AT ONCE", "BUDGETS", "TIME")
_ON_THE_RIGHT = frozenset({"#", "PODS", "AT ONCE", "TIME"})


def headline(plan: RefreshPlan) -> str:
    """The whole plan in one line."""
    return (
        f"Cluster {plan.cluster}: {plan.managed} of {plan.total} pods managed by Cilium, "
        f"{counted(plan.pods, 'pod')} of {counted(len(plan.workloads), 'workload')} to restart, "
        f"{plan.parallel} at once; about {duration(plan.seconds)}"
    )


def in_short(plan: RefreshPlan) -> tuple[str, ...]:
    """For the resource that comes first."""
    return (headline(plan), *map(str, plan.warnings), verdict_of(plan))


def remainder(plan: RefreshPlan) -> tuple[str, ...]:
    """For the gate at the end."""
    lines = [f"{plan.managed} of {plan.total} pods managed by Cilium now"]
    if plan.bare:
        lines.append(f"stay without it, since nothing makes them anew: {named(sorted(map(str, plan.bare)))}")
    if plan.jobs:
        lines.append(f"of Jobs, never restarted: {named(sorted(map(str, plan.jobs)))}")
    return tuple(lines)


def lines_of(plan: RefreshPlan, workload: Reference) -> tuple[str, ...]:
    """What happens to one workload, as `pulumi preview --diff` shows it on its own resource."""
    found = plan.of(workload)
    if found is None:
        return ("nothing left to restart",)
    verdicts = Counter((pod.verdict, pod.reason) for pod in found.pods)
    pods = counted(len(found.pods), "pod")
    return (
        f"{found.position}. {pods}, {found.width} at once: {found.how}, {found.why}",
        *(f"{verdict} {counted(number, 'pod')}: {reason}" for (verdict, reason), number in verdicts.items()),
        *(f"budget {budget_use(use)}" for use in found.budgets),
        f"about {duration(found.seconds)}",
    )


def table(plan: RefreshPlan) -> str:
    """The whole plan, one line a workload, then what forbids it and what to know before."""
    blocks = [headline(plan), _rows(plan)]
    if plan.blockers:
        blocks.append(
            "\n".join(["Blockers:", *(line for one in plan.blockers for line in blocker_lines(one))])
        )
    if plan.warnings:
        blocks.append("\n".join(["Warnings:", *(f"  {warning}" for warning in plan.warnings)]))
    return "\n\n".join([*blocks, verdict_of(plan)]) + "\n"


def markdown(plan: RefreshPlan) -> str:
    """The whole plan, for a review or a change record."""
    return "\n".join(_markdown(plan)) + "\n"


def _rows(plan: RefreshPlan) -> str:
    if not plan.workloads:
        return "No pod is to be restarted."
    rows = [_HEADER, *map(_row, plan.workloads)]
    return "\n".join(in_columns(rows, _ON_THE_RIGHT))


def _row(one: WorkloadPlan) -> tuple[str, ...]:
    return (
        str(one.position),
        f"{one.workload.kind} {one.workload.namespace}/{one.workload.name}",
        str(len(one.pods)),
        str(one.how),
        str(one.width),
        "; ".join(map(budget_use, one.budgets)) or "-",
        duration(one.seconds),
    )


def _markdown(plan: RefreshPlan) -> Iterator[str]:
    yield f"# Restarts in cluster {plan.cluster}"
    yield from ("", f"{headline(plan)}.", "", f"**{verdict_of(plan)}**")
    if plan.blockers:
        yield from ("", "## Blockers", "", *(f"- {escaped(str(one))}" for one in plan.blockers))
    if plan.workloads:
        yield from ("", "## Workloads in order", "", in_cells(_HEADER), in_cells(["---"] * len(_HEADER)))
        yield from (in_cells(_row(one)) for one in plan.workloads)
    if plan.warnings:
        yield from ("", "## Warnings", "", *(f"- {escaped(str(one))}" for one in plan.warnings))
