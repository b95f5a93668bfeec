"""Every bad configuration fails in preview with its own message, without a traceback, and creates nothing."""

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
"""A fifth of the table, spread over all kinds of mistakes; the unit tests of the settings run all of it."""

Previews = dict[str, tuple[Run, Run]]


@pytest.fixture(scope="module")
def previews(tmp_path_factory: pytest.TempPathFactory, copy_of_project: Callable[[Path], Path]) -> Previews:
    """The `preview` of every bad configuration, and the export of its stack after that.

    No cloud is running: a preview that reached the cloud would fail with another message.
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

    def pulumi(*arguments: str) -> Run:
        return run([*engine, "--", *arguments, "--stack", stack], environment, project)

    subprocess.run([*engine, "--", "stack", "init", stack], env=environment, cwd=project, check=True)
    return bad.name, (pulumi("preview"), pulumi("stack", "export"))


def test_there_are_at_least_thirty() -> None:
    assert len({bad.name for bad in PREVIEWED}) >= 30


@pytest.mark.parametrize("bad", PREVIEWED, ids=lambda bad: bad.name)
def test_preview_names_the_problem_and_creates_nothing(bad: Bad, previews: Previews) -> None:
    preview, exported = previews[bad.name]

    assert preview.code != 0
    for key, part in bad.problems.items():
        assert key in preview.output
        assert part in preview.output
    assert "Traceback" not in preview.output
    assert exported.json()["deployment"].get("resources", []) == []
