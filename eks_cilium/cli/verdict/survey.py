"""How `eks-cilium verdict` prints more flows than a person reads: grouped by namespace and workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cli.output import grid, section
from eks_cilium.cli.verdict.printing import headline, notes
from eks_cilium.policy import report
from eks_cilium.policy.overview import rendering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from eks_cilium.policy.overview.building import Overview
    from eks_cilium.policy.verdict.changes import SelectorChange
    from eks_cilium.policy.verdict.evaluation import Evaluator
    from eks_cilium.policy.verdict.live import LiveCluster

_MOST_NOTES = 20


@dataclass(frozen=True)
class Surveyed:
    """The clusters that were read, and what their policies say of all of the traffic."""

    clusters: tuple[LiveCluster, ...]
    evaluator: Evaluator
    overview: Overview
    changes: tuple[SelectorChange, ...]
    """Selectors that mean something else from Cilium 1.19 on."""


def text(found: Surveyed, most: int) -> str:
    """The report for a pipe or a file; `most` rows, or all of them where it is 0."""
    rows, left_off = _rows(found, most)
    blocks = ["\n".join(map(headline, found.clusters)), rendering.summary(found.overview)]
    blocks += ["\n".join(report.aligned(rendering.HEADER, rows)), *left_off]
    blocks += ["\n".join([f"{title}:", *(f"  {line}" for line in lines)]) for title, lines in _notes(found)]
    return "\n\n".join(blocks) + "\n"


def markdown(found: Surveyed, most: int) -> str:
    """The rows as a table for reviews."""
    rows, left_off = _rows(found, most)
    header = [title.capitalize() for title in rendering.HEADER]
    return "\n".join([*report.markdown_table(header, rows), *("\n" + line for line in left_off)]) + "\n"


def document(found: Surveyed) -> dict[str, Any]:
    """Every verdict as a JSON document, without the reasons, which `--why` gives for a flow."""
    not_read = [
        {"cluster": each.cluster, "policy": each.policy, "why": each.why}
        for each in found.evaluator.not_evaluated
    ]
    return {**rendering.document(found.overview), "notRead": not_read}


def pretty(found: Surveyed, most: int) -> Iterator[RenderableType]:
    """The parts of the report for a terminal."""
    rows, left_off = _rows(found, most)
    yield "\n".join(map(headline, found.clusters))
    yield rendering.summary(found.overview)
    yield grid(rendering.HEADER, rows, wrapping=("TO", "FROM"), judges=True)
    yield from left_off
    for title, lines in _notes(found):
        yield section(f"{title}:", lines, judges=True)


def _rows(found: Surveyed, most: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """The rows that are shown, and a line that says how many are not and how to see them."""
    rows = found.overview.rows()
    shown = rows[:most] if most else rows
    cells = list(rendering.cells(shown, found.overview.directory()))
    if len(shown) == len(rows):
        return cells, []
    return cells, [
        f"{len(rows) - len(shown)} more rows: see them with --rows 0, choose with --from and --to, or take "
        "every verdict with --format json"
    ]


def _notes(found: Surveyed) -> Iterator[tuple[str, list[str]]]:
    for title, lines in notes(found.clusters, found.evaluator, found.changes):
        more = [f"and {len(lines) - _MOST_NOTES} more"] if len(lines) > _MOST_NOTES else []
        yield title, [*lines[:_MOST_NOTES], *more]
