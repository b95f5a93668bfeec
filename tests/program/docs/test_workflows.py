"""Workflows of this repository and templates for adopters: pinned, with few rights and real commands."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = sorted((ROOT / "docs" / "ci").glob("*.yml"))
WORKFLOWS = [*OWN, *TEMPLATES]
RIGHTS = {
    "preview.yml": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    "deploy.yml": {"contents": "read", "id-token": "write"},
    "drift.yml": {"contents": "read", "id-token": "write"},
}
"""The most that the jobs of a workflow may be given beyond reading the repository."""
PULUMI = {"install": set(), "preview": {"diff", "refresh", "expect-no-changes"}, "up": set()}
"""Commands that the templates run, with the options that they give to Pulumi's action."""
CLI = re.compile(r"^(python|\.venv/bin/pip|\.venv/bin/eks-cilium|eks-cilium|make|pulumi)$")


def parsed(file: Path) -> dict[str, Any]:
    document = yaml.safe_load(file.read_text())
    # YAML 1.1 reads the key `on` as true.
    return {("on" if key is True else key): value for key, value in document.items()}


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    return parsed(file)["jobs"]


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(file).values() for step in job["steps"]]


def commands(file: Path) -> list[list[str]]:
    lines = [line for step in steps(file) for line in step.get("run", "").splitlines()]
    return [shlex.split(part) for line in lines for part in line.split("&&")]


def in_every(check: Any) -> Any:
    return pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)(check)


def test_there_are_workflows():
    assert [file.name for file in OWN] == ["checks.yml"]
    assert {file.name for file in TEMPLATES} == set(RIGHTS)


@in_every
def test_every_action_is_pinned_by_commit_and_names_its_release(file: Path):
    used = [line.split("uses:")[1].strip() for line in file.read_text().splitlines() if "uses:" in line]

    assert len(used) == len([step for step in steps(file) if "uses" in step]) > 0
    for entry in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", entry), entry


def test_an_action_has_the_same_pin_everywhere():
    pins: dict[str, set[str]] = {}
    for file in WORKFLOWS:
        for name, pin in re.findall(r"uses: (\S+?)@(.+)", file.read_text()):
            pins.setdefault(name, set()).add(pin)

    assert {name: len(found) for name, found in pins.items()} == dict.fromkeys(pins, 1)


@in_every
def test_rights_are_the_least(file: Path):
    assert parsed(file)["permissions"] == {"contents": "read"}
    for job in jobs(file).values():
        given = job.get("permissions", {"contents": "read"})
        assert given.items() <= RIGHTS.get(file.name, {"contents": "read"}).items()


@in_every
def test_the_token_of_the_repository_is_not_left_on_the_disk(file: Path):
    checkouts = [step for step in steps(file) if step.get("uses", "").startswith("actions/checkout@")]

    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@in_every
def test_runs_have_a_limit_and_do_not_meet(file: Path):
    assert parsed(file)["concurrency"]["group"]
    assert all(0 < job["timeout-minutes"] <= 360 for job in jobs(file).values())


def test_a_deployment_is_never_cancelled_and_waits_for_its_environment():
    workflow = parsed(ROOT / "docs" / "ci" / "deploy.yml")

    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert {job["environment"] for job in workflow["jobs"].values()} == {"${{ matrix.stack }}"}


def test_a_fork_gets_no_credentials():
    workflow = parsed(ROOT / "docs" / "ci" / "preview.yml")

    assert set(workflow["on"]) == {"pull_request"}
    assert all("head.repo.full_name == github.repository" in job["if"] for job in workflow["jobs"].values())


@in_every
def test_no_expression_of_a_pull_request_is_in_a_command(file: Path):
    assert [step["run"] for step in steps(file) if "${{" in step.get("run", "")] == []


@in_every
def test_every_command_exists(file: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for program, *words in commands(file):
        assert CLI.match(program), program
        if program == "make":
            assert words[0] in targets
        if program == "pulumi":
            assert words[0] in PULUMI
        for word in words:
            if word.endswith(".txt"):
                assert (ROOT / word).is_file()


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_pulumi_runs_as_the_program_expects_it(file: Path):
    (version,) = re.findall(r"^pulumi==(\S+)$", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    uses = [step for step in steps(file) if step.get("uses", "").startswith("pulumi/actions@")]

    assert {step["with"]["pulumi-version"] for step in uses} == {version}
    (run,) = [step["with"] for step in uses if "command" in step["with"]]
    switches = {
        key for key, value in run.items() if value is True and key in ("diff", "refresh", "expect-no-changes")
    }
    assert switches <= PULUMI[run["command"]]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_the_stacks_of_the_templates_have_files(file: Path):
    for job in jobs(file).values():
        for stack in job["strategy"]["matrix"]["stack"]:
            assert (ROOT / "stacks" / f"Pulumi.{stack}.yaml").is_file()


def test_the_variables_of_the_templates_are_explained():
    page = (ROOT / "docs" / "ci.md").read_text()
    names = {name for file in TEMPLATES for name in re.findall(r"(?:vars|secrets)\.(\w+)", file.read_text())}

    assert names
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_paths_that_trigger_a_workflow_exist():
    for file in TEMPLATES:
        for event in parsed(file)["on"].values():
            for path in (event or {}).get("paths", []) if isinstance(event, dict) else []:
                assert (ROOT / path.removesuffix("/**")).exists(), path


def test_the_configuration_of_renovate_names_files_that_exist():
    text = (ROOT / "renovate.json").read_text()
    patterns = [
        pattern.strip("/")
        for value in json.loads(text).values()
        if isinstance(value, dict)
        for pattern in value["managerFilePatterns"]
    ]
    files = [
        str(file.relative_to(ROOT)) for folder in ("", "docs/ci/") for file in (ROOT / folder).glob("*.*")
    ]

    assert len(patterns) >= 3
    assert [pattern for pattern in patterns if not any(re.search(pattern, file) for file in files)] == []


def test_the_forms_for_issues_are_complete():
    for file in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"):
        form = yaml.safe_load(file.read_text())
        assert form["name"]
        assert form["description"]
        assert all(part["type"] == "markdown" or part["attributes"]["label"] for part in form["body"])
