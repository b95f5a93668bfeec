"""What the pages tell people to type exists: targets, commands, configuration keys, links."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from eks_cilium.cli.main import COMMANDS as COMMANDS_OF_EKS_CILIUM
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.report.wording import duration
from eks_cilium.settings.model import MODELS
from eks_cilium.settings.model.migration import MigrationOptions
from eks_cilium.settings.problems import ConfigurationError
from eks_cilium.settings.reading import read
from lab.__main__ import COMMANDS
from lab.demo.__main__ import MODES
from lab.environment import ROOT
from tests.program.cli.command import refusal
from tests.program.docs.pages import PAGES, anchors, links, matching
from tests.program.plan.builders import World

pytestmark = pytest.mark.unit

OBJECTS = (
    "migration",
    "refresh",
    "cilium",
    "cluster",
    "network",
    "vpcCni",
    "clusterMesh",
    "connection",
    "policies",
)
"""Objects of the configuration whose keys the pages name with their path."""


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))

    named = matching(r"\bmake (?!PYTHON)([a-z-]+)")

    assert named
    assert [(page, target) for page, target in named if target not in targets] == []


def test_every_mode_of_the_demo_exists() -> None:
    assert [(page, mode) for page, mode in matching(r"MODE=([a-z-]+)") if mode not in MODES] == []


def test_every_command_of_the_lab_exists() -> None:
    named = matching(r"python -m lab ([a-z-]+)")

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


def broken(page: Path) -> list[str]:
    """The links of a page to a file or a heading that does not exist."""
    wrong = []
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        missing = not target.exists() or (anchor and anchor not in anchors(target))
        wrong += [f"{page.name}: {path}#{anchor}"] if missing else []
    return wrong


def test_every_link_leads_to_a_file_and_to_a_heading_of_it() -> None:
    assert sum(len(links(page)) for page in PAGES) > 80
    assert [link for page in PAGES for link in broken(page)] == []


def test_the_guard_for_links_can_fail(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `two`, three\n\n[a](#one-two-three) [b](#one) [c](other.md)\n")

    assert broken(page) == ["page.md: #one", "page.md: other.md#"]


def test_the_index_names_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    named = {path for path, _ in links(index)}

    assert {page.name for page in index.parent.glob("*.md")} - named == {"README.md"}


@pytest.mark.parametrize("name", ["on-call.md", "rollback.md"])
def test_a_page_for_people_on_call_fits_on_one_screen(name: str) -> None:
    lines = (ROOT / "docs" / name).read_text().splitlines()

    assert len(lines) <= 50
    assert [line for line in lines if len(line) > 100] == []


def test_every_configuration_key_that_is_set_exists() -> None:
    keys = matching(r"pulumi config set --path '?([\w:.-]+)'?")
    unknown = [(page, key) for page, key in keys if not is_known(key)]

    assert keys
    assert unknown == []


def test_every_configuration_key_in_a_sentence_exists() -> None:
    pattern = re.compile(rf"`((?:{'|'.join(OBJECTS)})\.[A-Za-z.]+)[`: ]")
    pages = [page for page in PAGES if page.name != "configuration.md"]
    keys = {(page.name, key) for page in pages for key in pattern.findall(page.read_text())}

    assert len(keys) > 60
    assert [(page, key) for page, key in sorted(keys) if not is_known(f"eks-cilium:{key}")] == []


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


def test_the_times_in_the_readme_are_those_that_a_plan_estimates() -> None:
    facts = World(50).facts()
    options = {lanes: MigrationOptions(parallel=lanes, surge=lanes) for lanes in (1, 4)}
    times = {lanes: duration(plan(facts, chosen).seconds) for lanes, chosen in options.items()}

    assert times[1].startswith("1 h 46 min")
    assert times[4].startswith("29 min")
    assert "50 nodes take 1 h 46 min, with `migration.parallel: 4` 29 min" in (ROOT / "README.md").read_text()


def test_the_readme_names_every_folder_of_the_top_level() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    folders = {name.partition("/")[0] for name in listed.stdout.splitlines() if "/" in name}
    where = (ROOT / "README.md").read_text().partition("## Where things are")[2]

    assert len(folders) <= 10
    assert [folder for folder in sorted(folders) if f"\n{folder}/ " not in where] == []
