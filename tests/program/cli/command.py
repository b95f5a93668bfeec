"""Runs `eks-cilium` in this process, with the clusters of a test in place of real ones."""

from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from eks_cilium.cli.main import app
from eks_cilium.cli.sources import Sources


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


def eks_cilium(*arguments: str, **sources: Any) -> Ended:
    """Run a command line; `sources` replace readers of `Sources`. Tracebacks come through as they are."""
    result = CliRunner().invoke(
        app, arguments, obj=Sources(**sources), prog_name="eks-cilium", catch_exceptions=False
    )
    return Ended(result.exit_code, result.stdout, result.stderr)
