"""docs/compatibility.md is generated from the tables, and what it calls tried is what the lab runs."""

import re
from pathlib import Path

import pytest
import yaml

from eks_cilium.cilium.versions import TRIED, minor_text, release_of
from eks_cilium.settings.compatibility import IMAGES, INSTALLED, NODE_TYPES, page, verdict
from eks_cilium.settings.model.cluster import KUBERNETES_VERSIONS
from lab.toolchain.programs import KUBERNETES_VERSION

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
STACKS = sorted((ROOT / "lab" / "stacks").glob("Pulumi.*.yaml"))


def test_the_page_is_the_one_generated_from_the_tables():
    assert (ROOT / "docs" / "compatibility.md").read_text() == page(), (
        "run `python -m eks_cilium.settings.compatibility --write docs/compatibility.md`"
    )


def test_what_was_tried_is_what_the_lab_runs():
    configured = [yaml.safe_load(file.read_text())["config"].get("eks-cilium:cilium") for file in STACKS]
    installed = {minor_text(cilium["version"]) for cilium in configured if cilium}

    assert {(cilium, minor_text(KUBERNETES_VERSION)) for cilium in installed} == {INSTALLED}


@pytest.mark.parametrize("version", TRIED)
@pytest.mark.parametrize("kubernetes", KUBERNETES_VERSIONS)
def test_only_a_kubernetes_older_than_every_tested_is_blocked(version: str, kubernetes: str):
    oldest = release_of(version).oldest_kubernetes
    older = tuple(map(int, kubernetes.split("."))) < oldest

    assert (verdict(version, kubernetes) == "blocked") is older


def test_every_source_in_this_program_exists():
    rows = (*NODE_TYPES, *IMAGES.values())
    named = {path for row in rows for path in re.findall(r"`([\w/]+\.py)`", row.source)}

    assert len(named) > 5
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []
