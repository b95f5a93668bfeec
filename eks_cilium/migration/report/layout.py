"""The layout that all reports share: columns for terminals, cells for Markdown, the lines of a blocker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from eks_cilium.migration.plan.model import Blocker


def in_columns(rows: Sequence[Sequence[str]], on_the_right: Collection[str]) -> list[str]:
    """A line for each row. The first row has the titles; the columns in `on_the_right` are right-aligned."""
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
    """A blocker for a terminal; `where` follows its object."""
    yield f"  {blocker.object}{where} [{blocker.code}]"
    yield f"      {blocker.problem}"
    yield f"      allowed:   {blocker.allowed}"
    yield f"      to fix it: {blocker.fix}"
    if blocker.setting:
        yield f"      to permit: {blocker.setting}"


def in_cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def escaped(text: str) -> str:
    """Text with `|` and `*` escaped for Markdown: they would end a cell and begin emphasis."""
    return text.replace("|", "\\|").replace("*", "\\*")
