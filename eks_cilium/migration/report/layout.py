"""The layout that all reports share: columns for terminals, cells for Markdown, the lines of a blocker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from eks_cilium.migration.plan.model import Blocker


WIDTH = 120
"""Columns of a terminal that a table fits."""
_GAP = 2
_LEFT_OUT = ".."


def in_columns(rows: Sequence[Sequence[str]], on_the_right: Collection[str]) -> list[str]:
    """A line for each row. The first row has the titles; the columns in `on_the_right` are right-aligned."""
    titles = rows[0]
    widths = _widths(rows)
    return [
        (" " * _GAP)
        .join(
            cell.rjust(width) if title in on_the_right else cell.ljust(width)
            for cell, width, title in zip(row, widths, titles, strict=True)
        )
        .rstrip()
        for row in rows
    ]


def filled(
    beside: Sequence[Sequence[str]], title: str, cells: Iterable[Callable[[int], str]]
) -> list[tuple[str, ...]]:
    """The rows with one more column, whose cells are made for the width that is left of `WIDTH`.

    `beside` begins with the row of titles; `cells` has one function for each other row.
    """
    room = WIDTH - sum(width + _GAP for width in _widths(beside))
    column = (title, *(cell(room) for cell in cells))
    return [(*row, cell) for row, cell in zip(beside, column, strict=True)]


def clipped(name: str, width: int) -> str:
    """A name without its middle where it is longer; both ends of the names of a cluster tell them apart."""
    if len(name) <= width:
        return name
    end = (width - len(_LEFT_OUT)) // 2
    return f"{name[: width - len(_LEFT_OUT) - end]}{_LEFT_OUT}{name[-end:]}"


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]


def blocker_lines(blocker: Blocker, where: str = "") -> Iterator[str]:
    """A blocker for a terminal; `where` follows its object."""
    yield f"  {blocker.object}{where} [{blocker.code}]"
    yield f"      {blocker.problem}"
    yield f"      allowed:   {blocker.allowed}"
    yield f"      to fix it: {blocker.fix}"
    if blocker.setting:
        yield f"      to permit: {blocker.setting}"
    yield f"      more:      {blocker.more}"


def in_cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def escaped(text: str) -> str:
    """Text with `|` and `*` escaped for Markdown: they would end a cell and begin emphasis."""
    return text.replace("|", "\\|").replace("*", "\\*")
