"""The same `__main__.py` on the Pulumi CLI and on the built-in engine: same resources, operations, outputs.

Runs where `pulumi` is on PATH. Both engines use the same emulated providers in the same lab, one after the
other; values that the cloud generates (ids, addresses, fingerprints) are masked before the comparison.
"""

import re
import shutil
from typing import Any

import pytest

from lab import program

from .conftest import LabOfTest

pytestmark = [
    pytest.mark.lab,
    pytest.mark.real_engine,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH"),
]

GENERATED = [
    (r"\b[a-z]+(-[a-z]+)?-[0-9a-f]{8,17}\b", "ID"),
    (r"https?://[^\s\"']+", "URL"),
    (r"\b[0-9a-fA-F]{32,64}\b", "HASH"),
    (r"LS0tLS1[A-Za-z0-9+/=]+", "PEM"),
    (r"\b\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?", "TIME"),
    (r"(?<=-)[0-9a-f]{7}\b", "SUFFIX"),
    (r"^\d{4,5}$", "PORT"),
    (r"\b127\.0\.0\.1:\d+", "ADDRESS"),
]


@pytest.fixture(scope="module")
def histories(lab: LabOfTest) -> dict[str, dict[str, Any]]:
    """Preview, outputs and state of the same stack on each engine, which creates and destroys it."""
    return {engine: history(LabOfTest(lab.places, engine)) for engine in (program.BUILT_IN, program.OFFICIAL)}


def history(lab: LabOfTest) -> dict[str, Any]:
    preview = lab.pulumi("preview", "--json")
    assert preview.code == 0, preview.output
    updated = lab.pulumi("up", "--yes", "--skip-preview")
    assert updated.code == 0, updated.output
    recorded = {
        "preview": operations(preview.json()),
        "outputs": masked(lab.pulumi("stack", "output", "--json").json()),
        "state": resources(lab.pulumi("stack", "export").json()),
        "again": lab.pulumi("preview", "--expect-no-changes").code,
    }
    destroyed = lab.pulumi("destroy", "--yes")
    assert destroyed.code == 0, destroyed.output
    return recorded


def test_same_operations_in_preview(histories: dict[str, dict[str, Any]]) -> None:
    assert histories[program.BUILT_IN]["preview"] == histories[program.OFFICIAL]["preview"]


def test_same_resources_in_state(histories: dict[str, dict[str, Any]]) -> None:
    built_in, official = (histories[engine]["state"] for engine in (program.BUILT_IN, program.OFFICIAL))

    assert sorted(built_in) == sorted(official)
    assert different(built_in, official) == []


def test_same_outputs(histories: dict[str, dict[str, Any]]) -> None:
    assert histories[program.BUILT_IN]["outputs"] == histories[program.OFFICIAL]["outputs"]


def test_second_preview_is_empty_on_both(histories: dict[str, dict[str, Any]]) -> None:
    assert {engine: recorded["again"] for engine, recorded in histories.items()} == {
        program.BUILT_IN: 0,
        program.OFFICIAL: 0,
    }


def different(left: dict[str, dict[str, Any]], right: dict[str, dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return (URN, property, left value, right value) wherever the two states differ."""
    return [
        (urn.rpartition("::")[2], name, left[urn][name], right[urn][name])
        for urn in left
        for name in left[urn]
        if left[urn][name] != right[urn][name]
    ]


def operations(digest: Any) -> set[tuple[str, str]]:
    """Return (operation, URN) of every step, except default providers, which each engine names itself."""
    return {(step["op"], step["urn"]) for step in digest["steps"] if "pulumi:providers:" not in step["urn"]}


def resources(deployment: Any) -> dict[str, dict[str, Any]]:
    """Return each resource of a state, with generated values masked."""
    return {
        resource["urn"]: {
            "inputs": masked(without_notes(resource.get("inputs", {}))),
            "parent": resource.get("parent"),
            "protect": resource.get("protect", False),
            "dependencies": sorted(resource.get("dependencies") or []),
            "custom": resource["custom"],
        }
        for resource in deployment["deployment"]["resources"]
        if "::default" not in resource["urn"]
    }


def without_notes(inputs: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the CLI records about a provider's download in its inputs."""
    return {key: value for key, value in inputs.items() if key != "__internal"}


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        if "ciphertext" in value:
            return "SECRET"
        return {key: masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, str):
        return value
    for pattern, name in GENERATED:
        value = re.sub(pattern, name, value)
    return value
