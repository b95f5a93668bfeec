"""The console script `eks-cilium`: which commands there are, and how every one of them ends.

A command's module is imported when the command is called and not before, so that `eks-cilium --help` and
shell completion answer at once.
"""

import errno
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from eks_cilium import __version__
from eks_cilium.cli.failures import explained, wants_traceback
from eks_cilium.cli.output import UNJUDGED, say

if TYPE_CHECKING:
    # typer carries its own copy of click and has no public names for these two.
    from typer._click import Command, Context

COMMANDS = {
    "plan": "Print what a migration of a running cluster would do, node by node. It changes nothing.",
    "status": "Say where the migration of a cluster stands. It changes nothing.",
    "stop": "Ask the run on a cluster to begin no further node or workload, from anywhere.",
    "verdict": "Say who may reach whom in running clusters, by their network policies. It changes nothing.",
    "check": "Check the file of a Pulumi stack without Pulumi: every problem, and how to fix it.",
    "explain": "Explain a message or a blocker of a plan: what it means, where to look, how to go on.",
}
"""The commands, each `eks_cilium.cli.<name>.app`, with the summary that `eks-cilium --help` shows."""

_FAILED = {
    "plan": "no plan",
    "status": "no status",
    "stop": "not stopped",
    "verdict": "no verdict",
    "check": "not checked",
    "explain": "not explained",
}

_EPILOG = """\
[bold]Examples[/bold]

  eks-cilium plan --cluster production --region eu-central-1
  eks-cilium status --cluster production
  eks-cilium stop --cluster production
  eks-cilium verdict --context cluster-1 --context cluster-2
  eks-cilium check stacks/Pulumi.dev.yaml
  eks-cilium explain lease-held

Exit status of every command: 0 fine, 2 something blocks, 1 nothing could be judged
or the command line is wrong.

Messages go to stderr, results to stdout. NO_COLOR=1 turns colours off."""


class Commands(TyperGroup):
    """The commands, each imported when it is called, with one way to end for all of them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in COMMANDS.items()}

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> tuple[str | None, "Command | None", list[str]]:
        """Give the command that is called in place of its entry in the list of commands."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and _command(str(name)), rest

    def make_context(self, *arguments: Any, **options: Any) -> "Context":
        """Parse the options before the command. A wrong one ends the program with status 1."""
        try:
            return super().make_context(*arguments, **options)
        except Exception as error:
            _is_usage_error(error)
            raise

    def invoke(self, ctx: "Context") -> Any:
        """Run the command. Errors are explained on stderr and end the program with status 1."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if _is_usage_error(error) or _is_closed_pipe(error):
                raise
            _explain(error, str(ctx.invoked_subcommand))
            raise typer.Exit(UNJUDGED) from None


def _command(name: str) -> "Command":
    command = typer.main.get_command(import_module(f"eks_cilium.cli.{name}").app)
    command.name = name
    command.help, command.epilog = _unwrapped(command.help), _unwrapped(command.epilog)
    return command


def _unwrapped(text: str | None) -> str:
    """Join the lines of each paragraph, for the terminal to break them; indented ones are examples."""
    paragraphs = (text or "").split("\n\n")
    return "\n\n".join(each if each.startswith(" ") else " ".join(each.split()) for each in paragraphs)


def _is_usage_error(error: Exception) -> bool:
    """Tell whether typer prints the error itself, and give it our status: its own, 2, says `blocked` here."""
    if not hasattr(error, "format_message"):
        return False
    error.exit_code = UNJUDGED  # type: ignore[attr-defined]  # every such error of typer has it
    return True


def _is_closed_pipe(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _explain(error: Exception, command: str) -> None:
    if wants_traceback(error):
        raise error
    say(f"{_FAILED.get(command, 'eks-cilium')}: {explained(error)}")


app = typer.Typer(
    name="eks-cilium",
    cls=Commands,
    help="Cilium on AWS EKS: look at clusters, migrations and configurations, without Pulumi.",
    epilog=_unwrapped(_EPILOG),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"eks-cilium {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None: ...


def main() -> None:
    """Run the command line of this process and end it with the command's exit status."""
    app(prog_name="eks-cilium")
