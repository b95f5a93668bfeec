"""What tests of every area share: the order of their files, the built tools, a copy of the project."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.environment import ROOT
from lab.toolchain import Toolchain, default_cache

# Marks of tests that wait for processes. Their files start first (`make test` keeps the order of collection):
# a file that takes minutes and starts last would run alone, while the other workers have nothing left to do.
SLOW_MARKS = ("lab", "control_plane", "charts", "package")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places: dict[Path, int] = {}
    for item in items:
        places[item.path] = min(places.get(item.path, len(SLOW_MARKS)), _place(item))
    items.sort(key=lambda item: places[item.path])


def _place(item: pytest.Item) -> int:
    marked = (place for place, mark in enumerate(SLOW_MARKS) if item.get_closest_marker(mark))
    return next(marked, len(SLOW_MARKS))


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """The lab's tools; what is not in the cache yet is built, which takes minutes the first time."""
    return Toolchain(default_cache(), print)


@pytest.fixture(scope="session")
def copy_of_project() -> Callable[[Path], Path]:
    """Copies the program, as git would hand it to a new clone, into a folder."""

    def copy(target: Path) -> Path:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            path = Path(name)
            left_out = path.parts[0] in {"lab", "tests", "docs", ".ci"} and path.parts[:2] != (
                "lab",
                "stacks",
            )
            if not left_out and (ROOT / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target / name)
        (target / ".venv").symlink_to(ROOT / ".venv")
        return target

    return copy
