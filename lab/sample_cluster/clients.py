"""The clients an engineer has for an AWS account and a cluster: boto3, and kubectl with an EKS token."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from lab.environment import Cloud, Places, client_environment
from lab.errors import LabError


class CommandFailedError(LabError):
    """A kubectl command failed; the message holds the command and its error output."""


@dataclass(frozen=True)
class Aws:
    """boto3 clients for the running cloud, with the credentials of its only engineer."""

    cloud: Cloud

    @cached_property
    def ec2(self) -> Any:
        return self._client("ec2")

    @cached_property
    def eks(self) -> Any:
        return self._client("eks")

    @cached_property
    def iam(self) -> Any:
        return self._client("iam")

    @cached_property
    def autoscaling(self) -> Any:
        return self._client("autoscaling")

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.cloud.url,
            aws_access_key_id=self.cloud.access_key_id,
            aws_secret_access_key=self.cloud.secret_access_key,
            region_name=self.cloud.region,
            config=Config(retries={"mode": "standard"}),
        )


@dataclass(frozen=True)
class Kubectl:
    """Runs the real kubectl with one context of the lab's kubeconfig."""

    places: Places
    context: str

    def command(self, *words: str) -> list[str]:
        """Return the command line, for callers that start the process themselves."""
        return [str(self.places.binaries / "kubectl"), "--context", self.context, *words]

    def __call__(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl and return its standard output.

        Raises:
            CommandFailedError: kubectl exited with an error.
        """
        done = subprocess.run(
            self.command(*words),
            env=client_environment(self.places),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = f"kubectl {' '.join(words)}: {done.stderr.strip()}"
            raise CommandFailedError(message)
        return done.stdout

    def items(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the objects of some kinds in all namespaces."""
        found: list[dict[str, Any]] = json.loads(self("get", ",".join(kinds), "-A", "-o", "json"))["items"]
        return found

    def apply(self, manifests: Iterable[str]) -> None:
        self("apply", "-f", "-", stdin="\n---\n".join(manifests))
