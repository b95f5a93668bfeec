"""The cloud in its own process, as `python -m lab up` starts it, with the clients of a user."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from lab.environment import ROOT
from lab.toolchain import default_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

QUICK = {
    "control_plane_create": 0.2,
    "control_plane_delete": 0.2,
    "cluster_update": 0.3,
    "addon": 0.2,
    "addon_delete": 0.2,
    "node_group_update": 0.3,
    "instance_pending": 0.2,
    "instance_shutting_down": 0.2,
    "transit_gateway_change": 0.2,
    "load_balancer_provisioning": 0.2,
    "asg_launch": 0.2,
    "asg_terminating": 0.2,
    "asg_poll": 0.2,
    "node_boot": 0.3,
    "node_delete_after_termination": 0.5,
}


@dataclass
class CloudProcess:
    """A running cloud and its directory."""

    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def facts(self) -> dict[str, Any]:
        return self.read("cloud.json")

    def read(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.directory / name).read_text()))

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / name).read_text().splitlines()]

    def client(self, service: str, who: str = "cloud.json", region: str | None = None) -> Any:
        facts = self.read(who)
        return boto3.client(
            service,
            endpoint_url=facts["url"],
            aws_access_key_id=facts["accessKeyId"],
            aws_secret_access_key=facts["secretAccessKey"],
            region_name=region or facts["region"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    def environment(self, who: str = "cloud.json") -> dict[str, str]:
        """Return the environment of a command that uses the cloud, without the machine's own AWS settings."""
        facts = self.read(who)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": facts["url"],
            "AWS_ACCESS_KEY_ID": facts["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": facts["secretAccessKey"],
            "AWS_DEFAULT_REGION": facts["region"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def eventually(condition: Callable[[], Any], limit: float = 60.0) -> Any:
    """Return the first true result of a condition; fail after `limit` seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not true within {limit} s")


def start_cloud(directory: Path, *arguments: str, timing: dict[str, float] | None = None) -> CloudProcess:
    """Start a cloud and wait until it answers."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "timing.json").write_text(json.dumps(timing or QUICK))
    command = [sys.executable, "-m", "lab.cloud", "--directory", str(directory)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--cache", str(default_cache()), *arguments], cwd=ROOT, stdout=log, stderr=log
        )
    cloud = CloudProcess(process, directory)
    ready = directory / "cloud.json"
    eventually(lambda: ready.exists() or process.poll() is not None, 120)
    assert process.poll() is None, (directory / "log").read_text()
    return cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """One cloud for all tests that do not stop it."""
    cloud = start_cloud(tmp_path_factory.mktemp("cloud"))
    yield cloud
    cloud.stop()
