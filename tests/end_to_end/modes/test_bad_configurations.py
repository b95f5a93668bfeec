"""Bad configurations fail in preview with their own messages, without a traceback, and create nothing.

`make test` previews a few of them, `make endurance` a fifth of the table, spread over all kinds of
mistakes; the unit tests of the settings run all of it.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lab.environment import PASSPHRASE, ROOT
from tests.program.settings.bad_configurations import BAD, Bad, changed

from .conftest import Run, run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

PREVIEWED = BAD[::5]
FEW = PREVIEWED[::12]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, copy_of_project: Callable[[Path], Path]) -> Path:
    """A copy of the program, with the state of all stacks.

    No cloud is running: a preview that reached the cloud would fail with another message.
    """
    return copy_of_project(tmp_path_factory.mktemp("project"))


def preview(project: Path, bad: Bad) -> tuple[Run, Run]:
    """Preview a configuration in a stack of its own; return that, and the export of the stack after it."""
    stack = f"bad-{PREVIEWED.index(bad)}"
    config = {
        key if ":" in key else f"eks-cilium:{key}": value
        for key, value in changed(bad.base, bad.change).items()
    }
    file = project / "stacks" / f"Pulumi.{stack}.yaml"
    file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    engine = [
        sys.executable,
        "-m",
        "lab.engine",
        "--program",
        str(project),
        "--state",
        str(project / "state"),
    ]

    def pulumi(*arguments: str) -> Run:
        return run([*engine, "--", *arguments, "--stack", stack], environment, project)

    subprocess.run([*engine, "--", "stack", "init", stack], env=environment, cwd=project, check=True)
    return pulumi("preview"), pulumi("stack", "export")


def test_there_are_at_least_thirty() -> None:
    assert len({bad.name for bad in PREVIEWED}) >= 30


@pytest.mark.parametrize("bad", FEW, ids=lambda bad: bad.name)
def test_preview_names_the_problem_and_creates_nothing(bad: Bad, project: Path) -> None:
    check(bad, project)


@pytest.mark.endurance
@pytest.mark.parametrize("bad", [bad for bad in PREVIEWED if bad not in FEW], ids=lambda bad: bad.name)
def test_more_previews_name_the_problem_and_create_nothing(bad: Bad, project: Path) -> None:
    check(bad, project)


def check(bad: Bad, project: Path) -> None:
    previewed, exported = preview(project, bad)

    assert previewed.code != 0
    for key, part in bad.problems.items():
        assert key in previewed.output
        assert part in previewed.output
    assert "Traceback" not in previewed.output
    assert exported.json()["deployment"].get("resources", []) == []
