"""Runs `eks-cilium` in this process, with the clusters of a test in place of real ones."""

from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command
from typer.testing import CliRunner

from eks_cilium.cli.main import app
from eks_cilium.cli.sources import Sources


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


def refusal(*arguments: str) -> str | None:
    """Parse a command line with the real command and run nothing; says what is wrong with it."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    try:
        with group.make_context("eks-cilium", list(arguments)) as context:
            name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            with command.make_context(name, rest, parent=context):
                return None
    except typer.Exit:  # --help and --version, which are answered while they are parsed
        return None
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())


def parameters(application: typer.Typer) -> list[TyperArgument | TyperOption]:
    """The arguments and options of an application that is a single command."""
    found = []
    for parameter in get_command(application).params:
        assert isinstance(parameter, TyperArgument | TyperOption)
        found.append(parameter)
    return found


def eks_cilium(*arguments: str, **sources: Any) -> Ended:
    """Run a command line; `sources` replace readers of `Sources`. Tracebacks come through as they are."""
    result = CliRunner().invoke(
        app, arguments, obj=Sources(**sources), prog_name="eks-cilium", catch_exceptions=False
    )
    return Ended(result.exit_code, result.stdout, result.stderr)
