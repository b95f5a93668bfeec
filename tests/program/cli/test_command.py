"""`eks-cilium` itself: help, versions, completion, terminals, and how long it takes to start."""

import io
import os
import pty
import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from eks_cilium import __version__
from eks_cilium.cli.main import COMMANDS, app
from eks_cilium.cli.output import grid, section
from eks_cilium.settings import read
from eks_cilium.settings.model import ReplacementSettings
from lab.environment import ROOT
from stacks.replacement import next_commands
from tests.program.cli.command import eks_cilium, parameters, refusal
from tests.program.settings.bad_configurations import GOOD_REPLACEMENT, as_pulumi

SCRIPT = "from eks_cilium.cli.main import main; main()"
LONGEST_START = 0.5
"""Seconds of CPU for `eks-cilium --help`."""
HEAVY = ("pydantic", "boto3", "botocore", "httpx", "yaml", "jsonschema", "websockets", "pulumi")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT, *arguments]


@pytest.mark.unit
def test_help_names_every_command_with_an_example_and_the_exit_statuses() -> None:
    ended = eks_cilium("--help")

    assert ended.status == 0
    for name in COMMANDS:
        assert f"eks-cilium {name} " in ended.out
    assert "0 fine, 2 something blocks, 1 nothing could be judged" in " ".join(ended.out.split())


@pytest.mark.unit
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_each_option_and_how_it_ends(name: str) -> None:
    ended = eks_cilium(name, "--help")

    text = " ".join(ended.out.replace("│", "").split())
    assert ended.status == 0
    assert COMMANDS[name] in text
    assert "Examples" in text
    assert "Exit status: 0 " in text
    assert ", 2 " in text or name == "explain"  # which judges nothing
    assert ", 1 " in text


@pytest.mark.unit
@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_without_help(name: str) -> None:
    from importlib import import_module

    application = import_module(f"eks_cilium.cli.{name}").app

    assert [parameter.name for parameter in parameters(application) if not parameter.help] == []


@pytest.mark.unit
def test_the_version_is_the_packages() -> None:
    assert eks_cilium("--version").out == f"eks-cilium {__version__}\n"


@pytest.mark.unit
def test_the_command_that_a_stack_suggests_is_one_it_takes() -> None:
    settings = read(as_pulumi({**GOOD_REPLACEMENT, "aws:profile": "ops"}))
    assert isinstance(settings, ReplacementSettings)
    (line,) = (line for line in next_commands(settings) if line.startswith("eks-cilium "))

    assert refusal(*shlex.split(line)[1:]) is None


@pytest.mark.unit
@pytest.mark.parametrize("arguments", [(), ("aply",), ("--colour",), ("check",), ("check", "a", "b")])
def test_a_wrong_command_line_ends_with_1(arguments: tuple[str, ...]) -> None:
    assert eks_cilium(*arguments).status == 1


@pytest.mark.unit
def test_a_command_that_is_nearly_right_is_suggested() -> None:
    assert "Did you mean 'verdict'?" in eks_cilium("verdit").err


