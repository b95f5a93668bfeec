"""The command `eks-cilium check`: the configuration of a Pulumi stack, checked without Pulumi."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eks_cilium.cli.commands import new_app
from eks_cilium.cli.output import BLOCKED, FINE, UNJUDGED, Format, FormatOption, section, show
from eks_cilium.cli.stack_file import KeyPath, StackFile, read_stack_file
from eks_cilium.cli.stack_policies import policy_problems
from eks_cilium.settings import ConfigurationError, Problem, read
from eks_cilium.settings.model import MeshSettings
from eks_cilium.settings.problems import UNSET, key_path

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = "eks-cilium/check/v1"
_EPILOG = """\
[bold]Examples[/bold]

  eks-cilium check stacks/Pulumi.dev.yaml
  eks-cilium check stacks/Pulumi.mesh-dev.yaml --format json

Exit status: 0 the configuration is right, 2 it has problems, 1 it could not be judged
or the command line is wrong.

Files that the configuration names are found from the folder of Pulumi.yaml, as `pulumi up`
finds them. No Pulumi, AWS account or cluster is needed: what only those know is checked by
`pulumi preview`."""

app = new_app()


@dataclass(frozen=True)
class Checked:
    """What the check of one stack file found."""

    file: StackFile
    problems: tuple[Problem, ...]
    complete: bool
    """Whether the rules between keys were checked: they need values of the right shape, and readable ones."""

    @property
    def status(self) -> int:
        """The exit status of the command."""
        if self.problems:
            return BLOCKED
        return FINE if self.complete else UNJUDGED


@app.command(epilog=_EPILOG)
def check(
    stack_file: Annotated[
        Path,
        typer.Argument(metavar="STACKFILE", help="A stack's file such as stacks/Pulumi.dev.yaml."),
    ],
    form: FormatOption = Format.TABLE,
) -> None:
    """Check the file of a Pulumi stack without Pulumi: every problem, and how to fix it.

    Runs the check that `pulumi preview` begins with: every key, the rules between keys, and the policies of a
    mesh with what they allow. Each problem comes with its key, the value found, what is allowed and the
    command that fixes it. Encrypted values (`secure:`) count as set, but what they hold is not checked.

    Policies are judged for every Cilium release that is served, since only a preview knows which one the
    clusters run: a problem is printed when each of them has it.
    """
    found = checked(read_stack_file(stack_file))
    show(
        form,
        text=lambda: "\n".join(_text(found)) + "\n",
        markdown=lambda: "\n".join(_markdown(found)) + "\n",
        document=lambda: document(found),
        pretty=lambda: _pretty(found),
    )
    raise typer.Exit(found.status)


def checked(file: StackFile) -> Checked:
    """Check a configuration; files that it names are read from the project's folder.

    Problems of encrypted values are left out, since these cannot be read here.
    """
    error = _error(file.values, file.project)
    # Whether a key exists at all does not depend on its value, so encrypted ones are in for this.
    masked = _error(file.masked_values, file.project) if file.encrypted else None
    problems = [problem for problem in _problems(error) if not _below(problem.path, file.encrypted)]
    unknown = [problem for problem in _problems(masked) if problem.unknown and problem not in problems]
    of_encrypted = [problem for problem in unknown if _below(problem.path, file.encrypted)]
    return Checked(file, (*problems, *of_encrypted), complete=error is None or error.complete)


def document(found: Checked) -> dict[str, Any]:
    """Give the result as a JSON document. Its keys are a contract: they are added to, never renamed."""
    return {
        "schema": SCHEMA,
        "file": str(found.file.path),
        "mode": found.file.mode,
        "complete": found.complete,
        "notRead": [key_path(path) for path in found.file.encrypted],
        "problems": [
            {
                "key": problem.key,
                "isSet": problem.value is not UNSET,
                "value": None if problem.value is UNSET else problem.value,
                "allowed": problem.allowed,
                "fix": problem.fix,
            }
            for problem in found.problems
        ],
    }


def _error(values: dict[str, str], project: Path) -> ConfigurationError | None:
    try:
        settings = read(values)
    except ConfigurationError as error:
        return error
    found = policy_problems(settings, project) if isinstance(settings, MeshSettings) else ()
    return ConfigurationError(found) if found else None


def _problems(error: ConfigurationError | None) -> Sequence[Problem]:
    return error.problems if error else ()


def _below(path: KeyPath, encrypted: Sequence[KeyPath]) -> bool:
    return any(path[: len(place)] == place for place in encrypted)


def _text(found: Checked) -> Iterator[str]:
    yield _headline(found)
    yield from (f"  {line}" for problem in found.problems for line in str(problem).splitlines())
    yield from _notes(found)


def _pretty(found: Checked) -> "Iterator[RenderableType]":
    yield section(_headline(found), (), "bold red" if found.problems else "bold green")
    for problem in found.problems:
        title, *lines = str(problem).splitlines()
        yield section(title, [line.strip() for line in lines])
    if notes := list(_notes(found)):
        yield section("Not checked:", notes)


def _markdown(found: Checked) -> Iterator[str]:
    yield f"# {_headline(found)}"
    if found.problems:
        yield from ("", "| Key | Value | Allowed | Fix |", "| --- | --- | --- | --- |")
    for problem in found.problems:
        value = "not set" if problem.value is UNSET else f"`{json.dumps(problem.value, default=str)}`"
        cells = (f"`{problem.key}`", value, problem.allowed, f"`{problem.fix}`")
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    notes = list(_notes(found))
    yield from ("", *(f"- {note}" for note in notes)) if notes else ()


def _headline(found: Checked) -> str:
    count = len(found.problems)
    result = "no problems" if not count else "1 problem" if count == 1 else f"{count} problems"
    if found.status != UNJUDGED:
        return f"{found.file.path}: mode {found.file.mode or 'not set'}, {result}"
    return f"{found.file.path}: could not be judged as a whole, because of values that are encrypted"


def _notes(found: Checked) -> Iterator[str]:
    if found.problems and not found.complete:
        yield "What keys mean for each other is checked when these are right."
    for path in found.file.encrypted:
        yield f"{key_path(path)} is encrypted: what it holds was not checked."
