"""The stack files that come with the program."""

from pathlib import Path

import pytest
import yaml

_ROOT = Path(__file__).resolve().parents[3]


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
    folder = _ROOT / "lab" / "stacks" if request.param.startswith("lab") else _ROOT / "stacks"
    return yaml.safe_load((folder / f"Pulumi.{request.param}.yaml").read_text())["config"]