@pytest.mark.unit
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("eks-cilium ver", "verdict"), ("eks-cilium plan --capacity dec", "decrement")],
)
def test_shells_can_complete(typed: str, offered: str) -> None:
    environment = {
        "_EKS_CILIUM_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }

    result = CliRunner().invoke(app, [], env=environment, prog_name="eks-cilium")

    assert result.stdout.split() == [offered]


@pytest.mark.simulation
def test_it_starts_within_half_a_second_of_cpu() -> None:
    """Of three starts the fastest counts: the machine may be busy with other tests."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command("--help"), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert min(seconds) < LONGEST_START


@pytest.mark.simulation
@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_waits_for_nothing_that_only_a_command_needs(arguments: tuple[str, ...]) -> None:
    script = (
        f"import sys\nsys.argv = ['eks-cilium', *{arguments!r}]\n"
        f"try:\n    exec({SCRIPT!r})\nexcept SystemExit:\n    pass\n"
        f"sys.exit(str([name for name in {HEAVY!r} if name in sys.modules] or ''))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.stderr.strip() == ""


def on_a_terminal(columns: int, *run: str, **environment: str) -> str:
    """Run a program whose output is a terminal of so many columns; gives what it writes there."""
    reader, terminal = pty.openpty()
    variables = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
    process = subprocess.Popen(
        list(run), cwd=ROOT, stdout=terminal, stderr=terminal, env=variables, close_fds=True
    )
    os.close(terminal)
    written = b""
    while chunk := _read(reader):
        written += chunk
    process.wait()
    os.close(reader)
    return written.decode()


def with_clusters(call: str) -> list[str]:
    """Run a command in a process of its own, with the clusters of these tests."""
    script = (
        "from eks_cilium.cli.main import app\nfrom eks_cilium.cli.sources import Sources\n"
        "from tests.program.cli.test_plan import blocked\n"
        "from tests.program.cli.test_verdict import clusters\n"
        f"app({call.split()!r}, obj=Sources(facts=blocked, objects=lambda _, name: clusters()[name]))"
    )
    return [sys.executable, "-c", script]


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except OSError:  # Linux ends a terminal whose writer is gone with EIO
        return b""


@pytest.fixture
def wrong_stack(tmp_path: Path) -> str:
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text("config:\n  eks-cilium:mode: replacment\n  eks-cilium:hubbel: true\n")
    return str(file)


def plain(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


@pytest.mark.simulation
def test_colours_are_for_terminals_that_want_them(wrong_stack: str) -> None:
    check = command("check", wrong_stack)
    piped = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "\x1b[1;31m" in on_a_terminal(100, *check)
    assert "\x1b[1;31m" not in on_a_terminal(100, *check, NO_COLOR="1")
    assert "\x1b[" not in piped.stdout


@pytest.mark.simulation
@pytest.mark.parametrize("columns", [60, 140])
def test_lines_wrap_at_the_width_of_the_terminal(columns: int, wrong_stack: str) -> None:
    lines = plain(on_a_terminal(columns, *command("check", wrong_stack)))

    assert max(map(len, lines)) <= columns


@pytest.mark.simulation
def test_a_plan_on_a_terminal_says_what_a_plan_in_a_pipe_says() -> None:
    narrow = on_a_terminal(64, *with_clusters("plan --cluster shop --pods"))
    wide = on_a_terminal(130, *with_clusters("plan --cluster shop --pods"))

    assert max(map(len, plain(narrow))) <= 64
    (row,) = (line for line in plain(wide) if line.startswith("1  node-0"))
    assert "workers" in row
    for text in ("Blockers:", "Pod shop/one (on node-0)", "Auto Scaling groups:", "1. node-0", "1 blocker"):
        assert text in " ".join(" ".join(plain(narrow)).split())
        assert text in " ".join(plain(wide))


@pytest.mark.unit
@pytest.mark.parametrize(("judges", "green"), [(True, 2), (False, 0)])
def test_only_verdicts_have_the_colours_of_verdicts(judges: bool, green: int) -> None:
    console = Console(force_terminal=True, file=io.StringIO(), width=100)

    console.print(grid(("BUDGETS",), [("shop/web: 1 pod, 1 allowed",)], wrapping=(), judges=judges))
    console.print(section("Notes", ["1 eviction is allowed"], judges=judges))

    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("\x1b[32mallowed") == green


@pytest.mark.simulation
def test_a_verdict_on_a_terminal_is_coloured_and_names_its_rule() -> None:
    written = on_a_terminal(200, *with_clusters("verdict --context one --context two"))

    assert "\x1b[32mallowed\x1b[0m" in written
    assert "allowed by my-client/allow egress[0]" in " ".join(plain(written))
    assert "Read differently from Cilium 1.19 on:" in " ".join(plain(written))
