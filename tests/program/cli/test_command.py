"""`eks-cilium` itself: help, versions, completion, terminals, and how long it takes to start."""

import os
import pty
import resource
import shlex
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from eks_cilium import __version__
from eks_cilium.cli.main import COMMANDS, app
from eks_cilium.settings import read
from lab.environment import ROOT
from stacks.replacement import next_commands
from tests.program.cli.command import eks_cilium, refusal
from tests.program.settings.bad_configurations import GOOD_REPLACEMENT, as_pulumi

SCRIPT = "from eks_cilium.cli.main import main; main()"
LONGEST_START = 0.5
"""Seconds of CPU for `eks-cilium --help`."""
HEAVY = ("pydantic", "boto3", "botocore", "httpx", "yaml", "jsonschema", "websockets", "pulumi")


def command(*arguments: str, **environment: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT, *arguments]


@pytest.mark.unit
def test_help_names_every_command_with_an_example_and_the_exit_statuses():
    ended = eks_cilium("--help")

    assert ended.status == 0
    for name in COMMANDS:
        assert f"eks-cilium {name} " in ended.out
    assert "0 fine, 2 something blocks, 1 nothing could be judged" in " ".join(ended.out.split())


@pytest.mark.unit
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_each_option_and_how_it_ends(name):
    ended = eks_cilium(name, "--help")

    text = " ".join(ended.out.replace("│", "").split())
    assert ended.status == 0
    assert COMMANDS[name] in text
    assert "Examples" in text
    assert "Exit status: 0 " in text
    assert ", 2 " in text
    assert ", 1 " in text


@pytest.mark.unit
@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_without_help(name):
    from importlib import import_module

    from typer.main import get_command

    parameters = get_command(import_module(f"eks_cilium.cli.{name}").app).params

    assert [parameter.name for parameter in parameters if not parameter.help] == []


@pytest.mark.unit
def test_the_version_is_the_packages():
    assert eks_cilium("--version").out == f"eks-cilium {__version__}\n"


@pytest.mark.unit
def test_the_command_that_a_stack_suggests_is_one_it_takes():
    raw = as_pulumi({**GOOD_REPLACEMENT, "aws:profile": "ops"})
    (line,) = (line for line in next_commands(read(raw)) if line.startswith("eks-cilium "))

    assert refusal(*shlex.split(line)[1:]) is None


@pytest.mark.unit
@pytest.mark.parametrize("arguments", [(), ("aply",), ("--colour",), ("check",), ("check", "a", "b")])
def test_a_wrong_command_line_ends_with_1(arguments):
    assert eks_cilium(*arguments).status == 1


@pytest.mark.unit
def test_a_command_that_is_nearly_right_is_suggested():
    assert "Did you mean 'verdict'?" in eks_cilium("verdit").err


@pytest.mark.unit
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("eks-cilium ver", "verdict"), ("eks-cilium plan --capacity dec", "decrement")],
)
def test_shells_can_complete(typed, offered):
    environment = {
        "_EKS_CILIUM_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }

    result = CliRunner().invoke(app, [], env=environment, prog_name="eks-cilium")

    assert result.stdout.split() == [offered]


@pytest.mark.simulation
def test_it_starts_within_half_a_second_of_cpu():
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
def test_help_waits_for_nothing_that_only_a_command_needs(arguments):
    script = (
        f"import sys\nsys.argv = ['eks-cilium', *{arguments!r}]\n"
        f"try:\n    exec({SCRIPT!r})\nexcept SystemExit:\n    pass\n"
        f"sys.exit(str([name for name in {HEAVY!r} if name in sys.modules] or ''))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.stderr.strip() == ""


def on_a_terminal(columns: int, *arguments: str, **environment: str) -> str:
    """Run a command whose output is a terminal of so many columns; gives what it writes there."""
    reader, terminal = pty.openpty()
    variables = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
    process = subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=terminal, stderr=terminal, env=variables, close_fds=True
    )
    os.close(terminal)
    written = b""
    while chunk := _read(reader):
        written += chunk
    process.wait()
    os.close(reader)
    return written.decode()


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except OSError:  # Linux ends a terminal that nobody writes to any more with EIO
        return b""


@pytest.fixture
def wrong_stack(tmp_path):
    file = tmp_path / "Pulumi.test.yaml"
    file.write_text("config:\n  eks-cilium:mode: replacment\n  eks-cilium:hubbel: true\n")
    return str(file)


@pytest.mark.simulation
def test_colours_are_for_terminals_that_want_them(wrong_stack):
    piped = subprocess.run(
        command("check", wrong_stack), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "\x1b[" in on_a_terminal(100, "check", wrong_stack)
    assert "\x1b[3" not in on_a_terminal(100, "check", wrong_stack, NO_COLOR="1")
    assert "\x1b[" not in piped.stdout


@pytest.mark.simulation
@pytest.mark.parametrize("columns", [60, 140])
def test_lines_wrap_at_the_width_of_the_terminal(columns, wrong_stack):
    lines = on_a_terminal(columns, "check", wrong_stack, NO_COLOR="1").splitlines()

    plain = [line.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "") for line in lines]
    assert max(map(len, plain)) <= columns
