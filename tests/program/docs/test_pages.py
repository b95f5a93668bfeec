"""What the pages tell people to type exists: targets, commands, configuration keys, links."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from eks_cilium.cli.main import COMMANDS as COMMANDS_OF_EKS_CILIUM
from eks_cilium.settings.model import MODELS
from eks_cilium.settings.problems import ConfigurationError
from eks_cilium.settings.reading import read
from lab.__main__ import COMMANDS
from lab.demo.__main__ import MODES
from lab.environment import ROOT
from tests.program.cli.command import refusal

pytestmark = pytest.mark.unit

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
CODE = re.compile(r"```(?:sh|bash)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")


def commands(page: Path) -> Iterator[str]:
    """Yield each command of the page's shell blocks, and of its inline code, without trailing comments."""
    text = page.read_text()
    for block in CODE.findall(text):
        lines = block.replace("\\\n", " ").splitlines()
        yield from (line.split(" #")[0].strip() for line in lines if line.strip())
    yield from re.findall(r"`((?:make|python -m|pulumi|eks-cilium) [^`]+)`", text)


def matching(pattern: str) -> list[tuple[str, str]]:
    return [
        (page.name, found) for page in PAGES for line in commands(page) for found in re.findall(pattern, line)
    ]


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    named = matching(r"\bmake (?!PYTHON)([a-z]+)")

    assert named
    assert [(page, target) for page, target in named if target not in targets] == []


def test_every_mode_of_the_demo_exists() -> None:
    assert [(page, mode) for page, mode in matching(r"MODE=([a-z-]+)") if mode not in MODES] == []


def test_every_command_of_the_lab_exists() -> None:
    named = matching(r"python -m lab ([a-z]+)")

    assert named
    assert [(page, command) for page, command in named if command not in COMMANDS] == []


def test_every_command_line_of_eks_cilium_is_one_it_takes() -> None:
    lines = matching(r"\beks-cilium [^|>&;]+")

    assert {line.split()[1] for _, line in lines} >= {"plan", "verdict", "check"}
    wrong = [(page, line, problem) for page, line in lines if (problem := wrong_command_line(line))]
    assert wrong == []


def wrong_command_line(line: str) -> str | None:
    """Say what `eks-cilium` dislikes about a command line; one without options only names a command."""
    words = shlex.split(line)[1:]
    if len(words) == 1 and words[0] in COMMANDS_OF_EKS_CILIUM:
        return None
    return refusal(*words)


@pytest.mark.parametrize(
    "line", ["eks-cilium plann --cluster a", "eks-cilium plan --cluster a --sruge 2", "eks-cilium check a b"]
)
def test_the_guard_for_command_lines_can_fail(line: str) -> None:
    assert wrong_command_line(line)


def test_every_link_leads_somewhere() -> None:
    links = [(page, target) for page in PAGES for target in LINK.findall(page.read_text())]

    assert links
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []


def test_every_configuration_key_that_is_set_exists() -> None:
    keys = matching(r"pulumi config set --path '?([\w:.-]+)'?")
    unknown = [(page, key) for page, key in keys if not is_known(key)]

    assert keys
    assert unknown == []


def is_known(key: str) -> bool:
    """Tell whether a mode's configuration has a key: its value may be disliked, the key may not."""
    name, *path = key.split(".")
    nested: object = "?"
    for part in reversed(path):
        nested = {part: nested}
    return any(is_known_in(mode, key, name, nested) for mode in MODELS)


def is_known_in(mode: str, key: str, name: str, nested: object) -> bool:
    try:
        read({"eks-cilium:mode": mode, name: json.dumps(nested)})
    except ConfigurationError as refusal:
        return not any(problem.unknown and key.startswith(problem.key) for problem in refusal.problems)
    return True


def test_the_guard_for_keys_can_fail() -> None:
    assert not is_known("eks-cilium:cluster.protekt")


def test_the_readme_names_every_folder_of_the_top_level() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    folders = {name.partition("/")[0] for name in listed.stdout.splitlines() if "/" in name}
    where = (ROOT / "README.md").read_text().partition("## Where things are")[2]

    assert len(folders) <= 10
    assert [folder for folder in sorted(folders) if f"\n{folder}/ " not in where] == []
