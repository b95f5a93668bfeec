"""A picture of a command that runs in this process, over what was recorded of clusters.

It needs no cluster, so a test makes it anew and compares.
"""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

from rich.text import Text
from typer.main import get_command

from eks_cilium.cli.main import app
from eks_cilium.cli.sources import Sources
from lab.pictures import svg, texts


def picture(command: Sequence[str], sources: Sources, columns: int) -> str:
    """What the command prints on a terminal of that width."""
    shown = [Text.from_ansi(line) for line in _output(command, sources, columns).splitlines()]
    drawn = svg.still(shown, title=f"eks-cilium {' '.join(command)}", columns=columns)
    return texts.stamped(drawn, texts.shown_in(line.plain for line in shown))


def _output(command: Sequence[str], sources: Sources, columns: int) -> str:
    with _terminal(columns) as written:
        get_command(app).main(list(command), prog_name="eks-cilium", standalone_mode=False, obj=sources)
    return written.getvalue()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def _terminal(columns: int) -> Iterator[_Terminal]:
    """Stand in for stdout; the environment is that of any terminal with colours, and restored at the end."""
    before = dict(os.environ)
    os.environ.update(COLUMNS=str(columns), LINES="50", TERM="xterm-256color", COLORTERM="", NO_COLOR="")
    try:
        with redirect_stdout(_Terminal()) as written:
            yield written
    finally:
        os.environ.clear()
        os.environ.update(before)
