"""Every bad configuration ends in preview: with its own messages, without a traceback, with nothing made."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from lab.environment import PASSPHRASE, ROOT
from tests.program.settings.bad_configurations import BAD, Bad, changed

from .conftest import Run, run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

PREVIEWED = BAD[::5]
"""Part of the table, spread over all kinds of mistakes; the tests of the parser run all of it."""

Previews = dict[str, tuple[Run, Run]]


@pytest.fixture(scope="module")
def previews(tmp_path_factory: pytest.TempPathFactory, copy_of_project: Callable[[Path], Path]) -> Previews:
    """What `preview` said of every bad configuration, and what the stack held after it.

    Each starts the program anew, so that two run at a time. Nothing of the lab is up: a preview that
    got as far as the cloud would fail with another message.
    """
    project = copy_of_project(tmp_path_factory.mktemp("project"))
    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(lambda numbered: preview(project, *numbered), enumerate(PREVIEWED)))


def preview(project: Path, number: int, bad: Bad) -> tuple[str, tuple[Run, Run]]:
    stack = f"bad-{number}"
    config = {
        key if ":" in key else f"eks-cilium:{key}": value
        for key, value in changed(bad.base, bad.change).items()
    }
    (project / "stacks" / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
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

    def ask(*arguments: str) -> Run:
        return run([*engine, "--", *arguments, "--stack", stack], environment, project)

    subprocess.run([*engine, "--", "stack", "init", stack], env=environment, cwd=project, check=True)
    return bad.name, (ask("preview"), ask("stack", "export"))


def test_there_are_at_least_thirty() -> None:
    assert len({bad.name for bad in PREVIEWED}) >= 30


@pytest.mark.parametrize("bad", PREVIEWED, ids=lambda bad: bad.name)
def test_preview_names_the_problem_and_makes_nothing(bad: Bad, previews: Previews) -> None:
    told, kept = previews[bad.name]

    assert told.code != 0
    for key, part in bad.problems.items():
        assert key in told.output
        assert part in told.output
    assert "Traceback" not in told.output
    assert kept.json()["deployment"].get("resources", []) == []
