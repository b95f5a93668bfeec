"""requirements.txt, which Pulumi installs as it is, is complete: pip asks for hashes of all or of none."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
PLATFORMS = [
    {"python_version": python, "sys_platform": system, "platform_system": name, "platform_machine": machine}
    for python in ("3.11", "3.12", "3.13")
    for system, name in (("linux", "Linux"), ("darwin", "Darwin"))
    for machine in ("x86_64", "arm64" if system == "darwin" else "aarch64")
]
BINARY = {"grpcio", "pydantic-core", "pyyaml", "rpds-py", "wrapt"}
"""Packages with a wheel for every platform and minor of Python."""


def requirements(name: str) -> dict[str, Requirement]:
    """Requirements of a file by name; comments, options and hashes left out."""
    text = re.sub(r" \\\n\s+--hash=\S+", "", (ROOT / name).read_text())
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def version(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "==", requirement
    return specifier.version


def hashes() -> dict[str, list[str]]:
    blocks = re.split(r"\n(?=\w)", (ROOT / "requirements.txt").read_text())
    return {
        canonicalize_name(block.partition("==")[0]): re.findall(r"--hash=sha256:([0-9a-f]{64})", block)
        for block in blocks
        if "==" in block
    }


LOCKED = requirements("requirements.txt")


def test_it_has_what_requirements_in_asks_for():
    asked = requirements("requirements.in")

    assert {name: version(LOCKED[name]) for name in asked} == {
        name: version(requirement) for name, requirement in asked.items()
    }, "run `make requirements`"


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda values: " ".join(values.values()))
def test_it_has_all_that_its_packages_need(platform: dict[str, str]):
    missing = []
    for name, locked in LOCKED.items():
        if locked.marker is not None and not locked.marker.evaluate(platform):
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            if need.marker is not None and not need.marker.evaluate({**platform, "extra": ""}):
                continue
            found = LOCKED.get(canonicalize_name(need.name))
            if found is None or not need.specifier.contains(version(found), prereleases=True):
                missing.append(f"{name} needs {need}")

    assert not missing, "run `make requirements`"


def test_most_of_its_packages_are_installed_here_so_that_their_needs_are_known():
    absent = []
    for name in LOCKED:
        try:
            distribution(name)
        except PackageNotFoundError:
            absent.append(name)

    assert len(absent) <= len(LOCKED) // 10, absent


def test_every_package_has_hashes_of_its_files_for_all_platforms():
    found = hashes()

    assert set(found) == set(LOCKED)
    assert all(found.values())
    assert {name: len(found[name]) >= 20 for name in BINARY} == dict.fromkeys(BINARY, True)


def test_the_lab_and_the_checks_run_with_the_same_versions():
    constraints = requirements("constraints.txt")

    assert {name: version(locked) for name, locked in LOCKED.items() if name in constraints} == {
        name: version(constraints[name]) for name in LOCKED if name in constraints
    }
    assert [name for name in LOCKED if name not in constraints and LOCKED[name].marker is None] == []


def test_no_file_names_an_index():
    for name in ("requirements.txt", "requirements.in", "constraints.txt"):
        assert not re.search(r"https?://|index-url", (ROOT / name).read_text()), name
