"""Runs the player's own Go tests, of its pure parts and with simulated clocks."""

import os
import subprocess

import pytest

from lab.environment import ROOT

pytestmark = pytest.mark.control_plane  # compiled with the lab's tools, which takes a minute the first time


@pytest.mark.parametrize("check", [("vet",), ("test",)])
def test_the_go_module_passes(check):
    done = subprocess.run(
        ["go", *check, "./nodeplayer/..."],
        cwd=ROOT / "lab",
        env=os.environ | {"CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_go_module_is_formatted():
    done = subprocess.run(
        ["gofmt", "-l", "."], cwd=ROOT / "lab" / "nodeplayer", capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
