"""How all reports lay their text out: columns for terminals, cells for Markdown, the lines of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from eks_cilium.migration.plan.model import Refusal


def in_columns(rows: Sequence[Sequence[str]], on_the_right: Collection[str]) -> list[str]:
    """A line for each row, the first of which is the header; `on_the_right` are titles of it."""
    titles = rows[0]
    widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
    return [
        "  ".join(
            cell.rjust(width) if title in on_the_right else cell.ljust(width)
            for cell, width, title in zip(row, widths, titles, strict=True)
        ).rstrip()
        for row in rows
    ]


def refusal_lines(refusal: Refusal, where: str = "") -> Iterator[str]:
    """What is refused, what would be allowed, and the ways out, for a terminal."""
    yield f"  {refusal.object}{where} [{refusal.code}]"
    yield f"      {refusal.problem}"
    yield f"      allowed:   {refusal.allowed}"
    yield f"      to fix it: {refusal.fix}"
    if refusal.setting:
        yield f"      to permit: {refusal.setting}"


def in_cells(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def escaped(text: str) -> str:
    """Text in which neither a cell ends nor an asterisk begins something."""
    return text.replace("|", "\\|").replace("*", "\\*")
