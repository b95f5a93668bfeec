"""The picture of a verdict table: the real command over objects of two clusters, as they were recorded.

It needs no cluster, so a test makes it anew and compares.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import yaml
from rich.text import Text
from typer.main import get_command

from eks_cilium.cli.main import app
from eks_cilium.cli.sources import Sources
from eks_cilium.cluster.cilium_objects import CiliumObjects
from lab.pictures import svg, texts

COLUMNS = 160
COMMAND = (
    *("verdict", "--context", "cluster-1", "--context", "cluster-2"),
    *("--from", "cluster-1/*", "--to", "cluster-2/*"),
)
_RECORDED = Path(__file__).parent / "recorded"


def picture() -> str:
    """The verdicts on the policy that many pages show, with the policy that was meant beside it."""
    lines = output().splitlines()
    shown = [Text.from_ansi(line) for line in lines]
    drawn = svg.still(shown, title=f"eks-cilium {' '.join(COMMAND)}", columns=COLUMNS)
    return texts.stamped(drawn, texts.shown_in(line.plain for line in shown))


def output() -> str:
    """What the command prints on a terminal of that width."""
    with _terminal() as written:
        get_command(app).main(
            list(COMMAND), prog_name="eks-cilium", standalone_mode=False, obj=Sources(objects=_recorded)
        )
    return written.getvalue()


def _recorded(_kubeconfig: Path | None, context: str) -> CiliumObjects:
    found = yaml.safe_load((_RECORDED / f"{context}.yaml").read_text())
    return CiliumObjects(**found)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def _terminal() -> Iterator[_Terminal]:
    """Stand in for stdout; the environment is that of any terminal with colours, and restored at the end."""
    before = dict(os.environ)
    os.environ.update(COLUMNS=str(COLUMNS), LINES="50", TERM="xterm-256color", COLORTERM="", NO_COLOR="")
    try:
        with redirect_stdout(_Terminal()) as written:
            yield written
    finally:
        os.environ.clear()
        os.environ.update(before)
