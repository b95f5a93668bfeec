"""A plan as a table for terminals: one line for each node, then blockers and warnings.

The table fits `layout.WIDTH` columns, in previews as well: a terminal that breaks its lines shows no table.
So names are shortened, and the zones of new nodes are left to the other reports, which have everything.
"""

from __future__ import annotations

from functools import partial
from os.path import commonpath
from typing import TYPE_CHECKING

from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.report.layout import blocker_lines, clipped, filled, in_columns
from eks_cilium.migration.report.lines import bundle_line
from eks_cilium.migration.report.wording import (
    bounds,
    budgets_in,
    bundles,
    duration_in_short,
    headline,
    on_nodes,
    sizes,
    verdict_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from eks_cilium.migration.plan.model import NodePlan, Plan

_HEADER = ("#", "NODE", "ZONE", "GROUP", "EVICT", "DELETE", "STAY", "BLOCKED", "TIME", "DONE")
ON_THE_RIGHT = frozenset({"#", "EVICT", "DELETE", "STAY", "BLOCKED", "TIME", "DONE"})
_WIDEST = {"NODE": 24, "ZONE": 10, "GROUP": 20}


def table(plan: Plan, *, pods: bool = False) -> str:
    """The whole plan. With `pods`, every node's pods by workload below it."""
    blocks = ["\n".join(filter(None, (headline(plan), bounds(plan)))), _nodes(plan, pods=pods)]
    blocks += ["\n".join([f"{title}:", *(f"  {line}" for line in lines)]) for title, lines in sections(plan)]
    return "\n\n".join([*blocks, verdict_of(plan)]) + "\n"


def rows(plan: Plan) -> list[tuple[str, ...]]:
    """The cells of the table of nodes, its header first; the columns in `ON_THE_RIGHT` are right-aligned."""
    groups = {group.name: group.node_group or group.name for group in plan.groups}
    names = short_names([node.node for node in plan.nodes])
    zones = short_zones({node.zone for node in plan.nodes})
    beside = [
        _HEADER,
        *(
            _row(node, name, zones[node.zone], groups[node.group])
            for node, name in zip(plan.nodes, names, strict=True)
        ),
    ]
    return filled(beside, "BUDGETS", [partial(budgets_in, node.budgets) for node in plan.nodes])


def short_names(nodes: Sequence[str]) -> list[str]:
    """Names of nodes without their domain, while that tells them apart."""
    without = [name.partition(".")[0] for name in nodes]
    return without if len(set(without)) == len(nodes) else list(nodes)


def short_zones(zones: Collection[str]) -> dict[str, str]:
    """Zones without what all of them begin with: `1a` and `1b` for eu-central-1a and eu-central-1b."""
    beginnings = [zone.rpartition("-")[0].replace("-", "/") for zone in zones]
    shared = commonpath(beginnings) if beginnings else ""
    return {zone: zone[len(shared) + 1 :] if shared else zone for zone in zones}


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


def _row(node: NodePlan, name: str, zone: str, group: str) -> tuple[str, ...]:
    blocked = sum(pod.verdict.blocks_drain for pod in node.pods)
    return (
        f"{node.position}{'*' if node.in_progress else ''}",
        clipped(name, _WIDEST["NODE"]),
        clipped(zone, _WIDEST["ZONE"]),
        clipped(group, _WIDEST["GROUP"]),
        str(node.count(Verdict.EVICT)),
        str(node.count(Verdict.DELETE)),
        str(node.count(Verdict.SKIP) + node.count(Verdict.WAIT)),
        str(blocked) if blocked else "-",
        duration_in_short(node.seconds.total),
        duration_in_short(node.ends),
    )
