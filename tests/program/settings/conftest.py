"""The stack files that come with the program."""

from pathlib import Path

import pytest
import yaml

_STACKS = Path(__file__).resolve().parents[2] / "stacks"


_NAMES = [
    "dev",
    "prod",
    "lab",
    "lab-cluster-1",
    "lab-cluster-2",
    "chaining-dev",
    "lab-chaining",
    "lab-chained",
    "replacement-dev",
    "lab-replacement",
    "mesh-dev",
    "lab-mesh",
    "lab-mesh-transit",
    "lab-mission",
    "lab-mission-1",
]


@pytest.fixture(params=_NAMES)
def stack_file(request: pytest.FixtureRequest) -> dict:
    return yaml.safe_load((_STACKS / f"Pulumi.{request.param}.yaml").read_text())["config"]
