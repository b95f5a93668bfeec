"""The stack files that come with the program."""

from pathlib import Path

import pytest
import yaml

_STACKS = Path(__file__).resolve().parents[2] / "stacks"


@pytest.fixture(params=["dev", "prod", "lab", "replacement-dev", "lab-replacement"])
def stack_file(request: pytest.FixtureRequest) -> dict:
    return yaml.safe_load((_STACKS / f"Pulumi.{request.param}.yaml").read_text())["config"]
