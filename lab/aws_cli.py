"""The real AWS CLI against the lab: what exists, and the kubeconfig of its clusters."""

import json
import subprocess
from typing import Any

from lab.environment import Places, client_environment


def aws(places: Places, *words: str) -> Any:
    """Run the real AWS CLI against the lab and return its parsed answer.

    Raises:
        subprocess.CalledProcessError: the CLI failed; its message is in `stderr`.
    """
    command = [str(places.binaries / "aws"), *words, "--output", "json"]
    done = subprocess.run(command, env=client_environment(places), capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def clusters(places: Places) -> list[str]:
    return list(aws(places, "eks", "list-clusters")["clusters"])


def write_kubeconfig(places: Places) -> None:
    """Write the lab's kubeconfig with every ACTIVE cluster in it."""
    places.kubeconfig.unlink(missing_ok=True)
    for name in clusters(places):
        described = aws(places, "eks", "describe-cluster", "--name", name)["cluster"]
        if described["status"] == "ACTIVE":
            aws_words = ["eks", "update-kubeconfig", "--name", name, "--alias", name]
            _run_plain(places, aws_words)


def _run_plain(places: Places, words: list[str]) -> None:
    command = [str(places.binaries / "aws"), *words]
    subprocess.run(command, env=client_environment(places), capture_output=True, check=True)
