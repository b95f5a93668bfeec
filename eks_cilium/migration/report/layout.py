"""How all reports lay their text out: columns for terminals, cells for Markdown, the lines of a blocker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from eks_cilium.migration.plan.model import Blocker


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


def blocker_lines(blocker: Blocker, where: str = "") -> Iterator[str]:
    """What is refused, what would be allowed, and the ways out, for a terminal."""
    yield f"  {blocker.object}{where} [{blocker.code}]"
    yield f"      {blocker.problem}"
    yield f"      allowed:   {blocker.allowed}"
    yield f"      to fix it: {blocker.fix}"
    if blocker.setting:
        yield f"      to permit: {blocker.setting}"


def in_cells(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def escaped(text: str) -> str:
    """Text in which neither a cell ends nor an asterisk begins something."""
    return text.replace("|", "\\|").replace("*", "\\*")
