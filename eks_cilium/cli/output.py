"""How every command prints: results on stdout, messages on stderr, colour and wrapping on terminals only.

A result is printed as a table, as Markdown or as JSON. Into a pipe or a file a table goes as plain text whose
lines are never broken, so that `grep` finds whole rows; on a terminal rich lays it out in the width there is.
rich colours nothing where `NO_COLOR` is set.
"""

import json
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

FINE = 0
"""Exit status: the plan can be carried out, the verdicts are as expected, the configuration is right."""
UNJUDGED = 1
"""Exit status: not judged, for want of a cluster, credentials, a readable file or a right command line."""
BLOCKED = 2
"""Exit status: the plan has blockers, a verdict is not as expected, the configuration has problems."""


class Format(StrEnum):
    """What a result is printed as."""

    TABLE = "table"
    MARKDOWN = "markdown"
    JSON = "json"


PRINTING = "How to print it"
FormatOption = Annotated[
    Format, typer.Option("--format", "--output", help="What to print on stdout.", rich_help_panel=PRINTING)
]


def say(message: str) -> None:
    """Write a message for people to stderr, which leaves stdout to the result."""
    sys.stderr.write(f"{message}\n")


def progress(line: str) -> None:
    """Write what is being read to stderr, where that is a terminal: logs do not need it."""
    if sys.stderr.isatty():
        say(f"{line} ...")


def show(
    form: Format,
    *,
    text: Callable[[], str],
    markdown: Callable[[], str],
    document: Callable[[], Any],
    pretty: Callable[[], Iterable["RenderableType"]],
) -> None:
    """Print a result on stdout in one of its forms, of which only the one that is printed is made.

    `text` is the table for pipes, `pretty` the parts of the same table for a terminal, with an empty line
    between them; `document` is anything `json` can write.
    """
    if form is Format.JSON:
        sys.stdout.write(json.dumps(document(), indent=2) + "\n")
    elif form is Format.MARKDOWN:
        sys.stdout.write(markdown())
    elif sys.stdout.isatty():
        print_parts(pretty(), sys.stdout)
    else:
        sys.stdout.write(text())


def print_parts(parts: Iterable["RenderableType"], file: IO[str]) -> None:
    """Print the parts of a result as for a terminal. Markup in the text of a cluster is only text."""
    from rich.console import Console, Group

    console = Console(file=file, highlight=False, markup=False)
    for number, part in enumerate(parts):
        console.print(Group("", part) if number else part)


def grid(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    wrapping: Collection[str],
    on_the_right: Collection[str] = (),
    judges: bool = False,
) -> "Table":
    """Lay rows out in columns for a terminal.

    In a table that `judges` the words of verdicts are coloured; elsewhere `allowed` may be any other word.
    `wrapping` holds the titles of the columns that get narrower first, and wrap, where the terminal is too
    narrow for the table; the others wrap only where that is not enough. Columns `on_the_right` are numbers.
    """
    from rich.table import Table

    cells = [tuple(row) for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    whole = _fits(header, cells, wrapping)
    for title in header:
        table.add_column(
            title,
            justify="right" if title in on_the_right else "left",
            overflow="fold",
            no_wrap=whole and title not in wrapping,
        )
    for row in cells:
        table.add_row(*(coloured(cell, _VERDICTS if judges else {}) for cell in row))
    return table


def _fits(header: Sequence[str], rows: Sequence[Sequence[str]], wrapping: Collection[str]) -> bool:
    """Tell whether the terminal has room for the columns that are not to wrap, beside narrow other ones."""
    columns = zip(header, *rows, strict=True)
    widest = {title: max(map(len, (title, *cells))) for title, *cells in columns}
    widths = (min(width, _NARROW) if title in wrapping else width for title, width in widest.items())
    return sum(width + 2 for width in widths) <= shutil.get_terminal_size().columns


def section(
    title: str, lines: Iterable[str], style: str = "bold", *, judges: bool = False
) -> "RenderableType":
    """Put lines under a title for a terminal. A line that wraps keeps its own indentation.

    The labels of its lines are dim; where it `judges`, the words of verdicts are coloured.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    colours = {**_LABELS, **_VERDICTS_IN_LINES} if judges else _LABELS
    indented = (
        Padding(coloured(line.lstrip(), colours), (0, 0, 0, 2 + len(line) - len(line.lstrip())))
        for line in lines
    )
    return Group(Text(title, style), *indented)


def coloured(text: str, colours: Mapping[str, str]) -> "Text":
    """Colour what the patterns match and nothing else: markup in the text of a cluster is only text."""
    from rich.text import Text

    found = Text(text)
    for pattern, style in colours.items():
        found.highlight_regex(pattern, style)
    return found


_NARROW = 12
"""Width down to which a column that wraps may shrink before the others do."""
_VERDICTS = {r"\bdenied\b": "red", r"\ballowed\b": "green", r"\bundecided\b": "yellow"}
_VERDICTS_IN_LINES = {r"\bdenied\b": "red", r"\ballowed\b(?!:)": "green"}
_LABELS = {r"^(?:allowed|to fix it|to permit|more|fix):": "dim"}
